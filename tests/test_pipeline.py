from __future__ import annotations

from contextlib import closing
from datetime import date
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_data import CountingEmbedder, make_article

from qa.articles import Filters
from qa.pipeline import open_pipeline, split_chunks
from qa.sync import Progress

TEXTS = st.lists(st.sampled_from(["a", "bb ", " ", "\n", "\n\n", ". ", "ccccccccccccccc", "d. e"]), max_size=60).map(
    "".join
)


# What LangChain's RecursiveCharacterTextSplitter (langchain-text-splitters 1.1.3) gives with the same separators.
@pytest.mark.parametrize(
    ("text", "size", "overlap", "chunks"),
    [
        ("", 20, 5, []),
        ("  \n\n ", 20, 5, []),
        ("one two", 20, 5, ["one two"]),
        ("one two three four five six", 10, 0, ["one two", "three", "four five", "six"]),
        ("one two three four five six", 10, 5, ["one two", "two three", "four five", "five six"]),
        ("Ann came. Ben left. Cia ran", 12, 0, ["Ann came", ". Ben left", ". Cia ran"]),
        ("first line\nsecond\n\nnew paragraph", 20, 0, ["first line\nsecond", "new paragraph"]),
        ("abcdefghij", 4, 2, ["abcd", "cdef", "efgh", "ghij"]),
        ("short\n\nabcdefghijkl\n\nend", 6, 2, ["short", "abcde", "defghi", "hijkl", "end"]),
    ],
)
def test_texts_are_cut_as_langchain_cuts_them(text: str, size: int, overlap: int, chunks: list[str]) -> None:
    assert [text[start:end] for start, end in split_chunks(text, size=size, overlap=overlap)] == chunks


@given(TEXTS, st.integers(4, 30), st.integers(0, 3))
def test_chunks_are_short_in_order_and_leave_out_nothing_but_white_space(text: str, size: int, overlap: int) -> None:
    spans = split_chunks(text, size=size, overlap=overlap)
    assert all(0 < end - start <= size and text[start:end].strip() == text[start:end] for start, end in spans)
    assert all(a[0] <= b[0] and a[1] <= b[1] for a, b in pairwise(spans))
    covered = {place for start, end in spans for place in range(start, end)}
    assert all(text[place].isspace() for place in range(len(text)) if place not in covered)


def test_the_nearest_chunks_are_found_within_the_filters_and_without_their_titles(tmp_path: Path) -> None:
    embedder = CountingEmbedder()
    articles = [
        make_article("Ann paid for bread.", title="Bread", published=date(2031, 5, 1)),
        make_article("Ben sold bicycles. " * 60, title="Ben", published=date(2031, 5, 2), source="ben.md"),
        make_article("Bread is dear.", title="Late", published=date(2031, 6, 1), source="late.md"),
    ]
    seen: list[Progress] = []
    with closing(open_pipeline(tmp_path / "chunks.sqlite", embedder, writable=True).catalog) as catalog:
        pipeline = open_pipeline(catalog.path, embedder, writable=True)
        pipeline.fill(articles, seen.append)
        assert "Ann paid for bread." in embedder.texts
        assert seen == [Progress("embedding the pipeline's chunks", 0, 4)]
        pipeline.fill(articles)
        assert len(embedder.texts) == 4  # a second time nothing
        hits = pipeline.open_search()("Who paid for bread?", Filters(as_of=date(2031, 5, 3)), 2)
        pipeline.catalog.close()
    assert [hit.article.title for hit in hits] == ["Bread", "Ben"]
    assert hits[0].score > hits[1].score
    assert all(hit.article.text[hit.passage.start : hit.passage.end] == hit.passage.text for hit in hits)
