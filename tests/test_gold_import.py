from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.answer import MAX_QUESTION_CHARACTERS
from qa.articles import Article
from qa.errors import ContentError, UsageError
from qa.gold import check_evidence
from qa.gold_import import import_gold
from qa.records import MAX_LINE_CHARS
from qa.sources import read_sources
from qa.suite import load_suite
from qa.workspace import Workspace


def write_set(folder: Path, *articles: dict[str, Any], question: str = "Who won?") -> Path:
    """A data set of the form realtimeqa."""
    folder.mkdir(parents=True)
    entries = articles or ({"id": "a", "text": "Ann won."},)
    (folder / "articles.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    asked = {"id": "q", "question": question, "answers": ["Ann"], "answerable": True, "as_of": "2031-05-02"}
    (folder / "questions.jsonl").write_text(json.dumps(asked))
    return folder


def write_beir(folder: Path, keys: list[str]) -> Path:
    """A data set of the form beir with an article and a question for each key."""
    (folder / "qrels").mkdir(parents=True)
    for file in ("corpus.jsonl", "queries.jsonl"):
        lines = (json.dumps({"_id": key, "text": f"text {n}"}) + "\n" for n, key in enumerate(keys))
        (folder / file).write_text("".join(lines), encoding="utf-8")
    judged = "".join(f"{key}\t{key}\t1\n" for key in keys)
    (folder / "qrels/test.tsv").write_text(judged, encoding="utf-8")
    return folder


def test_what_is_imported_is_a_folder_with_articles_gold_and_a_suite_that_can_be_loaded(tmp_path: Path) -> None:
    source = write_set(tmp_path / "news week.v1")
    imported = import_gold("realtimeqa", source, tmp_path / "made/deep")
    assert imported == (tmp_path / "made/deep/news-week.v1.toml", 1, 1, ())
    assert sorted(file.name for file in (tmp_path / "made/deep").iterdir()) == [
        "articles.jsonl",
        "gold.jsonl",
        "news-week.v1.toml",
    ]
    suite = load_suite(imported.suite, Workspace(tmp_path, "named"))
    assert (suite.name, suite.archive, suite.gold) == (
        "news-week.v1",
        tmp_path / "made/deep/articles.jsonl",
        tmp_path / "made/deep/gold.jsonl",
    )
    assert suite.description == "Imported from news week.v1, which is of the form realtimeqa."
    assert [case.line for case in suite.cases] == [1]


def test_articles_are_written_as_qa_add_reads_them_and_no_more_than_is_known(tmp_path: Path) -> None:
    known = {
        "id": "a",
        "title": " Bread\nrises ",
        "author": ["Cy", "Di"],
        "published": "5 May 2031",
        "url": "https://x.example",
    }
    source = write_set(
        tmp_path / "week", {**known, "text": "Ann won."}, {"id": "b", "text": "Bo.", "published": "soon"}
    )
    import_gold("realtimeqa", source, tmp_path / "made")
    lines = (tmp_path / "made/articles.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == [
        {
            "id": "a",
            "title": "Bread rises",
            "published": "2031-05-05",
            "url": "https://x.example",
            "text": "Ann won.",
        },
        {"id": "b", "text": "Bo."},
    ]


def test_a_suite_may_be_given_a_name(tmp_path: Path) -> None:
    imported = import_gold("realtimeqa", write_set(tmp_path / "week"), tmp_path / "made", name="mine.2")
    assert imported.suite == tmp_path / "made/mine.2.toml"
    assert load_suite(imported.suite, Workspace(tmp_path, "named")).name == "mine.2"


@pytest.mark.parametrize(("source", "name"), [("…", "realtimeqa"), ("-_week_-", "week"), ("Été.json", "ete")])
def test_a_name_is_made_of_any_name_of_a_file(tmp_path: Path, source: str, name: str) -> None:
    imported = import_gold("realtimeqa", write_set(tmp_path / source), tmp_path / "made")
    assert imported.suite.stem == name


@pytest.mark.parametrize(
    ("form", "folder", "name", "problem"),
    [
        ("sqad", "made", None, "No format 'sqad' of questions. Did you mean 'squad'? Known: squad, beir, realtimeqa, "),
        ("realtimeqa", "made", "../x", "The name of a suite must be letters, digits, '.', '_' and '-', not '../x'."),
        ("realtimeqa", "eval/suites", None, "/eval/suites is where suites are known by name; name a folder of its own"),
        ("realtimeqa", "full", None, "/full/gold.jsonl is there already: name another folder, or remove it first."),
    ],
)
def test_an_import_that_cannot_begin_says_what_to_do(
    tmp_path: Path, form: str, folder: str, name: str | None, problem: str
) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full/gold.jsonl").write_text("mine")
    with pytest.raises(UsageError) as error:
        import_gold(form, write_set(tmp_path / "week"), tmp_path / folder, name=name)
    assert problem in str(error.value)
    assert [file.read_text() for file in tmp_path.glob("*/gold.jsonl")] == ["mine"]
    assert not (tmp_path / "made").exists()


def test_nothing_is_written_of_a_data_set_without_questions(tmp_path: Path) -> None:
    source = write_set(tmp_path / "week", question="?!")
    problem = (
        r"week holds no question that can be read as realtimeqa\. \S*questions\.jsonl:1: a question without words\.$"
    )
    with pytest.raises(ContentError, match=problem):
        import_gold("realtimeqa", source, tmp_path / "made")
    assert list((tmp_path / "made").iterdir()) == []


def test_a_folder_that_cannot_be_written_is_named(
    tmp_path: Path, public_folder: Path, read_only: Callable[[Path], AbstractContextManager[None]]
) -> None:
    source = write_set(public_folder / "week")
    with (
        read_only(public_folder),
        pytest.raises(ContentError, match=r"made cannot be written: Permission denied\. Name"),
    ):
        import_gold("realtimeqa", source, public_folder / "made")


def test_a_question_is_as_long_as_one_that_is_answered(tmp_path: Path) -> None:
    longest = "w" * MAX_QUESTION_CHARACTERS
    assert import_gold("realtimeqa", write_set(tmp_path / "a", question=longest), tmp_path / "made").cases == 1
    with pytest.raises(ContentError, match="its question has 2,001 characters; at most 2,000 are read"):
        import_gold("realtimeqa", write_set(tmp_path / "b", question=longest + "w"), tmp_path / "other")


def test_an_article_too_long_for_a_line_is_passed_over(tmp_path: Path) -> None:
    source = write_set(
        tmp_path / "week", {"id": "a", "text": "Ann won."}, {"id": "b", "text": "w" * (MAX_LINE_CHARS // 8 + 1)}
    )
    imported = import_gold("realtimeqa", source, tmp_path / "made")
    assert imported.skipped == ((f"{source}/articles.jsonl:2", "longer than 2,500,000 characters: not one article"),)


_keys = st.text(st.sampled_from("ab/#.- null\u0301é\t"), min_size=1, max_size=8).map(lambda key: " ".join(key.split()))


@given(st.lists(_keys.filter(bool), min_size=1, max_size=6, unique=True))
def test_whatever_articles_are_called_each_is_found_by_its_question_alone(
    tmp_path_factory: pytest.TempPathFactory, keys: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("set")
    imported = import_gold("beir", write_beir(folder / "nf", [*keys, "null", "a", "x/a", "a-2"]), folder / "made")
    suite = load_suite(imported.suite, Workspace(folder, "named"))
    assert suite.archive is not None
    read = list(read_sources([suite.archive], root=folder))
    articles = [article for article in read if isinstance(article, Article)]
    assert len(articles) == len(read) == imported.articles
    assert check_evidence(suite.cases, articles, suite.gold) == []
