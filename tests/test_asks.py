from __future__ import annotations

import pytest

from qa.asks import MAX_PARTS, split_asks


@pytest.mark.parametrize(
    ("question", "asks"),
    [
        (
            "What was the new Orrick shaft meant to cost when it was announced, and what did it finally cost?",
            [
                "What was the new Orrick shaft meant to cost when it was announced",
                "what did the new Orrick shaft finally cost",
            ],
        ),
        (
            "Who bought the copper mine of Orrick, and what was the price?",
            ["Who bought the copper mine of Orrick", "what was the price of the copper mine of Orrick"],
        ),
        (
            "What total did Maud Teller claim for trade with Marovia, and what did the office really report?",
            [
                "What total did Maud Teller claim for trade with Marovia",
                "what did the office really report for trade with Marovia",
            ],
        ),
        (
            "When was the mayor of Brenn elected and how many votes did she get?",
            ["When was the mayor of Brenn elected", "how many votes did the mayor of Brenn get"],
        ),
        ("When did Hale resign, and what was her office?", ["When did Hale resign", "what was Hale's office"]),
    ],
)
def test_a_later_ask_takes_the_subject_of_the_first(question: str, asks: list[str]) -> None:
    assert split_asks(question) == asks


@pytest.mark.parametrize(
    ("question", "later"),
    [
        (
            "How far did unemployment fall on the office's own count, and how far on the published numbers?",
            "How far did unemployment fall on the published numbers",
        ),
        (
            "What growth did the bank forecast for 2034 in May, and what after it cut the forecast in November?",
            "What growth did the bank forecast for 2034 after it cut the forecast in November",
        ),
        ("How high did the river rise in Brenn, and how high in Sallow?", "How high did the river rise in Sallow"),
        ("How many people died, and how many were hurt?", "how many people were hurt"),
        ("When did Hale resign, and why?", "why did Hale resign"),
        ("Which minister resigned, and why?", "why the minister resigned"),
    ],
)
def test_an_ask_without_verb_or_measure_takes_those_of_the_first(question: str, later: str) -> None:
    assert split_asks(question)[1] == later


@pytest.mark.parametrize(
    ("question", "asks"),
    [
        ("Who is the mayor? When was she elected?", ["Who is the mayor", "when was the mayor elected"]),
        ("When and where was the treaty signed?", ["When was the treaty signed?", "where was the treaty signed?"]),
        (
            "Train to Hest: how long in 2031, and how long on the new line?",
            ["Train to Hest: how long in 2031", "Train to Hest: how long on the new line"],
        ),
        (
            "How many votes did Ann get and how many did Ben get?",
            ["How many votes did Ann get", "how many votes did Ben get"],
        ),
    ],
)
def test_asks_may_be_sentences_words_of_asking_or_stand_behind_a_colon(question: str, asks: list[str]) -> None:
    assert [ask.casefold() for ask in split_asks(question)] == [ask.casefold() for ask in asks]


@pytest.mark.parametrize(
    "question",
    [
        "What is the capital of Trinidad and Tobago?",
        "Who wrote War and Peace?",
        "What did the report say about profit and loss?",
        "How much trade did Tolvania do with Marovia between January and June 2031?",
        "Who is the man who left in May and who returned in June?",
        "Where is the town where the flood began and where the bridge broke?",
        "Did the mayor resign and the governor stay?",
        "What happened and when?",
        "What was 2021 trade turnover?",
        "and",
        "",
        "?? and what?",
    ],
)
def test_a_question_that_asks_one_thing_is_not_split(question: str) -> None:
    assert split_asks(question) == []


def test_at_most_three_asks_are_taken_and_the_last_has_the_rest() -> None:
    asks = split_asks("Who paid, and how much did Ann pay, and when did Ben leave, and where did Cia go?")
    assert len(asks) == MAX_PARTS
    assert asks[-1].endswith("where did Cia go")
