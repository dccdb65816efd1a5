"""Run a suite: every question of it to one record, and the records to measures and gates.

    index the suite's archive in a store of its own → ask each case → score → write a line → average

A record is one JSON line of `records.jsonl`, with all that it takes to score it anew without asking.
`run.json` beside it says what was run, and at the end what came of it.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import platform
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import chain, count
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypedDict

from qa import metrics
from qa.answer import Answer
from qa.archive import Archive, ModelChoice
from qa.articles import Article, Passage, Quote, hash_text
from qa.embed import Embedder
from qa.errors import ModelUnavailable, WorkspaceError
from qa.ground import bare_statement
from qa.retrieve import Hit
from qa.settings import Settings, describe_settings
from qa.stats import Interval, mean_interval
from qa.suite import ANSWER_MEASURES, RANKING_MEASURES, Case, Suite, find_evidence
from qa.suite_archive import hash_files, open_suite_archive
from qa.sync import OnProgress, Progress
from qa.workspace import Workspace

_RECORDS = "records.jsonl"
RANKED = 50  # passages kept of each question
_ROUNDING = 1e-9  # a mean of n equal values may be an ulp below them
_VERSIONS_OF = ("onrecord", "chromadb", "numpy", "onnxruntime", "openai", "sentencex", "tantivy", "tokenizers")


@dataclass(frozen=True, slots=True)
class Measure:
    """A mean over the `n` cases that it applies to, with its 95 % interval; None where n is 0.

    `abstention_f1` is no mean and has no interval; its n counts the cases it follows from.
    """

    mean: float | None
    low: float | None
    high: float | None
    n: int


class Gate(NamedTuple):
    """Whether a measure's mean is at least the suite's threshold; a measure that applies to no case fails."""

    name: str
    threshold: float
    value: float | None
    passed: bool


class RankedPassage(TypedDict):
    """A passage found, best first; relevant when at least half of a sentence of the gold evidence is in it."""

    passage: str
    source: str
    start: int
    end: int
    score: float
    relevant: bool


class Record(TypedDict):
    """One case asked: the gold, what was answered, and its scores, None where a measure does not apply.

    `prediction` is what was compared with the gold answers; None when it abstained.
    """

    id: str
    question: str
    kind: str
    tags: list[str]
    as_of: str | None
    answerable: bool
    answers: list[str]
    number: dict[str, Any] | None
    evidence: list[dict[str, str]]
    prediction: str | None
    answer: dict[str, Any]
    hits: list[RankedPassage]
    scores: dict[str, float | None]
    seconds: dict[str, float]


@dataclass(frozen=True, slots=True)
class Run:
    """A suite that was run. `model` is None where answers are sentences of the articles.

    `prompt` has the name and SHA-256 of the prompt that the model was given.
    """

    suite: str
    folder: Path
    model: str | None
    prompt: Mapping[str, str] | None
    started: datetime
    seconds: float
    records: tuple[Record, ...]
    measures: Mapping[str, Measure]
    gates: tuple[Gate, ...]

    @property
    def passed(self) -> bool:
        """Whether every gate of the suite is met."""
        return all(gate.passed for gate in self.gates)

    @property
    def fallbacks(self) -> tuple[Record, ...]:
        """The cases that the program answered because the model failed."""
        return () if self.model is None else tuple(record for record in self.records if _fell_back(record))

    def to_dict(self) -> dict[str, Any]:
        """The result as plain data, without the records: the form of `qa eval run --json`."""
        return {
            "suite": self.suite,
            "folder": str(self.folder),
            "model": self.model,
            "prompt": dict(self.prompt) if self.prompt else None,
            "started": self.started.isoformat(timespec="seconds"),
            "seconds": round(self.seconds, 3),
            "cases": len(self.records),
            "fallbacks": len(self.fallbacks),
            "measures": {name: asdict(measure) for name, measure in self.measures.items()},
            "gates": [gate._asdict() for gate in self.gates],
            "passed": self.passed,
        }


def run_suite(
    suite: Suite,
    workspace: Workspace,
    *,
    settings: Settings,
    model: ModelChoice = False,
    embedder: Embedder | None = None,
    on_progress: OnProgress | None = None,
    folder: Path | None = None,
    started: datetime | None = None,
) -> Run:
    """Ask every question of a suite, write a record of each as it comes, and average.

    The suite's archive is indexed in a store of its own, kept in the user's cache folder for the next
    run; prompts and recipe are those of `workspace`, whose own articles play no part.

    Args:
        suite: what to ask, from `load_suite`.
        workspace: whose prompts and recipe are judged, and where the records go.
        settings: how a model is asked.
        model: as for `Archive.ask`; False is without a model, None the one configured, if any.
        embedder: what turns texts into vectors; None takes the recipe's.
        on_progress: called for each step of indexing, then with the stage "evaluating" before each case.
        folder: where the records go; None is `eval/reports/<suite>-<started>` of the workspace.
        started: the time of the run; None is now.

    Raises:
        ContentError: the archive holds no articles or not the gold evidence, or a question cannot be asked.
        ModelError: the model failed on the first question. When it fails later, the answer without it counts.
        WorkspaceError: the records cannot be written, or `folder` holds a run already.
    """
    started, clock = started or datetime.now(UTC), time.perf_counter()
    with open_suite_archive(
        suite, workspace, settings=settings, model=model, embedder=embedder, on_progress=on_progress
    ) as archive:
        folder = folder or _name_folder(workspace, suite, started)
        origin = _describe_origin(suite, archive, started)
        records: list[Record] = []
        for record in _ask_cases(suite.cases, archive, on_progress):
            if not records:  # not before: a model that cannot be used at all leaves no run behind
                _check_first(record, origin["model"])
                _start_folder(folder, origin)
            _write(folder / _RECORDS, json.dumps(record, ensure_ascii=False) + "\n", mode="a")
            records.append(record)
        run = Run(
            suite=suite.name,
            folder=folder,
            model=_first(records, "model") or archive.status().model,
            prompt=_first(records, "prompt"),
            started=started,
            seconds=time.perf_counter() - clock,
            records=tuple(records),
            measures=(measures := average(records)),
            gates=check_gates(suite.gates, measures),
        )
    _write_manifest(folder, origin | run.to_dict() | {"finished": True})
    return run


def average(records: Sequence[Record]) -> dict[str, Measure]:
    """Each measure over the cases to which it applies, in the order of `qa.suite.MEASURES`."""
    measures = {name: _average_scores(records, name) for name in ANSWER_MEASURES + RANKING_MEASURES}
    return measures | _average_abstentions([(r["answerable"], r["answer"]["status"] == "abstained") for r in records])


def check_gates(thresholds: Mapping[str, float], measures: Mapping[str, Measure]) -> tuple[Gate, ...]:
    """Each gate of a suite with whether it is met."""
    gates = []
    for name, lowest in thresholds.items():
        value = measures[name].mean
        gates.append(Gate(name, lowest, value, passed=value is not None and value >= lowest - _ROUNDING))
    return tuple(gates)


def _average_scores(records: Sequence[Record], name: str) -> Measure:
    scores = (record["scores"][name] for record in records)
    return _measure(mean_interval([score for score in scores if score is not None]))


def _average_abstentions(outcomes: Sequence[tuple[bool, bool]]) -> dict[str, Measure]:
    right = [not answerable for answerable, abstained in outcomes if abstained]
    caught = [abstained for answerable, abstained in outcomes if not answerable]
    either = sum(1 for answerable, abstained in outcomes if abstained or not answerable)
    return {
        "abstention_precision": _measure(mean_interval(right)),
        "abstention_recall": _measure(mean_interval(caught)),
        "abstention_f1": Measure(metrics.abstention_scores(outcomes).f1, None, None, either),
    }


def _measure(interval: Interval | None) -> Measure:
    return Measure(interval.mean, interval.low, interval.high, interval.n) if interval else Measure(None, None, None, 0)


def _ask_cases(cases: Sequence[Case], archive: Archive, on_progress: OnProgress | None) -> Iterator[Record]:
    report = on_progress or (lambda _progress: None)
    articles = archive.articles()
    for done, case in enumerate(cases):
        report(Progress("evaluating", done, len(cases)))
        yield _ask_case(case, archive, articles)
    report(Progress("evaluating", len(cases), len(cases)))


def _ask_case(case: Case, archive: Archive, articles: Sequence[Article]) -> Record:
    evidence = find_evidence(case, articles)
    hits = [_rank(hit, evidence) for hit in archive.search(case.question, limit=RANKED, as_of=case.as_of)]
    answer = archive.ask(case.question, as_of=case.as_of)
    prediction = _predict(answer)
    scores: dict[str, float | None] = dict.fromkeys(ANSWER_MEASURES + RANKING_MEASURES)
    scores.update(_score_answer(case, prediction))
    scores["quote_validity"] = metrics.quote_validity([_stands(c.quote, articles) for c in answer.citations])
    if case.evidence:
        scores.update(_score_ranking([hit["relevant"] for hit in hits]))
    said = answer.to_dict()
    return Record(
        id=case.id,
        question=case.question,
        kind=case.kind,
        tags=list(case.tags),
        as_of=case.as_of.isoformat() if case.as_of else None,
        answerable=case.answerable,
        answers=list(case.answers),
        number={"value": float(case.number.value), "unit": case.number.unit} if case.number else None,
        evidence=[sentence._asdict() for sentence in case.evidence],
        prediction=prediction,
        seconds=said.pop("seconds"),  # apart, because all else is the same in a second run
        answer=said,
        hits=hits,
        scores=scores,
    )


def _fell_back(record: Record) -> bool:
    """Whether no model wrote this, though there were passages to show it."""
    return bool(record["hits"]) and record["answer"]["mode"] == "extract"


def _check_first(record: Record, model: str | None) -> None:
    if model is not None and _fell_back(record):
        reason = " ".join(record["answer"]["notices"][:1])
        raise ModelUnavailable(f"Nothing was evaluated: the model did not answer the first question. {reason}")


def _rank(hit: Hit, evidence: Sequence[Quote]) -> RankedPassage:
    passage = hit.passage
    return RankedPassage(
        passage=passage.id,
        source=hit.article.source,
        start=passage.start,
        end=passage.end,
        score=hit.score,
        relevant=any(_holds(passage, quote) for quote in evidence),
    )


def _holds(passage: Passage, quote: Quote) -> bool:
    """Whether at least half of the quote is in the passage."""
    shared = min(quote.end, passage.end) - max(quote.start, passage.start)
    return quote.article.id == passage.article_id and 2 * shared >= len(quote.text)


def _predict(answer: Answer) -> str | None:
    """What is compared with the gold: the span that answers, else the first sentence; None for an abstention."""
    if answer.status == "abstained":
        return None
    return answer.short or bare_statement(answer.statements[0].text if answer.statements else answer.text)


def _score_answer(case: Case, prediction: str | None) -> dict[str, float]:
    """The measures that compare with the gold answers; an abstention scores 0 on each that applies."""
    if not case.answerable:
        return {}
    value, unit = case.number or (None, None)
    if prediction is None:
        names = ("answer_match", "exact_match", "token_f1") + (() if value is None else ("numeric_match",))
        return dict.fromkeys(names, 0.0)
    scores = {
        "answer_match": metrics.answer_match(prediction, case.answers, value, unit),
        "exact_match": metrics.exact_match(prediction, case.answers),
        "token_f1": metrics.token_f1(prediction, case.answers),
    }
    return scores if value is None else scores | {"numeric_match": metrics.numeric_match(prediction, value, unit)}


def _score_ranking(relevant: Sequence[bool]) -> dict[str, float]:
    hits = {f"hits@{k}": metrics.hits_at(relevant, k) for k in (1, 5, 10)}
    return {**hits, "mrr@10": metrics.reciprocal_rank(relevant, 10)}


def _stands(quote: Quote, articles: Sequence[Article]) -> bool:
    """Whether the archive's own article has these words at this place, and the hash that the citation names."""
    article = next((article for article in articles if article.id == quote.article.id), None)
    if article is None or hash_text(article.text) != quote.article.sha256:
        return False
    return quote.text != "" and article.text[quote.start : quote.end] == quote.text


def _first(records: Sequence[Record], key: str) -> Any:  # noqa: ANN401 - a value of the answer's JSON
    return next((record["answer"][key] for record in records if record["answer"][key]), None)


# what is written


def _describe_origin(suite: Suite, archive: Archive, started: datetime) -> dict[str, Any]:
    """What a run follows from, as far as it is known before the first question."""
    settings = {name: value for name, value, _ in describe_settings(archive.settings) if name != "api_key"}
    return {
        "suite": suite.name,
        "started": started.isoformat(timespec="seconds"),
        "gold_sha256": hashlib.sha256(suite.gold.read_bytes()).hexdigest(),
        "archive_sha256": hash_files(suite.archive),
        "recipe": asdict(archive.recipe),
        "embedder": archive.status().embedder,
        "model": archive.status().model,
        "prompt": None,
        "settings": settings | {"base_url": archive.endpoint().host},
        "versions": {"python": platform.python_version()} | {name: _find_version(name) for name in _VERSIONS_OF},
        "platform": platform.platform(),
    }


def _find_version(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def _name_folder(workspace: Workspace, suite: Suite, started: datetime) -> Path:
    """A folder of the workspace's reports that is not there yet."""
    reports = workspace.root / "eval" / "reports"
    name = f"{suite.name}-{started.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    names = chain([name], (f"{name}-{n}" for n in count(2)))
    return next(reports / name for name in names if not (reports / name).exists())


def _start_folder(folder: Path, origin: Mapping[str, Any]) -> None:
    _write(folder / _RECORDS, "", mode="x")
    _write_manifest(folder, {**origin, "finished": False})


def _write_manifest(folder: Path, manifest: Mapping[str, Any]) -> None:
    _write(folder / "run.json", json.dumps(manifest, ensure_ascii=False, indent=2) + "\n")


def _write(file: Path, text: str, *, mode: Literal["w", "a", "x"] = "w") -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open(mode, encoding="utf-8", newline="\n") as stream:
            stream.write(text)
    except FileExistsError as error:
        raise WorkspaceError(f"{file.parent} holds a run already. Give this one another folder.") from error
    except OSError as error:
        raise WorkspaceError(f"{file} cannot be written: {error.strerror}.") from error
