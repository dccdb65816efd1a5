"""The commands of `qa eval`: how well the program answers, by suites of questions whose answers are known."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qa import options
from qa.errors import UsageError
from qa.session import err, follow_questions, open_workspace, out, show_path

if TYPE_CHECKING:
    from qa.judge import Agreement, Judge
    from qa.run_folder import Run
    from qa.terminal import ProgressView
    from qa.workspace import Workspace

PARTIAL, CHECK_FAILED = 1, 4  # exit status
eval_app = typer.Typer(rich_markup_mode=None)


@eval_app.callback(invoke_without_command=True)
def group(context: typer.Context) -> None:
    """Judge the answers. Suites are questions whose answers are known."""
    if context.invoked_subcommand is None:
        err().write_block(context.get_help())
        raise typer.Exit(UsageError.exit_code)


@eval_app.command()
def run(
    context: typer.Context,
    suite: Annotated[
        str | None, typer.Argument(metavar="SUITE", help="A name in eval/suites, or a .toml file.")
    ] = None,
    system: options.SystemOption = "full",
    repeat: options.RepeatOption = 1,
    limit: options.CasesLimitOption = None,
    case: options.CaseOption = None,
    tag: options.TagOption = None,
    split: options.SplitOption = None,
    seed: options.SeedOption = 0,
    concurrency: options.ConcurrencyOption = 1,
    max_seconds: options.MaxSecondsOption = None,
    max_tokens: options.MaxTokensOption = None,
    max_cost: options.MaxCostOption = None,
    fresh: options.FreshOption = False,
    config: options.ConfigOption = None,
    data: options.DataOption = None,
    output: options.OutputOption = None,
    junit: options.JunitOption = None,
    no_model: options.NoModelOption = False,
    model: options.ModelOption = None,
    as_json: options.JsonOption = False,
    workspace: options.WorkspaceOption = None,
) -> None:
    """Ask every question of a suite, and measure the answers.

    A run that was stopped goes on when the same is asked again. Where a gate is missed the exit status is 4, where
    a bound stopped the run it is 1. With --data, passages are looked for in data of others, beside usual ways to do so.
    """
    from qa.eval_lines import show_retrieval
    from qa.eval_order import Order, follow_config, run_on_data, run_order
    from qa.run_options import RunOptions
    from qa.systems import check_system

    asked = RunOptions(
        system=check_system(system),
        repeats=repeat,
        limit=limit,
        cases=tuple(case or ()),
        tags=tuple(tag or ()),
        splits=tuple(split or ()),
        seed=seed,
        concurrency=concurrency,
        max_seconds=max_seconds,
        max_tokens=max_tokens,
        max_cost_usd=max_cost,
        fresh=fresh,
    )
    order = Order(suite or "", asked, model, no_model, output, data=data, given=_given(context))
    if config:
        order = follow_config(order, config, order.given)
    with open_workspace(workspace, False) as archive:
        if searched := run_on_data(archive, order):
            show_retrieval(searched, as_json=as_json)
            err().say(f"Records: {show_path(searched.folder)}")
            return
        found = run_order(archive, order)
    _conclude(found, junit, as_json=as_json)


@eval_app.command()
def compare(
    run_a: Annotated[str, typer.Argument(metavar="A", help="A run, as for show.")],
    run_b: Annotated[str, typer.Argument(metavar="B", help="The run to compare with it.")],
    html: options.HtmlOption = None,
    as_json: options.JsonOption = False,
    workspace: options.WorkspaceOption = None,
) -> None:
    """Compare two runs case by case: what is better, what is chance."""
    from qa.compare import compare_runs
    from qa.compare_table import render_comparison
    from qa.html_report import render_comparison_html
    from qa.run_folder import write_file

    found = compare_runs(*_load(workspace, run_a, run_b))
    if as_json:
        out().write_json(found.to_dict())
    else:
        out().write_block(render_comparison(found))
    if html:
        write_file(html, render_comparison_html(found))
        err().say(f"The comparison as a page: {show_path(html)}")


@eval_app.command()
def show(
    run: options.RunArgument,
    case: options.ShownCaseOption = None,
    as_json: options.JsonOption = False,
    workspace: options.WorkspaceOption = None,
) -> None:
    """Show a run that is kept, or one of its cases in full."""
    from qa.eval_lines import show_folder
    from qa.run_folder import find_run

    with open_workspace(workspace, False) as archive:
        folder = find_run(run, archive.workspace)
    show_folder(folder, case, as_json=as_json)


@eval_app.command(name="list")
def list_all(as_json: options.JsonOption = False, workspace: options.WorkspaceOption = None) -> None:
    """List the suites, and the runs that are kept."""
    from qa.eval_lines import describe_runs, describe_suites, run_row, suite_row

    with open_workspace(workspace, False) as archive:
        suites, runs = describe_suites(archive.workspace), describe_runs(archive.workspace)
    if as_json:
        out().write_json({"suites": suites, "runs": runs})
        return
    out().write_table(list(map(suite_row, suites)), cut=True)
    if runs:
        out().write_table(list(map(run_row, runs)))


@eval_app.command()
def check(
    suite: options.SuiteArgument,
    as_json: options.JsonOption = False,
    workspace: options.WorkspaceOption = None,
) -> None:
    """Check the gold of a suite: doubles, leaks, quotes, labels.

    Doubles, evidence that two splits share, quotes that do not stand, labels that contradict one another. A problem
    gives exit status 4; a doubt is told and gives 0.
    """
    from qa.eval_lines import say_gold
    from qa.eval_order import find_suite
    from qa.gold_check import check_gold
    from qa.suite_archive import read_suite_articles

    with open_workspace(workspace, False) as archive:
        chosen = find_suite(suite, archive.workspace)
        report = check_gold(chosen, read_suite_articles(chosen, archive))
    if as_json:
        out().write_json(report.to_dict())
    else:
        out().write_block(say_gold(report))
    if not report.passed:
        raise typer.Exit(CHECK_FAILED)


@eval_app.command(name="import")
def import_(
    source: Annotated[Path, typer.Argument(metavar="SOURCE", help="The file or folder of the data.")],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where suite, gold and articles are written.")],
    form: Annotated[str, typer.Option("--format", metavar="NAME", help="squad, beir, realtimeqa or multihop-rag.")],
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="The suite's name; else the source's.")
    ] = None,
    as_json: options.JsonOption = False,
    workspace: options.WorkspaceOption = None,  # noqa: ARG001  taken by every command
) -> None:
    """Make a suite of public data: articles, questions, evidence."""
    from qa.gold_import import import_gold
    from qa.wording import count_of

    made = import_gold(form, source, folder, name=name)
    for place, reason in made.skipped:
        err().say(f"skipped {place}: {reason}")
    if as_json:
        skipped = [{"place": place, "reason": reason} for place, reason in made.skipped]
        out().write_json(made._asdict() | {"suite": str(made.suite), "skipped": skipped})
    else:
        what = f"{count_of(made.cases, 'question')} on {count_of(made.articles, 'article')}"
        out().say(f"{what}. Ask them with: qa eval run {made.suite}")


@eval_app.command()
def replay(
    run: options.RunArgument, as_json: options.JsonOption = False, workspace: options.WorkspaceOption = None
) -> None:
    """Ask a run again with its recorded calls, without a model.

    Nothing is sent anywhere, and the report must come out the same to the byte. Where it does not, since the program
    or a prompt makes something else of the same replies, the exit status is 4.
    """
    from qa.eval_lines import compare_reports, say_replayed
    from qa.reruns import replay_run
    from qa.run_folder import find_run

    with open_workspace(workspace, False) as archive, follow_questions() as view:
        folder = find_run(run, archive.workspace)
        again = replay_run(folder, archive.workspace, settings=archive.settings, on_progress=view)
    report = compare_reports(again.run)
    same = not again.differs and report != "other"
    if as_json:
        differs = [{"case": case, "repeat": repeat} for case, repeat in again.differs]
        out().write_json({"run": str(folder), "identical": same, "report": report, "differs": differs})
    else:
        out().say(say_replayed(again, report))
    if not same:
        raise typer.Exit(CHECK_FAILED)


@eval_app.command()
def score(
    run: options.RunArgument,
    gold: options.GoldOption = None,
    as_json: options.JsonOption = False,
    workspace: options.WorkspaceOption = None,
) -> None:
    """Score the answers of a run anew; nothing is asked or written.

    The measures are those of this version, the labels those of the run, or of --gold.
    """
    from qa.eval_lines import show_run
    from qa.gold import read_gold
    from qa.reruns import rescore_run
    from qa.run_folder import find_run

    with open_workspace(workspace, False) as archive:
        folder = find_run(run, archive.workspace)
    show_run(rescore_run(folder, read_gold(gold) if gold else None), as_json=as_json)


@eval_app.command()
def export(
    run: options.RunArgument, as_json: options.JsonOption = False, workspace: options.WorkspaceOption = None
) -> None:
    """Write a run as a file for `qa eval run --config`."""
    import tomllib

    from qa.run_config import export_config

    (found,) = _load(workspace, run)
    text = export_config(found.manifest)
    if as_json:
        out().write_json(tomllib.loads(text))
    else:
        out().write_block(text.rstrip())


@eval_app.command()
def judge(
    run: options.RunArgument,
    model: Annotated[str, typer.Option("--model", metavar="NAME", help="The model that judges, by its exact name.")],
    votes: Annotated[int, typer.Option("--votes", metavar="N", min=3, max=15, help="Votes on each answer, odd.")] = 3,
    as_json: options.JsonOption = False,
    workspace: options.WorkspaceOption = None,
) -> None:
    """Let a model grade the answers of a run. Never a gate.

    It is an opinion: beside it stands how far it agrees with `answer_match`, and with answers labelled by hand. The
    same again costs nothing, since every reply is kept.
    """
    from qa.judge import Judge, judge_run, load_judge_prompt, render_agreement, render_judged
    from qa.replay import CallLog
    from qa.run_folder import CALLS, find_run
    from qa.scoring import load_run

    with open_workspace(workspace, model) as archive, follow_questions() as view:
        found = load_run(find_run(run, archive.workspace))
        chat = archive.choose_model()
        assert chat is not None, "a model is named"
        with closing(CallLog(found.folder / CALLS)) as log:
            judging = Judge(chat, load_judge_prompt(archive.workspace), log, votes=votes)
            host = archive.endpoint().host
            err().say(f"{model} at {host} judges: questions, known answers and the answers given are sent there")
            report = judge_run(found, judging, on_progress=view)
        agreement = _agree_with_labels(judging, archive.workspace, view)
    if as_json:
        out().write_json(report.to_dict() | {"labelled": agreement.to_dict()})
    else:
        out().write_block(f"{render_judged(report)}\n{render_agreement(agreement, 'labels given by hand')}")


def _given(context: typer.Context) -> list[str]:
    """The parameters that were given, not left at their defaults."""
    sources = {name: context.get_parameter_source(name) for name in context.params}
    return [name for name, source in sources.items() if source is not None and source.name != "DEFAULT"]


def _conclude(found: Run, junit: Path | None, *, as_json: bool) -> None:
    """Write what came of a run; where it is no success, say why, and leave with the status that says so."""
    from qa.eval_lines import show_run
    from qa.junit import render_junit
    from qa.report_files import write_reports
    from qa.run_folder import write_file

    page = write_reports(found)  # first: whoever reads the output may have seen enough
    show_run(found, as_json=as_json)
    err().say(f"Records and reports: {show_path(page)}")
    if junit:
        write_file(junit, render_junit(found))
    if found.partial:
        err().say(f"The run is partial: {found.partial}. The same command goes on with it.")
        raise typer.Exit(PARTIAL)
    for gate in found.gates:
        if not gate.passed:
            err().say(f"gate missed: {gate.reason or gate.measure}")
    if not found.passed:
        raise typer.Exit(CHECK_FAILED)


def _load(workspace: Path | None, *names: str) -> list[Run]:
    from qa.run_folder import find_run
    from qa.scoring import load_run

    with open_workspace(workspace, False) as archive:
        return [load_run(find_run(name, archive.workspace)) for name in names]


def _agree_with_labels(judge: Judge, workspace: Workspace, view: ProgressView) -> Agreement:
    """How far a judge agrees with answers labelled by hand; its replies are kept for all runs together."""
    from qa.judge import measure_agreement, read_labelled
    from qa.replay import CallLog
    from qa.run_folder import reports_folder
    from qa.sync import Progress

    labelled = read_labelled(workspace.content("eval/gold/judge.jsonl"))
    with closing(CallLog(reports_folder(workspace) / "judge.sqlite")) as log:
        judge = replace(judge, log=log)
        for done, one in enumerate(labelled):  # so that somebody sees how far it has come
            view(Progress("judging what is labelled", done, len(labelled)))
            measure_agreement([one], judge)
        return measure_agreement(labelled, judge)
