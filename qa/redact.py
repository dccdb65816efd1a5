"""Keys and passwords, kept out of whatever is shown, logged or kept; a word kept out of a text that comes in pieces."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import unquote, urlsplit

from qa.text import shorten

_KEY_LIKE = re.compile(r"\bsk-[\w*.-]{4,}")
# Shorter ones are stand-ins for servers that want no key ("ollama", "lm-studio"), and words that an answer may have.
_SHORTEST_IN_TEXT = 12


def find_secrets(url: str, key: str | None) -> tuple[str, ...]:
    """What must not be shown of how a server is reached: the key, and the password of the address."""
    try:
        password = urlsplit(url).password or ""
    except ValueError:
        password = ""
    return tuple(dict.fromkeys(filter(None, ((key or "").strip(), password, unquote(password)))))


def hide_password(url: str) -> str:
    """An address as it may be shown: with `[key]` in place of its password."""
    secrets = find_secrets(url, None)
    return url.replace(f":{secrets[0]}@", ":[key]@", 1) if secrets else url


def redact(words: str, secrets: Iterable[str]) -> str:
    """What a server says as one line of at most 200 characters, in which no secret and nothing like a key occurs."""
    for secret in secrets:
        words = words.replace(secret, "[key]")
    return shorten(_KEY_LIKE.sub("[key]", words), limit=200).rstrip(".")


class Withheld:
    """A text that comes in pieces, given on with `[key]` for each secret in it, wherever the pieces were cut.

    Secrets under 12 characters are let through: no real key is so short.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        self._secrets = [secret for secret in secrets if len(secret) >= _SHORTEST_IN_TEXT]
        self._held = ""

    def feed(self, piece: str) -> str:
        """What can be given on now: all but an end that may be the beginning of a secret."""
        text = self._held + piece
        for secret in self._secrets:
            text = text.replace(secret, "[key]")
        kept = max((overlap(text, secret) for secret in self._secrets), default=0)
        self._held = text[len(text) - kept :]
        return text[: len(text) - kept]

    def rest(self) -> str:
        """What was held back, when no more pieces come."""
        held, self._held = self._held, ""
        return held


def overlap(text: str, word: str) -> int:
    """How many characters at the end of a text may be the beginning of a word that goes on behind it."""
    longest = min(len(text), len(word) - 1)
    return next((size for size in range(longest, 0, -1) if text.endswith(word[:size])), 0)
