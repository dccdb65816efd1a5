from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markup_reader import pick, read_markup
from saved_answers import MIXED, NOW, VERSION, save, tamper, write

from qa.errors import ContentError, UsageError
from qa.saved import check_target, load_answer, save_answer

TWO = b'<pre id="saved-answer">{"format": "onrecord answer"}</pre>' * 2
ANY_TEXT = st.text(max_size=40)


def test_the_json_is_the_answer_with_what_made_it_and_when(tmp_path: Path) -> None:
    answer = write(MIXED)
    data = json.loads(save(answer, tmp_path).read_text(encoding="utf-8"))
    made = {name: data.pop(name) for name in ("format", "format_version", "program_version", "saved_at")}
    assert made == {
        "format": "onrecord answer",
        "format_version": 1,
        "program_version": VERSION,
        "saved_at": "2031-07-05T09:30:00Z",
    }
    assert data == json.loads(answer.to_json())


@pytest.mark.parametrize("name", ["a.json", "a.html", "A.HTM"])
def test_what_is_saved_is_read_back(tmp_path: Path, name: str) -> None:
    answer = write(MIXED)
    saved = load_answer(save(answer, tmp_path, name))
    assert (saved.status, saved.mode, saved.shown.text) == ("answered", "model", answer.text)
    assert (saved.shown.saved_at, saved.shown.program_version) == (NOW, VERSION)
    assert [s.text for s in saved.shown.statements] == [s.text for s in answer.statements]
    assert [c.quote for c in saved.shown.citations] == [c.quote.text for c in answer.citations]
    assert (saved.page is None) == (name == "a.json")


@given(text=ANY_TEXT, question=ANY_TEXT, surrogate=st.sampled_from(["", "\ud800", "\x00\x1b\u202e", "</pre>&lt;"]))
def test_any_text_comes_back_exactly_from_both_forms(
    tmp_path_factory: pytest.TempPathFactory, text: str, question: str, surrogate: str
) -> None:
    folder = tmp_path_factory.getbasetemp()
    answer = replace(write(), text=text + surrogate, question=question + surrogate)
    for name in ("x.json", "x.html"):
        shown = load_answer(save(answer, folder, name)).shown
        assert (shown.text, shown.question) == (answer.text, answer.question)


def test_the_page_holds_the_answer_in_one_hidden_element_in_plain_ascii(tmp_path: Path) -> None:
    answer = write(MIXED)
    elements = read_markup(save(answer, tmp_path, "a.html").read_text(encoding="utf-8"))
    (held,) = pick(elements, "pre")
    assert (held.attributes["id"], held.attributes["hidden"]) == ("saved-answer", "hidden")
    assert re.fullmatch(r"[ -~]+", held.text)
    assert json.loads(held.text)["text"] == answer.text


# refusals


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("a.txt", "An answer is saved as .json or .html, not as 'a.txt'."),
        ("a", "not as 'a'"),
        ("none/a.json", "The folder .*none is not there"),
        ("folder.json", "is a folder: name a file in it"),
    ],
)
def test_a_target_that_cannot_be_is_refused(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "folder.json").mkdir()
    with pytest.raises(UsageError, match=message):
        check_target(tmp_path / name)
    with pytest.raises(UsageError, match=message):
        save_answer(write(), tmp_path / name, version=VERSION, now=NOW)


def test_a_file_that_cannot_be_written_is_one_line(public_folder: Path, read_only) -> None:
    with read_only(public_folder), pytest.raises(ContentError, match=r"could not be saved in .*: Permission denied"):
        save(write(), public_folder)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b'{"format": "x"}',
        b"[]",
        b"null",
        b"text",
        b"{",
        b"<p>x</p>",
        b'<pre id="saved-answer">{}</pre>',
        b"[" * 100_000,
        TWO,
    ],
)
def test_what_is_no_saved_answer_is_said_in_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.json").write_bytes(content)
    with pytest.raises(ContentError, match=r"x\.json is no saved answer\. Make one with: qa ask QUESTION --save FILE$"):
        load_answer(tmp_path / "x.json")


def test_what_is_not_there_or_no_text_is_said(tmp_path: Path) -> None:
    with pytest.raises(ContentError, match="cannot be read: No such file"):
        load_answer(tmp_path / "none.json")
    with pytest.raises(ContentError, match="cannot be read: Is a directory"):
        load_answer(tmp_path)
    (tmp_path / "x").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ContentError, match="not text in UTF-8"):
        load_answer(tmp_path / "x")


def test_a_newer_format_is_not_guessed_at(tmp_path: Path) -> None:
    file = save(write(), tmp_path)
    tamper(file, lambda data: data.update(format_version=2))
    with pytest.raises(ContentError, match="format version 2, this program reads 1"):
        load_answer(file)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("text",), None),
        (("question",), 3),
        (("statements",), {}),
        (("statements", 0), "x"),
        (("statements", 0, "start"), "0"),
        (("statements", 0, "start"), True),
        (("statements", 0, "verdict"), "proven"),
        (("statements", 0, "quotes"), ["0"]),
        (("citations", 0, "article"), []),
        (("citations", 0, "article", "sha256"), None),
        (("short_span",), [1]),
        (("saved_at",), "yesterday"),
        (("notices",), [1]),
    ],
)
def test_a_part_that_is_not_as_it_has_to_be_is_named(
    tmp_path: Path, path: tuple[str | int, ...], value: object
) -> None:
    def change(data) -> None:
        for step in path[:-1]:
            data = data[step]
        data[path[-1]] = value

    file = save(write(), tmp_path)
    tamper(file, change)
    with pytest.raises(ContentError, match="is a saved answer, but a part of it cannot be read: ") as caught:
        load_answer(file)
    assert "\n" not in str(caught.value)


def test_a_part_that_is_missing_is_named(tmp_path: Path) -> None:
    file = save(write(), tmp_path)
    tamper(file, lambda data: data.pop("citations"))
    with pytest.raises(ContentError, match="a part of it cannot be read: 'citations'"):
        load_answer(file)
