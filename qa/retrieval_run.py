"""A suite about data of others, run: what each way of finding passages finds, and the folder that keeps it.

    run.json          the manifest: what was run on what, and what came of it
    retrieval.jsonl   a line for each case: of each way the measures, the rank of the first relevant passage, seconds

It lies among the runs of `qa.run_folder`, and is listed and shown with them, but holds no answers.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from itertools import chain, count
from pathlib import Path
from typing import Any

from qa.archive import Archive
from qa.articles import Filters
from qa.baselines import open_baselines
from qa.data_archive import DataArchive, open_data
from qa.data_suite import DataSuite, check_data
from qa.embed import Embedder
from qa.errors import ContentError, WorkspaceError
from qa.origin import find_revision, hash_cases
from qa.plan import make_plan
from qa.retrieval import (
    MEASURES,
    OURS,
    Found,
    JudgedCase,
    Search,
    average_all,
    compare_all,
    judge_retrieval,
    measure_latency,
)  # fmt: skip
from qa.retrieve import Hit, Retriever
from qa.run_folder import MANIFEST, RETRIEVED, read_manifest, reports_folder, write_file
from qa.run_options import RunOptions, select_cases
from qa.settings import Settings
from qa.stats import Interval
from qa.sync import OnProgress
from qa.workspace import Workspace

MoreSystems = Callable[[Archive], Mapping[str, Search]]
"""Further ways of finding passages in the archive that is judged, by name."""

_DEFAULTS = RunOptions()


@dataclass(frozen=True)
class RetrievalRun:
    """A suite about data of others that was run, as its folder has it; `manifest` is `run.json`."""

    folder: Path
    manifest: Mapping[str, Any]
    judged: tuple[JudgedCase, ...]

    def to_dict(self) -> dict[str, Any]:
        """The result as plain data, without the cases: the form of `qa eval run --json`."""
        return {**self.manifest, "folder": str(self.folder)}


def run_data_suite(
    suite: DataSuite,
    data: Path | None,
    workspace: Workspace,
    *,
    settings: Settings,
    options: RunOptions = _DEFAULTS,
    embedder: Embedder | None = None,
    folder: Path | None = None,
    more: MoreSystems | None = None,
    on_progress: OnProgress | None = None,
) -> RetrievalRun:
    """Search a data set in every way, and keep what came of it; recipe and reports are those of `workspace`.

    Of `options` only those count that choose cases. `folder` is where it is kept; None is a new one in
    `eval/reports`.

    Raises:
        ContentError: the data is not there or not of the suite's form, or nothing of it can be judged.
        UsageError: no case is left.
        WorkspaceError: the folder holds a run already, or another process is indexing the data.
    """
    started = datetime.now(UTC)
    place = _check_folder(folder) if folder else _new_folder(workspace, suite.name, started)
    data = check_data(suite, data)
    opened = open_data(suite, data, workspace, settings=settings, embedder=embedder, on_progress=on_progress)
    with opened as ready:
        cases = select_cases(ready.cases, options)
        systems, close = open_systems(ready, more)
        try:
            judged = judge_retrieval(cases, systems, articles=ready.archive.articles(), on_progress=on_progress)
        finally:
            close()
        if not judged:
            raise ContentError(f"{data} holds no question of which it can be told what is relevant.")
        manifest = {
            **_describe_run(suite, started, workspace),
            "selection": options.selection(),
            "asked": len(cases),
            "cases": len(judged),
            "gold_sha256": hash_cases(cases),
            **_describe_data(suite, data, ready),
            **describe_results(judged),
        }
    write_file(place / RETRIEVED, "".join(json.dumps(asdict(case), ensure_ascii=False) + "\n" for case in judged))
    write_file(place / MANIFEST, json.dumps(manifest, ensure_ascii=False, indent=2) + "\n")
    return RetrievalRun(place, manifest, tuple(judged))


def open_systems(ready: DataArchive, more: MoreSystems | None = None) -> tuple[dict[str, Search], Callable[[], None]]:
    """The product's search and what it is measured beside, by name; and what closes their files."""
    archive = ready.archive
    retriever = Retriever(archive.store, archive.recipe, archive.embedder)
    baselines = open_baselines(archive.store, archive.embedder)

    def search(question: str, filters: Filters, limit: int) -> list[Hit]:
        return make_plan(question, filters, date.today()).search(retriever, limit=limit)

    def close() -> None:
        retriever.close()
        baselines.close()

    systems: dict[str, Search] = {
        OURS: search,
        "bm25": baselines.bm25,
        "vectors": baselines.vectors,
        "rrf": baselines.rrf,
        "pipeline": ready.pipeline.open_search(),
    }
    return systems | dict(more(archive) if more else {}), close


def is_retrieval(folder: Path) -> bool:
    """Whether the run in a folder is of this kind."""
    return (folder / RETRIEVED).is_file()


def load_retrieval(folder: Path) -> RetrievalRun:
    """A run of this kind as its folder has it.

    Raises:
        ContentError: there is none, or it is damaged.
    """
    file = folder / RETRIEVED
    manifest = read_manifest(folder)
    try:
        judged = tuple(_parse_case(line) for line in file.read_text(encoding="utf-8").split("\n") if line)
    except OSError as error:
        raise ContentError(f"{file} cannot be read: {error.strerror}.") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ContentError(f"{file} is damaged, or of another version: {error}. Run it anew.") from error
    return RetrievalRun(folder, manifest, judged)


def describe_results(judged: Sequence[JudgedCase]) -> dict[str, Any]:
    """What came of cases, as plain data: measures, differences from ours, and seconds, each by way."""
    return {
        "results": _plain(average_all(judged)),
        "differences": _plain(compare_all(judged)),
        "latency_seconds": {name: {"p50": p50, "p95": p95} for name, (p50, p95) in measure_latency(judged).items()},
    }


def _describe_run(suite: DataSuite, started: datetime, workspace: Workspace) -> dict[str, Any]:
    return {
        "kind": "retrieval",
        "suite": suite.name,
        "system": "retrieval",
        "model": None,
        "started": started.isoformat(timespec="seconds"),
        "seconds": round((datetime.now(UTC) - started).total_seconds(), 3),
        "git": find_revision(workspace.root),
        "platform": f"{platform.system()} {platform.machine()}",
    }


def _describe_data(suite: DataSuite, data: Path, ready: DataArchive) -> dict[str, Any]:
    status = ready.archive.status()
    return {
        "data": data.absolute().name,
        "data_sha256": ready.data_sha256,
        "form": suite.form,
        "articles": status.articles,
        "passages": status.passages,
        "recipe": asdict(ready.archive.recipe),
        "embedder": ready.archive.embedder.id,
    }


def _plain(table: Mapping[str, Mapping[str, Interval | None]]) -> dict[str, dict[str, Any]]:
    return {
        name: {measure: asdict(interval) if interval else None for measure, interval in row.items()}
        for name, row in table.items()
    }


def _check_folder(folder: Path) -> Path:
    if any((folder / name).exists() for name in (MANIFEST, RETRIEVED)):
        raise WorkspaceError(f"{folder} holds another run. Give this one another folder.")
    return folder


def _new_folder(workspace: Workspace, suite: str, started: datetime) -> Path:
    reports, name = reports_folder(workspace), f"{suite}-{started:%Y%m%dT%H%M%SZ}"
    names: Iterator[str] = chain([name], (f"{name}-{n}" for n in count(2)))
    return next(reports / name for name in names if not (reports / name).exists())


def _parse_case(line: str) -> JudgedCase:
    entry = json.loads(line)
    found = {
        name: Found(one["first"], float(one["seconds"]), {measure: one["scores"][measure] for measure in MEASURES})
        for name, one in entry["found"].items()
    }
    return JudgedCase(entry["id"], entry["question"], entry["cluster"], found)
