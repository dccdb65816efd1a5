"""Sources: folders, files and standard input → articles, one at a time; what cannot be read is said, not raised."""

from __future__ import annotations

import codecs
import gzip
import io
import os
import re
import stat
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, BinaryIO, cast

from qa.articles import Article, hash_text, make_article_id
from qa.errors import SourceError
from qa.formats import (
    EMPTY,
    MAX_FILE_BYTES,
    SAMPLE_BYTES,
    ByteStream,
    check_bytes,
    open_records,
    read_markdown,
    read_page,
    read_plain,
    title_line,
)
from qa.records import FIELD_NAMES, Broken, Draft, clean_metadata, read_records
from qa.text import clean_text, shorten, suggest

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

FORMATS = (".txt", ".md", ".html", ".htm", ".jsonl", ".jsonl.gz", ".csv")
CATALOG_NAME = "catalog.sqlite"  # a folder with this file is an archive's own data
STDIN_SOURCE = "stdin"

_NO_FORMAT = f"not a format that is read; formats are: {' '.join(FORMATS)}"
_LANGUAGE_CHARS = 2_000
_LANGUAGE_MIN_LETTERS = 20
# At this none of 3,622 cuts of 4–20 words from 828 English articles was taken for another language; at 0.5, four.
_LANGUAGE_MIN_PROBABILITY = 0.8

_URL = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_LANGUAGE_CODE = re.compile(r"([a-z]{2})(?:[-_]|$)", re.IGNORECASE)
_ISO_DATE = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{8})(?:[T\s,Z].*|[0-9]{6}Z?)?$", re.DOTALL)
_EPOCH = re.compile(r"([0-9]{9,10}|[0-9]{13})(?:\.[0-9]+)?$")
_DOTTED_DATE = re.compile(r"[0-9]{1,2}\.[0-9]{1,2}\.[0-9]{2,4}\b")
_DATE_MAX_CHARS = 100

_PARSERS: Mapping[str, Callable[[bytes], Draft]] = MappingProxyType(
    {".txt": read_plain, ".md": read_markdown, ".html": read_page, ".htm": read_page}
)


@dataclass(frozen=True, slots=True)
class Details:
    """What the user says about every article of a run; it overrides what the sources say."""

    title: str | None = None
    publisher: str | None = None
    author: str | None = None
    published: date | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Skipped:
    """A source, or a part of one, that gave no article: which, and one line on why and what to do."""

    source: str
    reason: str


@dataclass(frozen=True, slots=True)
class _Run:
    """What holds for every source of one call."""

    root: Path
    details: Details
    fields: Mapping[str, str]


NO_DETAILS = Details()
NO_FIELDS: Mapping[str, str] = MappingProxyType({})


def read_sources(
    sources: Sequence[str | Path],
    *,
    root: Path,
    details: Details = NO_DETAILS,
    fields: Mapping[str, str] = NO_FIELDS,
    stdin: BinaryIO | None = None,
) -> Iterator[Article | Skipped]:
    """Read articles from sources in order, lazily, and what was skipped between them.

    A source is a folder (walked in sorted order, hidden names and archives' own data left out), a file
    of `FORMATS`, or `-` for `stdin`: JSON lines where it begins with `{`, plain text otherwise.
    `Article.source` is the path relative to `root` where it lies inside, else the absolute path; with
    `#` and the record's id, URL or line for a record of a file. `fields` maps our field names to those
    of JSONL and CSV files ({"text": "story"}). Nothing is fetched; at most one file of
    `MAX_FILE_BYTES`, or one record, is held at a time.

    Raises:
        SourceError: at once, for a name in `fields` that is not ours; while reading, for one of
            theirs that no record of a file has.
    """
    for ours in fields:
        if ours not in FIELD_NAMES:
            raise SourceError(f"No field '{ours}'.{suggest(ours, FIELD_NAMES)} Ours are: {', '.join(FIELD_NAMES)}")
    run = _Run(root=root, details=_clean_details(details), fields=fields)
    return _read_all(sources, run, stdin)


def parse_date(text: str) -> date | None:
    """Understand a full date, or give None; the clock is never asked.

    ISO 8601 (`2022-07-05`, `20220705`, with any time after it), seconds or milliseconds since 1970
    (UTC), or English: `5 July 2022`, `Tue, 05 Jul 2022 10:00 GMT`. The day is the one written, whatever
    the time zone. Of `07/05/2022` the month comes first where it can, of `5.7.2022` the day does. What
    lacks a day, month or year (`2021`, `May 2021`, `12`) or is relative (`yesterday`) is no date.
    """
    text = text.strip()
    if found := _ISO_DATE.match(text):
        try:
            return date.fromisoformat(found[1])
        except ValueError:
            return None
    if found := _EPOCH.match(text):
        seconds = int(found[1]) / (1000 if len(found[1]) == 13 else 1)
        return datetime.fromtimestamp(seconds, UTC).date()
    if len(text) > _DATE_MAX_CHARS or not any(char.isdigit() for char in text):
        return None
    return _parse_english_date(text)


def detect_language(text: str) -> str | None:
    """The ISO 639-1 code of a text's language by its first 2,000 characters, or None where that is not clear.

    The likeliest of the languages that have such a code, if its probability (naive Bayes on byte
    n-grams, normalised) is at least 0.8 and there are 20 letters to go by: None says "not known", so a
    headline full of names is not taken for Tagalog. The same text always gives the same code.
    """
    sample = text[:_LANGUAGE_CHARS]
    if sum(map(str.isalpha, sample)) < _LANGUAGE_MIN_LETTERS:
        return None
    code, probability = _language_identifier().classify(sample)
    return str(code) if len(code) == 2 and probability >= _LANGUAGE_MIN_PROBABILITY else None


def _read_all(sources: Sequence[str | Path], run: _Run, stdin: BinaryIO | None) -> Iterator[Article | Skipped]:
    for source in sources:
        if source == "-":
            yield from _read_stdin(stdin, run)
        elif isinstance(source, str) and _URL.match(source):
            yield Skipped(source, "web pages are not read yet: save the page as .html and add the file")
        else:
            yield from _read_path(str(source), run)


def _read_path(source: str, run: _Run) -> Iterator[Article | Skipped]:
    path = Path(source)
    try:
        mode = path.stat().st_mode if source.strip() else 0
    except (FileNotFoundError, NotADirectoryError):
        mode = 0
    except (OSError, ValueError) as error:
        yield Skipped(source, _say_error(error))
        return
    if not mode:
        yield Skipped(source, _say_missing(source))
    elif stat.S_ISDIR(mode) and not _find_format(path):
        yield from _read_folder(path, run)
    else:
        yield from _read_file(path, run)


def _say_missing(source: str) -> str:
    path = Path(source)
    if path.is_symlink():
        return "a link to a file that is not there"
    try:
        nearest = suggest(path.name, [entry.name for entry in path.parent.iterdir()])
    except (OSError, ValueError):
        nearest = ""
    return f"No file or folder '{source}'.{nearest}"


def _say_error(error: Exception) -> str:
    return f"cannot be read: {getattr(error, 'strerror', None) or error}"


def _read_folder(folder: Path, run: _Run) -> Iterator[Article | Skipped]:
    """Read the files below a folder; those of a format that is not read are named once per suffix."""
    unknown: dict[str, list[Path]] = {}
    empty = True
    for path in _walk(folder, run):
        if isinstance(path, Skipped):
            yield path
        elif _find_format(path):
            yield from _read_file(path, run)
        else:
            unknown.setdefault(path.suffix.lower(), []).append(path)
        empty = False
    for paths in unknown.values():
        more = f" (and {len(paths) - 1:,} more like it)" if len(paths) > 1 else ""
        yield Skipped(make_source(paths[0], run.root), _NO_FORMAT + more)
    if empty:
        yield Skipped(make_source(folder, run.root), f"a folder with nothing to read; formats are: {' '.join(FORMATS)}")


def _walk(folder: Path, run: _Run) -> Iterator[Path | Skipped]:
    """The files below a folder, sorted by name within each; each folder once, however links lead to it."""
    seen: set[tuple[int, int]] = set()
    waiting = [folder]
    while waiting:
        path = waiting.pop()
        try:
            if not path.is_dir() or _find_format(path):
                yield path
                continue
            names, info = sorted((entry.name for entry in path.iterdir()), reverse=True), path.stat()
        except OSError as error:
            yield Skipped(make_source(path, run.root), _say_error(error))
            continue
        if (info.st_dev, info.st_ino) not in seen and not _is_store(path, names):
            seen.add((info.st_dev, info.st_ino))
            waiting.extend(path / name for name in names if not name.startswith("."))


def _is_store(folder: Path, names: Iterable[str]) -> bool:
    return folder.parts[-2:] == ("index", "store") or CATALOG_NAME in names


def make_source(path: Path, root: Path) -> str:
    """What an article's `source` says of a path: relative to `root` where it lies inside, with `/`.

    Links inside `root` keep their own names. Bytes of a name that are not UTF-8 are spelt `\\udcff`.
    """
    whole = Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would follow links
    inside = _relative(whole, Path(os.path.abspath(root)))  # noqa: PTH100
    inside = inside or _relative(Path(os.path.realpath(whole.parent), whole.name), Path(os.path.realpath(root)))
    return (inside or whole).as_posix().encode("utf-8", "backslashreplace").decode("utf-8")


def _relative(path: Path, base: Path) -> Path | None:
    return path.relative_to(base) if path.is_relative_to(base) else None


def _find_format(path: Path) -> str | None:
    """The longest of the known endings of a file's name."""
    name = path.name.lower()
    return max((ending for ending in FORMATS if name.endswith(ending)), key=len, default=None)


def _read_file(path: Path, run: _Run) -> Iterator[Article | Skipped]:
    source, ending = make_source(path, run.root), _find_format(path)
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # a pipe or a device would block: never opened
            yield Skipped(source, "not a regular file")
        elif ending is None:
            yield Skipped(source, _NO_FORMAT)
        elif ending in _PARSERS:
            stem = " ".join(re.split(r"[-_\s]+", clean_text(path.name[: -len(ending)]))).strip()
            with path.open("rb") as stream:
                found = _read_article(stream, _PARSERS[ending], run, source=source, stem=stem[:1].upper() + stem[1:])
            yield found
        else:
            with _open_stream(path) as records:
                yield from _read_records(records, run, source=source, table=ending == ".csv")
    except OSError as error:
        yield Skipped(source, _say_error(error))


def _open_stream(path: Path) -> ByteStream:
    """Open a file of records; the caller closes it."""
    return gzip.open(path) if path.name.lower().endswith(".gz") else io.BufferedReader(io.FileIO(path), SAMPLE_BYTES)


def _read_article(
    stream: BinaryIO, parse: Callable[[bytes], Draft], run: _Run, *, source: str, stem: str = ""
) -> Article | Skipped:
    """Read the one article of a stream."""
    raw = stream.read(MAX_FILE_BYTES + 1)
    try:
        check_bytes(raw)
        draft = parse(raw)
    except SourceError as error:
        return Skipped(source, str(error))
    if not draft.text.strip():
        return Skipped(source, EMPTY)
    if source == STDIN_SOURCE:
        source += f"#{hash_text(draft.text)[:12]}"
    return _make_article(draft, run, source=source, stem=stem, first_line=draft.line)


def _read_records(stream: ByteStream, run: _Run, *, source: str, table: bool) -> Iterator[Article | Skipped]:
    """Read the records of a stream, each an article of its own; of two with one id the first counts."""
    try:
        check_bytes(stream.peek(SAMPLE_BYTES)[:SAMPLE_BYTES])
        decoded = open_records(stream, table=table)
    except (SourceError, EOFError, zlib.error) as error:
        yield Skipped(source, str(error) if isinstance(error, SourceError) else _say_error(error))
        return
    lines: dict[str, int] = {}
    record = None
    try:
        for record in read_records(decoded, table=table, fields=run.fields, name=source):
            yield _read_record(record, run, source=source, lines=lines)
        if record is None:
            yield Skipped(source, "empty: it holds no records")
    finally:
        decoded.detach()


def _read_record(record: Draft | Broken, run: _Run, *, source: str, lines: dict[str, int]) -> Article | Skipped:
    """Make an article of a record; `lines` remembers on which line each id was first seen."""
    place = f"{source}:{record.line}"
    if isinstance(record, Broken):
        return Skipped(place, record.reason)
    nameless = hash_text(record.text)[:12] if source == STDIN_SOURCE else f"line-{record.line}"
    key = record.id or record.url or nameless
    first = lines.setdefault(make_article_id(key), record.line)
    if first != record.line:
        return Skipped(place, f"a second record with the id '{key}': the one on line {first} was read")
    return _make_article(record, run, source=f"{source}#{key}")


def _read_stdin(stdin: BinaryIO | None, run: _Run) -> Iterator[Article | Skipped]:
    if stdin is None:
        yield Skipped("-", "standard input was not given")
        return
    stream = io.BufferedReader(cast(io.RawIOBase, stdin), SAMPLE_BYTES)
    try:
        if stream.peek(SAMPLE_BYTES).removeprefix(codecs.BOM_UTF8).lstrip().startswith(b"{"):
            yield from _read_records(stream, run, source=STDIN_SOURCE, table=False)
        else:
            yield _read_article(stream, read_plain, run, source=STDIN_SOURCE)
    except OSError as error:
        yield Skipped(STDIN_SOURCE, _say_error(error))
    finally:
        stream.detach()  # it is the caller's: closing ours would close it


def _make_article(draft: Draft, run: _Run, *, source: str, stem: str = "", first_line: int = 1) -> Article:
    details, text = run.details, draft.text
    given = _LANGUAGE_CODE.match(draft.language or "")
    return Article(
        id=make_article_id(source),
        source=source,
        text=text,
        sha256=hash_text(text),
        title=details.title or draft.title or stem or title_line(text) or shorten(text[:1000], limit=80),
        publisher=details.publisher or draft.publisher,
        author=details.author or draft.author,
        published=details.published or parse_date(draft.published or ""),
        url=details.url or draft.url,
        language=given[1].lower() if given else detect_language(text),
        first_line=first_line,
    )


def _clean_details(details: Details) -> Details:
    texts = {name: clean_metadata(getattr(details, name)) for name in ("title", "publisher", "author", "url")}
    return Details(**texts, published=details.published)


@lru_cache(maxsize=4096)  # half a millisecond or more each, and the dates of an archive repeat
def _parse_english_date(text: str) -> date | None:
    import dateparser

    settings = {
        "STRICT_PARSING": True,
        "PARSERS": ["absolute-time"],
        "DATE_ORDER": "DMY" if _DOTTED_DATE.match(text) else "MDY",
    }
    found = dateparser.parse(text, languages=["en"], settings=settings)
    return found.date() if found else None


@lru_cache(maxsize=1)
def _language_identifier() -> LanguageIdentifier:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    # Two letters are ISO 639-1; "zxx" takes what is no language at all.
    identifier.set_languages([label for label in identifier.labels if len(label) == 2 or label == "zxx"])
    return identifier
