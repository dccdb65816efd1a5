"""`eval/bench/speed.py`: what an archive that is made for measuring holds, and the table."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from conftest import REPOSITORY

from qa.catalog import Catalog
from qa.embed import MiniLM
from qa.store import Store

SCRIPT = REPOSITORY / "eval" / "bench" / "speed.py"


def test_the_table_has_every_size_with_and_without_a_filter(sample_copy, tmp_path):
    document = tmp_path / "results.md"
    document.write_text("# Results\n", encoding="utf-8")
    work = tmp_path / "work"
    command = [sys.executable, str(SCRIPT), "--passages", "12", "60", "--questions", "3"]
    done = subprocess.run(
        [*command, "--work", str(work), "--real", str(sample_copy), "--write", str(document)],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    lines = [line.split(" | ") for line in done.stdout.splitlines() if line.startswith("| ")]
    assert [(line[0], line[1], line[2]) for line in lines[1:]] == [
        (f"| {size}", "exact", name) for size in (12, 60) for name in ("none", "as of a day")
    ]
    assert all(float(cell) > 0 for line in lines[1:] for cell in line[3:7])
    assert {line[8] for line in lines[1:]} == {"1.000"}
    assert document.read_text(encoding="utf-8") == (
        f"# Results\n\n<!-- speed: begin -->\n\n{done.stdout}\n<!-- speed: end -->\n"
    )
    assert [count_passages(folder) for folder in sorted(work.glob("archive-*"))] == [12, 60]


def count_passages(root: Path) -> int:
    catalog = Catalog(Store(root / "index" / "store").catalog)
    counts = catalog.counts(MiniLM.id)
    catalog.close()
    assert counts.vectors == counts.passages
    return counts.passages
