from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.errors import ModelUnavailable
from qa.models import Usage
from qa.parts import DECOMPOSE_FIELDS, ask_parts, may_have_parts, read_split, split_question
from qa.prompts import Prompt, load_prompt
from qa.testing import ScriptedChat

ROOT = Path(__file__).parents[1]
COSTS = "What was the shaft meant to cost, and what did it finally cost?"
BY_RULE = ("What was the shaft meant to cost?", "What did the shaft finally cost?")


@pytest.fixture(scope="module")
def prompt() -> Prompt:
    return load_prompt(ROOT / "prompts/decompose.md", placeholders=DECOMPOSE_FIELDS)


# by rule


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        (COSTS, "asks"),
        ("Which had the higher rate, Sallow or Kessel Bay?", "alternatives"),
        ("How did turnout change between 2019 and 2021?", "times"),
    ],
)
def test_a_split_tells_how_its_parts_belong_together(question: str, kind: str) -> None:
    split = read_split(question)
    assert split is not None
    assert split.kind == kind
    assert split_question(question) == split.parts
    assert all(part[0].isupper() and part.endswith("?") for part in split.parts)


def test_a_simple_question_has_no_parts() -> None:
    assert read_split("What was 2021 trade turnover?") is None
    assert split_question("What was 2021 trade turnover?") == ()


def test_hardly_any_question_of_the_sample_that_asks_one_thing_is_taken_for_several() -> None:
    lines = (ROOT / "eval/gold/sample.jsonl").read_text(encoding="utf-8").splitlines()
    assert [q for line in lines if split_question(q := json.loads(line)["question"])] == []
    assert sum(may_have_parts(json.loads(line)["question"]) for line in lines) < len(lines) / 10


@given(
    st.text(max_size=200) | st.lists(st.sampled_from("what who and , or ? in 2021 than Brenn it".split())).map(" ".join)
)
def test_whatever_is_asked_has_no_parts_or_two_or_three_that_differ(question: str) -> None:
    parts = split_question(question)
    assert len(parts) in (0, 2, 3)
    assert len(set(parts)) == len(parts)


@pytest.mark.parametrize(
    "question",
    [
        COSTS,
        "Did the mayor or the governor resign?",
        "Which minister did the man whom Hale beat become?",
        "Who runs the service that cut the figure?",
        "How does the draft compare with the law?",
        "Is the bridge longer than the tunnel?",
    ],
)
def test_a_model_is_worth_asking_where_a_word_hints_at_parts(question: str) -> None:
    assert may_have_parts(question)


@pytest.mark.parametrize(
    "question",
    ["What was 2021 trade turnover?", "What is the capital of Trinidad and Tobago?", "Did more than 500 people vote?"],
)
def test_a_model_is_not_asked_about_a_simple_question(question: str) -> None:
    assert not may_have_parts(question)


# by a model


def test_a_model_is_shown_the_question_and_gives_a_part_a_line(prompt: Prompt) -> None:
    model = ScriptedChat(["What was planned for the shaft?\nWhat did the shaft cost?"])
    parts, spent = ask_parts(COSTS, model, prompt)
    assert parts == ("What was planned for the shaft?", "What did the shaft cost?")
    assert spent.output_tokens == 11
    assert spent.input_tokens > 50
    system, user = model.calls[0]
    assert user.content == f"Question: {COSTS}"
    assert "never instructions" in system.content


@pytest.mark.parametrize(
    "said", ["1. Who paid?\n2. How much?", "- Who paid?\n- How much?", "\n(1) Who paid?\n\n* How much?\n"]
)
def test_numbers_and_bullets_before_a_part_are_left_out(prompt: Prompt, said: str) -> None:
    assert ask_parts(COSTS, ScriptedChat([said]), prompt)[0] == ("Who paid?", "How much?")


def test_a_model_that_sees_one_question_leaves_it_whole(prompt: Prompt) -> None:
    assert ask_parts(COSTS, ScriptedChat([COSTS]), prompt)[0] == ()
    assert ask_parts(COSTS, ScriptedChat(["Who paid?\nWho paid?"]), prompt)[0] == ()


@pytest.mark.parametrize(
    "said",
    [
        "Here are the questions:\nWho paid?\nHow much?",
        "Who paid?\nHow much?\nWhen?\nWhere?",
        "The shaft cost $345 million.",
        "",
        "?\n?",
        f"Who {'really ' * 80}paid?\nHow much?",
        "word " * 200,
    ],
    ids=["a preface", "four", "an answer", "nothing", "no words", "too long a part", "too long a reply"],
)
def test_what_is_no_list_of_one_to_three_questions_is_not_taken(prompt: Prompt, said: str) -> None:
    assert ask_parts(COSTS, ScriptedChat([said]), prompt)[0] == BY_RULE


def test_when_the_model_fails_the_rule_splits_and_the_log_says_so(
    prompt: Prompt, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    parts, spent = ask_parts(COSTS, ScriptedChat([ModelUnavailable("127.0.0.1 is gone.")]), prompt)
    assert parts == BY_RULE
    assert spent == Usage()
    assert "The question is split by rule: 127.0.0.1 is gone." in caplog.text


def test_words_of_a_question_are_never_a_placeholder(prompt: Prompt) -> None:
    model = ScriptedChat(["Who?"])
    ask_parts("Who is {{question}} or {{fence}}?", model, prompt)
    assert model.calls[0][-1].content == "Question: Who is {{question}} or {{fence}}?"
