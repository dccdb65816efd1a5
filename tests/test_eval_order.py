from __future__ import annotations

from pathlib import Path

import pytest
from small_suite import write_suite

from qa.errors import ContentError, UsageError
from qa.eval_order import Order, find_suite, follow_config
from qa.run_options import RunOptions
from qa.workspace import Workspace

FILE = """\
suite = "small"
[options]
system = "oracle"
limit = 3
concurrency = 4
[must_be]
model = {model}
"""


def order(**options: object) -> Order:
    return Order("", RunOptions(**options), None, False, Path("kept"))  # type: ignore[arg-type]


def write_config(folder: Path, model: str = "false") -> Path:
    file = folder / "run.toml"
    file.write_text(FILE.format(model=model), encoding="utf-8")
    return file


def test_an_exported_run_says_what_is_run_and_the_command_how_far(tmp_path: Path) -> None:
    told = follow_config(order(max_seconds=9, fresh=True), write_config(tmp_path), ["max_seconds", "config"])
    assert (told.suite, told.model, told.no_model, told.folder) == ("small", None, True, Path("kept"))
    assert told.options == RunOptions(system="oracle", limit=3, concurrency=4, max_seconds=9, fresh=True)
    assert follow_config(order(concurrency=2), write_config(tmp_path), []).options.concurrency == 2


def test_the_model_of_an_exported_run_is_the_one_that_is_asked(tmp_path: Path) -> None:
    told = follow_config(order(), write_config(tmp_path, '"tiny"'), [])
    assert (told.model, told.no_model) == ("tiny", False)


@pytest.mark.parametrize(
    ("given", "named"),
    [
        (["suite"], "SUITE and"),
        (["no_model", "junit"], "--no-model and"),
        (["tag", "seed", "system"], "--system, --tag, --seed and"),
    ],
)
def test_what_the_file_says_cannot_be_said_once_more(tmp_path: Path, given: list[str], named: str) -> None:
    with pytest.raises(UsageError, match=f"^{named} --config exclude each other"):
        follow_config(order(), write_config(tmp_path), given)


def test_a_file_that_is_no_exported_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ContentError, match=r"none\.toml cannot be read"):
        follow_config(order(), tmp_path / "none.toml", [])


def test_gold_is_named_as_it_is_seen_from_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = Workspace(tmp_path, "named")
    write_suite(workspace)
    assert find_suite("small", workspace).gold == tmp_path / "eval/gold/small.jsonl"
    monkeypatch.chdir(tmp_path / "eval")
    assert find_suite("small", workspace).gold == Path("gold/small.jsonl")
