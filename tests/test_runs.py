from __future__ import annotations

import json
import random
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import pytest
from loopback import closed_port, failure, serve, whole_reply
from numpy.typing import NDArray
from run_to_kill import STARTED
from small_suite import (
    BICYCLES,
    BOAT,
    BREAD,
    CASES,
    CUP,
    EARLIER,
    FOUND,
    NEXT_YEAR,
    NOWHERE,
    PRICE,
    Clerk,
    prove,
    without_times,
    write,
    write_suite,
    write_towns,
)

import qa
from qa.articles import hash_text
from qa.errors import ContentError, ModelRejected, ModelUnavailable, UsageError, WorkspaceError
from qa.measures import MEASURES, RANKING, SCORES
from qa.models import Message, ReplyPart
from qa.report_files import write_reports
from qa.run_folder import Run, open_run, read_manifest, read_records
from qa.run_options import RunOptions
from qa.runs import evaluate, run_suite
from qa.scoring import load_run
from qa.settings import Settings
from qa.suite import Suite, load_suite
from qa.sync import Progress
from qa.testing import HashingEmbedder, ScriptedChat
from qa.workspace import Workspace, find_workspace

REPOSITORY = Path(__file__).parent.parent
SCRIPT = Path(__file__).parent / "run_to_kill.py"
IDS = [case["id"] for case in CASES]
PRICED = Settings(usd_per_million_input_tokens=2.0, usd_per_million_output_tokens=10.0)
DEAD = ModelUnavailable("127.0.0.1 refused the connection.")


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "workspace", "named")


@pytest.fixture
def suite(workspace: Workspace) -> Suite:
    return write_suite(workspace)


@pytest.fixture
def run_it(suite: Suite, workspace: Workspace) -> Callable[..., Run]:
    """Run the suite, or one of other gold; what is no argument of `run_suite` is an option."""

    def run(gold: Sequence[dict[str, Any]] | None = None, **given: Any) -> Run:
        chosen = write_suite(workspace, gold) if gold is not None else suite
        names = ("model", "embedder", "folder", "settings", "on_progress")
        arguments = {"embedder": HashingEmbedder(), "settings": Settings()}
        arguments |= {name: given.pop(name) for name in names if name in given}
        return run_suite(chosen, workspace, options=RunOptions(**given), **arguments)

    return run


def ids(run: Run) -> list[str]:
    return [record["case"]["id"] for record in run.records]


def case_of(run: Run, id_: str) -> dict[str, Any]:
    return next(dict(record) for record in run.records if record["case"]["id"] == id_)


def asks_about(word: str) -> Callable[[str], bool]:
    return lambda asked: word in asked.rpartition("Question: ")[2]


def interrupted_by(error: BaseException, word: str) -> Clerk:
    """A model that ends the run when it is asked for the first time about this."""
    left = [error]

    def fail(asked: str) -> bool:
        if left and asks_about(word)(asked):
            raise left.pop()
        return False

    return Clerk(fails=fail)


# cases to records


def test_a_right_answer_scores_on_every_measure_that_applies(run_it: Callable[..., Run]) -> None:
    record = run_it(model=Clerk()).records[0]
    assert record["answer"] is not None
    assert record["answer"]["text"] == "Ann paid $3 for bread. [1]"
    names = ("answer_match", "numeric_match", "quote_validity", "citation_recall", "figure_support", "hits@1", "mrr@10")
    assert {name: record["scores"][name] for name in names} == dict.fromkeys(names, 1)
    assert record["scores"].keys() == set(SCORES)
    assert record["stands"] == [True]


def test_a_wrong_figure_is_not_supported_but_its_quote_stands(run_it: Callable[..., Run]) -> None:
    said = "Ben sold bicycles. [1] Ben sold 99 bicycles in 2021. [1]"
    record = run_it([BICYCLES], model=ScriptedChat([said])).records[0]
    scores = record["scores"]
    assert (scores["answer_match"], scores["numeric_match"], scores["incorrect"]) == (0, 0, 1)
    assert (scores["quote_validity"], scores["figure_support"]) == (1, 0.5)
    assert record["answer"] is not None
    assert [statement["verdict"] for statement in record["answer"]["statements"]] == ["supported", "unsupported"]


def test_where_nothing_of_the_model_holds_the_sentence_on_record_is_scored_and_the_cost_is_the_models(
    run_it: Callable[..., Run],
) -> None:
    run = run_it([BICYCLES], model=ScriptedChat(["Ben sold 99 bicycles in 2021. [1]"]))
    (record,) = run.records
    assert (record["prediction"], record["scores"]["answer_match"]) == ("12", 1)
    assert record["answer"] is not None
    assert (record["answer"]["mode"], record["answer"]["model"]) == ("extract", "scripted")
    assert run.measures["output_tokens"].mean == 7


def test_an_abstention_where_there_is_an_answer_scores_zero_on_what_applies(run_it: Callable[..., Run]) -> None:
    record = run_it([BOAT], model=ScriptedChat([NOWHERE])).records[0]
    scores = record["scores"]
    assert record["prediction"] is None
    assert (scores["answer_match"], scores["not_attempted"], scores["abstention_precision"]) == (0, 1, 0)
    assert scores["numeric_match"] is None
    assert scores["quote_validity"] is None
    assert scores["hits@1"] == 1


def test_a_question_without_answer_has_scores_of_abstaining_only(run_it: Callable[..., Run]) -> None:
    right, wrong = run_it([PRICE, CUP], model=ScriptedChat([NOWHERE, "Cia lives on a boat near Omsk. [1]"])).records
    assert {name for name, score in right["scores"].items() if score is not None} == {
        "abstention_precision", "abstention_recall",
    }  # fmt: skip
    assert (wrong["scores"]["abstention_recall"], wrong["scores"]["answer_match"]) == (0, None)


def test_the_passages_found_are_kept_with_their_places_and_what_they_prove(run_it: Callable[..., Run]) -> None:
    first, *others = run_it([BREAD]).records[0]["hits"]
    assert first["source"] == "index/articles/ann.md"
    assert (first["start"], first["parts"]) == (0, [1])
    assert len(others) == 3
    assert not any(hit["parts"] for hit in others)


def test_a_question_for_passages_only_has_measures_of_ranking_only(run_it: Callable[..., Run]) -> None:
    record = run_it([FOUND], system="retrieval").records[0]
    assert {name for name, score in record["scores"].items() if score is not None} == set(RANKING)
    assert record["answer"] is None


def test_a_follow_up_is_asked_after_the_turns_before_it(run_it: Callable[..., Run]) -> None:
    model = Clerk()
    record = run_it([NEXT_YEAR], model=model).records[0]
    assert record["asked"] == "How many bicycles did Ben sell in 2022?"
    assert record["prediction"] == "15"
    assert len(model.calls) == 3  # the turn before it, the follow-up made whole, and that


def test_the_day_of_a_case_hides_what_was_published_later(run_it: Callable[..., Run]) -> None:
    early, late = run_it([BOAT | {"as_of": "2022-06-30", "id": "early"}, EARLIER]).records
    assert {hit["source"] for hit in early["hits"]} == {"index/articles/ann.md", "index/articles/ben.md"}
    assert late["scores"]["hits@1"] == 1
    assert late["answer"] is not None
    assert late["answer"]["searched"]["as_of"] == "2022-07-02"


def test_a_record_holds_the_gold_the_answer_and_the_time_apart(run_it: Callable[..., Run]) -> None:
    record = run_it(model=Clerk()).records[0]
    number = BREAD["number"] | {"tolerance": 0, "period": None}
    assert record["case"] == BREAD | {"number": number}
    assert record["answer"] is not None
    assert record["answer"]["citations"][0]["quote"] == "Ann paid $3 for bread."
    assert "seconds" not in record["answer"]
    assert record["seconds"].keys() == {"retrieval", "answer", "total"}


def test_a_reply_with_half_a_character_is_kept_as_text(run_it: Callable[..., Run]) -> None:
    run = run_it([BREAD], model=ScriptedChat(["Ann paid $3 for bread. \ud83d [1]"]))
    assert "\ufffd" in str(run.records[0]["answer"])
    assert load_run(run.folder).records == run.records


# what is written


def test_records_and_manifest_are_written_and_nothing_else_is_left(run_it: Callable[..., Run]) -> None:
    run = run_it(model=Clerk())
    assert sorted(path.name for path in run.folder.iterdir()) == ["calls.sqlite", "records.jsonl", "run.json"]
    assert read_records(run.folder) == run.records
    assert read_manifest(run.folder) == run.manifest
    loaded = load_run(run.folder)
    assert (loaded.measures, loaded.gates) == (run.measures, run.gates)
    assert list(run.measures) == list(MEASURES)


def test_the_manifest_says_what_the_run_follows_from(run_it: Callable[..., Run]) -> None:
    run = run_it(model=Clerk(), seed=3)
    manifest = run.manifest
    assert (run.suite, run.system, run.model, run.partial) == ("small", "full", "clerk", None)
    assert (manifest["finished"], manifest["cases"], manifest["seed"]) == (True, 8, 3)
    assert manifest["prompts"] == {
        name: hash_text((REPOSITORY / f"prompts/{name}.md").read_text(encoding="utf-8"))
        for name in ("answer", "follow_up", "decompose")
    }
    assert (manifest["embedder"], manifest["suite_file"]) == ("hashing-64", "small")
    assert manifest["settings"]["context_tokens"] == 2000
    assert manifest["versions"]["onrecord"] == qa.__version__
    assert manifest["day"] == run.started.date().isoformat()
    assert all(len(manifest[name]) == 64 for name in ("gold_sha256", "archive_sha256", "origin_sha256"))


def test_the_folder_is_named_after_suite_system_and_time_and_never_used_twice(run_it: Callable[..., Run]) -> None:
    runs = [run_it([CUP], system="retrieval") for _ in range(3)]
    assert len({run.folder for run in runs}) == 3
    assert all(run.folder.name.startswith(f"small-retrieval-{run.started:%Y%m%dT%H}") for run in runs)


def test_gates_are_judged_on_the_whole_suite_only(run_it: Callable[..., Run]) -> None:
    whole = run_it(model=Clerk())
    assert [(gate.measure, gate.passed) for gate in whole.gates] == [("hits@5", True), ("quote_validity", True)]
    assert whole.manifest["gate_results"][0]["measure"] == "hits@5"
    assert run_it(model=Clerk(), limit=3).gates == ()
    assert run_it(model=Clerk(), max_tokens=1).gates == ()


class Keeping(HashingEmbedder):
    """An embedder that knows what it was asked to embed."""

    def __init__(self) -> None:
        super().__init__(dimension=48)
        self.texts: set[str] = set()

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.texts.update(texts)
        return super().embed(texts)


@pytest.mark.parametrize("system", ["full", "retrieval", "oracle", "closed-book", "bm25", "always-answer"])
def test_every_call_of_model_and_embedder_is_kept(run_it: Callable[..., Run], system: str) -> None:
    model, embedder = Clerk(), Keeping()
    run = run_it(model=model, embedder=embedder, system=system)
    assert not model.calls if system in ("retrieval", "always-answer") else model.calls
    with closing(sqlite3.connect(run.folder / "calls.sqlite")) as calls:
        requests = [json.loads(request) for (request,) in calls.execute("SELECT request FROM replies")]
        vectors = {key for (key,) in calls.execute("SELECT sha256 FROM vectors")}
    assert {request["messages"][-1]["content"] for request in requests} == set(model.calls)
    assert {hash_text(text) for text in embedder.texts} <= vectors


@pytest.mark.parametrize("user", ["", "ann:pass-word@"])
def test_keys_of_servers_are_nowhere_in_the_folder_of_a_run(run_it: Callable[..., Run], user: str) -> None:
    with serve() as server:
        server.list_models("m")
        answer = whole_reply("Ann", " paid", " $3", " for", " bread.", " [1]")
        refusal = failure(400, "The key k-3F9A-secret is not allowed this.")
        server.replies = [answer, refusal, failure(401, "k-3F9A-secret"), answer]
        settings = Settings(base_url=server.url.replace("//", f"//{user}"), api_key="k-3F9A-secret")
        run = run_it([BREAD, BICYCLES, BOAT, CUP], model="m", settings=settings)
        write_reports(run)
        sent = {request.headers["authorization"].split()[0] for request in server.posts}
    assert sent == {"Basic" if user else "Bearer"}
    assert len(run.unscorable) == 2
    for file in run.folder.iterdir():
        assert b"k-3F9A-secret" not in file.read_bytes(), file.name
        assert not user or b"pass-word" not in file.read_bytes(), file.name


def test_progress_counts_the_cases(run_it: Callable[..., Run]) -> None:
    seen: list[Progress] = []
    run_it(on_progress=seen.append)
    counts = [(progress.done, progress.total) for progress in seen if progress.stage == "evaluating"]
    assert counts == [(done, 8) for done in range(9)]


# which cases


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"cases": ("boat", "bread")}, ["bread", "boat"]),
        ({"tags": ("money",)}, ["bread"]),
        ({"tags": ("food", "near_miss")}, ["bread", "mill", "price", "cup"]),
        ({"splits": ("test",)}, ["next-year", "boat", "earlier"]),
        ({"splits": ("dev",), "tags": ("fact",)}, ["bread", "bicycles"]),
        ({"repeats": 2, "cases": ("cup",)}, ["cup", "cup"]),
    ],
)
def test_cases_are_selected(run_it: Callable[..., Run], options: dict[str, Any], expected: list[str]) -> None:
    run = run_it(**options)
    assert ids(run) == expected
    assert run.partial is None
    assert run.manifest["cases"] == len(expected)


def test_the_limit_draws_the_same_cases_for_the_same_seed(run_it: Callable[..., Run]) -> None:
    draws = [ids(run_it(limit=4, seed=seed)) for seed in (1, 1, 2, 3)]
    assert draws[0] == draws[1]
    assert len({tuple(draw) for draw in draws}) > 1
    assert all(draw == [id_ for id_ in IDS if id_ in draw] and len(draw) == 4 for draw in draws)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cases": ("bred",)}, r"No case 'bred' in this suite\. Did you mean 'bread'\?"),
        ({"tags": ("money",), "splits": ("test",)}, r"No case of this suite is left by .*--limit\."),
        ({"system": "closed-book"}, "The system 'closed-book' is a model without passages: name a model."),
        ({"max_cost_usd": 1.0, "model": Clerk()}, r"What clerk costs is not known: set usd_per_million_.*qa\.toml\."),
    ],
)
def test_what_cannot_be_asked_is_refused_before_there_is_a_folder(
    run_it: Callable[..., Run], workspace: Workspace, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=f"^{message}$"):
        run_it(**options)
    assert not (workspace.root / "eval/reports").exists()


def test_evidence_that_does_not_stand_stops_the_run_before_it_begins(
    run_it: Callable[..., Run], workspace: Workspace
) -> None:
    with pytest.raises(ContentError, match=r"small\.jsonl:1: case bread: no article 'bob\.md' in the archive\."):
        run_it([BREAD | {"evidence": [prove("bob.md", "Bob.")]}])
    assert not (workspace.root / "eval/reports").exists()


# a model that fails


def test_a_model_whose_server_is_not_there_leaves_no_folder_behind(
    run_it: Callable[..., Run], workspace: Workspace
) -> None:
    settings = Settings(base_url=f"http://127.0.0.1:{closed_port()}/v1", timeout_seconds=5)
    with pytest.raises(ModelUnavailable, match=r"^Nothing was evaluated: .*127\.0\.0\.1"):
        run_it(model="m", settings=settings)
    assert not (workspace.root / "eval").joinpath("reports").exists()


@pytest.mark.parametrize("concurrency", [1, 4])
@pytest.mark.parametrize("system", ["full", "closed-book", "oracle"])
def test_a_model_that_does_not_answer_the_first_question_leaves_no_folder_behind(
    run_it: Callable[..., Run], workspace: Workspace, system: str, concurrency: int
) -> None:
    model = Clerk(fails=lambda _asked: True)
    with pytest.raises(ModelUnavailable, match=r"^Nothing was evaluated: the model did not answer .*status 500"):
        run_it([CUP, BREAD, BOAT, BICYCLES], model=model, system=system, concurrency=concurrency)
    assert list((workspace.root / "eval/reports").iterdir()) == []
    assert len(model.calls) == 1


def test_a_model_that_cannot_be_used_deletes_nothing_of_a_folder_that_was_there(
    run_it: Callable[..., Run], tmp_path: Path
) -> None:
    write(tmp_path / "mine/report.md", "Mine.")
    with pytest.raises(ModelUnavailable):
        run_it(model=ScriptedChat([DEAD]), folder=tmp_path / "mine")
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["report.md"]
    assert len(run_it(model=Clerk(), folder=tmp_path / "mine").records) == 8


@pytest.mark.parametrize("error", [DEAD, ModelRejected("127.0.0.1 does not serve this request (status 400).")])
def test_a_case_on_which_the_model_fails_later_is_unscorable_and_not_wrong(
    run_it: Callable[..., Run], error: Exception
) -> None:
    cases = [BREAD, BICYCLES, CUP]
    run = run_it(cases, model=ScriptedChat(["Ann paid $3 for bread. [1]", error, error]))
    assert [record["case"]["id"] for record in run.unscorable] == ["bicycles", "cup"]
    assert all(str(error) in reason for record in run.unscorable for reason in record["unscorable"].values())
    match = run.measures["answer_match"]
    assert (match.mean, match.n, match.unscorable) == (1, 1, 1)
    assert (run.measures["abstention_recall"].n, run.measures["abstention_recall"].unscorable) == (0, 1)
    assert run.measures["hits@1"].n == 2
    assert run.partial is None


# several at a time, several times


class Waiting(Clerk):
    """Its reply about bicycles waits until it was asked about the boat."""

    def __init__(self) -> None:
        super().__init__(fails=asks_about("cup"))
        self._asked_about_boat = Event()

    def stream(self, messages: Sequence[Message], *, max_tokens: int) -> Iterator[ReplyPart]:
        asked = messages[-1].content
        if asks_about("Cia")(asked):
            self._asked_about_boat.set()
        if asks_about("bicycles did Ben sell in 2021")(asked):
            assert self._asked_about_boat.wait(timeout=30)
        yield from super().stream(messages, max_tokens=max_tokens)


def test_four_cases_at_a_time_give_the_same_records_in_the_same_order(run_it: Callable[..., Run]) -> None:
    one = run_it(model=Clerk(fails=asks_about("cup")), concurrency=1, repeats=2)
    four = run_it(model=Waiting(), concurrency=4, repeats=2)
    assert without_times(four.records) == without_times(one.records)
    assert read_records(four.folder) == four.records
    assert one.manifest["origin_sha256"] == four.manifest["origin_sha256"]
    assert len(one.unscorable) == 2


def test_no_reply_is_asked_for_twice_by_cases_at_the_same_time(run_it: Callable[..., Run]) -> None:
    cases = [BREAD, *(NEXT_YEAR | {"id": f"n{n}"} for n in range(8))]
    model = Clerk()
    run = run_it(cases, model=model, concurrency=8)
    rewritten = [asked for asked in model.calls if "Last question:" in asked]
    assert len(rewritten) == 1
    assert {record["prediction"] for record in run.records[1:]} == {"15"}


def test_repeats_ask_the_model_again(run_it: Callable[..., Run]) -> None:
    replies = ["Ann paid $3 for bread. [1]", "Ann paid for bread. [1]", "Ann paid $3 for bread. [1]"]
    run = run_it([BREAD], model=ScriptedChat(replies), repeats=3)
    assert [(record["repeat"], record["scores"]["answer_match"]) for record in run.records] == [(1, 1), (2, 0), (3, 1)]
    assert (run.measures["pass@3"].mean, run.measures["pass^3"].mean) == (1, 0)


# bounds


def test_a_run_stops_before_the_next_case_once_its_time_is_over_and_goes_on(run_it: Callable[..., Run]) -> None:
    part = run_it(max_seconds=0)
    assert (part.partial, part.records) == ("stopped after 0 s (--max-seconds)", ())
    whole = run_it(max_seconds=3600)
    assert (whole.folder, whole.partial, ids(whole)) == (part.folder, None, IDS)


@pytest.mark.parametrize("concurrency", [1, 3])
@pytest.mark.parametrize(
    ("bound", "reason"),
    [
        ({"max_tokens": 1}, "stopped at 1 tokens (--max-tokens)"),
        ({"max_cost_usd": 0.000001}, "stopped at $1e-06 (--max-cost)"),
    ],
)
def test_a_run_that_reached_a_bound_goes_on_by_the_same_call_until_it_is_whole(
    run_it: Callable[..., Run], bound: dict[str, Any], reason: str, concurrency: int
) -> None:
    whole = run_it(model=Clerk(), settings=PRICED)
    model = Clerk()
    sittings = [run_it(model=model, settings=PRICED, concurrency=concurrency, **bound)]
    assert (len(sittings[0].records), sittings[0].partial) == (1, reason)
    assert read_manifest(sittings[0].folder)["partial"] == reason
    while sittings[-1].partial:
        sittings.append(run_it(model=model, settings=PRICED, concurrency=concurrency, **bound))
        assert len(sittings[-1].records) > len(sittings[-2].records)
    assert {run.folder for run in sittings} == {sittings[0].folder}
    assert without_times(sittings[-1].records) == without_times(whole.records)
    assert len(model.calls) == len(set(model.calls))


def test_a_reply_that_failed_does_not_lift_the_bound_on_cost(run_it: Callable[..., Run]) -> None:
    model = Clerk(fails=asks_about("sell in 2021"))
    run = run_it([BREAD, BICYCLES, BOAT, CUP], model=model, settings=PRICED, max_cost_usd=0.0003)
    assert run.partial == "stopped at $0.0003 (--max-cost)"
    assert len(run.unscorable) == 1


@pytest.mark.parametrize("served", [False, True])
def test_what_a_reply_cost_follows_from_the_prices(run_it: Callable[..., Run], served: bool) -> None:
    reply = "Ann paid $3 for bread. [1]"
    with serve() as server:
        server.replies = [whole_reply(*(f"{word} " for word in reply.split()))]
        settings = replace(PRICED, base_url=server.url)
        run = run_it([BREAD], model="m" if served else ScriptedChat([reply]), settings=settings, max_cost_usd=1)
    answer = run.records[0]["answer"]
    assert answer is not None
    asked = 7 if served else answer["usage"]["input_tokens"]
    assert answer["usage"] == {
        "input_tokens": asked,
        "output_tokens": 6,
        "cost_usd": pytest.approx((2 * asked + 10 * 6) / 1e6),
    }
    assert run.measures["cost_usd"].mean == answer["usage"]["cost_usd"]


# broken off, and going on


@pytest.mark.parametrize("concurrency", [1, 4])
@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (KeyboardInterrupt(), "interrupted"),
        (RuntimeError("bug"), "broken off by RuntimeError"),
        (OSError("disk"), "broken off by OSError"),
    ],
)  # fmt: skip
def test_a_run_that_is_broken_off_keeps_what_is_done_and_goes_on(
    run_it: Callable[..., Run], tmp_path: Path, error: BaseException, reason: str, concurrency: int
) -> None:
    whole = run_it(model=Clerk())
    folder, model = tmp_path / "run", interrupted_by(error, "blue mill")
    with pytest.raises(type(error)):
        run_it(model=model, folder=folder, concurrency=concurrency)
    kept = {record["case"]["id"] for record in read_records(folder)}
    assert kept >= {"bread", "bicycles"}
    assert "mill" not in kept
    assert read_manifest(folder)["partial"] == reason
    assert load_run(folder).gates == ()
    again = run_it(model=model, folder=folder, concurrency=concurrency)
    assert (again.partial, ids(again)) == (None, IDS)
    assert without_times(again.records) == without_times(whole.records)
    twice = [asked for asked in set(model.calls) if model.calls.count(asked) > 1]
    assert all(asks_about("blue mill")(asked) for asked in twice)


def test_ctrl_c_between_two_cases_keeps_the_run(run_it: Callable[..., Run]) -> None:
    def interrupt(progress: Progress) -> None:
        if (progress.stage, progress.done) == ("evaluating", 3):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_it(on_progress=interrupt)
    assert ids(run_it()) == IDS


@pytest.mark.parametrize("fresh", [False, True])
def test_an_unfinished_run_of_the_same_goes_on_unless_it_shall_begin_anew(
    run_it: Callable[..., Run], fresh: bool
) -> None:
    part = run_it(model=Clerk(), max_tokens=1)
    model = Clerk()
    run = run_it(model=model, fresh=fresh)
    assert (run.folder == part.folder) == (not fresh)
    assert any(asks_about("Ann")(asked) for asked in model.calls) == fresh
    assert ids(run) == IDS


def test_a_named_folder_with_an_unfinished_run_of_the_same_can_begin_anew(
    run_it: Callable[..., Run], tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    write_reports(run_it(model=Clerk(), max_tokens=1, folder=folder))
    write(folder / "notes.txt", "Mine.")
    model = Clerk()
    run_it(model=model, folder=folder, fresh=True)
    assert any(asks_about("Ann")(asked) for asked in model.calls)
    names = ["calls.sqlite", "notes.txt", "records.jsonl", "run.json"]
    assert sorted(path.name for path in folder.iterdir()) == names


def change_prompt(workspace: Workspace, name: str) -> None:
    text = (REPOSITORY / f"prompts/{name}.md").read_text(encoding="utf-8")
    write(workspace.root / f"prompts/{name}.md", text.replace("You ", "You always "))


def change_articles(workspace: Workspace) -> None:
    write(workspace.root / "eval/archives/small/eve.md", "Eve keeps bees.\n")


@pytest.mark.parametrize(
    ("change", "given"),
    [
        (lambda _: None, {"model": Clerk(name="other")}),
        (lambda _: None, {"model": False}),
        (lambda _: None, {"settings": Settings(context_tokens=300)}),
        (lambda _: None, {"settings": Settings(base_url="http://127.0.0.1:9/v1")}),
        (lambda _: None, {"embedder": HashingEmbedder(32)}),
        (lambda _: None, {"seed": 1}),
        (lambda _: None, {"repeats": 2}),
        (lambda _: None, {"system": "bm25"}),
        (lambda _: None, {"limit": 8}),
        (lambda _: None, {"gold": (BREAD, BICYCLES)}),
        (lambda _: None, {"gold": (BREAD | {"answers": ["$3"]}, *CASES[1:])}),
        (lambda workspace: change_prompt(workspace, "answer"), {}),
        (lambda workspace: change_prompt(workspace, "follow_up"), {}),
        (change_articles, {}),
        (lambda workspace: write(workspace.root / "index/recipe.toml", "[passages]\nbudget_tokens = 16\n"), {}),
    ],
)
def test_a_run_does_not_go_on_where_anything_that_matters_is_another(
    run_it: Callable[..., Run],
    workspace: Workspace,
    tmp_path: Path,
    change: Callable[[Workspace], None],
    given: dict[str, Any],
) -> None:
    folder = tmp_path / "run"
    part = run_it(model=Clerk(), max_tokens=1)
    run_it(model=Clerk(), max_tokens=1, folder=folder)
    change(workspace)
    other = run_it(**({"model": Clerk()} | given))
    assert other.folder != part.folder
    with pytest.raises(WorkspaceError, match=r"run holds another run, .* Give this one another folder\.$"):
        run_it(**({"model": Clerk()} | given), folder=folder)
    assert len(read_records(folder)) == 1


def test_what_does_not_matter_does_not_hinder_going_on(run_it: Callable[..., Run]) -> None:
    part = run_it(model=Clerk(), max_tokens=1)
    again = run_it(model=Clerk(), max_seconds=1000, concurrency=2, settings=Settings(api_key="another"))
    assert again.folder == part.folder


def test_a_folder_that_holds_a_run_that_is_whole_is_refused(run_it: Callable[..., Run], tmp_path: Path) -> None:
    run = run_it(folder=tmp_path / "run")
    for fresh in (False, True):
        with pytest.raises(WorkspaceError, match="holds another run"):
            run_it(folder=tmp_path / "run", fresh=fresh)
    assert read_records(run.folder) == run.records


@pytest.mark.parametrize("name", ["records.jsonl", "calls.sqlite"])
def test_a_folder_with_records_or_calls_of_no_known_run_is_refused(
    run_it: Callable[..., Run], tmp_path: Path, name: str
) -> None:
    run = run_it(folder=tmp_path / "run")
    for other in {"records.jsonl", "calls.sqlite", "run.json"} - {name}:
        (run.folder / other).unlink()
    with pytest.raises(WorkspaceError, match="holds another run"):
        run_it(folder=tmp_path / "run")


def test_a_second_process_at_the_same_run_is_refused(run_it: Callable[..., Run], suite: Suite) -> None:
    part = run_it(model=Clerk(), max_tokens=1)
    with open_run(part.folder):
        with pytest.raises(WorkspaceError, match=r"^Another process is writing .*Wait for it, or begin another run:"):
            run_it(model=Clerk())
        assert run_it(model=Clerk(), fresh=True).folder != part.folder
    assert run_it(model=Clerk()).folder == part.folder


def test_a_server_that_is_gone_meanwhile_leaves_the_run_as_it_was(
    run_it: Callable[..., Run], suite: Suite, workspace: Workspace
) -> None:
    with serve() as server:
        server.list_models("m")
        server.replies = [whole_reply("Ann", " paid", " $3", " for", " bread.", " [1]")]
        settings = Settings(base_url=server.url, timeout_seconds=5)
        part = run_it(model="m", settings=settings, max_tokens=1)
    with pytest.raises(ModelUnavailable, match=r"^Nothing was evaluated: "):
        run_it(model="m", settings=settings)
    assert read_manifest(part.folder) == part.manifest
    assert read_records(part.folder) == part.records


# killed


def start(*arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, str(SCRIPT), *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def say_all_but_times(folder: Path) -> dict[str, Any]:
    """All that a run's folder says, but for times."""
    manifest = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    for name in ("started", "seconds", "day"):
        del manifest[name]
    del manifest["measures"]["seconds"]
    records = [json.loads(line) for line in (folder / "records.jsonl").read_text(encoding="utf-8").splitlines()]
    with closing(sqlite3.connect(folder / "calls.sqlite")) as calls:
        kept = [calls.execute(f"SELECT * FROM {name} ORDER BY 1, 2").fetchall() for name in ("replies", "vectors")]
    return {
        "files": sorted(path.name for path in folder.iterdir() if path.name != ".lock"),
        "manifest": json.dumps(manifest),
        "records": [json.dumps({**record, "seconds": None}) for record in records],
        "calls": kept,
    }


def find_needless_calls(log: Path) -> list[str]:
    """The calls made again after they had ended; the last one of a process that was killed may not have."""
    processes = [part.split() for part in log.read_text(encoding="utf-8").split(f"{STARTED}\n")[1:]]
    ended: set[str] = set()
    needless: list[str] = []
    for calls in processes:
        needless += [call for call in calls if call in ended]
        ended.update(calls if calls is processes[-1] else calls[:-1])
    return needless


def test_a_run_that_is_killed_twenty_times_equals_one_that_was_not(tmp_path: Path) -> None:
    workspace, log, chance = Workspace(tmp_path / "workspace", "named"), tmp_path / "log", random.Random(20220705)
    write_towns(workspace, 40)
    assert start(workspace.root, tmp_path / "whole", tmp_path / "log of the whole").communicate()[0]
    kills = 0
    for _ in range(20):
        child = start(workspace.root, tmp_path / "killed", log)
        assert child.stdout is not None
        for _ in range(chance.randint(0, 10)):  # steps; the run has 82
            child.stdout.readline()
        with suppress(subprocess.TimeoutExpired):
            child.wait(timeout=chance.uniform(0, 0.012))
        child.kill()
        child.communicate()
        if child.returncode == 0:
            break
        kills += 1
    else:
        last = start(workspace.root, tmp_path / "killed", log)
        last.communicate()
        assert last.returncode == 0
    assert kills >= 5
    assert say_all_but_times(tmp_path / "killed") == say_all_but_times(tmp_path / "whole")
    assert find_needless_calls(log) == []


def test_a_run_that_is_killed_before_any_operation_on_a_file_equals_one_that_was_not(tmp_path: Path) -> None:
    workspace, log = Workspace(tmp_path / "workspace", "named"), tmp_path / "log"
    towns = write_towns(workspace, 2)
    assert start(workspace.root, tmp_path / "whole", log).communicate()[0]
    whole, killed = say_all_but_times(tmp_path / "whole"), 0
    while True:
        folder = tmp_path / str(killed + 1)
        child = start(workspace.root, folder, log, killed + 1)
        child.communicate()
        if child.returncode == 0:  # it has no more operations
            break
        killed += 1
        assert child.returncode == -signal.SIGKILL
        if not (folder / "run.json").is_file() or not read_manifest(folder)["finished"]:
            embedder = HashingEmbedder()
            run_suite(towns, workspace, settings=Settings(), model=Clerk(), embedder=embedder, folder=folder)
        assert say_all_but_times(folder) == whole
    assert killed >= 10


# on the archive of a user


def test_a_suite_without_an_archive_asks_that_of_the_user(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "mine", "named")
    write_suite(workspace, suite='gold = "eval/gold/small.jsonl"\n')
    for name in ("ann", "ben", "cia", "dan"):
        file = workspace.root / f"eval/archives/small/{name}.md"
        write(workspace.articles / file.name, file.read_text(encoding="utf-8"))
    with qa.open(workspace.root, embedder=HashingEmbedder()) as archive:
        run = evaluate(archive, "small", model=Clerk())
        assert ids(run) == IDS
        assert run.folder.parent == workspace.root / "eval/reports"
        assert run.manifest["own_articles"] is True
        by_suite = run_suite(
            load_suite("small", workspace), workspace, settings=Settings(), model=Clerk(), embedder=HashingEmbedder()
        )
    assert without_times(by_suite.records) == without_times(run.records)


def test_evaluate_asks_the_archive_it_is_given_whatever_the_suite_names(suite: Suite, tmp_path: Path) -> None:
    with qa.open(tmp_path / "other", embedder=HashingEmbedder()) as archive:
        write(tmp_path / "ann.md", "Ann paid $3 for bread. She paid with a coin.\n")
        archive.add(tmp_path / "ann.md")
        run = evaluate(archive, replace(suite, cases=suite.cases[:1]), folder=tmp_path / "run")
        assert [hit["source"] for hit in run.records[0]["hits"]] == [str(tmp_path / "ann.md")]
        with pytest.raises(ContentError, match=r"small\.jsonl:2: case bicycles: no article 'ben\.md'"):
            evaluate(archive, suite)


@pytest.mark.parametrize("change", [{"question": "?!"}, {"turns": ["Who?", "w" * 2001]}])
def test_a_question_that_cannot_be_asked_is_named_before_any_is_asked(
    suite: Suite, workspace: Workspace, tmp_path: Path, change: dict[str, Any]
) -> None:
    wrong = write_suite(workspace, [BREAD, CUP | change])
    with qa.open(tmp_path / "other", embedder=HashingEmbedder()) as archive:
        for ask in (
            lambda: evaluate(archive, wrong),
            lambda: run_suite(wrong, workspace, settings=Settings(), embedder=HashingEmbedder()),
        ):
            with pytest.raises(ContentError, match=r"small\.jsonl:2: The question (is empty|has 2,001 characters)"):
                ask()


# the real parts


def test_cases_of_the_sample_suite_are_answered_with_the_bundled_embedder(tmp_path: Path) -> None:
    sample = load_suite("sample", find_workspace(REPOSITORY, REPOSITORY))
    workspace = Workspace(tmp_path / "workspace", "named")
    first, second = (
        run_suite(sample, workspace, settings=Settings(), options=RunOptions(limit=16, concurrency=n)) for n in (1, 4)
    )
    assert without_times(first.records) == without_times(second.records)
    assert first.measures["quote_validity"].mean == 1
    assert first.measures["hits@10"].mean == 1
    match = first.measures["answer_match"].mean
    assert match is not None
    assert match >= 0.7
