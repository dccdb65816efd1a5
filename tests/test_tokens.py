from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from qa.tokens import count_tokens, count_tokens_each, cut_offsets, take_tokens

# Words, blanks of every kind and letters that take several tokens each.
TEXTS = st.text() | st.lists(
    st.sampled_from(["trade ", "24.2 ", "billion", "\n", "\n\n", "     ", "1234567", "ⵣ", "𓀀", "👩‍👩‍👧", "の", "е"]),
    max_size=60,
).map("".join)


@pytest.mark.parametrize(
    ("text", "count"),
    [("", 0), ("Trade stood at $24.2 billion.", 9), ("<|endoftext|>", 7), ("hello world", 2), ("𓀀", 4)],
)
def test_tokens_are_those_of_cl100k(text, count):
    assert count_tokens(text) == count


@given(st.lists(st.text(), max_size=5))
def test_texts_are_counted_in_order_as_one_by_one(texts):
    assert count_tokens_each(texts) == [count_tokens(text) for text in texts]


@given(TEXTS, st.integers(1, 40))
@example("𓀀" * 5, 1)
def test_cuts_ascend_to_the_end_of_the_text(text, budget):
    offsets = cut_offsets(text, budget=budget)
    assert offsets[-1:] == ([len(text)] if text else [])
    assert all(before < after for before, after in pairwise([0, *offsets]))


@given(TEXTS, st.integers(8, 40))
def test_every_run_between_two_cuts_is_within_the_budget(text, budget):
    offsets = [0, *cut_offsets(text, budget=budget)]
    assert all(count_tokens(text[start:end]) <= budget for start, end in pairwise(offsets))


def test_words_are_not_cut_where_there_is_white_space():
    text = "Trade turnover between the two countries stood at a record of many billions. " * 5
    offsets = cut_offsets(text, budget=16)
    assert len(offsets) > 4
    assert all(text[offset - 1] == " " for offset in offsets)


def test_a_text_within_the_budget_is_not_cut():
    assert cut_offsets("Trade stood at $24.2 billion.", budget=9) == [29]


def test_a_word_longer_than_the_budget_is_cut_anywhere():
    text = "x" * 1000
    offsets = cut_offsets(text, budget=16)
    assert offsets[-1] == 1000
    assert len(offsets) > 2


@pytest.mark.parametrize(
    ("budget", "taken"),
    [
        (0, []),
        (1, ["hello"]),
        (2, ["hello world"]),
        (3, ["hello world", "Trade"]),
        (99, ["hello world", "Trade stood"]),
    ],
)
def test_the_first_tokens_of_texts_are_taken_and_the_last_text_is_cut(budget, taken):
    assert take_tokens(["hello world", "Trade stood"], budget=budget) == taken


@given(st.lists(TEXTS, max_size=4), st.integers(0, 40))
def test_what_is_taken_begins_as_the_texts_do(texts, budget):
    taken = take_tokens(texts, budget=budget)
    assert taken[:-1] == texts[: max(0, len(taken) - 1)]
    assert all(text.startswith(part) for text, part in zip(texts, taken, strict=False))
