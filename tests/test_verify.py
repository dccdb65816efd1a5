from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from saved_answers import ARTICLES, MIXED, RECORD, RIGHT, failures, save, tamper, verify, write
from test_ground import make

import qa
from qa.answer_form import ABSTAINED
from qa.articles import Article, hash_text
from qa.strict import withhold_unsupported
from qa.testing import ScriptedChat

SENTENCE = RECORD.split(" Growth")[0]


def changed(article: Article, text: str) -> Article:
    return replace(article, text=text, sha256=hash_text(text))


# what holds


@pytest.mark.parametrize("name", ["a.json", "a.html"])
@pytest.mark.parametrize("text", [RIGHT, MIXED])
def test_an_answer_holds_right_after_it_was_saved(tmp_path: Path, text: str, name: str) -> None:
    findings = verify(save(write(text), tmp_path, name))
    assert failures(findings) == []
    about = [finding.about for finding in findings]
    assert about.count("citation") == len(write(text).citations)
    assert about.count("statement") == len(write(text).statements)
    assert ("page" in about) == (name == "a.html")


SENTENCES = st.sampled_from(
    [
        *RIGHT.replace("]. ", "].|").split("|"),
        *("So.", "It was $7 trillion [1].", "Growth was almost a third [1, 77].", "\n", "[1]", "**Fair** [2]"),
        *("Growth in 2021 was almost a third [1][2].", "[2] It has 40 stands.", "İ é 👍 [9]"),
    ]
)


@given(sentences=st.lists(SENTENCES, min_size=1, max_size=6), name=st.sampled_from(["p.json", "p.html"]))
def test_any_answer_saved_and_verified_holds_strict_or_not(
    tmp_path_factory: pytest.TempPathFactory, sentences: list[str], name: str
) -> None:
    folder = tmp_path_factory.getbasetemp()
    answer = write(" ".join(sentences))
    for kept in (answer, withhold_unsupported(answer)):
        assert failures(verify(save(kept, folder, name))) == []


@pytest.mark.parametrize("question", ["What was 2021 trade turnover?", "Who is the king of Sweden?"])
@pytest.mark.parametrize(
    "said", [None, "In 2021 trade stood at $24.2 billion [1]. So it is.", "It was $7 [1].", "NOT IN THESE ARTICLES"]
)
def test_whatever_the_program_answers_can_be_verified_against_its_archive(
    sample_workspace: Path, tmp_path: Path, question: str, said: str | None
) -> None:
    with qa.open(sample_workspace) as archive:
        answer = archive.ask(question, model=ScriptedChat([said]) if said else False)
        articles = archive.articles()
    for name in ("a.json", "a.html"):
        assert failures(verify(save(answer, tmp_path, name), articles)) == []


def test_articles_are_known_by_their_text_where_their_ids_are_others(tmp_path: Path) -> None:
    moved = [replace(article, id=f"x{article.id}", source=f"elsewhere/{article.source}") for article in ARTICLES]
    assert failures(verify(save(write(), tmp_path), moved)) == []


# what does not


def test_an_article_that_is_missing_is_said_to_be(tmp_path: Path) -> None:
    findings = verify(save(write(), tmp_path), ARTICLES[1:])
    assert failures(findings) == [("citation", "article_missing"), ("statement", "not_checked")]
    assert "its article is not here (a1.md, sha256 " in findings[0].detail


@pytest.mark.parametrize(
    ("text", "now"),
    [
        (f"{RECORD} More.", "the quote still stands there"),
        (f"Now: {RECORD}", "the quote now stands at 5"),
        (RECORD.replace("24.2", "25.5"), "the quote is no longer in it"),
    ],
)
def test_an_article_that_has_changed_since_is_told_from_a_quote_that_never_stood(
    tmp_path: Path, text: str, now: str
) -> None:
    findings = verify(save(write(), tmp_path), [changed(ARTICLES[0], text), ARTICLES[1]])
    assert failures(findings) == [("citation", "article_changed"), ("statement", "not_checked")]
    assert findings[0].detail == f"a1.md has changed since the answer was saved; {now}"


@pytest.mark.parametrize(
    "other", [{"source": "other/a1.md"}, {"source": "b.md", "url": "https://example.org/1"}, {"source": "a1.md"}]
)
def test_a_changed_article_under_another_id_is_known_by_where_it_is_from(tmp_path: Path, other: dict[str, str]) -> None:
    there = [replace(ARTICLES[0], url="https://example.org/1"), ARTICLES[1]]
    file = save(write(articles=there), tmp_path)
    here = replace(changed(there[0], f"{RECORD} More."), id="x1", **{"url": None, **other})
    assert failures(verify(file, [here, ARTICLES[1]]))[0] == ("citation", "article_changed")
    unrelated = make("Another text.", "Another", name="x2")
    assert failures(verify(file, [unrelated, ARTICLES[1]]))[0] == ("citation", "article_missing")


def set_in(*path: str | int, to: object) -> Callable[[dict[str, Any]], None]:
    def change(data: Any) -> None:
        for step in path[:-1]:
            data = data[step]
        data[path[-1]] = to

    return change


def both(*changes: Callable[[dict[str, Any]], None]) -> Callable[[dict[str, Any]], None]:
    return lambda data: [change(data) for change in changes] and None


FORGED = RIGHT.replace("24.2", "42.2")
FORGERIES = {
    "changed quote": (set_in("citations", 0, "quote", to=SENTENCE.replace("24.2", "42.2")), "quote_not_there"),
    "empty quote": (set_in("citations", 0, "quote", to=""), "quote_not_there"),
    "changed start": (set_in("citations", 0, "start", to=1), "quote_not_there"),
    "negative offsets": (set_in("citations", 0, "start", to=-len(RECORD)), "quote_not_there"),
    "changed end": (set_in("citations", 0, "end", to=20), "quote_not_there"),
    "changed hash": (set_in("citations", 0, "article", "sha256", to="0" * 64), "article_changed"),
    "another title": (set_in("citations", 0, "article", "title", to="Trade falls"), "attribution_differs"),
    "another date": (set_in("citations", 0, "article", "published", to="2022-07-06"), "attribution_differs"),
    "changed figure": (
        both(set_in("text", to=FORGED), set_in("statements", 0, "text", to=FORGED[: RIGHT.index(" The")])),
        "verdict_differs",
    ),
    "figure in the text alone": (set_in("text", to=FORGED), "answer_differs"),
    "figure in the statement alone": (
        set_in("statements", 0, "text", to=FORGED[: RIGHT.index(" The")]),
        "verdict_differs",
    ),
    "a sentence slipped in": (set_in("text", to=f"{RIGHT} It doubled."), "answer_differs"),
    "a statement taken out": (lambda data: data["statements"].pop(), "answer_differs"),
    "quotes swapped": (set_in("statements", 0, "quotes", to=[1]), "answer_differs"),
    "a quote that is not there": (set_in("statements", 0, "quotes", to=[7]), "not_checked"),
    "statements in disorder": (set_in("statements", 1, "start", to=3), "answer_differs"),
    "short without a quote": (set_in("short", to="$42.2 billion"), "answer_differs"),
    "short elsewhere": (
        both(set_in("short", to="$42.2 billion"), set_in("short_span", to=[41, 54])),
        "answer_differs",
    ),
    "said to be abstained": (set_in("status", to="abstained"), "answer_differs"),
    "said to be verbatim": (set_in("mode", to="extract"), "verdict_differs"),
    "said to be unsupported": (set_in("statements", 0, "verdict", to="unsupported"), "verdict_differs"),
}


@pytest.mark.parametrize(("change", "status"), FORGERIES.values(), ids=FORGERIES)
def test_a_tampered_file_is_caught(tmp_path: Path, change: Callable[[dict[str, Any]], None], status: str) -> None:
    file = save(write(), tmp_path)
    tamper(file, change)
    assert status in [found for _, found in failures(verify(file))]


@pytest.mark.parametrize("place", [2, 3, 4])
def test_a_sentence_that_was_not_supported_cannot_be_made_so(tmp_path: Path, place: int) -> None:
    file = save(write(MIXED), tmp_path)
    tamper(
        file,
        both(set_in("statements", place, "verdict", to="supported"), set_in("statements", place, "problems", to=[])),
    )
    assert failures(verify(file)) == [("statement", "verdict_differs")]


def test_the_reason_of_a_changed_figure_is_told(tmp_path: Path) -> None:
    file = save(write(), tmp_path)
    tamper(file, FORGERIES["changed figure"][0])
    (finding,) = [finding for finding in verify(file) if not finding.holds]
    assert finding.detail.startswith("unsupported, not supported as saved: $42.2 billion is not in the quote")


def test_a_quote_at_another_place_is_told_where_it_stands(tmp_path: Path) -> None:
    file = save(write(), tmp_path)
    tamper(file, both(set_in("citations", 0, "start", to=2), set_in("citations", 0, "end", to=9)))
    assert verify(file)[0].detail == "a1.md does not have these words at 2:9; they stand at 0"


def test_the_closest_quotes_of_an_abstention_are_verified_too(tmp_path: Path) -> None:
    answer = withhold_unsupported(write("It was $7 trillion [1]."))
    file = save(answer, tmp_path)
    assert [finding.about for finding in verify(file)] == ["nearest", "answer"]
    tamper(file, set_in("nearest", 0, "quote", to="It was $7 trillion"))
    assert failures(verify(file)) == [("nearest", "quote_not_there")]
    tamper(file, set_in("text", to=f"{ABSTAINED} It was $7 trillion."))
    assert ("answer", "answer_differs") in failures(verify(file))


# pages


def test_a_page_that_shows_something_else_than_it_holds_is_caught(tmp_path: Path) -> None:
    file = save(write(), tmp_path, "a.html")
    page = file.read_text(encoding="utf-8")
    assert page.count("Trade stood at $24.2 billion") == 3  # shown, held as text and as a statement
    file.write_text(page.replace("Trade stood at $24.2 billion", "Trade stood at $42.2 billion", 1), encoding="utf-8")
    assert failures(verify(file)) == [("page", "page_differs")]


def test_the_looks_of_a_page_of_another_version_are_not_judged(tmp_path: Path) -> None:
    file = save(write(), tmp_path, "a.html")
    file.write_text(file.read_text(encoding="utf-8").replace("Quotes", "The quotes"), encoding="utf-8")
    findings = verify(file, version="9.9")
    assert failures(findings) == []
    assert "page" not in [finding.about for finding in findings]


def test_a_page_with_windows_line_ends_is_the_same_page(tmp_path: Path) -> None:
    file = save(write(), tmp_path, "a.html")
    file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    assert failures(verify(file)) == []
