"""From a question to an answer with quotes.

Find passages; with a model, let it write from them, otherwise take the sentence on record; bind every
sentence to a quote and judge it; when nothing answers, say so and show what is closest.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Literal

from qa.articles import Article, Filters
from qa.errors import ModelError, ModelReplyInvalid, UsageError
from qa.extract import Reading, find_span, read_hits
from qa.figures import find_figures, missing_figures
from qa.ground import Citation, Grounded, Statement, bare_statement, ground_sentence, ground_text
from qa.keywords import analyze, question_terms
from qa.models import ChatModel, Message, Usage
from qa.prompts import Prompt
from qa.retrieve import Hit, Retriever
from qa.text import clean_text, format_date
from qa.tokens import count_tokens

MAX_QUESTION_CHARACTERS = 2_000
NOT_HERE = "NOT IN THESE ARTICLES"  # what the prompt asks a model to say when the passages do not answer

_READ_HITS = 20  # passages from which a sentence is picked
_MODEL_HITS = 10  # passages shown to a model at most, within the token budget
_ABSTAINED = "Not in these articles."


@dataclass(frozen=True, slots=True)
class Stage:
    """What the program is doing now, for display."""

    text: str


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of a model's answer as it arrives, not yet checked."""

    text: str


@dataclass(frozen=True, slots=True)
class Searched:
    """What was searched: how much was admitted by which filters."""

    articles: int
    passages: int
    filters: Filters


@dataclass(frozen=True, slots=True)
class Answer:
    """A question answered, or not, with everything needed to check it.

    `text` carries `[n]` markers; statements are offsets into it. `short` is the span that answers, at
    `short_span` of the first citation's quote. `nearest` holds the closest quotes of an abstention.
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
            "citations": [_citation_dict(citation) for citation in self.citations],
            "nearest": [_citation_dict(citation) for citation in self.nearest],
            "notices": list(self.notices),
            "searched": _searched_dict(self.searched),
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


@dataclass(frozen=True, slots=True)
class Desk:
    """What is needed to answer: where to look, and how a model is asked."""

    retriever: Retriever
    prompt: Prompt
    today: date
    context_tokens: int
    max_output_tokens: int


def answer_question(question: str, desk: Desk, filters: Filters, model: ChatModel | None) -> Iterator[Event]:
    """Answer one question: stages and tokens as they come, the answer last.

    When the model fails, the answer without a model is given and a notice says why.

    Raises:
        UsageError: the question is empty, too long, or the dates exclude each other.
    """
    question = check_question(question)
    check_filters(filters)
    started = time.perf_counter()
    searched = Searched(*desk.retriever.catalog.count_admitted(filters), filters)
    yield Stage(f"searching {searched.articles} articles")
    hits = desk.retriever.search(question, limit=_READ_HITS, filters=filters)
    found = time.perf_counter()
    answer: Answer | None = None
    notices: list[str] = []
    if model is not None and hits:
        yield Stage(f"asking {model.name}")
        try:
            answer = yield from _ask_model(question, desk, searched, hits, model)
        except ModelError as error:
            notices.append(f"Answered without the model: {error}")
    if answer is None:
        answer = _answer_on_record(question, desk, searched, hits)
    done = time.perf_counter()
    seconds = {"retrieval": found - started, "answer": done - found, "total": done - started}
    yield replace(answer, seconds=seconds, notices=(*notices, *answer.notices))


def last_answer(events: Iterable[Event]) -> Answer:
    """The answer that ends a stream of events."""
    *_, answer = events
    assert isinstance(answer, Answer)
    return answer


def check_question(question: str) -> str:
    """The question without the white space around it.

    Raises:
        UsageError: it is empty or longer than 2,000 characters.
    """
    question = " ".join(clean_text(question).split())
    if not any(char.isalnum() for char in question):
        raise UsageError('The question is empty. Ask, for example: qa ask "What was 2021 trade turnover?"')
    if len(question) > MAX_QUESTION_CHARACTERS:
        raise UsageError(
            f"The question has {len(question):,} characters; at most {MAX_QUESTION_CHARACTERS:,} are read."
        )
    return question


def check_filters(filters: Filters) -> None:
    """Refuse dates that no article can meet.

    Raises:
        UsageError: `since` is after `until` or after `as_of`.
    """
    for name, bound in (("until", filters.until), ("as-of", filters.as_of)):
        if filters.since and bound and filters.since > bound:
            raise UsageError(f"Nothing is both since {filters.since} and {name} {bound}: the dates are inverted.")


def _answer_on_record(question: str, desk: Desk, searched: Searched, hits: Sequence[Hit]) -> Answer:
    """The sentence on record that answers, verbatim, or an abstention."""
    reading = read_hits(question, hits, weigh=desk.retriever.term_weight, embedder=desk.retriever.embedder)
    if reading.answer is None:
        return _abstain(question, searched, reading, mode="extract")
    pick = reading.answer
    text = f"{' '.join(pick.quote.text.split())} [1]"
    citation = Citation(1, pick.quote)
    statement = ground_sentence(text, citation)
    span = pick.span
    return Answer(
        question=question,
        status="answered",
        text=text,
        short=pick.quote.text[span[0] : span[1]] if span else None,
        short_span=span,
        statements=(statement,),
        citations=(citation,),
        nearest=(),
        notices=(),
        searched=searched,
        mode="extract",
        model=None,
        prompt=None,
        usage=Usage(),
    )


def _ask_model(
    question: str, desk: Desk, searched: Searched, hits: Sequence[Hit], model: ChatModel
) -> Generator[Event, None, Answer]:
    """Let the model write from the passages, then check every sentence against them."""
    shown = _fit_budget(hits[:_MODEL_HITS], desk.context_tokens)
    messages = _write_prompt(question, desk, searched, shown)
    parts: list[str] = []
    usage = Usage()
    for part in model.stream(messages, max_tokens=desk.max_output_tokens):
        usage = part.usage or usage
        if part.text:
            parts.append(part.text)
            yield Token(part.text)
    reply = "".join(parts).strip()
    if not any(char.isalnum() for char in bare_statement(reply)):
        raise ModelReplyInvalid(f"{model.name} sent a reply without words.")
    base = Answer(
        question=question,
        status="answered",
        text=reply,
        short=None,
        short_span=None,
        statements=(),
        citations=(),
        nearest=(),
        notices=(),
        searched=searched,
        mode="model",
        model=model.name,
        prompt=desk.prompt,
        usage=usage,
    )
    if NOT_HERE.casefold() in reply.casefold():
        reading = read_hits(question, hits, weigh=desk.retriever.term_weight, embedder=desk.retriever.embedder)
        return replace(base, status="abstained", text=_ABSTAINED, nearest=_nearest(reading))
    return _with_grounds(base, ground_text(reply, shown))


def _with_grounds(answer: Answer, grounded: Grounded) -> Answer:
    first = next((s for s in grounded.statements if s.verdict == "supported"), None)
    answer = replace(answer, statements=grounded.statements, citations=grounded.citations)
    if first is None or 0 not in first.quotes:
        return answer
    quote = grounded.citations[0].quote.text
    span = find_span(answer.question, quote)
    if span is None or not _says(bare_statement(first.text), quote[slice(*span)]):
        return answer
    return replace(answer, short=quote[slice(*span)], short_span=span)


def _says(statement: str, short: str) -> bool:
    """Whether a statement has the figures of a span of its quote, or where it has none, its words."""
    if find_figures(short):
        return not missing_figures(short, statement)
    return set(question_terms(short)) <= set(analyze(statement))


def _abstain(question: str, searched: Searched, reading: Reading, *, mode: Literal["extract", "model"]) -> Answer:
    return Answer(
        question=question,
        status="abstained",
        text=_ABSTAINED,
        short=None,
        short_span=None,
        statements=(),
        citations=(),
        nearest=_nearest(reading),
        notices=tuple(reading.missing),
        searched=searched,
        mode=mode,
        model=None,
        prompt=None,
        usage=Usage(),
    )


def _nearest(reading: Reading) -> tuple[Citation, ...]:
    return tuple(Citation(n, pick.quote) for n, pick in enumerate(reading.nearest, start=1))


def _fit_budget(hits: Sequence[Hit], budget: int) -> list[Hit]:
    """The best hits whose texts fit the budget together; always at least one."""
    shown: list[Hit] = []
    used = 0
    for hit in hits:
        used += count_tokens(hit.passage.text) + _HEADING_TOKENS
        if shown and used > budget:
            break
        shown.append(hit)
    return shown


_HEADING_TOKENS = 40  # number, title, publisher and date of a passage


def _write_prompt(question: str, desk: Desk, searched: Searched, hits: Sequence[Hit]) -> list[Message]:
    # Unguessable, so that no article can close the block that holds it.
    fence = f"passages-{secrets.token_hex(8)}"
    passages = "\n\n".join(
        f"[{n}] {_heading(hit.article)}\n{hit.passage.text.strip()}" for n, hit in enumerate(hits, 1)
    )
    today = format_date(searched.filters.as_of or desk.today)
    return desk.prompt.render_messages(question=question, passages=passages, fence=fence, today=today)


def _heading(article: Article) -> str:
    parts = [article.title, article.publisher, format_date(article.published) if article.published else None]
    return " · ".join(part for part in parts if part)


def _statement_dict(statement: Statement) -> dict[str, Any]:
    return {
        "text": statement.text,
        "start": statement.start,
        "end": statement.end,
        "citations": list(statement.citations),
        "quotes": list(statement.quotes),
        "verdict": statement.verdict,
        "problems": [{"kind": problem.kind, "detail": problem.detail} for problem in statement.problems],
    }


def _citation_dict(citation: Citation) -> dict[str, Any]:
    quote = citation.quote
    return {
        "number": citation.number,
        "quote": quote.text,
        "start": quote.start,
        "end": quote.end,
        "line": quote.line,
        "page": None,
        "article": article_dict(quote.article),
    }


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
    }
