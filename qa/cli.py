"""The commands of `qa`: read the options, call the archive, write what it gives.

Results go to standard output, progress and messages to standard error. `main` is the edge where every
error becomes one line and an exit status:

    0 done or answered   1 error, nothing added   2 misuse   3 abstained   4 a gate was missed   130 interrupted
"""

from __future__ import annotations

import io
import logging
import os
import sys
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from qa import __version__, options
from qa.answer import article_dict
from qa.archive import DEFAULT_LIMIT, AddReport, Archive, ModelChoice, open_archive
from qa.errors import ArchiveBusy, ArchiveReadOnly, QAError, UsageError, WorkspaceError
from qa.layout import (
    explain_choice,
    find_place,
    hit_dict,
    lay_out_answer,
    lay_out_article,
    lay_out_hits,
    list_rows,
    status_rows,
    summarise_changes,
    warn_of_languages,
)
from qa.models import DEFAULT_OPENAI_MODEL
from qa.settings import describe_settings
from qa.sources import Details
from qa.terminal import ProgressView, Screen, chat, follow
from qa.text import safe_text
from qa.workspace import init_workspace

NOTHING_ADDED, ABSTAINED, INTERRUPTED = 1, 3, 130

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def root(
    context: typer.Context,
    workspace: options.RootWorkspaceOption = None,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Ask a question of your own articles; every sentence of the answer carries a quote that you can check."""
    if version:
        _out().say(f"onrecord {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        sys.stderr.write(context.get_help() + "\n")
        raise typer.Exit(UsageError.exit_code)


@app.command()
def init(
    directory: options.DirectoryArgument = None,
    sample: options.SampleOption = False,
    as_json: options.JsonOption = False,
    workspace: options.WorkspaceOption = None,
) -> None:
    """Make a workspace: settings, recipe, folders. What is there already is kept."""
    made = init_workspace(directory or workspace or Path(os.environ.get("QA_WORKSPACE") or "."), sample=sample)
    if as_json:
        _out().write_json({"workspace": str(made.root), "sample": sample})
    else:
        _out().say(f"The workspace is ready: {made.root}")


@app.command()
def add(
    sources: options.SourcesArgument,
    title: options.TitleOption = None,
    publisher: options.AddedPublisherOption = None,
    author: options.AuthorOption = None,
    published: options.PublishedOption = None,
    url: options.UrlOption = None,
    fields: options.MapOption = None,
    as_json: options.JsonOption = False,
    workspace: options.WorkspaceOption = None,
) -> None:
    """Add articles, or add them again: unchanged ones cost nothing, changed ones are replaced."""
    details = Details(title=title, publisher=publisher, author=author, published=published, url=url)
    names, stdin = options.parse_fields(fields or []), sys.stdin.buffer if sys.stdin else None
    with _open(workspace) as archive:
        with _interruptible() as view:
            report = archive.add(*sources, details=details, fields=names, stdin=stdin, on_progress=view)
        _report_changes(report, archive, as_json=as_json)
    if report.skipped and not (report.added or report.updated or report.unchanged):
        raise typer.Exit(NOTHING_ADDED)


@app.command()
def sync(as_json: options.JsonOption = False, workspace: options.WorkspaceOption = None) -> None:
    """Bring in new and changed files of index/articles, and finish what an interruption left undone."""
    with _open(workspace) as archive:
        with _interruptible() as view:
            report = archive.sync(on_progress=view)
        _report_changes(report, archive, as_json=as_json)


@app.command("list")
def list_(as_json: options.JsonOption = False, workspace: options.WorkspaceOption = None) -> None:
    """List the articles: id, date, publisher, title."""
    with _open(workspace) as archive:
        articles = archive.articles()
    if as_json:
        _out().write_json([article_dict(article) for article in articles])
    else:
        _out().write_table(list_rows(articles), cut=True)


@app.command()
def show(
    article_id: options.IdArgument,
    at: options.AtOption = None,
    as_json: options.JsonOption = False,
    workspace: options.WorkspaceOption = None,
) -> None:
    """Show an article: what is known about it, and its text."""
    with _open(workspace) as archive:
        article = archive.get(article_id)
    place = find_place(article, at) if at is not None else None
    if as_json:
        _out().write_json({**article_dict(article), "language": article.language, "text": article.text, "at": place})
    else:
        _out().write(lay_out_article(article, place))


@app.command()
def remove(
    ids: options.IdsArgument, as_json: options.JsonOption = False, workspace: options.WorkspaceOption = None
) -> None:
    """Remove articles, their text and their vectors, from every file of the store."""
    with _open(workspace) as archive:
        articles = {article.id: article for article in map(archive.get, ids)}
        archive.remove(*articles)
        for article in articles.values():
            if (archive.workspace.root / article.source).is_relative_to(archive.workspace.articles):
                _err().say(f"Its file is still there and comes back when it is changed: {article.source}")
    if as_json:
        _out().write_json({"removed": list(articles)})
    else:
        _out().say(f"{len(articles):,} removed")


@app.command()
def search(
    question: options.QuestionArgument,
    limit: options.LimitOption = DEFAULT_LIMIT,
    since: options.SinceOption = None,
    until: options.UntilOption = None,
    as_of: options.AsOfOption = None,
    publisher: options.PublisherOption = None,
    dated: options.DatedOption = False,
    as_json: options.JsonOption = False,
    workspace: options.WorkspaceOption = None,
) -> None:
    """Find passages for a question, best first."""
    text = options.read_question(question)
    with _open(workspace) as archive:
        _bring_in_step(archive)
        hits = archive.search(
            text, limit=limit, since=since, until=until, as_of=as_of, publisher=publisher, dated=dated
        )
    if as_json:
        _out().write_json([hit_dict(hit) for hit in hits])
    else:
        _out().write(lay_out_hits(hits))


@app.command()
def ask(
    question: options.QuestionArgument,
    no_model: options.NoModelOption = False,
    model: options.ModelOption = None,
    since: options.SinceOption = None,
    until: options.UntilOption = None,
    as_of: options.AsOfOption = None,
    publisher: options.PublisherOption = None,
    dated: options.DatedOption = False,
    as_json: options.JsonOption = False,
    workspace: options.WorkspaceOption = None,
) -> None:
    """Answer a question from the articles, each sentence with its quote."""
    text = options.read_question(question)
    with _open(workspace, _choose_model(model, no_model=no_model)) as archive:
        _bring_in_step(archive)
        _announce_model(archive, model, no_model=no_model)
        events = archive.stream(text, since=since, until=until, as_of=as_of, publisher=publisher, dated=dated)
        answer = follow(events, _err(), tokens=_out().is_terminal and not as_json)
    if as_json:
        _out().write_json(answer.to_dict())
    else:
        _out().write(lay_out_answer(answer))
    if answer.status == "abstained":
        raise typer.Exit(ABSTAINED)


@app.command("chat")
def chat_(
    no_model: options.NoModelOption = False,
    model: options.ModelOption = None,
    as_json: options.JsonOption = False,
    workspace: options.WorkspaceOption = None,
) -> None:
    """Ask question after question; each may refer to those before it. Not a terminal: one question a line."""
    with _open(workspace, _choose_model(model, no_model=no_model)) as archive:
        _bring_in_step(archive)
        count = archive.status().articles
        if not count:
            raise WorkspaceError(f"No articles in {archive.workspace.root} yet. Add some with: qa add SOURCE")
        _announce_model(archive, model, no_model=no_model)
        if _out().is_terminal:
            _err().say(f"{count:,} articles in {archive.workspace.root}. Ctrl-D or /quit leaves.")
        raise typer.Exit(chat(archive.chat(), _out(), _err(), as_json=as_json))


@app.command()
def status(as_json: options.JsonOption = False, workspace: options.WorkspaceOption = None) -> None:
    """Show how much the archive holds, and what is still to be done."""
    with _open(workspace) as archive:
        found = archive.status()
    if as_json:
        _out().write_json({**asdict(found), "chosen": archive.workspace.chosen})
    else:
        _out().write_table(status_rows(found, archive.workspace, _variable(workspace)))


@app.command()
def config(as_json: options.JsonOption = False, workspace: options.WorkspaceOption = None) -> None:
    """Show every setting in effect and where it comes from."""
    with _open(workspace) as archive:
        place, settings = archive.workspace, describe_settings(archive.settings)
        recipe, file = asdict(archive.recipe), str(place.content("index/recipe.toml"))
    if as_json:
        values = {name: {"value": value, "origin": origin} for name, value, origin in settings}
        chosen = {"path": str(place.root), "chosen": place.chosen}
        _out().write_json({"workspace": chosen, "settings": values, "recipe": {"file": file, **recipe}})
        return
    rows = [("workspace", str(place.root), explain_choice(place, _variable(workspace))), *settings]
    _out().write_table([*rows, *((name, str(value), file) for name, value in recipe.items())])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and give its exit status; errors are told in one line, whatever they are."""
    _prepare_streams()
    _listen()
    try:
        return _run(sys.argv[1:] if arguments is None else arguments)
    except KeyboardInterrupt:
        _err().say("Interrupted.")
        return INTERRUPTED
    except BrokenPipeError:  # whoever read the output has seen enough
        _drop_output()
        return 1
    except Exception as error:  # noqa: BLE001  the edge of the program
        return _explain(error)


def _run(arguments: Sequence[str]) -> int:
    command = typer.main.get_command(app)
    status = 0
    try:
        with command.make_context("qa", list(arguments)) as context:
            command.invoke(context)
    except typer.Exit as leaving:
        status = leaving.exit_code
    sys.stdout.flush()
    return status


def _explain(error: Exception) -> int:
    """Write what went wrong as one line; the exit status."""
    if os.environ.get("QA_DEBUG"):
        sys.stderr.write(safe_text("".join(traceback.format_exception(error))))
    if isinstance(error, QAError):
        _err().say(f"error: {error}")
        return error.exit_code
    if isinstance(error, typer.TyperException):  # the options cannot be read
        context = getattr(error, "ctx", None)
        path = context.command_path if context else "qa"
        _err().say(f"error: {error.format_message().rstrip('.')}. See: {path} --help")
        return error.exit_code
    if isinstance(error, OSError):
        _drop_output()  # it may be what failed, and would fail again when the interpreter ends
    kind = type(error).__name__
    _err().say(f"error: {kind}: {error}. This should not happen; with QA_DEBUG=1 it shows where it did.")
    return 1


@contextmanager
def _open(workspace: Path | None, model: ModelChoice = None) -> Iterator[Archive]:
    """The archive of the workspace in use, which is told where it may come as a surprise."""
    with open_archive(workspace, model=model, environment=True) as archive:
        place = archive.workspace
        if place.chosen != "named" and place.root != Path.cwd():
            _err().say(f"Workspace: {place.root}")
        yield archive


@contextmanager
def _interruptible() -> Iterator[ProgressView]:
    """Show how far a change has come; when it is interrupted, say what is kept and how to go on."""
    view = ProgressView(_err())
    try:
        with view:
            yield view
    except KeyboardInterrupt:
        rest = "go on with the same command" if view.is_reading else "go on with: qa sync"
        _err().say(f"Interrupted: {view.kept:,} articles are kept; {rest}")
        raise typer.Exit(INTERRUPTED) from None


def _bring_in_step(archive: Archive) -> None:
    """Bring in new files of the workspace; where it may not be written, the archive itself warns."""
    if not archive.needs_sync():
        return
    with suppress(ArchiveBusy, ArchiveReadOnly), _interruptible() as view:
        _list_skipped(archive.sync(on_progress=view))


def _report_changes(report: AddReport, archive: Archive, *, as_json: bool) -> None:
    _list_skipped(report)
    languages = Counter(archive.get(id_).language for id_ in report.added)
    foreign = {code: count for code, count in languages.most_common() if code not in (None, "en")}
    if as_json:
        skipped = [{"source": source, "reason": reason} for source, reason in report.skipped]
        _out().write_json({**asdict(report), "skipped": skipped})
    else:
        _out().say(summarise_changes(report))
    if foreign:
        _err().say(warn_of_languages(foreign))


def _list_skipped(report: AddReport) -> None:
    for source, reason in report.skipped:
        _err().say(f"skipped {source}: {reason}")


def _choose_model(name: str | None, *, no_model: bool) -> ModelChoice:
    if name and no_model:
        raise UsageError("--model and --no-model exclude each other.")
    return False if no_model else name


def _announce_model(archive: Archive, name: str | None, *, no_model: bool) -> None:
    """Say that text leaves the machine, and where to."""
    if no_model or not (name or archive.settings.names_model):
        return
    place = archive.endpoint()
    model = name or archive.settings.model or (DEFAULT_OPENAI_MODEL if place.is_openai else "the model")
    _err().say(
        f"Answers are written by {model} at {place.host}:"
        " the question and passages are sent there (--no-model keeps them here)"
    )


def _variable(workspace: Path | None) -> str | None:
    """The variable that named the workspace, if one did."""
    return "QA_WORKSPACE" if workspace is None and os.environ.get("QA_WORKSPACE") else None


class _Messages(logging.Handler):
    """Writes what the library logs, each message once."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._said: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        """Write a message to standard error as one line."""
        message = record.getMessage()
        if message not in self._said:
            self._said.add(message)
            _err().say(f"warning: {message}")


def _listen() -> None:
    """Show the library's warnings and nobody else's."""
    logging.getLogger().addHandler(logging.NullHandler())
    log = logging.getLogger("qa")
    log.handlers = [_Messages()]


def _prepare_streams() -> None:
    """Make standard output and error take any text, closed or in whichever encoding they are."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115  it is never closed
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _drop_output() -> None:
    """Let nothing more be written, so that the interpreter does not complain when it ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    with suppress(OSError):
        os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def _out() -> Screen:
    return Screen(sys.stdout)


def _err() -> Screen:
    return Screen(sys.stderr)
