"""The labelled pairs of statement and quote: they are what they say, and the checks judge them as they did."""

import json
from collections import Counter
from pathlib import Path

import pytest

from qa.articles import Article, make_quote
from qa.ground import check_statement
from qa.sources import read_sources

EVAL = Path(__file__).parents[1] / "eval"
NEWSWIRE = EVAL / "archives/newswire"
PAIRS = [json.loads(line) for line in (EVAL / "gold/figures.jsonl").read_text(encoding="utf-8").splitlines()]
ERRORS = """changed_digit scale sign percent_points currency year quarter month relative_date rounding range
    magnitude_words swapped_names negation wrong_article""".split()


@pytest.fixture(scope="module")
def articles() -> dict[str, Article]:
    found = read_sources([NEWSWIRE], root=NEWSWIRE)
    return {article.source: article for article in found if isinstance(article, Article)}


def test_there_are_at_least_four_hundred_pairs_of_every_kind_of_error() -> None:
    assert len(PAIRS) >= 400
    assert len({pair["id"] for pair in PAIRS}) == len(PAIRS)
    assert {pair["error"] for pair in PAIRS} == {None, *ERRORS}
    assert all((pair["label"] == "supported") == (pair["error"] is None) == bool(pair["kind"]) for pair in PAIRS)
    assert 0.4 < sum(pair["label"] == "supported" for pair in PAIRS) / len(PAIRS) < 0.6


def test_every_quote_stands_in_its_article_and_every_story_is_in_one_split(articles: dict[str, Article]) -> None:
    splits: dict[str, set[str]] = {}
    for pair in PAIRS:
        article = articles[pair["article"]]
        assert article.text.count(pair["quote"]) == 1, pair["id"]
        assert pair["published"] == (article.published.isoformat() if article.published else None)
        splits.setdefault(pair["article"], set()).add(pair["split"])
    assert all(len(split) == 1 for split in splits.values())


def test_the_checks_keep_true_statements_and_catch_the_others(articles: dict[str, Article]) -> None:
    right, count = Counter[str](), Counter[str]()
    for pair in PAIRS:
        article = articles[pair["article"]]
        start = article.text.index(pair["quote"])
        problems = check_statement(pair["statement"], [make_quote(article, start, start + len(pair["quote"]))])
        right[pair["label"]] += (pair["label"] == "supported") != bool(problems)
        count[pair["label"]] += 1
    assert right["supported"] / count["supported"] >= 0.96
    assert right["unsupported"] / count["unsupported"] >= 0.98


def test_every_sentence_of_the_newswire_bears_itself_out(articles: dict[str, Article]) -> None:
    from qa.split import find_sentences

    for article in articles.values():
        for start, end in find_sentences(article.text):
            sentence = article.text[start:end]
            if any(char.isalpha() for char in sentence):
                assert check_statement(sentence, [make_quote(article, start, end)]) == [], sentence
