"""Statement to quote and verdict, the same for both modes: the program decides what is supported, not the model."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from qa.articles import Article, Quote, hash_text, make_quote
from qa.figures import Figure, find_figures, same_figure
from qa.keywords import analyze, question_terms
from qa.retrieve import Hit
from qa.split import Span, find_sentences
from qa.synonyms import same_sense

Verdict = Literal["supported", "unsupported", "uncited"]

# The share of a statement's terms, or words that may stand for them, that must be in its quotes or their articles'
# titles. 0.4 refuses 96 % of wrong citations and keeps 65 % of sentences from two articles that say one thing in
# different words; 0.5 refuses 98 % and keeps 47 % (suite `sample`, `python eval/bench/support.py`).
LOWEST_COVERAGE = 0.4
_LONGEST_QUOTE = 3  # sentences

_MARKER = re.compile(r"\[\d{1,4}(?:\s*,\s*\d{1,4})*\]")
_NUMBER = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a statement is not supported; `kind` is for programs, `detail` is a line for people."""

    kind: Literal[
        "figure_not_in_quote", "words_not_in_quote", "quote_not_in_article", "unknown_citation", "no_citation"
    ]
    detail: str


@dataclass(frozen=True, slots=True)
class Citation:
    """A quote under the number by which the answer's text refers to its passage."""

    number: int
    quote: Quote


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


def ground_text(text: str, hits: Sequence[Hit]) -> Grounded:
    """Bind each sentence of `text` to the quotes that support it best and judge it.

    `[n]` in the text means the passage of `hits[n - 1]`. A statement is supported when every figure of it
    stands in its quotes with the same value, scale, unit and period, no amount of it is said only of another year
    there, and enough of its terms do too.
    """
    citations: list[Citation] = []
    statements: list[Statement] = []
    for start, end in split_statements(text):
        statement, cited = _ground_statement(text[start:end], hits)
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


def find_quote(statement: str, article: Article, within: Span) -> Quote | None:
    """The shortest run of at most three sentences inside `within` that supports a statement best.

    Runs are compared by how many of the statement's figures they hold, then by how many of its terms,
    then by length, shorter first, then by place.
    """
    sentences = [(within[0] + s, within[0] + e) for s, e in find_sentences(article.text[within[0] : within[1]])]
    if not sentences:
        return None
    figures, terms = find_figures(statement), _terms(statement)
    best = max(_runs(sentences), key=lambda run: _support(article.text[run[0] : run[1]], figures, terms) + (-run[0],))  # noqa: RUF005
    return make_quote(article, *best)


def _ground_statement(text: str, hits: Sequence[Hit]) -> tuple[Statement, list[Citation]]:
    bare, numbers = bare_statement(text), cited_numbers(text)
    known = [number for number in numbers if 1 <= number <= len(hits)]
    problems = [_unknown(number) for number in numbers if number not in known]
    citations = _quotes_for(bare, [(number, hits[number - 1]) for number in known])
    if not numbers:
        problems.append(Problem("no_citation", "no passage is named as its source"))
    elif citations:
        problems += check_statement(bare, [citation.quote for citation in citations])
    verdict: Verdict = "uncited" if not citations else "unsupported" if problems else "supported"
    cited = tuple(dict.fromkeys(citation.number for citation in citations))
    return Statement(text, 0, len(text), cited, (), verdict, tuple(problems)), citations


def _quotes_for(statement: str, cited: Iterable[tuple[int, Hit]]) -> list[Citation]:
    found = (
        (number, find_quote(statement, hit.article, (hit.passage.start, hit.passage.end))) for number, hit in cited
    )
    return [Citation(number, quote) for number, quote in found if quote is not None]


def check_statement(statement: str, quotes: Sequence[Quote]) -> list[Problem]:
    """What in a statement its quotes do not bear out; an empty list means that it is supported."""
    problems = [
        Problem("quote_not_in_article", f"article {quote.article.id} does not have this quote at its place")
        for quote in quotes
        if not quote.stands() or hash_text(quote.article.text) != quote.article.sha256
    ]
    problems += [Problem("figure_not_in_quote", detail) for detail in _check_figures(statement, quotes)]
    if share_in_quotes(statement, quotes) < LOWEST_COVERAGE:
        absent = ", ".join(_absent_terms(statement, quotes)[:5])
        detail = f"the quote does not say this (missing: {absent})" if absent else "it has no words"
        problems.append(Problem("words_not_in_quote", detail))
    return problems


def share_in_quotes(statement: str, quotes: Sequence[Quote]) -> float:
    """The share of a statement's terms that stand in its quotes or their articles' titles; 0 where it has none."""
    terms = _terms(statement)
    return 1 - len(_absent_terms(statement, quotes)) / len(terms) if terms else 0.0


def _absent_terms(statement: str, quotes: Sequence[Quote]) -> list[str]:
    present = {term for quote in quotes for term in analyze(f"{quote.article.title} {quote.text}")}
    return [term for term in _terms(statement) if present.isdisjoint(same_sense(term))]


def _check_figures(statement: str, quotes: Sequence[Quote]) -> Iterator[str]:
    """What is wrong with the figures of a statement, a line for each."""
    sentences = [find_figures(quote.text[start:end]) for quote in quotes for start, end in find_sentences(quote.text)]
    recorded = [figure for figures in sentences for figure in figures]
    claimed = find_figures(statement)
    years = _years(figure for figure in claimed if _holds(recorded, figure))
    for figure in claimed:
        if not _holds(recorded, figure):
            if not _is_year_of(figure, quotes, recorded):
                yield _describe_missing(figure, recorded)
        elif figure.kind != "date" and years:
            others = [_years(figures) for figures in sentences if _holds(figures, figure)]
            if all(known and known.isdisjoint(years) for known in others):
                named = ", ".join(str(year) for year in sorted(set().union(*others)))
                yield f"{figure.text} is said of {named} in the quote"


def _holds(recorded: Iterable[Figure], figure: Figure) -> bool:
    return any(same_figure(figure, known) for known in recorded)


def _years(figures: Iterable[Figure]) -> set[int]:
    return {figure.year for figure in figures if figure.year is not None}


def _is_year_of(figure: Figure, quotes: Sequence[Quote], recorded: Sequence[Figure]) -> bool:
    """Whether a bare year is the one the articles were published in and their quotes name no year at all."""
    if figure.kind != "date" or figure.month or figure.part or _years(recorded):
        return False
    return all(quote.article.published is not None and quote.article.published.year == figure.year for quote in quotes)


def _describe_missing(figure: Figure, recorded: Sequence[Figure]) -> str:
    same_kind = [known.text for known in recorded if known.kind == figure.kind]
    there = f"; it has {', '.join(dict.fromkeys(same_kind))}" if same_kind else ""
    return f"{figure.text} is not in the quote{there}"


def _unknown(number: int) -> Problem:
    return Problem("unknown_citation", f"[{number}] is no passage that was given")


def _runs(sentences: Sequence[Span]) -> list[Span]:
    return [
        (sentences[i][0], sentences[j - 1][1])
        for i in range(len(sentences))
        for j in range(i + 1, min(i + _LONGEST_QUOTE, len(sentences)) + 1)
    ]


def _support(quote: str, figures: Sequence[Figure], terms: Sequence[str]) -> tuple[int, int, int]:
    recorded = find_figures(quote) if figures else []
    held = sum(_holds(recorded, figure) for figure in figures)
    present = set(analyze(quote))
    return held, sum(term in present for term in terms), -len(quote)


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
