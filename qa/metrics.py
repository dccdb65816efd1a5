"""Measures of retrieval and answers, pure, one definition each.

Every measure is of one question and lies in 0..1, higher is better; their mean over questions is the
score of a run. A measure that does not apply is None or an error, never 0: a zero would lower the mean.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from qa.figures import Figure, find_figures

_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)
_ISO_CURRENCY = re.compile(r"[A-Z]{3}")
_PERCENT_UNITS = ("percent", "percentage points")


@dataclass(frozen=True, slots=True)
class AbstentionScores:
    """How well a run knows what it cannot answer; None where a measure does not apply."""

    precision: float | None
    recall: float | None
    f1: float | None


def hits_at(ranked: Sequence[bool], k: int) -> float:
    """Hits@k, in ir_measures Success@k: 1 when any of the first `k` items is relevant, else 0.

    `ranked` tells of each returned item, best first, whether it is relevant; it may be shorter than k.

    Raises:
        ValueError: k is below 1.
    """
    return float(any(ranked[: _checked(k)]))


def reciprocal_rank(ranked: Sequence[bool], k: int = 10) -> float:
    """1 / rank of the first relevant item among the first `k`, 0 when there is none.

    Its mean over questions is MRR@k (Voorhees 1999, TREC-8 question answering; in ir_measures RR@k).

    Raises:
        ValueError: k is below 1.
    """
    ranks = (1 / rank for rank, relevant in enumerate(ranked[: _checked(k)], start=1) if relevant)
    return next(ranks, 0.0)


def normalise_answer(text: str) -> str:
    """Normalise an answer as SQuAD's evaluation script 1.1 does (Rajpurkar et al. 2016).

    Lower case, then without ASCII punctuation, then without the words a, an, the, then single spaces.
    Punctuation inside a number goes too ("$24.2" becomes "242"): hence `numeric_match` beside this.
    """
    bare = text.lower().translate(_PUNCTUATION)
    return " ".join(_ARTICLES.sub(" ", bare).split())


def exact_match(prediction: str, answers: Sequence[str]) -> float:
    """EM: 1 when the prediction equals any gold answer after `normalise_answer`, else 0.

    Raises:
        ValueError: there is no gold answer.
    """
    return _best(_same_words, prediction, answers)


def token_f1(prediction: str, answers: Sequence[str]) -> float:
    """F1 over the bags of words of prediction and gold answer, the best over the gold answers.

    F1 = 2PR / (P + R), with P and R the shares of the prediction's and of the answer's words, counted
    with repetition after `normalise_answer`, that both have (Rajpurkar et al. 2016). Where either is
    empty, 1 if both are and 0 otherwise (SQuAD 2.0's script, Rajpurkar et al. 2018).

    Raises:
        ValueError: there is no gold answer.
    """
    return _best(_shared_words, prediction, answers)


def numeric_match(prediction: str, value: Decimal | float, unit: str | None = None) -> float:
    """1 when the prediction's first figure of the fitting kind has exactly this value and unit, else 0.

    `unit` is an ISO 4217 code (the first sum of money must be in it), "percent" or "percentage points"
    (the first percentage must be of that sort), or a noun such as "projects" or None: then the first
    plain number counts, whatever it counts; where there is none, a bare four-digit year does ("2000
    people"). `value` is in full: 24200000000, not 24.2. Being approximate makes no difference.
    """
    figure = _first_fitting(find_figures(prediction), unit)
    if figure is None:
        return 0.0
    stated = figure.value if figure.kind != "date" else Decimal(figure.year or 0)
    fits = figure.unit == unit or not _is_strict(unit)
    return float(fits and stated == Decimal(str(value)))


def answer_match(
    prediction: str, answers: Sequence[str], value: Decimal | float | None = None, unit: str | None = None
) -> float:
    """1 when `exact_match` or, where the gold answer is a figure, `numeric_match` holds, else 0.

    Raises:
        ValueError: there is neither a gold answer nor a value.
    """
    if value is not None and numeric_match(prediction, value, unit):
        return 1.0
    return exact_match(prediction, answers) if answers or value is None else 0.0


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
        precision=_share(right, abstentions),
        recall=_share(right, unanswerable),
        f1=_share(2 * right, abstentions + unanswerable),
    )


def quote_validity(stands: Sequence[bool]) -> float | None:
    """The share of an answer's quotes that stand in their article as cited; None when there is no quote."""
    return _share(sum(stands), len(stands))


def _checked(k: int) -> int:
    if k < 1:
        raise ValueError(f"k is {k}, but at least one item must be looked at")
    return k


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _best(measure: Callable[[str, str], float], prediction: str, answers: Sequence[str]) -> float:
    """The best of a measure over the gold answers, all normalised."""
    if not answers:
        raise ValueError("no gold answer to compare with; leave the question out of this measure")
    said = normalise_answer(prediction)
    return max(measure(said, normalise_answer(answer)) for answer in answers)


def _same_words(said: str, gold: str) -> float:
    return float(said == gold)


def _shared_words(said: str, gold: str) -> float:
    said_words, gold_words = said.split(), gold.split()
    if not said_words or not gold_words:
        return float(said_words == gold_words)
    shared = sum((Counter(said_words) & Counter(gold_words)).values())
    return 2 * shared / (len(said_words) + len(gold_words))


def _is_strict(unit: str | None) -> bool:
    """Whether the figure's own unit must be this one: a currency or a percentage."""
    return unit is not None and (unit in _PERCENT_UNITS or _ISO_CURRENCY.fullmatch(unit) is not None)


def _first_fitting(figures: Sequence[Figure], unit: str | None) -> Figure | None:
    """The first figure of the kind that `unit` asks for; a bare year stands in for a missing number."""
    strict = "percent" if unit in _PERCENT_UNITS else "money"
    kind = strict if _is_strict(unit) else "number"
    fitting = [figure for figure in figures if figure.kind == kind]
    if not fitting and kind == "number":
        fitting = [figure for figure in figures if figure.kind == "date" and figure.text.isdecimal()]
    return next(iter(fitting), None)
