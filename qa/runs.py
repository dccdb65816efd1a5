"""Run a suite: every question of it to one record, and the records to measures and gates.

    index the suite's archive in a store of its own → ask each case → score → write a line → average

A run that was stopped, killed or interrupted goes on when the same is run again; `qa.run_folder` says what is kept.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime
from itertools import chain, count
from pathlib import Path
from typing import Any, cast

from qa.archive import Archive
from qa.articles import Article, index_text
from qa.asking import Bounds, Examiner, Job, ask_all, find_clusters
from qa.embed import Embedder
from qa.errors import ModelUnavailable, QAError, UsageError, WorkspaceError
from qa.gates import check_gates
from qa.models import ChatModel, Message, ModelChoice, Price, ReplyPart, UnreachedModel
from qa.origin import describe_origin, find_revision, hash_origin
from qa.replay import CallLog
from qa.run_config import RunConfig, check_config
from qa.run_folder import (
    CALLS,
    MANIFEST,
    RECORDS,
    Record,
    Run,
    RunWriter,
    key_of,
    open_run,
    read_manifest,
    reports_folder,
)  # fmt: skip
from qa.run_options import RunOptions, select_cases
from qa.scoring import average, find_failure
from qa.settings import Settings
from qa.suite import GateRule, Suite, load_suite, suite_names
from qa.suite_archive import check_articles, check_questions, open_suite_archive
from qa.sync import OnProgress, Progress
from qa.systems import set_up_bench
from qa.workspace import Workspace

_log = logging.getLogger("qa")

_READ_AT_ONCE = 1_000  # passages whose vectors are copied into the log together
_DEFAULTS = RunOptions()
_UNFINISHED = "not finished"  # why a run is partial that was killed


def evaluate(
    archive: Archive,
    suite: Suite | str | Path,
    *,
    options: RunOptions = _DEFAULTS,
    model: ModelChoice = None,
    folder: Path | None = None,
    on_progress: OnProgress | None = None,
) -> Run:
    """Ask an archive the questions of a suite, write a record of each as it comes, and average.

    The articles asked are those of `archive`, whatever the suite names; the evidence must stand in them.

    Args:
        archive: what is judged, with its prompts, recipe and settings.
        suite: what to ask: a `Suite`, the name of one, or its file.
        options: what is judged, which cases, how often, in which bounds.
        model: as for `Archive.ask`.
        folder: where the records go; None is `eval/reports/<suite>-<started>` of the workspace, or the folder of
            an unfinished run of the same, which then goes on. A folder that holds another run is refused.
        on_progress: called with the stage "evaluating" before each case.

    Raises:
        ContentError: there is no such suite, or its evidence does not stand in the articles.
        ModelError: the model failed on the first question. When it fails later, that case is unscorable.
        UsageError: no case is left to ask, or the system needs a model.
        WorkspaceError: there are no articles, the records cannot be written, or another process is at this run.
    """
    chosen = suite if isinstance(suite, Suite) else load_suite(suite, archive.workspace)
    asked = replace(chosen, archive=None)
    check_questions(asked)
    return _Evaluation(archive, asked, options, archive.workspace, on_progress=on_progress).run(model, folder)


def run_suite(
    suite: Suite,
    workspace: Workspace,
    *,
    settings: Settings,
    options: RunOptions = _DEFAULTS,
    model: ModelChoice = False,
    embedder: Embedder | None = None,
    folder: Path | None = None,
    config: RunConfig | None = None,
    on_progress: OnProgress | None = None,
) -> Run:
    """As `evaluate`, of the suite's own archive, indexed in a store of its own that is kept for the next run.

    Prompts and recipe are those of `workspace`, whose own articles play no part, and there the records go.
    `settings` say how a model is asked; `config` is an exported run that this one must be.
    """
    with open_suite_archive(
        suite, workspace, settings=settings, model=model, embedder=embedder, on_progress=on_progress
    ) as archive:
        evaluation = _Evaluation(archive, suite, options, workspace, config=config, on_progress=on_progress)
        return evaluation.run(None, folder)


@dataclass(frozen=True)
class _Evaluation:
    """One run, from what is asked of what to its folder."""

    archive: Archive
    suite: Suite
    options: RunOptions
    workspace: Workspace
    config: RunConfig | None = None
    on_progress: OnProgress | None = None

    def run(self, model: ModelChoice, folder: Path | None) -> Run:
        """Ask what is still to be asked, and bring the folder to its end."""
        chat = self._choose_model(model)
        articles = self._check_articles()
        origin = self._describe(articles, chat)
        started = datetime.now(UTC)
        place = self._find_folder(folder, origin, started)
        with open_run(place, fresh=self.options.fresh) as writer:
            session = self._begin(writer, {**origin, **self._describe_moment(place, origin, started)})
            try:
                with closing(CallLog(place / CALLS)) as log:
                    return self._ask(session, log, chat, articles)
            except ModelUnavailable:
                writer.discard()  # else its failure, which is in the log, would be given back for ever
                raise

    def _describe(self, articles: list[Article], chat: ChatModel | None) -> dict[str, Any]:
        origin = describe_origin(self.suite, self.archive, articles, self.options, chat.name if chat else None)
        origin |= {"suite_file": _name_file(self.suite, self.workspace), "own_articles": self.suite.archive is None}
        if self.config:
            check_config(self.config, origin)
        return origin | {"origin_sha256": hash_origin(origin)}

    def _describe_moment(self, place: Path, origin: Mapping[str, Any], started: datetime) -> dict[str, Any]:
        """When and where the run began, which stays as it was where it goes on."""
        before = read_manifest(place) if (place / MANIFEST).is_file() else {}
        if before and not _goes_on(before, origin):  # another process has been here since
            raise _holds_another(place)
        moment = {
            "started": started.isoformat(timespec="seconds"),
            "day": started.date().isoformat(),
            "git": find_revision(self.workspace.root),
            "seconds": 0.0,
        }
        return moment | {key: before[key] for key in moment if key in before}

    def _begin(self, writer: RunWriter, manifest: dict[str, Any]) -> _Session:
        cases = select_cases(self.suite.cases, self.options)
        jobs = [(case, repeat) for repeat in range(1, self.options.repeats + 1) for case in cases]
        return _Session(manifest, writer, jobs, self.suite.gates, self.on_progress)

    def _ask(self, session: _Session, log: CallLog, chat: ChatModel | None, articles: Sequence[Article]) -> Run:
        keep_archive_vectors(self.archive, log)
        options = self.options
        bench = set_up_bench(self.archive, options.system, log, model=chat, day=session.day, seed=options.seed)
        examiner = Examiner(bench, articles, find_clusters(self.suite.cases))
        with closing(bench):
            return session.take(examiner, options.concurrency, Bounds(options, log))

    def _choose_model(self, choice: ModelChoice) -> ChatModel | None:
        if self.options.system in ("retrieval", "by-rule", "always-abstain", "always-answer"):
            return None
        chat = self.archive.choose_model(choice)
        if isinstance(chat, UnreachedModel):
            raise ModelUnavailable(f"Nothing was evaluated: {chat.error}") from chat.error
        if chat is None and self.options.system == "closed-book":
            raise UsageError("The system 'closed-book' is a model without passages: name a model.")
        if chat is not None and self.options.max_cost_usd is not None and self.archive.settings.price is None:
            raise UsageError(
                f"What {chat.name} costs is not known: set usd_per_million_input_tokens and"
                " usd_per_million_output_tokens under [model] in qa.toml."
            )
        return _Priced(chat, self.archive.settings.price) if chat and self.archive.settings.price else chat

    def _check_articles(self) -> list[Article]:
        self.archive.desk()  # brings the archive in step, and says where it is empty
        articles = self.archive.articles()
        check_articles(self.suite, articles)
        return articles

    def _find_folder(self, folder: Path | None, origin: Mapping[str, Any], started: datetime) -> Path:
        """Where the run is kept: the folder named, or that of an unfinished run of the same, or a new one."""
        if folder is not None:
            if any((folder / name).exists() for name in (MANIFEST, RECORDS, CALLS)) and not _has_same(folder, origin):
                raise _holds_another(folder)
            return folder
        reports = reports_folder(self.workspace)
        unfinished = [run.parent for run in sorted(reports.glob(f"*/{MANIFEST}")) if _has_same(run.parent, origin)]
        if unfinished and not self.options.fresh:
            return unfinished[-1]
        system = "" if self.options.system == "full" else f"-{self.options.system}"
        name = f"{self.suite.name}{system}-{started:%Y%m%dT%H%M%SZ}"
        names = chain([name], (f"{name}-{n}" for n in count(2)))
        return next(reports / name for name in names if not (reports / name).exists())


@dataclass(frozen=True)
class _Priced:
    """A model with the cost of its replies where it does not tell that itself, as one that was handed in may not."""

    model: ChatModel
    price: Price

    @property
    def name(self) -> str:
        return self.model.name

    def stream(self, messages: Sequence[Message], *, max_tokens: int) -> Iterator[ReplyPart]:
        for part in self.model.stream(messages, max_tokens=max_tokens):
            if part.usage is not None and part.usage.cost_usd is None:
                part = replace(part, usage=self.price.charge(part.usage))
            yield part


class _Session:
    """One sitting at a run: asks what is left, keeps the manifest true.

    The manifest is written before anything else is, so that what was killed at its first question can go on as well.
    """

    def __init__(
        self,
        manifest: dict[str, Any],
        writer: RunWriter,
        jobs: Sequence[Job],
        rules: Sequence[GateRule],
        report: OnProgress | None,
    ) -> None:
        self._manifest = manifest
        self._writer = writer
        self._jobs = jobs
        self._rules = rules
        self._report = report or (lambda _progress: None)
        self._clock = time.perf_counter()
        self._write(finished=False, partial=_UNFINISHED)
        self._sort()

    @property
    def day(self) -> date:
        """The day on which the run began, which is today for all its questions."""
        return date.fromisoformat(self._manifest["day"])

    def take(self, examiner: Examiner, concurrency: int, bounds: Bounds) -> Run:
        """Ask every case that has no record yet, until a bound is reached.

        However this ends, what is done is kept: the calls by the log, the records here.
        """
        if done := len(self._writer.done):
            _log.info("going on with %s: %d of %d asked", self._writer.folder, done, len(self._jobs))
        try:
            self._tell()
            if examiner.bench.model is not None and not any(map(_is_by_model, self._writer.done)):
                self._try_model(examiner, bounds)
            with closing(self._ask(examiner, concurrency, bounds)) as records:
                for _ in records:
                    pass
        except BaseException as error:
            why = "interrupted" if isinstance(error, KeyboardInterrupt) else f"broken off by {type(error).__name__}"
            with suppress(QAError):
                self._close(why)
            raise
        is_whole = len(self._writer.done) == len(self._jobs)
        return self._close(None if is_whole else bounds.reached() or _UNFINISHED)

    def _try_model(self, examiner: Examiner, bounds: Bounds) -> None:
        """Ask one case after the other until the model has answered one.

        Raises:
            ModelUnavailable: it did not answer the first that it was asked.
        """
        with closing(self._ask(examiner, 1, bounds)) as records:
            for record in records:
                if (reason := find_failure(record)) is not None:
                    raise ModelUnavailable(
                        f"Nothing was evaluated: the model did not answer the first question. {reason}"
                    )
                if _is_by_model(record):
                    return

    def _ask(self, examiner: Examiner, concurrency: int, bounds: Bounds) -> Generator[Record, None, None]:
        """Ask the cases that have no record yet, in their order."""
        known = {key_of(record) for record in self._writer.done}
        left = [job for job in self._jobs if (job[0].id, job[1]) not in known]

        def examine(job: Job) -> Record:
            """Keep the record at once: what else is asked at the same time may end by an error, or by Ctrl-C."""
            record = examiner.examine(job)
            self._writer.append(record)
            return record

        asked = cast("Generator[Record]", ask_all(left, examine, concurrency=concurrency, bounds=bounds))
        with closing(asked) as records:
            for record in records:
                self._tell()
                yield record

    def _close(self, partial: str | None) -> Run:
        self._sort()
        self._manifest["seconds"] = round(self._manifest["seconds"] + time.perf_counter() - self._clock, 3)
        records = tuple(self._writer.done)
        measures = average(records)
        is_part = bool(partial or self._manifest["selection"])
        gates = () if is_part else check_gates(self._rules, measures, records, self._manifest)
        self._manifest |= {
            "measures": {name: asdict(measure) for name, measure in measures.items()},
            "gate_results": [asdict(gate) for gate in gates],
        }
        self._write(finished=partial is None, partial=partial)
        return Run(self._writer.folder, self._manifest, records, measures, gates)

    def _sort(self) -> None:
        self._writer.put_in_order({(case.id, repeat): place for place, (case, repeat) in enumerate(self._jobs)})

    def _write(self, *, finished: bool, partial: str | None) -> None:
        self._manifest |= {"finished": finished, "partial": partial}
        self._writer.write_manifest(self._manifest)

    def _tell(self) -> None:
        done = self._writer.done
        matches = [score for record in done if (score := record["scores"]["answer_match"]) is not None]
        note = f"answer match {sum(matches) / len(matches):.2f}" if matches else ""
        self._report(Progress("evaluating", len(done), len(self._jobs), note))


def keep_archive_vectors(archive: Archive, log: CallLog) -> None:
    """Put the vector of every passage into the log, so that a replay needs no embedder to index the articles."""
    catalog = archive.desk().retriever.catalog
    rows = catalog.vector_rows(archive.embedder.id)
    for at in range(0, len(rows.ids), _READ_AT_ONCE):
        ids = rows.ids[at : at + _READ_AT_ONCE]
        passages = catalog.passages(ids)
        texts = [index_text(passages[id_][1], passages[id_][0]) for id_ in ids]
        log.put_vectors(archive.embedder.id, texts, rows.matrix[at : at + len(ids)])


def _has_same(folder: Path, origin: Mapping[str, Any]) -> bool:
    """Whether the folder has an unfinished run of the same."""
    try:
        return _goes_on(read_manifest(folder), origin)
    except QAError:
        return False


def _goes_on(before: Mapping[str, Any], origin: Mapping[str, Any]) -> bool:
    return before.get("origin_sha256") == origin["origin_sha256"] and not before.get("finished")


def _holds_another(folder: Path) -> WorkspaceError:
    return WorkspaceError(f"{folder} holds another run, or one that is whole. Give this one another folder.")


def _is_by_model(record: Record) -> bool:
    """Whether a model replied, though the words may be the articles' where nothing that it wrote held."""
    answer = record["answer"]
    return bool(answer and (answer["mode"] == "model" or answer.get("model")))


def _name_file(suite: Suite, workspace: Workspace) -> str | None:
    """How the suite is found again: its name where it is known by it, else its file, in the workspace if it can be."""
    if suite.file is None:
        return None
    name = suite.file.stem
    if name in suite_names(workspace) and workspace.content(f"eval/suites/{name}.toml") == suite.file:
        return name
    inside = suite.file.is_relative_to(workspace.root)
    return (suite.file.relative_to(workspace.root) if inside else suite.file).as_posix()
