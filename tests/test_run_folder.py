from __future__ import annotations

import json
import multiprocessing
import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from threading import Thread
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from run_maker import make_abstention, make_many, make_record, make_run, make_wrong

from qa.errors import ContentError, WorkspaceError
from qa.measures import SCORES
from qa.run_folder import (
    _RECORD_TYPES,
    Record,
    find_run,
    key_of,
    list_runs,
    open_run,
    read_manifest,
    read_records,
    reports_folder,
    write_file,
)
from qa.workspace import Workspace

MANIFEST = {"suite": "small", "system": "full", "model": None, "started": "2022-07-05T12:30:00+00:00"}
RECORDS = [make_record(), make_wrong(repeat=2), make_abstention(repeat=3)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a run with three records."""
    with open_run(tmp_path / "run") as writer:
        writer.write_manifest(MANIFEST)
        for record in RECORDS:
            writer.append(record)
    return tmp_path / "run"


# written and read


def test_what_was_written_is_read_again(folder: Path) -> None:
    assert read_manifest(folder) == MANIFEST
    assert list(read_records(folder)) == RECORDS
    assert sorted(path.name for path in folder.iterdir()) == ["records.jsonl", "run.json"]


@given(st.text(st.characters(exclude_categories=["Cs"])), st.floats(allow_nan=False, allow_infinity=False))
def test_any_text_and_any_number_come_back_as_they_were(
    tmp_path_factory: pytest.TempPathFactory, text: str, number: float
) -> None:
    folder = tmp_path_factory.mktemp("run")
    record = make_record(asked=text, seconds={"total": number})
    with open_run(folder) as writer:
        writer.append(record)
    assert read_records(folder) == (record,)


def test_a_record_is_on_the_disk_as_soon_as_it_is_appended(tmp_path: Path) -> None:
    with open_run(tmp_path) as writer:
        for n, record in enumerate(RECORDS, start=1):
            writer.append(record)
            assert list(read_records(tmp_path)) == RECORDS[:n]


def test_records_of_many_threads_are_all_kept(tmp_path: Path) -> None:
    with open_run(tmp_path) as writer:
        threads = [Thread(target=writer.append, args=(make_record(repeat=n),)) for n in range(1, 33)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        writer.put_in_order({("c-001", n): n for n in range(1, 33)})
    assert [key_of(record) for record in read_records(tmp_path)] == [("c-001", n) for n in range(1, 33)]


def test_records_are_put_in_the_order_of_the_cases(folder: Path) -> None:
    with open_run(folder) as writer:
        assert writer.done == RECORDS
        writer.put_in_order({key_of(record): -place for place, record in enumerate(RECORDS)})
    assert list(read_records(folder)) == RECORDS[::-1]


def test_the_keys_that_a_record_must_have_are_those_of_its_type() -> None:
    assert list(_RECORD_TYPES) == list(Record.__annotations__)


# cut and damaged


def test_a_last_line_that_was_cut_anywhere_is_dropped(folder: Path) -> None:
    raw = (folder / "records.jsonl").read_bytes()
    last = raw.rfind(b"\n", 0, -1) + 1
    for end in range(last, len(raw), 7):
        (folder / "records.jsonl").write_bytes(raw[:end])
        assert list(read_records(folder)) == RECORDS[:2]
        with open_run(folder) as writer:
            assert writer.done == RECORDS[:2]
            assert (folder / "records.jsonl").read_bytes() == raw[:last]
            writer.append(RECORDS[2])
        assert (folder / "records.jsonl").read_bytes() == raw


def test_a_last_line_cut_within_a_character_is_dropped(tmp_path: Path) -> None:
    with open_run(tmp_path) as writer:
        writer.append(make_record(asked="€"))
        writer.append(make_record(asked="€", repeat=2))
    raw = (tmp_path / "records.jsonl").read_bytes()
    (tmp_path / "records.jsonl").write_bytes(raw[: raw.rfind("€".encode()) + 1])
    with open_run(tmp_path) as writer:
        assert len(writer.done) == 1


def damage(**changes: Any) -> bytes:
    return json.dumps(make_record() | changes).encode() + b"\n"


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b'{"case": \n', r"records\.jsonl:2 is damaged: .* Delete the run's folder and run it anew\."),
        (b"\n", r"records\.jsonl:2 is damaged: "),
        (b"[" * 100_000 + b"\n", r"records\.jsonl:2 is damaged: "),
        (b"\xff\xfe\n", r"records\.jsonl is damaged: it is not UTF-8 text \(byte \d+\)\. Delete "),
        (b"[1, 2]\n", r"records\.jsonl:2 is no record that this version can read\."),
        (b'{"case": {}}\n', r"records\.jsonl:2 is no record that this version can read\."),
        (damage(case={}), r"records\.jsonl:2 is no record that this version can read\."),
        (damage(scores=None), r"records\.jsonl:2 is no record that this version can read\."),
        (damage(answer="yes"), r"records\.jsonl:2 is no record that this version can read\."),
        (damage(more=1), r"records\.jsonl:2 is no record that this version can read\."),
    ],
)
def test_a_damaged_line_is_named_in_one_line(folder: Path, raw: bytes, message: str) -> None:
    lines = (folder / "records.jsonl").read_bytes().splitlines(keepends=True)
    (folder / "records.jsonl").write_bytes(b"".join([lines[0], raw, lines[2]]))
    for read in (read_records, lambda place: open_run(place).__enter__()):
        with pytest.raises(ContentError, match=message) as raised:
            read(folder)
        assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (None, r"holds no run: run\.json No such file or directory\.$"),
        (b"", r"run\.json is damaged: "),
        (b"{", r"run\.json is damaged: "),
        (b"\xff", r"run\.json is damaged: "),
        (b"[" * 100_000, r"run\.json is damaged: "),
        (b"[]", r"run\.json is not the manifest of a run that this version can read\.$"),
        (b'{"suite": "small"}', r"run\.json is not the manifest of a run that this version can read\.$"),
    ],
)
def test_a_missing_or_damaged_manifest_is_named_in_one_line(folder: Path, raw: bytes | None, message: str) -> None:
    (folder / "run.json").unlink()
    if raw is not None:
        (folder / "run.json").write_bytes(raw)
    with pytest.raises(ContentError, match=message) as raised:
        read_manifest(folder)
    assert "\n" not in str(raised.value)


def test_a_folder_without_records_is_named(tmp_path: Path) -> None:
    with pytest.raises(ContentError, match=r"holds no records: records\.jsonl No such file or directory\.$"):
        read_records(tmp_path)


# the lock


def open_in_vain(folder: str, answer: Any) -> None:
    """In another process: say what comes of opening the run."""
    try:
        with open_run(Path(folder)):
            answer.put("opened")
    except WorkspaceError as error:
        answer.put(str(error))


def test_another_process_cannot_write_the_same_run_until_the_first_has_ended(folder: Path) -> None:
    context = multiprocessing.get_context("spawn")
    answers = context.Queue()

    def ask() -> str:
        process = context.Process(target=open_in_vain, args=(str(folder), answers))
        process.start()
        process.join()
        return cast(str, answers.get())

    with open_run(folder):
        assert ask() == (
            f"Another process is writing {folder}. Wait for it, or begin another run: another folder, or --fresh."
        )
    assert ask() == "opened"


def test_a_lock_that_was_left_behind_does_not_hinder(folder: Path) -> None:
    (folder / ".lock").touch()
    with open_run(folder) as writer:
        assert writer.done == RECORDS
    assert not (folder / ".lock").exists()


def test_an_error_within_is_raised_as_it_is_and_ends_the_lock(folder: Path) -> None:
    with pytest.raises(ConnectionError, match="gone"), open_run(folder):
        raise ConnectionError("gone")
    with open_run(folder) as writer:
        assert writer.done == RECORDS


# begun anew, and given up


def test_a_run_that_begins_anew_leaves_nothing_of_the_old_one(folder: Path) -> None:
    for name in ("calls.sqlite", "report.md", "report.html", "judgements.jsonl", "notes.txt"):
        (folder / name).write_text("old")
    with open_run(folder, fresh=True) as writer:
        assert writer.done == []
    assert [path.name for path in folder.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize("was_there", [False, True])
def test_a_run_that_is_given_up_leaves_its_folder_only_where_that_was_there(tmp_path: Path, was_there: bool) -> None:
    folder = tmp_path / "run"
    if was_there:
        folder.mkdir()
    with open_run(folder) as writer:
        writer.write_manifest(MANIFEST)
        writer.append(make_record())
        writer.discard()
    assert folder.exists() == was_there
    assert not was_there or list(folder.iterdir()) == []


def test_a_run_that_is_given_up_takes_no_file_of_others_with_it(tmp_path: Path) -> None:
    (tmp_path / "report.md").write_text("Mine.")
    with open_run(tmp_path) as writer:
        writer.write_manifest(MANIFEST)
        writer.discard()
    assert [path.name for path in tmp_path.iterdir()] == ["report.md"]


# files that cannot be written


def test_a_file_is_replaced_as_a_whole_or_stays(
    tmp_path: Path, read_only: Callable[[Path], AbstractContextManager[None]], public_folder: Path
) -> None:
    file = public_folder / "deep/run.json"
    write_file(file, "old\n")
    write_file(file, "new\r\n")
    assert file.read_bytes() == b"new\r\n"
    with read_only(public_folder), pytest.raises(WorkspaceError, match=r"run\.json cannot be written: Permission"):
        write_file(file, "newer")
    assert file.read_bytes() == b"new\r\n"
    assert [path.name for path in file.parent.iterdir()] == ["run.json"]


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(WorkspaceError, match=r"file/run cannot be written: Not a directory\.$"):
        open_run(tmp_path / "file/run").__enter__()


# found again


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A workspace with four runs, one of them a baseline."""
    workspace = Workspace(tmp_path / "workspace", "named")
    for name, day in (("a-2", 2), ("a-1", 3), ("b-20220704", 1), ("baselines/words", 9), ("baselines/b-20220704", 8)):
        started = MANIFEST | {"started": f"2022-07-0{day}T12:30:00+00:00"}
        write_file(reports_folder(workspace) / name / "run.json", json.dumps(started))
    write_file(reports_folder(workspace) / "notes/notes.txt", "")
    return workspace


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("a-1", "a-1"),
        ("b-20220704", "b-20220704"),
        ("baselines/b-20220704", "baselines/b-20220704"),
        ("w", "baselines/words"),
        ("words", "baselines/words"),
        ("baselines/w", "baselines/words"),
        ("last", "a-1"),
    ],
)
def test_a_run_is_found_by_its_name_or_how_that_alone_begins(workspace: Workspace, name: str, found: str) -> None:
    assert find_run(name, workspace) == reports_folder(workspace) / found


def test_a_run_is_found_by_its_folder_wherever_that_is(folder: Path, workspace: Workspace) -> None:
    assert find_run(str(folder), workspace) == folder


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("a", r"^No run 'a'\. 2 begin so\. List them with: qa eval list$"),
        ("a-3", r"^No run 'a-3'\. Did you mean 'a-[12]'\? List them with: qa eval list$"),
        ("*", r"^No run '\*'\. List them with: qa eval list$"),
        ("", r"^No run ''\. 5 begin so\. List"),
        ("notes", r"^No run 'notes'\."),
        ("x" * 5_000, r"^No run 'x{79}…'\. List"),
    ],
)
def test_a_name_of_no_run_or_of_several_is_refused(workspace: Workspace, name: str, message: str) -> None:
    with pytest.raises(ContentError, match=message):
        find_run(name, workspace)


def test_there_is_no_last_run_before_the_first(tmp_path: Path) -> None:
    with pytest.raises(ContentError, match=r"^No run 'last'\. List them with"):
        find_run("last", Workspace(tmp_path, "named"))


def test_runs_are_listed_from_the_oldest_on_after_the_baselines(workspace: Workspace) -> None:
    write_file(reports_folder(workspace) / "damaged/run.json", "{")
    names = [run.name for run in list_runs(workspace)]
    assert names == ["b-20220704", "words", "damaged", "b-20220704", "a-2", "a-1"]


def test_of_runs_that_began_in_one_second_the_last_to_be_written_is_the_last(workspace: Workspace) -> None:
    for written, name in enumerate(("z", "c", "m"), start=1):
        file = reports_folder(workspace) / name / "run.json"
        write_file(file, json.dumps(MANIFEST))
        os.utime(file, (written, written))
    assert [run.name for run in list_runs(workspace)][-3:] == ["z", "c", "m"]
    assert find_run("last", workspace).name == "m"


# as rows


def test_rows_are_flat_dictionaries_with_all_that_a_table_needs(tmp_path: Path) -> None:
    records = make_many()
    rows = make_run(tmp_path, records).rows()
    assert len(rows) == len(records)
    keys = list(rows[0])
    for row, record in zip(rows, records, strict=True):
        assert list(row) == keys
        assert all(value is None or isinstance(value, str | int | float) for value in row.values())
        assert (row["id"], row["answerable"]) == (record["case"]["id"], record["case"]["answerable"])
        assert {name: row[name] for name in SCORES} == {name: record["scores"].get(name) for name in SCORES}


def test_a_row_has_what_was_asked_said_and_spent(tmp_path: Path) -> None:
    answer = make_record()["answer"]
    assert answer is not None
    answer |= {"usage": {"input_tokens": 7, "output_tokens": 3, "cost_usd": 0.5}}
    record = make_record(case={"tags": ["trade", "year"], "split": "dev"}, answer=answer)
    row = make_run(tmp_path, [record]).rows()[0]
    wanted = {
        "id": "c-001", "repeat": 1, "question": "What was trade turnover in 2021?", "kind": "fact",
        "tags": "trade, year", "split": "dev", "status": "answered", "prediction": "$24.2 billion",
        "confidence": 0.9, "answer_match": 1.0, "seconds": 0.07, "input_tokens": 7, "output_tokens": 3,
        "cost_usd": 0.5,
    }  # fmt: skip
    assert {name: row[name] for name in wanted} == wanted


def test_a_row_of_passages_only_has_no_answer(tmp_path: Path) -> None:
    row = make_run(tmp_path, [make_record(answer=None, prediction=None)]).rows()[0]
    assert (row["status"], row["text"], row["confidence"], row["cost_usd"]) == (None, None, None, None)


# a run as an object


def test_a_run_says_what_it_is_and_what_of_it_was_not_scored(tmp_path: Path) -> None:
    failed = make_wrong(unscorable={"answer_match": "the model failed"})
    run = make_run(tmp_path, [make_record(), failed], manifest={"partial": "interrupted"})
    assert (run.suite, run.system, run.model, run.partial) == ("small", "full", None, "interrupted")
    assert run.started.isoformat() == "2031-07-05T09:30:00+00:00"
    assert run.unscorable == (failed,)
    assert run.passed
    said = json.loads(json.dumps(run.to_dict()))
    assert (said["records"], said["unscorable"], said["passed"]) == (2, 1, True)
    assert said["measures"]["answer_match"]["n"] == 2
