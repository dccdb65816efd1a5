"""An archive's SQLite file: a connection for each thread, and its errors as ours."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from qa.errors import ArchiveReadOnly, StoreError
from qa.schema import connect


class Database:
    """One SQLite file, safe to share between threads: each has a connection of its own."""

    def __init__(self, path: Path, *, writable: bool) -> None:
        """Nothing is opened before it is needed."""
        self.path = path
        self.writable = writable
        self._local = threading.local()
        self._open: list[tuple[threading.Thread, sqlite3.Connection]] = []
        self._lock = threading.Lock()

    def close(self) -> None:
        """Close every thread's connection; the last writer's folds the log into the file."""
        with self._lock:
            for _, connection in self._open:
                connection.close()
            self._open.clear()
            self._local = threading.local()

    def query(self, sql: str, values: Sequence[object] = ()) -> list[tuple]:  # type: ignore[type-arg]
        """The rows of a statement, also about a table that another module keeps (`qa.copy_groups`).

        Raises:
            StoreError: SQLite refused.
        """
        try:
            return self.connection().execute(sql, values).fetchall()
        except sqlite3.Error as error:
            raise self.wrap(error) from error

    def rows(self, sql: str, values: Sequence[object]) -> Iterator[tuple]:  # type: ignore[type-arg]
        """As `query`, one row at a time."""
        try:
            yield from self.connection().execute(sql, values)
        except sqlite3.Error as error:
            raise self.wrap(error) from error

    def connection(self) -> sqlite3.Connection:
        """The connection of the calling thread.

        Raises:
            StoreError: the file cannot be opened.
        """
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            try:
                connection = connect(self.path, writable=self.writable)
            except sqlite3.Error as error:
                raise self.wrap(error) from error
            with self._lock:
                self._close_abandoned()
                self._open.append((threading.current_thread(), connection))
            self._local.connection = connection
        return connection

    def _close_abandoned(self) -> None:
        """Close the connections of threads that have ended: a server may make one for each request."""
        for thread, connection in self._open:
            if not thread.is_alive():
                connection.close()
        self._open = [pair for pair in self._open if pair[0].is_alive()]

    def wrap(self, error: sqlite3.Error) -> StoreError | ArchiveReadOnly:
        """What an error of SQLite means for the archive."""
        message = str(error)
        if "readonly" in message or ("unable to open" in message and self.writable):
            return ArchiveReadOnly(f"The archive {self.path} may not be written ({message}). Check its permissions.")
        return StoreError(f"SQLite failed on {self.path}: {message}. What is committed is kept; try again.")
