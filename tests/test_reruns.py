from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from llama import MODEL_NAME, llama_server  # noqa: F401  (a fixture)
from loopback import serve, whole_reply
from small_suite import (
    BICYCLES,
    BOAT,
    BREAD,
    CASES,
    CUP,
    MILL,
    NEXT_YEAR,
    NOWHERE,
    SUITE,
    Clerk,
    write,
    write_suite,
)

import qa
from qa.errors import ContentError, ModelUnavailable, QAError
from qa.gold import read_gold
from qa.report_files import same_reports, write_reports
from qa.reruns import Replayed, replay_run, rescore_run
from qa.run_folder import Run, read_records
from qa.run_options import RunOptions
from qa.runs import evaluate, run_suite
from qa.settings import Settings
from qa.suite import load_suite
from qa.sync import Progress
from qa.testing import HashingEmbedder, ScriptedChat
from qa.workspace import Workspace, find_workspace

REPOSITORY = Path(__file__).parent.parent
HERE = Settings()
ANN = "Ann paid $3 for bread. [1]"
# Not the settings of any run: nothing of a server may be needed, and what a model is shown is that of the run.
ELSEWHERE = Settings(
    model="another", base_url="http://192.0.2.1:1/v1", api_key="none", context_tokens=200, max_output_tokens=16
)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "workspace", "named")


@pytest.fixture
def run_it(workspace: Workspace) -> Callable[..., Run]:
    """Run gold questions and write the reports; other arguments are options."""

    def run(gold: Sequence[dict[str, Any]] = CASES, model: Any = False, **options: Any) -> Run:
        run = run_suite(
            write_suite(workspace, gold),
            workspace,
            settings=HERE,
            model=model,
            embedder=HashingEmbedder(),
            options=RunOptions(**options),
        )
        write_reports(run)
        return run

    return run


def replay(run: Run, workspace: Workspace) -> Replayed:
    return replay_run(run.folder, workspace, settings=ELSEWHERE)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


# asked again


def fails_at(word: str) -> Clerk:
    return Clerk(fails=lambda asked: word in asked.rpartition("Question: ")[2])


@pytest.mark.parametrize(
    ("model", "options"),
    [
        (None, {}),
        (None, {"system": "retrieval"}),
        (None, {"system": "always-abstain"}),
        (None, {"system": "always-answer"}),
        (None, {"system": "bm25"}),
        (None, {"system": "oracle"}),
        (Clerk, {}),
        (Clerk, {"system": "oracle"}),
        (Clerk, {"system": "closed-book"}),
        (Clerk, {"system": "bm25", "seed": 5}),
        (Clerk, {"concurrency": 4, "repeats": 3}),
        (Clerk, {"limit": 3}),
        (Clerk, {"max_tokens": 400}),
        (lambda: fails_at("boat near"), {}),
        (lambda: fails_at("Where does Cia"), {}),
        (lambda: fails_at("2021"), {"repeats": 2}),
        (lambda: fails_at("Omsk"), {"system": "closed-book"}),
    ],
)
def test_a_replay_gives_the_same_records_and_reports_to_the_byte(
    run_it: Callable[..., Run],
    workspace: Workspace,
    network: list[str],
    model: Callable[[], Any] | None,
    options: dict[str, Any],
) -> None:
    run = run_it(model=model() if model else False, **options)
    before = contents(run.folder)
    again = replay(run, workspace)
    assert again.differs == ()
    assert again.run.records == run.records == read_records(run.folder)
    assert (again.run.measures, again.run.gates) == (run.measures, run.gates)
    assert same_reports(again.run)
    assert contents(run.folder) == before
    assert network == []


def test_replies_that_differ_from_repeat_to_repeat_are_replayed_each_in_its_place(
    run_it: Callable[..., Run], workspace: Workspace
) -> None:
    replies = [ANN, NOWHERE, "Ann paid $4 for bread. [1]", NOWHERE, ModelUnavailable("gone"), "It was in Brenn. [1]"]
    run = run_it([BREAD, CUP], model=ScriptedChat(replies), repeats=3)
    assert len(run.unscorable) == 1
    again = replay(run, workspace)
    assert again.run.records == run.records
    assert same_reports(again.run)


def test_a_conversation_is_replayed_turn_by_turn(run_it: Callable[..., Run], workspace: Workspace) -> None:
    long = NEXT_YEAR | {"id": "long", "turns": ["Where does Cia live?", "How many bicycles did Ben sell in 2022?"]}
    model = Clerk()
    run = run_it([NEXT_YEAR, long | {"question": "and in 2021?", "answers": ["12"]}], model=model)
    assert sum("Last question:" in asked for asked in model.calls) == 3
    assert [record["asked"][-5:] for record in run.records] == ["2022?", "2021?"]
    assert replay(run, workspace).run.records == run.records


def test_the_day_of_a_replay_is_that_of_the_run(run_it: Callable[..., Run], workspace: Workspace) -> None:
    run = run_it([BREAD], model=Clerk())
    with closing(sqlite3.connect(run.folder / "calls.sqlite")) as calls:
        request = calls.execute("SELECT request FROM replies").fetchone()[0]
    assert f"Today is {run.started.day} {run.started:%B %Y}" in request
    assert replay(run, workspace).differs == ()


def test_a_run_on_a_server_is_replayed_without_it(workspace: Workspace) -> None:
    with serve() as server:
        server.list_models("m")
        server.replies = [whole_reply("Ann", " paid", " $3", " for", " bread.", " [1]")]
        settings = Settings(base_url=server.url, api_key="k-3F9A-secret", context_tokens=300)
        suite = write_suite(workspace, [BREAD, BICYCLES])
        run = run_suite(suite, workspace, settings=settings, model="m", embedder=HashingEmbedder())
        write_reports(run)
    again = replay(run, workspace)
    assert again.run.records == run.records
    assert same_reports(again.run)


def test_a_run_of_a_real_model_is_replayed_without_it(workspace: Workspace, llama_server: str) -> None:  # noqa: F811
    settings = Settings(base_url=llama_server, context_tokens=200, max_output_tokens=16, timeout_seconds=300)
    suite = write_suite(workspace, [BREAD, NEXT_YEAR])
    run = run_suite(suite, workspace, settings=settings, model=MODEL_NAME, embedder=HashingEmbedder())
    assert run.model == MODEL_NAME
    assert run.unscorable == ()
    write_reports(run)
    again = replay(run, workspace)
    assert again.run.records == run.records
    assert same_reports(again.run)


def test_the_sample_suite_is_replayed_as_it_was_run_with_the_bundled_embedder(
    tmp_path: Path, network: list[str]
) -> None:
    sample = load_suite("sample", find_workspace(REPOSITORY, REPOSITORY))
    workspace = Workspace(tmp_path / "workspace", "named")
    run = run_suite(sample, workspace, settings=HERE, options=RunOptions(tags=("trade",)))
    assert len(run.records) >= 10
    write_reports(run)
    again = replay(run, workspace)
    assert again.run.records == run.records
    assert same_reports(again.run)
    assert network == []


def test_progress_of_a_replay_counts_the_cases(run_it: Callable[..., Run], workspace: Workspace) -> None:
    run, seen = run_it([BREAD, CUP]), list[Progress]()
    replay_run(run.folder, workspace, settings=HERE, on_progress=seen.append)
    assert [p for p in seen if p.stage == "replaying"] == [Progress("replaying", n, 2) for n in range(2)]


# asked again on the archive of a user


def test_a_run_on_an_archive_of_a_user_is_replayed_there(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "mine", "named")
    suite = write_suite(workspace, [BREAD, BICYCLES])  # names another archive, with other articles
    for name, text in (("ann", "Ann paid $3 for bread."), ("ben", "Ben sold 12 bicycles in 2021.")):
        write(workspace.articles / f"{name}.md", text)
    with qa.open(workspace.root, embedder=HashingEmbedder()) as archive:
        run = evaluate(archive, suite, model=Clerk())
    write_reports(run)
    again = replay(run, workspace)
    assert again.run.records == run.records
    assert same_reports(again.run)
    write(workspace.articles / "ann.md", "Ann paid $3 for bread, and was glad.")
    with pytest.raises(ContentError, match=r"this has changed: archive_sha256: \w{12}… → \w{12}…\.$"):
        replay(run, workspace)
    with qa.open(workspace.root, embedder=HashingEmbedder()) as archive:
        assert archive.needs_sync()
        assert "glad" in archive.search("Was Ann glad?", limit=1)[0].passage.text


def test_a_suite_that_a_program_made_is_handed_in_again(run_it: Callable[..., Run], workspace: Workspace) -> None:
    made = replace(write_suite(workspace, [BREAD, CUP]), file=None)
    run = run_suite(made, workspace, settings=HERE, embedder=HashingEmbedder())
    write_reports(run)
    with pytest.raises(ContentError, match=r"^The suite 'small' was made by a program: only that can replay it\.$"):
        replay(run, workspace)
    again = replay_run(run.folder, workspace, settings=HERE, suite=made)
    assert again.run.records == run.records


@pytest.mark.parametrize("inside", [False, True])
def test_a_suite_known_by_its_file_only_is_found_again(workspace: Workspace, tmp_path: Path, inside: bool) -> None:
    write_suite(workspace, [BREAD])
    place = workspace.root if inside else tmp_path / "elsewhere"
    write(place / "small.toml", f'archive = "{workspace.root}/eval/archives/small"\ngold = "gold.jsonl"\n')
    write(place / "gold.jsonl", json.dumps(CUP) + "\n")
    suite = load_suite(place / "small.toml", workspace)
    run = run_suite(suite, workspace, settings=HERE, embedder=HashingEmbedder())
    assert run.manifest["suite_file"] == ("small.toml" if inside else str(place / "small.toml"))
    assert replay(run, workspace).run.records == run.records


# what has changed since


def change_gold(workspace: Workspace) -> None:
    write_suite(workspace, [BREAD | {"answers": ["$4"]}, *CASES[1:]])


def change_article(workspace: Workspace) -> None:
    write(workspace.root / "eval/archives/small/cia.md", "Cia lives on a boat near Omsk. The boat is blue.\n")


def change_title(workspace: Workspace) -> None:
    text = "---\npublished: 2022-07-01\n---\nCia lives on a boat near Omsk. The boat is red.\n"
    write(workspace.root / "eval/archives/small/cia.md", text.replace("---\n", "---\ntitle: Boats\n", 1))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (change_gold, r"gold_sha256: \w{12}… → \w{12}… \(case bread\)\.$"),
        (lambda workspace: write_suite(workspace, CASES[1:]), r"gold_sha256: .* \(case bread\)\.$"),
        (
            lambda workspace: write_suite(workspace, [*CASES, CUP | {"id": "more"}]),
            r"gold_sha256: \w{12}… → \w{12}…\.$",
        ),
        (change_article, r"archive_sha256: \w{12}… → \w{12}…\.$"),
        (change_title, r"archive_sha256: \w{12}… → \w{12}…\.$"),
        (
            lambda workspace: write(workspace.root / "eval/archives/small/eve.md", "Eve keeps bees.\n"),
            r"archive_sha256: \w{12}… → \w{12}…\.$",
        ),
        (
            lambda workspace: write(workspace.root / "index/recipe.toml", "[passages]\nbudget_tokens = 16\n"),
            r"recipe\.budget_tokens: 128 → 16\.$",
        ),
    ],
)
def test_what_has_changed_since_the_run_is_named_and_refused(
    run_it: Callable[..., Run], workspace: Workspace, change: Callable[[Workspace], object], message: str
) -> None:
    run = run_it(model=Clerk())
    change(workspace)
    with pytest.raises(ContentError, match=f"^The run cannot be replayed, since this has changed: {message}"):
        replay(run, workspace)


@pytest.mark.parametrize("name", ["answer", "follow_up"])
def test_a_prompt_that_has_changed_is_an_error_of_one_line(
    run_it: Callable[..., Run], workspace: Workspace, name: str
) -> None:
    run = run_it(model=Clerk())
    text = (REPOSITORY / f"prompts/{name}.md").read_text(encoding="utf-8")
    write(workspace.root / f"prompts/{name}.md", text.replace("You ", "You always "))
    with pytest.raises(ContentError, match=r"^No reply of clerk is recorded for this call: a prompt or the program"):
        replay(run, workspace)


def test_a_call_that_is_missing_is_not_made_up_for_by_that_of_another_repeat(
    run_it: Callable[..., Run], workspace: Workspace
) -> None:
    run = run_it([BREAD, CUP], model=Clerk(), repeats=2)
    with closing(sqlite3.connect(run.folder / "calls.sqlite", isolation_level=None)) as calls:
        assert calls.execute("""DELETE FROM replies WHERE request LIKE '%cup in Omsk%"repeat": 2%'""").rowcount == 1
    with pytest.raises(ContentError, match=r"^No reply of clerk is recorded for this call"):
        replay(run, workspace)


def test_a_prompt_that_has_changed_does_not_matter_where_no_model_was_asked(
    run_it: Callable[..., Run], workspace: Workspace
) -> None:
    run = run_it()
    text = (REPOSITORY / "prompts/answer.md").read_text(encoding="utf-8")
    write(workspace.root / "prompts/answer.md", text.replace("You ", "You always "))
    assert replay(run, workspace).differs == ()


def test_a_case_that_comes_out_otherwise_is_named(run_it: Callable[..., Run], workspace: Workspace) -> None:
    run = run_it([BREAD, BOAT], model=Clerk(), repeats=2)
    with closing(sqlite3.connect(run.folder / "calls.sqlite", isolation_level=None)) as calls:
        calls.execute(
            "UPDATE replies SET parts = replace(parts, '$3', 'much') WHERE request LIKE '%pay for bread%\"repeat\": 2%'"
        )
    again = replay(run, workspace)
    assert again.differs == (("bread", 2),)
    assert not same_reports(again.run)
    assert again.run.measures["answer_match"].mean == 0.25


def test_gates_that_were_changed_since_are_not_those_of_the_run(
    run_it: Callable[..., Run], workspace: Workspace
) -> None:
    run = run_it()
    write_suite(workspace, suite=SUITE.replace("0.5", "0.9").replace("quote_validity = 1.0", ""))
    again = replay(run, workspace)
    assert again.run.gates == run.gates
    assert same_reports(again.run)


def test_a_gate_on_a_kept_run_is_judged_again(run_it: Callable[..., Run], workspace: Workspace) -> None:
    kept = run_it()
    kept.folder.rename(kept.folder.parent / "kept")
    text = f'{SUITE}answer_match = {{not_worse_than = "eval/reports/kept"}}\n'
    suite = write_suite(workspace, suite=text)
    run = run_suite(suite, workspace, settings=HERE, embedder=HashingEmbedder())
    write_reports(run)
    assert [gate.kind for gate in run.gates] == ["mean", "mean", "not_worse_than"]
    again = replay(run, workspace)
    assert again.run.gates == run.gates
    assert same_reports(again.run)
    assert rescore_run(run.folder).gates == run.gates[:2]


@pytest.mark.parametrize(
    ("file", "raw", "message"),
    [
        ("calls.sqlite", None, r"has no recorded calls \(calls\.sqlite\)\.$"),
        ("calls.sqlite", b"not a database, " * 512, r"calls\.sqlite, which keeps the calls .* cannot be used"),
        ("records.jsonl", None, r"holds no records"),
        ("records.jsonl", b"{}\n", r"records\.jsonl:1 is no record that this version can read"),
        ("run.json", None, r"holds no run"),
        (
            "run.json",
            b'{"suite": "small", "system": "full", "model": null, "started": "2022-07-05"}',
            r"lacks suite_file",
        ),
    ],
)
def test_a_run_that_is_damaged_cannot_be_replayed(
    run_it: Callable[..., Run], workspace: Workspace, file: str, raw: bytes | None, message: str
) -> None:
    run = run_it([BREAD])
    (run.folder / file).unlink()
    if raw is not None:
        (run.folder / file).write_bytes(raw)
    with pytest.raises(ContentError, match=message) as raised:
        replay(run, workspace)
    assert "\n" not in str(raised.value)


def test_a_suite_that_is_gone_is_named(run_it: Callable[..., Run], workspace: Workspace) -> None:
    run = run_it([BREAD])
    (workspace.root / "eval/suites/small.toml").unlink()
    with pytest.raises(QAError, match=r"small.* cannot be read: No such file or directory\.$"):
        replay(run, workspace)


# scored anew


@pytest.mark.parametrize(
    ("model", "options"),
    [
        (None, {}),
        (None, {"system": "retrieval"}),
        (None, {"system": "always-abstain"}),
        (Clerk, {"repeats": 2}),
        (Clerk, {"system": "closed-book"}),
        (Clerk, {"system": "oracle"}),
        (lambda: fails_at("Where does Cia"), {}),
        (lambda: fails_at("Omsk"), {"system": "closed-book"}),
        (Clerk, {"limit": 3}),
        (Clerk, {"max_tokens": 400}),
    ],
)
def test_the_answers_of_a_run_scored_anew_have_the_same_scores(
    run_it: Callable[..., Run], model: Callable[[], Any] | None, options: dict[str, Any]
) -> None:
    run = run_it(model=model() if model else False, **options)
    before = contents(run.folder)
    again = rescore_run(run.folder)
    assert (again.records, again.measures, again.gates) == (run.records, run.measures, run.gates)
    assert same_reports(again)
    assert contents(run.folder) == before


def test_other_labels_give_other_scores(run_it: Callable[..., Run], workspace: Workspace, tmp_path: Path) -> None:
    run = run_it([BREAD, MILL, CUP], model=Clerk())
    assert run.records[0]["scores"]["answer_match"] == 1
    labels = [BREAD | {"answers": ["$5"], "number": {"value": 5, "unit": "USD"}}, BOAT | {"id": "cup"}]
    write(tmp_path / "labels.jsonl", "".join(json.dumps(case) + "\n" for case in labels))
    again = rescore_run(run.folder, read_gold(tmp_path / "labels.jsonl"))
    bread, cup = again.records
    assert (bread["scores"]["answer_match"], bread["scores"]["numeric_match"]) == (0, 0)
    assert bread["case"]["answers"] == ["$5"]
    assert (cup["scores"]["abstention_recall"], cup["scores"]["not_attempted"]) == (None, 1)
    assert again.measures["answer_match"].n == 2
    assert again.gates == ()  # a case is left out: that is no whole run
    assert [bool(record["unscorable"]) for record in again.records] == [False, False]


def test_labels_of_all_cases_are_judged_by_the_gates(
    run_it: Callable[..., Run], workspace: Workspace, tmp_path: Path
) -> None:
    run = run_it([BREAD, CUP])
    again = rescore_run(run.folder, load_suite("small", workspace).cases)
    assert again.gates == run.gates


def test_a_case_that_could_not_be_scored_stays_so_under_other_labels(
    run_it: Callable[..., Run], tmp_path: Path
) -> None:
    run = run_it([BREAD, CUP], model=fails_at("Omsk"))
    assert list(run.records[1]["unscorable"]) == ["abstention_recall", "abstention_f1"]
    write(tmp_path / "labels.jsonl", json.dumps(BOAT | {"id": "cup"}) + "\n")
    again = rescore_run(run.folder, read_gold(tmp_path / "labels.jsonl"))
    assert "answer_match" in again.records[0]["unscorable"]
    assert (again.measures["answer_match"].n, again.measures["answer_match"].unscorable) == (0, 1)


def test_labels_of_other_cases_are_refused(run_it: Callable[..., Run], tmp_path: Path) -> None:
    run = run_it([BREAD])
    write(tmp_path / "labels.jsonl", json.dumps(BOAT) + "\n")
    with pytest.raises(ContentError, match=r"^No case of .* is in that gold file\.$"):
        rescore_run(run.folder, read_gold(tmp_path / "labels.jsonl"))


def test_a_run_of_which_nothing_was_asked_yet_can_be_scored_and_replayed(
    run_it: Callable[..., Run], workspace: Workspace
) -> None:
    run = run_it(max_seconds=0)
    assert rescore_run(run.folder).records == replay(run, workspace).run.records == ()
