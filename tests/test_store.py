from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from qa.errors import ArchiveBusy, ArchiveReadOnly, StoreError
from qa.store import Current, Store

HOLD = """
import sys
from pathlib import Path
from qa.store import Store
with Store(Path(sys.argv[1])).writing():
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def make_generation(store: Store, index: str) -> str:
    name = store.new_generation(index)
    folder = store.generation(index, name)
    folder.mkdir(parents=True)
    (folder / "data").write_text(name)
    return name


# the pointer


def test_nothing_is_in_use_before_anything_is_built(store):
    assert store.current() == Current(None, None)
    assert not store.exists()
    assert not store.folder.exists()


def test_a_store_exists_once_it_has_a_catalog(store):
    store.folder.mkdir()
    assert not store.exists()
    store.catalog.touch()
    assert store.exists()


def test_generations_are_numbered_upwards_whatever_else_lies_there(store):
    assert store.new_generation("keywords") == "000001"
    for name in ("000001", "000009", "notes", "12x"):
        store.generation("keywords", name).mkdir(parents=True)
    assert store.new_generation("keywords") == "000010"
    assert store.new_generation("vectors") == "000001"


def test_a_switch_changes_one_index_and_deletes_its_other_generations(store):
    store.switch("keywords", make_generation(store, "keywords"))
    first, second = make_generation(store, "vectors"), make_generation(store, "vectors")
    store.switch("vectors", second)
    assert store.current() == Current(keywords="000001", vectors=second)
    assert not store.generation("vectors", first).exists()
    assert (store.generation("vectors", second) / "data").read_text() == second
    assert store.generation("keywords", "000001").exists()


def test_the_pointer_is_replaced_as_a_whole(store):
    """Another thread that reads all the while never finds it missing, half written or pointing nowhere."""
    store.switch("keywords", make_generation(store, "keywords"))
    seen: list[str] = []
    problems: list[Exception] = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            try:
                seen.append(str(store.current().keywords))
            except StoreError as error:
                problems.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(50):
        store.switch("keywords", make_generation(store, "keywords"))
    done.set()
    reader.join()
    assert problems == []
    assert seen == sorted(seen)
    assert "None" not in seen


def test_the_pointer_is_one_line_and_nothing_else_is_left(store):
    store.switch("vectors", make_generation(store, "vectors"))
    assert json.loads((store.folder / "CURRENT").read_text()) == {"keywords": None, "vectors": "000001"}
    assert sorted(path.name for path in store.folder.iterdir()) == ["CURRENT", "vectors"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"000001"',
        b'{"other": "000001"}',
        b'{"keywords": 1}',
        b'{"keywords": "../000001"}',
        b'{"vectors": ""}',
        b"\xff\xfe",
    ],
)
def test_a_damaged_pointer_says_which_file_to_delete(store, content):
    store.folder.mkdir()
    (store.folder / "CURRENT").write_bytes(content)
    with pytest.raises(StoreError, match=r"CURRENT is damaged \(.*\)\. Delete this file; qa sync makes it again\."):
        store.current()


# the lock


def hold(store: Store) -> subprocess.Popen[str]:
    """Another process that holds the lock until its input ends."""
    command = [sys.executable, "-c", HOLD, str(store.folder)]
    holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert holder.stdout.readline() == "held\n"
    return holder


def enter(store: Store) -> None:
    with store.writing():
        pass


def test_a_second_writer_is_told_who_is_writing(store):
    with hold(store) as holder:
        with pytest.raises(ArchiveBusy, match=rf"Another process \(pid {holder.pid}\) is writing to .*store"):
            enter(store)
        holder.stdin.close()
        assert holder.wait() == 0
    enter(store)


def test_the_lock_of_a_killed_writer_is_free_at_once(store):
    with hold(store) as holder:
        os.kill(holder.pid, signal.SIGKILL)
        holder.wait()
        enter(store)


def test_two_writers_of_one_process_exclude_each_other_too(store):
    with store.writing(), pytest.raises(ArchiveBusy, match=f"pid {os.getpid()}"):
        enter(store)


def test_a_holder_whose_name_is_not_known_is_still_a_holder(store):
    with store.writing():
        (store.folder / "writer.pid").write_text("?")
        with pytest.raises(ArchiveBusy, match="pid unknown"):
            enter(store)


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_a_writer_that_fails_leaves_no_lock_and_no_name(store, error):
    with pytest.raises(error), store.writing():
        raise error
    assert not (store.folder / "writer.pid").exists()
    enter(store)


def test_a_store_that_cannot_be_made_says_so(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="could not be written"):
        enter(Store(tmp_path / "file" / "store"))


def test_a_store_that_may_not_be_written_says_so(public_folder, read_only):
    with read_only(public_folder), pytest.raises(ArchiveReadOnly, match="may not be written"):
        enter(Store(public_folder / "store"))
