from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from qa.line_editor import PlainEditor, QuestionHistory, strip_fence


def remember(file: Path, *texts: str) -> None:
    history = QuestionHistory(file)
    for text in texts:
        history.store_string(text)


def recall(file: Path) -> list[str]:
    return list(QuestionHistory(file).load_history_strings())


def test_what_was_typed_is_recalled_the_last_first_once_where_it_was_repeated(tmp_path: Path) -> None:
    file = tmp_path / "chat" / "history.jsonl"
    remember(file, "one\ntwo", "x", "x", "'\u2028")
    remember(file, "y")
    assert recall(file) == ["y", "'\ufffd", "x", "one\ntwo"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_no_more_than_a_thousand_are_kept_the_newest(tmp_path: Path) -> None:
    file = tmp_path / "history.jsonl"
    file.write_text("".join(f'"{number}"\n' for number in range(3_000)))
    assert recall(file) == [str(number) for number in range(2_999, 1_999, -1)]
    assert file.read_text().count("\n") == 1_000


def test_a_file_that_others_may_read_is_closed_to_them(tmp_path: Path) -> None:
    file = tmp_path / "history.jsonl"
    file.write_text('"a"\n')
    file.chmod(0o644)
    assert recall(file) == ["a"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_what_is_damaged_in_the_file_is_left_out(tmp_path: Path) -> None:
    file = tmp_path / "history.jsonl"
    file.write_bytes(b'"a"\n{"b": 1}\n[1]\n""\n\xff\xfe\x00\n' + b"[" * 100_000 + b'\n"c\\u001b[2J"\n"d')
    assert recall(file) == ["c\ufffd[2J", "a"]
    assert [json.loads(row) for row in file.read_text().splitlines()] == ["a", "c\ufffd[2J"]


def test_a_file_that_cannot_be_read_or_written_is_told_once_and_stops_nothing(tmp_path: Path) -> None:
    history = QuestionHistory(tmp_path)
    assert len(history.notices) == 1
    history.store_string("x")
    assert (len(history.notices), list(history.load_history_strings())) == (1, ["x"])
    (tmp_path / "file").write_text("")
    inside = QuestionHistory(tmp_path / "file" / "history.jsonl")
    inside.store_string("x")
    inside.store_string("y")
    assert len(inside.notices) == 1
    assert list(inside.load_history_strings()) == ["y", "x"]


def test_without_a_file_nothing_is_written_and_all_is_recalled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    history = QuestionHistory(None)
    history.store_string("x")
    assert list(history.load_history_strings()) == ["x"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("typed", "text"),
    [
        (" a ", "a"),
        ('"""a\nb"""', "a\nb"),
        ('"""a', "a"),
        ('""""""', ""),
        ('he said """x"""', 'he said """x"""'),
        ('"quoted"', '"quoted"'),
    ],
)
def test_three_quotes_around_a_text_are_no_part_of_it(typed: str, text: str) -> None:
    assert strip_fence(typed) == text


def test_a_plain_line_shows_what_holds_safely_and_goes_on_after_three_quotes(monkeypatch: pytest.MonkeyPatch) -> None:
    typed, prompts = iter(['"""a', "b", 'c"""', "d"]), []

    def read(prompt: str) -> str:
        prompts.append(prompt)
        return next(typed)

    monkeypatch.setattr("builtins.input", read)
    editor = PlainEditor()
    assert [editor.read("Press\x1b[2J"), editor.read("")] == ["a\nb\nc", "d"]
    assert prompts == ["Press\ufffd[2J > ", "… ", "… ", "> "]
