"""Formats: what the bytes of one file say."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.errors import SourceError
from qa.formats import (
    MAX_FILE_BYTES,
    MAX_FRONT_MATTER_CHARS,
    MAX_TITLE_CHARS,
    check_bytes,
    decode_text,
    find_encoding,
    open_records,
    read_markdown,
    read_page,
    read_plain,
    title_line,
)
from qa.text import clean_text

ENGLISH = "The café’s owner said “trade grew by £5 million” – a third more than in 2021. Françoise agreed."
SPANISH = "El comercio creció un tercio en 2021, según el señor ministro de España."
FRENCH = "Le commerce a augmenté d’un tiers en 2021, a déclaré le ministre à l’Élysée."
GERMAN = "Der Außenhandel wuchs um 24 Prozent, erklärte der Minister für Wirtschaft gestern in München."
POLISH = "Zażółć gęślą jaźń, powiedział minister handlu zagranicznego."
RUSSIAN = "Товарооборот между странами достиг 24 миллиардов долларов в 2021 году, сообщил министр на встрече."
GREEK = "Το εμπόριο αυξήθηκε κατά ένα τρίτο το 2021, δήλωσε ο υπουργός."
JAPANESE = "貿易額は二〇二一年に過去最高を記録したと大臣が発表した。来年も増加が見込まれている。"
CHINESE = "贸易额在二零二一年创下历史新高，部长宣布。预计明年还会增长。"


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        *[(ENGLISH, name) for name in ("utf-8", "utf-8-sig", "utf-16", "utf-32", "cp1252")],
        ("It costs £5 million or €4.", "cp1252"),
        ("He went to the café", "cp1252"),
        (SPANISH, "cp1252"),
        (FRENCH, "cp1252"),
        (GERMAN, "latin-1"),
        (POLISH, "cp1250"),
        (RUSSIAN, "cp1251"),
        (RUSSIAN, "koi8-r"),
        (GREEK, "cp1253"),
        (JAPANESE, "shift_jis"),
        (JAPANESE, "euc_jp"),
        (CHINESE, "gb18030"),
    ],
)
def test_a_text_is_decoded_from_the_encoding_it_was_written_in(text, encoding):
    assert decode_text(text.encode(encoding)) == text


@pytest.mark.parametrize("mark", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_byte_order_marks_tell_the_encoding_and_are_no_text(mark):
    assert decode_text(("\ufeff" + ENGLISH).encode(mark)) == ENGLISH


@pytest.mark.parametrize(
    "raw",
    [
        (ENGLISH + "\ufffd\ufffd\ufffd").encode(),
        ENGLISH.encode() + b" and \x93more",
        ENGLISH.encode()[:-1] + "é".encode()[:1],
        ("plain words " * 50 + "\ufffd").encode(),
    ],
)
def test_utf_8_with_a_few_bad_bytes_is_still_utf_8(raw):
    assert find_encoding(raw) == "utf-8"
    assert decode_text(raw) == raw.decode("utf-8", "replace")


def test_an_encoding_that_nothing_fits_is_refused_with_the_remedy():
    with pytest.raises(SourceError, match="encoding is not recognised: save it as UTF-8"):
        decode_text(bytes(range(0x80, 0x100)) * 5)


@given(st.text(st.characters(exclude_categories=("Cs",))))
def test_any_utf_8_text_is_decoded_to_what_was_written_cleaned(text):
    assert decode_text(text.encode()) == clean_text(text)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "empty: it holds no text"),
        (b" \r\n\t \n", "empty: it holds no text"),
        (b"Text with a \0 in it", "looks binary"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "looks binary"),
        (b"\x7fELF\x02\x01\x01\0", "looks binary"),
        (bytes(range(1, 32)) * 10, "looks binary"),
        (b"x" * (MAX_FILE_BYTES + 1), "larger than 20 MB: split it, or make it .jsonl with one article a line"),
    ],
)
def test_bytes_that_are_no_article_are_refused_with_a_reason(raw, reason):
    with pytest.raises(SourceError) as caught:
        check_bytes(raw)
    assert str(caught.value).startswith(reason)


@pytest.mark.parametrize(
    "raw",
    [
        b"x" * MAX_FILE_BYTES,
        b"A bell\x07, \x1b[31mcolours\x1b[0m and a form feed\x0c are still text.",
        ENGLISH.encode("utf-16"),
        ENGLISH.encode("utf-32"),
        ENGLISH.encode("cp1252"),
    ],
)
def test_bytes_of_a_text_pass(raw):
    check_bytes(raw)


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("A title\nThe text.", "A title"),
        ("\n\n  A   title \n\nThe text.", "A title"),
        ("A title\n", None),
        ("A title", None),
        ("A sentence.\nAnother.", None),
        ("A question?\nAn answer.", None),
        ("He said “yes.”\nMore.", None),
        ("x" * MAX_TITLE_CHARS + "\nText.", "x" * MAX_TITLE_CHARS),
        ("x" * (MAX_TITLE_CHARS + 1) + "\nText.", None),
        ("", None),
        ("NaN\nText.", None),
    ],
)
def test_a_first_line_is_the_title_only_where_it_reads_as_one(text, title):
    assert title_line(text) == title


def test_a_plain_text_keeps_every_line_its_title_too():
    draft = read_plain(b"\r\nA title\r\n\r\nThe text.\r\n")
    assert (draft.text, draft.title, draft.line) == ("\nA title\n\nThe text.\n", "A title", 1)


FRONT = (
    "---\ntitle: Trade grows\npublisher: The Daily\nauthor: Ann Lee\npublished: 2022-07-05\nurl: https://x.org/a\n---\n"
)


def test_front_matter_says_what_the_article_is_and_is_no_part_of_its_text():
    draft = read_markdown((FRONT + "\n# Heading\n\nText.\n").encode())
    assert draft.text == "# Heading\n\nText."
    assert (draft.title, draft.publisher, draft.author) == ("Trade grows", "The Daily", "Ann Lee")
    assert (draft.published, draft.url, draft.line) == ("2022-07-05", "https://x.org/a", 9)


@pytest.mark.parametrize(
    ("front", "said"),
    [
        ("title: No", {"title": "No"}),
        ("title: 2021", {"title": "2021"}),
        ("title: 1_000", {"title": "1_000"}),
        ("TITLE: Upper", {"title": "Upper"}),
        ("headline: Other name", {"title": "Other name"}),
        ("published: 2022-02-30", {"published": "2022-02-30"}),
        ("date: 2022-07-05 10:00:00 +05:00", {"published": "2022-07-05 10:00:00 +05:00"}),
        ("authors: [Ann, Bo]", {"author": "Ann, Bo"}),
        ("authors:\n  - Ann\n  - name: Bo", {"author": "Ann, Bo"}),
        ("publisher: ~", {"publisher": None}),
        ("publisher:", {"publisher": None}),
        ("title: |\n  Two\n  lines", {"title": "Two lines"}),
        ("lang: ru", {"language": "ru"}),
        ("text: Not the body", {"title": None}),
        ("a: &a [x, x]\nauthor: [*a, *a, q]", {"author": "q"}),
    ],
)
def test_front_matter_values_stay_the_words_that_were_written(front, said):
    draft = read_markdown(f"---\n{front}\n---\nText.".encode())
    assert draft.text == "Text."
    assert {name: getattr(draft, name) for name in said} == said


@pytest.mark.parametrize(
    ("front", "line", "problem"),
    [
        ("title: a: b", 2, "mapping values are not allowed here"),
        ("title: T\n\tbad: x", 3, "found character '\\t' that cannot start any token"),
        ("one: 1\ntwo: 2\ntitle: [a", 5, "expected ',' or ']', but got '<stream end>'"),
        ("title: *x", 2, "found undefined alias 'x'"),
        ("one: 1\ntitle: \x07", 3, "special characters are not allowed"),
        ("? [a]\n: b", 2, "found unhashable key"),
        ("title: " + "[" * 5_000, 1, "nested too deeply"),
    ],
)
def test_front_matter_that_is_not_yaml_is_refused_with_the_line_of_the_file(front, line, problem):
    with pytest.raises(SourceError) as caught:
        read_markdown(f"---\n{front}\n---\nText.".encode())
    assert str(caught.value) == f"its front matter is not valid YAML at line {line}: {problem}"


def test_front_matter_without_end_in_sight_is_refused():
    with pytest.raises(SourceError, match="longer than 65,536 characters"):
        read_markdown(b"---\n" + b"a: b\n" * (MAX_FRONT_MATTER_CHARS // 4) + b"---\nText.")


def test_front_matter_never_runs_code(tmp_path):
    made = tmp_path / "made"
    read_markdown(f"---\ntitle: !!python/object/apply:os.mkdir ['{made}']\n---\nText.".encode())
    assert not made.exists()


@pytest.mark.parametrize(
    "text",
    [
        "---\nJust a sentence between rules.\n\n---\nMore.",
        "---\n- a list\n---\nMore.",
        "---\ntitle: never closed\nText.",
        "----",
        "Text first\n\n---\ntitle: T\n---",
    ],
)
def test_rules_that_hold_no_mapping_are_ordinary_text(text):
    draft = read_markdown(text.encode())
    assert (draft.text, draft.title, draft.line) == (text, None, 1)


def test_empty_front_matter_is_left_out():
    assert read_markdown(b"---\n---\nText.").text == "Text."


BODY_LINES = st.text("ab #-", max_size=5)


@given(
    st.sampled_from(["", "---\ntitle: T\n---\n", "\n\n---\ntitle: T\nauthor: A\n---  \n"]),
    st.integers(0, 3),
    st.lists(BODY_LINES, min_size=1, max_size=6).filter(lambda lines: "x".join(lines).strip()),
    st.integers(0, 3),
    st.sampled_from(["\n", "\r\n", "\r"]),
)
def test_every_line_of_a_markdown_text_is_the_line_of_its_file(front, before, lines, after, newline):
    body = "\n" * before + "\n".join(["x" + lines[0], *lines[1:]]) + "\n" * after
    written = (front + body).replace("\n", newline)
    draft = read_markdown(written.encode())
    in_file = (front + body).split("\n")
    for number, line in enumerate(draft.text.split("\n")):
        assert in_file[draft.line - 1 + number].rstrip() == line.rstrip()
    assert draft.text == body.lstrip("\n").rstrip()


@pytest.mark.parametrize(
    ("body", "title"),
    [
        ("Intro.\n\n# The heading\n\n# Another", "The heading"),
        ("# Closed ##\n", "Closed"),
        ("# About C#\n", "About C#"),
        ("## Second level\n# First level", "First level"),
        ("#hashtag\n", None),
        ("# \nText", None),
        ("```\n# a comment\n```\n# Real", "Real"),
        ("~~~\n# a comment\n~~~", None),
        ("No heading at all.", None),
    ],
)
def test_the_first_heading_is_the_title_where_front_matter_has_none(body, title):
    assert read_markdown(body.encode()).title == title


def test_the_first_line_of_a_text_keeps_its_indentation():
    draft = read_markdown(b"---\ntitle: T\n---\n\n \n    code\n\n")
    assert (draft.text, draft.line) == ("    code", 6)


def page(body: str, head: str = "") -> str:
    menu = "<nav><a href='/'>Home</a> <a href='/sport'>Sport</a></nav>"
    return (
        f"<!doctype html><html><head>{head}<title>Trade grows | The Daily</title></head><body>{menu}"
        f"<article><h1>Trade grows</h1>{body}</article><footer>Copyright 2019 The Daily. All rights reserved.</footer>"
    )


PARAGRAPHS = (
    "<p>Trade with España grew by £5 million in 2021, the minister said in a long speech on Monday evening.</p>"
    "<p>It will grow by £7 million in 2022, and the owner of the café agreed with all that had been said.</p>"
)
META = (
    '<meta name="author" content="Ann Lee"><meta property="og:site_name" content="The Daily">'
    '<meta property="article:published_time" content="2022-07-05T10:00:00Z">'
    '<link rel="canonical" href="https://example.org/trade">'
)


def test_a_page_gives_its_article_and_what_it_says_of_itself_without_menus():
    draft = read_page(page(PARAGRAPHS, META).encode())
    assert "Trade with España grew by £5 million in 2021" in draft.text
    assert "It will grow by £7 million" in draft.text
    for boilerplate in ("Sport", "Copyright", "<p>"):
        assert boilerplate not in draft.text
    assert (draft.title, draft.publisher, draft.author) == ("Trade grows", "The Daily", "Ann Lee")
    assert (draft.published, draft.url, draft.line) == ("2022-07-05", "https://example.org/trade", 1)


def test_a_date_in_the_words_of_a_page_is_not_taken_for_its_own():
    draft = read_page(
        page("<p>On 3 May 1998 the two countries signed it, and it has held ever since then.</p>" * 5).encode()
    )
    assert draft.published is None


@pytest.mark.parametrize(
    ("declared", "encoding"),
    [
        ("windows-1252", "cp1252"),
        ("ISO-8859-1", "cp1252"),
        ("us-ascii", "cp1252"),
        ("utf-8", "utf-8"),
        ("windows-1252", "utf-8"),  # as often declared wrongly
        ("windows-1251", "utf-8"),
        ("utf-8", "utf-16"),
        ("iso-8859-15", "iso-8859-15"),
        ("no-such-encoding", "cp1252"),
        ("zip", "cp1252"),
        ("rot13", "cp1252"),
        ("", "utf-8"),
    ],
)
def test_a_page_is_decoded_as_it_declares_unless_it_is_plainly_otherwise(declared, encoding):
    head = f'<meta http-equiv="Content-Type" content="text/html; charset={declared}">'
    draft = read_page(page(PARAGRAPHS, head).encode(encoding))
    assert "España grew by £5 million" in draft.text
    assert "café" in draft.text


@pytest.mark.parametrize(
    ("declared", "text"), [("windows-1251", RUSSIAN), ("koi8-r", RUSSIAN), ("shift_jis", JAPANESE)]
)
def test_a_declared_encoding_is_respected(declared, text):
    head = f"<meta charset='{declared}'>"
    assert text in read_page(page(f"<p>{text}</p><p>{text}</p>", head).encode(declared)).text


@pytest.mark.parametrize(
    "raw",
    [
        b"<html></html>",
        b"just some words",
        b"<div>" * 100_000 + b"words",
        b"<b><i>" * 20_000,
        b"<html><frameset><frame src='a'></frameset></html>",
        b"<!-- only a comment -->",
        b"\x80\x81",
    ],
)
def test_a_page_without_an_article_is_refused_and_nothing_is_printed(raw, capfd):
    with pytest.raises(SourceError) as caught:
        read_page(raw)
    assert str(caught.value).startswith(("no article text found", "its encoding is not recognised"))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("data", "table", "text"),
    [
        ("{é}\n{b}\r\n".encode(), False, "{é}\n{b}\n"),
        ("\ufeff{é}\n".encode(), False, "{é}\n"),
        ("{é}\n".encode("utf-16"), False, "{é}\n"),
        ("{é}\n".encode("cp1252"), False, "{\ufffd}\n"),
        ("a,é\r\n".encode(), True, "a,é\r\n"),
        ("\ufeffa,é\n".encode(), True, "a,é\n"),
        ("text\n£5 million for the café\n".encode("cp1252"), True, "text\n£5 million for the café\n"),
        (("text\n" + RUSSIAN + "\n").encode("cp1251"), True, "text\n" + RUSSIAN + "\n"),
        (b"", False, ""),
    ],
)
def test_records_are_decoded_by_what_they_begin_with(data, table, text):
    decoded = open_records(io.BufferedReader(io.BytesIO(data)), table=table)
    assert decoded.read() == text


@pytest.mark.parametrize("size", [1_000, 1_001])
@pytest.mark.parametrize("before", ["text\n", "text\n" + "plain words\n" * 10 + "then: "])
def test_a_character_cut_where_the_sample_ends_says_nothing_against_utf_8(before, size):
    data = (before + "é" * 2_000 + "\n").encode()
    decoded = open_records(io.BufferedReader(io.BytesIO(data), size), table=True)
    assert decoded.encoding == "utf-8"


@given(st.binary(max_size=300), st.sampled_from([read_plain, read_markdown]))
def test_any_bytes_at_all_give_a_draft_or_a_reason(raw, parse):
    try:
        draft = parse(raw)
    except SourceError:
        return
    assert draft.text == clean_text(draft.text)
