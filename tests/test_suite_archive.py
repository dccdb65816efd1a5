from __future__ import annotations

import logging
import os
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from qa.archive import Archive
from qa.articles import Article
from qa.errors import ContentError
from qa.gold import Case, Evidence
from qa.metrics import Gold
from qa.settings import Settings
from qa.store import Store
from qa.suite import Suite
from qa.suite_archive import open_suite_archive, read_suite_articles
from qa.sync import Progress
from qa.testing import HashingEmbedder
from qa.workspace import Workspace

ANN = "---\ntitle: Ann\n---\n\nAnn paid $3 for bread.\n"
BEN = "Ben walks to work.\n"


class CountingEmbedder(HashingEmbedder):
    """Counts the texts that it embeds."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def embed(self, texts: list[str]) -> NDArray[np.float32]:  # type: ignore[override]
        self.count += len(texts)
        return super().embed(texts)


@pytest.fixture(autouse=True)
def caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of kept archives; on a platform without XDG folders the one of the session's home."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache/onrecord/suites"


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    folder = tmp_path / "archive"
    (folder / "deep").mkdir(parents=True)
    (folder / "ann.md").write_text(ANN)
    (folder / "deep/ben.txt").write_text(BEN)
    (folder / ".hidden.md").write_text("Nobody reads this.")
    case = Case(
        id="one",
        question="What did Ann pay?",
        gold=Gold(("$3",)),
        evidence=(Evidence("ann.md", "Ann paid $3 for bread."),),
        answerable=True,
        kind="fact",
        line=4,
    )
    return Suite("small", "", folder, tmp_path / "gold.jsonl", (case,))


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "workspace", "named")


@pytest.fixture
def embedder() -> CountingEmbedder:
    return CountingEmbedder()


def open_it(suite: Suite, workspace: Workspace, embedder: CountingEmbedder) -> Archive:
    """The archive, opened and closed: what it was made of, and where."""
    with open_suite_archive(suite, workspace, settings=Settings(), embedder=embedder) as archive:
        return archive


def sources(archive: Archive) -> list[str]:
    with archive:
        return [article.source for article in archive.articles()]


def test_articles_are_searched_under_sources_that_are_the_same_on_any_machine(
    suite: Suite, workspace: Workspace, embedder: CountingEmbedder
) -> None:
    with open_suite_archive(suite, workspace, settings=Settings(), embedder=embedder) as archive:
        assert sources(archive) == ["index/articles/ann.md", "index/articles/deep/ben.txt"]
        assert [hit.article.title for hit in archive.search("What did Ann pay?", limit=1)] == ["Ann"]
        assert archive.status().vectors == 2


def test_the_store_of_the_user_is_not_touched(suite: Suite, workspace: Workspace, embedder: CountingEmbedder) -> None:
    open_it(suite, workspace, embedder)
    assert not workspace.root.exists()
    assert sorted(path.name for path in suite.archive.iterdir()) == [".hidden.md", "ann.md", "deep"]


def test_a_second_opening_embeds_nothing(suite: Suite, workspace: Workspace, embedder: CountingEmbedder) -> None:
    first = open_it(suite, workspace, embedder)
    assert embedder.count == 2
    second = open_it(suite, workspace, embedder)
    assert embedder.count == 2
    assert first.workspace.root == second.workspace.root


def test_progress_of_the_indexing_is_reported(suite: Suite, workspace: Workspace, embedder: CountingEmbedder) -> None:
    seen: list[Progress] = []
    with open_suite_archive(suite, workspace, settings=Settings(), embedder=embedder, on_progress=seen.append):
        pass
    assert Progress("embedding", 2, 2) in seen


def test_changed_articles_another_recipe_or_another_embedder_are_indexed_apart(
    suite: Suite, workspace: Workspace, embedder: CountingEmbedder
) -> None:
    roots = [open_it(suite, workspace, embedder).workspace.root]
    (suite.archive / "ann.md").write_text(ANN.replace("$3", "$3 for bread. Cia paid $4"))
    changed = replace(suite, cases=(replace(suite.cases[0], evidence=(Evidence("ann.md", "Cia paid $4"),)),))
    roots.append(open_it(changed, workspace, embedder).workspace.root)
    (workspace.root / "index").mkdir(parents=True)
    (workspace.root / "index/recipe.toml").write_text("[passages]\nbudget_tokens = 64\n")
    roots.append(open_it(changed, workspace, embedder).workspace.root)
    embedder.id = "another"
    roots.append(open_it(changed, workspace, embedder).workspace.root)
    assert len(set(roots)) == 4


def test_prompts_and_recipe_are_those_of_the_workspace_that_is_judged(
    suite: Suite, workspace: Workspace, embedder: CountingEmbedder
) -> None:
    for name, text in (("index/recipe.toml", "[passages]\nbudget_tokens = 64\n"), ("prompts/answer.md", "Mine.")):
        (workspace.root / name).parent.mkdir(parents=True)
        (workspace.root / name).write_text(text)
    archive = open_it(suite, workspace, embedder)
    assert archive.recipe.budget_tokens == 64
    assert archive.workspace.content("prompts/answer.md") == workspace.root / "prompts/answer.md"


def test_an_interrupted_indexing_is_finished_by_the_next(
    suite: Suite, workspace: Workspace, embedder: CountingEmbedder, caches: Path
) -> None:
    def interrupt(progress: Progress) -> None:
        if progress.stage == "building the vector index":
            raise KeyboardInterrupt

    with (
        pytest.raises(KeyboardInterrupt),
        open_suite_archive(suite, workspace, settings=Settings(), embedder=embedder, on_progress=interrupt),
    ):
        pass
    assert embedder.count == 2
    with open_it(suite, workspace, embedder) as archive:
        assert archive.workspace.root.parent == caches
        assert archive.status().vectors == 2
    assert embedder.count == 2


def test_a_temporary_store_serves_while_another_process_fills_the_kept_one(
    suite: Suite, workspace: Workspace, embedder: CountingEmbedder, caches: Path, caplog: pytest.LogCaptureFixture
) -> None:
    kept = open_it(suite, workspace, embedder).workspace.root
    (kept / "READY").unlink()
    caplog.set_level(logging.INFO, "qa")
    with (
        Store(kept / "index/store").writing(),
        open_suite_archive(suite, workspace, settings=Settings(), embedder=embedder) as archive,
    ):
        temporary = archive.workspace.root
        assert temporary.parent != caches
        assert len(archive.search("bread")) == 2
    assert not temporary.exists()
    assert "in a temporary folder: Another process" in caplog.text


def test_a_temporary_store_serves_where_the_kept_one_is_damaged(
    suite: Suite, workspace: Workspace, embedder: CountingEmbedder, caches: Path
) -> None:
    kept = open_it(suite, workspace, embedder).workspace.root
    for file in (kept / "index/store").glob("catalog.sqlite*"):
        file.unlink()
    (kept / "index/store/catalog.sqlite").write_bytes(b"not a database, " * 512)
    with open_suite_archive(suite, workspace, settings=Settings(), embedder=embedder) as archive:
        assert archive.workspace.root.parent != caches
        assert len(archive.articles()) == 2


def test_a_temporary_store_serves_where_nothing_can_be_kept(
    suite: Suite, workspace: Workspace, embedder: CountingEmbedder, caches: Path
) -> None:
    caches.parent.parent.write_text("a file where the folder would be")
    with open_suite_archive(suite, workspace, settings=Settings(), embedder=embedder) as archive:
        assert len(archive.articles()) == 2


def test_only_the_archives_used_last_are_kept(
    suite: Suite, workspace: Workspace, embedder: CountingEmbedder, caches: Path
) -> None:
    for n in range(12):
        (caches / f"old-{n:02}" / "index").mkdir(parents=True)
        os.utime(caches / f"old-{n:02}", (n, n))
    (caches / "not an archive").mkdir()
    kept = open_it(suite, workspace, embedder).workspace.root
    left = sorted(path.name for path in caches.iterdir())
    assert left == sorted(["not an archive", kept.name, *(f"old-{n:02}" for n in range(5, 12))])


def test_an_archive_may_be_one_file_of_records(
    suite: Suite, workspace: Workspace, embedder: CountingEmbedder, tmp_path: Path
) -> None:
    file = tmp_path / "news.jsonl"
    file.write_text('{"id": "ann.md", "title": "Ann", "text": "Ann paid $3 for bread."}\n')
    archive = open_it(replace(suite, archive=file), workspace, embedder)
    assert sources(archive) == ["index/articles/news.jsonl#ann.md"]


def test_a_file_of_the_archive_that_is_left_out_is_logged(
    suite: Suite, workspace: Workspace, embedder: CountingEmbedder, caplog: pytest.LogCaptureFixture
) -> None:
    (suite.archive / "table.xyz").write_text("1 2 3")
    open_it(suite, workspace, embedder)
    assert "Suite 'small' goes without index/articles/table.xyz: not a format that is read" in caplog.text


def test_an_archive_without_articles_is_refused(
    suite: Suite, workspace: Workspace, embedder: CountingEmbedder, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ContentError, match=r"^The archive of suite 'small', .*empty, holds no articles\.$"):
        open_it(replace(suite, archive=tmp_path / "empty"), workspace, embedder)


def test_evidence_that_does_not_stand_is_refused_before_any_question(
    suite: Suite, workspace: Workspace, embedder: CountingEmbedder
) -> None:
    evidence = (Evidence("ann.md", "Ann paid $4."), Evidence("bob.md", "Bob paid."))
    wrong = replace(suite, cases=(replace(suite.cases[0], evidence=evidence),))
    said = "the quote “Ann paid $4.” does not stand in ann.md. (1 more like it; see: qa eval check)"
    expected = f"{suite.gold}:4: case one: {said}"
    with pytest.raises(ContentError, match=f"^{re.escape(expected)}$"):
        open_it(wrong, workspace, embedder)


@pytest.mark.parametrize(
    "change", [{"question": "?!"}, {"question": "why " * 1000}, {"turns": ("Who?", "why " * 1000)}]
)
def test_a_question_that_cannot_be_asked_is_named_before_anything_is_indexed(
    suite: Suite, workspace: Workspace, embedder: CountingEmbedder, change: dict[str, Any]
) -> None:
    case = replace(suite.cases[0], **change)
    with pytest.raises(ContentError, match=r"gold\.jsonl:4: The question (is empty|has 3,999 characters)"):
        open_it(replace(suite, cases=(case,)), workspace, embedder)
    assert embedder.count == 0


def test_a_link_to_nothing_in_an_archive_is_passed_over(
    suite: Suite, workspace: Workspace, embedder: CountingEmbedder
) -> None:
    (suite.archive / "gone.md").symlink_to("nowhere.md")
    (suite.archive / "loop").symlink_to(suite.archive)
    assert len(sources(open_it(suite, workspace, embedder))) == 2


# the articles checked before they are indexed


def refuse(articles: Sequence[Article]) -> None:
    raise ContentError(f"{len(articles)} articles are refused.")


@pytest.mark.parametrize("kept", [False, True])
def test_articles_can_be_refused_before_any_is_indexed(
    suite: Suite, workspace: Workspace, embedder: CountingEmbedder, kept: bool
) -> None:
    with (
        pytest.raises(ContentError, match=r"^2 articles are refused\.$"),
        open_suite_archive(suite, workspace, settings=Settings(), embedder=embedder, kept=kept, check=refuse),
    ):
        pass
    assert embedder.count == 0


@pytest.mark.parametrize("kept", [False, True])
def test_the_articles_checked_are_those_that_are_asked(
    suite: Suite, workspace: Workspace, embedder: CountingEmbedder, kept: bool
) -> None:
    checked: list[Article] = []
    for _ in range(2):
        with open_suite_archive(
            suite, workspace, settings=Settings(), embedder=embedder, kept=kept, check=checked.extend
        ) as archive:
            assert checked == archive.articles()
        checked.clear()


def test_a_store_that_shall_not_be_kept_is_gone_afterwards(
    suite: Suite, workspace: Workspace, embedder: CountingEmbedder, caches: Path
) -> None:
    with open_suite_archive(suite, workspace, settings=Settings(), embedder=embedder, kept=False) as archive:
        root = archive.workspace.root
        assert len(archive.search("bread")) == 2
    assert not root.exists()
    assert not caches.exists()


# a suite about the articles of the workspace


@pytest.fixture
def own(suite: Suite, workspace: Workspace) -> Suite:
    """The suite without articles of its own, and the workspace with them."""
    assert suite.archive is not None
    workspace.articles.parent.mkdir(parents=True)
    suite.archive.rename(workspace.articles)
    return replace(suite, archive=None)


def test_a_suite_without_articles_is_about_those_of_the_workspace(
    own: Suite, workspace: Workspace, embedder: CountingEmbedder, caches: Path
) -> None:
    with open_suite_archive(own, workspace, settings=Settings(), embedder=embedder) as archive:
        assert archive.workspace == workspace
        assert len(archive.search("bread")) == 2
    assert not caches.exists()


def test_changed_files_of_the_workspace_can_be_refused_and_the_store_stays_as_it_is(
    own: Suite, workspace: Workspace, embedder: CountingEmbedder
) -> None:
    open_it(own, workspace, embedder)
    (workspace.articles / "ann.md").write_text(ANN.replace("bread", "bread and salt"))
    (workspace.articles / "cia.md").write_text("Cia sings.")
    checked: list[Article] = []

    def check(articles: Sequence[Article]) -> None:
        checked.extend(articles)
        refuse(articles)

    with (
        pytest.raises(ContentError, match=r"^3 articles are refused\.$"),
        open_suite_archive(own, workspace, settings=Settings(), embedder=embedder, check=check),
    ):
        pass
    assert {article.title: article.text for article in checked}["Ann"] == "Ann paid $3 for bread and salt."
    with Archive(workspace, Settings(), embedder=embedder, reader=None, model=False) as archive:
        assert len(archive.articles()) == 2
        assert archive.needs_sync()


def test_the_articles_of_a_suite_are_read_without_indexing_them(
    suite: Suite, workspace: Workspace, embedder: CountingEmbedder
) -> None:
    with Archive(workspace, Settings(), embedder=embedder, reader=None, model=False) as archive:
        assert [article.title for article in read_suite_articles(suite, archive)] == ["Ann", "Ben"]
    assert embedder.count == 0


def test_the_articles_of_the_workspace_are_read_though_they_were_never_indexed(
    own: Suite, workspace: Workspace, embedder: CountingEmbedder
) -> None:
    with Archive(workspace, Settings(), embedder=embedder, reader=None, model=False) as archive:
        assert [article.title for article in read_suite_articles(own, archive)] == ["Ann", "Ben"]
        assert not archive.store.exists()
