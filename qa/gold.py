"""Gold questions: from a file of JSON lines to `Case`s; what is wrong in it is said with file and line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from qa.articles import Article, Quote, make_quote
from qa.errors import ContentError
from qa.metrics import Gold, Number, parse_period
from qa.text import clean_text, shorten, suggest

KINDS = ("fact", "paraphrase", "multi_hop", "comparison", "temporal", "conflicting", "near_miss", "follow_up")

_CASE_KEYS = {
    "id": str, "question": str, "answers": list, "all_of": list, "number": dict, "evidence": list, "answerable": bool,
    "kind": str, "tags": list, "split": str, "as_of": str, "turns": list, "retrieval_only": bool,
}  # fmt: skip
_NUMBER_KEYS = {"value": Decimal, "unit": str, "tolerance": Decimal, "period": str}
_EVIDENCE_KEYS = {"article": str, "quote": str, "start": Decimal, "part": Decimal}
_TYPE_NAMES = {
    str: "text", list: "a list", dict: "keys and values", bool: "true or false", Decimal: "a number",
    int: "a whole number", float: "a number",
}  # fmt: skip
_MAX_DIGITS = 30


class Evidence(NamedTuple):
    """A sentence that proves an answer: the end of its article's source (`trade-record.md`), and its words.

    `start` is where it stands in the article's text; None is anywhere. Sentences of one `part` are
    alternatives; an answer that needs several sentences together has one part for each. Without a quote it is
    the whole article, of which any passage is relevant: only for a case that is `retrieval_only`.
    """

    article: str
    quote: str = ""
    start: int | None = None
    part: int = 1


class FoundEvidence(NamedTuple):
    """A place where a sentence of the evidence stands."""

    quote: Quote
    part: int


@dataclass(frozen=True, slots=True)
class Case:
    """One gold question; `gold` is empty where the archive does not answer it.

    `turns` are the questions before it in the conversation. `as_of` is the day on which it is asked: later articles
    are hidden. `split` names the part of the data it belongs to. `line` is its place in the gold file.
    `retrieval_only` says what is to be found, not what is to be answered: it is answerable and has evidence, but
    `gold` is empty, and no measure but those of retrieval applies.
    """

    id: str
    question: str
    gold: Gold
    evidence: tuple[Evidence, ...]
    answerable: bool
    kind: str
    tags: tuple[str, ...] = ()
    split: str | None = None
    as_of: date | None = None
    turns: tuple[str, ...] = ()
    retrieval_only: bool = False
    line: int = field(default=0, compare=False)


class WrongEntry(ValueError):
    """What is wrong with the value of a key, or with a whole entry; the place is added where it is known."""

    def __init__(self, message: str, key: str = "") -> None:
        super().__init__(message)
        self.key = key


def read_gold(file: Path) -> tuple[Case, ...]:
    """The questions of a file, in its order.

    Raises:
        ContentError: it cannot be read, holds none, or one of them is not as it must be.
    """
    cases: dict[str, Case] = {}
    # Not splitlines(): a JSON text may hold U+2028 and the like.
    for number, line in enumerate(read_utf8(file).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            case = parse_case(line, number)
        except WrongEntry as error:
            raise ContentError(f"{file}:{number}: {error}") from error
        if case.id in cases:
            first = cases[case.id].line
            raise ContentError(f"{file}:{number}: the id '{shorten(case.id, limit=40)}' is that of line {first} too.")
        cases[case.id] = case
    if not cases:
        raise ContentError(f"{file} holds no questions: write one JSON object a line.")
    return tuple(cases.values())


def parse_case(line: str, number: int) -> Case:
    """The case of a line of a gold file, which is line `number` of it.

    Raises:
        WrongEntry: it is not as it must be.
    """
    entry = check_entry(_parse_json(line), _CASE_KEYS, required=("id", "question", "answerable", "kind"))
    case = Case(
        id=_check_text(entry["id"], "id"),
        question=_check_text(entry["question"], "question"),
        gold=Gold(
            answers=_check_texts(entry, "answers"),
            all_of=_parse_parts(entry),
            number=_parse_number(entry["number"]) if "number" in entry else None,
        ),
        evidence=tuple(_parse_evidence(item) for item in entry.get("evidence", [])),
        answerable=entry["answerable"],
        kind=_check_kind(entry["kind"]),
        tags=_check_texts(entry, "tags"),
        split=_check_text(entry["split"], "split") if "split" in entry else None,
        as_of=_parse_day(entry["as_of"]) if "as_of" in entry else None,
        turns=_check_texts(entry, "turns"),
        retrieval_only=entry.get("retrieval_only", False),
        line=number,
    )
    _check_label(case)
    return case


def find_evidence(case: Case, articles: Sequence[Article]) -> list[FoundEvidence]:
    """Every place where the case's evidence stands: the one named, else all; without a quote, the whole article."""
    named = _by_name(articles)
    return [
        FoundEvidence(make_quote(article, start, start + len(evidence.quote or article.text)), evidence.part)
        for evidence in case.evidence
        for article in _find_articles(evidence.article, named)
        for start in _find_places(evidence, article.text)
    ]


def check_evidence(cases: Iterable[Case], articles: Sequence[Article], file: Path) -> list[str]:
    """What does not stand in the articles, one line for each, with file and line."""
    named = _by_name(articles)
    return [
        f"{file}:{case.line}: case {shorten(case.id, limit=40)}: {problem}"
        for case in cases
        for evidence in case.evidence
        for problem in _check_one(evidence, named)
    ]


def case_dict(case: Case) -> dict[str, Any]:
    """The case as plain data, in the form of a line of a gold file, without the keys that are at rest."""
    number = case.gold.number
    entry = {
        "id": case.id,
        "question": case.question,
        "answers": list(case.gold.answers),
        "all_of": [list(part) for part in case.gold.all_of],
        "number": {name: _plain(value) for name, value in number._asdict().items()} if number else None,
        "evidence": [_evidence_dict(evidence) for evidence in case.evidence],
        "answerable": case.answerable,
        "kind": case.kind,
        "tags": list(case.tags),
        "split": case.split,
        "as_of": case.as_of.isoformat() if case.as_of else None,
        "turns": list(case.turns),
        "retrieval_only": case.retrieval_only or None,
    }
    return {key: value for key, value in entry.items() if value not in (None, [])}


def parse_gold(entry: Mapping[str, Any]) -> Gold:
    """The gold answer of a case as `case_dict` gives it; for records that were written by this program."""
    return Gold(
        answers=tuple(entry.get("answers", ())),
        all_of=tuple(tuple(part) for part in entry.get("all_of", ())),
        number=_parse_number(_exact(entry["number"])) if "number" in entry else None,
    )


def read_utf8(file: Path) -> str:
    """The text of a content file.

    Raises:
        ContentError: it cannot be read or is not UTF-8.
    """
    try:
        return file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ContentError(f"{file} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise ContentError(f"{file} is not UTF-8 text (byte {error.start}).") from error


def check_entry(
    entry: object, keys: Mapping[str, type], *, required: Iterable[str], within: str = "", thing: str = "a question"
) -> dict[str, Any]:
    """The keys that have a value, after checking that they are known, of the right type, and all that must be there.

    Raises:
        WrongEntry: one is not.
    """
    place = f" of '{within}'" if within else ""
    if not isinstance(entry, dict):
        raise WrongEntry(f"{f'{within!r}' if within else thing} must be {_TYPE_NAMES[dict]}, not {_show(entry)}.")
    for key, value in entry.items():
        if key not in keys:
            nearest = suggest(key, keys)
            raise WrongEntry(f"unknown key '{shorten(key, limit=40)}'{place}.{nearest} Known: {', '.join(keys)}.", key)
        if value is not None and type(value) is not keys[key]:
            raise WrongEntry(f"'{key}'{place} must be {_TYPE_NAMES[keys[key]]}, not {_show(value)}.", key)
    given = {key: value for key, value in entry.items() if value is not None}
    for key in required:
        if key not in given:
            raise WrongEntry(f"'{key}'{place} is missing.")
    return given


# from a line to a case


def _check_label(case: Case) -> None:
    if case.retrieval_only:
        if not case.answerable or not case.evidence or case.gold != Gold():
            raise WrongEntry("a question with \"retrieval_only\": true is answerable, has 'evidence' and no answer.")
    elif not all(evidence.quote for evidence in case.evidence):
        raise WrongEntry("'quote' of 'evidence' is missing: a whole article is evidence with \"retrieval_only\": true.")
    elif case.answerable and bool(case.gold.answers) == bool(case.gold.all_of):
        raise WrongEntry("a question with \"answerable\": true needs either 'answers' or 'all_of'.")
    if case.gold.all_of and case.gold.number:
        raise WrongEntry("'number' goes with 'answers', not with 'all_of'.")
    if not case.answerable and (case.gold != Gold() or case.evidence):
        raise WrongEntry("a question with \"answerable\": false has no 'answers', 'all_of', 'number' or 'evidence'.")
    if case.kind == "follow_up" and not case.turns:
        raise WrongEntry("a question of kind 'follow_up' needs 'turns', the questions before it.")


def _parse_json(line: str) -> object:
    try:
        return json.loads(line, parse_float=Decimal, parse_int=Decimal, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise WrongEntry(f"not valid JSON: {error.msg} at column {error.colno}.") from error
    except (RecursionError, ArithmeticError) as error:
        raise WrongEntry("not a question: too deeply nested, or a number out of all range.") from error


def _refuse_constant(name: str) -> NoReturn:
    raise WrongEntry(f"{name} is not a number in JSON.")


def _check_kind(kind: str) -> str:
    if kind in KINDS:
        return kind
    raise WrongEntry(f"no kind '{shorten(kind, limit=40)}'.{suggest(kind, KINDS)} Known: {', '.join(KINDS)}.", "kind")


def _parse_parts(entry: Mapping[str, Any]) -> tuple[tuple[str, ...], ...]:
    """The parts of `all_of`: a text alone is a part without alternatives."""
    parts = []
    for item in entry.get("all_of", []):
        alternatives = item if isinstance(item, list) else [item]
        if not alternatives:
            raise WrongEntry("a part of 'all_of' has no answer.")
        parts.append(tuple(_check_text(text, "all_of") for text in alternatives))
    return tuple(parts)


def _parse_number(entry: object) -> Number:
    checked = check_entry(entry, _NUMBER_KEYS, required=("value",), within="number")
    value, tolerance = checked["value"], checked.get("tolerance", Decimal(0))
    if any(abs(number.adjusted()) > _MAX_DIGITS for number in (value, tolerance)):
        raise WrongEntry(f"'value' or 'tolerance' of 'number' has more than {_MAX_DIGITS} digits.")
    if tolerance < 0:
        raise WrongEntry("'tolerance' of 'number' must not be below 0.")
    unit = _check_text(checked["unit"], "unit") if "unit" in checked else None
    return Number(value, unit, tolerance, _check_period(checked["period"]) if "period" in checked else None)


def _check_period(text: str) -> str:
    try:
        return parse_period(shorten(text, limit=40)).text
    except ValueError as error:
        raise WrongEntry(f"'period' of 'number': {error}.") from error


def _parse_evidence(entry: object) -> Evidence:
    checked = check_entry(entry, _EVIDENCE_KEYS, required=("article",), within="evidence")
    if "start" in checked and "quote" not in checked:
        raise WrongEntry("'start' of 'evidence' needs a 'quote'.")
    whole = {key: _check_whole(checked[key], key, low) for key, low in (("start", 0), ("part", 1)) if key in checked}
    quote = _check_text(checked["quote"], "quote") if "quote" in checked else ""
    return Evidence(_check_text(checked["article"], "article"), quote, **whole)


def _check_whole(value: Decimal, key: str, lowest: int) -> int:
    if value != value.to_integral_value() or not lowest <= value < 10**9:
        raise WrongEntry(f"'{key}' of 'evidence' must be a whole number from {lowest} on, not {value}.")
    return int(value)


def _parse_day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise WrongEntry(f"'as_of' must be a day such as 2022-07-05, not {shorten(text, limit=40)!r}.") from error


def _check_texts(entry: Mapping[str, Any], key: str) -> tuple[str, ...]:
    return tuple(_check_text(item, key) for item in entry.get(key, []))


def _check_text(value: object, key: str) -> str:
    """A text as articles keep theirs, so that quotes of them are found."""
    if not isinstance(value, str) or not value.strip():
        raise WrongEntry(f"'{key}' must be text, not {_show(value)}.", key)
    return clean_text(value)


def _show(value: object) -> str:
    return shorten(str(value) if isinstance(value, Decimal) else json.dumps(value, default=str), limit=60)


# from a case to plain data, and back


def _evidence_dict(evidence: Evidence) -> dict[str, Any]:
    return {key: value for key, value in evidence._asdict().items() if value != Evidence("")._asdict()[key]}


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value


def _exact(number: Mapping[str, Any]) -> dict[str, Any]:
    return {key: Decimal(str(value)) if isinstance(value, int | float) else value for key, value in number.items()}


# evidence in articles


def _check_one(evidence: Evidence, named: Mapping[str, Sequence[Article]]) -> Iterator[str]:
    name, found = shorten(evidence.article, limit=100), _find_articles(evidence.article, named)
    quote = f"the quote “{shorten(evidence.quote, limit=80)}” does not stand"
    if not found:
        yield f"no article '{name}' in the archive.{suggest(evidence.article, named)}"
    elif len(found) > 1:
        yield f"{len(found)} articles of the archive are named '{name}'; write more of the path."
    elif not _find_places(evidence, found[0].text):
        places = list(_find_all(evidence.quote, found[0].text)) if evidence.start is not None else []
        at = f" at {evidence.start} of {name}, but at {', '.join(map(str, places))}" if places else f" in {name}"
        yield f"{quote}{at}."


def _by_name(articles: Iterable[Article]) -> dict[str, list[Article]]:
    """The articles by the last part of their source."""
    named: dict[str, list[Article]] = {}
    for article in articles:
        named.setdefault(_last_part(article.source), []).append(article)
    return named


def _find_articles(name: str, named: Mapping[str, Sequence[Article]]) -> list[Article]:
    """The articles whose source is this path or ends in it, at a `/` or, for a record of a file, at its `#`."""
    likely = named.get(_last_part(name), ())
    return [article for article in likely if f"/{article.source}".endswith((f"/{name}", f"#{name}"))]


def _last_part(source: str) -> str:
    return source.rpartition("/")[2].rpartition("#")[2]


def _find_places(evidence: Evidence, text: str) -> list[int]:
    if evidence.start is None:
        return list(_find_all(evidence.quote or text, text))
    return [evidence.start] if text.startswith(evidence.quote, evidence.start) else []


def _find_all(quote: str, text: str) -> Iterator[int]:
    start = -1
    while quote and (start := text.find(quote, start + 1)) >= 0:
        yield start
