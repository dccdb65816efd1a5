"""The quotes of a statement, read once for all checks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from qa.articles import Article, Quote
from qa.clauses import Clause, Reading, read_sentence
from qa.figures import Figure, same_figure
from qa.periods import Period, find_periods
from qa.split import Span, find_sentences
from qa.synonyms import same_sense

_BEFORE = 600  # characters before a quote that may tell what "the previous quarter" counts from
_ANCHORS = 4  # times before a sentence that "the previous quarter" may count from
COUNTS_BACK = re.compile(r"\b(?:earlier|later|before|after|previous(?:ly)?|preceding|following)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a statement cites: the quotes, the sentences in them, and the articles that they are from."""

    quotes: tuple[Quote, ...]
    sentences: tuple[Reading, ...]
    articles: tuple[Article, ...]

    @property
    def published(self) -> date | None:
        """The day that relative times of the statement count from: that of the first article."""
        return self.articles[0].published if self.articles else None

    @property
    def periods(self) -> list[Period]:
        """Every time that the quotes name."""
        return [period for sentence in self.sentences for period in sentence.periods]

    @property
    def amounts(self) -> list[Figure]:
        """Every figure of the quotes that is no date."""
        return [figure for sentence in self.sentences for figure in sentence.amounts]


def read_evidence(quotes: Sequence[Quote]) -> Evidence:
    """Read the sentences of quotes, each with the date of its article."""
    sentences: list[Reading] = []
    for quote in quotes:
        anchors = periods_before(quote) if COUNTS_BACK.search(quote.text) else ()
        for start, end in _sentences_of(quote.text, quote.article.language):
            reading = read_sentence(quote.text[start:end], quote.article.published, anchors)
            anchors = (*_long_periods(reading.periods), *anchors)[:_ANCHORS]
            sentences.append(reading)
    return Evidence(tuple(quotes), tuple(sentences), tuple(dict.fromkeys(quote.article for quote in quotes)))


@lru_cache(maxsize=1024)
def _sentences_of(text: str, language: str | None) -> tuple[Span, ...]:
    return tuple(find_sentences(text, language=language))


def read_around(evidence: Evidence) -> Iterator[Reading]:
    """The sentences with an amount of all articles that are quoted, the quotes among them."""
    for article in evidence.articles:
        yield from _read_sentences(article.text, article.published, article.language)


@lru_cache(maxsize=64)
def _read_sentences(text: str, published: date | None, language: str | None) -> tuple[Reading, ...]:
    sentences = (read_sentence(text[start:end], published) for start, end in find_sentences(text, language=language))
    return tuple(sentence for sentence in sentences if sentence.amounts)


def periods_before(quote: Quote) -> tuple[Period, ...]:
    """The last months, quarters, years and the like that the article names before a quote, the last first."""
    return _last_periods(quote.article.text[max(0, quote.start - _BEFORE) : quote.start], quote.article.published)


@lru_cache(maxsize=1024)
def _last_periods(text: str, published: date | None) -> tuple[Period, ...]:
    return _long_periods(find_periods(text, published))[:_ANCHORS]


def _long_periods(periods: Sequence[Period]) -> tuple[Period, ...]:
    return tuple(period for period in reversed(periods) if period.days and not period.is_day)


def best_clauses(clause: Clause, evidence: Evidence) -> list[tuple[Reading, Clause]]:
    """The clauses of the quotes that are most likely about the same, with their sentences; none where none is.

    A shared amount counts for two shared words, and a longer clause for no more than a shorter one.
    """
    scored = [
        (_likeness(clause, known), sentence, known) for sentence in evidence.sentences for known in sentence.clauses
    ]
    highest = max((score for score, _, _ in scored), default=0)
    return [(sentence, known) for score, sentence, known in scored if score == highest] if highest else []


def _likeness(clause: Clause, known: Clause) -> int:
    shared = sum(not known.terms.isdisjoint(same_sense(term)) for term in clause.terms)
    amounts = sum(any(same_figure(figure, other) for other in known.amounts) for figure in clause.amounts)
    return shared + 2 * amounts
