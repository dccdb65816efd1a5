from __future__ import annotations

from datetime import date
from itertools import count

import ir_measures
import pytest
from ir_measures import RR, Success
from small_data import make_article

from qa.articles import Filters, Passage
from qa.gold import Case, Evidence
from qa.metrics import Gold
from qa.retrieval import (
    MEASURES,
    Found,
    JudgedCase,
    Search,
    average_all,
    compare_all,
    judge_retrieval,
    measure_latency,
    pool_cases,
)
from qa.retrieve import Hit
from qa.sync import Progress


def make_case(id_: str, answer: str, **more: object) -> Case:
    base: dict[str, object] = {"question": f"Who is {id_}?", "gold": Gold((answer,)), "evidence": (), "kind": "fact"}
    return Case(**base | {"id": id_, "answerable": True} | more)  # type: ignore[arg-type]


def hits(*texts: str) -> list[Hit]:
    article = make_article("\n".join(texts))
    return [Hit(article, Passage(f"p{n}", article.id, 0, len(text), text), 1.0) for n, text in enumerate(texts)]


def fixed(found: dict[str, list[Hit]]) -> Search:
    return lambda question, _filters, limit: found[question][:limit]


FILLER = "Nothing of the kind is said here at all, and at some length. " * 20  # 281 tokens
CASES = [make_case("ann", "Anna"), make_case("ben", "Benno"), make_case("cia", "Lucia")]
OURS = fixed({
    "Who is ann?": hits("She is Anna.", FILLER),
    "Who is ben?": hits(FILLER, "It is Benno."),
    "Who is cia?": hits(*["No."] * 10, "Lucia!"),
})  # fmt: skip
OTHER = fixed({
    "Who is ann?": hits("No.", "No.", "No.", "She is Anna."),
    "Who is ben?": hits(FILLER, FILLER, FILLER, FILLER, "It is Benno."),
    "Who is cia?": hits("No."),
})  # fmt: skip


def test_measures_are_those_reckoned_by_hand() -> None:
    judged = judge_retrieval(CASES, {"onrecord": OURS, "bm25": OTHER})
    assert [case.found["onrecord"].first for case in judged] == [1, 2, 11]
    assert [case.found["bm25"].first for case in judged] == [4, 5, None]
    means = {name: [row[m].mean if row[m] else None for m in MEASURES] for name, row in average_all(judged).items()}
    ours = [1 / 3, 2 / 3, 2 / 3, 1, (1 + 1 / 2) / 3, 2 / 3, 1, 1, 1]
    assert means["onrecord"] == pytest.approx(ours)
    assert means["bm25"] == pytest.approx([0, 2 / 3, 2 / 3, 2 / 3, (1 / 4 + 1 / 5) / 3, 1 / 3, 1 / 3, 1 / 3, 2 / 3])
    differences = compare_all(judged)
    assert list(differences) == ["bm25"]
    found = differences["bm25"]["mrr@10"]
    assert found is not None
    assert (found.n, found.mean) == (3, pytest.approx((3 / 4 + 3 / 10 + 0) / 3))


def test_hits_and_reciprocal_rank_are_those_of_ir_measures() -> None:
    judged = judge_retrieval(CASES, {"onrecord": OURS, "bm25": OTHER})
    for name in ("onrecord", "bm25"):
        first = {case.id: case.found[name].first for case in judged}
        qrels = [ir_measures.Qrel(id_, "p", 1) for id_ in first]
        run = [ir_measures.ScoredDoc(id_, f"n{n}", 100.0 - n) for id_ in first for n in range(1, (first[id_] or 51))]
        run += [ir_measures.ScoredDoc(id_, "p", 100.0 - rank) for id_, rank in first.items() if rank]
        for measure, reference in (("hits@1", Success @ 1), ("hits@10", Success @ 10), ("mrr@10", RR @ 10)):
            for one in ir_measures.iter_calc([reference], qrels, run):
                case = next(case for case in judged if case.id == one.query_id)
                assert case.found[name].scores[measure] == pytest.approx(one.value), (name, measure, case.id)


def test_every_way_is_asked_as_of_the_cases_day_and_for_fifty() -> None:
    asked: list[tuple[str, Filters, int]] = []

    def search(question: str, filters: Filters, limit: int) -> list[Hit]:
        asked.append((question, filters, limit))
        return hits(*["No."] * 60, "Anna")

    day = date(2031, 5, 4)
    (judged,) = judge_retrieval([make_case("ann", "Anna", as_of=day)], {"one": search, "two": search})
    assert set(asked) == {("Who is ann?", Filters(as_of=day), 50)}
    assert len(asked) == 4  # each once before time is taken
    assert judged.found["one"].first is None  # what is behind the fiftieth does not count


def test_cases_that_cannot_be_judged_are_left_out_and_progress_is_told() -> None:
    seen: list[Progress] = []
    cases = [*CASES, make_case("dan", "", answerable=False, gold=Gold())]
    assert [case.id for case in judge_retrieval(cases, {"one": OURS}, on_progress=seen.append)] == ["ann", "ben", "cia"]
    assert seen == [Progress("searching", n, 3) for n in range(3)]
    assert judge_retrieval(cases[3:], {"one": OURS}) == []


def test_cases_on_one_article_are_drawn_together_and_recall_does_not_apply_without_an_answer() -> None:
    article = make_article("Ann is here.", source="ann.md")
    found = [Hit(article, Passage("p", article.id, 0, 12, article.text), 1.0)]
    cases = [
        make_case(id_, "", gold=Gold(), evidence=(Evidence("ann.md"),), retrieval_only=True) for id_ in ("one", "two")
    ]
    search = fixed({case.question: found for case in cases})
    judged = judge_retrieval(cases, {"onrecord": search, "bm25": search}, articles=[article])
    assert [case.cluster for case in judged] == ["ann.md", "ann.md"]
    assert average_all(judged)["bm25"]["answer@250"] is None
    assert compare_all(judged)["bm25"]["answer@250"] is None
    hits_at_1 = average_all(judged)["bm25"]["hits@1"]
    assert hits_at_1 is not None
    assert (hits_at_1.mean, hits_at_1.n) == (1, 2)


def test_ways_take_turns_in_being_asked_first() -> None:
    order: list[str] = []

    def named(name: str) -> Search:
        def search(_question: str, _filters: Filters, _limit: int) -> list[Hit]:
            order.append(name)
            return []

        return search

    judged = judge_retrieval(CASES[:2], {"a": named("a"), "b": named("b")})
    assert order == ["a", "b", "a", "b", "b", "a"]
    assert list(judged[1].found) == ["a", "b"]


def test_latency_is_that_of_the_clock() -> None:
    ticks = count()
    judged = judge_retrieval(CASES, {"one": OURS}, clock=lambda: next(ticks) ** 2)
    assert [case.found["one"].seconds for case in judged] == [1, 5, 9]
    assert measure_latency(judged)["one"] == (5, pytest.approx(8.6))


def test_a_question_that_stands_in_two_sets_counts_once() -> None:
    scores = dict.fromkeys(MEASURES, 1.0)

    def case(id_: str, question: str) -> JudgedCase:
        return JudgedCase(id_, question, id_, {"one": Found(1, 0.1, scores)})

    first, second = (
        [case("a1", "Who is Ann?"), case("a2", "Who is Ben?")],
        [case("b1", "who is  ann?"), case("b2", "?")],
    )
    assert [one.id for one in pool_cases([first, second])] == ["a1", "a2", "b2"]
