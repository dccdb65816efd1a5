from __future__ import annotations

import io
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_terminal import Tty

import qa
from qa.archive import Archive
from qa.articles import Filters
from qa.errors import UsageError
from qa.sessions import FILE_NAME, FOLDER
from qa.talk import Talk
from qa.terminal import Screen
from qa.testing import HashingEmbedder, ScriptedChat

TURNOVER = "What was 2021 trade turnover?"
NEWS = "Trade turnover was $24.2 billion in 2021. Trade turnover was $9.2 billion in 2020.\n"


@pytest.fixture(scope="module")
def indexed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("talk") / "workspace"
    article = root.parent / "trade.md"
    article.write_text(f"---\ntitle: Trade\npublished: 2022-07-05\n---\n{NEWS}", encoding="utf-8")
    with qa.open(root, embedder=HashingEmbedder(256), reader=False) as archive:
        archive.add(article)
    return root


@pytest.fixture
def archive(indexed: Path, tmp_path: Path) -> Iterator[Archive]:
    root = Path(shutil.copytree(indexed, tmp_path / "workspace"))
    with qa.open(root, embedder=HashingEmbedder(256), reader=False, model=False) as opened:
        yield opened


class Stopped(ScriptedChat):
    """A model during whose reply Ctrl-C is pressed, before its first word."""

    def stream(self, messages, *, max_tokens):
        raise KeyboardInterrupt
        yield


def begin(archive: Archive, *, is_kept: bool = True) -> Talk:
    return Talk(archive, Screen(Tty()), is_kept=is_kept)


def shown(talk: Talk) -> str:
    assert isinstance(talk.screen.stream, io.StringIO)
    return " ".join(talk.screen.stream.getvalue().split())


def kept(talk: Talk) -> list[tuple[str, int]]:
    assert talk.store is not None
    return [(chat.first_question, chat.turns) for chat in talk.store.summaries()]


def test_a_chat_begins_in_the_file_with_its_first_turn(archive: Archive) -> None:
    talk = begin(archive)
    assert kept(talk) == []
    assert talk.ask(TURNOVER)
    assert (kept(talk), talk.session) == ([(TURNOVER, 1)], 1)


def test_where_the_file_fails_the_chat_goes_on_and_says_so_once(archive: Archive) -> None:
    talk = begin(archive)
    talk.ask(TURNOVER)
    with sqlite3.connect(archive.workspace.root / FOLDER / FILE_NAME) as connection:
        connection.execute("DROP TABLE turns")
    for _ in range(2):
        talk.ask("and in 2020?")
    assert shown(talk).count("From here on the chat is not kept.") == 1
    assert len(talk.turns) == 3
    assert talk.undo().question == "and in 2020?"
    with pytest.raises(UsageError, match="Chats are not kept here"):
        talk.kept()


def test_retry_keeps_the_old_answer_until_the_new_one_has_come(archive: Archive) -> None:
    talk = begin(archive)
    talk.ask(TURNOVER)
    old = talk.turns[0]
    said = ScriptedChat(["Trade turnover was $24.2 billion in 2021 [1]."])
    for model, expected in ((Stopped([]), old.answer.mode), (said, "model")):
        talk.conversation.model = model
        talk.retry()
        assert [turn.answer.mode for turn in talk.turns] == [expected]
    assert kept(talk) == [(TURNOVER, 1)]


def test_what_goes_wrong_in_a_turn_leaves_the_chat_as_it_was(archive: Archive) -> None:
    talk = begin(archive)
    talk.ask(TURNOVER)
    for wrong in ("?!", "x" * 3_000):
        with pytest.raises(UsageError):
            talk.ask(wrong)
    assert (len(talk.turns), talk.view, kept(talk)) == (1, None, [(TURNOVER, 1)])


def test_going_on_brings_filters_back_and_names_what_has_changed(archive: Archive) -> None:
    first = begin(archive)
    first.set_filters(Filters(publisher=None, dated=True))
    first.ask(TURNOVER)
    first.close()
    (article,) = archive.articles()
    changed = Path(archive.workspace.root.parent / "trade.md")
    changed.write_text("---\ntitle: Trade\n---\nNothing is left of it.\n", encoding="utf-8")
    archive.remove(article.id)
    archive.add(changed)
    talk = begin(archive)
    talk.resume(talk.kept().summaries()[0])
    assert talk.filters == Filters(dated=True)
    assert "Back in chat 1: 1 turn, 1 source, filters: dated only; answers by no model." in shown(talk)
    assert "1 quote of it no longer stand" in shown(talk)


def test_a_fork_leaves_the_chat_before_it_as_it_was(archive: Archive) -> None:
    talk = begin(archive)
    with pytest.raises(UsageError, match="No question was asked yet"):
        talk.fork()
    talk.ask(TURNOVER)
    talk.fork()
    talk.undo()
    talk.ask("and in 2020?")
    assert sorted(kept(talk)) == [(TURNOVER, 1), ("and in 2020?", 1)]


@pytest.mark.parametrize("name", ["", " \n", "12", "x" * 81])
def test_what_is_no_name_for_a_chat_is_refused(archive: Archive, name: str) -> None:
    talk = begin(archive)
    talk.ask(TURNOVER)
    with pytest.raises(UsageError, match="A chat's name"):
        talk.rename(name)


def test_a_new_chat_has_neither_turns_nor_filters_of_the_one_before(archive: Archive) -> None:
    talk = begin(archive)
    talk.set_filters(Filters(dated=True))
    talk.ask(TURNOVER)
    talk.begin()
    assert (talk.turns, talk.filters, talk.session) == ([], Filters(), None)
    talk.ask(TURNOVER)
    assert kept(talk) == [(TURNOVER, 1)] * 2


def test_what_is_not_to_be_kept_makes_no_file(archive: Archive) -> None:
    talk = begin(archive, is_kept=False)
    talk.ask(TURNOVER)
    talk.undo()
    assert not (archive.workspace.root / FOLDER).exists()
