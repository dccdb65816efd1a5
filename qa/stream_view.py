"""What a turn of a chat shows while it is made: stages, what was found, the model's words as they come.

Words are wrapped by the columns they take, and each row is counted, so that the checked answer can stand where the
unchecked words stood.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress

from qa.answer_form import Event, Stage, Token
from qa.layout import BLANK, Line, line
from qa.terminal import Screen
from qa.text import one_line, safe_text

_BEGIN_QUIET, _END_QUIET = "\x1b[2m", "\x1b[0m"


class WordWrap:
    """Text that comes in pieces, broken into rows of at most `width` columns at blanks and beside wide characters.

    With `goes_back` a word that is shown already is taken back with escape sequences when it grows beyond the row;
    without, a word is held back until it has come to its end. `rows` counts the row breaks so far.
    """

    def __init__(self, width: int, *, goes_back: bool) -> None:
        self.rows = 0
        self._width = width
        self._goes_back = goes_back
        self._column = 0
        self._blank = False  # whether the next word has a blank before it
        self._word = ""  # what has come of the last word
        self._written = 0  # characters of it that are on the screen

    def feed(self, text: str) -> str:
        """What to write for another piece of text, which is made safe here."""
        return "".join(map(self._take, safe_text(text))) + (self._show() if self._goes_back else "")

    def end(self) -> str:
        """What is still to be written."""
        return self._finish_word()

    def _take(self, char: str) -> str:
        if char.isspace():
            written = self._finish_word()
            if char == "\n":
                return written + self._break_row()
            self._blank = self._column > 0
            return written
        if _count_cells(char) > 1:  # a row may end before and after it
            written = self._finish_word()
            self._word = char
            return written + self._finish_word()
        self._word += char
        return ""

    def _finish_word(self) -> str:
        written = self._show()
        self._column += _count_cells(self._word)
        self._word, self._written = "", 0
        return written

    def _show(self) -> str:
        """Write what is not shown yet of the last word; in a new row where it does not fit into this one."""
        if self._written == len(self._word):
            return ""
        before = ""
        if self._blank:
            before = " " if self._column + 1 + _count_cells(self._word) <= self._width else self._break_row()
            self._column += len(before.strip("\n"))
            self._blank = False
        elif self._column and self._column + _count_cells(self._word) > self._width:
            columns = _count_cells(self._word[: self._written])
            before = (f"\x1b[{columns}D\x1b[K" if columns else "") + self._break_row()
            self._written = 0
        return before + self._fold() + self._show_rest()

    def _fold(self) -> str:
        """Fill rows with a word that is longer than any row, but for its end."""
        folded = ""
        while _count_cells(self._word) > self._width:
            end = self._written
            while _count_cells(self._word[: end + 1]) <= self._width:
                end += 1
            end = max(end, 1)
            folded += self._word[self._written : end] + self._break_row()
            self._word, self._written = self._word[end:], 0
        return folded

    def _show_rest(self) -> str:
        rest, self._written = self._word[self._written :], len(self._word)
        return rest

    def _break_row(self) -> str:
        self.rows += 1
        self._column, self._blank = 0, False
        return "\n"


def _count_cells(text: str) -> int:
    """The columns that a text takes, at most: not every terminal draws a colour of skin into the sign before it."""
    from rich.cells import cell_len

    return sum(2 if "\U0001f3fb" <= char <= "\U0001f3ff" else cell_len(char) for char in text)


class TurnView:
    """One turn on a terminal. Where it is not styled nothing is ever erased: what was said stays."""

    def __init__(self, screen: Screen) -> None:
        self.text = ""  # of the model, as it came
        self._screen = screen
        self._stage: str | None = None
        self._wrap: WordWrap | None = None
        self._columns = _size(screen)[0]
        self._is_disturbed = False

    def show_stage(self, text: str) -> None:
        """Say what is being done, in a row that is taken away again."""
        self._stage = text
        if self._screen.is_styled:
            self._screen.show_stage(text)

    def show(self, event: Event) -> None:
        """Show a stage or some words of the model."""
        if isinstance(event, Stage) and event.is_finding:
            self.write([line(event.text, "quiet"), BLANK])
            self.show_stage("reading")
        elif isinstance(event, Stage):
            self.show_stage(event.text)
        elif isinstance(event, Token):
            self._write_token(event.text)

    def write(self, lines: Iterable[Line]) -> None:
        """Write something that stays, above the stage."""
        self._make_room()
        self._screen.write(lines)
        if self._stage is not None and self._wrap is None:
            self.show_stage(self._stage)

    def say(self, message: str) -> None:
        """Write a message that stays."""
        self.write([line(one_line(message), "quiet")])

    def finish(self, lines: Iterable[Line]) -> None:
        """Put the checked answer where the unchecked words stand; below them where they cannot be taken away."""
        columns, rows = _size(self._screen)
        wrap = self._wrap
        if wrap is None:
            self._make_room()
            self._screen.write(lines)
            return
        self._write_rest(wrap)
        fits = columns == self._columns and wrap.rows < rows - 1
        if not self._screen.is_styled or self._is_disturbed or not fits:
            self._screen.write([BLANK, line("─" * self._screen.width, "quiet"), *lines])
            return
        with self._screen.console.capture() as captured:
            self._screen.write(lines)
        up = f"\x1b[{wrap.rows}A" if wrap.rows else ""
        self._screen.stream.write(f"\r{up}\x1b[J{captured.get()}")
        self._screen.stream.flush()

    def stop(self) -> None:
        """End the turn where it is: what has come stays, the stage goes."""
        if self._wrap is not None:
            self._write_rest(self._wrap)
            self._screen.write([BLANK])
        else:
            self._make_room()
        self._stage, self._wrap = None, None

    def _write_token(self, text: str) -> None:
        if self._wrap is None:
            if not text.strip():
                return
            self._make_room()
            self._stage = None
            self._wrap = self._begin_words()
        self.text += text
        self._put(self._wrap.feed(text))

    def _begin_words(self) -> WordWrap:
        return WordWrap(self._screen.width - 1, goes_back=self._screen.is_styled)

    def _write_rest(self, wrap: WordWrap) -> None:
        self._put(wrap.end())

    def _put(self, text: str) -> None:
        if text:
            styled = self._screen.is_styled
            self._screen.stream.write(f"{_BEGIN_QUIET}{text}{_END_QUIET}" if styled else text)
            self._screen.stream.flush()

    def _make_room(self) -> None:
        """Begin a row of its own."""
        if self._wrap is not None:
            self._is_disturbed = True
            self._write_rest(self._wrap)
            self._screen.write([BLANK])
            self._wrap = self._begin_words()
        elif self._stage is not None:
            self._screen.erase_stage()


def _size(screen: Screen) -> tuple[int, int]:
    """Columns and rows of the terminal."""
    with suppress(OSError, ValueError):
        size = os.get_terminal_size(screen.stream.fileno())
        return size.columns, size.lines
    return screen.width, 24


@contextmanager
def quiet_keys() -> Iterator[None]:
    """What is typed while an answer is made is kept for the next line and not shown in the midst of it."""
    restore = _hush()
    try:
        yield
    finally:
        restore()


def _hush() -> Callable[[], None]:
    """Stop the terminal of standard input from showing what is typed; what makes it show that again."""
    try:
        import termios
    except ImportError:  # not everywhere
        return lambda: None
    try:
        place = sys.stdin.fileno()
        before = termios.tcgetattr(place)
        silent = [*before]
        silent[3] &= ~termios.ECHO
        termios.tcsetattr(place, termios.TCSANOW, silent)
    except (OSError, ValueError, termios.error):
        return lambda: None

    def restore() -> None:
        with suppress(termios.error):  # the terminal may be gone
            termios.tcsetattr(place, termios.TCSANOW, before)

    return restore
