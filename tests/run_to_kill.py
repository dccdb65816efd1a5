"""A run of the suite `towns` of a workspace, for another process to kill.

    python run_to_kill.py WORKSPACE FOLDER LOG [OPERATION]

It writes a line to LOG when it starts and at each call of its model, and a line to its output at each step. With
OPERATION it kills itself instead, just before the so-and-so-many-th time that it opens, renames or deletes a file of
FOLDER.
"""

from __future__ import annotations

import hashlib
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from small_suite import Clerk

from qa.models import Message, ReplyPart
from qa.runs import run_suite
from qa.settings import Settings
from qa.suite import load_suite
from qa.testing import HashingEmbedder
from qa.workspace import Workspace

STARTED = "started"
_OPERATIONS = {"open", "os.mkdir", "os.rename", "os.remove", "os.truncate", "sqlite3.connect"}


class Witness(Clerk):
    """A clerk whose calls are known even if it is killed."""

    def __init__(self, log: Path) -> None:
        super().__init__()
        self._log = log

    def stream(self, messages: Sequence[Message], *, max_tokens: int) -> Iterator[ReplyPart]:
        self.note(hashlib.sha256(messages[-1].content.encode()).hexdigest())
        print("asked", flush=True)
        yield from super().stream(messages, max_tokens=max_tokens)

    def note(self, line: str) -> None:
        with self._log.open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")


def kill_at(operation: int, folder: Path) -> None:
    """Die of SIGKILL just before that operation on a file of the folder, counted from 1."""
    left = operation

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal left
        if event in _OPERATIONS and any(str(folder) in str(argument) for argument in arguments):
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)


def main(root: str, folder: str, log: str, operation: str = "") -> None:
    workspace, witness = Workspace(Path(root), "named"), Witness(Path(log))
    witness.note(STARTED)
    if operation:
        kill_at(int(operation), Path(folder))
    print("ready", flush=True)
    run_suite(
        load_suite("towns", workspace),
        workspace,
        settings=Settings(),
        model=witness,
        embedder=HashingEmbedder(),
        folder=Path(folder),
        on_progress=lambda progress: print(progress.stage, flush=True),
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
