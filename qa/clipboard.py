"""Text to the clipboard: by the system's own program where there is one, else by the terminal (OSC 52)."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import sys

from qa.errors import UsageError
from qa.terminal import Screen

_SECONDS = 5.0
_MAX_BYTES = 74_000  # terminals take no more in one sequence


def copy_text(text: str, screen: Screen) -> str:
    """Copy a text that is safe to display; one line on how that was done.

    Raises:
        UsageError: there is no way from here to a clipboard.
    """
    for command in _programs():
        if shutil.which(command[0]) and _give(command, text):
            return f"Copied with {command[0]}."
    raw = text.encode("utf-8")
    if not screen.is_styled or len(raw) > _MAX_BYTES:
        raise UsageError("No clipboard can be reached from here: write the chat to a file with /export FILE.md")
    screen.stream.write(f"\x1b]52;c;{base64.b64encode(raw).decode('ascii')}\x07")
    screen.stream.flush()
    return "Handed to the terminal's clipboard."


def _programs() -> list[list[str]]:
    if sys.platform == "darwin":
        return [["pbcopy"]]
    if os.environ.get("WAYLAND_DISPLAY"):
        return [["wl-copy"]]
    if os.environ.get("DISPLAY"):
        return [["xclip", "-selection", "clipboard"], ["xsel", "--clipboard", "--input"]]
    return [["clip.exe"]] if os.environ.get("WSL_DISTRO_NAME") else []


def _give(command: list[str], text: str) -> bool:
    quiet = subprocess.DEVNULL
    try:
        done = subprocess.run(
            command, input=text.encode("utf-8"), stdout=quiet, stderr=quiet, timeout=_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
