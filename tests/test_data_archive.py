from __future__ import annotations

import json
import logging
import os
from pathlib import Path

import pytest
from filelock import FileLock
from small_data import CountingEmbedder, data_suite, write_data

import qa.data_archive
from qa.data_archive import DECIDING, DataArchive, keep_within, open_data
from qa.errors import ContentError, WorkspaceError
from qa.settings import Settings
from qa.sync import Progress
from qa.workspace import Workspace


@pytest.fixture(autouse=True)
def caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache/onrecord/data"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_data(tmp_path / "data")


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "workspace", "named")


def open_it(data: Path, workspace: Workspace, embedder: CountingEmbedder, form: str = "realtimeqa") -> DataArchive:
    with open_data(data_suite(form), data, workspace, settings=Settings(), embedder=embedder) as ready:
        assert len(ready.archive.articles()) == ready.archive.status().articles
        return ready


def root_of(ready: DataArchive) -> Path:
    return ready.archive.workspace.root


def test_articles_are_indexed_and_cut_as_usual_and_questions_read(data: Path, workspace: Workspace) -> None:
    seen: list[Progress] = []
    opened = open_data(
        data_suite(), data, workspace, settings=Settings(), embedder=CountingEmbedder(), on_progress=seen.append
    )
    with opened as ready:
        assert [case.id for case in ready.cases] == ["bread", "boat", "moon", "cup"]
        assert (ready.archive.status().articles, ready.archive.status().vectors) == (4, 4)
        assert ready.pipeline.catalog.counts(ready.archive.embedder.id).vectors == 4
    assert {progress.stage for progress in seen} >= {"embedding", "embedding the pipeline's chunks"}
    assert not workspace.root.exists()


def test_a_second_opening_embeds_nothing_and_finds_the_same_folder(data: Path, workspace: Workspace) -> None:
    embedder = CountingEmbedder()
    first = open_it(data, workspace, embedder)
    assert len(embedder.texts) == 8  # four passages with their titles, four chunks without
    assert root_of(open_it(data, workspace, embedder)) == root_of(first)
    assert len(embedder.texts) == 8


def test_a_change_of_code_that_decides_indexes_anew_and_embeds_nothing(
    data: Path, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    embedder = CountingEmbedder()
    first = root_of(open_it(data, workspace, embedder))
    monkeypatch.setattr(qa.data_archive, "SCHEMA_VERSION", 99)
    second = root_of(open_it(data, workspace, embedder))
    assert (second != first, second.parent, len(embedder.texts)) == (True, first.parent, 8)
    assert first.is_dir()  # the state before may be wanted again
    monkeypatch.setattr(qa.data_archive, "SCHEMA_VERSION", 100)
    third = root_of(open_it(data, workspace, embedder))
    assert {path for path in third.parent.iterdir() if path.is_dir()} == {second, third}


def test_other_data_another_recipe_and_another_embedder_are_kept_apart(data: Path, workspace: Workspace) -> None:
    embedder = CountingEmbedder()
    roots = [root_of(open_it(data, workspace, embedder))]
    (workspace.root / "index").mkdir(parents=True)
    (workspace.root / "index/recipe.toml").write_text("[passages]\nbudget_tokens = 64\n")
    roots.append(root_of(open_it(data, workspace, embedder)))
    embedder.id = "another"
    roots.append(root_of(open_it(data, workspace, embedder)))
    with (data / "articles.jsonl").open("a") as file:
        file.write(json.dumps({"id": "new", "title": "New", "published": "2031-05-01", "text": "New."}) + "\n")
    roots.append(root_of(open_it(data, workspace, embedder)))
    assert len(set(roots)) == 4
    assert len({root.parent for root in roots}) == 3  # a recipe finds its vectors beside


def test_an_interrupted_indexing_goes_on_where_it_was(data: Path, workspace: Workspace) -> None:
    embedder = CountingEmbedder()

    def interrupt(progress: Progress) -> None:
        if progress.stage == "embedding the pipeline's chunks":
            raise KeyboardInterrupt

    with (
        pytest.raises(KeyboardInterrupt),
        open_data(data_suite(), data, workspace, settings=Settings(), embedder=embedder, on_progress=interrupt),
    ):
        pass
    assert len(embedder.texts) == 4
    open_it(data, workspace, embedder)
    assert len(embedder.texts) == 8


def test_a_store_that_was_left_damaged_is_made_anew_without_embedding(data: Path, workspace: Workspace) -> None:
    embedder = CountingEmbedder()
    root = root_of(open_it(data, workspace, embedder))
    (root / "READY").unlink()
    (root / "index/store/catalog.sqlite").write_bytes(b"not a database, " * 512)
    assert root_of(open_it(data, workspace, embedder)) == root
    assert len(embedder.texts) == 8


def test_while_another_process_indexes_it_is_refused(data: Path, workspace: Workspace) -> None:
    root = root_of(open_it(data, workspace, CountingEmbedder()))
    (root / "READY").unlink()
    with (
        FileLock(root.parent / ".lock"),
        pytest.raises(WorkspaceError, match=r"^Another process is indexing .*data\. Try again when it is done\.$"),
    ):
        open_it(data, workspace, CountingEmbedder())


def test_a_temporary_folder_serves_where_nothing_can_be_kept(
    data: Path, workspace: Workspace, caches: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caches.parent.parent.write_text("a file where the folder would be")
    caplog.set_level(logging.INFO, "qa")
    root = root_of(open_it(data, workspace, CountingEmbedder()))
    assert not root.exists()
    assert "in a temporary folder" in caplog.text


def test_what_is_passed_over_is_told_with_the_first(
    data: Path, workspace: Workspace, caplog: pytest.LogCaptureFixture
) -> None:
    with (data / "articles.jsonl").open("a") as file:
        file.write('{"id": "empty", "text": " "}\nno JSON\n')
    open_it(data, workspace, CountingEmbedder())
    assert "2 things of" in caplog.text
    assert "the first: " in caplog.text
    assert "articles.jsonl:5: an article without text" in caplog.text


def test_data_of_another_form_is_refused(data: Path, workspace: Workspace) -> None:
    with pytest.raises(ContentError, match=r"holds no corpus\.json"):
        open_it(data, workspace, CountingEmbedder(), "multihop-rag")


def test_the_least_recently_used_are_deleted_beyond_the_bound(tmp_path: Path) -> None:
    for n, name in enumerate(("old", "middle", "new")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "vectors").write_bytes(b"x" * 100)
        os.utime(tmp_path / name, (n, n))
    keep_within(tmp_path, 250)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["middle", "new"]
    keep_within(tmp_path, 10)
    assert [path.name for path in tmp_path.iterdir()] == ["new"]  # the last one used stays, whatever its size
    keep_within(tmp_path / "nowhere")


def test_each_module_that_decides_is_there() -> None:
    folder = Path(qa.data_archive.__file__).parent
    assert [name for name in DECIDING if not (folder / f"{name}.py").is_file()] == []
