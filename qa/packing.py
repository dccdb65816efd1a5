"""What is shown to a model: the best passages first, neighbours of one article as one, within a budget of tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from qa.articles import Passage
from qa.retrieve import Hit
from qa.tokens import count_tokens

HEADING_TOKENS = 40  # number, title, publisher and date of a passage


def pack_hits(hits: Sequence[Hit], budget_tokens: int) -> list[Hit]:
    """Passages for a prompt in the order of the best hit of each, nothing of an article twice.

    Passages of one article that overlap, or that only white space parts, become one, with the id and the score of the
    best: `article.text[start:end] == text` as in any passage. Hits are taken in their order as long as all that is
    shown, 40 tokens for the heading of each included, fits the budget; one that does not is left out, whether it would
    stand alone or make another longer. The first is always shown.
    """
    packed: list[Hit] = []
    for hit in hits:
        joined = [other for other in packed if _meet(hit, other)]
        merged = _merge([*joined, hit])
        kept = [other for other in packed if other not in joined]
        place = packed.index(joined[0]) if joined else len(kept)
        tried = [*kept[:place], merged, *kept[place:]]
        if not packed or _count(tried) <= budget_tokens:
            packed = tried
    return packed


def _count(hits: Sequence[Hit]) -> int:
    return sum(count_tokens(hit.passage.text) + HEADING_TOKENS for hit in hits)


def _meet(one: Hit, other: Hit) -> bool:
    """Whether two passages are of one article, with no word between them."""
    if one.article.id != other.article.id:
        return False
    first, second = sorted((one.passage, other.passage), key=lambda passage: (passage.start, passage.end))
    return not one.article.text[first.end : second.start].strip()


def _merge(hits: Sequence[Hit]) -> Hit:
    """The hits, all of one article, as one that reaches from the first to the last character; the first is best."""
    best = hits[0]
    start = min(hit.passage.start for hit in hits)
    end = max(hit.passage.end for hit in hits)
    passage = Passage(best.passage.id, best.article.id, start, end, best.article.text[start:end])
    return replace(best, passage=passage)
