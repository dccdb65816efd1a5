"""A text as it looks and as it may be meant: hidden characters, look-alike letters, digits for letters, encodings."""

from __future__ import annotations

import base64
import binascii
import html
import re
import unicodedata
from collections.abc import Iterator

from qa.text import fold

_LOOKALIKES = str.maketrans(
    "аеорсухіјѕһԁԛԝкмтвнзьгпοαειıκνρτυχωηօոսցհɡɑʀɴɪ", "aeopcyxijshdqwkmtbh3brnoaeiiknptuxwnonugngarni"
)
_DIGITS = str.maketrans("0134578@$!", "oieastbasi")
_LEET = re.compile(r"\b[\w@$!]*(?:[a-z][0134578@$!]|[0134578@$!][a-z])[\w@$!]*")
_TYPOGRAPHIC = dict.fromkeys(map(ord, "“”„‘’«»–—•€£\u00a0"))
_BLANK_LOOKING = dict.fromkeys(  # variation selectors, fillers, the empty braille cell
    [*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0), 0x34F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0]
)
_TAGS = {0xE0000 + code: chr(code) for code in range(0x20, 0x7F)}  # letters that no font shows
_SPACED = re.compile(r"(?<![^\W_])[^\W_](?:[ ._*-]{1,2}[^\W_]){5,}(?![^\W_])")
_COMMENT = re.compile(r"<!--|-->|</?[a-zA-Z][^<>|]{0,200}>")
_ROLE_TAG = re.compile(r"</?(?:system|assistant|instructions?|prompt|user|human)\b|_of_turn>", re.IGNORECASE)
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{16,}={0,2}")
_HEX = re.compile(r"(?:(?:0x|\\x)?[0-9a-fA-F]{2}[\s:,]?){12,}")


def read_variants(text: str) -> Iterator[str]:
    """A text folded (`qa.text.fold`), as it looks and as it may be meant, each reading once.

    Entities are resolved, comments and elements become full stops (those that mark the role of a speaker in a chat
    stay), and characters that cannot be seen are left out; then letters of other alphabets are the Latin ones they
    look like, s p a c e d letters stand together, and digits in words are letters.
    """
    text = _unmark(text)
    if text.translate(_TYPOGRAPHIC).isascii():
        plain = latin = " ".join(text.casefold().split())
    else:
        bare = "".join(char for char in text.translate(_TAGS) if unicodedata.category(char) != "Cf")
        plain = fold(bare.translate(_BLANK_LOOKING))
        latin = plain.translate(_LOOKALIKES)
    together = _SPACED.sub(lambda found: re.sub(r"[ ._*-]", "", found[0]), latin)
    letters = _LEET.sub(lambda found: found[0].translate(_DIGITS), together)
    yield from dict.fromkeys((plain, latin, together, letters))


def _unmark(text: str) -> str:
    """A text with its entities resolved and the marks of its comments and elements as full stops."""
    return _COMMENT.sub(lambda found: found[0] if _ROLE_TAG.search(found[0]) else ". ", html.unescape(text))


def decode_hidden(text: str) -> Iterator[str]:
    """What is written in base64 or hexadecimal in a text, where that is words again."""
    for match in _BASE64.finditer(text):
        with_end = match[0].rstrip("=").replace("-", "+").replace("_", "/")
        yield from _read_bytes(_try_base64(with_end + "=" * (-len(with_end) % 4)))
    for match in _HEX.finditer(text):
        yield from _read_bytes(bytes.fromhex(re.sub(r"0x|\\x|[^0-9a-fA-F]", "", match[0])))


def _try_base64(encoded: str) -> bytes:
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return b""


def _read_bytes(raw: bytes) -> Iterator[str]:
    text = raw.decode("utf-8", "ignore")
    if " " in text and sum(char.isprintable() for char in text) >= 0.9 * len(raw):
        yield text
