"""What a search must beat: the same passages by their words alone, by their vectors alone, by both with plain fusion.

They look in the indexes directly, so that no step of `qa.retrieve` that comes after fusion is in them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from qa.articles import Filters
from qa.catalog import Catalog
from qa.embed import Embedder, embed_checked
from qa.exact import ExactIndex, ScoredId, make_exact
from qa.keywords import KeywordIndex
from qa.retrieve import Hit, fuse_ranks
from qa.store import Store

POOL = 100  # passages that each side gives to the fusion


@dataclass(frozen=True)
class Baselines:
    """The indexes of one store, opened; every vector is compared, however many there are."""

    catalog: Catalog
    keywords: KeywordIndex
    exact: ExactIndex
    embedder: Embedder

    def bm25(self, question: str, filters: Filters, limit: int) -> list[Hit]:
        """Passages by BM25."""
        return self._fetch(self.keywords.search(question, limit=limit, filters=filters))

    def vectors(self, question: str, filters: Filters, limit: int) -> list[Hit]:
        """Passages by cosine similarity to the question."""
        return self._fetch(self._nearest(question, filters, limit))

    def rrf(self, question: str, filters: Filters, limit: int) -> list[Hit]:
        """The first 100 of each by reciprocal-rank fusion (Cormack et al. 2009, k = 60)."""
        words = self.keywords.search(question, limit=POOL, filters=filters)
        nearest = self._nearest(question, filters, POOL)
        return self._fetch(fuse_ranks([id_ for id_, _ in words], [id_ for id_, _ in nearest])[:limit])

    def close(self) -> None:
        """Release the files."""
        self.catalog.close()

    def _nearest(self, question: str, filters: Filters, limit: int) -> list[ScoredId]:
        query = embed_checked(self.embedder, [question])[0]
        return self.exact.search(query, limit=limit, filters=filters)

    def _fetch(self, scored: Sequence[ScoredId]) -> list[Hit]:
        found = self.catalog.passages([id_ for id_, _ in scored])
        return [Hit(found[id_][1], found[id_][0], score) for id_, score in scored if id_ in found]


def open_baselines(store: Store, embedder: Embedder) -> Baselines:
    """The baselines on a store that is filled.

    Raises:
        StoreError: an index is missing or cannot be read.
    """
    catalog = Catalog(store.catalog)
    keywords = KeywordIndex(store.generation("keywords", str(store.current().keywords)))
    return Baselines(catalog, keywords, make_exact(catalog.vector_rows(embedder.id)), embedder)
