from __future__ import annotations

import re
import unicodedata
from datetime import date

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from qa.text import (
    MONTHS,
    bare_words,
    clean_text,
    fold,
    fold_text,
    format_date,
    inert_text,
    one_line,
    safe_text,
    shorten,
    suggest,
)

# Whatever a file can hold once decoded, lone surrogates included.
ANY_TEXT = st.text(st.characters(exclude_categories=()))
LANDMINES = st.text(
    st.sampled_from("ab \t\n\r\x00\x1b\x7f\x85\x9b\ufeff\u2028\u202e\u2066\ud800é\u0301ﬁＡ"), max_size=12
)
# Whatever folds to more or fewer characters than it has, or is one grapheme of several.
LETTERS = """a B . , é e\u0301 e\u0301\u0323 İ ß ŉ ﬁ ﬃ … ½ ℃ ① Ａ １ ͺ ´ ﷺ ΐ й ё بَ تِ 한 값 \u1112\u1161\u11ab कि ｶﾞ
    “ ” - — 👍🏽 👩\u200d👧 ❤\ufe0f 🇰🇿 🇰 \u00ad \u200b \u200d \u0301""".split()
GRAPHEMES = st.lists(st.sampled_from([*LETTERS, " ", " ", "\n", "\u00a0", "\u3000"]), max_size=12).map("".join)
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
        ("Ber\u00adlin", "Ber\u200blin"),
        ("👩\u200d👧 ❤\ufe0f", "👩👧 ❤"),
        ("بَلَغَ", "بلغ"),
        ("новый", "новыи"),
        ("한", "\u1112\u1161\u11ab"),
    ],
)
def test_folding_ignores_case_accents_forms_blanks_and_what_is_unseen(one, other):
    assert fold(one) == fold(other)


@pytest.mark.parametrize(
    ("one", "other"), [("BBC", "BBC2"), ("1.2", "12"), ("a b", "ab"), ("“a”", '"a"'), ("’", "'"), ("–", "-")]
)
def test_folding_keeps_different_words_apart(one, other):
    assert fold(one) != fold(other)


@given(st.text())
def test_folding_twice_changes_nothing_more(text):
    assert fold(fold(text)) == fold(text)


@pytest.mark.parametrize(
    ("text", "words", "places"),
    [
        ("Trade with İstanbul grew", "istanbul", ["İstanbul"]),
        ("İİ ii", "i", ["İ", "İ", "i", "i"]),
        ("The ﬁrst ofﬁce", "first", ["ﬁrst"]),
        ("The ofﬁce and the oﬃce", "office", ["ofﬁce", "oﬃce"]),
        ("The ofﬁce and the oﬃce", "off", []),
        ("ﬁne", "ine", []),
        ("Straße, STRASSE", "strasse", ["Straße", "STRASSE"]),
        ("ß", "s", []),
        ("Wait… what", "wait...", ["Wait…"]),
        ("Wait… what", "wait.", []),
        ("It is 1½ m", "11⁄2", ["1½"]),
        ("It is 1½ m", "11", []),
        ("the cafe\u0301 y\u0308 sold", "cafe y", ["cafe\u0301 y\u0308"]),
        ("E\u0301\u0323 x", "e", ["E\u0301\u0323"]),
        ("Рекорд: новый йод", "новыи иод", ["новый йод"]),
        ("بَلَغَ الرَّقم 24", "الرقم", ["الرَّقم"]),
        ("무역이 값", "값", ["값"]),
        ("무역이 값", "가", []),
        ("१ कि", "क", []),
        ("１２．５ percent", "12.5", ["１２．５"]),
        ("Ber\u00adlin and Ber\u200blin", "berlin", ["Ber\u00adlin", "Ber\u200blin"]),
        ("👩\u200d👩\u200d👧 met", "met", ["met"]),
        ("👩\u200d👩\u200d👧 met 👩", "👩", ["👩"]),
        ("A 👍🏽 and a 👍", "👍", ["👍"]),
        ("🇰🇿", "🇿", []),
        ("five\u00a0 \n million", "FIVE MILLION", ["five\u00a0 \n million"]),
        ("“Yes” “yes”", '"yes"', []),
        ("a - b – c", "–", ["–"]),
        ("  a ", "a", ["a"]),
        ("aaa", "aa", ["aa", "aa"]),
        ("a", " ", []),
        ("", "a", []),
    ],
)
def test_words_are_found_at_whole_graphemes_of_the_original(text: str, words: str, places: list[str]) -> None:
    assert [text[start:end] for start, end in fold_text(text).find(words)] == places


@given(GRAPHEMES | LANDMINES | ANY_TEXT)
@example(" \u200d ")
@example("ͺ ͺ\u00a0ͺ")
@example("\u0301 a\u0301 ")
def test_every_code_point_of_a_folded_text_has_its_place_in_order(text: str) -> None:
    folded = fold_text(text)
    assert folded.text == fold(text)
    assert len(folded.starts) == len(folded.text) + 1
    assert list(folded.starts) == sorted(folded.starts)
    assert all(start < folded.starts[-1] <= len(text) for start in folded.starts[:-1])


@given(GRAPHEMES | ANY_TEXT, st.data())
def test_what_is_found_folds_to_what_was_looked_for(text: str, data: st.DataObject) -> None:
    folded = fold_text(text)
    start = data.draw(st.integers(0, len(folded.text)))
    end = data.draw(st.integers(start, len(folded.text)))
    words = folded.text[start:end].strip()
    for left, right in folded.find(words):
        assert fold(text[left:right]) == words
        assert not (right < len(text) and unicodedata.combining(text[right]))
    if words == folded.text[start:end] and words:
        place = folded.span(start, end)
        assert place is None or place in folded.find(words)


@given(GRAPHEMES, GRAPHEMES)
def test_a_word_among_others_is_found_at_its_place(before: str, after: str) -> None:
    text = f"{before} Trade İs ﬁne {after}"
    start = len(before) + 1
    assert (start, start + len("Trade İs ﬁne")) in fold_text(text).find("trade is fine")


@pytest.mark.parametrize(("start", "end"), [(-1, 1), (1, 1), (2, 1), (0, 4)])
def test_offsets_outside_a_folded_text_are_refused(start: int, end: int) -> None:
    with pytest.raises(ValueError, match="offsets"):
        fold_text("abc").span(start, end)


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


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The Élysée", "elysee"),
        ("U.S.-led  talks\nA day on", "usled talks day on"),
        ("$24.2 million", "242 million"),
        ("snake_case", "snakecase"),
        ("Another theatre", "another theatre"),
        ("ﬁve½", "five12"),  # NFKD has a fraction slash, which is a mark
        ("the", ""),
    ],
)
def test_bare_words_are_without_case_accents_marks_and_articles(text: str, words: str) -> None:
    assert bare_words(text) == words
    assert bare_words(words) == words
