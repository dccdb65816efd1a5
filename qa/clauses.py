"""A sentence read for checking: its words, names, amounts and times in order, and the clauses they stand in.

A clause ends at a comma, semicolon, colon, dash or bracket and before words like "while" and "which"; before "and",
"against", "than" and the like only where an amount stands on both sides. What is said of an amount is looked for in
its clause.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Literal, NamedTuple

from qa.figures import Figure, read_figures
from qa.keywords import analyze, is_stop_word
from qa.periods import Period, find_periods
from qa.text import fold

Kind = Literal["word", "function", "name", "amount", "period", "mark"]


class Fault(NamedTuple):
    """What in a statement is not borne out: a kind for programs, a line for people."""

    kind: Literal[
        "figure_not_in_quote",
        "other_scale",
        "other_sign",
        "other_period",
        "name_not_in_article",
        "negated",
        "quotation_not_in_article",
    ]
    detail: str


@dataclass(frozen=True, slots=True)
class Unit:
    """A word, a name of one or several words, an amount, a time, or a mark.

    `key` is what is compared: a word's term, a name folded, an amount's value and unit. `opens` tells that it begins
    the sentence, so that its capital letter says nothing.
    """

    kind: Kind
    text: str
    start: int
    end: int
    key: str
    opens: bool = False
    figure: Figure | None = None
    period: Period | None = None

    @property
    def names(self) -> frozenset[str]:
        """The words of a name."""
        return frozenset(self.key.split())


@dataclass(frozen=True, slots=True)
class Clause:
    """A run of units with the amounts and times in it; `terms` are those of its words and names."""

    units: tuple[Unit, ...]
    amounts: tuple[Figure, ...]
    periods: tuple[Period, ...]
    terms: frozenset[str]


@dataclass(frozen=True, slots=True)
class Reading:
    """A sentence with its units and clauses.

    `amounts` are its figures that are no dates and not part of a time, `lengths` those that are ("two years ago").
    """

    text: str
    units: tuple[Unit, ...]
    clauses: tuple[Clause, ...]
    amounts: tuple[Figure, ...]
    periods: tuple[Period, ...]
    lengths: tuple[Figure, ...] = ()


_TOKEN = re.compile(r"[^\W_]+(?:['’.,-](?=[^\W_])[^\W_]+)*|[,;:()–—]|(?<=\s)-(?=\s)")
# How exact an amount is, right before it; its figure tells.
_APPROXIMATE = re.compile(
    r"(?:no |just |well |only |some )?(?:about|around|approximately|roughly|nearly|almost|some|over|more than|less than"
    r"|fewer than|up to|at least|at most|as many as|as much as|under|close to)\s+(?:US|[$€£])?",
    re.IGNORECASE,
)
_POSSESSIVE = re.compile(r"['’]s?$")
_TITLES = frozenset(
    """president minister prime premier chancellor king queen prince princess secretary governor mayor senator general
    mr mrs ms dr sir lord lady judge justice professor chairman chairwoman chief director executive officer ceo
    foreign finance interior health deputy former coach captain""".split()
)
_SPLITS = frozenset("but while whereas although though which who whom whose because when where".split())
_LINKS = frozenset("and against compared versus than from or with".split())


@lru_cache(maxsize=4096)
def read_sentence(text: str, published: date | None = None, anchors: tuple[Period, ...] = ()) -> Reading:
    """Read a sentence; times are resolved as `find_periods` says. What was read is kept for the next check."""
    periods = find_periods(text, published, anchors=anchors) if anchors else read_periods(text, published)
    figures = [figure for figure in read_figures(text) if figure.kind != "date"]
    lengths = tuple(f for f in figures if any(p.start < f.end and f.start < p.end for p in periods))
    amounts = tuple(figure for figure in figures if figure not in lengths)
    units = tuple(_units(text, amounts, periods))
    clauses = tuple(_make_clause(run, amounts, periods) for run in _clause_runs(units))
    return Reading(text, units, clauses, amounts, tuple(periods), lengths)


@lru_cache(maxsize=8192)
def read_periods(text: str, published: date | None) -> tuple[Period, ...]:
    """The times that a sentence names, as `find_periods` says; kept for the next check."""
    return tuple(find_periods(text, published))


@lru_cache(maxsize=16384)
def term_of(word: str) -> str:
    """The term of a word as the index sees it, or the folded word where the index has none."""
    terms = analyze(word)
    return terms[-1] if terms else fold(word)


def amount_key(figure: Figure) -> str:
    """What tells an amount from another: its value and unit."""
    return f"#{figure.value} {figure.unit}"


def _units(text: str, amounts: Sequence[Figure], periods: Sequence[Period]) -> Iterator[Unit]:
    taken = [Unit("amount", f.text, f.start, f.end, amount_key(f), figure=f) for f in amounts]
    taken += [Unit("period", p.text, p.start, p.end, p.key, period=p) for p in periods if len(p.figures) < 2]
    taken.sort(key=lambda unit: unit.start)
    at, place, run, opens = 0, 0, list[Unit](), True
    for match in _TOKEN.finditer(text):
        while place < len(taken) and taken[place].start < match.end():
            yield from _close(run)
            yield taken[place]
            at, place, run, opens = max(at, taken[place].end), place + 1, [], False
        if match.start() < at:
            continue
        if (
            place < len(taken)
            and taken[place].kind == "amount"
            and _APPROXIMATE.fullmatch(text[match.start() : taken[place].start])
        ):
            continue
        unit = _read_word(match, opens=opens)
        opens = False
        if run and (unit.kind != "name" or text[run[-1].end : unit.start] != " " or _POSSESSIVE.search(run[-1].text)):
            yield from _close(run)
            run = []
        if unit.kind == "name":
            run.append(unit)
        else:
            yield unit
            opens = unit.text == ":"
    yield from _close(run)
    yield from taken[place:]


def _read_word(match: re.Match[str], *, opens: bool) -> Unit:
    word = match.group()
    bare = _POSSESSIVE.sub("", word)
    if not word[0].isalnum():
        return Unit("mark", word, *match.span(), ",")
    if is_stop_word(word):
        return Unit("function", word, *match.span(), word.casefold(), opens)
    if bare[0].isupper():
        return Unit("name", word, *match.span(), fold(bare).replace(".", ""), opens)
    return Unit("word", word, *match.span(), term_of(bare), opens)


def _close(run: Sequence[Unit]) -> Iterator[Unit]:
    """The units of a run of words with capitals: titles before the name are words."""
    titles = [place for place, unit in enumerate(run) if unit.key in _TITLES]
    first = titles[-1] + 1 if titles else 0
    for unit in run[:first]:
        yield Unit("word", unit.text, unit.start, unit.end, term_of(unit.text), unit.opens)
    if rest := run[first:]:
        text = " ".join(unit.text for unit in rest)
        yield Unit("name", text, rest[0].start, rest[-1].end, " ".join(u.key for u in rest), rest[0].opens)


def _clause_runs(units: Sequence[Unit]) -> Iterator[tuple[Unit, ...]]:
    start = 0
    for place, unit in enumerate(units):
        if unit.kind == "mark":
            yield tuple(units[start:place])
            start = place + 1
        elif place > start and (unit.text in _SPLITS or (unit.text in _LINKS and _links(units, start, place))):
            yield tuple(units[start:place])
            start = place
    yield tuple(units[start:])


def _links(units: Sequence[Unit], start: int, place: int) -> bool:
    """Whether an amount stands on both sides, and they are not the ends of one range."""
    if not any(unit.kind == "amount" for unit in units[start:place]):
        return False
    if place >= 2 and units[place - 2].text in ("between", "from") and units[place - 1].kind == "amount":
        return False
    if units[place].text == "from" and [u.text for u in units[place + 2 : place + 3]] == ["to"]:
        return False
    for unit in units[place + 1 :]:
        if unit.kind == "mark":
            return False
        if unit.kind == "amount":
            return True
    return False


def _make_clause(units: tuple[Unit, ...], amounts: Sequence[Figure], periods: Sequence[Period]) -> Clause:
    start, end = (units[0].start, units[-1].end) if units else (0, 0)
    terms = {unit.key for unit in units if unit.kind == "word"}
    terms |= {term_of(word) for unit in units if unit.kind == "name" for word in unit.key.split()}
    return Clause(
        units,
        tuple(figure for figure in amounts if start <= figure.start < end),
        tuple(period for period in periods if start <= period.start < end),
        frozenset(terms),
    )
