"""Which articles of an archive are copies of one another, kept in its catalog and brought in step article by article.

A group is a connected component: articles are in one where a chain of copies leads from each to each. Its name is the
smallest of their ids, so that groups follow from the articles alone, in whatever order they came.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from qa.articles import Article, Filters, Quote, day_number
from qa.catalog import Catalog
from qa.copies import SLOTS, Runs, algorithm, are_copies, find_candidates, holds_words, read_runs, sign

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_META = "copies"  # the algorithm that signatures and groups were made by
_BATCH = 500  # ids in one statement
_FILLED = 100  # articles a commit
_KEPT_TEXTS = 2_000  # read for comparison and kept: some 7 KB each
_MOST_READ = 100  # other articles of a group that are looked through for the words of one quote
_SHARED = "FROM copies GROUP BY group_id HAVING count(*) > 1"


class CopyGroups:
    """The groups of one archive, for its one writer. All that writes is called inside `Catalog.transaction`."""

    def __init__(self, catalog: Catalog) -> None:
        """Prepare; the signatures are read when an article is put, once: 512 bytes each."""
        self._catalog = catalog
        self._index: _Signatures | None = None
        self._texts: dict[str, Runs] = {}

    def put(self, article: Article) -> None:
        """Sign an article that was stored just now, and join it with its copies."""
        index = self._open()
        runs = self._texts[article.id] = read_runs(article.text)
        signature = sign(runs)
        joined: set[str] = set()
        for other in index.find(signature, len(runs.hashes)):
            group = index.group_of[other]
            if other != article.id and group not in joined and are_copies(runs, self._read(other)):
                joined.add(group)
        name = min(article.id, *joined) if joined else article.id
        for group in joined - {name}:
            self._catalog.query("UPDATE copies SET group_id = ? WHERE group_id = ?", (name, group))
            index.rename(group, name)
        row = (article.id, signature.tobytes(), len(runs.hashes), name)
        self._catalog.query("INSERT OR REPLACE INTO copies VALUES (?, ?, ?, ?)", row)
        index.add(article.id, signature, len(runs.hashes), name)

    def drop(self, ids: Sequence[str]) -> None:
        """Forget articles, before they are deleted or replaced, and part what only they held together."""
        if self._catalog.get_meta(_META) != algorithm():  # all is made anew by the next `put`
            return
        rows = _select(self._catalog, "SELECT article_id, group_id FROM copies WHERE article_id IN ({})", ids)
        for id_, _ in rows:
            self._catalog.query("DELETE FROM copies WHERE article_id = ?", (id_,))
            self._texts.pop(id_, None)
            if self._index is not None:
                self._index.remove(id_)
        for group in sorted({group for _, group in rows}):
            self._part(group)

    def missing(self) -> list[str]:
        """Ids of articles that are not in a group yet: those of an archive of an older version."""
        made = self._catalog.get_meta(_META) == algorithm()
        not_in = "WHERE id NOT IN (SELECT article_id FROM copies)" if made else ""
        return [row[0] for row in self._catalog.query(f"SELECT id FROM articles {not_in} ORDER BY id")]

    def fill(self, on_progress: Callable[[int, int], None]) -> None:
        """Put every article that is missing, in transactions of its own; told how many are done, of how many."""
        missing = self.missing()
        if missing:
            self._index = None  # rows may have been deleted together with their articles
        for at in range(0, len(missing), _FILLED):
            on_progress(at, len(missing))
            with self._catalog.transaction():
                for article in map(self._catalog.article, missing[at : at + _FILLED]):
                    if article is not None:
                        self.put(article)

    def _part(self, group: str) -> None:
        """Group the articles of what was one group anew."""
        members = self._catalog.query("SELECT article_id FROM copies WHERE group_id = ? ORDER BY 1", (group,))
        parts: list[list[str]] = []
        for (id_,) in members:
            apart = [part for part in parts if not any(self._linked(id_, other) for other in part)]
            joined = [id_, *(member for part in parts if part not in apart for member in part)]
            parts = [*apart, joined]
        for part in parts:
            name = min(part)
            for id_ in part:
                self._catalog.query("UPDATE copies SET group_id = ? WHERE article_id = ?", (name, id_))
                if self._index is not None:
                    self._index.group_of[id_] = name

    def _linked(self, one: str, other: str) -> bool:
        """Whether two articles are copies by the same steps as in `put`."""
        index = self._open()
        return index.may_be_copies(one, other) and are_copies(self._read(one), self._read(other))

    def _read(self, id_: str) -> Runs:
        if id_ not in self._texts:
            article = self._catalog.article(id_)
            while len(self._texts) >= _KEPT_TEXTS:
                del self._texts[next(iter(self._texts))]
            self._texts[id_] = read_runs(article.text if article else "")
        return self._texts[id_]

    def _open(self) -> _Signatures:
        if self._index is None:
            if self._catalog.get_meta(_META) != algorithm():
                self._catalog.query("DELETE FROM copies")
                self._catalog.set_meta(_META, algorithm())
            self._index = _Signatures(self._catalog.query("SELECT article_id, signature, size, group_id FROM copies"))
        return self._index


class _Signatures:
    """The signatures in memory, in rows that grow; a row that is no longer used has size 0."""

    def __init__(self, rows: Sequence[tuple[str, bytes, int, str]]) -> None:
        import numpy as np

        self.group_of = {id_: group for id_, _, _, group in rows}
        self._ids = [row[0] for row in rows]
        self._place = {id_: place for place, id_ in enumerate(self._ids)}
        flat = np.frombuffer(b"".join(row[1] for row in rows), dtype=np.uint32)
        self._matrix = flat.reshape(len(rows), SLOTS)
        self._sizes = np.array([row[2] for row in rows], dtype=np.int64)

    def find(self, signature: NDArray[np.uint32], size: int) -> Iterator[str]:
        used = len(self._ids)
        for place in find_candidates(self._matrix[:used], self._sizes[:used], signature, size):
            yield self._ids[place]

    def may_be_copies(self, one: str, other: str) -> bool:
        a, b = self._place[one], self._place[other]
        return bool(
            len(find_candidates(self._matrix[a : a + 1], self._sizes[a : a + 1], self._matrix[b], int(self._sizes[b])))
        )

    def add(self, id_: str, signature: NDArray[np.uint32], size: int, group: str) -> None:
        import numpy as np

        self.remove(id_)
        place = len(self._ids)
        if place == len(self._matrix):
            room = max(1024, place)
            self._matrix = np.concatenate([self._matrix, np.zeros((room, SLOTS), dtype=np.uint32)])
            self._sizes = np.concatenate([self._sizes, np.zeros(room, dtype=np.int64)])
        self._matrix[place], self._sizes[place] = signature, size
        self._ids.append(id_)
        self._place[id_] = place
        self.group_of[id_] = group

    def remove(self, id_: str) -> None:
        place = self._place.pop(id_, None)
        if place is not None:
            if not self._sizes.flags.writeable:
                self._sizes = self._sizes.copy()
            self._sizes[place] = 0
            del self.group_of[id_]

    def rename(self, group: str, name: str) -> None:
        for id_, known in self.group_of.items():
            if known == group:
                self.group_of[id_] = name


def find_groups(catalog: Catalog, ids: Sequence[str]) -> dict[str, str]:
    """The group of each of these articles that has copies, by article id."""
    if not _is_there(catalog):
        return {}
    shared = "EXISTS (SELECT 1 FROM copies o WHERE o.group_id = c.group_id AND o.article_id <> c.article_id)"
    sql = f"SELECT article_id, group_id FROM copies c WHERE article_id IN ({{}}) AND {shared}"
    return dict(_select(catalog, sql, sorted(set(ids))))


def find_copies(catalog: Catalog, article_id: str) -> list[str]:
    """The ids of the other articles of an article's group, in order."""
    if not _is_there(catalog):
        return []
    of_group = "SELECT group_id FROM copies WHERE article_id = ?"
    sql = f"SELECT article_id FROM copies WHERE group_id = ({of_group}) AND article_id <> ? ORDER BY 1"
    return [row[0] for row in catalog.query(sql, (article_id, article_id))]


def find_holders(catalog: Catalog, quote: Quote, filters: Filters) -> tuple[Article, ...]:
    """The other articles of a quote's group that filters admit and that hold its words, by date and id, at most 100."""
    others = map(catalog.article, find_copies(catalog, quote.article.id)[:_MOST_READ])
    found = [other for other in others if other and filters.admit(other) and holds_words(other, quote.text)]
    return tuple(sorted(found, key=_by_date))


def read_groups(catalog: Catalog) -> list[tuple[Article, ...]]:
    """Each group of two articles or more, by date and id, the undated first; groups by the first article of each."""
    if not _is_there(catalog):
        return []
    rows = catalog.query(
        f"SELECT group_id, article_id FROM copies WHERE group_id IN (SELECT group_id {_SHARED}) ORDER BY 1, 2"
    )
    groups = [[catalog.article(id_) for _, id_ in group] for _, group in groupby(rows, key=lambda row: row[0])]
    return sorted(
        (tuple(sorted(filter(None, group), key=_by_date)) for group in groups), key=lambda group: _by_date(group[0])
    )


def count_ungrouped(catalog: Catalog) -> int:
    """How many articles were not compared with the others yet, in an archive of an older version."""
    made = _is_there(catalog) and catalog.get_meta(_META) == algorithm()
    grouped = "(SELECT count(*) FROM copies)" if made else "0"
    return int(catalog.query(f"SELECT count(*) - {grouped} FROM articles")[0][0])


def _by_date(article: Article) -> tuple[int, str]:
    return day_number(article.published), article.id


def _is_there(catalog: Catalog) -> bool:
    return bool(catalog.query("SELECT 1 FROM sqlite_master WHERE name = 'copies'"))


def _select(catalog: Catalog, sql: str, ids: Sequence[str]) -> list[tuple[str, str]]:
    """The rows of a statement in which `{}` stands for a list of ids, however many these are."""
    rows: list[tuple[str, str]] = []
    for at in range(0, len(ids), _BATCH):
        batch = ids[at : at + _BATCH]
        rows += catalog.query(sql.format(",".join("?" * len(batch))), batch)
    return rows
