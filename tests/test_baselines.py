from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import date

import pytest
from small_data import CountingEmbedder, write_data

import qa
from qa.articles import Filters
from qa.baselines import Baselines, open_baselines
from qa.retrieve import fuse_ranks

QUESTION = "What did Ann pay for bread?"
MAY = Filters(as_of=date(2031, 5, 4))


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[qa.Archive]:
    data = write_data(tmp_path_factory.mktemp("data"))
    with qa.open(tmp_path_factory.mktemp("archive"), embedder=CountingEmbedder(), reader=False) as archive:
        archive.add(data / "articles.jsonl")
        yield archive


@pytest.fixture
def baselines(archive: qa.Archive) -> Iterator[Baselines]:
    with closing(open_baselines(archive.store, archive.embedder)) as found:
        yield found


def test_words_alone_and_vectors_alone_are_what_the_indexes_give(archive: qa.Archive, baselines: Baselines) -> None:
    words = baselines.keywords.search(QUESTION, limit=9, filters=MAY)
    query = archive.embedder.embed([QUESTION])[0]
    nearest = baselines.exact.search(query, limit=9, filters=MAY)
    assert (len(words), len(nearest)) == (1, 3)
    found = [(hit.passage.id, hit.score) for hit in baselines.bm25(QUESTION, MAY, 9)]
    assert found == words
    assert [(hit.passage.id, hit.score) for hit in baselines.vectors(QUESTION, MAY, 9)] == nearest
    fused = fuse_ranks([id_ for id_, _ in words], [id_ for id_, _ in nearest])
    assert [(hit.passage.id, hit.score) for hit in baselines.rrf(QUESTION, MAY, 9)] == fused


def test_what_is_later_than_the_day_is_found_by_none(baselines: Baselines) -> None:
    for search in (baselines.bm25, baselines.vectors, baselines.rrf):
        assert search(QUESTION, Filters(), 9)[0].article.title == "Later"
        assert [hit.article.title for hit in search(QUESTION, MAY, 1)] == ["Ann"]


def test_words_alone_embed_nothing(baselines: Baselines) -> None:
    assert isinstance(baselines.embedder, CountingEmbedder)
    before = len(baselines.embedder.texts)
    baselines.bm25(QUESTION, MAY, 5)
    assert len(baselines.embedder.texts) == before
    baselines.rrf(QUESTION, MAY, 5)
    assert baselines.embedder.texts[before:] == [QUESTION]
