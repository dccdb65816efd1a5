"""Suites and their gold questions, from files to `Case`s; what is wrong in them is said with file and line."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from qa.articles import Article, Quote, make_quote
from qa.errors import ContentError
from qa.text import clean_text, shorten, suggest
from qa.workspace import Workspace

ANSWER_MEASURES = ("answer_match", "exact_match", "numeric_match", "token_f1", "quote_validity")
RANKING_MEASURES = ("hits@1", "hits@5", "hits@10", "mrr@10")
ABSTENTION_MEASURES = ("abstention_precision", "abstention_recall", "abstention_f1")
MEASURES = ANSWER_MEASURES + RANKING_MEASURES + ABSTENTION_MEASURES  # what a gate may be set on

_FOLDER = ("eval", "suites")
_SUITE_KEYS = {"name": str, "description": str, "archive": str, "gold": str, "gates": dict}
_CASE_KEYS = {
    "id": str,
    "question": str,
    "answers": list,
    "number": dict,
    "evidence": list,
    "answerable": bool,
    "kind": str,
    "tags": list,
    "as_of": str,
}
_NUMBER_KEYS = {"value": Decimal, "unit": str}
_EVIDENCE_KEYS = {"article": str, "quote": str}
_KIND_NAMES = {str: "text", list: "a list", dict: "keys and values", bool: "true or false", Decimal: "a number"}
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_TOML_LINE = re.compile(r"at line (\d+)")
_MAX_DIGITS = 30


class Number(NamedTuple):
    """A figure in full (24200000000, not 24.2) and what it counts; a unit of None fits any count."""

    value: Decimal
    unit: str | None


class Evidence(NamedTuple):
    """A sentence that proves an answer: the end of its article's source (`trade-record.md`), and its words."""

    article: str
    quote: str


@dataclass(frozen=True, slots=True)
class Case:
    """One gold question. `answers` are alternatives, none where the archive does not answer it.

    `as_of` is the day on which it is asked: later articles are hidden. `line` is its place in the gold file.
    """

    id: str
    question: str
    answers: tuple[str, ...]
    number: Number | None
    evidence: tuple[Evidence, ...]
    answerable: bool
    kind: str
    tags: tuple[str, ...] = ()
    as_of: date | None = None
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Suite:
    """Gold questions about one archive, with the lowest mean of each measure that passes.

    `archive` is a folder of articles, or a file of them, as `qa add` reads it.
    """

    name: str
    description: str
    archive: Path
    gold: Path
    cases: tuple[Case, ...]
    gates: Mapping[str, float]


class _Wrong(ValueError):
    """What is wrong with the value of a key, or with a whole entry; the place is added where it is known."""

    def __init__(self, message: str, key: str = "") -> None:
        super().__init__(message)
        self.key = key


def load_suite(path_or_name: str | Path, workspace: Workspace) -> Suite:
    """Read a suite and its gold questions.

    A `Path`, or a text that ends in `.toml`, is a file; any other text is the name of a suite in
    `eval/suites` of the workspace or among the packaged ones. Its `archive` and `gold` are relative to
    the folder that has its `eval/suites`, or to the workspace's root for a file elsewhere.

    Raises:
        ContentError: there is no such suite; or it, its archive or its gold file is not as it must be.
    """
    file = _find_suite(path_or_name, workspace)
    text = _read_text(file)
    try:
        return _parse_suite(text, file, workspace)
    except _Wrong as error:
        raise ContentError(f"{file}:{_find_line(text, error.key)}: {error}") from error


def find_evidence(case: Case, articles: Sequence[Article]) -> list[Quote]:
    """Every place where a sentence of the case's evidence stands."""
    return [
        make_quote(article, start, start + len(evidence.quote))
        for evidence in case.evidence
        for article in _find_articles(evidence.article, articles)
        for start in _find_all(evidence.quote, article.text)
    ]


def check_evidence(suite: Suite, articles: Sequence[Article]) -> list[str]:
    """What does not stand in the articles of the suite's archive, one line for each, with file and line."""
    return [
        f"{suite.gold}:{case.line}: case {shorten(case.id, limit=40)}: {problem}"
        for case in suite.cases
        for evidence in case.evidence
        for problem in _check_one(evidence, articles)
    ]


def _check_one(evidence: Evidence, articles: Sequence[Article]) -> Iterator[str]:
    name, found = shorten(evidence.article, limit=100), _find_articles(evidence.article, articles)
    if not found:
        known = [re.split("[/#]", article.source)[-1] for article in articles]
        yield f"no article '{name}' in the archive.{suggest(evidence.article, known)}"
    elif len(found) > 1:
        yield f"{len(found)} articles of the archive are named '{name}'; write more of the path."
    elif evidence.quote not in found[0].text:
        yield f"the quote “{shorten(evidence.quote, limit=80)}” does not stand in {name}."


def _find_articles(name: str, articles: Sequence[Article]) -> list[Article]:
    """The articles whose source is this path or ends in it, at a `/` or, for a record of a file, at its `#`."""
    return [article for article in articles if f"/{article.source}".endswith((f"/{name}", f"#{name}"))]


def _find_all(quote: str, text: str) -> Iterator[int]:
    start = text.find(quote)
    while start >= 0:
        yield start
        start = text.find(quote, start + 1)


def _find_suite(path_or_name: str | Path, workspace: Workspace) -> Path:
    if isinstance(path_or_name, Path) or path_or_name.endswith(".toml"):
        return Path(path_or_name).absolute()
    folder = "/".join(_FOLDER)
    known = workspace.content_names(folder, ".toml")
    if path_or_name in known:
        return workspace.content(f"{folder}/{path_or_name}.toml")
    nearest = suggest(path_or_name, known)
    raise ContentError(f"No suite '{shorten(path_or_name, limit=80)}' in {folder}.{nearest} Known: {', '.join(known)}.")


def _parse_suite(text: str, file: Path, workspace: Workspace) -> Suite:
    try:
        entry = _check_entry(tomllib.loads(text), _SUITE_KEYS, required=("archive", "gold"))
    except tomllib.TOMLDecodeError as error:
        line = _TOML_LINE.search(str(error))
        raise ContentError(f"{file}:{line[1] if line else 1}: not valid TOML: {error}.") from error
    name = entry.get("name", file.stem)
    if not _FILE_NAME.fullmatch(name):
        raise _Wrong(f"'name' must be letters, digits, '.', '_' and '-' (it names folders), not {name!r}.", "name")
    root = file.parents[2] if file.parts[-3:-1] == _FOLDER else workspace.root
    archive, gold = (_find_file(entry, key, root) for key in ("archive", "gold"))
    return Suite(
        name=name,
        description=entry.get("description", ""),
        archive=archive,
        gold=gold,
        cases=_read_gold(gold),
        gates=_check_gates(entry.get("gates", {})),
    )


def _find_file(entry: Mapping[str, Any], key: str, root: Path) -> Path:
    path = root / str(entry[key])
    if not path.exists():
        raise _Wrong(f"there is no {path}, which '{key}' names.", key)
    return path


def _check_gates(gates: Mapping[str, object]) -> dict[str, float]:
    checked = {}
    for name, lowest in gates.items():
        if name not in MEASURES:
            raise _Wrong(f"no measure '{name}'.{suggest(name, MEASURES)} Known: {', '.join(MEASURES)}.", name)
        if isinstance(lowest, bool) or not isinstance(lowest, int | float) or not 0 <= lowest <= 1:
            raise _Wrong(f"gate '{name}' must be a number from 0 to 1, not {lowest!r}.", name)
        checked[name] = float(lowest)
    return checked


def _find_line(text: str, key: str) -> int:
    """The line of a TOML text on which a key is set or its table opened; 1 where there is none."""
    if not key:
        return 1
    found = re.search(rf"""^\s*\[?\s*(?:\w+\.)?["']?{re.escape(key)}["']?\s*[=\].]""", text, re.MULTILINE)
    return text.count("\n", 0, found.end()) + 1 if found else 1


def _read_gold(file: Path) -> tuple[Case, ...]:
    cases: dict[str, Case] = {}
    # Not splitlines(): a JSON text may hold U+2028 and the like.
    for number, line in enumerate(_read_text(file).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            case = _parse_case(line, number)
        except _Wrong as error:
            raise ContentError(f"{file}:{number}: {error}") from error
        if case.id in cases:
            first = cases[case.id].line
            raise ContentError(f"{file}:{number}: the id '{shorten(case.id, limit=40)}' is that of line {first} too.")
        cases[case.id] = case
    if not cases:
        raise ContentError(f"{file} holds no questions: write one JSON object a line.")
    return tuple(cases.values())


def _parse_case(line: str, number: int) -> Case:
    entry = _check_entry(_parse_json(line), _CASE_KEYS, required=("id", "question", "answerable", "kind"))
    case = Case(
        id=_check_text(entry["id"], "id"),
        question=_check_text(entry["question"], "question"),
        answers=_check_texts(entry, "answers"),
        number=_parse_number(entry["number"]) if "number" in entry else None,
        evidence=tuple(_parse_evidence(item) for item in entry.get("evidence", [])),
        answerable=entry["answerable"],
        kind=_check_text(entry["kind"], "kind"),
        tags=_check_texts(entry, "tags"),
        as_of=_parse_day(entry["as_of"]) if "as_of" in entry else None,
        line=number,
    )
    _check_label(case)
    return case


def _check_label(case: Case) -> None:
    if case.answerable and not case.answers:
        raise _Wrong("a question with \"answerable\": true needs 'answers'.")
    if not case.answerable and (case.answers or case.number or case.evidence):
        raise _Wrong("a question with \"answerable\": false has no 'answers', 'number' or 'evidence'.")


def _parse_json(line: str) -> object:
    try:
        return json.loads(line, parse_float=Decimal, parse_int=Decimal, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise _Wrong(f"not valid JSON: {error.msg} at column {error.colno}.") from error
    except (RecursionError, ArithmeticError) as error:
        raise _Wrong("not a question: too deeply nested, or a number out of all range.") from error


def _refuse_constant(name: str) -> NoReturn:
    raise _Wrong(f"{name} is not a number in JSON.")


def _parse_number(entry: object) -> Number:
    checked = _check_entry(entry, _NUMBER_KEYS, required=("value",), within="number")
    value = checked["value"]
    if abs(value.adjusted()) > _MAX_DIGITS:
        raise _Wrong(f"'value' of 'number' has more than {_MAX_DIGITS} digits.")
    unit = checked.get("unit")
    return Number(value, None if unit is None else _check_text(unit, "unit"))


def _parse_evidence(entry: object) -> Evidence:
    checked = _check_entry(entry, _EVIDENCE_KEYS, required=("article", "quote"), within="evidence")
    return Evidence(_check_text(checked["article"], "article"), _check_text(checked["quote"], "quote"))


def _parse_day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise _Wrong(f"'as_of' must be a day such as 2022-07-05, not {shorten(text, limit=40)!r}.") from error


def _check_entry(
    entry: object, keys: Mapping[str, type], *, required: Iterable[str], within: str = ""
) -> dict[str, Any]:
    """The keys that have a value, after checking that they are known, of the right type, and all that must be there."""
    place = f" of '{within}'" if within else ""
    if not isinstance(entry, dict):
        raise _Wrong(f"{f'{within!r}' if within else 'a question'} must be {_KIND_NAMES[dict]}, not {_show(entry)}.")
    for key, value in entry.items():
        if key not in keys:
            nearest = suggest(key, keys)
            raise _Wrong(f"unknown key '{shorten(key, limit=40)}'{place}.{nearest} Known: {', '.join(keys)}.", key)
        if value is not None and type(value) is not keys[key]:
            raise _Wrong(f"'{key}'{place} must be {_KIND_NAMES[keys[key]]}, not {_show(value)}.", key)
    given = {key: value for key, value in entry.items() if value is not None}
    for key in required:
        if key not in given:
            raise _Wrong(f"'{key}'{place} is missing.")
    return given


def _check_texts(entry: Mapping[str, Any], key: str) -> tuple[str, ...]:
    return tuple(_check_text(item, key) for item in entry.get(key, []))


def _check_text(value: object, key: str) -> str:
    """A text as articles keep theirs, so that quotes of them are found."""
    if not isinstance(value, str) or not value.strip():
        raise _Wrong(f"'{key}' must be text, not {_show(value)}.", key)
    return clean_text(value)


def _show(value: object) -> str:
    return shorten(str(value) if isinstance(value, Decimal) else json.dumps(value, default=str), limit=60)


def _read_text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ContentError(f"{file} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise ContentError(f"{file} is not UTF-8 text (byte {error.start}).") from error
