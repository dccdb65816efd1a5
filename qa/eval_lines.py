"""What the `eval` commands say of suites, kept runs, gold and replays."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from qa.errors import QAError
from qa.gold_check import GoldReport
from qa.report_files import same_reports
from qa.reruns import Replayed
from qa.run_folder import Run, list_runs, read_manifest, reports_folder
from qa.suite import load_suite, suite_names
from qa.text import shorten
from qa.wording import count_of
from qa.workspace import Workspace

ReportState = Literal["same", "other", "none"]

_HEADLINES = ("answer_match", "hits@5", "abstention_f1")  # the first that a run has is shown in a list
_MAX_NAMED = 10  # cases named in a line
_REASON_LIMIT = 160  # characters


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
    return ("suite", suite["name"], count_of(suite["cases"], "case"), suite["description"])


def run_row(run: Mapping[str, Any]) -> tuple[str, ...]:
    """A run of `describe_runs` as a row of a table: name, what was run, by what, how much, how well, how far."""
    if error := run.get("error"):
        return ("run", run["name"], "", "", "", "", f"damaged: {error}")
    cases = count_of(run["cases"], "question") if "cases" in run else ""
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


def _describe_suite(name: str, workspace: Workspace) -> dict[str, Any]:
    try:
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
