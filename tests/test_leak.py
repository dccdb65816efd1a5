"""What was published after `as_of` reaches nothing: no passage, prompt, answer, check, chat, or scored case."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

import qa
from qa.plan import make_plan
from qa.testing import ScriptedChat

MARK = "Zyxwater"  # stands in each article that is hidden and in no other
DAY = date(2031, 5, 4)
QUESTION = "How many tonnes of fish did Hest land in April 2031?"
TOLD = "The port of Hest landed 412 tonnes of fish in April 2031, the harbour office said."
HIDDEN = {
    "a-day-later": ("2031-05-05", f"Hest landed 987 tonnes of fish in April 2031, {MARK} said, revised from 412."),
    "a-year-later": ("2032-05-01", f"Correction: Hest landed 987 tonnes of fish in April 2031, not 412, {MARK} said."),
    "a-copy": ("2031-06-01", f"{TOLD} The harbour office is in {MARK}."),
    "no-day": (None, f"{TOLD} {MARK} agreed that fish of 987 tonnes were landed at Hest in April 2031."),
}  # fmt: skip


def write(folder: Path, name: str, published: str | None, text: str) -> None:
    day = f"published: {published}\n" if published else ""
    title = f"Fish of Hest {MARK}" if MARK in text else "Fish of Hest"
    (folder / f"{name}.md").write_text(f"---\ntitle: {title}\n{day}---\n{text}\n", encoding="utf-8")


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[qa.Archive]:
    folder = tmp_path_factory.mktemp("leak")
    articles = folder / "index" / "articles"
    articles.mkdir(parents=True)
    write(articles, "told", "2031-05-04", f"{TOLD}\n\nHest has three quays.")
    write(articles, "earlier", "2031-05-02", "Hest landed cod and mackerel. The fleet of Hest has twelve boats.")
    for name, (published, text) in HIDDEN.items():
        write(articles, name, published, text)
    with qa.open(folder) as opened:
        opened.sync()
        yield opened


def test_without_as_of_the_hidden_articles_would_be_found(archive: qa.Archive) -> None:
    sources = {Path(hit.article.source).stem for hit in archive.search(QUESTION, limit=20)}
    assert sources >= HIDDEN.keys()


def test_no_passage_of_a_later_article_is_found(archive: qa.Archive) -> None:
    hits = archive.search(QUESTION, limit=50, as_of=DAY)
    assert {Path(hit.article.source).stem for hit in hits} == {"told", "earlier"}
    assert MARK not in repr(hits)
    retriever = archive.desk().retriever
    for indexes in ("words", "vectors"):
        plan = make_plan(f"{QUESTION} {MARK}", qa.Filters(as_of=DAY), DAY)
        assert MARK not in repr(plan.search(retriever, limit=50, indexes=indexes))


@pytest.mark.parametrize(
    "question",
    [QUESTION, "What was reported in 2031 about fish at Hest?", "What have articles published since 2031 on Hest?"],
)
def test_no_word_of_a_later_article_is_in_an_answer(archive: qa.Archive, question: str) -> None:
    answer = archive.ask(question, as_of=DAY, model=False)
    assert MARK not in answer.to_json()
    assert "987 tonnes" not in answer.to_json()
    assert (answer.searched.articles, answer.searched.passages) == (2, 2)


def test_the_answer_is_the_one_told_on_that_day(archive: qa.Archive) -> None:
    answer = archive.ask(QUESTION, as_of=DAY, model=False)
    assert answer.status == "answered"
    assert "412 tonnes" in answer.text
    assert not answer.notices
    assert "987 tonnes" in archive.ask(QUESTION, model=False).to_json()  # later the correction is told of


def test_no_word_of_a_later_article_is_shown_to_a_model(archive: qa.Archive) -> None:
    model = ScriptedChat([f"Hest landed 987 tonnes of fish in April 2031, {MARK} said [1]."])
    answer = archive.ask(QUESTION, as_of=DAY, model=model)
    (prompt,) = model.calls
    assert MARK not in repr(prompt)
    assert "987 tonnes" not in repr(prompt)
    assert all(quote.quote.article.published == DAY for quote in answer.citations)
    assert MARK not in answer.text  # its own words are not borne out by what it may see


def test_a_conversation_keeps_to_the_day(archive: qa.Archive) -> None:
    chat = archive.chat(model=False)
    filters = qa.Filters(as_of=DAY)
    for question in (QUESTION, "And in May 2031?", "Who said that?"):
        assert MARK not in chat.ask(question, filters).to_json()


def test_a_draft_is_checked_by_what_was_told_on_that_day(archive: qa.Archive) -> None:
    draft = "Hest landed 987 tonnes of fish in April 2031."
    assert MARK not in json.dumps(archive.check(draft, as_of=DAY).to_dict())
    assert [s.verdict for s in archive.check(draft, as_of=DAY).statements] == ["not_found"]
    assert [s.verdict for s in archive.check(draft).statements] == ["supported"]


def test_later_articles_do_not_change_which_passages_come_first(archive: qa.Archive, tmp_path: Path) -> None:
    write(tmp_path, "told", "2031-05-04", f"{TOLD}\n\nHest has three quays.")
    write(tmp_path, "earlier", "2031-05-02", "Hest landed cod and mackerel. The fleet of Hest has twelve boats.")
    with qa.open(tmp_path / "alone") as alone:
        alone.add(*[str(file) for file in sorted(tmp_path.glob("*.md"))])
        first = [hit.passage.text for hit in alone.search(QUESTION, as_of=DAY)]
    assert first == [hit.passage.text for hit in archive.search(QUESTION, as_of=DAY)]
