"""The reader: whether a sentence answers a question, and which words of it do.

A small network of our own (`eval/reader/` trains and measures it, its card is `eval/reader/CARD.md`). It is given

    [CLS] question [SEP] date · title [SEP] end of the sentence before, THE SENTENCE, beginning of the one after [SEP]

as WordPieces, with roles (token type ids): 0 for `[CLS] question [SEP]`, 1 for the sentence, 2 for all else.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Literal, Protocol

from qa.articles import Article, Quote
from qa.embed import VOCABULARY, VOCABULARY_SHA256
from qa.onnx import Network, WordPieces
from qa.orders import gives_orders
from qa.split import Span, find_sentences
from qa.tables import is_row
from qa.text import format_date

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MAX_TOKENS = 160
MAX_QUESTION = 40  # its beginning
MAX_HEAD = 24  # date and title, their beginning
MAX_BEFORE = 24  # the end of the sentence before
MAX_SENTENCE = 80  # its beginning
MAX_AFTER = 12  # the beginning of the sentence after
LONGEST_SPAN = 24  # tokens
CLS, SEP = 101, 102
SENTENCE, AROUND = 1, 2  # roles

_MODEL = Path(__file__).parent / "data" / "reader.onnx"
_MODEL_SHA256 = "2b228f1ddc62c660d0ddb4e149c31029ec2a70cbb83fee52391803a26c34c14a"


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A sentence that may answer, with its article's heading and its neighbours ("" where there is none)."""

    sentence: str
    head: str = ""
    before: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True)
class Read:
    """What was read of an excerpt: the log-odds that it answers, 0 where that is as likely as that nothing here does.

    `span` are the words that answer best, if any do: offsets (code points) into the sentence; None where the sentence
    has no words.
    """

    logit: float
    span: Span | None


class Reader(Protocol):
    """What reads sentences for a question. `id` names the very weights."""

    @property
    def id(self) -> str:
        """The name under which what was read is kept."""

    def read(self, question: str, excerpts: Sequence[Excerpt]) -> list[Read]:
        """Each excerpt read for the question, in their order.

        Raises:
            LocalModelError: the reader's file is missing, damaged, or cannot be run.
        """


# What a caller may name: a reader, False for none, None for the one that comes with the program.
ReaderChoice = Reader | Literal[False] | None


@dataclass(frozen=True, slots=True)
class Input:
    """Token ids and roles; token `first + i` stands at `offsets[i]` (code points) of the sentence."""

    ids: list[int]
    roles: list[int]
    first: int
    offsets: Sequence[Span]


class TrainedReader:
    """The reader that comes with the program. Nothing is loaded before the first question; threads may share it."""

    def __init__(self, model: Path = _MODEL, sha256: str = _MODEL_SHA256) -> None:
        self.id = f"reader-{sha256[:12]}"
        self._model, self._sha256 = model, sha256
        self._lock = Lock()

    def read(self, question: str, excerpts: Sequence[Excerpt]) -> list[Read]:
        """Each excerpt read for the question, in their order; about 8 ms of CPU each.

        Raises:
            LocalModelError: the file is missing, damaged, or cannot be run.
        """
        with self._lock:
            network, inputs = self._network, self._inputs
        given = inputs.build_all(question, excerpts)
        batches = network.run([one.ids for one in given], [one.roles for one in given])
        found = {
            place: Read(float(answers[row]), find_span(given[place], starts[row], ends[row]))
            for batch in batches
            for answers, starts, ends in (batch.outputs,)
            for row, place in enumerate(batch.places)
        }
        return [found[place] for place in range(len(given))]

    @cached_property
    def _network(self) -> Network:
        return Network(self._model, self._sha256)

    @cached_property
    def _inputs(self) -> Inputs:
        return Inputs()


class Inputs:
    """Questions and excerpts as the network is given them."""

    def __init__(self) -> None:
        self._pieces = WordPieces(VOCABULARY, VOCABULARY_SHA256)

    def build_all(self, question: str, excerpts: Sequence[Excerpt]) -> list[Input]:
        """The inputs for a question and excerpts; each text is cut into tokens once."""
        known: dict[str, tuple[list[int], list[Span]]] = {}
        for text in (question, *(part for e in excerpts for part in (e.sentence, e.head, e.before, e.after))):
            if text not in known:
                known[text] = self._pieces.encode(text)
        asked = known[question][0]
        return [
            make_input(asked, known[e.head][0], known[e.before][0], known[e.sentence], known[e.after][0])
            for e in excerpts
        ]


def make_input(
    question: Sequence[int],
    head: Sequence[int],
    before: Sequence[int],
    sentence: tuple[Sequence[int], Sequence[Span]],
    after: Sequence[int],
) -> Input:
    """The input made of token ids; what does not fit is cut, the neighbours first."""
    question, head = question[:MAX_QUESTION], head[:MAX_HEAD]
    said = sentence[0][:MAX_SENTENCE]
    room = MAX_TOKENS - len(question) - len(head) - len(said) - 4
    before = before[-MAX_BEFORE:][-room:] if room else []
    after = after[:MAX_AFTER][: room - len(before)]
    ids = [CLS, *question, SEP, *head, SEP, *before, *said, *after, SEP]
    first = len(question) + len(head) + 3 + len(before)
    roles = [0] * (len(question) + 2) + [AROUND] * (len(ids) - len(question) - 2)
    roles[first : first + len(said)] = [SENTENCE] * len(said)
    return Input(ids, roles, first, sentence[1][: len(said)])


def find_span(given: Input, starts: NDArray[np.float32], ends: NDArray[np.float32]) -> Span | None:
    """The best span of the sentence of at most 24 tokens, as offsets; None where the sentence has no token."""
    import numpy as np

    if not given.offsets:
        return None
    inside = slice(given.first, given.first + len(given.offsets))
    both = starts[inside][:, None] + ends[inside][None, :]
    places = np.arange(len(given.offsets))
    width = places[None, :] - places[:, None]
    both[(width < 0) | (width >= LONGEST_SPAN)] = -np.inf
    left, right = divmod(int(both.argmax()), len(places))
    return given.offsets[left][0], given.offsets[right][1]


def make_excerpts(quotes: Sequence[Quote]) -> Iterator[Excerpt]:
    """Each sentence with date and title of its article and the sentences beside it.

    A row of a table has the table's first row before it. Orders to a reader or a model are left out.
    """
    known: dict[str, list[Span]] = {}
    for quote in quotes:
        article = quote.article
        spans = known.setdefault(article.id, find_sentences(article.text, language=article.language))
        before, after = _find_neighbours(article.text, spans, (quote.start, quote.end))
        yield Excerpt(quote.text, write_head(article), _harmless(before), _harmless(after))


def write_head(article: Article) -> str:
    """`12 March 2031 · Title`; the title alone where the date is not known."""
    return join_head(_harmless(article.title), article.published)


def join_head(title: str, published: date | None) -> str:
    """A title with its date before it."""
    return " · ".join(part for part in (format_date(published) if published else "", title) if part)


def _find_neighbours(text: str, spans: Sequence[Span], span: Span) -> tuple[str, str]:
    earlier = [place for place, (_, end) in enumerate(spans) if end <= span[0]]
    later = [place for place, (start, _) in enumerate(spans) if start >= span[1]]
    before = earlier[-1] if earlier else None
    if before is not None and is_row(text[slice(*span)]):
        while before and is_row(text[slice(*spans[before])]) and is_row(text[slice(*spans[before - 1])]):
            before -= 1
    return (
        text[slice(*spans[before])] if before is not None else "",
        text[slice(*spans[later[0]])] if later else "",
    )


def _harmless(text: str) -> str:
    return "" if gives_orders(text) else text
