from __future__ import annotations

from typing import Any

import pytest
from markup_reader import Element, pick, read_markup
from run_maker import (
    make_abstention,
    make_answer,
    make_citation,
    make_hits,
    make_many,
    make_record,
    make_unanswerable,
    make_wrong,
)

from qa.findings import CitedQuote, read_finding
from qa.html_cases import render_all, render_failures, render_quote
from qa.run_folder import Record

PASSAGES: dict[str, Any] = {"answer": None, "prediction": None, "stands": []}


def failures(*records: Record) -> list[Element]:
    return read_markup(render_failures([read_finding(record) for record in records]))


def rows(*records: Record) -> list[list[str]]:
    """The cells of each case in the table of all cases."""
    elements = read_markup(render_all([read_finding(record) for record in records]))
    found = [element for element in pick(elements, "tr") if "tbody" in element.within and "group" not in element.css]
    return [[cell.text for cell in row.children] for row in found]


def facts(elements: list[Element]) -> dict[str, str]:
    """What is said under each name of a list of definitions."""
    terms = [(pair.children[0].text, pair.children[1].text) for pair in pick(elements, "div") if "dl" in pair.within]
    return dict(terms)


def test_a_failing_case_is_shown_with_all_that_explains_it() -> None:
    record = make_wrong(
        case={"id": "b", "question": "How many?", "answers": ["12"], "turns": ["Who is Ben?"], "as_of": "2031-06-01"},
        hits=make_hits(rank=4),
        stands=[False],
    )
    elements = failures(record)
    assert facts(elements) == {
        "asked before": "Who is Ben?",
        "as of": "1 June 2031",
        "gold": "12",
        "answer": f"$9.2 billion{record['answer']['text']} supported",  # type: ignore[index]
        "evidence": "in passage 4",
        "confidence": "0.41",
    }
    (head,) = pick(elements, "summary")
    assert [child.text for child in head.children] == [
        "How many?",
        "b",
        "fact",
        "another answer than the gold one; 1 of 1 quote does not stand as cited",
    ]
    quote, proof = pick(elements, "figure")
    assert "does not stand there" in quote.text
    assert "gold evidence: trade-record.md" in proof.text


def test_a_failing_case_may_rest_on_whole_articles() -> None:
    whole = [{"article": "1.md"}, {"article": "2.md"}]
    (proof,) = pick(failures(make_wrong(case={"evidence": whole})), "figure", "proof")
    assert proof.text == "the whole articlegold evidence: 1.md and 1 other piece"


def test_a_long_reason_stands_below_and_its_first_part_beside_the_question() -> None:
    reason = "the model's server refused the connection three times within a minute and then answered with an error"
    elements = failures(make_wrong(unscorable={"str_em": reason}))
    assert facts(elements)["why it failed"] == f"another answer than the gold one; not scored: {reason}"
    assert [badge.text for badge in pick(elements, "span", "badge") if "summary" in badge.within] == [
        "another answer than the gold one"
    ]


def test_the_first_failing_cases_are_open() -> None:
    elements = failures(*[make_wrong(case={"id": f"{n}"}) for n in range(5)])
    assert ["open" in case.attributes for case in pick(elements, "details")] == [True, True, True, False, False]
    assert len({case.attributes["id"] for case in pick(elements, "details")}) == 5


def test_reasons_are_counted_before_the_cases() -> None:
    elements = failures(make_wrong(), make_abstention(), make_wrong(), make_record())
    assert [item.text for item in pick(elements, "li", "reason")] == [
        "2 another answer than the gold one",
        "1 abstained, but the articles answer this",
    ]
    assert pick(elements, "p")[0].text == "3 of 4 cases failed."


def test_no_failing_case_is_said() -> None:
    assert [element.text for element in failures(make_record())][1:] == ["Failing cases", "No case failed."]


def test_the_short_answer_is_marked_in_its_quote() -> None:
    (mark,) = pick(failures(make_wrong()), "mark")
    assert mark.text == "$9.2 billion"


@pytest.mark.parametrize(
    ("span", "marked"), [((0, 3), "a<b"), ((4, 99), " & c"), ((2, 2), None), ((50, 60), ""), (None, None)]
)
def test_a_mark_never_changes_the_quote(span: tuple[int, int] | None, marked: str | None) -> None:
    quote = CitedQuote(1, "a<b> & c", "Title", "5 July 2022", stands=True, short_span=span)
    elements = read_markup(render_quote(quote))
    assert pick(elements, "blockquote")[0].text == "a<b> & c"
    assert [mark.text for mark in pick(elements, "mark")] == ([] if marked is None else [marked])


def test_statements_are_shown_with_verdicts_and_problems() -> None:
    answer = make_answer()
    answer["statements"] = [
        {"text": "Ann paid $3.", "verdict": "supported", "problems": []},
        {
            "text": "Ben paid $4.",
            "verdict": "unsupported",
            "problems": [{"kind": "x", "detail": "$4 is not in the quote"}],
        },
    ]
    elements = failures(make_wrong(answer=answer))
    assert [item.text for item in pick(elements, "li") if "dd" in item.within] == ["$4 is not in the quote"]
    verdicts = [badge for badge in pick(elements, "span", "badge") if "dd" in badge.within]
    assert [(badge.text, badge.css[-1]) for badge in verdicts] == [("supported", "good"), ("unsupported", "bad")]


def test_an_abstention_shows_what_was_closest() -> None:
    elements = failures(make_abstention(answer={"nearest": [make_citation(title="Near", published=None)]}))
    nearest, _ = pick(elements, "figure")
    assert nearest.text.endswith("[1] Near")
    assert facts(elements)["answer"] == "Not in these articles."


def test_all_cases_stand_by_kind_with_what_came_of_them() -> None:
    records = [
        make_wrong(case={"id": "a", "kind": "temporal", "question": "When?"}, prediction="May"),
        make_record(case={"id": "b", "question": "How much?"}, stands=[False], seconds={"total": 2.0}),
        make_record(case={"id": "c", "question": "How much?"}, repeat=2, hits=make_hits(rank=None)),
        make_unanswerable(abstains=True, case={"id": "d"}),
        make_unanswerable(abstains=False, case={"id": "e"}),
        make_abstention(case={"id": "f", "question": "Where?"}, seconds={}),
        make_record(case={"id": "g", "question": "Who?"}, scores={"answer_match": None}),
    ]  # fmt: skip
    records[5]["seconds"].clear()
    assert rows(*records) == [
        ["b", "right, but see", "How much?", "$24.2 billion", "1", "2.0 s"],
        ["c (repeat 2)", "right", "How much?", "$24.2 billion", "none", "70 ms"],
        ["d", "rightly abstained", "Who won the cup?", "–", "–", "70 ms"],
        ["e", "wrong", "Who won the cup?", "$9.2 billion", "–", "70 ms"],
        ["f", "abstained", "Where?", "–", "none", "–"],
        ["g", "not judged", "Who?", "$24.2 billion", "1", "70 ms"],
        ["a", "wrong", "When?", "May", "2", "70 ms"],
    ]


def test_passages_alone_are_found_or_missed() -> None:
    found, missed = (make_record(**PASSAGES, scores={"hits@10": score}) for score in (1.0, 0.0))
    assert [row[1] for row in rows(found, missed)] == ["found", "missed"]


def test_what_failed_leads_to_where_it_is_shown() -> None:
    findings = [read_finding(record) for record in make_many()]
    page = read_markup(render_failures(findings) + render_all(findings))
    cases = {case.attributes["id"]: case for case in pick(page, "details")}
    links = pick(page, "a")
    assert len(links) == len(cases) == sum(bool(finding.faults) for finding in findings)
    for link in links:
        assert link.text in cases[link.attributes["href"].removeprefix("#")].text


def test_the_heads_of_a_table_say_what_they_are_of() -> None:
    elements = read_markup(render_all([read_finding(record) for record in make_many()]))
    assert {head.attributes["scope"] for head in pick(elements, "th")} == {"col", "row", "rowgroup"}
    groups = [row.children[0] for row in pick(elements, "tr", "group")]
    assert groups[0].text == "fact4 of 5 right"
    assert {group.attributes["colspan"] for group in groups} == {"6"}
