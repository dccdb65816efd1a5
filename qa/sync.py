"""Bring the store in step: articles into the catalog, keywords at once, vectors after. Resumable and idempotent.

Each step commits as it goes and starts from what the catalog says is missing, so a run that is
interrupted anywhere is finished by the next one, and nothing is embedded twice.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from qa.articles import Article, Passage, index_text
from qa.catalog import Catalog
from qa.copy_groups import CopyGroups
from qa.embed import Embedder, embed_checked
from qa.errors import StoreError
from qa.keywords import KeywordIndex
from qa.settings import Recipe
from qa.sources import Skipped
from qa.split import split_article
from qa.store import Store
from qa.vectors import build_index, read_state

_COMMIT_SECONDS = 1.0  # articles read within this time are committed together
_KEYWORD_BATCH = 500  # articles a commit of the keyword index
_EMBED_BATCH = 128  # passages a commit of vectors: two seconds of work or so


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a stage has come; `total` is None while it is not known. Units: articles, passages to embed, or cases.

    `note` says how it goes, such as a score so far.
    """

    stage: str
    done: int
    total: int | None = None
    note: str = ""


OnProgress = Callable[[Progress], None]


@dataclass(slots=True)
class Changes:
    """What an addition did, by article id; `skipped` holds (source, reason)."""

    added: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)


class Writer:
    """The one writer of a store. Made inside `Store.writing()`, used by one thread."""

    def __init__(self, store: Store, recipe: Recipe, embedder: Embedder, on_progress: OnProgress | None = None) -> None:
        """Open the catalog for writing, creating it when missing."""
        self._store = store
        self._recipe = recipe
        self._embedder = embedder
        self._report = on_progress or (lambda _progress: None)
        self.catalog = Catalog(store.catalog, writable=True)
        self._copies = CopyGroups(self.catalog)
        self.changes = Changes()

    def close(self) -> None:
        """Close the catalog."""
        self.catalog.close()

    def add(self, items: Iterable[Article | Skipped]) -> None:
        """Store articles and index their words; what an article with the same id said before is replaced."""
        pending: list[Article] = []
        committed = time.monotonic()
        for item in items:
            if isinstance(item, Skipped):
                self.changes.skipped.append((item.source, item.reason))
                continue
            pending.append(item)
            if time.monotonic() - committed > _COMMIT_SECONDS:
                self._commit(pending)
                pending, committed = [], time.monotonic()
        self._commit(pending)

    def finish(self) -> None:
        """Do what is still to do: index words, embed passages, build and switch the vector index."""
        self._cut_anew()
        if removed := self.catalog.removed_articles():  # a removal was interrupted
            self._erase(removed)
        self._copies.fill(lambda done, total: self._report(Progress("finding copies", done, total)))
        self.index_keywords()
        self.embed_passages()
        self.build_vectors()

    def remove(self, ids: Sequence[str]) -> None:
        """Delete articles and make the derived indexes anew without them, so that no file keeps their words."""
        with self.catalog.transaction():
            self._copies.drop(ids)
            self.catalog.remove_articles(ids)
        self._erase(ids)

    def index_keywords(self) -> None:
        """Give the keyword index what it lacks."""
        if self._store.current().keywords is None or not self._keywords_open():
            self._rebuild_keywords()
            return
        removed, missing = self.catalog.removed_articles(), self.catalog.articles_not_in_keywords()
        if removed or missing:
            index = KeywordIndex(self._store.generation("keywords", str(self._store.current().keywords)))
            self._fill_keywords(index, missing, removed)

    def embed_passages(self) -> None:
        """Embed the passages that have no vector yet, in batches, each committed by itself."""
        missing = self.catalog.missing_vectors(self._embedder.id)
        total = len(missing)
        for at in range(0, total, _EMBED_BATCH):
            self._report(Progress("embedding", at, total))
            self._embed(missing[at : at + _EMBED_BATCH])
        if total:
            self._report(Progress("embedding", total, total))
        if total or self.changes.updated:
            with self.catalog.transaction():
                self.catalog.drop_unused_vectors()
        if self.catalog.get_meta("embedder") != self._embedder.id:
            with self.catalog.transaction():
                self.catalog.set_meta("embedder", self._embedder.id)

    def build_vectors(self) -> None:
        """Build and switch to a new generation of the vector index, unless the present one is in step."""
        name = self._store.current().vectors
        folder = self._store.generation("vectors", name) if name else None
        state = read_state(folder) if folder else None
        if state != (self._embedder.id, self.catalog.content_revision()):
            same_embedder = state is not None and state[0] == self._embedder.id
            self._switch_vectors(previous=folder if same_embedder else None)

    def _commit(self, articles: Sequence[Article]) -> None:
        if not articles:
            return
        known = {article.id: article for article in map(self.catalog.article, (a.id for a in articles)) if article}
        with self.catalog.transaction():
            for article in {article.id: article for article in articles}.values():
                self._put(article, known.get(article.id))
        c = self.changes
        self._report(Progress("reading", len(c.added) + len(c.updated) + len(c.unchanged)))
        if len(self.catalog.articles_not_in_keywords()) >= _KEYWORD_BATCH:
            self.index_keywords()

    def _put(self, article: Article, known: Article | None) -> None:
        if article == known:
            self.changes.unchanged.append(article.id)
            return
        if known:
            self._copies.drop([article.id])
        self.catalog.put_article(article, split_article(article, budget_tokens=self._recipe.budget_tokens))
        self._copies.put(article)
        (self.changes.updated if known else self.changes.added).append(article.id)

    def _embed(self, ids: Sequence[str]) -> None:
        found = self.catalog.passages(ids)
        present = [id_ for id_ in ids if id_ in found]
        texts = [index_text(article, passage) for passage, article in (found[id_] for id_ in present)]
        vectors = embed_checked(self._embedder, texts)
        with self.catalog.transaction():
            self.catalog.put_vectors(self._embedder.id, present, vectors)

    def _cut_anew(self) -> None:
        """Cut every article again if the recipe's budget is no longer the one they were cut with."""
        known, budget = self.catalog.get_meta("budget_tokens"), str(self._recipe.budget_tokens)
        if known == budget:
            return
        with self.catalog.transaction():
            for article in list(self.catalog.articles()) if known else []:
                self.catalog.put_article(article, split_article(article, budget_tokens=self._recipe.budget_tokens))
            self.catalog.set_meta("budget_tokens", budget)

    def _erase(self, ids: Sequence[str]) -> None:
        self._rebuild_keywords()
        self._switch_vectors(previous=None)
        with self.catalog.transaction():
            self.catalog.forget_removed(ids)
        self.catalog.flush()

    def _keywords_open(self) -> bool:
        try:
            KeywordIndex(self._store.generation("keywords", str(self._store.current().keywords)))
        except StoreError:
            return False
        return True

    def _rebuild_keywords(self) -> None:
        name = self._store.new_generation("keywords")
        with self.catalog.transaction():
            self.catalog.forget_keywords()
        missing = self.catalog.articles_not_in_keywords()
        index = KeywordIndex(self._store.generation("keywords", name), create=True)
        index.add(self._with_passages(missing))
        self._store.switch("keywords", name)
        with self.catalog.transaction():  # last: interrupted before, they are indexed once more and none is forgotten
            self.catalog.mark_in_keywords(missing)

    def _fill_keywords(self, index: KeywordIndex, missing: Sequence[str], removed: Sequence[str]) -> None:
        index.add(self._with_passages(missing), removed=removed)
        with self.catalog.transaction():
            self.catalog.mark_in_keywords(missing)

    def _with_passages(self, ids: Sequence[str]) -> Iterator[tuple[Article, list[Passage]]]:
        for id_ in ids:
            article = self.catalog.article(id_)
            if article is not None:
                yield article, self.catalog.article_passages(id_)

    def _switch_vectors(self, *, previous: Path | None) -> None:
        rows = self.catalog.vector_rows(self._embedder.id)
        name = self._store.new_generation("vectors")
        folder = self._store.generation("vectors", name)
        self._report(Progress("building the vector index", 0, len(rows.ids)))
        try:
            build_index(
                folder, rows, embedder=self._embedder.id, revision=self.catalog.content_revision(), previous=previous
            )
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        self._store.switch("vectors", name)
        self._report(Progress("building the vector index", len(rows.ids), len(rows.ids)))
