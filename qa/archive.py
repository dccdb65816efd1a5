"""The archive: what a library user holds and what every command works on."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from pathlib import Path
from threading import RLock
from types import TracebackType
from typing import BinaryIO

from qa.answer import Desk, answer_question, check_filters, check_question, last_answer
from qa.answer_form import Answer, Event
from qa.archive_reports import AddReport, Status, count_status
from qa.articles import Article, Filters
from qa.catalog import Catalog
from qa.check import Check, check_draft
from qa.conversation import Conversation
from qa.copy_groups import read_groups
from qa.embed import Embedder, open_embedder
from qa.endpoint import Endpoint
from qa.errors import ArchiveBusy, ArchiveReadOnly, ArticleNotFound, ModelUnavailable, WorkspaceError
from qa.models import ChatModel, ModelChoice, UnreachedModel, open_chat
from qa.parts import DECOMPOSE_FIELDS
from qa.plan import make_plan
from qa.prompts import Prompt, load_prompt
from qa.read import Reader, ReaderChoice, TrainedReader
from qa.retrieve import Hit, Retriever
from qa.settings import Recipe, Settings, load_recipe, load_settings
from qa.sources import Details, Skipped, make_source, read_sources
from qa.store import Store
from qa.sync import OnProgress, Writer
from qa.text import suggest
from qa.workspace import Workspace, find_workspace

_log = logging.getLogger("qa")

_ANSWER_FIELDS = frozenset({"question", "passages", "fence", "today"})
_FOLLOW_UP_FIELDS = frozenset({"history", "question"})
DEFAULT_LIMIT = 10


class Archive:
    """An archive of articles that answers questions. Made by `qa.open`; may be shared by threads."""

    def __init__(
        self,
        workspace: Workspace,
        settings: Settings,
        *,
        embedder: Embedder | None,
        reader: ReaderChoice,
        model: ModelChoice,
    ) -> None:
        """Prepare an archive; nothing is read or created before it is needed."""
        self.workspace = workspace
        self.settings = settings
        self.recipe: Recipe = load_recipe(workspace.content("index/recipe.toml"))
        self.store = Store(workspace.store)
        self.embedder: Embedder = embedder or open_embedder(self.recipe.embedder)
        self.reader: Reader | None = TrainedReader() if reader is None else reader or None
        self._model = model
        self._opened: dict[str | None, ChatModel] = {}
        self._retriever: Retriever | None = None
        self._lock = RLock()

    def __enter__(self) -> Archive:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Release every file. The archive may be used again afterwards."""
        with self._lock:
            if self._retriever is not None:
                self._retriever.close()
                self._retriever = None

    # articles in and out

    def add(
        self,
        *sources: str | os.PathLike[str],
        details: Details | None = None,
        fields: Mapping[str, str] | None = None,
        stdin: BinaryIO | None = None,
        on_progress: OnProgress | None = None,
    ) -> AddReport:
        """Add files, folders and JSONL, `-` being `stdin`; what is known and unchanged costs nothing.

        Articles can be found by their words at once and by their vectors when this returns. Interrupted,
        it keeps what is done, and the next `add` or `sync` goes on from there.

        Args:
            sources: paths, as `qa add` takes them.
            details: metadata that overrides what the sources say.
            fields: names of fields in JSONL and CSV where they differ, such as {"text": "story"}.
            stdin: a binary stream, read when a source is `-`.
            on_progress: called with a `Progress` now and then, in this thread.

        Raises:
            ArchiveBusy: another process is writing.
            EmbedderMismatch: the archive's vectors were made by another embedder.
        """
        items = read_sources(
            [os.fspath(source) for source in sources],
            root=self.workspace.root,
            details=details or Details(),
            fields=fields or {},
            stdin=stdin,
        )
        return self._write(items, on_progress, check_embedder=True)

    def sync(self, *, on_progress: OnProgress | None = None) -> AddReport:
        """Bring new and changed files of `index/articles/` in, and finish whatever an interruption left undone.

        Passages that lack a vector of the embedder in use are embedded: all of them after the recipe was changed.

        Raises:
            ArchiveBusy: another process is writing.
        """
        return self._bring_in(on_progress)

    def needs_sync(self) -> bool:
        """Whether a file of `index/articles/` is new or has changed (size, time) since it was last read."""
        return bool(self._changed_files())

    def remove(self, *ids: str) -> None:
        """Delete articles by id, with their passages and vectors, from every file of the store.

        Raises:
            ArticleNotFound: an id is unknown; nothing is removed then.
        """
        found = [self.get(id_).id for id_ in ids]
        with self._lock, self.store.writing():
            writer = Writer(self.store, self.recipe, self.embedder)
            try:
                writer.remove(found)
            finally:
                writer.close()

    def articles(self) -> list[Article]:
        """Every article, by source."""
        return list(self._catalog().articles()) if self.store.exists() else []

    def duplicates(self) -> list[tuple[Article, ...]]:
        """The groups of articles that are copies of one story, each by date, the earliest first."""
        return read_groups(self._catalog()) if self.store.exists() else []

    def get(self, article_id: str) -> Article:
        """The article with this id, or whose id alone begins with it (at least 4 characters).

        Raises:
            ArticleNotFound: there is none, or several.
        """
        catalog = self._catalog() if self.store.exists() else None
        article = catalog.article(article_id) if catalog else None
        if article is not None:
            return article
        matches = catalog.find_ids(article_id) if catalog and len(article_id) >= 4 else []
        if catalog and len(matches) == 1:
            return self.get(matches[0])
        known = catalog.find_ids("") if catalog else []
        many = f" {len(matches)} ids begin so." if matches else suggest(article_id, known)
        raise ArticleNotFound(f"No article '{article_id}' in {self.workspace.root}.{many} List them with: qa list")

    def status(self) -> Status:
        """How much there is, and what is still to be embedded."""
        catalog = self._catalog() if self.store.exists() else None
        return count_status(self.workspace.root, self.store, catalog, self.embedder.id, self._model_name())

    # questions

    def search(
        self,
        question: str,
        *,
        limit: int = DEFAULT_LIMIT,
        since: date | None = None,
        until: date | None = None,
        as_of: date | None = None,
        publisher: str | None = None,
        dated: bool = False,
    ) -> list[Hit]:
        """Passages for a question, best first; the filters are applied before ranking.

        Raises:
            UsageError: the question is empty or the dates exclude each other.
            WorkspaceError: the archive holds no articles.
        """
        filters = Filters(since, until, as_of, publisher, dated)
        check_filters(filters)
        plan = make_plan(check_question(question), filters, date.today())
        return plan.search(self._open_retriever(), limit=limit)

    def ask(
        self,
        question: str,
        *,
        since: date | None = None,
        until: date | None = None,
        as_of: date | None = None,
        publisher: str | None = None,
        dated: bool = False,
        model: ModelChoice = None,
    ) -> Answer:
        """Answer a question from the articles, or abstain.

        `model=False` forces the answer without a model, None takes the configured one, if any.

        Raises:
            UsageError: the question is empty or too long, or the dates exclude each other.
            WorkspaceError: the archive holds no articles.
        """
        events = self.stream(
            question, since=since, until=until, as_of=as_of, publisher=publisher, dated=dated, model=model
        )
        return last_answer(events)

    def stream(
        self,
        question: str,
        *,
        since: date | None = None,
        until: date | None = None,
        as_of: date | None = None,
        publisher: str | None = None,
        dated: bool = False,
        model: ModelChoice = None,
    ) -> Iterator[Event]:
        """Like `ask`, giving `Stage` and `Token` events as they come and the `Answer` last."""
        filters = Filters(since, until, as_of, publisher, dated)
        return self._stream(question, filters, self.choose_model(model))

    def _stream(self, question: str, filters: Filters, model: ChatModel | None) -> Iterator[Event]:
        return answer_question(question, self.desk(), filters, model)

    def check(
        self,
        text: str,
        *,
        since: date | None = None,
        until: date | None = None,
        as_of: date | None = None,
        publisher: str | None = None,
        dated: bool = False,
    ) -> Check:
        """Hold each sentence of a draft against the articles: supported, contradicted, or not found. No model is asked.

        Raises:
            UsageError: the dates exclude each other.
            WorkspaceError: the archive holds no articles.
        """
        filters = Filters(since, until, as_of, publisher, dated)
        check_filters(filters)
        return check_draft(text, self._open_retriever(), filters)

    def chat(self, *, model: ModelChoice = None) -> Conversation:
        """A conversation: each question may refer to those before it."""
        return Conversation(self._stream, self.follow_up_prompt(), self.choose_model(model))

    # the parts that evaluation puts together anew

    def desk(self) -> Desk:
        """What a question of this archive is answered with."""
        return Desk(
            retriever=self._open_retriever(),
            prompt=load_prompt(self.workspace.content("prompts/answer.md"), placeholders=_ANSWER_FIELDS),
            today=date.today(),
            context_tokens=self.settings.context_tokens,
            max_output_tokens=self.settings.max_output_tokens,
            reader=self.reader,
            splitting=load_prompt(self.workspace.content("prompts/decompose.md"), placeholders=DECOMPOSE_FIELDS),
        )

    def follow_up_prompt(self) -> Prompt:
        """What a model is told to make a follow-up stand alone."""
        return load_prompt(self.workspace.content("prompts/follow_up.md"), placeholders=_FOLLOW_UP_FIELDS)

    # inside

    def _bring_in(self, on_progress: OnProgress | None = None, *, check_embedder: bool = False) -> AddReport:
        changed = self._changed_files()
        items = read_sources([str(path) for path in changed], root=self.workspace.root) if changed else iter(())
        return self._write(items, on_progress, files=changed, check_embedder=check_embedder)

    def _write(
        self,
        items: Iterable[Article | Skipped],
        on_progress: OnProgress | None,
        *,
        files: Mapping[Path, tuple[int, int]] | None = None,
        check_embedder: bool = False,
    ) -> AddReport:
        with self._lock, self.store.writing():
            writer = Writer(self.store, self.recipe, self.embedder, on_progress)
            try:
                if check_embedder:
                    writer.catalog.check_embedder(self.embedder.id)
                writer.add(items)
                if files:
                    states = {make_source(path, self.workspace.root): state for path, state in files.items()}
                    with writer.catalog.transaction():
                        writer.catalog.put_files(states)
                writer.finish()
            finally:
                writer.close()
        done = writer.changes
        return AddReport(tuple(done.added), tuple(done.updated), tuple(done.unchanged), tuple(done.skipped))

    def _changed_files(self) -> dict[Path, tuple[int, int]]:
        root, states = self.workspace.root, self.workspace.article_files()
        known = self._catalog().files() if states and self.store.exists() else {}
        return {path: state for path, state in states.items() if known.get(make_source(path, root)) != state}

    def _catalog(self) -> Catalog:
        return self._reader().catalog

    def _reader(self) -> Retriever:
        retriever = self._retriever
        if retriever is None:
            with self._lock:  # only the first look waits while another thread writes
                retriever = self._retriever = self._retriever or Retriever(self.store, self.recipe, self.embedder)
        return retriever

    def _open_retriever(self) -> Retriever:
        """The retriever, after new files of the workspace have been brought in."""
        if self.needs_sync():
            try:
                for source, reason in self._bring_in(check_embedder=True).skipped:
                    _log.warning("%s is not searched: %s", source, reason)
            except (ArchiveBusy, ArchiveReadOnly) as error:
                _log.warning("New files of index/articles are not searched yet: %s", error)
        if not self.store.exists() or not self._catalog().counts(self.embedder.id).articles:
            raise WorkspaceError(f"No articles in {self.workspace.root} yet. Add some with: qa add SOURCE")
        return self._reader()

    def choose_model(self, choice: ModelChoice = None) -> ChatModel | None:
        """The chat model that `choice` means (see `ask`), or None for the answer without one."""
        choice = self._model if choice is None else choice
        if choice is False or (choice is None and not self.settings.names_model):
            return None
        if choice is not None and not isinstance(choice, str):
            return choice
        name = choice or self.settings.model
        if name not in self._opened:
            try:
                self._opened[name] = open_chat(self.endpoint(), name, price=self.settings.price)
            except ModelUnavailable as error:
                return UnreachedModel(name or "the model", error)
        return self._opened[name]

    def endpoint(self) -> Endpoint:
        """Where the configured model is served."""
        s = self.settings
        return Endpoint(s.base_url, s.api_key, s.timeout_seconds, s.trust_environment)

    def _model_name(self) -> str | None:
        if self._model is False or (self._model is None and not self.settings.names_model):
            return None
        if self._model is not None and not isinstance(self._model, str):
            return self._model.name
        return self._model or self.settings.model or "the one the server lists"


def open_archive(
    path: str | os.PathLike[str] | None = None,
    *,
    model: ModelChoice = None,
    embedder: Embedder | None = None,
    reader: ReaderChoice = None,
    environment: bool = False,
) -> Archive:
    """Open the archive of a workspace: the folder named, else the nearest upwards, else the user's own.

    A folder that is not there yet is an empty archive; it is created by the first `add`. No variable of
    the environment is read unless `environment` is set.

    Args:
        path: the workspace.
        model: the model that `ask` uses by default: a `ChatModel`, a name, or False for none.
        embedder: what turns texts into vectors; None takes the recipe's.
        reader: what reads sentences where no model answers; None takes the bundled one, False weighs them by rule.
        environment: whether `QA_…`, `OPENAI_API_KEY` and `OPENAI_BASE_URL` count.

    Raises:
        WorkspaceError: the path is a file.
        ContentError: `qa.toml` or `index/recipe.toml` is wrong.
    """
    named = Path(path) if path is not None else None
    if named is None and environment and os.environ.get("QA_WORKSPACE"):
        named = Path(os.environ["QA_WORKSPACE"])
    workspace = find_workspace(named, Path.cwd())
    settings = load_settings(workspace.settings_file, os.environ if environment else {})
    return Archive(workspace, settings, embedder=embedder, reader=reader, model=model)
