"""Records: JSON lines and tables of articles, read one at a time."""

from __future__ import annotations

import csv
import gzip
import io
import itertools
import json
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.errors import SourceError
from qa.records import (
    FIELD_NAMES,
    MAX_LINE_CHARS,
    MAX_METADATA_CHARS,
    Broken,
    Draft,
    clean_metadata,
    make_draft,
    read_records,
)
from qa.text import clean_text


def read(data: str, *, table: bool = False, fields: Mapping[str, str] | None = None) -> list[Draft | Broken]:
    stream = io.TextIOWrapper(io.BytesIO(data.encode()), "utf-8", newline="" if table else None)
    return list(read_records(stream, table=table, fields=fields or {}, name="news"))


def read_one(data: str, **options) -> Draft:
    (record,) = read(data, **options)
    assert isinstance(record, Draft)
    return record


def read_broken(data: str, **options) -> Broken:
    (record,) = read(data, **options)
    assert isinstance(record, Broken)
    return record


NAMES = [(ours, theirs) for ours, names in FIELD_NAMES.items() for theirs in names]


@pytest.mark.parametrize(("ours", "theirs"), NAMES)
def test_every_known_name_of_a_field_is_recognised_in_json_lines(ours, theirs):
    record = read_one(json.dumps({theirs: "Said", **({} if ours == "text" else {"text": "A text."})}))
    assert getattr(record, ours) == "Said"


@pytest.mark.parametrize(("ours", "theirs"), NAMES)
def test_every_known_name_of_a_field_is_recognised_in_a_table_whatever_its_case(ours, theirs):
    cells = {theirs.upper(): "Said"} if ours == "text" else {theirs.upper(): "Said", "Text": "A text."}
    record = read_one(",".join(cells) + "\n" + ",".join(cells.values()) + "\n", table=True)
    assert getattr(record, ours) == "Said"


def test_the_most_telling_name_of_a_field_wins_and_an_empty_one_never_does():
    record = read_one(json.dumps({"name": "Second", "title": "First", "content": "Other", "text": " ", "body": "It"}))
    assert (record.title, record.text) == ("First", "It")


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ("Ann Lee", "Ann Lee"),
        ("  Ann \n\t Lee ", "Ann Lee"),
        (["Ann", "Bo"], "Ann, Bo"),
        (["Ann", None, "", {"name": "Bo"}], "Ann, Bo"),
        ({"id": None, "name": "CNN"}, "CNN"),
        ({"id": 3}, None),
        (12, "12"),
        (1657000000.5, "1657000000.5"),
        (0, "0"),
        (True, None),
        (None, None),
        ("", None),
        (" ", None),
        ("null", None),
        ("NaN", None),
        ("~", None),
        ([], None),
        ([["nested"], "Bo"], "Bo"),
        ({"name": ["Ann"]}, None),
        ("cafe\u0301", "café"),
        ("a\x00b\ud800", "a\ufffdb\ufffd"),
        ("x" * 10_000, "x" * MAX_METADATA_CHARS),
        (["x" * 1_000] * 10_000, ("x" * 1_000 + ", " + "x" * 998)),
    ],
)
def test_metadata_become_one_clean_line_or_nothing(value, line):
    assert clean_metadata(value) == line


def test_a_draft_keeps_what_is_said_and_leaves_understanding_it_to_others():
    draft = make_draft("Text.", {"date": "soon", "lang": "EN-us", "id": 7}, line=3, fields={})
    assert draft == Draft("Text.", 3, published="soon", language="EN-us", id="7")


def test_a_mapped_field_is_looked_for_under_that_name_alone():
    data = '{"Story": "The story.", "text": "A teaser.", "title": "T"}'
    assert read_one(data, fields={"text": "story"}).text == "The story."
    assert read_one(data, fields={"title": "story"}).title == "The story."
    without = read('{"story": "One."}\n{"text": "Two."}', fields={"text": "story"})
    assert isinstance(without[1], Broken)


@pytest.mark.parametrize("table", [False, True])
def test_a_mapped_field_that_no_record_has_is_an_error_that_names_the_nearest(table):
    data = "story,title\nOne.,T\n" if table else '{"story": "One.", "title": "T"}\n'
    with pytest.raises(SourceError) as caught:
        read(data, table=table, fields={"text": "storry"})
    assert str(caught.value) == "No record of 'news' has a field 'storry'. Did you mean 'story'? It has: story, title"


def test_a_mapped_field_may_be_missing_from_the_first_records():
    lines = ['{"text": "One."}'] * 50 + ["broken"] + ['{"text": "Two.", "writer": "Ann"}']
    records = read("\n".join(lines), fields={"author": "writer"})
    assert len(records) == 52
    assert isinstance(records[50], Broken)
    assert records[51].author == "Ann"


def test_a_mapped_field_is_given_up_after_a_hundred_records_and_nothing_more_is_read():
    class Counting(io.BytesIO):
        taken = 0

        def read1(self, size=-1):
            chunk = super().read1(size)
            self.taken += len(chunk)
            return chunk

    raw = Counting(b'{"text": "One."}\n' * 100_000)
    with pytest.raises(SourceError):
        next(read_records(io.TextIOWrapper(raw), table=False, fields={"title": "headlin"}, name="news"))
    assert raw.taken < 20_000


def test_a_file_of_nothing_but_broken_lines_is_not_blamed_on_the_mapping():
    assert all(isinstance(record, Broken) for record in read("x\ny\n", fields={"text": "story"}))


BROKEN_LINES = [
    ("{", "not valid JSON at column 2: Expecting property name enclosed in double quotes"),
    ('{"text": "a" "b"}', "not valid JSON at column 14: Expecting ',' delimiter"),
    ("not json", "not valid JSON at column 1: Expecting value"),
    ("[1, 2]", "not a JSON object: one article a line is expected, as {…}"),
    ('"text"', "not a JSON object: one article a line is expected, as {…}"),
    ("null", "not a JSON object: one article a line is expected, as {…}"),
    ("{}", "no text: it has no fields"),
    ('{"story": "One."}', "no text: its fields are story; name the right one with --map text=FIELD"),
    ('{"text": ""}', "no text: its fields are text; name the right one with --map text=FIELD"),
    ('{"text": " \\n "}', "no text: its fields are text; name the right one with --map text=FIELD"),
    ('{"text": null}', "no text: its fields are text; name the right one with --map text=FIELD"),
    ('{"text": 7}', "no text: its fields are text; name the right one with --map text=FIELD"),
]


@pytest.mark.parametrize(("line", "reason"), BROKEN_LINES)
def test_a_broken_line_is_told_with_its_number_and_the_rest_is_read(line, reason):
    first, broken, last = read(f'{{"text": "First."}}\n\n{line}\n{{"text": "Last."}}\n')
    assert (first.text, first.line) == ("First.", 1)
    assert broken == Broken(3, reason)
    assert (last.text, last.line) == ("Last.", 4)


@pytest.mark.parametrize("line", ["[" * 100_000, '{"text": ' * 50_000, '{"id": ' + "9" * 5_000 + ', "text": "x"}'])
def test_json_that_would_overwhelm_the_parser_is_a_broken_line(line):
    broken, last = read(f'{line}\n{{"text": "Last."}}')
    assert isinstance(broken, Broken)
    assert last.text == "Last."


def test_many_fields_are_not_all_listed():
    broken = read_broken(json.dumps({f"field{number}": "x" for number in range(100)}))
    assert "field19, …;" in broken.reason
    assert "field20" not in broken.reason


def test_text_of_a_record_is_cleaned_and_nothing_else():
    assert read_one('{"text": "  Cafe\\u0301\\r\\nbar\\u0000\\ud800 \\n"}').text == "  Café\nbar\ufffd\ufffd \n"


def test_a_line_that_is_too_long_is_told_and_the_rest_is_read():
    long = '{"text": "' + "x" * (2 * MAX_LINE_CHARS + 5) + '"}'
    records = read(f'{{"text": "First."}}\n{long}\n{{"text": "Last."}}')
    assert records[1] == Broken(2, "longer than 20 million characters: not one article")
    assert [(record.text, record.line) for record in records[::2]] == [("First.", 1), ("Last.", 3)]


def test_a_line_that_is_too_long_at_the_end_is_told_too():
    assert read("x" * (MAX_LINE_CHARS + 1)) == [Broken(1, "longer than 20 million characters: not one article")]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_delimiter_of_a_table_is_found_in_its_header(delimiter):
    data = io.StringIO()
    writer = csv.writer(data, delimiter=delimiter)
    writer.writerows([["title", "text", "date"], ["T; a, b", "One, two; three.\tFour.", "2022-07-05"]])
    record = read_one(data.getvalue(), table=True)
    assert record == Draft("One, two; three.\tFour.", 2, title="T; a, b", published="2022-07-05")


def test_a_table_of_one_column_needs_no_delimiter():
    assert [record.text for record in read("text\nOne\nTwo\n", table=True)] == ["One", "Two"]


def test_lines_of_a_table_are_counted_where_cells_hold_line_breaks():
    data = '\n"title","text"\r\nA,"one\r\ntwo\r\n\r\nthree"\r\n\r\nB,four\r\n'
    first, second = read(data, table=True)
    assert (first.text, first.line) == ("one\ntwo\n\nthree", 3)
    assert (second.text, second.line) == ("four", 8)


def test_rows_that_do_not_fit_the_header_are_told():
    records = read("title,text\nA,one,,\nB,two,three\nC\n,,\nD,four\n", table=True)
    assert records[0] == Draft("one", 2, title="A")
    assert records[1] == Broken(3, "3 cells where the header has 2")
    assert records[2] == Broken(4, "no text: its fields are title; name the right one with --map text=FIELD")
    assert records[3] == Draft("four", 6, title="D")


def test_a_table_without_a_column_of_text_is_told_once():
    broken = read_broken("headline,story\nA,one\nB,two\n", table=True)
    assert broken.line == 1
    assert broken.reason.startswith("no column is known as the text: its fields are headline, story; name")
    assert len(read("headline,story\nA,one\nB,two\n", table=True, fields={"text": "Story"})) == 2


def test_a_table_may_have_cells_far_above_the_limit_of_the_csv_module():
    text = "word " * 100_000
    assert read_one(f'title,text\nA,"{text}"\n', table=True).text == text
    assert csv.field_size_limit() >= MAX_LINE_CHARS


def test_a_quote_that_is_never_closed_ends_the_reading_instead_of_making_articles_of_debris():
    records = read('title,text\nA,one\nB,"' + "two,three\n" * (MAX_LINE_CHARS // 9), table=True)
    assert records[0] == Draft("one", 2, title="A")
    assert len(records) == 2
    assert records[1].line == 3
    assert records[1].reason.startswith("a quote that is not closed, it seems; nothing after it was read")


def test_a_row_on_a_line_that_is_too_long_is_told_and_the_rest_is_read():
    records = read(f"title,text\nA,{'x' * (MAX_LINE_CHARS + 1)}\nB,two\n", table=True)
    assert records[0] == Broken(2, "longer than 20 million characters: not one article")
    assert records[1] == Draft("two", 3, title="B")


def test_a_header_on_a_line_that_is_too_long_ends_the_reading():
    (broken,) = read("x" * (MAX_LINE_CHARS + 1) + "\ntitle,text\nA,one\n", table=True)
    assert broken.reason == "longer than 20 million characters: not one article"


@pytest.mark.parametrize("data", ["", "\n\n", "title,text\n", "title,text"])
def test_a_table_without_rows_gives_nothing(data):
    assert read(data, table=True) == []


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_a_cut_gzip_stream_gives_what_stands_before_the_cut_and_says_so(share):
    lines = [json.dumps({"id": number, "text": f"Text {number * 7919 % 10007} of many."}) for number in range(3_000)]
    whole = gzip.compress("\n".join(lines).encode())
    with gzip.open(io.BytesIO(whole[: int(len(whole) * share)])) as stream:
        records = list(read_records(io.TextIOWrapper(stream), table=False, fields={}, name="news"))
    *read_well, broken = records
    assert [record.id for record in read_well] == [str(number) for number in range(len(read_well))]
    assert len(read_well) > 3_000 * share * 0.7
    assert broken.line == len(read_well) + 1
    assert broken.reason.startswith("damaged from here on, only what stands before was read: Compressed file ended")


def test_damage_among_the_first_records_loses_none_that_a_mapping_made_wait():
    whole = gzip.compress(b'{"text": "One."}\n{"text": "Two."}\n' + bytes(range(256)) * 50)
    with gzip.open(io.BytesIO(whole[:-30])) as stream:
        decoded = io.TextIOWrapper(stream, errors="replace")
        records = read_records(decoded, table=False, fields={"text": "text"}, name="news")
        assert [record.text for record in itertools.islice(records, 2)] == ["One.", "Two."]
        assert all(isinstance(record, Broken) for record in records)


PLAIN = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00"), min_size=1)
VISIBLE = PLAIN.filter(lambda text: clean_text(text).strip() != "")


@given(st.lists(VISIBLE, min_size=1, max_size=5), st.booleans())
def test_texts_written_as_json_lines_are_read_back_cleaned(texts, ascii_only):
    data = "\n".join(json.dumps({"text": text}, ensure_ascii=ascii_only) for text in texts)
    records = read(data)
    assert [record.text for record in records] == [clean_text(text) for text in texts]
    assert [record.line for record in records] == list(range(1, len(texts) + 1))


@given(st.lists(VISIBLE, min_size=1, max_size=5), st.sampled_from([",", ";", "\t"]))
def test_texts_written_as_a_table_are_read_back_cleaned(texts, delimiter):
    data = io.StringIO(newline="")
    writer = csv.writer(data, delimiter=delimiter, quoting=csv.QUOTE_ALL)
    writer.writerows([["id", "text"], *([str(number), text] for number, text in enumerate(texts))])
    records = read(data.getvalue(), table=True)
    assert [record.text for record in records] == [clean_text(text) for text in texts]


@given(st.text(max_size=200), st.booleans())
def test_any_text_at_all_is_read_without_an_error(data, table):
    data = data.encode("utf-8", "replace").decode()
    assert all(isinstance(record, Draft | Broken) for record in read(data, table=table))
