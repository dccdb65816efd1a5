from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from qa.retrieval import MEASURES, Found, JudgedCase
from qa.retrieval_run import RetrievalRun
from qa.retrieval_table import describe_retrieval, markdown_retrieval, render_retrieval, render_retrieval_case

MANIFEST = {"suite": "news", "data": "room\x1b[2J", "articles": 1234, "passages": 9876, "asked": 50, "seconds": 12.5}


def make_cases(count: int = 40) -> list[JudgedCase]:
    """Of one way all is right; of the other half of it, later and slower."""
    all_right = Found(1, 0.02, dict.fromkeys(MEASURES, 1.0))
    return [
        JudgedCase(
            f"c{n}",
            "Who?",
            f"c{n}",
            {"onrecord": all_right, "bm25": Found(None, 0.05, dict.fromkeys(MEASURES, float(n % 2)))},
        )
        for n in range(count)
    ]


def make_run(**changes: Any) -> RetrievalRun:
    return RetrievalRun(Path("run"), MANIFEST | changes, tuple(make_cases()))


def test_the_first_line_says_how_much_was_searched() -> None:
    said = "news · room\ufffd[2J · 1,234 articles · 9,876 passages · 40 of 50 questions can be judged · 12.5 s"
    assert describe_retrieval(make_run()) == said


def test_each_way_has_its_row_with_intervals_and_latency_and_each_other_its_difference() -> None:
    _, means, differences, legend = render_retrieval(make_run()).split("\n\n")
    rows = [line.split() for line in means.splitlines()]
    assert rows[0] == [*MEASURES, "p50", "p95"]
    assert rows[1] == ["n", *["40"] * 9]
    assert rows[2] == ["onrecord", *["1.000"] * 9, "20", "ms", "20", "ms"]
    assert rows[3] == [".91–1.00"] * 9
    assert rows[4] == ["bm25", *["0.500"] * 9, "50", "ms", "50", "ms"]
    assert rows[5] == [".35–.65"] * 9
    head, row, below = differences.splitlines()
    assert head.split() == ["onrecord", "minus", "mrr@10", "answer@250", "answer@500", "answer@1000"]
    assert row.split() == ["bm25", *["+0.500*"] * 4]
    assert below.split() == ["+0.350", "–", "+0.650"] * 4
    assert "on this machine" in legend


def test_a_part_of_the_data_is_said_to_be_one() -> None:
    assert render_retrieval(make_run(selection={"limit": 4})).splitlines()[1] == "only a part of the data: limit 4"


def test_markdown_has_means_with_n_and_shown_differences_in_bold() -> None:
    lines = markdown_retrieval(make_cases()).splitlines()
    assert lines[0] == "|  | " + " | ".join(MEASURES) + " |"
    assert lines[2] == "| onrecord | " + " | ".join(["1.000 (0.912–1.000) · 40"] * 9) + " |"
    assert lines[5] == "| onrecord − | mrr@10 | answer@250 | answer@500 | answer@1000 |"
    assert lines[7] == "| bm25 | " + " | ".join(["**+0.500 (+0.350 – +0.650)**"] * 4) + " |"


@pytest.mark.parametrize("measure", ["answer@250", "mrr@10"])
def test_a_measure_that_applies_to_no_case_has_a_dash(measure: str) -> None:
    nothing = Found(1, 0.02, dict.fromkeys(MEASURES, 1.0) | {measure: None})
    cases = [JudgedCase("c", "Who?", "c", {"onrecord": nothing, "bm25": nothing})]
    run = RetrievalRun(Path("run"), MANIFEST, tuple(cases))
    _, counts, means, *_ = render_retrieval(run).split("\n\n")[1].splitlines()
    assert counts.split()[1 + MEASURES.index(measure)] == "0"
    assert means.split()[1 + MEASURES.index(measure)] == "–"
    assert "| – |" in markdown_retrieval(cases)


def test_a_case_shows_ranks_measures_and_times() -> None:
    head, table = render_retrieval_case(make_cases()[0]).split("\n\n")
    assert head == "c0  Who?"
    assert [line.split()[:3] for line in table.splitlines()[1:]] == [["onrecord", "1", "1.000"], ["bm25", "–", "0.000"]]
