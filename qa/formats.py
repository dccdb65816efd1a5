"""Formats: what the bytes of a file say, as text and metadata.

`read_plain`, `read_markdown` and `read_page` take a whole file; `open_records` decodes one that holds a
record a line. Where files lie and what becomes of what they say is the matter of `qa.sources`.
"""

from __future__ import annotations

import codecs
import gzip
import io
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeAlias

from qa.errors import SourceError
from qa.records import Draft, clean_metadata, make_draft
from qa.text import clean_text, shorten

ByteStream: TypeAlias = "io.BufferedReader[Any] | gzip.GzipFile"

MAX_FILE_BYTES = 20_000_000  # of a file that holds one article; files of records have no limit
MAX_FRONT_MATTER_CHARS = 65_536
MAX_TITLE_CHARS = 120  # a longer first line is a paragraph
SAMPLE_BYTES = 1 << 20  # of a stream, read ahead to tell its encoding
EMPTY = "empty: it holds no text"

_MARKS = (  # UTF-32's little-endian mark begins with UTF-16's
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# The encodings of the web (WHATWG Encoding Standard) other than Unicode, as Python names them.
_LEGACY = (
    *("cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp1258", "cp874"),
    *("koi8_r", "koi8_u", "iso8859_2", "iso8859_5", "iso8859_7", "iso8859_15"),
    *("cp932", "euc_jp", "gb18030", "gbk", "big5", "cp949", "euc_kr", "shift_jis"),
)
_WESTERN = ("iso8859_1", "ascii")  # what a page calls by these names is cp1252, by the same standard
_DECLARED = re.compile(rb"""charset\s*=\s*["']?\s*([A-Za-z0-9_.:-]{1,40})""", re.IGNORECASE)
_HEAD_BYTES = 65_536
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\r\f\b\x1b")) + b"\x7f"
_SENTENCE_ENDS = (".", "!", "?", ".”", "!”", "?”", '."', '!"', '?"')


def check_bytes(raw: bytes) -> None:
    """Refuse what cannot be the text of one article, or the beginning of a file of records.

    Raises:
        SourceError: it is larger than `MAX_FILE_BYTES`, empty, or begins with NUL or more control
            characters than any text has.
    """
    if len(raw) > MAX_FILE_BYTES:
        limit = MAX_FILE_BYTES // 1_000_000
        raise SourceError(f"larger than {limit} MB: split it, or make it .jsonl with one article a line")
    if not raw.strip():
        raise SourceError(EMPTY)
    head = raw[:_HEAD_BYTES]
    controls = len(head) - len(head.translate(None, _CONTROLS))
    wide = any(head.startswith(mark) for mark, name in _MARKS if name != "utf-8-sig")
    if not wide and (b"\0" in head or controls > 8 + len(head) // 20):
        raise SourceError("looks binary: it is not text, whatever its name says")


def decode_text(raw: bytes, *, declared: str | None = None) -> str:
    """Decode and normalise a text; what its encoding does not allow becomes U+FFFD.

    Raises:
        SourceError: no encoding fits.
    """
    return clean_text(raw.decode(find_encoding(raw, declared=declared), "replace"))


def find_encoding(raw: bytes, *, declared: str | None = None) -> str:
    """The Python name of a text's encoding: by its mark, UTF-8, as declared, or else guessed.

    UTF-8 with some bad bytes is still UTF-8, if two continuation bytes speak for it to each bad one: in
    a legacy encoding they hardly ever fall into place by chance.

    Raises:
        SourceError: no encoding fits.
    """
    for mark, name in _MARKS:
        if raw.startswith(mark):
            return name
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        loose = raw.decode("utf-8", "replace")
        if len(raw) - len(loose) <= 2 * loose.count("\ufffd"):
            return declared or _guess_encoding(raw[:SAMPLE_BYTES])
    return "utf-8"


def open_records(stream: ByteStream, *, table: bool) -> io.TextIOWrapper:
    """Decode JSON lines, which are UTF-8 unless a mark says otherwise (RFC 8259), or a table, which may not be.

    Raises:
        SourceError: no encoding fits the beginning of the table.
    """
    head = stream.peek(SAMPLE_BYTES)
    marked = next((name for mark, name in _MARKS if head.startswith(mark)), None)
    # Cut at a line, so that no character is cut; an ASCII beginning says nothing against UTF-8.
    encoding = find_encoding(head[: head.rfind(b"\n") + 1] or head) if table else marked or "utf-8"
    return io.TextIOWrapper(stream, encoding, errors="replace", newline="" if table else None)


def _guess_encoding(raw: bytes) -> str:
    """Guess among the legacy encodings, Western ones first: else `£5` would be read as the Polish `Ł5`."""
    from charset_normalizer import from_bytes

    matches = from_bytes(raw, cp_isolation=list(_LEGACY))
    best = matches.best()
    if best is None:
        raise SourceError("its encoding is not recognised: save it as UTF-8")
    western = any("cp1252" in match.could_be_from_charset and match.chaos <= best.chaos for match in matches)
    return "cp1252" if western else best.encoding


def _declared_encoding(raw: bytes) -> str | None:
    """The legacy encoding that a web page declares in its first bytes, if Python knows it."""
    found = _DECLARED.search(raw[:4096])
    if found is None:
        return None
    try:
        name = codecs.lookup(found[1].decode("ascii")).name.replace("-", "_")
    except LookupError:
        return None
    if name in _WESTERN:
        return "cp1252"
    return name if name in _LEGACY else None


def read_plain(raw: bytes) -> Draft:
    """Read a plain text: all of it is the article's text; its first line is the title if it looks like one.

    Raises:
        SourceError: no encoding fits.
    """
    text = decode_text(raw)
    return Draft(text=text, title=title_line(text))


def read_markdown(raw: bytes) -> Draft:
    """Read Markdown with or without YAML front matter; the text is the body as it is written.

    Blank lines around the body are left out. Without a title in the front matter it is the first `# heading`.

    Raises:
        SourceError: no encoding fits, or the front matter is not valid YAML.
    """
    whole = decode_text(raw)
    values, start = _split_front_matter(whole)
    blank = len(whole) - start - len(whole[start:].lstrip())
    start = max(start, whole.rfind("\n", 0, start + blank) + 1)
    body = whole[start:].rstrip()
    draft = make_draft(body, values, line=1 + whole.count("\n", 0, start), fields={})
    return draft if draft.title else replace(draft, title=_first_heading(body))


def read_page(raw: bytes) -> Draft:
    """Read the article of a web page, without menus and the like, and what the page says about it.

    Dates are taken from the page's markup only, never guessed from its text.

    Raises:
        SourceError: there is no article in it, or it cannot be parsed.
    """
    from trafilatura import bare_extraction

    page = decode_text(raw, declared=_declared_encoding(raw))
    try:
        found = bare_extraction(
            page,
            with_metadata=True,
            include_comments=False,
            date_extraction_params={"extensive_search": False, "original_date": True},
        )
    except Exception as error:  # any web page, any error: it must not end the run
        raise SourceError(f"the page cannot be parsed: {shorten(str(error), limit=100)}") from error
    text = clean_text(str(getattr(found, "text", None) or ""))
    if not text.strip():
        raise SourceError("no article text found")
    values: dict[str, object] = {name: getattr(found, name, None) for name in ("title", "url", "date", "sitename")}
    values["author"] = str(getattr(found, "author", None) or "").replace("; ", ", ")
    return make_draft(text, values, line=1, fields={})


def title_line(text: str) -> str | None:
    """The first line of a text where it reads as a title: short, no end of sentence, more text after it."""
    first, _, rest = text.strip().partition("\n")
    first = first.strip()
    if len(first) > MAX_TITLE_CHARS or first.endswith(_SENTENCE_ENDS) or not rest.strip():
        return None
    return clean_metadata(first)


def _split_front_matter(whole: str) -> tuple[Mapping[str, object], int]:
    """The metadata of a text's front matter and the offset behind it; nothing and 0 where there is none."""
    from frontmatter.default_handlers import YAMLHandler

    handler = YAMLHandler()
    head = whole.lstrip()
    if not handler.detect(head):
        return {}, 0
    try:
        front, body = handler.split(head)
    except ValueError:  # never closed: two rules, or one, of an ordinary text
        return {}, 0
    values = _load_yaml(front, line=1 + whole.count("\n", 0, whole.index(front)))
    if not isinstance(values, dict | None):
        return {}, 0
    return {str(key).casefold(): value for key, value in (values or {}).items()}, len(whole) - len(body)


def _load_yaml(front: str, *, line: int) -> object:
    """Parse front matter that begins on `line`; every scalar stays the string that was written.

    Raises:
        SourceError: it is not YAML, or too long.
    """
    import yaml  # type: ignore[import-untyped]
    from frontmatter.default_handlers import YAMLHandler

    if len(front) > MAX_FRONT_MATTER_CHARS:
        raise SourceError(f"its front matter is longer than {MAX_FRONT_MATTER_CHARS:,} characters")
    try:
        return YAMLHandler().load(front, Loader=yaml.BaseLoader)
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        place = line + (mark.line if mark else front.count("\n", 0, getattr(error, "position", None) or 0))
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "nested too deeply"
        raise SourceError(f"its front matter is not valid YAML at line {place}: {problem}") from error


def _first_heading(body: str) -> str | None:
    """The text of the first `# heading` of a Markdown body, code blocks left out."""
    fenced = False
    for line in body.split("\n"):
        if line.lstrip().startswith(("```", "~~~")):
            fenced = not fenced
        elif line.startswith("# ") and not fenced:
            heading, _, closing = line.rstrip().rpartition(" ")
            return clean_metadata((heading if not closing.strip("#") else line)[2:])
    return None
