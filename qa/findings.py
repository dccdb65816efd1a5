"""What came of each case and of each kind of question, in the form in which people are shown it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any, Literal, NamedTuple

from qa.gold import KINDS
from qa.ground import bare_statement
from qa.run_folder import Measure, Record, Run
from qa.stats import mean_interval
from qa.text import format_date
from qa.wording import count_of, describe_gold

FaultKind = Literal["abstained", "wrong", "answered", "quote", "missed", "unscored"]

FAULTS: Mapping[FaultKind, str] = {
    "wrong": "another answer than the gold one",
    "abstained": "abstained, but the articles answer this",
    "answered": "answered, but the articles do not answer this",
    "missed": "the evidence is not among the first ten passages",
    "quote": "a quote does not stand in its article",
    "unscored": "it could not be scored",
}
RIGHT = "right"  # the first of the scores of a kind
NOT_SOUGHT = "no passages were looked for"
WHOLE_ARTICLE = "the whole article"
_KIND_SCORES = ("answer_match", "abstention_recall", "quote_validity", "hits@1", "hits@10")


class Fault(NamedTuple):
    """Why a case failed."""

    kind: FaultKind
    text: str


@dataclass(frozen=True, slots=True)
class CitedQuote:
    """A quote of an answer; `short_span` is the place of the short answer in it, `published` is for people."""

    number: int
    text: str
    title: str
    published: str
    stands: bool
    short_span: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class JudgedStatement:
    """A sentence of an answer, what the program says of it, and why."""

    text: str
    verdict: str
    problems: tuple[str, ...]


class Proof(NamedTuple):
    """A piece of the gold evidence, the first of the `others + 1` that prove the same, and its article's source.

    `quote` is `WHOLE_ARTICLE` where no sentence is named.
    """

    quote: str
    article: str
    others: int


@dataclass(frozen=True, slots=True)
class Finding:
    """One case as it was asked, answered and judged. Texts are as recorded: make them safe where they are shown.

    `proofs` are sentences of the gold evidence. `status` is "passages" where only those were asked for. `short` is
    what was compared with the gold, "" where that is the whole sentence. `nearest` are the closest quotes of an
    abstention. `rank` is that of the first passage with evidence, and `evidence` says in words where that was found,
    "" where there is none to find. `is_right` is None where that could not be judged.
    """

    id: str
    repeat: int
    kind: str
    question: str
    turns: tuple[str, ...]
    as_of: str
    answerable: bool
    gold: str
    proofs: tuple[Proof, ...]
    status: Literal["answered", "abstained", "passages"]
    short: str
    text: str
    quotes: tuple[CitedQuote, ...]
    nearest: tuple[CitedQuote, ...]
    statements: tuple[JudgedStatement, ...]
    notices: tuple[str, ...]
    rank: int | None
    evidence: str
    is_right: bool | None
    faults: tuple[Fault, ...]
    confidence: float | None
    seconds: float | None

    @property
    def why(self) -> str:
        """Its faults in one line."""
        return "; ".join(fault.text for fault in self.faults)

    @property
    def problems(self) -> tuple[str, ...]:
        """What the program found wrong with its statements, each once."""
        return tuple(dict.fromkeys(problem for statement in self.statements for problem in statement.problems))


@dataclass(frozen=True, slots=True)
class KindScores:
    """The scores of the `cases` of one kind by name, `RIGHT` first, then some of the measures."""

    kind: str
    cases: int
    scores: Mapping[str, Measure]


class Reason(NamedTuple):
    """Why measures could not be taken, of how many cases, and which measures."""

    text: str
    cases: int
    measures: tuple[str, ...]


def find_all(run: Run) -> list[Finding]:
    """Every record of a run, in its order."""
    return [read_finding(record) for record in run.records]


def find_failures(run: Run) -> list[Finding]:
    """The cases of a run that failed: answered wrongly or against the label, badly quoted, or not scored."""
    return [finding for finding in find_all(run) if finding.faults]


def read_finding(record: Record) -> Finding:
    """A record as people are shown it."""
    case, answer = record["case"], record["answer"] or {}
    text, prediction = str(answer.get("text", "")), record["prediction"]
    return Finding(
        id=case["id"],
        repeat=record["repeat"],
        kind=case["kind"],
        question=case["question"],
        turns=tuple(case.get("turns", ())),
        as_of=_read_day(case.get("as_of")),
        answerable=case["answerable"],
        gold=describe_gold(case),
        proofs=_read_proofs(case),
        status=_status(record),
        short="" if prediction is None or prediction == bare_statement(text) else prediction,
        text=text,
        quotes=_read_quotes(answer.get("citations", ()), record["stands"], answer.get("short_span")),
        nearest=_read_quotes(answer.get("nearest", ()), (), None),
        statements=tuple(map(_read_statement, answer.get("statements", ()))),
        notices=tuple(answer.get("notices", ())),
        rank=next((rank for rank, hit in enumerate(record["hits"], start=1) if hit["parts"]), None),
        evidence=_place_evidence(record),
        is_right=_judge(record),
        faults=tuple(_find_faults(record)),
        confidence=answer.get("score"),
        seconds=record["seconds"].get("total"),
    )


def count_faults(findings: Iterable[Finding]) -> list[tuple[str, int]]:
    """How many cases failed for what, by the first fault of each, most frequent first."""
    counts = Counter(FAULTS[finding.faults[0].kind] for finding in findings if finding.faults)
    return sorted(counts.items(), key=lambda item: -item[1])


def count_reasons(run: Run) -> list[Reason]:
    """Why measures could not be taken, each reason once, most frequent first."""
    cases: Counter[str] = Counter()
    measures: dict[str, dict[str, None]] = {}
    for record in run.records:
        cases.update(set(record["unscorable"].values()))
        for name, reason in record["unscorable"].items():
            measures.setdefault(reason, {})[name] = None
    return sorted(
        (Reason(text, cases[text], tuple(names)) for text, names in measures.items()), key=lambda reason: -reason.cases
    )


def score_kinds(run: Run) -> list[KindScores]:
    """The scores of each kind of question, in the order of `qa.gold.KINDS`; cases on one article share a cluster."""
    known = {kind: place for place, kind in enumerate(KINDS)}
    ordered = sorted(run.records, key=lambda record: known.get(record["case"]["kind"], len(known)))
    groups = [(kind, list(group)) for kind, group in groupby(ordered, key=lambda record: record["case"]["kind"])]
    return [KindScores(kind, len(records), _score_group(records)) for kind, records in groups]


def count_model_failures(run: Run) -> int:
    """How many answers the program had to give itself because the model failed; they are not scored."""
    if run.model is None:
        return 0
    return sum(bool(r["unscorable"]) and (r["answer"] or {}).get("mode") == "extract" for r in run.records)


# one record


def _status(record: Record) -> Literal["answered", "abstained", "passages"]:
    if record["answer"] is None:
        return "passages"
    return "abstained" if record["answer"].get("status") == "abstained" else "answered"


def _judge(record: Record) -> bool | None:
    """Whether a case came out right, by its scores; of passages, whether evidence is among the first ten."""
    name = "answer_match" if record["case"]["answerable"] else "abstention_recall"
    score = record["scores"].get("hits@10" if record["answer"] is None else name)
    return None if score is None else score == 1


def _find_faults(record: Record) -> Iterable[Fault]:
    if _judge(record) is False:
        kind = _kind_of_fault(record)
        yield Fault(kind, FAULTS[kind])
    if broken := record["stands"].count(False):
        verb = "does" if broken == 1 else "do"
        yield Fault("quote", f"{broken} of {count_of(len(record['stands']), 'quote')} {verb} not stand as cited")
    for reason in dict.fromkeys(record["unscorable"].values()):
        yield Fault("unscored", f"not scored: {reason}")


def _kind_of_fault(record: Record) -> FaultKind:
    status = _status(record)
    if status == "passages":
        return "missed"
    if not record["case"]["answerable"]:
        return "answered"
    return "abstained" if status == "abstained" else "wrong"


def _read_proofs(case: Mapping[str, Any]) -> tuple[Proof, ...]:
    """One piece of each part of the evidence, in the order of the parts."""
    parts: dict[int, list[Mapping[str, Any]]] = {}
    for evidence in case.get("evidence", ()):
        parts.setdefault(evidence.get("part", 1), []).append(evidence)
    return tuple(
        Proof(some[0].get("quote", WHOLE_ARTICLE), some[0]["article"], len(some) - 1)
        for _, some in sorted(parts.items())
    )


def _place_evidence(record: Record) -> str:
    needed = sorted({evidence.get("part", 1) for evidence in record["case"].get("evidence", ())})
    if not needed:
        return ""
    if not record["hits"]:
        return NOT_SOUGHT
    places = {part: _first_rank(record, part) for part in needed}
    nowhere = f"in none of {count_of(len(record['hits']), 'passage')}"
    found = [f"in passage {rank}" if rank else nowhere for rank in places.values()]
    if len(needed) == 1:
        return found[0]
    return "; ".join(f"part {part} {place}" for part, place in zip(needed, found, strict=True))


def _first_rank(record: Record, part: int) -> int | None:
    return next((rank for rank, hit in enumerate(record["hits"], start=1) if part in hit["parts"]), None)


def _read_quotes(
    citations: Sequence[Mapping[str, Any]], stands: Sequence[bool], short_span: Sequence[int] | None
) -> tuple[CitedQuote, ...]:
    """The citations of an answer; the short answer is a part of the first one's quote."""
    return tuple(
        CitedQuote(
            number=citation["number"],
            text=citation["quote"],
            title=citation["article"]["title"],
            published=_read_day(citation["article"].get("published")),
            stands=place >= len(stands) or stands[place],
            short_span=(short_span[0], short_span[1]) if short_span and place == 0 else None,
        )
        for place, citation in enumerate(citations)
    )


def _read_statement(statement: Mapping[str, Any]) -> JudgedStatement:
    problems = tuple(str(problem["detail"]) for problem in statement.get("problems", ()))
    return JudgedStatement(statement["text"], statement["verdict"], problems)


def _read_day(day: str | None) -> str:
    return format_date(date.fromisoformat(day)) if day else ""


# many records


def _score_group(records: Sequence[Record]) -> dict[str, Measure]:
    right = [_judge(record) for record in records]
    scores = {RIGHT: _average(right, records)}
    return scores | {name: _average([r["scores"].get(name) for r in records], records) for name in _KIND_SCORES}


def _average(values: Sequence[float | None], records: Sequence[Record]) -> Measure:
    pairs = [
        (float(value), record["cluster"]) for value, record in zip(values, records, strict=True) if value is not None
    ]
    interval = mean_interval([value for value, _ in pairs], [cluster for _, cluster in pairs])
    return Measure(interval.mean, interval.low, interval.high, interval.n) if interval else Measure(None, None, None, 0)
