"""The quotes of a statement: the shortest runs of sentences of a passage that support it best."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from qa.articles import Article, Quote, make_quote
from qa.clauses import read_periods
from qa.figures import Figure, read_figures, same_figure
from qa.keywords import analyze, question_terms
from qa.orders import find_orders, meets_order
from qa.periods import Period
from qa.quotations import Place, find_quotations, locate, locate_sound
from qa.split import Span, find_sentences
from qa.support import bears_out

_LONGEST_QUOTE = 3  # sentences


@dataclass(frozen=True, slots=True)
class _Sought:
    """What of a statement its quote should have: figures and times, the places of its quotations, and terms, by bit."""

    figures: tuple[tuple[Figure | None, Period | None], ...]
    quotations: tuple[tuple[Place, ...], ...]
    terms: dict[str, int]
    has_times: bool


def find_quotes(statement: str, article: Article, within: Span) -> list[Quote]:
    """The quote of `find_quote`, then those sentences of the article that have a quotation which that does not hold.

    A single word in quotation marks needs no quote of its own. What stands outside `within` is taken only where a
    quotation stands nowhere in it, and a sentence that gives orders never.
    """
    best = find_quote(statement, article, within)
    found = [best] if best else []
    for quotation in find_quotations(statement):
        places = locate_sound(quotation, article) if len(quotation.words) > 1 else []
        if places and not any(_is_held(place, (quote.start, quote.end)) for place in places for quote in found):
            inside = [place for place in places if _is_held(place, within)]
            found += _quote_place((inside or places)[0], article, within)
    return list(dict.fromkeys(found))


def find_quote(statement: str, article: Article, within: Span) -> Quote | None:
    """The shortest run of at most three sentences inside `within` that supports a statement best.

    Runs are compared by how many of the statement's figures and times they hold, then by how many of its quotations,
    then of its terms, then by length, shorter first, then by place. A time is held by another that means it: "in
    2031" by "last year" in an article of 2032. Sentences that give orders are left out, unless there are no others:
    then one is the quote, and `check_statement` refuses it.
    """
    sentences = _sentences_in(article, within)
    if not sentences:
        return None
    sought = _read_sought(statement, article, within)
    held = [_find_held(article.text[start:end], sought, article.published) for start, end in sentences]

    orders = find_orders(article.text, within, language=article.language)
    best: tuple[bool, int, int, int, int, int] | None = None
    for first, last, figures, terms in _runs(held):
        span = sentences[first][0], sentences[last][1]
        quotations = _count_held(sought.quotations, span) if sought.quotations else 0
        is_sound = not (orders and meets_order(span, orders))
        key = is_sound, figures.bit_count(), quotations, terms.bit_count(), span[0] - span[1], -span[0]
        best = max(best, key) if best else key
    assert best is not None
    return make_quote(article, -best[5], -best[5] - best[4])


def _runs(held: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int, int, int]]:
    """All runs of sentences that a quote may be, first and last, with what they hold together."""
    for first in range(len(held)):
        figures = terms = 0
        for last in range(first, min(first + _LONGEST_QUOTE, len(held))):
            figures |= held[last][0]
            terms |= held[last][1]
            yield first, last, figures, terms


def _sentences_in(article: Article, within: Span) -> list[Span]:
    return [(within[0] + start, within[0] + end) for start, end in _sentences_of(article.text[slice(*within)])]


@lru_cache(maxsize=1024)
def _sentences_of(text: str) -> tuple[Span, ...]:
    return tuple(find_sentences(text))


# What is sought, and what a sentence holds of it


def _read_sought(statement: str, article: Article, within: Span) -> _Sought:
    quotations = (locate(quotation, article.text) for quotation in find_quotations(statement))
    inside = tuple(tuple(place for place in places if _is_held(place, within)) for places in quotations)
    figures = _read_figures_and_times(statement, article.published)
    return _Sought(figures, inside, _terms_sought(statement), any(time for _, time in figures))


@lru_cache(maxsize=1024)
def _terms_sought(statement: str) -> dict[str, int]:
    return {term: 1 << place for place, term in enumerate(dict.fromkeys(question_terms(statement)))}


@lru_cache(maxsize=1024)
def _read_figures_and_times(statement: str, published: date | None) -> tuple[tuple[Figure | None, Period | None], ...]:
    """Each figure of a statement with the time that it is part of, if any; then the times that have no figure."""
    figures, periods = read_figures(statement), _read_times(statement, published)
    timed = [(figure, _time_of(figure, periods)) for figure in figures]
    return (*timed, *((None, period) for period in periods if not any(period is time for _, time in timed)))


def _read_times(statement: str, published: date | None) -> list[Period]:
    """The times of a statement; those that say their year are the same whenever the article was published."""
    periods = read_periods(statement, None)
    if any(period.relative or not all(figure.year for figure in period.figures) for period in periods):
        periods = read_periods(statement, published)
    return [period for period in periods if len(period.figures) < 2]


def _time_of(figure: Figure, periods: Sequence[Period]) -> Period | None:
    return next((period for period in periods if period.start <= figure.start and figure.end <= period.end), None)


def _find_held(sentence: str, sought: _Sought, published: date | None) -> tuple[int, int]:
    """Which of the figures and times and which of the terms a sentence holds, a bit for each."""
    terms = sum(sought.terms[term] for term in terms_in(sentence).intersection(sought.terms))
    recorded, times = read_figures(sentence), read_periods(sentence, published) if sought.has_times else ()
    if not recorded and not times:
        return 0, terms
    some_figures = sum(
        1 << place
        for place, (figure, time) in enumerate(sought.figures)
        if (figure and recorded and any(same_figure(figure, known) for known in recorded))
        or (time and any(bears_out(time, known) for known in times))
    )
    return some_figures, terms


@lru_cache(maxsize=8192)
def terms_in(text: str) -> frozenset[str]:
    """The terms of a sentence or title on record, kept for the next statement that cites its passage."""
    return frozenset(analyze(text))


# Quotations


def _is_held(place: Place, within: Span) -> bool:
    """Whether all pieces of a quotation stand inside a span."""
    return within[0] <= place[0][0] and place[-1][1] <= within[1]


def _count_held(quotations: Sequence[Sequence[Place]], within: Span) -> int:
    return sum(any(_is_held(place, within) for place in places) for places in quotations)


def _quote_place(place: Place, article: Article, within: Span) -> Iterator[Quote]:
    """The sentences that have the pieces of a quotation, those of a piece in one quote."""
    if _is_held(place, within):
        sentences = _sentences_in(article, within)
    else:
        sentences = find_sentences(article.text, language=article.language)
    for start, end in place:
        met = [sentence for sentence in sentences if sentence[0] < end and start < sentence[1]]
        if met:
            yield make_quote(article, met[0][0], met[-1][1])
