from __future__ import annotations

import os
from pathlib import Path

import pytest

from qa.errors import ContentError, WorkspaceError
from qa.models import Price
from qa.settings import Settings, load_settings
from qa.workspace import Workspace, find_workspace, init_workspace, packaged_content


def files(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def mark(folder: Path, marker: str = "qa.toml") -> Path:
    (folder / marker).parent.mkdir(parents=True, exist_ok=True)
    (folder / marker).touch()
    return folder


# which one


def test_the_one_named_comes_first_even_if_it_is_not_there_yet(tmp_path):
    mark(tmp_path)
    assert find_workspace(tmp_path / "new", tmp_path) == Workspace(tmp_path / "new", "named")


def test_a_name_is_relative_to_the_current_folder_and_may_begin_with_the_home(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert find_workspace(Path("one"), tmp_path / "elsewhere").root == tmp_path / "one"
    assert find_workspace(Path("~/two"), tmp_path).root == tmp_path / "home" / "two"


def test_a_file_is_no_workspace(tmp_path):
    mark(tmp_path)
    with pytest.raises(WorkspaceError, match=r"The workspace .*qa\.toml is not a folder"):
        find_workspace(tmp_path / "qa.toml", tmp_path)


@pytest.mark.parametrize("marker", ["qa.toml", "index/recipe.toml"])
@pytest.mark.parametrize("below", [".", "a", "a/b/c", "index/articles"])
def test_the_nearest_folder_upwards_that_is_marked_is_found(tmp_path, marker, below):
    mark(tmp_path)
    root = mark(tmp_path / "inner", marker)
    (root / below).mkdir(parents=True, exist_ok=True)
    assert find_workspace(None, root / below) == Workspace(root, "found")


def test_a_folder_with_the_name_of_a_marker_is_none(tmp_path):
    root = mark(tmp_path)
    (root / "inner" / "qa.toml").mkdir(parents=True)
    assert find_workspace(None, root / "inner").root == root


def test_without_any_it_is_the_users_own(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert find_workspace(None, Path("/")) == Workspace(tmp_path / "data" / "onrecord", "user")
    assert not (tmp_path / "data").exists()


def test_a_workspace_knows_its_folders(tmp_path):
    workspace = Workspace(tmp_path, "named")
    assert workspace.articles == tmp_path / "index" / "articles"
    assert workspace.store == tmp_path / "index" / "store"
    assert workspace.settings_file == tmp_path / "qa.toml"


def test_the_files_of_articles_come_by_path_with_size_and_time_of_change(tmp_path):
    workspace = Workspace(tmp_path, "named")
    for name in ("b.md", "a.md", "deep/c.txt", ".hidden.md", ".git/d.md", "deep/.git/e.md"):
        mark(workspace.articles, name)
    (workspace.articles / "b.md").write_text("Trade rose.", encoding="utf-8")
    os.utime(workspace.articles / "b.md", ns=(0, 1_656_979_200_000_000_123))
    states = workspace.article_files()
    assert [path.relative_to(workspace.articles).as_posix() for path in states] == ["a.md", "b.md", "deep/c.txt"]
    assert states[workspace.articles / "b.md"] == (11, 1_656_979_200_000_000_123)
    assert states[workspace.articles / "a.md"][0] == 0


def test_a_workspace_in_a_hidden_folder_has_its_articles(tmp_path):
    workspace = Workspace(tmp_path / ".cache" / "suite", "named")
    mark(workspace.articles, "a.md")
    assert list(workspace.article_files()) == [workspace.articles / "a.md"]


def test_a_workspace_without_a_folder_of_articles_has_no_files_of_them(tmp_path):
    assert Workspace(tmp_path / "none", "named").article_files() == {}


# making one


def test_a_new_workspace_has_settings_a_recipe_and_empty_folders(tmp_path):
    workspace = init_workspace(tmp_path / "new", sample=False)
    assert sorted(files(workspace.root)) == ["index/recipe.toml", "qa.toml"]
    assert all((workspace.root / name).is_dir() for name in ("prompts", "index/articles", "eval/suites", "eval/gold"))
    assert find_workspace(None, workspace.articles) == Workspace(workspace.root, "found")
    assert load_settings(workspace.settings_file, {}) == Settings()


def test_every_line_of_the_new_settings_may_be_put_to_use(tmp_path):
    file = init_workspace(tmp_path, sample=False).settings_file
    lines = file.read_text().splitlines()
    file.write_text("\n".join(line.removeprefix("# ") if " = " in line else line for line in lines))
    settings = load_settings(file, {})
    plain = {"model", "base_url", "timeout_seconds", "context_tokens", "max_output_tokens"}
    assert set(settings.origins) == plain | {"usd_per_million_input_tokens", "usd_per_million_output_tokens"}
    assert (settings.timeout_seconds, settings.context_tokens, settings.max_output_tokens) == (60, 2000, 300)
    assert settings.price == Price(0.25, 2.0)


def test_the_sample_archive_is_copied_when_asked_for(tmp_path):
    workspace = init_workspace(tmp_path, sample=True)
    sample = packaged_content() / "index" / "articles"
    assert files(workspace.articles) == {path.name: path.read_bytes() for path in sample.glob("*.md")}
    assert len(files(workspace.articles)) == 12


def test_making_a_workspace_again_keeps_what_is_there(tmp_path):
    workspace = init_workspace(tmp_path, sample=True)
    workspace.settings_file.write_text("# mine")
    (workspace.root / "index" / "recipe.toml").write_text("# mine")
    (workspace.articles / "trade-record.md").write_text("mine")
    before = files(tmp_path)
    init_workspace(tmp_path, sample=True)
    assert files(tmp_path) == before


def test_a_workspace_that_cannot_be_made_says_why(tmp_path, public_folder, read_only):
    (tmp_path / "file").touch()
    with pytest.raises(WorkspaceError, match=r"No workspace could be made in .*file: "):
        init_workspace(tmp_path / "file", sample=False)
    with read_only(public_folder), pytest.raises(WorkspaceError, match="Permission denied"):
        init_workspace(public_folder / "new", sample=False)


# content


def test_content_is_taken_from_the_workspace_first_and_the_defaults_second(tmp_path):
    workspace = Workspace(tmp_path, "named")
    default = workspace.content("prompts/answer.md")
    assert default == packaged_content() / "prompts" / "answer.md"
    own = mark(tmp_path, "prompts/answer.md") / "prompts" / "answer.md"
    assert workspace.content("prompts/answer.md") == own


@pytest.mark.parametrize("name", ["prompts/none.md", "prompts", "index/articles"])
def test_content_that_neither_has_is_named(tmp_path, name):
    with pytest.raises(ContentError, match=rf"No {name} in .*, nor among the defaults of this installation"):
        Workspace(tmp_path, "named").content(name)


def test_the_names_of_content_are_those_of_both_places_once(tmp_path):
    workspace = Workspace(mark(mark(tmp_path, "prompts/mine.md"), "prompts/answer.md"), "named")
    names = workspace.content_names("prompts", ".md")
    assert {"mine", "answer", "follow_up"} <= set(names)
    assert names == sorted(set(names))
    assert Workspace(tmp_path / "none", "named").content_names("eval/none", ".toml") == []
