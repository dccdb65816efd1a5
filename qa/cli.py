"""The commands of `qa`: read the options, call the archive, write what it gives.

Results go to standard output, progress and messages to standard error. `main` is the edge where every
error becomes one line and an exit status:

    0 done or answered   1 error, nothing added   2 misuse   3 abstained   4 a check said no   130 interrupted
"""

from __future__ import annotations

import io
import logging
import os
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from qa import __version__, options
from qa.answer_form import article_dict
from qa.archive import DEFAULT_LIMIT
from qa.cli_check import check, keep_answer, verify
from qa.cli_eval import eval_app
from qa.errors import QAError, UsageError, WorkspaceError
from qa.layout import (
    count,
    duplicate_rows,
    explain_choice,
    find_place,
    hit_dict,
    lay_out_answer,
    lay_out_article,
    lay_out_hits,
    line,
    list_rows,
    status_rows,
)
from qa.saved import check_target
from qa.session import (
    INTERRUPTED,
    announce_model,
    bring_in_step,
    choose_model,
    err,
    find_duplicates,
    interruptible,
    open_workspace,
    out,
    report_changes,
)
from qa.settings import describe_settings
from qa.sources import Details
from qa.strict import withhold_unsupported
from qa.terminal import chat, follow
from qa.text import safe_text
from qa.workspace import init_workspace

NOTHING_ADDED, ABSTAINED = 1, 3  # exit status

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
    context.obj = {"workspace": workspace}
    if version:
        out().say(f"onrecord {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        err().write_block(context.get_help())
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
        out().write_json({"workspace": str(made.root), "sample": sample})
    else:
        out().say(f"The workspace is ready: {made.root}")


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
    """Add articles. Those that are known cost nothing, or are replaced where they changed."""
    details = Details(title=title, publisher=publisher, author=author, published=published, url=url)
    names, stdin = options.parse_fields(fields or []), sys.stdin.buffer if sys.stdin else None
    with open_workspace(workspace) as archive:
        with interruptible() as view:
            report = archive.add(*sources, details=details, fields=names, stdin=stdin, on_progress=view)
        report_changes(report, archive, as_json=as_json)
    if report.skipped and not (report.added or report.updated or report.unchanged):
        raise typer.Exit(NOTHING_ADDED)


@app.command()
def sync(as_json: options.JsonOption = False, workspace: options.WorkspaceOption = None) -> None:
    """Bring index/articles in step. What an interruption left undone is finished, too."""
    with open_workspace(workspace) as archive:
        with interruptible() as view:
            report = archive.sync(on_progress=view)
        report_changes(report, archive, as_json=as_json)


@app.command("list")
def list_(
    duplicates: options.DuplicatesOption = False,
    as_json: options.JsonOption = False,
    workspace: options.WorkspaceOption = None,
) -> None:
    """List the articles: id, date, publisher, title."""
    with open_workspace(workspace) as archive:
        groups = find_duplicates(archive) if duplicates else []
        articles = [] if duplicates else archive.articles()
    if as_json:
        grouped = [{"articles": [article_dict(article) for article in group]} for group in groups]
        out().write_json(grouped if duplicates else [article_dict(article) for article in articles])
    else:
        out().write_table(duplicate_rows(groups) if duplicates else list_rows(articles), cut=True)


@app.command()
def show(
    article_id: options.IdArgument,
    at: options.AtOption = None,
    as_json: options.JsonOption = False,
    workspace: options.WorkspaceOption = None,
) -> None:
    """Show an article: what is known about it, and its text."""
    with open_workspace(workspace) as archive:
        article = archive.get(article_id)
    place = find_place(article, at) if at is not None else None
    if as_json:
        out().write_json({**article_dict(article), "language": article.language, "text": article.text, "at": place})
    else:
        out().write(lay_out_article(article, place))


@app.command()
def remove(
    ids: options.IdsArgument, as_json: options.JsonOption = False, workspace: options.WorkspaceOption = None
) -> None:
    """Remove articles. Their text and vectors are erased from every file of the store."""
    with open_workspace(workspace) as archive:
        articles = {article.id: article for article in map(archive.get, ids)}
        archive.remove(*articles)
        for article in articles.values():
            if (archive.workspace.root / article.source).is_relative_to(archive.workspace.articles):
                err().say(f"Its file is still there and comes back when it is changed: {article.source}")
    if as_json:
        out().write_json({"removed": list(articles)})
    else:
        out().say(f"{len(articles):,} removed")


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
    with open_workspace(workspace) as archive:
        bring_in_step(archive)
        hits = archive.search(
            text, limit=limit, since=since, until=until, as_of=as_of, publisher=publisher, dated=dated
        )
    if as_json:
        out().write_json([hit_dict(hit) for hit in hits])
    else:
        out().write(lay_out_hits(hits))


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
    strict: options.StrictOption = False,
    save: options.SaveOption = None,
    as_json: options.JsonOption = False,
    workspace: options.WorkspaceOption = None,
) -> None:
    """Answer a question from the articles, each sentence with its quote."""
    text = options.read_question(question)
    if save:
        check_target(save)
    with open_workspace(workspace, choose_model(model, no_model=no_model)) as archive:
        bring_in_step(archive)
        announce_model(archive, model, no_model=no_model)
        events = archive.stream(text, since=since, until=until, as_of=as_of, publisher=publisher, dated=dated)
        answer = follow(events, err(), tokens=out().is_terminal and not (as_json or strict))
    answer = withhold_unsupported(answer) if strict else answer
    if as_json:
        out().write_json(answer.to_dict())
    else:
        out().write(lay_out_answer(answer))
    if save:
        keep_answer(answer, save)
    if answer.status == "abstained":
        raise typer.Exit(ABSTAINED)


@app.command("chat")
def chat_(
    goes_on: options.ContinueOption = False,
    no_save: options.NoSaveOption = False,
    no_model: options.NoModelOption = False,
    model: options.ModelOption = None,
    as_json: options.JsonOption = False,
    workspace: options.WorkspaceOption = None,
) -> None:
    """Ask question after question; each may refer to those before it. Not a terminal: one question a line."""
    talks = sys.stdin is not None and sys.stdin.isatty() and out().is_terminal and not as_json
    if goes_on and not talks:
        raise UsageError("--continue goes on with a chat on a terminal: leave it away, and --json too.")
    with open_workspace(workspace, choose_model(model, no_model=no_model)) as archive:
        bring_in_step(archive)
        held = archive.status().articles
        if not held:
            raise WorkspaceError(f"No articles in {archive.workspace.root} yet. Add some with: qa add SOURCE")
        announce_model(archive, model, no_model=no_model)
        if not talks:
            raise typer.Exit(chat(archive.chat(), out(), err(), as_json=as_json))
        from qa.repl import HOW_TO_LEAVE, start_chat

        where = f"{count(held, 'article')} in {archive.workspace.root}."
        out().write([line(f"{where} /help lists the commands. {HOW_TO_LEAVE}", "quiet")])
        start_chat(archive, out(), goes_on=goes_on, is_kept=not no_save)


@app.command()
def status(as_json: options.JsonOption = False, workspace: options.WorkspaceOption = None) -> None:
    """Show how much the archive holds, and what is still to be done."""
    with open_workspace(workspace) as archive:
        found = archive.status()
    if as_json:
        out().write_json({**asdict(found), "chosen": archive.workspace.chosen})
    else:
        out().write_table(status_rows(found, archive.workspace, _variable(workspace)))


@app.command()
def config(as_json: options.JsonOption = False, workspace: options.WorkspaceOption = None) -> None:
    """Show every setting in effect and where it comes from."""
    with open_workspace(workspace) as archive:
        place, settings = archive.workspace, describe_settings(archive.settings)
        recipe, file = asdict(archive.recipe), str(place.content("index/recipe.toml"))
    if as_json:
        values = {name: {"value": value, "origin": origin} for name, value, origin in settings}
        chosen = {"path": str(place.root), "chosen": place.chosen}
        out().write_json({"workspace": chosen, "settings": values, "recipe": {"file": file, **recipe}})
        return
    rows = [("workspace", str(place.root), explain_choice(place, _variable(workspace))), *settings]
    out().write_table([*rows, *((name, str(value), file) for name, value in recipe.items())])


app.command()(check)
app.command()(verify)
app.add_typer(eval_app, name="eval")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and give its exit status; errors are told in one line, whatever they are."""
    _prepare_streams()
    _listen()
    try:
        return _run(sys.argv[1:] if arguments is None else arguments)
    except KeyboardInterrupt:
        err().say("Interrupted.")
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
        err().say(f"error: {error}")
        return error.exit_code
    if isinstance(error, typer.TyperException):  # the options cannot be read
        context = getattr(error, "ctx", None)
        path = context.command_path if context else "qa"
        err().say(f"error: {_end_sentence(error.format_message())} See: {path} --help")
        return error.exit_code
    if isinstance(error, OSError):
        _drop_output()  # it may be what failed, and would fail again when the interpreter ends
    kind = type(error).__name__
    err().say(f"error: {kind}: {error}. Where this happened is shown with QA_DEBUG=1.")
    return 1


def _variable(workspace: Path | None) -> str | None:
    """The variable that named the workspace, if one did."""
    return "QA_WORKSPACE" if workspace is None and os.environ.get("QA_WORKSPACE") else None


def _end_sentence(text: str) -> str:
    return text if text.endswith((".", "?")) else f"{text}."


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
            err().say(f"warning: {message}")


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
            stream.reconfigure(errors="replace")


def _drop_output() -> None:
    """Let nothing more be written, so that the interpreter does not complain when it ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    with suppress(OSError):
        os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
