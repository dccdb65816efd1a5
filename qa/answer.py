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

from qa.answer_form import ABSTAINED, Answer, Event, Searched, Stage, describe_search, make_abstention, name_copies
from qa.answer_parts import join_answers, settle_readings
from qa.articles import Article, Filters
from qa.clauses import read_sentence
from qa.disagreement import Disagreement, find_disagreement, find_newest
from qa.errors import ModelError, UsageError
from qa.extract import (
    LOWEST_TO_ASK,
    SURE_BY_RULE,
    SURE_SCORE,
    Candidate,
    Pick,
    Reading,
    find_span,
    read_candidates,
    read_hits,
)
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
from qa.packing import pack_hits
from qa.parts import Split, ask_parts, may_have_parts, read_split
from qa.plan import NOTHING_SPENT, Plan, make_plan
from qa.prompts import Prompt
from qa.question import read_question
from qa.read import Reader
from qa.reply import mark_cut, take_reply
from qa.retrieve import Hit, Indexes, Retriever
from qa.strict import describe_unsupported
from qa.text import clean_text, format_date, inert_text, one_line

MAX_QUESTION_CHARACTERS = 2_000
NOTHING_ADMITTED = "No article is of the days and of the publisher that were looked for."
NOT_HERE = "NOT IN THESE ARTICLES"  # what the prompt asks a model to say when the passages do not answer

READ_HITS = 20  # passages from which a sentence is picked
_MODEL_HITS = 10  # passages shown to a model at most, within the token budget


@dataclass(frozen=True, slots=True)
class Desk:
    """What is needed to answer: where to look, and how a model is asked.

    Without a `reader` sentences are weighed by rule, without `splitting` questions are split by rule. Other than usual
    in evaluation only are `indexes`, `lowest_score` (below it the answer without a model abstains; None is the usual),
    `compares_sources` (whether other articles' other answers are looked for) and `pack` (what of the hits a model is
    shown, within a budget of tokens). `make_fence` gives the word that marks off the passages in a prompt: unguessable,
    so that no article can close the block that holds it.
    """

    retriever: Retriever
    prompt: Prompt
    today: date
    context_tokens: int
    max_output_tokens: int
    indexes: Indexes = "both"
    lowest_score: float | None = None
    reader: Reader | None = None
    splitting: Prompt | None = None
    compares_sources: bool = True
    pack: Callable[[Sequence[Hit], int], list[Hit]] = pack_hits
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
    plan = yield from plan_question(question, desk, filters, model)
    searched = count_searched(desk, plan)
    searching = describe_search(searched, desk.retriever.catalog.find_days(plan.filters))
    yield Stage(searching)
    hits = plan.search(desk.retriever, limit=READ_HITS, indexes=desk.indexes)
    yield Stage(f"{searching} → {describe_hits(hits)}", is_finding=True)
    yield from answer_from(question, desk, searched, hits, model, started=started, spent=plan.spent)


def describe_hits(hits: Sequence[Hit]) -> str:
    """How many passages of how many articles were found."""
    return f"{len(hits)} passages from {len({hit.article.id for hit in hits})} articles"


def plan_question(question: str, desk: Desk, filters: Filters, model: ChatModel | None) -> Generator[Event, None, Plan]:
    """How a question that was checked is looked up; a model is asked for its parts where it may have any."""
    if model is None or desk.splitting is None or not may_have_parts(question):
        return make_plan(question, filters, desk.today)
    yield Stage("splitting the question")
    parts, spent = ask_parts(question, model, desk.splitting)
    return make_plan(question, filters, desk.today, parts=parts, spent=spent)


def count_searched(desk: Desk, plan: Plan) -> Searched:
    """What the plan's filters admit, and as what the question was read."""
    admitted = desk.retriever.catalog.count_admitted(plan.filters)
    return Searched(*admitted, plan.filters, plan.timing.window, tuple(part.question for part in plan.parts))


def answer_from(
    question: str,
    desk: Desk,
    searched: Searched,
    hits: Sequence[Hit],
    model: ChatModel | None,
    *,
    started: float,
    spent: Usage = NOTHING_SPENT,
) -> Iterator[Event]:
    """Answer a question that was checked from the first 20 hits of a search that began at `started` (perf_counter).

    `spent` is what a model has already taken for it.
    """
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
    answer = name_copies(answer, desk.retriever.catalog)
    done = time.perf_counter()
    seconds = {"retrieval": found - started, "answer": done - found, "total": done - started}
    yield replace(answer, seconds=seconds, notices=(*notices, *answer.notices), usage=spent + answer.usage)


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
    """The sentences on record that answer, verbatim, one for each thing that is asked, or an abstention."""
    split = read_split(question)
    answers = _answer_parts(split, desk, searched, hits) if split else []
    joined = join_answers(question, split, answers) if split else None
    sure = SURE_SCORE if desk.reader else SURE_BY_RULE
    if joined and (all(a.status == "answered" for a in answers) or any((a.score or 0.0) >= sure for a in answers)):
        return joined
    whole = _answer_reading(question, desk, searched, hits, _read(question, desk, searched, hits))
    return joined if joined and whole.status == "answered" else whole


def _answer_parts(split: Split, desk: Desk, searched: Searched, hits: Sequence[Hit]) -> list[Answer]:
    readings = settle_readings([_read(part, desk, searched, hits) for part in split.parts])
    both = zip(split.parts, readings, strict=True)
    return [_answer_reading(part, desk, searched, hits, reading) for part, reading in both]


def _answer_reading(question: str, desk: Desk, searched: Searched, hits: Sequence[Hit], reading: Reading) -> Answer:
    """The sentence that was read as the answer, verbatim, or an abstention."""
    if reading.answer is None:
        return _abstain(question, searched, reading)
    answer = replace(_state(question, searched, reading.answer), notices=(reading.notice,) if reading.notice else ())
    found = _find_rivals(answer, desk, reading.candidates, hits)
    newest = find_newest(found, reading.candidates) if found else None
    if newest:
        answer = replace(_state(question, searched, newest), notices=answer.notices)
        found = _find_rivals(answer, desk, reading.candidates, hits)
    return _name_rivals(answer, found)


def _state(question: str, searched: Searched, pick: Pick) -> Answer:
    """A sentence on record as the answer."""
    text = f"{' '.join(pick.quote.text.split())} [1]"
    citation = Citation(1, pick.quote)
    span = pick.span
    return Answer(
        question=question,
        status="answered",
        text=text,
        short=pick.quote.text[span[0] : span[1]] if span else None,
        short_span=span,
        statements=(ground_sentence(text, citation),),
        citations=(citation,),
        nearest=(),
        notices=(),
        searched=searched,
        mode="extract",
        model=None,
        prompt=None,
        usage=Usage(),
        score=round(pick.score, 6),
    )


def _find_rivals(
    answer: Answer, desk: Desk, candidates: Sequence[Candidate], hits: Sequence[Hit]
) -> Disagreement | None:
    """What other articles answer otherwise."""
    places = dict.fromkeys(place for s in answer.statements if s.verdict == "supported" for place in s.quotes)
    if not places or not desk.compares_sources:
        return None
    quotes = [answer.citations[place].quote for place in places]
    span = answer.short_span if 0 in places else None
    return find_disagreement(answer.question, quotes, candidates, hits, span=span, group_of=desk.retriever.group_of)


def _name_rivals(answer: Answer, found: Disagreement | None) -> Answer:
    """The answer with a notice of what other articles answer otherwise, and these quotes beside it."""
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
    shown = desk.pack(hits[:_MODEL_HITS], desk.context_tokens)
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
    answer = _with_grounds(base, grounded)
    return _name_rivals(answer, _find_rivals(answer, desk, candidates, hits))


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
        notices=tuple(filter(None, (*(reading.missing if searched.articles else [NOTHING_ADMITTED]), reading.notice))),
        score=round(reading.score, 6),
    )


def _nearest(reading: Reading) -> tuple[Citation, ...]:
    return tuple(Citation(n, pick.quote) for n, pick in enumerate(reading.nearest, start=1))


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
