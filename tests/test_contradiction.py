from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.contradiction import agree, find_contradiction
from qa.figures import find_figures

RECORD = "At the end of 2021 trade between the two countries stood at $24.2 billion, a record."
TITLE = "Trade with Russia sets a record"
BEFORE = "Trade turnover between Kazakhstan and Russia has climbed to a level never seen before."


def on_record(statement: str, record: str = RECORD, title: str = TITLE, before: str = BEFORE) -> str | None:
    """The figure on record that contradicts a statement."""
    found = find_contradiction(statement, record, title=title, before=before)
    return found.recorded.text if found else None


@pytest.mark.parametrize(
    "statement",
    [
        "Trade reached $42.2 billion in 2021.",
        "Trade turnover in 2021 was $42.2 billion.",
        "Commerce grew to about $42 billion in 2021.",
        "Trade with Russia reached $24.2 million in 2021.",
        "At the end of 2021 trade between Kazakhstan and Russia stood at $42.2 billion.",
        "In 2021, trade stood at $24.9 billion.",
    ],
)
def test_another_figure_for_the_same_thing_and_time_is_a_contradiction(statement: str) -> None:
    assert on_record(statement) == "$24.2 billion"


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ("Trade reached $42.2 billion in 2022.", "another year"),
        ("Trade reached $42.2 billion.", "no year, where the record names one"),
        ("Trade reached $42.2 billion in July 2021.", "a part of the year"),
        ("Trade reached €42.2 billion in 2021.", "another currency"),
        ("Trade grew by 42.2 percent in 2021.", "another kind of figure"),
        ("Trade grew by $42.2 billion in 2021.", "a change, not a level"),
        ("Trade with China reached $42.2 billion in 2021.", "another country"),
        ("Food trade reached $42.2 billion in 2021.", "a part of it"),
        ("Exports reached $42.2 billion in 2021.", "another thing"),
        ("Kazakhstan’s trade reached $150 billion in 2021.", "may be that with everyone"),
        ("Trade did not reach $42.2 billion in 2021.", "denied"),
        ("Trade should have reached $42.2 billion in 2021.", "a wish"),
        ("Average trade was $2 billion in 2021.", "an average"),
        ("Trade was $2 billion each month in 2021.", "a rate"),
        ("Was trade $42.2 billion in 2021?", "a question"),
        ("Trade went from $18 billion to $42.2 billion in 2021.", "two figures"),
        ("Trade: $42.2 billion in 2021", "a row of a list"),
        ("It reached $42.2 billion in 2021.", "whatever it is"),
        ("Trade last year reached $42.2 billion, as in 2021.", "a time that depends on the writer's day"),
        ("$42.2 billion in 2021.", "nothing is said of it"),
    ],
)
def test_what_may_be_another_thing_or_time_is_none(statement: str, why: str) -> None:
    assert on_record(statement) is None, why


@pytest.mark.parametrize(
    "statement",
    [
        "Trade reached $24.2 billion in 2021.",
        "Trade reached $24 billion in 2021.",
        "Trade reached over $20 billion in 2021.",
        "Trade reached nearly $25 billion in 2021.",
        "Trade reached about $24 billion in 2021.",
        "Trade reached 24,200 million dollars in 2021.",
    ],
)
def test_a_figure_that_may_be_the_same_one_rounded_is_none(statement: str) -> None:
    assert on_record(statement) is None


@pytest.mark.parametrize(
    ("record", "why"),
    [
        ("Exports of wheat to Iran reached 5 million tonnes in 2021.", "less is said in the statement"),
        ("Exports reached 5 million tonnes in 2021, not 4 million tonnes.", "denied"),
        ("Exports reached 5 million tonnes in 2021 and 6 million tonnes in 2022.", "two years"),
        ("Exports may reach 5 million tonnes in 2021.", "not certain"),
        ("The first exports reached 5 million tonnes in 2021.", "only the first"),
        ("It is a claim that exports reached 5 million tonnes in 2021.", "not vouched for"),
    ],
)
def test_a_record_that_says_more_or_is_not_sure_contradicts_nothing(record: str, why: str) -> None:
    assert on_record("Exports reached 9 million tonnes in 2021.", record, "News", "") is None, why


def test_who_said_it_does_not_make_it_another_thing() -> None:
    said = "Exports reached 9 million tonnes in 2021."
    for record in (
        "Exports reached 5 million tonnes in 2021, Minister Orrick said.",
        "According to Orrick, exports reached 5 million tonnes in 2021.",
    ):
        assert on_record(said, record, "News", "") == "5 million tonnes"


@pytest.mark.parametrize(
    ("statement", "record", "figure"),
    [
        ("In 2021 Hest built 40 schools.", "In 2021 Hest built 23 schools.", "23"),
        ("In 2021 Hest built 40 schools.", "In 2021 Hest built 23 bridges.", None),
        ("The port of Hest has 40 cranes.", "The port of Hest has 23 cranes.", "23"),
        ("Seven members were absent.", "Two members were absent.", None),
        ("In 2021 prices rose by 4.5 percent in Hest.", "In 2021 prices rose by 5.4 percent in Hest.", "5.4 percent"),
        ("In 2021 prices rose by 4.5 percent in Hest.", "In 2021 prices rose to 5.4 percent in Hest.", None),
    ],
)
def test_numbers_are_compared_where_they_count_the_same(statement: str, record: str, figure: str | None) -> None:
    assert on_record(statement, record, "News", "") == figure


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        ("$24.2 billion", "$24.25 billion", True),
        ("$24.2 billion", "$24.3 billion", False),
        ("1,600 people", "1,612 people", True),
        ("1,600 people", "1,700 people", False),
        ("1,612 people", "1,700 people", False),
        ("20 people", "23 people", False),
        ("over 20 people", "90 people", True),
        ("over 20 people", "under 20 people", True),
        ("over 30 people", "under 20 people", False),
        ("-5 percent", "5 percent", False),
    ],
)
def test_figures_agree_as_far_as_they_are_exact(a: str, b: str, same: bool) -> None:
    (one,), (other,) = find_figures(a), find_figures(b)
    assert (agree(one, other), agree(other, one)) == (same, same)


WORDS = st.lists(st.sampled_from([*f"{RECORD} {BEFORE} last not 23 projects 5 percent".split(), "42.2"]), max_size=14)


@given(WORDS)
def test_nothing_contradicts_itself(words: list[str]) -> None:
    text = " ".join(words)
    assert find_contradiction(text, text) is None
