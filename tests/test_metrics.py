"""Measures, held against ir_measures and the published behaviour of SQuAD's script."""

from decimal import Decimal

import ir_measures
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ir_measures import RR, Qrel, ScoredDoc, Success

from qa.metrics import (
    AbstentionScores,
    abstention_scores,
    answer_match,
    exact_match,
    hits_at,
    normalise_answer,
    numeric_match,
    quote_validity,
    reciprocal_rank,
    token_f1,
)

RANKED = st.lists(st.booleans(), min_size=1, max_size=30)


def measured_by_ir_measures(measure: ir_measures.Measure, ranked: list[bool]) -> float:
    """The same ranking as a TREC run of one question; one relevant passage is never returned."""
    qrels = [Qrel("q", f"p{place}", int(relevant)) for place, relevant in enumerate(ranked)]
    run = [ScoredDoc("q", f"p{place}", float(len(ranked) - place)) for place in range(len(ranked))]
    return ir_measures.calc_aggregate([measure], [*qrels, Qrel("q", "missed", 1)], run)[measure]


@settings(deadline=None)
@given(RANKED, st.integers(1, 35))
def test_hits_at_k_is_success_at_k_of_ir_measures(ranked: list[bool], k: int) -> None:
    assert hits_at(ranked, k) == measured_by_ir_measures(Success @ k, ranked)


@settings(deadline=None)
@given(RANKED)
def test_reciprocal_rank_is_rr_at_10_of_ir_measures(ranked: list[bool]) -> None:
    assert reciprocal_rank(ranked) == pytest.approx(measured_by_ir_measures(RR @ 10, ranked))


@settings(deadline=None)
@given(RANKED, st.integers(1, 35))
def test_reciprocal_rank_at_any_k_is_that_of_ir_measures(ranked: list[bool], k: int) -> None:
    assert reciprocal_rank(ranked, k) == pytest.approx(measured_by_ir_measures(RR @ k, ranked))


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
def test_ranked_measures_look_at_the_first_k_only(ranked: list[bool], k: int, hit: float, rank: float) -> None:
    assert hits_at(ranked, k) == hit
    assert reciprocal_rank(ranked, k) == rank


@pytest.mark.parametrize("k", [0, -1])
def test_looking_at_no_item_is_refused(k: int) -> None:
    with pytest.raises(ValueError, match=f"k is {k}"):
        hits_at([True], k)
    with pytest.raises(ValueError, match=f"k is {k}"):
        reciprocal_rank([True], k)


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("The Eiffel Tower!", "eiffel tower"),
        ("an  apple\ta day,\nTHE end", "apple day end"),
        ("$24.2 billion", "242 billion"),
        ("U.S.-based", "usbased"),
        ("A.", ""),
        ("theatre and area", "theatre and area"),
        ("“quoted”", "“quoted”"),
        ("", ""),
    ],
)
def test_answers_are_normalised_as_squad_does(text: str, normal: str) -> None:
    assert normalise_answer(text) == normal


@pytest.mark.parametrize(
    ("prediction", "answers", "match", "f1"),
    [
        ("Denver Broncos", ["Denver Broncos", "the Broncos"], 1.0, 1.0),
        ("The Denver Broncos.", ["Denver Broncos"], 1.0, 1.0),
        ("Broncos", ["Denver Broncos"], 0.0, 2 / 3),
        ("the Broncos of Denver", ["Denver Broncos"], 0.0, 0.8),
        ("in Santa Clara", ["Santa Clara, California", "Levi's Stadium"], 0.0, 2 / 3),
        ("Carolina Panthers", ["Denver Broncos"], 0.0, 0.0),
        ("gold gold", ["gold"], 0.0, 2 / 3),
        ("gold", ["gold gold gold"], 0.0, 0.5),
        ("", [""], 1.0, 1.0),
        ("the", [""], 1.0, 1.0),
        ("", ["gold"], 0.0, 0.0),
        ("gold", [""], 0.0, 0.0),
    ],
)
def test_em_and_f1_are_squads(prediction: str, answers: list[str], match: float, f1: float) -> None:
    assert exact_match(prediction, answers) == match
    assert token_f1(prediction, answers) == pytest.approx(f1)


def test_the_best_gold_answer_counts() -> None:
    assert token_f1("record trade", ["nothing alike", "a record trade", "trade"]) == 1.0


@pytest.mark.parametrize("measure", [exact_match, token_f1, answer_match])
def test_a_question_without_gold_answer_is_refused_not_zero(measure: object) -> None:
    assert callable(measure)
    with pytest.raises(ValueError, match="no gold answer"):
        measure("anything", [])


ANSWERS = st.lists(st.text(max_size=20), min_size=1, max_size=4)


@given(st.text(max_size=20), ANSWERS)
def test_em_is_0_or_1_and_never_above_f1(prediction: str, answers: list[str]) -> None:
    match, f1 = exact_match(prediction, answers), token_f1(prediction, answers)
    assert match in (0.0, 1.0)
    assert match <= f1 <= 1


@given(st.text(max_size=20), st.text(max_size=20))
def test_f1_is_symmetric(one: str, other: str) -> None:
    assert token_f1(one, [other]) == pytest.approx(token_f1(other, [one]))


@given(ANSWERS)
def test_a_gold_answer_matches_itself(answers: list[str]) -> None:
    assert exact_match(answers[-1], answers) == token_f1(answers[-1], answers) == 1.0


@pytest.mark.parametrize(
    ("prediction", "value", "unit", "match"),
    [
        ("$24.2 billion", 24_200_000_000, "USD", 1.0),
        ("Trade stood at 24,200 million dollars in 2021.", 24.2e9, "USD", 1.0),
        ("$24.2 million", 24_200_000_000, "USD", 0.0),
        ("$24 billion", 24_200_000_000, "USD", 0.0),
        ("€24.2 billion", 24_200_000_000, "USD", 0.0),
        ("24.2 billion", 24_200_000_000, "USD", 0.0),
        ("€3 billion, or $24.2 billion", 24_200_000_000, "USD", 0.0),
        ("almost five percent", 5, "percent", 1.0),
        ("4.5 percent", Decimal("4.5"), "percent", 1.0),
        ("4.5 percent", 4.5, "percent", 1.0),
        ("-4.5 percent", 4.5, "percent", 0.0),
        ("-4.5 percent", -4.5, "percent", 1.0),
        ("5 percentage points", 5, "percent", 0.0),
        ("5 percentage points", 5, "percentage points", 1.0),
        ("13", 13, "projects", 1.0),
        ("In 2021 thirteen projects were done for $450 million.", 13, "projects", 1.0),
        ("23, not 13", 13, "projects", 0.0),
        ("13 major ventures", 13, None, 1.0),
        ("an area of 1,600 square metres", 1600, "m2", 1.0),
        ("2000 people", 2000, "people", 1.0),
        ("It was in 2021.", 2021, "year", 1.0),
        ("In 2020", 2021, "year", 0.0),
        ("on 5 July 2021", 2021, "year", 0.0),
        ("5 percent", 5, "projects", 0.0),
        ("no figure at all", 5, "projects", 0.0),
        ("", 5, "USD", 0.0),
    ],
)
def test_numeric_match_compares_the_first_figure_of_its_kind(
    prediction: str, value: Decimal | float, unit: str | None, match: float
) -> None:
    assert numeric_match(prediction, value, unit) == match


@given(st.integers(0, 10**15), st.sampled_from(["USD", "EUR", "KZT"]))
def test_any_sum_matches_itself_and_no_sum_a_thousand_times_larger(value: int, currency: str) -> None:
    assert numeric_match(f"{currency} {value:,}", value, currency) == 1.0
    assert numeric_match(f"{currency} {value:,}", value * 1000 + 1, currency) == 0.0


@pytest.mark.parametrize(
    ("prediction", "answers", "value", "match"),
    [
        ("$24.2 billion", ["$24.2 billion"], None, 1.0),
        ("24.2 billion dollars", ["$24.2 billion"], None, 0.0),
        ("24.2 billion dollars", ["$24.2 billion"], 24_200_000_000, 1.0),
        ("24.2 billion dollars", [], 24_200_000_000, 1.0),
        ("$9.2 billion", [], 24_200_000_000, 0.0),
        ("a record", ["record"], 24_200_000_000, 1.0),
        ("$9.2 billion", ["$24.2 billion"], 24_200_000_000, 0.0),
    ],
)
def test_answer_match_takes_the_words_or_the_value(
    prediction: str, answers: list[str], value: float | None, match: float
) -> None:
    assert answer_match(prediction, answers, value, "USD") == match


RIGHT, WRONG_NO, WRONG_YES, ANSWERED = (False, True), (True, True), (False, False), (True, False)


@pytest.mark.parametrize(
    ("outcomes", "precision", "recall", "f1"),
    [
        ([RIGHT, ANSWERED], 1.0, 1.0, 1.0),
        ([RIGHT, RIGHT, WRONG_NO, WRONG_YES, ANSWERED], 2 / 3, 2 / 3, 2 / 3),
        ([RIGHT, WRONG_YES, WRONG_YES, WRONG_YES], 1.0, 0.25, 0.4),
        ([WRONG_NO, WRONG_YES], 0.0, 0.0, 0.0),
        ([ANSWERED, ANSWERED], None, None, None),
        ([WRONG_YES, ANSWERED], None, 0.0, 0.0),
        ([WRONG_NO, ANSWERED], 0.0, None, 0.0),
        ([], None, None, None),
    ],
)
def test_abstention_is_scored_with_none_where_it_does_not_apply(
    outcomes: list[tuple[bool, bool]], precision: float | None, recall: float | None, f1: float | None
) -> None:
    scores = abstention_scores(outcomes)
    assert scores.precision == pytest.approx(precision)
    assert scores.recall == pytest.approx(recall)
    assert scores.f1 == pytest.approx(f1)


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=40))
def test_abstention_f1_is_the_harmonic_mean_where_both_apply(outcomes: list[tuple[bool, bool]]) -> None:
    scores = abstention_scores(outcomes)
    if scores.precision and scores.recall:
        harmonic = 2 * scores.precision * scores.recall / (scores.precision + scores.recall)
        assert scores.f1 == pytest.approx(harmonic)
    else:
        assert scores.f1 in (None, 0.0)


def test_abstention_scores_are_frozen() -> None:
    scores = AbstentionScores(precision=1.0, recall=None, f1=None)
    with pytest.raises(AttributeError):
        scores.recall = 1.0  # type: ignore[misc]


@pytest.mark.parametrize(
    ("stands", "share"), [([], None), ([True], 1.0), ([False], 0.0), ([True, False, True, True], 0.75)]
)
def test_quote_validity_is_the_share_that_stands(stands: list[bool], share: float | None) -> None:
    assert quote_validity(stands) == share
