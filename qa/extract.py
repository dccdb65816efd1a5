"""The answer without a model: the sentence on record and the span that answers, or nothing when nothing fits."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from qa.articles import Quote, make_quote
from qa.choose import choose_span
from qa.embed import Embedder, embed_checked
from qa.errors import LocalModelError
from qa.features import Features, Surroundings, find_orders_in, read_features
from qa.figures import same_figure
from qa.names import speaks_of
from qa.orders import meets_order
from qa.periods import describe
from qa.question import Question, read_question
from qa.read import Read, Reader, make_excerpts
from qa.retrieve import Hit
from qa.scope import MET, long_periods
from qa.span import find_answer, read_sentence
from qa.split import Span, find_sentences
from qa.synonyms import same_sense

_CANDIDATES = 24  # sentences compared by meaning; each costs about 5 ms of CPU
_NEAREST = 3
# Fitted on stories kept out of training (`python eval/reader/calibrate.py`); see `weigh_reading`.
_INTERCEPT, _RULE_WEIGHT, _READER_WEIGHT = -4.136, 5.061, 0.1125
# Lowest score that is an answer. The stories are harder to find than to read, so that scores are low: from 0.0825 to
# 0.1 suite `sample` passes its gates, at the lower end as well as by rule; on the dev split of `newswire` precision and
# recall of abstaining change little between (`python eval/bench/abstention.py`).
LOWEST_SCORE = 0.0835
# Lowest score by rule that is an answer: suite `sample` passes its gates with 0.50 to 0.53; on the dev split of
# `newswire` precision and recall of abstaining change little between (`python eval/bench/abstention.py`).
LOWEST_BY_RULE = 0.51
# Lowest scores, as read and by rule, with which the answer to one part of a question stands where neither the others
# nor the whole question have any: on the dev split of `newswire` 4 of 41 questions that are not answerable have one,
# and of 26 right answers 14 as read, 13 by rule (`qa eval run newswire --no-model --split dev --system by-rule`).
SURE_SCORE, SURE_BY_RULE = 0.25, 0.65
# Lowest score by rule, meaning left out, with which a model is asked: no answerable question of `sample` or `newswire`
# has one below 0.14; 5 of 31 questions of `sample` that are not answerable do have one below 0.12 (same command).
LOWEST_TO_ASK = 0.12

Weigh = Callable[[str], float]


@dataclass(frozen=True, slots=True)
class Pick:
    """A sentence read for a question; `span` is the part that answers, offsets into the quote's text."""

    quote: Quote
    span: Span | None
    score: float


@dataclass(frozen=True, slots=True)
class Reading:
    """What reading the hits gave: the answer or None, the closest sentences, and what is missing, in words.

    `answers` are all sentences that may be the answer, best first: `answer` is the first of them. `candidates` are all
    sentences that were compared, best first. `notice` says why the reader did not read them, where it failed.
    """

    answer: Pick | None
    nearest: tuple[Pick, ...]
    missing: tuple[str, ...]
    score: float
    candidates: tuple[Candidate, ...] = ()
    notice: str | None = None
    answers: tuple[Pick, ...] = ()


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence of a hit with what speaks for it."""

    quote: Quote
    rank: int
    features: Features
    span: Span | None
    read: Read | None = None

    @property
    def score(self) -> float:
        """How likely it is the answer, from 0 to 1, where it was read; else the features as one number, 1 at most."""
        by_rule = score_features(self.features)
        return by_rule if self.read is None else weigh_reading(by_rule, self.read.logit)


def read_hits(
    question: str,
    hits: Sequence[Hit],
    *,
    weigh: Weigh,
    embedder: Embedder,
    reader: Reader | None = None,
    today: date | None = None,
    lowest_score: float | None = None,
) -> Reading:
    """Pick the sentence of the hits that answers the question, or none, with the closest ones.

    Without a reader, or where it fails, sentences are weighed by rule. Relative times of the question ("last year")
    count from `today`. `lowest_score` is the lowest with which a sentence is the answer.
    """
    asked = read_question(question, today)
    notice = None
    try:
        candidates = rank_sentences(asked, hits, weigh=weigh, embedder=embedder, reader=reader)
    except LocalModelError as error:
        if reader is None:
            raise
        reader, notice = None, f"Read by rule, not by the reader: {error}"
        candidates = rank_sentences(asked, hits, weigh=weigh, embedder=embedder)
    if lowest_score is None:
        lowest_score = LOWEST_SCORE if reader else LOWEST_BY_RULE
    picks = [Pick(c.quote, c.span, c.score) for c in candidates]
    answers = tuple(pick for pick in picks if pick.score >= lowest_score)
    answer = answers[0] if answers else None
    nearest = tuple(picks[:_NEAREST])
    missing = () if answer else tuple(_describe_missing(asked, hits, candidates))
    return Reading(
        answer,
        nearest,
        missing,
        score=picks[0].score if picks else 0.0,
        candidates=tuple(candidates),
        notice=notice,
        answers=answers,
    )


def rank_sentences(
    asked: Question, hits: Sequence[Hit], *, weigh: Weigh, embedder: Embedder, reader: Reader | None = None
) -> list[Candidate]:
    """The sentences of the hits that are worth comparing, best first.

    Raises:
        LocalModelError: embedder or reader failed.
    """
    best = _compare_meaning(asked.text, read_candidates(asked, hits, weigh=weigh), embedder)
    if reader and best:
        found = reader.read(asked.text, list(make_excerpts([candidate.quote for candidate in best])))
        best = [_with_read(asked, candidate, read) for candidate, read in zip(best, found, strict=True)]
    return sorted(best, key=_order)


def read_candidates(asked: Question, hits: Sequence[Hit], *, weigh: Weigh) -> list[Candidate]:
    """The sentences of the hits that are worth comparing by meaning, in the order of what else speaks for them."""
    weights = {term: min(weigh(form) for form in same_sense(term)) for term in asked.terms}
    candidates = [c for rank, hit in enumerate(hits) for c in _read_hit(asked, hit, rank, weights)]
    return sorted(candidates, key=_order)[:_CANDIDATES]


def _with_read(asked: Question, candidate: Candidate, read: Read) -> Candidate:
    span = choose_span(asked, read_sentence(candidate.quote.text), candidate.span, read.span)
    return replace(candidate, read=read, span=span)


def weigh_reading(by_rule: float, logit: float) -> float:
    """The probability that a sentence answers, by its score by rule and the reader's log-odds: a logistic function."""
    return 1 / (1 + math.exp(-(_INTERCEPT + _RULE_WEIGHT * by_rule + _READER_WEIGHT * logit)))


def find_span(question: str, sentence: str) -> Span | None:
    """The part of a sentence that answers a question, trimmed, or None where no part does."""
    found = find_answer(read_question(question), read_sentence(sentence), {})
    return found.span if found else None


def score_features(f: Features) -> float:
    """The features weighted into one score, 1 at most."""
    weighted = (
        0.20 * f.covered
        + 0.20 * f.context
        + 0.22 * f.similarity
        + 0.12 * f.near
        + 0.08 * f.fit
        + 0.05 * f.timed
        + 0.05 * f.figured
        + 0.08 * f.named
        - 0.10 * (1 - f.plain)
    )
    return weighted if f.eligible else weighted / 2


def _order(candidate: Candidate) -> tuple[float, int, int]:
    return -candidate.score, candidate.rank, candidate.quote.start


def _read_hit(asked: Question, hit: Hit, rank: int, weights: Mapping[str, float]) -> list[Candidate]:
    around = Surroundings.of(hit)
    candidates = []
    for start, end in _find_evidence(hit):
        quote = make_quote(hit.article, start, end)
        features, span = read_features(asked, quote, around, weights)
        candidates.append(Candidate(quote, rank, features, span))
    return candidates


def _find_evidence(hit: Hit) -> list[Span]:
    """The sentences of a passage but those that give orders, as offsets into the article."""
    passage, orders = hit.passage, find_orders_in(hit)
    found = find_sentences(passage.text, language=hit.article.language)
    spans = [(passage.start + start, passage.start + end) for start, end in found]
    return [span for span in spans if not meets_order(span, orders)]


def _describe_missing(asked: Question, hits: Sequence[Hit], candidates: Sequence[Candidate]) -> Iterator[str]:
    """What the question names that nothing found for it has, a line for each."""
    articles = [Surroundings.of(hit) for hit in hits]
    for name in asked.full_names:
        if not any(speaks_of(name, around.article) for around in articles):
            yield f"No passage that was found speaks of {name}."
    absent = [day for day in asked.dates if not any(same_figure(day, f) for around in articles for f in around.figures)]
    for day in absent:
        yield f"No passage that was found speaks of {day.text}."
    closest = [c for c in candidates if c.span][:_NEAREST]
    if asked.periods and not absent and closest and all(c.features.timed < MET for c in closest):
        said = dict.fromkeys(describe(period) for c in closest for period in long_periods(c.quote))
        instead = f"; what comes closest is of {', '.join(said)}" if said else ""
        yield f"No sentence that was found says this of {' or '.join(p.text for p in asked.periods)}{instead}."


def _compare_meaning(question: str, candidates: Sequence[Candidate], embedder: Embedder) -> list[Candidate]:
    if not candidates:
        return []
    vectors = embed_checked(embedder, [question, *(c.quote.text for c in candidates)])
    similarity = vectors[1:] @ vectors[0]
    return [
        replace(c, features=replace(c.features, similarity=max(0.0, float(value))))
        for c, value in zip(candidates, similarity, strict=True)
    ]
