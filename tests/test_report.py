from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.errors import WorkspaceError
from qa.report import MAX_FAILURES, find_failures, render_table, write_report
from qa.runs import Gate, Measure, RankedPassage, Record, Run

HOSTILE = (
    "\x1b]0;owned\x07 <script>alert(1)</script> ![x](http://evil.example/x.png) | *a* \u202e `b`\nwww.evil.example"
)

TABLE = """\
suite small · 4 cases · no model · 1.3 s

measure                mean  95 % interval   n
answer_match          0.333  0.061 – 0.792   3
token_f1              0.500  0.500 – 0.500   3
quote_validity        1.000  0.439 – 1.000   3
abstention_precision      –              –   0
abstention_f1         0.667              –  12

gate                  at least     is
answer_match             0.850  0.333  MISSED
quote_validity           1.000  1.000  passed
abstention_precision     0.850      –  MISSED

3 of 4 cases failed

b  How many bicycles did Ben sell?
    gold      12 | twelve
    answered  15 — Ben sold 15 bicycles. [1]
    why       another answer than the gold one; evidence found in passage 2

c  Where does Cia live?
    gold      on a boat
    answered  Not in these articles.
    why       abstained, but the articles answer this; evidence found in none of 1 passages

d  Who won the cup?
    gold      not in these articles
    answered  Cia won. [1]
    why       answered, but the articles do not answer this"""

MARKDOWN = """\
# suite small · 4 cases · no model · 1.3 s

| measure | mean | 95 % interval | n |
|:--|--:|--:|--:|
| answer_match | 0.333 | 0.061 – 0.792 | 3 |
| token_f1 | 0.500 | 0.500 – 0.500 | 3 |
| quote_validity | 1.000 | 0.439 – 1.000 | 3 |
| abstention_precision | – | – | 0 |
| abstention_f1 | 0.667 | – | 12 |

## Gates

| gate | at least | is |  |
|:--|--:|--:|--:|
| answer_match | 0.850 | 0.333 | MISSED |
| quote_validity | 1.000 | 1.000 | passed |
| abstention_precision | 0.850 | – | MISSED |

## Failing cases

3 of 4 cases failed

**b** How many bicycles did Ben sell?

- gold: 12 | twelve
- answered: 15 — Ben sold 15 bicycles. \\[1\\]
- why: another answer than the gold one; evidence found in passage 2

**c** Where does Cia live?

- gold: on a boat
- answered: Not in these articles.
- why: abstained, but the articles answer this; evidence found in none of 1 passages

**d** Who won the cup?

- gold: not in these articles
- answered: Cia won. \\[1\\]
- why: answered, but the articles do not answer this
"""


def make_record(
    id_: str,
    question: str,
    *,
    answers: tuple[str, ...] = (),
    prediction: str | None = None,
    text: str = "Not in these articles.",
    relevant: tuple[bool, ...] = (),
    **scores: float,
) -> Record:
    hits = [
        RankedPassage(passage=f"p{place}", source="a.md", start=0, end=1, score=1.0, relevant=is_relevant)
        for place, is_relevant in enumerate(relevant)
    ]
    return Record(
        id=id_,
        question=question,
        kind="fact",
        tags=[],
        as_of=None,
        answerable=bool(answers),
        answers=list(answers),
        number=None,
        evidence=[{"article": "a.md", "quote": "x"}] if answers else [],
        prediction=prediction,
        answer={"text": text, "mode": "extract", "notices": [], "status": "answered" if prediction else "abstained"},
        hits=hits,
        scores={"answer_match": None, "quote_validity": None} | scores,
        seconds={},
    )


BREAD = make_record("a", "What did Ann pay?", answers=("$3",), prediction="$3", text="Ann paid $3. [1]", answer_match=1)
BICYCLES = make_record(
    "b",
    "How many bicycles did Ben sell?",
    answers=("12", "twelve"),
    prediction="15",
    text="Ben sold 15 bicycles. [1]",
    relevant=(False, True),
    answer_match=0,
    quote_validity=1,
)
BOAT = make_record("c", "Where does Cia live?", answers=("on a boat",), relevant=(False,), answer_match=0)
CUP = make_record("d", "Who won the cup?", prediction="Cia won.", text="Cia won. [1]", quote_validity=1)
NOBODY = make_record("e", "Who lost the cup?")


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(
        suite="small",
        folder=tmp_path,
        model=None,
        prompt=None,
        started=datetime(2022, 7, 5, tzinfo=UTC),
        seconds=1.26,
        records=(BREAD, BICYCLES, BOAT, CUP),
        measures={
            "answer_match": Measure(1 / 3, 0.0615, 0.7923, 3),
            "token_f1": Measure(0.5, 0.5, 0.5, 3),
            "quote_validity": Measure(1.0, 0.4385, 1.0, 3),
            "abstention_precision": Measure(None, None, None, 0),
            "abstention_f1": Measure(2 / 3, None, None, 12),
        },
        gates=(
            Gate("answer_match", 0.85, 1 / 3, False),
            Gate("quote_validity", 1.0, 1.0, True),
            Gate("abstention_precision", 0.85, None, False),
        ),
    )


def with_answer(record: Record, **answer: Any) -> Record:
    return {**record, "answer": {**record["answer"], **answer}}


def test_the_table_shows_measures_gates_and_failing_cases(run: Run) -> None:
    assert render_table(run) == TABLE


def test_the_report_says_the_same_in_markdown(run: Run, tmp_path: Path) -> None:
    file = write_report(run, tmp_path / "new")
    assert file == tmp_path / "new/report.md"
    assert file.read_bytes().decode() == MARKDOWN


def test_a_run_without_gates_or_failures_is_short(run: Run) -> None:
    table = render_table(replace(run, records=(BREAD, NOBODY), gates=()))
    assert "gate" not in table
    assert table.endswith("\n\nno case failed")


def test_the_model_is_named_with_what_it_failed_to_answer(run: Run) -> None:
    written = with_answer(BREAD, mode="model")
    failed = with_answer(BICYCLES, notices=["Answered without the model: 127.0.0.1 refused\nthe connection."])
    head = render_table(replace(run, model="gpt-x", records=(written, failed))).split("\n\n")[0]
    assert head.splitlines() == [
        "suite small · 2 cases · model gpt-x · 1.3 s",
        "the model failed on 1 of 2 cases · Answered without the model: 127.0.0.1 refused the connection.",
    ]


def test_a_failure_of_the_model_is_in_the_report_too(run: Run, tmp_path: Path) -> None:
    failed = with_answer(BICYCLES, notices=["Answered without the model: <down>"])
    text = write_report(replace(run, model="gpt-x", records=(failed,)), tmp_path).read_text(encoding="utf-8")
    assert "\n\nthe model failed on 1 of 1 cases · Answered without the model: \\<down\\>\n\n" in text


@pytest.mark.parametrize("record", [BREAD, NOBODY])
def test_what_went_well_is_no_failure(run: Run, record: Record) -> None:
    assert find_failures(replace(run, records=(record,))) == []


def test_a_quote_that_does_not_stand_is_a_failure_even_of_a_right_answer(run: Run) -> None:
    record: Record = {**BREAD, "scores": {**BREAD["scores"], "quote_validity": 0.75}}
    (failure,) = find_failures(replace(run, records=(record,)))
    assert failure.why == "25% of its quotes do not stand"


def test_at_most_twenty_failures_are_shown(run: Run, tmp_path: Path) -> None:
    many = replace(run, records=tuple(Record(**{**CUP, "id": f"case-{n}"}) for n in range(30)))
    assert len(find_failures(many)) == 30
    table, report = render_table(many), write_report(many, tmp_path).read_text(encoding="utf-8")
    for text in (table, report):
        assert "30 of 30 cases failed, the first 20 of them" in text
        assert text.count("case-") == MAX_FAILURES


def hostile_run(run: Run, text: str) -> Run:
    record: Record = {**BICYCLES, "id": text, "question": text, "answers": [text], "prediction": text}
    return replace(run, model=text, records=(with_answer(record, text=text, notices=[text]),))


def test_text_of_articles_cannot_act_on_the_terminal(run: Run) -> None:
    table = render_table(hostile_run(run, HOSTILE))
    assert not {"\x1b", "\x07", "\u202e"} & set(table)
    assert "<script>" in table
    assert "\nwww." not in table


def test_text_of_articles_cannot_act_in_markdown(run: Run, tmp_path: Path) -> None:
    text = write_report(hostile_run(run, HOSTILE), tmp_path).read_text(encoding="utf-8")
    assert not {"\x1b", "\x07", "\u202e"} & set(text)
    for active in ("<script", "[x]", "](http", "http://", "www.evil", "*a", "`b"):
        assert not re.search(r"(?<!\\)" + re.escape(active), text)
    assert r"\<script\>alert(1)\</script\>" in text
    assert r"www\.evil.example" in text


@given(st.text())
def test_no_text_adds_a_line(text: str) -> None:
    run = Run("small", Path(), None, None, datetime(2022, 7, 5, tzinfo=UTC), 0.0, (), {}, ())
    plain, odd = (render_table(hostile_run(run, filling)) for filling in ("x", text))
    assert odd.count("\n") == plain.count("\n")


def test_a_long_answer_is_cut(run: Run) -> None:
    record = with_answer(CUP, text="word " * 200)
    line = next(line for line in render_table(replace(run, records=(record,))).splitlines() if "answered" in line)
    assert len(line) < 180
    assert line.endswith("word…")


def test_a_report_that_cannot_be_written_is_named(run: Run, tmp_path: Path) -> None:
    (tmp_path / "report.md").mkdir()
    with pytest.raises(WorkspaceError, match=r"report\.md cannot be written: Is a directory\.$"):
        write_report(run, tmp_path)
