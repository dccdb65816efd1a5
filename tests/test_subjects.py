"""Amounts of a statement that its source says of something else."""

import pytest
from readings import pair

from qa.clauses import read_sentence
from qa.subjects import check_subjects

FLOOD = (
    "The number of people killed in the Lanne flood rose to 14 on Thursday. A total of 21,400 people have been "
    "evacuated across the valley, the service said."
)


@pytest.mark.parametrize(
    ("statement", "detail"),
    [
        ("14 people had to be evacuated across the whole valley.", "the article has 21,400 for this, not 14"),
        ("21,400 people had to be evacuated across the whole valley.", None),
        ("14 people were killed in the Lanne flood.", None),
        ("14 people died and 21,400 people were evacuated.", None),
        ("The flood cost 14 lives.", None),
        ("19 people had to be evacuated across the whole valley.", None),  # no figure of the quote: another check's
    ],
)
def test_an_amount_in_the_place_of_that_of_another_sentence_is_told(statement: str, detail: str | None) -> None:
    assert [fault.detail for fault in check_subjects(*pair(statement, FLOOD))] == [detail] * bool(detail)


KILLED = "The number of people killed rose to 14 on Thursday."
AROUND = " A total of 21,400 people have been evacuated across the valley, the service said. It snows."


@pytest.mark.parametrize(
    ("statement", "question", "wrong"),
    [
        ("The answer is 14.", "How many people were evacuated across the whole valley?", True),
        ("The answer is 14.", "How many people were killed?", False),
        ("The answer is 14.", "Were only 14 people evacuated across the whole valley?", False),  # the question's figure
        ("14 people were killed.", "How many people were evacuated across the whole valley?", False),  # says of what
        ("The answer is 14.", None, False),
    ],
)
def test_a_bare_answer_is_said_of_what_was_asked(statement: str, question: str | None, wrong: bool) -> None:
    claim, evidence = pair(statement, KILLED, after=AROUND)
    found = check_subjects(claim, evidence, read_sentence(question) if question else None)
    assert [fault.detail for fault in found] == ["the article has 21,400 for this, not 14"] * wrong
