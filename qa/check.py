"""A draft against the archive: each of its sentences is supported, contradicted, or not found."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from qa.answer_form import citation_dict, note_copies, problem_dict
from qa.articles import Filters, Quote, make_quote
from qa.binding import find_quotes
from qa.contradiction import Contradiction, agree, find_contradiction
from qa.ground import (
    Citation,
    Problem,
    bare_statement,
    check_obeyed,
    check_statement,
    share_in_quotes,
    split_statements,
)
from qa.retrieve import Hit, Retriever
from qa.split import Span, find_sentences
from qa.text import clean_text, format_date, shorten

DraftVerdict = Literal["supported", "contradicted", "not_found"]

_HITS = 10  # passages read for a sentence
_QUOTED = 160  # characters of a quote that a problem repeats

# What is no statement though it has words: front matter, code, headings, rules and the marks of lists and quotations.
_NOT_SAID = tuple(
    re.compile(pattern, re.MULTILINE)
    for pattern in (
        r"\A---[ \t]*\n(?:(?!---[ \t]*$).*\n){0,200}?---[ \t]*$",
        r"^(?P<fence>```|~~~).*\n(?:(?!(?P=fence)).*\n)*(?:(?P=fence).*)?$",
        r"^ {0,3}#{1,6}[ \t].*$",
        r"(?:(?<=\n\n)|\A)[^\n]*[^\s.!?…”\"'][ \t]*\n {0,3}(?:=+|-+)[ \t]*$",
        r"^[ \t]*(?:\*\*[^*\n]*[^*\n.!?…]\*\*|__[^_\n]*[^_\n.!?…]__)[ \t]*$",
        r"^[ \t]*[-*_=~|:+ ]{3,}[ \t]*$",
        r"^[ \t]*(?:>[ \t]?)*(?:(?:[-*+•–]|\d{1,3}[.)])[ \t]+)?(?=\S)",
    )
)


@dataclass(frozen=True, slots=True)
class CheckedStatement:
    """A sentence of a draft, at `start:end` of it. `citations` are the quotes it was judged by.

    Supported: the quote that bears it out, and those of its quotations that stand elsewhere in that article.
    Contradicted: the one that has another figure for the same thing. Not found: the nearest there is, if any, and what
    in the sentence it does not bear out.
    """

    text: str
    start: int
    end: int
    verdict: DraftVerdict
    problems: tuple[Problem, ...]
    citations: tuple[Citation, ...]


@dataclass(frozen=True, slots=True)
class Check:
    """A draft's statements in order; their citations are numbered through, a quote twice under one number."""

    statements: tuple[CheckedStatement, ...]

    @property
    def citations(self) -> tuple[Citation, ...]:
        """The quotes of all statements, each once, by number."""
        return tuple(dict.fromkeys(citation for statement in self.statements for citation in statement.citations))

    def count(self, verdict: DraftVerdict) -> int:
        """How many statements have this verdict."""
        return sum(statement.verdict == verdict for statement in self.statements)

    def to_dict(self) -> dict[str, Any]:
        """The check as plain data, in the form of `qa check --json`."""
        return {"statements": [_statement_dict(statement) for statement in self.statements]}

    def to_json(self) -> str:
        """The check as one line of JSON."""
        return json.dumps(self.to_dict(), ensure_ascii=False)


def check_draft(text: str, retriever: Retriever, filters: Filters) -> Check:
    """Check each sentence of a text against the passages found for it; offsets count what `clean_text` makes of it."""
    text = clean_text(text)
    numbers: dict[Quote, int] = {}
    statements = []
    for start, end in find_statements(text):
        said = text[start:end]
        hits = retriever.search(bare_statement(said), limit=_HITS, filters=filters)
        checked = judge_statement(said, hits)
        cited = (Citation(numbers.setdefault(c.quote, len(numbers) + 1), c.quote) for c in checked.citations)
        citations = note_copies(cited, retriever.catalog, filters)
        statements.append(replace(checked, start=start, end=end, citations=citations))
    return Check(tuple(statements))


def find_statements(text: str) -> list[Span]:
    """The sentences of a draft; headings, code, front matter and lines without a letter are none."""
    for pattern in _NOT_SAID:
        text = pattern.sub(_blank, text)
    spans = [_trim(text, span) for span in split_statements(text)]
    return [(start, end) for start, end in spans if any(map(str.isalpha, bare_statement(text[start:end])))]


def judge_statement(text: str, hits: Sequence[Hit]) -> CheckedStatement:
    """Judge a sentence by the passages found for it; its offsets are those of the text given."""
    bare = bare_statement(text)
    found = [(quotes, _find_problems(bare, quotes, hit)) for quotes, hit in _find_quotes(bare, hits)]
    if supporting := [quotes for quotes, problems in found if not problems]:
        best = max(supporting, key=lambda quotes: share_in_quotes(bare, quotes))
        return _make(text, "supported", (), *best)
    if against := _find_against(bare, hits):
        quote, contradiction = against
        return _make(text, "contradicted", (_describe(contradiction, quote),), quote)
    if not found:
        return _make(text, "not_found", (Problem("no_citation", "no passage was found for it"),))
    nearest, problems = max(found, key=lambda pair: share_in_quotes(bare, pair[0]))
    return _make(text, "not_found", tuple(problems), *nearest)


def _make(text: str, verdict: DraftVerdict, problems: tuple[Problem, ...], *quotes: Quote) -> CheckedStatement:
    citations = tuple(Citation(number, quote) for number, quote in enumerate(quotes, start=1))
    return CheckedStatement(text, 0, len(text), verdict, problems, citations)


def _find_quotes(statement: str, hits: Sequence[Hit]) -> list[tuple[tuple[Quote, ...], Hit]]:
    """The quotes of a statement in each passage that has any, with the first passage that has them."""
    found: dict[tuple[Quote, ...], Hit] = {}
    for hit in hits:
        quotes = tuple(find_quotes(statement, hit.article, (hit.passage.start, hit.passage.end)))
        found.setdefault(quotes, hit)
    return [(quotes, hit) for quotes, hit in found.items() if quotes]


def _find_problems(statement: str, quotes: Sequence[Quote], hit: Hit) -> list[Problem]:
    return [*check_statement(statement, quotes), *check_obeyed(statement, quotes, [hit])]


def _find_against(statement: str, hits: Sequence[Hit]) -> tuple[Quote, Contradiction] | None:
    """The best-ranked sentence on record that contradicts a statement; None where such sentences disagree."""
    found = [
        (quote, contradiction)
        for quote, before in _sentences(hits)
        if (contradiction := _contradict(statement, quote, before))
    ]
    if not found:
        return None
    first = found[0][1]
    agreed = all(c.claimed == first.claimed and agree(c.recorded, first.recorded) for _, c in found)
    return found[0] if agreed else None


def _sentences(hits: Sequence[Hit]) -> Iterator[tuple[Quote, str]]:
    """Each sentence of the passages, with the one before it."""
    for hit in hits:
        before = ""
        for start, end in find_sentences(hit.passage.text, language=hit.article.language):
            quote = make_quote(hit.article, hit.passage.start + start, hit.passage.start + end)
            yield quote, before
            before = quote.text


def _contradict(statement: str, quote: Quote, before: str) -> Contradiction | None:
    return find_contradiction(statement, quote.text, title=quote.article.title, before=before)


def _describe(contradiction: Contradiction, quote: Quote) -> Problem:
    day = quote.article.published
    dated = f"{format_date(day)}, " if day else ""
    known = f"on record: {contradiction.recorded.text} ({dated}“{shorten(quote.text, limit=_QUOTED)}”)"
    return Problem("figure_not_in_quote", f"{contradiction.claimed.text} here; {known}")


def _statement_dict(statement: CheckedStatement) -> dict[str, Any]:
    return {
        "text": statement.text,
        "start": statement.start,
        "end": statement.end,
        "verdict": statement.verdict,
        "problems": [problem_dict(problem) for problem in statement.problems],
        "citations": [citation_dict(citation) for citation in statement.citations],
    }


def _blank(match: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", match[0])


def _trim(text: str, span: Span) -> Span:
    said = text[slice(*span)]
    return span[0] + len(said) - len(said.lstrip()), span[1] - len(said) + len(said.rstrip())
