"""Text as it is stored, as it is compared, and as it is shown."""

from __future__ import annotations

import re
import unicodedata
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches

# What a terminal could act on: C0 but for tab and newline, DEL, C1, bidirectional embeddings,
# overrides and isolates, line and paragraph separators, lone surrogates.
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_STORED_UNSAFE = re.compile("[\x00\ud800-\udfff]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_CHAT_TOKENS = re.compile(
    r"<[|｜][^<>\n]{1,60}[|｜]>|<</?SYS>>|\[/?(?:INST|SYSTEM_PROMPT|TOOL_CALLS|AVAILABLE_TOOLS)\]"
    r"|</?(?:s|bos|eos|pad|unk|think|tool_call|tool_response)>|<(?:start|end)_of_turn>|<end_of_utterance>",
    re.IGNORECASE,
)
_BLANKS = re.compile(r"\s+")
_MARKS = re.compile(r"[^\w\s]|_")
_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
# What no font shows: soft hyphens, zero-width characters, marks of direction, variation selectors, tags.
_UNSEEN = re.compile(
    "[\u00ad\u034f\u061c\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\U000e0000-\U000e0fff]"
)
# Besides marks: the second half of a Hangul syllable in parts, and colours of skin.
_EXTENDS = re.compile("[\u1160-\u11ff\ud7b0-\ud7ff\U0001f3fb-\U0001f3ff]")
_FLAG_LETTERS = re.compile("[\U0001f1e6-\U0001f1ff]")
# Not the locale's names: indexes and prompts must not depend on it.
MONTHS = tuple("""January February March April May June July August September October November December""".split())


def clean_text(raw: str) -> str:
    """Normalise text once, before it is stored: NFC, newlines as `\\n`, no byte order mark in front.

    NUL characters and lone surrogates, which SQLite cannot keep, become U+FFFD. Nothing else is
    changed: offsets of quotes count code points of what this returns.
    """
    lines = raw.lstrip("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    return _STORED_UNSAFE.sub("\ufffd", unicodedata.normalize("NFC", lines))


def safe_text(text: str) -> str:
    """Make any text safe to display: whatever a terminal could act on becomes U+FFFD.

    Newlines and tabs stay, as do letters of right-to-left scripts. Applied at display time only;
    stored text and JSON keep the original.
    """
    return _UNSAFE.sub("\ufffd", text.replace("\r\n", "\n"))


def encodable_text(text: str) -> str:
    """A text as long as it was, with lone surrogates, which no encoding has, as U+FFFD."""
    return _SURROGATE.sub("\ufffd", text)


def inert_text(text: str) -> str:
    """Make any text safe to put into a prompt: `safe_text`, with the special tokens of chat templates broken up.

    A local server may read `<|im_start|>` or `[INST]` in an article as the token that begins another message.
    """
    return _CHAT_TOKENS.sub(lambda found: f"{found[0][0]} {found[0][1:]}", safe_text(text))


def one_line(text: str) -> str:
    """Safe text with every run of white space, newlines included, as one space."""
    return _BLANKS.sub(" ", safe_text(text)).strip()


def shorten(text: str, *, limit: int) -> str:
    """One safe line of at most `limit` characters, cut at a word where possible, ending in `…`."""
    line = one_line(text)
    if len(line) <= limit:
        return line
    cut = line[: limit - 1]
    head, blank, _ = cut.rpartition(" ")
    return (head if blank and len(head) > limit // 2 else cut) + "…"


def fold(text: str) -> str:
    """Fold for comparison: NFKD without combining marks, case folded, white space as one space, unseen characters out.

    Marks stay as they are: a curly quotation mark is not a straight one here, nor a dash a hyphen. Names, orders and
    keys are compared by this; where marks must not count, words are compared (`qa.quotations`).
    """
    folded = text.lower() if text.isascii() else text.translate(_FOLDED)
    return " ".join(folded.split())


def bare_words(text: str) -> str:
    """The words of a text as answers of RealTimeQA are looked for: NFKD, lower case, no accents, marks, a, an or the.

    Marks go without leaving a space ("U.S." is "us", "24.2" is "242"); what is left has single spaces between.
    """
    bare = "".join(sign for sign in unicodedata.normalize("NFKD", text.lower()) if not unicodedata.combining(sign))
    return " ".join(_ARTICLES.sub(" ", _MARKS.sub("", bare)).split())


@dataclass(frozen=True, slots=True)
class FoldedText:
    """A text folded, `text == fold(original)`, that knows where in the original each code point of it is from.

    `starts[i]` is where the grapheme begins that `text[i]` is of; one more at the end is where the last one ends.
    What folds to several code points ("ﬁ", "½"), a letter with its marks, and an emoji of several are one grapheme.
    """

    original: str
    text: str
    starts: Sequence[int]

    def span(self, start: int, end: int) -> tuple[int, int] | None:
        """The offsets in the original of `text[start:end]`; None where it begins or ends inside a grapheme.

        Raises:
            ValueError: the offsets are empty, inverted or outside the folded text.
        """
        if not 0 <= start < end <= len(self.text):
            raise ValueError(f"offsets {start}:{end} are not in a folded text of {len(self.text)} characters")
        starts = self.starts
        if (start and starts[start - 1] == starts[start]) or starts[end - 1] == starts[end]:
            return None
        return starts[start], starts[end]

    def find(self, words: str) -> Iterator[tuple[int, int]]:
        """Where in the original some words stand, folded alike, in order; places may overlap."""
        needle = fold(words)
        place = self.text.find(needle) if needle else -1
        while place >= 0:
            if span := self.span(place, place + len(needle)):
                yield span
            place = self.text.find(needle, place + 1)


def fold_text(text: str) -> FoldedText:
    """Fold a text and keep where each code point came from. Runs that fold one to one are taken at once."""
    folded = fold(text)
    starts = array("l")
    for match in _RUNS.finditer(text.translate(_KINDS)):
        _add_starts(starts, match, text, folded)
    if len(starts) == len(folded):  # else the text ends in white space, which begins where the last grapheme ends
        starts.append(len(text))
    return FoldedText(text, folded, starts)


def _add_starts(starts: array[int], match: re.Match[str], text: str, folded: str) -> None:
    """Add where the code points come from to which a run of characters folds."""
    (start, end), kind = match.span(), match[0][0]
    if match["even"]:
        starts.extend(range(start, end))
    elif match["uneven"]:
        starts.extend([place for place, kind in enumerate(match[0], start) for _ in _LENGTHS[kind]])
    elif kind == "w":
        starts.extend([] if _is_blank_before(starts, folded) else [start])
    elif kind == "x":
        for char in _FOLDED[ord(text[start])]:
            starts.extend([] if char.isspace() and _is_blank_before(starts, folded) else [start])
    elif kind == "r":
        starts.extend([start] * (end - start))
    elif kind in "ej":
        length = sum(len(_FOLDED[ord(char)]) for char in text[start:end])
        starts.extend([starts[-1] if starts else start] * length)


def _is_blank_before(starts: Sequence[int], folded: str) -> bool:
    """Whether white space adds nothing here: at the beginning, at the end, and after more of it."""
    return folded[len(starts) - 1 : len(starts)] in ("", " ")


class _Folded(dict[int, str]):
    """What each code point folds to, worked out when it is first met."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        decomposed = unicodedata.normalize("NFKD", char.casefold())
        bare = "".join(part for part in decomposed if not unicodedata.combining(part))
        self[code] = folded = "" if _UNSEEN.match(char) else bare.casefold()
        return folded


class _Kinds(dict[int, str]):
    """How each code point folds, as one letter; see `_RUNS`."""

    def __missing__(self, code: int) -> str:
        self[code] = kind = _kind_of(chr(code), _FOLDED[code])
        return kind


def _kind_of(char: str, folded: str) -> str:
    if not folded:
        return "j" if char == "\u200d" else "d"
    if folded.isspace():
        return "w"
    if _EXTENDS.match(char) or unicodedata.category(char)[0] == "M":
        return "e"
    if _FLAG_LETTERS.match(char):
        return "r"
    if any(map(str.isspace, folded)) or len(folded) > 9:
        return "x"
    return "o" if unicodedata.category(char) == "So" and len(folded) == 1 else str(len(folded))


_FOLDED = _Folded()
_KINDS = _Kinds()
# 1 to 9: so many code points; o: one, of a symbol; w: white space; d: none; e: some, part of the character before it;
# j: joins a symbol to the one before; r: half a flag; x: words. White space alone between others is one to one too.
_RUNS = re.compile(
    r"(?P<even>[1o]+(?:w[1o]+)*)(?![2-9d])|(?P<uneven>[1-9o][1-9od]*(?:w[1-9o][1-9od]*)*)|w[wdj]*|jo?|rr?|[dex]"
)
_LENGTHS = {"d": "", "o": " ", "w": " "} | {str(length): " " * length for length in range(1, 10)}


def suggest(word: str, known: Iterable[str]) -> str:
    """A sentence ` Did you mean 'x'?` that names the nearest known word, or nothing."""
    nearest = get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f" Did you mean '{nearest[0]}'?" if nearest else ""


def format_date(day: date) -> str:
    """A date as `5 July 2022`, whatever the locale."""
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"
