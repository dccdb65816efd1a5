"""The archive that a suite is about, indexed in a store of its own, never in the user's.

What is indexed is kept in the user's cache folder, under a key of everything it follows from, so that a
second run embeds nothing again.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from qa.answer import check_question
from qa.archive import Archive
from qa.articles import Article, hash_text
from qa.embed import Embedder
from qa.errors import ArchiveBusy, ArchiveReadOnly, ContentError, StoreError, UsageError
from qa.gold import check_evidence
from qa.hashing import hash_files, list_files
from qa.models import ModelChoice
from qa.read import ReaderChoice
from qa.settings import Recipe, Settings, load_recipe
from qa.sources import read_sources
from qa.suite import Suite
from qa.sync import OnProgress
from qa.workspace import Workspace

_log = logging.getLogger("qa")

CheckArticles = Callable[[Sequence[Article]], None]

_KEPT_ARCHIVES = 8  # the least recently used beyond these are deleted
_READY = "READY"  # a file beside a suite's indexed archive, made when it is complete


@contextmanager
def open_suite_archive(
    suite: Suite,
    workspace: Workspace,
    *,
    settings: Settings,
    model: ModelChoice = False,
    embedder: Embedder | None = None,
    reader: ReaderChoice = None,
    on_progress: OnProgress | None = None,
    kept: bool = True,
    check: CheckArticles | None = None,
) -> Iterator[Archive]:
    """The suite's articles, indexed, with the prompts and the recipe of `workspace`; for reading only.

    A suite without articles of its own is about those of `workspace`. A temporary store is used where `kept` is
    not set, while another process fills the kept one, and where that is damaged or may not be written. `check` may
    refuse the articles before any is indexed. Other arguments as for `Archive`.

    Raises:
        ContentError: there are no articles, a sentence of the gold evidence does not stand in them, or a
            question cannot be asked.
    """
    check_questions(suite)
    if suite.archive is None:
        with Archive(workspace, settings, embedder=embedder, reader=reader, model=model) as own:
            if check:
                check(_read_articles(own))
            own.desk()
            check_articles(suite, own.articles())
            yield own
        return
    recipe = load_recipe(workspace.content("index/recipe.toml"))
    folder = _kept_folder(suite.name, suite.archive, recipe, embedder.id if embedder else recipe.embedder)

    def open_in(root: Path) -> Archive:
        within = SuiteWorkspace(root, "named", workspace)
        return Archive(within, settings, embedder=embedder, reader=reader, model=model)

    with ExitStack() as stack:
        archive = _open_kept(stack.enter_context(open_in(folder)), suite, on_progress, check) if kept else None
        if archive is None:
            temporary = Path(stack.enter_context(TemporaryDirectory(prefix="onrecord-")))
            archive = stack.enter_context(open_in(temporary))
            _fill(archive, suite, on_progress, check)
        check_articles(suite, archive.articles())
        yield archive


def check_questions(suite: Suite) -> None:
    """Refuse a suite with a question, or a turn before it, that cannot be asked.

    Raises:
        ContentError: it names file and line.
    """
    for case in suite.cases:
        for question in (*case.turns, case.question):
            try:
                check_question(question)
            except UsageError as error:
                raise ContentError(f"{suite.gold}:{case.line}: {error}") from error


def check_articles(suite: Suite, articles: Sequence[Article]) -> None:
    """Refuse to ask articles in which the gold evidence does not stand.

    Raises:
        ContentError: it names file, line and case; or there are no articles.
    """
    if not articles:
        raise ContentError(f"The archive of suite '{suite.name}', {suite.archive}, holds no articles.")
    problems = check_evidence(suite.cases, articles, suite.gold)
    if problems:
        more = f" ({len(problems) - 1} more like it; see: qa eval check)" if len(problems) > 1 else ""
        raise ContentError(problems[0] + more)


def read_suite_articles(suite: Suite, archive: Archive) -> list[Article]:
    """The articles that a suite is about, read without indexing them: its own, or those of `archive`."""
    if suite.archive is None:
        return _read_articles(archive)
    items = read_sources([str(suite.archive)], root=suite.archive.parent)
    return [item for item in items if isinstance(item, Article)]


def _open_kept(
    archive: Archive, suite: Suite, on_progress: OnProgress | None, check: CheckArticles | None
) -> Archive | None:
    """The kept archive, filled; None where it cannot be used now."""
    try:
        _fill(archive, suite, on_progress, check)
        _drop_unused(archive.workspace.root.parent)
    except (ArchiveBusy, ArchiveReadOnly, StoreError, OSError) as error:
        _log.info("Indexing %s in a temporary folder: %s", suite.archive, error)
        return None
    return archive


@dataclass(frozen=True, slots=True)
class SuiteWorkspace(Workspace):
    """Articles and store of a suite, with the prompts and the recipe of the workspace that is judged."""

    judged: Workspace

    def content(self, name: str) -> Path:
        """A prompt or recipe of the workspace that is judged."""
        return self.judged.content(name)


def _kept_folder(name: str, articles: Path, recipe: Recipe, embedder_id: str) -> Path:
    """The folder for these very articles, recipe, embedder and program: another of any is another folder."""
    from platformdirs import user_cache_path

    made_from = [hash_files(articles), asdict(recipe), embedder_id, hash_files(Path(__file__).parent, "*.py")]
    key = hash_text(json.dumps(made_from))[:16]
    return user_cache_path("onrecord", appauthor=False) / "suites" / f"{name}-{key}"


def _fill(archive: Archive, suite: Suite, on_progress: OnProgress | None, check: CheckArticles | None) -> None:
    """Copy and index the suite's articles, unless that was done before.

    They are copied, so that their sources are the same on any machine and no change reaches a run under way.
    """
    root = archive.workspace.root
    is_ready = (root / _READY).is_file() and bool(archive.articles())
    assert suite.archive is not None
    if not is_ready:
        _copy_articles(suite.archive, archive.workspace.articles)
    if check:
        check(_read_articles(archive))
    if is_ready:
        with suppress(OSError):
            os.utime(root)
        return
    for source, reason in archive.sync(on_progress=on_progress).skipped:
        _log.warning("Suite '%s' goes without %s: %s", suite.name, source, reason)
    (root / _READY).touch()


def _copy_articles(source: Path, target: Path) -> None:
    if target.is_dir():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=target.parent) as folder:
        copy = Path(folder) / target.name
        copy.mkdir()
        for name, file in list_files(source):
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, copy / name)
        try:
            copy.rename(target)  # whole or not at all
        except OSError:
            if not target.is_dir():  # else another process was first, with the same articles
                raise


def _read_articles(archive: Archive) -> list[Article]:
    """The articles as they would be indexed: those of the store, and over them what files have said since."""
    articles = {article.id: article for article in archive.articles()}
    if archive.needs_sync():
        place = archive.workspace
        items = read_sources(list(place.article_files()), root=place.root)
        articles |= {item.id: item for item in items if isinstance(item, Article)}
    return list(articles.values())


def _drop_unused(caches: Path) -> None:
    """Delete all but the most recently used of the indexed archives in our own cache folder."""
    with suppress(OSError):  # another process may be doing the same
        made = [path for path in caches.iterdir() if (path / "index").is_dir()]
        for path in sorted(made, key=lambda path: path.stat().st_mtime, reverse=True)[_KEPT_ARCHIVES:]:
            shutil.rmtree(path, ignore_errors=True)
