"""An answer as data: what it says, what it rests on, and its form as JSON; and the events that lead up to it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from qa.articles import Article, Filters
from qa.catalog import Catalog
from qa.copy_groups import find_holders
from qa.ground import Citation, Problem, Statement
from qa.models import Usage
from qa.prompts import Prompt
from qa.window import Window

ABSTAINED = "Not in these articles."  # the text of every abstention


@dataclass(frozen=True, slots=True)
class Stage:
    """What the program is doing now, for display; `is_finding` where it says what was found, worth keeping in view."""

    text: str
    is_finding: bool = False


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of a model's answer as it arrives, not yet checked."""

    text: str


@dataclass(frozen=True, slots=True)
class Searched:
    """What was searched: how much was admitted by which filters.

    `window` has the days that the question names, `parts` the questions of which it is made, none for a simple one.
    """

    articles: int
    passages: int
    filters: Filters
    window: Window | None = None
    parts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """A question answered, or not, with everything needed to check it.

    `text` carries `[n]` markers; statements are offsets into it. `short` is the span that answers, at
    `short_span` of the first citation's quote; where several things are asked it answers the first that is answered,
    and `text` all. `nearest` holds the closest quotes of an abstention, and of an
    answer the quotes of other articles that answer otherwise.
    `score` tells, from 0 to 1, how much speaks for an answer: without a model what the sentence was picked
    by, with one the mean share of each statement's terms that its quotes have; None where neither was taken.
    `mode` says whose words these are, `model` which model was asked and replied, if any: where nothing that it wrote
    held, the words are the articles' and `usage` is what it cost all the same.
    `seconds` has `retrieval`, `answer` and `total`.
    """

    question: str
    status: Literal["answered", "abstained"]
    text: str
    short: str | None
    short_span: tuple[int, int] | None
    statements: tuple[Statement, ...]
    citations: tuple[Citation, ...]
    nearest: tuple[Citation, ...]
    notices: tuple[str, ...]
    searched: Searched
    mode: Literal["extract", "model"]
    model: str | None
    prompt: Prompt | None
    usage: Usage
    score: float | None = None
    seconds: dict[str, float] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """The answer as plain data, in the form of `qa ask --json`."""
        return {
            "question": self.question,
            "status": self.status,
            "text": self.text,
            "short": self.short,
            "short_span": list(self.short_span) if self.short_span else None,
            "statements": [_statement_dict(statement) for statement in self.statements],
            "citations": [citation_dict(citation) for citation in self.citations],
            "nearest": [citation_dict(citation) for citation in self.nearest],
            "notices": list(self.notices),
            "searched": _searched_dict(self.searched),
            "score": self.score,
            "mode": self.mode,
            "model": self.model,
            "prompt": {"name": self.prompt.name, "sha256": self.prompt.sha256} if self.prompt else None,
            "usage": {
                "input_tokens": self.usage.input_tokens,
                "output_tokens": self.usage.output_tokens,
                "cost_usd": self.usage.cost_usd,
            },
            "seconds": self.seconds,
        }

    def to_json(self) -> str:
        """The answer as one line of JSON."""
        return json.dumps(self.to_dict(), ensure_ascii=False)


Event = Stage | Token | Answer


def describe_search(searched: Searched, days: tuple[int, int] | None) -> str:
    """What is searched, as one line; `days` are the first and the last of the articles as YYYYMMDD."""
    months = [f"{day // 10000}-{day // 100 % 100:02}" for day in days] if days else []
    dates = f" · {'…'.join(dict.fromkeys(months))}" if months else ""
    return f"searching {searched.articles:,} articles{dates}"


def make_abstention(question: str, searched: Searched) -> Answer:
    """An abstention that says no more than what was searched; no model was asked, nothing is near."""
    return Answer(
        question=question,
        status="abstained",
        text=ABSTAINED,
        short=None,
        short_span=None,
        statements=(),
        citations=(),
        nearest=(),
        notices=(),
        searched=searched,
        mode="extract",
        model=None,
        prompt=None,
        usage=Usage(),
    )


def name_copies(answer: Answer, catalog: Catalog) -> Answer:
    """The answer with the copies of the articles that it quotes."""
    filters = answer.searched.filters
    cited, near = (note_copies(quotes, catalog, filters) for quotes in (answer.citations, answer.nearest))
    return replace(answer, citations=cited, nearest=near)


def _statement_dict(statement: Statement) -> dict[str, Any]:
    return {
        "text": statement.text,
        "start": statement.start,
        "end": statement.end,
        "citations": list(statement.citations),
        "quotes": list(statement.quotes),
        "verdict": statement.verdict,
        "problems": [problem_dict(problem) for problem in statement.problems],
    }


def problem_dict(problem: Problem) -> dict[str, str]:
    """Why something is not supported, as plain data."""
    return {"kind": problem.kind, "detail": problem.detail}


def citation_dict(citation: Citation) -> dict[str, Any]:
    """A quote under its number, as plain data."""
    quote = citation.quote
    return {
        "number": citation.number,
        "quote": quote.text,
        "start": quote.start,
        "end": quote.end,
        "line": quote.line,
        "page": None,
        "article": article_dict(quote.article),
        "copies": [article_dict(article) for article in citation.copies],
    }


def note_copies(citations: Iterable[Citation], catalog: Catalog, filters: Filters) -> tuple[Citation, ...]:
    """Citations with the copies of their articles, of those that the filters admit, in which the same words stand."""
    return tuple(replace(c, copies=find_holders(catalog, c.quote, filters)) for c in citations)


def article_dict(article: Article) -> dict[str, Any]:
    """An article's metadata as plain data, without its text."""
    return {
        "id": article.id,
        "title": article.title,
        "publisher": article.publisher,
        "author": article.author,
        "published": article.published.isoformat() if article.published else None,
        "url": article.url,
        "source": article.source,
        "sha256": article.sha256,
    }


def _searched_dict(searched: Searched) -> dict[str, Any]:
    filters = searched.filters
    return {
        "articles": searched.articles,
        "passages": searched.passages,
        "since": filters.since.isoformat() if filters.since else None,
        "until": filters.until.isoformat() if filters.until else None,
        "as_of": filters.as_of.isoformat() if filters.as_of else None,
        "publisher": filters.publisher,
        "window": _window_dict(searched.window),
        "parts": list(searched.parts),
    }


def _window_dict(window: Window | None) -> dict[str, Any] | None:
    if window is None:
        return None
    return {
        "text": window.text,
        "first": window.first.isoformat() if window.first else None,
        "last": window.last.isoformat() if window.last else None,
        "hard": window.hard,
    }
