"""What `qa eval run` is told to run, by its options or by the file of an exported run; and that it is run."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

from qa.archive import Archive
from qa.data_suite import find_data_suite
from qa.errors import UsageError
from qa.retrieval_run import RetrievalRun, run_data_suite
from qa.run_config import RunConfig, apply_config, read_config
from qa.run_folder import Run
from qa.run_options import RunOptions
from qa.runs import run_suite
from qa.session import (
    announce_model,
    bring_in_step,
    choose_model,
    follow_questions,
    follow_search,
    show_path,
    tell_notes_of,
)  # fmt: skip
from qa.suite import Suite, load_suite
from qa.workspace import Workspace

_IN_FILE = (
    "suite",
    "data",
    "system",
    "repeat",
    "limit",
    "case",
    "tag",
    "split",
    "seed",
    "model",
    "no_model",
)  # parameters
_BESIDE_FILE = ("concurrency", "max_seconds", "max_tokens", "max_cost_usd", "fresh")  # options of a run
# parameters that count where passages are looked for and nothing is answered
_ON_DATA = (
    "suite", "data", "limit", "case", "tag", "split", "seed", "output", "no_model", "as_json", "workspace",
)  # fmt: skip
_WITHOUT_MODEL = ("retrieval", "by-rule", "always-abstain", "always-answer")  # systems


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be run, and where it is kept.

    `config` is the exported run that it must be, `data` what a suite without questions of its own is run on; `given`
    are the parameters of the command that are not left at their defaults.
    """

    suite: str
    options: RunOptions
    model: str | None
    no_model: bool
    folder: Path | None
    config: RunConfig | None = None
    data: Path | None = None
    given: Collection[str] = ()


def find_suite(name: str, workspace: Workspace) -> Suite:
    """A suite, with the path of its gold as it is seen from here: what is wrong in it is told by that."""
    suite = load_suite(name, workspace)
    return replace(suite, gold=Path(show_path(suite.gold)))


def follow_config(order: Order, file: Path, given: Collection[str]) -> Order:
    """The run that a file says, within the bounds of the order.

    Args:
        order: what the command says.
        file: what `qa eval export` wrote.
        given: the parameters of the command that are not left at their defaults.

    Raises:
        ContentError: the file cannot be read.
        UsageError: some parameter says what the file says.
    """
    twice = [_name_parameter(name) for name in _IN_FILE if name in given]
    if twice:
        raise UsageError(f"{', '.join(twice)} and --config exclude each other: the file says what is run.")
    config, defaults = read_config(file), RunOptions()
    bounds = {name: getattr(order.options, name) for name in _BESIDE_FILE}
    changed = {name: value for name, value in bounds.items() if value != getattr(defaults, name)}
    model = config.must_be.get("model") or None
    return Order(config.suite, replace(config.options, **changed), model, model is None, order.folder, config)


def run_order(archive: Archive, order: Order) -> Run:
    """Run it with the workspace of `archive`; progress and messages go to standard error.

    Raises:
        UsageError: no suite is named.
        QAError: as for `run_suite`.
    """
    if not order.suite:
        raise UsageError("Name a suite, or give --config with a run that was exported. List the suites: qa eval list")
    model = choose_model(order.model, no_model=order.no_model)
    suite = find_suite(order.suite, archive.workspace)
    settings = apply_config(order.config, archive.settings) if order.config else archive.settings
    announce_model(archive, order.model, no_model=order.no_model or order.options.system in _WITHOUT_MODEL)
    if suite.archive is None:
        bring_in_step(archive)
    with tell_notes_of("runs"), follow_questions() as view:
        return run_suite(
            suite,
            archive.workspace,
            settings=settings,
            options=order.options,
            model=model,
            folder=order.folder,
            config=order.config,
            on_progress=view,
        )


def run_on_data(archive: Archive, order: Order) -> RetrievalRun | None:
    """Run it with the workspace of `archive` if it is a suite about data of others; None where it is none.

    Raises:
        UsageError: the order says what does not go with such a suite, or names data for one of the other type.
        QAError: as for `run_data_suite`.
    """
    suite = find_data_suite(order.suite, archive.workspace) if order.suite and not order.config else None
    if suite is None:
        if order.data is not None and order.suite:
            raise UsageError(f"--data does not go with '{order.suite}', which has questions and articles of its own.")
        return None
    if foreign := [_name_parameter(name) for name in order.given if name not in _ON_DATA]:
        raise UsageError(
            f"{', '.join(foreign)}: not with '{suite.name}', which looks for passages and answers nothing."
        )
    with tell_notes_of("data_archive"), follow_search() as view:
        return run_data_suite(
            suite,
            order.data,
            archive.workspace,
            settings=archive.settings,
            options=order.options,
            folder=order.folder,
            on_progress=view,
        )


def _name_parameter(name: str) -> str:
    return "SUITE" if name == "suite" else f"--{name.replace('_', '-')}"
