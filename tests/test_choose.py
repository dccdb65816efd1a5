from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.choose import choose_span
from qa.question import read_question
from qa.span import read_sentence

TEXTS = st.one_of(
    st.text(max_size=80),
    st.lists(st.sampled_from("trade of $24.2 billion , and Ida Rupp said about 5% İstanbul ﬁnal 🚋 é".split())).map(
        " ".join
    ),
)
QUESTIONS = st.sampled_from(["How much was trade?", "Who said it?", "Why?", "Which two cities bid?", "What is it?"])


@pytest.mark.parametrize(
    ("question", "sentence", "read", "chosen"),
    [
        ("Who opened it?", "Mayor Ida Rupp-Hahn opened it.", "Rupp", "Ida Rupp-Hahn"),
        ("What did it cost them?", "It cost them about $4.2 billion.", "2 bill", "$4.2 billion"),
        ("What was shut?", 'They shut "the old mill", he said.', '"the old mill",', "the old mill"),
        ("What was shut?", "They shut the bakeries.", "baker", "bakeries"),
        ("Which two cities bid?", "Bonn, Ulm and Rome bid.", "Ulm", "Bonn, Ulm and Rome"),
        ("Which city bid?", "Bonn, Ulm and Rome bid.", "Ulm", "Ulm"),
        ("What did he praise?", "He praised the cooks, and Rome did too.", "cooks", "cooks"),
    ],
)
def test_what_was_read_is_trimmed_to_whole_words_figures_and_names(
    question: str, sentence: str, read: str, chosen: str
) -> None:
    start = sentence.index(read)
    span = choose_span(read_question(question), read_sentence(sentence), None, (start, start + len(read)))
    assert span is not None
    assert sentence[slice(*span)] == chosen


def test_a_figure_or_a_date_that_is_asked_for_is_found_by_rule_where_there_is_one() -> None:
    sentence = read_sentence("In 2031 Bonn had 40 trams.")
    for question, by_rule, chosen in (
        ("How many trams had Bonn?", (17, 19), (17, 19)),
        ("When had Bonn 40 trams?", (3, 7), (3, 7)),
        ("How many trams had Bonn?", None, (8, 12)),
        ("Which city had trams?", (3, 7), (8, 12)),
    ):
        assert choose_span(read_question(question), sentence, by_rule, (8, 12)) == chosen
    assert choose_span(read_question("Which city had trams?"), sentence, (3, 7), None) == (3, 7)


@given(QUESTIONS, TEXTS, st.integers(0, 80), st.integers(1, 30))
def test_a_span_that_was_chosen_lies_in_the_sentence(question: str, text: str, start: int, length: int) -> None:
    read = (start, min(len(text), start + length)) if start < len(text) else None
    span = choose_span(read_question(question), read_sentence(text), None, read)
    assert span is None or 0 <= span[0] < span[1] <= len(text)


@pytest.mark.parametrize(
    ("question", "sentence", "by_rule", "read", "chosen"),
    [
        (
            "What is made?",
            "They make tractors, cars and lamps.",
            "tractors, cars and lamps",
            "tractors",
            "tractors, cars and lamps",
        ),
        (
            "What did he name?",
            "He named ties of old, ore and salt.",
            "ties of old, ore and salt",
            "ties",
            "ties of old, ore and salt",
        ),
        ("Whom did he meet?", "He met Ida Rupp, his friend.", "Ida Rupp", "Ida Rupp, his friend", "Ida Rupp"),
        ("What fell?", "The old bridge fell into the river.", "old bridge fell into the river", "bridge", "bridge"),
    ],
)
def test_a_list_is_given_whole_and_a_name_alone(
    question: str, sentence: str, by_rule: str, read: str, chosen: str
) -> None:
    spans = [(sentence.index(part), sentence.index(part) + len(part)) for part in (by_rule, read)]
    span = choose_span(read_question(question), read_sentence(sentence), *spans)
    assert span is not None
    assert sentence[slice(*span)] == chosen
