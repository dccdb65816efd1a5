"""The usual pipeline, as a baseline: chunks of 1,000 characters with 200 overlap, their vectors, the nearest by cosine.

Texts are cut as LangChain's `RecursiveCharacterTextSplitter` cuts them. A chunk is embedded without title or date.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from qa.articles import Article, Filters, Passage, hash_text
from qa.catalog import Catalog
from qa.embed import Embedder, embed_checked
from qa.exact import make_exact
from qa.retrieve import Hit
from qa.split import Span
from qa.sync import OnProgress, Progress

CHUNK_CHARS, OVERLAP_CHARS = 1_000, 200

_SEPARATORS = ("\n\n", "\n", ". ", " ", "")
_ARTICLES_AT_ONCE = 500  # a commit
_CHUNKS_AT_ONCE = 128  # embedded in a commit


def split_chunks(text: str, *, size: int = CHUNK_CHARS, overlap: int = OVERLAP_CHARS) -> list[Span]:
    """Cut a text into chunks of at most `size` characters that share up to `overlap`, without white space around.

    At the first of blank lines, line breaks, sentence ends, spaces that the text has; what is still longer is cut at
    the next of these, or anywhere. A separator stays at the beginning of what follows it.
    """
    stripped = (_strip(text, span) for span in _split(text, (0, len(text)), _SEPARATORS, (size, overlap)))
    return [span for span in stripped if span[0] < span[1]]


@dataclass(frozen=True)
class Pipeline:
    """The chunks of an archive's articles with their vectors, in a catalog of their own."""

    catalog: Catalog
    embedder: Embedder

    def open_search(self) -> PipelineSearch:
        """Read the vectors into memory."""
        return PipelineSearch(self)

    def fill(self, articles: Iterable[Article], on_progress: OnProgress | None = None) -> None:
        """Cut and embed the articles; what is there already is left as it is, and what was interrupted goes on."""
        known = {article.id for article in self.catalog.articles()}
        new = [article for article in articles if article.id not in known]
        for at in range(0, len(new), _ARTICLES_AT_ONCE):
            with self.catalog.transaction():
                for article in new[at : at + _ARTICLES_AT_ONCE]:
                    self.catalog.put_article(article, _make_chunks(article))
        missing = self.catalog.missing_vectors(self.embedder.id)
        for at in range(0, len(missing), _CHUNKS_AT_ONCE):
            if on_progress:
                on_progress(Progress("embedding the pipeline's chunks", at, len(missing)))
            self._embed(missing[at : at + _CHUNKS_AT_ONCE])

    def _embed(self, ids: Sequence[str]) -> None:
        found = self.catalog.passages(ids)
        vectors = embed_checked(self.embedder, [found[id_][0].text for id_ in ids])
        with self.catalog.transaction():
            self.catalog.put_vectors(self.embedder.id, ids, vectors)


class PipelineSearch:
    """Searches the chunks of a pipeline: a callable as `qa.retrieval.Search`."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._catalog, self._embedder = pipeline.catalog, pipeline.embedder
        self._exact = make_exact(pipeline.catalog.vector_rows(pipeline.embedder.id))

    def __call__(self, question: str, filters: Filters, limit: int) -> list[Hit]:
        """The chunks nearest to the question by cosine similarity."""
        query = embed_checked(self._embedder, [question])[0]
        scored = self._exact.search(query, limit=limit, filters=filters)
        found = self._catalog.passages([id_ for id_, _ in scored])
        return [Hit(found[id_][1], found[id_][0], score) for id_, score in scored if id_ in found]


def open_pipeline(file: Path, embedder: Embedder, *, writable: bool = False) -> Pipeline:
    """The pipeline whose catalog is this file, which is made when it is missing and `writable`.

    Raises:
        StoreError: it is missing or is no catalog.
    """
    return Pipeline(Catalog(file, writable=writable), embedder)


def _make_chunks(article: Article) -> list[Passage]:
    return [
        Passage(hash_text(f"{article.id}:{start}:{end}")[:16], article.id, start, end, article.text[start:end])
        for start, end in split_chunks(article.text)
    ]


def _split(text: str, span: Span, separators: Sequence[str], sizes: tuple[int, int]) -> list[Span]:
    start, end = span
    place = next(n for n, separator in enumerate(separators) if text.find(separator, start, end) >= 0)
    later = separators[place + 1 :]
    chunks: list[Span] = []
    short: list[Span] = []
    for piece in _pieces(text, span, separators[place]):
        if piece[1] - piece[0] < sizes[0]:
            short.append(piece)
            continue
        chunks += _merge(short, sizes)
        chunks += _split(text, piece, later, sizes) if later else [piece]
        short = []
    return chunks + _merge(short, sizes)


def _pieces(text: str, span: Span, separator: str) -> list[Span]:
    """The parts of a span between separators, each of which begins the part after it."""
    start, end = span
    if not separator:
        return [(at, at + 1) for at in range(start, end)]
    found = re.compile(re.escape(separator)).finditer(text, start, end)
    bounds = [start, *(match.start() for match in found if match.start() > start), end]
    return [(a, b) for a, b in pairwise(bounds) if a < b]


def _merge(pieces: Sequence[Span], sizes: tuple[int, int]) -> list[Span]:
    """Contiguous pieces joined into chunks, of which each begins with as much of the one before as may overlap."""
    size, overlap = sizes
    chunks: list[Span] = []
    first = 0  # of the pieces in the chunk that is being made
    for n, (_, end) in enumerate(pieces):
        if first < n and end - pieces[first][0] > size:
            chunks.append((pieces[first][0], pieces[n - 1][1]))
            while first < n and (pieces[n - 1][1] - pieces[first][0] > overlap or end - pieces[first][0] > size):
                first += 1
    return [*chunks, (pieces[first][0], pieces[-1][1])] if pieces else []


def _strip(text: str, span: Span) -> Span:
    words = text[slice(*span)]
    start = span[0] + len(words) - len(words.lstrip())
    return start, start + len(words.strip())
