from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.errors import ContentError, ModelUnavailable, WorkspaceError
from qa.runs import Gate, Measure, Record, Run, average, check_gates, run_suite
from qa.settings import Settings
from qa.stats import wilson_interval
from qa.suite import ABSTENTION_MEASURES, MEASURES, Case, Evidence, Number, Suite, load_suite
from qa.sync import Progress
from qa.testing import HashingEmbedder, ScriptedChat
from qa.workspace import Workspace, find_workspace

REPOSITORY = Path(__file__).parent.parent
STARTED = datetime(2022, 7, 5, 12, 30, tzinfo=UTC)
NOWHERE = "NOT IN THESE ARTICLES"
ARTICLES = {
    "ann.md": "---\npublished: 2022-05-01\n---\nAnn paid $3 for bread.\n",
    "ben.md": "---\npublished: 2022-06-01\n---\nBen sold 12 bicycles to the town.\n",
    "cia.md": "---\npublished: 2022-07-01\n---\nCia lives on a boat near Omsk.\n",
}
BREAD = Case(
    "bread",
    "What did Ann pay for bread?",
    ("$3", "three dollars"),
    Number(Decimal(3), "USD"),
    (Evidence("ann.md", "Ann paid $3 for bread."),),
    answerable=True,
    kind="fact",
    tags=("money",),
)
BICYCLES = Case(
    "bicycles",
    "How many bicycles did Ben sell?",
    ("12", "twelve"),
    Number(Decimal(12), "bicycles"),
    (Evidence("ben.md", "Ben sold 12 bicycles"),),
    answerable=True,
    kind="fact",
)
BOAT = Case(
    "boat",
    "Where does Cia live?",
    ("on a boat",),
    None,
    (Evidence("cia.md", "Cia lives on a boat near Omsk."),),
    answerable=True,
    kind="trap",
)
PRICE = Case("price", "What did the bicycles cost?", (), None, (), answerable=False, kind="near_miss")
CUP = Case("cup", "Who won the cup in Omsk?", (), None, (), answerable=False, kind="unanswerable")
CASES = (BREAD, BICYCLES, BOAT, PRICE, CUP)
REPLIES = (
    "Ann paid $3 for bread. [1]",
    "Ben sold 15 bicycles to the town. [1]",
    NOWHERE,
    NOWHERE,
    "Cia lives on a boat near Omsk. [1]",
)


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    folder = tmp_path / "archive"
    folder.mkdir()
    for name, text in ARTICLES.items():
        (folder / name).write_text(text)
    (tmp_path / "gold.jsonl").write_text("{}\n")
    gates = {"answer_match": 0.3, "hits@1": 1.0, "abstention_recall": 0.51}
    return Suite("small", "", folder, tmp_path / "gold.jsonl", CASES, gates)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "workspace", "named")


@pytest.fixture
def run_it(suite: Suite, workspace: Workspace, tmp_path: Path) -> Callable[..., Run]:
    """Run the cases with a model that says the replies, into a folder of its own."""

    def run(*cases: Case, replies: Sequence[str | Exception] = (), folder: str = "run") -> Run:
        return run_suite(
            replace(suite, cases=cases),
            workspace,
            settings=Settings(),
            model=ScriptedChat(replies),
            embedder=HashingEmbedder(),
            folder=tmp_path / folder,
            started=STARTED,
        )

    return run


@pytest.fixture
def run(run_it: Callable[..., Run]) -> Run:
    return run_it(*CASES, replies=REPLIES)


def make_record(answerable: bool = True, status: str = "answered", **scores: float | None) -> Record:
    names = [name for name in MEASURES if name not in ABSTENTION_MEASURES]
    return Record(
        id="x",
        question="?",
        kind="fact",
        tags=[],
        as_of=None,
        answerable=answerable,
        answers=[],
        number=None,
        evidence=[],
        prediction=None,
        answer={"status": status, "mode": "extract"},
        hits=[],
        scores=dict.fromkeys(names) | scores,
        seconds={},
    )


# cases to records


def test_a_right_answer_scores_on_every_measure(run: Run) -> None:
    record = run.records[0]
    assert record["answer"]["text"] == "Ann paid $3 for bread. [1]"
    assert record["scores"]["answer_match"] == 1
    assert record["scores"]["numeric_match"] == 1
    assert record["scores"]["quote_validity"] == 1
    assert record["scores"]["hits@1"] == 1
    assert record["scores"]["mrr@10"] == 1


def test_a_wrong_figure_scores_nothing_but_its_quote_stands(run: Run) -> None:
    record = run.records[1]
    assert record["prediction"] == "Ben sold 15 bicycles to the town."
    assert record["scores"]["answer_match"] == record["scores"]["numeric_match"] == 0
    assert record["scores"]["exact_match"] == 0
    assert record["scores"]["quote_validity"] == 1
    assert record["answer"]["statements"][0]["verdict"] == "unsupported"


def test_an_abstention_where_there_is_an_answer_scores_zero_on_what_applies(run: Run) -> None:
    record = run.records[2]
    assert record["answer"]["status"] == "abstained"
    assert record["prediction"] is None
    scores = record["scores"]
    assert (scores["answer_match"], scores["exact_match"], scores["token_f1"]) == (0, 0, 0)
    assert scores["numeric_match"] is None
    assert scores["quote_validity"] is None
    assert scores["hits@1"] == 1


@pytest.mark.parametrize("place", [3, 4])
def test_a_question_without_answer_has_no_score_of_matching_or_ranking(run: Run, place: int) -> None:
    scores = {name: score for name, score in run.records[place]["scores"].items() if name != "quote_validity"}
    assert set(scores.values()) == {None}


def test_an_abstention_never_matches_a_gold_answer_that_normalises_to_nothing(run_it: Callable[..., Run]) -> None:
    run = run_it(replace(BOAT, answers=("A",)), replies=[NOWHERE])
    assert run.records[0]["scores"]["exact_match"] == run.records[0]["scores"]["answer_match"] == 0


def test_the_passages_found_are_kept_with_their_places_and_relevance(run: Run) -> None:
    first, *others = run.records[0]["hits"]
    assert first["source"] == "index/articles/ann.md"
    assert (first["start"], first["end"]) == (0, len("Ann paid $3 for bread."))
    assert first["relevant"]
    assert len(others) == 2
    assert not any(hit["relevant"] for hit in others)
    ranked = [hit["score"] for hit in run.records[0]["hits"]]
    assert ranked == sorted(ranked, reverse=True)


def test_a_question_without_evidence_has_no_measure_of_ranking(run_it: Callable[..., Run]) -> None:
    run = run_it(replace(BREAD, evidence=()), replies=REPLIES)
    assert run.records[0]["scores"]["hits@10"] is None
    assert run.records[0]["scores"]["answer_match"] == 1
    assert run.measures["hits@10"] == Measure(None, None, None, 0)


def test_a_passage_is_relevant_when_it_holds_half_of_the_evidence(
    suite: Suite, workspace: Workspace, tmp_path: Path
) -> None:
    (workspace.root / "index").mkdir(parents=True)
    (workspace.root / "index/recipe.toml").write_text("[passages]\nbudget_tokens = 16\n")
    near, far = "Dan owns the blue mill by the old river road.", "It grinds all of our own wheat."
    (suite.archive / "dan.md").write_text(f"{near} {far}\n")
    case = replace(BOAT, question="Who owns the blue mill?", evidence=(Evidence("dan.md", f"{near} {far}"),))
    run = run_suite(
        replace(suite, cases=(case,)), workspace, settings=Settings(), embedder=HashingEmbedder(), folder=tmp_path / "r"
    )
    hits = [hit for hit in run.records[0]["hits"] if hit["source"].endswith("dan.md")]
    assert {(hit["end"] - hit["start"] >= len(near), hit["relevant"]) for hit in hits} == {(True, True), (False, False)}


def test_the_day_of_a_case_hides_what_was_published_later(run_it: Callable[..., Run]) -> None:
    cases = [replace(BOAT, id=day, as_of=date.fromisoformat(day)) for day in ("2022-06-30", "2022-07-01")]
    early, late = run_it(*cases, replies=["Cia lives on a boat near Omsk. [1]"] * 2).records
    assert sorted(hit["source"] for hit in early["hits"]) == ["index/articles/ann.md", "index/articles/ben.md"]
    assert not any(hit["relevant"] for hit in early["hits"])
    assert early["answer"]["searched"]["articles"] == 2
    assert early["as_of"] == early["answer"]["searched"]["as_of"] == "2022-06-30"
    assert late["hits"][0]["relevant"]


# records to measures


def test_the_measures_of_a_run_are_those_of_its_cases(run: Run) -> None:
    assert list(run.measures) == list(MEASURES)
    assert run.measures["answer_match"].n == 3
    assert run.measures["answer_match"].mean == pytest.approx(1 / 3)
    assert (run.measures["numeric_match"].mean, run.measures["numeric_match"].n) == (0.5, 2)
    assert (run.measures["quote_validity"].mean, run.measures["quote_validity"].n) == (1.0, 3)
    assert (run.measures["hits@1"].mean, run.measures["hits@1"].n) == (1.0, 3)


def test_abstentions_are_counted_over_those_made_and_those_due(run: Run) -> None:
    right = wilson_interval(1, 2)
    expected = Measure(0.5, right.low, right.high, 2)
    assert run.measures["abstention_precision"] == expected
    assert run.measures["abstention_recall"] == expected
    assert run.measures["abstention_f1"] == Measure(0.5, None, None, 3)


def test_a_measure_that_applies_to_no_case_has_no_value(run_it: Callable[..., Run]) -> None:
    run = run_it(BREAD, replies=REPLIES)
    nothing = Measure(None, None, None, 0)
    assert {name: run.measures[name] for name in ABSTENTION_MEASURES} == dict.fromkeys(ABSTENTION_MEASURES, nothing)
    assert run_it(CUP, replies=[NOWHERE], folder="other").measures["answer_match"] == nothing


scores = st.one_of(st.none(), st.floats(0, 1))
records = st.lists(
    st.builds(make_record, st.booleans(), st.sampled_from(["answered", "abstained"]), token_f1=scores), max_size=8
)


@given(records)
def test_averages_are_bounded_and_count_only_what_applies(records: list[Record]) -> None:
    measures = average(records)
    applying = [record["scores"]["token_f1"] for record in records if record["scores"]["token_f1"] is not None]
    assert measures["token_f1"].n == len(applying)
    for measure in measures.values():
        if measure.mean is None:
            assert (measure.low, measure.high, measure.n) == (None, None, 0)
        else:
            assert 0 <= measure.mean <= 1
            assert (measure.low is None) or (measure.high is not None and measure.low <= measure.mean <= measure.high)
    unanswerable = sum(not record["answerable"] for record in records)
    assert measures["abstention_recall"].n == unanswerable


# gates


def test_gates_are_met_or_missed_by_their_means(run: Run) -> None:
    assert run.gates == (
        Gate("answer_match", 0.3, pytest.approx(1 / 3), True),
        Gate("hits@1", 1.0, 1.0, True),
        Gate("abstention_recall", 0.51, 0.5, False),
    )
    assert not run.passed


@pytest.mark.parametrize(
    ("threshold", "mean", "passed"),
    [
        (0.85, 0.85, True),
        (1.0, math.nextafter(1, 0), True),
        (0.85, 0.8499, False),
        (0.0, None, False),
        (0.0, 0.0, True),
    ],
)
def test_a_gate_is_met_at_its_threshold_and_missed_without_a_case(
    threshold: float, mean: float | None, passed: bool
) -> None:
    n = 0 if mean is None else 20
    assert check_gates({"hits@1": threshold}, {"hits@1": Measure(mean, mean, mean, n)}) == (
        Gate("hits@1", threshold, mean, passed),
    )


def test_a_run_without_gates_passes(run: Run) -> None:
    assert replace(run, gates=()).passed


# what is written


def test_records_and_manifest_are_written(run: Run, suite: Suite) -> None:
    assert sorted(path.name for path in run.folder.iterdir()) == ["records.jsonl", "run.json"]
    lines = (run.folder / "records.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == list(run.records)
    manifest = json.loads((run.folder / "run.json").read_text(encoding="utf-8"))
    assert manifest.items() >= run.to_dict().items()
    assert manifest["finished"] is True
    assert manifest["gold_sha256"] == hashlib.sha256(suite.gold.read_bytes()).hexdigest()
    assert len(manifest["archive_sha256"]) == 64
    assert manifest["embedder"] == "hashing-64"
    assert manifest["recipe"]["budget_tokens"] == 128
    assert manifest["versions"]["onrecord"]
    assert manifest["versions"]["chromadb"]


def test_a_record_holds_the_gold_the_answer_and_the_time_apart(run: Run) -> None:
    record = run.records[0]
    assert record["id"] == "bread"
    assert record["number"] == {"value": 3, "unit": "USD"}
    assert record["evidence"] == [{"article": "ann.md", "quote": "Ann paid $3 for bread."}]
    assert record["tags"] == ["money"]
    assert record["answer"]["citations"][0]["quote"] == "Ann paid $3 for bread."
    assert "seconds" not in record["answer"]
    assert record["seconds"].keys() == {"retrieval", "answer", "total"}


def test_two_runs_are_the_same_but_for_times(run_it: Callable[..., Run]) -> None:
    first, second = (run_it(*CASES, replies=REPLIES, folder=name) for name in ("a", "b"))
    assert [{**record, "seconds": {}} for record in first.records] == [
        {**record, "seconds": {}} for record in second.records
    ]
    assert (first.measures, first.gates) == (second.measures, second.gates)


def test_the_model_and_its_prompt_are_named(run: Run) -> None:
    text = (REPOSITORY / "prompts/answer.md").read_bytes()
    assert run.model == "scripted"
    assert run.prompt == {"name": "answer", "sha256": hashlib.sha256(text).hexdigest()}
    assert run.to_dict()["prompt"] == run.prompt
    assert run.fallbacks == ()


def test_what_the_model_failed_to_answer_is_counted(run_it: Callable[..., Run]) -> None:
    run = run_it(BREAD, BOAT, replies=[REPLIES[0], ModelUnavailable("127.0.0.1 refused the connection.")])
    assert [record["id"] for record in run.fallbacks] == ["boat"]
    assert run.to_dict()["fallbacks"] == 1
    assert run.fallbacks[0]["answer"]["notices"][0].endswith("127.0.0.1 refused the connection.")


def test_no_article_to_show_is_no_failure_of_the_model(run_it: Callable[..., Run]) -> None:
    run = run_it(replace(BREAD, as_of=date(2000, 1, 1)))
    assert run.records[0]["hits"] == []
    assert run.records[0]["answer"]["status"] == "abstained"
    assert run.fallbacks == ()


def test_no_key_is_written(suite: Suite, workspace: Workspace, tmp_path: Path) -> None:
    settings = Settings(model="m", base_url="http://ann:secret@127.0.0.1:9/v1", api_key="sk-secret")
    run_suite(
        replace(suite, cases=(BREAD,)), workspace, settings=settings, embedder=HashingEmbedder(), folder=tmp_path / "r"
    )
    written = "".join(path.read_text(encoding="utf-8") for path in (tmp_path / "r").iterdir())
    assert "secret" not in written
    assert json.loads((tmp_path / "r/run.json").read_text())["settings"]["base_url"] == "127.0.0.1:9"


def test_the_folder_is_named_after_suite_and_time_and_never_used_twice(suite: Suite, workspace: Workspace) -> None:
    one = replace(suite, cases=(CUP,))
    names = [
        run_suite(one, workspace, settings=Settings(), embedder=HashingEmbedder(), started=STARTED).folder
        for _ in range(2)
    ]
    reports = workspace.root / "eval/reports"
    assert names == [reports / "small-20220705T123000Z", reports / "small-20220705T123000Z-2"]


def test_a_folder_with_a_run_is_not_written_over(run: Run, run_it: Callable[..., Run]) -> None:
    before = (run.folder / "records.jsonl").read_bytes()
    with pytest.raises(WorkspaceError, match=r"run holds a run already\. Give this one another folder\.$"):
        run_it(BREAD, replies=REPLIES)
    assert (run.folder / "records.jsonl").read_bytes() == before


def test_a_folder_that_cannot_be_made_is_named(run_it: Callable[..., Run], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(WorkspaceError, match=r"records\.jsonl cannot be written: (Not a directory|File exists)\.$"):
        run_it(BREAD, replies=REPLIES, folder="file/run")


def test_an_interrupted_run_keeps_what_was_asked(suite: Suite, workspace: Workspace, tmp_path: Path) -> None:
    def interrupt(progress: Progress) -> None:
        if progress == Progress("evaluating", 2, 5):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_suite(
            suite,
            workspace,
            settings=Settings(),
            embedder=HashingEmbedder(),
            on_progress=interrupt,
            folder=tmp_path / "cut",
        )
    lines = (tmp_path / "cut/records.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["id"] for line in lines] == ["bread", "bicycles"]
    assert json.loads((tmp_path / "cut/run.json").read_text())["finished"] is False


def test_a_model_that_cannot_be_used_at_all_leaves_no_empty_run(
    suite: Suite, workspace: Workspace, tmp_path: Path
) -> None:
    nobody = Settings(base_url="http://127.0.0.1:9/v1", timeout_seconds=1)
    with pytest.raises(
        ModelUnavailable, match=r"^Nothing was evaluated: .* Answered without the model: .*127\.0\.0\.1:9"
    ):
        run_suite(suite, workspace, settings=nobody, model="x", embedder=HashingEmbedder(), folder=tmp_path / "never")
    assert not (tmp_path / "never").exists()


def test_wrong_evidence_stops_the_run_before_it_begins(run_it: Callable[..., Run], tmp_path: Path) -> None:
    with pytest.raises(ContentError, match=r"gold\.jsonl:0: case bread: no article 'bob\.md' in the archive\."):
        run_it(replace(BREAD, evidence=(Evidence("bob.md", "Bob."),)))
    assert not (tmp_path / "run").exists()


def test_progress_counts_the_cases(suite: Suite, workspace: Workspace, tmp_path: Path) -> None:
    seen: list[Progress] = []
    run_suite(
        suite,
        workspace,
        settings=Settings(),
        embedder=HashingEmbedder(),
        on_progress=seen.append,
        folder=tmp_path / "r",
    )
    assert [p for p in seen if p.stage == "evaluating"] == [Progress("evaluating", n, 5) for n in range(6)]


# the real parts


def test_six_cases_of_the_sample_suite_run_with_the_bundled_embedder(tmp_path: Path) -> None:
    sample = load_suite("sample", find_workspace(REPOSITORY, REPOSITORY))
    chosen = [*(c for c in sample.cases if c.answerable)][:4] + [*(c for c in sample.cases if not c.answerable)][-2:]
    workspace = Workspace(tmp_path / "workspace", "named")
    run = run_suite(replace(sample, cases=tuple(chosen)), workspace, settings=Settings(), started=STARTED)
    assert run.folder == workspace.root / "eval/reports/sample-20220705T123000Z"
    assert run.model is None
    assert run.measures["hits@10"] == Measure(1.0, wilson_interval(4, 4).low, 1.0, 4)
    assert run.measures["abstention_recall"].mean == 1
    assert run.measures["quote_validity"].mean == 1
    assert run.records[0]["scores"]["answer_match"] == 1
    assert run.records[0]["answer"]["short"] == "$24.2 billion"
    assert run.records[0]["answer"]["citations"][0]["article"]["source"].startswith("index/articles/")
