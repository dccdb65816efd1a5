from __future__ import annotations

from dataclasses import FrozenInstanceError
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.articles import Article, Filters, Quote, day_number, hash_text, make_article_id, make_quote

TEXT = "Trade rose.\nIt stood at $24.2 billion.\n\nNobody knows why."
ARTICLE = Article(id="a", source="a.md", text=TEXT, sha256=hash_text(TEXT), title="Trade", first_line=9)


@pytest.mark.parametrize(
    ("offset", "line"), [(0, 9), (10, 9), (11, 9), (12, 10), (TEXT.index("Nobody"), 12), (len(TEXT), 12)]
)
def test_a_line_is_counted_from_the_line_of_the_source_on_which_the_text_begins(offset, line):
    assert ARTICLE.line_at(offset) == line


def test_a_quote_knows_its_line():
    start = TEXT.index("$24.2")
    assert make_quote(ARTICLE, start, start + 13).line == 10


@given(st.integers(-5, len(TEXT) + 5), st.integers(-5, len(TEXT) + 5))
def test_a_quote_is_made_of_the_words_at_its_offsets_or_refused(start, end):
    if 0 <= start < end <= len(TEXT):
        quote = make_quote(ARTICLE, start, end)
        assert quote.text == TEXT[start:end]
        assert quote.stands()
    else:
        with pytest.raises(ValueError, match=rf"offsets {start}:{end} are not in article a \({len(TEXT)} characters"):
            make_quote(ARTICLE, start, end)


@pytest.mark.parametrize(("start", "text"), [(0, "trade"), (1, "Trade"), (0, ""), (len(TEXT), "Trade")])
def test_a_quote_that_is_not_in_the_article_at_its_place_does_not_stand(start, text):
    assert not Quote(ARTICLE, start, start + len(text), text).stands()


def test_an_id_follows_from_the_source_alone():
    assert make_article_id("index/articles/trade-record.md") == "80e3f28f46cd"
    assert make_article_id("a") != make_article_id("b")


@given(st.text(st.characters(exclude_categories=())))
def test_any_name_of_a_source_has_an_id_of_twelve_digits(source):
    id_ = make_article_id(source)
    assert len(id_) == 12
    assert set(id_) <= set("0123456789abcdef")


def test_a_text_is_hashed_in_utf8():
    assert hash_text("é") == "4a99557e4033c3539de2eb65472017cad5f9557f7a0625a09f1c3f6e2ba69c4c"


def test_articles_and_filters_are_frozen():
    with pytest.raises(FrozenInstanceError):
        ARTICLE.title = "Other"
    with pytest.raises(FrozenInstanceError):
        Filters().dated = True


@given(st.dates(), st.dates())
def test_days_as_numbers_are_in_the_order_of_the_days(one, other):
    assert (day_number(one) < day_number(other)) == (one < other)
    assert 0 < day_number(one) <= 99991231


@pytest.mark.parametrize(
    ("filters", "first", "last", "needs_date", "publisher"),
    [
        (Filters(), 0, 99991231, False, None),
        (Filters(since=date(2022, 7, 5)), 20220705, 99991231, False, None),
        (Filters(until=date(2022, 7, 5)), 0, 20220705, False, None),
        (Filters(as_of=date(2022, 7, 5)), 0, 20220705, True, None),
        (Filters(until=date(2022, 7, 5), as_of=date(2021, 1, 1)), 0, 20210101, True, None),
        (Filters(until=date(2021, 1, 1), as_of=date(2022, 7, 5)), 0, 20210101, True, None),
        (Filters(dated=True), 0, 99991231, True, None),
        (Filters(publisher="  Le  MONDÉ "), 0, 99991231, False, "le monde"),
        (Filters(publisher=""), 0, 99991231, False, None),
        (Filters(publisher="  "), 0, 99991231, False, None),
    ],
)
def test_filters_say_what_they_admit(filters, first, last, needs_date, publisher):
    assert (filters.first_day, filters.last_day) == (first, last)
    assert (filters.needs_date, filters.publisher_key) == (needs_date, publisher)
    assert filters.admit_all == (filters == Filters())
