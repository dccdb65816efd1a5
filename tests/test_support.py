"""Figures and times of a statement against its quotes."""

from datetime import date

import pytest
from readings import pair

from qa.support import check_figures

TRADE = "Trade with Marovia reached $8.4 billion last year, the office said on Tuesday, up from $7.6 billion in 2030."
HALF = "Trade came to $4.6 billion in the first half, against $3.9 billion a year earlier."


def faults(statement: str, text: str, **around: str | date | None) -> list[tuple[str, str]]:
    return [(fault.kind, fault.detail) for fault in check_figures(*pair(statement, text, **around))]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "statement"),
    [
        (TRADE, "In 2031 trade reached $8.4 billion."),
        (TRADE, "Trade was $7.6 billion in 2030."),
        (TRADE, "Trade was about $8 billion last year."),
        (TRADE, "The office said on 10 February 2032 that trade was $8.4 billion."),
        (HALF, "In the first half of 2031 trade was $4.6 billion."),
        (HALF, "In the first half of 2030 trade was $3.9 billion."),
        (HALF, "From January to June 2031 trade was $4.6 billion."),
        ("Output fell by 4.5 percent.", "The change in output was -4.5 percent."),
        ("The change in output was -4.5 percent.", "Output fell by 4.5 percent."),
        ("It cut the deficit to 3.4 percent in 2033, from an expected 4.1 percent this year.",
         "It cut the deficit to 3.4 percent in 2033, from 4.1 percent."),
        ("The total, 2.31 million tonnes at first, is 2.26 million.", "The total is 2.26 million tonnes."),
        ("It grew by 2 percent between April and June 2031.", "It grew by 2 percent in the second quarter of 2031."),
        ("It opened six months later than planned.", "It opened six months late."),
        ("Prices in December were 2.9 percent above those of a year earlier.",
         "In December 2031 prices were 2.9 percent higher than a year before."),
    ],
)  # fmt: skip
def test_figures_and_times_that_the_quote_bears_out(text: str, statement: str) -> None:
    assert faults(statement, text) == []


@pytest.mark.parametrize(
    ("text", "statement", "kind", "detail"),
    [
        (TRADE, "Trade reached $8.9 billion in 2031.", "figure_not_in_quote",
         "$8.9 billion is not in the quote; it has $8.4 billion, $7.6 billion"),
        (TRADE, "Trade reached $8.4 million in 2031.", "other_scale",
         "$8.4 million is not in the quote; it has $7.6 billion, $8.4 billion"),
        (TRADE, "Trade reached -$8.4 billion in 2031.", "other_sign",
         "-$8.4 billion is not in the quote; it has $7.6 billion, $8.4 billion"),
        (TRADE, "Trade reached $8.4 billion in 2029.", "other_period",
         "2029 is not in the quote; it has last year (2031), 2030"),
        (TRADE, "Trade reached $8.4 billion in 2030.", "other_period", "$8.4 billion is said of 2031 in the quote"),
        (TRADE, "Trade reached $8.4 billion this year.", "other_period",
         "this year (2032) is not in the quote; it has last year (2031), 2030"),
        (TRADE, "The office said so on Monday.", "other_period",
         "Monday (9 February 2032) is not in the quote; it has Tuesday (10 February 2032)"),
        (HALF, "In the second half trade came to $4.6 billion.", "other_period",
         "second half is not in the quote; it has first half, a year earlier (1 January 2030 to 30 June 2030)"),
        (HALF, "In the first half of 2030 trade was $4.6 billion.", "other_period",
         "$4.6 billion is said of first half in the quote"),
        ("It grew by 2 percent in the second quarter of 2031.", "It grew by 2 percent in the first half of 2031.",
         "other_period", "2 percent is said of second quarter of 2031 in the quote"),
        ("It grew by 2 percent between July and September.", "It grew by 2 percent between July and October.",
         "other_period", "October is not in the quote; it has July, September"),
        ("Output fell by 4.5 percent.", "The change in output was -5.4 percent.", "figure_not_in_quote",
         "-5.4 percent is not in the quote; it has 4.5 percent"),
        ("The rate went from 5.8 percent to 6.1 percent.", "The rate went from 6.1 percent to 5.8 percent.",
         "other_sign", "the quote has it from 5.8 percent to 6.1 percent"),
        ("It opens at 5, not at 4 as usual.", "It opens at 4, not at 4 as usual.", "figure_not_in_quote",
         "where this has 4, the quote has 5"),
        ("A final was put back to June by the rain.", "A final was put back to May by the rain.", "other_period",
         "May is not in the quote; it has June"),
    ],
)  # fmt: skip
def test_what_is_not_borne_out_is_told_with_the_nearest_that_is(
    text: str, statement: str, kind: str, detail: str
) -> None:
    assert faults(statement, text) == [(kind, detail)]


def test_a_time_may_be_the_last_before_a_quote_that_names_none() -> None:
    before = "In 2029 trade set a record. "
    assert faults("In 2029 trade was $5.", "It was $5.", before=before) == []
    assert faults("In 2028 trade was $5.", "It was $5.", before=before) != []
    assert faults("In 2028 trade was $5.", "It was $5 in 2029.", before="In 2028 it fell. ") != []


def test_a_bare_year_may_be_that_of_publication_where_the_quote_names_days_only() -> None:
    assert faults("In 2032 it was $5.", "On Tuesday it was $5.") == []
    assert faults("In 2033 it was $5.", "On Tuesday it was $5.") != []
    assert faults("This year it was $5.", "On Tuesday it was $5.") != []


def test_without_a_day_of_publication_a_relative_time_is_compared_by_its_words() -> None:
    assert faults("Last year it was $5.", "It was $5 last year.", published=None) == []
    assert faults("This year it was $5.", "It was $5 last year.", published=None) != []
    assert faults("In 2031 it was $5.", "It was $5 last year.", published=None) != []
    assert faults("Yesterday it was $5.", "It was $5.", published=None) == []
