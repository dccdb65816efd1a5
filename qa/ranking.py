"""Measures of one ranked list, pure, by the names and definitions of trec_eval and ir_measures.

`ranked` tells of each returned item, best first, whether it is relevant; it may be shorter than k, and what
lies behind the first `k` makes no difference. `relevant` is how many items of the whole archive are relevant,
returned or not. Every measure lies in 0..1, higher is better; its mean over questions is the score of a run.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from itertools import accumulate, chain, compress


def hits_at(ranked: Sequence[bool], k: int) -> float:
    """Hits@k, in ir_measures Success@k: 1 when any of the first `k` items is relevant, else 0.

    Raises:
        ValueError: k is below 1.
    """
    return float(any(ranked[: _checked(k)]))


def reciprocal_rank(ranked: Sequence[bool], k: int = 10) -> float:
    """1 / rank of the first relevant item among the first `k`, 0 when there is none.

    Its mean over questions is MRR@k (Voorhees 1999, TREC-8 question answering; in ir_measures RR@k).

    Raises:
        ValueError: k is below 1.
    """
    ranks = (1 / rank for rank, is_relevant in enumerate(ranked[: _checked(k)], start=1) if is_relevant)
    return next(ranks, 0.0)


def average_precision(ranked: Sequence[bool], relevant: int, k: int) -> float:
    """AP@k: precision at the rank of each relevant item among the first `k`, summed, over `relevant`.

    Its mean over questions is MAP@k (trec_eval's map_cut, in ir_measures AP@k). The divisor is `relevant` also
    where k is smaller, so that the best possible value is then k / relevant.

    Raises:
        ValueError: k or `relevant` is below 1, or more items of the list are relevant than `relevant`.
    """
    top = _top(ranked, relevant, k)
    precisions = [found / rank for rank, found in enumerate(accumulate(top), start=1)]
    return sum(compress(precisions, top)) / relevant


def recall_at(ranked: Sequence[bool], relevant: int, k: int) -> float:
    """R@k: the share of the `relevant` items that are among the first `k`.

    Raises:
        ValueError: k or `relevant` is below 1, or more items of the list are relevant than `relevant`.
    """
    return sum(_top(ranked, relevant, k)) / relevant


def ndcg_at(ranked: Sequence[bool], relevant: int, k: int) -> float:
    """NDCG@k: discounted gain of the first `k` items over that of the best order (Järvelin and Kekäläinen 2002).

    A relevant item gains 1 / log2(rank + 1), any other 0; in the best order the first min(relevant, k) are
    relevant (trec_eval's ndcg_cut, in ir_measures nDCG@k).

    Raises:
        ValueError: k or `relevant` is below 1, or more items of the list are relevant than `relevant`.
    """
    return _gain(_top(ranked, relevant, k)) / _gain([True] * min(relevant, k))


def evidence_recall(held: Sequence[Collection[int]], parts: Collection[int], k: int) -> float:
    """The share of the needed parts of the evidence that the first `k` passages hold between them.

    `parts` are the facts that the answer needs together, as the supporting facts of HotpotQA (Yang et al. 2018)
    or the evidence list of MultiHop-RAG (Tang and Yang 2024); `held[i]` are those of which passage i, best
    first, has at least one quote. A part held twice counts once, and one that is not needed counts nothing.

    Raises:
        ValueError: k is below 1 or there is no part.
    """
    needed = set(parts)
    if not needed:
        raise ValueError("no part of the evidence is needed; leave the question out of this measure")
    found = needed.intersection(chain.from_iterable(held[: _checked(k)]))
    return len(found) / len(needed)


def _checked(k: int) -> int:
    if k < 1:
        raise ValueError(f"k is {k}, but at least one item must be looked at")
    return k


def _top(ranked: Sequence[bool], relevant: int, k: int) -> Sequence[bool]:
    """The first `k` items, after checking that `relevant` may be what it is said to be."""
    if relevant < 1:
        raise ValueError(f"relevant is {relevant}; leave a question without relevant items out of this measure")
    if sum(ranked) > relevant:
        raise ValueError(f"{sum(ranked)} items of the list are relevant, but only {relevant} of the archive")
    return ranked[: _checked(k)]


def _gain(ranked: Sequence[bool]) -> float:
    return math.fsum(1 / math.log2(rank + 1) for rank, is_relevant in enumerate(ranked, start=1) if is_relevant)
