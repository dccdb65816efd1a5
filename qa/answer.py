"""From a question to an answer with quotes.

Find passages; with a model, let it write from them, otherwise take the sentence on record; bind every
sentence to a quote and judge it; when nothing that the model wrote holds, take the sentence on record after all; when
nothing answers, say so and show what is closest.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

from qa.answer_form import ABSTAINED, Answer, Event, Searched, Stage, describe_search, make_abstention
from qa.articles import Article, Filters
from qa.clauses import read_sentence
from qa.disagreement import find_disagreement
from qa.errors import ModelError, UsageError
from qa.extract import LOWEST_TO_ASK, Candidate, Reading, find_span, read_candidates, read_hits
from qa.figures import find_figures, missing_figures
from qa.ground import (
    Citation,
    Grounded,
    bare_statement,
    ground_sentence,
    ground_text,
    share_in_quotes,
)
from qa.keywords import analyze, question_terms
from qa.models import ChatModel, Message, Usage
from qa.prompts import Prompt
from qa.question import read_question
from qa.read import Reader
from qa.reply import mark_cut, take_reply
from qa.retrieve import Hit, Indexes, Retriever
from qa.strict import describe_unsupported
from qa.text import clean_text, format_date, inert_text, one_line
from qa.tokens import count_tokens

MAX_QUESTION_CHARACTERS = 2_000
NOT_HERE = "NOT IN THESE ARTICLES"  # what the prompt asks a model to say when the passages do not answer

READ_HITS = 20  # passages from which a sentence is picked
_MODEL_HITS = 10  # passages shown to a model at most, within the token budget


@dataclass(frozen=True, slots=True)
class Desk:
    """What is needed to answer: where to look, and how a model is asked.

    Without a `reader` sentences are weighed by rule. `indexes`, `lowest_score` (below it the answer without a model
    abstains; None is the usual) and `compares_sources` (whether other articles' other answers are looked for) are other
    than usual in evaluation only. `make_fence` gives the word that marks off the passages in a prompt: unguessable, so
    that no article can close the block that holds it.
    """

    retriever: Retriever
    prompt: Prompt
    today: date
    context_tokens: int
    max_output_tokens: int
    indexes: Indexes = "both"
    lowest_score: float | None = None
    reader: Reader | None = None
    compares_sources: bool = True
    make_fence: Callable[[], str] = lambda: secrets.token_hex(8)


def answer_question(question: str, desk: Desk, filters: Filters, model: ChatModel | None) -> Iterator[Event]:
    """Answer one question: stages and tokens as they come, the answer last.

    When the model fails, the answer without a model is given and a notice says why; so it is when it refuses, is
    stopped by a content filter, repeats its prompt or says no words. A reply that is cut at its greatest length is
    kept, with a notice, as long as one sentence of it has come to its end; one that the connection cut is not. Where
    nothing of what a model writes is supported, the answer without it is given too, if there is one.

    Raises:
        UsageError: the question is empty, too long, or the dates exclude each other.
    """
    question = check_question(question)
    check_filters(filters)
    started = time.perf_counter()
    searched = count_searched(desk, filters)
    searching = describe_search(searched, desk.retriever.catalog.find_days(filters))
    yield Stage(searching)
    hits = desk.retriever.search(question, limit=READ_HITS, filters=filters, indexes=desk.indexes)
    yield Stage(f"{searching} → {describe_hits(hits)}", is_finding=True)
    yield from answer_from(question, desk, searched, hits, model, started=started)


def describe_hits(hits: Sequence[Hit]) -> str:
    """How many passages of how many articles were found."""
    return f"{len(hits)} passages from {len({hit.article.id for hit in hits})} articles"


def count_searched(desk: Desk, filters: Filters) -> Searched:
    """What these filters admit."""
    return Searched(*desk.retriever.catalog.count_admitted(filters), filters)


def answer_from(
    question: str, desk: Desk, searched: Searched, hits: Sequence[Hit], model: ChatModel | None, *, started: float
) -> Iterator[Event]:
    """Answer a question that was checked from the first 20 hits of a search that began at `started` (perf_counter)."""
    hits = hits[:READ_HITS]
    found = time.perf_counter()
    answer: Answer | None = None
    notices: list[str] = []
    if model is not None:
        asked = read_question(question, searched.filters.as_of or desk.today)
        candidates = read_candidates(asked, hits, weigh=desk.retriever.term_weight)
        if max((candidate.score for candidate in candidates), default=0.0) < LOWEST_TO_ASK:
            notices.append(f"Nothing that was found is about this, so {model.name} was not asked.")
        else:
            yield Stage(f"asking {model.name}")
            try:
                answer = yield from _ask_model(question, desk, searched, hits, candidates, model)
            except ModelError as error:
                notices.append(f"Answered without the model: {error}")
    if answer is None:
        answer = _answer_on_record(question, desk, searched, hits)
    elif answer.status == "answered" and all(statement.verdict != "supported" for statement in answer.statements):
        answer = _replace_unsupported(answer, _answer_on_record(question, desk, searched, hits))
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
    reading = _read(question, desk, searched, hits)
    if reading.answer is None:
        return _abstain(question, searched, reading)
    pick = reading.answer
    text = f"{' '.join(pick.quote.text.split())} [1]"
    citation = Citation(1, pick.quote)
    statement = ground_sentence(text, citation)
    span = pick.span
    answer = Answer(
        question=question,
        status="answered",
        text=text,
        short=pick.quote.text[span[0] : span[1]] if span else None,
        short_span=span,
        statements=(statement,),
        citations=(citation,),
        nearest=(),
        notices=(reading.notice,) if reading.notice else (),
        searched=searched,
        mode="extract",
        model=None,
        prompt=None,
        usage=Usage(),
        score=round(pick.score, 6),
    )
    return _name_rivals(answer, desk, reading.candidates, hits)


def _name_rivals(answer: Answer, desk: Desk, candidates: Sequence[Candidate], hits: Sequence[Hit]) -> Answer:
    """The answer with a notice of what other articles answer otherwise, and these quotes beside it."""
    places = dict.fromkeys(place for s in answer.statements if s.verdict == "supported" for place in s.quotes)
    if not places or not desk.compares_sources:
        return answer
    quotes = [answer.citations[place].quote for place in places]
    span = answer.short_span if 0 in places else None
    found = find_disagreement(answer.question, quotes, candidates, hits, span=span)
    if found is None:
        return answer
    last = max(citation.number for citation in answer.citations)
    against = tuple(Citation(number, quote) for number, quote in enumerate(found.quotes, start=last + 1))
    return replace(answer, notices=(*answer.notices, found.describe()), nearest=against)


def _replace_unsupported(written: Answer, on_record: Answer) -> Answer:
    """The sentence on record, or the abstention, in place of what a model wrote; who was asked, and the cost, stay."""
    instead = "; this is the sentence on record" if on_record.status == "answered" else ""
    notices = (
        f"Nothing that {written.model} wrote is supported by what it cites{instead}.",
        *describe_unsupported(written.statements),
        *on_record.notices,
    )
    return replace(on_record, notices=notices, model=written.model, prompt=written.prompt, usage=written.usage)


def _read(question: str, desk: Desk, searched: Searched, hits: Sequence[Hit]) -> Reading:
    retriever = desk.retriever
    return read_hits(
        question,
        hits,
        weigh=retriever.term_weight,
        embedder=retriever.embedder,
        reader=desk.reader,
        today=searched.filters.as_of or desk.today,
        lowest_score=desk.lowest_score,
    )


def _ask_model(
    question: str,
    desk: Desk,
    searched: Searched,
    hits: Sequence[Hit],
    candidates: Sequence[Candidate],
    model: ChatModel,
) -> Generator[Event, None, Answer]:
    """Let the model write from the passages, then check every sentence against them."""
    shown = _fit_budget(hits[:_MODEL_HITS], desk.context_tokens)
    fence = f"passages-{desk.make_fence()}"
    messages = _write_prompt(question, desk, searched, shown, fence)
    said = yield from take_reply(model, messages, max_tokens=desk.max_output_tokens, fence=fence)
    base = Answer(
        question=question,
        status="answered",
        text=said.text,
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
        usage=said.usage,
    )
    if NOT_HERE.casefold() in said.text.casefold():
        nearest = _nearest(_read(question, desk, searched, hits))
        return replace(base, status="abstained", text=ABSTAINED, nearest=nearest)
    grounded = ground_text(said.text, shown, read_sentence(question, searched.filters.as_of or desk.today))
    if said.cut_at:
        grounded, notice = mark_cut(grounded, said, model.name)
        base = replace(base, notices=(notice,))
    return _name_rivals(_with_grounds(base, grounded), desk, candidates, hits)


def _with_grounds(answer: Answer, grounded: Grounded) -> Answer:
    first = next((s for s in grounded.statements if s.verdict == "supported"), None)
    answer = replace(
        answer, statements=grounded.statements, citations=grounded.citations, score=_weigh_grounds(grounded)
    )
    if first is None or 0 not in first.quotes:
        return answer
    quote = grounded.citations[0].quote.text
    span = find_span(answer.question, quote)
    if span is None or not _says(bare_statement(first.text), quote[slice(*span)]):
        return answer
    return replace(answer, short=quote[slice(*span)], short_span=span)


def _weigh_grounds(grounded: Grounded) -> float:
    """The mean over statements of the share of their terms that their quotes have; 0 for one not supported."""
    shares = [
        share_in_quotes(bare_statement(s.text), [grounded.citations[place].quote for place in s.quotes])
        if s.verdict == "supported"
        else 0.0
        for s in grounded.statements
    ]
    return round(sum(shares) / len(shares), 6) if shares else 0.0


def _says(statement: str, short: str) -> bool:
    """Whether a statement has the figures of a span of its quote, or where it has none, its words."""
    if find_figures(short):
        return not missing_figures(short, statement)
    return set(question_terms(short)) <= set(analyze(statement))


def _abstain(question: str, searched: Searched, reading: Reading) -> Answer:
    return replace(
        make_abstention(question, searched),
        nearest=_nearest(reading),
        notices=tuple(filter(None, (*reading.missing, reading.notice))),
        score=round(reading.score, 6),
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


def _write_prompt(question: str, desk: Desk, searched: Searched, hits: Sequence[Hit], fence: str) -> list[Message]:
    passages = "\n\n".join(
        f"[{n}] {inert_text(one_line(_heading(hit.article)))}\n{inert_text(hit.passage.text.strip())}"
        for n, hit in enumerate(hits, 1)
    )
    today = format_date(searched.filters.as_of or desk.today)
    return desk.prompt.render_messages(question=question, passages=passages, fence=fence, today=today)


def _heading(article: Article) -> str:
    parts = [article.title, article.publisher, format_date(article.published) if article.published else None]
    return " · ".join(part for part in parts if part)
