from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from run_maker import make_many, make_run

from qa.eval_lines import (
    ReportState,
    compare_reports,
    describe_runs,
    describe_suites,
    run_row,
    say_gold,
    say_replayed,
    suite_row,
)
from qa.gold_check import Finding, GoldReport
from qa.report_files import write_reports
from qa.reruns import Replayed
from qa.workspace import Workspace

RUN = {"name": "r", "system": "full", "model": None, "cases": 9, "partial": None, "selection": None}


def means(**values: float | None) -> dict[str, Any]:
    return {"measures": {name.replace("_at_", "@"): {"mean": value} for name, value in values.items()}}


@pytest.mark.parametrize(
    ("changes", "cells"),
    [
        ({}, ["full", "no model", "9 questions", "", "whole"]),
        (means(answer_match=0.876, hits_at_5=1), ["full", "no model", "9 questions", "answer_match 0.88", "whole"]),
        (means(answer_match=None, hits_at_5=0.5), ["full", "no model", "9 questions", "hits@5 0.50", "whole"]),
        (means(abstention_f1=1, seconds=2), ["full", "no model", "9 questions", "abstention_f1 1.00", "whole"]),
        ({"model": "tiny", "cases": 1}, ["full", "tiny", "1 question", "", "whole"]),
        (
            {"selection": {"limit": 4, "tags": ["a", "b"]}},
            ["full", "no model", "9 questions", "", "only limit 4; tags a, b"],
        ),
        (
            {"partial": "interrupted", "selection": {"limit": 4}},
            ["full", "no model", "9 questions", "", "partial: interrupted"],
        ),
    ],
)
def test_a_run_in_a_list_says_what_how_much_how_well_and_how_far(changes: dict[str, Any], cells: list[str]) -> None:
    assert list(run_row(RUN | changes)) == ["run", "r", *cells]


def test_a_run_of_an_old_or_damaged_manifest_is_listed_all_the_same() -> None:
    old = {key: RUN[key] for key in ("name", "system", "model")}
    assert run_row(old) == ("run", "r", "full", "no model", "", "", "whole")
    assert run_row({"name": "r", "error": "x is damaged"})[-1] == "damaged: x is damaged"
    assert len({len(run_row(one)) for one in (RUN, old, {"name": "r", "error": "x"})}) == 1


def test_a_run_on_data_of_others_is_listed_as_such() -> None:
    found = {"onrecord": {"mrr@10": {"mean": 0.5, "n": 9}}, "bm25": {}}
    searched = {**RUN, "kind": "retrieval", "data": "newsroom", "results": found}
    row = ("run", "r", "passages only", "data newsroom", "9 questions", "mrr@10 0.50", "onrecord, bm25")
    assert run_row(searched) == row
    assert len(run_row(RUN)) == len(row)


def test_suites_and_runs_are_described_in_their_order(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path, "named")
    assert [suite_row(suite)[:3] for suite in describe_suites(workspace)] == [
        ("suite", "hostile", "65 cases"),
        ("suite", "news", "on realtimeqa data"),
        ("suite", "newswire", "226 cases"),
        ("suite", "sample", "91 cases"),
    ]
    for name, started in {"b": "2031-01-01", "a": "2031-01-02", "baselines/may": "2031-01-03"}.items():
        (tmp_path / "eval/reports" / name).mkdir(parents=True)
        manifest = {"suite": "s", "system": "full", "model": None, "started": started}
        (tmp_path / "eval/reports" / name / "run.json").write_text(json.dumps(manifest))
    assert [run["name"] for run in describe_runs(workspace)] == ["baselines/may", "b", "a"]


def gold_report(problems: int, warnings: int) -> GoldReport:
    return GoldReport(
        suite="small",
        cases=problems + warnings,
        answerable=1,
        kinds={"fact": 1, "near_miss": 2},
        splits={"dev": 3},
        problems=(Finding("duplicate", "x:1: the same"),) * problems,
        warnings=(Finding("near_duplicate", "x:2: nearly"),) * warnings,
        sha256="0",
    )


def test_gold_is_summed_up_before_and_after_what_is_wrong() -> None:
    assert say_gold(gold_report(1, 2)).splitlines() == [
        "small: 3 cases, 1 answerable (1 fact, 2 near_miss) · dev 3",
        "problem: x:1: the same",
        "doubt: x:2: nearly",
        "doubt: x:2: nearly",
        "1 problem, 2 doubts",
    ]


@pytest.mark.parametrize(
    ("report", "said"),
    [
        ("same", "the report is the same to the byte."),
        ("none", "all come out the same; no report is compared, since the run has no report."),
        ("other", "all come out the same, but not the report: this version writes another, or it was changed."),
    ],
)
def test_a_replay_without_differences_says_what_of_the_report(tmp_path: Path, report: ReportState, said: str) -> None:
    run = make_run(tmp_path, make_many(30))
    assert say_replayed(Replayed(run, ()), report) == f"30 questions replayed: {said}"


def test_a_replay_names_the_first_ten_that_differ(tmp_path: Path) -> None:
    run = make_run(tmp_path, make_many(30))
    one = say_replayed(Replayed(run, (("a", 1),)), "other")
    assert one == "1 of 30 questions come out otherwise: a"
    many = say_replayed(Replayed(run, tuple((f"c{n}", 2) for n in range(12))), "other")
    assert many.startswith("12 of 30 questions come out otherwise: c0 (repeat 2), c1 (repeat 2), ")
    assert many.endswith(", c9 (repeat 2) and 2 more")


def test_reports_are_compared_to_the_byte_and_those_of_a_partial_run_may_be_older(tmp_path: Path) -> None:
    run, partial = (make_run(tmp_path, make_many(3), manifest={"partial": why}) for why in (None, "interrupted"))
    assert compare_reports(run) == "none"
    write_reports(run)
    assert compare_reports(run) == "same"
    assert compare_reports(partial) == "none"
    (tmp_path / "report.md").write_text("other")
    assert compare_reports(run) == "other"
