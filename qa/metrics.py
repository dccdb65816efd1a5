"""Measures of one answer, pure, one definition each: words, figures, parts, citations.

Every measure lies in 0..1, higher is better; its mean over questions is the score of a run. A measure that does
not apply is None or an error, never 0: a zero would lower the mean.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from qa.figures import Figure, find_figures, same_figure

Supports = Callable[[int, frozenset[int]], bool]
"""Whether these citations, read together, support the statement of this index."""

_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)
_ISO_CURRENCY = re.compile(r"[A-Z]{3}")
_PERCENT_UNITS = ("percent", "percentage points")
_MONTH_AND_DAY = r"-(?P<month>0[1-9]|1[0-2])(?:-(?P<day>0[1-9]|[12]\d|3[01]))?"
_PERIOD = re.compile(rf"(?:(?P<part>Q[1-4]|H[12])\ )?(?P<year>\d{{4}})(?(part)|(?:{_MONTH_AND_DAY})?)", re.ASCII)
_RELATIVE_PERIOD = re.compile(r"\b(?:last|this|next|previous|past|current)\s(?:year|half|quarter|month|week)\b", re.I)
_SENTENCE_WORDS = 6  # a shorter surplus may be a longer name: "New York" in "the New York Times of London"


class Number(NamedTuple):
    """A gold figure in full: 24200000000, not 24.2 with a scale.

    `unit` is an ISO 4217 code, "percent", "percentage points", a noun such as "projects", or None. What differs
    by at most `tolerance`, in full as well, is the same. `period` is as `parse_period` reads it.
    """

    value: Decimal
    unit: str | None
    tolerance: Decimal = Decimal(0)
    period: str | None = None


@dataclass(frozen=True, slots=True)
class Gold:
    """What is right: any of `answers`, or one alternative of every part in `all_of`; `number` if it is a figure."""

    answers: tuple[str, ...] = ()
    all_of: tuple[tuple[str, ...], ...] = ()
    number: Number | None = None


@dataclass(frozen=True, slots=True)
class CitationScores:
    """How well an answer's citations support it; None where a measure does not apply."""

    recall: float | None
    precision: float | None
    f1: float | None


def normalise_answer(text: str) -> str:
    """Normalise an answer as SQuAD's evaluation script 1.1 does (Rajpurkar et al. 2016).

    Lower case, then without ASCII punctuation, then without the words a, an, the, then single spaces.
    Punctuation inside a number goes too ("$24.2" becomes "242"): hence `numeric_match` beside this.
    """
    bare = text.lower().translate(_PUNCTUATION)
    return " ".join(_ARTICLES.sub(" ", bare).split())


def exact_match(prediction: str, answers: Sequence[str]) -> float:
    """EM: 1 when the prediction equals any gold answer after `normalise_answer`, else 0.

    Not for a gold of several parts (`Gold.all_of`), which no one text equals.

    Raises:
        ValueError: there is no gold answer.
    """
    return _best(_same_words, prediction, answers)


def token_f1(prediction: str, answers: Sequence[str]) -> float:
    """F1 over the bags of words of prediction and gold answer, the best over the gold answers.

    F1 = 2PR / (P + R), with P and R the shares of the prediction's and of the answer's words, counted
    with repetition after `normalise_answer`, that both have (Rajpurkar et al. 2016). Where either is
    empty, 1 if both are and 0 otherwise (SQuAD 2.0's script, Rajpurkar et al. 2018). Not for a gold of several
    parts (`Gold.all_of`), with which no one text shares its words.

    Raises:
        ValueError: there is no gold answer.
    """
    return _best(_shared_words, prediction, answers)


def numeric_match(prediction: str, number: Number, context: str = "") -> float:
    """1 when the prediction's first figure of the fitting kind has this value, unit and period, else 0.

    Where the unit is a currency, the first sum of money must be in it; where it is "percent" or "percentage
    points", the first percentage must be of that sort; where it is a noun or None, the first plain number counts,
    whatever it counts, or else a bare four-digit year ("2000 people"). Being approximate makes no difference.

    `context` is the sentence in which the prediction stands. Where the two name dates and the gold figure has a
    period, one of them must be consistent with it: the named date supports the period or the period the date, by
    the comparison rule of `qa.figures` ("2031" and "May" agree with 2031-05, and so does "5 May 2031"; "Q2 2031"
    does not). The period is taken as right where no date is named, and where a relative one is ("last year"): the
    figure may be of that, and another date in the sentence of what it is compared with.

    Raises:
        ValueError: `number.period` is not of the form that `parse_period` reads.
    """
    figures = find_figures(prediction)
    stated = _first_fitting(figures, number.unit)
    if stated is None:
        return 0.0
    value = Decimal(stated.year or 0) if stated.value is None else stated.value
    is_equal = abs(value - number.value) <= number.tolerance
    fits = stated.unit == number.unit or not _is_strict(number.unit)
    # A year that was taken as the value is no date, here and where the context repeats it.
    dates = [date for date in (*figures, *find_figures(context)) if date.kind == "date" and date.text != stated.text]
    is_dated = bool(dates) and not _RELATIVE_PERIOD.search(f"{prediction}\n{context}")
    return float(is_equal and fits and (not is_dated or _agrees(dates, number.period)))


def parse_period(period: str) -> Figure:
    """A period as a date of `qa.figures`: "2031", "2031-05", "2031-11-05", "Q2 2032" or "H1 2032".

    Raises:
        ValueError: it is none of these.
    """
    match = _PERIOD.fullmatch(period)
    if not match:
        raise ValueError(f"'{period}' is no period; write it as 2031, 2031-05, 2031-11-05, Q2 2032 or H1 2032")
    year, month, day = (int(match[name]) if match[name] else None for name in ("year", "month", "day"))
    return Figure(period, 0, len(period), "date", year=year, part=match["part"], month=month, day=day)


def answer_match(prediction: str, gold: Gold, context: str = "") -> float:
    """1 when the prediction gives the gold answer, by the rule that goes with the kind of gold; else 0.

    - Several parts (`all_of`): of every part an alternative stands in the prediction as a run of whole words.
    - A figure: `numeric_match`; or `exact_match` with an answer that has the same figures, for of words alone
      "-4.5 percent" equals "45 percent". Context and period make no difference to what equals an answer.
    - Words: `exact_match`; or the prediction is a whole sentence and an answer stands in it as a run of whole
      words. It is one when it has at least six words more than that answer; a shorter text with more words than
      the answer may name something else. The answers "yes" and "no" must be its first word.

    Words are those of `normalise_answer`. That the sentence asserts what stands in it is not checked.
    `context` is the sentence in which the prediction stands, for the period of a figure.

    Raises:
        ValueError: the gold has neither answers nor parts nor a number.
    """
    said = normalise_answer(prediction)
    if gold.all_of:
        return float(all(any(_has_run(said, text) for text in _normalised(part)) for part in gold.all_of))
    if gold.number:
        is_answer = any(_is_same_with_figures(prediction, answer) for answer in gold.answers)
        return float(is_answer or numeric_match(prediction, gold.number, context))
    is_said = any(_is_said_in_sentence(said, answer) for answer in _normalised(gold.answers))
    return float(is_said or exact_match(prediction, gold.answers))


def str_em(text: str, parts: Sequence[Sequence[str]]) -> float:
    """STR-EM: the share of the parts of which any alternative stands in the text (ASQA, Stelmakh et al. 2022).

    As published and as in ALCE's script (Gao et al. 2023): both are normalised by `normalise_answer`, and
    standing in is being a substring. So "art" stands in "start", and a text without words ("the") in every other;
    `answer_match` asks for whole words.

    Raises:
        ValueError: there is no part, or a part without alternative.
    """
    if not parts or not all(parts):
        raise ValueError("no gold answer to look for; leave the question out of this measure")
    said = normalise_answer(text)
    return sum(any(answer in said for answer in _normalised(part)) for part in parts) / len(parts)


def citation_scores(citations: Sequence[Sequence[int]], supports: Supports) -> CitationScores:
    """Citation recall and precision of one answer (ALCE, Gao et al. 2023), `citations[i]` being of statement i.

    `supports` is what the paper asks of an inference model; it is never asked about no citation.

    - Recall: the share of all statements that have citations and are supported by all of theirs together.
    - Precision: the share of all citations that are relevant, where one is unless its statement is not supported
      by all together, or it alone does not support the statement while the others without it do. A source cited
      twice is two citations, the other of which remains among the others.
    - F1: their harmonic mean, 0 where no statement is supported.

    Recall and F1 are None where there is no statement, precision where there is no citation. Unlike ALCE's script
    it looks at every citation of a statement, not at the first three.
    """
    supported = [bool(cited) and supports(index, frozenset(cited)) for index, cited in enumerate(citations)]
    relevant = [
        supported[index] and _is_relevant(index, cited, place, supports)
        for index, cited in enumerate(citations)
        for place in range(len(cited))
    ]
    recall, precision = _share(supported), _share(relevant)
    return CitationScores(recall, precision, None if recall is None else _harmonic_mean(recall, precision or 0.0))


def figure_support(supported: Sequence[bool]) -> float | None:
    """The share of an answer's figures that stand in its cited quotes; None when it has no figure."""
    return _share(supported)


def quote_validity(stands: Sequence[bool]) -> float | None:
    """The share of an answer's quotes that stand in their article as cited; None when there is no quote."""
    return _share(stands)


def _share(flags: Sequence[bool]) -> float | None:
    return sum(flags) / len(flags) if flags else None


def _harmonic_mean(one: float, other: float) -> float:
    return 2 * one * other / (one + other) if one + other else 0.0


def _normalised(answers: Iterable[str]) -> list[str]:
    return [normalise_answer(answer) for answer in answers]


def _best(measure: Callable[[str, str], float], prediction: str, answers: Sequence[str]) -> float:
    """The best of a measure over the gold answers, all normalised."""
    if not answers:
        raise ValueError("no gold answer to compare with; leave the question out of this measure")
    said = normalise_answer(prediction)
    return max(measure(said, gold) for gold in _normalised(answers))


def _same_words(said: str, gold: str) -> float:
    return float(said == gold)


def _shared_words(said: str, gold: str) -> float:
    said_words, gold_words = said.split(), gold.split()
    if not said_words or not gold_words:
        return float(said_words == gold_words)
    shared = sum((Counter(said_words) & Counter(gold_words)).values())
    return 2 * shared / (len(said_words) + len(gold_words))


def _has_run(said: str, gold: str) -> bool:
    """Whether the words of `gold` stand in `said` one after the other; without words it stands nowhere."""
    return bool(gold) and f" {gold} " in f" {said} "


def _is_said_in_sentence(said: str, gold: str) -> bool:
    is_sentence = len(said.split()) - len(gold.split()) >= _SENTENCE_WORDS
    # "No" within a sentence ("there is no record of it") answers nothing.
    return is_sentence and (said.startswith(f"{gold} ") if gold in ("yes", "no") else _has_run(said, gold))


def _is_same_with_figures(one: str, other: str) -> bool:
    values = ([(figure.kind, figure.value, figure.unit) for figure in find_figures(text)] for text in (one, other))
    return bool(exact_match(one, [other])) and next(values) == next(values)


def _is_relevant(statement: int, cited: Sequence[int], place: int, supports: Supports) -> bool:
    """Whether a citation of a supported statement does its part: it is enough alone or the others are not."""
    if supports(statement, frozenset([cited[place]])):
        return True
    return not supports(statement, frozenset([*cited[:place], *cited[place + 1 :]]))


def _agrees(dates: Sequence[Figure], period: str | None) -> bool:
    """Whether any of the dates is consistent with the period; all are where there is none."""
    if period is None:
        return True
    gold = parse_period(period)
    return any(same_figure(date, gold) or same_figure(gold, date) for date in dates)


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
