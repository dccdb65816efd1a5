"""Figures and times of a statement against those of its quotes, with the reason where they are not borne out.

An amount is borne out by one of the quotes that is the same by the comparison rule of `qa.figures`; "fell by 4.5
percent" bears out "-4.5 percent" and the reverse. A time is borne out by one of the quotes that lies within it, both
resolved against the day of publication (`qa.periods`): "in 2031" by "last year", "in the first half of 2032" by "from
January to June", never "in May 2032" by "in 2032". Where the quotes name no time but days, a year may be that of
publication, and a time the last that the article names before the quote.

An amount and a time of one clause belong together: "$8.4 billion in 2030" is not borne out by "$8.4 billion last
year, up from $7.6 billion in 2030". An amount without a time in its clause has that of the clauses before it, or of the
whole sentence. The day on which something was said is no time of an amount.

A statement that names no time is said of the time that its question asks about: "it was $7.6 billion" is no answer for
2031 where the quotes say it of 2030.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal

from qa.clauses import Clause, Fault, Reading, Unit
from qa.evidence import Evidence, periods_before
from qa.figures import Figure, same_figure
from qa.keywords import analyze
from qa.periods import Period, covers, describe, overlap
from qa.polarity import is_down
from qa.slots import find_displaced

_COMPARED = re.compile(
    r"\b(?:than|compared (?:with|to)|versus|against)\s(?:(?:in|that of|those of)\s)?(?:the\s)?$", re.IGNORECASE
)
_COMPARING = frozenset("than compared versus against".split())
_REVISED = frozenset("revis correct".split())
_CHANGED = frozenset("amend updat lower rais cut recount recalcul restat earlier previous instead rather now".split())
_RIGHT_AFTER = re.compile(r"\s?(?:of|in|for|during)?\s?(?:the\s)?")
_LONG = 32  # characters before a time that are looked at
_SAME_DIGITS = {Decimal(10) ** n for n in (*range(-12, 0), *range(1, 13))}


def check_figures(claim: Reading, evidence: Evidence) -> Iterator[Fault]:
    """What is wrong with the figures and times of a statement, a line for each."""
    known = {days for period in evidence.periods for days in period.days}
    runs = [period for period in claim.periods if len(period.figures) > 1 and not known.isdisjoint(period.days)]
    absent = [
        p
        for p in claim.periods
        if len(p.figures) < 2
        and not any(run.start <= p.start and p.end <= run.end for run in runs)
        and not _is_timed(p, evidence)
    ]
    found = [(p.start, Fault("other_period", _describe_absent(p, evidence))) for p in absent]
    found += [(f.start, fault) for f in claim.amounts if (fault := _check_amount(f, claim, evidence, absent))]
    found = found or [*_check_revised(claim, evidence), *_find_turned(claim, evidence)]
    found = found or list(_check_places(claim, evidence))
    yield from (fault for _, fault in sorted(found, key=lambda item: item[0]))


def check_asked(claim: Reading, evidence: Evidence, question: Reading) -> Iterator[Fault]:
    """Amounts of a statement that names no time, if the quotes say all of them of times that were not asked about."""
    asked = _asked_times(question)
    told = [f for f in claim.amounts if not any(same_figure(f, known) for known in question.amounts)]
    if not asked or not told or any(not period.is_day for period in claim.periods):
        return
    found = [_held_times(figure, claim, evidence) for figure in told]
    if all(found) and not any(_answers(p, other) for p in asked for times in found for other in times):
        detail = f"{told[0].text} is said of {_join(found[0])} in the quote, and {_join(asked)} was asked"
        yield Fault("other_period", detail)


def _asked_times(question: Reading) -> list[Period]:
    """The times that a question asks about, runs whole; none where one of them cannot be told."""
    runs = [period for period in question.periods if len(period.figures) > 1]
    times = runs + [p for p in question.periods if not any(r.start <= p.start and p.end <= r.end for r in runs)]
    return times if all(period.days or period.figures for period in times) else []


def _answers(asked: Period, other: Period) -> bool:
    """Whether what is said of a time may answer for the one that was asked about: no quarter does for a year."""
    if not (asked.days and other.days) or asked.is_day or other.is_day:
        return _is_time(asked, other)
    if len(asked.figures) > 1 or any(figure.part for figure in asked.figures):
        return not set(asked.days).isdisjoint(other.days)
    is_part = len(other.figures) > 1 or any(figure.part for figure in other.figures)
    return overlap(asked, other) and not (is_part and set(asked.days).isdisjoint(other.days))


def _held_times(figure: Figure, claim: Reading, evidence: Evidence) -> list[Period]:
    """The times that the quotes say an amount of; none where they say it once without."""
    theirs = [
        [p for p in _times_of(known, sentence) or _times_in(known, sentence) if not _is_compared(p, sentence)]
        for sentence, known in _holders(figure, claim, evidence)
    ]
    return list(dict.fromkeys(period for times in theirs for period in times)) if all(theirs) else []


def _is_compared(period: Period, sentence: Reading) -> bool:
    """Whether a time follows a word like "than", with no amount between: "smaller than the step taken in 2021"."""
    for unit in reversed([unit for unit in sentence.units if unit.start < period.start]):
        if unit.kind in ("amount", "mark") or unit.key in _COMPARING:
            return unit.key in _COMPARING
    return False


def _join(periods: Sequence[Period]) -> str:
    return ", ".join(dict.fromkeys(map(describe, periods)))


def _check_amount(figure: Figure, claim: Reading, evidence: Evidence, absent: Sequence[Period]) -> Fault | None:
    holders = _holders(figure, claim, evidence)
    if not holders:
        return _describe_missing(figure, evidence)
    other = _other_time(figure, claim, holders, absent)
    return Fault("other_period", f"{figure.text} is said of {other} in the quote") if other else None


def _check_revised(claim: Reading, evidence: Evidence) -> Iterator[tuple[int, Fault]]:
    """An amount that the statement calls revised, where nothing in the quotes or their articles' titles does."""
    told = next((unit for unit in claim.units if unit.key in _REVISED and claim.amounts), None)
    known = {unit.key for sentence in evidence.sentences for unit in sentence.units}
    known |= {term for article in evidence.articles for term in analyze(article.title)}
    if told and known.isdisjoint(_REVISED | _CHANGED):
        yield told.start, Fault("figure_not_in_quote", f"{told.text}: the quote does not tell of another figure before")


def _check_places(claim: Reading, evidence: Evidence) -> Iterator[tuple[int, Fault]]:
    """Amounts and times that the quotes have, but in another place."""
    for place, unit in enumerate(claim.units):
        if unit.kind in ("amount", "period"):
            same = _is_same_amount if unit.kind == "amount" else _is_same_time
            if other := find_displaced(claim.units, place, evidence, same, lowest=3, both=True):
                detail = f"where this has {unit.text}, the quote has {other.text}"
                yield unit.start, Fault("other_period" if unit.period else "figure_not_in_quote", detail)


def _is_same_amount(one: Unit, other: Unit) -> bool:
    if one.figure is None or other.figure is None:
        return False
    elliptical = (one.figure.unit is None) != (other.figure.unit is None) and one.figure.value == other.figure.value
    return elliptical or same_figure(one.figure, other.figure)


def _is_same_time(one: Unit, other: Unit) -> bool:
    return one.period is not None and other.period is not None and bears_out(one.period, other.period)


def _find_turned(claim: Reading, evidence: Evidence) -> Iterator[tuple[int, Fault]]:
    """Changes told the other way round: "from 6.1 to 5.8 percent" for "from 5.8 to 6.1 percent"."""
    known = [change for sentence in evidence.sentences for change in _changes(sentence)]
    for first, last in _changes(claim):
        same = any(_is_same_amount(first, a) and _is_same_amount(last, b) for a, b in known)
        for a, b in known:
            if not same and _is_same_amount(first, b) and _is_same_amount(last, a):
                yield first.start, Fault("other_sign", f"the quote has it from {a.text} to {b.text}")


def _changes(reading: Reading) -> Iterator[tuple[Unit, Unit]]:
    units = reading.units
    for place in range(len(units) - 3):
        words = units[place].text, units[place + 2].text
        first, last = units[place + 1], units[place + 3]
        if words == ("from", "to") and first.kind == last.kind == "amount":
            yield first, last


# Amounts

Holder = tuple[Reading, Figure]


def _holders(figure: Figure, claim: Reading, evidence: Evidence) -> list[Holder]:
    """The amounts of the quotes that bear out one of the statement, with their sentences."""
    return [
        (sentence, known)
        for sentence in evidence.sentences
        for known in (*sentence.amounts, *sentence.lengths)
        if same_figure(figure, known)
        or _is_signed_by_word(figure, claim, known, sentence)
        or _is_elliptical(figure, claim, known, sentence)
    ]


def _is_elliptical(figure: Figure, claim: Reading, known: Figure, sentence: Reading) -> bool:
    """Whether one leaves out a unit that another amount of its sentence has: "2.3 million tonnes, then 2.2 million"."""
    if (figure.unit is None) == (known.unit is None) or "number" not in (figure.kind, known.kind):
        return False
    unit, others = (known.unit, claim.amounts) if figure.unit is None else (figure.unit, sentence.amounts)
    stated = replace(figure, unit=unit, kind=known.kind if figure.unit is None else figure.kind)
    return any(other.unit == unit for other in others) and same_figure(
        stated, replace(known, unit=unit, kind=stated.kind)
    )


def _is_signed_by_word(figure: Figure, claim: Reading, known: Figure, sentence: Reading) -> bool:
    """Whether one is negative and a word tells of the other that it is a fall: "fell by 4.5 percent"."""
    if figure.value is None or known.value is None or (figure.value < 0) == (known.value < 0):
        return False
    if not same_figure(replace(figure, value=-figure.value), known):
        return False
    return is_down(_clause_of(known, sentence) if figure.value < 0 else _clause_of(figure, claim))


def _clause_of(figure: Figure, reading: Reading) -> Clause:
    return next((clause for clause in reading.clauses if figure in clause.amounts), reading.clauses[0])


def _describe_missing(figure: Figure, evidence: Evidence) -> Fault:
    """The reason why an amount is not borne out, with those of its kind that the quotes have, the nearest first."""
    alike = sorted((f for f in evidence.amounts if f.kind == figure.kind), key=lambda known: _distance(figure, known))
    there = f"; it has {', '.join(dict.fromkeys(known.text for known in alike))}" if alike else ""
    detail = f"{figure.text} is not in the quote{there}"
    for known in alike:
        if known.unit == figure.unit and known.value and figure.value:
            if known.value == -figure.value:
                return Fault("other_sign", detail)
            if abs(figure.value / known.value) in _SAME_DIGITS:
                return Fault("other_scale", detail)
    return Fault("figure_not_in_quote", detail)


def _distance(figure: Figure, known: Figure) -> Decimal:
    if figure.value is None or known.value is None:
        return Decimal("Infinity")
    largest = max(abs(figure.value), abs(known.value), Decimal(1))
    return abs(figure.value - known.value) / largest + (known.unit != figure.unit)


# Times


def _is_timed(period: Period, evidence: Evidence) -> bool:
    """Whether a time of a statement is borne out by the quotes."""
    known = evidence.periods
    if any(bears_out(period, other) for other in known):
        return True
    if period.relative and not period.days and not any(other.relative for other in known):
        return True  # of an article without a date, whose quote speaks of no such time: nothing can be told
    if any(not other.is_day for other in known if other.days or other.figures):
        return False
    if _is_year_of_publication(period, evidence):
        return True
    before = [found for quote in evidence.quotes for found in periods_before(quote)[:1]]
    return any(bears_out(period, other) for other in before)


def bears_out(period: Period, other: Period) -> bool:
    """Whether a time of a statement is met by one of its quotes, however both are worded."""
    if (
        other.relative
        and other.is_day
        and (period.relative or any(f.part for f in period.figures))
        and not period.is_day
    ):
        return False  # when something was said or done is no quarter, and no "last year"
    if covers(period, other):
        return True
    if period.relative and other.relative and period.key == other.key:
        return True
    return any(
        same_figure(figure, known) for figure in period.figures for known in other.figures if figure.year is None
    )


def _is_year_of_publication(period: Period, evidence: Evidence) -> bool:
    """Whether a bare year is the one in which every article was published."""
    year = next((figure.year for figure in period.figures if not (figure.month or figure.part)), None)
    published = [article.published for article in evidence.articles]
    return year is not None and all(day is not None and day.year == year for day in published)


def _describe_absent(period: Period, evidence: Evidence) -> str:
    known = [other for other in evidence.periods if len(other.figures) < 2]
    alike = [other for other in known if other.is_day == period.is_day] or known
    there = f"; it has {', '.join(dict.fromkeys(describe(other) for other in alike))}" if alike else ""
    return f"{describe(period)} is not in the quote{there}"


def _other_time(figure: Figure, claim: Reading, holders: Sequence[Holder], absent: Sequence[Period]) -> str | None:
    """The time that the quotes say an amount of, where the statement says it of another one."""
    ours = [period for period in _times_of(figure, claim) if period not in absent]
    if not ours:
        return None
    theirs = [times_of(known, sentence) for sentence, known in holders]
    if not all(theirs) or any(_is_time(a, b) for a in ours for times in theirs for b in times):
        return None
    times = list(dict.fromkeys(period for found in theirs for period in found))
    if all(len(p.figures) == 1 and p.key.endswith("None-None-None") for p in ours):
        years = sorted({first.year for period in times for first, _ in period.days[:1]})
        return ", ".join(map(str, years)) or times[0].text
    return ", ".join(dict.fromkeys(describe(period) for period in times))


def _is_time(ours: Period, theirs: Period) -> bool:
    """Whether what is said of one time may be meant of the other; quarters and halves must be the very same."""
    if any(figure.part for figure in ours.figures) and ours.days and theirs.days and not theirs.is_day:
        return not set(ours.days).isdisjoint(theirs.days)
    return overlap(ours, theirs) or bears_out(ours, theirs)


def times_of(figure: Figure, reading: Reading) -> list[Period]:
    """The times that an amount is said of: those of its clause, else those of the whole sentence that may be meant."""
    return _times_of(figure, reading) or _times_in(figure, reading)


def times_in(reading: Reading) -> list[Period]:
    """The times that a sentence speaks of, without those that it compares with: "more than in 2026"."""
    return [period for period in reading.periods if not _COMPARED.search(reading.text[: period.start][-_LONG:])]


def _times_of(figure: Figure, reading: Reading) -> list[Period]:
    """The times that an amount is said of: of its clause, else of one before it that has no amount of its own."""
    place = next((n for n, clause in enumerate(reading.clauses) if figure in clause.amounts), 0)
    for clause in reversed(reading.clauses[: place + 1]):
        long = [period for period in clause.periods if not period.is_day and (period.days or period.figures)]
        if long and (figure in clause.amounts or not clause.amounts):
            return [period for period in long if _is_time_of(figure, period, reading)]
    return []


def _times_in(figure: Figure, reading: Reading) -> list[Period]:
    """The times of a whole sentence that an amount may be said of."""
    return [period for period in reading.periods if not period.is_day and _is_time_of(figure, period, reading)]


def _is_time_of(figure: Figure, period: Period, reading: Reading) -> bool:
    """Whether an amount may be of a time: neither that of another amount, nor what it is compared with.

    "A year earlier" is the time of the amount right before it, else what another time is compared with.
    """
    before = reading.text[: period.start]
    if any(_RIGHT_AFTER.fullmatch(before[other.end :]) for other in reading.amounts if other.end <= period.start):
        return _RIGHT_AFTER.fullmatch(before[figure.end :]) is not None
    if _COMPARED.search(before[-_LONG:]):
        return False
    return not period.key.startswith(("-", "+")) or period.text.endswith("ago") or not before.strip()
