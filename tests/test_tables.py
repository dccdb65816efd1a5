from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.articles import Article, Quote, hash_text, make_quote
from qa.tables import is_row, read_row

RACES = """The race grew.

| Year | Winner | Time |
|---|:---:|---|
| 2031 | Ilya Strand | 2:11:20 |
| 2032 |  | 2:10:07 |

All were fast."""


def quote(part: str, text: str = RACES) -> Quote:
    start = text.index(part)
    return make_quote(Article("a", "a.md", text, hash_text(text), "Races"), start, start + len(part))


def test_a_row_is_read_as_cells_under_their_headings() -> None:
    row = "| 2031 | Ilya Strand | 2:11:20 |"
    cells = read_row(quote(row))
    assert [(cell.heading, cell.text) for cell in cells] == [
        ("Year", "2031"),
        ("Winner", "Ilya Strand"),
        ("Time", "2:11:20"),
    ]
    assert [row[slice(*cell.span)] for cell in cells] == [cell.text for cell in cells]


def test_an_empty_cell_keeps_its_column() -> None:
    assert [(cell.heading, cell.text) for cell in read_row(quote("| 2032 |  | 2:10:07 |"))] == [
        ("Year", "2032"),
        ("Winner", ""),
        ("Time", "2:10:07"),
    ]


@pytest.mark.parametrize("part", ["| Year | Winner | Time |", "|---|:---:|---|", "All were fast.", "| 2031 |"])
def test_heading_rule_text_and_part_of_a_row_are_no_rows_of_data(part: str) -> None:
    assert read_row(quote(part)) == ()


@pytest.mark.parametrize(
    "text",
    [
        "| a | b |\n| c | d |",  # no rule below the heading
        "| a | b |\n|---|---|\n| c | d | e |",  # another number of cells
        "| c | d |",
        "x\n| c | d |",
    ],
)
def test_a_row_without_its_headings_is_none(text: str) -> None:
    assert read_row(quote(text.splitlines()[-1], text)) == ()


def test_a_line_of_a_table_is_told_from_text_with_a_bar() -> None:
    assert is_row("| a | b |")
    assert not is_row("either a | b or c | d")
    assert not is_row("| a |\n| b |")


@given(st.text("|-: ab\n", min_size=1, max_size=60))
def test_any_text_can_be_read(text: str) -> None:
    whole = make_quote(Article("a", "a.md", text, hash_text(text), "T"), 0, len(text))
    assert all(text[slice(*cell.span)] == cell.text for cell in read_row(whole))
