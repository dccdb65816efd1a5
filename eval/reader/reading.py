"""Sentences read with the exported reader: how much each answers, and where. In the product's environment."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from inputs import Candidate, Input, Tokens
from numpy.typing import NDArray

VOCABULARY = Path(__file__).parents[2] / "qa" / "data" / "bert_uncased_vocab.txt"
LONGEST_SPAN = 24  # tokens
_ROWS = 4


@dataclass(frozen=True, slots=True)
class Read:
    """What was read of a candidate: the logit that it answers ("none" has 0), its best span, and that one's logit."""

    answers: float
    span: tuple[int, int]
    span_logit: float


class ReaderModel:
    """The ONNX file, run on so many threads."""

    def __init__(self, path: Path, *, threads: int = 1) -> None:
        os.environ["ORT_DISABLE_TELEMETRY"] = "1"
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self._tokens = Tokens(VOCABULARY)

    def read(self, question: str, candidates: Sequence[Candidate]) -> list[Read]:
        """Each candidate read for the question, in their order."""
        inputs = [self._tokens.build(question, candidate) for candidate in candidates]
        order = sorted(range(len(inputs)), key=lambda place: len(inputs[place].ids))
        found: dict[int, Read] = {}
        for at in range(0, len(order), _ROWS):
            places = order[at : at + _ROWS]
            answers, starts, ends = self.run([inputs[place] for place in places])
            for row, place in enumerate(places):
                span, logit = find_span(inputs[place], starts[row], ends[row])
                found[place] = Read(float(answers[row]), span, logit)
        return [found[place] for place in range(len(inputs))]

    def run(self, inputs: Sequence[Input]) -> list[NDArray[np.float32]]:
        """Logits (answers, starts, ends) of inputs that are run together."""
        shape = len(inputs), max(len(given.ids) for given in inputs)
        ids, mask = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
        roles = np.full(shape, 2, np.int64)
        for row, given in enumerate(inputs):
            ids[row, : len(given.ids)] = given.ids
            roles[row, : len(given.roles)] = given.roles
            mask[row, : len(given.ids)] = 1
        feed = {"input_ids": ids, "attention_mask": mask, "token_type_ids": roles}
        result: list[NDArray[np.float32]] = self._session.run(None, feed)
        return result


def find_span(given: Input, starts: NDArray[np.float32], ends: NDArray[np.float32]) -> tuple[tuple[int, int], float]:
    """The best span of the sentence as offsets (code points), and the sum of its two log-probabilities."""
    if not given.offsets:
        return (0, 0), float("-inf")  # a sentence of signs that leave no token
    last = given.first + len(given.offsets)
    start, end = (_log_softmax(part[given.first : last]) for part in (starts, ends))
    both = start[:, None] + end[None, :]
    places = np.arange(len(start))
    width = places[None, :] - places[:, None]
    both[(width < 0) | (width >= LONGEST_SPAN)] = -np.inf
    left, right = np.unravel_index(int(both.argmax()), both.shape)
    return (given.offsets[left][0], given.offsets[right][1]), float(both[left, right])


def _log_softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    shifted: NDArray[np.float32] = logits - logits.max()
    result: NDArray[np.float32] = shifted - np.log(np.exp(shifted).sum())
    return result
