"""Sentences that give orders to their reader or to a model, which are never evidence; by rule, no model asked.

A sentence gives orders when a rule of one of two lists (`qa/data/orders.txt`) meets it where an order stands: at its
beginning, after a stop, colon, dash, bracket or opening quotation mark, or after "you must", "please" and the like.

1. What makes sense to a model only: "ignore (all, the …) previous instructions", role markers (`SYSTEM:`,
   `### Instruction`, `<|im_start|>`, `[INST]`), a model spoken to ("As an AI you", "you are now an assistant",
   "note to AI systems:"), its prompt asked for, what is shown said to be decoded and followed, "in your answer",
   "when asked about X, answer Y", a picture whose address carries data away. These count even where somebody is
   named who said them: a name costs the attacker nothing, and news loses a sentence about such attacks at most.
2. What people order one another to say or to do: "say that …", "answer only …", "do not mention …", "from now on
   always …", "visit http://… and enter your password". These are news where they are reported: where words of
   saying with a subject follow after a comma or quotation mark (“Say nothing,” the lawyer told him) or stand
   before (Police warned: do not enter your PIN). A sentence that begins with a bare verb of handling words, figures
   and names and its object ("put the link …", "use 5,000 …") is one of them; other commands ("boil your water",
   "call the police") meet no rule and stay evidence.

Infinitives and clauses with another subject (told it to ignore previous instructions, he says that) are no orders.
A text is read as it looks and as it is meant: folded (`qa.text.fold`), without characters that cannot be seen, with
letters of other alphabets as the Latin ones they look like, digits in words as letters, s p a c e d letters
together, markup and entities resolved, base64 and hexadecimal decoded.

Not told from news: a false fact without an order, and an order of list 2 that claims to be reported. Rules are not
complete: of attacks worded to evade them, fewer than half were met at first sight. What a model says on one that is
missed is still held to the figures and words of its quote. `python eval/bench/orders.py` measures.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple

from qa.split import Span, find_sentences
from qa.text import fold
from qa.unmask import decode_hidden, read_variants

_LONGEST = 4_000  # characters of a sentence that are read, half from each end: none is this long but a table
_LOOK_BACK = 1_500  # characters before a passage that may hold the beginning of an order
_MOST_PIECES = 8  # lines that are read as one sentence

_FILE = Path(__file__).parent / "data" / "orders.txt"
# Where an order stands: at the beginning, after a stop, a bracket or an opening quotation mark, and after "you must".
_PLACE = re.compile(
    r"(?:^|[.!?:;“„«\[\]{}<>*#|=—–] ?|\( ?|(?:^| )[/-] |(?:^| )[\"'‘’] ?|^\W+)(?:\d{1,2}[.)] )?"
    r"|\byou (?:must|should|shall|have to|need to|are to|will|are (?:required|instructed) to)(?: now| only| always)? "
)
_MARK = re.compile(r"@[,^]?|")
_NAME = re.compile(r"\{([A-Z_]+)\}")
_COMMA = re.compile(r", |\b(?:and|then) ")
_SAID = (
    "(?:said|says|told|tells|ordered|urge[ds]|warn(?:ed|s)|advise[ds]|ask(?:ed|s)|add(?:ed|s)|wrote|writes|"
    "announced|tweeted|posted|instructed|recommended|demanded|insist(?:ed|s)|replied|reads?|shouted|chanted|joked|"
    "quipped|explain(?:ed|s)|noted|testified|texted|called|pleaded|begged|recalled|suggested|argued|commented|remarked|declared|"
    "stressed|stated|according to|(?:urg|warn|tell|advis|instruct|read)ing)"
)
_REPORTED_AFTER = re.compile(
    rf"[,!?.…][\"”’'»]{{0,2}} (?!(?:as|which|that|who|and) )(?:(?:[\w.'’-]+,? ){{1,14}}?)?(?<!who )(?<!that ){_SAID}\b"
)
_REPORTED_BEFORE = re.compile(rf"^[^.!?]*\w {_SAID}\b")
_MENTIONED = re.compile("\\w [\"“‘'«]$")  # the “Say Nothing” law
_UNBROKEN = re.compile(r"[\w-]{16}")
_NO_LETTER = re.compile(r"[\W_]+")
_SQUEEZED = re.compile(  # where all blanks are gone
    "(?:ignore|disregard|forget)(?:all|any|the|your|of)*(?:previous|prior|above|earlier|preceding)"
    "(?:instruction|prompt|rule)|(?:print|reveal|show)(?:me)?(?:the|your)*systemprompt"
)
_OPENS = re.compile(r"[:：>\]|]\W*$|^\W*#{2,} ?\w+(?: \w+)?\W*$")  # nothing is said yet
_STOPS = (".", "!", "?", ":", '."', ".”", "!”", "?”", "。")


@lru_cache(maxsize=8_192)
def gives_orders(sentence: str) -> bool:
    """Whether a sentence gives orders to its reader or to a model, and does not report them; see the module."""
    if len(sentence) > _LONGEST:
        sentence = f"{sentence[: _LONGEST // 2]} {sentence[-_LONGEST // 2 :]}"
    return any(map(_orders, read_variants(sentence))) or any(map(gives_orders, decode_hidden(sentence)))


@lru_cache(maxsize=512)
def find_orders(text: str, within: Span, *, language: str | None = None) -> tuple[Span, ...]:
    """The sentences of a text inside `within` that give orders, in order, as (start, end).

    With them come the lines of an order that is broken over several, and what an order announces or a role marker
    opens, to the end of its paragraph; both may have begun in the paragraph before `within`.
    """
    paragraph = max(text.rfind("\n\n", 0, within[0]), 0)
    low = max(text.rfind("\n\n", 0, paragraph), within[0] - _LOOK_BACK, 0)
    spans = [(low + start, low + end) for start, end in find_sentences(text[low : within[1]], language=language)]
    found: set[int] = set()
    for first in range(len(spans)):
        last = None if first in found else _find_end(text, spans, first)
        if last is not None:
            found.update(range(first, last + 1))
    return tuple(spans[place] for place in sorted(found) if spans[place][1] > within[0])


def read_hidden(order: str) -> str:
    """All that an order says, in every way in which it can be read, one after the other; ROT13 and backwards too."""
    plain = next(read_variants(order))
    turned = [codecs.decode(plain, "rot13"), plain[::-1]]
    return "\n".join([*read_variants(order), *turned, *(read_hidden(text) for text in decode_hidden(order))])


def cut_out(text: str, spans: Sequence[Span]) -> str:
    """A text without these spans, which may begin before it or end after it."""
    for start, end in reversed(spans):
        text = text[: max(start, 0)] + text[max(end, 0) :]
    return text


def meets_order(span: Span, orders: Sequence[Span]) -> bool:
    """Whether a span of a text has a part in common with one of its orders."""
    return any(start < span[1] and span[0] < end for start, end in orders)


def _find_end(text: str, spans: Sequence[Span], first: int) -> int | None:
    """The last sentence of the order that begins with this one; None where none begins."""
    start = spans[first][0]
    start -= text[max(start - 1, 0) : start + 1] == "!["  # a picture, which was taken for the end of a sentence
    for last in range(first, min(first + _MOST_PIECES, len(spans))):
        if gives_orders(text[start : spans[last][1]]):
            return _stretch(text, spans, first, last)
        if not _goes_on(text, spans, last):
            return None
    return None


def _stretch(text: str, spans: Sequence[Span], first: int, last: int) -> int:
    """The last sentence that belongs to an order: its broken lines, then what it announces."""
    while _goes_on(text, spans, last):
        last += 1
    if not _rules().announces.search(fold(text[spans[first][0] : spans[last][1]])):
        return last
    begun = not _OPENS.search(text[spans[first][0] : spans[last][1]])
    while last + 1 < len(spans) and not (begun and "\n\n" in text[spans[last][1] : spans[last + 1][0]]):
        last, begun = last + 1, True
    return last


def _goes_on(text: str, spans: Sequence[Span], place: int) -> bool:
    """Whether a sentence is a line without an end, and the next line follows at once."""
    if place + 1 >= len(spans):
        return False
    gap = text[spans[place][1] : spans[place + 1][0]]
    return "\n" in gap and "\n\n" not in gap and not text[slice(*spans[place])].endswith(_STOPS)


def _orders(text: str) -> bool:
    rules = _rules()
    hinted = any(hint in text for hint in rules.hints)
    places = [(match.start(), match.end()) for match in _PLACE.finditer(text)]
    commas = [match.end() for match in _COMMA.finditer(text)]
    if any(True for _ in rules.to_a_model.find(text, places, commas, hinted=hinted)):
        return True
    if _UNBROKEN.search(text) and _SQUEEZED.search(_NO_LETTER.sub("", text)):
        return True
    return any(not _is_reported(text, match) for match in rules.to_anyone.find(text, places, commas, hinted=hinted))


def _is_reported(text: str, order: re.Match[str]) -> bool:
    before = text[: order.start()]
    return bool(
        _MENTIONED.search(before) or _REPORTED_BEFORE.search(before) or _REPORTED_AFTER.search(text, order.start() + 3)
    )


# the rules


class _Part(NamedTuple):
    """Rules by where they hold: at places of orders, at the first of them, after a comma, anywhere."""

    placed: re.Pattern[str]
    first: re.Pattern[str]
    after_comma: re.Pattern[str]
    anywhere: re.Pattern[str]

    @classmethod
    def compile(cls, rules: Sequence[str], polite: str) -> _Part:
        """Sort rules by the mark that they begin with (`@^`, `@,`, `@` or none); see the file."""

        def join(*marks: str) -> re.Pattern[str]:
            chosen = [rule[len(mark) :] for rule in rules for mark in marks if _MARK.match(rule)[0] == mark]  # type: ignore[index]
            return re.compile(f"{polite if marks[0] else ''}(?:{'|'.join(chosen)})" if chosen else r"(?!)")

        return cls(join("@", "@,"), join("@^"), join("@,"), join(""))

    def find(
        self, text: str, places: Sequence[Span], commas: Sequence[int], *, hinted: bool
    ) -> Iterator[re.Match[str]]:
        """Where a rule holds: at places of orders, after commas; those for anywhere where the text is `hinted`."""
        for start, end in places:
            if found := self.placed.match(text, end):
                yield found
            if start == 0 and (found := self.first.match(text, end)):
                yield found
        for end in commas:
            if found := self.after_comma.match(text, end):
                yield found
        yield from self.anywhere.finditer(text) if hinted else ()


class _Rules(NamedTuple):
    """Both lists; what announces that an order goes on; words without which no rule can hold anywhere."""

    to_a_model: _Part
    to_anyone: _Part
    announces: re.Pattern[str]
    hints: tuple[str, ...]


@cache
def _rules() -> _Rules:
    """The rules of the file, compiled when first needed: that takes some hundredths of a second."""
    names: dict[str, str] = {}
    parts: dict[str, list[str]] = {"": []}
    for line in _FILE.read_text(encoding="utf-8").splitlines():
        if line.startswith("[") and line.endswith("]") and line[1:-1].replace(" ", "").isalpha():
            parts[line[1:-1]] = []
        elif line and not line.startswith("# "):
            list(parts.values())[-1].append(line)
    for definition in parts[""]:
        name, _, pattern = definition.partition(" = ")
        names[name] = _NAME.sub(lambda found: names[found[1]], pattern)
    filled = {part: [_NAME.sub(lambda found: names[found[1]], rule) for rule in rules] for part, rules in parts.items()}
    return _Rules(
        _Part.compile(filled["to a model"], names["POLITE"]),
        _Part.compile(filled["to anyone"], names["POLITE"]),
        re.compile("|".join(filled["announces"])),
        tuple("|".join(parts["hints"]).split("|")),
    )
