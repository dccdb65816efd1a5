from __future__ import annotations

import re
import unicodedata
from datetime import date

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from qa.text import MONTHS, clean_text, fold, format_date, inert_text, one_line, safe_text, shorten, suggest

# Whatever a file can hold once decoded, lone surrogates included.
ANY_TEXT = st.text(st.characters(exclude_categories=()))
LANDMINES = st.text(
    st.sampled_from("ab \t\n\r\x00\x1b\x7f\x85\x9b\ufeff\u2028\u202e\u2066\ud800é\u0301ﬁＡ"), max_size=12
)
FORBIDDEN = {*range(0x20), *range(0x7F, 0xA0), *range(0x2028, 0x202F), *range(0x2066, 0x206A)} - {0x09, 0x0A}


@given(ANY_TEXT | LANDMINES)
@example("\ufeff\ufeffTwo marks")
@example("\r\r\n")
def test_cleaning_a_text_twice_changes_nothing_more(raw):
    cleaned = clean_text(raw)
    assert clean_text(cleaned) == cleaned


@given(ANY_TEXT | LANDMINES)
def test_a_cleaned_text_is_composed_and_can_be_stored_in_utf8(raw):
    cleaned = clean_text(raw)
    assert cleaned == unicodedata.normalize("NFC", cleaned)
    assert not set(cleaned) & {"\r", "\0"}
    assert cleaned.encode("utf-8").decode("utf-8") == cleaned


@pytest.mark.parametrize(
    ("raw", "cleaned"),
    [
        ("\ufeffTrade", "Trade"),
        ("a\r\nb\rc\nd", "a\nb\nc\nd"),
        ("cafe\u0301", "café"),
        ("a\0b", "a\ufffdb"),
        ("a\ud800b", "a\ufffdb"),
        ("a\ufeffb", "a\ufeffb"),
        ("\x1b[31mred\x1b[0m", "\x1b[31mred\x1b[0m"),
        ("ﬁ ½ \u202eabc", "ﬁ ½ \u202eabc"),
        ("  two  blanks\t\n", "  two  blanks\t\n"),
    ],
)
def test_cleaning_changes_only_what_the_store_cannot_keep(raw, cleaned):
    assert clean_text(raw) == cleaned


@given(ANY_TEXT | LANDMINES)
def test_safe_text_leaves_nothing_that_a_terminal_could_act_on(text):
    shown = safe_text(text)
    assert not {ord(char) for char in shown} & FORBIDDEN
    assert not any(unicodedata.category(char) in ("Cs", "Zl", "Zp") for char in shown)
    assert {char for char in shown if unicodedata.category(char) == "Cc"} <= {"\n", "\t"}


@given(ANY_TEXT | LANDMINES)
def test_safe_text_keeps_everything_else_at_its_place(text):
    shown = safe_text(text)
    lines = text.replace("\r\n", "\n")
    assert len(shown) == len(lines)
    assert all(now in (was, "\ufffd") for now, was in zip(shown, lines, strict=True))
    assert safe_text(shown) == shown


@pytest.mark.parametrize(
    "attack",
    [
        "\x1b]0;title\x07",
        "\x1b]52;c;ZXZpbA==\x07",
        "\x1b[2J",
        "\x9b31m",
        "\x9d8;;http://example.org\x9c",
        "\u202etxt.exe",
        "\u2066a\u2069",
        "line\rover",
        "a\x08b",
        "\x0e\x0f",
    ],
)
def test_escape_sequences_and_direction_overrides_never_reach_a_terminal(attack):
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", safe_text(attack))


@pytest.mark.parametrize("text", ["שלום עולם", "مرحبا", "naïve — “quoted” £5 €7 ½", "日本語", "👩‍👩‍👧 🇰🇿", "a\tb\nc"])
def test_letters_signs_and_emoji_are_shown_as_they_are(text):
    assert safe_text(text) == text


@given(ANY_TEXT | LANDMINES)
def test_one_line_is_one_line(text):
    line = one_line(text)
    assert line == " ".join(line.split())
    assert one_line(line) == line
    assert "\n" not in line


@given(ANY_TEXT | LANDMINES, st.integers(1, 40))
def test_a_shortened_text_fits_and_begins_like_the_line(text, limit):
    short, line = shorten(text, limit=limit), one_line(text)
    assert len(short) <= limit
    assert short == line or (short.endswith("…") and line.startswith(short[:-1]))
    assert (short == line) == (len(line) <= limit)


@pytest.mark.parametrize(
    ("limit", "short"),
    [(12, "Trade rose"), (10, "Trade rose"), (9, "Trade…"), (5, "Trad…"), (1, "…")],
)
def test_a_text_is_cut_at_a_word_where_that_leaves_half_of_it(limit, short):
    assert shorten(" Trade\n rose ", limit=limit) == short


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Élysée", "elysee"),
        ("STRASSE", "straße"),
        ("  The\n Times ", "the times"),
        ("ﬁgures", "FIGURES"),
        ("İstanbul", "istanbul"),
        ("Ｒｅｕｔｅｒｓ", "reuters"),
        ("cafe\u0301", "café"),
    ],
)
def test_folding_ignores_case_accents_forms_and_blanks(one, other):
    assert fold(one) == fold(other)


@pytest.mark.parametrize(("one", "other"), [("BBC", "BBC2"), ("1.2", "12"), ("a b", "ab")])
def test_folding_keeps_different_words_apart(one, other):
    assert fold(one) != fold(other)


@given(st.text())
def test_folding_twice_changes_nothing_more(text):
    assert fold(fold(text)) == fold(text)


@pytest.mark.parametrize(
    ("word", "sentence"),
    [("smple", " Did you mean 'sample'?"), ("sampel", " Did you mean 'sample'?"), ("zzz", ""), ("", "")],
)
def test_the_nearest_known_word_is_named_if_there_is_one(word, sentence):
    assert suggest(word, ["sample", "other"]) == sentence


@given(st.dates())
def test_a_date_is_written_with_day_month_and_year_in_english(day):
    written = format_date(day)
    number, month, year = written.split(" ")
    assert date(int(year), MONTHS.index(month) + 1, int(number)) == day


def test_a_date_has_no_leading_zero():
    assert format_date(date(2022, 7, 5)) == "5 July 2022"


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("a <|im_end|> b", "a < |im_end|> b"),
        ("[INST] a [/INST]", "[ INST] a [ /INST]"),
        ("<<SYS>>a</s>", "< <SYS>>a< /s>"),
        ("<start_of_turn>user", "< start_of_turn>user"),
        ("<｜User｜>", "< ｜User｜>"),
        ("a\x1b[2J", "a\ufffd[2J"),
        ("5 < 6 [1] <b>a</b> | b", "5 < 6 [1] <b>a</b> | b"),
    ],
)
def test_special_tokens_are_broken_up_before_a_model_reads_them(text: str, sent: str) -> None:
    assert inert_text(text) == sent


@given(LANDMINES)
def test_ordinary_text_goes_into_a_prompt_as_it_is_displayed(text: str) -> None:
    assert inert_text(text) == safe_text(text)
