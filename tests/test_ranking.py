"""Measures of a ranked list, held against ir_measures and examples reckoned by hand."""

import math
from collections.abc import Callable

import ir_measures
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ir_measures import AP, RR, R, Success, nDCG

from qa.ranking import average_precision, evidence_recall, hits_at, ndcg_at, recall_at, reciprocal_rank

RANKED = st.lists(st.booleans(), min_size=1, max_size=30)
MISSED = st.integers(0, 8)
K = st.integers(1, 35)
COUNTING = [average_precision, recall_at, ndcg_at]

Counting = Callable[[list[bool], int, int], float]


def measured_by_ir_measures(measure: ir_measures.Measure, ranked: list[bool], missed: int = 1) -> float:
    """The same ranking as a TREC run of one question; `missed` relevant items are never returned."""
    qrels = [ir_measures.Qrel("q", f"p{place}", int(relevant)) for place, relevant in enumerate(ranked)]
    qrels += [ir_measures.Qrel("q", f"missed{n}", 1) for n in range(missed)]
    run = [ir_measures.ScoredDoc("q", f"p{place}", float(len(ranked) - place)) for place in range(len(ranked))]
    return ir_measures.calc_aggregate([measure], qrels, run)[measure]


@settings(deadline=None)
@given(RANKED, K)
def test_hits_at_k_is_success_at_k_of_ir_measures(ranked: list[bool], k: int) -> None:
    assert hits_at(ranked, k) == measured_by_ir_measures(Success @ k, ranked)


@settings(deadline=None)
@given(RANKED)
def test_reciprocal_rank_is_rr_at_10_of_ir_measures(ranked: list[bool]) -> None:
    assert reciprocal_rank(ranked) == pytest.approx(measured_by_ir_measures(RR @ 10, ranked), rel=0, abs=1e-9)


@pytest.mark.parametrize(
    ("measure", "reference"),
    [
        (lambda ranked, _, k: reciprocal_rank(ranked, k), RR),
        (average_precision, AP),
        (recall_at, R),
        (ndcg_at, nDCG),
    ],
    ids=["RR", "AP", "R", "nDCG"],
)
@settings(deadline=None)
@given(ranked=RANKED, missed=MISSED, k=K)
def test_measures_at_k_are_those_of_ir_measures(
    measure: Counting, reference: ir_measures.Measure, ranked: list[bool], missed: int, k: int
) -> None:
    relevant = sum(ranked) + missed or 1
    expected = measured_by_ir_measures(reference @ k, ranked, relevant - sum(ranked))
    assert measure(ranked, relevant, k) == pytest.approx(expected, rel=0, abs=1e-9)


@pytest.mark.parametrize(
    ("ranked", "k", "hit", "rank"),
    [
        ([], 5, 0.0, 0.0),
        ([True], 5, 1.0, 1.0),
        ([False, False], 5, 0.0, 0.0),
        ([False, True, True], 1, 0.0, 0.0),
        ([False, True, True], 2, 1.0, 0.5),
        ([False] * 9 + [True], 10, 1.0, 0.1),
        ([False] * 10 + [True], 10, 0.0, 0.0),
    ],
)
def test_hits_and_reciprocal_rank_look_at_the_first_k_only(ranked: list[bool], k: int, hit: float, rank: float) -> None:
    assert hits_at(ranked, k) == hit
    assert reciprocal_rank(ranked, k) == rank


SECOND = 1 / math.log2(3)


@pytest.mark.parametrize(
    ("ranked", "relevant", "k", "precision", "recall", "ndcg"),
    [
        ([], 1, 5, 0.0, 0.0, 0.0),
        ([True], 1, 1, 1.0, 1.0, 1.0),
        ([False, True], 1, 1, 0.0, 0.0, 0.0),
        ([False, True], 1, 2, 1 / 2, 1.0, SECOND),
        ([True, False, True], 2, 3, (1 + 2 / 3) / 2, 1.0, (1 + 1 / 2) / (1 + SECOND)),
        ([True, False, True], 4, 2, 1 / 4, 1 / 4, 1 / (1 + SECOND)),
        ([True, True], 4, 2, 2 / 4, 2 / 4, 1.0),
        ([True], 4, 10, 1 / 4, 1 / 4, 1 / (1 + SECOND + 1 / 2 + 1 / math.log2(5))),
    ],
)
def test_measures_that_know_how_much_is_relevant_by_hand(
    ranked: list[bool], relevant: int, k: int, precision: float, recall: float, ndcg: float
) -> None:
    assert average_precision(ranked, relevant, k) == pytest.approx(precision)
    assert recall_at(ranked, relevant, k) == pytest.approx(recall)
    assert ndcg_at(ranked, relevant, k) == pytest.approx(ndcg)


@given(RANKED, MISSED, K)
def test_every_measure_of_a_ranking_lies_in_0_to_1(ranked: list[bool], missed: int, k: int) -> None:
    relevant = sum(ranked) + missed or 1
    scores = [hits_at(ranked, k), reciprocal_rank(ranked, k)] + [measure(ranked, relevant, k) for measure in COUNTING]
    assert all(0 <= score <= 1 for score in scores)
    assert {score > 0 for score in scores} == {any(ranked[:k])}


@given(RANKED, MISSED)
def test_the_best_order_of_all_that_is_relevant_has_ndcg_1(ranked: list[bool], missed: int) -> None:
    best = sorted(ranked, reverse=True)
    relevant = sum(ranked) + missed or 1
    assert ndcg_at(best, relevant, max(1, sum(ranked))) == (1.0 if any(ranked) else 0.0)


@given(RANKED, MISSED, K, st.data())
def test_a_relevant_item_moved_up_never_lowers_a_measure(
    ranked: list[bool], missed: int, k: int, data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(ranked) - 1))
    better = [ranked[place], *ranked[:place], *ranked[place + 1 :]] if ranked[place] else ranked
    relevant = sum(ranked) + missed or 1
    for measure in COUNTING:
        assert measure(better, relevant, k) >= measure(ranked, relevant, k) - 1e-12


@pytest.mark.parametrize("k", [0, -1])
def test_looking_at_no_item_is_refused(k: int) -> None:
    for measure in (hits_at, reciprocal_rank):
        with pytest.raises(ValueError, match=f"k is {k}"):
            measure([True], k)
    for measure in COUNTING:
        with pytest.raises(ValueError, match=f"k is {k}"):
            measure([True], 1, k)
    with pytest.raises(ValueError, match=f"k is {k}"):
        evidence_recall([[1]], [1], k)


@pytest.mark.parametrize("measure", COUNTING)
def test_an_impossible_number_of_relevant_items_is_refused(measure: Counting) -> None:
    with pytest.raises(ValueError, match="relevant is 0"):
        measure([False], 0, 5)
    with pytest.raises(ValueError, match="2 items of the list are relevant, but only 1 of the archive"):
        measure([True, False, True], 1, 1)


@pytest.mark.parametrize(
    ("held", "parts", "k", "share"),
    [
        ([], [1], 5, 0.0),
        ([[1]], [1], 1, 1.0),
        ([[1], [2]], [1, 2], 1, 0.5),
        ([[1], [2]], [1, 2], 2, 1.0),
        ([[1, 2], []], [1, 2, 3], 2, 2 / 3),
        ([[1], [1], [1]], [1, 2], 3, 0.5),
        ([[7], [], [2]], [1, 2], 3, 0.5),
        ([{1}, frozenset({2, 3})], {1, 2, 3}, 2, 1.0),
    ],
)
def test_evidence_recall_counts_each_needed_part_once(
    held: list[list[int]], parts: list[int], k: int, share: float
) -> None:
    assert evidence_recall(held, parts, k) == share


def test_evidence_recall_without_a_part_is_refused_not_zero() -> None:
    with pytest.raises(ValueError, match="no part of the evidence"):
        evidence_recall([[1]], [], 1)


PARTS = st.sets(st.integers(0, 5), min_size=1)


@given(st.lists(st.sets(st.integers(0, 5)), max_size=10), PARTS, st.integers(1, 12))
def test_evidence_recall_counts_the_parts_that_some_passage_holds(
    held: list[set[int]], parts: set[int], k: int
) -> None:
    found = [part for part in parts if any(part in passage for passage in held[:k])]
    assert evidence_recall(held, parts, k) == len(found) / len(parts)
    assert evidence_recall(held, parts, k) <= evidence_recall(held, parts, k + 1) <= 1


@given(RANKED, K)
def test_evidence_recall_is_recall_where_each_relevant_passage_holds_a_part_of_its_own(
    ranked: list[bool], k: int
) -> None:
    parts = [place for place, relevant in enumerate(ranked) if relevant]
    held = [[place] if relevant else [] for place, relevant in enumerate(ranked)]
    if parts:
        assert evidence_recall(held, parts, k) == recall_at(ranked, len(parts), k)
