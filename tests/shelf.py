"""Articles for the tests of the indexes, and what the filters promise of them in plain words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from qa.articles import Article, Filters, Passage, hash_text
from qa.split import split_article
from qa.testing import HashingEmbedder
from qa.text import fold

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def make(name: str, text: str = "Trade rose.", title: str = "News", **details) -> Article:
    return Article(id=name, source=f"{name}.md", text=text, sha256=hash_text(text), title=title, **details)


def cut(article: Article) -> list[Passage]:
    return split_article(article, budget_tokens=128)


def with_passages(*articles: Article) -> list[tuple[Article, list[Passage]]]:
    return [(article, cut(article)) for article in articles]


def owners(*articles: Article) -> dict[str, str]:
    """The article's id of each passage's id."""
    return {passage.id: article.id for article in articles for passage in cut(article)}


class CountingEmbedder(HashingEmbedder):
    """Counts what it is asked for, and is interrupted after a number of calls."""

    def __init__(self, *, interrupt_after: int | None = None, dimension: int = 128) -> None:
        super().__init__(dimension)
        self.texts: list[str] = []
        self.calls = 0
        self._interrupt_after = interrupt_after

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        if self.calls == self._interrupt_after:
            raise KeyboardInterrupt
        self.calls += 1
        self.texts += texts
        return super().embed(texts)


# an article for each day and publisher, and filters that fall among them

DAYS = [None, *(date(2022, 7, day) for day in range(1, 8))]
NAMES = [None, "BBC", "Le Monde"]
GRID = [make(f"g{i}-{j}", published=day, publisher=name) for i, day in enumerate(DAYS) for j, name in enumerate(NAMES)]
_BOUNDS = st.sampled_from([*DAYS, date(2022, 6, 30), date(2022, 7, 9)])
_PUBLISHERS = st.sampled_from([None, "bbc", "LE  MONDÉ", "Reuters"])
FILTERS = st.builds(Filters, _BOUNDS, _BOUNDS, _BOUNDS, _PUBLISHERS, st.booleans())


def admits(filters: Filters, article: Article) -> bool:
    day = article.published
    if day is None:
        in_time = not (filters.dated or filters.as_of)
    else:
        latest = [bound for bound in (filters.until, filters.as_of) if bound]
        in_time = (filters.since is None or filters.since <= day) and all(day <= bound for bound in latest)
    return in_time and (filters.publisher is None or fold(filters.publisher) == fold(article.publisher or ""))
