from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.articles import Article, hash_text
from qa.packing import HEADING_TOKENS, pack_hits
from qa.retrieve import Hit
from qa.sources import read_sources
from qa.split import find_sentences, split_article
from qa.tokens import count_tokens

SAMPLE = Path(__file__).parents[1] / "index/articles"


@pytest.fixture(scope="module")
def articles() -> list[Article]:
    return [item for item in read_sources([str(SAMPLE)], root=SAMPLE) if isinstance(item, Article)]


def make_hits(articles: list[Article], *places: tuple[int, int], budget: int = 60) -> list[Hit]:
    """Hits by (article, passage), the first the best."""
    cut = [split_article(article, budget_tokens=budget) for article in articles]
    return [Hit(articles[a], cut[a][p], 1 / rank) for rank, (a, p) in enumerate(places, start=1)]


def spans(hits: list[Hit]) -> list[tuple[str, int, int]]:
    return [(hit.article.id, hit.passage.start, hit.passage.end) for hit in hits]


def cost(hits: list[Hit]) -> int:
    return sum(count_tokens(hit.passage.text) + HEADING_TOKENS for hit in hits)


def test_neighbours_of_an_article_become_one_at_the_place_of_the_better(articles: list[Article]) -> None:
    found = make_hits(articles, (0, 1), (1, 0), (0, 2), (0, 0))
    first, second = pack_hits(found, budget_tokens=10_000)
    assert first.passage.start == 0
    assert first.passage.end == found[2].passage.end
    assert first.passage.text == articles[0].text[: first.passage.end]
    assert (first.passage.id, first.score) == (found[0].passage.id, found[0].score)
    assert second == found[1]


def test_passages_of_an_article_with_text_between_them_stay_apart(articles: list[Article]) -> None:
    found = make_hits(articles, (0, 0), (0, 2))
    assert pack_hits(found, budget_tokens=10_000) == found


def test_passages_that_overlap_become_one_and_one_within_another_adds_nothing(articles: list[Article]) -> None:
    large, small = make_hits(articles, (0, 0), budget=120), make_hits(articles, (0, 1), (0, 0), budget=80)
    (merged,) = pack_hits([*large, *small], budget_tokens=10_000)
    assert (merged.passage.start, merged.passage.end) == (0, max(hit.passage.end for hit in [*large, *small]))


def test_a_merge_that_passes_the_budget_is_not_made_and_a_shorter_passage_still_is_shown(
    articles: list[Article],
) -> None:
    long, next_to_it, other = make_hits(articles, (0, 0), (0, 1), (1, 0), budget=60)
    assert pack_hits([long, next_to_it], budget_tokens=cost([long])) == [long]
    assert pack_hits([long, next_to_it], budget_tokens=cost([long, next_to_it])) != [long]
    cheaper = make_article(7, 1)
    short = Hit(cheaper, split_article(cheaper, budget_tokens=60)[0], 0.1)
    assert pack_hits([long, other, short], budget_tokens=cost([long, short])) == [long, short]


def test_the_best_is_shown_even_where_the_budget_is_too_small_for_any(articles: list[Article]) -> None:
    found = make_hits(articles, (0, 0), (1, 0))
    assert pack_hits(found, budget_tokens=1) == found[:1]
    assert pack_hits([], budget_tokens=100) == []


def make_article(number: int, sentences: int) -> Article:
    said = (f"Ferry {number}-{n} of the town carried {n * 7 + 100} guests." for n in range(sentences))
    text = "".join(s + ("\n\n" if n % 3 == 2 else " ") for n, s in enumerate(said))
    return Article(f"a{number}", f"a{number}.md", text, hash_text(text), f"Ferry {number}", language="en")


@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 5), st.sampled_from([30, 50, 90])), min_size=1, max_size=12),
    st.integers(1, 900),
)
def test_what_is_packed_stands_in_its_articles_fits_and_holds_no_sentence_twice(
    places: list[tuple[int, int, int]], budget: int
) -> None:
    articles = [make_article(number, 9) for number in range(3)]
    cut = {size: [split_article(article, budget_tokens=size) for article in articles] for size in (30, 50, 90)}
    found = [
        Hit(articles[a], cut[size][a][p % len(cut[size][a])], 1 / rank)
        for rank, (a, p, size) in enumerate(places, start=1)
    ]
    packed = pack_hits(found, budget_tokens=budget)
    best = found[0].passage
    assert packed[0].article == found[0].article
    assert packed[0].passage.start <= best.start <= best.end <= packed[0].passage.end
    assert len(packed) == 1 or cost(packed) <= budget
    assert all(one.score > other.score for one, other in pairwise(packed))
    sentences: list[str] = []
    for hit in packed:
        passage = hit.passage
        assert hit.article.text[passage.start : passage.end] == passage.text
        sentences += [passage.text[start:end] for start, end in find_sentences(passage.text)]
    assert len(sentences) == len(set(sentences))
