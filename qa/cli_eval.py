"""The commands of `qa eval`: how well the program answers, by suites of questions whose answers are known."""

from __future__ import annotations

from typing import Annotated

import typer

from qa import options
from qa.errors import UsageError
from qa.session import announce_model, choose_model, err, open_workspace, out
from qa.terminal import ProgressView

GATE_MISSED = 4  # exit status

eval_app = typer.Typer(rich_markup_mode=None)

SuiteArgument = Annotated[str, typer.Argument(metavar="SUITE", help="A name in eval/suites, or a .toml file.")]


@eval_app.callback(invoke_without_command=True)
def group(context: typer.Context) -> None:
    """Judge the answers. Suites are questions whose answers are known."""
    if context.invoked_subcommand is None:
        err().write_block(context.get_help())
        raise typer.Exit(UsageError.exit_code)


@eval_app.command()
def run(
    suite: SuiteArgument,
    no_model: options.NoModelOption = False,
    model: options.ModelOption = None,
    as_json: options.JsonOption = False,
    workspace: options.WorkspaceOption = None,
) -> None:
    """Ask every question of a suite and measure the answers. A gate that is missed gives exit status 4."""
    from qa.report import render_table, write_report
    from qa.runs import run_suite
    from qa.suite import load_suite

    choice = choose_model(model, no_model=no_model)
    with open_workspace(workspace, choice) as archive, ProgressView(err()) as view:
        cases = load_suite(suite, archive.workspace)
        announce_model(archive, model, no_model=no_model)
        found = run_suite(cases, archive.workspace, settings=archive.settings, model=choice, on_progress=view)
    report = write_report(found, found.folder)
    if as_json:
        out().write_json(found.to_dict())
    else:
        out().write_block(render_table(found))
        err().say(f"Records and report: {report}")
    if not found.passed:
        raise typer.Exit(GATE_MISSED)
