from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from qa.limits import TimeLimit, max_characters


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    near, far = socket.socketpair()
    with near, far:
        yield near, far


class Stream:
    """What httpcore hands to a trace callback."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def get_extra_info(self, name: str) -> socket.socket:
        assert name == "socket"
        return self._connection


def test_twenty_characters_are_read_for_each_token_asked_for() -> None:
    assert max_characters(300) == 6_000


def test_time_left_is_never_nothing() -> None:
    limit = TimeLimit(0)
    assert limit.is_over
    assert limit.left == 0.01
    assert not TimeLimit(60).is_over


@pytest.mark.parametrize("event", ["connection.connect_tcp.complete", "connection.start_tls.complete"])
def test_a_watched_connection_is_shut_down_when_time_is_up(
    pair: tuple[socket.socket, socket.socket], event: str
) -> None:
    near, _ = pair
    limit = TimeLimit(0.05)
    with limit.hanging_up():
        limit.watch(event, {"return_value": Stream(near)})
        assert near.recv(1) == b""  # would wait for ever


def test_a_connection_made_too_late_is_shut_down_at_once(pair: tuple[socket.socket, socket.socket]) -> None:
    near, _ = pair
    TimeLimit(0).watch("connection.connect_tcp.complete", {"return_value": Stream(near)})
    assert near.recv(1) == b""


def test_a_connection_is_left_alone_when_the_call_ends_in_time(pair: tuple[socket.socket, socket.socket]) -> None:
    near, far = pair
    limit = TimeLimit(60)
    with limit.hanging_up():
        limit.watch("connection.connect_tcp.complete", {"return_value": Stream(near)})
        limit.watch("http11.send_request_headers.complete", {"return_value": None})
    far.sendall(b"x")
    assert near.recv(1) == b"x"


def test_a_connection_that_is_closed_already_does_no_harm(pair: tuple[socket.socket, socket.socket]) -> None:
    near, _ = pair
    near.close()
    TimeLimit(0).watch("connection.connect_tcp.complete", {"return_value": Stream(near)})
