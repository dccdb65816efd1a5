"""The reports beside a run's records: written, and compared to the byte."""

from __future__ import annotations

from pathlib import Path

from qa.html_report import render_html
from qa.report import render_markdown
from qa.run_folder import Run, write_file


def write_reports(run: Run) -> Path:
    """Write `report.md` and `report.html` into the run's folder; the path of the page.

    Raises:
        WorkspaceError: they cannot be written.
    """
    texts = _render(run)
    for name, text in texts.items():
        write_file(run.folder / name, text)
    return run.folder / "report.html"


def same_reports(run: Run) -> bool:
    """Whether the reports in the run's folder are those of this run, to the byte."""
    return all(
        (run.folder / name).is_file() and (run.folder / name).read_bytes() == text.encode("utf-8")
        for name, text in _render(run).items()
    )


def _render(run: Run) -> dict[str, str]:
    return {"report.md": render_markdown(run).rstrip("\n") + "\n", "report.html": render_html(run).rstrip("\n") + "\n"}
