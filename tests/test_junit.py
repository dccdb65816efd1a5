from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest
from hypothesis import given
from hypothesis import strategies as st
from run_maker import (
    average,
    make_abstention,
    make_gates,
    make_hits,
    make_many,
    make_record,
    make_run,
    make_unanswerable,
    make_wrong,
)

from qa.junit import render_junit
from qa.measures import SCORES
from qa.run_folder import Gate, Record, Run

MET = Gate("answer_match", "mean", 0.8, None, 0.9, True)
MISSED = Gate("hits@1", "bound", 0.5, None, 0.31, False, "the lower end of hits@1 is 0.310, not at least 0.5")
HOSTILE = "]]> <b>&amp;\x00\x07\x1b[31m\x7f\u202e\ufffe\uffff\ud800 'a' \"b\"\nline"
# what XML 1.0 can hold and is safe to show, on one line
SHOWN = "]]> <b>&amp;" + "\ufffd" * 3 + "[31m" + "\ufffd" * 5 + " 'a' \"b\" line"


def run_of(records: Sequence[Record], gates: Sequence[Gate] = (), **changes) -> Run:
    return make_run(Path("run"), records, gates=tuple(gates), **changes)


def parse(run: Run) -> tuple[Xml.Element, Xml.Element]:
    """The two test suites of the document, after it was read as bytes."""
    root = Xml.fromstring(render_junit(run).encode("utf-8"))
    assert root.tag == "testsuites"
    gates, cases = root
    assert gates.tag == cases.tag == "testsuite"
    return gates, cases


def outputs(cases: Xml.Element) -> dict[str, str | None]:
    return {case.attrib["name"]: case.findtext("system-out") for case in cases}


# gates


def test_a_missed_gate_is_a_failure_with_its_reason_and_one_that_is_met_is_none() -> None:
    gates, _ = parse(run_of([make_record()], [MET, MISSED]))
    assert gates.attrib == {"name": "small.gates", "tests": "2", "failures": "1", "errors": "0", "skipped": "0"}
    met, missed = gates
    assert met.attrib == {"classname": "small.gates", "name": "answer_match at least 0.800"}
    assert list(met) == []
    assert missed.attrib["name"] == "lower end of the interval of hits@1 at least 0.500"
    (failure,) = missed
    assert failure.tag == "failure"
    assert failure.attrib["message"] == failure.text == MISSED.reason


def test_a_missed_gate_without_a_reason_says_that_it_is_missed() -> None:
    gates, _ = parse(run_of([], [Gate("aurc", "mean", 0.1, None, None, False)]))
    assert [failure.attrib["message"] for failure in gates.iter("failure")] == ["missed"]


def test_a_run_without_gates_and_cases_is_two_empty_suites() -> None:
    gates, cases = parse(run_of([]))
    for suite in (gates, cases):
        assert (suite.attrib["tests"], suite.attrib["failures"], len(suite)) == ("0", "0", 0)


@pytest.mark.parametrize("cases", [1, 40])
def test_the_counts_are_those_of_what_is_listed(cases: int) -> None:
    records = make_many(cases)
    run = run_of(records, make_gates(average(records)))
    gates, told = parse(run)
    for suite in (gates, told):
        assert int(suite.attrib["tests"]) == len(suite.findall("testcase"))
        assert int(suite.attrib["failures"]) == len(suite.findall("testcase/failure"))
    assert int(told.attrib["tests"]) == cases
    assert [gate.passed for gate in run.gates] == [not len(one) for one in gates]


# cases


def test_a_case_is_never_a_failure_but_what_went_wrong_is_told() -> None:
    quote_broken = make_record(case={"id": "e"}, stands=[False])
    unscored = make_record(case={"id": "f"}, unscorable={"answer_match": "127.0.0.1 is on fire"})
    unscored["scores"] = dict.fromkeys(SCORES)
    records = [
        make_record(case={"id": "a"}),
        make_wrong(case={"id": "b"}),
        make_abstention(case={"id": "c"}),
        make_unanswerable(abstains=False, case={"id": "d"}),
        quote_broken,
        unscored,
        make_unanswerable(abstains=True, case={"id": "g"}),
    ]
    _, cases = parse(run_of(records, [MISSED]))
    assert cases.attrib == {"name": "small.cases", "tests": "7", "failures": "0", "errors": "0", "skipped": "0"}
    assert list(cases.iter("failure")) == []
    told = outputs(cases)
    assert list(told) == list("abcdefg")
    assert {name for name, text in told.items() if text is None} == {"a", "g"}
    assert "quote" in (told["e"] or "")
    assert "127.0.0.1 is on fire" in (told["f"] or "")
    assert len({told[name] for name in "bcd"}) == 3


def test_cases_come_in_the_order_of_the_records_with_time_and_repeat() -> None:
    records = [
        make_record(case={"id": "b"}, seconds={"total": 1.23456}),
        make_record(case={"id": "a"}, seconds={"total": 0.0}),
        make_record(case={"id": "b"}, repeat=2, seconds={"total": 62.0}),
        make_record(case={"id": "a"}, repeat=2) | {"seconds": {}},
    ]
    _, cases = parse(run_of(records))
    assert [(case.attrib["name"], case.attrib["time"]) for case in cases] == [
        ("b", "1.235"),
        ("a", "0.000"),
        ("b (repeat 2)", "62.000"),
        ("a (repeat 2)", "0.000"),
    ]
    assert {case.attrib["classname"] for case in cases} == {"small.cases"}


def test_of_a_repeat_that_went_wrong_that_one_is_told() -> None:
    records = [make_record(case={"id": "a"}), make_wrong(case={"id": "a"}, repeat=2)]
    told = outputs(parse(run_of(records))[1])
    assert told["a"] is None
    assert told["a (repeat 2)"]


def test_a_search_that_missed_the_evidence_is_told() -> None:
    def search(id_: str, rank: int | None) -> Record:
        scores = dict.fromkeys(SCORES) | {"hits@10": float(rank is not None)}
        case = {"id": id_, "evidence": [{"article": "a.md"}], "answers": [], "number": None, "retrieval_only": True}
        made = make_record(case=case, hits=make_hits(rank=rank)) | {"answer": None, "prediction": None}
        return made | {"stands": [], "scores": scores}

    told = outputs(parse(run_of([search("found", 9), search("missed", None)]))[1])
    assert told["found"] is None
    assert told["missed"]


# hostile texts


def test_hostile_texts_survive_as_text() -> None:
    gates = [Gate("hits@1", "not_worse_than", None, HOSTILE, 0.1, False, HOSTILE)]
    wrong = make_wrong(case={"id": HOSTILE})
    unscored = make_record(case={"id": "u"}, unscorable={"answer_match": HOSTILE})
    run = run_of([wrong, unscored], gates, manifest={"suite": HOSTILE})
    text = render_junit(run)
    told_gates, cases = parse(run)
    assert told_gates.attrib["name"] == f"{SHOWN}.gates"
    (failure,) = told_gates.iter("failure")
    assert failure.attrib["message"] == SHOWN
    assert failure.text == SHOWN
    assert cases[0].attrib["name"] == SHOWN
    assert SHOWN in (cases[1].findtext("system-out") or "").replace("\n", " ")
    assert "<b>" not in text
    assert not set(text) & set("\x00\x07\x1b\x7f\u202e\ufffe\uffff\ud800")


ANY_TEXT = st.text(st.characters(exclude_categories=[]) | st.sampled_from("]>&<\x00\ufffe\ud800"), max_size=20)


@given(ANY_TEXT, ANY_TEXT, ANY_TEXT)
def test_any_text_gives_a_document_that_can_be_read(suite: str, id_: str, reason: str) -> None:
    records = [make_wrong(case={"id": id_}), make_record(case={"id": "b"}, unscorable={"answer_match": reason})]
    gate = Gate("hits@1", "mean", 0.5, None, 0.1, False, reason)
    gates, cases = parse(run_of(records, [gate], manifest={"suite": suite}))
    assert (len(gates), len(cases), len(list(gates.iter("failure")))) == (1, 2, 1)


def test_the_document_says_that_it_is_xml_and_ends_with_a_newline() -> None:
    text = render_junit(run_of([make_record()], [MET, MISSED]))
    assert text.startswith("<?xml version='1.0' encoding='utf-8'?>\n<testsuites ")
    assert text.endswith("</testsuites>\n")
    assert render_junit(run_of([make_record()], [MET, MISSED])) == text
