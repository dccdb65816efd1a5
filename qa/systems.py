"""What is judged: the whole program, a stage of it alone, or a baseline that it must beat.

full             find passages, answer from them
retrieval        find passages only
oracle           answer from the passages that hold the gold evidence
closed-book      the model answers from what it remembers, without any passage
bm25             as full, but passages are found by their words alone
by-rule          as full without a model, but sentences are weighed by rule, not read
always-abstain   never answers
always-answer    as full without a model, but never abstains
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal, get_args

from qa.answer import NOT_HERE, Desk, answer_from, check_question, count_searched, plan_question
from qa.answer_form import Answer, Event, Searched, make_abstention
from qa.archive import Archive
from qa.articles import Filters
from qa.conversation import Conversation, complete_question
from qa.errors import ModelError, ModelReplyInvalid, UsageError
from qa.gold import Case, FoundEvidence
from qa.ground import bare_statement, ground_text
from qa.models import ChatModel, Usage
from qa.plan import Plan, make_plan
from qa.prompts import Prompt, load_prompt
from qa.replay import CallLog, RecordedChat, RecordedEmbedder, RecordedReader
from qa.retrieve import Hit, Retriever
from qa.text import format_date, shorten, suggest

System = Literal["full", "retrieval", "oracle", "closed-book", "bm25", "by-rule", "always-abstain", "always-answer"]
SYSTEMS: tuple[System, ...] = get_args(System)
RANKED = 50  # passages kept of each question

_WRITES: frozenset[System] = frozenset({"full", "oracle", "closed-book", "bm25"})  # where a model may write the answer
_CLOSED_BOOK_FIELDS = frozenset({"question", "today"})


@dataclass(frozen=True, slots=True)
class Asked:
    """What a system made of a case: the question as it stood alone, the passages found, and the answer.

    `hits` is None where the system looks for no passages; with `answer` None as well, it does not apply to the case.
    `failure` says why the answer cannot be scored.
    """

    question: str
    hits: tuple[Hit, ...] | None
    answer: Answer | None
    failure: str | None = None


@dataclass(frozen=True)
class Bench:
    """An archive set up to be judged: every call goes through the log, and nothing depends on clock or chance."""

    system: System
    archive: Archive
    desk: Desk
    log: CallLog
    model: ChatModel | None
    model_name: str | None
    seed: int

    def ask(self, case: Case, evidence: Sequence[FoundEvidence], *, repeat: int) -> Asked:
        """Ask one case; the same call with the same log gives the same result.

        Raises:
            QAError: anything but a model that fails, which is told in the result.
        """
        return _Asking(self, case, evidence, repeat).ask()

    def close(self) -> None:
        """Release the files of the index."""
        self.desk.retriever.close()

    def chat(self, repeat: int) -> ChatModel | None:
        """The model, recorded, as it is asked in this repeat; None where no model writes."""
        if self.model_name is None:
            return None
        return RecordedChat(self.model_name, self.log, model=self.model, repeat=repeat)


def set_up_bench(
    archive: Archive, system: System, log: CallLog, *, model: ChatModel | None, day: date, seed: int
) -> Bench:
    """A bench on which a system is asked as on that day; a system that no model writes for goes without it.

    Raises:
        UsageError: the system needs a model.
        WorkspaceError: the archive holds no articles.
    """
    if system == "closed-book" and model is None:
        raise UsageError("The system 'closed-book' is a model without passages: name a model.")
    writer = model if system in _WRITES else None
    desk = archive.desk()
    inner, reader = archive.embedder, archive.reader if system != "by-rule" else None
    embedder = RecordedEmbedder(inner.id, inner.dimension, log, embedder=inner)
    desk = replace(
        desk,
        retriever=Retriever(archive.store, archive.recipe, embedder),
        reader=RecordedReader(reader.id, log, reader=reader) if reader else None,
        today=day,
        indexes="words" if system == "bm25" else "both",
        # Not 0: the score of a sentence may be below.
        lowest_score=float("-inf") if system == "always-answer" else desk.lowest_score,
    )
    return Bench(system, archive, desk, log, writer, writer.name if writer else None, seed)


def check_system(name: str) -> System:
    """The system of this name.

    Raises:
        UsageError: there is none.
    """
    for system in SYSTEMS:
        if name == system:
            return system
    raise UsageError(f"No system '{shorten(name, limit=40)}'.{suggest(name, SYSTEMS)} Known: {', '.join(SYSTEMS)}.")


def bench_prompts(system: System, archive: Archive) -> list[Prompt]:
    """The prompts that a system with a model uses."""
    desk = archive.desk()
    prompt = _closed_book_prompt(archive) if system == "closed-book" else desk.prompt
    splitting = desk.splitting if system in ("full", "bm25") else None
    return [prompt, archive.follow_up_prompt(), *([splitting] if splitting else [])]


def visible_evidence(case: Case, evidence: Sequence[FoundEvidence]) -> list[FoundEvidence]:
    """The evidence that the case may rest on: what is later than its `as_of`, or has no date, is hidden then."""
    day = case.as_of
    if day is None:
        return list(evidence)
    return [found for found in evidence if found.quote.article.published and found.quote.article.published <= day]


def holds(start: int, end: int, quote_start: int, quote_end: int) -> bool:
    """Whether at least half of a quote is in a passage of the same article, or all of the passage is in the quote.

    All four are offsets into the article's text.
    """
    shared = min(quote_end, end) - max(quote_start, start)
    return shared > 0 and (2 * shared >= quote_end - quote_start or shared == end - start)


class _Asking:
    """One case on a bench."""

    def __init__(self, bench: Bench, case: Case, evidence: Sequence[FoundEvidence], repeat: int) -> None:
        # A fence that follows from seed, case and repeat, so that the same prompt can be asked again.
        seed = f"{bench.seed}:{case.id}:{repeat}"
        self._desk = replace(bench.desk, make_fence=lambda: hashlib.sha256(seed.encode()).hexdigest()[:16])
        self._bench = bench
        self._case = case
        self._evidence = visible_evidence(case, evidence)
        self._filters = Filters(as_of=case.as_of)
        self._model = bench.chat(repeat)
        self._hits: tuple[Hit, ...] = ()  # what the latest question was answered from

    def ask(self) -> Asked:
        """What the bench's system makes of the case."""
        system = self._bench.system
        if system == "retrieval":
            question = self._stand_alone()
            plan = make_plan(question, self._filters, self._desk.today)
            return Asked(question, tuple(self._search(plan)), None)
        if system == "always-abstain":
            question = self._stand_alone()
            return Asked(question, None, self._abstain(question))
        if system == "oracle" and not self._evidence:
            return Asked(self._stand_alone(), None, None)
        return self._converse()

    def _stand_alone(self) -> str:
        """The case's question made whole by rule from the turns before it."""
        whole, *later = map(check_question, [*self._case.turns, self._case.question])
        for question in later:
            whole = complete_question(question, whole)
        return whole

    def _search(self, plan: Plan) -> list[Hit]:
        return plan.search(self._desk.retriever, limit=RANKED, indexes=self._desk.indexes)

    def _converse(self) -> Asked:
        """Ask the turns before the question, then the question itself; passages are those of the last."""
        conversation = Conversation(self._answer_alone, self._bench.archive.follow_up_prompt(), self._model)
        for turn in self._case.turns:
            conversation.ask(turn, self._filters)
        answer = conversation.ask(self._case.question, self._filters)
        is_ranked = self._bench.system not in ("oracle", "closed-book")
        return Asked(answer.question, self._hits if is_ranked else None, answer, self._find_failure(answer))

    def _find_failure(self, answer: Answer) -> str | None:
        """Why the model did not write the answer, where it should have."""
        should_write = self._model is not None and (bool(self._hits) or self._bench.system == "closed-book")
        return answer.notices[0] if should_write and answer.mode == "extract" and answer.model is None else None

    def _answer_alone(self, question: str, filters: Filters, model: ChatModel | None) -> Iterator[Event]:
        """Answer one question of the conversation."""
        started = time.perf_counter()
        if self._bench.system == "closed-book" and model is not None:
            yield self._remember(question, model, started)
            return
        is_oracle = self._bench.system == "oracle"
        plan = yield from plan_question(question, self._desk, filters, None if is_oracle else model)
        searched = count_searched(self._desk, plan)
        self._hits = tuple(self._gold_passages() if is_oracle else self._search(plan))
        yield from answer_from(question, self._desk, searched, self._hits, model, started=started, spent=plan.spent)

    def _gold_passages(self) -> list[Hit]:
        """The passages that have words of the evidence, in the order of the gold."""
        catalog = self._desk.retriever.catalog
        hits: dict[str, Hit] = {}
        for quote, _ in self._evidence:
            for passage in catalog.article_passages(quote.article.id):
                shared = quote.article.text[max(passage.start, quote.start) : min(passage.end, quote.end)]
                if shared.strip():
                    hits.setdefault(passage.id, Hit(quote.article, passage, 1.0))
        return list(hits.values())

    def _remember(self, question: str, model: ChatModel, started: float) -> Answer:
        """The model's answer without any passage: nothing in it can carry a citation."""
        try:
            answer = self._ask_memory(question, model)
        except ModelError as error:
            answer = replace(self._abstain(question), notices=(f"The model failed: {error}",))
        seconds = time.perf_counter() - started
        return replace(answer, seconds={"retrieval": 0.0, "answer": seconds, "total": seconds})

    def _ask_memory(self, question: str, model: ChatModel) -> Answer:
        prompt = _closed_book_prompt(self._bench.archive)
        today = format_date(self._case.as_of or self._desk.today)
        messages = prompt.render_messages(question=question, today=today)
        parts = list(model.stream(messages, max_tokens=self._desk.max_output_tokens))
        text = "".join(part.text for part in parts).strip()
        usage = next((part.usage for part in reversed(parts) if part.usage), Usage())
        if not any(map(str.isalnum, bare_statement(text))):
            raise ModelReplyInvalid(f"{model.name} sent a reply without words.")
        abstained = replace(self._abstain(question), mode="model", model=model.name, prompt=prompt, usage=usage)
        if NOT_HERE.casefold() in text.casefold():
            return abstained
        return replace(abstained, status="answered", text=text, statements=ground_text(text, []).statements)

    def _abstain(self, question: str) -> Answer:
        """An abstention without a look."""
        nothing = make_abstention(question, Searched(0, 0, self._filters))
        return replace(nothing, seconds={"retrieval": 0.0, "answer": 0.0, "total": 0.0})


def _closed_book_prompt(archive: Archive) -> Prompt:
    return load_prompt(archive.workspace.content("prompts/closed_book.md"), placeholders=_CLOSED_BOOK_FIELDS)
