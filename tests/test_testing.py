from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.embed import Embedder, embed_checked
from qa.errors import ModelRejected, ModelUnavailable
from qa.models import ChatModel, Message, Usage
from qa.testing import HashingEmbedder, ScriptedChat

ASKED = [Message("system", "Be brief."), Message("user", "Where is Ann?")]


def test_a_scripted_model_streams_its_replies_word_by_word_in_order() -> None:
    chat: ChatModel = ScriptedChat(["At home.", "Out"])
    first = list(chat.stream(ASKED, max_tokens=50))
    assert [part.text for part in first] == ["At", " home.", ""]
    assert first[-1].usage == Usage(5, 2)
    assert first[-1].finish_reason == "stop"
    assert next(chat.stream(ASKED, max_tokens=50)).text == "Out"


@given(st.text())
def test_the_parts_of_a_scripted_reply_join_to_it(reply: str) -> None:
    parts = ScriptedChat([reply]).stream(ASKED, max_tokens=10_000)
    assert "".join(part.text for part in parts) == reply


def test_a_scripted_model_keeps_what_it_was_asked() -> None:
    chat = ScriptedChat(["a", "b"], name="parrot")
    assert chat.name == "parrot"
    list(chat.stream(ASKED, max_tokens=5))
    list(chat.stream(ASKED[1:], max_tokens=5))
    assert chat.calls == [tuple(ASKED), tuple(ASKED[1:])]


def test_a_scripted_reply_is_cut_at_max_tokens() -> None:
    *words, closing = ScriptedChat(["one two three"]).stream(ASKED, max_tokens=2)
    assert "".join(part.text for part in words) == "one two"
    assert closing.finish_reason == "length"


def test_a_scripted_exception_is_raised_and_the_next_reply_follows() -> None:
    chat = ScriptedChat([ModelRejected("no"), "yes"])
    with pytest.raises(ModelRejected, match="no"):
        list(chat.stream(ASKED, max_tokens=5))
    assert next(chat.stream(ASKED, max_tokens=5)).text == "yes"


def test_a_scripted_model_that_runs_out_is_unavailable() -> None:
    with pytest.raises(ModelUnavailable, match="'scripted' has no reply left: call 1"):
        list(ScriptedChat([]).stream(ASKED, max_tokens=5))


def test_the_hashing_embedder_gives_checked_vectors_of_its_width() -> None:
    embedder: Embedder = HashingEmbedder(32)
    vectors = embed_checked(embedder, ["Trade set a record", "", "trade SET a récord!"])
    assert (embedder.id, embedder.dimension) == ("hashing-32", 32)
    assert vectors.shape == (3, 32)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1.0)
    assert np.allclose(vectors[0], vectors[2])


def test_texts_with_more_words_in_common_are_nearer() -> None:
    question, near, far = HashingEmbedder(256).embed(
        ["trade record 2021", "a record of trade in 2021", "rain tomorrow"]
    )
    assert question @ near > question @ far


def test_the_hashing_embedder_is_the_same_in_every_process() -> None:
    assert int(HashingEmbedder().embed(["trade"])[0].argmax()) == 38
    assert HashingEmbedder().embed([]).shape == (0, 64)
