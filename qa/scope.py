"""Of which time and of whom a sentence speaks, in itself or by what stands around it, held against a question.

A time of the question is met where the sentence says what it says of that very time, of a part of it or, less, of a
longer one, relative times resolved against the day of publication. An amount has a time of its own (`qa.support`):
"$8.4 billion last year, up from $7.6 billion in 2030" has two. Where the sentence names no time but a day, the times
that the article names before it, its title and the day of publication speak for it, each less than the one before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

from qa.articles import Quote
from qa.clauses import Reading, read_sentence
from qa.evidence import COUNTS_BACK, periods_before
from qa.figures import Figure
from qa.periods import Period, covers, find_periods, overlap
from qa.support import times_in, times_of

_SAME, _PART, _SMALL_PART, _LONGER, _OTHER = 1.0, 0.9, 0.7, 0.3, 0.0
_ON_A_DAY, _BEFORE, _IN_TITLE, _PUBLISHED, _JUST_AFTER, _UNSAID = 0.75, 0.7, 0.8, 0.6, 0.4, 0.15
_UNTOLD = 0.5  # of an undated article: "last year"
_SMALL = 3  # a time of under a third of the one asked for is a small part of it
_YEAR, _MONTH = 200, 31  # days; half a year is less than that year
MET = 0.4  # from here on a time counts as met
_REPORTED = timedelta(days=45)  # how long after a period news of it still comes


@dataclass(frozen=True, slots=True)
class Scope:
    """A sentence of an article, read for its times, and those of the title."""

    quote: Quote
    reading: Reading
    title: tuple[Period, ...]

    @property
    def published(self) -> date | None:
        """The day of publication."""
        return self.quote.article.published


def read_scope(quote: Quote) -> Scope:
    """Read a sentence with the times that its relative ones may count from."""
    published = quote.article.published
    anchors = periods_before(quote) if COUNTS_BACK.search(quote.text) else ()
    return Scope(quote, read_sentence(quote.text, published, anchors), _periods_of(quote.article.title, published))


def long_periods(quote: Quote) -> list[Period]:
    """The times longer than a week that a sentence names."""
    return [period for period in read_scope(quote).reading.periods if not period.is_day]


def meets_times(asked: Sequence[Period], scope: Scope, figure: Figure | None = None) -> float:
    """How well the times of a question are met, from 0 (another time) to 1; of several, the worst; 1 where it has none.

    `figure` is the amount of the sentence that would be the answer, or None where the answer is something else.
    """
    said = times_of(figure, scope.reading) if figure else times_in(scope.reading)
    return meets_said(asked, said, scope, is_amount=figure is not None)


def meets_said(asked: Sequence[Period], said: Sequence[Period], scope: Scope, *, is_amount: bool = True) -> float:
    """The same where it is known of which times the sentence says it; days do not count among them."""
    long = [period for period in said if not period.is_day]
    runs = [period for period in asked if len(period.figures) > 1]
    whole = [p for p in asked if p in runs or not any(run.start <= p.start and p.end <= run.end for run in runs)]
    told = [period for period in whole if period.days and not _is_anchored(period)]
    return min((_meets(period, long, scope, is_amount) for period in told), default=1.0)


def _is_anchored(period: Period) -> bool:
    """Whether a time counts from another one that is not told: "a year earlier", "the month before"."""
    return period.key.startswith(("-", "+")) and not period.text.endswith("ago")


def _meets(asked: Period, said: Sequence[Period], scope: Scope, is_amount: bool) -> float:
    if said:
        return max(_compare(asked, period) for period in said)
    by_publication = _by_publication(asked, scope, is_amount=is_amount)
    return max(_UNSAID, _by_day(asked, scope), _by_text_around(asked, scope), by_publication)


def _compare(asked: Period, said: Period) -> float:
    if asked.relative and said.relative and asked.key == said.key and (_length(asked) > _MONTH or _near(asked, said)):
        return _PART  # "this year" may be asked as the article has it; "this week" of another year is another one
    if not said.days:
        return _UNTOLD
    if not set(asked.days).isdisjoint(said.days):
        return _SAME
    if covers(asked, said):
        return _PART if _length(said) * _SMALL > _length(asked) else _SMALL_PART
    return _LONGER if covers(said, asked) else _OTHER


def _near(asked: Period, said: Period) -> bool:
    return not said.days or overlap(asked, said)


def _by_day(asked: Period, scope: Scope) -> float:
    """A day that may be of two years is of the one that is nearer to the day of publication."""
    for period in scope.reading.periods:
        if period.is_day:
            first, last = min(period.days, key=lambda run: abs(run[0] - (scope.published or run[0])))
            if any(begin <= first and last <= end for begin, end in asked.days):
                return _ON_A_DAY
    return 0.0


def _by_text_around(asked: Period, scope: Scope) -> float:
    if any(overlap(asked, period) for period in scope.title):
        return _IN_TITLE
    return _BEFORE if any(overlap(asked, period) for period in periods_before(scope.quote)[:1]) else 0.0


def _by_publication(asked: Period, scope: Scope, *, is_amount: bool) -> float:
    """An amount that is published in the first weeks of a year is hardly that of the year."""
    day = scope.published
    if day is None:
        return 0.0
    if any(first <= day <= last for first, last in asked.days):
        is_early = is_amount and _length(asked) > _YEAR and all(day - first < _REPORTED for first, _ in asked.days)
        return 0.0 if is_early else _PUBLISHED
    return _JUST_AFTER if any(last < day <= last + _REPORTED for _, last in asked.days) else 0.0


def _length(period: Period) -> int:
    return min((last - first).days + 1 for first, last in period.days)


@lru_cache(maxsize=1024)
def _periods_of(text: str, published: date | None) -> tuple[Period, ...]:
    return tuple(find_periods(text, published))
