"""In whose place a unit of a statement stands."""

import pytest
from readings import pair

from qa.clauses import Unit
from qa.slots import find_displaced

TEXT = "Sales in Brenn rose by 5 percent in May, sales in Orrick rose by 7 percent in June."


def displaced(statement: str, word: str, text: str = TEXT) -> str | None:
    claim, evidence = pair(statement, text)
    place = next(place for place, unit in enumerate(claim.units) if unit.text == word)
    found = find_displaced(claim.units, place, evidence, _is_same)
    return found.text if found else None


def _is_same(one: Unit, other: Unit) -> bool:
    return one.key == other.key


@pytest.mark.parametrize(
    ("statement", "word", "other"),
    [
        ("Sales in Brenn rose by 5 percent in May.", "Brenn", None),
        ("Sales in Orrick rose by 7 percent in June.", "7 percent", None),
        ("Sales in Brenn rose by 7 percent in June.", "7 percent", "5 percent"),
        ("Sales in Orrick rose by 5 percent in May.", "Orrick", "Brenn"),
        ("Sales in Brenn rose by 5 percent in June.", "June", "May"),
        ("Nobody in Orrick laughed.", "Orrick", None),
    ],
)
def test_a_unit_between_the_words_around_another_has_taken_its_place(statement: str, word: str, other: str) -> None:
    assert displaced(statement, word) == other


def test_the_agent_of_a_passive_sentence_is_not_compared_with_an_object() -> None:
    text = "Hale defeated Ines Marlow by 412 votes."
    assert displaced("Ines Marlow was defeated by Hale by 412 votes.", "Hale", text) is None
    assert displaced("Marlow defeated Hale by 412 votes.", "Hale", text) == "Ines Marlow"


def test_words_that_only_report_tell_nothing() -> None:
    assert displaced("Marlow said.", "Marlow", "Hale said so.") is None
