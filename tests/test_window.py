"""A question's times as a window of publication, and how much an article counts by its day."""

from __future__ import annotations

from datetime import date

import pytest

from qa.articles import Filters
from qa.window import Timing, Window, read_timing

TODAY = date(2023, 3, 15)


def window_of(question: str, **filters: date) -> tuple[str, str, bool] | None:
    window = read_timing(question, Filters(**filters), TODAY).window
    return (str(window.first), str(window.last), window.hard) if window else None


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("What was trade turnover in 2021?", ("2021-01-01", "2022-12-31", False)),
        ("What was exported in May 2022?", ("2022-05-01", "2022-07-01", False)),
        ("Who resigned last month?", ("2023-02-01", "2023-03-31", False)),
        ("Who joined after the election on 5 May 2022?", ("2022-05-05", "None", False)),
        ("How much has been spent since 2020?", ("2020-01-01", "None", False)),
        ("How much was spent between 2019 and 2020?", ("2019-01-01", "2022-01-01", False)),
        ("How many lived there before 1990?", None),
        ("Who owns the mill?", None),
        ("Who directed the film Dune 2021?", None),
        ("What do articles published in 2021 say of the mill?", ("2021-01-01", "2021-12-31", True)),
        ("What was published in May 2022 about the mill?", ("2022-05-01", "2022-05-31", True)),
        ("How many cases did doctors report in May 2022?", ("2022-05-01", "2022-07-01", False)),
        ("What do articles since March 2022 say of the mill?", ("2022-03-01", "None", True)),
        ("What do articles published after March 2022 say?", ("2022-04-01", "None", True)),
        ("What was published before 2022 on the mill?", ("None", "2021-12-31", True)),
        ("What was published until 2022 on the mill?", ("None", "2022-12-31", True)),
    ],
)
def test_times_of_a_question_are_a_window_of_publication(question: str, expected: tuple[str, str, bool] | None) -> None:
    assert window_of(question) == expected


def test_relative_times_count_from_the_day_of_asking() -> None:
    assert window_of("Who resigned last year?", as_of=date(2020, 6, 1)) == ("2019-01-01", "2020-12-30", False)


def test_a_hard_window_only_narrows_what_the_user_set() -> None:
    timing = read_timing("What do articles published in 2021 say?", Filters(), TODAY)
    user = Filters(since=date(2021, 6, 1), until=date(2024, 1, 1), publisher="The Post")
    narrowed = timing.narrow(user)
    assert narrowed == Filters(date(2021, 6, 1), date(2021, 12, 31), publisher="The Post", dated=True)
    later = Filters(since=date(2022, 6, 1))
    assert timing.narrow(later).first_day > timing.narrow(later).last_day  # nothing is both


def test_a_soft_window_leaves_the_filters_as_they_are() -> None:
    timing = read_timing("What was trade turnover in 2021?", Filters(), TODAY)
    assert timing.narrow(Filters(publisher="x")) == Filters(publisher="x")


def test_newer_articles_count_more_by_a_half_life() -> None:
    timing = Timing(TODAY)
    days = [date(2023, 3, 15), date(2023, 3, 1), date(2023, 1, 1), date(2013, 1, 1)]
    weights = [timing.weigh(day) for day in days]
    assert weights == sorted(weights, reverse=True)
    assert len(set(weights)) == 4
    assert weights[-1] + 1e-9 > 1.0
    assert weights[-1] < 1.001


def test_of_an_unknown_or_later_day_it_is_not_known_how_new_it_is() -> None:
    timing = Timing(TODAY)
    assert timing.weigh(None) == timing.weigh(date(2024, 1, 1))
    assert timing.weigh(date(2013, 1, 1)) < timing.weigh(None) < timing.weigh(TODAY)


def test_in_a_window_that_has_passed_the_newest_count_no_more_than_others() -> None:
    timing = read_timing("What was trade turnover in 2020?", Filters(), TODAY)
    inside, later, before = (timing.weigh(date(year, 2, 1)) for year in (2021, 2023, 2018))
    assert inside > later
    assert later == before == timing.weigh(None)


@pytest.mark.parametrize(
    ("window", "words"),
    [
        (Window(date(2021, 1, 1), date(2021, 12, 31), True, "2021"), "“2021”: only articles of 2021"),
        (Window(date(2021, 5, 6), None, False, "5 May"), "“5 May”: first articles from 6 May 2021 on"),
        (
            Window(date(2021, 1, 1), date(2022, 12, 31), False, "2021"),
            "“2021”: first articles from 2021 to 2022",
        ),
        (Window(None, date(2021, 12, 31), True, "2022"), "“2022”: only articles until 31 December 2021"),
    ],
)
def test_a_window_is_described_in_words(window: Window, words: str) -> None:
    assert window.describe() == words
