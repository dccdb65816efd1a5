"""The answer without a model: the sentence on record and the span that answers, or nothing when nothing fits."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

from qa.articles import Quote, make_quote
from qa.embed import Embedder, embed_checked
from qa.figures import Figure, find_figures, same_figure
from qa.keywords import analyze
from qa.orders import cut_out, find_orders, gives_orders, meets_order
from qa.question import Question, find_counted_noun, read_question
from qa.retrieve import Hit
from qa.span import Found, Sentence, find_answer, has_name, read_sentence
from qa.split import Span, find_sentences
from qa.synonyms import same_sense

_CANDIDATES = 24  # sentences compared by meaning; each costs about 5 ms of CPU
_NEAREST = 3
# Lowest score that is an answer: on suite `sample` 0.50 to 0.53 passes its gates (`python eval/bench/abstention.py`).
LOWEST_SCORE = 0.51
# What these questions ask for has a form; a sentence without a span of that form is no answer.
_STRICT_KINDS = frozenset({"count", "amount", "share", "measure", "date", "person", "place"})

Weigh = Callable[[str], float]


@dataclass(frozen=True, slots=True)
class Pick:
    """A sentence read for a question; `span` is the part that answers, offsets into the quote's text."""

    quote: Quote
    span: Span | None
    score: float


@dataclass(frozen=True, slots=True)
class Reading:
    """What reading the hits gave: the answer or None, the closest sentences, and what is missing, in words."""

    answer: Pick | None
    nearest: tuple[Pick, ...]
    missing: tuple[str, ...]
    score: float


@dataclass(frozen=True, slots=True)
class Features:
    """What speaks for a sentence, each from 0 to 1.

    `covered`: weight of the question's terms in the sentence; `context`: the same with its passage and title.
    `similarity`: cosine of question and sentence. `near`: how close the span stands to the question's words.
    `fit`: how well the span has the kind asked for. `dated`, `figured`, `named`: the share of the question's
    dates, figures and names that are met in the sentence or, counting less, around it (the least of them).
    `plain` is 0 for an average that was not asked for. `eligible` is whether it may be the answer at all.
    """

    covered: float = 0.0
    context: float = 0.0
    similarity: float = 0.0
    near: float = 0.0
    fit: float = 0.0
    dated: float = 1.0
    figured: float = 1.0
    named: float = 1.0
    plain: float = 1.0
    eligible: bool = True


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence of a hit with what speaks for it."""

    quote: Quote
    rank: int
    features: Features
    span: Span | None

    @property
    def score(self) -> float:
        """The features as one number; see `score_features`."""
        return score_features(self.features)


def read_hits(
    question: str, hits: Sequence[Hit], *, weigh: Weigh, embedder: Embedder, lowest_score: float = LOWEST_SCORE
) -> Reading:
    """Pick the sentence of the hits that answers the question, or none, with the closest ones."""
    candidates = rank_sentences(question, hits, weigh=weigh, embedder=embedder)
    picks = [Pick(c.quote, c.span, c.score) for c in candidates]
    answer = next((pick for pick in picks if pick.score >= lowest_score), None)
    nearest = tuple(picks[:_NEAREST])
    missing = () if answer else tuple(_describe_missing(read_question(question), hits))
    return Reading(answer, nearest, missing, picks[0].score if picks else 0.0)


def rank_sentences(question: str, hits: Sequence[Hit], *, weigh: Weigh, embedder: Embedder) -> list[Candidate]:
    """The sentences of the hits that are worth comparing, best first."""
    asked = read_question(question)
    weights = {term: min(weigh(form) for form in same_sense(term)) for term in asked.terms}
    candidates = [c for rank, hit in enumerate(hits) for c in _read_hit(asked, hit, rank, weights)]
    best = sorted(candidates, key=_order)[:_CANDIDATES]
    return sorted(_compare_meaning(question, best, embedder), key=_order)


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
        + 0.05 * f.dated
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
        sentence = read_sentence(quote.text)
        found = find_answer(asked, sentence, weights)
        features = _weigh_sentence(asked, sentence, around, weights, found)
        candidates.append(Candidate(quote, rank, features, found.span if found else None))
    return candidates


def _find_evidence(hit: Hit) -> list[Span]:
    """The sentences of a passage but those that give orders, as offsets into the article."""
    passage, orders = hit.passage, _find_orders(hit)
    found = find_sentences(passage.text, language=hit.article.language)
    spans = [(passage.start + start, passage.start + end) for start, end in found]
    return [span for span in spans if not meets_order(span, orders)]


def _find_orders(hit: Hit) -> tuple[Span, ...]:
    return find_orders(hit.article.text, (hit.passage.start, hit.passage.end), language=hit.article.language)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What stands around a sentence: terms and figures of passage and title, and the article's terms; no orders."""

    terms: frozenset[str]
    figures: tuple[Figure, ...]
    article_terms: frozenset[str]
    year: int | None

    @classmethod
    def of(cls, hit: Hit) -> Surroundings:
        """Read the surroundings that all sentences of a hit share."""
        title = "" if gives_orders(hit.article.title) else hit.article.title
        orders = _find_orders(hit)
        first = hit.passage.start
        near = f"{title}\n{cut_out(hit.passage.text, [(start - first, end - first) for start, end in orders])}"
        return cls(
            terms=frozenset(analyze(near)),
            figures=tuple(find_figures(near)),
            article_terms=frozenset(analyze(f"{title}\n{cut_out(hit.article.text, orders)}")),
            year=hit.article.published.year if hit.article.published else None,
        )


def _weigh_sentence(
    asked: Question, sentence: Sentence, around: Surroundings, weights: Mapping[str, float], found: Found | None
) -> Features:
    total = sum(weights.values()) or 1.0
    covered = sum(weight for term, weight in weights.items() if sentence.holds(term))
    context = sum(
        weight
        for term, weight in weights.items()
        if sentence.holds(term) or not around.terms.isdisjoint(same_sense(term))
    )
    features = Features(
        covered=covered / total,
        context=context / total,
        near=found.near if found else 0.0,
        fit=_fit(asked, found, sentence, around),
        plain=float(asked.wants_average or not any(sentence.holds(term) for term in _average_terms())),
        dated=_least(_date_met(asked, date, sentence, around) for date in asked.dates),
        figured=_least(_figure_met(asked, figure, sentence, around) for figure in asked.figures),
        named=_least(_name_met(name, sentence, around) for name in asked.names),
    )
    return replace(features, eligible=_is_eligible(asked, features))


@cache
def _average_terms() -> list[str]:
    return analyze("average evenly each")


def _fit(asked: Question, found: Found | None, sentence: Sentence, around: Surroundings) -> float:
    if found is None:
        return 0.0
    if asked.kind == "count" and asked.focus and not sentence.holds(asked.focus):
        return min(1.0, found.fit) if not around.terms.isdisjoint(same_sense(asked.focus)) else 0.0
    return min(1.0, found.fit)


def _is_eligible(asked: Question, features: Features) -> bool:
    if asked.kind in _STRICT_KINDS and features.fit < 0.25:
        return False
    return features.dated >= 0.5 and features.named >= 0.5 and features.figured > 0


def _date_met(asked: Question, date: Figure, sentence: Sentence, around: Surroundings) -> float:
    recorded = [figure for figure in sentence.figures if figure.kind == "date"]
    if asked.wants_whole_year and any(known.month or known.part or known.unit == "month" for known in sentence.figures):
        return 0.0
    if any(same_figure(date, known) for known in recorded):
        return 1.0
    if asked.kind in _STRICT_KINDS and date.year and any(known.year not in (None, date.year) for known in recorded):
        return 0.0  # the sentence speaks of another year
    if any(same_figure(date, known) for known in around.figures):
        return 0.7
    return 0.5 if date.year is not None and date.year == around.year and date.month is None else 0.0


def _figure_met(asked: Question, figure: Figure, sentence: Sentence, around: Surroundings) -> float:
    if any(same_figure(figure, known) for known in sentence.figures):
        return 1.0
    noun = next((noun for counted, noun in asked.counted if counted == figure), None)
    if noun and any(find_counted_noun(sentence.text, known) == noun for known in sentence.figures):
        return 0.0  # the sentence counts the same things differently
    return 0.5 if any(same_figure(figure, known) for known in around.figures) else 0.0


def _name_met(name: str, sentence: Sentence, around: Surroundings) -> float:
    terms = analyze(name)
    if all(has_name(term, sentence.terms) for term in terms):
        return 1.0
    if all(has_name(term, around.terms) for term in terms):
        return 0.9
    return 0.8 if all(has_name(term, around.article_terms) for term in terms) else 0.0


def _describe_missing(asked: Question, hits: Sequence[Hit]) -> Iterator[str]:
    """What the question names that no article found for it has, a line for each."""
    articles = [Surroundings.of(hit) for hit in hits]
    for name in asked.names:
        if not any(all(has_name(term, around.article_terms) for term in analyze(name)) for around in articles):
            yield f"No passage that was found speaks of {name}."
    for date in asked.dates:
        if not any(same_figure(date, known) for around in articles for known in around.figures):
            yield f"No passage that was found speaks of {date.text}."


def _least(values: Iterable[float]) -> float:
    return min(values, default=1.0)


def _compare_meaning(question: str, candidates: Sequence[Candidate], embedder: Embedder) -> list[Candidate]:
    if not candidates:
        return []
    vectors = embed_checked(embedder, [question, *(c.quote.text for c in candidates)])
    similarity = vectors[1:] @ vectors[0]
    return [
        replace(c, features=replace(c.features, similarity=max(0.0, float(value))))
        for c, value in zip(candidates, similarity, strict=True)
    ]
