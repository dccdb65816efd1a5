"""Chats kept from day to day: turns, filters and names in one SQLite file of the workspace, for its owner only."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from qa.answer_form import Answer, Searched
from qa.articles import Article, Filters, Quote
from qa.conversation import Turn
from qa.errors import StoreError
from qa.ground import Citation, Problem, Statement
from qa.models import Usage
from qa.prompts import Prompt

FOLDER = Path("index", "chat")  # in the workspace
FILE_NAME = "sessions.sqlite"

_VERSION = 1
_SCHEMA = """
CREATE TABLE sessions (
    id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, started TEXT NOT NULL, used TEXT NOT NULL,
    filters TEXT NOT NULL
);
CREATE TABLE turns (
    id INTEGER PRIMARY KEY AUTOINCREMENT, session INTEGER NOT NULL REFERENCES sessions ON DELETE CASCADE,
    turn TEXT NOT NULL
);
CREATE INDEX turns_by_session ON turns (session, id);
"""
_BUSY_SECONDS = 3.0
_DAYS = ("since", "until", "as_of")
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)

# An article by its id and the hash of its text; None where it is gone or has another text now.
FindArticle = Callable[[str, str], Article | None]


@dataclass(frozen=True, slots=True)
class Summary:
    """One chat in a list: its number, its name if it has one, its first question, the day of its last turn."""

    id: int
    name: str | None
    first_question: str
    used: date
    turns: int

    @property
    def label(self) -> str:
        """What it is called by: its name, else its number."""
        return self.name or str(self.id)


@dataclass(frozen=True, slots=True)
class Kept:
    """A chat as it was kept. `unread` counts the turns that are damaged."""

    summary: Summary
    filters: Filters
    turns: tuple[tuple[int, Turn], ...]
    unread: int = 0


class SessionStore:
    """The file of chats of one workspace: mode 0600, one row a turn, written when the turn has come.

    A file that is damaged, or was written by a newer version, is put aside under another name, and `notices` says so.
    """

    def __init__(self, folder: Path, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        """Open the file in a folder, or make it.

        Raises:
            StoreError: it may not be written.
        """
        self.path = folder / FILE_NAME
        self.notices: list[str] = []
        self._clock = clock
        self._connection = self._open()

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def start(self, filters: Filters, *, name: str | None = None) -> int:
        """Begin a chat; its number."""
        now = self._clock().isoformat(timespec="seconds")
        with self._writing() as connection:
            values = (name, now, now, _dump(_filters_dict(filters)))
            cursor = connection.execute(
                "INSERT INTO sessions (name, started, used, filters) VALUES (?, ?, ?, ?)", values
            )
        return int(cursor.lastrowid or 0)

    def add_turn(self, session: int, turn: Turn, filters: Filters) -> int:
        """Keep a turn and the filters that hold now; the turn's own number in the file."""
        now = self._clock().isoformat(timespec="seconds")
        with self._writing() as connection:
            cursor = connection.execute("INSERT INTO turns (session, turn) VALUES (?, ?)", (session, _dump_turn(turn)))
            values = (now, _dump(_filters_dict(filters)), session)
            connection.execute("UPDATE sessions SET used = ?, filters = ? WHERE id = ?", values)
        return int(cursor.lastrowid or 0)

    def remove_turn(self, turn: int) -> None:
        """Forget a turn by its number in the file."""
        with self._writing() as connection:
            connection.execute("DELETE FROM turns WHERE id = ?", (turn,))

    def rename(self, session: int, name: str) -> bool:
        """Give a chat a name; False where another has it."""
        try:
            with self._writing() as connection:
                connection.execute("UPDATE sessions SET name = ? WHERE id = ?", (name, session))
        except _NameTaken:
            return False
        return True

    def summaries(self, *, limit: int = 100) -> list[Summary]:
        """The chats that have a turn, the last one used first."""
        return self._summaries("ORDER BY used DESC, id DESC LIMIT ?", (limit,))

    def find(self, label: str) -> Summary | None:
        """The chat of this name or number; None where there is none."""
        found = self._summaries("AND s.name = ?", (label,))
        if not found and label.isascii() and label.isdigit():
            found = self._summaries("AND s.id = ?", (int(label[:18]),))
        return found[0] if found else None

    def load(self, summary: Summary, find_article: FindArticle) -> Kept:
        """A chat with its turns, quotes bound to the articles where these still have the text that was quoted."""
        with self._explained():
            rows = self._connection.execute(
                "SELECT id, turn FROM turns WHERE session = ? ORDER BY id", (summary.id,)
            ).fetchall()
            held = self._connection.execute("SELECT filters FROM sessions WHERE id = ?", (summary.id,)).fetchone()
        turns, unread = [], 0
        for number, text in rows:
            try:
                turns.append((number, _load_turn(json.loads(text), find_article)))
            except (KeyError, TypeError, ValueError, AttributeError):
                unread += 1
        filters = Filters()
        with suppress(KeyError, TypeError, ValueError, AttributeError):
            filters = _load_filters(json.loads(held[0]))
        return Kept(summary, filters, tuple(turns), unread)

    def _summaries(self, rest: str, values: Sequence[object]) -> list[Summary]:
        with self._explained():
            rows = self._connection.execute(
                "SELECT s.id, s.name, s.used, (SELECT count(*) FROM turns WHERE session = s.id),"
                " (SELECT turn FROM turns WHERE session = s.id ORDER BY id LIMIT 1)"
                f" FROM sessions s WHERE EXISTS (SELECT 1 FROM turns WHERE session = s.id) {rest}",
                tuple(values),
            ).fetchall()
        return [Summary(id_, name, _first_question(turn), _day(used), turns) for id_, name, used, turns, turn in rows]

    def _open(self) -> sqlite3.Connection:
        try:
            return self._connect()
        except sqlite3.DatabaseError as error:
            if not _is_damaged(error):
                raise StoreError(f"Chats are not kept: {self.path} cannot be used ({error}).") from error
        except OSError as error:
            raise StoreError(f"Chats are not kept: {self.path} cannot be used ({error.strerror}).") from error
        aside = self.path.with_name(f"{self.path.name}.damaged-{self._clock():%Y%m%d-%H%M%S}")
        try:
            self.path.rename(aside)
            for rest in ("-journal", "-wal", "-shm"):
                self.path.with_name(self.path.name + rest).unlink(missing_ok=True)
            self.notices.append(f"The file of earlier chats cannot be read. It was put aside: {aside}")
            return self._connect()
        except (OSError, sqlite3.DatabaseError) as error:
            raise StoreError(
                f"Chats are not kept: {self.path} is damaged and cannot be put aside ({error})."
            ) from error

    def _connect(self) -> sqlite3.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(self.path, os.O_CREAT | os.O_RDWR | getattr(os, "O_CLOEXEC", 0), 0o600))
        if self.path.stat().st_mode & 0o077:
            self.path.chmod(0o600)
        connection = sqlite3.connect(self.path, timeout=_BUSY_SECONDS, isolation_level=None)
        try:
            connection.execute("PRAGMA foreign_keys = ON")
            if (found := connection.execute("PRAGMA user_version").fetchone()[0]) not in (0, _VERSION):
                raise _not_ours(f"it has version {found}")
            if not found:
                connection.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} PRAGMA user_version = {_VERSION}; COMMIT;")
            if connection.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
                raise _not_ours("its pages do not agree")
            connection.execute("SELECT id, name, started, used, filters FROM sessions LIMIT 1")
        except BaseException:
            connection.close()
            raise
        return connection

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._explained():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    self._connection.execute("ROLLBACK")
                raise

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.IntegrityError as error:
            raise _NameTaken(str(error)) from error
        except sqlite3.Error as error:
            raise StoreError(f"The chat is not kept: {self.path}: {error}.") from error


class _NameTaken(StoreError):
    """Another chat has this name."""


def _not_ours(reason: str) -> sqlite3.DatabaseError:
    error = sqlite3.DatabaseError(reason)
    error.sqlite_errorcode = sqlite3.SQLITE_NOTADB
    return error


def _is_damaged(error: sqlite3.DatabaseError) -> bool:
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_NOTADB) & 0xFF
    missing = isinstance(error, sqlite3.OperationalError) and "no such" in str(error)  # another program's tables
    return code in _DAMAGED or missing or "already exists" in str(error)


# turns as JSON and back; what is read may be anything


def _dump(data: object) -> str:
    return json.dumps(data)  # in ASCII: lone surrogates of a model's reply are kept as they were


def _dump_turn(turn: Turn) -> str:
    data = {
        "question": turn.question,
        "standalone": turn.standalone,
        "is_whole": turn.is_whole,
        "rewriting": [turn.rewriting.input_tokens, turn.rewriting.output_tokens, turn.rewriting.cost_usd],
        "filters": _filters_dict(turn.answer.searched.filters),
        "answer": turn.answer.to_dict(),
    }
    return _dump(data)


def _load_turn(data: Mapping[str, Any], find_article: FindArticle) -> Turn:
    sent, received, cost = data["rewriting"]
    return Turn(
        question=str(data["question"]),
        standalone=str(data["standalone"]),
        answer=load_answer_dict(data["answer"], _load_filters(data["filters"]), find_article),
        is_whole=bool(data["is_whole"]),
        rewriting=Usage(int(sent), int(received), cost if cost is None else float(cost)),
    )


def load_answer_dict(data: Mapping[str, Any], filters: Filters, find_article: FindArticle) -> Answer:
    """The answer of which `Answer.to_dict` gave this; of the prompt, name and hash only.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: it is not as that gives it.
    """
    usage, searched = data["usage"], data["searched"]
    return Answer(
        question=str(data["question"]),
        status="abstained" if data["status"] == "abstained" else "answered",
        text=str(data["text"]),
        short=data["short"],
        short_span=tuple(data["short_span"]) if data["short_span"] else None,
        statements=tuple(_load_statement(item) for item in data["statements"]),
        citations=tuple(_load_citation(item, find_article) for item in data["citations"]),
        nearest=tuple(_load_citation(item, find_article) for item in data["nearest"]),
        notices=tuple(map(str, data["notices"])),
        searched=Searched(int(searched["articles"]), int(searched["passages"]), filters),
        mode="model" if data["mode"] == "model" else "extract",
        model=data["model"],
        prompt=Prompt(data["prompt"]["name"], "", data["prompt"]["sha256"]) if data["prompt"] else None,
        usage=Usage(int(usage["input_tokens"]), int(usage["output_tokens"]), usage["cost_usd"]),
        score=data["score"],
        seconds={str(name): float(value) for name, value in data["seconds"].items()},
    )


def _load_statement(data: Mapping[str, Any]) -> Statement:
    problems = tuple(Problem(item["kind"], str(item["detail"])) for item in data["problems"])
    return Statement(
        text=str(data["text"]),
        start=int(data["start"]),
        end=int(data["end"]),
        citations=tuple(map(int, data["citations"])),
        quotes=tuple(map(int, data["quotes"])),
        verdict={"supported": "supported", "uncited": "uncited"}.get(data["verdict"], "unsupported"),  # type: ignore[arg-type]
        problems=problems,
    )


def _load_citation(data: Mapping[str, Any], find_article: FindArticle) -> Citation:
    known = data["article"]
    found = find_article(str(known["id"]), str(known["sha256"]))
    # Where the text is another now, an article without text keeps the quote, its place and its line.
    article = found or Article(
        id=str(known["id"]),
        source=str(known["source"]),
        text="",
        sha256=str(known["sha256"]),
        title=str(known["title"]),
        publisher=known["publisher"],
        author=known["author"],
        published=date.fromisoformat(known["published"]) if known["published"] else None,
        url=known["url"],
        first_line=int(data["line"]),
    )
    return Citation(int(data["number"]), Quote(article, int(data["start"]), int(data["end"]), str(data["quote"])))


def _filters_dict(filters: Filters) -> dict[str, Any]:
    iso = {name: day.isoformat() if (day := getattr(filters, name)) else None for name in _DAYS}
    return {**iso, "publisher": filters.publisher, "dated": filters.dated}


def _load_filters(data: Mapping[str, Any]) -> Filters:
    since, until, as_of = (date.fromisoformat(data[name]) if data[name] else None for name in _DAYS)
    publisher = str(data["publisher"]) if data["publisher"] else None
    return Filters(since, until, as_of, publisher, bool(data["dated"]))


def _first_question(turn: str) -> str:
    with suppress(KeyError, TypeError, ValueError):
        return str(json.loads(turn)["question"])
    return "(damaged)"


def _day(moment: str) -> date:
    with suppress(ValueError):
        return datetime.fromisoformat(moment).astimezone().date()
    return date.min
