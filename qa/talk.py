"""A chat under way on a terminal: what holds for its questions, where it is kept, and one turn after the other."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from qa.answer import check_filters
from qa.answer_form import Answer
from qa.archive import Archive
from qa.articles import Article, Filters
from qa.chat_lines import describe_scope, describe_turn
from qa.conversation import Turn
from qa.errors import ArticleNotFound, QAError, StoreError, UsageError
from qa.layout import BLANK, count, lay_out_answer, line
from qa.sessions import FOLDER, SessionStore, Summary
from qa.stream_view import TurnView, quiet_keys
from qa.terminal import Screen
from qa.text import clean_text


class Talk:
    """The state of a chat; every change of it is kept at once in `index/chat` of the workspace, if it is kept at all.

    Attributes:
        filters: which articles the questions of now on may use.
        is_raw: whether follow-ups are asked as they are typed.
        session: the number under which the chat is kept; None before its first turn.
        view: what shows the turn that is being made; None between turns.
    """

    def __init__(self, archive: Archive, screen: Screen, *, is_kept: bool) -> None:
        self.archive = archive
        self.screen = screen
        self.conversation = archive.chat()
        self.filters = Filters()
        self.is_raw = False
        self.session: int | None = None
        self.view: TurnView | None = None
        self.store = self._open_store(archive.workspace.root / FOLDER) if is_kept else None
        self._rows: list[int | None] = []  # of each turn, its number in the file
        self._told_condensed = False

    @property
    def turns(self) -> list[Turn]:
        """The turns so far."""
        return self.conversation.turns

    @property
    def scope(self) -> str:
        """What holds for every question, in a few words."""
        return describe_scope(self.filters, is_raw=self.is_raw)

    def last_turn(self) -> Turn:
        """The last turn.

        Raises:
            UsageError: there is none.
        """
        if not self.turns:
            raise UsageError("No question was asked yet in this chat.")
        return self.turns[-1]

    def close(self) -> None:
        """Close the file of chats."""
        if self.store is not None:
            self.store.close()

    # turns

    def ask(self, question: str) -> bool:
        """Take one turn; whether it came to an answer. Ctrl-C stops it and keeps what had come.

        Raises:
            QAError: the question cannot be asked, or the archive cannot be read.
        """
        self.view = TurnView(self.screen)
        try:
            return self._take_turn(question, self.view)
        finally:
            self.view = None

    def retry(self) -> None:
        """Ask the last question again, with what holds now; the old answer goes when the new one has come.

        Raises:
            UsageError: there is none.
        """
        turn, row = self.last_turn(), self._rows[-1]
        del self.turns[-1], self._rows[-1]
        before = len(self.turns)
        try:
            self.ask(turn.question)
        finally:
            if len(self.turns) == before:
                self.turns.append(turn)
                self._rows.append(row)
            else:
                self._forget(row)

    def undo(self) -> Turn:
        """Take the last turn back.

        Raises:
            UsageError: there is none.
        """
        turn = self.last_turn()
        del self.turns[-1]
        self._forget(self._rows.pop())
        return turn

    def set_filters(self, filters: Filters) -> None:
        """Which articles the questions from now on may use.

        Raises:
            UsageError: the dates exclude each other.
        """
        check_filters(filters)
        self.filters = filters

    # kept chats

    def kept(self) -> SessionStore:
        """Where chats are kept.

        Raises:
            UsageError: nowhere.
        """
        if self.store is None:
            raise UsageError("Chats are not kept here: leave --no-save away, or look at the message at the start.")
        return self.store

    def begin(self) -> None:
        """Begin a new chat, without filters."""
        self._take([], [], Filters(), None)

    def resume(self, summary: Summary) -> None:
        """Go on with a chat that was kept, and say what is back."""
        held = self.kept().load(summary, self._find_article)
        self._take([turn for _, turn in held.turns], [row for row, _ in held.turns], held.filters, summary.id)
        sources = sum(len({c.number for c in turn.answer.citations}) for turn in self.turns)
        named = f"chat {summary.id}" + (f" “{summary.name}”" if summary.name else "")
        back = f"{count(len(self.turns), 'turn')}, {count(sources, 'source')}"
        scope = describe_scope(self.filters) or "none"
        self._say(f"Back in {named}: {back}, filters: {scope}; answers by {self.model_name()}.")
        if held.unread:
            self._say(
                f"{count(held.unread, 'turn')} could not be read and {'is' if held.unread == 1 else 'are'} left out."
            )
        changed = sum(not c.quote.stands() for turn in self.turns for c in turn.answer.citations)
        if changed:
            self._say(
                f"{count(changed, 'quote')} of it no longer stand in the articles: these are gone or have changed."
            )
        if self.turns:
            self.screen.write([line(f"Last question: {self.turns[-1].question}", "quiet")])

    def fork(self) -> None:
        """Go on in a copy; the chat so far stays as it is.

        Raises:
            UsageError: nothing was asked yet, or chats are not kept.
        """
        self.last_turn()
        store = self.kept()
        self.session = store.start(self.filters)
        self._rows = [store.add_turn(self.session, turn, self.filters) for turn in self.turns]

    def rename(self, name: str) -> None:
        """Give the chat a name.

        Raises:
            UsageError: the name is empty, a number or taken; nothing was asked yet, or chats are not kept.
        """
        name = " ".join(clean_text(name).split())
        if not name or name.isdigit() or len(name) > 80:
            raise UsageError("A chat's name has 1 to 80 characters and is no number: /rename NAME")
        if self.session is None:
            self.last_turn()
        if self.session is None or not self.kept().rename(self.session, name):
            raise UsageError(f"Another chat is called '{name}', or this one is not kept.")

    def model_name(self) -> str:
        """Who writes the answers."""
        model = self.conversation.model
        return model.name if model else "no model"

    # inside

    def _take_turn(self, question: str, view: TurnView) -> bool:
        view.show_stage("reading the question")
        before, standalone = len(self.turns), ""
        try:
            standalone = self._stand_alone(question, view)
            events = self.conversation.stream(question, self.filters, standalone=standalone)
            with closing(events), quiet_keys():
                for event in events:
                    if not isinstance(event, Answer):
                        view.show(event)
        except KeyboardInterrupt:
            if len(self.turns) == before:
                self._stop(view, question, standalone)
                return False
        except BaseException:
            view.stop()
            raise
        turn = self.turns[-1]
        self._keep(turn)
        view.finish([*lay_out_answer(turn.answer, footer=describe_turn(turn, self.turns)), BLANK])
        return True

    def _stand_alone(self, question: str, view: TurnView) -> str:
        typed = " ".join(clean_text(question).split())
        if self.is_raw:
            return typed
        standalone = self.conversation.stand_alone(question)
        if standalone != typed:
            view.write([line(f"Asked as: {standalone}", "quiet")])
        if self.conversation.condensed and not self._told_condensed:
            self._told_condensed = True
            view.say("This chat is long: the model is shown its last turns, the longest of them shortened.")
        return standalone

    def _stop(self, view: TurnView, question: str, standalone: str) -> None:
        view.stop()
        if view.text.strip():
            turn = self.conversation.keep_stopped(question, standalone, view.text, self.filters)
            self.screen.write(
                [line("✗ Stopped: the answer is incomplete, and nothing of it was checked.", "bad"), BLANK]
            )
            self._keep(turn)
        else:
            self._say("Stopped.")

    def _keep(self, turn: Turn) -> None:
        """Keep a turn in the file; where that fails, say so once and go on without."""
        row = None
        self._rows += [None] * (len(self.turns) - 1 - len(self._rows))  # of a turn that Ctrl-C kept from being kept
        if self.store is not None:
            try:
                if self.session is None:
                    self.session = self.store.start(self.filters)
                row = self.store.add_turn(self.session, turn, self.filters)
            except StoreError as error:
                self._give_up_keeping(error)
        self._rows.append(row)

    def _forget(self, row: int | None) -> None:
        if self.store is not None and row is not None:
            try:
                self.store.remove_turn(row)
            except StoreError as error:
                self._give_up_keeping(error)

    def _take(self, turns: Sequence[Turn], rows: Sequence[int | None], filters: Filters, session: int | None) -> None:
        self.turns[:] = turns
        self._rows = list(rows)
        self.filters, self.session = filters, session
        self._told_condensed = False

    def _open_store(self, folder: Path) -> SessionStore | None:
        try:
            store = SessionStore(folder)
        except StoreError as error:
            self._say(str(error))
            return None
        for notice in store.notices:
            self._say(notice)
        return store

    def _give_up_keeping(self, error: StoreError) -> None:
        self._say(f"{error} From here on the chat is not kept.")
        self.close()
        self.store = None

    def _find_article(self, id_: str, sha256: str) -> Article | None:
        try:
            article = self.archive.get(id_)
        except (ArticleNotFound, QAError):
            return None
        return article if (article.id, article.sha256) == (id_, sha256) else None

    def _say(self, message: str) -> None:
        if self.view is not None:
            self.view.say(message)
        else:
            self.screen.write([line(message, "quiet")])
