"""The source of truth, in SQLite: articles, passages, vectors, and what the derived indexes still lack."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from qa.articles import Article, Filters, Passage, hash_text, index_text
from qa.database import Database
from qa.errors import ArchiveTooNew, EmbedderMismatch, StoreError
from qa.schema import (
    ARTICLE_COLUMNS,
    MIGRATIONS,
    SCHEMA,
    SCHEMA_VERSION,
    VectorRows,
    make_article,
    make_date,
    make_row,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_BATCH = 500  # ids in one statement; SQLite's own limit is 32,766


@dataclass(frozen=True, slots=True)
class Counts:
    """How much an archive holds; `vectors` counts the passages that have one."""

    articles: int
    passages: int
    vectors: int


class Catalog(Database):
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
        super().__init__(path, writable=writable)
        self._counted: tuple[int, dict[Filters, tuple[int, int]]] = (-1, {})  # of this revision of the content
        try:
            self._check_schema()
        except BaseException:
            self.close()
            raise

    # reading

    def revision(self) -> int:
        """A number that grows with every committed change."""
        return int(self.get_meta("revision") or 0)

    def content_revision(self) -> int:
        """The revision at which articles, passages or vectors last changed: what derived indexes are compared with."""
        return int(self.get_meta("content") or 0)

    def get_meta(self, key: str) -> str | None:
        """The value kept under a key, if any."""
        rows = self.query("SELECT value FROM meta WHERE key = ?", (key,))
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
        articles, passages = self.query("SELECT (SELECT count(*) FROM articles), (SELECT count(*) FROM passages)")[0]
        missing = self.query(f"SELECT count(*) {_MISSING}", (embedder,))[0][0]
        return Counts(articles=articles, passages=passages, vectors=passages - missing)

    def count_admitted(self, filters: Filters) -> tuple[int, int]:
        """How many (articles, passages) the filters admit; a reader counts once until the archive changes."""
        if self.writable:
            return self._count_admitted(filters)
        content = self.content_revision()
        if self._counted[0] != content:
            self._counted = (content, {})
        counted = self._counted[1]
        if filters not in counted:
            counted[filters] = self._count_admitted(filters)
        return counted[filters]

    def find_days(self, filters: Filters) -> tuple[int, int] | None:
        """First and last day of publication (YYYYMMDD) among the articles that the filters admit; None without any."""
        key = filters.publisher_key
        first, last = self.query(
            "SELECT min(published), max(published) FROM articles"
            " WHERE published BETWEEN ? AND ? AND (? IS NULL OR publisher_key = ?)",
            (max(filters.first_day, 1), filters.last_day, key, key),
        )[0]
        return (first, last) if first else None

    def publishers(self) -> list[str]:
        """Every publisher by its name, in order."""
        rows = self.query("SELECT DISTINCT publisher FROM articles WHERE publisher IS NOT NULL ORDER BY publisher")
        return [name for (name,) in rows]

    def articles(self) -> Iterator[Article]:
        """Every article, by source."""
        for row in self.connection().execute(f"SELECT {ARTICLE_COLUMNS} FROM articles ORDER BY source"):
            yield make_article(row)

    def article(self, article_id: str) -> Article | None:
        """The article with this id, or None."""
        rows = self.query(f"SELECT {ARTICLE_COLUMNS} FROM articles WHERE id = ?", (article_id,))
        return make_article(rows[0]) if rows else None

    def find_ids(self, prefix: str) -> list[str]:
        """The ids that begin with `prefix`, in order."""
        rows = self.query("SELECT id FROM articles WHERE substr(id, 1, ?) = ? ORDER BY id", (len(prefix), prefix))
        return [row[0] for row in rows]

    def article_passages(self, article_id: str) -> list[Passage]:
        """The passages of an article in the order of its text."""
        article = self.article(article_id)
        if article is None:
            return []
        rows = self.query("SELECT id, start, end FROM passages WHERE article_id = ? ORDER BY start", (article_id,))
        return [Passage(id_, article_id, start, end, article.text[start:end]) for id_, start, end in rows]

    def passages(self, ids: Sequence[str]) -> dict[str, tuple[Passage, Article]]:
        """Passages by id with their articles; an unknown id is left out."""
        places = [
            row
            for batch in _batches(ids)
            for row in self.query(
                f"SELECT id, article_id, start, end FROM passages WHERE id IN ({_marks(batch)})", batch
            )
        ]
        articles = self._articles_by_id({row[1] for row in places})
        return {
            id_: (Passage(id_, article_id, start, end, articles[article_id].text[start:end]), articles[article_id])
            for id_, article_id, start, end in places
            if article_id in articles
        }

    def passage_days(self, ids: Sequence[str]) -> dict[str, date | None]:
        """The day of publication of each passage's article by the passage's id; an unknown id is left out."""
        sql = "SELECT p.id, a.published FROM passages p JOIN articles a ON a.id = p.article_id WHERE p.id IN"
        rows = [row for batch in _batches(ids) for row in self.query(f"{sql} ({_marks(batch)})", batch)]
        return {id_: make_date(day) for id_, day in rows}

    def vector_rows(self, embedder: str) -> VectorRows:
        """The vectors of all passages that have one, in the order of their ids."""
        import numpy as np

        ids: list[str] = []
        days: list[int] = []
        publishers: list[str | None] = []
        vectors = bytearray()  # not a list of them, which would take as much memory once more
        for id_, day, publisher, vector in self.rows(
            "SELECT p.id, a.published, a.publisher_key, v.vector FROM passages p JOIN articles a ON a.id = p.article_id"
            " JOIN vectors v ON v.embedder = ? AND v.text_hash = p.text_hash ORDER BY p.id",
            (embedder,),
        ):
            ids.append(id_)
            days.append(day)
            publishers.append(publisher)
            vectors += vector
        flat = np.frombuffer(vectors, dtype=np.float32)
        return VectorRows(
            ids=ids,
            days=np.array(days, dtype=np.int32),
            publishers=publishers,
            matrix=flat.reshape(len(ids), -1) if ids else flat.reshape(0, 0),
        )

    def missing_vectors(self, embedder: str) -> list[str]:
        """Ids of passages without a vector of this embedder, one for each distinct text, longest first."""
        rows = self.query(
            f"SELECT min(p.id), p.text_hash {_MISSING} GROUP BY 2 ORDER BY max(p.end - p.start) DESC, 1", (embedder,)
        )
        return [id_ for id_, _ in rows]

    def count_languages(self) -> dict[str, int]:
        """How many articles there are by language, ISO 639-1; the unknown under an empty name."""
        return dict(self.query("SELECT coalesce(language, ''), count(*) FROM articles GROUP BY 1 ORDER BY 2 DESC, 1"))

    def articles_not_in_keywords(self) -> list[str]:
        """Ids of articles that the keyword index does not hold yet."""
        return [row[0] for row in self.query("SELECT id FROM articles WHERE in_keywords = 0 ORDER BY id")]

    def removed_articles(self) -> list[str]:
        """Ids of articles removed from the catalog that the derived indexes may still hold."""
        return [row[0] for row in self.query("SELECT article_id FROM removed ORDER BY article_id")]

    def files(self) -> dict[str, tuple[int, int]]:
        """Files kept in step, by path: (size in bytes, time of change in ns)."""
        return {path: (size, time) for path, size, time in self.query("SELECT path, size, modified_ns FROM files")}

    # writing

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything inside is committed together or not at all; grows the revision.

        Raises:
            ArchiveReadOnly: the catalog may not be written.
            StoreError: SQLite refused, for example because the disk is full.
        """
        connection = self.connection()
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
            raise self.wrap(error) from error

    def set_meta(self, key: str, value: str) -> None:
        """Keep a value under a key; inside `transaction`."""
        self.connection().execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    def put_article(self, article: Article, passages: Sequence[Passage]) -> None:
        """Store an article with its passages in place of the one with the same id; inside `transaction`."""
        self._content_changed()
        execute = self.connection().execute
        execute("DELETE FROM articles WHERE id = ?", (article.id,))
        execute("DELETE FROM removed WHERE article_id = ?", (article.id,))
        execute(
            f"INSERT INTO articles ({ARTICLE_COLUMNS}, publisher_key) VALUES ({_marks(range(12))})", make_row(article)
        )
        self.connection().executemany(
            "INSERT INTO passages VALUES (?, ?, ?, ?, ?)",
            [(p.id, p.article_id, p.start, p.end, hash_text(index_text(article, p))) for p in passages],
        )

    def remove_articles(self, ids: Sequence[str]) -> None:
        """Delete articles, their passages, and vectors no other passage uses; inside `transaction`."""
        self._content_changed()
        for batch in _batches(ids):
            self.connection().execute(f"DELETE FROM articles WHERE id IN ({_marks(batch)})", batch)
        self.connection().executemany("INSERT OR IGNORE INTO removed VALUES (?)", [(id_,) for id_ in ids])
        self.drop_unused_vectors()

    def drop_unused_vectors(self) -> None:
        """Delete vectors of texts that no passage holds any more; inside `transaction`."""
        self.connection().execute("DELETE FROM vectors WHERE text_hash NOT IN (SELECT text_hash FROM passages)")

    def put_vectors(self, embedder: str, ids: Sequence[str], vectors: NDArray[np.float32]) -> None:
        """Keep the vector of each passage under (embedder, text hash); inside `transaction`."""
        self._content_changed()
        self.connection().executemany(
            "INSERT OR REPLACE INTO vectors SELECT ?, text_hash, ? FROM passages WHERE id = ?",
            [(embedder, vector.tobytes(), id_) for id_, vector in zip(ids, vectors, strict=True)],
        )

    def mark_in_keywords(self, ids: Iterable[str]) -> None:
        """Note that the keyword index holds these articles; inside `transaction`."""
        self.connection().executemany("UPDATE articles SET in_keywords = 1 WHERE id = ?", [(id_,) for id_ in ids])

    def forget_keywords(self) -> None:
        """Note that the keyword index holds no article; inside `transaction`."""
        self.connection().execute("UPDATE articles SET in_keywords = 0")

    def forget_removed(self, ids: Iterable[str]) -> None:
        """Note that the derived indexes no longer hold these articles; inside `transaction`."""
        self.connection().executemany("DELETE FROM removed WHERE article_id = ?", [(id_,) for id_ in ids])

    def put_files(self, files: dict[str, tuple[int, int]]) -> None:
        """Note size in bytes and time of change in ns of files kept in step; inside `transaction`."""
        rows = [(path, size, time) for path, (size, time) in files.items()]
        self.connection().executemany("INSERT OR REPLACE INTO files VALUES (?, ?, ?)", rows)

    def flush(self) -> None:
        """Fold the write-ahead log into the file and leave it empty, so that nothing deleted stays in it."""
        self.query("PRAGMA wal_checkpoint(TRUNCATE)")

    # connections

    def _count_admitted(self, filters: Filters) -> tuple[int, int]:
        dated = "" if filters.needs_date else "OR published = 0"
        admitted = f"FROM articles a WHERE (published BETWEEN ? AND ? {dated}) AND (? IS NULL OR publisher_key = ?)"
        key = filters.publisher_key
        values = (max(filters.first_day, 1), filters.last_day, key, key)
        passages = f"SELECT count(*) FROM passages p WHERE p.article_id IN (SELECT id {admitted})"
        articles, held = self.query(f"SELECT (SELECT count(*) {admitted}), ({passages})", values * 2)[0]
        return articles, held

    def _articles_by_id(self, ids: Iterable[str]) -> dict[str, Article]:
        wanted = sorted(ids)
        return {
            row[0]: make_article(row)
            for batch in _batches(wanted)
            for row in self.query(f"SELECT {ARTICLE_COLUMNS} FROM articles WHERE id IN ({_marks(batch)})", batch)
        }

    def _content_changed(self) -> None:
        self.set_meta("content", str(self.revision() + 1))

    def _check_schema(self) -> None:
        version = self.query("PRAGMA user_version")[0][0]
        if version > SCHEMA_VERSION:
            raise ArchiveTooNew(
                f"{self.path} was written by a newer version (schema {version}, this one knows {SCHEMA_VERSION})."
                " Update onrecord."
            )
        if version == 0 and (not self.writable or self.query("SELECT 1 FROM sqlite_master")):
            raise StoreError(f"{self.path} is not an archive's catalog. Add articles with: qa add SOURCE")
        if version == 0:
            self._migrate(SCHEMA, SCHEMA_VERSION)
        elif self.writable:  # an older one is read as it is
            for older in range(version, SCHEMA_VERSION):
                self._migrate(MIGRATIONS[older], older + 1)

    def _migrate(self, statements: str, version: int) -> None:
        with self.transaction():
            for statement in statements.split(";"):
                self.connection().execute(statement)
            self.connection().execute(f"PRAGMA user_version = {version}")


_MISSING = (
    "FROM passages p WHERE NOT EXISTS (SELECT 1 FROM vectors v WHERE v.embedder = ? AND v.text_hash = p.text_hash)"
)


def _marks(values: Sequence[object]) -> str:
    return ",".join("?" * len(values))


def _batches(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for at in range(0, len(ids), _BATCH):
        yield ids[at : at + _BATCH]
