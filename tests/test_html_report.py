from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markup_reader import Element, pick, read_markup
from run_maker import (
    HOSTILE,
    make_gates,
    make_hits,
    make_hostile,
    make_many,
    make_record,
    make_run,
    make_wrong,
)

import qa.html_comparison
import qa.html_report
from qa.html_report import render_html
from qa.run_folder import Measure, Run

INERT = {
    "html", "head", "meta", "title", "style", "body", "main", "header", "footer", "section", "nav", "article",
    "h1", "h2", "h3", "p", "ul", "li", "dl", "dt", "dd", "div", "span", "strong", "bdi", "mark", "br", "wbr", "a",
    "table", "thead", "tbody", "tr", "th", "td", "details", "summary", "figure", "figcaption", "blockquote",
    "svg", "desc", "line", "rect", "circle", "path", "text",
}  # fmt: skip


@pytest.fixture
def run(tmp_path: Path) -> Run:
    found = make_run(tmp_path, make_many(), manifest={"suite": "newswire"})
    return replace(found, gates=make_gates(found.measures))


def check_inert(page: str) -> list[Element]:
    """Nothing in a page acts or asks for anything: only these elements, links within the page, no handler."""
    elements = read_markup(page)
    assert {element.name for element in elements} <= INERT
    for element in elements:
        for name, value in element.attributes.items():
            assert not name.startswith("on")
            assert name not in ("style", "src", "srcset", "action", "formaction", "xlink:href")
            assert name != "href" or value.startswith("#")
    assert len(pick(elements, "style")) == 1
    return elements


def skeleton(page: str) -> list[tuple[str, tuple[str, ...], tuple[str, ...]]]:
    """Which elements a page has in what, and with which attributes, whatever its text."""
    return [(element.name, element.within, tuple(element.attributes)) for element in read_markup(page)]


def test_the_page_is_inert_and_says_what_the_run_came_to(run: Run) -> None:
    elements = check_inert(render_html(run))
    assert [head.text for head in pick(elements, "h1")] == ["newswire"]
    assert [head.text for head in pick(elements, "h2")] == [
        "Gates: 4 of 5 met",
        "Measures",
        "Kinds, confidence and time",
        "Failing cases",
        "All cases",
        "What this run follows from",
    ]
    assert pick(elements, "p", "byline")[0].text == "full · 40 cases · no model · 1.3 s · 5 July 2031, 09:30 UTC"
    assert pick(elements, "p", "standfirst")[0].text.startswith("22 of 33 answerable questions answered rightly; ")


def test_the_few_numbers_that_matter_stand_first(run: Run) -> None:
    (numbers,) = pick(read_markup(render_html(run)), "dl", "headlines")
    said = [[part.text.replace("\u00a0", " ") for part in cell.children] for cell in numbers.children]
    assert said[0] == ["answered rightly", "67 %", "33 cases; 95 % interval 50 % to 82 %"]
    assert [title for title, *_ in said] == [
        "answered rightly",
        "rightly left unanswered",
        "of the quotes stand",
        "have evidence in the first ten passages",
        "for half of the cases, or less",
    ]


def test_gates_have_a_badge_a_rule_a_value_and_a_reason(run: Run) -> None:
    (gates,) = pick(read_markup(render_html(run)), "ul", "gates")
    said = [[part.text for part in gate.children] for gate in gates.children]
    assert said[0] == ["passed", "answer_match at least 0.600", "is 0.667"]
    assert said[1] == ["missed", "quote_validity at least 1.000", "is 0.960", "below 1.000"]


def test_every_measure_has_its_row_with_an_interval_drawn(run: Run) -> None:
    elements = read_markup(render_html(run))
    (measures,) = pick(elements, "table", "measures")
    rows = [e for e in elements if e.name == "tr" and e.text.startswith("answer_match")]
    assert [cell.text for cell in rows[0].children[1:2]] == ["0.667"]
    assert "0.500 – 0.824" in rows[0].children[2].text
    assert [element.name for element in rows[0].children[2].children] == ["svg", "span"]
    assert "1 not scored" in next(e.text for e in elements if e.name == "tr" and e.text.startswith("citation_recall"))
    assert "not scored in 1 case: the judge's reply names no statement (citation_recall, citation_precision)" in [
        note.text for note in pick(elements, "p", "note")
    ]
    assert measures.text.index("Answers") < measures.text.index("Citations") < measures.text.index("Retrieval")


def test_measures_of_repeats_and_those_without_an_interval_are_shown_too(run: Run) -> None:
    measures = dict(run.measures) | {"aurc": Measure(0.12, None, None, 25), "pass@3": Measure(0.8, 0.7, 0.9, 40)}
    page = render_html(replace(run, measures=measures))
    assert "Repeats and more" in page
    assert "The area under the curve (aurc) is 0.120." in page


def test_every_image_has_a_name_and_a_description(run: Run) -> None:
    images = pick(read_markup(render_html(run)), "svg")
    assert len(images) > 10
    for image in images:
        assert image.attributes["role"] == "img"
        assert [child.name for child in image.children[:2]] == ["title", "desc"]
        assert all(child.text for child in image.children[:2])


def test_the_four_plots_are_there(run: Run) -> None:
    titles = [
        child.text
        for figure in pick(read_markup(render_html(run)), "figure", "plotted")
        for child in figure.children[:1]
    ]
    assert titles == ["Right, by kind of question", "Risk and coverage", "Calibration", "Time"]


def test_headings_come_in_order(run: Run) -> None:
    levels = [int(e.name[1]) for e in read_markup(render_html(run)) if e.name in ("h1", "h2", "h3", "h4")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_ids_are_unique_and_links_lead_to_them(run: Run) -> None:
    elements = read_markup(render_html(run))
    ids = [element.attributes["id"] for element in elements if "id" in element.attributes]
    assert len(ids) == len(set(ids))
    assert {link.attributes["href"].removeprefix("#") for link in pick(elements, "a")} <= set(ids)


def test_the_manifest_is_told_but_no_place_of_the_disk(run: Run) -> None:
    page = render_html(run)
    assert str(run.folder) not in page
    footer = pick(read_markup(page), "footer")[0].text
    assert "gold questions (SHA-256)5a5a5a5a5a5a5a5a…" in footer
    assert "versionspython 3.11.9, onrecord 0.1.0" in footer


def test_equal_records_give_equal_bytes_wherever_they_lie(tmp_path: Path) -> None:
    one, two = (render_html(make_run(tmp_path / name, make_many())) for name in ("one", "two"))
    assert one == two


def test_a_run_without_cases_is_a_short_page(tmp_path: Path) -> None:
    elements = check_inert(render_html(make_run(tmp_path, [], manifest={"partial": "interrupted"})))
    assert [head.text for head in pick(elements, "h2")] == ["What this run follows from"]
    assert [warning.text for warning in pick(elements, "p", "warning")] == ["partial: interrupted · 0 of 40 asked"]


def test_a_run_of_passages_alone_has_no_plot_of_confidence(tmp_path: Path) -> None:
    passages = make_record(answer=None, prediction=None, stands=[], hits=make_hits(rank=None), scores={"hits@10": 0.0})
    elements = check_inert(render_html(make_run(tmp_path, [passages], manifest={"system": "retrieval"})))
    titles = [figure.children[0].text for figure in pick(elements, "figure", "plotted")]
    assert titles == ["Right, by kind of question", "Time"]


def test_one_case_alone_is_a_page(tmp_path: Path) -> None:
    check_inert(render_html(make_run(tmp_path, [make_wrong()])))


# what may be in a record


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_shown_and_does_nothing(tmp_path: Path, text: str) -> None:
    manifest = {
        "suite": text,
        "system": text,
        "model": text,
        "partial": text,
        "embedder": text,
        "prompts": {text: text},
    }
    run = make_run(tmp_path, make_hostile([text]), manifest=manifest)
    gates = tuple(
        replace(gate, reason=text, baseline=gate.baseline and text) for gate in make_gates(run.measures | FULL)
    )
    page = render_html(replace(run, gates=gates))
    check_inert(page)
    assert not set("\x00\x07\r\x1b\x9b\u2028\u202e\u2066") & set(page)


FULL = {"abstention_recall": Measure(1.0, 0.5, 1.0, 3)}


@given(st.text(min_size=1, alphabet=st.characters(exclude_categories=[])).filter(lambda text: text.strip()))
@settings(max_examples=50)
def test_no_text_changes_what_a_page_is_made_of(text: str) -> None:
    plain, odd = (render_html(make_run(Path(), make_hostile([filling * 4]))) for filling in ("x", text))
    assert skeleton(odd) == skeleton(plain)
    odd.encode("utf-8")


def test_both_pages_are_offered_by_one_module() -> None:
    assert qa.html_report.render_comparison_html is qa.html_comparison.render_comparison_html
