from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qa.embed import MiniLM, embed_checked, open_embedder
from qa.errors import ContentError, EmbeddingError

TEXTS = [
    "Trade stood at $24.2 billion in 2021, a record.",
    "Commerce between the two countries reached an all-time high.",
    "The cat sleeps.",
    "trade " * 50,
    "trade " * 255,
    "貿易は過去最高だった。",
    "👩‍👩‍👧",
    "",
]


@pytest.fixture(scope="module")
def model() -> MiniLM:
    return MiniLM()


@pytest.fixture(scope="module")
def alone(model: MiniLM) -> np.ndarray:
    """Each text embedded by itself."""
    return np.vstack([model.embed([text]) for text in TEXTS])


def test_vectors_are_normalised_and_of_the_width_that_was_said(model, alone):
    assert alone.shape == (len(TEXTS), model.dimension)
    assert alone.dtype == np.float32
    assert np.allclose(np.linalg.norm(alone, axis=1), 1, atol=1e-6)


def test_the_same_text_always_has_the_same_vector(alone):
    assert np.array_equal(MiniLM().embed([TEXTS[0]])[0], alone[0])


@settings(max_examples=8)
@given(st.permutations(range(len(TEXTS))), st.integers(1, len(TEXTS)))
def test_the_vector_of_a_text_does_not_depend_on_its_neighbours(model, alone, order, count):
    chosen = order[:count]
    together = model.embed([TEXTS[i] for i in chosen])
    assert np.abs(together - alone[chosen]).max() < 1e-4  # on the machine where this was written: 0


def test_texts_that_mean_the_same_are_nearer(alone):
    trade, commerce, cat = alone[:3]
    assert trade @ commerce > 0.4 > trade @ cat


def test_only_the_first_256_tokens_count(model):
    one, other = model.embed(["trade " * 254 + "cat", "trade " * 254 + "dog"])
    assert np.array_equal(one, other)


def test_case_and_accents_do_not_matter(model):
    one, other = model.embed(["Élysée TRADE", "elysee trade"])
    assert np.array_equal(one, other)


def test_no_texts_need_no_model():
    assert MiniLM().embed([]).shape == (0, 384)


def test_threads_share_a_model(alone):
    model = MiniLM()
    found: list[np.ndarray] = []
    threads = [threading.Thread(target=lambda: found.append(model.embed(TEXTS[:4]))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert all(np.abs(vectors - alone[:4]).max() < 1e-4 for vectors in found)


def test_embedding_needs_no_network(network, alone):
    MiniLM().embed(TEXTS[:1])
    assert network == []


def test_the_bundled_embedder_is_opened_by_its_name():
    assert isinstance(open_embedder("all-MiniLM-L6-v2-int8"), MiniLM)


def test_an_unknown_embedder_gets_the_nearest_name():
    with pytest.raises(ContentError, match=r"No embedder 'all-MiniLM-L6-v2' .* Did you mean 'all-MiniLM-L6-v2-int8'"):
        open_embedder("all-MiniLM-L6-v2")


class Wrong:
    """An embedder of a host program that does not do what it says."""

    id = "wrong"
    dimension = 3

    def __init__(self, vectors: object) -> None:
        self._vectors = vectors

    def embed(self, texts: Sequence[str]) -> object:
        return self._vectors


@pytest.mark.parametrize(
    ("vectors", "message"),
    [
        ([[1.0, 0.0, 0.0]], r"returned vectors of shape \(1, 3\) for 2 texts of dimension 3"),
        ([[1.0, 0.0]] * 2, r"shape \(2, 2\) for 2 texts of dimension 3"),
        ([1.0, 0.0, 0.0], r"shape \(3,\)"),
        ([[1.0, 0.0, float("nan")]] * 2, "not finite"),
        ([[1.0, 0.0, float("inf")]] * 2, "not finite"),
        ([[1e300, 0.0, 0.0]] * 2, "not finite"),
        ([[1.0, 0.0, 0.0], [0.0, 0.0, 0.0]], "vectors of length 0 to 1, not 1"),
        ([[3.0, 4.0, 0.0]] * 2, "vectors of length 5 to 5, not 1: divide each by its length"),
        ([[1.0], [1.0, 2.0]], "returned no vectors"),
        ("vectors", "returned no vectors"),
        (None, r"shape \(\)"),
    ],
)
def test_what_an_embedder_returns_is_checked_before_it_is_used(vectors, message):
    with pytest.raises(EmbeddingError, match=message):
        embed_checked(Wrong(vectors), ["a", "b"])


def test_vectors_of_other_number_types_and_lists_are_taken():
    vectors = embed_checked(Wrong([[1, 0, 0], [0.6, 0.8, 0]]), ["a", "b"])
    assert vectors.dtype == np.float32
    assert vectors.shape == (2, 3)
