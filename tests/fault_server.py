"""What can go wrong with an OpenAI-compatible server, each over real HTTP and server-sent events, and what comes of it.

Every fault is met with the question `QUESTION` over the articles of `small_suite`. The servers repeat `KEY`
wherever they say anything.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from loopback import JSON, Canned, Loopback, Reply, Request, chunk, closed_port, failure, serve, sse, whole_reply

KEY = "sk-fault-0123456789abcdef"
QUESTION = "What did Ann pay for bread?"
RIGHT = "Ann paid $3 for bread. [1]"
NO_HOST = ".".join(["invalid"] * 40)  # too long for any host's name, so that nobody is asked for it

ON_RECORD = r"\AAnn paid \$3 for bread\. \[1\]\Z"


@dataclass(frozen=True)
class Fault:
    """What the server does, and what comes of it.

    Attributes:
        replies: what is sent, the last for ever.
        notice: matches the one notice; None where there is nothing to tell.
        by_model: whether the answer is the model's, otherwise it is the sentence on record.
        text: matches the answer.
        posts: how often the model is asked, retries included.
        waits: seconds waited before each retry.
        slow: whether it ends only with the time limit.
        place: the address, where it is not the server's.
        is_variant: whether another has the same end; a process of its own, which takes seconds, is not spent on it.
    """

    replies: tuple[Reply, ...] = ()
    notice: str | None = None
    by_model: bool = False
    text: str = ON_RECORD
    posts: int = 1
    waits: tuple[float, ...] = ()
    slow: bool = False
    place: str | None = None
    is_variant: bool = False

    @property
    def fails_in_the_model(self) -> bool:
        """Whether the client of the server itself raises; of the rest, what was said tells that it is no answer."""
        return not self.by_model and not re.search("without words|its prompt|first sentence", self.notice or "")

    @contextmanager
    def serve(self) -> Iterator[Loopback]:
        """The server; its `url` is that of the fault where it has a place of its own."""
        with serve() as server:
            server.list_models("tiny")
            server.replies = list(self.replies)
            if self.place is not None:
                server.url = self.place
            yield server


def document(content: str | None, *, finish: str = "stop", **message: Any) -> Canned:
    """The reply of a server that does not stream."""
    choice = {"index": 0, "message": {"role": "assistant", "content": content, **message}, "finish_reason": finish}
    usage = {"prompt_tokens": 7, "completion_tokens": len(content or "") // 4}
    return Canned(json.dumps({"choices": [choice], "usage": usage}), content_type=JSON)


def with_header(canned: Canned, name: str, value: str) -> Canned:
    canned.headers[name] = value
    return canned


def say(*words: str, finish: str = "stop") -> Canned:
    return Canned(sse(*map(chunk, words), chunk(finish=finish)))


def refuse(*words: str) -> Canned:
    deltas = [{"choices": [{"index": 0, "delta": {"refusal": word}, "finish_reason": None}]} for word in words]
    return Canned(sse(*deltas, chunk(finish="stop")))


def echo_prompt(request: Request) -> Canned:
    """All that was sent, in small pieces."""
    said = "\n".join(message["content"] for message in request.body["messages"])
    return say(*(said[at : at + 7] for at in range(0, len(said), 7)))


def refuse_parameters(*names: str) -> Reply:
    """A server that takes none of these parameters and says so of one at a time."""

    def reply(request: Request) -> Canned:
        refused = next((name for name in names if name in request.body), None)
        if refused is None:
            return whole_reply(*RIGHT.partition(" "))
        return failure(400, f"Unsupported parameter: '{refused}' is not supported here. {KEY}", param=refused)

    return reply


def failing(status: int, message: str = f"told why {KEY}", **fields: object) -> Canned:
    return failure(status, message, **fields)


SENTENCE = "Ann paid $3 for bread. [1] "
MEGABYTE = 1_000_000
MANY = r"\A(?:Ann paid \$3 for bread\. \[1\] ){222}Ann[^\n]{0,23}\Z"
NO_TIME = r"did not finish within [\d.]+ s\. Raise timeout_seconds"
RETRIED: dict[str, Any] = {"posts": 3, "waits": (0.25, 0.5)}
RIGHT_BY_MODEL: dict[str, Any] = {"by_model": True, "text": ON_RECORD}
CUT_AT_LIMIT = r"was cut at 6,000 characters, within its last sentence\. Raise max_output_tokens"

FAULTS: dict[str, Fault] = {
    # no connection
    "refused connection": Fault(
        notice=r"Connection refused\. Is the server running\? Check base_url",
        posts=0,
        waits=(0.25, 0.5),
        place=f"http://127.0.0.1:{closed_port()}/v1",
    ),
    "DNS failure": Fault(
        notice=r"Name or service not known\. Is the server running\? Check base_url",
        posts=0,
        waits=(0.25, 0.5),
        place=f"http://{NO_HOST}/v1",
    ),
    "connection closed unanswered": Fault(
        (Canned(status=0),), r"No reply from the model at .* Check base_url", **RETRIED, is_variant=True
    ),
    # no time
    "silence before the stream": Fault((Canned(status=0, hangs=True),), NO_TIME, slow=True),
    "headers without end": Fault(
        (Canned("HTTP/1.0 200 OK\r\n", status=0, drip=b"x: y\r\n"),), NO_TIME, slow=True, is_variant=True
    ),
    "silence within the stream": Fault((Canned(sse(chunk("Ann paid"), done=False), hangs=True),), NO_TIME, slow=True),
    "pings within the stream": Fault(
        (Canned(sse(chunk("Ann paid"), done=False), drip=b": ping\n\n"),), NO_TIME, slow=True
    ),
    "an error that trickles": Fault(
        (Canned(status=500, drip=b"x"),), r"failed \(status 500\).* Try again", slow=True, is_variant=True
    ),
    "silence after the finish": Fault(
        (Canned(sse(chunk(RIGHT), chunk(finish="stop"), done=False), hangs=True),),
        slow=True,
        **RIGHT_BY_MODEL,
        is_variant=True,
    ),
    # an error status
    "401": Fault((failing(401),), r"does not accept the API key\. Check OPENAI_API_KEY"),
    "403": Fault((failing(403),), r"\(status 403\): told why \[key\]\. Check what the key in OPENAI_API_KEY"),
    "404": Fault((failing(404),), r"serves no model 'tiny' at this address \(status 404\).* Check base_url"),
    "429": Fault((failing(429),), r"no more requests for now \(status 429\).* Try again later", **RETRIED),
    "429 with a short Retry-After": Fault(
        (with_header(failing(429), "Retry-After", "0.01"), whole_reply(RIGHT)), posts=2, waits=(0.01,), **RIGHT_BY_MODEL
    ),
    "429 with a long Retry-After": Fault(
        (with_header(failing(429), "Retry-After", "120"),), r"\(status 429\).* Try again in 120 s"
    ),
    "429 for want of money": Fault(
        (failing(429, code="insufficient_quota"),), r"no quota left for this key.* Look at the account", is_variant=True
    ),
    "500": Fault((failing(500),), r"failed \(status 500\).* Try again later", **RETRIED),
    "502": Fault(
        (Canned(f"<html>{KEY}</html>", 502, "text/html"),), r"failed \(status 502\)\. Try again later", **RETRIED
    ),
    "503": Fault((failing(503),), r"failed \(status 503\).* Try again later", **RETRIED),
    "529": Fault((failing(529),), r"failed \(status 529\).* Try again later", **RETRIED),
    "500 that passes": Fault(
        (failing(500), whole_reply(RIGHT)), posts=2, waits=(0.25,), **RIGHT_BY_MODEL, is_variant=True
    ),
    "redirect": Fault(
        (with_header(Canned(status=307), "Location", "http://models.invalid/v1"),),
        r"redirects elsewhere.* Check base_url",
        is_variant=True,
    ),
    "context too long": Fault(
        (failing(400, f"request (6031 tokens) exceeds the available context size. {KEY}"),),
        r"exceeds the available context size\. \[key\]\. Lower context_tokens",
    ),
    "prompt filtered": Fault(
        (failing(400, code="content_filter"),),
        r"\(status 400\).* Ask in other words, or without a model",
        is_variant=True,
    ),
    # parameters
    "temperature refused": Fault((refuse_parameters("temperature"),), posts=2, **RIGHT_BY_MODEL),
    "max_tokens refused": Fault((refuse_parameters("max_tokens"),), posts=2, **RIGHT_BY_MODEL),
    "stream_options refused": Fault((refuse_parameters("stream_options"),), posts=2, **RIGHT_BY_MODEL),
    "three parameters refused": Fault(
        (refuse_parameters("temperature", "max_tokens", "stream_options"),), posts=4, **RIGHT_BY_MODEL, is_variant=True
    ),
    # a stream that cannot be read to its end
    "cut within a word": Fault(
        (Canned(sse(chunk("Ann paid $3 for br"), done=False)),), r"was cut before its end\. Ask again"
    ),
    "connection lost within a word": Fault(
        (Canned(sse(chunk("Ann paid $3 for br"), done=False), headers={"Content-Length": "9000"}),),
        r"was cut before its end\. Ask again",
        is_variant=True,
    ),
    "cut within an event": Fault(
        (Canned(sse(chunk(RIGHT))[:60]),), r"cannot be read|not a chat reply", is_variant=True
    ),
    "error within the stream": Fault(
        (Canned(sse(chunk("Ann"), {"error": {"message": f"out of memory {KEY}"}})),),
        r"broke its reply off: out of memory \[key\]\. Ask again",
        is_variant=True,
    ),
    "malformed events": Fault((Canned(f"dat: {KEY}\n\n:::\n\ndata\n\n"),), r"cannot be read|not a chat reply"),
    "invalid JSON in the stream": Fault((Canned(sse(chunk("Ann"), '{"choices": [')),), r"cannot be read .* Ask again"),
    "invalid JSON": Fault((Canned('{"choices": [', content_type=JSON),), r"cannot be read .* Ask again"),
    "empty choices": Fault((Canned(sse({"choices": []})),), r"not a chat reply \(text/event-stream\)\. Check base_url"),
    "null content": Fault(
        (Canned(sse(chunk(), chunk(finish="stop"))),), r"without text \(finish reason: stop\)\. Ask again"
    ),
    "null content, not streamed": Fault(
        (document(None),), r"without text \(finish reason: stop\)\. Ask again", is_variant=True
    ),
    "HTML in place of a reply": Fault(
        (Canned(f"<html>{KEY}</html>", content_type="text/html"),), r"not a chat reply \(text/html\)\. Check base_url"
    ),
    "events of another content type": Fault((Canned(say(RIGHT).body, content_type="text/plain"),), **RIGHT_BY_MODEL),
    "streaming ignored": Fault((document(RIGHT),), **RIGHT_BY_MODEL),
    # a model that does not answer
    "refusal": Fault(
        (refuse("I cannot", f" help with {KEY}."),),
        r"refused: I cannot help with \[key\]\. Ask in other words, or without a model",
    ),
    "refusal, not streamed": Fault(
        (document(None, refusal="No."),), r"refused: No\. Ask in other words", is_variant=True
    ),
    "content filter": Fault(
        (say("Ann paid $3", finish="content_filter"),), r"content filter of .* stopped the reply\. Ask in other words"
    ),
    "markers only": Fault((say("[1]", " [2]\n", "[99]"),), r"without words\. Ask again"),
    "prompt echo": Fault((echo_prompt,), r"repeated its prompt instead of answering\. Ask again"),
    # too much, or less than there was to say
    "length stop": Fault(
        (say(RIGHT, " The baker of Brenn tha", finish="length"),),
        r"was cut at 300 tokens, within its last sentence\. Raise max_output_tokens",
        by_model=True,
        text=r"\AAnn paid \$3 for bread\. \[1\] The baker of Brenn tha\Z",
    ),
    "length stop between sentences": Fault(
        (say(RIGHT, finish="length"),),
        r"was cut at 300 tokens\. Raise max_output_tokens",
        **RIGHT_BY_MODEL,
        is_variant=True,
    ),
    "length stop in the first sentence": Fault(
        (say("Ann paid $3 for", finish="length"),), r"before its first sentence ended\. Raise max_output_tokens"
    ),
    "length stop for want of context": Fault(
        (document(f"{RIGHT} The baker of", finish="length"),),
        r"was cut at 9 tokens, within its last sentence\. Lower context_tokens",
        by_model=True,
        text=r"\AAnn paid \$3 for bread\. \[1\] The baker of\Z",
        is_variant=True,
    ),
    "length stop before the first word": Fault(
        (say(finish="length"),), r"without text .* Raise max_output_tokens", is_variant=True
    ),
    "sentences without end": Fault(
        (Canned(drip=sse(chunk(SENTENCE), done=False).encode(), pace_seconds=0),),
        CUT_AT_LIMIT,
        by_model=True,
        text=MANY,
    ),
    "sentences without end, slowly": Fault(
        (Canned(drip=sse(chunk(SENTENCE), done=False).encode(), pace_seconds=0.05),),
        NO_TIME,
        slow=True,
        is_variant=True,
    ),
    "one line without end": Fault(
        (Canned("data: ", drip=b"x" * MEGABYTE, pace_seconds=0),), r"more than 32 MB .* Check base_url", is_variant=True
    ),
    "1 MB in one event": Fault(
        (say(SENTENCE * (MEGABYTE // len(SENTENCE))),),
        CUT_AT_LIMIT,
        by_model=True,
        text=MANY,
    ),
    "1 MB in many events": Fault(
        (say(*[SENTENCE] * (MEGABYTE // len(SENTENCE))),), CUT_AT_LIMIT, by_model=True, text=MANY, is_variant=True
    ),
    "1 MB, not streamed": Fault(
        (document(SENTENCE * (MEGABYTE // len(SENTENCE))),), CUT_AT_LIMIT, by_model=True, text=MANY, is_variant=True
    ),
    "1 MB of one word": Fault(
        (say("x" * MEGABYTE),), r"before its first sentence ended\. Raise max_output_tokens", is_variant=True
    ),
    # text that is not what it should be
    "duplicate chunks": Fault(
        (say(*(word for word in ("Ann", " paid", " $3", " for", " bread.", " [1]") for _ in range(2))),),
        by_model=True,
        text=r"\AAnnAnn paid paid \$3 \$3 for for bread\. ?bread\. \[1\] \[1\]\Z",
    ),
    "markers out of range": Fault(
        (say("Ann paid $3 for bread. [1] Ann paid $3 for bread. [99]"),),
        by_model=True,
        text=r"\AAnn paid \$3 for bread\. \[1\] Ann paid \$3 for bread\. \[99\]\Z",
    ),
    "the key in the text": Fault(
        (say("Ann paid $3 for bread. [1] Sent with ", KEY[:9], KEY[9:], ". [1]"),),
        by_model=True,
        text=r"\AAnn paid \$3 for bread\. \[1\] Sent with \[key\]\. \[1\]\Z",
    ),
}
