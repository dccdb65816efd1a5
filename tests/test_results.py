"""docs/results.md says what the shipped suites give today."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from types import ModuleType

import pytest
from conftest import REPOSITORY

SCRIPT = REPOSITORY / "eval" / "bench" / "results.py"
DOCUMENT = (REPOSITORY / "docs" / "results.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def results() -> ModuleType:
    spec = importlib.util.spec_from_file_location("results", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_document_says_what_every_system_gives_on_every_suite() -> None:
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "--check"], cwd=REPOSITORY, capture_output=True, text=True, timeout=900
    )
    assert (done.stdout, done.returncode) == ("every measure is as docs/results.md says\n", 0), done.stderr


def test_every_suite_system_and_kind_has_its_column(results: ModuleType) -> None:
    columns = {(table, column) for table, _, column in results.read_cells(DOCUMENT)}
    for suite in results.SUITES:
        # an answer that is never given has no retrieval and no citation, but an abstention
        assert {system for table, system in columns if table == f"{suite}, by system"} == set(results.SYSTEMS)
    assert {column for table, column in columns if table == "newswire, by split"} == {"dev", "test"}
    assert len([column for table, column in columns if table == "newswire, by kind of question"]) == 8


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("| 0.750 · 200 |", "| 0.760 · 200 |", []),
        ("| 0.750 · 200 |", "| 0.740 (0.600–0.800) · 200 |", []),
        ("| 0.750 · 200 |", "| 0.762 · 200 |", ["t / hits@1 / full: 0.750 → 0.762"]),
        ("| 0.750 · 50 |", "| 0.770 · 50 |", []),  # one case of fifty
        ("| 0.750 · 50 |", "| 0.790 · 50 |", ["t / hits@1 / full: 0.750 → 0.790"]),
        ("| 0.750 · 50 |", "| – |", ["t / hits@1 / full: is only in one of the two"]),
    ],
)
def test_a_measure_may_move_by_a_hundredth_or_one_case(
    results: ModuleType, old: str, new: str, said: list[str]
) -> None:
    head = "### t\n\n| measure | full |\n|:--|--:|\n| hits@1 "
    assert results.find_differences(head + old, head + new) == said


@pytest.mark.parametrize("first", ["reader", "retrieval"])
def test_the_parts_of_other_scripts_are_kept_and_not_compared(results: ModuleType, first: str) -> None:
    kept = f"<!-- {first}: begin -->\n### t\n\n| measure | full |\n| hits@1 | 0.750 · 200 |\n<!-- {first}: end -->\n"
    assert results.read_kept_part(f"# Results\n\n{kept}") == f"\n{kept}"
    assert results.read_cells(kept) == {}
    assert results.read_kept_part("# Results\n") == ""


def test_the_table_of_real_news_is_put_between_its_marks() -> None:
    spec = importlib.util.spec_from_file_location("retrieval_bench", SCRIPT.with_name("retrieval.py"))
    assert spec is not None
    assert spec.loader is not None
    bench = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(bench)
    first = bench.put_between_marks("# Results\n", "one\n")
    assert first == "# Results\n\n<!-- retrieval: begin -->\n\none\n\n<!-- retrieval: end -->\n"
    assert bench.put_between_marks(first + "more\n", "two\n") == first.replace("one", "two") + "more\n"
