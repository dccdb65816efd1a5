from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import openai  # noqa: F401  (a second, which would otherwise count towards the first time limit)
import pytest
from llama import MODEL_NAME, llama_server  # noqa: F401  (a fixture)
from loopback import JSON, Canned, Loopback, chunk, closed_port, failure, serve, sse, whole_reply

from qa.endpoint import Endpoint
from qa.errors import ModelRejected, ModelReplyInvalid, ModelUnavailable
from qa.models import (
    DEFAULT_OPENAI_MODEL,
    ChatModel,
    Message,
    OpenAIChat,
    Price,
    ReplyPart,
    Usage,
    choose_model,
    list_models,
    open_chat,
)

HELLO = [Message("user", "Say hello to Ann.")]


@pytest.fixture
def server() -> Iterator[Loopback]:
    with serve() as loopback:
        yield loopback


def collect(url: str) -> list[ReplyPart]:
    return list(OpenAIChat(Endpoint(url, timeout_seconds=5), "tiny").stream(HELLO, max_tokens=20))


# Against a real server


def test_the_one_model_of_a_real_server_is_taken_without_naming_it(llama_server: str) -> None:  # noqa: F811
    assert list_models(Endpoint(llama_server, timeout_seconds=600)) == [MODEL_NAME]
    assert open_chat(Endpoint(llama_server, timeout_seconds=600)).name == MODEL_NAME


def test_an_unknown_name_gets_the_nearest_that_a_real_server_lists(llama_server: str) -> None:  # noqa: F811
    with pytest.raises(ModelRejected, match=f"no model 'smollm2-135m'. Did you mean '{MODEL_NAME}'"):
        open_chat(Endpoint(llama_server, timeout_seconds=600), "smollm2-135m")


def test_a_real_reply_comes_in_parts_with_plausible_usage(llama_server: str) -> None:  # noqa: F811
    *parts, closing = open_chat(Endpoint(llama_server, timeout_seconds=600)).stream(HELLO, max_tokens=24)
    assert len(parts) > 1
    assert all(part.text and part.usage is None for part in parts)
    assert "hello" in "".join(part.text for part in parts).casefold()
    assert closing.usage is not None
    assert 10 < closing.usage.input_tokens < 60
    assert 2 < closing.usage.output_tokens <= 24
    assert closing.usage.cost_usd is None


def test_a_real_reply_ends_at_max_tokens(llama_server: str) -> None:  # noqa: F811
    story = [Message("user", "Tell me a long story about the sea.")]
    closing = list(open_chat(Endpoint(llama_server, timeout_seconds=600)).stream(story, max_tokens=8))[-1]
    assert closing.finish_reason == "length"
    assert closing.usage is not None
    assert closing.usage.output_tokens == 8


def test_a_real_reply_is_the_same_each_time(llama_server: str) -> None:  # noqa: F811
    model = open_chat(Endpoint(llama_server, timeout_seconds=600))
    first, second = (list(model.stream(HELLO, max_tokens=12)) for _ in range(2))
    assert first == second


def test_a_real_reply_may_be_left_before_its_end(llama_server: str) -> None:  # noqa: F811
    model = open_chat(Endpoint(llama_server, timeout_seconds=600))
    parts = model.stream([Message("user", "Count to one hundred.")], max_tokens=200)
    assert next(parts).text
    parts.close()  # type: ignore[attr-defined]
    assert list(model.stream(HELLO, max_tokens=4))[-1].finish_reason == "length"


def test_a_prompt_beyond_a_real_context_says_what_to_lower(llama_server: str) -> None:  # noqa: F811
    model = open_chat(Endpoint(llama_server, timeout_seconds=600))
    with pytest.raises(ModelRejected, match=r"exceeds the available context size.*Lower context_tokens"):
        list(model.stream([Message("user", "word " * 5000)], max_tokens=4))


def test_a_real_server_that_is_too_slow_is_left_in_time(llama_server: str) -> None:  # noqa: F811
    model = OpenAIChat(Endpoint(llama_server, timeout_seconds=0.5), MODEL_NAME)
    with pytest.raises(ModelUnavailable, match=r"did not finish within 0\.5 s"):
        list(model.stream([Message("user", "Tell me a very long story. " * 40)], max_tokens=400))


# Names


def test_openai_itself_has_a_default_and_is_not_asked_for_its_list() -> None:
    assert choose_model(Endpoint(), None) == DEFAULT_OPENAI_MODEL
    assert choose_model(Endpoint("https://api.openai.com/v1"), None) == DEFAULT_OPENAI_MODEL


def test_several_listed_and_none_named_lists_five_and_says_how_to_name_one(server: Loopback) -> None:
    server.list_models("a", "b", "c", "d", "e", "f")
    with pytest.raises(ModelRejected, match=r"lists 6 models: a, b, c, d, e … Name one.*qa\.toml, or QA_MODEL"):
        open_chat(Endpoint(server.url))


def test_a_server_that_lists_nothing_wants_a_name(server: Loopback) -> None:
    server.list_models()
    with pytest.raises(ModelRejected, match="lists no model"):
        open_chat(Endpoint(server.url))
    assert open_chat(Endpoint(server.url), "any").name == "any"


def test_a_name_is_taken_as_it_is_where_there_is_no_list(server: Loopback) -> None:
    for canned in (failure(404), failure(403), failure(501), Canned("<html>", content_type="text/html")):
        server.models = canned
        assert open_chat(Endpoint(server.url), "mine").name == "mine"


def test_without_a_name_the_lack_of_a_list_is_an_error(server: Loopback) -> None:
    with pytest.raises(ModelRejected, match="status 404"):
        open_chat(Endpoint(server.url))


@pytest.mark.parametrize("body", ["{}", "[]", "null", '{"data": 5}', '"text"'])
def test_a_list_of_another_form_is_invalid(server: Loopback, body: str) -> None:
    server.models = Canned(body, content_type=JSON)
    with pytest.raises(ModelReplyInvalid, match="did not send a list of models"):
        list_models(Endpoint(server.url))


def test_html_in_place_of_a_list_names_the_setting(server: Loopback) -> None:
    server.models = Canned("<html>chat</html>", content_type="text/html")
    with pytest.raises(ModelReplyInvalid, match="base_url"):
        open_chat(Endpoint(server.url))


def test_odd_entries_of_a_list_are_passed_over(server: Loopback) -> None:
    entries = [{"id": "a"}, {"id": None}, {}, 5, {"id": "a"}, {"id": ""}, {"id": "b"}]
    server.models = Canned(json.dumps({"data": entries}), content_type=JSON)
    assert list_models(Endpoint(server.url)) == ["a", "b"]


def test_a_name_without_its_latest_tag_is_known(server: Loopback) -> None:
    server.list_models("llama3.2:latest", "other")
    assert open_chat(Endpoint(server.url), "llama3.2").name == "llama3.2"


def test_a_server_that_is_not_there_is_said_at_once() -> None:
    with pytest.raises(ModelUnavailable, match="Connection refused"):
        open_chat(Endpoint(f"http://127.0.0.1:{closed_port()}/v1"), "mine")


# Replies


def test_text_comes_first_and_usage_and_reason_close(server: Loopback) -> None:
    server.replies = [whole_reply("Hello", " Ann.")]
    assert collect(server.url) == [
        ReplyPart("Hello"),
        ReplyPart(" Ann."),
        ReplyPart(usage=Usage(7, 2), finish_reason="stop"),
    ]


def test_usage_that_is_repeated_in_every_chunk_is_given_once(server: Loopback) -> None:
    counts = [{"prompt_tokens": 7, "completion_tokens": n} for n in (1, 2)]
    events = [chunk("Hello", usage=counts[0]), chunk(" Ann", finish="stop", usage=counts[1])]
    server.replies = [Canned(sse(*events))]
    assert [part.usage for part in collect(server.url) if part.usage] == [Usage(7, 2)]


def test_missing_usage_counts_nothing(server: Loopback) -> None:
    server.replies = [Canned(sse(chunk("Hello"), chunk(finish="stop")))]
    assert collect(server.url)[-1] == ReplyPart(finish_reason="stop")


def test_the_cost_of_a_reply_is_told_with_its_usage_where_there_is_a_price(server: Loopback) -> None:
    server.replies = [whole_reply("Hello", " Ann.")]
    model = open_chat(Endpoint(server.url), "tiny", price=Price(3.0, 15.0))
    parts = list(model.stream(HELLO, max_tokens=20))
    assert [part.usage for part in parts] == [None, None, Usage(7, 2, pytest.approx(51e-6))]  # 7 × $3 + 2 × $15
    assert [part.text for part in parts] == ["Hello", " Ann.", ""]
    assert parts[-1].finish_reason == "stop"


def test_without_a_price_the_cost_is_not_guessed(server: Loopback) -> None:
    server.replies = [whole_reply("Hello")]
    assert collect(server.url)[-1].usage == Usage(7, 1, None)


def test_a_price_makes_no_cost_of_usage_that_the_server_does_not_tell(server: Loopback) -> None:
    server.replies = [Canned(sse(chunk("Hello"), chunk(finish="stop")))]
    model = OpenAIChat(Endpoint(server.url), "tiny", price=Price(3.0, 15.0))
    assert list(model.stream(HELLO, max_tokens=20))[-1].usage is None


def test_a_server_that_does_not_stream_is_understood(server: Loopback) -> None:
    choice = {"index": 0, "message": {"role": "assistant", "content": "Hello Ann."}, "finish_reason": "stop"}
    body = {"choices": [choice], "usage": {"prompt_tokens": 3, "completion_tokens": 4}}
    server.replies = [Canned(json.dumps(body), content_type="application/json; charset=utf-8")]
    assert collect(server.url) == [ReplyPart("Hello Ann."), ReplyPart(usage=Usage(3, 4), finish_reason="stop")]


def test_a_stream_of_the_wrong_content_type_is_understood(server: Loopback) -> None:
    server.replies = [whole_reply("Hello")]
    server.replies[0].content_type = "text/plain"
    assert collect(server.url)[0] == ReplyPart("Hello")


def test_a_stream_cut_without_finish_reason_gives_its_parts_and_then_an_error(server: Loopback) -> None:
    server.replies = [Canned(sse(chunk("Trade was $24"), done=False))]
    parts: list[ReplyPart] = []
    with pytest.raises(ModelReplyInvalid, match="was cut before its end"):
        parts.extend(OpenAIChat(Endpoint(server.url), "tiny").stream(HELLO, max_tokens=9))
    assert [part.text for part in parts] == ["Trade was $24", ""]
    assert len(server.posts) == 1


def test_a_connection_lost_within_a_stream_is_a_cut_reply(server: Loopback) -> None:
    server.replies = [Canned(sse(chunk("Trade was $24"), done=False), headers={"Content-Length": "5000"})]
    with pytest.raises(ModelReplyInvalid, match="was cut before its end"):
        collect(server.url)
    assert len(server.posts) == 1


def test_html_in_place_of_a_reply_names_its_type_and_the_setting(server: Loopback) -> None:
    server.replies = [Canned("<html>Sign in</html>", content_type="text/html")]
    with pytest.raises(ModelReplyInvalid, match=r"not a chat reply \(text/html\)\. Check base_url"):
        collect(server.url)


@pytest.mark.parametrize(
    "events",
    [
        [{"choices": []}],
        [{"choices": None}],
        [{"choices": 5}],
        [{"choices": ["text"], "usage": "none"}],
        [{"choices": [{"delta": None}]}],
        [{}],
        [[]],
        ["null"],
        ["5"],
        [chunk(5)],
        [chunk(["a"])],
        [chunk(finish=7)],
        [],
    ],
)
def test_a_stream_without_any_text_is_invalid(server: Loopback, events: Sequence[object]) -> None:
    server.replies = [Canned(sse(*events))]
    with pytest.raises(ModelReplyInvalid, match="not a chat reply"):
        collect(server.url)


@pytest.mark.parametrize("reason", ["stop", "length"])
def test_null_content_up_to_the_end_is_invalid_and_tells_the_finish_reason(server: Loopback, reason: str) -> None:
    body = {"choices": [{"index": 0, "delta": {"role": "assistant", "content": None}, "finish_reason": None}]}
    server.replies = [Canned(sse(body, chunk(finish=reason)))]
    with pytest.raises(ModelReplyInvalid, match=f"without text .finish reason: {reason}"):
        collect(server.url)


@pytest.mark.parametrize("reason", ["content_filter", "refusal"])
def test_what_a_filter_took_back_is_no_reply(server: Loopback, reason: str) -> None:
    server.replies = [Canned(sse(chunk("Trade was $24"), chunk(finish=reason)))]
    with pytest.raises(ModelRejected, match=r"content filter of .* stopped the reply\. Ask in other words"):
        collect(server.url)


def test_a_refusal_is_told_in_the_models_words(server: Loopback) -> None:
    said = [{"choices": [{"delta": {"refusal": word}}]} for word in ("I can", "not say.", None, 5)]
    server.replies = [Canned(sse(*said, chunk(finish="stop")))]
    with pytest.raises(ModelRejected, match=r"refused: I cannot say\. Ask in other words, or without a model\."):
        collect(server.url)
    assert len(server.posts) == 1


def test_a_reply_is_left_at_twenty_characters_for_each_token_asked_for(server: Loopback) -> None:
    usage = {"prompt_tokens": 7, "completion_tokens": 99}
    server.replies = [Canned("", drip=sse(chunk("and so on ", usage=usage), done=False).encode(), pace_seconds=0)]
    *parts, closing = collect(server.url)
    assert "".join(part.text for part in parts) == "and so on " * 40
    assert closing == ReplyPart(usage=Usage(7, 99), finish_reason="length")


def test_a_reply_that_ends_at_the_limit_is_whole(server: Loopback) -> None:
    server.replies = [whole_reply("x" * 399, "y")]
    assert collect(server.url)[-1].finish_reason == "stop"


def test_text_that_is_sent_twice_is_given_twice(server: Loopback) -> None:
    server.replies = [whole_reply("Hello", "Hello", " Ann.", " Ann.")]
    assert "".join(part.text for part in collect(server.url)) == "HelloHello Ann. Ann."


def test_threads_may_share_a_model(server: Loopback) -> None:
    server.replies = [whole_reply("Hello", " Ann.")]
    model = OpenAIChat(Endpoint(server.url), "tiny")
    with ThreadPoolExecutor(4) as pool:
        said = list(pool.map(lambda _: "".join(p.text for p in model.stream(HELLO, max_tokens=9)), range(8)))
    assert said == ["Hello Ann."] * 8


# Values


def test_usage_adds_up_and_a_cost_is_known_only_when_every_part_is() -> None:
    assert Usage(1, 2) + Usage(3, 4) == Usage(4, 6)
    assert Usage(1, 2, 0.5) + Usage(3, 4, 0.25) == Usage(4, 6, 0.75)
    assert Usage(1, 2, 0.5) + Usage(3, 4) == Usage(4, 6)
    assert Usage() + Usage(1, 2, 0.5) == Usage(1, 2, 0.5)


@pytest.mark.parametrize(
    ("price", "usage", "cost"),
    [
        (Price(0.25, 2.0), Usage(1_000_000, 0), 0.25),
        (Price(0.25, 2.0), Usage(0, 1_000_000), 2.0),
        (Price(0.25, 2.0), Usage(1_200, 80), 0.00046),
        (Price(0.0, 0.0), Usage(1_200, 80), 0.0),
        (Price(0.25, 2.0), Usage(), 0.0),
        (Price(1.0, 1.0), Usage(1_000_000, 0, cost_usd=9.0), 1.0),
    ],
)
def test_a_price_is_in_dollars_for_a_million_tokens(price: Price, usage: Usage, cost: float) -> None:
    charged = price.charge(usage)
    assert charged == Usage(usage.input_tokens, usage.output_tokens, pytest.approx(cost))


def test_a_model_of_a_host_program_takes_a_few_lines() -> None:
    class Parrot:
        name = "parrot"

        def stream(self, messages: Sequence[Message], *, max_tokens: int) -> Iterator[ReplyPart]:
            yield ReplyPart(messages[-1].content)

    parrot: ChatModel = Parrot()
    assert [part.text for part in parrot.stream(HELLO, max_tokens=5)] == ["Say hello to Ann."]


def test_importing_the_module_does_not_import_openai() -> None:
    code = "import qa.models, sys; sys.exit(bool({'openai', 'httpx2', 'httpx'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
