from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest

from qa.articles import Article, Filters, Passage, hash_text
from qa.embed import open_embedder
from qa.models import Usage
from qa.plan import fuse_hits, make_plan
from qa.retrieve import Hit, Retriever
from qa.settings import Recipe
from qa.store import Store
from qa.window import read_timing

TODAY = date(2026, 11, 23)
SIMPLE = "What was 2021 trade turnover?"
BOTH = "What was 2021 trade turnover, and how many joint projects are finished?"


@pytest.fixture(scope="module")
def retriever(sample_workspace: Path) -> Iterator[Retriever]:
    recipe = Recipe()
    with closing(Retriever(Store(sample_workspace / "index/store"), recipe, open_embedder(recipe.embedder))) as found:
        yield found


def make_hit(name: str, score: float = 1.0) -> Hit:
    article = Article(name, f"{name}.md", name, hash_text(name), name)
    return Hit(article, Passage(name, name, 0, len(name), name), score)


def names(hits: list[Hit]) -> list[str]:
    return [hit.passage.id for hit in hits]


def test_a_simple_question_has_no_parts_and_finds_what_the_retriever_finds(retriever: Retriever) -> None:
    plan = make_plan(SIMPLE, Filters(), TODAY)
    assert plan.parts == ()
    for limit in (5, 20):
        timing = read_timing(SIMPLE, Filters(), TODAY)
        assert plan.search(retriever, limit=limit) == retriever.search(
            SIMPLE, limit=limit, filters=Filters(), timing=timing
        )


def test_each_part_has_its_evidence_among_the_first_hits_and_no_passage_stands_twice(retriever: Retriever) -> None:
    plan = make_plan(BOTH, Filters(), TODAY)
    found = names(plan.search(retriever, limit=20))
    assert [part.question for part in plan.parts] == [SIMPLE, "How many joint projects are finished?"]
    assert len(found) == len(set(found)) == 20
    for part in plan.parts:
        assert names(part.search(retriever, limit=1))[0] in found[:8]


def test_what_comes_first_does_not_hang_on_the_limit(retriever: Retriever) -> None:
    plan = make_plan(BOTH, Filters(), TODAY)
    assert plan.search(retriever, limit=40)[:7] == plan.search(retriever, limit=7)


@pytest.mark.parametrize("indexes", ["words", "vectors"])
def test_the_parts_are_looked_up_in_the_same_indexes(retriever: Retriever, indexes) -> None:
    plan = make_plan(BOTH, Filters(), TODAY)
    rankings = [
        retriever.search(p.question, limit=50, filters=p.filters, indexes=indexes, timing=p.timing)
        for p in (plan, *plan.parts)
    ]
    expected = fuse_hits(rankings[0], rankings[1:])[:10]
    assert plan.search(retriever, limit=10, indexes=indexes) == expected


def test_parts_that_are_given_stand_in_place_of_those_by_rule() -> None:
    plan = make_plan(BOTH, Filters(), TODAY, parts=("Who?", "When?"), spent=Usage(3, 4))
    assert [part.question for part in plan.parts] == ["Who?", "When?"]
    assert plan.spent == Usage(3, 4)
    assert make_plan(BOTH, Filters(), TODAY, parts=()).parts == ()


def test_the_filters_of_the_user_hold_for_every_part_and_each_has_its_own_times() -> None:
    filters = Filters(since=date(2020, 1, 1), publisher="Herald")
    plan = make_plan("What did articles of 2021 say of Ann, and how many ships came in 2022?", filters, TODAY)
    first, second = plan.parts
    assert (first.filters.since, first.filters.publisher) == (date(2021, 1, 1), "Herald")
    assert second.filters == filters
    assert second.timing.window is not None
    assert second.timing.window.text == "2022"


def test_the_first_of_a_part_stands_behind_the_fifth_of_the_whole_question_at_worst() -> None:
    whole = [make_hit(f"w{n}") for n in range(1, 11)]
    fused = names(fuse_hits(whole, [[make_hit("a"), make_hit("w9")], [make_hit("b")]]))
    assert fused[:8] == ["w1", "w2", "w3", "w4", "w9", "w5", "a", "b"]
    assert len(fused) == 12


def test_a_score_is_the_sum_over_the_rankings() -> None:
    (both, alone) = fuse_hits([make_hit("x"), make_hit("y")], [[make_hit("x")]])
    assert both.score == pytest.approx(1 / 2 + 0.3 / 2)
    assert alone.score == pytest.approx(1 / 3)
