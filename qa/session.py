"""What commands do around their own work: open the archive, bring it in step, survive Ctrl-C, tell what happened."""

from __future__ import annotations

import logging
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path

import typer

from qa.archive import Archive, open_archive
from qa.archive_reports import AddReport
from qa.articles import Article
from qa.errors import ArchiveBusy, ArchiveReadOnly, UsageError
from qa.layout import count, summarise_changes, warn_of_languages
from qa.models import DEFAULT_OPENAI_MODEL, ModelChoice
from qa.terminal import ProgressView, Screen

INTERRUPTED = 130  # exit status
_KEPT_STAGES = ("evaluating", "judging", "judging what is labelled")  # nothing of these is done twice


def out() -> Screen:
    """Where results go."""
    return Screen(sys.stdout)


def err() -> Screen:
    """Where progress and messages go."""
    return Screen(sys.stderr)


@contextmanager
def open_workspace(workspace: Path | None, model: ModelChoice = None) -> Iterator[Archive]:
    """The archive of the workspace in use, which is told where it may come as a surprise."""
    with open_archive(workspace, model=model, environment=True) as archive:
        place = archive.workspace
        if place.chosen != "named" and place.root != Path.cwd():
            err().say(f"Workspace: {place.root}")
        yield archive


@contextmanager
def interruptible() -> Iterator[ProgressView]:
    """Show how far a change has come; when it is interrupted, say what is kept and how to go on."""
    view = ProgressView(err())
    try:
        with view:
            yield view
    except KeyboardInterrupt:
        rest = "go on with the same command" if view.is_reading else "go on with: qa sync"
        err().say(f"Interrupted: {count(view.kept, 'article')} {'is' if view.kept == 1 else 'are'} kept; {rest}")
        raise typer.Exit(INTERRUPTED) from None


@contextmanager
def follow_questions() -> Iterator[ProgressView]:
    """Show how far the questions have come; when that is interrupted, say whether it can go on."""
    view = ProgressView(err())
    try:
        with view:
            yield view
    except KeyboardInterrupt:
        goes_on = "what was asked is kept; the same command goes on with it"
        err().say(f"Interrupted: {goes_on if view.stage in _KEPT_STAGES else 'no question was asked yet'}.")
        raise typer.Exit(INTERRUPTED) from None


@contextmanager
def follow_search() -> Iterator[ProgressView]:
    """Show how far indexing and searching have come; when that is interrupted, say what is kept."""
    view = ProgressView(err())
    try:
        with view:
            yield view
    except KeyboardInterrupt:
        err().say("Interrupted: what was embedded is kept, what was found is not; begin again with the same command.")
        raise typer.Exit(INTERRUPTED) from None


@contextmanager
def tell_notes_of(module: str) -> Iterator[None]:
    """Say what a module of the library logs for information, which is else told to nobody."""
    log, notes = logging.getLogger("qa"), _Notes(module)
    before = log.level
    log.addHandler(notes)
    log.setLevel(logging.INFO)
    try:
        yield
    finally:
        log.setLevel(before)
        log.removeHandler(notes)


class _Notes(logging.Handler):
    def __init__(self, module: str) -> None:
        super().__init__(logging.INFO)
        self._module = module

    def emit(self, record: logging.LogRecord) -> None:
        """Write a note to standard error as one line, paths as they are seen from here."""
        if record.levelno == logging.INFO and record.module == self._module and isinstance(record.args, tuple):
            shown = (show_path(value) if isinstance(value, Path) else value for value in record.args)
            note = str(record.msg) % tuple(shown)
            err().say(note[:1].upper() + note[1:])


def show_path(path: Path) -> str:
    """A path as it is seen from the current folder, if it is inside."""
    inside = path.is_absolute() and path.is_relative_to(Path.cwd())
    return str(path.relative_to(Path.cwd()) if inside else path)


def bring_in_step(archive: Archive) -> None:
    """Bring in new files of the workspace; where it may not be written, the archive itself warns."""
    if archive.needs_sync():
        with suppress(ArchiveBusy, ArchiveReadOnly), interruptible() as view:
            _list_skipped(archive.sync(on_progress=view))
    state = archive.status()
    if missing := state.passages - state.vectors:
        err().say(f"{missing:,} of {state.passages:,} passages are found by their words only; go on with: qa sync")


def find_duplicates(archive: Archive) -> list[tuple[Article, ...]]:
    """The groups of copies; says how many articles were not compared yet, and how many groups there are."""
    if missing := archive.status().ungrouped:
        err().say(f"{count(missing, 'article')} not compared with the others yet; go on with: qa sync")
    groups = archive.duplicates()
    err().say(f"{count(len(groups), 'group')} of copies")
    return groups


def report_changes(report: AddReport, archive: Archive, *, as_json: bool) -> None:
    """Write what an addition did; what was skipped, and what was added in other languages, as messages."""
    _list_skipped(report)
    languages = Counter(archive.get(id_).language for id_ in report.added)
    foreign = {code: count for code, count in languages.most_common() if code not in (None, "en")}
    if as_json:
        skipped = [{"source": source, "reason": reason} for source, reason in report.skipped]
        out().write_json({**asdict(report), "skipped": skipped})
    else:
        out().say(summarise_changes(report))
    if foreign:
        err().say(warn_of_languages(foreign))


def _list_skipped(report: AddReport) -> None:
    for source, reason in report.skipped:
        err().say(f"skipped {source}: {reason}")


def choose_model(name: str | None, *, no_model: bool) -> ModelChoice:
    """What `--model` and `--no-model` ask for.

    Raises:
        UsageError: both are given.
    """
    if name and no_model:
        raise UsageError("--model and --no-model exclude each other.")
    return False if no_model else name


def announce_model(archive: Archive, name: str | None, *, no_model: bool) -> None:
    """Say that text leaves the machine, and where to."""
    if no_model or not (name or archive.settings.names_model):
        return
    place = archive.endpoint()
    model = name or archive.settings.model or (DEFAULT_OPENAI_MODEL if place.is_openai else "the model")
    err().say(
        f"Answers are written by {model} at {place.host}:"
        " the question and passages are sent there (--no-model keeps them here)"
    )
