from __future__ import annotations

import pytest

from qa.parameters import adjust, find_refused

BODY = {"model": "tiny", "max_tokens": 50, "temperature": 0, "stream_options": {"include_usage": True}}


@pytest.mark.parametrize(
    ("refused", "names"),
    [
        ((), {"model", "max_tokens", "temperature", "stream_options"}),
        (("temperature",), {"model", "max_tokens", "stream_options"}),
        (("max_tokens",), {"model", "max_completion_tokens", "temperature", "stream_options"}),
        (("max_tokens", "temperature", "stream_options"), {"model", "max_completion_tokens"}),
    ],
)
def test_what_was_refused_is_not_sent(refused: tuple[str, ...], names: set[str]) -> None:
    assert adjust(BODY, refused).keys() == names


def test_a_model_that_counts_its_thinking_gets_room_for_it() -> None:
    assert adjust(BODY, {"max_tokens"})["max_completion_tokens"] == 4_146


@pytest.mark.parametrize(
    ("status", "said", "found"),
    [
        (400, "Unsupported value: 'temperature' does not support 0 with this model.", "temperature"),
        (400, "Unrecognized request argument supplied: stream_options", "stream_options"),
        (422, "{'type': 'extra_forbidden', 'loc': ['body', 'max_tokens']}", "max_tokens"),
        (400, "`temperature` is deprecated for this model.", "temperature"),
        (500, "temperature is not supported", None),
        (None, "temperature is not supported", None),
        (400, "max_tokens is too large: 50. The model's context length is 40.", None),
        (400, "Unsupported parameter: 'messages'", None),
    ],
)
def test_a_parameter_is_refused_only_where_the_server_says_that_it_takes_none(
    status: int | None, said: str, found: str | None
) -> None:
    assert find_refused(status, said, BODY) == found


def test_what_was_not_sent_is_not_refused() -> None:
    assert find_refused(400, "temperature is not supported", {"model": "tiny"}) is None
