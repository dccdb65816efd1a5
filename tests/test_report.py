from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from run_maker import (
    make_abstention,
    make_answer,
    make_case,
    make_citation,
    make_gates,
    make_hits,
    make_many,
    make_record,
    make_run,
    make_unanswerable,
    make_wrong,
)

from qa.report import MAX_FAILURES, MAX_PASSAGES, render_case, render_markdown, render_table, summary_lines
from qa.run_folder import Gate, Measure, Record, Run

HOSTILE = (
    "\x1b]0;owned\x07 <script>alert(1)</script> ![x](http://evil.example/x.png) | *a* \u202e `b`\nwww.evil.example"
)

BREAD = make_record(case={"id": "a"})
BICYCLES = make_wrong(
    case={"id": "b", "question": "How many bicycles did Ben sell?", "answers": ["12", "twelve"], "number": None},
    prediction="15",
    answer={
        "text": "Ben sold 15 bicycles. [1]",
        "citations": [make_citation(quote="Ben sold 15 bicycles.", title="Two wheels", published="2031-05-09")],
    },
)
BOAT = make_abstention(
    case={"id": "c", "question": "Where does Cia live?", "kind": "follow_up", "answers": ["on a boat"]}
    | {"turns": ["Who is Cia?"], "as_of": "2031-06-01"},
    hits=make_hits(rank=None, found=1),
)
CUP = make_unanswerable(abstains=False, case={"id": "d"}, stands=[False], prediction="Cia won.")
JUDGE = make_record(
    case={"id": "e"}, unscorable={"citation_recall": "no such statement", "str_em": "no such statement"}
)
NOBODY = make_unanswerable(abstains=True, case={"id": "f"})

TABLE = """\
small · full · 5 cases · no model · 1.3 s

measure            mean  95 % interval  n  not scored
answer
  answer_match    0.333  0.061 – 0.792  3
  incorrect ↓     0.333  0.061 – 0.792  3
  str_em              –              –  0           1
citation
  quote_validity  1.000  0.439 – 1.000  3
abstention
  abstention_f1   0.667              –  5
cost
  seconds ↓       0.071  0.070 – 0.072  5
other
  pass@3          0.500  0.250 – 0.750  2

not scored in 1 case: no such statement (citation_recall, str_em)
applies to no case: abstention_precision

gate                                                      is
answer_match at least 0.850                            0.333  MISSED: 0.333 is below 0.850
quote_validity at least 1.000                          1.000  passed
upper end of the interval of incorrect at most 0.800   0.792  passed
answer_match not significantly worse than in keywords      –  MISSED: no case is in both

4 of 5 cases failed

b  fact  How many bicycles did Ben sell?
    gold      12 | twelve
    answered  15 — Ben sold 15 bicycles. [1]
    quote     [1] “Ben sold 15 bicycles.” — Two wheels, 9 May 2031
    why       another answer than the gold one
    evidence  in passage 2

c  follow_up  Where does Cia live?
    before    Who is Cia?
    as of     1 June 2031
    gold      on a boat
    answered  Not in these articles.
    why       abstained, but the articles answer this
    evidence  in none of 1 passage

d  fact  Who won the cup?
    gold      not in these articles
    answered  Cia won. — From January to May 2022 trade between the two countries came to $9.2 billion. [1]
    quote     [1] “From January to May 2022 trade between the two countries came to $9.2 billion.” — A record \
year for trade, 5 July 2022 — does not stand there
    why       answered, but the articles do not answer this; 1 of 1 quote does not stand as cited

e  fact  What was trade turnover in 2021?
    gold      $24.2 billion | 24,200 million dollars
    answered  $24.2 billion — At the end of 2021 trade between the two countries stood at $24.2 billion, a \
record. [1]
    quote     [1] “At the end of 2021 trade between the two countries stood at $24.2 billion, a record.” — A \
record year for trade, 5 July 2022
    why       not scored: no such statement
    evidence  in passage 1"""

SUMMARY = [
    "2 of 4 answerable questions answered rightly; 1 wrongly, and 1 not at all.",
    "0 of 1 question without an answer in the articles left unanswered.",
    "3 of 4 quotes found in the cited article word for word at the cited place.",
    "Evidence in the first passage for 2 of 4 questions, among the first ten for 3.",
    "Half of the cases took at most 70 ms, 95 % at most 70 ms.",
    "2 of 4 gates met; missed: answer_match.",
]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return make_run(
        tmp_path,
        [BREAD, BICYCLES, BOAT, CUP, JUDGE],
        measures={
            "answer_match": Measure(1 / 3, 0.0615, 0.7923, 3),
            "incorrect": Measure(1 / 3, 0.0615, 0.7923, 3),
            "str_em": Measure(None, None, None, 0, unscorable=1),
            "quote_validity": Measure(1.0, 0.4385, 1.0, 3),
            "abstention_precision": Measure(None, None, None, 0),
            "abstention_f1": Measure(2 / 3, None, None, 5),
            "seconds": Measure(0.071, 0.07, 0.072, 5),
            "pass@3": Measure(0.5, 0.25, 0.75, 2),
        },
        gates=(
            Gate("answer_match", "mean", 0.85, None, 1 / 3, passed=False, reason="0.333 is below 0.850"),
            Gate("quote_validity", "mean", 1.0, None, 1.0, passed=True),
            Gate("incorrect", "bound", 0.8, None, 0.7923, passed=True),
            Gate(
                "answer_match", "not_worse_than", None, "/a/b/keywords", None, passed=False, reason="no case is in both"
            ),
        ),
    )


# the terminal


def test_the_table_shows_measures_gates_and_failing_cases(run: Run) -> None:
    assert render_table(run).splitlines() == TABLE.splitlines()


def test_a_run_without_gates_or_failures_is_short(run: Run) -> None:
    table = render_table(replace(run, records=(BREAD, NOBODY), gates=()))
    assert "gate" not in table
    assert table.endswith("\n\nno case failed")


def test_a_run_without_cases_says_so(tmp_path: Path) -> None:
    run = make_run(tmp_path, [])
    assert render_table(run) == "small · full · 0 cases · no model · 1.3 s\n\nno case was asked"
    assert summary_lines(run) == ["No case was asked."]
    assert "No case was asked" in render_markdown(run)


@pytest.mark.parametrize(
    ("manifest", "head"),
    [
        (
            {"partial": "stopped after 60 s", "cases": 40},
            ["small · full · 2 cases · no model · 1.3 s", "partial: stopped after 60 s · 2 of 40 asked"],
        ),
        (
            {"selection": {"limit": 2, "tags": ["trade", "money"]}},
            ["small · full · 2 cases · no model · 1.3 s", "only a part of the suite: limit 2; tags trade, money"],
        ),
        (
            {"model": "gpt-x", "system": "oracle", "seconds": 190.2},
            ["small · oracle · 2 cases · model gpt-x · 3 min 10 s", "the model failed on 1 of 2 cases"],
        ),
        ({"seconds": None}, ["small · full · 2 cases · no model · 140 ms"]),
    ],
)
def test_what_limits_a_run_stands_in_its_head(run: Run, manifest: dict[str, Any], head: list[str]) -> None:
    failed = make_record(case={"id": "x"}, unscorable={"answer_match": "Answered without the model: it was down"})
    records = [make_record(answer={"mode": "model"}), failed]
    assert render_table(make_run(run.folder, records, manifest=manifest)).split("\n\n")[0].splitlines() == head


def test_repeats_are_told_apart(tmp_path: Path) -> None:
    run = make_run(tmp_path, [make_record(), make_wrong(repeat=2), make_wrong(repeat=3)])
    table = render_table(run)
    assert table.startswith("small · full · 1 case asked 3 times · ")
    assert "\nc-001 (repeat 2)  fact  " in table
    assert "\nc-001 (repeat 3)  fact  " in table


def test_at_most_twenty_failures_are_on_the_terminal_and_all_in_the_file(run: Run) -> None:
    many = replace(run, records=tuple(make_wrong(case={"id": f"case-{n}"}) for n in range(30)))
    table, file = render_table(many), render_markdown(many)
    assert "30 of 30 cases failed, the first 20 of them" in table
    assert table.count("case-") == MAX_FAILURES
    assert "30 of 30 cases failed\n" in file
    assert file.count("case-") == 30


def test_a_long_answer_is_cut(run: Run) -> None:
    record = make_wrong(answer={"text": "word " * 200}, prediction="word")
    lines = render_table(replace(run, records=(record,))).splitlines()
    line = next(line for line in lines if line.startswith("    answered"))
    assert len(line) < 180
    assert line.endswith("word…")


def test_only_passages_are_shown_where_only_they_were_asked_for(tmp_path: Path) -> None:
    missed = make_record(answer=None, prediction=None, stands=[], hits=make_hits(rank=None), scores={"hits@10": 0.0})
    table = render_table(make_run(tmp_path, [missed], manifest={"system": "retrieval"}))
    assert "    answered" not in table
    assert "    why       the evidence is not among the first ten passages" in table


# sentences


CASE = """\
c  follow_up  Where does Cia live?
    came out  wrong
    before    Who is Cia?
    as of     1 June 2031
    gold      on a boat
    answered  Not in these articles.
    why       abstained, but the articles answer this
    evidence  in none of 1 passage
    closest   [1] “At the end of 2021 trade between the two countries stood at $24.2 billion, a record.” — \
A record year for trade, 5 July 2022
    proof     the whole article — cia.md
    passage   1. trade-record.md 0–100
"""


def test_one_case_is_shown_in_full() -> None:
    shown = render_case(make_abstention(**BOAT | {"case": BOAT["case"] | {"evidence": [{"article": "cia.md"}]}}))
    case, scores = shown.split("\n\n")
    assert case.splitlines() == CASE.splitlines()
    assert "    answer_match          0.000" in scores.splitlines()
    assert "None" not in shown


def test_a_case_in_full_is_not_cut_but_for_its_passages() -> None:
    long = "word " * 400
    record = make_wrong(repeat=2, answer={"text": long}, hits=make_hits(rank=12, found=20))
    shown = render_case(record)
    assert shown.startswith(f"{record['case']['id']} (repeat 2)  ")
    assert long.strip() in shown
    assert shown.count("    passage   ") == MAX_PASSAGES
    assert "— evidence" not in shown
    assert render_case(make_record()).count(" — evidence\n") == 1


def test_a_summary_says_what_came_of_it(run: Run) -> None:
    assert summary_lines(run) == SUMMARY


def test_what_could_not_be_judged_is_neither_right_nor_wrong(tmp_path: Path) -> None:
    failed = make_record(scores={"answer_match": None}, unscorable={"answer_match": "down"})
    down = make_abstention(scores={"answer_match": None}, unscorable={"answer_match": "down"})
    first = summary_lines(make_run(tmp_path, [make_record(), failed, down]))[0]
    assert first == "1 of 3 answerable questions answered rightly; 0 wrongly, and 0 not at all; 2 could not be judged."


def test_what_a_model_took_is_added_up(tmp_path: Path) -> None:
    usage = {"input_tokens": 700, "output_tokens": 30, "cost_usd": 0.0012}
    records = [make_record(answer={"usage": usage}), make_record(answer={"usage": usage | {"cost_usd": None}})]
    (said,) = [line for line in summary_lines(make_run(tmp_path, records)) if "model" in line]
    assert said.endswith("; the model read 1,400 tokens and wrote 60 for $0.0012.")


def test_a_summary_leaves_out_what_was_not_tried(tmp_path: Path) -> None:
    oracle = make_run(tmp_path, [make_record(hits=[])], manifest={"system": "oracle"})
    assert not any("Evidence" in line for line in summary_lines(oracle))
    passages = make_run(tmp_path, [make_record(answer=None, prediction=None, stands=[])])
    assert [line.split()[0] for line in summary_lines(passages)] == ["Evidence", "Half"]


# Markdown


def test_the_file_has_every_part_in_its_order(run: Run) -> None:
    text = render_markdown(run)
    heads = [line for line in text.splitlines() if line.startswith("#")]
    assert heads == [
        "# small · full · 5 cases · no model · 1.3 s",
        "## Measures",
        "## Gates",
        "## Kinds of question",
        "## Failing cases",
    ]
    assert "| answer\\_match | 0.333 | 0.061 – 0.792 | 3 |  | the gold answer or figure is given" in text
    assert "| answer\\_match at least 0.850 | 0.333 | MISSED | 0.333 is below 0.850 |" in text
    assert "| kind | cases | right | answer\\_match | abstention\\_recall | quote\\_validity | hits\\@1 |" in text
    assert "| follow\\_up | 1 | 0.000 (0.000 – 0.793) |" in text
    assert "\n- 2 of 4 answerable questions answered rightly; 1 wrongly, and 1 not at all.\n" in text


def test_a_failing_case_in_the_file_says_what_the_terminal_says(run: Run) -> None:
    text = render_markdown(run)
    assert text.endswith("- why: not scored: no such statement\n- evidence: in passage 1")
    assert "\n**b** (fact) How many bicycles did Ben sell?\n\n- gold: 12 | twelve\n" in text
    assert "\n- quote: \\[1\\] “Ben sold 15 bicycles.” — Two wheels, 9 May 2031\n" in text


def test_every_row_of_a_table_has_the_cells_of_its_head(run: Run) -> None:
    gates = (replace(run.gates[0], reason="a | b `c`"),)
    for table in re.findall(r"(?:^\|.*\n)+", render_markdown(replace(run, gates=gates)), re.MULTILINE):
        cells = {len(re.findall(r"(?<!\\)\|", row)) for row in table.splitlines()}
        assert len(cells) == 1


# what may be in a record


def hostile_run(run: Run, text: str) -> Run:
    citation = make_citation(quote=text, title=text)
    answer = make_answer() | {"text": text, "notices": [text], "citations": [citation], "short_span": [0, 3]}
    answer["statements"] = [
        {"text": text, "verdict": "unsupported", "problems": [{"kind": "figure_not_in_quote", "detail": text}]}
    ]
    case = make_case() | {"id": text, "question": text, "answers": [text], "turns": [text], "kind": text}
    record: Record = make_wrong() | {"case": case, "answer": answer, "prediction": "15", "unscorable": {"str_em": text}}
    manifest = {"suite": text, "system": text, "model": text, "partial": text, "selection": {"tags": [text]}}
    gate = replace(run.gates[0], baseline=text, kind="not_worse_than", reason=text)
    return make_run(run.folder, [record], manifest=manifest, gates=(gate,), measures=run.measures)


def test_text_of_articles_cannot_act_on_the_terminal(run: Run) -> None:
    hostile = hostile_run(run, HOSTILE)
    for text in (render_table(hostile), render_case(hostile.records[0])):
        assert not {"\x1b", "\x07", "\u202e"} & set(text)
        assert "<script>" in text
        assert "\nwww." not in text


def test_text_of_articles_cannot_act_in_markdown(run: Run) -> None:
    text = render_markdown(hostile_run(run, HOSTILE))
    assert not {"\x1b", "\x07", "\u202e"} & set(text)
    for active in ("<script", "[x]", "](http", "http://", "www.evil", "*a", "`b"):
        assert not re.search(r"(?<!\\)" + re.escape(active), text)
    assert r"\<script\>alert(1)\</script\>" in text
    assert r"www\.evil.example" in text


@given(st.text(min_size=1).filter(lambda text: not set(text) & set("/\\")))
def test_no_text_adds_a_line(text: str) -> None:
    gate = Gate("answer_match", "mean", 0.5, None, 0.6, passed=True)
    run = make_run(Path(), [], gates=(gate,))
    for render in (render_table, render_markdown):
        plain, odd = (render(hostile_run(run, filling)) for filling in ("x", text))
        assert odd.count("\n") == plain.count("\n")


def test_equal_records_give_equal_bytes_wherever_they_lie(tmp_path: Path) -> None:
    runs = [make_run(tmp_path / name, make_many()) for name in ("one", "two")]
    runs = [replace(run, gates=make_gates(run.measures)) for run in runs]
    for render in (render_table, render_markdown, summary_lines):
        assert render(runs[0]) == render(runs[1])
    assert str(tmp_path) not in render_markdown(runs[0])
