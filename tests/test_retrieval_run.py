from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
from small_data import CountingEmbedder, data_suite, write_data

from qa.archive import Archive
from qa.articles import Filters
from qa.errors import ContentError, UsageError, WorkspaceError
from qa.retrieval import MEASURES, Search
from qa.retrieval_run import RetrievalRun, is_retrieval, load_retrieval, run_data_suite
from qa.retrieve import Hit
from qa.run_folder import find_run, list_runs
from qa.run_options import RunOptions
from qa.scoring import load_run
from qa.settings import Settings
from qa.sync import Progress
from qa.workspace import Workspace

WAYS = ["onrecord", "bm25", "vectors", "rrf", "pipeline"]


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return Workspace(tmp_path_factory.mktemp("workspace"), "named")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_data(tmp_path_factory.mktemp("data") / "newsroom")


@pytest.fixture(scope="module")
def run(workspace: Workspace, data: Path) -> RetrievalRun:
    return run_it(workspace, data)


def run_it(workspace: Workspace, data: Path | None, **more: object) -> RetrievalRun:
    return run_data_suite(
        data_suite(), data, workspace, settings=Settings(), embedder=CountingEmbedder(), **more  # type: ignore[arg-type]
    )  # fmt: skip


def test_every_way_is_measured_on_the_answerable_questions(run: RetrievalRun) -> None:
    assert [case.id for case in run.judged] == ["bread", "boat", "moon"]
    assert all(list(case.found) == WAYS for case in run.judged)
    # Bread: one article that is not later has "3"; the boat and Omsk stand in one; Eve stands nowhere.
    assert [case.found["bm25"].first for case in run.judged] == [1, 1, None]
    assert [case.found["pipeline"].first is None for case in run.judged] == [False, False, True]
    row = run.manifest["results"]["bm25"]
    assert {name: row[name]["mean"] for name in MEASURES} == pytest.approx(dict.fromkeys(MEASURES, 2 / 3))
    assert {row[name]["n"] for name in MEASURES} == {3}
    assert list(run.manifest["differences"]) == WAYS[1:]
    assert run.manifest["differences"]["bm25"]["mrr@10"]["n"] == 3
    assert all(0 < seconds["p50"] <= seconds["p95"] for seconds in run.manifest["latency_seconds"].values())


def test_the_manifest_says_what_was_run_on_what(run: RetrievalRun) -> None:
    told = run.to_dict()
    named = {key: told[key] for key in ("kind", "suite", "data", "form", "articles", "passages", "asked", "cases")}
    assert named == {
        "kind": "retrieval",
        "suite": "news",
        "data": "newsroom",
        "form": "realtimeqa",
        "articles": 4,
        "passages": 4,
        "asked": 4,
        "cases": 3,
    }
    assert (told["embedder"], told["recipe"]["budget_tokens"], told["folder"]) == ("hashing-64", 128, str(run.folder))


def test_a_run_is_kept_among_the_others_and_read_again(run: RetrievalRun, workspace: Workspace) -> None:
    assert run.folder in list_runs(workspace)
    folder = find_run(run.folder.name, workspace)
    assert is_retrieval(folder)
    assert load_retrieval(folder) == run
    with pytest.raises(ContentError, match=r"holds what was found in data of others, no answers: see it with qa"):
        load_run(folder)


def test_a_second_run_gets_a_folder_of_its_own_and_the_same_measures(
    run: RetrievalRun, workspace: Workspace, data: Path
) -> None:
    again = run_it(workspace, data)
    assert again.folder != run.folder
    assert again.manifest["results"] == run.manifest["results"]
    with pytest.raises(WorkspaceError, match="holds another run"):
        run_it(workspace, data, folder=run.folder)


def test_further_ways_are_judged_beside(workspace: Workspace, data: Path, tmp_path: Path) -> None:
    def more(archive: Archive) -> dict[str, Search]:
        def nothing(_question: str, _filters: Filters, _limit: int) -> list[Hit]:
            return []

        def through_the_archive(question: str, filters: Filters, limit: int) -> list[Hit]:
            return archive.search(question, limit=limit, as_of=filters.as_of)

        return {"nothing": nothing, "archive": through_the_archive}

    found = run_it(workspace, data, folder=tmp_path / "run", more=more)
    results = found.manifest["results"]
    assert list(results) == [*WAYS, "nothing", "archive"]
    assert results["archive"] == results["onrecord"]
    assert results["nothing"]["hits@50"]["mean"] == 0
    assert found.manifest["differences"]["nothing"]["mrr@10"]["mean"] == results["onrecord"]["mrr@10"]["mean"]


def test_some_cases_may_be_chosen(workspace: Workspace, data: Path, tmp_path: Path) -> None:
    seen: list[Progress] = []
    options = RunOptions(cases=("boat", "cup"))
    found = run_it(workspace, data, folder=tmp_path / "run", options=options, on_progress=seen.append)
    assert [case.id for case in found.judged] == ["boat"]
    assert (found.manifest["selection"], found.manifest["asked"]) == ({"cases": ["boat", "cup"]}, 2)
    assert seen == [Progress("searching", 0, 1)]  # all else was done before
    with pytest.raises(UsageError, match="No case 'tram'"):
        run_it(workspace, data, folder=tmp_path / "none", options=RunOptions(cases=("tram",)))
    with pytest.raises(ContentError, match="holds no question of which it can be told what is relevant"):
        run_it(workspace, data, folder=tmp_path / "none", options=RunOptions(cases=("cup",)))
    assert not (tmp_path / "none").exists()


def test_without_data_nothing_is_run(workspace: Workspace, tmp_path: Path) -> None:
    with pytest.raises(ContentError, match=r"^news is skipped: it needs --data DIR"):
        run_it(workspace, None, folder=tmp_path / "run")


@pytest.mark.parametrize("line", ["{", "[]", '{"id": "x"}', '{"id": "x", "found": {"bm25": {"first": 1}}}'])
def test_a_damaged_record_is_told_in_one_line(run: RetrievalRun, tmp_path: Path, line: str) -> None:
    (tmp_path / "run.json").write_text(json.dumps(run.manifest))
    (tmp_path / "retrieval.jsonl").write_text(line + "\n")
    with pytest.raises(ContentError, match=r"retrieval\.jsonl is damaged, or of another version: .*Run it anew\.$"):
        load_retrieval(tmp_path)


def test_nothing_later_than_the_day_of_a_case_is_found_by_any(workspace: Workspace, data: Path, tmp_path: Path) -> None:
    late: list[str] = []

    def more(archive: Archive) -> dict[str, Search]:
        return {"watch": lambda q, f, n: [hit for hit in archive.search(q, limit=n, as_of=f.as_of) if watch(hit, f)]}

    def watch(hit: Hit, filters: Filters) -> bool:
        assert filters.as_of == date(2031, 5, 4)
        if hit.article.published is None or hit.article.published > filters.as_of:
            late.append(hit.article.title)
        return True

    run_it(workspace, data, folder=tmp_path / "run", more=more)
    assert late == []
