from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shelf import DAYS, FILTERS, GRID, admits, make, owners, with_passages

from qa.articles import Article, Filters, Passage
from qa.errors import StoreError
from qa.keywords import KeywordIndex, analyze, is_stop_word, question_terms

ALL = Filters()


def build(folder: Path, *articles: Article) -> KeywordIndex:
    index = KeywordIndex(folder, create=True)
    index.add(with_passages(*articles))
    return index


def find(index: KeywordIndex, question: str, *articles: Article, filters: Filters = ALL) -> list[str]:
    """Ids of the articles found, best first."""
    owner = owners(*articles)
    return [owner[id_] for id_, _ in index.search(question, limit=100, filters=filters)]


TRADE = make("trade", "Bilateral trade stood at $24.2 billion in 2021, a record.")
FAIR = make("fair", "The companies exhibited tractors in Ekaterinburg.", title="Industrial exhibition")
CAFE = make("cafe", "Le café de l’Élysée n’est pas fermé.")
ARTICLES = (TRADE, FAIR, CAFE)


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> KeywordIndex:
    return build(tmp_path_factory.mktemp("keywords"), *ARTICLES)


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("trade", ["trade"]),
        ("trading", ["trade"]),
        ("exhibits", ["fair"]),
        ("COMPANY", ["fair"]),
        ("cafe ELYSEE", ["cafe"]),
        ("24.2", ["trade"]),
        ("2021 billions", ["trade"]),
        ("industry", ["fair"]),
        ("tractor trades", ["fair", "trade"]),
        ("kumquats", []),
        ("", []),
        (" \n\t", []),
        ("?!—“”", []),
        ("👩‍👩‍👧", []),
    ],
)
def test_words_are_found_whatever_their_case_accents_and_endings(index, question, found):
    assert sorted(find(index, question, *ARTICLES)) == sorted(found)


@pytest.mark.parametrize(
    "question",
    [
        '" OR *:* AND (',
        "trade AND NOT trade",
        'title:tractors"~5',
        "+trade -tractors",
        "[* TO *]",
        "trade^1000 || *",
        "id:x) OR (text:y",
        "\\ / { } ~ ' \x00 \x1b[31m \ufffd",
        "trade " * 5000,
    ],
)
def test_a_question_is_never_a_query_language(index, question):
    words = [word for word in ("trade", "tractors") if word in question]
    assert sorted(find(index, question, *ARTICLES)) == sorted({"trade": "trade", "tractors": "fair"}[w] for w in words)


@given(st.text(), st.integers(1, 5))
def test_any_question_is_answered_best_first_within_the_limit(index, question, limit):
    hits = index.search(question, limit=limit, filters=ALL)
    assert len(hits) <= limit
    assert hits == sorted(hits, key=lambda pair: (-pair[1], pair[0]))
    assert hits == index.search(question, limit=limit, filters=ALL)


@pytest.mark.parametrize(
    ("question", "terms"),
    [
        ("What was the trade turnover of 2021?", ["trade", "turnov", "2021"]),
        ("Who is it?", ["who", "is", "it"]),
        ("The WHO", ["the", "who"]),
        ("Trade, trade!", ["trade", "trade"]),
        ("24.2 billion", ["24", "2", "billion"]),
        ("Élysée", ["elyse"]),
        ("", []),
    ],
)
def test_a_question_is_its_stems_without_function_words_unless_nothing_else_is_left(question, terms):
    assert question_terms(question) == terms


def test_texts_and_questions_are_analysed_alike():
    assert analyze("The companies traded.") == ["the", "compani", "trade"]
    assert analyze("the COMPANY’s trade") == ["the", "compani", "s", "trade"]


def test_function_words_are_known_in_any_case():
    assert is_stop_word("The")
    assert not is_stop_word("trade")


def test_the_title_counts_but_less_than_the_text(tmp_path):
    heading = make("heading", "It was a long year for everybody.", title="Kumquats")
    body = make("body", "It was a kumquat year for everybody.", title="News")
    index = build(tmp_path, heading, body)
    assert find(index, "kumquats", heading, body) == ["body", "heading"]


def test_the_date_can_be_asked_for(tmp_path):
    old = make("old", published=date(2021, 3, 4))
    new = make("new", published=date(2022, 7, 5))
    index = build(tmp_path, old, new)
    assert find(index, "trade July 2022", old, new)[0] == "new"
    assert find(index, "trade March 2021", old, new)[0] == "old"


def test_equal_scores_are_ordered_by_id(tmp_path):
    articles = [make(f"a{i}") for i in range(8)]
    index = build(tmp_path, *articles)
    hits = index.search("trade", limit=10, filters=ALL)
    assert len({score for _, score in hits}) == 1
    assert [id_ for id_, _ in hits] == sorted(id_ for id_, _ in hits)


def test_a_replaced_article_is_found_once_by_its_new_words_only(tmp_path):
    index = build(tmp_path, make("a", "Trade rose."), FAIR)
    changed = make("a", "Trade fell.")
    index.add(with_passages(changed))
    index.add(with_passages(changed))
    assert find(index, "trade", changed) == ["a"]
    assert index.search("rose", limit=10, filters=ALL) == []
    assert index.count() == 2


def test_a_removed_article_is_not_found(tmp_path):
    index = build(tmp_path, *ARTICLES)
    index.add([], removed=["trade", "none"])
    assert index.search("billion", limit=10, filters=ALL) == []
    assert find(index, "tractors", FAIR) == ["fair"]
    assert index.count() == 2


def test_an_article_without_text_is_no_passage(tmp_path):
    assert build(tmp_path, make("empty", text="")).count() == 0


def test_a_reader_sees_what_was_committed_once_it_refreshes(tmp_path):
    build(tmp_path, TRADE)
    reader = KeywordIndex(tmp_path)
    KeywordIndex(tmp_path).add(with_passages(FAIR))
    assert reader.search("tractors", limit=10, filters=ALL) == []
    reader.refresh()
    assert find(reader, "tractors", FAIR) == ["fair"]


def test_the_frequency_of_a_term_counts_passages(index):
    assert index.document_frequency("trade") == 1
    assert index.document_frequency("in") == 2
    assert index.document_frequency("trading") == 0


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_an_interrupted_addition_leaves_nothing_and_the_next_one_may_write(tmp_path, error):
    index = build(tmp_path, TRADE)

    def interrupted() -> Iterator[tuple[Article, list[Passage]]]:
        yield from with_passages(FAIR)
        raise error

    with pytest.raises(error) as caught:
        index.add(interrupted())
    assert index.count() == 1
    KeywordIndex(tmp_path).add(with_passages(CAFE))
    index.refresh()
    assert find(index, "tractors café", *ARTICLES) == ["cafe"]
    assert caught.tb is not None  # a held exception holds the frames of the failed call


def test_a_missing_or_damaged_index_says_how_to_make_it_again(tmp_path):
    with pytest.raises(StoreError, match=r"cannot be opened: .* make it again with: qa sync"):
        KeywordIndex(tmp_path / "none")
    assert not (tmp_path / "none").exists()
    build(tmp_path / "damaged", TRADE)
    (tmp_path / "damaged" / "meta.json").write_text("{")
    with pytest.raises(StoreError, match="qa sync"):
        KeywordIndex(tmp_path / "damaged")


# filters


@pytest.fixture(scope="module")
def grid(tmp_path_factory: pytest.TempPathFactory) -> KeywordIndex:
    return build(tmp_path_factory.mktemp("grid"), *GRID)


@given(FILTERS)
def test_the_filters_admit_what_a_plain_predicate_admits(grid, filters):
    assert sorted(find(grid, "trade", *GRID, filters=filters)) == sorted(a.id for a in GRID if admits(filters, a))


@given(FILTERS)
def test_filters_do_not_change_the_scores(grid, filters):
    free = dict(grid.search("trade", limit=100, filters=ALL))
    held = dict(grid.search("trade", limit=100, filters=filters))
    assert held.keys() <= free.keys()
    assert all(score == pytest.approx(free[id_]) for id_, score in held.items())


def test_filters_apply_before_the_limit(grid):
    rare = Filters(since=DAYS[-1], until=DAYS[-1], publisher="bbc", dated=True)
    assert len(grid.search("trade", limit=1, filters=rare)) == 1
