from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import REPOSITORY

EXAMPLES = sorted((REPOSITORY / "examples").glob("*.py"))
PYTEST = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir=.", "--color=no"]
EMBEDDED = REPOSITORY / "examples/embed_in_a_program.py"


def run(*arguments: str | Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a program with a proxy that leads nowhere: whatever calls out fails."""
    environment = os.environ | {"HTTPS_PROXY": "http://127.0.0.1:9", "HTTP_PROXY": "http://127.0.0.1:9"}
    command = [sys.executable, "-W", "error", *map(str, arguments)]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120)


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> subprocess.CompletedProcess[str]:
    folder = tmp_path_factory.mktemp("elsewhere")
    return run(EMBEDDED, REPOSITORY / "index/articles", "What was 2021 trade turnover?", folder=folder)


def test_the_program_that_embeds_the_library_answers_without_a_model_and_with_its_own(
    embedded: subprocess.CompletedProcess[str],
) -> None:
    assert embedded.returncode == 0, embedded.stderr
    lines = embedded.stdout.splitlines()
    assert lines[0] == "12 articles added, 0 sources skipped"
    assert lines[1] == "answered, written by the articles themselves: $24.2 billion"
    assert lines[2].startswith("  supported: At the end of 2021 trade between the two countries stood at $24.2 billion")
    assert lines[3].startswith("  [1] “At the end of 2021 trade")
    assert lines[3].endswith("(Trade with Russia sets a record, 87-171)")
    assert lines[4].startswith("answered, written by first-sentence: ")
    assert lines[5].startswith("  supported: ")
    assert lines[6].startswith("  [1] “")
    assert len(lines) == 7


def test_its_progress_goes_where_it_sends_it_and_the_library_adds_nothing(
    embedded: subprocess.CompletedProcess[str],
) -> None:
    stages = [line.partition(":")[0] for line in embedded.stderr.splitlines()]
    assert set(stages) == {"reading", "embedding", "building the vector index"}


def test_it_says_what_is_wrong_with_a_question_that_cannot_be_asked(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Trade was $5 in 2021.", encoding="utf-8")
    done = run(EMBEDDED, tmp_path / "a.txt", "?!", folder=tmp_path)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("qa.errors.UsageError: The question is empty.")
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_short_and_says_how_it_is_run(example: Path) -> None:
    text = example.read_text(encoding="utf-8")
    assert text.count("\n") <= 60
    command = "pytest" if example.name.startswith("test_") else "python"
    assert re.search(rf"^    {command} examples/{example.name}( |$)", text, re.MULTILINE)


def test_the_example_for_pytest_passes_and_fails_where_the_answers_got_worse(tmp_path: Path) -> None:
    """On a copy of the workspace that it is about: it would bring the index of the checkout in step."""
    for folder in ("index/articles", "eval/suites", "eval/gold", "examples"):
        shutil.copytree(REPOSITORY / folder, tmp_path / folder)
    shutil.copy(REPOSITORY / "index/recipe.toml", tmp_path / "index")
    example = [*PYTEST, "examples/test_my_archive.py"]
    passed = run(*example, folder=tmp_path)
    assert (passed.returncode, passed.stdout.splitlines()[-1][:8]) == (0, "3 passed"), passed.stdout
    gold = tmp_path / "eval/gold/sample.jsonl"
    cases = [json.loads(line) for line in gold.read_text(encoding="utf-8").splitlines()]
    spoilt = [case | {"number": None, "answers": ["x"] if case["answerable"] else []} for case in cases]
    gold.write_text("".join(json.dumps(case) + "\n" for case in spoilt), encoding="utf-8")
    failed = run(*example, folder=tmp_path)
    assert failed.returncode == 1, failed.stdout
    assert "test_most_questions_on_trade_are_answered_rightly" in failed.stdout
    assert not list((tmp_path / "eval").glob("reports/*")), "its run is kept in a folder of pytest's"
