"""Archives of any size for measuring: passages of real news as they are, then as many as are wanted made of them.

A made passage is random sentences of real articles, with the vector of a random real passage moved by a random vector
of a given length and normalised: to embed 500,000 passages takes hours.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import count
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import qa
from qa.articles import Article, Passage, hash_text, make_article_id
from qa.catalog import Catalog
from qa.embed import MiniLM
from qa.gold import read_gold
from qa.schema import VectorRows
from qa.settings import load_recipe
from qa.split import find_sentences
from qa.store import Store
from qa.sync import Progress, Writer

ROOT = Path(__file__).parents[2]
RECIPE = load_recipe(ROOT / "index" / "recipe.toml")
_PASSAGE_CHARACTERS = 550  # as long as 128 tokens of news
_ARTICLE_PASSAGES = 18
_DAYS = 1_000  # over which made articles are spread
_ARTICLES_AT_ONCE = 1_000

Made = tuple[Article, Sequence[Passage], NDArray[np.float32]]


@dataclass(frozen=True)
class Real:
    """Articles with their passages and vectors, and questions about them."""

    articles: tuple[tuple[Article, tuple[Passage, ...]], ...]
    vectors: NDArray[np.float32]  # of the passages in this order
    questions: tuple[str, ...]

    def rows(self) -> VectorRows:
        """The vectors as the index takes them, without days."""
        ids = [passage.id for _, passages in self.articles for passage in passages]
        return VectorRows(ids, np.zeros(len(ids), np.int32), [None] * len(ids), self.vectors)


def make_real(work: Path) -> Path:
    """A workspace with the shipped articles, embedded."""
    root = work / "shipped"
    with qa.open(root, reader=False) as archive:
        archive.add([ROOT / "index" / "articles", ROOT / "eval" / "archives" / "newswire"], on_progress=tell)
    return root


def read_real(root: Path) -> Real:
    """The articles, vectors and questions of a workspace; nothing is written there."""
    with closing(Catalog(Store(root / "index" / "store").catalog)) as catalog:
        rows = catalog.vector_rows(MiniLM.id)
        place = {id_: i for i, id_ in enumerate(rows.ids)}
        articles = []
        for article in catalog.articles():
            passages = tuple(p for p in catalog.article_passages(article.id) if p.id in place)
            if passages:
                articles.append((article, passages))
    files = [root / "gold.jsonl"] if (root / "gold.jsonl").is_file() else _shipped_gold()
    questions = tuple(case.question for file in files for case in read_gold(file))
    order = [place[passage.id] for _, passages in articles for passage in passages]
    return Real(tuple(articles), rows.matrix[order], questions)


def _shipped_gold() -> list[Path]:
    return [ROOT / "eval" / "gold" / f"{name}.jsonl" for name in ("sample", "newswire")]


def build_archive(work: Path, real: Real, size: int, noise: float) -> Path:
    """The workspace of an archive of `size` passages, filled and indexed where that is not done yet."""
    root = work / f"archive-{size}-{noise}-{hash_text(str(len(real.vectors)))[:6]}"
    store = Store(root / "index" / "store")
    with store.writing():
        writer = Writer(store, RECIPE, MiniLM(), tell)
        with closing(writer):
            if writer.catalog.get_meta("embedder") is None:
                fill_catalog(writer.catalog, real, size, noise)
            writer.finish()
    return root


def fill_catalog(catalog: Catalog, real: Real, size: int, noise: float) -> None:
    """Put articles with their vectors into a catalog, `size` passages in all."""
    random = np.random.default_rng(size)
    with catalog.transaction():
        catalog.set_meta("budget_tokens", str(RECIPE.budget_tokens))
    done = 0
    for batch in _batches(_take(make_articles(real, random, noise), size)):
        with catalog.transaction():
            for article, passages, _ in batch:
                catalog.put_article(article, passages)
            ids = [passage.id for _, passages, _ in batch for passage in passages]
            catalog.put_vectors(MiniLM.id, ids, np.vstack([vectors for _, _, vectors in batch]))
        done += len(ids)
        tell(Progress(f"passages stored: {done}", done))
    with catalog.transaction():
        catalog.set_meta("embedder", MiniLM.id)


def make_articles(real: Real, random: np.random.Generator, noise: float) -> Iterator[Made]:
    """The real articles, then made ones without end."""
    at = 0
    for article, passages in real.articles:
        yield article, passages, real.vectors[at : at + len(passages)]
        at += len(passages)
    sentences = [
        (article.text[start:end], article.title) for article, _ in real.articles for start, end in _sentences(article)
    ]
    for number in count(1):
        yield _make_article(number, sentences, real.vectors, random, noise)


def _sentences(article: Article) -> list[tuple[int, int]]:
    return find_sentences(article.text, language=article.language)


def _make_article(
    number: int,
    sentences: Sequence[tuple[str, str]],
    vectors: NDArray[np.float32],
    random: np.random.Generator,
    noise: float,
) -> Made:
    texts = []
    for _ in range(_ARTICLE_PASSAGES):
        text = ""
        while len(text) < _PASSAGE_CHARACTERS:
            text += sentences[random.integers(len(sentences))][0] + " "
        texts.append(text)
    source = f"made/{number}.md"
    text = "".join(texts)
    day = date(2022, 1, 1) + timedelta(days=int(random.integers(_DAYS)))
    title = sentences[random.integers(len(sentences))][1]
    article = Article(
        make_article_id(source), source, text, hash_text(text), title, published=day, publisher=f"Paper {number % 20}"
    )
    ends = np.cumsum([len(each) for each in texts]).tolist()
    passages = [
        Passage(hash_text(f"{source}:{end}")[:16], article.id, end - len(each), end, each)
        for each, end in zip(texts, ends, strict=True)
    ]
    return article, passages, move(vectors[random.integers(len(vectors), size=len(texts))], random, noise)


def move(vectors: NDArray[np.float32], random: np.random.Generator, noise: float) -> NDArray[np.float32]:
    """Vectors, each with a random vector of length `noise` added and normalised."""
    steps = random.standard_normal(vectors.shape, dtype=np.float32)
    moved = vectors + noise * steps / np.linalg.norm(steps, axis=1, keepdims=True)
    normalised: NDArray[np.float32] = moved / np.linalg.norm(moved, axis=1, keepdims=True)
    return normalised


def _take(made: Iterator[Made], size: int) -> Iterator[Made]:
    """The first articles with exactly so many passages in all."""
    left = size
    for article, passages, vectors in made:
        kept = passages[:left]
        yield article, kept, vectors[: len(kept)]
        left -= len(kept)
        if left <= 0:
            return


def _batches(made: Iterator[Made]) -> Iterator[list[Made]]:
    batch: list[Made] = []
    for each in made:
        batch.append(each)
        if len(batch) == _ARTICLES_AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch


class Stages:
    """Tells each stage once, on standard error."""

    def __init__(self) -> None:
        self._stage = ""

    def __call__(self, progress: Progress) -> None:
        if progress.stage != self._stage:
            self._stage = progress.stage
            print(f"{self._stage}: {progress.total or ''}", file=sys.stderr, flush=True)


tell = Stages()
