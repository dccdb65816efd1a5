"""A statement against a sentence on record: whether it gives another figure for the same thing.

Only what is sure counts. Both speak of the same things in the same words (or words that stand for them), name the same
dates and the same limits ("so far", "expected", "average"), deny nothing, and each has one figure of the kind and unit
in question; and no rounding or "about" makes the two figures one. Anything else is no contradiction but no support.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache

from qa.figures import Figure, find_figures, same_figure
from qa.keywords import analyze, is_stop_word, question_terms
from qa.question import find_counted_noun, read_question
from qa.synonyms import same_sense

_FEW_TERMS = 4  # up to so many all must be met, of more all but one
_ENOUGH_TERMS = 4  # to tell what is meant where neither a name nor a date does
_UNBOUNDED = Decimal("Infinity")

# What only leads to a figure, or says nothing of what is counted.
_LEVEL = """reach reached stand stands stood come comes came amount amounts total totals totalled totaled hit be make
    made number numbered worth equal register registered record recorded see saw value valued post posted account
    accounted say says said report reported sum volume turnover figure level end year period time overall altogether
    country countries nation state highest high ever exactly between among them both its their at"""
_CHANGED_TO = re.compile(
    r"\b(?:gr[eo]w|grown|r[io]sen?|increased?|climbed|jumped|surged|soared|f[ae]ll|fallen|dropped|declined|decreased)"
    r"(?:\s\w+ly)?\sto\b",
    re.IGNORECASE,
)
_CHANGED_BY = re.compile(r"\b(?:by|up|down|another|further|extra|additional)(?:\s[a-z]+){0,2}\s$", re.IGNORECASE)
# A time that depends on the day on which it was written.
_RELATIVE = re.compile(
    r"""\b(?:(?:last|next|previous|past|coming|current|this|recent)\s(?:[\w-]+\s)?(?:years?|months?|weeks?|quarter|days?
    |decade|season|summer|autumn|winter|spring|(?:mon|tues|wednes|thurs|fri|satur|sun)day)|ago|today|yesterday|tomorrow
    |tonight|later|earlier|now|currently|recently|lately|so\sfar|to\sdate|on\s(?:mon|tues|wednes|thurs|fri|satur|sun)day)\b""",
    re.IGNORECASE | re.VERBOSE,
)
# These must be on both sides or on neither: they say for when, for how much of it, and how certain.
_LIMITS = re.compile(
    r"""\b(?:last|next|previous|past|coming|current|this|months?|weeks?|quarter(?:ly)?|half|days?|daily|weekly|monthly
    |annual(?:ly)?|first|second|third|early|late|since|until|till|before|after|average|mean|median|per|each|every
    |expect(?:ed|s)?|plan(?:ned|s)?|target(?:ed)?|forecast|aim(?:s|ed)?|could|would|will|may|might|should|hopes?|goal
    |estimated?|projected|only|other|than|compared|versus|share|part|some\sof|most\sof)\b""",
    re.IGNORECASE | re.VERBOSE,
)
_DENIED = re.compile(
    r"\b(?:not?|never|none|nor|neither|cannot|without|instead|rather\sthan|except|excluding|false(?:ly)?|wrong(?:ly)?"
    r"|den(?:y|ies|ied)|mistaken(?:ly)?|alleged(?:ly)?|claim(?:s|ed)?|rumou?red|unlike|if|whether)\b|n['’]t\b",
    re.IGNORECASE,
)
# What stands for a name that is elsewhere.
_STAND_IN = re.compile(
    r"\bthe\s(?:state|province|city|county|region|company|firm|bank|ministry|department|agency|party|government|club|team"
    r"|court)\b",
    re.IGNORECASE,
)
_PRONOUN = re.compile(r"\b(?:it|he|she|they)\b|\b(?:that|this)['’]s\b", re.IGNORECASE)
# Rows of a list, and times of day, which figures are not.
_NO_SENTENCE = re.compile(r"^[^:]{1,60}:\s|\d:\d\d|\d\s?[ap]\.?m\b", re.IGNORECASE)
_SAYS = r"(?:said|says|told|announced|reported|according\sto|noted|added)"
_ATTRIBUTION = re.compile(rf",\s[^,;]*\b{_SAYS}\b[^,;]*$|^[^,;]*\b{_SAYS}\b[^,;]*(?:,|\bthat\b)\s", re.IGNORECASE)
_CLAUSE_END = re.compile(r"[,;:]|\s[–—-]\s|\s(?:and|but|while|as|which|after|when)\s")


@dataclass(frozen=True, slots=True)
class Contradiction:
    """A figure of a statement, and the one that is on record for the same thing."""

    claimed: Figure
    recorded: Figure


def find_contradiction(statement: str, record: str, *, title: str = "", before: str = "") -> Contradiction | None:
    """Where a statement is contradicted by a sentence on record, or None where that is not sure.

    The title of its article and the sentence before it may name what the sentence itself does not.
    """
    if "?" in statement or find_limits(statement) != find_limits(record):
        return None
    if any(pattern.search(text) for pattern in (_DENIED, _NO_SENTENCE, _RELATIVE) for text in (statement, record)):
        return None
    claimed, recorded = find_figures(statement), find_figures(record)
    if _dates(claimed) != _dates(recorded):
        return None
    found: Contradiction | None = None
    for figure in (figure for figure in claimed if figure.kind != "date"):
        if any(same_figure(figure, known) for known in recorded):
            continue
        known = _counterpart(figure, statement, claimed, record, recorded)
        if known is None or agree(figure, known):
            return None
        found = found or Contradiction(figure, known)
    return found if found and _same_subject(statement, record, found, (title, before)) else None


def agree(a: Figure, b: Figure) -> bool:
    """Whether two figures of one kind and unit may state the same amount, each read as coarsely as it is written."""
    if same_figure(a, b) or same_figure(b, a) or a.value is None or b.value is None:
        return True
    (a_low, a_high), (b_low, b_high) = _range(a), _range(b)
    return a_low < b_high and b_low < a_high


def _range(figure: Figure) -> tuple[Decimal, Decimal]:
    """Between which amounts the exact one lies, as far as it is stated."""
    value, margin = figure.value or Decimal(0), _grain(figure) / 2
    if figure.bound == "over":
        return value - margin, _UNBOUNDED
    if figure.bound == "under":
        return -_UNBOUNDED, value + margin
    margin = 2 * margin if figure.approximate else margin
    return value - margin, value + margin


def _grain(figure: Figure) -> Decimal:
    """The last digit that counts: that of 1,600 is a hundred, that of 23 and of 24.2 the last one written."""
    written = abs(figure.value or Decimal(0)) / (figure.step or 1)
    if written < 100 or written != written.to_integral_value():
        return figure.step
    digits = str(int(written))
    return figure.step.scaleb(len(digits) - len(digits.rstrip("0")))


def _counterpart(
    figure: Figure, statement: str, claimed: Sequence[Figure], record: str, recorded: Sequence[Figure]
) -> Figure | None:
    """The one figure on record of the kind, the unit and, where it has no unit, the counted noun of a statement's."""

    def alike(text: str, known: Figure) -> bool:
        if (known.kind, known.unit) != (figure.kind, figure.unit):
            return False
        return figure.unit is not None or (bool(noun) and _same_word(noun, find_counted_noun(text, known)))

    noun = find_counted_noun(statement, figure)
    there = [known for known in recorded if alike(record, known)]
    if len(there) != 1 or sum(alike(statement, known) for known in claimed) != 1:
        return None
    same_change = _is_change(statement, figure) == _is_change(record, there[0])
    return there[0] if same_change else None


def _same_word(a: str | None, b: str | None) -> bool:
    return a is not None and b is not None and (a == b or b in same_sense(a))


def _is_change(text: str, figure: Figure) -> bool:
    return bool(_CHANGED_BY.search(text[: figure.start]))


def find_limits(text: str) -> Counter[str]:
    """The limiting words of a text outside its figures."""
    return Counter(word.casefold() for word in _LIMITS.findall(_blank_figures(text)))


def _dates(figures: Iterable[Figure]) -> set[tuple[object, ...]]:
    return {(f.year, f.part, f.month, f.day) for f in figures if f.kind == "date"}


def _has_year(text: str) -> bool:
    return any(figure.year for figure in find_figures(text))


def _same_subject(statement: str, record: str, found: Contradiction, around: tuple[str, str]) -> bool:
    """Whether record, title or sentence before have what the statement speaks of, and it has what the record does."""
    clause = _clause(record, found.recorded)
    said, recorded = _subject(statement), _subject(clause)
    if _PRONOUN.search(clause) or _PRONOUN.search(_ATTRIBUTION.sub(" ", statement)):
        return False
    title, before = around
    if not read_question(statement).names and (
        _STAND_IN.search(statement) or (len(said) < _ENOUGH_TERMS and not _has_year(statement))
    ):
        return False  # "seven members were absent": it may be of any day and any place
    if not said or not recorded or _lacks(said, f"{record}\n{title}\n{before}") or _lacks(recorded, statement):
        return False
    named_around = any(word[0].isupper() for word in _absent(said, record))
    # "The two countries" are those of the title: a statement that names one of them may be about it and a third.
    return not (named_around and any(word[0].isupper() for word in _absent(_subject(title)[1:], statement)))


def _clause(record: str, figure: Figure) -> str:
    """The record up to the end of the clause in which the figure stands, without who said it."""
    end = _CLAUSE_END.search(record, figure.end)
    return _ATTRIBUTION.sub(" ", record[: end.start() if end else len(record)])


def _lacks(subject: Sequence[str], text: str) -> bool:
    """Whether a text lacks a name of a subject or, beyond one in five, other words of it."""
    absent = _absent(subject, text)
    return any(word[0].isupper() for word in absent) or len(absent) > (len(subject) > _FEW_TERMS)


def _absent(subject: Sequence[str], text: str) -> list[str]:
    present = set(analyze(text))
    return [word for word in subject if not any(present & same_sense(term) for term in analyze(word))]


def _subject(text: str) -> list[str]:
    """The words that tell what a text speaks of, names with their capital, each once."""
    bare = _CHANGED_TO.sub(" ", _blank_figures(_ATTRIBUTION.sub(" ", text)))
    words = re.findall(r"[^\W\d_]+(?:[-’'][^\W\d_]+)*", bare)
    first = next(iter(words), "")
    names = {*read_question(bare).names, first}
    kept = (word if word in names else word.casefold() for word in words if not is_stop_word(word))
    return [word for word in dict.fromkeys(kept) if _tells(word)]


def _tells(word: str) -> bool:
    terms = [term for term in question_terms(word) if not is_stop_word(word)]
    return bool(terms) and not all(term in _level_terms() for term in terms)


@cache
def _level_terms() -> frozenset[str]:
    return frozenset(analyze(_LEVEL))


def _blank_figures(text: str) -> str:
    for figure in find_figures(text):
        text = text[: figure.start] + " " * (figure.end - figure.start) + text[figure.end :]
    return text
