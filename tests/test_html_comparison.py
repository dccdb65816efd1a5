from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from markup_reader import Element, pick, read_markup
from run_maker import HOSTILE, make_many, make_run
from test_html_report import check_inert

from qa.compare import Change, Comparison, Flip, compare_runs
from qa.html_comparison import render_comparison_html

LITTLE = "no difference shown (could show ± 0.10)"
BETTER = Change("answer_match", 0.6, 0.8, 0.2, 0.05, 0.35, 40, "exact McNemar", 0.008, 0.016, 0.15, "B is better")
SAME = Change("token_f1", 0.6, 0.58, -0.02, -0.1, 0.06, 40, "paired bootstrap", 0.6, 1.0, 0.1, LITTLE)
SLOWER = Change("seconds", 0.1, 2.5, 2.4, 2.1, 2.7, 40, "paired bootstrap", 0.0002, 0.0006, None, "B is slower")
FLIPS = (
    Flip("n-001", "How much?", "$3", "abstained", "Ann paid $3. [1]", "b"),
    Flip("n-002", "How many?", "12", "Ben sold 12. [1]", "Ben sold 15. [1]", "a"),
    Flip("n-003", "Where?", "Hest", "On Sallow.", "On Hest.", "b"),
)


@pytest.fixture
def comparison(tmp_path: Path) -> Comparison:
    a = make_run(tmp_path, make_many(), manifest={"suite": "newswire", "seconds": 6.3})
    b = make_run(
        tmp_path,
        make_many(seed=9, model="gpt-x"),
        manifest={"suite": "newswire", "model": "gpt-x", "partial": "interrupted"},
    )
    return Comparison(a, b, 40, (BETTER, SAME, SLOWER), FLIPS, ("model: none → gpt-x",))


def part(elements: list[Element], name: str) -> Element:
    return next(element for element in elements if element.attributes.get("id") == name)


def cells(elements: list[Element], measure: str) -> list[str]:
    row = next(e for e in elements if e.name == "tr" and e.text.startswith(measure) and "tbody" in e.within)
    return [cell.text for cell in row.children]


def test_the_page_is_inert_and_says_what_differs_and_what_changed(comparison: Comparison) -> None:
    elements = check_inert(render_comparison_html(comparison))
    assert [head.text for head in pick(elements, "h1")] == ["newswire"]
    assert pick(elements, "p", "standfirst")[0].text == (
        "B is better in answer_match; in the other 1 measure no difference is shown."
        " 2 cases turned right, 1 turned wrong. B is slower."
    )
    assert part(elements, "differs").text == "What differsmodel: none → gpt-x"


def test_both_runs_are_told_side_by_side(comparison: Comparison) -> None:
    pair = pick(read_markup(render_comparison_html(comparison)), "div", "pair")[0]
    a, b = pair.children
    assert a.text == "Asystemfullmodelnoneasked40 cases in 6.3 sbegun5 July 2031, 09:30 UTC"
    assert "modelgpt-x" in b.text
    assert b.text.endswith("partial: interrupted · 40 of 40 asked")


def test_a_change_is_told_in_numbers_and_in_words(comparison: Comparison) -> None:
    elements = read_markup(render_comparison_html(comparison))
    name, words, a, b, drawn, p, n = cells(elements, "answer_match")
    assert (name, a, b, n) == ("answer_match", "0.600", "0.800", "40")
    assert words == "B is better"
    assert cells(elements, "token_f1")[1] == "no difference showncould show ±\u00a00.10"
    assert cells(elements, "seconds")[2:4] == ["100 ms", "2.5 s"]
    assert drawn.endswith("+0.200 (+0.050 to +0.350)")
    assert p == "0.016exact McNemar"
    assert cells(elements, "token_f1")[4].endswith("−0.020 (−0.100 to +0.060)")
    assert cells(elements, "seconds")[5] == "< 0.001paired bootstrap"


def test_the_bar_of_a_change_has_the_colour_of_its_words(comparison: Comparison) -> None:
    bars = pick(read_markup(render_comparison_html(comparison)), "rect", "interval")
    assert [bar.css[-1] for bar in bars] == ["good", "plain", "plain"]


def test_bars_of_shares_have_one_scale_and_those_of_costs_their_own(comparison: Comparison) -> None:
    better, same, slower = pick(read_markup(render_comparison_html(comparison)), "rect", "interval")
    zeros = {line.attributes["x1"] for line in pick(read_markup(render_comparison_html(comparison)), "line", "zero")}
    assert len(zeros) == 1
    widths = [float(bar.attributes["width"]) for bar in (better, same, slower)]
    assert widths[0] / widths[1] == pytest.approx(0.30 / 0.16, rel=0.01)
    assert float(slower.attributes["x"]) + widths[2] <= 136.01


def test_cases_that_turned_stand_with_both_answers(comparison: Comparison) -> None:
    elements = read_markup(render_comparison_html(comparison))
    gained, lost = part(elements, "gained"), part(elements, "lost")
    assert gained.children[0].text == "B right, A not: 2 cases"
    assert [flip.children[0].text for flip in gained.children[1:]] == ["How much?", "Where?"]
    (flip,) = lost.children[1:]
    a, b = flip.children[2].children
    assert (a.text, b.text) == ("A rightBen sold 12. [1]", "B not rightBen sold 15. [1]")
    assert flip.children[1].text == "n-002 gold: 12"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "No measure applies to two cases of both, so nothing can be said of which is better."),
        (("the same in every case",) * 2, "A and B are the same in every case."),
        ((LITTLE, LITTLE), "No difference is shown in any of 2 measures; that does not prove that there is none."),
        (("B is worse", "B is better"), "B is better in token_f1 and worse in answer_match."),
        (("B is worse", LITTLE), "B is worse in answer_match; in the other 1 measure no difference is shown."),
    ],
)
def test_the_conclusion_says_no_more_than_was_shown(comparison: Comparison, words: tuple[str, ...], said: str) -> None:
    changes = tuple(replace(change, words=word) for change, word in zip((BETTER, SAME), words, strict=False))
    elements = read_markup(render_comparison_html(replace(comparison, changes=changes)))
    assert pick(elements, "p", "standfirst")[0].text == f"{said} 2 cases turned right, 1 turned wrong."


def test_what_a_reader_must_know_stands_below_the_changes(comparison: Comparison) -> None:
    page = render_comparison_html(replace(comparison, notes=("Fewer than 30 <articles>.",)))
    assert "Fewer than 30 <articles>." in part(read_markup(page), "changes").text


def test_two_real_runs_make_a_page(comparison: Comparison) -> None:
    check_inert(render_comparison_html(compare_runs(comparison.a, comparison.b)))


def test_nothing_that_differs_changes_or_turns_is_said(comparison: Comparison) -> None:
    elements = check_inert(render_comparison_html(replace(comparison, changes=(), flips=(), differs=())))
    assert part(elements, "differs").text.endswith("Nothing in their settings.")
    assert part(elements, "changes").text.endswith("No measure applies to two cases of both.")
    assert part(elements, "gained").text == "B right, A not: 0 casesNone."


def test_the_same_run_twice_has_bars_without_width(comparison: Comparison) -> None:
    zero = replace(SLOWER, b=0.1, difference=0.0, low=0.0, high=0.0, words="the same in every case")
    elements = check_inert(render_comparison_html(replace(comparison, changes=(zero,))))
    assert cells(elements, "seconds")[4].endswith("0 ms (0 ms to 0 ms)")


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_shown_and_does_nothing(comparison: Comparison, text: str) -> None:
    run = make_run(comparison.a.folder, [], manifest={"suite": text, "system": text, "model": text, "partial": text})
    change = replace(BETTER, name=text, words=text, test=text)
    flips = tuple(Flip(text, text, text, text, text, better) for better in ("a", "b"))  # type: ignore[arg-type]
    page = render_comparison_html(Comparison(run, run, 1, (change,), flips, (text,)))
    check_inert(page)
    assert not set("\x00\x07\r\x1b\x9b\u2028\u202e\u2066") & set(page)


def test_equal_comparisons_give_equal_bytes(comparison: Comparison) -> None:
    assert render_comparison_html(comparison) == render_comparison_html(replace(comparison))
