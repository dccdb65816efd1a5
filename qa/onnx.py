"""Run a small text model (a BERT-like encoder) through onnxruntime, on the CPU."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from qa.errors import LocalModelError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Two threads that share a single-threaded session made 7,700 tokens/s with batches of 4 texts of like length, 7,400
# one text at a time and 6,700 with 16; one session of two threads made 7,000 at its best (2 cores, one run of
# `python eval/bench/embedding.py ARTICLES`).
BATCH_SIZE = 4


@dataclass(frozen=True, slots=True)
class Batch:
    """What the network made of some rows: their places, their mask (rows, tokens), and its outputs."""

    places: Sequence[int]
    mask: NDArray[np.int64]
    outputs: Sequence[NDArray[np.float32]]


class Network:
    """An ONNX encoder, loaded from a file whose hash is known.

    Safe to share between threads. Loading costs about 0.3 s of CPU and 50 MB.
    """

    def __init__(self, model: Path, sha256: str) -> None:
        """Load the file.

        Raises:
            LocalModelError: it is missing, differs from its hash, or cannot be run.
        """
        check_file(model, sha256)
        self._session = _load_session(model)
        self._threads = min(_count_cores(), 8)
        self._pool: ThreadPoolExecutor | None = None
        self._lock = Lock()

    def run(self, ids: Sequence[Sequence[int]], roles: Sequence[Sequence[int]] | None = None) -> list[Batch]:
        """Run rows of token ids (and of roles, else all 0), those of like length together.

        The result for a row does not depend on its neighbours but for rounding in the last digits.

        Raises:
            LocalModelError: onnxruntime failed.
        """
        order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
        batches = [order[at : at + BATCH_SIZE] for at in range(0, len(order), BATCH_SIZE)]
        return self._map(
            [(batch, [ids[i] for i in batch], [roles[i] for i in batch] if roles else ()) for batch in batches]
        )

    def _map(self, batches: list[_Rows]) -> list[Batch]:
        if len(batches) < 2 or self._threads == 1:
            return [self._run(batch) for batch in batches]
        with self._lock:
            self._pool = self._pool or ThreadPoolExecutor(self._threads, thread_name_prefix="qa-onnx")
        return list(self._pool.map(self._run, batches))

    def _run(self, rows: _Rows) -> Batch:
        import numpy as np

        places, ids, roles = rows
        padded = np.zeros((len(ids), max(map(len, ids))), dtype=np.int64)
        mask, kinds = np.zeros_like(padded), np.zeros_like(padded)
        for row, tokens in enumerate(ids):
            padded[row, : len(tokens)] = tokens
            mask[row, : len(tokens)] = 1
        for row, of_row in enumerate(roles):
            kinds[row, : len(of_row)] = of_row
        feed = {"input_ids": padded, "attention_mask": mask, "token_type_ids": kinds}
        try:
            outputs = self._session.run(None, feed)
        except Exception as error:  # onnxruntime's errors share no base class
            raise LocalModelError(f"onnxruntime could not run the bundled model: {error}") from error
        return Batch(places, mask, outputs)


_Rows = tuple[Sequence[int], Sequence[Sequence[int]], Sequence[Sequence[int]]]  # places, ids, roles


class WordPieces:
    """Text cut into the tokens of a WordPiece vocabulary, a file whose hash is known."""

    def __init__(self, vocabulary: Path, sha256: str, *, max_tokens: int | None = None) -> None:
        """Load the vocabulary; texts that are encoded whole are cut at `max_tokens`.

        Raises:
            LocalModelError: the file is missing or differs from its hash.
        """
        from tokenizers.implementations.bert_wordpiece import BertWordPieceTokenizer

        check_file(vocabulary, sha256)
        self._tokenizer = BertWordPieceTokenizer(str(vocabulary), lowercase=True)
        if max_tokens:
            self._tokenizer.enable_truncation(max_tokens)

    def encode_whole(self, texts: Sequence[str]) -> list[list[int]]:
        """The ids of each text between `[CLS]` and `[SEP]`."""
        return [encoding.ids for encoding in self._tokenizer.encode_batch(list(texts))]

    def encode(self, text: str) -> tuple[list[int], list[tuple[int, int]]]:
        """The ids of a text and where each stands in it (code points), without `[CLS]` and `[SEP]`."""
        encoding = self._tokenizer.encode(text, add_special_tokens=False)
        return encoding.ids, encoding.offsets


class TextModel:
    """An encoder with its vocabulary that gives one vector a text. Safe to share between threads."""

    def __init__(
        self, model: Path, vocabulary: Path, *, model_sha256: str, vocabulary_sha256: str, max_tokens: int
    ) -> None:
        """Load model and vocabulary.

        Raises:
            LocalModelError: a file is missing, differs from its hash, or cannot be run.
        """
        self._network = Network(model, model_sha256)
        self._pieces = WordPieces(vocabulary, vocabulary_sha256, max_tokens=max_tokens)

    def encode_mean(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Encode each text as the mean of its token vectors, L2-normalised; shape (len(texts), width).

        Mean pooling over the attention mask, as in Sentence-BERT (Reimers and Gurevych 2019). What
        lies beyond `max_tokens` is cut off. The result for a text does not depend on its neighbours
        but for rounding in the last digits.

        Raises:
            LocalModelError: onnxruntime failed.
        """
        import numpy as np

        batches = self._network.run(self._pieces.encode_whole(texts))
        width = batches[0].outputs[0].shape[2] if batches else 0
        result = np.empty((len(texts), width), dtype=np.float32)
        for batch in batches:
            result[batch.places] = _mean_rows(batch)
        return result


def _mean_rows(batch: Batch) -> NDArray[np.float32]:
    import numpy as np

    weights = batch.mask.astype(np.float32) / batch.mask.sum(axis=1, keepdims=True)
    vectors = (weights[:, None, :] @ batch.outputs[0])[:, 0, :]
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    normalised: NDArray[np.float32] = (vectors / np.maximum(norms, 1e-12)).astype(np.float32)
    return normalised


def check_file(path: Path, sha256: str) -> None:
    """Refuse a file that is missing or whose content is not what was tested.

    Raises:
        LocalModelError: the file is missing, unreadable, or has another SHA-256.
    """
    try:
        found = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise LocalModelError(
            f"The model file {path.name} cannot be read: {error}. Install the package again."
        ) from error
    if found != sha256:
        raise LocalModelError(
            f"The model file {path.name} is not the one this version was tested with"
            f" (sha256 {found[:12]}…, expected {sha256[:12]}…). Install the package again."
        )


def _count_cores() -> int:
    """The cores that this process may use: in a container they can be fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


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
        raise LocalModelError(f"onnxruntime could not load {model.name}: {error}") from error
