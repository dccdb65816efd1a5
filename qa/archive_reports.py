"""What an archive tells of itself: what an addition did, and how much there is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from qa.catalog import Catalog, Counts
from qa.copy_groups import count_ungrouped
from qa.store import Store


@dataclass(frozen=True, slots=True)
class AddReport:
    """What an addition did: article ids, and (source, reason) for what was skipped."""

    added: tuple[str, ...]
    updated: tuple[str, ...]
    unchanged: tuple[str, ...]
    skipped: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Status:
    """The state of an archive; `vectors` counts the passages that have one, so the rest is still to embed.

    `ungrouped` counts the articles that were not compared with the others yet, so that their copies are not known.
    """

    workspace: str
    articles: int
    passages: int
    vectors: int
    embedder: str
    model: str | None
    languages: Mapping[str, int]
    store_bytes: int
    ungrouped: int = 0


def count_status(root: Path, store: Store, catalog: Catalog | None, embedder: str, model: str | None) -> Status:
    """How much a store holds; `catalog` is None where there is none yet."""
    counts = catalog.counts(embedder) if catalog else Counts(0, 0, 0)
    return Status(
        workspace=str(root),
        articles=counts.articles,
        passages=counts.passages,
        vectors=counts.vectors,
        embedder=embedder,
        model=model,
        languages=catalog.count_languages() if catalog else {},
        store_bytes=sum(path.stat().st_size for path in store.folder.rglob("*") if path.is_file()),
        ungrouped=count_ungrouped(catalog) if catalog else 0,
    )
