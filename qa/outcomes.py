"""Measures of many outcomes together, pure: abstention, SimpleQA's grades, confidence, repeated attempts.

All lie in 0..1; higher is better, but for risks, where lower is. A measure that does not apply is None or an
error, never 0.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Literal, NamedTuple

Grade = Literal["correct", "incorrect", "not_attempted"]


@dataclass(frozen=True, slots=True)
class AbstentionScores:
    """How well a run knows what it cannot answer; None where a measure does not apply."""

    precision: float | None
    recall: float | None
    f1: float | None


@dataclass(frozen=True, slots=True)
class SimpleQAScores:
    """Shares of the grades among all questions, accuracy among those attempted, and F; None where not applicable."""

    correct: float | None
    incorrect: float | None
    not_attempted: float | None
    given_attempted: float | None
    f_score: float | None


class _Accepted(NamedTuple):
    """What is answered when the least confident answer accepted is one of these `tied`: so many, so many wrong."""

    tied: int
    answers: int
    wrong: int


def abstention_scores(outcomes: Sequence[tuple[bool, bool]]) -> AbstentionScores:
    """Precision, recall and F1 of abstaining, over (answerable, abstained) of each question.

    Positive means abstained. Precision is the share of abstentions whose question was unanswerable,
    None when nothing abstained; recall the share of unanswerable questions that were abstained from, None when
    there are none; F1 = 2TP / (2TP + FP + FN) (van Rijsbergen 1979), None when neither occurs.
    """
    right = sum(1 for answerable, abstained in outcomes if abstained and not answerable)
    abstentions = sum(1 for _, abstained in outcomes if abstained)
    unanswerable = sum(1 for answerable, _ in outcomes if not answerable)
    return AbstentionScores(
        precision=_ratio(right, abstentions),
        recall=_ratio(right, unanswerable),
        f1=_ratio(2 * right, abstentions + unanswerable),
    )


def simpleqa_scores(grades: Sequence[Grade]) -> SimpleQAScores:
    """The scores of SimpleQA (Wei et al. 2024, "Measuring short-form factuality in large language models").

    `given_attempted` is the share correct of those that are not "not_attempted", None when there are none.
    `f_score` is the harmonic mean of the share correct and `given_attempted`, which is 2c / (n + attempted) for c
    correct of n, so 0 where nothing was attempted, as in the published script. All are None without a grade.

    Raises:
        ValueError: a grade is none of the three.
    """
    counts, n = Counter(grades), len(grades)
    correct, incorrect, not_attempted = (counts.pop(grade, 0) for grade in ("correct", "incorrect", "not_attempted"))
    if counts:
        raise ValueError(f"{next(iter(counts))!r} is no grade of SimpleQA: correct, incorrect or not_attempted")
    return SimpleQAScores(
        correct=_ratio(correct, n),
        incorrect=_ratio(incorrect, n),
        not_attempted=_ratio(not_attempted, n),
        given_attempted=_ratio(correct, correct + incorrect),
        f_score=_ratio(2 * correct, n + correct + incorrect),
    )


def risk_coverage(outcomes: Sequence[tuple[float, bool]], total: int | None = None) -> list[tuple[float, float]]:
    """The risk–coverage curve (Geifman and El-Yaniv 2017) over (confidence, correct) of each attempted answer.

    A point for each distinct confidence, from the highest to the lowest: when every answer of at least that
    confidence is given and no other, coverage is their number over `total` (all cases, those not attempted too;
    by default the attempted ones), and risk the share of them that is wrong. Answers of equal confidence so enter
    together, and the order of `outcomes` makes no difference.

    Raises:
        ValueError: `total` is below the number of outcomes, or a confidence is not a number.
    """
    total = len(outcomes) if total is None else total
    if total < len(outcomes):
        raise ValueError(f"{len(outcomes)} answers were attempted, so there cannot be {total} cases in all")
    return [(point.answers / total, point.wrong / point.answers) for point in _accept(outcomes)]


def aurc(outcomes: Sequence[tuple[float, bool]]) -> float | None:
    """Area under the risk–coverage curve: the mean, over the attempted answers, of the risk at their confidence.

    That is 1/n times the sum of the selective risks at the n confidences as thresholds (Geifman and El-Yaniv
    2017; named AURC by Geifman, Uziel and El-Yaniv 2019). Each of several answers of equal confidence counts with
    the risk after all of them: with one confidence for all, AURC is the share of wrong answers. Lower is better;
    None when nothing was attempted.

    Raises:
        ValueError: a confidence is not a number.
    """
    if not outcomes:
        return None
    return math.fsum(point.tied * point.wrong / point.answers for point in _accept(outcomes)) / len(outcomes)


def pass_at_k(n: int, c: int, k: int) -> float:
    """pass@k: the chance that one of `k` attempts is right, estimated from `c` right ones out of `n`.

    1 − C(n−c, k) / C(n, k), the unbiased estimator of Chen et al. (2021, "Evaluating Large Language Models Trained
    on Code"): the share of all choices of k attempts in which at least one is right.

    Raises:
        ValueError: not 1 <= k <= n, or not 0 <= c <= n.
    """
    choices = _choices(n, c, k)
    return (choices - math.comb(n - c, k)) / choices


def pass_hat_k(n: int, c: int, k: int) -> float:
    """pass^k: the chance that all of `k` attempts are right, estimated from `c` right ones out of `n`.

    C(c, k) / C(n, k), of τ-bench (Yao et al. 2024): the share of all choices of k attempts in which all are right.

    Raises:
        ValueError: not 1 <= k <= n, or not 0 <= c <= n.
    """
    choices = _choices(n, c, k)
    return math.comb(c, k) / choices


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _accept(outcomes: Sequence[tuple[float, bool]]) -> list[_Accepted]:
    """What is answered at each distinct confidence as the threshold, from the highest to the lowest."""
    if any(math.isnan(confidence) for confidence, _ in outcomes):
        raise ValueError("a confidence is not a number, so the answers cannot be put in order")
    points, answers, wrong = [], 0, 0
    ordered = sorted(outcomes, key=itemgetter(0), reverse=True)
    for _, group in groupby(ordered, key=itemgetter(0)):
        tied = [correct for _, correct in group]
        answers, wrong = answers + len(tied), wrong + tied.count(False)
        points.append(_Accepted(len(tied), answers, wrong))
    return points


def _choices(n: int, c: int, k: int) -> int:
    """In how many ways `k` of `n` attempts can be chosen, after checking the three."""
    if not 1 <= k <= n:
        raise ValueError(f"k is {k}, but must be from 1 to the {n} attempts made")
    if not 0 <= c <= n:
        raise ValueError(f"{c} right attempts out of {n} are no share")
    return math.comb(n, k)
