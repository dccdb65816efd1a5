from __future__ import annotations

import contextlib
import io
import json
import logging
import os
import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import loopback
import pytest
from command_line import Run, bind_root, call_program, forks, make_runner, read_all, terminal, write_protected
from small_suite import BREAD, CASES, PRICE, SUITE, write_suite, write_towns
from test_terminal import FOREIGN, HOSTILE, OURS

from qa.cli import main
from qa.workspace import Workspace, init_workspace

FIRST_LINE = re.compile(r"small · full · 8 cases · no model · [\d.]+ m?s\n\n")
SQUAD = {
    "data": [
        {
            "title": "Mill_of_Brenn",
            "paragraphs": [
                {
                    "context": "The mill of Brenn was built in 1842. It grinds wheat and rye.",
                    "qas": [
                        {
                            "id": "built",
                            "question": "When was the mill of Brenn built?",
                            "answers": [{"text": "1842", "answer_start": 31}],
                        },
                        {"id": "sold", "question": "Who sold the mill?", "answers": [], "is_impossible": True},
                        {
                            "id": "wrong",
                            "question": "Who?",
                            "answers": [{"text": "Ann", "answer_start": 3}],
                        },
                    ],
                }
            ],
        }
    ]
}


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    return make_runner(monkeypatch, capsys)


@pytest.fixture(autouse=True)
def _own_log() -> Iterator[None]:
    yield
    logging.getLogger("qa").handlers.clear()


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with the suite `small` and two runs of it, by `bm25` and then by `full`. Read only."""
    workspace = init_workspace(tmp_path_factory.mktemp("kept") / "workspace", sample=False)
    write_suite(workspace)
    for system in ("bm25", "full"):
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            assert main(["eval", "run", "small", "--system", system, "--workspace", str(workspace.root)]) == 0
    return workspace.root


@pytest.fixture
def here(kept: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The workspace of `kept`, and the current folder. Read only."""
    monkeypatch.chdir(kept)
    return kept


@pytest.fixture
def mine(kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, and the current folder, to be changed."""
    copy = Path(shutil.copytree(kept, tmp_path / "mine"))
    monkeypatch.chdir(copy)
    return copy


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[loopback.Loopback]:
    """A model's server, configured by the environment."""
    with loopback.serve() as found:
        found.list_models("tiny")
        monkeypatch.setenv("OPENAI_BASE_URL", found.url)
        yield found


def last_run(workspace: Path) -> Path:
    """The folder of the run of `full`, or of the one that began after it."""
    return max((workspace / "eval/reports").glob("small-2*"))


def cut_run(folder: Path, keep: int) -> None:
    """Leave a run as if it had been killed after so many questions."""
    lines = (folder / "records.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    (folder / "records.jsonl").write_text("".join(lines[:keep]), encoding="utf-8")
    change(folder / "run.json", finished=False, partial="not finished", gate_results=[])
    for report in folder.glob("report.*"):
        report.unlink()


def change(file: Path, **values: Any) -> None:
    """Set some values of a file of JSON."""
    file.write_text(json.dumps(json.loads(file.read_text(encoding="utf-8")) | values), encoding="utf-8")


# running


def test_a_run_prints_its_measures_and_then_where_its_reports_are(run: Run, mine: Path) -> None:
    result = run("eval", "run", "small", "--fresh")
    assert result.code == 0
    assert FIRST_LINE.match(result.out)
    assert "\n  answer_match              0.500  0.000 – 1.000  6\n" in result.out
    assert "\nhits@5 at least 0.500          1.000  passed\n" in result.out
    assert "\n3 of 8 cases failed\n\nboat  paraphrase  Where does Cia live?\n" in result.out
    stages, place = result.err.rsplit("Records and reports: ", 1)
    assert stages == "evaluating: 8 questions\n"
    page = Path(place.strip())
    assert page == last_run(mine).relative_to(mine) / "report.html"
    made = {file.name for file in page.parent.iterdir()}
    assert made == {"calls.sqlite", "records.jsonl", "report.html", "report.md", "run.json"}


def test_a_run_as_json_is_what_show_gives_as_json(run: Run, mine: Path) -> None:
    result = run("eval", "run", "small", "--system", "always-abstain", "--json")
    assert (result.code, result.data["system"], result.data["partial"], result.data["passed"]) == (
        4,
        "always-abstain",
        None,
        False,
    )
    assert result.data["measures"]["abstention_recall"]["mean"] == 1
    shown = run("eval", "show", "last", "--json")
    assert (shown.code, shown.data) == (0, result.data)


def test_a_missed_gate_exits_with_4_and_is_named(run: Run, mine: Path) -> None:
    gates = SUITE.replace('"hits@5" = 0.5', "exact_match = 0.9\ntoken_f1 = 0.99")
    (mine / "eval/suites/small.toml").write_text(gates, encoding="utf-8")
    result = run("eval", "run", "small")
    assert result.code == 4
    assert result.err.splitlines()[-2:] == [
        "gate missed: exact_match is 0.600, not at least 0.9",
        "gate missed: token_f1 is 0.760, not at least 0.99",
    ]
    assert run("eval", "run", "small", "--limit", "5").code == 0, "gates are judged on whole runs only"


def test_a_run_that_a_bound_stopped_exits_with_1_and_says_so(run: Run, mine: Path) -> None:
    result = run("eval", "run", "small", "--seed", "4", "--max-seconds", "0")
    assert result.code == 1
    assert "\npartial: stopped after 0 s (--max-seconds) · 0 of 8 asked\n" in result.out
    assert result.err.endswith(
        "The run is partial: stopped after 0 s (--max-seconds). The same command goes on with it.\n"
    )
    again = run("eval", "run", "small", "--seed", "4")
    assert (again.code, "partial" in again.out) == (0, False)
    assert "Going on with" not in again.err, "nothing was asked yet"


def test_the_same_command_goes_on_with_a_run_that_was_killed_and_says_so(run: Run, mine: Path) -> None:
    folder = last_run(mine)
    cut_run(folder, keep=3)
    shown = run("eval", "show", "last")
    assert shown.out.startswith("small · full · 3 cases · no model · ")
    assert "\npartial: not finished · 3 of 8 asked\n" in shown.out
    result = run("eval", "run", "small")
    assert result.code == 0
    assert result.err.splitlines() == [
        f"Going on with {folder.relative_to(mine)}: 3 of 8 asked",
        "evaluating: 8 questions",
        f"Records and reports: {folder.relative_to(mine)}/report.html",
    ]
    assert FIRST_LINE.match(result.out)
    assert run("eval", "replay", "last").code == 0
    cut_run(folder, keep=3)
    assert "Going on" not in run("eval", "run", "small", "--fresh").err
    assert last_run(mine) != folder


@pytest.mark.parametrize(
    ("options", "asked"),
    [
        (["--case", "bread", "--case", "boat"], ["bread", "boat"]),
        (["--tag", "follow_up", "--tag", "food"], ["bread", "next-year", "mill"]),
        (["--split", "test", "--tag", "paraphrase"], ["boat"]),
        (["--tag", "near_miss", "--limit", "1", "--seed", "3"], ["price"]),
    ],
)
def test_cases_are_chosen_by_options(
    run: Run, here: Path, tmp_path: Path, options: list[str], asked: list[str]
) -> None:
    result = run("eval", "run", "small", "--system", "always-abstain", "--output", tmp_path, *options)
    assert result.code == 0
    assert "\nonly a part of the suite: " in result.out
    records = (tmp_path / "records.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(record)["case"]["id"] for record in records] == asked


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ([], 2, "Name a suite, or give --config with a run that was exported. List the suites: qa eval list"),
        (["smal"], 1, "No suite 'smal' in eval/suites. Did you mean 'small'? List them with: qa eval list"),
        (["none.toml"], 1, "{here}/none.toml cannot be read: No such file or directory."),
        (["small", "--system", "ful"], 2, "No system 'ful'. Did you mean 'full'? Known: full, retrieval, oracle, "),
        (["small", "--system", "closed-book"], 2, "The system 'closed-book' is a model without passages: name a model"),
        (["small", "--case", "bred"], 2, "No case 'bred' in this suite. Did you mean 'bread'?"),
        (["small", "--tag", "mony"], 2, "No tag or kind 'mony' in this suite. Did you mean 'money'?"),
        (["small", "--split", "tset"], 2, "No split 'tset' in this suite. Did you mean 'test'?"),
        (
            ["small", "--case", "bread", "--tag", "fact", "--split", "test"],
            2,
            "No case of this suite is left by --case",
        ),
        (["small", "--repeat", "0"], 2, "Invalid value for '--repeat'"),
        (["small", "--limit", "x"], 2, "Invalid value for '--limit'"),
        (["small", "--max-seconds", "nan"], 2, "Invalid value for '--max-seconds'"),
        (["small", "--concurrency", "65"], 2, "Invalid value for '--concurrency'"),
        (["small", "--model", "a", "--no-model"], 2, "--model and --no-model exclude each other."),
        (["small", "--output", "qa.toml"], 1, "qa.toml cannot be written: File exists."),
        (["--config", "none.toml"], 1, "none.toml cannot be read: No such file or directory."),
        (["--config", "qa.toml"], 1, "qa.toml: unknown key 'model'. Known: suite, options, settings, must_be."),
        (["small", "--config", "x.toml", "--no-model"], 2, "SUITE, --no-model and --config exclude each other: the f"),
        (["--config", "x.toml", "--system", "full"], 2, "--system and --config exclude each other: the file says what"),
    ],
)
def test_what_cannot_be_run_is_one_line_that_says_why(
    run: Run, here: Path, arguments: list[str], code: int, message: str
) -> None:
    result = run("eval", "run", *arguments)
    assert (result.code, result.out) == (code, "")
    assert result.err.startswith(f"error: {message.format(here=here)}")
    assert result.err.count("\n") == 1


def test_a_folder_with_another_run_is_refused(run: Run, here: Path) -> None:
    result = run("eval", "run", "small", "--limit", "2", "--output", last_run(here))
    assert (result.code, result.out) == (1, "")
    assert re.match(r"error: .*/small-\S+ holds another run.* Give this one another folder\.\n$", result.err)


def test_a_run_may_be_kept_anywhere_and_told_to_a_ci_server(run: Run, here: Path, tmp_path: Path) -> None:
    result = run("eval", "run", "small", "--limit", "2", "--output", tmp_path / "run", "--junit", tmp_path / "j.xml")
    assert result.code == 0
    assert result.err.endswith(f"Records and reports: {tmp_path}/run/report.html\n"), "it is not inside of here"
    suites = ElementTree.parse(tmp_path / "j.xml").getroot()
    assert [suite.get("name") for suite in suites] == ["small.gates", "small.cases"]
    assert suites[1].get("tests") == "2"
    assert run("eval", "show", tmp_path / "run").out == result.out
    unwritable = ["--output", tmp_path / "again", "--junit", tmp_path]
    failed = run("eval", "run", "small", "--limit", "2", *unwritable)
    assert (failed.code, failed.out.partition(" · no model")[0]) == (1, result.out.partition(" · no model")[0])
    assert failed.err.endswith(f"\nerror: {tmp_path} cannot be written: Is a directory.\n")


def test_the_reports_are_written_though_nobody_reads_the_output(mine: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as nobody:
        options: dict[str, Any] = {"capture_output": False, "stdout": nobody, "stderr": subprocess.PIPE, "cwd": mine}
        result = call_program("eval", "run", "small", "--output", "kept", "--junit", "kept.xml", **options)
    assert (result.returncode, result.stderr) == (1, "evaluating: 8 questions\n")
    assert (mine / "kept/report.html").is_file()


@forks
def test_where_no_run_can_be_kept_it_is_said_before_anything_is_asked(mine: Path) -> None:
    with write_protected(mine / "eval/reports"):
        result = call_program("eval", "run", "small", cwd=mine, preexec_fn=bind_root, env=None)
    assert (result.returncode, result.stdout) == (1, "")
    assert re.fullmatch(r"error: .*/eval/reports/small-\S+ cannot be written: Permission denied\.\n", result.stderr)


def test_a_suite_file_is_run_outside_of_any_workspace_and_kept_in_the_users_own(
    run: Run, kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    result = run("eval", "run", kept / "eval/suites/small.toml", "--limit", "3")
    assert result.code == 0
    assert result.err.startswith(f"Workspace: {tmp_path}/data/onrecord\n")
    assert re.search(r"\nRecords and reports: data/onrecord/eval/reports/small-\S+/report\.html\n$", result.err)
    assert run("eval", "show", "last").out == result.out
    assert run("eval", "replay", "last").code == 0


def test_a_suite_of_ones_own_articles_first_brings_them_in_step(run: Run, tmp_path: Path) -> None:
    workspace = init_workspace(tmp_path, sample=False)
    write_suite(workspace, [BREAD, PRICE], suite='gold = "eval/gold/small.jsonl"\n')
    options = ("--workspace", tmp_path)
    empty = run("eval", "run", "small", *options)
    assert (empty.code, empty.err) == (1, f"error: No articles in {tmp_path} yet. Add some with: qa add SOURCE\n")
    for file in (tmp_path / "eval/archives/small").iterdir():
        shutil.copy(file, tmp_path / "index/articles")
    result = run("eval", "run", "small", *options)
    assert result.code == 0
    assert result.err.startswith("reading articles\nembedding: 4 passages\n")
    gold = tmp_path / "eval/gold/small.jsonl"
    gold.write_text(gold.read_text(encoding="utf-8").replace('for bread."', 'for cake."'), encoding="utf-8")
    wrong = run("eval", "run", "small", *options)
    assert (wrong.code, wrong.out) == (1, "")
    assert wrong.err.startswith(
        f"error: {gold}:1: case bread: the quote “Ann paid $3 for cake.” does not stand in ann.md."
    )


# a model


def test_it_is_said_where_questions_go_only_if_a_model_is_asked(
    run: Run, mine: Path, server: loopback.Loopback
) -> None:
    server.replies = [loopback.whole_reply("NOT IN THESE ARTICLES")]
    result = run("eval", "run", "small", "--limit", "2")
    assert result.code == 0
    assert result.err.startswith("Answers are written by the model at 127.0.0.1:")
    assert result.out.startswith("small · full · 2 cases · model tiny · ")
    asked = len(server.posts)
    assert asked >= 2
    for options in (["--system", "retrieval"], ["--system", "always-abstain"], ["--no-model"]):
        silent = run("eval", "run", "small", "--limit", "2", *options)
        assert silent.code == 0
        assert "Answers are written" not in silent.err
    assert len(server.posts) == asked


def test_a_model_that_does_not_answer_stops_the_run_and_nothing_is_kept(
    run: Run, mine: Path, server: loopback.Loopback
) -> None:
    server.replies = [loopback.failure(401, "bad key")]
    before = sorted((mine / "eval/reports").iterdir())
    result = run("eval", "run", "small")
    assert (result.code, result.out) == (1, "")
    assert result.err.splitlines()[-1].startswith("error: Nothing was evaluated: the model did not answer the first qu")
    assert sorted((mine / "eval/reports").iterdir()) == before


def test_a_bound_on_costs_needs_a_price(run: Run, here: Path, server: loopback.Loopback) -> None:
    result = run("eval", "run", "small", "--max-cost", "1")
    assert result.code == 2
    assert "error: What tiny costs is not known: set usd_per_million_input_tokens and " in result.err


# looking at runs


def test_a_run_is_shown_by_its_folder_its_name_how_that_begins_or_as_last(run: Run, here: Path) -> None:
    folder = last_run(here)
    shown = {run("eval", "show", name).out for name in (folder, folder.name, "small-2", "last")}
    assert len(shown) == 1
    assert FIRST_LINE.match(shown.pop())
    assert run("eval", "show", "small-b").out.startswith("small · bm25 · ")


@pytest.mark.parametrize(
    ("command", "code", "message"),
    [
        (["show", "none"], 1, "No run 'none'. List them with: qa eval list"),
        (["show", "small"], 1, "No run 'small'. 2 begin so. List them with: qa eval list"),
        (["compare", "last", "none"], 1, "No run 'none'. List them with: qa eval list"),
        (["compare", "last"], 2, "Missing argument 'B'. See: qa eval compare --help"),
        (["replay", "none"], 1, "No run 'none'. List them with: qa eval list"),
        (["score", "last", "--gold", "none.jsonl"], 1, "none.jsonl cannot be read: No such file or directory."),
        (["export", "none"], 1, "No run 'none'. List them with: qa eval list"),
        (["judge", "last"], 2, "Missing option '--model'. See: qa eval judge --help"),
        (["judge", "none", "--model", "x"], 1, "No run 'none'. List them with: qa eval list"),
        (["check", "smal"], 1, "No suite 'smal' in eval/suites. Did you mean 'small'? List them with: qa eval list"),
        (["import", "x", "y"], 2, "Missing option '--format'. See: qa eval import --help"),
        (
            ["import", "x", "y", "--format", "sqad"],
            2,
            "No format 'sqad' of questions. Did you mean 'squad'? Known: squ",
        ),
        (["import", "x", "y", "--format", "squad"], 1, "x cannot be read: No such file or directory."),
        (["show", "last", "--case", "bred"], 2, "No case 'bred' in small-"),
    ],
)
def test_what_is_not_there_is_one_line_that_says_where_to_look(
    run: Run, here: Path, command: list[str], code: int, message: str
) -> None:
    result = run("eval", *command)
    assert (result.code, result.out) == (code, "")
    assert result.err.startswith(f"error: {message}")
    assert result.err.count("\n") == 1


def test_hostile_names_reach_no_stream_as_control(run: Run, here: Path) -> None:
    for text in HOSTILE.values():
        for command in ("show", "replay", "score", "export", "check", "run"):
            result = run("eval", command, text)
            assert result.code in (1, 2)
            assert not FOREIGN.search(result.out + result.err)
            assert "QA_DEBUG" not in result.err


def test_a_case_is_shown_in_full(run: Run, here: Path) -> None:
    shown = run("eval", "show", "last", "--case", "next-year")
    assert shown.code == 0
    assert shown.out.startswith(
        "next-year  follow_up  and in 2022?\n"
        "    came out  right\n"
        "    before    How many bicycles did Ben sell in 2021?\n"
        "    gold      15\n"
        "    answered  15 — Ben sold 15 bicycles in 2022. [1]\n"
        "    quote     [1] “Ben sold 15 bicycles in 2022.” — Ben, 1 June 2022\n"
        "    evidence  in passage 1\n"
        "    proof     “Ben sold 15 bicycles in 2022.” — ben.md\n"
        "    passage   1. index/articles/ben.md 0–59 — evidence\n"
    )
    assert shown.out.endswith("    evidence_recall@10        1.000\n")
    assert "None" not in shown.out
    (record,) = run("eval", "show", "last", "--case", "next-year", "--json").data
    assert (record["case"]["id"], record["prediction"]) == ("next-year", "15")
    unknown = run("eval", "show", "last", "--case", "bred").err
    assert unknown.endswith("Did you mean 'bread'? The first of its 8 is 'bread'.\n")


def test_suites_and_runs_are_listed_even_where_one_is_damaged(run: Run, mine: Path) -> None:
    rows = [row.split("\t") for row in run("eval", "list").out.splitlines()]
    assert ["suite", "small", "8 cases", "Four articles, eight questions."] in rows
    name = last_run(mine).name
    assert rows[-1] == ["run", name, "full", "no model", "8 questions", "answer_match 0.50", "whole"]
    assert run("eval", "run", "small", "--limit", "2", "--seed", "9", "--system", "retrieval").code == 0
    cut_run(last_run(mine), keep=2)
    (mine / "eval/suites/small.toml").write_text("gold = 3\n", encoding="utf-8")
    (mine / "eval/reports/small-bad").mkdir()
    (mine / "eval/reports/small-bad/run.json").write_text("{}", encoding="utf-8")
    listed = run("eval", "list")
    assert (listed.code, listed.err) == (0, "")
    assert f"suite\tsmall\tdamaged\t{mine}/eval/suites/small.toml:1: 'gold' must be text, not 3.\n" in listed.out
    assert "\thits@5 1.00\tonly limit 2\n" in listed.out
    assert "\tpartial: not finished\n" in listed.out
    assert re.search(r"run\tsmall-bad\t+damaged: .*/small-bad/run\.json is not the manifest of a run", listed.out)
    data = run("eval", "list", "--json").data
    assert {suite["name"]: suite.get("cases") for suite in data["suites"]}["small"] is None
    assert [one.get("error", "")[-40:] for one in data["runs"] if one["name"] == "small-bad"] == [
        "manifest of a run that this version can read."[-40:]
    ]


def test_before_the_first_run_there_is_none_to_show(run: Run, tmp_path: Path) -> None:
    result = run("eval", "show", "last", "--workspace", tmp_path)
    assert (result.code, result.err) == (1, "error: No run 'last'. List them with: qa eval list\n")
    listed = run("eval", "list", "--workspace", tmp_path, "--json").data
    assert listed["runs"] == []
    assert {suite["name"] for suite in listed["suites"]} == {"hostile", "news", "newswire", "sample"}


# comparing, replaying, scoring


def test_two_runs_are_compared_also_as_a_page_and_as_json(run: Run, here: Path, tmp_path: Path) -> None:
    result = run("eval", "compare", "small-b", "last", "--html", tmp_path / "new/page.html")
    assert result.code == 0
    assert re.match(r"A  small-bm25-\S+ · bm25 · no model\nB  small-2\S+ · full · no model\nsmall: 8 cases", result.out)
    assert "\n  system: bm25 → full\n" in result.out
    assert result.err == f"The comparison as a page: {tmp_path}/new/page.html\n"
    assert (tmp_path / "new/page.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    data = run("eval", "compare", "small-b", "last", "--json").data
    assert set(data) == {"a", "b", "cases", "differs", "changes", "flips", "notes"}
    assert (data["a"]["system"], data["b"]["system"], data["cases"]) == ("bm25", "full", 8)
    unwritable = run("eval", "compare", "small-b", "last", "--html", tmp_path)
    assert (unwritable.code, unwritable.err) == (1, f"error: {tmp_path} cannot be written: Is a directory.\n")


def test_runs_over_other_questions_are_not_compared(run: Run, mine: Path) -> None:
    write_suite(Workspace(mine, "named"), [*CASES[:-1]])
    assert run("eval", "run", "small").code == 0
    result = run("eval", "compare", "small-b", "last")
    assert (result.code, result.out) == (1, "")
    assert result.err.startswith("error: These runs are over different data, so no case can be paired: gold_sha256: ")


def test_a_replay_gives_the_report_to_the_byte(run: Run, here: Path) -> None:
    result = run("eval", "replay", "last")
    assert (result.code, result.out) == (0, "8 questions replayed: the report is the same to the byte.\n")
    assert result.err.endswith("replaying: 8 questions\n")
    data = run("eval", "replay", "last", "--json").data
    assert data == {"run": str(last_run(here)), "identical": True, "report": "same", "differs": []}


def test_a_replay_says_where_there_is_no_report_to_compare(run: Run, mine: Path) -> None:
    folder = last_run(mine)
    for report in folder.glob("report.*"):
        report.unlink()
    none = run("eval", "replay", "last")
    assert (none.code, none.out) == (
        0,
        "8 questions replayed: all come out the same; no report is compared, since the run has no report.\n",
    )
    cut_run(folder, keep=3)
    partial = run("eval", "replay", "last")
    why = "the run is partial (not finished)"
    assert (partial.code, partial.out) == (
        0,
        f"3 questions replayed: all come out the same; no report is compared, since {why}.\n",
    )
    assert run("eval", "replay", "last", "--json").data["report"] == "none"


def test_a_replay_that_comes_out_otherwise_exits_with_4_and_names_the_cases(run: Run, mine: Path) -> None:
    folder = last_run(mine)
    report = folder / "report.md"
    report.write_text(report.read_text(encoding="utf-8") + "More.\n", encoding="utf-8")
    other = run("eval", "replay", "last")
    assert (other.code, other.out) == (
        4,
        "8 questions replayed: all come out the same, but not the report: this version writes another, or it was"
        " changed.\n",
    )
    records = folder / "records.jsonl"
    said = records.read_text(encoding="utf-8").replace('"prediction": "15"', '"prediction": "51"')
    records.write_text(said, encoding="utf-8")
    result = run("eval", "replay", "last")
    assert (result.code, result.out) == (4, "1 of 8 questions come out otherwise: next-year\n")
    data = run("eval", "replay", "last", "--json").data
    assert (data["identical"], data["differs"]) == (False, [{"case": "next-year", "repeat": 1}])


def test_a_replay_of_a_run_whose_gold_has_changed_is_refused(run: Run, mine: Path) -> None:
    write_suite(Workspace(mine, "named"), [BREAD | {"answers": ["$4"]}, *CASES[1:]])
    result = run("eval", "replay", "last")
    assert (result.code, result.out) == (1, "")
    assert result.err.startswith("error: The run cannot be replayed, since this has changed: gold_sha256: ")


def test_a_run_is_scored_anew_with_other_labels(run: Run, mine: Path) -> None:
    before = (last_run(mine) / "records.jsonl").read_bytes()
    assert run("eval", "score", "last").out == run("eval", "show", "last").out
    gold = mine / "other.jsonl"
    gold.write_text(json.dumps(BREAD | {"answers": ["$4"], "number": None}) + "\n", encoding="utf-8")
    result = run("eval", "score", "last", "--gold", gold, "--json")
    assert (result.code, result.data["records"]) == (0, 1)
    assert result.data["measures"]["answer_match"]["mean"] == 0
    assert (last_run(mine) / "records.jsonl").read_bytes() == before
    gold.write_text(json.dumps(BREAD | {"id": "else"}) + "\n", encoding="utf-8")
    none = run("eval", "score", "last", "--gold", gold)
    assert (none.code, none.out) == (1, "")
    assert none.err.endswith(" is in that gold file.\n")


# exported runs


def test_an_exported_run_is_run_again_from_its_file(run: Run, mine: Path) -> None:
    assert run("eval", "run", "small", "--system", "oracle", "--tag", "fact").code == 0
    exported = run("eval", "export", "last")
    file = mine / "run.toml"
    file.write_text(exported.out, encoding="utf-8")
    assert tomllib.loads(exported.out) == run("eval", "export", "last", "--json").data
    again = run("eval", "run", "--config", file, "--concurrency", "2", "--json")
    assert (again.code, again.data["system"], again.data["selection"]) == (0, "oracle", {"tags": ["fact"]})
    assert (again.data["concurrency"], again.data["records"]) == (2, 2)
    stopped = run("eval", "run", "--config", file, "--max-seconds", "0")
    assert (stopped.code, "stopped after 0 s" in stopped.out) == (1, True)
    write_suite(Workspace(mine, "named"), CASES[:3])
    changed = run("eval", "run", "--config", file)
    assert changed.code == 1
    assert "\nerror: Not the run that was exported: gold_sha256: " in f"\n{changed.err}"


def test_an_exported_run_by_a_model_wants_its_server(run: Run, mine: Path, server: loopback.Loopback) -> None:
    server.replies = [loopback.whole_reply("NOT IN THESE ARTICLES")]
    assert run("eval", "run", "small", "--limit", "2", "--model", "tiny").code == 0
    (mine / "run.toml").write_text(run("eval", "export", "last").out, encoding="utf-8")
    again = run("eval", "run", "--config", "run.toml", "--json")
    assert (again.code, again.data["model"]) == (0, "tiny")
    assert again.err.startswith("Answers are written by tiny at 127.0.0.1:")


def test_an_exported_run_by_a_model_is_not_asked_elsewhere(
    run: Run, mine: Path, server: loopback.Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.replies = [loopback.whole_reply("NOT IN THESE ARTICLES")]
    assert run("eval", "run", "small", "--limit", "2").code == 0
    (mine / "run.toml").write_text(run("eval", "export", "last").out, encoding="utf-8")
    monkeypatch.delenv("OPENAI_BASE_URL")
    result = run("eval", "run", "--config", "run.toml")
    assert (result.code, result.out) == (1, "")
    assert result.err == f"error: The run was asked of {server.url}. Set OPENAI_BASE_URL, or base_url in qa.toml.\n"


# gold


def test_gold_without_a_fault_passes(run: Run, here: Path) -> None:
    result = run("eval", "check", "small")
    assert (result.code, result.err) == (0, "")
    assert result.out.splitlines()[0].startswith("small: 8 cases, 6 answerable (2 fact, 1 follow_up, 1 paraphrase")
    assert result.out.splitlines()[-1] == "0 problems, 0 doubts"
    assert run("eval", "check", "small", "--json").data["passed"] is True


def test_a_fault_of_gold_exits_with_4_and_names_file_and_line(run: Run, mine: Path) -> None:
    write_suite(Workspace(mine, "named"), [BREAD, BREAD | {"id": "again"}])
    result = run("eval", "check", "small")
    assert result.code == 4
    assert result.out.splitlines()[-1] == "1 problem, 0 doubts"
    assert result.out.splitlines()[1].startswith("problem: eval/gold/small.jsonl:2: case again: ")
    data = run("eval", "check", "small", "--json")
    assert (data.code, len(data.data["problems"])) == (4, 1)


def test_a_question_set_like_squad_is_imported_and_run(run: Run, mine: Path) -> None:
    (mine / "mill.json").write_text(json.dumps(SQUAD), encoding="utf-8")
    made = run("eval", "import", "mill.json", "squad", "--format", "squad")
    assert (made.code, made.out) == (0, "2 questions on 1 article. Ask them with: qa eval run squad/mill.toml\n")
    assert made.err.startswith("skipped mill.json: data[0].paragraphs[0].qas[2]: the answer “Ann” does not stand at ")
    result = run("eval", "run", "squad/mill.toml")
    assert (result.code, result.out.startswith("mill · full · 2 cases · no model · ")) == (0, True)
    assert run("eval", "check", "squad/mill.toml").out.endswith("0 problems, 0 doubts\n")
    twice = run("eval", "import", "mill.json", "squad", "--format", "squad")
    assert (twice.code, twice.out) == (2, "")
    assert twice.err == "error: squad/articles.jsonl is there already: name another folder, or remove it first.\n"


def test_a_question_set_like_beir_is_imported_and_run_though_its_evidence_is_whole_articles(
    run: Run, mine: Path
) -> None:
    folder = mine / "beir"
    (folder / "qrels").mkdir(parents=True)
    for name, texts in {
        "corpus": ["The mill of Brenn was built in 1842.", "Cia lives on a boat near Omsk."],
        "queries": ["when was the mill built", "where does Cia live"],
    }.items():
        lines = (json.dumps({"_id": f"{name[0]}{n}", "text": text}) + "\n" for n, text in enumerate(texts))
        (folder / f"{name}.jsonl").write_text("".join(lines), encoding="utf-8")
    (folder / "qrels/test.tsv").write_text("q0\tc0\t1\nq1\tc1\t1\n", encoding="utf-8")
    made = run("eval", "import", folder, "made", "--format", "beir", "--name", "tiny", "--json", "--workspace", mine)
    assert made.data == {"suite": "made/tiny.toml", "articles": 2, "cases": 2, "skipped": []}
    for system in ("full", "retrieval"):
        result = run("eval", "run", "made/tiny.toml", "--system", system)
        assert (result.code, result.out.partition(" · no")[0]) == (0, f"tiny · {system} · 2 cases")
        assert "\n  hits@10             1.000  " in result.out
    assert "    proof     the whole article — c0\n" in run("eval", "show", "last", "--case", "q0").out
    assert run("eval", "replay", "last").code == 0


# a judge


class Grader(list[loopback.Canned]):
    """Replies of a judge who finds an answer right that holds a known one, whichever letter stands for it."""

    def __init__(self, server: loopback.Loopback) -> None:
        super().__init__()
        self._server = server

    def __len__(self) -> int:
        return 1

    def __getitem__(self, place: Any) -> Any:
        asked = self._server.posts[-1].body["messages"][-1]["content"]
        gold, said = asked.partition("Known right answers:")[2].split("Answer to grade:")
        is_right = any(answer in said for answer in re.findall(r"^- (.*)$", gold, re.MULTILINE))
        letters = {grade: letter for letter, grade in re.findall(r"^([ABC]): (.*)$", said, re.MULTILINE)}
        return loopback.whole_reply(letters["correct" if is_right else "incorrect"])


def label(workspace: Path) -> None:
    """Two answers labelled by hand, in the place of the packaged ones."""
    entry = {"question": "Who won?", "answers": ["Ann"], "why": "plain"}
    lines = [
        {"id": "l1", **entry, "said": "It was Ann.", "label": "correct"},
        {"id": "l2", **entry, "said": "It was Annabel.", "label": "incorrect"},
    ]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (workspace / "eval/gold/judge.jsonl").write_text(text, encoding="utf-8")


def test_a_judge_grades_a_run_and_its_agreement_with_labels_is_told(
    run: Run, mine: Path, server: loopback.Loopback
) -> None:
    label(mine)
    server.replies = Grader(server)
    result = run("eval", "judge", "last", "--model", "tiny")
    assert result.code == 0
    assert re.match(
        r"tiny at 127\.0\.0\.1:\d+ judges: questions, known answers and the answers given are sent there\n"
        r"judging: 6 answers\njudging what is labelled: 2 answers\n$",
        result.err,
    )
    lines = result.out.splitlines()
    assert lines[0] == "A model's opinion, not a measurement; nothing else of the run depends on it."
    assert lines[2].startswith("found correct: 0.833 ")
    assert lines[-2:] == [
        "agreement with labels given by hand: 0.500 of 2, Cohen's kappa 0.000",
        "they differ on: l2",
    ]
    assert len((last_run(mine) / "judgements.jsonl").read_text(encoding="utf-8").splitlines()) == 6
    asked = len(server.posts)
    again = run("eval", "judge", "last", "--model", "tiny", "--json")
    assert (again.data["records"], again.data["labelled"]["differing"]) == (6, ["l2"])
    assert len(server.posts) == asked, "no reply is asked for twice"
    assert run("eval", "replay", "last").code == 0
    even = run("eval", "judge", "last", "--model", "tiny", "--votes", "4")
    assert (even.code, even.err) == (2, "error: A judge cannot have 4 votes: give an odd number from 3 on.\n")
    unknown = run("eval", "judge", "last", "--model", "tniy")
    assert (unknown.code, unknown.out) == (1, "")
    assert "has no model 'tniy'. Did you mean 'tiny'?" in unknown.err


def test_the_packaged_labels_are_judged_where_a_workspace_has_none(
    run: Run, mine: Path, server: loopback.Loopback
) -> None:
    server.replies = [loopback.whole_reply("D")]
    data = run("eval", "judge", "last", "--model", "tiny", "--json").data
    assert data["correct"]["unscorable"] == 6, "no letter that stands for a grade"
    assert data["labelled"]["unreadable"] == 80


# a real terminal


@forks
def test_ctrl_c_on_a_terminal_keeps_what_was_asked_and_the_same_command_goes_on(run: Run, mine: Path) -> None:
    write_towns(Workspace(mine, "named"), 120)
    with terminal("eval", "run", "towns", columns=100, cwd=mine) as child:
        child.expect(r"evaluating .{1,99}━.{1,99}[1-9]\d/120.{1,30}\d:\d\d:\d\d.{1,20}answer match [01]\.\d\d")
        child.sendintr()
        shown = OURS.sub("", read_all(child))
    assert child.exitstatus == 130
    assert shown.endswith("Interrupted: what was asked is kept; the same command goes on with it.\n")
    with terminal("eval", "run", "towns", "--max-seconds", "0", columns=100, cwd=mine) as child:
        child.expect(r"Going on with eval/reports/towns-\S+: (\d+) of 120 asked")
        assert int(child.match.group(1)) >= 10
        read_all(child)
    assert child.exitstatus == 1
    result = run("eval", "run", "towns")
    assert result.code == 0
    assert result.out.startswith("towns · full · 120 cases · no model · ")
    assert re.match(r"Going on with eval/reports/towns-\S+: [1-9]\d+ of 120 asked\n", result.err)


@forks
@pytest.mark.parametrize("plain", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_on_a_terminal_without_colour_there_is_no_escape_at_all(
    here: Path, plain: dict[str, str], tmp_path: Path
) -> None:
    arguments = ["eval", "run", "small", "--output", str(tmp_path / "run"), "--workspace", str(here)]
    with terminal(*arguments, **plain) as child:
        shown = read_all(child)
    assert child.exitstatus == 0
    assert "\x1b" not in shown
    assert shown.startswith("evaluating: 8 questions\nsmall · full · 8 cases · no model · ")
    assert shown.endswith(f"Records and reports: {tmp_path}/run/report.html\n")


def test_ctrl_c_before_the_first_question_says_that_nothing_was_asked(
    run: Run, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("qa.eval_order.run_suite", interrupted)
    result = run("eval", "run", "small")
    assert (result.code, result.out, result.err) == (130, "", "Interrupted: no question was asked yet.\n")
