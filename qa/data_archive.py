"""Data of others, imported and indexed once, and kept in the user's cache for the next time.

    <cache>/data/<name>-<key of data, form and embedder>/
        vectors.sqlite     each vector by the hash of its text (`qa.replay`): no change of the program makes it anew
        <key of recipe and code>/   gold.jsonl   index/   pipeline.sqlite   READY

The second key follows from the recipe, the schema of the catalog, and the modules that decide how articles are read,
cut and indexed. Where one of these has changed, articles are read and indexed anew, from the vectors that are kept.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from qa.archive import Archive
from qa.articles import hash_text
from qa.data_suite import DataSuite
from qa.embed import Embedder, open_embedder
from qa.errors import StoreError, WorkspaceError
from qa.gold import Case, read_gold
from qa.gold_import import import_gold
from qa.hashing import hash_file, hash_files
from qa.pipeline import Pipeline, open_pipeline
from qa.replay import CallLog, RecordedEmbedder
from qa.schema import SCHEMA_VERSION
from qa.settings import Settings, load_recipe
from qa.suite_archive import SuiteWorkspace
from qa.sync import OnProgress
from qa.workspace import Workspace

_log = logging.getLogger("qa")

_MAX_BYTES = 4 * 2**30  # of all data that is kept: the least recently used beyond it is deleted
_KEPT_VERSIONS = 2  # of one data set: two states of the program may be compared in turns
_VECTORS, _GOLD, _PIPELINE, _READY = "vectors.sqlite", "gold.jsonl", "pipeline.sqlite", "READY"
DECIDING = (
    "articles", "catalog", "copies", "copy_groups", "database", "exact", "formats", "gold", "gold_forms", "gold_import",
    "keywords", "pipeline", "records", "schema", "sources", "split", "store", "sync", "text", "tokens", "vectors",
)  # fmt: skip
"""The modules that decide what is indexed and how."""


@dataclass(frozen=True)
class DataArchive:
    """A data set, ready to be searched: its cases, its articles indexed as the product does, and as usual."""

    data_sha256: str
    cases: tuple[Case, ...]
    archive: Archive
    pipeline: Pipeline


@contextmanager
def open_data(
    suite: DataSuite,
    data: Path,
    workspace: Workspace,
    *,
    settings: Settings,
    embedder: Embedder | None = None,
    on_progress: OnProgress | None = None,
) -> Iterator[DataArchive]:
    """The data set of a suite, with the recipe of `workspace`; in a temporary folder where nothing can be kept.

    Raises:
        ContentError: the data is not of the suite's form, or holds no article or no question.
        WorkspaceError: another process is indexing it.
    """
    from platformdirs import user_cache_path

    embedder = embedder or open_embedder(load_recipe(workspace.content("index/recipe.toml")).embedder)
    sha256 = hash_files(data)
    key = hash_text(json.dumps([sha256, suite.form, embedder.id]))[:16]
    with ExitStack() as stack:
        place = user_cache_path("onrecord", appauthor=False) / "data" / f"{suite.name}-{key}"
        try:
            place.mkdir(parents=True, exist_ok=True)
            os.utime(place)
        except OSError as error:
            _log.info("Indexing %s in a temporary folder: %s", data, error)
            place = Path(stack.enter_context(TemporaryDirectory(prefix="onrecord-"))) / "data"
        keeper = _Keeper(suite, data, workspace, settings, embedder, place)
        root = keeper.prepare(on_progress)
        archive = stack.enter_context(keeper.open_archive(root, embedder))
        pipeline = open_pipeline(root / _PIPELINE, embedder)
        stack.callback(pipeline.catalog.close)
        yield DataArchive(sha256, read_gold(root / _GOLD), archive, pipeline)


def keep_within(folder: Path, max_bytes: int = _MAX_BYTES) -> None:
    """Delete the least recently used sub-folders until the rest takes at most so many bytes; the last used stays."""
    with suppress(OSError):  # another process may be doing the same
        kept = sorted((path for path in folder.iterdir() if path.is_dir()), key=_used, reverse=True)
        total = 0
        for n, path in enumerate(kept):
            total += sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
            if n and total > max_bytes:
                shutil.rmtree(path, ignore_errors=True)


@dataclass(frozen=True)
class _Keeper:
    """One data set in its folder."""

    suite: DataSuite
    data: Path
    workspace: Workspace
    settings: Settings
    embedder: Embedder
    place: Path

    def prepare(self, on_progress: OnProgress | None) -> Path:
        """The folder in which the data is indexed by this version of the program, filled where it was not."""
        from filelock import FileLock, Timeout

        root = self.place / self._key()
        if (root / _READY).is_file():
            os.utime(root)
            return root
        root.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(self.place / ".lock", timeout=0):
                self._fill(root, on_progress)
        except Timeout as error:
            raise WorkspaceError(f"Another process is indexing {self.data}. Try again when it is done.") from error
        self._drop_unused(root)
        return root

    def open_archive(self, root: Path, embedder: Embedder) -> Archive:
        """The archive that is kept in a folder; neither a reader nor a model takes part."""
        place = SuiteWorkspace(root, "named", self.workspace)
        return Archive(place, self.settings, embedder=embedder, reader=False, model=False)

    def _key(self) -> str:
        recipe = asdict(load_recipe(self.workspace.content("index/recipe.toml")))
        code = {name: hash_file(Path(__file__).with_name(f"{name}.py")) for name in DECIDING}
        return hash_text(json.dumps([recipe, SCHEMA_VERSION, code], sort_keys=True))[:16]

    def _fill(self, root: Path, on_progress: OnProgress | None) -> None:
        try:
            self._index(root, on_progress)
        except StoreError as error:  # left damaged by a process that died: what cost time is kept beside it
            _log.info("Indexing %s anew: %s", self.data, error)
            shutil.rmtree(root)
            root.mkdir()
            self._index(root, on_progress)
        (root / _READY).touch()

    def _index(self, root: Path, on_progress: OnProgress | None) -> None:
        if not (root / _GOLD).is_file():
            self._import(root)
        with closing(CallLog(self.place / _VECTORS)) as log:
            kept = RecordedEmbedder(self.embedder.id, self.embedder.dimension, log, embedder=self.embedder)
            with self.open_archive(root, kept) as archive:
                for source, reason in archive.sync(on_progress=on_progress).skipped:
                    _log.warning("%s is not searched: %s", source, reason)
                pipeline = open_pipeline(root / _PIPELINE, kept, writable=True)
                with closing(pipeline.catalog):
                    pipeline.fill(archive.articles(), on_progress)

    def _import(self, root: Path) -> None:
        with TemporaryDirectory(dir=root, prefix=".import-") as folder:
            made = import_gold(self.suite.form, self.data, Path(folder), name=self.suite.name)
            articles = root / "index" / "articles"
            articles.mkdir(parents=True, exist_ok=True)
            (Path(folder) / "articles.jsonl").replace(articles / "articles.jsonl")
            (Path(folder) / "gold.jsonl").replace(root / _GOLD)  # last: then all is there
        if made.skipped:
            _log.warning(
                "%d things of %s are passed over, the first: %s: %s", len(made.skipped), self.data, *made.skipped[0]
            )

    def _drop_unused(self, root: Path) -> None:
        with suppress(OSError):
            versions = sorted((path for path in self.place.iterdir() if path.is_dir()), key=_used, reverse=True)
            for path in [path for path in versions if path != root][_KEPT_VERSIONS - 1 :]:
                shutil.rmtree(path, ignore_errors=True)
        keep_within(self.place.parent)


def _used(path: Path) -> float:
    return path.stat().st_mtime
