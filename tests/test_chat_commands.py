from __future__ import annotations

import re
from pathlib import Path

import pytest

from qa.chat_commands import COMMANDS, find_command, open_editor
from qa.errors import UsageError

GUIDE = (Path(__file__).parents[1] / "docs" / "chat.md").read_text(encoding="utf-8")
NAMES = [command.name for command in COMMANDS]


def test_every_command_has_one_line_of_help_that_fits_a_narrow_terminal() -> None:
    assert len(set(NAMES)) == len(NAMES)
    assert all(command.help.endswith(".") and len(command.help) <= 70 for command in COMMANDS)


def test_the_guide_lists_every_command_with_its_help() -> None:
    listed = re.findall(r"^/(\S+) +([A-Z]+)? {2,}(.+)$", GUIDE, re.MULTILINE)
    assert [(name, argument, help_) for name, argument, help_ in listed] == [
        (command.name, command.argument, command.help) for command in COMMANDS
    ]


@pytest.mark.parametrize("name", NAMES)
def test_a_command_is_found_by_its_name_and_by_each_beginning_that_no_other_has(name: str) -> None:
    assert find_command(name).name == name
    for length in range(1, len(name)):
        others = [other for other in NAMES if other.startswith(name[:length])]
        if len(others) == 1:
            assert find_command(name[:length].upper()).name == name


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "No command '/'. All of them: /help"),
        ("s", "/s may be /sources, /since, /save-case, /sessions."),
        ("soruces", "No command '/soruces'. Did you mean '/sources'? All of them: /help"),
        ("\x1b[2j", "No command '/\ufffd[2j'. All of them: /help"),
    ],
)
def test_what_is_no_command_is_told_with_the_nearest(name: str, message: str) -> None:
    with pytest.raises(UsageError) as refused:
        find_command(name)
    assert str(refused.value) == message


def test_an_editor_begins_with_the_text_given_and_its_file_is_gone_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "editor.sh"
    script.write_text(
        f'#!/bin/sh\necho "$2" > {tmp_path}/place\ncat "$2" > {tmp_path}/seen\nprintf "more\\033" >> "$2"\n'
    )
    script.chmod(0o700)
    monkeypatch.setenv("VISUAL", f"{script} -x")
    assert open_editor("begun") == "begun\nmore\ufffd"
    assert (tmp_path / "seen").read_text() == "begun\n"
    assert not Path((tmp_path / "place").read_text().strip()).exists()


@pytest.mark.parametrize("editor", ["no-such-editor", "'open quote", "false"])
def test_an_editor_that_fails_is_an_error(monkeypatch: pytest.MonkeyPatch, editor: str) -> None:
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", editor)
    with pytest.raises(UsageError, match="editor"):
        open_editor("")
