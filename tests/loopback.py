"""A small HTTP server on loopback that answers as a test tells it: real HTTP, real server-sent events."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SSE = "text/event-stream"
JSON = "application/json"


@dataclass
class Canned:
    """One answer: status, body and headers; then `drip` is sent again and again until the client hangs up.

    `hangs` waits for that in silence. Where `status` is 0 no head is sent, so that the body is all there is.
    """

    body: str | bytes = ""
    status: int = 200
    content_type: str = SSE
    headers: dict[str, str] = field(default_factory=dict)
    drip: bytes = b""
    pace_seconds: float = 0.02  # between two drips: the server's pace, not the test's
    hangs: bool = False


@dataclass
class Request:
    method: str
    path: str
    headers: dict[str, str]
    body: dict[str, Any]


Reply = Canned | Callable[[Request], Canned]


@dataclass
class Loopback:
    """Answers POSTs in the order of `replies`, the last one for ever; GET /v1/models with `models`.

    A reply may be made from the request that it answers.
    """

    url: str
    replies: list[Reply] = field(default_factory=list)
    models: Canned = field(default_factory=lambda: Canned("{}", status=404, content_type=JSON))
    requests: list[Request] = field(default_factory=list)

    def list_models(self, *names: str) -> None:
        entries = [{"id": name, "object": "model"} for name in names]
        self.models = Canned(json.dumps({"object": "list", "data": entries}), content_type=JSON)

    @property
    def posts(self) -> list[Request]:
        return [request for request in self.requests if request.method == "POST"]


@contextmanager
def serve() -> Iterator[Loopback]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    loopback = Loopback(f"http://127.0.0.1:{server.server_port}/v1")
    server.loopback = loopback  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield loopback
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def closed_port() -> int:
    """A port on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def sse(*events: object, done: bool = True) -> str:
    """A stream of these events; a string is sent as it is."""
    lines = [event if isinstance(event, str) else json.dumps(event) for event in events]
    return "".join(f"data: {line}\n\n" for line in [*lines, *(["[DONE]"] if done else [])])


def chunk(content: object = None, *, finish: object = None, usage: object = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": {} if content is None else {"content": content}, "finish_reason": finish}
    return {"id": "c", "object": "chat.completion.chunk", "choices": [choice], "usage": usage}


def whole_reply(*words: str) -> Canned:
    usage = {"prompt_tokens": 7, "completion_tokens": len(words), "total_tokens": 7 + len(words)}
    last = {"id": "c", "object": "chat.completion.chunk", "choices": [], "usage": usage}
    return Canned(sse(*(chunk(word) for word in words), chunk(finish="stop"), last))


def failure(status: int, message: str = "", **fields: object) -> Canned:
    body = {"error": {"message": message, **fields}}
    return Canned(json.dumps(body), status=status, content_type=JSON)


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self._record({})
        self._send(self._loopback.models)

    def do_POST(self) -> None:
        request = self._record(json.loads(self.rfile.read(int(self.headers["content-length"]))))
        replies = self._loopback.replies
        reply = replies.pop(0) if len(replies) > 1 else replies[0]
        self._send(reply if isinstance(reply, Canned) else reply(request))

    def log_message(self, *_: object) -> None:
        pass

    @property
    def _loopback(self) -> Loopback:
        return self.server.loopback  # type: ignore[attr-defined,no-any-return]

    def _record(self, body: dict[str, Any]) -> Request:
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, self.path, headers, body)
        self._loopback.requests.append(request)
        return request

    def _send(self, canned: Canned) -> None:
        with suppress(OSError):  # the client may hang up at any time
            if canned.status:
                self.send_response(canned.status)
                self.send_header("content-type", canned.content_type)
                for name, value in canned.headers.items():
                    self.send_header(name, value)
                self.end_headers()
            self.wfile.write(canned.body if isinstance(canned.body, bytes) else canned.body.encode())
            if canned.hangs:
                self.rfile.read(1)  # ends when the client hangs up
            while canned.drip:
                self.wfile.write(canned.drip)
                time.sleep(canned.pace_seconds)
