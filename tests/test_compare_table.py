"""The comparison on a terminal, as it reads."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from inline_snapshot import snapshot
from run_maker import make_abstention, make_answer, make_many, make_record, make_run, make_unanswerable, make_wrong

from qa.compare import Change, Comparison, Flip, compare_runs
from qa.compare_table import MAX_FLIPS, render_comparison
from qa.run_folder import Run

CHANGE = Change(
    name="answer_match",
    a=0.5,
    b=0.75,
    difference=0.25,
    low=0.125,
    high=0.375,
    n=40,
    test="exact McNemar",
    p=0.0004,
    p_adjusted=0.002,
    smallest=0.2,
    words="B is better",
)
FLIP = Flip("c-001", "How many?", "three", "two", "three", "b")


def _run(name: str = "monday") -> Run:
    return make_run(Path("reports") / name, [make_record()])


def _comparison(*changes: Change, flips: tuple[Flip, ...] = ()) -> Comparison:
    return Comparison(_run("monday"), _run("friday"), 40, changes, flips, ())


def test_a_comparison_reads_from_what_differs_to_what_follows() -> None:
    places = [(f"c-{n}", f"article-{n}") for n in range(40)]
    a = [(make_record if n > 15 else make_wrong)(case={"id": id_}, cluster=at) for n, (id_, at) in enumerate(places)]
    b = [(make_wrong if n > 38 else make_record)(case={"id": id_}, cluster=at) for n, (id_, at) in enumerate(places)]
    a += [make_unanswerable(abstains=True, case={"id": f"u-{n}"}, cluster=f"u-{n}") for n in range(3)]
    b += [make_unanswerable(abstains=False, case={"id": f"u-{n}"}, cluster=f"u-{n}") for n in range(2)]
    better = make_run(Path("friday"), b, manifest={"model": "small-model", "partial": "stopped"})
    comparison = compare_runs(make_run(Path("monday"), a), better)
    shown = replace(comparison, flips=(comparison.flips[0], *comparison.flips[-2:]))
    assert render_comparison(shown) == snapshot("""\
A  monday · full · no model
B  friday · full · model small-model · partial: stopped
small: 42 cases in both
what differs:
  model: none → small-model
  cases: 1 only in A, 0 only in B

measure                  A      B   B − A     95 % interval      p   n
answer
  answer_match       0.600  0.975  +0.375  +0.200 to +0.525  0.001  40  B is better
  incorrect ↓        0.400  0.025  −0.375  −0.525 to −0.200  0.001  40  B is better
  not_attempted ↓    0.000  0.000   0.000    0.000 to 0.000  1.000  40  the same in every case
citation
  quote_validity     1.000  1.000   0.000    0.000 to 0.000  1.000  40  the same in every case
abstention
  abstention_recall  1.000  0.000  −1.000  −1.000 to −1.000  0.500   2  no difference shown (too few cases to show any)
retrieval
  hits@1             0.600  0.975  +0.375  +0.200 to +0.525  0.001  40  B is better
  hits@5             1.000  1.000   0.000    0.000 to 0.000  1.000  40  the same in every case
  hits@10            1.000  1.000   0.000    0.000 to 0.000  1.000  40  the same in every case
  mrr@10             0.800  0.988  +0.188  +0.100 to +0.263  0.001  40  B is better
  recall@10          1.000  1.000   0.000    0.000 to 0.000  1.000  40  the same in every case
cost
  seconds ↓          70 ms  70 ms    0 ms      0 ms to 0 ms  1.000  42  the same in every case

Fewer than 30 independent cases or articles, so too narrow an interval: abstention_recall.

1 case turned right in B, 2 turned wrong

c-0  What was trade turnover in 2021?
    gold     $24.2 billion | 24,200 million dollars
    A wrong  $9.2 billion — From January to May 2022 trade between the two countries came to $9.2 billion. [1]
    B right  $24.2 billion — At the end of 2021 trade between the two countries stood at $24.2 billion, a record. [1]

u-0  Who won the cup?
    gold     not in these articles
    A right  abstained
    B wrong  $9.2 billion — From January to May 2022 trade between the two countries came to $9.2 billion. [1]

u-1  Who won the cup?
    gold     not in these articles
    A right  abstained
    B wrong  $9.2 billion — From January to May 2022 trade between the two countries came to $9.2 billion. [1]

B is better in answer_match, incorrect, hits@1, mrr@10 (level 0.05, Holm); no difference is shown in 6 measures more.\
""")


def test_cases_that_turned_are_shown_side_by_side_up_to_twenty() -> None:
    flips = tuple(replace(FLIP, id=f"c-{n:03d}", better="a" if n % 3 else "b") for n in range(MAX_FLIPS + 1))
    table = render_comparison(_comparison(CHANGE, flips=flips))
    assert "7 cases turned right in B, 14 turned wrong, the first 20 of them" in table
    assert "c-019  How many?\n    gold     three\n    A right  two\n    B wrong  three\n" in table
    assert "c-020" not in table


@pytest.mark.parametrize(
    ("words", "end"),
    [
        (["B is better"], "B is better in answer_match (level 0.05, Holm)."),
        (
            ["B is worse", "the same in every case"],
            "B is worse in answer_match (level 0.05, Holm); no difference is shown in 1 measure more.",
        ),
        (["B is better", "B is worse"], "B is better in answer_match and worse in hits@1 (level 0.05, Holm)."),
        (
            ["no difference shown (could show ± 0.10)"],
            "No difference is shown in 1 measure; that does not prove that there is none.",
        ),
        (["the same in every case"] * 2, "A and B are the same in every case."),
        ([], "No measure applies to two cases of both, so nothing can be said of which is better."),
    ],
)
def test_the_last_sentence_says_what_was_found(words: list[str], end: str) -> None:
    names = ("answer_match", "hits@1")
    changes = [replace(CHANGE, name=name, words=said) for name, said in zip(names, words, strict=False)]
    cost = replace(CHANGE, name="seconds", words="B is faster")
    assert render_comparison(_comparison(*changes, cost)).splitlines()[-1] == end


def test_columns_line_up() -> None:
    table = render_comparison(
        compare_runs(make_run(Path("a"), make_many(seed=1)), make_run(Path("b"), make_many(seed=2)))
    )
    rows = [line for line in table.splitlines() if line.startswith("  ") and " to " in line and "shown" in line]
    assert len(rows) > 5
    assert len({line.index("no difference") for line in rows}) == 1


def test_small_and_no_p_values_are_written_in_words_a_reader_knows() -> None:
    lines = render_comparison(
        _comparison(replace(CHANGE, p_adjusted=0.00004), replace(CHANGE, name="hits@1", difference=0.0, low=-0.1))
    ).splitlines()
    first, second = (next(line for line in lines if name in line) for name in ("answer_match", "hits@1"))
    assert "+0.250  +0.125 to +0.375  < 0.001" in first
    assert "0.000  −0.100 to +0.375    0.002" in second


def test_costs_have_their_units() -> None:
    seconds = replace(CHANGE, name="seconds", a=0.08, b=2.5, difference=2.42, low=-0.01, high=4.0)
    row = next(line for line in render_comparison(_comparison(seconds)).splitlines() if "seconds" in line)
    assert row.split("  ")[1:6] == ["seconds ↓", "80 ms", "2.5 s", "+2.4 s", "−10 ms to +4.0 s"]


def test_nothing_in_a_run_can_act_on_a_terminal() -> None:
    nasty = "red\x1b[31m\nalert\u202e"
    case = {"id": nasty, "question": nasty, "answers": [nasty]}
    a = make_run(Path(nasty), [make_record(case=case, answer=make_answer(text=nasty))], manifest={"system": nasty})
    b = make_run(
        Path("b"), [make_abstention(case=case)], manifest={"model": nasty, "partial": nasty, "settings": {nasty: nasty}}
    )
    table = render_comparison(compare_runs(a, b))
    assert not set(table) & set("\x1b\u202e")
    assert not any(line.startswith("alert") for line in table.splitlines())


def test_runs_that_differ_in_nothing_are_said_to() -> None:
    assert "nothing differs in their settings" in render_comparison(_comparison(CHANGE))
    assert "no case turned from right to wrong or back" in render_comparison(_comparison(CHANGE))
