"""What the reader is given: one sentence with what stands around it, as token ids.

    [CLS] question [SEP] date · title [SEP] end of the sentence before, THE SENTENCE, beginning of the one after [SEP]

Roles (token type ids): 0 for `[CLS] question [SEP]`, 1 for the tokens of the sentence, 2 for all else.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from tokenizers import Encoding
from tokenizers.implementations.bert_wordpiece import BertWordPieceTokenizer

CLS, SEP = 101, 102
MAX_TOKENS = 160
MAX_QUESTION = 40  # its beginning
MAX_HEAD = 24  # date and title, their beginning
MAX_BEFORE = 24  # the end of the sentence before
MAX_SENTENCE = 80  # its beginning
MAX_AFTER = 12  # the beginning of the sentence after
SENTENCE, AROUND = 1, 2


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence that may answer, with its article's heading and its neighbours ("" where there is none)."""

    sentence: str
    head: str = ""
    before: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True)
class Input:
    """Token ids and roles; token `first + i` stands at `offsets[i]` (code points) of the sentence."""

    ids: tuple[int, ...]
    roles: tuple[int, ...]
    first: int
    offsets: tuple[tuple[int, int], ...]


def write_head(title: str, published: date | None) -> str:
    """`12 March 2031 · Title`; the title alone where the date is not known."""
    day = f"{published.day} {published:%B} {published.year}" if published else ""
    return " · ".join(part for part in (day, title) if part)


class Tokens:
    """Texts cut into WordPieces, each text once."""

    def __init__(self, vocabulary: Path) -> None:
        self._tokenizer = BertWordPieceTokenizer(str(vocabulary), lowercase=True)
        self._known: dict[str, Encoding] = {}

    def build(self, question: str, candidate: Candidate) -> Input:
        """The input for a question and a candidate; what does not fit is cut, the neighbours first."""
        asked = self._ids(question)[:MAX_QUESTION]
        head = self._ids(candidate.head)[:MAX_HEAD]
        sentence = self._encode(candidate.sentence)
        said = sentence.ids[:MAX_SENTENCE]
        room = MAX_TOKENS - len(asked) - len(head) - len(said) - 4
        before = self._ids(candidate.before)[-MAX_BEFORE:][-room:] if room else []
        after = self._ids(candidate.after)[:MAX_AFTER][: room - len(before)]
        ids = [CLS, *asked, SEP, *head, SEP, *before, *said, *after, SEP]
        first = len(asked) + len(head) + 3 + len(before)
        roles = [0] * (len(asked) + 2) + [AROUND] * (len(ids) - len(asked) - 2)
        roles[first : first + len(said)] = [SENTENCE] * len(said)
        return Input(tuple(ids), tuple(roles), first, tuple(sentence.offsets[: len(said)]))

    def _ids(self, text: str) -> list[int]:
        ids: list[int] = self._encode(text).ids
        return ids

    def _encode(self, text: str) -> Encoding:
        if text not in self._known:
            self._known[text] = self._tokenizer.encode(text, add_special_tokens=False)
        return self._known[text]


def find_tokens(given: Input, start: int, end: int) -> tuple[int, int] | None:
    """First and last token (positions in `ids`) of the span [start, end) of the sentence; None where it was cut off."""
    inside = [place for place, (left, right) in enumerate(given.offsets) if left < end and right > start]
    if not inside or given.offsets[inside[-1]][1] < end:
        return None
    return given.first + inside[0], given.first + inside[-1]
