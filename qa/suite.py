"""Suites: which archive is judged by which gold questions, and the gates that a run of them must pass."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

from qa.errors import ContentError
from qa.gold import Case, WrongEntry, check_entry, read_gold, read_utf8
from qa.measures import GATED, PAIRED
from qa.text import shorten, suggest
from qa.workspace import Workspace

GateKind = Literal["mean", "bound", "not_worse_than"]

SUITE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")

_FOLDER = ("eval", "suites")
_SUITE_KEYS = {"name": str, "description": str, "archive": str, "gold": str, "gates": dict}
_GATE_KINDS: Mapping[str, GateKind] = {"mean": "mean", "bound": "bound", "not_worse_than": "not_worse_than"}
_TOML_LINE = re.compile(r"at line (\d+)")


class GateRule(NamedTuple):
    """What one measure of a run must meet.

    `mean`: its mean is at least `limit` (at most, where lower is better); `bound`: the unfavourable end of its
    95 % interval is; `not_worse_than`: it is not significantly worse than in the run kept in the folder `baseline`.
    """

    measure: str
    kind: GateKind
    limit: float | None = None
    baseline: Path | None = None


@dataclass(frozen=True, slots=True)
class Suite:
    """Gold questions about one archive, with the gates of a run.

    `archive` is a folder of articles, or a file of them, as `qa add` reads it; None is the archive that is
    being judged itself. `file` is where the suite was read from, None for one made by a program.
    """

    name: str
    description: str
    archive: Path | None
    gold: Path
    cases: tuple[Case, ...]
    gates: tuple[GateRule, ...] = ()
    file: Path | None = None


def load_suite(path_or_name: str | Path, workspace: Workspace) -> Suite:
    """Read a suite and its gold questions.

    A `Path`, or a text that ends in `.toml`, is a file; any other text is the name of a suite in
    `eval/suites` of the workspace or among the packaged ones. What it names is relative to the folder that
    has its `eval/suites`, or to its own folder for a file elsewhere.

    Raises:
        ContentError: there is no such suite; or it, its archive or its gold file is not as it must be.
    """
    file = find_suite_file(path_or_name, workspace)
    text = read_utf8(file)
    try:
        return _parse_suite(text, file)
    except WrongEntry as error:
        raise ContentError(f"{file}:{find_line(text, error.key)}: {error}") from error


def suite_names(workspace: Workspace) -> list[str]:
    """The suites that are known by name, the workspace's and the packaged ones, in order."""
    return workspace.content_names("/".join(_FOLDER), ".toml")


def find_suite_file(path_or_name: str | Path, workspace: Workspace) -> Path:
    """Where a suite is kept, by its name or as `load_suite` takes a file.

    Raises:
        ContentError: there is none of this name.
    """
    if isinstance(path_or_name, Path) or path_or_name.endswith(".toml"):
        return Path(path_or_name).absolute()
    folder = "/".join(_FOLDER)
    known = suite_names(workspace)
    if path_or_name in known:
        return workspace.content(f"{folder}/{path_or_name}.toml")
    nearest = suggest(path_or_name, known)
    raise ContentError(
        f"No suite '{shorten(path_or_name, limit=80)}' in {folder}.{nearest} List them with: qa eval list"
    )


def parse_suite_toml(text: str, file: Path) -> dict[str, Any]:
    """The keys of a suite.

    Raises:
        ContentError: it is not TOML.
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = _TOML_LINE.search(str(error))
        raise ContentError(f"{file}:{line[1] if line else 1}: not valid TOML: {error}.") from error


def parse_suite_name(entry: Mapping[str, Any], file: Path) -> str:
    """The name that a suite gives itself, else that of its file.

    Raises:
        WrongEntry: it cannot name a folder.
    """
    name = str(entry.get("name", file.stem))
    if not SUITE_NAME.fullmatch(name):
        raise WrongEntry(f"'name' must be letters, digits, '.', '_' and '-' (it names folders), not {name!r}.", "name")
    return name


def _parse_suite(text: str, file: Path) -> Suite:
    table = parse_suite_toml(text, file)
    if "form" in table:
        raise ContentError(f"{file} holds no questions: name the data with qa eval run {file.stem} --data DIR")
    entry = check_entry(table, _SUITE_KEYS, required=("gold",), thing="a suite")
    name = parse_suite_name(entry, file)
    root = file.parents[2] if file.parts[-3:-1] == _FOLDER else file.parent
    gold = _find_file(entry, "gold", root)
    return Suite(
        name=name,
        description=entry.get("description", ""),
        archive=_find_file(entry, "archive", root) if "archive" in entry else None,
        gold=gold,
        cases=read_gold(gold),
        gates=tuple(_parse_gates(entry.get("gates", {}), root)),
        file=file,
    )


def _find_file(entry: Mapping[str, Any], key: str, root: Path) -> Path:
    path = root / str(entry[key])
    if not path.exists():
        raise WrongEntry(f"there is no {path}, which '{key}' names.", key)
    return path


def _parse_gates(gates: Mapping[str, object], root: Path) -> Iterator[GateRule]:
    for measure, rule in gates.items():
        if measure not in GATED:
            raise WrongEntry(f"no measure '{measure}'.{suggest(measure, GATED)} Known: {', '.join(GATED)}.", measure)
        if rule == {}:
            raise WrongEntry(f"gate '{measure}' is empty. Known: {', '.join(_GATE_KINDS)}.", measure)
        for kind, value in (rule if isinstance(rule, dict) else {"mean": rule}).items():
            if kind not in _GATE_KINDS:
                raise WrongEntry(f"no gate '{kind}' on {measure}. Known: {', '.join(_GATE_KINDS)}.", measure)
            yield _parse_gate(measure, _GATE_KINDS[kind], value, root)


def _parse_gate(measure: str, kind: GateKind, value: object, root: Path) -> GateRule:
    if kind == "not_worse_than":
        if not isinstance(value, str):
            raise WrongEntry(f"gate '{measure}': 'not_worse_than' must name the folder of a run.", measure)
        if measure not in PAIRED:
            raise WrongEntry(f"{measure} cannot be compared case by case: give it a mean to reach.", measure)
        if not (root / value / "run.json").is_file():
            raise WrongEntry(f"gate '{measure}': {root / value} holds no run.", measure)
        return GateRule(measure, kind, baseline=root / value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise WrongEntry(f"gate '{measure}' must be a number from 0 to 1, not {value!r}.", measure)
    return GateRule(measure, kind, limit=float(value))


def find_line(text: str, key: str) -> int:
    """The line of a TOML text on which a key is set or its table opened; 1 where there is none."""
    if not key:
        return 1
    found = re.search(rf"""^\s*\[?\s*(?:\w+\.)?["']?{re.escape(key)}["']?\s*[=\].]""", text, re.MULTILINE)
    return text.count("\n", 0, found.end()) + 1 if found else 1
