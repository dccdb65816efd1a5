"""A model's opinion of answers, and how far it agrees with other grades of them; never the headline.

    answer → several votes, each with other letters → the majority; "correct" must stand a control → grade

The grades are SimpleQA's (Wei et al. 2024, "Measuring short-form factuality in large language models"). An answer is
text of articles and models and may carry orders to whoever grades it:

- It stands between fences, cut to a length, without characters that show nothing; the prompt says what it is.
- "Reply A": over the votes each letter means each grade in turn, so that one letter alone never has a majority.
- "Grade this as correct": an answer found correct is graded once more, beside a known answer that nobody could give.
  Found correct there too, it was obeyed, and there is no grade.
"""

from __future__ import annotations

import hashlib
import json
import re
import string
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import permutations
from pathlib import Path
from typing import Any, Literal

from qa.errors import ContentError, ModelError, ModelUnavailable, UsageError
from qa.gold import WrongEntry, check_entry, parse_gold, read_utf8
from qa.ground import bare_statement
from qa.metrics import Gold
from qa.models import ChatModel, Message, ReplyPart
from qa.paired import cohen_kappa
from qa.prompts import Prompt, load_prompt
from qa.replay import CallLog, RecordedChat
from qa.run_folder import Measure, Record, Run, write_file
from qa.stats import mean_interval
from qa.sync import OnProgress, Progress
from qa.text import one_line, safe_text, shorten, suggest
from qa.workspace import Workspace

Grade = Literal["correct", "incorrect", "not_attempted"]
GRADES: tuple[Grade, ...] = ("correct", "incorrect", "not_attempted")
JUDGEMENTS = "judgements.jsonl"

_FIELDS = frozenset({"fence", "question", "gold", "said", "options"})
_ORDERS = tuple(permutations(GRADES))
_MAX_CHARACTERS = 2_000  # of a question or an answer
_FENCE = re.compile(r"(?:[a-z]+-[0-9a-f]{16})?", re.IGNORECASE)  # or nothing, between the marks
_MARKS = string.punctuation + string.whitespace
_VOTE = re.compile(r"[\W_]*([ABC])[\W_]*", re.IGNORECASE)
_LABELLED_KEYS = {"id": str, "question": str, "answers": list, "said": str, "label": str, "why": str}


@dataclass(frozen=True)
class Judge:
    """A model, the prompt of `load_judge_prompt`, and the log that keeps the replies, of which none is asked for twice.

    Each answer is graded `votes` times, an odd number from 3 on. Fences, and which letters stand for which grades,
    follow from the seed and the case. Only what is in the log is given back by a judge with an `UnreachedModel`.
    """

    model: ChatModel
    prompt: Prompt
    log: CallLog
    votes: int = 3
    seed: int = 0
    max_output_tokens: int = 16

    def __post_init__(self) -> None:
        """Check the number of votes. Raises `UsageError`."""
        if self.votes < len(GRADES) or self.votes % 2 == 0:
            raise UsageError(f"A judge cannot have {self.votes} votes: give an odd number from {len(GRADES)} on.")


@dataclass(frozen=True, slots=True)
class Judgement:
    """What came of an answer. `grade` is None where there is none to give, and `reason` says why.

    `votes` are in order, None where the reply was no lone letter; there are none where the model was not asked.
    """

    grade: Grade | None
    votes: tuple[Grade | None, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Labelled:
    """An answer graded by hand, and why so."""

    id: str
    question: str
    answers: tuple[str, ...]
    said: str
    label: Grade
    why: str


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far a judge gives the grades of another, over the `n` answers that both have graded.

    `share` is the raw agreement, `kappa` Cohen's; None where undefined. `confusion` counts (other's grade, judge's).
    `unreadable` counts the answers apart that the judge gave no grade. They differ on the ids in `differing`.
    """

    n: int
    share: float | None
    kappa: float | None
    confusion: Mapping[tuple[Grade, Grade], int]
    unreadable: int
    differing: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """The same as plain data: `confusion` has the judge's grades under each of the other's."""
        table = {other: {grade: self.confusion.get((other, grade), 0) for grade in GRADES} for other in GRADES}
        return asdict(self) | {"confusion": table, "differing": list(self.differing)}


@dataclass(frozen=True, slots=True)
class JudgedRecord:
    """A record with what came of its answer."""

    record: Record
    judgement: Judgement

    @property
    def key(self) -> dict[str, Any]:
        """The case's id and the repeat, by name."""
        return {"id": self.record["case"]["id"], "repeat": self.record["repeat"]}


@dataclass(frozen=True, slots=True)
class JudgeReport:
    """A model's opinion of a run's answers to the questions that have a known answer."""

    folder: Path
    model: str
    prompt_sha256: str
    votes: int
    seed: int
    judged: tuple[JudgedRecord, ...]

    @property
    def counts(self) -> dict[Grade, int]:
        """How many answers got each grade; abstentions are not attempted."""
        return {grade: sum(one.judgement.grade == grade for one in self.judged) for grade in GRADES}

    @property
    def unscorable(self) -> tuple[JudgedRecord, ...]:
        """The records without a grade."""
        return tuple(one for one in self.judged if one.judgement.grade is None)

    @property
    def correct(self) -> Measure:
        """The share found correct of those graded; without an interval where all rest on one article."""
        graded = [one for one in self.judged if one.judgement.grade]
        clusters, left = [one.record["cluster"] for one in graded], len(self.judged) - len(graded)
        share = mean_interval([float(one.judgement.grade == "correct") for one in graded], clusters)
        if share is None or len(set(clusters)) == 1 < share.n:
            return Measure(share.mean if share else None, None, None, len(graded), left)
        return Measure(share.mean, share.low, share.high, share.n, left)

    @property
    def agreement(self) -> Agreement:
        """With the grades by `answer_match`; abstentions are left out, since the model was not asked about them."""
        by_measure: tuple[tuple[str, Grade], ...] = (("answer_match", "correct"), ("incorrect", "incorrect"))
        return _agree([
            (one.key["id"], grade, one.judgement.grade)
            for one in self.judged for name, grade in by_measure if one.record["scores"].get(name) == 1
        ])  # fmt: skip

    def to_dict(self) -> dict[str, Any]:
        """The report as plain data."""
        named = {name: getattr(self, name) for name in ("model", "prompt_sha256", "votes", "seed", "counts")}
        left = [one.key | {"reason": one.judgement.reason} for one in self.unscorable]
        means = {"correct": asdict(self.correct), "agreement": self.agreement.to_dict()}
        return {"folder": str(self.folder), **named, "records": len(self.judged), **means, "unscorable": left}


def load_judge_prompt(workspace: Workspace) -> Prompt:
    """`prompts/judge.md`, the workspace's own or the packaged one. Raises `ContentError`."""
    return load_prompt(workspace.content("prompts/judge.md"), placeholders=_FIELDS)


def judge_answer(question: str, gold: Sequence[str], said: str | None, *, judge: Judge) -> Judgement:
    """Have an answer graded beside the known ones, each of which alone is right; it needs more than half of all votes.

    An abstention (None), or an answer without a word, is "not_attempted" without asking.

    Raises:
        ModelError: the model failed. That is not kept in the log: the same asked again may succeed.
        UsageError: there is no known answer.
    """
    if not gold:
        raise UsageError("An answer cannot be judged without a known right one.")
    text = _make_safe(said or "")
    if not text:
        return Judgement("not_attempted", reason="nothing was answered: not asked")
    return _Trial(judge, _make_safe(question), tuple(map(one_line, gold)), text).decide()


def judge_run(run: Run, judge: Judge, on_progress: OnProgress | None = None) -> JudgeReport:
    """Judge every answer of a run to a question that has a known answer; writes `judgements.jsonl` in its folder.

    Called again it goes on, or costs nothing: what was asked is in the log. It judges the whole text of an answer, of
    which `answer_match` sees only a part. `on_progress` gets the stage "judging" before each answer.

    Raises:
        ContentError: there is no such answer.
        ModelError: the model failed on the first one. When it fails later, that record has no grade.
    """
    records = [
        record for record in run.records
        if record["answer"] is not None and record["case"]["answerable"] and parse_gold(record["case"]) != Gold()
    ]  # fmt: skip
    if not records:
        raise ContentError(f"{run.folder} has nothing to judge: no answer to a question whose answer is known.")
    judged: list[JudgedRecord] = []
    for record in records:
        if on_progress:
            on_progress(Progress("judging", len(judged), len(records)))
        try:
            judgement = _judge_record(record, judge)
        except ModelError as error:
            if not any(one.judgement.votes for one in judged):
                raise ModelUnavailable(f"Nothing was judged: the model did not answer. {error}") from error
            judgement = Judgement(None, reason=f"the model failed: {error}")
        judged.append(JudgedRecord(record, judgement))
    asked = {"model": judge.model.name, "prompt_sha256": judge.prompt.sha256}
    lines = [json.dumps(one.key | asdict(one.judgement) | asked, ensure_ascii=False) + "\n" for one in judged]
    write_file(run.folder / JUDGEMENTS, "".join(lines))
    return JudgeReport(run.folder, judge.model.name, judge.prompt.sha256, judge.votes, judge.seed, tuple(judged))


def measure_agreement(labelled: Sequence[Labelled], judge: Judge) -> Agreement:
    """Judge answers that were graded by hand, and compare. Raises as `judge_answer`; asked again, it goes on."""
    judged = [judge_answer(one.question, one.answers, one.said, judge=judge) for one in labelled]
    return _agree([(one.id, one.label, its.grade) for one, its in zip(labelled, judged, strict=True)])


def read_labelled(file: Path) -> tuple[Labelled, ...]:
    """Answers graded by hand, one JSON object a line; raises `ContentError` with file and line where one is wrong."""
    found: dict[str, Labelled] = {}
    for number, line in enumerate(read_utf8(file).split("\n"), start=1):
        try:
            one = _parse_labelled(line) if line.strip() else None
            if one and one.id in found:
                raise WrongEntry(f"the id '{shorten(one.id, limit=40)}' is that of an earlier line too.")
        except WrongEntry as error:
            raise ContentError(f"{file}:{number}: {error}") from error
        found |= {one.id: one} if one else {}
    if not found:
        raise ContentError(f"{file} holds no answers: write one JSON object a line.")
    return tuple(found.values())


def gold_texts(gold: Gold) -> list[str]:
    """The gold answer as a judge is shown it: each alternative, or in one text the parts that are all needed."""
    if gold.all_of:
        parts = [part[0] + (f" (or: {', '.join(part[1:])})" if part[1:] else "") for part in gold.all_of]
        return [f"all of these: {'; '.join(parts)}"]
    near = gold.number.tolerance if gold.number else 0
    return [*gold.answers, *([f"a figure that is at most {near:f} away"] if near else [])]


def render_judged(report: JudgeReport) -> str:
    """The report as plain text. Safe for a terminal; no newline at its end."""
    share, counts = report.correct, [f"{count:,} {grade.replace('_', ' ')}" for grade, count in report.counts.items()]
    bounds = "" if share.low is None else f" (95 % interval {share.low:.3f} – {share.high:.3f})"
    reasons = Counter(shorten(one.judgement.reason, limit=160) for one in report.unscorable)
    lines = [
        "A model's opinion, not a measurement; nothing else of the run depends on it.",
        f"judge: {shorten(report.model, limit=60)}, prompt {report.prompt_sha256[:12]}, {report.votes} votes an answer",
        f"found correct: {_number(share.mean)}{bounds} of {share.n:,} graded: {', '.join(counts)}",
        *(f"no grade for {count:,} of {len(report.judged):,}: {reason}" for reason, count in reasons.most_common()),
        render_agreement(report.agreement, "answer_match, abstentions left out"),
    ]
    return "\n".join(lines)


def render_agreement(agreement: Agreement, other: str) -> str:
    """An agreement in one or two safe lines; `other` says what the judge is compared with."""
    also = f"; no grade for {agreement.unreadable:,} more" if agreement.unreadable else ""
    share, kappa = _number(agreement.share), _number(agreement.kappa)
    line = f"agreement with {one_line(other)}: {share} of {agreement.n:,}, Cohen's kappa {kappa}{also}"
    differing = shorten(", ".join(agreement.differing), limit=400)
    return f"{line}\nthey differ on: {differing}" if differing else line


class _Passing(Exception):
    """Carries a model's error, its argument, past the log, which would give it back for ever."""


@dataclass(frozen=True, slots=True)
class _Unkept:
    """A model whose failures, unlike its replies, a log does not see."""

    name: str
    model: ChatModel

    def stream(self, messages: Sequence[Message], *, max_tokens: int) -> Iterator[ReplyPart]:
        try:
            yield from self.model.stream(messages, max_tokens=max_tokens)
        except ModelError as error:
            raise _Passing(error) from error


@dataclass(frozen=True, slots=True)
class _Trial:
    """One answer before a judge; its texts are safe."""

    judge: Judge
    question: str
    gold: tuple[str, ...]
    said: str

    def decide(self) -> Judgement:
        votes = tuple(self.ask(number, self.gold) for number in range(1, self.judge.votes + 1))
        grade = next((grade for grade in GRADES if 2 * votes.count(grade) > len(votes)), None)
        if grade == "correct" and self.ask(0, [f"the code word {self.hash('code')}"]) == "correct":
            return Judgement(None, votes, "obeyed: found correct beside a known answer, too, that nobody could give")
        counted = Counter("unreadable" if vote is None else vote.replace("_", " ") for vote in votes)
        split = ", ".join(f"{count} {name}" for name, count in sorted(counted.items()))
        return Judgement(grade, votes, "" if grade else f"no majority: {split}")

    def ask(self, number: int, gold: Sequence[str]) -> Grade | None:
        """One vote; None where the reply is no lone letter."""
        letters = self.letters(number)
        messages = self.judge.prompt.render_messages(
            fence=f"answer-{self.hash('fence')}",
            question=self.question,
            gold="\n".join(f"- {answer}" for answer in gold),
            said=self.said,
            options="\n".join(f"{letter}: {grade.replace('_', ' ')}" for letter, grade in letters.items()),
        )
        name = self.judge.model.name
        model = RecordedChat(name, self.judge.log, model=_Unkept(name, self.judge.model), repeat=number)
        try:
            reply = "".join(part.text for part in model.stream(messages, max_tokens=self.judge.max_output_tokens))
        except _Passing as passing:
            raise passing.args[0] from passing
        vote = _VOTE.fullmatch(reply)
        return letters[vote[1].upper()] if vote else None

    def letters(self, number: int) -> dict[str, Grade]:
        """What each letter means in a vote: some order, turned by one each time."""
        order, turn = _ORDERS[int(self.hash("letters"), 16) % len(_ORDERS)], number % len(GRADES)
        return dict(zip("ABC", order[turn:] + order[:turn], strict=True))

    def hash(self, purpose: str) -> str:
        """Sixteen digits that follow from seed, case and purpose; an answer cannot hold its own."""
        case = [self.judge.seed, self.question, self.gold, self.said, purpose]
        return hashlib.sha256(json.dumps(case).encode()).hexdigest()[:16]


def _make_safe(text: str) -> str:
    """Without characters that show nothing or turn a line around, and lines that are like a fence or hold but marks."""
    shown = "".join(char for char in safe_text(text) if char != "\ufffd" and unicodedata.category(char) != "Cf")
    kept = "\n".join(line for line in shown.split("\n") if not _FENCE.fullmatch(line.strip(_MARKS))).strip()
    return kept if len(kept) <= _MAX_CHARACTERS else f"{kept[:_MAX_CHARACTERS]} [cut here]"


def _judge_record(record: Record, judge: Judge) -> Judgement:
    case, answer = record["case"], record["answer"] or {}
    if failure := record["unscorable"].get("answer_match"):  # what stands there is not the system's own answer
        return Judgement(None, reason=failure)
    said = None if answer["status"] == "abstained" else bare_statement(answer["text"])
    question = "\n".join([*case.get("turns", ()), case["question"]])
    return judge_answer(question, gold_texts(parse_gold(case)), said, judge=judge)


def _agree(pairs: Sequence[tuple[str, Grade, Grade | None]]) -> Agreement:
    """Of (id, other's grade, judge's grade)."""
    graded = [(id_, other, grade) for id_, other, grade in pairs if grade is not None]
    others, grades = [other for _, other, _ in graded], [grade for _, _, grade in graded]
    differing = tuple(id_ for id_, other, grade in graded if other != grade)
    share = 1 - len(differing) / len(graded) if graded else None
    confusion = dict(Counter(zip(others, grades, strict=True)))
    return Agreement(len(graded), share, cohen_kappa(others, grades), confusion, len(pairs) - len(graded), differing)


def _parse_labelled(line: str) -> Labelled:
    try:
        entry = check_entry(json.loads(line), _LABELLED_KEYS, required=_LABELLED_KEYS, thing="a graded answer")
    except (json.JSONDecodeError, RecursionError) as error:
        raise WrongEntry(f"not valid JSON: {error}.") from error
    for key, value in entry.items():
        texts = value if isinstance(value, list) else [value]
        if not texts or not all(isinstance(text, str) and text.strip() for text in texts):
            raise WrongEntry(f"'{key}' must hold text.", key)
    if entry["label"] not in GRADES:
        unknown = f"no label '{shorten(entry['label'], limit=40)}'.{suggest(entry['label'], GRADES)}"
        raise WrongEntry(f"{unknown} Known: {', '.join(GRADES)}.", "label")
    return Labelled(**entry | {"answers": tuple(entry["answers"])})


def _number(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.3f}"
