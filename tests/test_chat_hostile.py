"""Nothing from elsewhere reaches the terminal of a chat as control: every payload in every place, every command."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import loopback
import pytest
from chat_screen import Seen, open_chat
from command_line import forks
from test_terminal import FOREIGN, HOSTILE

import qa
from qa.articles import Filters
from qa.chat_commands import COMMANDS
from qa.line_editor import QuestionHistory
from qa.repl import HISTORY_FILE
from qa.sessions import FOLDER, SessionStore
from qa.text import clean_text

pytestmark = forks

# Red is a colour of the program's own, magenta is not.
PAYLOADS = {name: clean_text(text.replace("\x1b[31m", "\x1b[35m")) for name, text in HOSTILE.items()}
EVERYTHING = " ".join(PAYLOADS.values())
QUESTION = "What is the secret number of the orchard?"

# What the program and prompt_toolkit send to a terminal.
OURS = re.compile(
    r"\x1b\[(?!35m)[0-9;]*m"  # styles
    r"|\x1b\[[0-9]*[ABCD]|\x1b\[[0-9]*K|\x1b\[0?J"  # the cursor moved, rows erased
    r"|\x1b\[\?(?:1|7|12|25|2004)[hl]"  # keys, wrapping, cursor, pasting
    r"|\x1b\]8;;(?:https://news\.example/[!-~]*?)?\x1b\\"  # links
    r"|\x1b\]52;c;(?!ZXZpbA==)[A-Za-z0-9+/=]+\x07"  # what /copy copies
)


def find_foreign(sent: str) -> list[str]:
    """What in a captured stream is neither text nor the program's own control, with what stands around it."""
    rest = OURS.sub("", sent)
    wrong = ["true\rfalse", "false\x08"]
    found = [part for part in wrong if part in rest]
    rest = rest.replace("\r", "").replace("\x08", "")
    return found + [rest[max(0, place.start() - 30) : place.end() + 30] for place in FOREIGN.finditer(rest)]


@pytest.fixture
def hostile(sample_copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace with each payload in text, title, publisher, address and file name, in chats and the history."""
    folder = tmp_path / "articles"
    folder.mkdir()
    for number, payload in enumerate(PAYLOADS.values()):
        record = {
            "text": f"The secret number of the orchard is {number + 70} {payload}. So it was said {payload} there.",
            "title": f"Orchard {payload}",
            "publisher": f"Press {payload}",
            "author": payload,
            "published": "2022-07-09",
            "url": f"https://news.example/{payload}",
        }
        name = payload.replace("/", "_").replace("\0", "")
        (folder / f"{number}{name}.jsonl").write_text(json.dumps(record) + "\n", encoding="utf-8")
    with qa.open(sample_copy) as archive:
        archive.add(folder)
        answer = archive.chat(model=False)
        answer.ask(QUESTION)
    store = SessionStore(sample_copy / FOLDER)
    for number in range(2):
        session = store.start(Filters(publisher=EVERYTHING))
        store.add_turn(session, qa.Turn(EVERYTHING, EVERYTHING, answer.turns[0].answer), Filters(publisher=EVERYTHING))
        store.rename(session, f"{number}{EVERYTHING}")
    store.close()
    QuestionHistory(sample_copy / FOLDER / HISTORY_FILE).store_string(f"{EVERYTHING}")
    monkeypatch.setenv("QA_WORKSPACE", str(sample_copy))
    return sample_copy


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[loopback.Loopback]:
    with loopback.serve() as found:
        found.list_models("tiny")
        monkeypatch.setenv("OPENAI_BASE_URL", found.url)
        yield found


ARGUMENTS = {
    "open": ["1", "2", "9"],
    "since": ["2022", "never"],
    "until": ["2031", ""],
    "as-of": ["2030", ""],
    "publisher": ["nobody", ""],
    "model": ["", "none", "no-such-model"],
    "edit": ["x"],
    "export": ["", "chat.txt", "no/such/chat.md"],
    "save-case": ["right 77", "none", "what"],
    "resume": ["0", "1", "2"],
    "rename": ["", "mine"],
    "quit": [],
    "exit": [],
}


def try_every_command(seen: Seen) -> None:
    for command in COMMANDS:
        for argument in ARGUMENTS.get(command.name, [""]):
            seen.enter(f"/{command.name} {argument}".rstrip())
    for text in ("/publisher \t", "/resume \t", "/open \t", "/model \t"):
        mark = len(seen.sent)
        seen.type(text)
        seen.wait(lambda mark=mark: len(seen.sent) > mark + 20, "completions")
        seen.type("\x03")
        seen.wait(lambda: seen.at_prompt, "a prompt")
    seen.type("\x1b[A" * 60)  # through the history, to the line that was there before
    seen.wait(lambda: ":bomb:" in seen.text.rpartition("> ")[2], "the hostile line")
    seen.type("\x03")


def test_nothing_hostile_in_an_archive_acts_on_the_terminal(hostile: Path) -> None:
    with open_chat("--no-model", lines=200, EDITOR="false", FORCE_HYPERLINK="1", DISPLAY="") as seen:
        seen.enter(QUESTION)
        seen.enter("/raw")
        try_every_command(seen)
    assert find_foreign(seen.sent) == []
    assert "[red]x[/red] [/x]" in seen.text.replace("\n", "")
    assert "\ufffd" in seen.text


def test_nothing_hostile_that_a_server_says_acts_on_the_terminal(hostile: Path, server) -> None:
    said = [f"The secret number of the orchard is 77 {payload} [1]. " for payload in PAYLOADS.values()]
    server.replies = [
        loopback.whole_reply(*said),
        loopback.whole_reply("What is", *PAYLOADS.values(), "?"),
        loopback.failure(400, EVERYTHING),
        loopback.whole_reply(f"{EVERYTHING}?"),
        loopback.Canned(loopback.sse(loopback.chunk(f"It is 77 {EVERYTHING}"), done=False), drip=b": wait\n\n"),
    ]
    with open_chat(lines=200, EDITOR="false", FORCE_HYPERLINK="1", DISPLAY="") as seen:
        seen.enter(QUESTION)
        for command in ("/sources", "/open 1", "/why", "/copy"):
            seen.enter(command)
        seen.enter("and of the garden?")
        seen.enter("/why")
        seen.type("and of the wood?\r")
        seen.wait_for("It is 77")
        seen.type("\x03")
        seen.wait_for("✗ Stopped")
        seen.wait(lambda: seen.at_prompt, "a prompt")
        server.list_models(*PAYLOADS.values())
        seen.enter("/model nothing")
        for command in ("/sessions", "/undo"):
            seen.enter(command)
        assert seen.leave() == 0
    assert find_foreign(seen.sent) == []


def test_nothing_hostile_acts_on_a_terminal_without_styles(hostile: Path) -> None:
    with open_chat("--no-model", lines=200, TERM="dumb", EDITOR="false") as seen:
        for command in (QUESTION, "/sources", "/open 1", "/why", "/sessions", "/resume 1", "/resume 9", "/foo"):
            mark = len(seen.sent)
            seen.type(f"{command}\n")
            seen.wait(lambda mark=mark, command=command: len(seen.sent) > mark + len(command) + 4, "an answer")
            seen.wait(lambda: seen.text.rpartition("\n")[2].endswith(">"), "a prompt")
    assert find_foreign(seen.sent) == []
    assert "\x1b" not in seen.sent


@pytest.mark.parametrize("name", [name for name in PAYLOADS if FOREIGN.search(PAYLOADS[name])])
def test_what_is_looked_for_is_found_where_it_stands(name: str) -> None:
    assert find_foreign(f"before {PAYLOADS[name]} after") != []
