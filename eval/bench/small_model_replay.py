"""The recorded replies of the small model taken through the program again, and what of them is right.

What is replayed is the program's own way from the passages on: prompt, reply, checks, and the sentence on record where
nothing of the reply holds. It is done twice, since this model seldom cites: once with the reply as it was, and once
with a marker after every sentence that had none, of a passage by which it is supported, if there is one.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from small_model_record import (
    Kept,
    Setting,
    count_shown,
    hash_passages,
    load_suites,
    make_desk,
    open_archives,
    read_recording,
)

from qa.answer import answer_from, last_answer
from qa.answer_form import Answer, Searched
from qa.archive import Archive
from qa.articles import Article, Filters, Passage
from qa.clauses import Reading, read_sentence
from qa.embed import Embedder, open_embedder
from qa.figures import Figure, find_figures, missing_figures
from qa.gold import Case
from qa.ground import bare_statement, cited_numbers, ground_text, split_statements
from qa.metrics import Gold, answer_match
from qa.models import Message, ReplyPart, Usage
from qa.retrieve import Hit
from qa.testing import HashingEmbedder
from qa.units import CURRENCIES

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_PERCENTS = ("percent", "percentage points")


@dataclass(frozen=True, slots=True)
class Replayed:
    """A question with its reply, and what a reader is shown; `cited` of the reply with markers put in."""

    kept: Kept
    case: Case
    answer: Answer
    cited: Answer


@dataclass(frozen=True, slots=True)
class Finding:
    """A supported sentence with figures that are not the gold's, its quotes, and who said it.

    `by` is "model", "record" for the sentence on record, or "cited" for the model with markers put in. `is_told` says
    whether a notice beside the answer has the gold's figure.
    """

    kept: Kept
    gold: str
    statement: str
    figures: tuple[str, ...]
    quotes: tuple[str, ...]
    by: str
    is_told: bool

    @property
    def key(self) -> tuple[str, str, str]:
        """What a judgement is found by: suite, case, sentence."""
        return self.kept.suite, self.kept.case, self.statement


# Replaying


def replay(file: Path) -> list[Replayed]:
    """Every recorded reply, taken through the program again."""
    setting, kept = read_recording(file)
    suites = load_suites()
    cases = {(suite.name, case.id): case for suite in suites for case in suite.cases}
    embedder = _Remembering(open_embedder("all-MiniLM-L6-v2-int8"))
    with ExitStack() as stack:
        # Passages are not searched for, so that it makes no difference by what they are indexed.
        archives = open_archives(suites, setting, stack, embedder=HashingEmbedder())
        for archive in archives.values():
            retriever = archive.desk().retriever
            retriever.search("opens the index, which tells how rare a word is", limit=1, filters=Filters())
            retriever.embedder = embedder
        return [_replay_one(one, cases[one.suite, one.case], archives[one.suite], setting) for one in kept]


def _replay_one(kept: Kept, case: Case, archive: Archive, setting: Setting) -> Replayed:
    hits = _rebuild_hits(kept, {Path(article.source).name: article for article in archive.articles()})
    desk = make_desk(archive, setting, f"{kept.suite}/{kept.case}")
    question, shown = read_sentence(kept.question, case.as_of), hits[: kept.shown]
    marked = put_markers_in(kept.reply, question, shown)

    def ask(reply: str) -> Answer:
        model = _Recorded(setting.model, replace(kept, reply=reply), hits)
        searched = Searched(0, 0, Filters(as_of=case.as_of))
        return last_answer(answer_from(kept.question, desk, searched, hits, model, started=0.0))

    answer = ask(kept.reply)
    return Replayed(kept, case, answer, ask(marked) if ground_text(marked, shown, question).holds else answer)


def _rebuild_hits(kept: Kept, articles: Mapping[str, Article]) -> list[Hit]:
    hits = []
    for shown in kept.passages:
        article = articles[shown.file]
        text = article.text[shown.start : shown.end]
        passage = Passage(f"{article.id}:{shown.start}", article.id, shown.start, shown.end, text)
        hits.append(Hit(article, passage, shown.score))
    if hash_passages(hits) != kept.passages_sha256:
        sys.exit(f"{kept.suite}/{kept.case}: its articles have changed since the recording; record it anew.")
    return hits


@dataclass(frozen=True, slots=True)
class _Recorded:
    """A model that gives a recorded reply, if it is shown the passages that were shown then."""

    name: str
    kept: Kept
    hits: Sequence[Hit]

    def stream(self, messages: Sequence[Message], *, max_tokens: int) -> Iterator[ReplyPart]:  # noqa: ARG002
        if (shown := count_shown(messages, self.hits)) != self.kept.shown:
            sys.exit(f"{self.kept.suite}/{self.kept.case}: {shown} passages are shown, then it was {self.kept.shown}.")
        yield ReplyPart(self.kept.reply)
        usage = Usage(self.kept.input_tokens, self.kept.output_tokens)
        yield ReplyPart(usage=usage, finish_reason=self.kept.finish_reason)


class _Remembering:
    """An embedder that embeds no text twice: many questions are answered from the same sentences."""

    def __init__(self, embedder: Embedder) -> None:
        self.id, self.dimension = embedder.id, embedder.dimension
        self._embedder = embedder
        self._known: dict[str, NDArray[np.float32]] = {}

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        import numpy as np

        new = list(dict.fromkeys(text for text in texts if text not in self._known))
        if new:
            self._known.update(zip(new, self._embedder.embed(new), strict=True))
        return np.stack([self._known[text] for text in texts])


def put_markers_in(reply: str, question: Reading, hits: Sequence[Hit]) -> str:
    """The reply with a marker after each sentence that has none: of a passage that makes it supported, if any."""

    @cache
    def cite(sentence: str) -> str:
        if cited_numbers(sentence):
            return sentence
        marked = [f"{sentence} [{n}]" for n in range(1, len(hits) + 1)]
        return next((text for text in marked if ground_text(text, hits, question).holds), marked[0])

    return "\n".join(cite(reply[start:end].strip()) for start, end in split_statements(reply))


# What is right


def is_right(texts: Sequence[str], gold: Gold) -> bool:
    """Whether any of these sentences gives the gold answer, or where it has several parts, all together do."""
    if gold.all_of:
        return bool(answer_match(" ".join(texts), gold))
    return any(answer_match(text, gold, text) for text in texts)


def read_reply(kept: Kept) -> list[str]:
    """The sentences of a reply, whether supported or not, without markers."""
    return [bare_statement(kept.reply[start:end]) for start, end in split_statements(kept.reply)]


def read_shown(answer: Answer) -> list[str]:
    """What a reader sees as supported: sentences without their markers, and the span that answers."""
    held = [bare_statement(statement.text) for statement in answer.statements if statement.verdict == "supported"]
    return [*held, answer.short] if held and answer.short else held


# What is not the gold's


def find_findings(replayed: Sequence[Replayed]) -> list[Finding]:
    """Every supported sentence with a figure other than the gold's, each once for each who said it."""
    return [finding for one in replayed for finding in _find_in(one)]


def _find_in(one: Replayed) -> Iterator[Finding]:
    gold = " / ".join(one.case.gold.answers) or " + ".join(" / ".join(part) for part in one.case.gold.all_of) or "none"
    for answer, by in ((one.answer, "model"), (one.cited, "cited")):
        if by == "cited" and (answer.mode == "extract" or answer.text == one.answer.text):
            continue  # the sentence on record, or what it said anyway
        for text in dict.fromkeys(bare_statement(s.text) for s in answer.statements if s.verdict == "supported"):
            if others := find_others(text, one.case):
                held = next(s for s in answer.statements if s.verdict == "supported" and bare_statement(s.text) == text)
                quotes = tuple(answer.citations[place].quote.text for place in held.quotes)
                who = "record" if answer.mode == "extract" else by
                told = any(_has_gold(notice, one.case.gold) for notice in answer.notices)
                yield Finding(one.kept, gold, text, tuple(figure.text for figure in others), quotes, who, told)


def _has_gold(notice: str, gold: Gold) -> bool:
    return any(find_figures(text) and not missing_figures(text, notice) for text in gold.answers)


def find_others(text: str, case: Case) -> list[Figure]:
    """The figures of a sentence that are of the gold's kind but not the gold's; none of a sentence of the evidence.

    Where the gold is no figure, any that no gold answer has; of a case without an answer, any. Dates are none of them.
    """
    if any(text in " ".join(evidence.quote.split()) for evidence in case.evidence):
        return []
    if case.gold.number is None:
        answers = [*case.gold.answers, *(text for part in case.gold.all_of for text in part)]
        return [figure for figure in missing_figures(text, "\n".join(answers)) if figure.kind != "date"]
    number = case.gold.number
    kind = "percent" if number.unit in _PERCENTS else "money" if (number.unit or "") in CURRENCIES else "number"
    return [
        figure
        for figure in find_figures(text)
        if figure.kind == kind and figure.value is not None and abs(figure.value - number.value) > number.tolerance
    ]
