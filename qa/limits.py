"""How much one reply of a server may take: time, bytes on the wire, characters of text."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

MAX_REPLY_BYTES = 32_000_000  # no reply that is meant well comes near: 300 tokens, one an event, are 100 KB
# A token of English has 4 characters on average. What says so much more than was asked for does not heed max_tokens.
_CHARACTERS_PER_TOKEN = 20


def max_characters(max_tokens: int) -> int:
    """How many characters of a reply are read at most, where so many tokens were asked for: 20 for each."""
    return _CHARACTERS_PER_TOKEN * max_tokens


class TimeLimit:
    """The time that one reply may take, counted from now."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds
        self._connection: socket.socket | None = None

    @property
    def left(self) -> float:
        """Seconds left; never less than a hundredth, so that a socket does not stop blocking."""
        return max(0.01, self._end - time.monotonic())

    @property
    def is_over(self) -> bool:
        """Whether the time is up."""
        return time.monotonic() >= self._end

    @contextmanager
    def hanging_up(self) -> Iterator[None]:
        """Shut the watched connection down when time is up: a server that trickles never trips a read time-out."""
        timer = threading.Timer(self.left, self._shut_down)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def watch(self, event: str, info: Mapping[str, Any]) -> None:
        """Take note of a connection as soon as it is made; a `trace` callback of httpcore."""
        if event.endswith((".connect_tcp.complete", ".start_tls.complete")):
            self._connection = info["return_value"].get_extra_info("socket")
            if self.is_over:
                self._shut_down()

    def _shut_down(self) -> None:
        if self._connection is not None:
            with suppress(OSError):
                socket.socket.shutdown(self._connection, socket.SHUT_RDWR)  # SSLSocket's own would break its reader
