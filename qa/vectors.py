"""The generations of the vector index: files for exact search and, beside them, Chroma's. None is the only copy."""

from __future__ import annotations

import json
import logging
import math
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qa.articles import Filters
from qa.errors import StoreError
from qa.exact import EXACT_FOLDER, ScoredId, open_exact, write_exact
from qa.schema import VectorRows

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_log = logging.getLogger("qa")

_COLLECTION = "passages"
_BATCH = 5_000  # Chroma 1.5.9: at most 5,461 rows an upsert and 5,000 ids a get
_MANIFEST = "manifest.json"
_PASSING = {_MANIFEST, *(f"chroma.sqlite3-{ending}" for ending in ("journal", "wal", "shm"))}
_REMEDY = "Nothing of the archive is lost; make it again with: qa sync"
_FORMAT = 2  # 1 had no files for exact search
_EF_SEARCH = 1_600
_MOST_FETCHED = 800  # of Chroma at once: half of ef_search, beyond which it finds too few of the nearest
_SPARE = 1.5  # times as many are fetched as would do if what the filters admit stood evenly among the nearest


@dataclass(frozen=True, slots=True)
class _Manifest:
    """What a finished generation holds and was built for; `files` are sizes in bytes."""

    format: int
    embedder: str
    revision: int
    passages: int
    files: dict[str, int]


class VectorIndex:
    """One generation: a folder with the files for exact search, Chroma's collection, and the manifest.

    A generation is written once, by `build_index`, verified, and only read afterwards.
    """

    def __init__(self, folder: Path, *, exact_below: int = 0) -> None:
        """Open a finished generation; up to `exact_below` admitted passages every vector is compared.

        Raises:
            StoreError: it is unfinished, damaged, or names an embedding function of its own.
        """
        self.folder = folder
        self._exact_below = exact_below
        _read_manifest(folder)
        self._exact = open_exact(folder)
        self._client = self._collection = None
        if len(self._exact) > exact_below:
            self._client = _open_client(folder)
            self._collection = _open_collection(self._client, folder)

    def __len__(self) -> int:
        return len(self._exact)

    @property
    def compares_all(self) -> bool:
        """Whether every vector is compared, whatever the filters."""
        return self._collection is None

    def search(self, query: NDArray[np.float32], *, limit: int, filters: Filters) -> list[ScoredId]:
        """Passage ids with their cosine similarity, best first; ties by id.

        Approximate (HNSW) where more than `exact_below` passages are admitted. Chroma's own filters cost more than
        the comparison of every vector, so it is asked for more than `limit` and what the filters admit is kept; where
        that would be too many, or too few are left, every admitted vector is compared.

        Raises:
            StoreError: Chroma failed.
        """
        total, admitted = len(self._exact), self._exact.count_admitted(filters)
        if self._collection is not None and admitted > self._exact_below:
            fetched = min(total, limit if admitted == total else math.ceil(limit * _SPARE * total / admitted))
            if fetched <= _MOST_FETCHED:
                near = self._exact.find_admitted(self._find_nearest(query, fetched), filters)
                if len(near) >= min(limit, admitted):
                    return self._exact.rank(near, query)[:limit]
        return self._exact.search(query, limit=limit, filters=filters)

    def _find_nearest(self, query: NDArray[np.float32], limit: int) -> list[str]:
        assert self._collection is not None
        with _wrapped(self.folder):
            found = self._collection.query(query_embeddings=[query.tolist()], n_results=limit, include=[])
        return [str(id_) for id_ in found["ids"][0]]

    def close(self) -> None:
        """Release the files."""
        if self._client is not None:
            self._client.close()
            _scrub(self.folder)


def build_index(folder: Path, rows: VectorRows, *, embedder: str, revision: int, previous: Path | None = None) -> None:
    """Make a generation that holds exactly `rows`, verify it, and write its manifest last.

    With `previous`, a finished generation of the same embedder, Chroma's files are copied and only the
    difference is written; a copy that cannot be used is built anew instead. The files for exact search
    are always written anew.

    Raises:
        StoreError: Chroma failed, or the result does not hold what it must.
    """
    if previous is not None:
        try:
            _update_copy(folder, rows, previous)
        except (StoreError, OSError) as error:
            _log.warning("The vector index is built anew: %s", error)
            shutil.rmtree(folder, ignore_errors=True)
            previous = None
    if previous is None:
        folder.mkdir(parents=True, exist_ok=True)
        _write_rows(folder, rows, range(len(rows.ids)), removed=())
    write_exact(folder, rows)
    _verify(folder, rows)
    _scrub(folder)
    manifest = _Manifest(
        format=_FORMAT, embedder=embedder, revision=revision, passages=len(rows.ids), files=_file_sizes(folder)
    )
    (folder / _MANIFEST).write_text(json.dumps(asdict(manifest)) + "\n", encoding="utf-8")


def read_state(folder: Path) -> tuple[str, int] | None:
    """(embedder id, catalog revision) that a generation was built for, or None when it is unfinished or damaged."""
    try:
        manifest = _read_manifest(folder)
    except StoreError:
        return None
    return manifest.embedder, manifest.revision


def _update_copy(folder: Path, rows: VectorRows, previous: Path) -> None:
    held = _held_ids(previous)
    shutil.copytree(previous, folder, ignore=shutil.ignore_patterns(_MANIFEST, EXACT_FOLDER))
    wanted = set(rows.ids)
    fresh = [i for i, id_ in enumerate(rows.ids) if id_ not in held]
    _write_rows(folder, rows, fresh, removed=sorted(held - wanted))


def _write_rows(folder: Path, rows: VectorRows, places: Sequence[int], *, removed: Sequence[str]) -> None:
    client = _open_client(folder)
    try:
        with _wrapped(folder):
            collection = client.get_or_create_collection(
                _COLLECTION,
                embedding_function=None,
                configuration={"hnsw": {"space": "cosine", "ef_search": _EF_SEARCH}},
            )
            for batch in _batches(removed):
                collection.delete(ids=list(batch))
            for chunk in _batches(places):
                collection.upsert(
                    ids=[rows.ids[i] for i in chunk],
                    embeddings=rows.matrix[list(chunk)],
                )
    finally:
        client.close()


def _verify(folder: Path, rows: VectorRows) -> None:
    """Open the generation afresh and ask for as many vectors as it must hold, and for one of them."""
    client = _open_client(folder)
    try:
        collection = _open_collection(client, folder)
        with _wrapped(folder):
            count = collection.count()
            found = collection.query(query_embeddings=rows.matrix[:1], n_results=1, include=[]) if count else None
    finally:
        client.close()
    if count != len(rows.ids) or (found is not None and not found["ids"][0]):
        raise StoreError(f"The vector index {folder} holds {count} of {len(rows.ids)} passages. {_REMEDY}")


def _scrub(folder: Path) -> None:
    """Delete the index files of a collection that Chroma has not saved yet, which it does from 1,000 vectors on.

    They hold no vector, but 100 places of whatever was in this process's memory before: an article that
    is to be forgotten, a key. Chroma makes them again when it opens the collection.
    """
    for path in folder.glob("*/data_level0.bin"):
        if not (path.parent / "index_metadata.pickle").exists():
            shutil.rmtree(path.parent, ignore_errors=True)


def _held_ids(folder: Path) -> set[str]:
    client = _open_client(folder)
    try:
        collection = _open_collection(client, folder)
        with _wrapped(folder):
            total = collection.count()
            pages = [collection.get(limit=_BATCH, offset=at, include=[])["ids"] for at in range(0, total, _BATCH)]
    finally:
        client.close()
    return {id_ for page in pages for id_ in page}


def _read_manifest(folder: Path) -> _Manifest:
    """Read the manifest of a finished generation and check that its files are all there.

    Chroma opens a collection some of whose files are lost, and finds next to nothing in it.
    """
    try:
        manifest = _Manifest(**json.loads((folder / _MANIFEST).read_text(encoding="utf-8")))
        if manifest.format != _FORMAT:
            raise ValueError(f"it is of format {manifest.format}")
        lost = [name for name, size in manifest.files.items() if _file_size(folder / name) < size]
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise StoreError(f"The vector index {folder} is not finished or not readable: {error}. {_REMEDY}") from error
    if lost:
        raise StoreError(f"The vector index {folder} is damaged: {lost[0]} is missing or too short. {_REMEDY}")
    return manifest


def _file_size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else -1


def _file_sizes(folder: Path) -> dict[str, int]:
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.name not in _PASSING]
    return {path.relative_to(folder).as_posix(): path.stat().st_size for path in files}


def _open_client(folder: Path) -> Any:  # noqa: ANN401  chromadb's client is built from settings
    with _wrapped(folder):
        import chromadb
        from chromadb.config import Settings

        # Every value is given: what is left out Chroma reads from the environment (CHROMA_API_IMPL, …) and from
        # `.env` of the current folder, and it would report usage.
        defaults = {name: field.get_default() for name, field in Settings.model_fields.items()}
        own = {"anonymized_telemetry": False, "is_persistent": True, "persist_directory": str(folder)}
        settings = Settings(**(defaults | own | {"_env_file": None}))
        return chromadb.PersistentClient(path=str(folder), settings=settings)


def _open_collection(client: Any, folder: Path) -> Any:  # noqa: ANN401  as above
    with _wrapped(folder):
        collection = client.get_collection(_COLLECTION, embedding_function=None)
    # Not `configuration`, which builds the function it names, with the stored arguments; "legacy" means none.
    stored = collection.configuration_json.get("embedding_function") or {}
    if stored.get("type") not in (None, "legacy"):
        raise StoreError(f"The vector index {folder} names an embedding function of its own and is refused. {_REMEDY}")
    return collection


def _batches(items: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for at in range(0, len(items), _BATCH):
        yield items[at : at + _BATCH]


class _wrapped:  # noqa: N801  used as a `with` word
    """Chroma's errors are of five unrelated types: here they all become StoreError."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, Exception) and not isinstance(error, StoreError):
            reason = str(error).split("\n")[0] or type(error).__name__
            raise StoreError(f"Chroma failed on {self._folder}: {reason}. {_REMEDY}") from error
