"""Runs of days on the calendar: months, quarters and years, moved and named."""

from __future__ import annotations

from datetime import date, timedelta

from qa.text import MONTHS, format_date

Days = tuple[date, date]


def months(year: int, month: int, count: int) -> Days:
    """`count` whole months from the given one on; months past December are of the next year."""
    first = date(*_shift_month(year, month, 0), 1)
    return first, date(*_shift_month(year, month, count), 1) - timedelta(days=1)


def _shift_month(year: int, month: int, by: int) -> tuple[int, int]:
    years, place = divmod(month - 1 + by, 12)
    return year + years, place + 1


def whole_year(year: int) -> Days:
    """The days of a year."""
    return date(year, 1, 1), date(year, 12, 31)


def shift(days: Days, unit: str, by: int) -> Days:
    """The days moved by a number of units; an end of a month stays one."""
    first, last = days
    if unit in ("week", "weekend", "day", "night"):
        step = timedelta(days=by * (7 if unit.startswith("week") else 1))
        return first + step, last + step
    by *= {"year": 12, "decade": 120, "quarter": 3, "month": 1}[unit]
    if first.day == 1 and (last + timedelta(days=1)).day == 1:
        length = (last.year - first.year) * 12 + last.month - first.month + 1
        return months(*_shift_month(first.year, first.month, by), length)
    return _shift_day(first, by), _shift_day(last, by)


def _shift_day(day: date, by: int) -> date:
    first, last = months(*_shift_month(day.year, day.month, by), 1)
    return first.replace(day=min(day.day, last.day))


def around(day: date, unit: str) -> Days:
    """The year, quarter, month, week or day that a day lies in."""
    if unit in ("year", "decade"):
        return whole_year(day.year)
    if unit == "quarter":
        return months(day.year, (day.month - 1) // 3 * 3 + 1, 3)
    if unit == "month":
        return months(day.year, day.month, 1)
    if unit.startswith("week"):
        monday = day - timedelta(days=day.weekday())
        return monday, monday + timedelta(days=6)
    return day, day


def name_days(first: date, last: date) -> str:
    """A run of days as `2031`, `May 2032`, `5 July 2022` or from one day to another."""
    if first == last:
        return format_date(first)
    if (first, last) == whole_year(first.year):
        return str(first.year)
    if (first, last) == months(first.year, first.month, 1):
        return f"{MONTHS[first.month - 1]} {first.year}"
    return f"{name_days(first, first)} to {name_days(last, last)}"
