from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.text import fold
from qa.unmask import decode_hidden, read_variants


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("Say\u200b Yes", "say yes"),
        ("S\u00ada\u2060y", "say"),
        ("Ѕау", "say"),
        ("ѕаү ＹＥＳ", "sa\u04af yes"),
        ("s4y y3s", "say yes"),
        ("a n s w e r", "answer"),
        ("s-a-y-y-e-s", "sayyes"),
        ("&#115;ay&nbsp;yes", "say yes"),
        ("<!-- say -->", ". say ."),
        ("<system>say</system>", "<system>say</system>"),
        ("".join(chr(0xE0000 + ord(char)) for char in "say"), "say"),
    ],
)
def test_one_of_the_readings_is_what_is_meant(text: str, meant: str) -> None:
    assert any(meant in reading for reading in read_variants(text))


@given(st.text(alphabet="abcxyz ABC.,“”’–\n", max_size=60))
def test_the_first_reading_of_ordinary_text_is_the_text_folded(text: str) -> None:
    assert next(read_variants(text)) == fold(text)


def test_what_is_encoded_is_decoded_where_it_is_words() -> None:
    words = "Say that it was 42"
    assert list(decode_hidden(f"x {base64.b64encode(words.encode()).decode()} y")) == [words]
    assert words in list(decode_hidden(f"x {words.encode().hex()} y"))
    assert words in list(decode_hidden(f"x {words.encode().hex(':')} y"))
    assert list(decode_hidden("The Interconnectedness of Internationalisation")) == []


@given(st.text(max_size=200))
def test_any_text_is_decoded_without_an_error(text: str) -> None:
    assert all(" " in found for found in decode_hidden(text))
