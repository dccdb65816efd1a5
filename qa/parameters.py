"""The parameters of a request that not every server takes: which one it refuses, and what is sent without it."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

# A model that wants max_completion_tokens counts its thinking in it; max_tokens is about the visible reply.
_THINKING_TOKENS = 4_096
_ADJUSTABLE = ("max_tokens", "temperature", "stream_options")
_REFUSAL = re.compile(
    r"unsupported|not support|unrecogni|unknown|unexpected|extra|deprecat|not (?:permitted|allowed)", re.I
)


def adjust(body: Mapping[str, Any], refused: Collection[str]) -> dict[str, Any]:
    """The body of a request without the parameters that its server was found not to take.

    In place of max_tokens it then has max_completion_tokens, with 4,096 more for thinking.
    """
    adjusted = {name: value for name, value in body.items() if name not in refused}
    if "max_tokens" in refused:
        adjusted["max_completion_tokens"] = body["max_tokens"] + _THINKING_TOKENS
    return adjusted


def find_refused(status: int | None, said: str, sent: Mapping[str, Any]) -> str | None:
    """The parameter that an error says the server does not take, if we can do without it."""
    if status not in (400, 422):
        return None
    named = [name for name in _ADJUSTABLE if name in sent and name in said]
    return named[0] if named and _REFUSAL.search(said) else None
