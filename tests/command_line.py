"""The program as tests run it: in this process through `main`, as a process of its own, and on a terminal."""

from __future__ import annotations

import contextlib
import ctypes
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pexpect
import pytest
from conftest import REPOSITORY

from qa.cli import main


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Result]

forks = pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")  # from Python 3.12 on


def make_runner(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command in this process through `main`, where errors become exit statuses."""

    def call(*arguments: str | Path, stdin: bytes = b"") -> Result:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8"))
        code = main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return Result(code, out, err)

    return call


def call_program(*arguments: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run the real program in a process of its own."""
    known = {"capture_output": True, "text": True, "timeout": 60, "cwd": REPOSITORY}
    return subprocess.run([sys.executable, "-m", "qa", *map(str, arguments)], **{**known, **options}, check=False)


@contextlib.contextmanager
def terminal(*arguments: str, columns: int = 80, cwd: Path = REPOSITORY, **variables: str) -> Iterator[pexpect.spawn]:
    """The program on a pseudo-terminal of its own."""
    environment = {**os.environ, "TERM": "xterm-256color", **variables}
    child = pexpect.spawn(
        sys.executable,
        ["-m", "qa", *arguments],
        env=environment,
        cwd=str(cwd),
        dimensions=(40, columns),
        encoding="utf-8",
        timeout=30,
    )
    try:
        yield child
    finally:
        child.close(force=True)


def read_all(child: pexpect.spawn) -> str:
    """What is left to read, to the program's end."""
    child.expect(pexpect.EOF)
    child.close()
    return str(child.before).replace("\r\n", "\n")


def bind_root() -> None:
    """Take from root what lets it write where permissions forbid it (PR_CAPBSET_DROP, CAP_DAC_OVERRIDE)."""
    if os.geteuid() == 0:
        ctypes.CDLL(None).prctl(24, 1, 0, 0, 0)


@contextlib.contextmanager
def write_protected(folder: Path) -> Iterator[None]:
    """A folder in which nothing may be written."""
    paths = [folder, *folder.rglob("*")]
    for path in paths:
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        yield
    finally:
        for path in paths:
            path.chmod(0o755 if path.is_dir() else 0o644)
