"""The chat on a terminal: read a line, ask it or do what it commands, until Ctrl-D."""

from __future__ import annotations

import logging
import os
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from qa.archive import Archive
from qa.chat_commands import Leave, complete, run_command
from qa.errors import QAError
from qa.layout import line
from qa.line_editor import LineEditor, PlainEditor, QuestionHistory
from qa.sessions import FOLDER
from qa.talk import Talk
from qa.terminal import Screen
from qa.text import safe_text

HISTORY_FILE = "history.jsonl"
HOW_TO_LEAVE = "Ctrl-D or /quit leaves."


def start_chat(archive: Archive, screen: Screen, *, goes_on: bool, is_kept: bool) -> None:
    """Talk until the user leaves.

    `goes_on` begins with the last chat that was kept; `is_kept` keeps this one, and what is typed.
    """
    talk = Talk(archive, screen, is_kept=is_kept)
    history = QuestionHistory(archive.workspace.root / FOLDER / HISTORY_FILE if is_kept else None)
    try:
        if goes_on:
            _resume_last(talk)
        for notice in history.notices:
            screen.write([line(notice, "quiet")])
        plain = os.environ.get("TERM", "") in ("", "dumb", "unknown")
        editor = PlainEditor() if plain else LineEditor(history, lambda text: complete(talk, text))
        with _messages_between(talk):
            _loop(talk, editor)
    finally:
        talk.close()


def _loop(talk: Talk, editor: LineEditor | PlainEditor) -> None:
    goes_on = True
    while goes_on:
        try:
            goes_on = _take_line(talk, editor)
        except KeyboardInterrupt:
            _say(talk, "Stopped.")


def _take_line(talk: Talk, editor: LineEditor | PlainEditor) -> bool:
    """Read a line and do what it says; whether the chat goes on."""
    try:
        text = editor.read(talk.scope)
    except EOFError:
        return False
    except KeyboardInterrupt:
        if editor.is_empty:
            _say(talk, HOW_TO_LEAVE)
        return True
    try:
        _do(talk, text)
    except Leave:
        return False
    except QAError as error:
        _say(talk, f"error: {error}", is_bad=True)
    except Exception as error:  # noqa: BLE001  one turn that fails does not end the chat
        if os.environ.get("QA_DEBUG"):
            talk.screen.write_block("".join(traceback.format_exception(error)))
        kind = type(error).__name__
        _say(talk, f"error: {kind}: {error}. Where this happened is shown with QA_DEBUG=1.", is_bad=True)
    return True


def _do(talk: Talk, text: str) -> None:
    if text.startswith("/"):
        run_command(talk, text)
    elif text:
        talk.ask(text)


def _resume_last(talk: Talk) -> None:
    summaries = talk.kept().summaries(limit=1)
    if summaries:
        talk.resume(summaries[0])
    else:
        _say(talk, "No chat is kept yet: this is a new one.")


def _say(talk: Talk, message: str, *, is_bad: bool = False) -> None:
    talk.screen.write([line(safe_text(message), "bad" if is_bad else "quiet")])


class _Messages(logging.Handler):
    """Writes the library's warnings beside the turn that is being made, each once."""

    def __init__(self, talk: Talk) -> None:
        super().__init__(logging.WARNING)
        self._talk = talk
        self._said: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        """Write a warning as a line of its own."""
        message = f"warning: {record.getMessage()}"
        if message in self._said:
            return
        self._said.add(message)
        if self._talk.view is not None:
            self._talk.view.say(message)
        else:
            _say(self._talk, message)


@contextmanager
def _messages_between(talk: Talk) -> Iterator[None]:
    log = logging.getLogger("qa")
    before, log.handlers = log.handlers, [_Messages(talk)]
    try:
        yield
    finally:
        log.handlers = before
