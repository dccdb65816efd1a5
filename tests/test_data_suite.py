from __future__ import annotations

import re
from pathlib import Path

import pytest
from conftest import REPOSITORY
from small_data import SUITE, data_suite

from qa.data_suite import DataSuite, check_data, find_data_suite
from qa.errors import ContentError
from qa.gold_forms import FORMATS
from qa.suite import load_suite
from qa.workspace import Workspace, find_workspace


def write_suite(folder: Path, text: str) -> Path:
    file = folder / "eval/suites/mine.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


def test_a_suite_with_a_form_is_about_data_of_others(tmp_path: Path) -> None:
    file = write_suite(tmp_path, SUITE)
    expected = DataSuite("news", "Small.", "realtimeqa", file)
    assert find_data_suite("mine", Workspace(tmp_path, "named")) == expected
    assert find_data_suite(str(file), Workspace(tmp_path, "named")) == expected


def test_the_shipped_suite_is_of_real_news() -> None:
    found = find_data_suite("news", find_workspace(REPOSITORY, REPOSITORY))
    assert found is not None
    assert (found.name, found.form) == ("news", "realtimeqa")


def test_a_suite_with_questions_of_its_own_is_none(tmp_path: Path) -> None:
    assert find_data_suite("sample", Workspace(tmp_path, "named")) is None


def test_it_cannot_be_taken_for_a_suite_with_questions(tmp_path: Path) -> None:
    write_suite(tmp_path, SUITE)
    with pytest.raises(
        ContentError, match=r"mine\.toml holds no questions: name the data with qa eval run mine --data"
    ):
        load_suite("mine", Workspace(tmp_path, "named"))


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ('name = "x"\nform = "real"\n', 2, "no form 'real' of data. Did you mean 'realtimeqa'? Known: squad, beir,"),
        ('form = "beir"\narchive = "eval"\n', 2, "unknown key 'archive'"),
        ('form = "beir"\n\nname = "a/b"\n', 3, "'name' must be letters"),
        ("form = 3\n", 1, "'form' must be text, not 3."),
        ("form = \n", 1, "not valid TOML"),
    ],
)
def test_what_is_wrong_is_said_with_file_and_line(tmp_path: Path, text: str, line: int, problem: str) -> None:
    file = write_suite(tmp_path, text)
    with pytest.raises(ContentError, match=rf"^{re.escape(str(file))}:{line}: .*{re.escape(problem)}"):
        find_data_suite("mine", Workspace(tmp_path, "named"))


@pytest.mark.parametrize("form", FORMATS)
def test_without_data_it_is_skipped_with_what_it_needs(form: str, tmp_path: Path) -> None:
    suite = data_suite(form)
    with pytest.raises(ContentError, match=r"^news is skipped: it needs --data (DIR|FILE), a .*\.$"):
        check_data(suite, None)
    with pytest.raises(ContentError, match=r"^news is skipped: .*; there is no .*nowhere\.$"):
        check_data(suite, tmp_path / "nowhere")
    assert check_data(suite, tmp_path) == tmp_path
