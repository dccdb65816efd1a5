"""Text as it is stored, as it is compared, and as it is shown."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from datetime import date
from difflib import get_close_matches

# What a terminal could act on: C0 but for tab and newline, DEL, C1, bidirectional embeddings,
# overrides and isolates, line and paragraph separators, lone surrogates.
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_STORED_UNSAFE = re.compile("[\x00\ud800-\udfff]")
_CHAT_TOKENS = re.compile(
    r"<[|｜][^<>\n]{1,60}[|｜]>|<</?SYS>>|\[/?(?:INST|SYSTEM_PROMPT|TOOL_CALLS|AVAILABLE_TOOLS)\]"
    r"|</?(?:s|bos|eos|pad|unk|think|tool_call|tool_response)>|<(?:start|end)_of_turn>|<end_of_utterance>",
    re.IGNORECASE,
)
_BLANKS = re.compile(r"\s+")
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
    """Fold for comparison: NFKD without combining marks, case folded, white space as one space."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(char for char in decomposed if not unicodedata.combining(char))
    return _BLANKS.sub(" ", bare.casefold()).strip()


def suggest(word: str, known: Iterable[str]) -> str:
    """A sentence ` Did you mean 'x'?` that names the nearest known word, or nothing."""
    nearest = get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f" Did you mean '{nearest[0]}'?" if nearest else ""


def format_date(day: date) -> str:
    """A date as `5 July 2022`, whatever the locale."""
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"
