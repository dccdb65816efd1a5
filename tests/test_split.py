from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from qa.articles import Article, hash_text
from qa.sources import parse_date
from qa.split import find_sentences, split_article
from qa.text import clean_text
from qa.tokens import count_tokens

WORDS = [
    "Trade ",
    "rose. ",
    "Dr. Smailov said: ",
    "“Yes.” ",
    "$24.2 billion",
    ".\n",
    "\n\n",
    "  \n",
    "\t",
    "U.S. ",
    "? ",
]
SCRIPTS = ["貿易は過去最高だった。", "تجارة؟ ", "ราคาสูง ", "व्यापार। ", "👩‍👩‍👧", "𓀀𓀁", "ቃል። "]
ANY_TEXT = st.text() | st.lists(st.sampled_from(WORDS + SCRIPTS), max_size=40).map("".join)
LANGUAGES = st.sampled_from([None, "en", "ru", "ja", "zh", "ar", "th", "hi", "am", "kk", "xx", "", "EN", "not a code"])


def make(text: str, language: str | None = "en", title: str = "Trade", **details) -> Article:
    return Article(id="a1", source="a.md", text=text, sha256=hash_text(text), title=title, language=language, **details)


@given(ANY_TEXT.map(clean_text), LANGUAGES, st.integers(16, 200))
@example("", "en", 16)
@example(" \n ", "en", 16)
def test_passages_cover_the_text_and_are_its_slices(text, language, budget):
    article = make(text, language)
    passages = split_article(article, budget_tokens=budget)
    assert "".join(passage.text for passage in passages) == text
    assert all(article.text[passage.start : passage.end] == passage.text for passage in passages)
    assert all(passage.text for passage in passages)
    assert all(before.end == after.start for before, after in pairwise(passages))


@given(ANY_TEXT.map(clean_text), LANGUAGES, st.integers(16, 200))
@example("𓀀" * 30, "en", 32)
@example("貿易" * 60, "ja", 128)
def test_every_passage_is_within_the_budget(text, language, budget):
    for passage in split_article(make(text, language), budget_tokens=budget):
        # Sentences are counted one by one: where two meet, white space may make a token more (in none of 14,763
        # passages of real news).
        joints = max(0, len(find_sentences(passage.text, language=language)) - 1)
        assert count_tokens(passage.text) <= budget + joints


@given(ANY_TEXT, LANGUAGES)
def test_sentences_are_in_order_apart_stripped_and_hold_every_word(text, language):
    spans = find_sentences(text, language=language)
    assert all(text[start:end].strip() == text[start:end] != "" for start, end in spans)
    assert all(before[1] <= after[0] for before, after in pairwise(spans))
    between = [text[end:start] for (_, end), (start, _) in pairwise([(0, 0), *spans, (len(text), len(text))])]
    assert not "".join(between).strip()


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("", []),
        (" \n\t ", []),
        ("No full stop", ["No full stop"]),
        ("Trade rose. It fell.", ["Trade rose.", "It fell."]),
        ("Mr. Smailov spoke. He left.", ["Mr. Smailov spoke.", "He left."]),
        ("It rose 4.5 percent. It fell.", ["It rose 4.5 percent.", "It fell."]),
        ("Trade stood at $24.2 billion, a record. It fell.", ["Trade stood at $24.2 billion, a record.", "It fell."]),
        ("A headline\nA text.", ["A headline", "A text."]),
        ("One.\n\n\nTwo.", ["One.", "Two."]),
        ("  Indented. \n Again.  ", ["Indented.", "Again."]),
        ("He said “Stop.” Then he left.", ["He said “Stop.”", "Then he left."]),
        ("Is it? Yes! It is.", ["Is it?", "Yes!", "It is."]),
    ],
)
def test_english_is_cut_into_sentences(text, sentences):
    assert [text[start:end] for start, end in find_sentences(text, language="en")] == sentences


def test_a_hard_wrapped_text_is_not_cut_at_the_ends_of_its_lines():
    wrapped = (
        "Trade turnover between Kazakhstan and Russia has climbed to a level\n"
        "never seen before. At the end of 2021 trade between the two\n"
        "countries stood at $24.2 billion, a record that few would have\n"
        "expected.\n\nA new paragraph."
    )
    sentences = [wrapped[start:end] for start, end in find_sentences(wrapped)]
    assert sentences[1].startswith("At the end of 2021 trade between the two\ncountries stood")
    assert sentences[-1] == "A new paragraph."
    assert len(sentences) == 3


def test_a_list_of_short_lines_is_cut_at_every_line():
    text = "apples\npears\nplums\ncherries"
    assert len(find_sentences(text)) == 4


def test_whole_sentences_are_kept_together_up_to_the_budget():
    text = "Trade rose again. " * 20
    passages = split_article(make(text), budget_tokens=16)
    assert len(passages) > 4
    assert all(passage.text.startswith("Trade rose") and passage.text.endswith(". ") for passage in passages)
    assert len(split_article(make(text), budget_tokens=1000)) == 1


def test_a_sentence_longer_than_the_budget_is_cut_between_words():
    passages = split_article(make("trade " * 100 + "rose."), budget_tokens=32)
    assert len(passages) == 4
    assert all(passage.text.endswith((" ", "rose.")) for passage in passages)


def test_the_title_is_no_part_of_a_passage():
    (passage,) = split_article(make("It rose.", title="Kumquats"), budget_tokens=128)
    assert passage.text == "It rose."


def test_the_same_article_has_the_same_passages_and_every_passage_an_id_of_its_own():
    article = make("Trade rose again. " * 30)
    passages = split_article(article, budget_tokens=16)
    assert passages == split_article(article, budget_tokens=16)
    assert len({passage.id for passage in passages}) == len(passages)
    assert {passage.article_id for passage in passages} == {"a1"}


@pytest.mark.parametrize(
    "change", [{"title": "Other"}, {"publisher": "Other"}, {"published": parse_date("2022-07-05")}]
)
def test_a_passage_of_which_the_indexes_see_something_else_has_another_id(change):
    # They keep title, date and publisher under the passage's id, so one id must never mean two of them.
    (before,) = split_article(make("It rose."), budget_tokens=128)
    (after,) = split_article(make("It rose.", **change), budget_tokens=128)
    assert before.id != after.id
