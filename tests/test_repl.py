"""The chat as a person has it: a real program on a real pseudo-terminal, its screen read as it stands."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import loopback
import pytest
from chat_screen import Seen, open_chat
from command_line import call_program, forks
from conftest import REPOSITORY

pytestmark = forks

TURNOVER = "What was 2021 trade turnover?"
ON_RECORD = "At the end of 2021 trade between the two countries stood at $24.2 billion, a record. [1]"
SAID = "Trade stood at $24.2 billion at the end of 2021, a record [1]."
FOOTER = re.compile(r"^\d+\.\d s · 12 articles searched · no model, \$0\.00 · \$0\.00 this chat$", re.MULTILINE)


@pytest.fixture
def mine(sample_copy: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the sample workspace, in use."""
    monkeypatch.setenv("QA_WORKSPACE", str(sample_copy))
    return sample_copy


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[loopback.Loopback]:
    """A model's server, configured by the environment."""
    with loopback.serve() as found:
        found.list_models("tiny")
        monkeypatch.setenv("OPENAI_BASE_URL", found.url)
        yield found


def begun(*words: str) -> loopback.Canned:
    """A reply that begins with these words and never goes on."""
    return loopback.Canned(loopback.sse(*map(loopback.chunk, words), done=False), drip=b": wait\n\n")


def flat(text: str) -> str:
    """A text without the ends of its rows."""
    return " ".join(text.split())


def wait_for_prompt(seen: Seen) -> None:
    seen.wait(lambda: seen.at_prompt, "a prompt")


# 1: Ctrl-C, Ctrl-D


def test_ctrl_c_stops_an_answer_keeps_what_had_come_and_gives_the_prompt_back(mine: Path, server) -> None:
    server.replies = [begun("Trade ", "stood at ", "$24.2"), loopback.whole_reply(SAID)]
    with open_chat() as seen:
        seen.type(f"{TURNOVER}\r")
        seen.wait_for("Trade stood at $24.2")
        seen.type("\x03")
        seen.wait_for("✗ Stopped: the answer is incomplete")
        assert "Trade stood at $24.2\n✗ Stopped" in seen.text
        assert SAID in seen.enter(TURNOVER)
        seen.enter(f"/export {mine / 'kept.json'}")
        assert seen.leave() == 0
    turns = json.loads((mine / "kept.json").read_text())["turns"]
    assert [(turn["is_whole"], turn["answer"]["text"]) for turn in turns] == [
        (False, "Trade stood at $24.2"),
        (True, SAID),
    ]
    assert turns[0]["answer"]["statements"][0]["verdict"] == "unsupported"


def test_ctrl_c_before_the_first_word_keeps_nothing_and_gives_the_prompt_back(mine: Path, server) -> None:
    server.replies = [loopback.Canned(status=200, hangs=True)]
    with open_chat() as seen:
        seen.type(f"{TURNOVER}\r")
        seen.wait_for("asking tiny")
        seen.wait(lambda: bool(server.posts), "the model to be asked")
        seen.type("\x03")
        seen.wait_for("Stopped.")
        assert "No question was asked yet" in seen.enter("/sources")


def test_ctrl_c_on_an_empty_line_says_how_to_leave_and_on_a_full_one_clears_it(mine: Path) -> None:
    with open_chat("--no-model") as seen:
        assert flat(seen.text).count("Ctrl-D or /quit leaves.") == 1
        seen.type("What is")
        seen.wait_for("> What is")
        seen.type("\x03")
        wait_for_prompt(seen)
        assert flat(seen.text).count("Ctrl-D or /quit leaves.") == 1
        seen.type("\x03")
        seen.wait(lambda: flat(seen.text).count("Ctrl-D or /quit leaves.") == 2, "how to leave")
        wait_for_prompt(seen)
        assert seen.leave() == 0
    assert "Traceback" not in seen.text


def test_quit_leaves(mine: Path) -> None:
    with open_chat("--no-model") as seen:
        seen.type("/q\r")
        assert seen.end() == 0


# 2: more than one line


def test_a_pasted_text_of_twenty_lines_is_one_message(mine: Path) -> None:
    rows = [f"Line {number}: what was 2021 trade turnover?" for number in range(20)]
    with open_chat("--no-model") as seen:
        seen.type("\x1b[200~" + "\r".join(rows) + "\x1b[201~")
        seen.wait_for(rows[-1])
        assert "articles searched" not in seen.text
        seen.type("\r")
        seen.wait_for("this chat")
        wait_for_prompt(seen)
        assert seen.text.count("articles searched") == 1
        seen.enter(f"/export {mine / 'kept.json'}")
    (turn,) = json.loads((mine / "kept.json").read_text())["turns"]
    assert turn["question"] == "\n".join(rows)


def test_meta_enter_and_three_quotes_make_more_lines(mine: Path) -> None:
    with open_chat("--no-model") as seen:
        seen.type("What was 2021\x1b\rtrade turnover?\r")
        seen.wait_for(ON_RECORD)
        wait_for_prompt(seen)
        seen.type('"""What was 2021\rtrade turnover?\r"""\r')
        seen.wait_for(ON_RECORD, count=2)
        wait_for_prompt(seen)
        seen.enter(f"/export {mine / 'kept.json'}")
    turns = json.loads((mine / "kept.json").read_text())["turns"]
    assert [turn["question"] for turn in turns] == ["What was 2021\ntrade turnover?"] * 2


def test_edit_asks_what_was_written_in_the_editor(mine: Path, tmp_path: Path) -> None:
    editor = tmp_path / "editor.py"
    editor.write_text(f"import sys\nwith open(sys.argv[1], 'a') as f: f.write({TURNOVER!r})\n")
    with open_chat("--no-model", EDITOR=f"{sys.executable} {editor}") as seen:
        assert ON_RECORD in seen.enter("/edit")
    with open_chat("--no-model", EDITOR="no-such-editor") as seen:
        assert "error: The editor 'no-such-editor' cannot be started: set $EDITOR." in seen.enter("/edit")


# 3: history


def test_history_goes_over_chats_is_for_its_owner_only_and_is_searched_by_ctrl_r(mine: Path) -> None:
    with open_chat("--no-model") as seen:
        seen.enter(TURNOVER)
        seen.enter("/sources")
        assert seen.leave() == 0
    history = mine / "index/chat/history.jsonl"
    assert stat.S_IMODE(history.stat().st_mode) == 0o600
    with open_chat("--no-model") as seen:
        seen.type("\x12turnover")
        seen.wait_for(TURNOVER)
        seen.type("\r")
        seen.wait(lambda: f"> {TURNOVER}" in seen.text, "the line that was found")
        seen.type("\r")
        seen.wait_for(ON_RECORD)
        wait_for_prompt(seen)
        seen.type("\x1b[A\x1b[A")
        seen.wait(lambda: seen.text.endswith("> /sources"), "the line before")


@pytest.mark.parametrize("damage", ["bytes", "folder"])
def test_a_broken_history_does_not_stop_a_chat(mine: Path, damage: str) -> None:
    history = mine / "index/chat/history.jsonl"
    history.parent.mkdir()
    if damage == "folder":
        history.mkdir()
    else:
        history.write_bytes(b'\xff\x00{"a": 1}\n"kept"\n[' + b"\x80" * 100)
    with open_chat("--no-model") as seen:
        assert ("cannot be read" in seen.text) == (damage == "folder")
        assert ON_RECORD in seen.enter(TURNOVER)


# 4: commands


def test_a_slash_and_tab_list_the_commands_and_complete_one(mine: Path) -> None:
    with open_chat("--no-model") as seen:
        seen.type("/so\t")
        seen.wait(lambda: "> /sources" in seen.text, "/sources")
        seen.type("\x03")
        wait_for_prompt(seen)
        seen.type("/\t")
        seen.wait_for("/sources")
        seen.wait_for("List the sources of the last answer")


COMPLETED = {
    "/open \t": "> /open 1",
    "/since \t": "> /since 2022",
    "/until 20\t": "> /until 2022",
    "/publisher s\t": "> /publisher sample archive",
    "/resume tra\t": "> /resume trade",
    "/save-case r\t": "> /save-case right",
    "/model n\t": "> /model none",
    "/export chat.m\t": "> /export chat.md",
}


def test_tab_completes_the_arguments_of_commands(chatted: Path) -> None:
    with open_chat("--no-model", "--continue") as seen:
        for typed, completed in COMPLETED.items():
            seen.type(typed)
            seen.wait(lambda completed=completed: completed in seen.text, completed)
            seen.type("\x03")
            wait_for_prompt(seen)


@pytest.fixture(scope="module")
def chatted_once(tmp_path_factory: pytest.TempPathFactory, sample_workspace: Path) -> Path:
    """A workspace with one chat, called trade, of one question."""
    root = Path(shutil.copytree(sample_workspace, tmp_path_factory.mktemp("chatted") / "workspace"))
    with open_chat("--no-model", QA_WORKSPACE=str(root)) as seen:
        seen.enter(TURNOVER)
        seen.enter("/rename trade")
        assert seen.leave() == 0
    return root


@pytest.fixture
def chatted(chatted_once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, in use."""
    root = Path(shutil.copytree(chatted_once, tmp_path / "chatted"))
    monkeypatch.setenv("QA_WORKSPACE", str(root))
    return root


def test_a_command_is_known_by_its_beginning_and_an_unknown_one_names_the_nearest(chatted: Path) -> None:
    with open_chat("--no-model", "--continue") as seen:
        assert "Trade with Russia sets a record" in seen.enter("/so")
        assert "error: /s may be /sources, /since, /save-case, /sessions." in seen.enter("/s")
        assert "error: No command '/sorces'. Did you mean '/sources'?" in seen.enter("/sorces")
        helped = seen.enter("/help")
        assert all(f"/{name} " in helped for name in ("open", "why", "since", "resume", "export", "save-case", "quit"))


# 5: sources


def test_sources_open_and_why_show_what_an_answer_rests_on(mine: Path) -> None:
    with open_chat("--no-model", VTE_VERSION="7600") as seen:
        assert "No question was asked yet" in seen.enter("/sources")
        seen.enter(TURNOVER)
        assert "[1] Trade with Russia sets a record · sample archive · 5 July 2022" in seen.enter("/sources")
        opened = seen.enter("/open 1")
        assert "Trade with Russia sets a record · sample archive · 5 July 2022" in opened
        assert "▶At the end of 2021 trade" in flat(opened)
        assert opened.count("\n") > 6
        assert "\x1b]8;;https://example.org/onrecord/trade-record\x1b\\https://" in seen.sent
        assert "\x1b[1;32mAt the" in seen.sent
        assert "No source '7' in the last answer. Its sources are 1." in seen.enter("/open 7")
        why = seen.enter("/why")
        for part in (
            f"asked as  {TURNOVER}",
            "12 articles, 24 passages",
            "✓ At the end of 2021",
            "supported; sources: 1",
        ):
            assert part in why
        assert re.search(r"score +0\.\d{3} of 1", why)
        assert re.search(r"0\.0\d{3}  \w", why)


def test_a_sentence_that_is_not_supported_is_shown_with_its_reason(mine: Path, server) -> None:
    server.replies = [loopback.whole_reply(f"{SAID} ", "It was $99 billion in 2020 [1].")]
    with open_chat() as seen:
        assert "✗ It was $99 billion in 2020" in seen.enter(TURNOVER)
        assert re.search(r"unsupported; sources: 1\n +figure_not_in_quote: ", seen.enter("/why"))


# 6: filters


def test_filters_last_stand_in_the_prompt_and_are_cleared(mine: Path) -> None:
    with open_chat("--no-model") as seen:
        assert "since 2022-07-08 >" in seen.enter("/since 2022-07-08")
        assert "Nothing is both since 2022-07-08 and until 2021-12-31" in seen.enter("/until 2021")
        assert "2 articles searched" in seen.enter(TURNOVER)
        assert "2 articles searched" in seen.enter("What is INNOPROM?")
        shown = seen.enter("/publisher sample archive")
        assert "since 2022-07-08 · sample archive >" in shown
        assert "No article has the publisher 'simple archive'. Did you mean 'sample archive'?" in seen.enter(
            "/publisher simple archive"
        )
        seen.enter("/since")
        assert "as of 2022-07-04 · sample archive >" in seen.enter("/as-of 2022-07-04")
        assert "2 articles searched" in seen.enter(TURNOVER)
        assert seen.enter("/clear").rstrip().endswith("\n>")
        assert ON_RECORD in seen.enter(TURNOVER)


# 7: follow-ups are shown as they are asked


def test_a_follow_up_is_shown_dimmed_as_it_is_asked_and_raw_asks_as_typed(mine: Path) -> None:
    with open_chat("--no-model") as seen:
        seen.enter(TURNOVER)
        seen.enter("and in 2020?")
        assert "\x1b[2mAsked as: What was 2020 trade turnover?\x1b[0m" in seen.sent
        assert "raw >" in seen.enter("/raw")
        assert "Asked as" not in seen.enter("and in 2020?")
        seen.enter(f"/export {mine / 'kept.json'}")
    turns = json.loads((mine / "kept.json").read_text())["turns"]
    assert [turn["answer"]["question"] for turn in turns[1:]] == ["What was 2020 trade turnover?", "and in 2020?"]


# 8: the footer


def test_each_turn_ends_in_one_line_of_seconds_tokens_and_costs(mine: Path) -> None:
    with open_chat("--no-model") as seen:
        assert len(FOOTER.findall(seen.enter(TURNOVER))) == 1


@pytest.mark.parametrize("has_price", [True, False])
def test_the_cost_of_a_model_is_that_of_the_settings_or_unknown(mine: Path, server, has_price: bool) -> None:
    server.replies = [loopback.whole_reply(SAID)]
    prices = {"QA_USD_PER_MILLION_INPUT_TOKENS": "1000", "QA_USD_PER_MILLION_OUTPUT_TOKENS": "2000"}
    with open_chat(**(prices if has_price else {})) as seen:
        once, twice = ("$0.0090", "$0.0180") if has_price else ("cost unknown", "cost unknown")
        assert f"tiny · 7 tokens in, 1 out · {once} this turn · {once} this chat" in flat(seen.enter(TURNOVER))
        seen.enter("/raw")
        assert f"{once} this turn · {twice} this chat" in flat(seen.enter(TURNOVER))


# 9: kept chats


def test_a_chat_is_kept_after_every_turn_and_can_be_gone_on_with(mine: Path) -> None:
    with open_chat("--no-model") as seen:
        seen.enter("/as-of 2022-07-08")
        seen.enter(TURNOVER)
        seen.child.kill(9)
    file = mine / "index/chat/sessions.sqlite"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with open_chat("--no-model", "--continue") as seen:
        assert "Back in chat 1: 1 turn, 1 source, filters: as of 2022-07-08; answers by no model." in flat(seen.text)
        assert "as of 2022-07-08 >" in seen.text
        assert "▶At the end of 2021 trade" in flat(seen.enter("/open 1"))
        seen.enter("and in 2020?")
        assert "Asked as: What was 2020 trade turnover?" in seen.text


def test_chats_are_listed_resumed_renamed_and_forked(chatted: Path) -> None:
    with open_chat("--no-model") as seen:
        assert re.search(rf"1 trade · \d+ \w+ \d{{4}} · 1 turn · {re.escape(TURNOVER)}", seen.enter("/sessions"))
        seen.enter("Who is the king of Sweden?")
        assert "No chat 'trad'. Did you mean 'trade'?" in seen.enter("/resume trad")
        assert "Back in chat 1 “trade”: 1 turn, 1 source" in seen.enter("/resume trade")
        assert "Trade with Russia" in seen.enter("/sources")
        assert "This is chat 3 now" in seen.enter("/fork")
        assert "Another chat is called 'trade'" in seen.enter("/rename trade")
        seen.enter("/rename copy")
        seen.enter("/undo")
        seen.enter("What is INNOPROM?")
        listed = seen.enter("/sessions")
        assert re.search(r"▶ 3 copy · .* · 1 turn · What is INNOPROM\?", listed)
        assert re.search(r"  1 trade · .* · 1 turn · What was 2021", listed)
        assert re.search(r"  2 · .* · 1 turn · Who is the king", listed)


def test_what_is_not_to_be_saved_is_in_no_file(mine: Path) -> None:
    with open_chat("--no-model", "--no-save") as seen:
        assert ON_RECORD in seen.enter(TURNOVER)
        assert "Chats are not kept here" in seen.enter("/sessions")
        assert seen.leave() == 0
    assert not (mine / "index/chat").exists()


def test_a_damaged_file_of_chats_is_put_aside_and_the_chat_goes_on(chatted: Path) -> None:
    file = chatted / "index/chat/sessions.sqlite"
    file.write_bytes(b"SQLite format 3\0" + os.urandom(4000))
    with open_chat("--no-model", "--continue") as seen:
        assert "It was put aside" in " ".join(seen.text.split())
        assert ON_RECORD in seen.enter(TURNOVER)
    assert len(list(file.parent.glob("sessions.sqlite.damaged-*"))) == 1


# 10: what is done with turns


def test_retry_and_undo_change_the_last_turn_only(mine: Path, server) -> None:
    replies = [SAID, "So be it [1]. Trade stood at $24.2 billion at the end of 2021, a record [1]."]
    server.replies = [loopback.whole_reply(reply) for reply in replies]
    with open_chat() as seen:
        seen.enter(TURNOVER)
        assert "So be it" in seen.enter("/retry")
        assert "Taken back: What was 2021 trade turnover?" in seen.enter("/undo")
        assert "No question was asked yet" in seen.enter("/undo")


def test_the_model_can_be_changed_and_taken_away(mine: Path, server) -> None:
    server.list_models("tiny", "other")
    server.replies = [loopback.whole_reply(SAID)]
    host = server.url.split("/")[2]
    with open_chat("--no-model") as seen:
        assert f"Answers are by other at {host}: questions and passages are sent there." in seen.enter("/model other")
        assert "other · 7 tokens in, 1 out" in seen.enter(TURNOVER)
        assert "has no model 'othr'. Did you mean 'other'?" in seen.enter("/model othr")
        assert "Answers are by no model." in seen.enter("/model none")
        assert len(FOOTER.findall(seen.enter("Where is INNOPROM held?"))) <= 1
    assert [post.body["model"] for post in server.posts] == ["other"]


def test_copy_hands_the_answer_to_the_terminal(mine: Path) -> None:
    import base64

    with open_chat("--no-model", DISPLAY="", WAYLAND_DISPLAY="") as seen:
        seen.enter(TURNOVER)
        seen.enter("/copy")
        (given,) = re.findall(r"\x1b\]52;c;([A-Za-z0-9+/=]+)\x07", seen.sent)
    copied = base64.b64decode(given).decode()
    assert copied == f"{ON_RECORD}\n[1] Trade with Russia sets a record · sample archive · 5 July 2022"


def test_a_chat_is_exported_in_each_form(chatted: Path) -> None:
    with open_chat("--no-model", "--continue") as seen:
        for ending in ("md", "html", "json"):
            assert f"1 turn written to {chatted / 'out'}.{ending}" in " ".join(
                seen.enter(f"/export {chatted / 'out'}.{ending}").split()
            ).replace("/ ", "/")
        assert "A chat is exported as .md, .html, .json, not as 'out.txt'." in seen.enter("/export out.txt")
    for ending in ("md", "html", "json"):
        text = (chatted / f"out.{ending}").read_text()
        assert "https://example.org/onrecord/trade-record" in text
        assert "24.2 billion, a record." in text


def test_a_turn_becomes_a_case_that_eval_runs(chatted: Path) -> None:
    with open_chat("--no-model", "--continue") as seen:
        assert "Run it with: qa eval run chat-cases" in " ".join(seen.enter("/save-case right").split())
        seen.enter("and in 2020?")
        assert "is in" in seen.enter("/save-case none")
        assert "error: Write /save-case right" in seen.enter("/save-case perhaps")
    checked = call_program("eval", "check", "chat-cases", "--workspace", chatted)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    ran = call_program("eval", "run", "chat-cases", "--no-model", "--workspace", chatted, timeout=300)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    cases = [json.loads(row) for row in (chatted / "eval/gold/chat-cases.jsonl").read_text().splitlines()]
    assert [(case["kind"], case["answerable"]) for case in cases] == [("fact", True), ("follow_up", False)]
    assert cases[1]["turns"] == [TURNOVER]


# 11: what is on the screen while an answer is made


def test_a_stage_with_counts_and_dates_stands_before_the_first_word_and_words_come_one_by_one(
    mine: Path, server
) -> None:
    server.replies = [begun("In ", "2021 ", "trade ")]
    with open_chat() as seen:
        seen.type(f"{TURNOVER}\r")
        seen.wait_for("In 2021 trade")
        assert "searching 12 articles · 2022-07 → 20 passages from 12 articles" in seen.text
        order = [seen.sent.index(part) for part in ("reading the question", "searching 12", "asking tiny", "In\x1b")]
        assert order == sorted(order)


@pytest.mark.parametrize("columns", [60, 120])
def test_words_are_wrapped_whole_also_wide_ones_and_those_from_right_to_left(mine: Path, server, columns: int) -> None:
    words = [
        "Trade ",
        "stood ",
        "at ",
        "$24.2 billion ",
        "at the end of 2021, ",
        "بلغت ",
        "التجارة ",
        "貿易額は",
        "過去最高",
        " — ",
    ]
    said = "".join(words * 6)
    server.replies = [begun(*(words * 6))]
    with open_chat(columns=columns) as seen:
        seen.type(f"{TURNOVER}\r")
        seen.wait(lambda: "".join(said.split()) in "".join(seen.text.split()), "the whole reply")
        shown = flat(seen.text.rpartition("passages from")[2])
    assert all(shown.count(word) >= 6 for word in ("billion", "stood", "التجارة", "2021,"))


def test_the_checked_answer_takes_the_place_of_the_words_as_they_came(mine: Path, server) -> None:
    server.replies = [loopback.whole_reply(*re.findall(r"\S+\s*", SAID))]
    with open_chat(columns=60) as seen:
        shown = seen.enter(TURNOVER)
        assert flat(shown).count("Trade stood at $24.2 billion") == 1
        assert "quote and figures checked" in flat(shown)


# 12: what changes meanwhile


def test_articles_that_another_process_adds_are_found_by_the_next_question(mine: Path, tmp_path: Path) -> None:
    article = tmp_path / "bees.md"
    article.write_text("---\ntitle: Bees\npublished: 2022-07-09\n---\nThe hive of Mr Quill holds 4,211 bees.\n")
    with open_chat("--no-model") as seen:
        assert "Not in these articles." in seen.enter("How many bees does the hive of Mr Quill hold?")
        added = call_program("add", article, "--workspace", mine)
        assert added.returncode == 0, added.stderr
        shown = seen.enter("How many bees does the hive of Mr Quill hold?")
        assert "The hive of Mr Quill holds 4,211 bees." in shown
        assert "13 articles searched" in shown


def test_a_model_that_fails_leaves_the_chat_usable(mine: Path, server) -> None:
    server.replies = [loopback.failure(401, "no"), loopback.whole_reply(SAID)]
    with open_chat() as seen:
        failed = seen.enter(TURNOVER)
        assert "Answered without the model: " in failed
        assert ON_RECORD in failed
        assert "cost unknown" in failed or "tokens unknown" in failed
        assert SAID in " ".join(seen.enter(TURNOVER).split())


# 13: long chats


def test_a_long_chat_is_condensed_for_the_model_with_a_notice(mine: Path, server) -> None:
    def reply(request: loopback.Request) -> loopback.Canned:
        is_follow_up = "Last question:" in request.body["messages"][-1]["content"]
        return loopback.whole_reply(TURNOVER if is_follow_up else f"{SAID} " * 12)

    server.replies = [reply]
    with open_chat() as seen:
        for _ in range(6):
            assert "This chat is long" not in seen.text
            seen.enter(TURNOVER)
        seen.enter(TURNOVER)
        assert flat(seen.text).count("This chat is long: the model is shown its last turns") == 1
    sizes = [len(post.body["messages"][-1]["content"]) for post in server.posts]
    assert max(sizes) < 20_000


# 14: terminals that can do little


def test_on_a_dumb_terminal_there_is_no_escape_at_all(mine: Path) -> None:
    with open_chat("--no-model", TERM="dumb") as seen:
        seen.type(f"{TURNOVER}\n")
        seen.wait_for("this chat")
        assert ON_RECORD in seen.text
        seen.type("/open 1\n")
        seen.wait(lambda: "▶At the end of 2021" in flat(seen.text), "the quote")
        seen.type("\x04")
        assert seen.end() == 0
    assert "\x1b" not in seen.sent


def test_without_colour_nothing_is_coloured_and_words_still_come(mine: Path, server) -> None:
    server.replies = [begun("Trade ", "stood ")]
    with open_chat(NO_COLOR="1") as seen:
        seen.type(f"{TURNOVER}\r")
        seen.wait_for("Trade")
    assert not re.search(r"\x1b\[[0-9;]*3[0-7]m", seen.sent)


def test_the_library_is_not_asked_to_import_the_line_before_a_chat_needs_it() -> None:
    code = "import sys, qa, qa.cli, qa.session; print('prompt_toolkit' in sys.modules, 'rich' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=REPOSITORY)
    assert done.stdout == "False False\n"
