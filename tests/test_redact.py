from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.redact import Withheld, find_secrets, hide_password, overlap, redact

KEY = "sk-test-0123456789abcdef"


@pytest.mark.parametrize(
    ("url", "key", "secrets"),
    [
        ("https://models.example/v1", None, ()),
        ("https://models.example/v1", f" {KEY}\n", (KEY,)),
        ("https://ann:pass-word@models.example/v1", KEY, (KEY, "pass-word")),
        ("https://ann:pass%2Dword@models.example/v1", "", ("pass%2Dword", "pass-word")),
        ("http://[::1/v1", KEY, (KEY,)),
    ],
)
def test_the_key_and_the_password_of_the_address_are_secret(url: str, key: str | None, secrets: tuple[str]) -> None:
    assert find_secrets(url, key) == secrets


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://models.example/v1", "https://models.example/v1"),
        ("https://ann@models.example/v1", "https://ann@models.example/v1"),
        ("https://ann:pass%2Dword@models.example/v1", "https://ann:[key]@models.example/v1"),
        ("https://https:models@models.example/v1", "https://https:[key]@models.example/v1"),
        ("http://[::1/v1", "http://[::1/v1"),
    ],
)
def test_an_address_is_shown_without_its_password(url: str, shown: str) -> None:
    assert hide_password(url) == shown


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (f"Incorrect API key provided: {KEY}.", "Incorrect API key provided: [key]"),
        ("Incorrect API key provided: sk-te**************cdef.", "Incorrect API key provided: [key]"),
        ("told\n why.", "told why"),
        ("\x1b[2J", "\ufffd[2J"),
    ],
)
def test_what_a_server_says_is_one_line_without_a_key(words: str, shown: str) -> None:
    assert redact(words, (KEY,)) == shown


def test_what_a_server_says_is_cut_after_the_key_is_hidden() -> None:
    assert len(redact("long " * 400, ())) <= 200
    assert "sk-" not in redact("x " * 95 + KEY, (KEY,))


@pytest.mark.parametrize(
    ("text", "word", "size"),
    [("", "abc", 0), ("xab", "abc", 2), ("xabc", "abc", 0), ("xa", "abc", 1), ("aab", "aabaa", 3), ("b", "abc", 0)],
)
def test_the_overlap_is_what_may_be_the_beginning_of_the_word(text: str, word: str, size: int) -> None:
    assert overlap(text, word) == size


@given(st.data())
def test_a_secret_never_comes_through_wherever_the_pieces_are_cut(data: st.DataObject) -> None:
    text = "".join(data.draw(st.lists(st.sampled_from([KEY, KEY[:9], KEY[5:], "sk-", " and "]), max_size=6)))
    places = sorted(data.draw(st.sets(st.integers(0, len(text)))) | {0, len(text)})
    withheld = Withheld([KEY])
    shown = "".join([*(withheld.feed(text[start:end]) for start, end in pairwise(places)), withheld.rest()])
    assert shown == text.replace(KEY, "[key]")


def test_text_that_begins_no_secret_is_given_on_at_once() -> None:
    withheld = Withheld([KEY])
    assert withheld.feed("Trade stood at ") == "Trade stood at "
    assert withheld.feed("s") == ""
    assert withheld.feed("ix") == "six"


def test_a_stand_in_for_a_key_stays_a_word() -> None:
    assert Withheld(["ollama"]).feed("Ask ollama.") == "Ask ollama."
