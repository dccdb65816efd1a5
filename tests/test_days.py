"""Runs of days: whole months, shifts and names."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.days import around, months, name_days, shift, whole_year

DAYS = st.dates(date(1900, 1, 1), date(2100, 12, 31))


@pytest.mark.parametrize(
    ("days", "name"),
    [
        (whole_year(2031), "2031"),
        (months(2032, 5, 1), "May 2032"),
        (months(2031, 12, 3), "1 December 2031 to 29 February 2032"),
        ((date(2022, 7, 5), date(2022, 7, 5)), "5 July 2022"),
    ],
)
def test_days_are_named_as_a_year_a_month_or_by_their_ends(days: tuple[date, date], name: str) -> None:
    assert name_days(*days) == name


@pytest.mark.parametrize(
    ("days", "unit", "by", "there"),
    [
        (months(2032, 1, 6), "year", -1, months(2031, 1, 6)),
        (months(2033, 1, 3), "quarter", -1, months(2032, 10, 3)),
        (months(2032, 2, 1), "year", -1, months(2031, 2, 1)),
        ((date(2032, 2, 29), date(2032, 2, 29)), "year", -1, (date(2031, 2, 28), date(2031, 2, 28))),
        ((date(2032, 3, 31), date(2032, 3, 31)), "month", -1, (date(2032, 2, 29), date(2032, 2, 29))),
        ((date(2032, 3, 1), date(2032, 3, 7)), "week", 1, (date(2032, 3, 8), date(2032, 3, 14))),
        ((date(2032, 3, 1), date(2032, 3, 1)), "day", -1, (date(2032, 2, 29), date(2032, 2, 29))),
    ],
)
def test_days_are_moved_by_whole_units(days: tuple[date, date], unit: str, by: int, there: tuple[date, date]) -> None:
    assert shift(days, unit, by) == there


@given(DAYS, st.sampled_from(["year", "quarter", "month", "week", "day"]))
def test_a_unit_around_a_day_has_the_day_in_it_and_ends_where_the_next_begins(day: date, unit: str) -> None:
    first, last = around(day, unit)
    assert first <= day <= last
    assert around(last + timedelta(days=1), unit)[0] == last + timedelta(days=1)


@given(DAYS, st.sampled_from(["year", "quarter", "month", "week"]), st.integers(-20, 20))
def test_a_whole_unit_moved_there_and_back_is_itself(day: date, unit: str, by: int) -> None:
    days = around(day, unit)
    assert shift(shift(days, unit, by), unit, -by) == days
