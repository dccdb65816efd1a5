"""A run and the folder that keeps it: what was run, a line for each case, and what came of it.

    run.json        the manifest: what the run follows from, and at the end its measures and gates
    records.jsonl   one record a line, written as each case is done
    calls.sqlite    every call of a model or an embedder (`qa.replay`)
    report.md, report.html; judgements.jsonl where a model judged the answers

A run that was stopped anywhere can go on: a last line that was cut is dropped, and no case is asked twice.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from threading import Lock
from types import UnionType
from typing import Any, Literal, TypedDict, cast

from qa.errors import ContentError, WorkspaceError
from qa.text import shorten, suggest
from qa.workspace import Workspace

RECORDS, MANIFEST, CALLS = "records.jsonl", "run.json", "calls.sqlite"
RETRIEVED = "retrieval.jsonl"  # in place of the records, where only passages were looked for (`qa.retrieval_run`)

_OF_RUN = (RECORDS, CALLS, f"{CALLS}-wal", f"{CALLS}-shm", MANIFEST)  # the manifest goes last, as it came first
_MADE_OF_RUN = ("report.md", "report.html", "judgements.jsonl")


class RankedPassage(TypedDict):
    """A passage found; `parts` are the parts of the gold evidence of which it holds at least half a sentence."""

    passage: str
    source: str
    start: int
    end: int
    score: float
    parts: list[int]


class Record(TypedDict):
    """One case asked once: the gold, what was answered, and its scores, None where a measure does not apply.

    `repeat` counts from 1. `asked` is the question as it stood alone. `prediction` is what was compared with the
    gold, None for an abstention. `answer` is in the form of `qa ask --json`, None where only passages were asked for;
    `stands` says of each of its citations whether the archive's article has that quote at that place. `relevant`
    counts the passages of the archive that hold evidence. `cluster` is shared by cases that rest on one article.
    `unscorable` has the reason for each measure that applies but could not be taken.
    """

    case: dict[str, Any]
    repeat: int
    cluster: str
    asked: str
    prediction: str | None
    answer: dict[str, Any] | None
    stands: list[bool]
    relevant: int
    hits: list[RankedPassage]
    scores: dict[str, float | None]
    unscorable: dict[str, str]
    seconds: dict[str, float]


_RECORD_TYPES: Mapping[str, type | UnionType] = {
    "case": dict, "repeat": int, "cluster": str, "asked": str, "prediction": str | None, "answer": dict | None,
    "stands": list, "relevant": int, "hits": list, "scores": dict, "unscorable": dict, "seconds": dict,
}  # fmt: skip
_REMEDY = "Delete the run's folder and run it anew."


@dataclass(frozen=True, slots=True)
class Measure:
    """A mean over the `n` cases that it applies to, with its 95 % interval; None where n is 0.

    `abstention_f1` and `aurc` are no means and have no interval. `unscorable` counts the cases apart that it applies
    to but that could not be scored.
    """

    mean: float | None
    low: float | None
    high: float | None
    n: int
    unscorable: int = 0


@dataclass(frozen=True, slots=True)
class Gate:
    """A rule of the suite, the value it was held against, and whether it is met; `reason` says why not.

    `kind` is that of `qa.suite.GateRule`: "mean", "bound" or "not_worse_than".
    """

    measure: str
    kind: Literal["mean", "bound", "not_worse_than"]
    limit: float | None
    baseline: str | None
    value: float | None
    passed: bool
    reason: str = ""


@dataclass(frozen=True)
class Run:
    """A suite that was run, whole or in part, as its folder has it.

    `measures` are in the order of `qa.measures.MEASURES`; `pass@k` and `pass^k` follow where cases were repeated.
    `manifest` is `run.json`.
    """

    folder: Path
    manifest: Mapping[str, Any]
    records: tuple[Record, ...]
    measures: Mapping[str, Measure]
    gates: tuple[Gate, ...] = ()

    @property
    def suite(self) -> str:
        """The suite's name."""
        return str(self.manifest["suite"])

    @property
    def system(self) -> str:
        """What was run: "full", a stage of it, or a baseline."""
        return str(self.manifest["system"])

    @property
    def model(self) -> str | None:
        """The model that wrote the answers; None where they are sentences of the articles."""
        return cast("str | None", self.manifest["model"])

    @property
    def started(self) -> datetime:
        """When the run began."""
        return datetime.fromisoformat(self.manifest["started"])

    @property
    def partial(self) -> str | None:
        """Why not every case was asked; None for a whole run."""
        return cast("str | None", self.manifest.get("partial"))

    @property
    def passed(self) -> bool:
        """Whether every gate of the suite is met."""
        return all(gate.passed for gate in self.gates)

    @property
    def unscorable(self) -> tuple[Record, ...]:
        """The records of which some measure could not be taken."""
        return tuple(record for record in self.records if record["unscorable"])

    def to_dict(self) -> dict[str, Any]:
        """The result as plain data, without the records: the form of `qa eval run --json`."""
        return {
            **self.manifest,
            "folder": str(self.folder),
            "records": len(self.records),
            "unscorable": len(self.unscorable),
            "measures": {name: asdict(measure) for name, measure in self.measures.items()},
            "gate_results": [asdict(gate) for gate in self.gates],
            "passed": self.passed,
        }

    def rows(self) -> list[dict[str, Any]]:
        """One flat dictionary a record, for a data frame: the case (its tags as one text), answer, scores and costs."""
        return [_row(record) for record in self.records]


class RunWriter:
    """Writes the records of one run as they come. Made by `open_run`; holds the folder's lock. Threads may share it."""

    def __init__(self, folder: Path, done: Sequence[Record]) -> None:
        self.folder = folder
        self.done = list(done)
        self._lock = Lock()

    def append(self, record: Record) -> None:
        """Keep a record for good: it is on the disk when this returns."""
        file = self.folder / RECORDS
        with self._lock, _writing(file), file.open("a", encoding="utf-8", newline="\n") as stream:
            stream.write(_line(record))
            stream.flush()
            os.fsync(stream.fileno())
            self.done.append(record)

    def put_in_order(self, order: Mapping[tuple[str, int], int]) -> None:
        """Sort the records as the cases stand in the suite, whatever order they were done in."""
        self.done.sort(key=lambda record: order[key_of(record)])
        write_file(self.folder / RECORDS, "".join(map(_line, self.done)))

    def write_manifest(self, manifest: Mapping[str, Any]) -> None:
        """Replace `run.json`."""
        write_file(self.folder / MANIFEST, json.dumps(manifest, ensure_ascii=False, indent=2) + "\n")

    def discard(self) -> None:
        """Leave nothing of the run behind, and not its folder either unless that was there before or has other files.

        The log of calls must be closed.
        """
        self.done.clear()
        _delete(self.folder, _OF_RUN)


@contextmanager
def open_run(folder: Path, *, fresh: bool = False) -> Iterator[RunWriter]:
    """The folder of a run for writing, with the records that it has already; with `fresh` it is emptied of its run.

    Raises:
        ContentError: a record that it has is damaged.
        WorkspaceError: another process is at this run, or the folder cannot be written.
    """
    from filelock import FileLock, Timeout

    is_new = not folder.exists()
    lock = FileLock(folder / ".lock", timeout=0)
    with _writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire()
        except Timeout as error:
            remedy = "Wait for it, or begin another run: another folder, or --fresh."
            raise WorkspaceError(f"Another process is writing {folder}. {remedy}") from error
    try:
        if fresh:
            _delete(folder, (*_MADE_OF_RUN, *_OF_RUN))
        yield RunWriter(folder, _mend_records(folder / RECORDS))
    finally:
        with suppress(OSError):
            (folder / ".lock").unlink(missing_ok=True)  # while it is held: who comes next makes its own
            if is_new:
                folder.rmdir()  # where nothing was written, or all was discarded
        lock.release()


def key_of(record: Record) -> tuple[str, int]:
    """What a record is of: the case's id and the repeat."""
    return record["case"]["id"], record["repeat"]


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a run.

    Raises:
        ContentError: there is none, or it is damaged.
    """
    file = folder / MANIFEST
    try:
        manifest = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ContentError(f"{folder} holds no run: {MANIFEST} {_reason(error)}.") from error
    except (ValueError, RecursionError) as error:
        raise ContentError(f"{file} is damaged: {error}.") from error
    if not isinstance(manifest, dict) or not {"suite", "system", "model", "started"} <= manifest.keys():
        raise ContentError(f"{file} is not the manifest of a run that this version can read.")
    return manifest


def read_records(folder: Path) -> tuple[Record, ...]:
    """The records of a run, in their order; a last line that was cut is left out.

    Raises:
        ContentError: there are none, or a line is damaged.
    """
    file = folder / RECORDS
    if (folder / RETRIEVED).is_file():
        raise ContentError(f"{folder} holds what was found in data of others, no answers: see it with qa eval show.")
    try:
        lines = file.read_text(encoding="utf-8").split("\n")
    except OSError as error:
        raise ContentError(f"{folder} holds no records: {RECORDS} {_reason(error)}.") from error
    except UnicodeDecodeError as error:
        raise ContentError(f"{file} is damaged: it is not UTF-8 text (byte {error.start}). {_REMEDY}") from error
    return tuple(_parse_record(line, file, number) for number, line in enumerate(lines[:-1], start=1))


def find_run(name: str, workspace: Workspace) -> Path:
    """The folder of a run: a path, or its name among the workspace's reports, or how that alone begins, or "last".

    Raises:
        ContentError: there is no such run, or several begin so.
    """
    with suppress(OSError):  # a text too long for a path is no path
        if (Path(name) / MANIFEST).is_file():
            return Path(name)
    runs = {folder.relative_to(reports_folder(workspace)).as_posix(): folder for folder in list_runs(workspace)}
    if name == "last" and runs:
        return list(runs.values())[-1]
    named = [path for path in runs if path == name] or [path for path in runs if runs[path].name == name]
    found = named or [path for path in runs if path.startswith(name) or runs[path].name.startswith(name)]
    if len(found) == 1:
        return runs[found[0]]
    many = f" {len(found)} begin so." if found else suggest(name, runs)
    raise ContentError(f"No run '{shorten(name, limit=80)}'.{many} List them with: qa eval list")


def list_runs(workspace: Workspace) -> list[Path]:
    """The folders of the workspace's runs, oldest first; kept baselines before them."""
    reports = reports_folder(workspace)
    runs = [file.parent for pattern in (f"baselines/*/{MANIFEST}", f"*/{MANIFEST}") for file in reports.glob(pattern)]
    return sorted(runs, key=lambda run: (run.parent == reports, _started(run), run.name))


def reports_folder(workspace: Workspace) -> Path:
    """Where a workspace keeps its runs."""
    return workspace.root / "eval" / "reports"


def write_file(file: Path, text: str) -> None:
    """Replace a file as a whole: it has its old text or all of the new one.

    Raises:
        WorkspaceError: it cannot be written.
    """
    temporary = file.with_name(f"{file.name}.new")
    with _writing(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(text, encoding="utf-8", newline="\n")
        temporary.replace(file)


def _delete(folder: Path, names: Iterable[str]) -> None:
    for name in names:
        with _writing(folder / name):
            (folder / name).unlink(missing_ok=True)


@contextmanager
def _writing(file: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise WorkspaceError(f"{file} cannot be written: {_reason(error)}.") from error


def _reason(error: OSError) -> str:
    return error.strerror or str(error) or type(error).__name__


def _started(run: Path) -> str:
    with suppress(ContentError, OSError):  # of those that began in one second, the last to be written is the last
        return f"{read_manifest(run)['started']} {(run / MANIFEST).stat().st_mtime_ns:020}"
    return ""


def _mend_records(file: Path) -> list[Record]:
    """The whole records of a file; what follows its last newline is cut off, since a writer died within it."""
    if not file.is_file():
        return []
    raw = file.read_bytes()
    whole = raw[: raw.rfind(b"\n") + 1]
    if len(whole) < len(raw):
        with _writing(file), file.open("r+b") as stream:
            stream.truncate(len(whole))
    return list(read_records(file.parent))


def _parse_record(line: str, file: Path, number: int) -> Record:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ContentError(f"{file}:{number} is damaged: {error}. {_REMEDY}") from error
    if not _is_record(record):
        raise ContentError(f"{file}:{number} is no record that this version can read.")
    return cast(Record, record)


def _is_record(record: object) -> bool:
    if not isinstance(record, dict) or record.keys() != _RECORD_TYPES.keys():
        return False
    typed = all(isinstance(record[key], kind) for key, kind in _RECORD_TYPES.items())
    return typed and record["case"].keys() >= {"id", "question", "answerable", "kind"}


def _line(record: Record) -> str:
    return json.dumps(record, ensure_ascii=False) + "\n"


def _row(record: Record) -> dict[str, Any]:
    case, answer = record["case"], record["answer"] or {}
    usage = answer.get("usage", {})
    return {
        "id": case["id"],
        "repeat": record["repeat"],
        "question": case["question"],
        "kind": case["kind"],
        "tags": ", ".join(case.get("tags", ())),
        "split": case.get("split"),
        "answerable": case["answerable"],
        **{name: answer.get(name) for name in ("status", "text")},
        "prediction": record["prediction"],
        "confidence": answer.get("score"),
        **record["scores"],
        "seconds": record["seconds"].get("total"),
        **{name: usage.get(name) for name in ("input_tokens", "output_tokens", "cost_usd")},
    }
