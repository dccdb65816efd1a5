"""A question that asks several things, or compares, as the questions of which it is made.

By rule, without a model: asks joined by "and" (`qa.asks`), alternatives, and times held against each other
(`qa.comparisons`). With a model by `prompts/decompose.md`, which is asked only where a question looks as if it had
parts. A wrong split costs right answers, so a question is left whole where its form is not one of these: "Trinidad and
Tobago" is one name, and "did the mayor or the governor resign" is one question.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from qa.asks import LED_ASK, MAX_PARTS, split_asks
from qa.comparisons import split_alternatives, split_times
from qa.errors import ModelError
from qa.limits import max_characters
from qa.models import ChatModel, Usage
from qa.prompts import Prompt

DECOMPOSE_FIELDS = frozenset({"question"})

_log = logging.getLogger("qa")

_REPLY_TOKENS = 160
_MAX_CHARACTERS = 400  # of one part that a model gives
_BULLET = re.compile(r"^\s*(?:[-*•]|\(?\d[.):])\s*")
_HINT = re.compile(
    rf"""\b(?:or|versus|vs|compared?|respectively|difference\sbetween)\b | \bthan\b(?!\s\d) | \band\s{LED_ASK}\b
    | \w\s(?:whom|whose)\b | \bthe\s(?:\w+\s){{1,3}}(?:who|that|which)\b""",
    re.IGNORECASE | re.VERBOSE,
)

Kind = Literal["asks", "alternatives", "times"]


@dataclass(frozen=True, slots=True)
class Split:
    """What a question is made of: the `parts` as questions that stand alone, two or three, in its order.

    `kind` tells how they belong together: each asks something of its own, or they are about alternatives or times that
    are held against each other; `named` are these as the question words them.
    """

    kind: Kind
    parts: tuple[str, ...]
    named: tuple[str, ...] = ()


def split_question(question: str) -> tuple[str, ...]:
    """The questions of which a question is made, two or three, by rule; none for a simple one."""
    split = read_split(question)
    return split.parts if split else ()


def read_split(question: str) -> Split | None:
    """How a question is split by rule, or None for a simple one."""
    text = question.strip()
    if split := _make_split("asks", split_asks(text)):
        return split
    parts, named = split_alternatives(text)
    if split := _make_split("alternatives", parts, named):
        return split
    parts, named = split_times(text)
    return _make_split("times", parts, named)


def may_have_parts(question: str) -> bool:
    """Whether it is worth a model's time to look for parts: the rule splits it, or a word hints at them."""
    return bool(_HINT.search(question)) or read_split(question) is not None


def ask_parts(question: str, model: ChatModel, prompt: Prompt) -> tuple[tuple[str, ...], Usage]:
    """The parts that a model sees in a question, and what that took; none for a simple question.

    Where the model fails, or says anything but one to three questions of at most 400 characters, one a line, they are
    those by rule.
    """
    said, usage = "", Usage()
    try:
        for part in model.stream(prompt.render_messages(question=question), max_tokens=_REPLY_TOKENS):
            usage = part.usage or usage
            said += part.text
            if len(said) > max_characters(_REPLY_TOKENS):
                break
    except ModelError as error:
        _log.warning("The question is split by rule: %s", error)
        return split_question(question), usage
    parts = _read_parts(said)
    return (split_question(question) if parts is None else parts), usage


def _read_parts(said: str) -> tuple[str, ...] | None:
    """The questions of a reply, none where it gives only one; None where it is no list of one to three questions."""
    lines = [_BULLET.sub("", line).strip() for line in said.splitlines() if line.strip()]
    is_list = all(line.endswith("?") and len(line) <= _MAX_CHARACTERS and re.search(r"\w", line) for line in lines)
    if not is_list or not 1 <= len(lines) <= MAX_PARTS:
        return None
    parts = tuple(dict.fromkeys(lines))
    return parts if len(parts) > 1 else ()


def _make_split(kind: Kind, parts: Sequence[str], named: tuple[str, ...] = ()) -> Split | None:
    """The parts as questions, or None where they are fewer than two, or two are the same."""
    whole = tuple(f"{part[:1].upper()}{part[1:].rstrip(' ?')}?" for part in parts)
    return Split(kind, whole, named) if len(whole) > 1 and len(set(whole)) == len(whole) else None
