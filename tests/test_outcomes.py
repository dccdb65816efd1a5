"""Measures of many outcomes, held against direct sums and enumerations of their published definitions."""

import math
import random
from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.outcomes import (
    AbstentionScores,
    Grade,
    SimpleQAScores,
    abstention_scores,
    aurc,
    pass_at_k,
    pass_hat_k,
    risk_coverage,
    simpleqa_scores,
)

# abstention

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


# grades

C: Grade = "correct"
X: Grade = "incorrect"
N: Grade = "not_attempted"
GRADES: st.SearchStrategy[list[Grade]] = st.lists(st.sampled_from([C, X, N]), max_size=40)


@pytest.mark.parametrize(
    ("grades", "scores"),
    [
        ([], SimpleQAScores(None, None, None, None, None)),
        ([N], SimpleQAScores(0.0, 0.0, 1.0, None, 0.0)),
        ([X], SimpleQAScores(0.0, 1.0, 0.0, 0.0, 0.0)),
        ([C, C], SimpleQAScores(1.0, 0.0, 0.0, 1.0, 1.0)),
        ([C, N], SimpleQAScores(0.5, 0.0, 0.5, 1.0, 2 / 3)),
        ([C, C, X, N], SimpleQAScores(0.5, 0.25, 0.25, 2 / 3, 4 / 7)),
    ],
)
def test_simpleqa_scores_by_hand(grades: list[Grade], scores: SimpleQAScores) -> None:
    assert simpleqa_scores(grades) == scores


@given(GRADES)
def test_simpleqa_f_is_the_harmonic_mean_of_correct_and_correct_given_attempted(grades: list[Grade]) -> None:
    scores = simpleqa_scores(grades)
    attempted = [grade for grade in grades if grade != N]
    assert scores.given_attempted == (attempted.count(C) / len(attempted) if attempted else None)
    if C in grades:
        share, accuracy = Fraction(grades.count(C), len(grades)), Fraction(attempted.count(C), len(attempted))
        assert scores.f_score == pytest.approx(float(2 / (1 / share + 1 / accuracy)))
    else:
        assert scores.f_score == (0.0 if grades else None)


@given(GRADES.filter(bool))
def test_simpleqa_shares_add_up_to_1(grades: list[Grade]) -> None:
    scores = simpleqa_scores(grades)
    shares = [scores.correct or 0.0, scores.incorrect or 0.0, scores.not_attempted or 0.0]
    assert math.fsum(shares) == pytest.approx(1)
    assert all(0 <= share <= 1 for share in [*shares, scores.f_score or 0.0])


def test_what_is_no_grade_is_refused() -> None:
    with pytest.raises(ValueError, match="'CORRECT' is no grade"):
        simpleqa_scores(["correct", "CORRECT"])  # type: ignore[list-item]


# confidence

OUTCOMES = st.lists(st.tuples(st.sampled_from([0.1, 0.2, 0.5, 0.9]) | st.floats(0, 1), st.booleans()), max_size=25)


def risk_at(threshold: float, outcomes: Sequence[tuple[float, bool]]) -> Fraction:
    """Selective risk: the share of wrong answers among those of at least this confidence."""
    given_answers = [correct for confidence, correct in outcomes if confidence >= threshold]
    return Fraction(given_answers.count(False), len(given_answers))


@pytest.mark.parametrize(
    ("outcomes", "curve", "area"),
    [
        ([], [], None),
        ([(0.9, True)], [(1.0, 0.0)], 0.0),
        ([(0.9, False)], [(1.0, 1.0)], 1.0),
        ([(0.9, True), (0.1, False)], [(0.5, 0.0), (1.0, 0.5)], 0.25),
        ([(0.1, True), (0.9, False)], [(0.5, 1.0), (1.0, 0.5)], 0.75),
        ([(0.5, True), (0.5, False)], [(1.0, 0.5)], 0.5),
        ([(0.9, True), (0.5, False), (0.5, True), (0.1, False)], [(0.25, 0.0), (0.75, 1 / 3), (1.0, 0.5)], 7 / 24),
    ],
)
def test_risk_coverage_and_its_area_by_hand(
    outcomes: list[tuple[float, bool]], curve: list[tuple[float, float]], area: float | None
) -> None:
    assert risk_coverage(outcomes) == curve
    assert aurc(outcomes) == pytest.approx(area)


@given(OUTCOMES)
def test_aurc_is_the_mean_of_the_risks_at_each_answers_confidence(outcomes: list[tuple[float, bool]]) -> None:
    if outcomes:
        risks = [risk_at(confidence, outcomes) for confidence, _ in outcomes]
        assert aurc(outcomes) == pytest.approx(float(sum(risks) / len(risks)))
    else:
        assert aurc(outcomes) is None


@given(OUTCOMES, st.integers(0, 10))
def test_the_curve_has_a_point_for_each_distinct_confidence(outcomes: list[tuple[float, bool]], missed: int) -> None:
    total = len(outcomes) + missed
    thresholds = sorted({confidence for confidence, _ in outcomes}, reverse=True)
    expected = [
        (sum(confidence >= threshold for confidence, _ in outcomes) / total, float(risk_at(threshold, outcomes)))
        for threshold in thresholds
    ]
    assert risk_coverage(outcomes, total) == expected


@given(OUTCOMES, st.randoms(use_true_random=False))
def test_the_order_of_the_outcomes_makes_no_difference(
    outcomes: list[tuple[float, bool]], order: random.Random
) -> None:
    shuffled = order.sample(outcomes, len(outcomes))
    assert risk_coverage(shuffled) == risk_coverage(outcomes)
    assert aurc(shuffled) == aurc(outcomes)


@given(OUTCOMES.filter(bool))
def test_the_curve_and_its_area_lie_in_0_to_1_and_end_at_full_coverage(outcomes: list[tuple[float, bool]]) -> None:
    curve, area = risk_coverage(outcomes), aurc(outcomes)
    assert all(0 < coverage <= 1 and 0 <= risk <= 1 for coverage, risk in curve)
    assert [coverage for coverage, _ in curve] == sorted({coverage for coverage, _ in curve})
    assert curve[-1] == (1.0, sum(not correct for _, correct in outcomes) / len(outcomes))
    assert area is not None
    assert 0 <= area <= 1


@given(st.lists(st.booleans(), min_size=1, max_size=20))
def test_with_one_confidence_for_all_aurc_is_the_share_of_wrong_answers(correct: list[bool]) -> None:
    assert aurc([(0.5, right) for right in correct]) == correct.count(False) / len(correct)


@given(st.lists(st.booleans(), min_size=1, max_size=20))
def test_no_order_has_a_smaller_area_than_the_right_answers_first(correct: list[bool]) -> None:
    n = len(correct)
    best = aurc([(n - place, right) for place, right in enumerate(sorted(correct, reverse=True))])
    actual = aurc([(n - place, right) for place, right in enumerate(correct)])
    assert best is not None
    assert actual is not None
    assert best <= actual + 1e-12


@pytest.mark.parametrize("total", [1, 0, -1])
def test_fewer_cases_than_answers_are_refused(total: int) -> None:
    with pytest.raises(ValueError, match="2 answers were attempted"):
        risk_coverage([(0.9, True), (0.1, False)], total)


@pytest.mark.parametrize("measure", [risk_coverage, aurc])
def test_a_confidence_that_is_not_a_number_is_refused(measure: Callable[[list[tuple[float, bool]]], object]) -> None:
    with pytest.raises(ValueError, match="not a number"):
        measure([(0.9, True), (math.nan, True)])


# repeated attempts

ATTEMPTS = st.integers(1, 9).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n), st.integers(1, n)))


@given(ATTEMPTS)
def test_pass_at_k_and_pass_hat_k_are_shares_of_all_choices_of_k_attempts(attempts: tuple[int, int, int]) -> None:
    n, c, k = attempts
    choices = list(combinations([True] * c + [False] * (n - c), k))
    assert pass_at_k(n, c, k) == pytest.approx(sum(any(choice) for choice in choices) / len(choices))
    assert pass_hat_k(n, c, k) == pytest.approx(sum(all(choice) for choice in choices) / len(choices))


@given(ATTEMPTS)
def test_pass_hat_k_is_at_most_the_share_right_and_pass_at_k_at_least(attempts: tuple[int, int, int]) -> None:
    n, c, k = attempts
    assert 0 <= pass_hat_k(n, c, k) <= c / n <= pass_at_k(n, c, k) <= 1
    assert pass_hat_k(n, c, 1) == pass_at_k(n, c, 1) == c / n


@pytest.mark.parametrize(
    ("n", "c", "k", "at", "hat"),
    [
        (1, 0, 1, 0.0, 0.0),
        (1, 1, 1, 1.0, 1.0),
        (5, 2, 3, 0.9, 0.0),
        (4, 3, 2, 1.0, 0.5),
        (4, 4, 4, 1.0, 1.0),
        (2_000, 1_000, 1, 0.5, 0.5),
    ],
)
def test_pass_at_k_and_pass_hat_k_by_hand(n: int, c: int, k: int, at: float, hat: float) -> None:
    assert pass_at_k(n, c, k) == at
    assert pass_hat_k(n, c, k) == hat


@pytest.mark.parametrize("measure", [pass_at_k, pass_hat_k])
@pytest.mark.parametrize(
    ("n", "c", "k", "message"),
    [
        (3, 1, 0, "k is 0"),
        (3, 1, 4, "k is 4, but must be from 1 to the 3"),
        (0, 0, 1, "k is 1"),
        (3, 4, 2, "4 right attempts out of 3"),
        (3, -1, 2, "-1 right"),
    ],
)
def test_impossible_attempts_are_refused(
    measure: Callable[[int, int, int], float], n: int, c: int, k: int, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        measure(n, c, k)
