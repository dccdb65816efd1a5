"""Where results are written: a terminal or a plain stream, progress, a streamed answer, and a chat from a pipe.

`Screen` is the one place where text leaves the program: whatever a terminal could act on is replaced
there, whichever article, model or error it comes from.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from functools import cached_property
from shutil import get_terminal_size
from typing import TYPE_CHECKING, TextIO

from qa.answer_form import Answer, Event, Stage, Token
from qa.conversation import Conversation
from qa.errors import QAError
from qa.layout import BLANK, Line, count, lay_out_answer, line
from qa.sync import Progress
from qa.text import one_line, safe_text, shorten

if TYPE_CHECKING:
    from types import TracebackType

    from rich.console import Console
    from rich.progress import Progress as Bars
    from rich.progress import TaskID
    from rich.text import Text

_MAX_WIDTH = 100  # longer lines are hard to read
_MIN_WIDTH = 20
_MIN_BAR, _MAX_BAR = 5, 40
_BESIDE_BAR = 48  # columns that stage, counts, time left and a note take
_MAX_COLUMN = 24  # of a table that is cut, but for its last column
_STYLES = {"": "", "strong": "bold", "mark": "bold green", "quiet": "dim", "bad": "red"}
_UNITS = {
    "embedding": "passage",
    "embedding the pipeline's chunks": "chunk",
    "building the vector index": "passage",
    "searching": "question",
    "evaluating": "question",
    "replaying": "question",
    "judging": "answer",
    "judging what is labelled": "answer",
}
_ERASE_LINE = "\r\x1b[2K"
_NEWLINES = re.compile(r"\s*\n\s*")
_NOT_ASCII = re.compile(r"[^\n\x20-\x7e]")
_NOT_PRINTABLE = re.compile(r"[^\x21-\x7e]")
_LINKING = (
    "KITTY_WINDOW_ID",
    "WT_SESSION",
    "VTE_VERSION",
    "WEZTERM_PANE",
    "KONSOLE_VERSION",
    "TMUX",
    "FORCE_HYPERLINK",
)
_LEAVE = ("/quit", "/exit")


class Screen:
    """A stream that people or programs read: wrapped and styled on a terminal, plain elsewhere.

    `NO_COLOR` and `TERM=dumb` take the styles away and leave the wrapping.
    """

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self.is_terminal = stream.isatty()
        plain = os.environ.get("NO_COLOR") or os.environ.get("TERM", "") in ("", "dumb", "unknown")
        self.is_styled = self.is_terminal and not plain

    @property
    def width(self) -> int:
        """Columns to fill, at most 100."""
        return max(_MIN_WIDTH, min(_MAX_WIDTH, _count_columns(self.stream)))

    @cached_property
    def console(self) -> Console:
        """Rich's view of the stream; importing it costs a tenth of a second."""
        from rich.console import Console

        return Console(
            file=self.stream,
            force_terminal=self.is_terminal,
            color_system="auto" if self.is_styled else None,
            width=self.width,
            markup=False,
            highlight=False,
            emoji=False,
        )

    def write(self, lines: Iterable[Line]) -> None:
        """Write paragraphs, on a terminal wrapped by words."""
        for paragraph in lines:
            if self.is_terminal:
                self._write_wrapped(paragraph)
            else:
                text = "".join(_clean(piece.text) for piece in paragraph.pieces)
                self.stream.write(f"{' ' * paragraph.indent}{text}".rstrip() + "\n")
        self.stream.flush()

    def say(self, message: str) -> None:
        """Write a message as one line, however long."""
        self.stream.write(one_line(message) + "\n")
        self.stream.flush()

    def write_link(self, text: str, address: str | None) -> None:
        """Write a line that leads to an address, which is printable ASCII, where the terminal has links (OSC 8)."""
        shown = one_line(text)
        if address and self.is_styled and _has_links():
            shown = f"\x1b]8;;{_NOT_PRINTABLE.sub('', address)}\x1b\\{shown}\x1b]8;;\x1b\\"
        self.stream.write(shown + "\n")
        self.stream.flush()

    def write_block(self, text: str) -> None:
        """Write lines as they are laid out already."""
        self.stream.write(safe_text(text) + "\n")
        self.stream.flush()

    def write_table(self, rows: Sequence[Sequence[str]], *, cut: bool = False) -> None:
        """Write columns, aligned on a terminal, separated by tabs elsewhere.

        With `cut` the last column is shortened to what fits on the line.
        """
        clean = [[one_line(cell) for cell in row] for row in rows]
        for row in _align(clean, self.width, cut=cut) if self.is_terminal else map("\t".join, clean):
            self.stream.write(row + "\n")
        self.stream.flush()

    def write_json(self, data: object) -> None:
        """Write one object as a line of JSON; what a terminal could act on stands as `\\uXXXX`."""
        ascii_only = not (self.stream.encoding or "utf-8").lower().startswith("utf")
        text = _NOT_ASCII.sub(lambda match: _escape(match[0]), json.dumps(data, ensure_ascii=ascii_only))
        self.stream.write(text + "\n")
        self.stream.flush()

    def show_stage(self, text: str) -> None:
        """Say on one line, to be erased, what is being done; nothing where nobody watches."""
        if self.is_styled:
            self.stream.write(f"{_ERASE_LINE}\x1b[2m{shorten(text, limit=self.width - 2)}…\x1b[0m")
            self.stream.flush()

    def erase_stage(self, *, unless: bool = False) -> None:
        """Erase the line of `show_stage`."""
        if self.is_styled and not unless:
            self.stream.write(_ERASE_LINE)
            self.stream.flush()

    def write_token(self, text: str) -> None:
        """Write a piece of an unchecked answer as it comes, dimmed."""
        self.stream.write(f"\x1b[2m{safe_text(text)}\x1b[0m")
        self.stream.flush()

    def _write_wrapped(self, paragraph: Line) -> None:
        from rich.text import Text

        text = Text.assemble(*((_clean(piece.text), _STYLES[piece.style]) for piece in paragraph.pieces))
        margin = Text(" " * paragraph.indent)
        for row in text.wrap(self.console, max(_MIN_WIDTH, self.width - paragraph.indent), overflow="fold"):
            row.rstrip()
            self._print(margin + row if row else row)

    def _print(self, text: Text) -> None:
        self.console.print(text, soft_wrap=True)


class ProgressView:
    """How far a change of the archive has come: a bar on a terminal, one line for each stage elsewhere.

    The object is itself the callback. `kept` counts the articles that were read and are safe; `stage` is the one
    that is shown, "" before the first.
    """

    def __init__(self, screen: Screen) -> None:
        self.kept = 0
        self.is_reading = True
        self._screen = screen
        self.stage = ""
        self._bars: Bars | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> ProgressView:
        if self._screen.is_styled:
            self._bars = _make_bars(self._screen.console)
            self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bars is not None:
            self._bars.stop()

    def __call__(self, progress: Progress) -> None:
        """Show where a stage has come to."""
        self.is_reading = progress.stage == "reading"
        self.kept = progress.done if self.is_reading else self.kept
        if progress.stage != self.stage and progress.total != 0:
            self._begin(progress)
        if self._bars is not None and self._task is not None:
            self._bars.update(self._task, completed=progress.done, total=progress.total, note=one_line(progress.note))

    def _begin(self, progress: Progress) -> None:
        self.stage = progress.stage
        if self._bars is None:
            size = count(progress.total, _UNITS.get(progress.stage, "step")) if progress.total else ""
            name = "reading articles" if self.is_reading else progress.stage
            self._screen.say(f"{name}: {size}" if size else name)
            return
        if self._task is not None:
            self._bars.remove_task(self._task)
        self._task = self._bars.add_task(one_line(progress.stage), total=progress.total, note="")


def follow(events: Iterable[Event], screen: Screen, *, tokens: bool) -> Answer:
    """Show stages and, if asked, tokens as they come, where somebody watches; the answer is given, not shown."""
    answer: Answer | None = None
    streamed = False
    try:
        for event in events:
            if isinstance(event, Answer):
                answer = event
            elif isinstance(event, Stage):
                screen.show_stage(event.text)
            elif isinstance(event, Token) and tokens and screen.is_styled:
                screen.erase_stage(unless=streamed)
                screen.write_token(event.text)
                streamed = True
    finally:
        screen.erase_stage(unless=streamed)
        if streamed:
            screen.write([BLANK, line("─" * screen.width, "quiet")])
    assert answer is not None, "events end with the answer"
    return answer


def chat(conversation: Conversation, out: Screen, err: Screen, *, as_json: bool) -> int:
    """Answer the questions of standard input, one a line; the exit status, 1 where one failed."""
    failed = False
    for question in _read_questions(sys.stdin):
        try:
            _take_turn(conversation, question, out, err, as_json=as_json)
        except QAError as error:
            err.say(f"error: {error}")
            failed = True
    return int(failed)


def _take_turn(conversation: Conversation, question: str, out: Screen, err: Screen, *, as_json: bool) -> None:
    answer = follow(conversation.stream(question), err, tokens=out.is_terminal and not as_json)
    if as_json:
        out.write_json(answer.to_dict())
        return
    if answer.question != " ".join(question.split()):
        out.write([line(f"Asked as: {answer.question}", "quiet"), BLANK])
    out.write([*lay_out_answer(answer), BLANK])


def _read_questions(stream: TextIO) -> Iterator[str]:
    for text in stream:
        if text.strip() in _LEAVE:
            return
        if text.strip():
            yield text.strip()


def _has_links() -> bool:
    """Whether the terminal is one that is known to show links; others may show the sequence."""
    program = os.environ.get("TERM_PROGRAM", "") in ("iTerm.app", "WezTerm", "vscode", "ghostty", "Hyper", "rio")
    named = os.environ.get("TERM", "").startswith(("xterm-kitty", "foot", "alacritty", "xterm-ghostty", "wezterm"))
    return program or named or any(os.environ.get(name) for name in _LINKING)


def _make_bars(console: Console) -> Bars:
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    name = TextColumn("{task.description}", markup=False)
    note = TextColumn("{task.fields[note]}", markup=False)
    bar = BarColumn(max(_MIN_BAR, min(_MAX_BAR, console.width - _BESIDE_BAR)))
    return Bars(name, bar, MofNCompleteColumn(), TimeRemainingColumn(), note, console=console, transient=True)


def _align(rows: Sequence[Sequence[str]], width: int, *, cut: bool) -> Iterator[str]:
    from rich.cells import cell_len, set_cell_size

    columns = list(zip(*rows, strict=True))[:-1]
    widths = [max(map(cell_len, column)) for column in columns]
    widths = [min(_MAX_COLUMN, size) for size in widths] if cut else widths
    left = max(_MIN_WIDTH, width - sum(widths) - 2 * len(widths))
    for *cells, last in rows:
        head = [set_cell_size(_fit(cell, size), size) for cell, size in zip(cells, widths, strict=True)]
        yield "  ".join([*head, _fit(last, left) if cut else last]).rstrip()


def _count_columns(stream: TextIO) -> int:
    """The width of the terminal that a stream leads to; the program's other streams may lead elsewhere."""
    with suppress(OSError, ValueError):
        if not os.environ.get("COLUMNS") and (columns := os.get_terminal_size(stream.fileno()).columns):
            return columns
    return get_terminal_size().columns


def _fit(text: str, size: int) -> str:
    """A line cut to at most `size` columns, ending in `…` where it was cut."""
    from rich.cells import cell_len, set_cell_size

    return text if cell_len(text) <= size else set_cell_size(text, size - 1).rstrip() + "…"


def _clean(text: str) -> str:
    """Text as part of one line of output, safe to display."""
    return _NEWLINES.sub(" ", safe_text(text))


def _escape(char: str) -> str:
    """A character of JSON as it is, or as its escape where it is not safe to display."""
    return char if safe_text(char) == char else f"\\u{ord(char):04x}"
