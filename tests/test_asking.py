from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any, cast

import pytest

import qa
from qa.archive import Archive
from qa.articles import hash_text
from qa.asking import Bounds, Examiner, Job, ask_all, find_clusters, same_but_for_time
from qa.errors import ModelUnavailable, StoreError
from qa.gold import Case, Evidence, case_dict
from qa.measures import RANKING, SCORES
from qa.metrics import Gold
from qa.models import ChatModel, ReplyPart, Usage
from qa.replay import CallLog
from qa.run_folder import Record
from qa.run_options import RunOptions
from qa.scoring import average
from qa.systems import System, set_up_bench
from qa.testing import HashingEmbedder, ScriptedChat

HEST = "The port of Hest counted 5,400 ships in 2031, more than in any year before."
COPPER = "Of these ships 1,200 carried copper, the harbour master of Hest told the council."
ASHORE = "The port of Hest counted 9,900 ships in 2031, the council of Hest now says."
SHIPS = "How many ships did the port of Hest count in 2031?"
NEWS = {"ports.md": ("2032-01-15", f"{HEST} {COPPER}"), "corrected.md": ("2032-02-20", ASHORE)}


@pytest.fixture(scope="module")
def news(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    """Two articles; each sentence is a passage of its own."""
    root = tmp_path_factory.mktemp("asking") / "news"
    (root / "index" / "articles").mkdir(parents=True)
    (root / "index" / "recipe.toml").write_text("[passages]\nbudget_tokens = 24\n", encoding="utf-8")
    for name, (day, text) in NEWS.items():
        (root / "index" / "articles" / name).write_text(f"---\npublished: {day}\n---\n{text}\n", encoding="utf-8")
    with qa.open(root, embedder=HashingEmbedder(256)) as archive:
        archive.sync()
        yield archive


@pytest.fixture
def log(tmp_path: Path) -> Iterator[CallLog]:
    with closing(CallLog(tmp_path / "calls.sqlite")) as opened:
        yield opened


def case(id_: str = "c-1", question: str = SHIPS, *, evidence: Sequence[Evidence] = (), **more) -> Case:
    keys: dict[str, Any] = {"gold": Gold(answers=("5,400",)), "answerable": True, "kind": "fact"} | more
    return Case(id_, question, evidence=tuple(evidence), **keys)


def unanswerable(id_: str, question: str) -> Case:
    return case(id_, question, gold=Gold(), answerable=False)


BEFORE_CORRECTION = date(2032, 1, 31)
CASES = [
    case(evidence=[Evidence("ports.md", HEST)], as_of=BEFORE_CORRECTION),
    case(
        "c-2", "How many ships carried copper?", gold=Gold(answers=("1,200",)), evidence=[Evidence("ports.md", COPPER)]
    ),
    unanswerable("u-1", "Who is the mayor of Bonn?"),
    unanswerable("u-2", "elephants"),
]


def examine(
    archive: Archive,
    log: CallLog,
    *cases: Case,
    system: System = "full",
    model: ChatModel | None = None,
    articles: Sequence[qa.Article] | None = None,
) -> list[Record]:
    bench = set_up_bench(archive, system, log, model=model, day=date(2032, 3, 1), seed=0)
    with closing(bench):
        examiner = Examiner(bench, archive.articles() if articles is None else articles, find_clusters(cases))
        return [examiner.examine((one, 1)) for one in cases]


# a record


@pytest.mark.parametrize("system", ["full", "retrieval", "oracle", "bm25", "always-abstain", "always-answer"])
def test_a_record_has_everything_and_is_read_back_from_json_as_it_was(
    news: Archive, log: CallLog, system: System
) -> None:
    for made in examine(news, log, *CASES, system=system):
        assert made.keys() == Record.__annotations__.keys()
        assert list(made["scores"]) == list(SCORES)
        again = cast(Record, json.loads(json.dumps(made)))
        assert same_but_for_time(again, made)
        assert again == made


def test_a_record_says_what_was_asked_found_answered_and_scored(news: Archive, log: CallLog) -> None:
    (made,) = examine(news, log, CASES[0])
    answer = made["answer"]
    assert answer is not None
    assert made["case"] == case_dict(CASES[0])
    assert (made["repeat"], made["cluster"], made["asked"], made["unscorable"]) == (1, "ports.md", SHIPS, {})
    assert (made["prediction"], answer["short"], answer["text"]) == ("5,400", "5,400", f"{HEST} [1]")
    assert "seconds" not in answer
    assert (made["scores"]["answer_match"], made["stands"], made["relevant"]) == (1, [True], 1)
    first, *rest = made["hits"]
    assert (first["source"], first["start"], first["parts"]) == ("index/articles/ports.md", 0, [1])
    assert [hit["parts"] for hit in rest] == [[]]
    assert set(made["seconds"]) == {"retrieval", "answer", "total"}
    assert 0 < made["seconds"]["retrieval"] < made["seconds"]["total"]


def test_parts_of_the_evidence_are_told_of_each_passage(news: Archive, log: CallLog) -> None:
    asked = case(
        evidence=[
            Evidence("ports.md", COPPER, part=2),
            Evidence("corrected.md", ASHORE, part=1),
            Evidence("ports.md", f"more than in any year before. {COPPER}", part=3),
        ]
    )
    (made,) = examine(news, log, asked)
    parts = {hit["source"].rpartition("/")[2] + str(hit["start"]): hit["parts"] for hit in made["hits"]}
    # of the third part the second passage has more than half, the first has less
    assert parts == {"ports.md0": [], f"ports.md{len(HEST) + 1}": [2, 3], "corrected.md0": [1]}
    assert made["relevant"] == 2


def test_every_passage_of_an_article_is_relevant_where_the_article_is_the_evidence(news: Archive, log: CallLog) -> None:
    asked = case(gold=Gold(), retrieval_only=True, evidence=[Evidence("ports.md")])
    (made,) = examine(news, log, asked)
    assert made["relevant"] == 2
    assert sorted(len(hit["parts"]) for hit in made["hits"]) == [0, 1, 1]
    assert {name for name, score in made["scores"].items() if score is not None} == set(RANKING)


def test_evidence_that_is_hidden_on_the_day_of_the_case_is_not_missed(news: Archive, log: CallLog) -> None:
    evidence = [Evidence("ports.md", HEST), Evidence("corrected.md", ASHORE)]
    seen, hidden, both = examine(
        news,
        log,
        case("a", evidence=evidence, as_of=BEFORE_CORRECTION),
        case("b", evidence=evidence, as_of=date(2031, 12, 31)),
        case("c", evidence=evidence),
    )
    assert (seen["relevant"], hidden["relevant"], both["relevant"]) == (1, 0, 2)
    assert seen["scores"]["recall@10"] == 1
    assert hidden["scores"]["recall@10"] is None


def test_a_quote_stands_only_as_the_archives_own_article_has_it(news: Archive, log: CallLog) -> None:
    articles = news.articles()
    ports = next(article for article in articles if article.source.endswith("ports.md"))
    changed = ports.text.replace("5,400", "5,500")
    longer = f"{ports.text} More followed."  # the quote is still at its place, but of another text
    for others in (
        [replace(ports, text=changed, sha256=hash_text(changed))],
        [replace(ports, text=changed)],
        [replace(ports, text=longer, sha256=hash_text(longer))],
        [article for article in articles if article.id != ports.id],
    ):
        (made,) = examine(news, log, CASES[0], articles=others)
        assert made["stands"] == [False]
        assert made["scores"]["quote_validity"] == made["scores"]["citation_recall"] == 0
    (made,) = examine(news, log, CASES[0], articles=articles)
    assert made["stands"] == [True]


@pytest.mark.parametrize(
    ("start", "end", "text", "stands"),
    [(4, 8, "port", True), (4, 8, "Port", False), (5, 9, "port", False), (4, 9, "port", False), (4, 4, "", False)],
)
def test_a_quote_stands_at_its_offsets_alone(
    news: Archive, log: CallLog, start: int, end: int, text: str, stands: bool
) -> None:
    ports = next(article for article in news.articles() if article.source.endswith("ports.md"))
    with closing(set_up_bench(news, "full", log, model=None, day=date(2032, 3, 1), seed=0)) as bench:
        assert Examiner(bench, news.articles(), {})._stands(qa.Quote(ports, start, end, text)) is stands


def test_passages_alone_have_no_answer_but_a_time(news: Archive, log: CallLog) -> None:
    (made,) = examine(news, log, CASES[0], system="retrieval")
    assert (made["answer"], made["prediction"], made["stands"]) == (None, None, [])
    assert made["scores"]["hits@1"] == 1
    assert {name for name, score in made["scores"].items() if score is not None} == set(RANKING)
    assert set(made["seconds"]) == {"retrieval", "total"}


def test_a_case_to_which_the_system_does_not_apply_took_no_time(news: Archive, log: CallLog) -> None:
    (made,) = examine(news, log, CASES[2], system="oracle")
    assert (made["answer"], made["hits"], made["relevant"], made["seconds"]) == (None, [], 0, {})
    assert set(made["scores"].values()) == {None}
    assert average([made])["seconds"].n == 0


def test_the_oracle_is_not_measured_by_what_it_found(news: Archive, log: CallLog) -> None:
    (made,) = examine(news, log, CASES[0], system="oracle")
    assert (made["hits"], made["relevant"], made["scores"]["answer_match"]) == ([], 0, 1)
    assert {made["scores"][name] for name in RANKING} == {None}


def test_a_model_that_fails_leaves_the_case_without_a_score_and_the_next_with_one(news: Archive, log: CallLog) -> None:
    chat = ScriptedChat([ModelUnavailable("on fire."), "Of these 1,200 carried copper [1]."])
    failed, right = examine(news, log, *CASES[:2], model=chat)
    assert set(failed["unscorable"].values()) == {"Answered without the model: on fire."}
    assert failed["scores"]["answer_match"] is None
    assert failed["scores"]["hits@1"] == 1
    assert right["unscorable"] == {}
    assert right["answer"] is not None
    assert right["answer"]["model"] == "scripted"
    means = average([failed, right])
    assert (means["answer_match"].n, means["answer_match"].unscorable, means["output_tokens"].n) == (1, 1, 1)


def test_a_model_alone_cites_nothing_and_its_failures_take_time(news: Archive, log: CallLog) -> None:
    chat = ScriptedChat(["There were 5,400 ships in Hest that whole long year.", ModelUnavailable("on fire.")])
    said, failed = examine(news, log, *CASES[:2], system="closed-book", model=chat)
    assert (said["scores"]["answer_match"], said["scores"]["citation_recall"], said["stands"]) == (1, 0, [])
    assert said["scores"]["citation_precision"] is said["scores"]["hits@1"] is None
    assert failed["scores"]["answer_match"] is None
    assert failed["seconds"]["total"] > 0


def test_records_that_differ_in_time_alone_say_the_same(news: Archive, log: CallLog) -> None:
    (made,) = examine(news, log, CASES[0])
    assert same_but_for_time(made, {**made, "seconds": {"total": 99.0}})
    assert not same_but_for_time(made, {**made, "prediction": "5,500"})
    assert not same_but_for_time(made, {**made, "scores": {**made["scores"], "answer_match": 0.0}})


# the baselines


def test_never_answering_has_all_of_one_measure_and_none_of_the_other(news: Archive, log: CallLog) -> None:
    means = average(examine(news, log, *CASES, system="always-abstain"))
    assert (means["abstention_recall"].mean, means["abstention_recall"].n) == (1, 2)
    assert (means["answer_match"].mean, means["answer_match"].n) == (0, 2)
    assert (means["abstention_precision"].mean, means["not_attempted"].mean) == (0.5, 1)
    assert means["accuracy_given_attempted"].mean is means["citation_recall"].mean is means["hits@1"].mean is None


def test_always_answering_has_none_of_the_one_and_abstains_from_nothing(news: Archive, log: CallLog) -> None:
    records = examine(news, log, *CASES, system="always-answer")
    assert all(made["prediction"] for made in records)
    means = average(records)
    assert (means["abstention_recall"].mean, means["not_attempted"].mean) == (0, 0)
    assert means["abstention_precision"].mean is None
    assert means["answer_match"].mean == 1
    assert means["aurc"].n == 4


# many cases


@dataclass
class Desk:
    """Stands in for an examiner: says which jobs were under way together; a job named "bad" fails."""

    together: int = 1  # how many must be under way before any is done
    bad_first: bool = False  # whether the job named "bad" is done before the others
    asked: list[str] = field(default_factory=list)
    done: list[str] = field(default_factory=list)
    most: int = 0
    _busy: int = 0
    _lock: threading.Condition = field(default_factory=threading.Condition)

    def examine(self, job: Job) -> Record:
        with self._lock:
            self.asked.append(job[0].id)
            self._busy += 1
            self.most = max(self.most, self._busy)
            self._lock.notify_all()
            self._lock.wait_for(lambda: self.most >= self.together, timeout=20)
            if self.bad_first and job[0].id != "bad":
                self._lock.wait_for(lambda: "bad" in self.done, timeout=20)
            self._busy -= 1
            self.done.append(job[0].id)
            self._lock.notify_all()
        if job[0].id.startswith("bad"):
            raise StoreError(f"{job[0].id} cannot be asked")
        return cast(Record, {"case": {"id": job[0].id}})


def jobs(*ids: str) -> list[Job]:
    return [(case(id_), 1) for id_ in ids]


def ids(records: Iterator[Record]) -> list[str]:
    return [made["case"]["id"] for made in records]


def unbounded(log: CallLog, **limits) -> Bounds:
    return Bounds(RunOptions(**limits), log)


def test_one_at_a_time_is_in_order_and_none_is_asked_before_the_last_was_taken(log: CallLog) -> None:
    desk = Desk()
    records = ask_all(jobs("a", "b", "c"), desk.examine, concurrency=1, bounds=unbounded(log))
    assert next(records)["case"]["id"] == "a"
    assert desk.asked == ["a"]
    assert ids(records) == ["b", "c"]


@pytest.mark.parametrize("concurrency", [2, 3, 8])
def test_several_at_a_time_ask_every_case_once(log: CallLog, concurrency: int) -> None:
    names = [f"c{n}" for n in range(20)]
    desk = Desk(together=concurrency)
    assert sorted(ids(ask_all(jobs(*names), desk.examine, concurrency=concurrency, bounds=unbounded(log)))) == sorted(
        names
    )
    assert sorted(desk.asked) == sorted(names)
    assert desk.most == concurrency


@pytest.mark.parametrize("concurrency", [1, 4])
def test_without_a_case_there_is_no_record(log: CallLog, concurrency: int) -> None:
    assert ids(ask_all([], Desk().examine, concurrency=concurrency, bounds=unbounded(log))) == []


def test_a_bound_that_is_reached_lets_what_is_under_way_finish(log: CallLog) -> None:
    desk, bounds = Desk(together=3), unbounded(log, max_tokens=10)

    def spend(job: Job) -> Record:
        made = desk.examine(job)
        log.put_reply(job[0].id, {}, [ReplyPart("x", Usage(4, 1))], None)
        return made

    records = ids(ask_all(jobs(*"abcdefgh"), spend, concurrency=3, bounds=bounds))
    assert bounds.reached() == "stopped at 10 tokens (--max-tokens)"
    assert sorted(records) == sorted(desk.done) == sorted(desk.asked)
    assert 2 <= len(records) <= 5  # two spend what there is; at most three were under way then


def test_one_at_a_time_stops_at_the_bound(log: CallLog) -> None:
    def spend(job: Job) -> Record:
        log.put_reply(job[0].id, {}, [ReplyPart("x", Usage(4, 1))], None)
        return cast(Record, {"case": {"id": job[0].id}})

    assert ids(ask_all(jobs(*"abcd"), spend, concurrency=1, bounds=unbounded(log, max_tokens=10))) == ["a", "b"]


def test_an_error_comes_through_and_loses_no_record_that_was_made_beside_it(log: CallLog) -> None:
    for _ in range(20):  # what is done when depends on the threads
        desk = Desk(together=3, bad_first=True)
        made: list[Record] = []
        with pytest.raises(StoreError, match="bad cannot be asked"):
            made.extend(ask_all(jobs("bad", "a", "b", "c"), desk.examine, concurrency=3, bounds=unbounded(log)))
        assert sorted(ids(iter(made))) == ["a", "b"]
        assert sorted(desk.done) == ["a", "b", "bad"]
    with pytest.raises(StoreError, match="bad cannot be asked"):
        ids(ask_all(jobs("bad", "a"), Desk().examine, concurrency=1, bounds=unbounded(log)))


def test_a_caller_that_stops_waits_for_what_is_under_way(log: CallLog) -> None:
    desk = Desk(together=2)
    records = ask_all(jobs(*"abcdefgh"), desk.examine, concurrency=2, bounds=unbounded(log))
    next(records)
    records.close()  # type: ignore[attr-defined]
    assert sorted(desk.asked) == sorted(desk.done)
    assert len(desk.asked) < 8


# bounds


@pytest.mark.parametrize(
    ("limits", "reached"),
    [
        ({}, None),
        ({"max_seconds": 0}, "stopped after 0 s (--max-seconds)"),
        ({"max_seconds": 1_000}, None),
        ({"max_tokens": 1_500}, "stopped at 1,500 tokens (--max-tokens)"),
        ({"max_tokens": 1_501}, None),
        ({"max_cost_usd": 0.75}, "stopped at $0.75 (--max-cost)"),
        ({"max_cost_usd": 0.76}, None),
        ({"max_seconds": 0, "max_tokens": 1}, "stopped after 0 s (--max-seconds)"),
    ],
)
def test_a_bound_is_reached_by_time_tokens_and_dollars(log: CallLog, limits: dict, reached: str | None) -> None:
    log.put_reply("a", {}, [ReplyPart("x"), ReplyPart(usage=Usage(1_000, 200, 0.5))], None)
    log.put_reply("b", {}, [ReplyPart(usage=Usage(300, 0, 0.25))], None)
    assert unbounded(log, **limits).reached() == reached


def test_a_reply_that_failed_does_not_lift_the_bound_on_cost(log: CallLog) -> None:
    log.put_reply("a", {}, [ReplyPart(usage=Usage(1_000, 200, 0.5))], None)
    log.put_reply("b", {}, [ReplyPart("Trade was")], ModelUnavailable("on fire."))
    assert unbounded(log, max_cost_usd=0.5).reached() == "stopped at $0.5 (--max-cost)"


# clusters


def test_cases_whose_first_evidence_stands_in_one_article_are_one_cluster() -> None:
    cases = [
        case("a", evidence=[Evidence("ports.md", HEST), Evidence("corrected.md", ASHORE)]),
        case("b", evidence=[Evidence("ports.md", COPPER)]),
        case("c", evidence=[Evidence("corrected.md", ASHORE), Evidence("ports.md", HEST)]),
        unanswerable("d", "?"),
        unanswerable("e", "?"),
    ]
    clusters = find_clusters(cases)
    assert clusters == {"a": "ports.md", "b": "ports.md", "c": "corrected.md", "d": "d", "e": "e"}
