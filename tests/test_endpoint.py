from __future__ import annotations

import logging
import socket
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator

import openai  # noqa: F401  (a second, which would otherwise count towards the first time limit)
import pytest
from loopback import JSON, Canned, Loopback, chunk, closed_port, failure, serve, sse, whole_reply

from qa.endpoint import Endpoint
from qa.errors import ModelError, ModelRejected, ModelReplyInvalid, ModelUnavailable
from qa.models import Message, OpenAIChat, ReplyPart, Usage

KEY = "sk-test-0123456789abcdef"
QUESTION = [Message("system", "Be brief."), Message("user", "What stood in the secret memorandum?")]


@pytest.fixture
def server() -> Iterator[Loopback]:
    with serve() as loopback:
        yield loopback


def chat(url: str, slept: list[float] | None = None, *, timeout_seconds: float = 5.0) -> OpenAIChat:
    waits = [] if slept is None else slept
    return OpenAIChat(Endpoint(url, KEY, timeout_seconds), "tiny", sleep=waits.append)


def ask(url: str, slept: list[float] | None = None) -> str:
    return "".join(part.text for part in chat(url, slept).stream(QUESTION, max_tokens=50))


def test_a_reply_is_asked_for_as_a_stream_at_temperature_zero_with_usage(server: Loopback) -> None:
    server.replies = [whole_reply("Yes", ", it", " did.")]
    assert ask(server.url) == "Yes, it did."
    assert server.posts[0].path == "/v1/chat/completions"
    assert server.posts[0].body == {
        "model": "tiny",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "What stood in the secret memorandum?"},
        ],
        "stream": True,
        "max_tokens": 50,
        "temperature": 0,
        "stream_options": {"include_usage": True},
    }


def test_a_refused_connection_is_tried_three_times_and_names_the_address() -> None:
    slept: list[float] = []
    url = f"http://127.0.0.1:{closed_port()}/v1"
    with pytest.raises(ModelUnavailable, match=r"127\.0\.0\.1:\d+: Connection refused.*running.*base_url"):
        ask(url, slept)
    assert slept == [0.25, 0.5]


def test_a_host_that_does_not_exist_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(ModelUnavailable, match=r"No reply from the model at no\.such\.invalid: Name or service not"):
        ask("http://no.such.invalid/v1")


@pytest.mark.parametrize(
    ("status", "error", "said"),
    [
        (400, ModelRejected, "does not serve this request (status 400): told why."),
        (403, ModelRejected, "does not serve this request (status 403): told why."),
        (404, ModelRejected, "serves no model 'tiny' at this address (status 404): told why."),
        (422, ModelRejected, "(status 422): told why."),
        (429, ModelUnavailable, "takes no more requests for now (status 429): told why. Try again later."),
        (500, ModelUnavailable, "failed (status 500): told why. Try again later."),
        (502, ModelUnavailable, "failed (status 502): told why."),
        (503, ModelUnavailable, "failed (status 503): told why."),
        (529, ModelUnavailable, "failed (status 529): told why."),
    ],
)
def test_each_error_status_becomes_one_line(server: Loopback, status: int, error: type[ModelError], said: str) -> None:
    server.replies = [failure(status, "told\nwhy.")]
    with pytest.raises(error) as caught:
        ask(server.url)
    assert said in str(caught.value)
    assert str(caught.value).startswith("127.0.0.1:")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "body",
    ['{"error": "told why"}', '{"message": "told why"}', '{"detail": [{"msg": "told why"}]}', "told why"],
)
def test_what_the_server_says_is_found_in_other_forms_of_error(server: Loopback, body: str) -> None:
    server.replies = [Canned(body, status=400, content_type=JSON)]
    with pytest.raises(ModelRejected, match="told why"):
        ask(server.url)


def test_a_page_of_html_is_not_quoted_from_an_error(server: Loopback) -> None:
    server.replies = [Canned("<html><h1>Bad gateway</h1></html>", status=502, content_type="text/html")]
    with pytest.raises(ModelUnavailable, match=r"failed \(status 502\)\. Try"):
        ask(server.url)


@pytest.mark.parametrize("status", [401, 403, 400, 500])
def test_the_key_is_in_no_message_and_no_traceback(server: Loopback, status: int) -> None:
    server.replies = [failure(status, f"Incorrect API key provided: {KEY}, or sk-te**************cdef.")]
    with pytest.raises(ModelError) as caught:
        ask(server.url)
    shown = "".join(traceback.format_exception(caught.value))
    assert KEY not in shown
    assert "cdef" not in str(caught.value)
    assert "sk-te" not in str(caught.value)


def test_a_refused_key_says_what_to_check(server: Loopback) -> None:
    server.replies = [failure(401, "no")]
    with pytest.raises(ModelRejected, match=r"does not accept the API key\. Check OPENAI_API_KEY"):
        ask(server.url)
    with pytest.raises(ModelRejected, match=r"wants an API key\. Set OPENAI_API_KEY"):
        list(OpenAIChat(Endpoint(server.url), "tiny").stream(QUESTION, max_tokens=5))


def test_a_context_too_long_names_the_setting(server: Loopback) -> None:
    server.replies = [failure(400, "request (6031 tokens) exceeds the available context size (4096 tokens)")]
    with pytest.raises(ModelRejected, match=r"Lower context_tokens under \[model\] in qa\.toml"):
        ask(server.url)


def test_long_server_messages_are_cut_and_made_safe(server: Loopback) -> None:
    server.replies = [failure(400, "\x1b]52;c;x\x07 " + "long " * 400)]
    with pytest.raises(ModelRejected) as caught:
        ask(server.url)
    assert len(str(caught.value)) < 350
    assert "\x1b" not in str(caught.value)


def test_a_server_error_is_tried_again_and_the_answer_taken(server: Loopback) -> None:
    slept: list[float] = []
    server.replies = [failure(500), failure(503), whole_reply("Fine.")]
    assert ask(server.url, slept) == "Fine."
    assert slept == [0.25, 0.5]


def test_three_failures_are_enough(server: Loopback) -> None:
    server.replies = [failure(500)]
    with pytest.raises(ModelUnavailable):
        ask(server.url)
    assert len(server.posts) == 3


def test_a_short_retry_after_is_obeyed(server: Loopback) -> None:
    slept: list[float] = []
    limited = failure(429)
    limited.headers = {"Retry-After": "1.5"}
    server.replies = [limited, whole_reply("Fine.")]
    assert ask(server.url, slept) == "Fine."
    assert slept == [1.5]


def test_a_long_retry_after_is_told_and_not_waited_for(server: Loopback) -> None:
    slept: list[float] = []
    limited = failure(429, "slow down")
    limited.headers = {"Retry-After": "120"}
    server.replies = [limited]
    with pytest.raises(ModelUnavailable, match="Try again in 120 s"):
        ask(server.url, slept)
    assert slept == []
    assert len(server.posts) == 1


@pytest.mark.parametrize("header", ["Wed, 21 Oct 2026 07:28:00 GMT", "soon", "nan", "-3"])
def test_an_odd_retry_after_does_no_harm(server: Loopback, header: str) -> None:
    slept: list[float] = []
    limited = failure(429)
    limited.headers = {"Retry-After": header}
    server.replies = [limited, whole_reply("Fine.")]
    assert ask(server.url, slept) == "Fine."
    assert slept[0] in (0.0, 0.25)


def test_no_wait_goes_beyond_the_time_limit(server: Loopback) -> None:
    slept: list[float] = []
    limited = failure(429)
    limited.headers = {"Retry-After": "8"}
    server.replies = [limited]
    with pytest.raises(ModelUnavailable):
        ask(server.url, slept)
    assert slept == []


def test_an_exhausted_quota_is_not_tried_again(server: Loopback) -> None:
    server.replies = [failure(429, "You exceeded your quota", code="insufficient_quota")]
    with pytest.raises(ModelRejected, match="no quota left"):
        ask(server.url)
    assert len(server.posts) == 1


@pytest.mark.parametrize("status", [400, 401, 404, 501])
def test_what_will_not_pass_is_asked_once(server: Loopback, status: int) -> None:
    server.replies = [failure(status)]
    with pytest.raises(ModelRejected):
        ask(server.url)
    assert len(server.posts) == 1


def test_a_refused_temperature_is_left_out_and_not_sent_again(server: Loopback) -> None:
    refusal = "Unsupported value: 'temperature' does not support 0 with this model."
    server.replies = [failure(400, refusal, param="temperature"), whole_reply("Fine.")]
    model = chat(server.url)
    for _ in range(2):
        assert "".join(part.text for part in model.stream(QUESTION, max_tokens=50)) == "Fine."
    assert ["temperature" in post.body for post in server.posts] == [True, False, False]


def test_a_model_that_wants_max_completion_tokens_gets_them_with_room_to_think(server: Loopback) -> None:
    refusal = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens'."
    server.replies = [failure(400, refusal, param="max_tokens"), whole_reply("Fine.")]
    assert ask(server.url) == "Fine."
    assert "max_tokens" not in server.posts[1].body
    assert server.posts[1].body["max_completion_tokens"] > 50


def test_several_refused_parameters_are_left_out_one_by_one(server: Loopback) -> None:
    server.replies = [
        failure(400, "Unrecognized request argument supplied: stream_options"),
        Canned('{"detail": [{"type": "extra_forbidden", "loc": ["body", "temperature"]}]}', 422, JSON),
        whole_reply("Fine."),
    ]
    assert ask(server.url) == "Fine."
    assert set(server.posts[2].body) == {"model", "messages", "stream", "max_tokens"}


def test_a_parameter_refused_again_and_again_ends(server: Loopback) -> None:
    server.replies = [failure(400, "temperature, max_tokens and stream_options are not supported")]
    with pytest.raises(ModelRejected):
        ask(server.url)
    assert len(server.posts) == 4


def test_max_tokens_beyond_the_context_is_not_taken_for_a_refused_parameter(server: Loopback) -> None:
    server.replies = [failure(400, "max_tokens is too large: 50. The model's context length is 40.")]
    with pytest.raises(ModelRejected, match="Lower context_tokens"):
        ask(server.url)
    assert len(server.posts) == 1


def test_a_redirect_to_another_host_is_not_followed(server: Loopback) -> None:
    with serve() as other:
        server.replies = [Canned("", status=307, headers={"Location": f"{other.url}/chat/completions"})]
        with pytest.raises(ModelRejected, match=r"redirects elsewhere \(status 307\)"):
            ask(server.url)
        assert other.requests == []


def test_a_server_that_only_pings_is_left_when_time_is_up(server: Loopback) -> None:
    server.replies = [Canned(sse(chunk("Well"), done=False), drip=b": ping\n\n")]
    model = chat(server.url, timeout_seconds=0.4)
    parts: list[ReplyPart] = []
    started = time.monotonic()
    with pytest.raises(ModelUnavailable, match=r"did not finish within 0\.4 s.*timeout_seconds"):
        parts.extend(model.stream(QUESTION, max_tokens=5))
    assert time.monotonic() - started < 1.0
    assert parts[0].text == "Well"
    assert len(server.posts) == 1


def test_a_server_that_writes_without_end_is_left_when_time_is_up(server: Loopback) -> None:
    server.replies = [Canned("", drip=sse(chunk("and "), done=False).encode())]
    said: list[ReplyPart] = []
    with pytest.raises(ModelUnavailable, match="did not finish"):
        said.extend(chat(server.url, timeout_seconds=0.4).stream(QUESTION, max_tokens=5))
    assert said[0].text == "and "


def test_a_server_that_never_answers_times_out_without_a_second_try(server: Loopback) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        slept: list[float] = []
        model = chat(f"http://127.0.0.1:{silent.getsockname()[1]}/v1", slept, timeout_seconds=0.3)
        with pytest.raises(ModelUnavailable, match=r"did not finish within 0\.3 s"):
            list(model.stream(QUESTION, max_tokens=5))
        assert slept == []


def test_an_error_within_a_stream_is_told(server: Loopback) -> None:
    server.replies = [Canned(sse(chunk("Well"), {"error": {"message": f"out of memory {KEY}"}}))]
    with pytest.raises(ModelUnavailable, match=r"broke its reply off: out of memory \[key\]"):
        ask(server.url)
    assert len(server.posts) == 1


@pytest.mark.parametrize(
    "body",
    [sse("{bad"), b"data: \xff\xfe\n\n", b"\xff\xfe\n\n", sse("[" * 100_000)],
    ids=["json", "utf8", "bytes", "deep"],
)
def test_a_stream_that_cannot_be_read_is_invalid(server: Loopback, body: str | bytes) -> None:
    server.replies = [Canned(body)]
    with pytest.raises(ModelReplyInvalid, match="cannot be read"):
        ask(server.url)


def test_broken_json_from_a_server_that_does_not_stream_is_invalid(server: Loopback) -> None:
    server.replies = [Canned('{"choices": [', content_type=JSON)]
    with pytest.raises(ModelReplyInvalid, match="cannot be read"):
        ask(server.url)


def test_a_document_cut_by_a_lost_connection_is_unavailable(server: Loopback) -> None:
    server.replies = [Canned("{", content_type=JSON, headers={"Content-Length": "500"})]
    with pytest.raises(ModelUnavailable, match="No reply from the model"):
        ask(server.url)


def test_nothing_is_read_from_the_environment(server: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-from-environment")
    monkeypatch.setenv("OPENAI_ADMIN_KEY", "sk-admin")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("OPENAI_ORG_ID", "org-from-environment")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "project-from-environment")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Spy: environment\nAuthorization: Bearer environment")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    server.replies = [whole_reply("Fine.")]
    assert ask(server.url) == "Fine."
    assert not [header for header in server.posts[0].headers.items() if "environment" in str(header)]
    assert server.posts[0].headers["authorization"] == f"Bearer {KEY}"


def test_a_proxy_of_the_environment_is_used_when_it_is_to_be_trusted(
    server: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.replies = [whole_reply("Fine.")]
    monkeypatch.setenv("HTTP_PROXY", server.url.removesuffix("/v1"))
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    model = OpenAIChat(Endpoint("http://model.invalid/v1", trust_environment=True), "tiny")
    assert next(model.stream(QUESTION, max_tokens=5)).text == "Fine."
    assert server.posts[0].headers["host"] == "model.invalid"


def test_no_header_tells_about_this_machine_and_none_has_a_key_where_there_is_none(server: Loopback) -> None:
    server.replies = [whole_reply("Fine.")]
    list(OpenAIChat(Endpoint(server.url), "tiny").stream(QUESTION, max_tokens=5))
    assert set(server.posts[0].headers) <= {
        "host",
        "accept",
        "accept-encoding",
        "connection",
        "content-type",
        "content-length",
        "user-agent",
    }


def test_blanks_around_a_key_are_dropped(server: Loopback) -> None:
    server.replies = [whole_reply("Fine.")]
    list(OpenAIChat(Endpoint(server.url, f" {KEY}\n"), "tiny").stream(QUESTION, max_tokens=5))
    assert server.posts[0].headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize("key", ["sk-a\nb", "sk-ключ"])
def test_a_key_that_cannot_be_sent_is_refused_and_not_shown(key: str) -> None:
    with pytest.raises(ModelRejected, match="characters that no key has") as caught:
        list(OpenAIChat(Endpoint("http://127.0.0.1:9/v1", key), "tiny").stream(QUESTION, max_tokens=5))
    assert key not in str(caught.value)


@pytest.mark.parametrize("url", ["localhost:11434/v1", "ftp://a/v1", "http://", "http://a:99999/v1", "http://[::1/v1"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ModelRejected, match=r"base_url must be an address such as http://127\.0\.0\.1:11434/v1"):
        ask(url)


def test_an_address_without_v1_gets_a_hint(server: Loopback) -> None:
    server.replies = [failure(404, "not found")]
    with pytest.raises(ModelRejected, match="It usually ends in /v1"):
        ask(server.url.removesuffix("/v1"))


def test_a_password_in_the_address_and_the_key_are_not_shown() -> None:
    endpoint = Endpoint("http://user:password@models.example:8000/v1", KEY)
    assert endpoint.host == "models.example:8000"
    assert KEY not in repr(endpoint)


def test_openai_itself_is_known_by_its_host() -> None:
    assert Endpoint().is_openai
    assert Endpoint("https://api.openai.com/v1/").is_openai
    assert not Endpoint("https://api.openai.com.example/v1").is_openai


def test_logs_have_neither_key_nor_prompt(server: Loopback, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    server.replies = [failure(500, KEY), failure(400, f"temperature not supported {KEY}"), whole_reply("Fine.")]
    assert ask(server.url) == "Fine."
    assert "asked again" in caplog.text
    assert KEY not in caplog.text
    assert "memorandum" not in caplog.text


def test_usage_is_what_the_server_counted(server: Loopback) -> None:
    server.replies = [whole_reply("Yes", ".")]
    assert [part.usage for part in chat(server.url).stream(QUESTION, max_tokens=5)][-1] == Usage(7, 2)


@pytest.mark.parametrize("key", [KEY, None])
def test_the_login_of_an_address_is_sent_and_never_logged(
    server: Loopback, caplog: pytest.LogCaptureFixture, key: str | None
) -> None:
    caplog.set_level(logging.DEBUG)
    server.replies = [whole_reply("Fine.")]
    endpoint = Endpoint(server.url.replace("//", "//ann:pass%2Dword@"), key)
    list(OpenAIChat(endpoint, "tiny").stream(QUESTION, max_tokens=5))
    assert server.posts[0].headers["authorization"] == "Basic YW5uOnBhc3Mtd29yZA=="
    assert "word" not in caplog.text + repr(endpoint)


def test_the_errors_of_the_client_are_not_reached_from_ours(server: Loopback) -> None:
    server.replies = [failure(401, KEY)]
    with pytest.raises(ModelRejected) as caught:
        ask(server.url)
    assert caught.value.__context__ is caught.value.__cause__ is None


def test_an_error_without_end_is_left_when_it_is_too_large(server: Loopback) -> None:
    server.replies = [Canned("{", 400, JSON, drip=b" " * 1_000_000, pace_seconds=0)]
    with pytest.raises(ModelReplyInvalid, match=r"sent more than 32 MB for one reply\. Check base_url"):
        ask(server.url)
    assert len(server.posts) == 1


def test_the_client_is_loaded_with_the_clock_that_it_must_not_count_towards() -> None:
    code = "from qa.endpoint import start_clock; import sys; start_clock(9); sys.exit('openai' not in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
