"""Records: JSON lines and tables of articles, one record at a time, whatever their fields are called."""

from __future__ import annotations

import csv
import io
import itertools
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from qa.errors import SourceError
from qa.text import clean_text, suggest

# What others call our fields, the most telling first; compared without regard to case.
FIELD_NAMES: Mapping[str, tuple[str, ...]] = {
    "text": ("text", "body", "content", "article", "maintext", "full_text"),
    "title": ("title", "headline", "name"),
    "url": ("url", "link", "source_url", "canonical"),
    "author": ("author", "authors", "byline", "creator"),
    "publisher": ("publisher", "source", "site", "sitename", "outlet", "publication"),
    "published": (
        *("published", "date", "published_at", "publish_date"),
        *("pubdate", "datetime", "date_published", "timestamp"),
    ),
    "id": ("id", "_id", "uid", "guid"),
    "language": ("language", "lang"),
}
MAX_LINE_CHARS = 20_000_000  # a longer line is not one article
MAX_METADATA_CHARS = 2_000
_HELD_RECORDS = 100  # looked through for the fields that the user named
_MANY = 20  # authors of one article, fields named in a message
_NOTHING = ("", "~", "null", "NULL", "None", "nan", "NaN")  # how exporters write "no value"


@dataclass(frozen=True, slots=True)
class Draft:
    """What a file or a record says of one article; metadata as it is written there, not yet understood.

    `line` is the 1-based line of the file on which the text, or the record, begins.
    """

    text: str
    line: int = 1
    title: str | None = None
    publisher: str | None = None
    author: str | None = None
    published: str | None = None
    url: str | None = None
    language: str | None = None
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Broken:
    """A record that cannot become an article: where it begins, and why."""

    line: int
    reason: str


def read_records(
    stream: io.TextIOWrapper, *, table: bool, fields: Mapping[str, str], name: str
) -> Iterator[Draft | Broken]:
    """Read one article from each record of JSON lines or, as `table`, of a CSV file with a header.

    Holds one record at a time. A broken record comes as such and the rest is read; where the data
    themselves are damaged (a cut gzip file), reading ends with one more `Broken`. `fields` maps our
    names to those of the file, which errors call `name`.

    Raises:
        SourceError: none of the first hundred records has a field that `fields` names.
    """
    lines = _Lines(stream)
    rows = _until_damage(_table_rows(lines, fields) if table else _json_rows(lines), lines)
    for row in _require_fields(rows, fields, name=name):
        yield row if isinstance(row, Broken) else _draft_of(row, fields)


def make_draft(text: str, values: Mapping[str, object], *, line: int, fields: Mapping[str, str]) -> Draft:
    """Gather what `values`, by case-folded names, say of the article whose text is given."""

    def find(ours: str) -> str | None:
        found = (clean_metadata(values.get(theirs)) for theirs in _names_of(ours, fields))
        return next((value for value in found if value), None)

    return Draft(text, line, **{ours: find(ours) for ours in FIELD_NAMES if ours != "text"})


def clean_metadata(value: object) -> str | None:
    """One line of metadata from what a source holds: a string, a number, a named object, a list of these."""
    if isinstance(value, list):
        parts = [part for item in value[:_MANY] if not isinstance(item, list) and (part := clean_metadata(item))]
        return ", ".join(parts)[:MAX_METADATA_CHARS] or None
    if isinstance(value, dict):
        value = value.get("name")
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    line = " ".join(clean_text(str(value)[: 2 * MAX_METADATA_CHARS]).split())
    return None if line in _NOTHING else line[:MAX_METADATA_CHARS]


@dataclass(frozen=True, slots=True)
class _Row:
    """A record as it was read; names of fields are case-folded."""

    line: int
    values: Mapping[str, object]


@dataclass(slots=True)
class _Lines:
    """The lines of a stream, never one of more than `MAX_LINE_CHARS`: that comes empty and sets `too_long`."""

    stream: io.TextIOWrapper
    number: int = field(default=0, init=False)
    too_long: bool = field(default=False, init=False)

    def __iter__(self) -> Iterator[str]:
        while line := self.stream.readline(MAX_LINE_CHARS):
            self.number += 1
            whole = len(line) < MAX_LINE_CHARS or line.endswith("\n")
            if not whole:
                self._drop_line()
            yield line if whole else "\n"

    def _drop_line(self) -> None:
        self.too_long = True
        while rest := self.stream.readline(MAX_LINE_CHARS):
            if rest.endswith(("\n", "\r")):
                break

    def take_too_long(self, line: int) -> Broken | None:
        """What to report if a line was too long since this was last asked."""
        if not self.too_long:
            return None
        self.too_long = False
        return Broken(line, f"longer than {MAX_LINE_CHARS // 1_000_000} million characters: not one article")


def _until_damage(rows: Iterator[_Row | Broken], lines: _Lines) -> Iterator[_Row | Broken]:
    try:
        yield from rows
    except (OSError, EOFError, zlib.error) as error:
        yield Broken(lines.number + 1, f"damaged from here on, only what stands before was read: {error}")


def _json_rows(lines: _Lines) -> Iterator[_Row | Broken]:
    for line in lines:
        if broken := lines.take_too_long(lines.number):
            yield broken
        elif line.strip():
            yield _parse_json(line.rstrip("\n"), lines.number)


def _parse_json(line: str, number: int) -> _Row | Broken:
    try:
        value = json.loads(line)
    except json.JSONDecodeError as error:
        return Broken(number, f"not valid JSON at column {error.colno}: {error.msg}")
    except (ValueError, RecursionError) as error:  # a number of thousands of digits, a thousand brackets
        return Broken(number, f"not JSON that can be read: {error}")
    if not isinstance(value, dict):
        return Broken(number, "not a JSON object: one article a line is expected, as {…}")
    return _Row(number, {key.casefold(): item for key, item in value.items()})


def _table_rows(lines: _Lines, fields: Mapping[str, str]) -> Iterator[_Row | Broken]:
    rows = _split_cells(lines)
    line, names = next(rows, (0, []))
    if isinstance(names, str):
        yield Broken(line, names)
        return
    header = [name.strip().casefold() for name in names]
    if header and "text" not in fields and not set(header) & set(FIELD_NAMES["text"]):
        yield Broken(line, f"no column is known as the text: {_no_text(header)}")
        return
    for line, cells in rows:
        if isinstance(cells, str):
            yield Broken(line, cells)
        elif len(cells) > len(header) and any(cells[len(header) :]):
            yield Broken(line, f"{len(cells)} cells where the header has {len(header)}")
        elif any(cells):
            yield _Row(line, dict(zip(header, cells, strict=False)))


def _split_cells(lines: _Lines) -> Iterator[tuple[int, list[str] | str]]:
    """The rows of a table, each with its first line: its cells, or why it cannot be read."""
    # The limit belongs to the whole process: only ever raised, so that no other reader is harmed.
    csv.field_size_limit(max(csv.field_size_limit(), MAX_LINE_CHARS))
    source = iter(lines)
    first = next((line for line in source if line.strip()), "")
    reader = csv.reader(itertools.chain([first] if first else [], source), delimiter=_find_delimiter(first))
    start = lines.number
    try:
        for cells in reader:
            broken = lines.take_too_long(start)
            yield start, broken.reason if broken else cells
            start = lines.number + 1
    except csv.Error as error:  # where cells end is lost: what follows would be read wrongly
        yield start, f"a quote that is not closed, it seems; nothing after it was read: {error}"


def _find_delimiter(header: str) -> str:
    """Comma, semicolon or tab: the one that cuts the header into most cells."""
    return max(",;\t", key=lambda delimiter: len(next(csv.reader([header], delimiter=delimiter), [])))


def _require_fields(rows: Iterator[_Row | Broken], fields: Mapping[str, str], *, name: str) -> Iterable[_Row | Broken]:
    """Pass rows on once every field that the user named has been seen.

    Raises:
        SourceError: the first hundred rows do not have one of them.
    """
    missing = {theirs.casefold(): theirs for theirs in fields.values()}
    known: dict[str, None] = {}
    held: list[_Row | Broken] = []
    while missing and len(held) < _HELD_RECORDS and (row := next(rows, None)):
        held.append(row)
        known |= dict.fromkeys(row.values if isinstance(row, _Row) else ())
        missing = {folded: theirs for folded, theirs in missing.items() if folded not in known}
    if missing and known:
        theirs = next(iter(missing.values()))
        raise SourceError(
            f"No record of '{name}' has a field '{theirs}'.{suggest(theirs, known)} It has: {_list_names(known)}"
        )
    return itertools.chain(held, rows)


def _draft_of(row: _Row, fields: Mapping[str, str]) -> Draft | Broken:
    texts = (row.values.get(name) for name in _names_of("text", fields))
    text = next((value for value in texts if isinstance(value, str) and value.strip()), None)
    if text is None:
        return Broken(row.line, f"no text: {_no_text(row.values)}")
    return make_draft(clean_text(text), row.values, line=row.line, fields=fields)


def _names_of(ours: str, fields: Mapping[str, str]) -> tuple[str, ...]:
    """The names to look for: what the user said and nothing else, or all that are known."""
    return (fields[ours].casefold(),) if ours in fields else FIELD_NAMES[ours]


def _no_text(names: Iterable[str]) -> str:
    listed = _list_names(names)
    return f"its fields are {listed}; name the right one with --map text=FIELD" if listed else "it has no fields"


def _list_names(names: Iterable[str]) -> str:
    listed = list(names)
    return ", ".join(listed[:_MANY]) + (", …" if len(listed) > _MANY else "")
