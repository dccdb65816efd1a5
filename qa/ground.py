"""Statement to quote and verdict, the same for both modes: the program decides what is supported, not the model."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from qa.articles import Article, Quote, hash_text
from qa.binding import find_quotes, terms_in
from qa.clauses import Fault, Reading, read_sentence
from qa.evidence import read_evidence
from qa.keywords import analyze, question_terms
from qa.names import check_names
from qa.orders import cut_out, find_orders, gives_orders, read_hidden
from qa.periods import find_periods
from qa.polarity import check_polarity
from qa.quotations import check_quotations
from qa.retrieve import Hit
from qa.split import Span, find_sentences
from qa.subjects import check_subjects
from qa.support import check_asked, check_figures
from qa.synonyms import same_sense
from qa.text import encodable_text

Verdict = Literal["supported", "unsupported", "uncited"]

# The share of a statement's terms, or words that may stand for them, that must be in its quotes or their articles'
# titles. 0.4 refuses 96 % of wrong citations and keeps 65 % of sentences from two articles that say one thing in
# different words; 0.5 refuses 98 % and keeps 47 % (suite `sample`, `python eval/bench/support.py`).
LOWEST_COVERAGE = 0.4

_MARKER = re.compile(r"\[\d{1,4}(?:\s*,\s*\d{1,4})*\]")
_NUMBER = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a statement is not supported; `kind` is for programs, `detail` is a line for people."""

    kind: Literal[
        "figure_not_in_quote",
        "other_scale",
        "other_sign",
        "other_period",
        "name_not_in_article",
        "negated",
        "quotation_not_in_article",
        "words_not_in_quote",
        "quote_not_in_article",
        "order_in_quote",
        "gives_orders",
        "unknown_citation",
        "no_citation",
        "unfinished",
    ]
    detail: str


@dataclass(frozen=True, slots=True)
class Citation:
    """A quote under the number by which the answer's text refers to its passage.

    `copies` are articles that are copies of the quote's and hold the same words, by date.
    """

    number: int
    quote: Quote
    copies: tuple[Article, ...] = ()


@dataclass(frozen=True, slots=True)
class Statement:
    """One sentence of an answer. `start` and `end` are offsets into the answer's text, markers included.

    `citations` are the known numbers it names, `quotes` the places of its quotes in the answer's citations.
    """

    text: str
    start: int
    end: int
    citations: tuple[int, ...]
    quotes: tuple[int, ...]
    verdict: Verdict
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Grounded:
    """The statements of a text and their quotes, one citation for each (number, quote)."""

    statements: tuple[Statement, ...]
    citations: tuple[Citation, ...]

    @property
    def holds(self) -> bool:
        """Whether any statement is supported."""
        return any(statement.verdict == "supported" for statement in self.statements)


def ground_text(text: str, hits: Sequence[Hit], question: Reading | None = None) -> Grounded:
    """Bind each sentence of `text` to the quotes that support it best and judge it.

    `[n]` in the text means the passage of `hits[n - 1]`. A statement is supported when every figure of it
    stands in its quotes with the same value, scale, unit and period, no amount of it is said only of another year
    there, and enough of its terms do too. Sentences that give orders (`qa.orders`) support nothing, and neither
    an order nor words that only an order has are ever supported. Words in quotation marks must stand in a cited
    article (`qa.quotations`). Lone surrogates become U+FFFD.

    A sentence that names no time, or no name, is taken to be of those of the `question` that the text answers, or of
    a time that a sentence before it names.
    """
    text = encodable_text(text)
    citations: list[Citation] = []
    statements: list[Statement] = []
    for start, end in split_statements(text):
        statement, cited = _ground_statement(text[start:end], hits, question)
        if question is not None:
            question = replace(question, periods=(*question.periods, *find_periods(bare_statement(statement.text))))
        for citation in cited:
            if citation not in citations:
                citations.append(citation)
        places = tuple(citations.index(citation) for citation in cited)
        statements.append(replace(statement, start=start, end=end, quotes=places))
    return Grounded(tuple(statements), tuple(citations))


def ground_sentence(text: str, citation: Citation) -> Statement:
    """Judge a sentence taken from an article against the quote it was taken as."""
    problems = tuple(check_statement(bare_statement(citation.quote.text), [citation.quote]))
    verdict: Verdict = "unsupported" if problems else "supported"
    return Statement(text, 0, len(text), (citation.number,), (0,), verdict, problems)


def split_statements(text: str) -> list[Span]:
    """The sentences of an answer, each with its `[n]` markers; together they hold every word and every marker.

    A marker between two sentences belongs to the one before it, unless it opens the line of the other.
    What has no word in it is no sentence of its own.
    """
    markers = [match.span() for match in _MARKER.finditer(text)]
    spans: list[Span] = []
    for start, end in sorted([*find_sentences(_MARKER.sub(_blank, text)), *markers]):
        if spans and end <= spans[-1][1]:
            continue  # a marker inside a sentence
        if spans and not (_has_word(text[slice(*spans[-1])]) and _begins_anew(text, spans[-1][1], start, end)):
            spans[-1] = (spans[-1][0], end)
        else:
            spans.append((start, end))
    return spans


def bare_statement(text: str) -> str:
    """A statement without its markers."""
    return " ".join(_MARKER.sub(" ", text).split())


def cited_numbers(text: str) -> list[int]:
    """The numbers that the markers of a statement name, in order, each once."""
    found = (int(n) for match in _MARKER.finditer(text) for n in _NUMBER.findall(match.group()))
    return list(dict.fromkeys(found))


def _ground_statement(text: str, hits: Sequence[Hit], question: Reading | None) -> tuple[Statement, list[Citation]]:
    bare, numbers = bare_statement(text), cited_numbers(text)
    known = [number for number in numbers if 1 <= number <= len(hits)]
    problems = [_unknown(number) for number in numbers if number not in known]
    citations = _quotes_for(bare, [(number, hits[number - 1]) for number in known])
    if not numbers:
        problems.append(Problem("no_citation", "no passage is named as its source"))
    elif citations:
        quotes = [citation.quote for citation in citations]
        problems += check_statement(bare, quotes, question)
        problems += check_obeyed(bare, quotes, [hits[number - 1] for number in known])
    verdict: Verdict = "uncited" if not citations else "unsupported" if problems else "supported"
    cited = tuple(dict.fromkeys(citation.number for citation in citations))
    return Statement(text, 0, len(text), cited, (), verdict, tuple(problems)), citations


def _quotes_for(statement: str, cited: Iterable[tuple[int, Hit]]) -> list[Citation]:
    return [
        Citation(number, quote)
        for number, hit in cited
        for quote in find_quotes(statement, hit.article, (hit.passage.start, hit.passage.end))
    ]


def check_statement(statement: str, quotes: Sequence[Quote], question: Reading | None = None) -> list[Problem]:
    """What in a statement its quotes do not bear out; an empty list means that it is supported.

    Times and names that it leaves out are those of the question that it answers, if one is given.
    """
    problems = [
        Problem("quote_not_in_article", f"article {quote.article.id} does not have this quote at its place")
        for quote in quotes
        if not quote.stands() or hash_text(quote.article.text) != quote.article.sha256
    ]
    if gives_orders(statement):
        problems.append(Problem("gives_orders", "it is an order to the reader, not news"))
    if any(map(_is_order, quotes)):
        problems.append(Problem("order_in_quote", "the quote is an order to its reader, which proves nothing"))
    problems += [Problem(fault.kind, fault.detail) for fault in _find_faults(statement, quotes, question)]
    if share_in_quotes(statement, quotes) < LOWEST_COVERAGE:
        absent = ", ".join(_absent_terms(statement, quotes)[:5])
        detail = f"the quote does not say this (missing: {absent})" if absent else "it has no words"
        problems.append(Problem("words_not_in_quote", detail))
    return problems


def _is_order(quote: Quote) -> bool:
    """Whether a quote gives orders: `find_quote` mixes them with no other sentence."""
    return bool(find_orders(quote.article.text, (quote.start, quote.end), language=quote.article.language))


def check_obeyed(statement: str, quotes: Sequence[Quote], hits: Iterable[Hit]) -> Iterator[Problem]:
    """Words of a statement that its quotes do not have and that stand in its passages in orders only."""
    absent = set(_absent_terms(statement, quotes))
    for hit in hits if absent else ():
        article, passage = hit.article, hit.passage
        orders = find_orders(article.text, (passage.start, passage.end), language=article.language)
        if not orders:
            continue
        ordered = {term for start, end in orders for term in analyze(read_hidden(article.text[start:end]))}
        rest = cut_out(passage.text, [(start - passage.start, end - passage.start) for start, end in orders])
        taken = sorted(absent & ordered - set(analyze(rest)))
        if taken:
            yield Problem("order_in_quote", f"only an order to the reader has: {', '.join(taken[:5])}")


def share_in_quotes(statement: str, quotes: Sequence[Quote]) -> float:
    """The share of a statement's terms that stand in its quotes or their articles' titles; 0 where it has none."""
    terms = _terms(statement)
    return 1 - len(_absent_terms(statement, quotes)) / len(terms) if terms else 0.0


def _absent_terms(statement: str, quotes: Sequence[Quote]) -> list[str]:
    present = frozenset[str]().union(*(terms_in(text) for quote in quotes for text in (_title(quote), quote.text)))
    return [term for term in _terms(statement) if present.isdisjoint(same_sense(term))]


def _find_faults(statement: str, quotes: Sequence[Quote], question: Reading | None) -> Iterator[Fault]:
    """What the figures, times, names, negations and quotations of a statement have against its quotes."""
    evidence = read_evidence(quotes)
    claim = read_sentence(statement, evidence.published)
    yield from check_figures(claim, evidence)
    if question is not None:
        yield from check_asked(claim, evidence, question)
    yield from check_subjects(claim, evidence, question)
    yield from check_names(claim, evidence, question)
    yield from check_polarity(claim, evidence)
    yield from check_quotations(statement, evidence.articles)


def _title(quote: Quote) -> str:
    """The title of a quote's article, unless it gives orders."""
    return "" if gives_orders(quote.article.title) else quote.article.title


def _unknown(number: int) -> Problem:
    return Problem("unknown_citation", f"[{number}] is no passage that was given")


def _terms(text: str) -> list[str]:
    return list(dict.fromkeys(question_terms(text)))


def _blank(match: re.Match[str]) -> str:
    return " " * len(match.group())


def _begins_anew(text: str, last: int, start: int, end: int) -> bool:
    """Whether a sentence or a marker at `start:end` does not belong to the sentence that ended at `last`."""
    if not _MARKER.fullmatch(text, start, end):
        return _has_word(text[start:end])
    rest_of_line = text[end:].partition("\n")[0]
    return "\n" in text[last:start] and _has_word(rest_of_line)


def _has_word(text: str) -> bool:
    return any(char.isalnum() for char in _MARKER.sub("", text))
