"""Negations and opposites."""

import pytest
from readings import pair

from qa.polarity import check_polarity, is_down


def kinds(statement: str, text: str) -> list[str]:
    return [fault.kind for fault in check_polarity(*pair(statement, text))]


AGREE = [
    ("Hale signed the treaty.", "Hale signed the treaty."),
    ("She did not sign and did not travel.", "She neither signed nor travelled."),
    ("Nobody has died.", "No one has died."),
    ("The bank failed to act.", "The bank did not act."),
    ("About 238,000 people were out of work.", "About 238,000 people had no work."),
    ("The number was 412,000; the right one is 421,000.", "The number was 421,000, not 412,000."),
    ("It grew by 6.6 percent rather than 10.5 percent.", "It grew by 6.6 percent, not 10.5 percent."),
    ("Visitors may stay without a visa for 60 days.", "For 60 days visitors may stay without a visa."),
    ("Prices were 5 percent higher.", "Prices rose by 5 percent."),
    ("Sales dropped by a tenth.", "Sales were a tenth lower."),
    ("It sold more than 500 cars.", "It sold under 600 cars."),
    ("Imports rose, exports fell.", "Exports fell while imports rose."),
    ("Not only did prices rise, wages did.", "Prices rose and wages did."),
    ("There is no more than one way.", "There is one way."),
]


@pytest.mark.parametrize(("text", "statement"), AGREE)
def test_a_statement_that_says_the_same_in_other_words_is_no_contradiction(statement: str, text: str) -> None:
    assert kinds(statement, text) == []


NEGATED = [
    ("Hale signed the treaty.", "Hale did not sign the treaty."),
    ("Teller did not sign the treaty.", "Teller signed the treaty."),
    ("No house in the capital was flooded.", "A house in the capital was flooded."),
    ("The house was flooded.", "The house wasn't flooded."),
    ("He is not related to the minister.", "He is related to the minister."),
    ("She is 57.", "She is not 57."),
    ("Voters took part in the poll.", "Voters did not take part in the poll."),
    ("No one was seriously injured.", "No one was not seriously injured."),
    ("They may stay without a visa.", "They may not stay without a visa."),
    ("Nobody has died.", "Somebody has died."),
    ("It was put at 6.6 percent rather than 10.5 percent.", "It was not put at 6.6 percent."),
]


@pytest.mark.parametrize(("text", "statement"), NEGATED)
def test_a_negation_on_one_side_only_is_told(statement: str, text: str) -> None:
    assert kinds(statement, text) == ["negated"]


FLIPPED = [
    ("Prices rose by 5 percent.", "Prices fell by 5 percent."),
    ("Prices rose by 5 percent.", "Prices were 5 percent lower."),
    ("It was $5, up from $4 in May.", "It was $5, down from $4 in May."),
    ("Parliament ratified the treaty.", "Parliament rejected the treaty."),
    ("It left a deficit of $5.", "It left a surplus of $5."),
    ("It cost 5 percent more than planned.", "It cost 5 percent less than planned."),
    ("Cases declined after a steady rise.", "Cases declined after a steady fall."),
    ("Imports made up $3 and exports $2.", "Exports made up $3 and imports $2."),
    ("He voted for the law.", "He voted against the law."),
]


@pytest.mark.parametrize(("text", "statement"), FLIPPED)
def test_a_word_of_the_other_side_is_told_with_both_words(statement: str, text: str) -> None:
    assert kinds(statement, text)[:1] == ["other_sign"]


@pytest.mark.parametrize(
    ("text", "down"),
    [
        ("It fell by 5", True),
        ("It rose by 5", False),
        ("It is 5 lower", True),
        ("It is 5", False),
        ("less than 5", False),
    ],
)
def test_a_clause_tells_of_a_fall(text: str, down: bool) -> None:
    claim, _ = pair(text, text)
    assert is_down(claim.clauses[0]) is down


def test_the_reason_names_the_words() -> None:
    (fault,) = check_polarity(*pair("Prices fell.", "Prices rose."))
    assert fault.detail == "“fell” is the opposite of the quote, which says “rose”"
    (fault,) = check_polarity(*pair("Hale signed the treaty.", "Hale did not sign the treaty."))
    assert fault.detail == "the quote says “did not sign the”"
