"""The data sets as documents of sentences and questions about them: QAMR as written before Penn's tokens, XQuAD."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from qa.split import find_sentences


@dataclass(frozen=True, slots=True)
class Asked:
    """A question that a sentence of its document answers, with a span of that sentence."""

    question: str
    sentence: int
    start: int
    end: int


@dataclass(slots=True)
class Document:
    """Sentences in order; `blocks[i]` is the paragraph of sentence i, so that neighbours are known."""

    id: str
    title: str
    published: str = ""  # as a heading shows it
    sentences: list[str] = field(default_factory=list)
    blocks: list[int] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)

    def around(self, place: int) -> tuple[str, str]:
        """The sentences before and after this one within its paragraph, "" where there is none."""
        before = self.sentences[place - 1] if place and self.blocks[place - 1] == self.blocks[place] else ""
        is_last = place + 1 == len(self.sentences) or self.blocks[place + 1] != self.blocks[place]
        return before, "" if is_last else self.sentences[place + 1]


def is_held_out(name: str, *, one_in: int) -> bool:
    """Whether a document is kept out of training: by the hash of its name, so that the choice never changes."""
    return int(hashlib.sha256(name.encode()).hexdigest(), 16) % one_in == 0


def read_qamr(path: Path) -> list[Document]:
    """QAMR's documents, the same span asked for at most three times, questions without two content words left out."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    documents: dict[str, Document] = {}
    places: dict[str, int] = {}
    for source in sorted({row["source"]: row["sentence"] for row in rows}.items(), key=lambda item: _order(item[0])):
        name, block, _ = _parts(source[0])
        document = documents.setdefault(name, Document(name, ""))
        places[source[0]] = len(document.sentences)
        document.sentences.append(join_penn(source[1])[0])
        document.blocks.append(block)
    seen: dict[tuple[str, int, int], int] = {}
    for row in rows:
        document = documents[_parts(row["source"])[0]]
        asked = _read_pair(row, places[row["source"]])
        if asked is None:
            continue
        key = (row["source"], asked.start, asked.end)
        seen[key] = seen.get(key, 0) + 1
        if seen[key] <= 3:
            document.asked.append(asked)
    for document in documents.values():
        document.title = _clip(document.sentences[0])
    return list(documents.values())


def read_xquad(path: Path) -> list[Document]:
    """XQuAD's articles; a question whose answer does not lie within one sentence is left out."""
    documents = []
    for article in json.loads(path.read_text(encoding="utf-8"))["data"]:
        document = Document(article["title"], article["title"].replace("_", " "))
        for block, paragraph in enumerate(article["paragraphs"]):
            _add_paragraph(document, block, paragraph)
        documents.append(document)
    return documents


def keeps_out_xquad(documents: Sequence[Document]) -> tuple[list[Document], list[Document]]:
    """(for training, kept out): every third article in the order of their titles is kept out."""
    ordered = sorted(documents, key=lambda document: document.id)
    kept_out = ordered[2::3]
    return [document for document in ordered if document not in kept_out], kept_out


def join_penn(text: str) -> tuple[str, list[int]]:
    """Text as it was before Penn's tokens, and for each old offset (0..len) the new one."""
    joined, moved = "", []
    glue = True  # no space before the next token
    is_open = False  # within straight quotation marks
    for match in re.finditer(r"\S+|\s+", text):
        token = match[0]
        if token.isspace():
            moved += [len(joined)] * len(token)
            continue
        plain = _PLAIN.get(token, token)
        closes = token == "''" or (token == '"' and is_open)
        if token in ("``", '"', "''"):
            is_open = not closes
        if not glue and not closes and not _CLINGS.fullmatch(token):
            joined += " "
        begin = len(joined)
        joined += plain
        moved += [min(begin + at, len(joined)) for at in range(len(token))]
        glue = token in _OPENING or (token == '"' and is_open)
    return joined, [*moved, len(joined)]


_PLAIN = {
    "-LRB-": "(",
    "-RRB-": ")",
    "-LSB-": "[",
    "-RSB-": "]",
    "-LCB-": "{",
    "-RCB-": "}",
    "``": '"',
    "''": '"',
    "`": "‘",
    "--": "–",
}
_OPENING = frozenset(["-LRB-", "-LSB-", "-LCB-", "``", "`", "$", "£", "€", "#"])
_CLINGS = re.compile(r"[,.;:!?%]|\.\.\.|-RRB-|-RSB-|-RCB-|'(?:s|m|d|re|ve|ll)?|n't|''", re.IGNORECASE)
_FUNCTION_WORDS = frozenset(
    """a an the of in on at to for from by with as and or but is are was were be been being do does did has have had
    what who whom whose which when where why how many much long often it its he she they them his her their this that
    these those there not no can could will would may might should must some any than then so if""".split()
)


def content_words(text: str) -> list[str]:
    """The words of a text in lower case without those that every text has."""
    return [word for word in re.findall(r"[^\W_]+", text.lower()) if word not in _FUNCTION_WORDS]


def _parts(source: str) -> tuple[str, int, int]:
    *name, block, place = source.split(":")
    return ":".join(name), int(block), int(place)


def _order(source: str) -> tuple[str, int, int]:
    return _parts(source)


def _read_pair(row: dict[str, str], place: int) -> Asked | None:
    question = " ".join(join_penn(row["question"])[0].split())
    if len(set(content_words(question))) < 2:
        return None
    text, moved = join_penn(row["sentence"])
    start = int(row["start"])
    left, right = moved[start], moved[start + len(row["answer"]) - 1] + 1
    answer = text[left:right]
    stripped = answer.strip(" ,.;:")
    left += answer.find(stripped)
    return Asked(question, place, left, left + len(stripped)) if stripped else None


def _add_paragraph(document: Document, block: int, paragraph: dict) -> None:
    text = paragraph["context"]
    first = len(document.sentences)
    spans = find_sentences(text, language="en")
    document.sentences += [text[start:end] for start, end in spans]
    document.blocks += [block] * len(spans)
    for pair in paragraph["qas"]:
        start = pair["answers"][0]["answer_start"]
        end = start + len(pair["answers"][0]["text"].rstrip(" .,"))
        document.asked += [
            Asked(pair["question"].strip(), first + place, start - left, end - left)
            for place, (left, right) in enumerate(spans)
            if left <= start and end <= right
        ]


def _clip(sentence: str, words: int = 9) -> str:
    """The beginning of a sentence as a heading for a document that has none."""
    return " ".join(sentence.split()[:words]).strip(" ,.;:")


def each_asked(documents: Sequence[Document]) -> Iterator[tuple[Document, Asked]]:
    """Every question with its document."""
    return ((document, asked) for document in documents for asked in document.asked)
