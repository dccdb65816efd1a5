"""Answers for the tests of what is saved of them: articles, an answer written from them, and files of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from test_ground import hit, make

from qa.answer_form import Answer, Searched
from qa.articles import Article, Filters
from qa.ground import ground_text
from qa.models import Usage
from qa.saved import load_answer, save_answer
from qa.verify import Finding, Shelf, verify_answer

VERSION = "0.1.0"
NOW = datetime(2031, 7, 5, 9, 30, tzinfo=UTC)
RECORD = "Trade between the two countries stood at $24.2 billion in 2021, a record. Growth in 2021 was almost a third."
ARTICLES = [
    make(RECORD, "Trade sets a record", date(2022, 7, 5), "a1"),
    make("The fair <b>İstanbul</b> 👍🏽 & “co” opened in July 2022.\nIt has 40 stands.", "Fair </pre>", None, "a2"),
]
RIGHT = "Trade stood at $24.2 billion in 2021 [1]. The fair in İstanbul opened in July 2022 [2]."
MIXED = f"{RIGHT} It was $7 trillion [1].\nSo they say. Growth was almost a third [1, 77]."


def write(text: str = RIGHT, articles: Sequence[Article] = ARTICLES, **given: Any) -> Answer:
    """A model's answer from whole articles, checked."""
    grounded = ground_text(text, [hit(article) for article in articles])
    known: dict[str, Any] = {
        "question": "What <script>happened</script>?",
        "status": "answered",
        "text": text,
        "short": None,
        "short_span": None,
        "statements": grounded.statements,
        "citations": grounded.citations,
        "nearest": (),
        "notices": (),
        "searched": Searched(2, 2, Filters()),
        "mode": "model",
        "model": "scripted",
        "prompt": None,
        "usage": Usage(7, 5),
    }
    return Answer(**{**known, **given})


def save(answer: Answer, folder: Path, name: str = "a.json") -> Path:
    file = folder / name
    save_answer(answer, file, version=VERSION, now=NOW)
    return file


def verify(file: Path, articles: Sequence[Article] = ARTICLES, version: str = VERSION) -> list[Finding]:
    return verify_answer(load_answer(file), Shelf.of(articles), version=version)


def failures(findings: Sequence[Finding]) -> list[tuple[str, str]]:
    """What does not hold, as (about, status)."""
    return [(finding.about, finding.status) for finding in findings if not finding.holds]


def tamper(file: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the data of a saved JSON."""
    data = json.loads(file.read_text(encoding="utf-8"))
    change(data)
    file.write_text(json.dumps(data), encoding="utf-8")
