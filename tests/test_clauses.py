"""A sentence cut into units and clauses."""

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.clauses import read_sentence, term_of

PUBLISHED = date(2032, 2, 11)


def units(text: str) -> list[tuple[str, str]]:
    return [(unit.kind, unit.text) for unit in read_sentence(text, PUBLISHED).units if unit.kind != "function"]


def clauses(text: str) -> list[str]:
    found = read_sentence(text, PUBLISHED).clauses
    return [text[clause.units[0].start : clause.units[-1].end] for clause in found if clause.units]


def test_words_names_amounts_times_and_marks_are_told_apart() -> None:
    assert units("Prime Minister Maud Teller told Vance's party, on Tuesday, of $8.4 billion in 2031.") == [
        ("word", "Prime"),
        ("word", "Minister"),
        ("name", "Maud Teller"),
        ("word", "told"),
        ("name", "Vance's"),
        ("word", "party"),
        ("mark", ","),
        ("period", "Tuesday"),
        ("mark", ","),
        ("amount", "$8.4 billion"),
        ("period", "2031"),
    ]


def test_the_key_of_a_name_has_neither_case_nor_possessive() -> None:
    keys = [
        unit.key for unit in read_sentence("In Kessel Bay’s port the U.S. ship met Émile.").units if unit.kind == "name"
    ]
    assert keys == ["kessel bay", "us", "emile"]


def test_equal_amounts_have_one_key_however_they_are_written() -> None:
    one, other = (read_sentence(f"It cost {text}.").units[-1] for text in ("$8.4 billion", "8,400 million dollars"))
    assert one.figure != other.figure
    assert (one.kind, one.figure and one.figure.value) == (other.kind, other.figure and other.figure.value)


def test_how_exact_an_amount_is_is_no_unit() -> None:
    assert units("It rose to more than 500 and nearly 7 percent.") == [
        ("word", "rose"),
        ("amount", "500"),
        ("amount", "7 percent"),
    ]


def test_a_length_inside_a_time_is_no_amount() -> None:
    reading = read_sentence("It opened six months later with 5 rooms.", PUBLISHED)
    assert [figure.text for figure in reading.amounts] == ["5"]
    assert [figure.text for figure in reading.lengths] == ["six months"]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("Trade grew, he said; imports fell", ["Trade grew", "he said", "imports fell"]),
        ("Imports were $3 and exports $2", ["Imports were $3", "and exports $2"]),
        ("Bread and butter were $3", ["Bread and butter were $3"]),
        ("It was $3 against $2 in May", ["It was $3", "against $2 in May"]),
        ("It went from $3 to $2", ["It went from $3 to $2"]),
        ("It is between 5 and 7", ["It is between 5 and 7"]),
        ("Imports rose while exports fell", ["Imports rose", "while exports fell"]),
    ],
)
def test_a_clause_ends_at_a_mark_and_between_two_amounts(text: str, parts: list[str]) -> None:
    assert clauses(text) == parts


def test_terms_are_those_of_the_index() -> None:
    assert term_of("signed") == term_of("signs") == "sign"
    assert term_of("—") == "—"


@given(st.text(max_size=80))
def test_units_stand_in_order_where_they_say(text: str) -> None:
    reading = read_sentence(text, PUBLISHED)
    for unit in reading.units:
        assert 0 <= unit.start < unit.end <= len(text)
    marks = [unit for clause in reading.clauses for unit in clause.units if unit.kind == "mark"]
    assert marks == []
    assert sum(len(clause.units) for clause in reading.clauses) == sum(u.kind != "mark" for u in reading.units)


def test_a_long_sentence_is_read_in_linear_time() -> None:
    words = Path(__file__).read_text(encoding="utf-8")[:4_000].replace("\n", " ")
    assert len(read_sentence(words * 10).units) > 1_000
