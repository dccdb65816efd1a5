"""The folder of built data: the catalog, the generations of the derived indexes, the pointer, the writer's lock.

    catalog.sqlite   keywords/<generation>/   vectors/<generation>/   CURRENT   writer.lock

`CURRENT` is one line of JSON that names the generation of each index in use. It is replaced
atomically, after the new generation is finished; a reader looks at it before each question.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from qa.errors import ArchiveBusy, ArchiveReadOnly, StoreError


@dataclass(frozen=True, slots=True)
class Current:
    """The generations in use, by folder name; None where an index has not been built yet."""

    keywords: str | None = None
    vectors: str | None = None


@dataclass(frozen=True, slots=True)
class Store:
    """The paths below one store folder, and what is done to them as a whole."""

    folder: Path

    @property
    def catalog(self) -> Path:
        """The SQLite file."""
        return self.folder / "catalog.sqlite"

    def exists(self) -> bool:
        """Whether anything has been stored here."""
        return self.catalog.is_file()

    def current(self) -> Current:
        """The generations in use.

        Raises:
            StoreError: the pointer is damaged.
        """
        try:
            current = Current(**json.loads((self.folder / "CURRENT").read_text(encoding="utf-8")))
            for name in (current.keywords, current.vectors):
                if name is not None and not (isinstance(name, str) and name.isdigit()):
                    raise ValueError(f"no generation can be named {name!r}")
            return current
        except FileNotFoundError:
            return Current()
        except (OSError, ValueError, TypeError) as error:
            raise StoreError(
                f"{self.folder / 'CURRENT'} is damaged ({error}). Delete this file; qa sync makes it again."
            ) from error

    def generation(self, index: str, name: str) -> Path:
        """The folder of a generation; `index` is `keywords` or `vectors`."""
        return self.folder / index / name

    def new_generation(self, index: str) -> str:
        """A name that no generation of this index has, later in order than all of them."""
        present = [int(path.name) for path in (self.folder / index).glob("*") if path.name.isdigit()]
        return f"{max(present, default=0) + 1:06d}"

    def switch(self, index: str, name: str) -> None:
        """Make a finished generation the one in use, then delete the others of that index."""
        line = json.dumps(asdict(replace(self.current(), **{index: name})))
        target = self.folder / "CURRENT"
        temporary = self.folder / "CURRENT.new"
        with temporary.open("w", encoding="utf-8") as file:
            file.write(line + "\n")
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
        self.drop_unused(index)

    def drop_unused(self, index: str) -> None:
        """Delete every generation of an index but the one in use; a file still held open elsewhere stays for later."""
        in_use = getattr(self.current(), index)
        for path in (self.folder / index).glob("*"):
            if path.name != in_use:
                shutil.rmtree(path, ignore_errors=True)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the lock that only one writer at a time may have; it dies with its holder.

        Raises:
            ArchiveBusy: another process is writing.
            ArchiveReadOnly: the folder may not be written.
        """
        from filelock import FileLock, Timeout

        holder = self.folder / "writer.pid"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with FileLock(self.folder / "writer.lock", timeout=0):
                holder.write_text(f"{os.getpid()}\n", encoding="utf-8")
                try:
                    yield
                finally:
                    holder.unlink(missing_ok=True)
        except Timeout as error:
            raise ArchiveBusy(
                f"Another process ({_read_holder(holder)}) is writing to {self.folder}. Try again when it is done."
            ) from error
        except PermissionError as error:
            raise ArchiveReadOnly(
                f"{self.folder} may not be written ({error.strerror}). Check its permissions."
            ) from error
        except OSError as error:
            if error.errno in _READ_ONLY:
                raise ArchiveReadOnly(f"{self.folder} may not be written ({error.strerror}).") from error
            raise StoreError(f"{self.folder} could not be written: {error}.") from error


_READ_ONLY = {13, 1, 30}  # EACCES, EPERM, EROFS


def _read_holder(path: Path) -> str:
    try:
        return f"pid {int(path.read_text(encoding='utf-8'))}"
    except (OSError, ValueError):
        return "pid unknown"
