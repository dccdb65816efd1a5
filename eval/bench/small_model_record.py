"""200 questions put to the real small model once, and the file that keeps what it was shown and what it said.

The file has one JSON object a line. The first says how the questions were asked; every other is one question with the
passages that were found for it (file of the article, offsets; the first `shown` of them stood in the prompt), and the
reply to the letter. So a later change of retrieval, of the prompt's words or of the checks leaves it valid; a changed
article does not, which `passages_sha256` tells.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from local_model import MODEL_NAME, serve_model

from qa.answer import READ_HITS, Desk, answer_from, check_question, count_searched, last_answer
from qa.archive import Archive
from qa.articles import Filters, hash_text
from qa.conversation import complete_question
from qa.embed import Embedder
from qa.endpoint import Endpoint
from qa.gold import Case
from qa.models import ChatModel, Message, ReplyPart, Usage, open_chat
from qa.packing import HEADING_TOKENS
from qa.plan import make_plan
from qa.question import read_question
from qa.retrieve import Hit
from qa.settings import Settings
from qa.suite import Suite, load_suite
from qa.suite_archive import open_suite_archive
from qa.tokens import count_tokens
from qa.workspace import Workspace, find_workspace

ROOT = Path(__file__).parents[2]
RECORDING = Path(__file__).with_name("small_model.jsonl")
SUITES = ("newswire", "sample")
QUESTIONS = 200


@dataclass(frozen=True, slots=True)
class Setting:
    """How the questions are asked: as by default, but for `context_tokens`.

    The default of 2,000 would fit the model's window of 4,096; half of it halves the hour that a recording takes.
    """

    model: str = MODEL_NAME
    context_tokens: int = 1_000
    max_output_tokens: int = Settings().max_output_tokens
    today: str = "2026-11-24"


@dataclass(frozen=True, slots=True)
class Shown:
    """A passage that was found: the file of its article, and code points of its text."""

    file: str
    start: int
    end: int
    score: float


@dataclass(frozen=True, slots=True)
class Kept:
    """One question as it was asked, what was found for it, and what the model said.

    `question` is that of the case made whole by rule from the turns before it. `shown` counts the passages of the
    prompt, the first of `passages`; `messages_sha256` is of all that was sent.
    """

    suite: str
    case: str
    question: str
    passages: tuple[Shown, ...]
    shown: int
    passages_sha256: str
    prompt_sha256: str
    messages_sha256: str
    reply: str
    finish_reason: str | None
    input_tokens: int
    output_tokens: int


# What is asked


def choose_cases(suites: Sequence[Suite]) -> list[tuple[str, Case]]:
    """200 cases with the names of their suites: those of a new recording, as questions are read now.

    First those whose gold is a figure, then others that ask for one, with an answer in the archive or without; what
    is left by the hash of its name.
    """
    cases = [(suite.name, case) for suite in suites for case in suite.cases if not case.retrieval_only]
    return sorted(cases, key=_place)[:QUESTIONS]


def _place(named: tuple[str, Case]) -> tuple[int, str]:
    suite, case = named
    group = 0 if case.gold.number else 1 if read_question(case.question).wants_figure else 2
    return group, hash_text(f"{suite}/{case.id}") if group == 2 else ""


def stand_alone(case: Case) -> str:
    """The case's question, made whole by rule from the turns before it."""
    whole, *later = map(check_question, [*case.turns, case.question])
    for question in later:
        whole = complete_question(question, whole)
    return whole


# What is kept


def read_recording(file: Path = RECORDING) -> tuple[Setting, list[Kept]]:
    """How the questions were asked, and all that is kept of them, in the order in which they were asked."""
    first, *lines = file.read_text(encoding="utf-8").split("\n")
    return Setting(**json.loads(first)), [_parse(json.loads(line)) for line in lines if line]


def _parse(entry: dict[str, Any]) -> Kept:
    return Kept(**{**entry, "passages": tuple(Shown(*shown) for shown in entry["passages"])})


def _write_line(kept: Kept) -> str:
    entry = {**asdict(kept), "passages": [[p.file, p.start, p.end, round(p.score, 6)] for p in kept.passages]}
    return json.dumps(entry, ensure_ascii=False, separators=(",", ":")) + "\n"


def hash_passages(hits: Sequence[Hit]) -> str:
    """One hash of the words of all passages."""
    return hash_text("\0".join(hit.passage.text for hit in hits))


def count_shown(messages: Sequence[Message], hits: Sequence[Hit]) -> int:
    """How many of the passages stand in a prompt, as `[1]` and so on."""
    said = messages[-1].content
    return next(n for n in range(len(hits), -1, -1) if n == 0 or re.search(rf"^\[{n}\] .*\n", said, re.MULTILINE))


# Asking


def make_desk(archive: Archive, setting: Setting, name: str) -> Desk:
    """The archive's desk on the day of the recording, with a fence that follows from the case's name."""
    fence = hashlib.sha256(name.encode()).hexdigest()[:16]
    today = date.fromisoformat(setting.today)
    return replace(archive.desk(), today=today, pack=_take_first, make_fence=lambda: fence)


def _take_first(hits: Sequence[Hit], budget_tokens: int) -> list[Hit]:
    """The first hits whose texts fit the budget together, one at least: what was shown when replies were recorded."""
    shown: list[Hit] = []
    used = 0
    for hit in hits:
        used += count_tokens(hit.passage.text) + HEADING_TOKENS
        if shown and used > budget_tokens:
            break
        shown.append(hit)
    return shown


def open_archives(
    suites: Sequence[Suite], setting: Setting, stack: ExitStack, embedder: Embedder | None = None
) -> dict[str, Archive]:
    """The archive of each suite, indexed for this time: one that is kept may be dropped within the hour."""
    settings = Settings(context_tokens=setting.context_tokens, max_output_tokens=setting.max_output_tokens)
    place = _workspace()
    return {
        suite.name: stack.enter_context(
            open_suite_archive(suite, place, settings=settings, embedder=embedder, reader=False, kept=False)
        )
        for suite in suites
    }


def load_suites() -> list[Suite]:
    """The suites whose cases are asked."""
    return [load_suite(name, _workspace()) for name in SUITES]


def _workspace() -> Workspace:
    return find_workspace(ROOT, ROOT)


class _Overheard:
    """A model whose messages and reply are kept."""

    def __init__(self, model: ChatModel) -> None:
        self.name = model.name
        self.messages: tuple[Message, ...] = ()
        self.parts: list[ReplyPart] = []
        self._model = model

    def stream(self, messages: Sequence[Message], *, max_tokens: int) -> Iterator[ReplyPart]:
        self.messages = tuple(messages)
        for part in self._model.stream(messages, max_tokens=max_tokens):
            self.parts.append(part)
            yield part


def record(
    file: Path = RECORDING,
    tell: Callable[[str], None] = print,
    *,
    model: ChatModel | None = None,
    embedder: Embedder | None = None,
) -> None:
    """Ask what is not kept yet, and keep each reply at once; None for `model` is the real one.

    What is kept stays: a recording that was stopped goes on where it was.
    """
    suites, setting = load_suites(), Setting()
    chosen = choose_cases(suites)
    if not file.exists():
        file.write_text(json.dumps(asdict(setting)) + "\n", encoding="utf-8")
    before, kept = read_recording(file)
    if before != setting:
        sys.exit(f"{file} was recorded with {before}, not {setting}: move it away first.")
    done = {(one.suite, one.case) for one in kept}
    left = [(suite, case) for suite, case in chosen if (suite, case.id) not in done]
    with ExitStack() as stack:
        archives = open_archives(suites, setting, stack, embedder=embedder)
        model = model or open_chat(Endpoint(stack.enter_context(serve_model()), timeout_seconds=1_800), setting.model)
        started = time.monotonic()
        for count, (suite, case) in enumerate(left, start=1):
            one = _ask(suite, case, archives[suite], model, setting)
            with file.open("a", encoding="utf-8") as out:
                out.write(_write_line(one))
            minutes = (time.monotonic() - started) / count * (len(left) - count) / 60
            took = f"{one.input_tokens} + {one.output_tokens} tokens, {minutes:.0f} min left"
            tell(f"{len(done) + count}/{len(chosen)} {suite} {case.id}: {took}")


def _ask(suite: str, case: Case, archive: Archive, model: ChatModel, setting: Setting) -> Kept:
    """Put one question to the model, as the program does."""
    desk = make_desk(archive, setting, f"{suite}/{case.id}")
    question = stand_alone(case)
    plan = make_plan(question, Filters(as_of=case.as_of), desk.today)
    hits = plan.search(desk.retriever, limit=READ_HITS)
    overheard = _Overheard(model)
    searched = count_searched(desk, plan)
    last_answer(answer_from(question, desk, searched, hits, overheard, started=time.perf_counter()))
    reply = "".join(part.text for part in overheard.parts)
    is_left = desk.make_fence() in reply  # a model that repeats its prompt is not heard to the end
    if not reply or (overheard.parts[-1].finish_reason is None and not is_left):
        sys.exit(f"{suite}/{case.id}: the model sent no whole reply; run this again to go on.")
    usage = next((part.usage for part in reversed(overheard.parts) if part.usage), Usage())
    return Kept(
        suite=suite,
        case=case.id,
        question=question,
        passages=tuple(
            Shown(Path(hit.article.source).name, hit.passage.start, hit.passage.end, hit.score) for hit in hits
        ),
        shown=count_shown(overheard.messages, hits),
        passages_sha256=hash_passages(hits),
        prompt_sha256=desk.prompt.sha256,
        messages_sha256=hash_text("\0".join(message.content for message in overheard.messages)),
        reply=reply,
        finish_reason=overheard.parts[-1].finish_reason,
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
    )
