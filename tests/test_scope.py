from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from readings import quote

from qa.figures import find_figures
from qa.periods import find_periods
from qa.scope import MET, meets_times, read_scope

TRADE = "Trade reached $8.4 billion last year, up from $7.6 billion in 2030."  # published in February 2032


def met(
    asked: str, text: str, *, amount: str | None = None, published: date | None = date(2032, 2, 11), before=""
) -> float:
    scope = read_scope(quote(text, before=before, published=published))
    figure = next((f for f in find_figures(text) if f.text == amount), None)
    assert (figure is None) == (amount is None)
    return meets_times(find_periods(asked, date(2034, 1, 1)), scope, figure)


@pytest.mark.parametrize(
    ("asked", "amount", "share"),
    [
        ("in 2031", "$8.4 billion", 1.0),
        ("in 2030", "$7.6 billion", 1.0),
        ("in 2030", "$8.4 billion", 0.0),
        ("in 2031", "$7.6 billion", 0.0),
        ("in 2029", "$8.4 billion", 0.0),
        ("ever", "$8.4 billion", 1.0),
    ],
)
def test_an_amount_is_of_its_own_time(asked: str, amount: str, share: float) -> None:
    assert met(asked, TRADE, amount=amount) == share


def test_what_is_no_amount_may_be_of_any_time_of_its_sentence() -> None:
    assert met("in 2030", TRADE) == met("in 2031", TRADE) == 1.0


@pytest.mark.parametrize(
    ("asked", "text", "is_met"),
    [
        ("in 2031", "Exports rose in the first half of 2031.", True),
        ("in 2031", "Exports rose in March 2031.", True),
        ("in March 2031", "Exports rose in 2031.", False),
        ("in the second half of 2031", "Exports rose in the first half of 2031.", False),
        ("in May 2031", "Exports rose in the first half of 2031.", False),
        ("in 2031", "Exports rose a year earlier.", True),
        ("last year", "Exports rose in 2033.", True),
        ("last year", "Exports rose in 2032.", False),
        ("last year", "Exports rose last year.", True),  # asked as the article has it
    ],
)
def test_a_part_of_the_time_meets_it_and_a_longer_one_does_not(asked: str, text: str, is_met: bool) -> None:
    assert (met(asked, text) >= MET) == is_met


def test_the_nearer_a_time_stands_the_more_it_counts() -> None:
    text = "Exports rose by 4 percent."
    shares = [
        met("in 2031", "Exports rose by 4 percent in 2031."),
        met("in 2031", "Exports rose by 4 percent on 4 March 2031."),
        met("in 2031", text, before="The year 2031 was good. "),
        met("in February 2032", text),
        met("in January 2032", text),
        met("in 2027", text),
    ]
    assert shares == sorted(shares, reverse=True)
    assert len(set(shares)) == len(shares)
    assert shares[-1] < MET <= shares[-2]


def test_an_amount_published_in_the_first_weeks_of_a_year_is_not_of_that_year() -> None:
    text = "In all 412,000 containers were counted."
    assert met("in 2032", text, amount="412,000", published=date(2032, 1, 22)) < MET
    assert met("in January 2032", text, amount="412,000", published=date(2032, 1, 22)) >= MET
    assert met("in 2032", text, amount="412,000", published=date(2032, 8, 22)) >= MET
    assert met("in 2032", "Ann Lee was elected.", published=date(2032, 1, 22)) >= MET


def test_without_a_day_of_publication_only_the_text_tells() -> None:
    assert met("in 2032", "Exports rose by 4 percent.", published=None) < MET
    assert met("in 2032", "Exports rose last year.", published=None) >= MET
    assert met("in 2032", "Exports rose in 2032.", published=None) == 1.0


def test_of_several_times_the_worst_counts() -> None:
    assert met("in 2031, not in 2030", TRADE) == 1.0
    assert met("in 2031, not in 2029", TRADE) == 0.0


def test_a_run_of_times_is_one_time() -> None:
    assert met("between January and June 2031", "Exports rose in the first half of 2031.") == 1.0
    assert met("between January and June 2031", "Exports rose in January 2031.") < 1.0


def test_a_day_without_a_year_is_the_one_that_is_nearer_to_the_day_of_publication() -> None:
    text = "The fair opens on 4 July."
    assert met("in 2032", text, published=date(2032, 7, 1)) >= MET
    assert met("in 2031", text, published=date(2032, 7, 1)) < MET


@given(st.sampled_from(["in 2031", "in May", "yesterday", "", "since the 1990s"]), st.text(max_size=80))
def test_any_sentence_gives_a_share(asked: str, text: str) -> None:
    assert 0 <= met(asked, text or ".") <= 1
