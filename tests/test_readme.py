"""The README tells the truth: its commands run and print what it shows."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def run_qa(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "qa", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=120, check=False)


def test_the_first_code_block_is_what_the_gate_runs() -> None:
    gate = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    install_and_ask, test = blocks("console")[0].splitlines()
    assert install_and_ask.startswith("pip install uv && ")
    assert install_and_ask.removeprefix("pip install uv && ") in gate.splitlines()
    assert gate.splitlines()[-1] == test


def test_the_answer_shown_is_the_answer_given(sample_workspace: Path) -> None:
    question = re.search(r'qa ask "(.+?)"', blocks("console")[0])
    assert question is not None
    asked = run_qa("ask", question.group(1), cwd=sample_workspace)
    assert asked.returncode == 0, asked.stderr
    assert blocks("text")[0].strip() in asked.stdout


def test_every_command_named_has_help(sample_workspace: Path) -> None:
    named = {line.split()[1] for line in re.findall(r"`(qa [a-z]+)", README)}
    assert {
        "init",
        "add",
        "sync",
        "list",
        "show",
        "remove",
        "search",
        "ask",
        "chat",
        "eval",
        "status",
        "config",
    } <= named
    for command in sorted(named):
        assert run_qa(command, "--help", cwd=sample_workspace).returncode == 0, command


@pytest.mark.parametrize("option", sorted(set(re.findall(r"--[a-z][a-z-]+", README)) - {"--no-dev", "--help"}))
def test_every_option_named_is_in_the_help_of_a_command(option: str) -> None:
    commands = ("init", "add", "ask", "search", "list")
    helps = "".join(run_qa(command, "--help", cwd=ROOT).stdout for command in commands)
    assert option in helps


def test_the_python_example_runs(tmp_path: Path) -> None:
    clippings = tmp_path / "clippings"
    clippings.mkdir()
    for article in (ROOT / "index" / "articles").glob("trade-*.md"):
        (clippings / article.name).write_text(article.read_text(encoding="utf-8"), encoding="utf-8")
    ran = subprocess.run(
        [sys.executable, "-c", blocks("python")[0]],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert "stood at $24.2 billion, a record." in ran.stdout
