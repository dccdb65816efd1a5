"""A chat on a pseudo-terminal, read as a person sees it: the screen as it stands, and all that was sent to it."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pexpect
import pyte
from conftest import REPOSITORY

SECONDS = 60.0  # a busy machine loads its models slowly


class Seen:
    """A running chat: `sent` is all that came to the terminal, `rows` what stands on it now."""

    def __init__(self, child: pexpect.spawn, columns: int, lines: int) -> None:
        self.child = child
        self.sent = ""
        self._screen = pyte.HistoryScreen(columns, lines, history=5_000, ratio=0.5)
        self._stream = pyte.Stream(self._screen)

    @property
    def rows(self) -> list[str]:
        """The rows of the screen, those that were scrolled out first, without blanks at their ends."""
        gone = ["".join(row[column].data for column in range(self._screen.columns)) for row in self._screen.history.top]
        return [row.rstrip() for row in [*gone, *self._screen.display]]

    @property
    def text(self) -> str:
        """The rows as one text, without empty ones at the end."""
        return "\n".join(self.rows).rstrip()

    @property
    def at_prompt(self) -> bool:
        """Whether an empty prompt is the last thing on the screen."""
        return self.text.rpartition("\n")[2].endswith(">") and self.sent.endswith("\x1b[?25h")

    def type(self, text: str) -> None:
        self.child.send(text)

    def enter(self, text: str) -> str:
        """Type a line, wait until the next prompt, and give what came on the screen in between."""
        before = len(self.text)
        self.wait(lambda: self.at_prompt, "a prompt to type at")
        before = len(self.text)
        mark = len(self.sent)
        self.child.send(text + "\r")
        self.wait(lambda: self.at_prompt and len(self.sent) > mark + len(text) and len(self.text) > before + 1, text)
        return self.text[before:]

    def wait_for(self, text: str, *, count: int = 1) -> None:
        self.wait(lambda: self.text.count(text) >= count, repr(text))

    def wait(self, is_there: Callable[[], bool], what: str, seconds: float = SECONDS) -> None:
        end = time.monotonic() + seconds
        while not is_there():
            assert time.monotonic() < end, f"waited for {what} in:\n{self.text}"
            try:
                self._take(self.child.read_nonblocking(4096, timeout=0.1))
            except pexpect.TIMEOUT:
                continue
            except pexpect.EOF:
                assert is_there(), f"the chat ended before {what}:\n{self.text}"

    def leave(self) -> int:
        """Ctrl-D; the exit status."""
        self.child.sendeof()
        return self.end()

    def end(self) -> int:
        """Read to the end; the exit status."""
        with contextlib.suppress(pexpect.EOF):
            while True:
                self._take(self.child.read_nonblocking(4096, timeout=SECONDS))
        self.child.close()
        return int(self.child.exitstatus)

    def _take(self, text: str) -> None:
        self.sent += text
        self._stream.feed(text)


@contextlib.contextmanager
def open_chat(
    *arguments: str, columns: int = 100, lines: int = 50, cwd: Path = REPOSITORY, **variables: str
) -> Iterator[Seen]:
    """`qa chat` on a terminal of its own, at its first prompt."""
    environment = {**os.environ, "TERM": "xterm-256color", **variables}
    environment.pop("COLUMNS", None)
    child = pexpect.spawn(
        sys.executable,
        ["-m", "qa", "chat", *arguments],
        env=environment,
        cwd=str(cwd),
        dimensions=(lines, columns),
        encoding="utf-8",
        codec_errors="replace",
    )
    child.delaybeforesend = None
    seen = Seen(child, columns, lines)
    try:
        seen.wait(lambda: seen.text.endswith(">"), "the first prompt")
        yield seen
    finally:
        child.close(force=True)
