"""An answer as a page for a browser: its sentences with their verdicts, its quotes, and its data to be verified."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from qa.html_page import badge, definitions, format_moment, quoted, render_page, section
from qa.markup import Markup, join, tag
from qa.text import format_date, one_line, shorten

DATA_ID = "saved-answer"  # the element that holds the answer as JSON
_TITLE_LIMIT = 80


@dataclass(frozen=True, slots=True)
class ShownQuote:
    """A quote and where it is said to stand."""

    number: int
    quote: str
    start: int
    end: int
    article_id: str
    title: str
    publisher: str | None
    published: str | None
    url: str | None
    source: str
    sha256: str


@dataclass(frozen=True, slots=True)
class ShownStatement:
    """A sentence of the text and what was found about it; `quotes` are places among the citations."""

    text: str
    start: int
    end: int
    citations: tuple[int, ...]
    quotes: tuple[int, ...]
    verdict: str
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Shown:
    """What of an answer is shown; `is_models` tells whether the words are a model's."""

    question: str
    text: str
    short: str | None
    statements: tuple[ShownStatement, ...]
    citations: tuple[ShownQuote, ...]
    nearest: tuple[ShownQuote, ...]
    notices: tuple[str, ...]
    model: str | None
    is_models: bool
    program_version: str
    saved_at: datetime


def render_answer(answer: Shown, data: str) -> str:
    """The page; `data`, printable ASCII, comes back exactly from the text of the element that holds it."""
    body = [tag("h1", quoted(answer.question)), *render_words(answer)]
    if answer.citations:
        body.append(section("quotes", "Quotes", *map(render_quote, answer.citations)))
    if answer.nearest:
        body.append(section("nearest", name_nearest(answer), *map(render_quote, answer.nearest)))
    body += [_render_origin(answer), tag("pre", data, attributes={"id": DATA_ID, "hidden": "hidden"})]
    return render_page(shorten(answer.question, limit=_TITLE_LIMIT), body)


def render_words(answer: Shown) -> Iterator[Markup]:
    """The short answer, the text with its marks, what is wrong with its sentences, and the notices."""
    if answer.short:
        yield tag("p", quoted(answer.short), css="short")
    yield tag("p", *_render_text(answer), attributes={"dir": "auto"})
    yield from _render_problems(answer)
    yield from (tag("p", quoted(notice)) for notice in answer.notices)


def name_nearest(answer: Shown) -> str:
    """The heading of the quotes that the answer does not rest on."""
    return "Against it" if answer.citations else "Closest"


def _render_text(answer: Shown) -> Iterator[Markup]:
    """The text, with a mark at each sentence that is not supported."""
    end = 0
    for statement in answer.statements:
        yield quoted(answer.text[end : statement.start])
        if statement.verdict != "supported":
            yield join([badge(statement.verdict, "bad"), " "])
        yield quoted(answer.text[statement.start : statement.end])
        end = statement.end
    yield quoted(answer.text[end:])


def _render_problems(answer: Shown) -> Iterator[Markup]:
    items = [
        tag("li", quoted(f"“{shorten(statement.text, limit=_TITLE_LIMIT)}”: {'; '.join(statement.problems)}"))
        for statement in answer.statements
        if statement.problems
    ]
    if items:
        yield tag("ul", *items, css="problems")


def render_quote(quote: ShownQuote) -> Markup:
    """A quote, its article, and where it stands."""
    parts = [quote.title, quote.publisher, _format_day(quote.published), quote.url]
    about = " · ".join(one_line(part) for part in parts if part)
    place = f"{quote.source}, characters {quote.start}–{quote.end}, sha256 {quote.sha256}"
    return tag(
        "figure",
        tag("blockquote", quote.quote, attributes={"dir": "auto"}),
        tag("figcaption", f"[{quote.number}] ", quoted(about), tag("br"), quoted(one_line(place))),
        css="quote",
    )


def _format_day(published: str | None) -> str:
    try:
        return format_date(date.fromisoformat(published)) if published else "no date"
    except ValueError:
        return str(published)


def _render_origin(answer: Shown) -> Markup:
    by = f"{answer.model} was asked; the words are the articles'" if answer.model else "no model"
    facts = [
        ("written by", answer.model or "" if answer.is_models else by),
        ("saved", f"{format_moment(answer.saved_at)}, by onrecord {answer.program_version}"),
        ("to check", "qa verify FILE compares this page with the articles: quotes, places, hashes, verdicts"),
    ]
    return section("origin", "How this was made", definitions(facts, "facts"))
