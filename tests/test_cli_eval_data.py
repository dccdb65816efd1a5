"""`qa eval` with suites about data of others."""

from __future__ import annotations

import contextlib
import io
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import Run, make_runner
from small_data import write_data

from qa.cli import main
from qa.workspace import init_workspace

OTHER = 'name = "other"\nform = "beir"\n'


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    return make_runner(monkeypatch, capsys)


@pytest.fixture(autouse=True)
def _own_log() -> Iterator[None]:
    yield
    logging.getLogger("qa").handlers.clear()


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_data(tmp_path_factory.mktemp("data") / "newsroom")


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory, data: Path) -> Path:
    """A workspace with one run of the packaged suite `news`. Nothing but reports is added to it."""
    workspace = init_workspace(tmp_path_factory.mktemp("kept") / "workspace", sample=False)
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        assert main(["eval", "run", "news", "--data", str(data), "--workspace", str(workspace.root)]) == 0
    return workspace.root


@pytest.fixture
def here(kept: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(kept)
    return kept


def name_of_run(workspace: Path) -> str:
    return min(path.name for path in (workspace / "eval/reports").iterdir())


def test_a_run_prints_both_tables_and_then_where_its_records_are(run: Run, here: Path, data: Path) -> None:
    result = run("eval", "run", "news", "--data", data, "--output", "mine")
    assert result.code == 0
    assert result.out.startswith("news · newsroom · 4 articles · 4 passages · 3 of 4 questions can be judged · ")
    for way in ("onrecord", "bm25", "vectors", "rrf", "pipeline"):
        assert f"\n{way} " in result.out
    assert "\nonrecord minus " in result.out
    assert result.err == "searching: 3 questions\nRecords: mine\n"  # what is indexed is kept
    assert sorted(path.name for path in (here / "mine").iterdir()) == ["retrieval.jsonl", "run.json"]


def test_as_json_it_is_one_object_that_show_gives_again(run: Run, here: Path, data: Path) -> None:
    result = run("eval", "run", "news", "--data", data, "--output", "again", "--case", "bread", "--json")
    assert (result.code, result.data["kind"], result.data["cases"]) == (0, "retrieval", 1)
    assert result.data["results"]["bm25"]["hits@1"]["mean"] == 1
    shown = run("eval", "show", "again", "--json")
    assert (shown.code, shown.data) == (0, result.data)


def test_a_run_is_listed_for_what_it_is(run: Run, here: Path) -> None:
    result = run("eval", "list")
    rows = [line.split("\t") for line in result.out.splitlines()]
    assert ["suite", "news", "on realtimeqa data"] in [row[:3] for row in rows]
    found = next(row for row in rows if row[0] == "run")
    assert found[1:5] == [name_of_run(here), "passages only", "data newsroom", "3 questions"]
    assert found[6] == "onrecord, bm25, vectors, rrf, pipeline"


def test_it_is_shown_again_whole_and_by_case(run: Run, here: Path) -> None:
    name = name_of_run(here)
    assert run("eval", "show", name).out.startswith("news · newsroom · ")
    assert run("eval", "show", name, "--case", "moon").out.startswith("moon  Who walked on the moon with Ben?\n\n")
    assert next(iter(run("eval", "show", name, "--case", "moon", "--json").data["found"])) == "onrecord"
    wrong = run("eval", "show", name, "--case", "mon")
    assert (wrong.code, wrong.out) == (2, "")
    assert "No case 'mon'" in wrong.err
    assert "Did you mean 'moon'?" in wrong.err


@pytest.mark.parametrize("command", ["compare", "replay", "score", "export", "judge"])
def test_what_needs_answers_refuses_it_in_one_line(run: Run, here: Path, command: str) -> None:
    name = name_of_run(here)
    more = {"compare": [name], "judge": ["--model", "tiny"]}.get(command, [])
    result = run("eval", command, name, *more)
    assert (result.code, result.out) == (1, "")
    assert len(result.err.splitlines()) == 1
    assert ("cannot be replayed" if command == "replay" else "holds what was found in data of others") in result.err


def test_without_data_it_is_skipped_with_status_1(run: Run, here: Path) -> None:
    for arguments in ([], ["--data", "nowhere"]):
        result = run("eval", "run", "news", *arguments)
        assert (result.code, result.out, len(result.err.splitlines())) == (1, "", 1)
        assert result.err.startswith("error: news is skipped: it needs --data DIR, a folder with articles.jsonl and")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["sample", "--data", "x"], "--data does not go with 'sample', which has questions and articles of its own."),
        (["news", "--repeat", "3", "--fresh"], "--repeat, --fresh: not with 'news', which looks for passages"),
        (["news", "--system", "bm25"], "--system: not with 'news'"),
        (["--data", "x"], "Name a suite, or give --config"),
        (["--data", "x", "--config", "run.toml"], "--data and --config exclude each other"),
    ],
)
def test_options_that_do_not_go_together_are_refused(run: Run, here: Path, arguments: list[str], said: str) -> None:
    result = run("eval", "run", *arguments)
    assert (result.code, result.out) == (2, "")
    assert said in result.err


def test_data_of_another_form_is_refused(run: Run, here: Path, data: Path, tmp_path: Path) -> None:
    (tmp_path / "other.toml").write_text(OTHER)
    result = run("eval", "run", tmp_path / "other.toml", "--data", data)
    assert (result.code, result.out) == (1, "")
    assert "holds no qrels: it must be the folder of the data set" in result.err
