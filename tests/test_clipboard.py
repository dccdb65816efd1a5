from __future__ import annotations

import base64
import io
from pathlib import Path

import pytest
from test_terminal import Tty

from qa.clipboard import copy_text
from qa.errors import UsageError
from qa.terminal import Screen


@pytest.fixture(autouse=True)
def _no_desktop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setattr("sys.platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "WSL_DISTRO_NAME"):
        monkeypatch.delenv(name, raising=False)


def test_without_a_desktop_the_terminal_is_handed_the_text() -> None:
    screen = Screen(Tty())
    assert copy_text("Trade rose: €24 bn", screen) == "Handed to the terminal's clipboard."
    sent = screen.stream.getvalue()  # type: ignore[attr-defined]
    assert sent.startswith("\x1b]52;c;")
    assert sent.endswith("\x07")
    assert base64.b64decode(sent[7:-1]).decode() == "Trade rose: €24 bn"


@pytest.mark.parametrize(("stream", "text"), [(io.StringIO, "x"), (Tty, "x" * 100_000)])
def test_what_no_terminal_takes_is_an_error_that_names_another_way(stream: type[io.StringIO], text: str) -> None:
    with pytest.raises(UsageError, match="/export FILE"):
        copy_text(text, Screen(stream()))


@pytest.mark.parametrize("status", [0, 1])
def test_the_program_of_the_desktop_goes_first_and_the_terminal_where_it_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    program = tmp_path / "xclip"
    program.write_text(f'#!/bin/sh\ncat > "{tmp_path}/given"\nexit {status}\n')
    program.chmod(0o700)
    monkeypatch.setenv("DISPLAY", ":9")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    screen = Screen(Tty())
    told = copy_text("Trade rose.", screen)
    assert (tmp_path / "given").read_text() == "Trade rose."
    assert told == ("Handed to the terminal's clipboard." if status else "Copied with xclip.")
    assert bool(screen.stream.getvalue()) == bool(status)  # type: ignore[attr-defined]
