"""What the `eval` commands say of suites, kept runs, gold and replays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

from qa.data_suite import find_data_suite
from qa.errors import QAError, UsageError
from qa.gold_check import GoldReport
from qa.report import render_case, render_table
from qa.report_files import same_reports
from qa.reruns import Replayed
from qa.retrieval import OURS
from qa.retrieval_run import RetrievalRun, is_retrieval, load_retrieval
from qa.retrieval_table import render_retrieval, render_retrieval_case
from qa.run_folder import Run, list_runs, read_manifest, reports_folder
from qa.scoring import load_run
from qa.session import out
from qa.suite import load_suite, suite_names
from qa.text import shorten, suggest
from qa.wording import count_of
from qa.workspace import Workspace

ReportState = Literal["same", "other", "none"]

_HEADLINES = ("answer_match", "hits@5", "abstention_f1")  # the first that a run has is shown in a list
_MAX_NAMED = 10  # cases named in a line
_REASON_LIMIT = 160  # characters


def show_run(run: Run, *, as_json: bool) -> None:
    """Write the result of a run."""
    if as_json:
        out().write_json(run.to_dict())
    else:
        out().write_block(render_table(run))


def show_retrieval(run: RetrievalRun, *, as_json: bool) -> None:
    """Write what was found in data of others."""
    if as_json:
        out().write_json(run.to_dict())
    else:
        out().write_block(render_retrieval(run))


def show_folder(folder: Path, case: str | None, *, as_json: bool) -> None:
    """Write a run that is kept, or all that one of its cases came to.

    Raises:
        ContentError: it cannot be read.
        UsageError: it has no such case.
    """
    if is_retrieval(folder):
        _show_searched(load_retrieval(folder), case, as_json=as_json)
        return
    run = load_run(folder)
    if case is None:
        show_run(run, as_json=as_json)
        return
    _check_case(case, folder, [record["case"]["id"] for record in run.records])
    records = [record for record in run.records if record["case"]["id"] == case]
    if as_json:
        out().write_json(records)
    else:
        out().write_block("\n\n".join(map(render_case, records)))


def describe_suites(workspace: Workspace) -> list[dict[str, Any]]:
    """The suites that are known by name, as plain data; one that cannot be read has "error" with the reason."""
    return [_describe_suite(name, workspace) for name in suite_names(workspace)]


def describe_runs(workspace: Workspace) -> list[dict[str, Any]]:
    """The runs that are kept, oldest first: name and manifest, or "error" where that cannot be read."""
    return [_describe_run(folder, reports_folder(workspace)) for folder in list_runs(workspace)]


def suite_row(suite: Mapping[str, Any]) -> tuple[str, ...]:
    """A suite of `describe_suites` as a row of a table."""
    if error := suite.get("error"):
        return ("suite", suite["name"], "damaged", error)
    if form := suite.get("form"):
        return ("suite", suite["name"], f"on {form} data", suite["description"])
    return ("suite", suite["name"], count_of(suite["cases"], "case"), suite["description"])


def run_row(run: Mapping[str, Any]) -> tuple[str, ...]:
    """A run of `describe_runs` as a row of a table: name, what was run, by what, how much, how well, how far."""
    if error := run.get("error"):
        return ("run", run["name"], "", "", "", "", f"damaged: {error}")
    cases = count_of(run["cases"], "question") if "cases" in run else ""
    if run.get("kind") == "retrieval":
        systems = ", ".join(run.get("results", ()))
        return ("run", run["name"], "passages only", f"data {run.get('data')}", cases, _found_first(run), systems)
    return ("run", run["name"], run["system"], run["model"] or "no model", cases, _headline(run), _describe_extent(run))


def say_gold(report: GoldReport) -> str:
    """What a suite's gold holds and what is wrong with it, a line for each."""
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in report.kinds.items())
    splits = "".join(f" · {name} {count:,}" for name, count in report.splits.items())
    found = [("problem", finding) for finding in report.problems] + [("doubt", finding) for finding in report.warnings]
    return "\n".join([
        f"{report.suite}: {count_of(report.cases, 'case')}, {report.answerable:,} answerable ({kinds}){splits}",
        *(f"{title}: {finding.message}" for title, finding in found),
        f"{count_of(len(report.problems), 'problem')}, {count_of(len(report.warnings), 'doubt')}",
    ])  # fmt: skip


def compare_reports(again: Run) -> ReportState:
    """How the report in a run's folder compares with that of its replay; of a partial run it may be an older one."""
    if same_reports(again):
        return "same"
    return "other" if not again.partial and (again.folder / "report.md").is_file() else "none"


def say_replayed(again: Replayed, report: ReportState) -> str:
    """What came of a replay, in one line; `report` says how that of the run compares."""
    asked = count_of(len(again.run.records), "question")
    if again.differs:
        names = [case if repeat == 1 else f"{case} (repeat {repeat})" for case, repeat in again.differs[:_MAX_NAMED]]
        more = f" and {len(again.differs) - _MAX_NAMED:,} more" if len(again.differs) > _MAX_NAMED else ""
        return f"{len(again.differs):,} of {asked} come out otherwise: {', '.join(names)}{more}"
    if report == "same":
        return f"{asked} replayed: the report is the same to the byte."
    if report == "other":
        why = "this version writes another, or it was changed"
        return f"{asked} replayed: all come out the same, but not the report: {why}."
    why = f"the run is partial ({again.run.partial})" if again.run.partial else "the run has no report"
    return f"{asked} replayed: all come out the same; no report is compared, since {why}."


def _show_searched(run: RetrievalRun, case: str | None, *, as_json: bool) -> None:
    if case is None:
        show_retrieval(run, as_json=as_json)
        return
    _check_case(case, run.folder, [judged.id for judged in run.judged])
    (found,) = (judged for judged in run.judged if judged.id == case)
    if as_json:
        out().write_json(asdict(found))
    else:
        out().write_block(render_retrieval_case(found))


def _check_case(case: str, folder: Path, ids: Sequence[str]) -> None:
    known = dict.fromkeys(ids)
    if case not in known:
        first = f" The first of its {len(known)} is '{next(iter(known))}'." if known else ""
        raise UsageError(f"No case '{case}' in {folder.name}.{suggest(case, known)}{first}")


def _describe_suite(name: str, workspace: Workspace) -> dict[str, Any]:
    try:
        if on_data := find_data_suite(name, workspace):
            said = {"name": name, "description": on_data.description, "form": on_data.form}
            return said | {"file": str(on_data.file)}
        suite = load_suite(name, workspace)
    except QAError as error:
        return {"name": name, "error": str(error)}
    described = {"name": name, "description": suite.description, "cases": len(suite.cases)}
    return described | {"file": str(suite.file), "archive": str(suite.archive) if suite.archive else None}


def _describe_run(folder: Path, reports: Path) -> dict[str, Any]:
    name = folder.relative_to(reports).as_posix()
    try:
        return {"name": name, **read_manifest(folder)}
    except QAError as error:
        return {"name": name, "error": str(error)}


def _found_first(run: Mapping[str, Any]) -> str:
    ours = (run.get("results") or {}).get(OURS) or {}
    found = ours.get("mrr@10")
    return f"mrr@10 {found['mean']:.2f}" if found else ""


def _headline(run: Mapping[str, Any]) -> str:
    """The measure that says most of a run, if it has one."""
    measures: Mapping[str, Mapping[str, Any]] = run.get("measures") or {}
    means = {name: measures[name].get("mean") for name in _HEADLINES if name in measures}
    return next((f"{name} {mean:.2f}" for name, mean in means.items() if mean is not None), "")


def _describe_extent(run: Mapping[str, Any]) -> str:
    if partial := run.get("partial"):
        return f"partial: {shorten(partial, limit=_REASON_LIMIT)}"
    if selection := run.get("selection"):
        chosen = "; ".join(f"{name} {_list(value)}" for name, value in selection.items())
        return f"only {shorten(chosen, limit=_REASON_LIMIT)}"
    return "whole"


def _list(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
