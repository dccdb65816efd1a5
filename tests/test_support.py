"""Figures and times of a statement against its quotes."""

from datetime import date

import pytest
from readings import pair

from qa.clauses import read_sentence
from qa.support import check_asked, check_figures

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


# what the question asks for

LATER = date(2032, 2, 10)


def asked(statement: str, question: str, text: str = TRADE, as_of: date | None = None) -> list[str]:
    faults = list(check_asked(*pair(statement, text), read_sentence(question, as_of)))
    assert all(fault.kind == "other_period" for fault in faults)
    return [fault.detail for fault in faults]


@pytest.mark.parametrize(
    ("statement", "question", "detail"),
    [
        ("It was $7.6 billion.", "What was trade in 2031?",
         "$7.6 billion is said of 2030 in the quote, and 2031 was asked"),
        ("It was $8.4 billion.", "What was trade in 2030?",
         "$8.4 billion is said of last year (2031) in the quote, and 2030 was asked"),
        ("It came to $7.6 billion, the office said on Tuesday.", "What was trade in 2031?",
         "$7.6 billion is said of 2030 in the quote, and 2031 was asked"),
    ],
)  # fmt: skip
def test_a_sentence_without_a_time_is_held_against_that_of_its_question(
    statement: str, question: str, detail: str
) -> None:
    assert asked(statement, question) == [detail]


@pytest.mark.parametrize(
    ("statement", "question"),
    [
        ("It was $8.4 billion.", "What was trade in 2031?"),
        ("It was $7.6 billion.", "What was trade in 2030?"),
        ("It was $7.6 billion.", "What was trade at last?"),
        ("It was $7.6 billion.", "How did trade in 2031 compare with that of 2030?"),
        ("It was $7.6 billion in 2030.", "What was trade in 2031?"),  # it says itself of what it is
        (
            "It rose to $8.4 billion from $7.6 billion.",
            "What was trade in 2031?",
        ),  # one is what the other is compared with
        ("The office said so on Tuesday.", "What was trade in 2029?"),  # no amount
        ("It was $7.6 billion.", "Was it $7.6 billion in 2031?"),  # the question's own amount
        ("It was $7.6 billion.", "What was trade last year?"),  # nobody says when that was asked
    ],
)
def test_a_sentence_of_a_time_that_was_asked_or_that_it_names_itself_stands(statement: str, question: str) -> None:
    assert asked(statement, question) == []


def test_a_relative_time_of_a_question_counts_from_the_day_on_which_it_is_asked() -> None:
    assert asked("It was $7.6 billion.", "What was trade last year?", as_of=LATER)
    assert not asked("It was $8.4 billion.", "What was trade last year?", as_of=LATER)


@pytest.mark.parametrize(
    ("text", "question", "wrong"),
    [
        (HALF, "What was trade in 2031?", True),  # a half is no answer for the year
        (HALF, "What was trade in the second half of 2031?", True),
        (HALF, "What was trade between January and June 2031?", False),
        ("The fair in May 2031 brought in $4.6 billion.", "What did the fair of 2031 bring in?", False),
        ("It was $4.6 billion, more than the step taken in 2029.", "What was it in 2031?", False),  # a comparison
        ("It was $4.6 billion, the office said.", "What was it in 2031?", False),  # the quote tells no time
        ("It was $4.6 billion in 2030. It was $4.6 billion again.", "What was it in 2031?", False),
    ],
)
def test_what_the_quote_must_say_of_another_time(text: str, question: str, wrong: bool) -> None:
    assert bool(asked("It was $4.6 billion.", question, text)) is wrong


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("Growth was 0.6 percent in the second quarter, the office said in a first estimate.", True),
        ("Growth was 0.6 percent in the second quarter, the office said in a correction.", False),
        ("Growth in the second quarter is now put at 0.6 percent.", False),
    ],
)
def test_an_amount_that_is_called_revised_must_have_been_so_in_the_quote(text: str, wrong: bool) -> None:
    details = ["revised: the quote does not tell of another figure before"]
    found = faults("The revised growth for the second quarter was 0.6 percent.", text)
    assert found == [("figure_not_in_quote", detail) for detail in details * wrong]
