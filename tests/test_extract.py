from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from qa.articles import Article, Passage, hash_text
from qa.errors import EmbeddingError
from qa.extract import LOWEST_BY_RULE, Reading, find_span, rank_sentences, read_hits, score_features
from qa.features import Features
from qa.keywords import analyze
from qa.question import read_question
from qa.retrieve import Hit
from qa.testing import HashingEmbedder

GROUPS = "Thirteen projects are finished, nine are in progress and twenty-three are planned."
TWO_YEARS = "Trade came to $24.2 billion in 2021. Trade came to $9.2 billion in 2022."
PARIS = "Bob Dole met Ann Lee in Paris."

SHARE = st.floats(0, 1)
FEATURES = st.builds(Features, *[SHARE] * 9, st.booleans())
TEXTS = st.lists(
    st.one_of(st.text(max_size=60), st.sampled_from([GROUPS, TWO_YEARS, PARIS, "İ é 👍🏽. تجارة 24 ﬁn."])), max_size=4
)
QUESTIONS = st.sampled_from(
    ["How many projects are finished?", "How much was trade in 2021?", "Who met Ann Lee?", "Where?", "Why is it?", "24"]
)


def make_hit(text: str, name: str = "a", title: str = "News", published: date | None = None) -> Hit:
    article = Article(name, f"{name}.md", text, hash_text(text), title, published=published, language="en")
    return Hit(article, Passage(f"p-{name}", name, 0, len(text), text), 1.0)


def equal_weight(_term: str) -> float:
    return 1.0


def read(question: str, *texts: str, title: str = "News", published: date | None = None) -> Reading:
    hits = [make_hit(text, f"a{n}", title, published) for n, text in enumerate(texts)]
    return read_hits(question, hits, weigh=equal_weight, embedder=HashingEmbedder())


# answers


@pytest.mark.parametrize(
    ("question", "text", "sentence", "short"),
    [
        ("How many projects are finished?", GROUPS, GROUPS, "Thirteen"),
        ("How much was trade in 2021?", TWO_YEARS, TWO_YEARS[:36], "$24.2 billion"),
        ("How much was trade in 2022?", TWO_YEARS, TWO_YEARS[37:], "$9.2 billion"),
        ("Who met Ann Lee in Paris?", PARIS, PARIS, "Bob Dole"),
        (
            "What did the 13 projects cost?",
            "The 13 projects cost $5 million.",
            "The 13 projects cost $5 million.",
            "$5 million",
        ),
        (
            "Why did the fair open?",
            "The fair was opened because of rain.",
            "The fair was opened because of rain.",
            "rain",
        ),
    ],
)
def test_the_answer_is_a_sentence_verbatim_with_the_span_that_answers(
    question: str, text: str, sentence: str, short: str
) -> None:
    answer = read(question, text).answer
    assert answer is not None
    assert answer.quote.text == sentence
    assert answer.quote.stands()
    assert answer.span is not None
    assert sentence[slice(*answer.span)] == short
    assert LOWEST_BY_RULE <= answer.score <= 1


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("How much was trade in 2020?", TWO_YEARS),
        ("How much was trade in the whole of 2022?", "Trade came to $9.2 billion from January to May 2022."),
        ("Who met Ann Lee in London?", PARIS),
        ("What did the 23 finished projects cost?", "The 13 finished projects cost $5 million."),
        ("How many Russian companies came?", "200 Kazakh companies came."),
        ("When did the fair open?", "The fair was opened by Ann Lee."),
        ("How much did the fair cost?", "The fair was opened by Ann Lee in 2021."),
        ("elephants?", "Trade came to nothing."),
    ],
)
def test_a_near_miss_is_no_answer(question: str, text: str) -> None:
    reading = read(question, text)
    assert reading.answer is None
    assert reading.score < LOWEST_BY_RULE
    assert reading.nearest


@pytest.mark.parametrize(
    ("question", "text"), [("How much was trade in 2020?", TWO_YEARS), ("Who met Ann Lee in London?", PARIS)]
)
def test_a_lower_bound_on_the_score_lets_a_near_miss_answer_and_changes_nothing_else(question: str, text: str) -> None:
    hits = [make_hit(text)]
    strict = read_hits(question, hits, weigh=equal_weight, embedder=HashingEmbedder())
    at_its_score, just_above = (
        read_hits(question, hits, weigh=equal_weight, embedder=HashingEmbedder(), lowest_score=bound)
        for bound in (strict.score, strict.score + 1e-9)
    )
    assert strict.answer is None
    assert at_its_score.answer == at_its_score.nearest[0] == strict.nearest[0]
    assert at_its_score == replace(strict, answer=strict.nearest[0], answers=(strict.nearest[0],), missing=())
    assert just_above == strict


def test_no_bound_makes_an_answer_of_no_sentence() -> None:
    reading = read_hits("Where?", [], weigh=equal_weight, embedder=HashingEmbedder(), lowest_score=float("-inf"))
    assert (reading.answer, reading.nearest, reading.score) == (None, (), 0.0)


def test_an_average_answers_only_a_question_for_one() -> None:
    text = "The projects cost $5 million on average. A project cost $6 million."
    plain, average = read("What does a project cost?", text), read("What does a project cost on average?", text)
    assert plain.answer is not None
    assert plain.answer.quote.text == "A project cost $6 million."
    assert average.answer is not None
    assert average.answer.quote.text == "The projects cost $5 million on average."


def test_a_name_may_stand_in_the_passage_or_the_title_instead_of_the_sentence() -> None:
    bare = "The exhibition opened on July 4."
    question = "When did the INNOPROM exhibition open?"
    assert read(question, bare).answer is None
    assert read(question, bare, title="INNOPROM").answer is not None
    assert read(question, f"INNOPROM is back. {bare}").answer is not None


def test_the_year_of_publication_counts_for_little_and_another_year_rules_it_out() -> None:
    question, text = "How much was trade in 2022?", "Trade came to $9.2 billion."
    undated, dated, older = (
        read(question, text, published=day).score for day in (None, date(2022, 7, 5), date(2021, 7, 5))
    )
    assert dated > undated
    assert older == undated


def test_what_is_missing_is_said_name_by_name_and_date_by_date() -> None:
    reading = read("Who met Ann Lee in London in 2020?", PARIS)
    assert reading.missing == (
        "No passage that was found speaks of London.",
        "No passage that was found speaks of 2020.",
    )
    assert read("Who met Ann Lee in Paris?", PARIS).missing == ()


def test_of_which_times_the_closest_sentences_are_is_said_where_none_is_of_the_time_asked_for() -> None:
    text = "Trade came to $9 billion last year, after $7 billion in 2019. The war of 2020 is over."
    reading = read("How much was trade in 2020?", text, published=date(2022, 7, 5))
    assert reading.answer is None
    assert reading.missing == (
        "No sentence that was found says this of 2020; what comes closest is of last year (2021), 2019.",
    )


def test_a_name_or_time_in_any_of_the_articles_is_spoken_of() -> None:
    reading = read("Who met Ann Lee in London in 2020?", PARIS, "London was cold in 2020.")
    assert reading.answer is None
    assert reading.missing == ("No sentence that was found says this of 2020.",)


# order


def test_at_most_three_sentences_are_nearest_and_they_come_best_first() -> None:
    reading = read("How many trams run?", *[f"{n} buses ran {'and trams stood' * (n % 2)} still." for n in range(2, 9)])
    assert len(reading.nearest) == 3
    assert [pick.score for pick in reading.nearest] == sorted((pick.score for pick in reading.nearest), reverse=True)
    assert "trams" in reading.nearest[0].quote.text


def test_of_equal_sentences_the_one_found_first_is_taken() -> None:
    reading = read("How many projects are finished?", GROUPS, GROUPS)
    assert reading.answer is not None
    assert reading.answer.quote.article.id == "a0"


def test_of_equal_sentences_in_one_passage_the_earlier_is_taken() -> None:
    reading = read("How many projects are finished?", f"{GROUPS} {GROUPS}")
    assert reading.answer is not None
    assert reading.answer.quote.start == 0


def test_a_rare_term_counts_for_more() -> None:
    hits = [make_hit("The zinc price rose to $5.", "zinc"), make_hit("The copper price rose to $7.", "copper")]
    rare = analyze("copper")[0]
    best = rank_sentences(
        read_question("What was the price of copper and zinc?"),
        hits,
        weigh=lambda term: 9.0 if term == rare else 0.1,
        embedder=HashingEmbedder(),
    )
    assert best[0].quote.article.id == "copper"


def test_at_most_24_sentences_are_compared_by_meaning() -> None:
    counted: list[int] = []

    class Counting(HashingEmbedder):
        def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
            counted.append(len(texts))
            return super().embed(texts)

    hits = [make_hit(" ".join(f"Tram {n} ran in {name}." for n in range(20)), name) for name in ("Bonn", "Rome")]
    found = rank_sentences(read_question("How many trams ran?"), hits, weigh=equal_weight, embedder=Counting())
    assert counted == [25]
    assert len(found) == 24


def test_no_hits_give_no_answer_and_ask_nothing_of_the_embedder() -> None:
    class Broken(HashingEmbedder):
        def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
            raise EmbeddingError("not to be asked")

    reading = read_hits("How many trams ran in 2021?", [], weigh=equal_weight, embedder=Broken())
    assert reading == Reading(None, (), ("No passage that was found speaks of 2021.",), 0.0)


def test_an_embedder_that_gives_no_vectors_is_an_error_and_no_answer() -> None:
    class Short(HashingEmbedder):
        def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
            return super().embed(texts[1:])

    with pytest.raises(EmbeddingError, match="hashing-64 returned vectors of shape"):
        read_hits("How many trams ran?", [make_hit("Two trams ran.")], weigh=equal_weight, embedder=Short())


# offsets


def test_a_quote_is_placed_in_the_article_and_not_in_its_passage() -> None:
    text = f"İ 👍🏽 first.\n\n{PARIS}"
    whole = make_hit(text)
    start = text.index("Bob")
    part = replace(whole, passage=Passage("p", "a", start, len(text), text[start:]))
    reading = read_hits("Who met Ann Lee in Paris?", [part], weigh=equal_weight, embedder=HashingEmbedder())
    assert reading.answer is not None
    assert (reading.answer.quote.start, reading.answer.quote.end) == (start, len(text))
    assert reading.answer.quote.line == 3


@given(QUESTIONS, TEXTS)
def test_every_quote_stands_and_every_span_lies_inside_it(question: str, texts: list[str]) -> None:
    reading = read(question, *texts)
    for pick in (*reading.nearest, *([reading.answer] if reading.answer else [])):
        assert pick.quote.article.text[pick.quote.start : pick.quote.end] == pick.quote.text
        assert pick.span is None or 0 <= pick.span[0] < pick.span[1] <= len(pick.quote.text)
    assert (reading.answer is None) == (reading.score < LOWEST_BY_RULE)
    assert reading.answer is None or reading.answer == reading.nearest[0]


@given(QUESTIONS, TEXTS)
def test_equal_input_gives_equal_output(question: str, texts: list[str]) -> None:
    assert read(question, *texts) == read(question, *texts)


# scores


@given(FEATURES)
def test_a_score_lies_between_none_and_one(features: Features) -> None:
    assert -0.1 <= score_features(features) <= 1 + 1e-9


@given(FEATURES, st.sampled_from("covered context similarity near fit timed figured named plain".split()))
def test_no_feature_ever_lowers_the_score(features: Features, name: str) -> None:
    assert score_features(replace(features, **{name: 1.0})) >= score_features(features) - 1e-9


@given(FEATURES)
def test_a_sentence_that_may_not_be_the_answer_has_half_its_score(features: Features) -> None:
    barred, free = replace(features, eligible=False), replace(features, eligible=True)
    assert score_features(barred) == score_features(free) / 2


# the span by itself


@pytest.mark.parametrize(
    ("question", "sentence", "span"),
    [
        ("How much was trade in 2021?", TWO_YEARS, "$24.2 billion"),
        ("Who met Ann Lee?", PARIS, "Bob Dole"),
        ("How much was trade?", PARIS, None),
        ("", "", None),
    ],
)
def test_a_span_is_found_in_any_sentence(question: str, sentence: str, span: str | None) -> None:
    found = find_span(question, sentence)
    assert (sentence[slice(*found)] if found else None) == span
