"""The answer without a model: the sentence on record and the span that answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from qa.articles import Quote, make_quote
from qa.embed import Embedder
from qa.figures import find_figures
from qa.keywords import analyze, question_terms
from qa.retrieve import Hit
from qa.split import Span, find_sentences


@dataclass(frozen=True, slots=True)
class Pick:
    """A sentence read for a question; `span` is the part that answers, offsets into the quote's text."""

    hit: Hit
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


def read_hits(question: str, hits: Sequence[Hit], *, weigh: Callable[[str], float], embedder: Embedder) -> Reading:
    """Pick the sentence that answers."""
    terms = list(dict.fromkeys(question_terms(question)))
    picks = []
    for hit in hits:
        for s, e in find_sentences(hit.passage.text):
            quote = make_quote(hit.article, hit.passage.start + s, hit.passage.start + e)
            present = set(analyze(quote.text))
            score = sum(weigh(t) for t in terms if t in present) / (sum(weigh(t) for t in terms) or 1)
            picks.append(Pick(hit, quote, find_span(question, quote.text), score))
    picks.sort(key=lambda p: -p.score)
    best = picks[0] if picks and picks[0].score > 0.4 else None
    return Reading(best, tuple(picks[:3]), (), picks[0].score if picks else 0.0)


def find_span(question: str, sentence: str) -> Span | None:
    """The span that answers."""
    figures = find_figures(sentence)
    return (figures[0].start, figures[0].end) if figures else None
