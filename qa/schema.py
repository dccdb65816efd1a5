"""The catalog's tables, connections and rows."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from qa.articles import Article, day_number
from qa.text import fold

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SCHEMA_VERSION = 2

_COPIES = """
CREATE TABLE copies (
    article_id TEXT PRIMARY KEY REFERENCES articles ON DELETE CASCADE,
    signature BLOB NOT NULL, size INTEGER NOT NULL, group_id TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX copies_by_group ON copies (group_id);
"""
SCHEMA = f"""
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE articles (
    id TEXT PRIMARY KEY, source TEXT NOT NULL UNIQUE, title TEXT NOT NULL, publisher TEXT, publisher_key TEXT,
    author TEXT, published INTEGER NOT NULL, url TEXT, language TEXT, first_line INTEGER NOT NULL,
    sha256 TEXT NOT NULL, text TEXT NOT NULL, in_keywords INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE TABLE passages (
    id TEXT PRIMARY KEY, article_id TEXT NOT NULL REFERENCES articles ON DELETE CASCADE,
    start INTEGER NOT NULL, end INTEGER NOT NULL, text_hash TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX passages_by_article ON passages (article_id, start);
CREATE INDEX passages_by_text ON passages (text_hash);
CREATE TABLE vectors (
    embedder TEXT NOT NULL, text_hash TEXT NOT NULL, vector BLOB NOT NULL, PRIMARY KEY (embedder, text_hash)
);
CREATE TABLE files (path TEXT PRIMARY KEY, size INTEGER NOT NULL, modified_ns INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE removed (article_id TEXT PRIMARY KEY) WITHOUT ROWID;
{_COPIES}
"""
# `vectors` has rowids: without them a row of 1.5 kB has a page of 4 kB to itself, and no index tells which are missing.
MIGRATIONS = {1: _COPIES}  # what makes the next version of each
# `removed` holds articles that the keyword index may still know; `in_keywords` is 0 until that index has the article;
# `copies` is what `qa.copy_groups` keeps: an article alone is a group of its own.

ARTICLE_COLUMNS = "id, source, title, publisher, author, published, url, language, first_line, sha256, text"


@dataclass(frozen=True, slots=True)
class VectorRows:
    """Vectors of an archive, row by row: `ids[i]` is the passage of `matrix[i]`, shape (n, dimension)."""

    ids: list[str]
    days: NDArray[np.int32]
    publishers: list[str | None]
    matrix: NDArray[np.float32]


def connect(path: Path, *, writable: bool) -> sqlite3.Connection:
    """A connection with the pragmas that the catalog relies on; it may be closed from another thread."""
    connection = _connect_writer(path) if writable else _connect_reader(path)
    connection.execute("PRAGMA foreign_keys = ON")
    return connection


def _connect_writer(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=30)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA secure_delete = ON")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _connect_reader(path: Path) -> sqlite3.Connection:
    uri = path.absolute().as_uri()
    connection = sqlite3.connect(f"{uri}?mode=ro", uri=True, isolation_level=None, check_same_thread=False, timeout=30)
    try:
        connection.execute("PRAGMA schema_version").fetchone()
    except sqlite3.DatabaseError as error:
        connection.close()
        if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY):
            raise
        # A write-ahead log needs its shared-memory file, which cannot be made where nothing may be written.
        connection = sqlite3.connect(f"{uri}?immutable=1", uri=True, isolation_level=None, check_same_thread=False)
    return connection


def make_row(article: Article) -> tuple[object, ...]:
    """The values of ARTICLE_COLUMNS and, last, the publisher's key."""
    a = article
    day, key = day_number(a.published), fold(a.publisher) if a.publisher else None
    return (a.id, a.source, a.title, a.publisher, a.author, day, a.url, a.language, a.first_line, a.sha256, a.text, key)


def make_article(row: Sequence[object]) -> Article:
    """The article in a row of ARTICLE_COLUMNS."""
    id_, source, title, publisher, author, day, url, language, first_line, sha256, text = row
    return Article(
        id=str(id_),
        source=str(source),
        text=str(text),
        sha256=str(sha256),
        title=str(title),
        publisher=_optional(publisher),
        author=_optional(author),
        published=make_date(day),
        url=_optional(url),
        language=_optional(language),
        first_line=int(str(first_line)),
    )


def make_date(day: object) -> date | None:
    """A day as it is kept, YYYYMMDD, 0 for none."""
    number = int(str(day))
    return date(number // 10000, number // 100 % 100, number % 100) if number else None


def _optional(value: object) -> str | None:
    return None if value is None else str(value)
