from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from run_maker import (
    make_abstention,
    make_answer,
    make_citation,
    make_hits,
    make_many,
    make_record,
    make_run,
    make_unanswerable,
    make_wrong,
)

from qa.findings import (
    NOT_SOUGHT,
    RIGHT,
    WHOLE_ARTICLE,
    Proof,
    count_faults,
    count_model_failures,
    count_reasons,
    find_all,
    find_failures,
    read_finding,
    score_kinds,
)
from qa.run_folder import Record

PASSAGES: dict[str, Any] = {"answer": None, "prediction": None, "stands": []}
REASON = "the judge's reply names no statement"


@pytest.mark.parametrize(
    ("record", "is_right", "why"),
    [
        (make_record(), True, ""),
        (make_unanswerable(abstains=True), True, ""),
        (make_wrong(), False, "another answer than the gold one"),
        (make_abstention(), False, "abstained, but the articles answer this"),
        (make_unanswerable(abstains=False), False, "answered, but the articles do not answer this"),
        (make_record(stands=[False]), True, "1 of 1 quote does not stand as cited"),
        (make_record(stands=[True, False, False]), True, "2 of 3 quotes do not stand as cited"),
        (
            make_wrong(stands=[False]),
            False,
            "another answer than the gold one; 1 of 1 quote does not stand as cited",
        ),
        (
            make_record(unscorable={"citation_recall": REASON, "citation_precision": REASON}),
            True,
            f"not scored: {REASON}",
        ),
        (make_record(scores={"answer_match": None}, unscorable={"answer_match": "x"}), None, "not scored: x"),
        (make_record(**PASSAGES, scores={"hits@10": 1.0}), True, ""),
        (
            make_record(**PASSAGES, scores={"hits@10": 0.0}),
            False,
            "the evidence is not among the first ten passages",
        ),
        (make_record(**PASSAGES, scores={"hits@10": None}), None, ""),
    ],
)  # fmt: skip
def test_a_case_fails_for_a_reason(record: Record, is_right: bool | None, why: str) -> None:
    finding = read_finding(record)
    assert (finding.is_right, finding.why) == (is_right, why)


def test_an_abstention_of_a_model_that_failed_is_not_right() -> None:
    scores = {"abstention_recall": None, "abstention_precision": None}
    record = make_unanswerable(abstains=True, scores=scores, unscorable={"abstention_recall": "it was down"})
    assert read_finding(record).is_right is None


def test_only_what_failed_is_a_failure(tmp_path: Path) -> None:
    run = make_run(tmp_path, [make_record(), make_wrong(), make_unanswerable(abstains=True), make_abstention()])
    assert [finding.status for finding in find_failures(run)] == ["answered", "abstained"]
    assert len(find_all(run)) == 4


@pytest.mark.parametrize(
    ("case", "gold"),
    [
        ({"answers": ["$3"], "number": None}, "$3"),
        ({"answers": ["12", "twelve"], "number": None}, "12 | twelve"),
        ({"answers": ["12 m"], "number": {"value": 12, "unit": "m", "tolerance": 0.5}}, "12 m (± 0.5)"),
        ({"answers": [], "all_of": [["Brenn"], ["Kessel Bay", "the port"]]}, "Brenn + Kessel Bay | the port"),
        ({"answers": [], "answerable": False}, "not in these articles"),
        ({"answers": [], "number": None}, "none is given"),
    ],
)
def test_the_gold_answer_is_written_with_its_alternatives_and_parts(case: dict[str, Any], gold: str) -> None:
    assert read_finding(make_record(case=case)).gold == gold


PARTS = [{"article": f"{n}.md", "quote": f"Part {n}.", "part": n} for n in (1, 2)]


@pytest.mark.parametrize(
    ("changes", "rank", "said"),
    [
        ({"hits": make_hits(rank=3)}, 3, "in passage 3"),
        ({"hits": make_hits(rank=None, found=7)}, None, "in none of 7 passages"),
        ({"hits": []}, None, NOT_SOUGHT),
        ({"case": {"evidence": []}, "hits": make_hits(rank=None)}, None, ""),
        (
            {"case": {"evidence": PARTS}, "hits": make_hits(rank=2)},
            2,
            "part 1 in passage 2; part 2 in none of 10 passages",
        ),
    ],
)
def test_it_is_said_where_the_evidence_was_found(changes: dict[str, Any], rank: int | None, said: str) -> None:
    finding = read_finding(make_record(**changes))
    assert (finding.rank, finding.evidence) == (rank, said)


def test_one_sentence_of_the_evidence_stands_for_each_part() -> None:
    other = {"article": "3.md", "quote": "Part 2 again.", "part": 2}
    finding = read_finding(make_record(case={"evidence": [*PARTS, other]}))
    assert finding.proofs == (Proof("Part 1.", "1.md", 0), Proof("Part 2.", "2.md", 1))


def test_evidence_of_a_whole_article_has_no_sentence_to_show() -> None:
    whole = [{"article": "1.md"}, {"article": "2.md"}]
    finding = read_finding(make_record(case={"evidence": whole}))
    assert finding.proofs == (Proof(WHOLE_ARTICLE, "1.md", 1),)


def test_an_answer_is_read_with_its_short_form_quotes_and_problems() -> None:
    answer = make_answer(score=0.25)
    problem = {"kind": "figure_not_in_quote", "detail": "7 is not in the quote"}
    answer["statements"] = [answer["statements"][0] | {"verdict": "unsupported", "problems": [problem]}] * 2
    finding = read_finding(make_record(answer=answer, stands=[False]))
    (quote,) = finding.quotes
    assert (quote.title, quote.published, quote.stands) == ("A record year for trade", "5 July 2022", False)
    assert quote.short_span is not None
    assert quote.text[slice(*quote.short_span)] == finding.short == "$24.2 billion"
    assert finding.problems == ("7 is not in the quote",)
    assert (finding.confidence, finding.seconds) == (0.25, 0.07)


def test_the_short_answer_is_not_said_twice() -> None:
    record = make_record(prediction="Ben sold 15.", answer={"text": "Ben sold 15. [1]"})
    assert read_finding(record).short == ""


def test_only_the_first_quote_has_the_short_answer() -> None:
    record = make_record(answer={"citations": [make_citation(), make_citation(published=None)]}, stands=[True, True])
    first, second = read_finding(record).quotes
    assert first.short_span is not None
    assert (second.short_span, second.published) == (None, "")


def test_an_answer_without_what_only_the_full_program_has_is_read() -> None:
    finding = read_finding(make_record() | {"answer": {"status": "answered", "text": "12", "usage": {}}})
    assert (finding.text, finding.quotes, finding.statements, finding.confidence) == ("12", (), (), None)


def test_faults_are_counted_by_the_first_of_each_case(tmp_path: Path) -> None:
    records = [make_abstention(), make_wrong(stands=[False]), make_abstention(), make_record()]
    assert count_faults(find_all(make_run(tmp_path, records))) == [
        ("abstained, but the articles answer this", 2),
        ("another answer than the gold one", 1),
    ]


def test_a_reason_is_told_once_with_its_cases_and_measures(tmp_path: Path) -> None:
    records = [
        make_record(unscorable={"citation_recall": "slow"}),
        make_record(unscorable={"citation_recall": REASON, "citation_precision": REASON}),
        make_record(unscorable={"citation_precision": REASON}),
    ]
    reasons = count_reasons(make_run(tmp_path, records))
    assert [(reason.text, reason.cases, reason.measures) for reason in reasons] == [
        (REASON, 2, ("citation_recall", "citation_precision")),
        ("slow", 1, ("citation_recall",)),
    ]


def test_kinds_are_scored_in_their_order_with_the_cases_they_have(tmp_path: Path) -> None:
    records = [
        make_wrong(case={"kind": "temporal"}),
        make_record(case={"kind": "fact"}, cluster="a"),
        make_unanswerable(abstains=True, case={"kind": "temporal"}, cluster="b"),
    ]
    fact, temporal = score_kinds(make_run(tmp_path, records))
    assert (fact.kind, fact.cases, fact.scores[RIGHT].mean) == ("fact", 1, 1.0)
    assert (temporal.kind, temporal.cases, temporal.scores[RIGHT].mean) == ("temporal", 2, 0.5)
    assert (temporal.scores["answer_match"].n, temporal.scores["abstention_recall"].n) == (1, 1)
    assert fact.scores["abstention_recall"].mean is None


def test_a_suite_of_forty_has_every_kind_and_every_outcome(tmp_path: Path) -> None:
    run = make_run(tmp_path, make_many())
    findings = find_all(run)
    assert len(score_kinds(run)) == 8
    assert {(finding.answerable, finding.status, finding.is_right) for finding in findings} == {
        (True, "answered", True),
        (True, "answered", False),
        (True, "abstained", False),
        (False, "abstained", True),
        (False, "answered", False),
    }
    assert {fault.kind for finding in findings for fault in finding.faults} == {
        "wrong",
        "abstained",
        "answered",
        "quote",
        "unscored",
    }


def test_only_answers_that_a_model_should_have_written_count_as_its_failures(tmp_path: Path) -> None:
    failed = make_record(unscorable={"answer_match": "Answered without the model: it was down"})
    judged = make_record(unscorable={"citation_recall": REASON}, answer={"mode": "model"})
    records = [failed, judged, make_record()]
    assert count_model_failures(make_run(tmp_path, records, manifest={"model": "gpt-x"})) == 1
    assert count_model_failures(make_run(tmp_path, records)) == 0
