from __future__ import annotations

import re
import unicodedata

import pyte
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_terminal import FOREIGN, HOSTILE, OURS, Tty

from qa.answer_form import Stage, Token
from qa.layout import line
from qa.stream_view import TurnView, WordWrap
from qa.terminal import Screen

WORDS = st.sampled_from(["trade", "is", "a", "ü", "e\u0301te", "日本", "額", "التجارة", "—", "x" * 33, "👍🏽"])
TEXTS = st.lists(st.tuples(WORDS, st.sampled_from([" ", " ", "  ", "\n", ""])), max_size=30)


def bare(text: str) -> str:
    return unicodedata.normalize("NFC", "".join(text.split()))


def show(width: int, pieces: list[str], *, goes_back: bool) -> tuple[pyte.Screen, WordWrap]:
    """What a terminal that is one column wider shows of some pieces of text."""
    screen = pyte.Screen(width + 1, 300)
    stream = pyte.Stream(screen)
    wrap = WordWrap(width, goes_back=goes_back)
    for text in (*map(wrap.feed, pieces), wrap.end()):
        stream.feed(text.replace("\n", "\r\n"))
    return screen, wrap


@given(TEXTS, st.integers(4, 60), st.lists(st.integers(1, 8), min_size=1), st.booleans())
def test_whatever_comes_in_whichever_pieces_all_of_it_is_shown_and_the_rows_are_counted(
    words: list[tuple[str, str]], width: int, sizes: list[int], goes_back: bool
) -> None:
    text = "".join(word + blank for word, blank in words)
    pieces, at = [], 0
    while at < len(text):
        pieces.append(text[at : at + sizes[len(pieces) % len(sizes)]])
        at += len(pieces[-1])
    screen, wrap = show(width, pieces, goes_back=goes_back)
    assert bare("".join(screen.display)) == bare(text)
    assert screen.cursor.y == wrap.rows


@pytest.mark.parametrize("goes_back", [True, False])
def test_a_word_that_grows_beyond_the_row_moves_to_the_next_as_a_whole(goes_back: bool) -> None:
    screen, _ = show(10, ["one two th", "reef", "our five"], goes_back=goes_back)
    assert [row.rstrip() for row in screen.display][:3] == ["one two", "threefour", "five"]


def test_a_word_is_shown_before_its_end_has_come() -> None:
    assert WordWrap(20, goes_back=True).feed("in 20") == "in 20"
    assert WordWrap(20, goes_back=False).feed("in 20") == "in"


def test_a_row_may_end_between_wide_characters_and_never_within_one() -> None:
    screen, _ = show(7, ["過去最高を更新"], goes_back=True)
    assert [row.rstrip() for row in screen.display][:3] == ["過去最", "高を更", "新"]


def test_paragraphs_stay_and_blanks_at_the_ends_of_rows_go() -> None:
    written = WordWrap(9, goes_back=False)
    assert written.feed("one two  three \n\nfour") + written.end() == "one two\nthree\n\nfour"


def test_what_comes_is_made_safe() -> None:
    wrap = WordWrap(60, goes_back=True)
    shown = "".join(wrap.feed(text) for text in HOSTILE.values()) + wrap.end()
    assert not FOREIGN.search(OURS.sub("", re.sub(r"\x1b\[\d+D\x1b\[K", "", shown)))


# a turn


@pytest.fixture
def tty(monkeypatch: pytest.MonkeyPatch) -> Screen:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "40")
    return Screen(Tty())


def written(screen: Screen) -> str:
    return screen.stream.getvalue()  # type: ignore[attr-defined,no-any-return]


def seen(screen: Screen) -> str:
    terminal = pyte.Screen(40, 60)
    pyte.Stream(terminal).feed(written(screen).replace("\n", "\r\n"))
    return "\n".join(row.rstrip() for row in terminal.display).strip()


def test_a_stage_goes_what_was_found_stays_and_the_answer_takes_the_place_of_the_words(tty: Screen) -> None:
    view = TurnView(tty)
    view.show_stage("reading the question")
    for event in (Stage("searching"), Stage("searching → 8 passages", is_finding=True), Stage("asking tiny")):
        view.show(event)
    assert seen(tty) == "searching → 8 passages\n\nasking tiny…"
    for word in ("Trade ", "rose ", "by a third, as everybody ", "had said it would."):
        view.show(Token(word))
    assert seen(tty).endswith("\n\nTrade rose by a third, as everybody had\nsaid it would.")
    view.finish([line("Trade rose by a third, as everybody had said it would. [1]")])
    assert seen(tty) == "searching → 8 passages\n\nTrade rose by a third, as everybody had\nsaid it would. [1]"
    assert view.text == "Trade rose by a third, as everybody had said it would."


def test_an_answer_without_words_before_it_stands_below_what_was_found(tty: Screen) -> None:
    view = TurnView(tty)
    view.show(Stage("searching → 8 passages", is_finding=True))
    view.finish([line("Not in these articles.")])
    assert seen(tty) == "searching → 8 passages\n\nNot in these articles."


def test_words_that_a_message_has_come_between_stay_above_the_answer(tty: Screen) -> None:
    view = TurnView(tty)
    view.show(Token("Trade rose"))
    view.say("warning: so")
    view.show(Token(" by a third."))
    view.finish([line("Trade rose by a third. [1]")])
    assert re.fullmatch(r"Trade rose\nwarning: so\n+by a third\.\n─+\nTrade rose by a third\. \[1\]", seen(tty))


def test_more_words_than_the_terminal_has_rows_stay_above_the_answer(tty: Screen) -> None:
    view = TurnView(tty)
    for _ in range(30):
        view.show(Token("Trade rose.\n"))
    view.finish([line("Trade rose. [1]")])
    assert "─" in seen(tty)


def test_a_turn_that_is_stopped_leaves_what_had_come_and_a_clean_row(tty: Screen) -> None:
    view = TurnView(tty)
    view.show_stage("reading")
    view.show(Token("Trade ro"))
    view.stop()
    tty.write([line("Stopped.")])
    assert seen(tty) == "Trade ro\nStopped."


def test_where_nothing_is_styled_nothing_is_erased(tty: Screen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    plain = Screen(Tty())
    view = TurnView(plain)
    view.show_stage("reading")
    view.show(Stage("searching → 8 passages", is_finding=True))
    for word in ("Trade ", "rose."):
        view.show(Token(word))
    view.finish([line("Trade rose. [1]")])
    assert "\x1b" not in written(plain)
    assert written(plain).startswith("searching → 8 passages\n\nTrade rose.\n─")
    assert written(plain).endswith("─\nTrade rose. [1]\n")
