"""Prompt files: load, check the placeholders, fill them in, hash.

A prompt file is Markdown. The lines `## system` and `## user` open the messages that are sent, in the
order of the file; text above the first of them is for the reader of the file and is not sent. A file
without such lines is one user message. `{{name}}` is a placeholder.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from qa.errors import ContentError
from qa.models import Message
from qa.text import clean_text, one_line, suggest

Role = Literal["system", "user"]

_PLACEHOLDER = re.compile(r"\{\{[ \t]*(\w+)[ \t]*\}\}")
_HEADING = re.compile(r"^## (system|user)[ \t]*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt file whose placeholders are as the program fills them in.

    Attributes:
        name: the file's name without its ending.
        text: the whole file.
        sha256: of that text in UTF-8, with newlines as `\\n`; kept with every answer.
    """

    name: str
    text: str
    sha256: str

    @property
    def placeholders(self) -> frozenset[str]:
        """The names of the values that it needs."""
        return frozenset(_PLACEHOLDER.findall(self.text))

    def render_messages(self, **values: str) -> list[Message]:
        """The messages to send, with a value for every placeholder.

        Values are put in once and as they are: placeholders or headings inside a value stay text.

        Raises:
            TypeError: a value is missing, or there is no placeholder for it.
        """
        if values.keys() != self.placeholders:
            wanted, given = sorted(self.placeholders), sorted(values)
            raise TypeError(f"Prompt '{self.name}' needs values for {wanted}, not for {given}.")
        return [Message(role, _fill(part, values)) for role, part in _split_messages(self.text)]

    def render(self, **values: str) -> str:
        """All that is sent as one text, to count or to show; otherwise as `render_messages`."""
        return "\n\n".join(message.content for message in self.render_messages(**values))


def load_prompt(path: Path, *, placeholders: frozenset[str]) -> Prompt:
    """Read a prompt file that must hold exactly these placeholders.

    Raises:
        ContentError: the file cannot be read, says nothing, or has other placeholders.
    """
    text = _read_text(path)
    for line_number, line in enumerate(text.splitlines(), start=1):
        for problem in _find_problems(line, placeholders):
            raise ContentError(f"{path}:{line_number}: {problem}")
    sent = [part for _, part in _split_messages(text)]
    if not any(sent):
        raise ContentError(f"{path}: there is nothing in it to send to a model.")
    missing = placeholders - {name for part in sent for name in _PLACEHOLDER.findall(part)}
    if missing:
        raise ContentError(f"{path}: missing placeholder {_list_names(missing)}.")
    return Prompt(path.stem, text, hashlib.sha256(text.encode()).hexdigest())


def _read_text(path: Path) -> str:
    try:
        return clean_text(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ContentError(f"Prompt file {path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise ContentError(f"Prompt file {path} is not UTF-8 text (byte {error.start}).") from error


def _find_problems(line: str, placeholders: frozenset[str]) -> Iterator[str]:
    for name in _PLACEHOLDER.findall(line):
        if name not in placeholders:
            known = _list_names(placeholders)
            yield f"unknown placeholder '{{{{{name}}}}}'.{suggest(name, placeholders)} Known: {known}."
    rest = _PLACEHOLDER.sub("", line)
    if "{{" in rest or "}}" in rest:
        yield f"not a placeholder: '{one_line(rest)}'. Write it as {{{{name}}}}."


def _list_names(names: frozenset[str]) -> str:
    return ", ".join(f"{{{{{name}}}}}" for name in sorted(names))


def _split_messages(text: str) -> list[tuple[Role, str]]:
    headings = list(_HEADING.finditer(text))
    if not headings:
        return [("user", text.strip())]
    ends = [*(heading.start() for heading in headings[1:]), len(text)]
    return [(_role(heading[1]), text[heading.end() : end].strip()) for heading, end in zip(headings, ends, strict=True)]


def _role(word: str) -> Role:
    return "system" if word == "system" else "user"


def _fill(part: str, values: dict[str, str]) -> str:
    return _PLACEHOLDER.sub(lambda found: values[found[1]], part)
