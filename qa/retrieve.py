"""Question to ranked hits: BM25 and vectors, filtered first, fused by reciprocal rank, weighed by their days."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Literal

from qa.articles import Article, Filters, Passage
from qa.catalog import Catalog
from qa.copies import collapse
from qa.copy_groups import find_groups
from qa.embed import Embedder, embed_checked
from qa.errors import StoreError
from qa.exact import ExactIndex, make_exact
from qa.keywords import KeywordIndex
from qa.settings import Recipe
from qa.store import Current, Store
from qa.vectors import VectorIndex, read_state
from qa.window import Timing

_log = logging.getLogger("qa")

Indexes = Literal["both", "words", "vectors"]  # what a search looks in

_POOL = 100  # hits taken from each index
_READ_BELOW = 50_000  # vectors, read in 0.3 s, of an archive to which is being added
_RRF_K = 60  # Cormack, Clarke and Büttcher 2009


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage found for a question, with its article; a higher score is better.

    `copies` are other articles whose passages say no more than this one and were found, too.
    """

    article: Article
    passage: Passage
    score: float
    copies: tuple[Article, ...] = ()


class Retriever:
    """Searches one store. Safe to share between threads; sees what others wrote at the next question."""

    def __init__(self, store: Store, recipe: Recipe, embedder: Embedder) -> None:
        """Open the store for reading.

        Raises:
            StoreError: there is no catalog, or it cannot be read.
        """
        self.catalog = Catalog(store.catalog)
        self.embedder = embedder
        self._store = store
        self._recipe = recipe
        self._lock = Lock()
        self._current = Current()
        self._revision = self._content = -1
        self._keywords: KeywordIndex | None = None
        self._exact: ExactIndex | None = None
        self._vectors: VectorIndex | None = None

    def close(self) -> None:
        """Release every file; the next question opens what it needs."""
        self.catalog.close()
        self._close_vectors()
        self._revision = self._content = -1

    def search(
        self,
        question: str,
        *,
        limit: int,
        filters: Filters,
        indexes: Indexes = "both",
        timing: Timing | None = None,
    ) -> list[Hit]:
        """Passages for a question, best first, at most `limit`; by words or vectors alone for comparison.

        The score is the reciprocal-rank sum (k = 60); over both indexes it counts as often as `timing` says for the
        article's day. Ties go to the better keyword rank, then by passage id, so that equal input gives equal output.
        What copies of one story say again is left out.

        Raises:
            EmbedderMismatch: the vectors were made by another embedder.
            StoreError: an index cannot be read.
        """
        with self._lock:
            self._refresh()
            words = self._search_words(question, filters) if indexes != "vectors" else []
            nearest = self._search_vectors(question, filters) if indexes != "words" else []
        fused = fuse_ranks([id_ for id_, _ in words], [id_ for id_, _ in nearest])
        if timing is not None and indexes == "both":
            fused = self._weigh_days(fused, timing)
        found = self.catalog.passages([id_ for id_, _ in fused])
        hits = [Hit(found[id_][1], found[id_][0], score) for id_, score in fused if id_ in found]
        return collapse(hits, self.group_of([hit.article.id for hit in hits]))[:limit]

    def group_of(self, ids: Sequence[str]) -> dict[str, str]:
        """The group of each of these articles that has copies, by article id."""
        return find_groups(self.catalog, ids)

    def term_weight(self, term: str) -> float:
        """Inverse document frequency of an analysed term over the passages (the BM25 form), at least 0."""
        with self._lock:
            if self._keywords is None:
                return 1.0
            return _idf(self._keywords.document_frequency(term), self._keywords.count())

    def _weigh_days(self, scored: Sequence[tuple[str, float]], timing: Timing) -> list[tuple[str, float]]:
        """The scores by what the article's day is worth, best first; equal ones stay in their order."""
        days = self.catalog.passage_days([id_ for id_, _ in scored])
        weighed = [(id_, score * timing.weigh(days[id_])) for id_, score in scored if id_ in days]
        return sorted(weighed, key=lambda pair: -pair[1])

    def _search_words(self, question: str, filters: Filters) -> list[tuple[str, float]]:
        return self._keywords.search(question, limit=_POOL, filters=filters) if self._keywords else []

    def _search_vectors(self, question: str, filters: Filters) -> list[tuple[str, float]]:
        if self._exact is None and self._vectors is None:
            return []
        query = embed_checked(self.embedder, [question])[0]
        if self._vectors is not None:
            try:
                return self._vectors.search(query, limit=_POOL, filters=filters)
            except StoreError as error:
                self._compare_all(error)
        assert self._exact is not None
        return self._exact.search(query, limit=_POOL, filters=filters)

    def _refresh(self) -> None:
        """Look at the pointer and the catalog's revision; reopen what has changed.

        Raises:
            StoreError: an index in use cannot be opened.
        """
        current, revision, content = self._store.current(), self.catalog.revision(), self.catalog.content_revision()
        if (current, revision) == (self._current, self._revision):
            return
        self.catalog.check_embedder(self.embedder.id)
        try:
            self._open_keywords(current)
        except StoreError:
            if self._store.current() == current:
                raise
            self._refresh()  # a writer has switched to a new generation, and deleted this one, meanwhile
            return
        if (current.vectors, content) != (self._current.vectors, self._content):
            self._open_vectors(current, content)
        self._current, self._revision, self._content = current, revision, content

    def _open_keywords(self, current: Current) -> None:
        if current.keywords is None:
            self._keywords = None
        elif current.keywords != self._current.keywords or self._keywords is None:
            self._keywords = KeywordIndex(self._store.generation("keywords", current.keywords))
        else:
            self._keywords.refresh()

    def _open_vectors(self, current: Current, content: int) -> None:
        self._close_vectors()
        folder = self._store.generation("vectors", current.vectors) if current.vectors else None
        if folder is None or self._lags(folder, content):
            self._read_vectors()
            return
        try:
            self._vectors = VectorIndex(folder, exact_below=self._recipe.exact_below)
        except StoreError as error:
            self._compare_all(error)

    def _lags(self, generation: Path, content: int) -> bool:
        """Whether the catalog has other vectors than a generation and must, or may quickly, be read instead."""
        made_by, revision = read_state(generation) or (self.embedder.id, content)
        if made_by != self.embedder.id:
            return True
        return revision != content and self.catalog.count_admitted(Filters())[1] <= _READ_BELOW

    def _compare_all(self, error: StoreError) -> None:
        """Go on without the generation."""
        _log.warning("Every vector is compared instead: %s", error)
        self._close_vectors()
        self._read_vectors()

    def _read_vectors(self) -> None:
        rows = self.catalog.vector_rows(self.embedder.id)
        self._exact = make_exact(rows) if rows.ids else None

    def _close_vectors(self) -> None:
        if self._vectors is not None:
            self._vectors.close()
        self._vectors = None
        self._exact = None


def fuse_ranks(*rankings: Sequence[str]) -> list[tuple[str, float]]:
    """Fuse rankings by the sum of 1 / (60 + rank) (Cormack et al. 2009), best first; ties as in the first ranking."""
    scores: defaultdict[str, float] = defaultdict(float)
    for ranking in rankings:
        for rank, id_ in enumerate(ranking, start=1):
            scores[id_] += 1 / (_RRF_K + rank)
    first = {id_: place for place, id_ in enumerate(rankings[0])} if rankings else {}
    return sorted(scores.items(), key=lambda pair: (-pair[1], first.get(pair[0], len(first)), pair[0]))


def _idf(frequency: int, total: int) -> float:
    from math import log

    return log(1 + (total - frequency + 0.5) / (frequency + 0.5))
