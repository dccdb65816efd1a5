"""An answer as one self-contained file, JSON or a page for a browser, and that file read back."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, get_args

from qa.answer_form import Answer
from qa.errors import ContentError, UsageError
from qa.ground import Verdict
from qa.html_answer import DATA_ID, Shown, ShownQuote, ShownStatement, render_answer
from qa.text import suggest

FORMAT = "onrecord answer"
FORMAT_VERSION = 1
_ENDINGS = (".json", ".html", ".htm")
_MAX_BYTES = 50_000_000  # far more than any answer has
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class SavedAnswer:
    """What a file says of an answer; nothing of it has been checked. `page` is the file where it is a page."""

    shown: Shown
    status: str
    mode: str
    short_span: tuple[int, int] | None
    nearest: tuple[ShownQuote, ...]
    data: str
    page: str | None


def check_target(file: Path) -> None:
    """Refuse a file to which no answer can be saved, before a question is asked.

    Raises:
        UsageError: its ending says no format, its folder is not there, or it is a folder.
    """
    if file.suffix.lower() not in _ENDINGS:
        known = " or ".join(_ENDINGS[:2])
        raise UsageError(f"An answer is saved as {known}, not as '{file.name}'.{suggest(file.suffix, _ENDINGS)}")
    if not file.parent.is_dir():
        raise UsageError(f"The folder {file.parent} is not there: no answer can be saved in it.")
    if file.is_dir():
        raise UsageError(f"{file} is a folder: name a file in it.")


def save_answer(answer: Answer, file: Path, *, version: str, now: datetime) -> None:
    """Write an answer to a file that `load_answer` reads back; what was there is replaced.

    Raises:
        UsageError: as `check_target`.
        ContentError: it cannot be written.
    """
    check_target(file)
    moment = now.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    made = {"format": FORMAT, "format_version": FORMAT_VERSION, "program_version": version, "saved_at": moment}
    data = {**made, **answer.to_dict()}
    if file.suffix.lower() == ".json":
        text = _SURROGATE.sub(lambda m: f"\\u{ord(m[0]):04x}", json.dumps(data, ensure_ascii=False, indent=1)) + "\n"
    else:
        # In ASCII, so that no character of it is made safe on its way into the page, and all comes back exactly.
        text = render_answer(read_shown(data), json.dumps(data))
    try:
        file.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise ContentError(f"The answer could not be saved in {file}: {error.strerror}.") from error


def load_answer(file: Path) -> SavedAnswer:
    """Read a saved answer, whatever its name.

    Raises:
        ContentError: it cannot be read, is no saved answer, or is one of a newer version.
    """
    text = _read_file(file)
    is_page = text.lstrip().startswith("<")
    written = _find_data(text) if is_page else text
    data: object = None
    with suppress(ValueError, RecursionError):
        data = json.loads(written or "")
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise ContentError(f"{file} is no saved answer. Make one with: qa ask QUESTION --save FILE")
    if data.get("format_version") != FORMAT_VERSION:
        raise ContentError(
            f"{file} has format version {data.get('format_version')!r}, this program reads {FORMAT_VERSION}:"
            " verify it with the version of onrecord that saved it."
        )
    try:
        return _read_saved(data, written or "", text if is_page else None)
    except (KeyError, TypeError, ValueError) as error:
        raise ContentError(f"{file} is a saved answer, but a part of it cannot be read: {error}.") from error


def _read_file(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            raw = stream.read(_MAX_BYTES + 1)
    except OSError as error:
        raise ContentError(f"{file} cannot be read: {error.strerror}.") from error
    try:
        return raw[:_MAX_BYTES].decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise ContentError(f"{file} is no saved answer: it is not text in UTF-8.") from error


def _find_data(page: str) -> str | None:
    """The text of the one element that holds the answer; None where there is none, or more than one."""
    finder = _Finder()
    finder.feed(page)
    finder.close()
    return "".join(finder.data) if finder.found == 1 else None


class _Finder(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found = 0
        self.data: list[str] = []
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "pre" and ("id", DATA_ID) in attrs:
            self.found += 1
            self._inside = True

    def handle_endtag(self, tag: str) -> None:
        self._inside = self._inside and tag != "pre"

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.data.append(data)


# Readers of the parts: a TypeError says what is not as it has to be.


def _read_saved(data: Mapping[str, Any], written: str, page: str | None) -> SavedAnswer:
    return SavedAnswer(
        shown=read_shown(data),
        status=_text(data, "status"),
        mode=_text(data, "mode"),
        short_span=_read_span(data),
        nearest=tuple(map(_read_quote, _rows(data, "nearest"))),
        data=written,
        page=page,
    )


def read_shown(data: Mapping[str, Any]) -> Shown:
    """What a page shows of a saved answer, which is `Answer.to_dict` with what says how it was saved.

    Raises:
        KeyError, TypeError, ValueError: it is not as that gives it.
    """
    return Shown(
        question=_text(data, "question"),
        text=_text(data, "text"),
        short=_text_or_none(data, "short"),
        statements=tuple(map(_read_statement, _rows(data, "statements"))),
        citations=tuple(map(_read_quote, _rows(data, "citations"))),
        nearest=tuple(map(_read_quote, _rows(data, "nearest"))),
        notices=tuple(_check(notice, "notices", str) for notice in _list(data, "notices")),
        model=_text_or_none(data, "model"),
        is_models=_text(data, "mode") == "model",
        program_version=_text(data, "program_version"),
        saved_at=datetime.fromisoformat(_text(data, "saved_at")),
    )


def _read_statement(row: Mapping[str, Any]) -> ShownStatement:
    verdict = _text(row, "verdict")
    if verdict not in get_args(Verdict):
        raise ValueError(f"no verdict is called '{verdict}'")
    return ShownStatement(
        text=_text(row, "text"),
        start=_number(row, "start"),
        end=_number(row, "end"),
        citations=tuple(_check(number, "citations", int) for number in _list(row, "citations")),
        quotes=tuple(_check(number, "quotes", int) for number in _list(row, "quotes")),
        verdict=verdict,
        problems=tuple(_text(problem, "detail") for problem in _rows(row, "problems")),
    )


def _read_quote(row: Mapping[str, Any]) -> ShownQuote:
    article = _check(row["article"], "article", dict)
    return ShownQuote(
        number=_number(row, "number"),
        quote=_text(row, "quote"),
        start=_number(row, "start"),
        end=_number(row, "end"),
        article_id=_text(article, "id"),
        title=_text(article, "title"),
        publisher=_text_or_none(article, "publisher"),
        published=_text_or_none(article, "published"),
        url=_text_or_none(article, "url"),
        source=_text(article, "source"),
        sha256=_text(article, "sha256"),
    )


def _read_span(data: Mapping[str, Any]) -> tuple[int, int] | None:
    if data["short_span"] is None:
        return None
    start, end = (_check(number, "short_span", int) for number in _list(data, "short_span"))
    return start, end


def _check(value: Any, name: str, kind: type) -> Any:  # noqa: ANN401  of this kind, or it raises
    if not isinstance(value, kind) or isinstance(value, bool):
        raise TypeError(f"'{name}' is not {'an' if kind is int else 'a'} {kind.__name__}")
    return value


def _text(data: Mapping[str, Any], name: str) -> str:
    return str(_check(data[name], name, str))


def _text_or_none(data: Mapping[str, Any], name: str) -> str | None:
    return None if data[name] is None else _text(data, name)


def _number(data: Mapping[str, Any], name: str) -> int:
    return int(_check(data[name], name, int))


def _list(data: Mapping[str, Any], name: str) -> Sequence[Any]:
    return list(_check(data[name], name, list))


def _rows(data: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    return [dict(_check(row, name, dict)) for row in _list(data, name)]
