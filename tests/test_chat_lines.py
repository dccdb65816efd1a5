from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from saved_answers import ARTICLES, MIXED, write
from test_ground import hit, make
from test_layout import plain

from qa.answer_form import Searched, make_abstention
from qa.articles import Filters, make_quote
from qa.chat_lines import (
    describe_scope,
    describe_turn,
    explain_answer,
    find_source,
    list_chats,
    list_sources,
    show_in_context,
)
from qa.conversation import Turn
from qa.errors import UsageError
from qa.layout import lay_out_answer
from qa.models import Usage
from qa.retrieve import Hit
from qa.sessions import Summary
from qa.window import Window

TURN = Turn("What?", "What?", write(MIXED, seconds={"total": 1.24}, usage=Usage(1200, 34, 0.0123)))
FREE = replace(TURN, answer=replace(make_abstention("What?", Searched(2, 2, Filters())), seconds={"total": 0.3}))
FAILED = replace(FREE, answer=replace(FREE.answer, notices=("Answered without the model: no.",)))


def test_sources_are_listed_once_each_with_all_their_quotes() -> None:
    listed = plain(list_sources(TURN.answer))
    assert listed.startswith(
        "[1] Trade sets a record · 5 July 2022\n"
        "    “Trade between the two countries stood at $24.2 billion in 2021, a record.”\n"
    )
    assert listed.count("[1]") == 1
    assert "    “Growth in 2021 was almost a third.”\n" in listed
    against = replace(TURN.answer, citations=(), nearest=TURN.answer.citations, status="abstained")
    assert plain(list_sources(against)).startswith("Closest:\n[1]")
    assert plain(list_sources(FREE.answer)) == "The last answer has no sources.\n"


def test_a_source_is_found_by_its_number_only() -> None:
    assert [quote.article.id for quote in find_source(TURN.answer, "2")] == ["a2"]
    assert len(find_source(TURN.answer, "1")) == 2
    for wrong in ("3", "x", "", "-1", "²", "9" * 50):
        with pytest.raises(UsageError, match=r"Its sources are 1, 2\."):
            find_source(TURN.answer, wrong)
    with pytest.raises(UsageError, match="no sources"):
        find_source(FREE.answer, "1")


def test_a_quote_stands_marked_between_whole_sentences() -> None:
    sentence = "Nothing of any note was said about it on that day. "
    article = make(sentence * 40 + "The hive holds 4,211 bees. " + sentence * 40, "Bees", None, "b1")
    start = article.text.index("The hive")
    shown = plain(show_in_context(make_quote(article, start, start + 26))).strip()
    before, _, after = shown.partition("▶The hive holds 4,211 bees.")
    assert before.startswith("… Nothing of")
    assert after.endswith("that day. …")
    assert len(before) < 520
    assert len(after) < 520
    whole = plain(show_in_context(make_quote(ARTICLES[0], 0, 73))).strip()
    assert whole == f"▶{ARTICLES[0].text}"


def test_a_quote_that_no_longer_stands_is_shown_as_it_was_and_that_is_said() -> None:
    quote = replace(make_quote(ARTICLES[0], 0, 73), article=replace(ARTICLES[0], text="other"))
    shown = plain(show_in_context(quote))
    assert f"“{quote.text}”" in shown
    assert "this is the quote as it was" in shown


def test_why_names_the_verdict_of_every_sentence_with_its_reasons_and_what_was_found() -> None:
    hits = [Hit(ARTICLES[0], hit(ARTICLES[0]).passage, 0.0325)]
    why = plain(explain_answer(replace(TURN, answer=replace(TURN.answer, score=0.4, notices=("So.",))), hits))
    for part in (
        "score     0.400 of 1\n",
        "notice    So.\n",
        "✓ Trade stood at $24.2 billion in 2021",
        "    supported; sources: 1\n",
        "✗ It was $7 trillion",
        "    figure_not_in_quote: $7 trillion is not in the quote\n",
        "? So they say.\n    uncited; sources: none\n",
        "    0.0325  Trade sets a record · 5 July 2022\n",
    ):
        assert part in why
    assert "stopped: nothing was checked" in plain(explain_answer(replace(TURN, is_whole=False), []))


# the footer


def test_a_turn_is_told_with_its_tokens_and_costs() -> None:
    footer = describe_turn(TURN, [TURN, FREE, TURN])
    assert (
        footer
        == "1.2 s · 2 articles searched · scripted · 1,200 tokens in, 34 out · $0.0123 this turn · $0.0246 this chat"
    )
    assert describe_turn(FREE, [FREE]) == "0.3 s · 2 articles searched · no model, $0.00 · $0.00 this chat"
    rewritten = replace(TURN, rewriting=Usage(100, 6, 0.001))
    assert "1,300 tokens in, 40 out · $0.0133 this turn" in describe_turn(rewritten, [rewritten])


@pytest.mark.parametrize(
    ("turn", "told"),
    [
        (replace(TURN, answer=replace(TURN.answer, usage=Usage(7, 1))), "7 tokens in, 1 out · cost unknown this turn"),
        (replace(TURN, answer=replace(TURN.answer, usage=Usage())), "tokens unknown · cost unknown this turn"),
        (replace(TURN, is_whole=False, answer=replace(TURN.answer, usage=Usage())), "tokens unknown · cost unknown"),
        (replace(TURN, rewriting=Usage(5, 5)), "1,205 tokens in, 39 out · at least $0.0123 this turn"),
        (
            replace(FREE, answer=replace(FREE.answer, notices=("Answered without the model: no.",))),
            "no model, cost unknown",
        ),
    ],
)
def test_what_is_not_known_is_told_as_unknown(turn: Turn, told: str) -> None:
    assert told in describe_turn(turn, [turn])
    known = "$0.0246" if turn.rewriting != Usage() else "$0.0123"
    assert f"at least {known} this chat" in describe_turn(turn, [FREE, TURN, turn])


def test_the_days_and_parts_of_a_question_are_told() -> None:
    window = Window(date(2031, 1, 1), date(2031, 12, 31), True, "2031")
    searched = Searched(2, 2, Filters(), window, ("Who won in May?", "Who won in June?"))
    turn = replace(FREE, answer=replace(FREE.answer, searched=searched))
    shown = plain(lay_out_answer(turn.answer, footer="the footer"))
    assert "read as: Who won in May? · Who won in June?\n“2031”: only articles of 2031\nthe footer" in shown
    why = plain(explain_answer(turn, []))
    assert "days      “2031”: only articles of 2031\n" in why
    assert "parts     Who won in May? · Who won in June?\n" in why


def test_what_holds_for_every_question_is_told_in_a_few_words() -> None:
    filters = Filters(date(2022, 1, 1), date(2022, 12, 31), date(2022, 7, 8), "Press", True)
    told = "since 2022-01-01 · until 2022-12-31 · as of 2022-07-08 · Press · dated only · raw"
    assert (describe_scope(filters, is_raw=True), describe_scope(Filters())) == (told, "")


def test_chats_are_listed_with_the_one_under_way_marked() -> None:
    chats = [Summary(7, "trade", "What?\nso", date(2031, 7, 5), 1), Summary(3, None, "W" * 200, date(2031, 7, 4), 12)]
    rows = plain(list_chats(chats, 7)).splitlines()
    assert rows[0] == "▶ 7 trade · 5 July 2031 · 1 turn · What? so"
    assert rows[1].startswith("  3 · 4 July 2031 · 12 turns · WWW")
    assert plain(list_chats([], None)) == "No chat is kept yet.\n"
