"""Of which days a question speaks, and how much an article counts by its day of publication.

The times of a question ("in 2021", "last month", "after the election on 5 May") become a window of days of publication:
- a *hard* one where the question speaks of publication itself ("articles of May", "published since March 2022",
  "news before 2020"): nothing else is searched, and what the user set is only narrowed;
- else a *soft* one, from the first day of that time on: what happened in 2021 is told in 2021 and for some time after.
Without a window that has passed, newer articles count more, by a half-life; of an article that bears no day, or a later
one than the question is asked on, it is not known how new it is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cache

from qa.articles import Filters
from qa.days import months, name_days, whole_year
from qa.periods import Period, find_periods
from qa.text import format_date

# Chosen on realtimeqa-2023-h2, where 7 to 45 days, and from half to twice of it, do alike (`eval/bench/ranking.py`).
_NEWNESS = 1.0  # by how much an article of the day of asking counts more than one that is old
_HALF_LIFE = 21.0  # days in which that falls to its half
_UNKNOWN = 0.25  # newness of an article whose day is not known
_INSIDE = 0.5  # by how much an article in a soft window counts more
_TOLD_FOR = (31, 366)  # days, least and most, for which a time is told of after its end: as long as it was itself
_PUBLISHED = r"""(?ai:\b(?:published|printed|posted|articles|stories|coverage|headlines|news)
    \s(?:(?:that|which)\s)?(?:(?:was|were|is|are)\s)?(?:published\s|from\s|dated\s|written\s)?)"""
_FROM = r"(?ai:(?P<open>since|after|from)|(?P<end>before|until|till|up\sto|by)|in|on|of|during|within|for)"
_LEAD = r"(?:(?ai:the|early|late|mid|end\sof|start\sof|beginning\sof)[\s-])*"
_OPEN_AT = rf"""(?ai:\b(?P<open>since|after|following)|(?P<end>before|until|till|prior\sto|ahead\sof))
    \s(?:[\w’'-]+\s){{0,4}}?(?:on\s)?{_LEAD}$"""


@dataclass(frozen=True, slots=True)
class Window:
    """Days of publication, both inclusive, None for no bound; `text` is the time as the question words it.

    Outside of a `hard` window nothing is searched; inside of a soft one articles count more.
    """

    first: date | None
    last: date | None
    hard: bool
    text: str

    def admits(self, day: date) -> bool:
        """Whether a day lies in it."""
        return (self.first is None or self.first <= day) and (self.last is None or day <= self.last)

    def describe(self) -> str:
        """In words: "“2021”: only articles of 2021", "“5 May”: first articles from 5 May 2022 on"."""
        first, last = self.first, self.last
        if first and last:
            days = f"of {name_days(first, last)}" if _is_one(first, last) else f"from {_name(first, last)}"
        elif first:
            days = f"from {format_date(first)} on"
        else:
            days = f"until {format_date(last)}" if last else "of any day"
        return f"“{self.text}”: {'only' if self.hard else 'first'} articles {days}"


@dataclass(frozen=True, slots=True)
class Timing:
    """How a question weighs articles by their days: counted from `day`, within its window, if it has one.

    `newness` and `half_life` (days) are other than usual in benchmarks only.
    """

    day: date
    window: Window | None = None
    newness: float = _NEWNESS
    half_life: float = _HALF_LIFE

    def narrow(self, filters: Filters) -> Filters:
        """The filters within a hard window: what both admit."""
        if self.window is None or not self.window.hard:
            return filters
        since = max((d for d in (filters.since, self.window.first) if d), default=None)
        until = min((d for d in (filters.until, self.window.last) if d), default=None)
        return replace(filters, since=since, until=until, dated=True)

    def weigh(self, published: date | None) -> float:
        """By what the worth of an article is multiplied, at least 1; the same for all where nothing tells."""
        if self.window is not None and (self.window.hard or self._is_over(self.window)):
            inside = published is not None and self.window.admits(published)
            return 1.0 + _INSIDE * inside
        return 1.0 + self.newness * self._newness(published)

    def _newness(self, published: date | None) -> float:
        """From 1 for the day itself to 0 for long ago."""
        if published is None or published > self.day:
            return _UNKNOWN
        return float(2 ** (-(self.day - published).days / self.half_life))

    def _is_over(self, window: Window) -> bool:
        return window.last is not None and window.last < self.day


def read_timing(question: str, filters: Filters, today: date) -> Timing:
    """The timing of a question that is asked on `filters.as_of`, or `today` where that is not set."""
    day = filters.as_of or today
    periods = [period for period in find_periods(question, day) if period.days and not _is_part(period, question)]
    hard = [window for period in periods if (window := _hard_window(question, period))]
    if hard:
        return Timing(day, hard[0])
    soft = _soft_window(question, periods)
    return Timing(day, soft)


def _is_part(period: Period, question: str) -> bool:
    """Whether a number of four digits stands in a name: "the 2019 novel", "Expo 2020"."""
    return period.figures != () and bool(re.search(r"[A-Z]\w+\s$", question[: period.start]))


def _hard_window(question: str, period: Period) -> Window | None:
    match = _compiled(rf"{_PUBLISHED}{_FROM}\s{_LEAD}$").search(question[: period.start])
    if match is None:
        return None
    first, last = _span([period])
    if match["open"]:
        after = match["open"].casefold() == "after"
        return Window(last + timedelta(days=1) if after else first, None, True, period.text)
    if match["end"]:
        before = match["end"].casefold() == "before"
        return Window(None, first - timedelta(days=1) if before else last, True, period.text)
    return Window(first, last, True, period.text)


def _soft_window(question: str, periods: Sequence[Period]) -> Window | None:
    """From the first of the times on, for as long as they are told of; none for what is only said to be before."""
    starts: list[date] = []
    ends: list[date | None] = []
    for period in periods:
        opened = _compiled(_OPEN_AT).search(question[: period.start])
        if opened and opened["end"]:
            continue
        first, last = _span([period])
        starts.append(first)
        ends.append(None if opened else last + timedelta(days=_told_for(first, last)))
    if not starts:
        return None
    last_told = None if None in ends else max(end for end in ends if end)
    return Window(min(starts), last_told, False, ", ".join(period.text for period in periods))


def _span(periods: Sequence[Period]) -> tuple[date, date]:
    days = [run for period in periods for run in period.days]
    return min(first for first, _ in days), max(last for _, last in days)


def _is_one(first: date, last: date) -> bool:
    return (first, last) in (whole_year(first.year), months(first.year, first.month, 1))


def _name(first: date, last: date) -> str:
    years = (first.month, first.day, last.month, last.day) == (1, 1, 12, 31)
    return f"{first.year} to {last.year}" if years else name_days(first, last)


def _told_for(first: date, last: date) -> int:
    least, most = _TOLD_FOR
    return min(most, max(least, (last - first).days + 1))


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.VERBOSE)
