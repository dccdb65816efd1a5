"""Nothing calls out to the network by itself, native libraries included: the system calls are watched."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

STRACE = shutil.which("strace")
pytestmark = pytest.mark.skipif(STRACE is None, reason="needs strace: apt-get install strace")

QUESTION = "What was 2021 trade turnover?"


def watch(command: list[str], *, home: Path, log: Path) -> str:
    """Run a command and give back every call that made an internet socket, by any of its threads."""
    environment = os.environ | {"HOME": str(home), "XDG_CACHE_HOME": str(home / ".cache")}
    traced = [str(STRACE), "-f", "-e", "trace=socket,connect,sendto", "-o", str(log), *command]
    done = subprocess.run(traced, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return "\n".join(line for line in log.read_text(errors="replace").splitlines() if "AF_INET" in line)


@pytest.mark.parametrize("exact_below", [200_000, 0], ids=["exact search", "through Chroma"])
def test_no_command_opens_an_internet_socket(sample_copy: Path, tmp_path: Path, exact_below: int) -> None:
    recipe = sample_copy / "index" / "recipe.toml"
    recipe.write_text(recipe.read_text().replace("exact_below = 200000", f"exact_below = {exact_below}"))
    (sample_copy / "index" / "articles" / "new.md").write_text("The new bridge cost 7 million euros.\n")
    qa = [sys.executable, "-m", "qa", "--workspace", str(sample_copy)]
    for command in (["sync"], ["ask", QUESTION], ["search", QUESTION], ["status"], ["list"]):
        assert watch([*qa, *command], home=tmp_path, log=tmp_path / "calls.txt") == "", command
    assert not list(tmp_path.rglob("*Microsoft*"))


def test_the_runtime_of_the_bundled_model_reports_nothing_after_a_while(tmp_path: Path) -> None:
    program = "import threading; from qa.embed import MiniLM; MiniLM().embed(['a text']); threading.Event().wait(12)"
    assert watch([sys.executable, "-c", program], home=tmp_path, log=tmp_path / "calls.txt") == ""
    assert not list(tmp_path.rglob("*Microsoft*"))


def test_the_watch_sees_a_program_that_does_call_out(tmp_path: Path) -> None:
    program = "import socket; s = socket.socket(); s.settimeout(1); s.connect_ex(('127.0.0.1', 9))"
    assert "AF_INET" in watch([sys.executable, "-c", program], home=tmp_path, log=tmp_path / "calls.txt")
