"""Every call of a model, an embedder or the reader, kept in a file and given back later instead of made again.

One SQLite file: `replies` has what was asked and every part of the reply, or the error it ended with; `vectors`
has each text's vector by the hash of the text, and what was read of a sentence by that of question and sentence. No
key of a server is ever in it: none is part of a call.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, replace
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from qa import errors
from qa.articles import hash_text
from qa.embed import Embedder, embed_checked
from qa.errors import ContentError, ModelError, ModelUnavailable, WorkspaceError
from qa.models import ChatModel, Message, ReplyPart, Usage
from qa.read import Excerpt, Read, Reader

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_SCHEMA = """
CREATE TABLE IF NOT EXISTS replies (
    key TEXT PRIMARY KEY, request TEXT NOT NULL, parts TEXT NOT NULL, error TEXT,
    input_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL, cost_usd REAL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS vectors (
    embedder TEXT NOT NULL, sha256 TEXT NOT NULL, vector BLOB NOT NULL, PRIMARY KEY (embedder, sha256)
) WITHOUT ROWID;
"""
_AT_ONCE = 500  # texts looked up in one query
_SURROGATE = re.compile("[\ud800-\udfff]")  # one alone is no text that a file could hold

Kept = tuple[list[ReplyPart], ModelError | None]  # the parts of a reply, and the error that ended it


class CallLog:
    """The calls of one run. Threads may share it; what was put is safe from the death of the process."""

    def __init__(self, file: Path, *, read_only: bool = False) -> None:
        """Open the file, creating it when missing; `read_only`, it stays as it is to the byte.

        Raises:
            ContentError: it is to be read only, and is missing or no such file; so do the other methods.
            WorkspaceError: it cannot be opened or is no such file; so do the other methods.
        """
        self._file = file
        self._read_only = read_only
        self._lock = Lock()
        self._asking: dict[str, Lock] = {}
        self._used = Usage()
        with self._explained():
            if not read_only:
                file.parent.mkdir(parents=True, exist_ok=True)
            address = f"{file.absolute().as_uri()}?mode={'ro' if read_only else 'rwc'}"
            self._connection = sqlite3.connect(address, uri=True, check_same_thread=False, isolation_level=None)
        try:
            with self._explained():
                self._set_up()
        except BaseException:
            self._connection.close()
            raise

    def close(self) -> None:
        """Close the file; nothing is left beside it, unless another process reads it just now."""
        with self._lock, closing(self._connection), suppress(sqlite3.Error):
            if not self._read_only:
                self._connection.execute("PRAGMA journal_mode = DELETE")

    def usage(self) -> Usage:
        """What the replies took that were put since the log was opened; their cost as far as it is known."""
        with self._lock:
            return self._used

    @contextmanager
    def one_at_a_time(self, key: str) -> Iterator[None]:
        """Let no two threads ask the same: the second waits for the reply that the first will put."""
        with self._lock:
            lock = self._asking.setdefault(key, Lock())
        with lock:
            yield

    def find_reply(self, key: str) -> Kept | None:
        """The reply that was put under a key, or None where this was never asked."""
        rows = self._read("SELECT parts, error FROM replies WHERE key = ?", (key,))
        if not rows:
            return None
        parts = [_parse_part(part) for part in json.loads(rows[0][0])]
        return parts, _parse_error(rows[0][1])

    def put_reply(
        self, key: str, request: dict[str, Any], parts: Sequence[ReplyPart], error: ModelError | None
    ) -> None:
        """Keep a reply, whole or as far as it came."""
        used = next((part.usage for part in reversed(parts) if part.usage), Usage())
        said = json.dumps([_part_dict(part) for part in parts], ensure_ascii=False)
        ended = json.dumps([type(error).__name__, str(error)], ensure_ascii=False) if error else None
        asked = json.dumps(request, ensure_ascii=False)
        row = (key, asked, said, ended, used.input_tokens, used.output_tokens, used.cost_usd)
        self._write("INSERT OR REPLACE INTO replies VALUES (?, ?, ?, ?, ?, ?, ?)", [row])
        with self._lock:
            self._used = _add(self._used, used)

    def find_vectors(self, embedder: str, texts: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """The vectors of those texts that have one."""
        import numpy as np

        hashes = {hash_text(text): text for text in texts}
        found: dict[str, NDArray[np.float32]] = {}
        for at in range(0, len(hashes), _AT_ONCE):
            some = list(hashes)[at : at + _AT_ONCE]
            marks = ",".join("?" * len(some))
            query = f"SELECT sha256, vector FROM vectors WHERE embedder = ? AND sha256 IN ({marks})"
            found |= {hashes[key]: np.frombuffer(raw, dtype="<f4") for key, raw in self._read(query, (embedder, *some))}
        return found

    def put_vectors(self, embedder: str, texts: Sequence[str], vectors: NDArray[np.float32]) -> None:
        """Keep a vector for each text; one that is there already stays."""
        rows = [
            (embedder, hash_text(text), vector.astype("<f4").tobytes())
            for text, vector in zip(texts, vectors, strict=True)
        ]
        self._write("INSERT OR IGNORE INTO vectors VALUES (?, ?, ?)", rows)

    def dimension(self, embedder: str) -> int:
        """The width of the vectors of an embedder; 0 where there is none."""
        rows = self._read("SELECT length(vector) FROM vectors WHERE embedder = ? LIMIT 1", (embedder,))
        return rows[0][0] // 4 if rows else 0

    def _read(self, query: str, values: Sequence[object] = ()) -> list[Any]:
        with self._lock, self._explained():
            return self._connection.execute(query, values).fetchall()

    def _write(self, statement: str, rows: Sequence[Sequence[object]]) -> None:
        with self._lock, self._explained():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                self._connection.executemany(statement, rows)
                self._connection.execute("COMMIT")
            finally:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")

    def _set_up(self) -> None:
        if self._read_only:
            self._connection.execute("SELECT count(*) FROM replies, vectors LIMIT 0")
            return
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.executescript(_SCHEMA)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            kind = ContentError if self._read_only else WorkspaceError
            raise kind(f"{self._file}, which keeps the calls of the run, cannot be used: {error}.") from error


class NeverAsked:
    """Stands in for the model of a run that is replayed: a call that comes to it is none of those recorded."""

    def __init__(self, name: str) -> None:
        self.name = name

    def stream(self, messages: Sequence[Message], *, max_tokens: int) -> Iterator[ReplyPart]:  # noqa: ARG002
        """Raise a `ContentError`."""
        raise ContentError(
            f"No reply of {self.name} is recorded for this call: a prompt or the program has changed since the run."
        )


class RecordedChat:
    """A chat model whose replies are kept. What is in the log is given back; all else is asked of `model`.

    `repeat` is part of what is looked up, so that a second repeat of a case asks again. Without a model nothing is
    asked: a call that is not in the log is an error.
    """

    def __init__(self, name: str, log: CallLog, *, model: ChatModel | None, repeat: int = 1) -> None:
        self.name = name
        self._log = log
        self._model = model or NeverAsked(name)
        self._repeat = repeat

    def stream(self, messages: Sequence[Message], *, max_tokens: int) -> Iterator[ReplyPart]:
        """The parts of the reply, as they come or as they came.

        Raises:
            ModelError: as the model, then or now.
            ContentError: there is no model, and this was never asked.
        """
        request = {
            "model": self.name,
            "messages": [asdict(message) for message in messages],
            "max_tokens": max_tokens,
            "repeat": self._repeat,
        }
        key = hash_text(json.dumps(request, ensure_ascii=False))
        with self._log.one_at_a_time(key):
            parts, error = self._log.find_reply(key) or self._ask(key, request, messages, max_tokens)
        yield from parts
        if error is not None:
            raise error

    def _ask(self, key: str, request: dict[str, Any], messages: Sequence[Message], max_tokens: int) -> Kept:
        """Take the whole reply before any of it is given on, so that what was given is always in the log."""
        parts: list[ReplyPart] = []
        ended: ModelError | None = None
        try:
            for part in self._model.stream(messages, max_tokens=max_tokens):
                parts.append(replace(part, text=_SURROGATE.sub("\ufffd", part.text)))
        except ModelError as error:
            ended = error
        self._log.put_reply(key, request, parts, ended)
        return parts, ended


class RecordedEmbedder:
    """An embedder whose vectors are kept, each text embedded once. Without an embedder, only what is kept is given."""

    def __init__(self, id_: str, dimension: int, log: CallLog, *, embedder: Embedder | None) -> None:
        self.id = id_
        self.dimension = dimension
        self._log = log
        self._embedder = embedder

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """L2-normalised vectors in the order of `texts`, shape (len(texts), dimension).

        Raises:
            EmbeddingError: as the embedder.
            ContentError: there is no embedder, and a text has no vector here.
        """
        import numpy as np

        known = self._log.find_vectors(self.id, texts)
        missing = list(dict.fromkeys(text for text in texts if text not in known))
        if missing:
            if self._embedder is None:
                raise ContentError(
                    f"No vector is recorded for {len(missing)} of {len(texts)} texts:"
                    " the articles or the program have changed since the run."
                )
            made = embed_checked(self._embedder, missing)
            self._log.put_vectors(self.id, missing, made)
            known |= self._log.find_vectors(self.id, missing)  # of two threads at one text, the first one's
        if not texts:
            return np.empty((0, self.dimension), dtype=np.float32)
        return np.stack([known[text] for text in texts])


class RecordedReader:
    """A reader whose readings are kept, each made once. Without a reader, only what is kept is given."""

    def __init__(self, id_: str, log: CallLog, *, reader: Reader | None) -> None:
        self.id = id_
        self._log = log
        self._reader = reader

    def read(self, question: str, excerpts: Sequence[Excerpt]) -> list[Read]:
        """Each excerpt read for the question, in their order.

        Raises:
            LocalModelError: as the reader.
            ContentError: there is no reader, and an excerpt was never read.
        """
        import numpy as np

        of_key = {json.dumps([question, *asdict(excerpt).values()]): excerpt for excerpt in excerpts}
        known = self._log.find_vectors(self.id, list(of_key))
        missing = [key for key in of_key if key not in known]
        if missing:
            if self._reader is None:
                raise ContentError(
                    f"No reading is recorded of {len(missing)} of {len(of_key)} sentences:"
                    " the articles or the program have changed since the run."
                )
            made = self._reader.read(question, [of_key[key] for key in missing])
            rows = [[read.logit, *(read.span or (-1, -1))] for read in made]
            self._log.put_vectors(self.id, missing, np.array(rows, dtype=np.float32))
            known |= self._log.find_vectors(self.id, missing)
        return [_parse_reading(known[key]) for key in (json.dumps([question, *asdict(e).values()]) for e in excerpts)]


def _parse_reading(row: NDArray[np.float32]) -> Read:
    start, end = int(row[1]), int(row[2])
    return Read(float(row[0]), (start, end) if end > 0 else None)


def _add(a: Usage, b: Usage) -> Usage:
    costs = [usage.cost_usd for usage in (a, b) if usage.cost_usd is not None]
    return Usage(a.input_tokens + b.input_tokens, a.output_tokens + b.output_tokens, sum(costs) if costs else None)


def _part_dict(part: ReplyPart) -> dict[str, Any]:
    return {name: value for name, value in asdict(part).items() if value not in ("", None)}


def _parse_part(entry: dict[str, Any]) -> ReplyPart:
    usage = entry.get("usage")
    return ReplyPart(entry.get("text", ""), Usage(**usage) if usage else None, entry.get("finish_reason"))


def _parse_error(text: str | None) -> ModelError | None:
    if text is None:
        return None
    name, message = json.loads(text)
    kind = getattr(errors, name, None)
    if isinstance(kind, type) and issubclass(kind, ModelError):
        return kind(message)
    return ModelUnavailable(message)  # of a kind that the host program made
