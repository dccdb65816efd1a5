from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

import qa
from qa.answer import MAX_QUESTION_CHARACTERS
from qa.answer_form import Answer, Searched, Token, make_abstention
from qa.archive import Archive
from qa.articles import Filters
from qa.conversation import Turn, complete_question
from qa.errors import ModelUnavailable, UsageError
from qa.testing import HashingEmbedder, ScriptedChat
from qa.tokens import count_tokens

TURNOVER = "What was 2021 trade turnover?"
NEWS = {
    "trade.md": "---\ntitle: Trade\npublished: 2022-07-05\n---\n"
    "Trade turnover was $24.2 billion in 2021. Trade turnover was $9.2 billion in 2020.",
    "trams.md": "---\ntitle: Trams\npublished: 2022-07-08\n---\nThe new trams carried 300 people. Ann Lee drove one.",
}
REWRITTEN = "What was trade turnover in 2020?"


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    folder = tmp_path_factory.mktemp("news")
    for name, text in NEWS.items():
        (folder / name).write_text(text, encoding="utf-8")
    with qa.open(folder / "workspace", embedder=HashingEmbedder(256)) as opened:
        opened.add(*(folder / name for name in NEWS))
        yield opened


def asked_of(chat: ScriptedChat, call: int) -> str:
    return "\n".join(message.content for message in chat.calls[call])


# by rule


@pytest.mark.parametrize(
    ("follow_up", "standalone"),
    [
        ("and in 2020?", "What was 2020 trade turnover?"),
        ("And 2020?", "What was 2020 trade turnover?"),
        ("What about 2022?", "What was 2022 trade turnover?"),
        ("and what about 1999?", "What was 1999 trade turnover?"),
        ("2019?", "What was 2019 trade turnover?"),
        ("How was it in 2020?", "What was 2020 trade turnover?"),
    ],
)
def test_a_follow_up_with_nothing_but_another_year_takes_the_question_with_that_year(
    follow_up: str, standalone: str
) -> None:
    assert complete_question(follow_up, TURNOVER) == standalone


@pytest.mark.parametrize(
    ("follow_up", "standalone"),
    [
        ("and exports in 2020?", "What was 2020 trade turnover exports in 2020?"),
        ("the first five months of 2022?", "What was 2022 trade turnover the first five months of 2022?"),
        ("and from 2019 to 2020?", "What was 2021 trade turnover from 2019 to 2020?"),
        ("and in Russia?", "What was 2021 trade turnover in Russia?"),
        ("Exports?", "What was 2021 trade turnover Exports?"),
        ("And why?", "What was 2021 trade turnover why?"),
        ("Who said that?", "What was 2021 trade turnover Who said that?"),
        ("but is it a record?", "What was 2021 trade turnover is it a record?"),
        ("for January to May then", "What was 2021 trade turnover for January to May then?"),
        ("How much?", "What was 2021 trade turnover How much?"),
    ],
)
def test_any_other_fragment_is_put_after_the_question_before_it(follow_up: str, standalone: str) -> None:
    assert complete_question(follow_up, TURNOVER) == standalone


def test_a_year_is_put_after_a_question_that_has_none() -> None:
    assert complete_question("and in 2020?", "How many trams ran?") == "How many trams ran in 2020?"


@pytest.mark.parametrize(
    ("question", "standalone"),
    [
        ("Who is Smailov?", "Who is Smailov?"),
        ("What is INNOPROM?", "What is INNOPROM?"),
        ("How many joint projects are planned?", "How many joint projects are planned?"),
        ("In which year did trams first run?", "In which year did trams first run?"),
        ("Is Russia the largest partner?", "Is Russia the largest partner?"),
        ("What did Smailov say about his plans?", "What did Smailov say about his plans?"),
        ("and how many projects are planned for 2022?", "How many projects are planned for 2022?"),
        ("So what did Smailov say about the program?", "What did Smailov say about the program?"),
        ("But, who is the president?", "Who is the president?"),
        ("Name the title of the session.", "Name the title of the session."),
    ],
)
def test_a_question_that_names_its_subject_stands_alone_whatever_was_asked_before(
    question: str, standalone: str
) -> None:
    assert complete_question(question, TURNOVER) == standalone


@given(st.text(min_size=1, max_size=60), st.text(min_size=1, max_size=60))
def test_any_two_questions_make_one_that_is_not_too_long(question: str, previous: str) -> None:
    assert complete_question(question, previous)


def test_what_would_become_too_long_is_asked_as_it_is() -> None:
    longest = "x" * (MAX_QUESTION_CHARACTERS - 10) + "?"
    assert complete_question("and in Russia?", longest) == "and in Russia?"


# conversations without a model


def test_the_first_question_is_asked_as_it_is(archive: Archive) -> None:
    chat = archive.chat(model=False)
    assert chat.stand_alone(" and in\n2020? ") == "and in 2020?"
    assert chat.ask(TURNOVER).question == TURNOVER


def test_a_follow_up_is_answered_as_the_question_it_stands_for(archive: Archive) -> None:
    chat = archive.chat(model=False)
    assert chat.ask(TURNOVER).short == "$24.2 billion"
    second = chat.ask("and in 2020?")
    assert (second.question, second.short) == ("What was 2020 trade turnover?", "$9.2 billion")
    third = chat.ask("And 2021?")
    assert (third.question, third.short) == (TURNOVER, "$24.2 billion")


def test_the_history_keeps_each_question_as_typed_as_asked_and_its_answer(archive: Archive) -> None:
    chat = archive.chat(model=False)
    answers = [chat.ask(question) for question in (TURNOVER, "and in 2020?", "Who drove a tram?")]
    assert chat.turns == [
        Turn(TURNOVER, TURNOVER, answers[0]),
        Turn("and in 2020?", "What was 2020 trade turnover?", answers[1]),
        Turn("Who drove a tram?", "Who drove a tram?", answers[2]),
    ]


def test_conversations_do_not_share_their_history(archive: Archive) -> None:
    one, other = archive.chat(model=False), archive.chat(model=False)
    one.ask(TURNOVER)
    assert other.turns == []
    assert other.stand_alone("and in 2020?") == "and in 2020?"


def test_a_turn_is_kept_only_when_its_answer_has_come(archive: Archive) -> None:
    chat = archive.chat(model=False)
    stream = chat.stream(TURNOVER)
    next(stream)
    assert chat.turns == []
    *_, answer = stream
    assert [turn.answer for turn in chat.turns] == [answer]
    broken_off = chat.stream("and in 2020?")
    next(broken_off)
    broken_off.close()
    assert len(chat.turns) == 1


@pytest.mark.parametrize("question", ["", "?!", "x" * 100_000])
def test_a_question_that_cannot_be_asked_leaves_the_history_as_it_was(archive: Archive, question: str) -> None:
    chat = archive.chat(model=False)
    chat.ask(TURNOVER)
    with pytest.raises(UsageError):
        chat.ask(question)
    assert len(chat.turns) == 1
    assert chat.ask("and in 2020?").short == "$9.2 billion"


def test_an_abstention_is_a_turn_like_any_other(archive: Archive) -> None:
    chat = archive.chat(model=False)
    assert chat.ask("What was 2019 trade turnover?").status == "abstained"
    assert chat.ask("and in 2021?").short == "$24.2 billion"


def test_filters_hold_for_one_question(archive: Archive) -> None:
    chat = archive.chat(model=False)
    assert chat.ask(TURNOVER, Filters(since=date(2022, 7, 6))).searched.articles == 1
    assert chat.ask(TURNOVER).searched.articles == 2


# conversations with a model


def test_a_model_makes_the_follow_up_stand_alone_and_then_answers_it(archive: Archive) -> None:
    model = ScriptedChat(
        ["Trade turnover was $24.2 billion in 2021 [1].", REWRITTEN, "Trade turnover was $9.2 billion in 2020 [1]."]
    )
    chat = archive.chat(model=model)
    chat.ask(TURNOVER)
    answer = chat.ask("and the year before?")
    assert answer.question == REWRITTEN
    assert [statement.verdict for statement in answer.statements] == ["supported"]
    assert chat.turns[-1] == Turn("and the year before?", REWRITTEN, answer)
    assert len(model.calls) == 3
    assert f"Question: {REWRITTEN}" in asked_of(model, 2)


def test_the_model_is_shown_the_questions_as_asked_and_their_answers(archive: Archive) -> None:
    model = ScriptedChat(["Trade turnover was $24.2 billion in 2021 [1].", REWRITTEN, "So it was [1]."])
    chat = archive.chat(model=model)
    chat.ask(TURNOVER)
    chat.ask("and the year before?")
    asked = asked_of(model, 1)
    assert f"Conversation:\nQ: {TURNOVER}\nA: Trade turnover was $24.2 billion in 2021 [1]." in asked
    assert asked.endswith("Last question: and the year before?")


def test_the_model_is_shown_the_last_five_turns(archive: Archive) -> None:
    replies = ["Trade grew [1]."]
    for number in range(1, 7):
        replies += [f"How much was trade turnover in {2000 + number}?", "Trade grew [1]."]
    model = ScriptedChat(replies)
    chat = archive.chat(model=model)
    for number in range(7):
        chat.ask(f"How much was trade turnover in {2000 + number}?")
    asked = asked_of(model, -2)
    assert asked.count("Q: ") == 5
    assert "Q: How much was trade turnover in 2001?" in asked
    assert "Q: How much was trade turnover in 2000?" not in asked


@pytest.mark.parametrize(
    "said",
    [
        "",
        "?",
        "…?",
        "Trade turnover was $9.2 billion in 2020.",
        "Here is the question:\nWhat was trade turnover in 2020?",
        "What was trade turnover? What was it in 2020?",
        "What was trade turnover in 2020?\n\nWhat were exports?",
        f"What was {'very ' * 500}much?",
    ],
)
def test_a_rewrite_that_is_not_one_question_falls_back_to_the_rule(archive: Archive, said: str) -> None:
    model = ScriptedChat(["Trade turnover was $24.2 billion in 2021 [1].", said])
    chat = archive.chat(model=model)
    chat.ask(TURNOVER)
    assert chat.stand_alone("and in 2020?") == "What was 2020 trade turnover?"


@pytest.mark.parametrize("said", [REWRITTEN, f"  {REWRITTEN}\n", "Was it $9.2 billion in 2020?"])
def test_one_question_on_one_line_is_taken(archive: Archive, said: str) -> None:
    chat = archive.chat(model=ScriptedChat(["Trade turnover was $24.2 billion in 2021 [1].", said]))
    chat.ask(TURNOVER)
    assert chat.stand_alone("and in 2020?") == said.strip()


def test_when_the_model_fails_the_rule_completes_the_follow_up_and_the_log_says_so(
    archive: Archive, caplog: pytest.LogCaptureFixture
) -> None:
    model = ScriptedChat(
        ["Trade turnover was $24.2 billion in 2021 [1].", ModelUnavailable("no reply."), ModelUnavailable("no.")]
    )
    chat = archive.chat(model=model)
    chat.ask(TURNOVER)
    with caplog.at_level(logging.WARNING, logger="qa"):
        answer = chat.ask("and in 2020?")
    assert caplog.messages == ["The follow-up is completed by rule: no reply."]
    assert answer.question == "What was 2020 trade turnover?"
    assert (answer.mode, answer.short) == ("extract", "$9.2 billion")
    assert answer.notices == ("Answered without the model: no.",)


def test_a_conversation_streams_tokens_and_then_the_answer(archive: Archive) -> None:
    chat = archive.chat(model=ScriptedChat(["Trade turnover was $24.2 billion in 2021 [1]."]))
    *before, answer = chat.stream(TURNOVER)
    assert "".join(event.text for event in before if isinstance(event, Token)) == answer.text
    assert isinstance(answer, Answer)
    assert answer.mode == "model"


def test_the_model_of_the_archive_is_the_one_of_its_conversations(archive: Archive) -> None:
    model = ScriptedChat(["Trade turnover was $24.2 billion in 2021 [1]."])
    folder = archive.workspace.root
    with qa.open(folder, embedder=HashingEmbedder(256), model=model) as opened:
        assert opened.chat(model=False).ask(TURNOVER).mode == "extract"
        assert opened.chat().ask(TURNOVER).model == "scripted"


# what a chat needs besides


def test_what_it_took_to_rewrite_a_question_is_counted_with_its_answer(archive: Archive) -> None:
    chat = archive.chat(model=ScriptedChat(["Trade turnover was $24.2 billion in 2021 [1].", REWRITTEN, "So [1]."]))
    chat.ask(TURNOVER)
    chat.ask("and the year before?")
    first, second = chat.turns
    assert first.usage == first.answer.usage
    assert second.rewriting.output_tokens == len(REWRITTEN.split())
    assert second.usage == second.rewriting + second.answer.usage


def test_a_question_is_asked_as_the_caller_says_it_stands_alone(archive: Archive) -> None:
    chat = archive.chat(model=False)
    chat.ask(TURNOVER)
    *_, answer = chat.stream("and in 2020?", standalone=" and in\n2020? ")
    assert answer.question == "and in 2020?"
    assert chat.turns[-1] == Turn("and in 2020?", "and in 2020?", answer)


def test_an_answer_that_was_stopped_is_kept_incomplete_and_followed_up_like_any_other(archive: Archive) -> None:
    model = ScriptedChat([REWRITTEN])
    chat = archive.chat(model=model)
    turn = chat.keep_stopped(TURNOVER, TURNOVER, " Trade turnover was\ud800 ", Filters(publisher="x"))
    assert chat.turns == [turn]
    assert (turn.is_whole, turn.answer.text, turn.answer.model) == (False, "Trade turnover was\ufffd", "scripted")
    assert [(s.text, s.verdict, s.problems[0].kind) for s in turn.answer.statements] == [
        (turn.answer.text, "unsupported", "unfinished")
    ]
    assert turn.answer.searched.filters == Filters(publisher="x")
    assert chat.stand_alone("and in 2020?") == REWRITTEN
    assert "A: Trade turnover was" in asked_of(model, 0)


def test_a_model_is_changed_between_questions(archive: Archive) -> None:
    chat = archive.chat(model=False)
    chat.model = ScriptedChat(["Trade turnover was $24.2 billion in 2021 [1]."], name="other")
    assert chat.ask(TURNOVER).model == "other"


def test_special_tokens_of_chat_templates_in_an_answer_are_broken_up_in_the_history(archive: Archive) -> None:
    model = ScriptedChat(["Trade turnover <|im_start|> was $24.2 billion in 2021 [1].", REWRITTEN])
    chat = archive.chat(model=model)
    chat.ask(TURNOVER)
    chat.stand_alone("and in 2020?")
    assert "<|im_start|>" not in asked_of(model, 1)


def test_a_chat_of_a_thousand_turns_keeps_a_bounded_prompt_and_says_how_many_are_condensed(archive: Archive) -> None:
    model = ScriptedChat([REWRITTEN] * 3)
    chat = archive.chat(model=model)
    short = Turn("Q?", "Q?", make_abstention("Q?", Searched(2, 2, Filters())))
    long = Turn("Why " * 400 + "?", "Why?", replace(short.answer, text="Trade rose by a third [1]. " * 2_000))
    chat.turns = [short] * 3
    chat.stand_alone("and in 2020?")
    assert (chat.condensed, asked_of(model, 0).count("Q: Q?")) == (0, 3)
    chat.turns = [long] * 1_000
    chat.stand_alone("and in 2020?")
    assert chat.condensed == 1_000
    assert count_tokens(asked_of(model, 1)) < 2_000
    chat.turns = [long] * 999 + [short]
    chat.stand_alone("and in 2020?")
    assert chat.condensed == 999
    assert "A: Not in these articles." in asked_of(model, 2)
