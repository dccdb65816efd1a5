"""What an archive tells of itself: what an addition did, and how much there is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AddReport:
    """What an addition did: article ids, and (source, reason) for what was skipped."""

    added: tuple[str, ...]
    updated: tuple[str, ...]
    unchanged: tuple[str, ...]
    skipped: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Status:
    """The state of an archive; `vectors` counts the passages that have one, so the rest is still to embed."""

    workspace: str
    articles: int
    passages: int
    vectors: int
    embedder: str
    model: str | None
    languages: Mapping[str, int]
    store_bytes: int
