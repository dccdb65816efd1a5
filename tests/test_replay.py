from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing
from dataclasses import replace
from pathlib import Path
from threading import Barrier

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from qa.errors import (
    ContentError,
    EmbeddingError,
    ModelError,
    ModelRejected,
    ModelReplyInvalid,
    ModelUnavailable,
    WorkspaceError,
)
from qa.models import Message, ReplyPart, Usage
from qa.read import Excerpt, Read
from qa.replay import CallLog, RecordedChat, RecordedEmbedder, RecordedReader
from qa.testing import HashingEmbedder, ScriptedChat

ASKED = [Message("system", "Be brief."), Message("user", "Where is Ann?")]


@pytest.fixture
def log(tmp_path: Path) -> Iterator[CallLog]:
    with closing(CallLog(tmp_path / "calls.sqlite")) as log:
        yield log


class Parts:
    """A model that gives these parts, and then perhaps an error."""

    name = "parts"

    def __init__(self, *parts: ReplyPart, error: Exception | None = None) -> None:
        self.parts = parts
        self.error = error
        self.asked = 0

    def stream(self, messages: Sequence[Message], *, max_tokens: int) -> Iterator[ReplyPart]:
        self.asked += 1
        yield from self.parts
        if self.error:
            raise self.error


def take(chat: RecordedChat, asked: Sequence[Message] = ASKED, max_tokens: int = 9) -> tuple[list[ReplyPart], str]:
    """The parts of a reply, and the kind and text of the error that ended it."""
    parts: list[ReplyPart] = []
    try:
        parts.extend(chat.stream(asked, max_tokens=max_tokens))
    except ModelError as error:
        return parts, f"{type(error).__name__}: {error}"
    return parts, ""


# replies


usages = st.builds(Usage, st.integers(0, 10**9), st.integers(0, 10**9), st.none() | st.floats(0, 1e6))
texts = st.text(st.characters(exclude_categories=["Cs"]))
parts = st.builds(ReplyPart, texts, st.none() | usages, st.none() | texts.filter(bool))
errors = st.sampled_from([ModelError, ModelUnavailable, ModelRejected, ModelReplyInvalid]).flatmap(
    lambda kind: st.builds(kind, texts)
)


@given(st.lists(parts, max_size=5), st.none() | errors)
def test_a_reply_is_given_back_part_by_part_and_with_the_error_that_ended_it(
    tmp_path_factory: pytest.TempPathFactory, parts: list[ReplyPart], error: ModelError | None
) -> None:
    model = Parts(*parts, error=error)
    file = tmp_path_factory.mktemp("log") / "calls.sqlite"
    with closing(CallLog(file)) as log:
        first = take(RecordedChat("parts", log, model=model))
        assert first[0] == parts
        assert take(RecordedChat("parts", log, model=model)) == first
    with closing(CallLog(file, read_only=True)) as log:
        assert take(RecordedChat("parts", log, model=None)) == first
    assert model.asked == 1


def test_an_error_of_a_kind_that_the_host_made_comes_back_as_a_model_that_is_unavailable(log: CallLog) -> None:
    class Closed(ModelError):
        pass

    first = take(RecordedChat("m", log, model=Parts(error=Closed("Closed on Sundays."))))
    assert first == ([], "Closed: Closed on Sundays.")
    assert take(RecordedChat("m", log, model=None)) == ([], "ModelUnavailable: Closed on Sundays.")


@pytest.mark.parametrize("changed", ["messages", "role", "max_tokens", "repeat", "name"])
def test_any_other_call_is_asked_anew(log: CallLog, changed: str) -> None:
    model = ScriptedChat(["At home.", "Out."])
    take(RecordedChat("m", log, model=model))
    asked = [Message("system", "Be brief."), Message("user", "Where is Ben?")] if changed == "messages" else ASKED
    asked = [Message("user", "Be brief."), ASKED[1]] if changed == "role" else asked
    chat = RecordedChat("n" if changed == "name" else "m", log, model=model, repeat=2 if changed == "repeat" else 1)
    said, _ = take(chat, asked, 8 if changed == "max_tokens" else 9)
    assert said[0].text == "Out."


def test_without_a_model_a_call_that_was_never_made_is_an_error_of_one_line(log: CallLog) -> None:
    with pytest.raises(ContentError, match=r"^No reply of m is recorded for this call: a prompt or the program has"):
        take(RecordedChat("m", log, model=None))


def test_what_is_no_error_of_a_model_is_raised_and_not_kept(log: CallLog) -> None:
    model = Parts(ReplyPart("At"), error=KeyboardInterrupt())  # type: ignore[arg-type]
    with pytest.raises(KeyboardInterrupt):
        take(RecordedChat("m", log, model=model))
    model.error = None
    assert take(RecordedChat("m", log, model=model)) == ([ReplyPart("At")], "")
    assert model.asked == 2


def test_half_a_character_is_kept_as_a_sign_that_it_was_there(log: CallLog) -> None:
    model = Parts(ReplyPart("At \ud83d home"), ReplyPart("\x00"))
    first = take(RecordedChat("m", log, model=model))
    assert first == ([ReplyPart("At \ufffd home"), ReplyPart("\x00")], "")
    assert take(RecordedChat("m", log, model=None)) == first


class Slow(Parts):
    """A model that gives other threads the time to ask it too."""

    def __init__(self, log: CallLog) -> None:
        super().__init__(ReplyPart("At home."))
        self._log = log

    def stream(self, messages: Sequence[Message], *, max_tokens: int) -> Iterator[ReplyPart]:
        for n in range(300):
            self._log.find_reply(f"no key {n}")
        yield from super().stream(messages, max_tokens=max_tokens)


def test_of_threads_that_ask_the_same_at_once_one_asks_the_model(log: CallLog) -> None:
    model, barrier = Slow(log), Barrier(8)

    def ask(_: int) -> tuple[list[ReplyPart], str]:
        barrier.wait(timeout=30)
        return take(RecordedChat("m", log, model=model))

    with ThreadPoolExecutor(8) as pool:
        assert set(map(str, pool.map(ask, range(8)))) == {str(([ReplyPart("At home.")], ""))}
    assert model.asked == 1


# usage


def test_usage_counts_what_was_asked_since_the_log_was_opened(tmp_path: Path) -> None:
    def spend(log: CallLog, question: str, usage: Usage | None, error: ModelError | None = None) -> None:
        chat = RecordedChat("m", log, model=Parts(ReplyPart("At"), ReplyPart(usage=usage), error=error))
        take(chat, [Message("user", question)])

    with closing(CallLog(tmp_path / "calls.sqlite")) as log:
        assert log.usage() == Usage()
        spend(log, "a", Usage(10, 2))
        assert log.usage() == Usage(10, 2)
        spend(log, "b", Usage(20, 3, 0.5))
        spend(log, "c", None, ModelUnavailable("gone"))
        spend(log, "d", Usage(5, 1, 0.25), ModelUnavailable("cut"))
        spend(log, "d", Usage(5, 1, 0.25))
        assert log.usage() == Usage(35, 6, 0.75)
    with closing(CallLog(tmp_path / "calls.sqlite")) as log:
        spend(log, "b", Usage(20, 3, 0.5))
        assert log.usage() == Usage()


# vectors


class Counting(HashingEmbedder):
    """Keeps what it was asked to embed."""

    def __init__(self) -> None:
        super().__init__(dimension=8)
        self.texts: list[str] = []

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.texts += texts
        return super().embed(texts)


@given(st.lists(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=4), max_size=6), max_size=4))
def test_vectors_are_those_of_the_embedder_in_its_order_and_each_text_is_embedded_once(
    tmp_path_factory: pytest.TempPathFactory, batches: list[list[str]]
) -> None:
    inner, file = Counting(), tmp_path_factory.mktemp("log") / "calls.sqlite"
    with closing(CallLog(file)) as log:
        embedder = RecordedEmbedder(inner.id, inner.dimension, log, embedder=inner)
        for batch in batches:
            assert np.array_equal(embedder.embed(batch), HashingEmbedder(8).embed(batch))
    assert len(inner.texts) == len(set(inner.texts))
    with closing(CallLog(file, read_only=True)) as log:
        kept = RecordedEmbedder(inner.id, log.dimension(inner.id), log, embedder=None)
        for batch in filter(None, batches):
            assert np.array_equal(kept.embed(batch), HashingEmbedder(8).embed(batch))


def test_a_thousand_texts_are_looked_up_at_once(log: CallLog) -> None:
    texts = [f"text {n}" for n in range(1_234)]
    inner = Counting()
    embedder = RecordedEmbedder(inner.id, inner.dimension, log, embedder=inner)
    assert np.array_equal(embedder.embed(texts), embedder.embed(texts))
    assert len(inner.texts) == 1_234


class Drifting(HashingEmbedder):
    """Gives another vector each time, as a server of many machines may, and only when two threads have come."""

    def __init__(self) -> None:
        super().__init__(dimension=2)
        self._angle = 0.0
        self._both = Barrier(2)

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self._both.wait(timeout=30)
        self._angle += 0.1
        vector = np.array([np.cos(self._angle), np.sin(self._angle)], dtype=np.float32)
        return np.stack([vector] * len(texts))


def test_threads_that_embed_the_same_at_once_get_the_vector_that_is_kept(log: CallLog) -> None:
    embedder = RecordedEmbedder("d", 2, log, embedder=Drifting())
    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(embedder.embed, [["Ann"], ["Ann"]])
    assert np.array_equal(one, other)
    assert np.array_equal(one, RecordedEmbedder("d", 2, log, embedder=None).embed(["Ann"]))


def test_vectors_of_two_embedders_are_kept_apart(log: CallLog) -> None:
    for dimension in (2, 3):
        inner = HashingEmbedder(dimension)
        RecordedEmbedder(inner.id, dimension, log, embedder=inner).embed(["Ann"])
    assert [log.dimension(name) for name in ("hashing-2", "hashing-3", "hashing-4")] == [2, 3, 0]
    assert log.find_vectors("hashing-4", ["Ann"]) == {}


def test_without_an_embedder_a_text_that_was_never_embedded_is_an_error_of_one_line(log: CallLog) -> None:
    with pytest.raises(
        ContentError, match=r"^No vector is recorded for 2 of 2 texts: the articles or the program have"
    ):
        RecordedEmbedder("e", 3, log, embedder=None).embed(["Ann", "Ben"])


def test_a_vector_that_is_none_is_not_kept(log: CallLog) -> None:
    class Broken(HashingEmbedder):
        def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
            return super().embed(texts) * np.nan

    with pytest.raises(EmbeddingError, match="not finite"):
        RecordedEmbedder("b", 64, log, embedder=Broken()).embed(["Ann"])
    assert log.find_vectors("b", ["Ann"]) == {}


# the file


def test_nothing_is_left_beside_the_file_when_it_is_closed(tmp_path: Path) -> None:
    with closing(CallLog(tmp_path / "deep/calls.sqlite")) as log:
        take(RecordedChat("m", log, model=Parts(ReplyPart("At home."))))
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["calls.sqlite"]


def test_it_can_be_closed_while_another_process_reads(tmp_path: Path) -> None:
    file = tmp_path / "calls.sqlite"
    log = CallLog(file)
    with closing(CallLog(file, read_only=True)) as reader:
        take(RecordedChat("m", log, model=Parts(ReplyPart("At home."))))
        log.close()
        assert take(RecordedChat("m", reader, model=None)) == ([ReplyPart("At home.")], "")


def test_what_was_put_is_there_without_closing_the_file(tmp_path: Path) -> None:
    file = tmp_path / "calls.sqlite"
    with closing(CallLog(file)) as log:
        take(RecordedChat("m", log, model=Parts(ReplyPart("At home."))))
        log.put_vectors("e", ["Ann"], np.ones((1, 1), dtype=np.float32))
        with closing(CallLog(file, read_only=True)) as other:
            assert take(RecordedChat("m", other, model=None)) == ([ReplyPart("At home.")], "")
            assert other.dimension("e") == 1


def test_read_only_the_file_stays_as_it_is_and_its_folder_need_not_be_writable(
    public_folder: Path, read_only: Callable[[Path], AbstractContextManager[None]]
) -> None:
    file = public_folder / "calls #1?.sqlite"
    with closing(CallLog(file)) as log:
        take(RecordedChat("m", log, model=Parts(ReplyPart("At home."))))
    raw = file.read_bytes()
    with read_only(public_folder):
        with closing(CallLog(file, read_only=True)) as log:
            assert take(RecordedChat("m", log, model=None)) == ([ReplyPart("At home.")], "")
            with pytest.raises(ContentError, match="readonly"):
                log.put_vectors("e", ["Ann"], np.ones((1, 1), dtype=np.float32))
        with pytest.raises(WorkspaceError, match="cannot be used"):
            CallLog(file)
    assert file.read_bytes() == raw
    assert [path.name for path in public_folder.iterdir()] == [file.name]


@pytest.mark.parametrize("raw", [b"", b"not a database, " * 512, None])
def test_a_file_that_is_no_log_of_calls_cannot_be_read(tmp_path: Path, raw: bytes | None) -> None:
    file = tmp_path / "calls.sqlite"
    if raw is not None:
        file.write_bytes(raw)
    with pytest.raises(ContentError, match=r"calls\.sqlite, which keeps the calls of the run, cannot be used: "):
        CallLog(file, read_only=True)
    assert file.exists() == (raw is not None)


def test_a_file_that_is_no_log_of_calls_is_not_written(tmp_path: Path) -> None:
    file = tmp_path / "calls.sqlite"
    file.write_bytes(b"not a database, " * 512)
    with pytest.raises(WorkspaceError, match=r"cannot be used: file is not a database\.$"):
        CallLog(file)
    assert file.read_bytes() == b"not a database, " * 512


def test_a_write_that_failed_does_not_hinder_the_next(log: CallLog, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "calls.sqlite", isolation_level=None)) as other:
        other.execute("CREATE TRIGGER full BEFORE INSERT ON vectors BEGIN SELECT raise(FAIL, 'disk full'); END")
        with pytest.raises(WorkspaceError, match="disk full"):
            log.put_vectors("e", ["Ann"], np.ones((1, 1), dtype=np.float32))
        other.execute("DROP TRIGGER full")
    log.put_vectors("e", ["Ann"], np.ones((1, 1), dtype=np.float32))
    assert log.dimension("e") == 1


# a reader


class CountingReader:
    """Reads each sentence as its length says, and counts the calls."""

    id = "counting"

    def __init__(self) -> None:
        self.asked: list[int] = []

    def read(self, question: str, excerpts: Sequence[Excerpt]) -> list[Read]:
        self.asked.append(len(excerpts))
        return [Read(len(e.sentence) / 7, (0, len(e.sentence)) if e.sentence else None) for e in excerpts]


def test_a_sentence_is_read_once_for_a_question_and_given_back_without_the_reader(log: CallLog) -> None:
    inner = CountingReader()
    reader = RecordedReader(inner.id, log, reader=inner)
    one, two, none = Excerpt("Ann came.", "5 May 2031"), Excerpt("Ben went.", before="Ann came."), Excerpt("")
    first = reader.read("Who?", [one, two, none])
    assert reader.read("Who?", [none, one, one]) == [first[2], first[0], first[0]]
    assert [read.span for read in first] == [(0, 9), (0, 9), None]
    assert first[0].logit == pytest.approx(9 / 7, abs=1e-6)
    assert inner.asked == [3]
    reader.read("Whom?", [one])
    reader.read("Who?", [replace(one, head="6 May 2031")])
    assert inner.asked == [3, 1, 1]
    assert RecordedReader(inner.id, log, reader=None).read("Who?", [two, one]) == [first[1], first[0]]


def test_without_a_reader_a_sentence_that_was_never_read_is_an_error_of_one_line(log: CallLog) -> None:
    with pytest.raises(ContentError, match=r"^No reading is recorded of 1 of 1 sentences: the articles or the program"):
        RecordedReader("r", log, reader=None).read("Who?", [Excerpt("Ann came.")])
