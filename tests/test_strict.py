from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_ground import hit, make

from qa.answer_form import ABSTAINED, Answer, Searched
from qa.articles import Filters
from qa.ground import cited_numbers, ground_text, split_statements
from qa.models import Usage
from qa.strict import describe_unsupported, withhold_unsupported

RECORD = "Trade between the two countries stood at $24.2 billion in 2021, a record. Growth in 2021 was almost a third."
FAIR = "The fair in Ekaterinburg opened in July 2022. It has 40 stands."
HITS = [
    hit(make(FAIR, "Fair", name="a1")),
    hit(make("Nothing here.", name="a2")),
    hit(make(RECORD, "Trade", name="a3")),
]
TRADE = "Trade stood at $24.2 billion in 2021 [3]."
WRONG = "Trade stood at $42.2 billion in 2021 [3]."
OPENED = "The fair opened in July 2022 [1]."
UNCITED = "So they say."


def write(text: str) -> Answer:
    """An answer of a model, checked."""
    grounded = ground_text(text, HITS)
    return Answer(
        question="What happened?",
        status="answered",
        text=text,
        short="$24.2 billion",
        short_span=(41, 54),
        statements=grounded.statements,
        citations=grounded.citations,
        nearest=(),
        notices=("as before",),
        searched=Searched(3, 3, Filters()),
        mode="model",
        model="scripted",
        prompt=None,
        usage=Usage(7, 5),
    )


def check_sound(answer: Answer) -> None:
    for statement in answer.statements:
        assert answer.text[statement.start : statement.end] == statement.text
        assert cited_numbers(statement.text) == list(statement.citations)
        assert {answer.citations[place].number for place in statement.quotes} == set(statement.citations)
    numbers = {citation.number for citation in answer.citations}
    assert numbers == set(range(1, len(numbers) + 1))
    assert all(citation.quote.stands() for citation in (*answer.citations, *answer.nearest))


def test_an_answer_that_holds_stays_as_it_is() -> None:
    answer = write(f"{TRADE} {OPENED}")
    assert withhold_unsupported(answer) is answer


def test_what_is_not_supported_is_left_out_and_the_rest_is_numbered_from_one() -> None:
    answer = withhold_unsupported(write(f"{WRONG} {TRADE}\n\n{UNCITED} {OPENED}"))
    check_sound(answer)
    assert answer.text == "Trade stood at $24.2 billion in 2021 [1].\nThe fair opened in July 2022 [2]."
    assert [(c.number, c.quote.article.id) for c in answer.citations] == [(1, "a3"), (2, "a1")]
    assert [statement.verdict for statement in answer.statements] == ["supported", "supported"]
    assert (answer.status, answer.mode, answer.model, answer.usage) == ("answered", "model", "scripted", Usage(7, 5))


def test_a_line_says_what_was_withheld_and_why() -> None:
    kept, wrong, uncited = withhold_unsupported(write(f"{WRONG} {TRADE} {UNCITED}")).notices
    assert kept == "as before"
    assert wrong.startswith("Withheld: “Trade stood at $42.2 billion in 2021.” ($42.2 billion is not in the quote")
    assert uncited == "Withheld: “So they say.” (no passage is named as its source)"


@pytest.mark.parametrize("text", [WRONG, UNCITED, f"{WRONG} {UNCITED}", "Trade stood at $24.2 billion in 2021 [77]."])
def test_where_nothing_is_left_it_is_an_abstention_that_says_what_was_withheld(text: str) -> None:
    written = write(text)
    answer = withhold_unsupported(written)
    assert (answer.status, answer.text, answer.short, answer.short_span) == ("abstained", ABSTAINED, None, None)
    assert (answer.statements, answer.citations) == ((), ())
    assert [citation.quote for citation in answer.nearest] == [citation.quote for citation in written.citations]
    assert len(answer.notices) == 1 + len(written.statements)
    assert (answer.mode, answer.model, answer.usage) == ("model", "scripted", Usage(7, 5))


def test_the_short_answer_goes_with_the_quote_that_it_is_a_part_of() -> None:
    answer = withhold_unsupported(write(f"{WRONG[:-4]}[2]. {TRADE}"))
    assert [citation.quote.article.id for citation in answer.citations] == ["a3"]
    assert (answer.short, answer.short_span) == (None, None)
    assert withhold_unsupported(write(f"{TRADE} {UNCITED}")).short == "$24.2 billion"


def test_an_abstention_stays_one() -> None:
    answer = replace(write(WRONG), status="abstained", text=ABSTAINED, statements=(), citations=())
    assert withhold_unsupported(answer) is answer


def test_of_many_sentences_five_are_told_and_the_rest_counted() -> None:
    grounded = ground_text(" ".join(f"It was {n} trillion then." for n in range(3, 12)), HITS)
    lines = describe_unsupported(grounded.statements)
    assert len(lines) == 6
    assert lines[-1] == "Withheld: 4 more"


@given(st.lists(st.sampled_from([TRADE, WRONG, OPENED, UNCITED, "Growth in 2021 was almost a third [3][3].", "\n"])))
def test_what_is_kept_is_what_was_supported_in_its_order(sentences: list[str]) -> None:
    written = write(" ".join(sentences))
    answer = withhold_unsupported(written)
    if answer is not written:
        check_sound(answer)
    kept = [statement for statement in written.statements if statement.verdict == "supported"]
    if kept:
        assert [s.quotes and answer.citations[s.quotes[0]].quote for s in answer.statements] == [
            written.citations[s.quotes[0]].quote for s in kept
        ]
    assert answer.status == ("answered" if kept or not written.statements else "abstained")
    if len(kept) < len(written.statements) and kept:
        assert split_statements(answer.text) == [(s.start, s.end) for s in answer.statements]
