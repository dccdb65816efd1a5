"""The commands of `qa eval`: how well the program answers, by suites of questions whose answers are known."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qa import options
from qa.errors import UsageError
from qa.session import INTERRUPTED, announce_model, choose_model, err, open_workspace, out
from qa.terminal import ProgressView

if TYPE_CHECKING:
    from qa.archive import Archive, ModelChoice
    from qa.gold_check import GoldReport
    from qa.run_config import RunConfig
    from qa.run_folder import Run
    from qa.run_options import RunOptions
    from qa.settings import Settings

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
    output: options.OutputOption = None,
    junit: options.JunitOption = None,
    no_model: options.NoModelOption = False,
    model: options.ModelOption = None,
    as_json: options.JsonOption = False,
    workspace: options.WorkspaceOption = None,
) -> None:
    """Ask every question of a suite and measure the answers; a run that was stopped goes on.

    A gate that is missed gives exit status 4, a run that was stopped by a bound 1.
    """
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
    with open_workspace(workspace, choose_model(model, no_model=no_model)) as archive:
        found = _run(archive, suite, asked, config=config, output=output, model=model, no_model=no_model)
    _write_reports(found, junit)
    _show_run(found, as_json=as_json)
    if found.partial:
        err().say(f"The run is partial: {found.partial}. The same command goes on with it.")
        raise typer.Exit(PARTIAL)
    if not found.passed:
        err().say("; ".join(f"gate missed: {gate.reason or gate.measure}" for gate in found.gates if not gate.passed))
        raise typer.Exit(CHECK_FAILED)


@eval_app.command()
def compare(
    run_a: Annotated[str, typer.Argument(metavar="A", help="A run, as for show.")],
    run_b: Annotated[str, typer.Argument(metavar="B", help="The run to compare with it.")],
    html: options.HtmlOption = None,
    as_json: options.JsonOption = False,
    workspace: options.WorkspaceOption = None,
) -> None:
    """Compare two runs case by case: what is better, what is worse, and what could be chance."""
    from qa.compare import compare_runs
    from qa.compare_table import render_comparison
    from qa.html_report import render_comparison_html
    from qa.run_folder import write_file

    found = compare_runs(_load(run_a, workspace), _load(run_b, workspace))
    if html:
        write_file(html, render_comparison_html(found))
    if as_json:
        out().write_json(found.to_dict())
    else:
        out().write_block(render_comparison(found))


@eval_app.command()
def show(
    run: options.RunArgument,
    case: options.ShownCaseOption = None,
    as_json: options.JsonOption = False,
    workspace: options.WorkspaceOption = None,
) -> None:
    """Show a run that is kept: its measures, its gates, its failing cases; or one case in full."""
    found = _load(run, workspace)
    if case is None:
        _show_run(found, as_json=as_json)
        return
    records = [record for record in found.records if record["case"]["id"] == case]
    if not records:
        raise UsageError(f"No case '{case}' in {found.folder.name}.")
    for record in records:
        out().write_json(record)


@eval_app.command(name="list")
def list_all(as_json: options.JsonOption = False, workspace: options.WorkspaceOption = None) -> None:
    """List the suites and the runs that are kept."""
    from qa.run_folder import list_runs, read_manifest
    from qa.suite import load_suite, suite_names

    with open_workspace(workspace, False) as archive:
        place = archive.workspace
        suites = [(name, load_suite(name, place)) for name in suite_names(place)]
        runs = [(folder.name, read_manifest(folder)) for folder in list_runs(place)]
    if as_json:
        described = [{"name": name, "cases": len(suite.cases), "file": str(suite.file)} for name, suite in suites]
        out().write_json({"suites": described, "runs": [{"name": name, **manifest} for name, manifest in runs]})
        return
    out().write_table([("suite", name, f"{len(suite.cases)} cases", suite.description) for name, suite in suites])
    rows = [("run", name, m["system"], m["model"] or "no model", m.get("partial") or "whole") for name, m in runs]
    if rows:
        out().write_table(rows)


@eval_app.command()
def check(
    suite: options.SuiteArgument,
    as_json: options.JsonOption = False,
    workspace: options.WorkspaceOption = None,
) -> None:
    """Check a suite's gold: doubles, leaks between splits, quotes that do not stand, labels that contradict.

    A problem gives exit status 4; a doubt is told and gives 0.
    """
    from qa.gold_check import check_gold
    from qa.suite import load_suite
    from qa.suite_archive import read_suite_articles

    with open_workspace(workspace, False) as archive:
        chosen = load_suite(suite, archive.workspace)
        report = check_gold(chosen, read_suite_articles(chosen, archive))
    if as_json:
        out().write_json(report.to_dict())
    else:
        _show_check(report)
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
) -> None:
    """Make a suite of public data: questions, articles and where the answers stand."""
    from qa.gold_import import import_gold

    made = import_gold(form, source, folder, name=name)
    for place, reason in made.skipped:
        err().say(f"skipped {place}: {reason}")
    if as_json:
        out().write_json(
            {"suite": str(made.suite), "articles": made.articles, "cases": made.cases, "skipped": made.skipped}
        )
    else:
        out().say(f"{made.cases} cases over {made.articles} articles. Run them with: qa eval run {made.suite}")


@eval_app.command()
def replay(
    run: options.RunArgument, as_json: options.JsonOption = False, workspace: options.WorkspaceOption = None
) -> None:
    """Ask a run again with the calls it recorded, without any model or network; its report must come out the same.

    Exit status 4 where it does not: the program or a prompt has changed what comes of the same replies.
    """
    from qa.report_files import same_reports
    from qa.reruns import replay_run
    from qa.run_folder import find_run

    with open_workspace(workspace, False) as archive, ProgressView(err()) as view:
        folder = find_run(run, archive.workspace)
        again = replay_run(folder, archive.workspace, settings=archive.settings, on_progress=view)
    same = not again.differs and same_reports(again.run)
    if as_json:
        out().write_json({"run": folder.name, "identical": same, "differs": [list(key) for key in again.differs]})
    elif same:
        out().say(f"{len(again.run.records)} cases replayed: the report is the same to the byte.")
    else:
        names = ", ".join(id_ for id_, _ in again.differs[:10]) or "none, but the report's own form has changed"
        out().say(f"{len(again.differs)} of {len(again.run.records)} cases come out otherwise: {names}")
    if not same:
        raise typer.Exit(CHECK_FAILED)


@eval_app.command()
def score(
    run: options.RunArgument,
    gold: options.GoldOption = None,
    as_json: options.JsonOption = False,
    workspace: options.WorkspaceOption = None,
) -> None:
    """Score the answers of a run anew, with the measures of this version or other labels, without asking anything."""
    from qa.gold import read_gold
    from qa.reruns import rescore_run
    from qa.run_folder import find_run

    with open_workspace(workspace, False) as archive:
        folder = find_run(run, archive.workspace)
    _show_run(rescore_run(folder, read_gold(gold) if gold else None), as_json=as_json)


@eval_app.command()
def export(run: options.RunArgument, workspace: options.WorkspaceOption = None) -> None:
    """Write the configuration that gives a run again, for `qa eval run --config`."""
    from qa.run_config import export_config

    out().write_block(export_config(_load(run, workspace).manifest).rstrip())


@eval_app.command()
def judge(
    run: options.RunArgument,
    model: Annotated[str, typer.Option("--model", metavar="NAME", help="The model that judges, by its exact name.")],
    votes: Annotated[int, typer.Option("--votes", metavar="N", min=1, max=15, help="Votes on each answer, odd.")] = 3,
    as_json: options.JsonOption = False,
    workspace: options.WorkspaceOption = None,
) -> None:
    """Let a model grade the answers of a run, and say how far it agrees with labels. An opinion, never a gate."""
    from qa.judge import open_judge, render_judged, run_judge
    from qa.run_folder import find_run
    from qa.scoring import load_run

    with open_workspace(workspace, model) as archive, ProgressView(err()) as view:
        found = load_run(find_run(run, archive.workspace))
        announce_model(archive, model, no_model=False)
        with open_judge(archive, found.folder, votes=votes) as judge:
            report = run_judge(found, judge, on_progress=view)
    out().write_json(report.to_dict()) if as_json else out().write_block(render_judged(report))


def _run(
    archive: Archive,
    suite: str | None,
    asked: RunOptions,
    *,
    config: Path | None,
    output: Path | None,
    model: str | None,
    no_model: bool,
) -> Run:
    from qa.run_config import read_config
    from qa.runs import run_suite
    from qa.suite import load_suite

    if (suite is None) == (config is None):
        raise UsageError("Name a suite, or give --config with a run that was exported. Suites: qa eval list")
    exported = read_config(config) if config else None
    chosen = load_suite(exported.suite if exported else str(suite), archive.workspace)
    settings, choice = _configure(archive, exported, model, no_model=no_model)
    announce_model(archive, model, no_model=no_model)
    try:
        with ProgressView(err()) as view:
            return run_suite(
                chosen,
                archive.workspace,
                settings=settings,
                options=exported.options if exported else asked,
                model=choice,
                folder=output,
                config=exported,
                on_progress=view,
            )
    except KeyboardInterrupt:
        err().say("Interrupted: what was asked is kept; the same command goes on with it.")
        raise typer.Exit(INTERRUPTED) from None


def _configure(
    archive: Archive, config: RunConfig | None, model: str | None, *, no_model: bool
) -> tuple[Settings, ModelChoice]:
    """The settings and the model: those in effect, or those of an exported run."""
    if config is None:
        return archive.settings, choose_model(model, no_model=no_model)
    from qa.run_config import apply_config

    settings = apply_config(config, archive.settings)
    return settings, config.must_be.get("model") or False


def _load(name: str, workspace: Path | None) -> Run:
    from qa.run_folder import find_run
    from qa.scoring import load_run

    with open_workspace(workspace, False) as archive:
        return load_run(find_run(name, archive.workspace))


def _write_reports(found: Run, junit: Path | None) -> None:
    from qa.junit import render_junit
    from qa.report_files import write_reports
    from qa.run_folder import write_file

    page = write_reports(found)
    if junit:
        write_file(junit, render_junit(found))
    err().say(f"Records and reports: {page}")


def _show_run(found: Run, *, as_json: bool) -> None:
    from qa.report import render_table

    if as_json:
        out().write_json(found.to_dict())
    else:
        out().write_block(render_table(found))


def _show_check(report: GoldReport) -> None:
    kinds = ", ".join(f"{count} {kind}" for kind, count in report.kinds.items())
    splits = "".join(f" · {name} {count}" for name, count in report.splits.items())
    out().say(f"{report.suite}: {report.cases} cases, {report.answerable} answerable ({kinds}){splits}")
    for title, found in (("problem", report.problems), ("doubt", report.warnings)):
        for finding in found:
            out().say(f"{title}: {finding.message}")
    out().say(f"{len(report.problems)} problems, {len(report.warnings)} doubts · sha256 {report.sha256}")
