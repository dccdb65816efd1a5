from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from markup_reader import Element, pick, read_markup
from saved_answers import ARTICLES, MIXED, NOW, RIGHT, save, write

from qa.ground import Citation
from qa.html_answer import Shown, render_answer
from qa.saved import load_answer

HOSTILE = "<script>alert(1)</script><img src=x onerror=y>\x1b]0;x\x07\u202e"


@pytest.fixture
def page(tmp_path: Path) -> list[Element]:
    return read_markup(save(write(MIXED), tmp_path, "a.html").read_text(encoding="utf-8"))


def test_each_sentence_that_is_not_supported_is_marked_and_its_reason_listed(page: list[Element]) -> None:
    assert [badge.text for badge in pick(page, "span", "badge")] == ["unsupported", "uncited", "unsupported"]
    (problems,) = pick(page, "ul", "problems")
    reasons = [item.text for item in problems.children]
    assert len(reasons) == 3
    assert "$7 trillion is not in the quote" in reasons[0]
    assert "no passage is named as its source" in reasons[1]


def test_the_text_is_all_there_in_its_order(page: list[Element]) -> None:
    (text,) = [element for element in pick(page, "p") if "Trade stood" in element.text]
    shown = [element.text for element in text.children if element.name == "bdi"]
    assert "".join(shown) == MIXED


def test_each_quote_is_shown_with_its_article_its_place_and_its_hash(page: list[Element]) -> None:
    figures = pick(page, "figure", "quote")
    quotes = [figure.children[0].text for figure in figures]
    assert quotes[0] == ARTICLES[0].text.split(" Growth")[0]
    caption = figures[0].children[1].text
    assert "Trade sets a record · 5 July 2022" in caption
    assert f"a1.md, characters 0–{len(quotes[0])}, sha256 {ARTICLES[0].sha256}" in caption
    assert "no date" in figures[1].children[1].text


def test_the_page_says_who_wrote_it_and_when(tmp_path: Path) -> None:
    shown = load_answer(save(write(), tmp_path)).shown
    assert "scripted" in said(shown)
    assert "5 July 2031, 09:30 UTC, by onrecord 0.1.0" in said(shown)
    assert "scripted was asked; the words are the articles'" in said(replace(shown, is_models=False))
    assert "no model" in said(replace(shown, is_models=False, model=None))


def said(shown: Shown) -> str:
    return " ".join(element.text for element in pick(read_markup(render_answer(shown, "{}")), "dd"))


def test_nothing_in_an_answer_can_act_in_the_page(tmp_path: Path) -> None:
    hostile = replace(ARTICLES[0], title=HOSTILE, publisher=HOSTILE, url=f"javascript:{HOSTILE}", source=HOSTILE)
    (citation, _) = write().citations
    cited = Citation(1, replace(citation.quote, article=hostile))
    answer = write(f"{HOSTILE} {RIGHT}", citations=(cited, cited), question=HOSTILE, short=HOSTILE, notices=(HOSTILE,))
    text = save(replace(answer, nearest=(cited,)), tmp_path, "a.html").read_text(encoding="utf-8")
    elements = read_markup(text)
    names = {element.name for element in elements}
    assert names.isdisjoint({"script", "img", "a", "iframe", "template", "object", "svg", "link", "form"})
    assert not [name for element in elements for name in element.attributes if name.startswith("on") or name == "src"]
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_the_same_answer_gives_the_same_page(tmp_path: Path) -> None:
    assert save(write(), tmp_path, "a.html").read_bytes() == save(write(), tmp_path, "b.html").read_bytes()
    assert load_answer(tmp_path / "a.html").shown.saved_at == NOW
