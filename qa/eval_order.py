"""What `qa eval run` is told to run, by its options or by the file of an exported run; and that it is run."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

from qa.archive import Archive
from qa.errors import UsageError
from qa.run_config import RunConfig, apply_config, read_config
from qa.run_folder import Run
from qa.run_options import RunOptions
from qa.runs import run_suite
from qa.session import announce_model, bring_in_step, choose_model, follow_questions, show_path, tell_notes_of
from qa.suite import Suite, load_suite
from qa.workspace import Workspace

_IN_FILE = ("suite", "system", "repeat", "limit", "case", "tag", "split", "seed", "model", "no_model")  # parameters
_BESIDE_FILE = ("concurrency", "max_seconds", "max_tokens", "max_cost_usd", "fresh")  # options of a run
_WITHOUT_MODEL = ("retrieval", "by-rule", "always-abstain", "always-answer")  # systems


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be run, and where it is kept; `config` is the exported run that it must be."""

    suite: str
    options: RunOptions
    model: str | None
    no_model: bool
    folder: Path | None
    config: RunConfig | None = None


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
    twice = ["SUITE" if name == "suite" else f"--{name.replace('_', '-')}" for name in _IN_FILE if name in given]
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
