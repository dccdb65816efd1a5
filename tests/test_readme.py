"""The README and the guide to judging tell the truth: their commands run, and print and mean what is shown."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from qa.cli import app
from qa.gold import KINDS, read_gold
from qa.measures import MEASURES
from qa.suite import load_suite
from qa.systems import SYSTEMS
from qa.workspace import Workspace

ROOT = Path(__file__).parents[1]
README, GUIDE = ((ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "docs/evaluation.md"))
NOT_OURS = {"--no-dev"}  # uv's
OPTION = re.compile(r"--[a-z][a-z-]+")


def blocks(language: str, text: str = README) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def run_qa(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "qa", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=120, check=False)


def run_python(code: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def list_commands() -> dict[str, set[str]]:
    """The options of each command, by its whole name."""

    def walk(command: typer.core.TyperGroup, name: str) -> Iterator[tuple[str, set[str]]]:
        yield name, {option for parameter in command.params for option in parameter.opts} | {"--help"}
        for inner, found in getattr(command, "commands", {}).items():
            yield from walk(found, f"{name} {inner}")

    return dict(walk(typer.main.get_command(app), "qa"))


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


def test_every_command_named_is_one_and_every_one_is_named() -> None:
    lines = re.findall(r"(?:^|`|&& )(qa [a-z].*?)(?:`|$)", README + GUIDE, re.MULTILINE)
    named = {" ".join(line.split()[: 3 if line.startswith("qa eval ") else 2]) for line in lines}
    commands = list_commands()
    assert len(named) > 20
    assert named <= commands.keys()
    assert commands.keys() - named == {"qa", "qa eval"}, "the others are all named"


@pytest.mark.parametrize("text", [README, GUIDE], ids=["README.md", "evaluation.md"])
def test_every_option_named_is_one_of_a_command(text: str) -> None:
    known = set().union(*list_commands().values())
    named = set(OPTION.findall(text)) - NOT_OURS
    assert len(named) > 5
    assert named <= known


def test_every_option_of_a_command_line_shown_is_one_of_that_command() -> None:
    commands, shown = list_commands(), 0
    for line in re.findall(r"\bqa eval [a-z]+[^`#\n]*", README + GUIDE):
        options = set(OPTION.findall(line))
        assert options <= commands[" ".join(line.split()[:3])], line
        shown += len(options)
    assert shown > 5


def test_the_python_example_runs(tmp_path: Path) -> None:
    clippings = tmp_path / "clippings"
    clippings.mkdir()
    for article in (ROOT / "index" / "articles").glob("trade-*.md"):
        (clippings / article.name).write_text(article.read_text(encoding="utf-8"), encoding="utf-8")
    ran = run_python(blocks("python")[0], tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert "stood at $24.2 billion, a record." in ran.stdout


# docs/evaluation.md


@pytest.fixture
def archive(sample_workspace: Path, tmp_path: Path) -> Path:
    """The archive of the guide: the sample articles, and the suite that it shows."""
    root = Path(shutil.copytree(sample_workspace, tmp_path / "my-archive"))
    (root / "eval/suites/mine.toml").write_text(blocks("toml", GUIDE)[1], encoding="utf-8")
    (root / "eval/gold/mine.jsonl").write_text(blocks("json", GUIDE)[0], encoding="utf-8")
    return root


def test_the_suite_shown_is_right_about_the_sample_articles(archive: Path) -> None:
    checked = run_qa("eval", "check", "mine", cwd=archive)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert checked.stdout.endswith("0 problems, 0 doubts\n")


def test_the_python_example_of_the_guide_runs_and_the_gates_shown_are_held_against_it(archive: Path) -> None:
    ran = run_python(blocks("python", GUIDE)[0], archive.parent)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith("Measure(mean=1.0, ")
    (kept,) = (archive / "eval/reports").iterdir()
    kept.rename(archive / "eval/reports/may")
    (archive / "eval/reports/baselines").mkdir()
    shutil.move(archive / "eval/reports/may", archive / "eval/reports/baselines/may")
    suite = archive / "eval/suites/mine.toml"
    suite.write_text(suite.read_text(encoding="utf-8") + blocks("toml", GUIDE)[0], encoding="utf-8")
    rules = load_suite("mine", Workspace(archive, "named")).gates
    assert [(rule.measure, rule.kind) for rule in rules] == [
        ("quote_validity", "mean"),
        ("answer_match", "bound"),
        ("hits@5", "not_worse_than"),
    ]
    judged = run_qa("eval", "run", "mine", "--json", cwd=archive)
    assert judged.returncode == 4, "one question is too few for an interval"
    assert [gate["passed"] for gate in json.loads(judged.stdout)["gate_results"]] == [True, False, False]
    assert "gate missed: answer_match has no interval" in judged.stderr


def test_the_keys_kinds_systems_and_measures_of_the_guide_are_the_ones_there_are(tmp_path: Path) -> None:
    entry = json.loads(blocks("json", GUIDE)[0])
    keys = set(re.findall(r"^\| `([a-z_]+)`(?:, `([a-z_]+)`)? \|", GUIDE, re.MULTILINE))
    documented = {key for pair in keys for key in pair if key}
    assert documented >= entry.keys() - {"id", "question"}
    kinds = re.search(r"^\| `kind` \| (.*) \|$", GUIDE, re.MULTILINE)
    assert kinds is not None
    assert re.findall(r"`([a-z_]+)`", kinds[1]) == list(KINDS)
    judged = GUIDE.partition("## What is judged")[2].partition("\n## ")[0]
    assert set(SYSTEMS) <= set(re.findall(r"`([a-z0-9-]+)`", judged))
    measured = GUIDE.partition("## What is measured")[2].partition("All are deterministic")[0]
    named = measured.replace("`hits@1/5/10`", "`hits@1`, `hits@5`, `hits@10`")
    assert set(re.findall(r"`([a-z0-9_@]+)`", named)) - MEASURES.keys() == set()
    assert MEASURES.keys() - set(re.findall(r"`([a-z0-9_@]+)`", named)) == set()


def test_the_keys_of_the_guide_are_read_by_the_program(tmp_path: Path) -> None:
    entry = json.loads(blocks("json", GUIDE)[0])
    more = {"turns": ["Who traded?"], "as_of": "2022-12-01", "tags": ["trade"], "split": "dev"}
    parts = {"all_of": ["$24.2 billion", ["a record", "the record"]], "answers": []}
    entries = [entry | more, {**entry, **parts, "id": "t2", "number": None}]
    file = tmp_path / "gold.jsonl"
    file.write_text("".join(json.dumps({k: v for k, v in one.items() if v}) + "\n" for one in entries))
    assert [case.id for case in read_gold(file)] == ["t1", "t2"]
    assert tomllib.loads(blocks("toml", GUIDE)[1]) == {"gold": "eval/gold/mine.jsonl"}
