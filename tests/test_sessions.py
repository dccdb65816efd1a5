from __future__ import annotations

import json
import os
import sqlite3
import stat
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from saved_answers import ARTICLES, MIXED, write

from qa.articles import Article, Filters
from qa.conversation import Turn
from qa.errors import StoreError
from qa.models import Usage
from qa.prompts import Prompt
from qa.sessions import FILE_NAME, SessionStore

NOW = datetime(2031, 7, 5, 9, 30, tzinfo=UTC)
FILTERS = Filters(since=date(2022, 1, 1), as_of=date(2022, 7, 8), publisher="A", dated=True)
TURN = Turn("and in\n2021?", "What was it in 2021?", write(MIXED, seconds={"total": 0.5}), rewriting=Usage(3, 4, 0.25))


def find(id_: str, sha256: str) -> Article | None:
    return next((article for article in ARTICLES if (article.id, article.sha256) == (id_, sha256)), None)


def nothing(_id: str, _sha256: str) -> None:
    return None


@pytest.fixture
def store(tmp_path: Path) -> SessionStore:
    return SessionStore(tmp_path / "chat", clock=lambda: NOW)


def load(store: SessionStore, label: str, articles=find):
    summary = store.find(label)
    assert summary is not None
    return store.load(summary, articles)


def test_a_turn_comes_back_as_it_was(store: SessionStore) -> None:
    prompt = Prompt("answer", "not kept", "ab" * 32)
    answer = replace(
        TURN.answer,
        searched=replace(TURN.answer.searched, filters=FILTERS),
        nearest=TURN.answer.citations[:1],
        notices=("\ud800 so\x1b",),
        prompt=prompt,
        score=0.5,
        short="$24.2 billion",
        short_span=(1, 5),
    )
    turn = replace(TURN, answer=answer)
    session = store.start(FILTERS)
    number = store.add_turn(session, turn, FILTERS)
    held = load(store, str(session))
    assert (held.filters, held.unread) == (FILTERS, 0)
    assert held.turns == ((number, replace(turn, answer=replace(answer, prompt=replace(prompt, text="")))),)
    assert held.turns[0][1].usage == turn.usage


def test_quotes_of_articles_that_are_gone_or_changed_keep_words_place_and_line(store: SessionStore) -> None:
    session = store.start(Filters())
    store.add_turn(session, TURN, Filters())
    ((_, turn),) = load(store, str(session), nothing).turns
    for before, after in zip(TURN.answer.citations, turn.answer.citations, strict=True):
        assert (after.number, after.quote.text, after.quote.start) == (
            before.number,
            before.quote.text,
            before.quote.start,
        )
        assert after.quote.line == before.quote.line
        assert after.quote.article.title == before.quote.article.title
        assert not after.quote.stands()


def test_a_stopped_turn_stays_one(store: SessionStore) -> None:
    session = store.start(Filters())
    store.add_turn(session, replace(TURN, is_whole=False), Filters())
    assert [turn.is_whole for _, turn in load(store, str(session)).turns] == [False]


def test_a_turn_that_is_taken_back_is_gone(store: SessionStore) -> None:
    session = store.start(Filters())
    first, second = (store.add_turn(session, TURN, Filters()) for _ in range(2))
    store.remove_turn(second)
    assert [number for number, _ in load(store, str(session)).turns] == [first]


def test_chats_are_listed_with_the_last_used_first_and_those_without_a_turn_left_out(tmp_path: Path) -> None:
    days = iter(datetime(2031, 7, day, tzinfo=UTC) for day in range(1, 20))
    store = SessionStore(tmp_path, clock=lambda: next(days))
    one, two, _ = (store.start(Filters()) for _ in range(3))
    for session in (two, one, one):
        store.add_turn(session, TURN, Filters())
    assert store.rename(two, "second")
    listed = store.summaries()
    assert [(chat.id, chat.label, chat.turns, chat.first_question) for chat in listed] == [
        (one, str(one), 2, TURN.question),
        (two, "second", 1, TURN.question),
    ]
    assert [chat.used.day for chat in listed] == [6, 4]


def test_a_chat_is_found_by_its_name_and_its_number_and_two_have_not_one_name(store: SessionStore) -> None:
    one, two = store.start(Filters()), store.start(Filters())
    for session in (one, two):
        store.add_turn(session, TURN, Filters())
    assert store.rename(one, "trade")
    assert not store.rename(two, "trade")
    found = store.find("trade")
    assert found is not None
    assert (found.id, store.find("nothing"), store.find("999999999999999999999999")) == (one, None, None)


def test_the_file_is_for_its_owner_only_also_when_it_was_not(tmp_path: Path) -> None:
    store = SessionStore(tmp_path)
    assert stat.S_IMODE(store.path.stat().st_mode) == 0o600
    store.close()
    store.path.chmod(0o644)
    SessionStore(tmp_path).close()
    assert stat.S_IMODE(store.path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "damage", ["noise", "half", "other tables", "newer", "page"], ids=lambda name: name.replace(" ", "-")
)
def test_a_file_that_cannot_be_read_is_put_aside_and_a_new_one_begun(tmp_path: Path, damage: str) -> None:
    store = SessionStore(tmp_path, clock=lambda: NOW)
    session = store.start(Filters())
    for _ in range(5):
        store.add_turn(session, TURN, Filters())
    store.close()
    file = tmp_path / FILE_NAME
    raw = file.read_bytes()
    if damage == "noise":
        file.write_bytes(os.urandom(5_000))
    elif damage == "half":
        file.write_bytes(raw[: len(raw) // 2])
    elif damage == "page":
        file.write_bytes(raw[:4096] + b"\xff" * 4096 + raw[8192:])
    else:
        file.unlink()
        connection = sqlite3.connect(file)
        connection.execute("CREATE TABLE turns (x)" if damage == "other tables" else "PRAGMA user_version = 99")
        connection.commit()
        connection.close()
    again = SessionStore(tmp_path, clock=lambda: NOW)
    aside = file.with_name(f"{FILE_NAME}.damaged-20310705-093000")
    assert aside.exists()
    assert again.notices == [f"The file of earlier chats cannot be read. It was put aside: {aside}"]
    assert again.summaries() == []
    again.add_turn(again.start(Filters()), TURN, Filters())
    assert len(again.summaries()) == 1


def test_a_damaged_turn_is_left_out_and_counted(store: SessionStore) -> None:
    session = store.start(Filters())
    numbers = [store.add_turn(session, TURN, Filters()) for _ in range(4)]
    data = json.loads(sqlite3.connect(store.path).execute("SELECT turn FROM turns").fetchone()[0])
    del data["answer"]["usage"]
    connection = sqlite3.connect(store.path)
    for number, text in zip(numbers[:3], ("{", "[1]", json.dumps(data)), strict=True):
        connection.execute("UPDATE turns SET turn = ? WHERE id = ?", (text, number))
    connection.execute("UPDATE sessions SET filters = '[]'")
    connection.commit()
    connection.close()
    held = load(store, str(session))
    assert ([number for number, _ in held.turns], held.unread, held.filters) == (numbers[3:], 3, Filters())
    assert store.summaries()[0].first_question == "(damaged)"


def test_two_programs_may_keep_their_chats_at_once(tmp_path: Path) -> None:
    one, two = SessionStore(tmp_path), SessionStore(tmp_path)
    for store in (one, two, one):
        store.add_turn(store.start(Filters()), TURN, Filters())
    assert len(two.summaries()) == 3


def test_a_folder_that_cannot_be_made_is_an_error_that_says_so(tmp_path: Path) -> None:
    (tmp_path / "chat").write_text("a file")
    with pytest.raises(StoreError, match=r"Chats are not kept: .*File exists"):
        SessionStore(tmp_path / "chat")
