"""A model's reply: taken in as it comes, without the fence of the prompt, and what is left of one that was cut."""

from __future__ import annotations

import re
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace

from qa.answer_form import Token
from qa.errors import ModelReplyInvalid
from qa.ground import Grounded, Problem, Statement, Verdict, bare_statement
from qa.limits import max_characters
from qa.models import ChatModel, Message, Usage
from qa.redact import overlap
from qa.text import encodable_text

_AGAIN = "Ask again, or name another model under [model] in qa.toml."
_MORE_TOKENS = "Raise max_output_tokens under [model] in qa.toml."
_LESS_CONTEXT = "Lower context_tokens under [model] in qa.toml: the model's context may be full."
_HALF_MARKER = re.compile(r"\s*\[[\d,\s]*$")
_ENDED = re.compile(r"[.!?…]\W*\[[\d,\s]+\]\W*$|\[[\d,\s]+\]\s*[.!?…]\W*$")


@dataclass(frozen=True, slots=True)
class Said:
    """What a model said, and what it took; where it would have said more, `cut_at` is its length, and what to do."""

    text: str
    usage: Usage
    cut_at: str | None
    remedy: str = ""


def take_reply(
    model: ChatModel, messages: Sequence[Message], *, max_tokens: int, fence: str
) -> Generator[Token, None, Said]:
    """Ask a model and give its text on as it comes, but never the fence of the prompt.

    A model that repeats the fence repeats its prompt in place of an answer: no more of it is taken. What says more
    than `max_characters(max_tokens)` is cut there, whichever model it is.

    Raises:
        ModelError: as the model.
        ModelReplyInvalid: it repeats its prompt, or has no words (markers alone are none).
    """
    most = max_characters(max_tokens)
    text, shown = "", 0
    usage, is_cut, is_long = Usage(), False, False
    for part in model.stream(messages, max_tokens=max_tokens):
        usage = part.usage or usage
        is_cut = is_cut or part.finish_reason == "length"
        is_long = len(text) + len(part.text) > most
        text = (text + encodable_text(part.text))[:most]
        if fence in text:
            raise ModelReplyInvalid(f"{model.name} repeated its prompt instead of answering. {_AGAIN}")
        ready = len(text) - overlap(text, fence)
        if ready > shown:
            yield Token(text[shown:ready])
            shown = ready
        if is_long:
            break
    if text[shown:]:
        yield Token(text[shown:])
    said = _end_early(text, usage, max_tokens) if is_cut or is_long else Said(text.strip(), usage, None)
    if not any(char.isalnum() for char in bare_statement(said.text)):
        raise ModelReplyInvalid(f"{model.name} sent a reply without words. {_AGAIN}")
    return said


def mark_cut(grounded: Grounded, said: Said, name: str) -> tuple[Grounded, str]:
    """What is left of a cut reply, and a line that says so.

    Its last sentence is not supported, whatever its figures, unless it has come to its end: a stop and its marker.

    Raises:
        ModelReplyInvalid: no sentence came to its end.
    """
    *whole, last = grounded.statements
    cut = f"The reply of {name} was cut at {said.cut_at}"
    if _ENDED.search(last.text):
        return grounded, f"{cut}. {said.remedy}"
    if not whole:
        raise ModelReplyInvalid(f"{cut}, before its first sentence ended. {said.remedy}")
    marked = replace(grounded, statements=(*whole, _mark_unfinished(last)))
    return marked, f"{cut}, within its last sentence. {said.remedy}"


def _end_early(text: str, usage: Usage, max_tokens: int) -> Said:
    """A reply that was cut: by this program where it has all the characters it may have, otherwise by its server."""
    tokens = usage.output_tokens or max_tokens
    is_long = len(text) >= max_characters(max_tokens)
    cut_at = f"{len(text):,} characters" if is_long else f"{tokens:,} tokens"
    remedy = _MORE_TOKENS if is_long or tokens >= max_tokens else _LESS_CONTEXT
    return Said(_HALF_MARKER.sub("", text).strip(), usage, cut_at, remedy)


def _mark_unfinished(last: Statement) -> Statement:
    problem = Problem("unfinished", "the reply was cut within this sentence")
    verdict: Verdict = "unsupported" if last.verdict == "supported" else last.verdict
    return replace(last, verdict=verdict, problems=(*last.problems, problem))
