"""A hash of files: the same names and contents give the same, wherever the folder lies."""

from __future__ import annotations

import hashlib
from pathlib import Path

from qa.errors import ContentError


def hash_file(file: Path) -> str:
    """A SHA-256 of a file's contents, in hexadecimal.

    Raises:
        ContentError: it cannot be read.
    """
    try:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise ContentError(f"{file} cannot be read: {error.strerror}.") from error


def hash_files(path: Path, pattern: str = "*") -> str:
    """A SHA-256 of the names and contents of a folder's files, hidden ones left out, or of one file.

    Raises:
        ContentError: a file cannot be read.
    """
    whole = hashlib.sha256()
    for name, file in list_files(path, pattern):
        whole.update(f"{hash_file(file)} {name}\n".encode("utf-8", "surrogateescape"))
    return whole.hexdigest()


def list_files(path: Path, pattern: str = "*") -> list[tuple[str, Path]]:
    """(name, file) of each file of a folder that is not hidden, by name, or of the one file."""
    if path.is_file():
        return [(path.name, path)]
    found = sorted((file.relative_to(path), file) for file in path.rglob(pattern) if file.is_file())
    return [(name.as_posix(), file) for name, file in found if not any(part.startswith(".") for part in name.parts)]
