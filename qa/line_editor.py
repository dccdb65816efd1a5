"""The line of a chat on a terminal: edited, completed, remembered. The only importer of prompt_toolkit."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.enums import DEFAULT_BUFFER
from prompt_toolkit.filters import has_focus
from prompt_toolkit.history import History
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.keys import Keys
from prompt_toolkit.output.vt100 import Vt100_Output

from qa.chat_choices import Choice
from qa.text import one_line, safe_text

FENCE = '"""'
_KEPT_LINES = 1_000  # of the history
_MAX_BYTES = 5_000_000  # of its file; more is not read


class QuestionHistory(History):
    """What was typed, in a file of one JSON text a line, mode 0600; at most 1,000 are kept.

    A file that is damaged, or may not be read or written, stops nothing: `notices` says what is not remembered.
    """

    def __init__(self, file: Path | None) -> None:
        """Read the file; None remembers nothing beyond this chat."""
        super().__init__()
        self.notices: list[str] = []
        self._file = file
        self._known = self._read() if file else []

    def load_history_strings(self) -> Iterable[str]:
        """What was typed, the last first."""
        return reversed(self._known)

    def store_string(self, string: str) -> None:
        """Remember a text that is not the same as the one before it."""
        if self._known[-1:] == [string]:
            return
        self._known.append(string)
        self._write([string], fresh=False)

    def _read(self) -> list[str]:
        assert self._file is not None
        try:
            with self._file.open("rb") as stream:
                raw = stream.read(_MAX_BYTES)
        except FileNotFoundError:
            return []
        except OSError as error:
            self.notices.append(f"The history of questions cannot be read: {self._file}: {error.strerror}.")
            self._file = None
            return []
        rows = raw.decode("utf-8", "replace").splitlines()
        known = list(_parse(rows))
        if len(rows) > _KEPT_LINES or len(known) < len(rows) or self._file.stat().st_mode & 0o077:
            known = known[-_KEPT_LINES:]
            self._write(known, fresh=True)
        return known

    def _write(self, texts: Sequence[str], *, fresh: bool) -> None:
        if self._file is None:
            return
        lines = "".join(json.dumps(text) + "\n" for text in texts).encode()
        target = self._file.with_name(f".{self._file.name}.{os.getpid()}") if fresh else self._file
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | (os.O_TRUNC if fresh else os.O_APPEND)
            descriptor = os.open(target, flags, 0o600)
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(lines)
            if fresh:
                target.replace(self._file)
        except OSError as error:
            self.notices.append(f"Questions are not remembered: {self._file}: {error.strerror}.")
            self._file = None


class LineEditor:
    """Reads questions and commands; `complete` says what can follow the line up to the cursor."""

    def __init__(self, history: QuestionHistory, complete: Callable[[str], list[Choice]]) -> None:
        self._session: PromptSession[str] = PromptSession(
            history=history,
            completer=_Choices(complete),
            complete_while_typing=False,
            multiline=True,
            prompt_continuation=[("", "… ")],
            key_bindings=_bind_keys(),
            enable_suspend=True,
            output=None if sys.platform == "win32" else _Output.from_pty(sys.stdout, term=os.environ.get("TERM")),
        )

    def read(self, scope: str) -> str:
        """The next text, one or several lines; `scope` stands in the prompt.

        Raises:
            EOFError: Ctrl-D on an empty line.
            KeyboardInterrupt: Ctrl-C; `is_empty` says whether there was anything on the line.
        """
        shown = f"{one_line(scope)} " if scope else ""
        return strip_fence(self._session.prompt([("ansicyan", shown), ("bold", "> ")]))

    @property
    def is_empty(self) -> bool:
        """Whether nothing stands on the line, or stood there when it was left."""
        return not self._session.default_buffer.text


class PlainEditor:
    """Reads lines where a terminal can do nothing but write."""

    is_empty = True

    def read(self, scope: str) -> str:
        """The next text; lines after `\"\"\"` belong to it up to another.

        Raises:
            EOFError, KeyboardInterrupt: Ctrl-D, Ctrl-C.
        """
        text = input(f"{one_line(scope)} > " if scope else "> ")
        while _is_open(text):
            text += "\n" + input("… ")
        return strip_fence(text)


def strip_fence(text: str) -> str:
    """A text without the `\"\"\"` around it."""
    text = text.strip()
    return text.removeprefix(FENCE).removesuffix(FENCE).strip() if text.startswith(FENCE) else text


def _is_open(text: str) -> bool:
    """Whether a text begins with `\"\"\"` and has no other yet."""
    begun = text.lstrip()
    return begun.startswith(FENCE) and FENCE not in begun[len(FENCE) :]


def _bind_keys() -> KeyBindings:
    keys = KeyBindings()
    in_text = has_focus(DEFAULT_BUFFER)

    @keys.add(Keys.Enter, filter=in_text)
    def _enter(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        if _is_open(buffer.text):
            buffer.newline(copy_margin=False)
        else:
            buffer.validate_and_handle()

    @keys.add(Keys.Escape, Keys.Enter, filter=in_text)
    def _next_line(event: KeyPressEvent) -> None:
        event.current_buffer.newline(copy_margin=False)

    @keys.add(Keys.BracketedPaste, filter=in_text)
    def _paste(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text(safe_text(event.data.replace("\r\n", "\n").replace("\r", "\n")))

    return keys


class _Choices(Completer):
    def __init__(self, complete: Callable[[str], list[Choice]]) -> None:
        self._complete = complete

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterator[Completion]:  # noqa: ARG002
        """What can follow; nothing where that cannot be found out."""
        found: list[Choice] = []
        with suppress(Exception):  # a line that is being typed is no place for an error
            found = self._complete(document.text_before_cursor)
        for text, note, start in found:
            yield Completion(text, start_position=start, display=[("", text)], display_meta=[("", note)])


class _Output(Vt100_Output):
    """Never asks where the cursor is, which not every terminal answers, nor in time."""

    @property
    def responds_to_cpr(self) -> bool:
        """Whether the terminal may be asked."""
        return False


def _parse(rows: Iterable[str]) -> Iterator[str]:
    for row in rows:
        with suppress(ValueError, RecursionError):
            text = json.loads(row)
            if isinstance(text, str) and text:
                yield safe_text(text)
