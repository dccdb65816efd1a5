"""Prepared groups as tensors: sequences of like length together, padded little."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

_CHUNK = 256  # groups that are sorted by length before they are cut into batches
_MASKED = 0.06  # of the words
CLS, SEP, MASK = 101, 102, 103
_ROWS = 5  # sequences run together: a thread alone made 20 a second with 5, 19 with 14, which are padded more


@dataclass(frozen=True, slots=True)
class Row:
    """Token ids and roles of a sentence with its question."""

    ids: tuple[int, ...]
    roles: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Learnt:
    """A group ready to be run; `right` is the place of the sentence that answers or None, `span` its tokens."""

    kind: str
    inputs: tuple[Row, ...]
    right: int | None
    span: tuple[int, int] | None


def read_groups(path: Path, *, limit: int | None = None) -> list[Learnt]:
    """The first `limit` groups of a prepared file."""
    groups = []
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            if len(groups) == limit:
                break
            groups.append(_read_group(json.loads(line)))
    return groups


def make_batches(groups: Sequence[Learnt], *, size: int, seed: int) -> list[list[Learnt]]:
    """Batches of groups, the groups of one alike in length, in an order that depends on the seed alone.

    More groups make more batches after the same ones, so that a run can be made longer.
    """
    pick = random.Random(seed)
    batches = []
    for at in range(0, len(groups), _CHUNK):
        chunk = sorted(groups[at : at + _CHUNK], key=lambda group: sum(len(given.ids) for given in group.inputs))
        of_chunk = [chunk[place : place + size] for place in range(0, len(chunk), size)]
        batches += pick.sample(of_chunk, len(of_chunk))
    return batches


def pad(inputs: Sequence[Row]) -> tuple[Tensor, Tensor, Tensor]:
    """Ids, mask and roles, shape (len(inputs), the longest)."""
    longest = max(len(given.ids) for given in inputs)
    ids = torch.zeros(len(inputs), longest, dtype=torch.long)
    mask, roles = torch.zeros_like(ids), torch.full_like(ids, 2)
    for row, given in enumerate(inputs):
        ids[row, : len(given.ids)] = torch.tensor(given.ids)
        roles[row, : len(given.roles)] = torch.tensor(given.roles)
        mask[row, : len(given.ids)] = 1
    return ids, mask, roles


def mask_words(given: Row, pick: random.Random) -> Row:
    """The input with a few words put out of sight, in half of the cases.

    It stands in for dropout, which would make the result depend on how the work is shared between threads.
    """
    if pick.random() < 0.5:
        return given
    ids = tuple(MASK if pick.random() < _MASKED and i not in (CLS, SEP) else i for i in given.ids)
    return Row(ids, given.roles)


def by_length(inputs: Sequence[Row]) -> Iterator[list[int]]:
    """Places of the inputs, so many together as are run at once, of like length."""
    order = sorted(range(len(inputs)), key=lambda place: len(inputs[place].ids))
    return (order[at : at + _ROWS] for at in range(0, len(order), _ROWS))


def _read_group(row: dict) -> Learnt:
    rows = tuple(Row(tuple(given["ids"]), tuple(given["roles"])) for given in row["rows"])
    return Learnt(row["kind"], rows, row["right"], tuple(row["span"]) if row["span"] else None)
