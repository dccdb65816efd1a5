"""The archive that a suite is about, indexed in a store of its own, never in the user's.

What is indexed is kept in the user's cache folder, under a key of everything it follows from, so that a
second run embeds nothing again.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from qa.answer import check_question
from qa.archive import Archive, ModelChoice
from qa.articles import hash_text
from qa.embed import Embedder
from qa.errors import ArchiveBusy, ArchiveReadOnly, ContentError, StoreError, UsageError
from qa.settings import Recipe, Settings, load_recipe
from qa.suite import Suite, check_evidence
from qa.sync import OnProgress
from qa.workspace import Workspace

_log = logging.getLogger("qa")

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
    on_progress: OnProgress | None = None,
) -> Iterator[Archive]:
    """The suite's articles, indexed, with the prompts and the recipe of `workspace`; for reading only.

    A temporary store is used while another process fills the kept one, and where that is damaged or may
    not be written. Arguments as for `Archive`.

    Raises:
        ContentError: there are no articles, a sentence of the gold evidence does not stand in them, or a
            question cannot be asked.
    """
    _check_questions(suite)
    recipe = load_recipe(workspace.content("index/recipe.toml"))
    kept = _kept_folder(suite, recipe, embedder.id if embedder else recipe.embedder)

    def open_in(root: Path) -> Archive:
        return Archive(_SuiteWorkspace(root, "named", workspace), settings, embedder=embedder, model=model)

    with ExitStack() as stack:
        try:
            archive = stack.enter_context(open_in(kept))
            _fill(archive, suite, on_progress)
            _drop_unused(kept.parent)
        except (ArchiveBusy, ArchiveReadOnly, StoreError, OSError) as error:
            _log.info("Indexing %s in a temporary folder: %s", suite.archive, error)
            temporary = Path(stack.enter_context(TemporaryDirectory(prefix="onrecord-")))
            archive = stack.enter_context(open_in(temporary))
            _fill(archive, suite, on_progress)
        _check_articles(archive, suite)
        yield archive


def hash_files(path: Path, pattern: str = "*") -> str:
    """A SHA-256 of the names and contents of a folder's files, hidden ones left out, or of one file.

    Raises:
        ContentError: a file cannot be read.
    """
    whole = hashlib.sha256()
    for name, file in _list_files(path, pattern):
        try:
            with file.open("rb") as stream:
                line = f"{hashlib.file_digest(stream, 'sha256').hexdigest()} {name}\n"
        except OSError as error:
            raise ContentError(f"{file} cannot be read: {error.strerror}.") from error
        whole.update(line.encode("utf-8", "surrogateescape"))
    return whole.hexdigest()


def _list_files(path: Path, pattern: str = "*") -> list[tuple[str, Path]]:
    """(name, file) of each file of a folder that is not hidden, by name, or of the one file."""
    if path.is_file():
        return [(path.name, path)]
    found = sorted((file.relative_to(path), file) for file in path.rglob(pattern) if file.is_file())
    return [(name.as_posix(), file) for name, file in found if not any(part.startswith(".") for part in name.parts)]


@dataclass(frozen=True, slots=True)
class _SuiteWorkspace(Workspace):
    """Articles and store of a suite, with the prompts and the recipe of the workspace that is judged."""

    judged: Workspace

    def content(self, name: str) -> Path:
        """A prompt or recipe of the workspace that is judged."""
        return self.judged.content(name)


def _kept_folder(suite: Suite, recipe: Recipe, embedder_id: str) -> Path:
    """The folder for these very articles, recipe, embedder and program: another of any is another folder."""
    from platformdirs import user_cache_path

    made_from = [hash_files(suite.archive), asdict(recipe), embedder_id, hash_files(Path(__file__).parent, "*.py")]
    key = hash_text(json.dumps(made_from))[:16]
    return user_cache_path("onrecord", appauthor=False) / "suites" / f"{suite.name}-{key}"


def _fill(archive: Archive, suite: Suite, on_progress: OnProgress | None) -> None:
    """Copy and index the suite's articles, unless that was done before.

    They are copied, so that their sources are the same on any machine and no change reaches a run under way.
    """
    root = archive.workspace.root
    if (root / _READY).is_file() and archive.articles():
        with suppress(OSError):
            os.utime(root)
        return
    _copy_articles(suite.archive, archive.workspace.articles)
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
        for name, file in _list_files(source):
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, copy / name)
        try:
            copy.rename(target)  # whole or not at all
        except OSError:
            if not target.is_dir():  # else another process was first, with the same articles
                raise


def _check_questions(suite: Suite) -> None:
    for case in suite.cases:
        try:
            check_question(case.question)
        except UsageError as error:
            raise ContentError(f"{suite.gold}:{case.line}: {error}") from error


def _check_articles(archive: Archive, suite: Suite) -> None:
    articles = archive.articles()
    if not articles:
        raise ContentError(f"The archive of suite '{suite.name}', {suite.archive}, holds no articles.")
    problems = check_evidence(suite, articles)
    if problems:
        more = f" ({len(problems) - 1} more like it)" if len(problems) > 1 else ""
        raise ContentError(problems[0] + more)


def _drop_unused(caches: Path) -> None:
    """Delete all but the most recently used of the indexed archives in our own cache folder."""
    with suppress(OSError):  # another process may be doing the same
        made = [path for path in caches.iterdir() if (path / "index").is_dir()]
        for path in sorted(made, key=lambda path: path.stat().st_mtime, reverse=True)[_KEPT_ARCHIVES:]:
            shutil.rmtree(path, ignore_errors=True)
