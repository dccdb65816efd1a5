from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import qa.synonyms
from qa.keywords import analyze
from qa.synonyms import same_sense

LINES = [
    line
    for line in (Path(qa.synonyms.__file__).parent / "data/synonyms.txt").read_text(encoding="utf-8").splitlines()
    if not line.startswith("#")
]
TERMS = sorted({term for line in LINES for term in analyze(line)})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("trade", "commerce"),
        ("companies", "firms"),
        ("finished", "completed"),
        ("unfinished", "underway"),
        ("grew", "rise"),
        ("neighbour", "neighbors"),
        ("won", "victory"),
        ("program", "programmes"),
        ("record", "highest"),
    ],
)
def test_words_of_one_line_stand_for_one_another_in_every_form(one: str, other: str) -> None:
    (term,), (wanted,) = analyze(one), analyze(other)
    assert wanted in same_sense(term)
    assert term in same_sense(wanted)


@pytest.mark.parametrize(
    ("one", "other"),
    [("finished", "unfinished"), ("grow", "fall"), ("buy", "sell"), ("export", "import"), ("million", "billion")],
)
def test_opposites_and_figures_never_stand_for_one_another(one: str, other: str) -> None:
    assert analyze(other)[0] not in same_sense(analyze(one)[0])


@given(st.text(max_size=12))
def test_every_term_stands_for_itself(term: str) -> None:
    assert term in same_sense(term)


def test_a_term_of_no_line_stands_for_nothing_else() -> None:
    assert same_sense("smailov") == {"smailov"}


@pytest.mark.parametrize("line", LINES)
def test_every_line_of_the_file_is_a_group_of_at_least_two_words(line: str) -> None:
    assert len(line.split()) >= 2
    assert line == line.lower()


def test_standing_for_one_another_is_mutual() -> None:
    for term in TERMS:
        assert all(term in same_sense(other) for other in same_sense(term))


def test_a_word_of_two_lines_joins_its_own_groups_but_not_theirs() -> None:
    record, title, told = (same_sense(analyze(word)[0]) for word in ("record", "titled", "state"))
    assert "name" in title
    assert "countri" in told
    assert "said" in told
    assert "said" not in same_sense("countri")
    assert "low" not in record
