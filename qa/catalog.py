"""The source of truth, in SQLite: articles, passages, vectors, and what the derived indexes still lack."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from qa.articles import Article, Filters, Passage, hash_text
from qa.errors import ArchiveReadOnly, ArchiveTooNew, EmbedderMismatch, StoreError
from qa.schema import ARTICLE_COLUMNS, SCHEMA, SCHEMA_VERSION, connect, make_article, make_row
from qa.text import format_date

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_BATCH = 500  # ids in one statement; SQLite's own limit is 32,766


@dataclass(frozen=True, slots=True)
class VectorRows:
    """Vectors of an archive, row by row: `ids[i]` is the passage of `matrix[i]`, shape (n, dimension)."""

    ids: list[str]
    days: NDArray[np.int32]
    publishers: list[str | None]
    matrix: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Counts:
    """How much an archive holds; `vectors` counts the passages that have one."""

    articles: int
    passages: int
    vectors: int


class Catalog:
    """One archive's SQLite file: WAL, foreign keys, synchronous=FULL.

    Safe to share between threads: each thread has a connection of its own. Opened with
    `writable=False` nothing is created or changed, and a folder that may not be written is read as it is.
    """

    def __init__(self, path: Path, *, writable: bool = False) -> None:
        """Open the catalog, creating it when `writable` and missing.

        Raises:
            ArchiveTooNew: it was written by a newer version.
            ArchiveReadOnly: it was to be written and may not be.
            StoreError: it is missing or is not a catalog.
        """
        self.path = path
        self.writable = writable
        self._local = threading.local()
        self._open: list[tuple[threading.Thread, sqlite3.Connection]] = []
        self._lock = threading.Lock()
        try:
            self._check_schema()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close every thread's connection; the last writer's folds the log into the file."""
        with self._lock:
            for _, connection in self._open:
                connection.close()
            self._open.clear()
            self._local = threading.local()

    # reading

    def revision(self) -> int:
        """A number that grows with every committed change."""
        return int(self.get_meta("revision") or 0)

    def content_revision(self) -> int:
        """The revision at which articles, passages or vectors last changed: what derived indexes are compared with."""
        return int(self.get_meta("content") or 0)

    def get_meta(self, key: str) -> str | None:
        """The value kept under a key, if any."""
        rows = self._query("SELECT value FROM meta WHERE key = ?", (key,))
        return rows[0][0] if rows else None

    def check_embedder(self, embedder: str) -> None:
        """Refuse to compare or mix vectors of two embedders.

        Raises:
            EmbedderMismatch: this archive's vectors were made by another one.
        """
        made_by = self.get_meta("embedder")
        if made_by not in (None, embedder):
            raise EmbedderMismatch(
                f"The vectors of this archive were made by '{made_by}', but '{embedder}' is in use."
                " Put that name back in index/recipe.toml, or embed the archive anew with: qa sync"
            )

    def counts(self, embedder: str) -> Counts:
        """How many articles, passages, and passages with a vector of this embedder there are."""
        articles, passages = self._query("SELECT (SELECT count(*) FROM articles), (SELECT count(*) FROM passages)")[0]
        missing = self._query(f"SELECT count(*) {_MISSING}", (embedder,))[0][0]
        return Counts(articles=articles, passages=passages, vectors=passages - missing)

    def count_admitted(self, filters: Filters) -> tuple[int, int]:
        """How many (articles, passages) the filters admit."""
        dated = "" if filters.needs_date else "OR published = 0"
        admitted = f"FROM articles a WHERE (published BETWEEN ? AND ? {dated}) AND (? IS NULL OR publisher_key = ?)"
        key = filters.publisher_key
        values = (max(filters.first_day, 1), filters.last_day, key, key)
        passages = f"SELECT count(*) FROM passages p WHERE p.article_id IN (SELECT id {admitted})"
        articles, held = self._query(f"SELECT (SELECT count(*) {admitted}), ({passages})", values * 2)[0]
        return articles, held

    def find_days(self, filters: Filters) -> tuple[int, int] | None:
        """First and last day of publication (YYYYMMDD) among the articles that the filters admit; None without any."""
        key = filters.publisher_key
        first, last = self._query(
            "SELECT min(published), max(published) FROM articles"
            " WHERE published BETWEEN ? AND ? AND (? IS NULL OR publisher_key = ?)",
            (max(filters.first_day, 1), filters.last_day, key, key),
        )[0]
        return (first, last) if first else None

    def publishers(self) -> list[str]:
        """Every publisher by its name, in order."""
        rows = self._query("SELECT DISTINCT publisher FROM articles WHERE publisher IS NOT NULL ORDER BY publisher")
        return [name for (name,) in rows]

    def articles(self) -> Iterator[Article]:
        """Every article, by source."""
        for row in self._connection().execute(f"SELECT {ARTICLE_COLUMNS} FROM articles ORDER BY source"):
            yield make_article(row)

    def article(self, article_id: str) -> Article | None:
        """The article with this id, or None."""
        rows = self._query(f"SELECT {ARTICLE_COLUMNS} FROM articles WHERE id = ?", (article_id,))
        return make_article(rows[0]) if rows else None

    def find_ids(self, prefix: str) -> list[str]:
        """The ids that begin with `prefix`, in order."""
        rows = self._query("SELECT id FROM articles WHERE substr(id, 1, ?) = ? ORDER BY id", (len(prefix), prefix))
        return [row[0] for row in rows]

    def article_passages(self, article_id: str) -> list[Passage]:
        """The passages of an article in the order of its text."""
        article = self.article(article_id)
        if article is None:
            return []
        rows = self._query("SELECT id, start, end FROM passages WHERE article_id = ? ORDER BY start", (article_id,))
        return [Passage(id_, article_id, start, end, article.text[start:end]) for id_, start, end in rows]

    def passages(self, ids: Sequence[str]) -> dict[str, tuple[Passage, Article]]:
        """Passages by id with their articles; an unknown id is left out."""
        places = [
            row
            for batch in _batches(ids)
            for row in self._query(
                f"SELECT id, article_id, start, end FROM passages WHERE id IN ({_marks(batch)})", batch
            )
        ]
        articles = self._articles_by_id({row[1] for row in places})
        return {
            id_: (Passage(id_, article_id, start, end, articles[article_id].text[start:end]), articles[article_id])
            for id_, article_id, start, end in places
            if article_id in articles
        }

    def vector_rows(self, embedder: str) -> VectorRows:
        """The vectors of all passages that have one, in the order of their ids."""
        import numpy as np

        rows = self._query(
            "SELECT p.id, a.published, a.publisher_key, v.vector FROM passages p JOIN articles a ON a.id = p.article_id"
            " JOIN vectors v ON v.embedder = ? AND v.text_hash = p.text_hash ORDER BY p.id",
            (embedder,),
        )
        flat = np.frombuffer(b"".join(row[3] for row in rows), dtype=np.float32)
        return VectorRows(
            ids=[row[0] for row in rows],
            days=np.array([row[1] for row in rows], dtype=np.int32),
            publishers=[row[2] for row in rows],
            matrix=flat.reshape(len(rows), -1) if rows else flat.reshape(0, 0),
        )

    def missing_vectors(self, embedder: str) -> list[str]:
        """Ids of passages without a vector of this embedder, one for each distinct text, longest first."""
        rows = self._query(
            f"SELECT min(p.id), p.text_hash {_MISSING} GROUP BY 2 ORDER BY max(p.end - p.start) DESC, 1", (embedder,)
        )
        return [id_ for id_, _ in rows]

    def count_languages(self) -> dict[str, int]:
        """How many articles there are by language, ISO 639-1; the unknown under an empty name."""
        return dict(self._query("SELECT coalesce(language, ''), count(*) FROM articles GROUP BY 1 ORDER BY 2 DESC, 1"))

    def articles_not_in_keywords(self) -> list[str]:
        """Ids of articles that the keyword index does not hold yet."""
        return [row[0] for row in self._query("SELECT id FROM articles WHERE in_keywords = 0 ORDER BY id")]

    def removed_articles(self) -> list[str]:
        """Ids of articles removed from the catalog that the derived indexes may still hold."""
        return [row[0] for row in self._query("SELECT article_id FROM removed ORDER BY article_id")]

    def files(self) -> dict[str, tuple[int, int]]:
        """Files kept in step, by path: (size in bytes, time of change in ns)."""
        return {path: (size, time) for path, size, time in self._query("SELECT path, size, modified_ns FROM files")}

    # writing

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything inside is committed together or not at all; grows the revision.

        Raises:
            ArchiveReadOnly: the catalog may not be written.
            StoreError: SQLite refused, for example because the disk is full.
        """
        connection = self._connection()
        try:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self.set_meta("revision", str(self.revision() + 1))
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            raise self._wrap(error) from error

    def set_meta(self, key: str, value: str) -> None:
        """Keep a value under a key; inside `transaction`."""
        self._connection().execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    def put_article(self, article: Article, passages: Sequence[Passage]) -> None:
        """Store an article with its passages in place of the one with the same id; inside `transaction`."""
        self._content_changed()
        execute = self._connection().execute
        execute("DELETE FROM articles WHERE id = ?", (article.id,))
        execute("DELETE FROM removed WHERE article_id = ?", (article.id,))
        execute(
            f"INSERT INTO articles ({ARTICLE_COLUMNS}, publisher_key) VALUES ({_marks(range(12))})", make_row(article)
        )
        self._connection().executemany(
            "INSERT INTO passages VALUES (?, ?, ?, ?, ?)",
            [(p.id, p.article_id, p.start, p.end, hash_text(index_text(article, p))) for p in passages],
        )

    def remove_articles(self, ids: Sequence[str]) -> None:
        """Delete articles, their passages, and vectors no other passage uses; inside `transaction`."""
        self._content_changed()
        for batch in _batches(ids):
            self._connection().execute(f"DELETE FROM articles WHERE id IN ({_marks(batch)})", batch)
        self._connection().executemany("INSERT OR IGNORE INTO removed VALUES (?)", [(id_,) for id_ in ids])
        self.drop_unused_vectors()

    def drop_unused_vectors(self) -> None:
        """Delete vectors of texts that no passage holds any more; inside `transaction`."""
        self._connection().execute("DELETE FROM vectors WHERE text_hash NOT IN (SELECT text_hash FROM passages)")

    def put_vectors(self, embedder: str, ids: Sequence[str], vectors: NDArray[np.float32]) -> None:
        """Keep the vector of each passage under (embedder, text hash); inside `transaction`."""
        self._content_changed()
        self._connection().executemany(
            "INSERT OR REPLACE INTO vectors SELECT ?, text_hash, ? FROM passages WHERE id = ?",
            [(embedder, vector.tobytes(), id_) for id_, vector in zip(ids, vectors, strict=True)],
        )

    def mark_in_keywords(self, ids: Iterable[str]) -> None:
        """Note that the keyword index holds these articles; inside `transaction`."""
        self._connection().executemany("UPDATE articles SET in_keywords = 1 WHERE id = ?", [(id_,) for id_ in ids])

    def forget_keywords(self) -> None:
        """Note that the keyword index holds no article; inside `transaction`."""
        self._connection().execute("UPDATE articles SET in_keywords = 0")

    def forget_removed(self, ids: Iterable[str]) -> None:
        """Note that the derived indexes no longer hold these articles; inside `transaction`."""
        self._connection().executemany("DELETE FROM removed WHERE article_id = ?", [(id_,) for id_ in ids])

    def put_files(self, files: dict[str, tuple[int, int]]) -> None:
        """Note size in bytes and time of change in ns of files kept in step; inside `transaction`."""
        rows = [(path, size, time) for path, (size, time) in files.items()]
        self._connection().executemany("INSERT OR REPLACE INTO files VALUES (?, ?, ?)", rows)

    def flush(self) -> None:
        """Fold the write-ahead log into the file and leave it empty, so that nothing deleted stays in it."""
        self._query("PRAGMA wal_checkpoint(TRUNCATE)")

    # connections

    def _articles_by_id(self, ids: Iterable[str]) -> dict[str, Article]:
        wanted = sorted(ids)
        return {
            row[0]: make_article(row)
            for batch in _batches(wanted)
            for row in self._query(f"SELECT {ARTICLE_COLUMNS} FROM articles WHERE id IN ({_marks(batch)})", batch)
        }

    def _content_changed(self) -> None:
        self.set_meta("content", str(self.revision() + 1))

    def _query(self, sql: str, values: Sequence[object] = ()) -> list[tuple]:  # type: ignore[type-arg]
        try:
            return self._connection().execute(sql, values).fetchall()
        except sqlite3.Error as error:
            raise self._wrap(error) from error

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            try:
                connection = connect(self.path, writable=self.writable)
            except sqlite3.Error as error:
                raise self._wrap(error) from error
            with self._lock:
                self._close_abandoned()
                self._open.append((threading.current_thread(), connection))
            self._local.connection = connection
        return connection

    def _close_abandoned(self) -> None:
        """Close the connections of threads that have ended: a server may make one for each request."""
        for thread, connection in self._open:
            if not thread.is_alive():
                connection.close()
        self._open = [pair for pair in self._open if pair[0].is_alive()]

    def _check_schema(self) -> None:
        version = self._query("PRAGMA user_version")[0][0]
        if version > SCHEMA_VERSION:
            raise ArchiveTooNew(
                f"{self.path} was written by a newer version (schema {version}, this one knows {SCHEMA_VERSION})."
                " Update onrecord."
            )
        if version == 0:
            self._create()

    def _create(self) -> None:
        if not self.writable or self._query("SELECT 1 FROM sqlite_master"):
            raise StoreError(f"{self.path} is not an archive's catalog. Add articles with: qa add SOURCE")
        with self.transaction():
            for statement in SCHEMA.split(";"):
                self._connection().execute(statement)
            self._connection().execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

    def _wrap(self, error: sqlite3.Error) -> StoreError | ArchiveReadOnly:
        message = str(error)
        if "readonly" in message or ("unable to open" in message and self.writable):
            return ArchiveReadOnly(f"The archive {self.path} may not be written ({message}). Check its permissions.")
        return StoreError(f"SQLite failed on {self.path}: {message}. What is committed is kept; try again.")


_PLACES = "SELECT id, article_id, start, end FROM passages"
_MISSING = (
    "FROM passages p WHERE NOT EXISTS (SELECT 1 FROM vectors v WHERE v.embedder = ? AND v.text_hash = p.text_hash)"
)


def index_text(article: Article, passage: Passage) -> str:
    """What the indexes see of a passage: title and date in front, which are no part of its offsets."""
    heading = f"{article.title} ({format_date(article.published)})" if article.published else article.title
    return f"{heading}\n{passage.text.strip()}"


def _marks(values: Sequence[object]) -> str:
    return ",".join("?" * len(values))


def _batches(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for at in range(0, len(ids), _BATCH):
        yield ids[at : at + _BATCH]
