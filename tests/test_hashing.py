from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from qa.errors import ContentError
from qa.hashing import hash_file, hash_files, list_files


def test_a_hash_of_files_follows_names_and_contents_but_not_hidden_files(tmp_path: Path) -> None:
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "a/b/c.md").write_text("one")
    hashes = [hash_files(tmp_path / "a")]
    (tmp_path / "a/b/c.md").write_text("two")
    hashes.append(hash_files(tmp_path / "a"))
    (tmp_path / "a/b/c.md").rename(tmp_path / "a/c.md")
    hashes.append(hash_files(tmp_path / "a"))
    assert len(set(hashes)) == 3
    (tmp_path / "a/.git").mkdir()
    (tmp_path / "a/.git/x").write_text("three")
    (tmp_path / "a/.d.md").write_text("four")
    assert hash_files(tmp_path / "a") == hashes[-1]
    (tmp_path / "a").rename(tmp_path / "z")
    assert hash_files(tmp_path / "z") == hashes[-1]
    assert hash_files(tmp_path / "z/c.md") == hashes[-1]  # a file counts as a folder with that file alone
    assert hash_files(tmp_path / "z", "*.py") != hashes[-1]


def test_the_hash_of_one_file_is_that_of_its_bytes(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"\xff\x00")
    assert hash_file(tmp_path / "a") == hashlib.sha256(b"\xff\x00").hexdigest()


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ContentError, match=r"gone\.md cannot be read: No such file"):
        hash_file(tmp_path / "gone.md")


def test_files_are_listed_by_name_with_slashes_and_without_folders_or_links_to_nothing(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    for name in ("b/a.md", "a.md", ".hidden"):
        (tmp_path / name).touch()
    (tmp_path / "gone.md").symlink_to("nowhere.md")
    assert list_files(tmp_path) == [("a.md", tmp_path / "a.md"), ("b/a.md", tmp_path / "b/a.md")]
    assert list_files(tmp_path / "b/a.md") == [("a.md", tmp_path / "b/a.md")]
