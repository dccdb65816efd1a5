from __future__ import annotations

import io
import json
import os
import re
import sys
from dataclasses import replace
from datetime import date

import pytest
from test_layout import TEXT, make_answer, make_article, make_status, state

from qa.answer_form import Searched, Stage, Token
from qa.archive_reports import AddReport
from qa.articles import Filters, Passage, make_quote
from qa.conversation import Conversation
from qa.errors import UsageError
from qa.ground import Citation, Problem
from qa.layout import (
    BLANK,
    hit_dict,
    lay_out_answer,
    lay_out_article,
    lay_out_hits,
    line,
    list_rows,
    status_rows,
    summarise_changes,
)
from qa.retrieve import Hit
from qa.sync import Progress
from qa.terminal import ProgressView, Screen, chat, follow
from qa.text import clean_text
from qa.workspace import Workspace

# What the program itself writes to a terminal: colours, "erase this line", cursor on and off, one line up.
OURS = re.compile(r"\x1b\[[0-9;]*m|\r?\x1b\[2K|\x1b\[\?25[lh]|\x1b\[1A|\r(?=\n|\x1b|$)")
FOREIGN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")

HOSTILE = {
    "colour": "\x1b[31mred\x1b[0m",
    "clear screen": "\x1b[2J\x1b[H",
    "title": "\x1b]0;owned\x07",
    "link": "\x1b]8;;http://evil.example\x1b\\here\x1b]8;;\x1b\\",
    "clipboard": "\x1b]52;c;ZXZpbA==\x07",
    "C1 control sequence": "\x9b31mred\x9b0m",
    "C1 operating system command": "\x9d52;c;ZXZpbA==\x9c",
    "device status": "\x1b[6n\x05\x1bc",
    "carriage return and backspace": "true\rfalse\x08\x08\x7f",
    "bidirectional override": "\u202etxt.exe\u202c \u2066a\u2069\u2028b",
    "rich markup": "[red]x[/red] [/x] [link=http://evil.example]y[/link] :bomb:",
    "lone surrogate and NUL": "a\ud800b\x00c",
}


class Tty(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _terminal(monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.delenv("COLORTERM", raising=False)


@pytest.fixture
def tty() -> Screen:
    return Screen(Tty())


@pytest.fixture
def pipe() -> Screen:
    return Screen(io.StringIO())


def written(screen: Screen) -> str:
    return screen.stream.getvalue()  # type: ignore[attr-defined,no-any-return]


def without_style(screen: Screen) -> str:
    return OURS.sub("", written(screen))


# paragraphs


def test_a_terminal_gets_lines_wrapped_by_words_inside_their_indent(tty):
    tty.write([line("word " * 30, indent=4)])
    rows = written(tty).splitlines()
    assert len(rows) > 2
    assert all(row.startswith("    word") and len(row) <= 60 and row == row.rstrip() for row in rows)
    assert " ".join(written(tty).split()) == " ".join(["word"] * 30)


def test_a_pipe_gets_lines_as_long_as_they_are(pipe):
    pipe.write([line("word " * 300, indent=4), BLANK, line("end")])
    assert written(pipe) == "    " + " ".join(["word"] * 300) + "\n\nend\n"


def test_a_wide_terminal_is_filled_to_100_columns_only(tty, monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")
    tty.write([line("word " * 60)])
    assert max(map(len, written(tty).splitlines())) == 99


def test_a_narrow_terminal_still_gets_20_columns(tty, monkeypatch):
    monkeypatch.setenv("COLUMNS", "3")
    assert tty.width == 20


def test_wide_characters_count_twice(tty):
    tty.write([line("漢字" * 40)])
    assert max(map(len, written(tty).splitlines())) == 30


def test_a_word_longer_than_the_line_is_folded(tty):
    tty.write([line("x" * 130)])
    assert [len(row) for row in written(tty).splitlines()] == [60, 60, 10]


def test_styles_reach_a_terminal_and_nothing_else(tty, pipe):
    for screen in (tty, pipe):
        screen.write([line("$24.2 billion", "strong"), line("no", "bad"), line("maybe", "quiet"), line("yes", "mark")])
    assert written(tty) == (
        "\x1b[1m$24.2 billion\x1b[0m\n\x1b[31mno\x1b[0m\n\x1b[2mmaybe\x1b[0m\n\x1b[1;32myes\x1b[0m\n"
    )
    assert written(pipe) == "$24.2 billion\nno\nmaybe\nyes\n"


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb"), ("TERM", ""), ("TERM", "unknown")])
def test_no_color_and_a_dumb_terminal_get_wrapped_text_without_styles(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    screen = Screen(Tty())
    screen.show_stage("searching")
    screen.write([line("word " * 30, "strong")])
    screen.erase_stage()
    assert "\x1b" not in written(screen)
    assert "\r" not in written(screen)
    assert len(written(screen).splitlines()) == 3


def test_an_empty_no_color_is_none(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "")
    assert Screen(Tty()).is_styled


def test_forced_colour_does_not_reach_a_pipe(monkeypatch, pipe):
    monkeypatch.setenv("FORCE_COLOR", "1")
    pipe.write([line("short", "strong")])
    assert written(pipe) == "short\n"


def test_newlines_inside_a_paragraph_become_one_blank(tty, pipe):
    for screen in (tty, pipe):
        screen.write([line("one \n\n  two")])
        assert written(screen) == "one two\n"


def test_a_message_is_one_line_whatever_it_holds(pipe):
    pipe.say("error: a\nb\r\nc\x1b[31m")
    assert written(pipe) == "error: a b c\ufffd[31m\n"


# tables


ROWS = [("ab12", "2022-07-05", "BBC", "A title of some length that does not fit the line"), ("c", "", "漢字", "Short")]


def test_a_table_is_aligned_and_cut_to_the_terminal(tty):
    tty.write_table(ROWS, cut=True)
    assert written(tty) == (
        "ab12  2022-07-05  BBC   A title of some length that does no…\nc                 漢字  Short\n"
    )


def test_a_table_for_a_program_is_whole_and_separated_by_tabs(pipe):
    pipe.write_table(ROWS, cut=True)
    assert written(pipe) == "\n".join("\t".join(row) for row in ROWS) + "\n"


def test_a_table_that_is_not_cut_shows_every_value_whole(tty):
    tty.write_table([("workspace", "/a/" + "long/" * 20, "named"), ("model", "none", "default")])
    assert "/a/" + "long/" * 20 + "  named\n" in written(tty)


def test_a_tab_or_newline_in_a_cell_does_not_make_another_cell(pipe):
    pipe.write_table([("a\tb", "c\nd")])
    assert written(pipe) == "a b\tc d\n"


def test_an_empty_table_is_nothing(tty, pipe):
    for screen in (tty, pipe):
        screen.write_table([], cut=True)
        assert written(screen) == ""


# JSON


def test_json_is_one_line_that_reads_back_as_it_was(tty):
    data = {"text": "“quoted”\n漢字\t" + "".join(HOSTILE.values())}
    tty.write_json(data)
    assert written(tty).count("\n") == 1
    assert json.loads(written(tty)) == data
    assert "漢字" in written(tty)


def test_json_for_a_stream_that_is_not_unicode_is_ascii():
    stream = io.TextIOWrapper(io.BytesIO(), encoding="latin-1")
    Screen(stream).write_json(["“漢字”", "😀"])
    raw = stream.buffer.getvalue()  # type: ignore[attr-defined]
    assert raw.isascii()
    assert json.loads(raw) == ["“漢字”", "😀"]


# hostile text


def hostile_answer(text: str):
    article = make_article(title=f"T {text}", publisher=f"P {text}", text=clean_text(f"{TEXT} {text} end."))
    article = replace(article, source=f"a/{text}.md")
    whole = f"Said {text} so. [1]"
    quote = make_quote(article, 0, len(article.text))
    problem = Problem("words_not_in_quote", f"missing: {text}")
    return make_answer(
        text=whole,
        question=text,
        short=text,
        short_span=(0, 5),
        statements=(state(whole, whole, "unsupported", problems=[problem]),),
        citations=(Citation(1, quote),),
        nearest=(Citation(1, quote),),
        notices=(f"The model failed: {text}",),
        model=f"model {text}",
        searched=Searched(1, 1, Filters(publisher=text)),
    )


def write_everything(screen: Screen, text: str, folder) -> None:
    """Every way out of the program, with this text in every place."""
    answer = hostile_answer(text)
    article = answer.citations[0].quote.article
    hit = Hit(article, Passage("p", article.id, 0, len(article.text), article.text), 1.0)
    report = AddReport((), (), (), ((text, text),))
    screen.write(lay_out_answer(answer))
    screen.write(lay_out_hits([hit]))
    screen.write(lay_out_article(replace(article, author=text, url=text, language=text), (0, 9)))
    screen.write_table(list_rows([article]), cut=True)
    screen.write_table(list_rows([article]))
    screen.write_table(status_rows(make_status(workspace=text, model=text), Workspace(folder, "named"), text))
    screen.write_json([answer.to_dict(), hit_dict(hit)])
    screen.write_block(text)
    screen.say(text)
    screen.say(f"{summarise_changes(report)} {report.skipped}")
    with ProgressView(screen) as view:
        view(Progress(text, 1, 2, text))
    follow([Stage(text), Token(text), *map(Token, text), answer], screen, tokens=True)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_reaches_no_stream_as_control(tty, pipe, tmp_path, name):
    for screen in (tty, pipe):
        write_everything(screen, HOSTILE[name], tmp_path)
    assert FOREIGN.findall(written(pipe)) == []
    assert FOREIGN.findall(without_style(tty)) == []
    assert "evil.example" not in "".join(re.findall(r"\x1b[^m]*m", written(tty)))


def test_markup_is_shown_as_it_is_written(tty):
    tty.write([line("[red]x[/red] [/x] :bomb:")])
    assert written(tty) == "[red]x[/red] [/x] :bomb:\n"


# progress


def test_a_pipe_is_told_of_each_stage_once(pipe):
    with ProgressView(pipe) as view:
        for done in (1, 2):
            view(Progress("reading", done))
        for done in (0, 64, 80):
            view(Progress("embedding", done, 80))
        view(Progress("building the vector index", 0, 1080))
    assert written(pipe) == ("reading articles\nembedding: 80 passages\nbuilding the vector index: 1,080 passages\n")


def test_a_terminal_gets_a_bar_that_is_gone_at_the_end(tty):
    with ProgressView(tty) as view:
        view(Progress("reading", 3))
        view(Progress("embedding", 40, 80))
    assert "40/80" in written(tty)
    assert written(tty).rstrip().endswith("\x1b[2K")
    assert "\x1b[?25h" in written(tty)


def test_progress_remembers_what_is_kept_and_whether_reading_goes_on(pipe):
    with ProgressView(pipe) as view:
        assert (view.kept, view.is_reading) == (0, True)
        view(Progress("reading", 7))
        assert (view.kept, view.is_reading) == (7, True)
        view(Progress("embedding", 0, 99))
        assert (view.kept, view.is_reading) == (7, False)


def test_a_bar_has_counts_time_left_and_a_note_on_one_line(tty):
    with ProgressView(tty) as view:
        assert view.stage == ""
        view(Progress("evaluating", 0, 226))
        view(Progress("evaluating", 58, 226, "answer match 0.11"))
        assert view.stage == "evaluating"
    rows = [OURS.sub("", row).strip() for row in written(tty).split("\x1b[2K")]
    assert any(re.fullmatch(r"evaluating [━╺╸]+ +58/226 \S+ answer match 0\.11", row) for row in rows)
    assert max(map(len, rows)) <= 60


@pytest.mark.parametrize("stage", ["evaluating", "replaying", "judging", "judging what is labelled"])
def test_a_pipe_is_told_how_much_there_is_to_ask_and_spared_the_notes(pipe, stage):
    with ProgressView(pipe) as view:
        for done in range(3):
            view(Progress(stage, done, 3, "answer match 0.50"))
    assert re.fullmatch(rf"{stage}: 3 (questions|answers)\n", written(pipe))


def test_a_bar_is_as_wide_as_its_own_terminal_wherever_other_streams_lead(monkeypatch):
    import pty
    import termios

    monkeypatch.delenv("COLUMNS")
    master, slave = pty.openpty()
    with os.fdopen(master, "rb"), os.fdopen(slave, "w") as stream:
        termios.tcsetwinsize(slave, (24, 47))
        assert Screen(stream).width == 47
        monkeypatch.setenv("COLUMNS", "33")
        assert Screen(stream).width == 33


# streamed answers


EVENTS = [Stage("searching 12 articles"), Stage("asking tiny"), Token("Trade "), Token("rose."), make_answer()]


def test_stage_and_tokens_are_shown_as_they_come_then_a_rule(tty):
    assert follow(EVENTS, tty, tokens=True) == EVENTS[-1]
    assert "\x1b[2msearching 12 articles…\x1b[0m" in written(tty)
    assert written(tty).endswith(f"\r\x1b[2K\x1b[2mTrade \x1b[0m\x1b[2mrose.\x1b[0m\n\x1b[2m{'─' * 60}\x1b[0m\n")


def test_without_tokens_the_stage_is_erased_before_the_answer(tty):
    follow(EVENTS, tty, tokens=False)
    assert "Trade" not in written(tty)
    assert written(tty).endswith("\r\x1b[2K")


def test_nothing_is_streamed_where_nobody_watches(pipe):
    assert follow(EVENTS, pipe, tokens=True) == EVENTS[-1]
    assert written(pipe) == ""


def test_an_answer_that_breaks_off_leaves_a_clean_line(tty):
    def events():
        yield Stage("searching")
        raise UsageError("no")

    with pytest.raises(UsageError):
        follow(events(), tty, tokens=True)
    assert written(tty).endswith("\r\x1b[2K")


# chat


class Talk(Conversation):
    """A conversation that gives what is laid out for it: answers, or errors to raise."""

    def __init__(self, *replies) -> None:
        self.replies = list(replies)
        self.asked: list[str] = []

    def stream(self, question, filters=None):
        self.asked.append(question)
        reply = self.replies.pop(0)
        if isinstance(reply, BaseException):
            raise reply
        yield replace(reply, question=reply.question or question)


def say(monkeypatch, text: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))


def test_a_pipe_is_answered_line_by_line(monkeypatch, pipe):
    say(monkeypatch, "What was it?\n\n  and in 2020?  \n")
    talk = Talk(make_answer(question=""), make_answer(question=""))
    assert chat(talk, pipe, Screen(io.StringIO()), as_json=False) == 0
    assert talk.asked == ["What was it?", "and in 2020?"]
    assert written(pipe).count("12 articles searched\n\n") == 2


def test_a_follow_up_that_was_completed_is_shown_as_it_was_asked(monkeypatch, pipe):
    say(monkeypatch, "and in 2020?\n")
    chat(Talk(make_answer(question="What was 2020 trade?")), pipe, Screen(io.StringIO()), as_json=False)
    assert written(pipe).startswith("Asked as: What was 2020 trade?\n\n")


def test_json_for_a_pipe_is_one_object_a_line(monkeypatch, pipe):
    say(monkeypatch, "One?\nTwo?")
    chat(Talk(make_answer(question=""), make_answer(question="")), pipe, Screen(io.StringIO()), as_json=True)
    assert [json.loads(text)["question"] for text in written(pipe).splitlines()] == ["One?", "Two?"]


def test_a_question_that_fails_does_not_end_the_chat_but_its_status_is_1(monkeypatch, pipe):
    say(monkeypatch, "bad\ngood?\n")
    messages = Screen(io.StringIO())
    assert (
        chat(Talk(UsageError("The question is empty."), make_answer(question="")), pipe, messages, as_json=False) == 1
    )
    assert written(messages) == "error: The question is empty.\n"
    assert "articles searched" in written(pipe)


@pytest.mark.parametrize("word", ["/quit", "/exit"])
def test_quit_leaves_a_pipe(monkeypatch, pipe, word):
    say(monkeypatch, f"{word}\nNot asked?\n")
    assert chat(Talk(), pipe, pipe, as_json=False) == 0


def test_ctrl_c_in_a_pipe_ends_the_chat(monkeypatch, pipe):
    say(monkeypatch, "Slow?\n")
    with pytest.raises(KeyboardInterrupt):
        chat(Talk(KeyboardInterrupt()), pipe, pipe, as_json=False)


# links


@pytest.mark.parametrize(("variables", "is_link"), [({"VTE_VERSION": "7600"}, True), ({"VTE_VERSION": ""}, False)])
def test_an_address_is_a_link_where_the_terminal_is_known_to_have_links(tty, monkeypatch, variables, is_link):
    for name in ("TMUX", "TERM_PROGRAM", "WT_SESSION"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    tty.write_link("https://a.example", "https://a.example/\x1b]\u202e x")
    begun, ended = ("\x1b]8;;https://a.example/]x\x1b\\", "\x1b]8;;\x1b\\") if is_link else ("", "")
    assert written(tty) == f"{begun}https://a.example{ended}\n"


def test_what_is_no_address_is_no_link(tty, pipe, monkeypatch):
    monkeypatch.setenv("FORCE_HYPERLINK", "1")
    for screen, address in ((tty, None), (pipe, "https://a.example")):
        screen.write_link("file\x1b:///x", address)
        assert written(screen) == "file\ufffd:///x\n"


def test_dates_are_written_alike_on_every_machine(pipe):
    pipe.write(lay_out_article(make_article(published=date(2024, 2, 29)), None))
    assert "published  29 February 2024\n" in written(pipe)
