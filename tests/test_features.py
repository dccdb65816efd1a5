from __future__ import annotations

from datetime import date

import pytest

from qa.articles import Article, Passage, hash_text, make_quote
from qa.features import Features, Surroundings, read_features
from qa.question import read_question
from qa.retrieve import Hit

TABLE = """Jobless rates, percent.

| Province | Q4 2032 | Q1 2033 |
|---|---|---|
| Upper Mere | 10.9 | 12.8 |
| Sallow | 7.0 | 7.7 |
"""


def read(
    question: str, text: str, sentence: str, *, title: str = "News", whole: str | None = None
) -> tuple[Features, str]:
    article = Article(
        "a", "a.md", whole or text, hash_text(whole or text), title, published=date(2033, 5, 17), language="en"
    )
    at = article.text.index(text)
    hit = Hit(article, Passage("p", "a", at, at + len(text), text), 1.0)
    start = article.text.index(sentence)
    asked = read_question(question, date(2034, 1, 1))
    quote = make_quote(article, start, start + len(sentence))
    features, span = read_features(asked, quote, Surroundings.of(hit), dict.fromkeys(asked.terms, 1.0))
    return features, quote.text[slice(*span)] if span else ""


@pytest.mark.parametrize(
    ("question", "row", "cell"),
    [
        (
            "What was the jobless rate in Upper Mere in the first quarter of 2033?",
            "| Upper Mere | 10.9 | 12.8 |",
            "12.8",
        ),
        (
            "What was the jobless rate in Upper Mere in the fourth quarter of 2032?",
            "| Upper Mere | 10.9 | 12.8 |",
            "10.9",
        ),
        ("What was the jobless rate in Sallow in the first quarter of 2033?", "| Sallow | 7.0 | 7.7 |", "7.7"),
    ],
)
def test_of_a_row_the_cell_under_the_heading_that_is_asked_for_answers(question: str, row: str, cell: str) -> None:
    features, short = read(question, TABLE, row)
    assert short == cell
    assert features.eligible
    assert features.timed == 1.0


def test_a_row_without_the_time_asked_for_is_no_answer() -> None:
    features, _ = read(
        "What was the jobless rate in Sallow in the first quarter of 2031?", TABLE, "| Sallow | 7.0 | 7.7 |"
    )
    assert features.timed == 0.0
    assert not features.eligible


def test_headings_of_a_table_are_no_answer() -> None:
    heading = "| Province | Q4 2032 | Q1 2033 |"
    assert not read("What was the jobless rate in the first quarter of 2033?", TABLE, heading)[0].eligible


def test_of_two_amounts_the_one_of_the_time_asked_for_answers() -> None:
    text = "Trade reached $8.4 billion last year, up from $7.6 billion in 2030."
    assert read("How much was trade in 2032?", text, text)[1] == "$8.4 billion"
    assert read("How much was trade in 2030?", text, text)[1] == "$7.6 billion"


def test_a_name_counts_for_less_the_farther_it_stands() -> None:
    said = "The river rose by 2 metres."
    lead = "Hest was flooded.\nMore rain fell."
    shares = [
        read("How much did the river rise in Hest?", *pair, whole=whole, title=title)[0].named
        for pair, whole, title in [
            (("In Hest the river rose.", "In Hest the river rose."), None, "News"),
            ((said, said), None, "Flood on Hest"),
            ((said, said), f"{lead}\n{said}", "News"),
            ((said, said), f"Floods.\n{said}\nHest was dry.", "News"),
            ((said, said), None, "News"),
        ]
    ]
    assert shares == sorted(shares, reverse=True)
    assert len(set(shares)) == len(shares)
    assert shares[-1] == 0.0


def test_words_that_only_the_passage_has_count_for_the_context() -> None:
    text = "The fair was in Hest. It cost $5 million."
    features, _ = read("What did the fair cost?", text, "It cost $5 million.")
    assert features.covered == 0.5
    assert features.context == 1.0
    features, _ = read("What did the zebra cost?", text, "It cost $5 million.")
    assert features.context == 0.5


def test_a_question_in_an_article_answers_nothing() -> None:
    text = 'Which bridge fell? The old bridge of Sallow fell. "Which bridge was it?" she asked.'
    for sentence, eligible in (
        ("Which bridge fell?", False),
        ("The old bridge of Sallow fell.", True),
        ('"Which bridge was it?" she asked.', True),
    ):
        assert read("Which bridge fell?", text, sentence)[0].eligible == eligible


@pytest.mark.parametrize(
    ("question", "eligible"),
    [
        ("Which bridge fell this week?", True),  # asked on 19 May 2033, a Thursday; published two days before
        ("Which bridge fell last week?", True),  # what came out on Tuesday may tell of last week
        ("Which bridge fell this month?", True),
        ("Which bridge fell last month?", True),
        ("Which bridge fell in 2033?", True),
    ],
)
def test_news_of_the_days_that_are_meant_may_answer_what_was_lately(question: str, eligible: bool) -> None:
    assert read_on(question, date(2033, 5, 19)).eligible == eligible


@pytest.mark.parametrize("question", ["Which bridge fell this week?", "Which bridge fell last month?"])
def test_older_news_does_not_answer_what_was_lately_though_it_says_so_itself(question: str) -> None:
    assert not read_on(question, date(2034, 3, 2)).eligible
    assert not read_on(question, date(2034, 3, 2), text="The old bridge fell this week and last month.").eligible


def test_this_week_may_be_said_of_the_days_before_it() -> None:
    assert read_on("Which bridge fell this week?", date(2033, 5, 23)).timed >= 0.4  # a Monday, six days later
    assert read_on("Which bridge fell this week?", date(2033, 5, 30)).timed < 0.4


def read_on(question: str, today: date, *, text: str = "The old bridge fell.") -> Features:
    article = Article("a", "a.md", text, hash_text(text), "News", published=date(2033, 5, 17), language="en")
    hit = Hit(article, Passage("p", "a", 0, len(text), text), 1.0)
    asked = read_question(question, today)
    return read_features(asked, make_quote(article, 0, len(text)), Surroundings.of(hit), {})[0]
