"""Chat models: a protocol small enough to write by hand, and the models of an OpenAI-compatible server.

How such a server is reached, and what its errors mean, is in `qa.endpoint`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol

from qa.endpoint import ASK_OTHERWISE, Endpoint, Reply, explain_timeout, fetch_json, open_reply, start_clock
from qa.errors import ModelError, ModelRejected, ModelReplyInvalid, ModelUnavailable
from qa.limits import TimeLimit, max_characters
from qa.redact import Withheld, redact
from qa.text import shorten, suggest

DEFAULT_OPENAI_MODEL = "gpt-5-mini"  # when OpenAI itself is asked and no model is named

_LISTING_SECONDS = 10.0
_FILTERED = ("content_filter", "refusal")  # finish reasons of a reply that was taken back
_HOW_TO_NAME = "Name one: name under [model] in qa.toml, or QA_MODEL."

_log = logging.getLogger("qa")


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of what is said to a model."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Usage:
    """What replies took; `cost_usd` is None where it is not known (prices are never guessed)."""

    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = None

    def __add__(self, other: Usage) -> Usage:
        costs = [usage.cost_usd for usage in (self, other) if usage != Usage()]
        known = [cost for cost in costs if cost is not None]
        return Usage(
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            sum(known) if known and len(known) == len(costs) else None,
        )


@dataclass(frozen=True, slots=True)
class Price:
    """What a model costs, in US dollars for a million tokens read and written."""

    usd_per_million_input_tokens: float
    usd_per_million_output_tokens: float

    def charge(self, usage: Usage) -> Usage:
        """The usage with its cost."""
        cost = (
            usage.input_tokens * self.usd_per_million_input_tokens
            + usage.output_tokens * self.usd_per_million_output_tokens
        )
        return replace(usage, cost_usd=cost / 1_000_000)


@dataclass(frozen=True, slots=True)
class ReplyPart:
    """A piece of a reply: text as it comes; usage and finish reason in the closing part.

    The finish reason `length` says that the reply is cut: the model, or this program, went no further.
    """

    text: str = ""
    usage: Usage | None = None
    finish_reason: str | None = None


class ChatModel(Protocol):
    """What writes answers; a host program may hand in its own. Threads may share it."""

    @property
    def name(self) -> str:
        """The name kept with every answer that the model wrote."""

    def stream(self, messages: Sequence[Message], *, max_tokens: int) -> Iterator[ReplyPart]:
        """The reply in parts whose texts join to it; its usage, when known, in one of them.

        Raises:
            ModelError: no reply or no whole one; what was given before stays valid text.
        """


# What a caller may name: a chat model, the name of one, False for none, None for the configured one.
ModelChoice = ChatModel | str | Literal[False] | None


class OpenAIChat:
    """A chat model behind an endpoint, made by `open_chat`. Threads may share it."""

    def __init__(
        self,
        endpoint: Endpoint,
        name: str,
        *,
        price: Price | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._endpoint = endpoint
        self._name = name
        self._price = price
        self._sleep = sleep
        self._refused: set[str] = set()  # parameters that this server was found not to take

    @property
    def name(self) -> str:
        """The model's name as its server knows it."""
        return self._name

    def stream(self, messages: Sequence[Message], *, max_tokens: int) -> Iterator[ReplyPart]:
        """Text parts as they come, then one closing part with usage (None if not told) and finish reason.

        Nothing is asked before the first part is taken. The time that the caller takes between parts
        counts towards the endpoint's limit.

        What goes on without end is left at `max_characters(max_tokens)`, with the finish reason `length` and, since
        the server tells it last, without its usage. Text that comes twice is given twice: no chunk has a number by
        which one sent again could be told from a model that repeats itself. A key of 12 characters or more that the
        server puts into its text is replaced by `[key]`.

        Raises:
            ModelUnavailable: the server is not reached, times out or answers with an error.
            ModelRejected: it does not serve this request: key, model name, size; the model refuses, or a content
                filter stops it, whatever was said before.
            ModelReplyInvalid: it sends no text, less than a whole reply, or something else.
        """
        limit = start_clock(self._endpoint.timeout_seconds)
        body = {
            "model": self._name,
            "messages": [{"role": message.role, "content": message.content} for message in messages],
            "max_tokens": max_tokens,
            "temperature": 0,
            "stream_options": {"include_usage": True},
        }
        _log.debug("asking %s at %s", self._name, self._endpoint.host)
        with open_reply(self._endpoint, body, limit=limit, refused=self._refused, sleep=self._sleep) as reply:
            for part in _read_reply(reply, self._endpoint, limit, most=max_characters(max_tokens)):
                charged = self._price.charge(part.usage) if self._price and part.usage else part.usage
                yield replace(part, usage=charged)


@dataclass(frozen=True, slots=True)
class UnreachedModel:
    """Stands in for a model whose server was not reached when it was chosen: asked, it says so again."""

    name: str
    error: ModelUnavailable

    def stream(self, messages: Sequence[Message], *, max_tokens: int) -> Iterator[ReplyPart]:  # noqa: ARG002
        """Raise the error that choosing the model ended with."""
        raise self.error


def open_chat(
    endpoint: Endpoint,
    name: str | None = None,
    *,
    price: Price | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> OpenAIChat:
    """The chat model of this name at an endpoint, or the one that `choose_model` takes.

    Without a price the cost of its replies is not known. `sleep` waits before a request is tried again.

    Raises:
        ModelError: as `choose_model`.
    """
    return OpenAIChat(endpoint, choose_model(endpoint, name), price=price, sleep=sleep)


def choose_model(endpoint: Endpoint, name: str | None) -> str:
    """The model to ask for, after a look at what the server lists.

    A name is taken as it is where the server lists nothing. Without a name it is the one model listed;
    for OpenAI itself `DEFAULT_OPENAI_MODEL`, without asking.

    Raises:
        ModelRejected: this name is not listed, or no name is given and not exactly one model is listed.
        ModelUnavailable: the server is not reached, times out or is failing.
        ModelReplyInvalid: no name is given and the server's list cannot be read.
    """
    if name:
        return _check_name(endpoint, name)
    if endpoint.is_openai:
        return DEFAULT_OPENAI_MODEL
    listed = list_models(endpoint)
    if len(listed) == 1:
        return listed[0]
    raise ModelRejected(f"{endpoint.host} {_describe_list(listed)} {_HOW_TO_NAME}")


def list_models(endpoint: Endpoint) -> list[str]:
    """The names that the server lists at `/v1/models`, in its order.

    Raises:
        ModelUnavailable: the server is not reached, times out or is failing.
        ModelRejected: it has no such list, or none for this key.
        ModelReplyInvalid: it sends something else.
    """
    limit = start_clock(min(_LISTING_SECONDS, endpoint.timeout_seconds))
    entries = _dig(fetch_json(endpoint, "/models", limit=limit), "data")
    if not isinstance(entries, list):
        raise ModelReplyInvalid(f"{endpoint.host} did not send a list of models. {endpoint.advice}")
    names = [_dig(entry, "id") for entry in entries]
    return list(dict.fromkeys(name for name in names if isinstance(name, str) and name))


def _check_name(endpoint: Endpoint, name: str) -> str:
    try:
        listed = list_models(endpoint)
    except (ModelRejected, ModelReplyInvalid):
        return name  # no list to compare with; the first question will tell
    # Ollama lists `llama3.2:latest` and takes `llama3.2`
    if not listed or name in listed or f"{name}:latest" in listed:
        return name
    nearest = suggest(name, listed)
    raise ModelRejected(f"{endpoint.host} has no model '{name}'.{nearest} It {_describe_list(listed)} {_HOW_TO_NAME}")


def _describe_list(listed: Sequence[str]) -> str:
    if not listed:
        return "lists no model."
    shown = ", ".join(shorten(name, limit=80) for name in listed[:5])
    return f"lists {shown}." if len(listed) <= 5 else f"lists {len(listed)} models: {shown} …"


def _read_reply(reply: Reply, endpoint: Endpoint, limit: TimeLimit, *, most: int) -> Iterator[ReplyPart]:
    """Text parts, of `most` characters at most, then the closing part; raise when the reply is not a whole one."""
    closing = ReplyPart()
    refusal, read = "", 0
    withheld = Withheld(endpoint.secrets)
    for chunk in reply.chunks():
        part = _read_chunk(chunk)
        refusal += _read_refusal(chunk)
        # kept for the end: some servers repeat the usage so far in every chunk
        closing = ReplyPart("", part.usage or closing.usage, part.finish_reason or closing.finish_reason)
        if text := withheld.feed(part.text[: most - read]):
            yield ReplyPart(text)
        read += len(part.text)
        if read > most or len(refusal) > most:
            _log.info("left a reply that went beyond %d characters", most)
            closing = replace(closing, finish_reason="length")
            break
    if rest := withheld.rest():
        yield ReplyPart(rest)
    yield closing
    if error := _find_fault(reply, endpoint, limit, closing.finish_reason, refusal=refusal, has_text=read > 0):
        raise error


def _find_fault(
    reply: Reply, endpoint: Endpoint, limit: TimeLimit, reason: str | None, *, refusal: str, has_text: bool
) -> ModelError | None:
    """What is wrong with a reply that has come to its end."""
    host = endpoint.host
    if refusal.strip():
        said = redact(refusal, endpoint.secrets)
        return ModelRejected(f"The model at {host} refused: {said}. {ASK_OTHERWISE}")
    if reason in _FILTERED:
        return ModelRejected(f"The content filter of {host} stopped the reply. {ASK_OTHERWISE}")
    if reason is None and limit.is_over:
        return explain_timeout(endpoint, limit)
    if reason is None or not has_text:
        return _explain_incomplete(reply, endpoint, reason, has_text=has_text)
    return None


def _explain_incomplete(reply: Reply, endpoint: Endpoint, reason: str | None, *, has_text: bool) -> ModelError:
    host = endpoint.host
    if reason is not None:
        remedy = "Raise max_output_tokens under [model] in qa.toml." if reason == "length" else "Ask again."
        told = shorten(redact(reason, endpoint.secrets), limit=40)
        return ModelReplyInvalid(f"{host} sent a reply without text (finish reason: {told}). {remedy}")
    if has_text:
        return ModelReplyInvalid(f"The reply of {host} was cut before its end. Ask again.")
    kind = redact(reply.content_type, endpoint.secrets) or "no content type"
    return ModelReplyInvalid(f"{host} sent something that is not a chat reply ({kind}). {endpoint.advice}")


def _read_refusal(chunk: object) -> str:
    """What a chunk says in the field for refusals, which is no answer."""
    choice = _dig(chunk, "choices", 0)
    said = _dig(choice, "delta", "refusal") or _dig(choice, "message", "refusal")
    return said if isinstance(said, str) else ""


def _read_chunk(chunk: object) -> ReplyPart:
    """What a chunk says; anything in it may be missing, null or of another type."""
    choice = _dig(chunk, "choices", 0)
    text = _dig(choice, "delta", "content") or _dig(choice, "message", "content")
    reason = _dig(choice, "finish_reason")
    sent, received = _dig(chunk, "usage", "prompt_tokens"), _dig(chunk, "usage", "completion_tokens")
    return ReplyPart(
        text if isinstance(text, str) else "",
        Usage(sent, received) if isinstance(sent, int) and isinstance(received, int) else None,
        reason if isinstance(reason, str) else None,
    )


def _dig(value: object, *keys: str | int) -> object:
    """What lies at the end of a path through dictionaries, lists and objects; None where there is no such path."""
    for key in keys:
        if isinstance(key, int):
            value = value[key] if isinstance(value, list) and len(value) > key else None
        else:
            value = value.get(key) if isinstance(value, dict) else getattr(value, key, None)
    return value
