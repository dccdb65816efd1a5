from __future__ import annotations

from pathlib import Path

import pytest
from run_maker import make_many, make_record, make_run

from qa.errors import WorkspaceError
from qa.html_report import render_html
from qa.report import render_markdown
from qa.report_files import same_reports, write_reports
from qa.run_folder import Run

NAMES = ["report.html", "report.md"]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return make_run(tmp_path / "run", make_many(8))


def names(run: Run) -> list[str]:
    return sorted(path.name for path in run.folder.iterdir())


def test_both_reports_are_written_beside_the_records_and_the_page_is_told(run: Run) -> None:
    assert write_reports(run) == run.folder / "report.html"
    assert names(run) == NAMES
    assert (run.folder / "report.md").read_bytes().decode("utf-8").rstrip("\n") == render_markdown(run).rstrip("\n")
    assert (run.folder / "report.html").read_bytes().decode("utf-8").rstrip("\n") == render_html(run).rstrip("\n")


def test_a_report_ends_with_one_newline_and_has_no_other_kind(run: Run) -> None:
    write_reports(run)
    for name in NAMES:
        raw = (run.folder / name).read_bytes()
        assert raw.endswith(b"\n")
        assert not raw.endswith(b"\n\n")
        assert b"\r" not in raw


def test_reports_that_were_written_are_the_same_until_a_byte_of_one_changes(run: Run) -> None:
    assert not same_reports(run)
    write_reports(run)
    assert same_reports(run)
    for name in NAMES:
        file = run.folder / name
        whole = file.read_bytes()
        for other in (whole + b"\n", whole[:-1], whole.replace(b"\n", b"\r\n"), b"", b"\xff" + whole):
            file.write_bytes(other)
            assert not same_reports(run)
        file.unlink()
        assert not same_reports(run)
        file.write_bytes(whole)
        assert same_reports(run)


def test_another_run_has_other_reports(run: Run, tmp_path: Path) -> None:
    write_reports(run)
    assert same_reports(make_run(run.folder, make_many(8)))
    assert not same_reports(make_run(run.folder, make_many(9)))
    assert not same_reports(make_run(run.folder, make_many(8), manifest={"model": "tiny"}))


def test_the_reports_do_not_depend_on_where_the_run_lies(run: Run, tmp_path: Path) -> None:
    write_reports(run)
    moved = run.folder.rename(tmp_path / "elsewhere")
    assert same_reports(make_run(moved, make_many(8)))


def test_writing_again_replaces_the_reports_and_leaves_nothing_else(run: Run) -> None:
    run.folder.mkdir()
    for name in NAMES:
        (run.folder / name).write_text("old", encoding="utf-8")
    write_reports(run)
    write_reports(run)
    assert same_reports(run)
    assert names(run) == NAMES


def test_text_that_has_no_form_in_utf8_can_be_reported(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", [make_record(case={"id": "wine-\udcff", "question": "\ud800\x00?"})])
    write_reports(run)
    assert same_reports(run)


def test_a_folder_that_may_not_be_written_is_named(public_folder: Path, read_only) -> None:
    run = make_run(public_folder / "run", make_many(2))
    run.folder.mkdir()
    with read_only(public_folder), pytest.raises(WorkspaceError, match=r"report\.md cannot be written: Permission"):
        write_reports(run)
    assert names(run) == []
