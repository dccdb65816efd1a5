"""Run a small text model (a BERT-like encoder) through onnxruntime, on the CPU."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from qa.errors import EmbeddingError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Two threads that share a single-threaded session made 7,700 tokens/s with batches of 4 texts of like length, 7,400
# one text at a time and 6,700 with 16; one session of two threads made 7,000 at its best (2 cores, one run of
# `python eval/bench/embedding.py ARTICLES`).
BATCH_SIZE = 4


class TextModel:
    """An ONNX encoder with its WordPiece vocabulary, loaded from files whose hashes are known.

    Safe to share between threads. Loading costs about 0.3 s of CPU and 50 MB.
    """

    def __init__(
        self, model: Path, vocabulary: Path, *, model_sha256: str, vocabulary_sha256: str, max_tokens: int
    ) -> None:
        """Load model and vocabulary.

        Raises:
            EmbeddingError: a file is missing, differs from its hash, or cannot be run.
        """
        check_file(model, model_sha256)
        check_file(vocabulary, vocabulary_sha256)
        self._tokenizer = _load_tokenizer(vocabulary, max_tokens)
        self._session = _load_session(model)
        self._threads = max(1, min(os.cpu_count() or 1, 8))
        self._pool: ThreadPoolExecutor | None = None
        self._lock = Lock()

    def encode_mean(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Encode each text as the mean of its token vectors, L2-normalised; shape (len(texts), width).

        Mean pooling over the attention mask, as in Sentence-BERT (Reimers and Gurevych 2019). What
        lies beyond `max_tokens` is cut off. The result for a text does not depend on its neighbours
        but for rounding in the last digits.
        """
        import numpy as np

        encoded = [encoding.ids for encoding in self._tokenizer.encode_batch(list(texts))]
        order = sorted(range(len(encoded)), key=lambda i: len(encoded[i]))
        batches = [order[at : at + BATCH_SIZE] for at in range(0, len(order), BATCH_SIZE)]
        rows = self._map([[encoded[i] for i in batch] for batch in batches])
        result = np.empty((len(encoded), rows[0].shape[1] if rows else 0), dtype=np.float32)
        for batch, vectors in zip(batches, rows, strict=True):
            result[batch] = vectors
        return result

    def _map(self, batches: list[list[list[int]]]) -> list[NDArray[np.float32]]:
        if len(batches) < 2 or self._threads == 1:
            return [self._run(batch) for batch in batches]
        with self._lock:
            self._pool = self._pool or ThreadPoolExecutor(self._threads, thread_name_prefix="qa-onnx")
        return list(self._pool.map(self._run, batches))

    def _run(self, batch: list[list[int]]) -> NDArray[np.float32]:
        import numpy as np

        ids = np.zeros((len(batch), max(map(len, batch))), dtype=np.int64)
        mask = np.zeros_like(ids)
        for row, tokens in enumerate(batch):
            ids[row, : len(tokens)] = tokens
            mask[row, : len(tokens)] = 1
        feed = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        try:
            hidden = self._session.run(None, feed)[0]
        except Exception as error:  # onnxruntime's errors share no base class
            raise EmbeddingError(f"onnxruntime could not run the bundled model: {error}") from error
        weights = mask.astype(np.float32) / mask.sum(axis=1, keepdims=True)
        vectors = (weights[:, None, :] @ hidden)[:, 0, :]
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        normalised: NDArray[np.float32] = (vectors / np.maximum(norms, 1e-12)).astype(np.float32)
        return normalised


def check_file(path: Path, sha256: str) -> None:
    """Refuse a file that is missing or whose content is not what was tested.

    Raises:
        EmbeddingError: the file is missing, unreadable, or has another SHA-256.
    """
    try:
        found = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise EmbeddingError(
            f"The model file {path.name} cannot be read: {error}. Install the package again."
        ) from error
    if found != sha256:
        raise EmbeddingError(
            f"The model file {path.name} is not the one this version was tested with"
            f" (sha256 {found[:12]}…, expected {sha256[:12]}…). Install the package again."
        )


def _load_tokenizer(vocabulary: Path, max_tokens: int) -> Any:  # noqa: ANN401  tokenizers' types are not exported
    from tokenizers.implementations.bert_wordpiece import BertWordPieceTokenizer

    tokenizer = BertWordPieceTokenizer(str(vocabulary), lowercase=True)
    tokenizer.enable_truncation(max_tokens)
    return tokenizer


def _load_session(model: Path) -> Any:  # noqa: ANN401  onnxruntime is untyped
    # onnxruntime 1.32 reports its use to its maker unless told not to before it is loaded; calling
    # disable_telemetry_events() afterwards is too late. Nothing here may reach the network by itself.
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors share no base class
        raise EmbeddingError(f"onnxruntime could not load {model.name}: {error}") from error
