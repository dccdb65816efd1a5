"""Public fakes for programs that use this package: no model, no server, the same result every time."""

from __future__ import annotations

import re
import zlib
from collections import deque
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from qa.errors import ModelUnavailable
from qa.models import Message, ReplyPart, Usage
from qa.text import fold

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_WORD_WITH_BLANKS = re.compile(r"\s*\S+(?:\s+$)?|\s+")


class ScriptedChat:
    """A chat model that says what it was given, one reply a question, in word-sized parts.

    A reply that is an exception is raised instead of said. Usage is counted in words.

    Attributes:
        name: the model's name.
        calls: the messages of each question so far, in order.
    """

    def __init__(self, replies: Sequence[str | Exception], name: str = "scripted") -> None:
        self.name = name
        self.calls: list[tuple[Message, ...]] = []
        self._replies = deque(replies)

    def stream(self, messages: Sequence[Message], *, max_tokens: int) -> Iterator[ReplyPart]:
        """The next reply, cut after `max_tokens` words; then a part with usage and finish reason.

        Raises:
            ModelUnavailable: all replies have been given.
        """
        self.calls.append(tuple(messages))
        if not self._replies:
            raise ModelUnavailable(f"The scripted model '{self.name}' has no reply left: call {len(self.calls)}.")
        reply = self._replies.popleft()
        if isinstance(reply, Exception):
            raise reply
        words = _WORD_WITH_BLANKS.findall(reply)
        said = words[:max_tokens]
        for word in said:
            yield ReplyPart(word)
        asked = sum(len(message.content.split()) for message in messages)
        yield ReplyPart(usage=Usage(asked, len(said)), finish_reason="stop" if said == words else "length")


class HashingEmbedder:
    """An embedder by the words a text has in common with another: each word counts at one place.

    Case and accents do not matter. Not for finding articles: different words may share a place.

    Attributes:
        id: `hashing-` and the dimension.
        dimension: the width of each vector.
    """

    def __init__(self, dimension: int = 64) -> None:
        self.id = f"hashing-{dimension}"
        self.dimension = dimension

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """L2-normalised vectors in the order of `texts`, shape (len(texts), dimension).

        A text without words has the first unit vector.
        """
        import numpy as np

        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        for row, text in enumerate(texts):
            places = [zlib.crc32(word.encode()) % self.dimension for word in re.findall(r"\w+", fold(text))]
            np.add.at(vectors[row], places or [0], 1.0)
        lengths: NDArray[np.float32] = np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors / lengths
