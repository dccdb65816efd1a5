"""Times in English text as days on the calendar: dates, months, quarters, "last year", "on Tuesday", "a year earlier".

A period is a date figure of `qa.figures` (a year, a month, a day, a quarter or half), a run of two of them
("January–May 2022", "between July and September"), the first or last months of a year ("the last three months of
2032"), a week day, a season with a word before it ("next spring"), or a relative time: "last year", "this month",
"the previous quarter", "the year before", "a year earlier", "nineteen months ago", "yesterday".

What is not said in full is resolved against the day of publication, and where it may mean several times it keeps
them all:
- a month or a day without a year is the last such one, or the next one too where that is less than half a year away
  or the sentence looks ahead ("will", "due", "until …"); after a year in the same sentence it may be of that year;
- a quarter or half without a year is the last that was over, or the one before or after the day where that looks ahead;
- a week day is the last such day, the day itself included, or the next one where the sentence looks ahead;
- "earlier", "before", "later" and "previous" count from the period before it in the sentence, else after it, else
  from the `anchors`, else from the day of publication; "ago", "last", "this" and "next" from the day of publication.
"Early", "mid-" and "the end of" a period are that period. Without a day of publication a relative time has no days
and is compared by its words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cache, lru_cache
from itertools import pairwise

from qa.days import Days, around, months, name_days, shift, whole_year
from qa.figures import Figure, read_figures
from qa.text import MONTHS


@dataclass(frozen=True, slots=True)
class Period:
    """A time as written, `text == whole[start:end]`, and the runs of days (first, last) that it may mean.

    `days` is empty where it cannot be told; `key` then stands for it. `figures` are the date figures in it.
    """

    text: str
    start: int
    end: int
    days: tuple[Days, ...]
    key: str
    relative: bool = False
    figures: tuple[Figure, ...] = ()

    @property
    def is_day(self) -> bool:
        """Whether it is no longer than a week."""
        return bool(self.days) and all((last - first).days < 7 for first, last in self.days)


_WEEKDAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
_SEASONS = {"spring": 3, "summer": 6, "autumn": 9, "fall": 9, "winter": 12}
_SPANS = "year|quarter|month|week|weekend|decade"
_NUMBERS = (
    "a an one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen".split()
)
_NUMBERS += "seventeen eighteen nineteen twenty".split()
_COUNT = rf"(?:{'|'.join(_NUMBERS)}|\d{{1,3}})"
_YEAR = r"(?:of|in)\s(?P<of>(?:1\d|2[01])\d\d)\b"
_NAMED = rf"{'|'.join(_WEEKDAYS)}|{'|'.join(MONTHS)}"
_RELATIVE = rf"""
    (?<![\w-])(?:
      (?ai:(?P<which>last|this|next|previous|current|following|preceding|same)\s(?P<what>{_SPANS}|night))(?![\w-])
    | (?ai:(?P<named>last|this|next))\s(?P<name>{_NAMED}|(?ai:{"|".join(_SEASONS)}))(?!\w)
    | (?ai:the\s(?P<back>{_SPANS}|day|night)\s(?P<turn>before|earlier|after|later))(?!\s(?!and|or|but)\w)
    | (?ai:(?P<count>{_COUNT})\s(?P<unit>year|quarter|month|week|day|decade)s?\s
        (?P<way>ago|earlier|later|previously|before(?=[.,;)]|$)))(?!\w)
    | (?ai:the\s(?P<season>{"|".join(_SEASONS)})(?:\s{_YEAR})?)(?!\s?\w)
    | (?ai:(?P<edge>first|last|final)\s(?P<months>three|six|nine|3|6|9)\smonths)(?:\sof\s(?:the\syear|
        (?P<in>(?:1\d|2[01])\d\d)))?(?!\w)
    | (?P<day>{"|".join(_WEEKDAYS)})(?!\w)
    | (?ai:(?P<word>yesterday|today|tonight|tomorrow))(?!\w)
    )"""
# One of these is in any relative time; looking for them first is ten times as fast.
_HINTS = tuple(
    """last this next previous current following preceding same before earlier after later ago months day tonight
    tomorrow""".split()
) + tuple(_SEASONS)
_AHEAD = r"""\b(?:will|would|shall|due|next|plans?|planned|expect(?:s|ed)?|scheduled|set\s(?:for|to)|until|till|later
    |can|could|may|might|should|(?:is|are|was|were|has|have)\sto|to\s(?:be|start|begin|open|take|end))\b"""
_AHEAD_BEFORE = r"\b(?ai:from|by|until|till|before|through|for)\s(?:(?:the|early|late|end\sof)\s)*$"
_RUN = r"\s?[-–]\s?|\s(?:to|until|through|till|and)\s(?:the\s)?"
_OPENS_RUN = r"\b(?ai:between|from)\s(?:the\s)?$"
_SAME_OF = r"\b(?ai:same)\s\w+\s(?:of|in)\s$"
_YEAR_AFTER = r"\s(?:of\s)?(?P<which>(?ai:last|this|next))\syear\b"
_STEPS = {"last": -1, "this": 0, "next": 1}
_DAY_WORDS = {"yesterday": -1, "today": 0, "tonight": 0, "tomorrow": 1}
_ANCHORED = frozenset("previous preceding following".split())
_BACKWARD = frozenset("ago earlier before previously last previous preceding".split())
_LONG = 24  # characters before a period that are looked at


def find_periods(text: str, published: date | None = None, *, anchors: Sequence[Period] = ()) -> list[Period]:
    """Every time that `text` (a sentence or a few) names, in order; runs after their ends.

    Args:
        text: what to read.
        published: the day that relative times are counted from.
        anchors: what "the previous quarter" may count from where the text itself names nothing, the last first.
    """
    if published is not None and not 20 < published.year < 9980:
        published = None  # no day that a text was published on, and too near the ends of the calendar to count from
    relative, dates = _find_written(text)
    plain = _read_dates(text, dates, published)
    known = [*plain, *(_read_relative(match, published) for match in relative if not _is_anchored(match))]
    counted = [_read_anchored(match, published, known, anchors) for match in relative if _is_anchored(match)]
    return sorted([*known, *counted, *_read_runs(text, plain)], key=lambda period: (period.end, -period.start))


def covers(claim: Period, record: Period) -> bool:
    """Whether what is said of the time `record` may be said of `claim`: it lies within, or is worded alike."""
    if claim.days and record.days:
        return any(c[0] <= r[0] and r[1] <= c[1] for c in claim.days for r in record.days)
    return claim.key == record.key


def overlap(one: Period, other: Period) -> bool:
    """Whether two periods may share a day, or are worded alike."""
    if one.days and other.days:
        return any(a[0] <= b[1] and b[0] <= a[1] for a in one.days for b in other.days)
    return one.key == other.key


def describe(period: Period) -> str:
    """A period as written, with the days it means where it does not say them: "last year (2031)"."""
    if not period.relative or not period.days:
        return period.text
    first, last = period.days[0]
    return f"{period.text} ({name_days(first, last)})"


@lru_cache(maxsize=4096)
def _find_written(text: str) -> tuple[tuple[re.Match[str], ...], tuple[Figure, ...]]:
    """The relative times of a text and its dates outside of them, whenever it was published."""
    lower = text.lower()
    relative = tuple(_compiled(_RELATIVE).finditer(text)) if any(hint in lower for hint in _HINTS) else ()
    dates = tuple(
        figure
        for figure in read_figures(text)
        if figure.kind == "date" and not any(m.start() < figure.end and figure.start < m.end() for m in relative)
    )
    return relative, dates


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.VERBOSE)


# Dates that are written


def _read_dates(text: str, dates: Sequence[Figure], published: date | None) -> list[Period]:
    """The date figures of a text with the days they may mean."""
    found: list[Period] = []
    for place, figure in enumerate(dates):
        days: list[Days] = []
        for year in _years(text, dates, place, published):
            days += _days_of(figure, year)
        if _compiled(_SAME_OF).search(text[max(0, figure.start - _LONG) : figure.start]) and found and figure.year:
            days += [shift(d, "year", figure.year - d[0].year) for d in found[-1].days]
        key = f"{figure.year}-{figure.part}-{figure.month}-{figure.day}"
        found.append(Period(figure.text, figure.start, figure.end, tuple(days), key, figures=(figure,)))
    return found


def _years(text: str, dates: Sequence[Figure], place: int, published: date | None) -> list[int]:
    """The years that a date may be of, the likeliest first."""
    figure = dates[place]
    if figure.year:
        return [figure.year]
    following = dates[place + 1] if place + 1 < len(dates) else None
    if following and following.year and _compiled(_RUN).fullmatch(text[figure.end : following.start]):
        later = figure.month and following.month and figure.month > following.month
        return [following.year - bool(later)]
    if published and (stated := _compiled(_YEAR_AFTER).match(text, figure.end)):
        return [published.year + _STEPS[stated["which"].casefold()]]
    before = [known.year for known in dates[:place] if known.year]
    years = before[-1:] if published is None or before[-1:] != [published.year] else []
    if published is None:
        return years or [known.year for known in dates if known.year][:1]
    return [*_near_years(text, figure, published), *years]


def _near_years(text: str, figure: Figure, published: date) -> list[int]:
    """The years around publication that a date without one may be of: the last time, or also the next."""
    past = [y for y in (published.year, published.year - 1) for d in _days_of(figure, y) if _is_past(d, published)]
    future = [y for y in (published.year, published.year + 1) for d in _days_of(figure, y) if d[1] >= published]
    ahead = _looks_ahead(text, figure.start) or not past or _is_near(figure, future[:1], published)
    return [*past[:1], *(future[:1] if ahead else [])]


def _is_near(figure: Figure, years: Iterable[int], published: date) -> bool:
    """Whether the next such time is less than half a year away: then it may be meant without a word that tells."""
    return any((first - published).days < 183 for year in years for first, _ in _days_of(figure, year))


def _is_past(days: Days, published: date) -> bool:
    whole = (days[1] - days[0]).days > 45
    return days[1] < published + timedelta(days=7) if whole else days[0] <= published


def _looks_ahead(text: str, start: int) -> bool:
    before = text[max(0, start - _LONG) : start]
    return bool(_compiled(_AHEAD_BEFORE).search(before) or _compiled(_AHEAD).search(text))


def _days_of(figure: Figure, year: int) -> list[Days]:
    """The days of a date figure in a year, none where there is no such day."""
    try:
        if figure.part:
            count = 3 if figure.part[0] == "Q" else 6
            return [months(year, count * (int(figure.part[1]) - 1) + 1, count)]
        if figure.month is None:
            return [whole_year(year)]
        if figure.day is None:
            return [months(year, figure.month, 1)]
        day = date(year, figure.month, figure.day)
    except ValueError:
        return []
    return [(day, day)]


def _read_runs(text: str, dates: Sequence[Period]) -> Iterator[Period]:
    """The times from one date to the next: "January–May 2022", "between July and September"."""
    for first, second in pairwise(dates):
        link = _compiled(_RUN).fullmatch(text[first.end : second.start])
        opened = _compiled(_OPENS_RUN).search(text[max(0, first.start - _LONG) : first.start])
        if link and (opened or "and" not in link[0]) and first.days and second.days:
            span, figures = text[first.start : second.end], first.figures + second.figures
            longest = 366 if any(figure.year is None for figure in figures) else 366_000
            days = tuple((a[0], b[1]) for b in second.days for a in first.days if 0 <= (b[1] - a[0]).days < longest)
            if days:
                yield Period(span, first.start, second.end, days, span.casefold(), figures=figures)


# Relative times


def _is_anchored(match: re.Match[str]) -> bool:
    """Whether a time counts from another one that is named: "a year earlier", "the previous quarter"."""
    counted = match["count"] and match["way"].casefold() != "ago"
    return bool(counted or match["back"]) or (match["which"] or "").casefold() in _ANCHORED


def _read_relative(match: re.Match[str], published: date | None) -> Period:
    """A time that counts from the day of publication, with the days it may mean."""
    period = _bare(match)
    try:
        return replace(period, days=tuple(_relative_days(match, published)))
    except (ValueError, OverflowError):  # before the year 1, or after 9999
        return period


def _read_anchored(
    match: re.Match[str], published: date | None, known: Sequence[Period], anchors: Sequence[Period]
) -> Period:
    """A time that counts from another one, with the days it may mean."""
    period = _bare(match)
    try:
        return replace(period, days=tuple(dict.fromkeys(_anchored_days(match, published, known, anchors))))
    except (ValueError, OverflowError):
        return period


def _bare(match: re.Match[str]) -> Period:
    key = re.sub(r"\s+", " ", match[0]).casefold()
    return Period(match[0], *match.span(), (), _key(match) or key, relative=True)


def _key(match: re.Match[str]) -> str:
    """One key for what means one thing: "a year earlier", "the year before", "one year ago"."""
    if match["back"]:
        return f"{'-' if match['turn'] in _BACKWARD else '+'}1 {match['back']}".casefold()
    if match["count"]:
        return (
            f"{'-' if match['way'].casefold() in _BACKWARD else '+'}{_count(match['count'])} {match['unit']}".casefold()
        )
    return ""


def _relative_days(match: re.Match[str], published: date | None) -> Iterable[Days]:
    which, what = (match["which"] or "").casefold(), (match["what"] or "").casefold()
    if match["season"]:
        return _season_days(match, published)
    if match["months"]:
        return _edge_days(match, published)
    if published is None or which == "same":
        return ()
    if match["count"]:
        return _counted_days(published, match["unit"].casefold(), -_count(match["count"]))
    if which:
        return [shift(around(published, what), what, _STEPS.get(which, 0))]
    if match["named"]:
        return _named_days(match, published)
    if match["day"]:
        return _weekday_days(match.string, match["day"], match.start(), published)
    day = published + timedelta(days=_DAY_WORDS[match["word"].casefold()])
    return [(day, day)]


def _count(word: str) -> int:
    return int(word) if word.isdecimal() else max(1, _NUMBERS.index(word.casefold()) - 1)


def _counted_days(day: date, unit: str, by: int) -> list[Days]:
    """What lies a number of units from a day: the year, the month or the day itself."""
    units = {"year": ("year", "month", "day"), "decade": ("year",), "quarter": ("quarter",), "month": ("month", "day")}
    return [
        shift(around(day, wide), unit, by) for wide in units.get(unit, ("week", "day") if unit == "week" else ("day",))
    ]


def _anchored_days(
    match: re.Match[str], published: date | None, known: Sequence[Period], anchors: Sequence[Period]
) -> list[Days]:
    """Counted from the period before it in the sentence, else after it, else the anchors, else publication."""
    unit = (match["unit"] or match["back"] or match["what"]).casefold()
    back = (match["way"] or match["turn"] or match["which"]).casefold() in _BACKWARD
    by = (_count(match["count"]) if match["count"] else 1) * (-1 if back else 1)
    long = sorted((p for p in known if p.days and not p.is_day), key=lambda period: period.start)
    near = [p for p in long if p.end <= match.start()][-1:] or [p for p in long if p.start >= match.end()][:1]
    fitting = [fit for period in near or anchors if (fit := [d for d in period.days if _is_one(d, unit)])][:2]
    days = [shift(known_days, unit, by) for fit in fitting for known_days in fit]
    if published is not None and not (near and fitting) and (unit == "year" or not fitting):
        days += _counted_days(published, unit, by)
    return days + ([around(first, "year") for first, _ in days] if unit == "year" else [])


def _is_one(days: Days, unit: str) -> bool:
    """Whether days are one month or quarter, as the unit is; any may be moved by years, weeks or days."""
    longest = {"month": 31, "quarter": 92}.get(unit)
    return longest is None or longest - 4 < (days[1] - days[0]).days + 1 <= longest


def _season_days(match: re.Match[str], published: date | None) -> list[Days]:
    month = _SEASONS[match["season"].casefold()]
    if match["of"]:
        return [months(int(match["of"]), month, 3)]
    return [months(published.year + by, month, 3) for by in (-1, 0, 1)] if published else []


def _edge_days(match: re.Match[str], published: date | None) -> list[Days]:
    """The first or last months of a year."""
    count = _count(match["months"])
    month = 1 if match["edge"].casefold() == "first" else 13 - count
    if match["in"]:
        return [months(int(match["in"]), month, count)]
    if published is None:
        return []
    past = [days for by in (0, -1) if (days := months(published.year + by, month, count))[1] < published]
    return past[:1]


def _named_days(match: re.Match[str], published: date) -> list[Days]:
    """What "last December", "next spring" or "this Tuesday" may mean."""
    which, name = match["named"].casefold(), match["name"]
    if name in _WEEKDAYS:
        back = (published.weekday() - _WEEKDAYS.index(name)) % 7
        steps = {"last": (-back or -7, -back - 7), "next": (7 - back, 14 - back), "this": (-back, 7 - back)}[which]
        return [around(published + timedelta(days=step), "day") for step in steps]
    month, count = (MONTHS.index(name) + 1, 1) if name in MONTHS else (_SEASONS[name.casefold()], 3)
    options = [months(published.year + by, month, count) for by in (-2, -1, 0, 1)]
    if which == "last":
        ended = [days for days in options if days[1] < published.replace(day=1)]
        return [*[days for days in options if days[0] <= published][-1:], *ended[-1:]]
    if which == "next":
        return [*[days for days in options if days[0] > published][:1], options[-1]]
    return options[2:3]


def _weekday_days(text: str, name: str, start: int, published: date) -> list[Days]:
    last = published - timedelta(days=(published.weekday() - _WEEKDAYS.index(name)) % 7)
    ahead = [last + timedelta(days=7)] if _looks_ahead(text, start) else []
    return [(day, day) for day in (last, *ahead)]
