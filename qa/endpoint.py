"""An OpenAI-compatible server: reach it, ask it, and say in one line what went wrong.

The only importer of openai and of httpx2, its transport; both are imported when a server is first
asked, since that costs a second. Little of the client's own behaviour is left on: it reads no
environment, follows no redirect, retries nothing and sends no header about this machine. Its
exceptions are not chained to ours: they repeat the key and carry the request.
"""

from __future__ import annotations

import json
import logging
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from qa.errors import ModelError, ModelRejected, ModelReplyInvalid, ModelUnavailable
from qa.text import shorten

if TYPE_CHECKING:
    import httpx2
    import openai
    from openai.types.chat import ChatCompletionChunk

OPENAI_URL = "https://api.openai.com/v1"

_CONNECT_SECONDS = 10.0
_WAITS_SECONDS = (0.25, 0.5)  # before each retry, where the server names no time
_MAX_WAIT_SECONDS = 10.0  # asked to wait longer, we do not ask again
# A model that wants max_completion_tokens counts its thinking in it; max_tokens is about the visible reply.
_THINKING_TOKENS = 4_096
_NO_QUOTA = "insufficient_quota"
_ADJUSTABLE = ("max_tokens", "temperature", "stream_options")
_REFUSAL = re.compile(
    r"unsupported|not support|unrecogni|unknown|unexpected|extra|deprecat|not (?:permitted|allowed)", re.I
)
_TOO_LONG = re.compile(r"context.?(?:length|size|window)|too (?:long|large|many tokens)", re.I)
_KEY_LIKE = re.compile(r"\bsk-[\w*.-]{4,}")
_SENT_HEADERS = frozenset(
    ("host", "accept", "accept-encoding", "connection", "content-type", "content-length", "user-agent", "authorization")
)

_log = logging.getLogger("qa")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a model is served.

    Attributes:
        base_url: the address up to and with `/v1`; None is OpenAI itself.
        api_key: None for a server that wants none; then no Authorization header is sent.
        timeout_seconds: for one whole reply, from asking to its last part, retries and waits included.
        trust_environment: whether HTTPS_PROXY, NO_PROXY and SSL_CERT_FILE are honoured.
    """

    base_url: str | None = None
    api_key: str | None = field(default=None, repr=False)
    timeout_seconds: float = 60.0
    trust_environment: bool = False

    @property
    def url(self) -> str:
        """The address that is asked."""
        return self.base_url or OPENAI_URL

    @property
    def host(self) -> str:
        """Host and port, for messages; never a user name or password of the address."""
        return shorten(_netloc(self.url).rpartition("@")[2], limit=80)

    @property
    def is_openai(self) -> bool:
        """Whether this is OpenAI itself."""
        return self.host == _netloc(OPENAI_URL)

    @property
    def advice(self) -> str:
        """What to look at when something other than a model answers at this address."""
        expected = "" if self.url.rstrip("/").endswith("/v1") else " It usually ends in /v1."
        return f"Check base_url under [model] in qa.toml, or OPENAI_BASE_URL.{expected}"


class TimeLimit:
    """The time that one reply may take, counted from now."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds

    @property
    def left(self) -> float:
        """Seconds left; never less than a hundredth, so that a socket does not stop blocking."""
        return max(0.01, self._end - time.monotonic())

    @property
    def is_over(self) -> bool:
        """Whether the time is up."""
        return time.monotonic() >= self._end

    @contextmanager
    def hanging_up(self, response: httpx2.Response) -> Iterator[None]:
        """Shut the connection down when time is up: a server that trickles never trips a read time-out."""
        network = response.extensions.get("network_stream")
        timer = threading.Timer(self.left, _shut_down, [network.get_extra_info("socket") if network else None])
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()


class Reply:
    """What a server sends back to one request; of nothing in it is the form known."""

    def __init__(self, stream: openai.Stream[ChatCompletionChunk]) -> None:
        self._stream = stream
        self.content_type = shorten(stream.response.headers.get("content-type", ""), limit=60)

    def chunks(self) -> Iterator[object]:
        """Each event of a stream, or the one document of a server that does not stream.

        They end early, without an error, when the connection is lost.
        """
        import openai

        if "json" in self.content_type:
            yield json.loads(self._stream.response.read())
            return
        try:
            yield from self._stream
        except openai.APITimeoutError:
            raise
        except openai.APIConnectionError:
            _log.info("connection lost within a reply")


@contextmanager
def open_reply(
    endpoint: Endpoint,
    body: Mapping[str, Any],
    *,
    limit: TimeLimit,
    refused: set[str],
    sleep: Callable[[float], None],
) -> Iterator[Reply]:
    """Send a chat request until the server starts to reply; closed at the end of the block.

    Before the reply, a lost connection, 429 and 5xx are tried again twice. A parameter that the server
    refuses is left out or renamed, and added to `refused` so that it is not sent again. Once the reply
    has started, nothing is asked again.

    Raises:
        ModelError: also for what goes wrong inside the block while chunks are read.
    """
    with (
        _explained(endpoint, limit, model=body["model"]),
        _open_client(endpoint) as client,
        _ask(client, body, limit, refused, sleep) as stream,
        limit.hanging_up(stream.response),
    ):
        yield Reply(stream)


def fetch_json(endpoint: Endpoint, path: str, *, limit: TimeLimit) -> object:
    """What the server sends for GET `path`: parsed JSON, or text when it is not JSON.

    Raises:
        ModelError: not reached, an error status, or broken JSON; nothing is tried again.
    """
    with _explained(endpoint, limit), _open_client(endpoint) as client:
        return client.get(path, cast_to=object, options={"timeout": _timeout(limit)})


def explain_timeout(endpoint: Endpoint, limit: TimeLimit) -> ModelUnavailable:
    """The error for a server that took longer than it may."""
    return ModelUnavailable(
        f"{endpoint.host} did not finish within {limit.seconds:g} s."
        " Raise timeout_seconds under [model] in qa.toml if it is only slow."
    )


@contextmanager
def _open_client(endpoint: Endpoint) -> Iterator[openai.OpenAI]:
    """A client for one call: no connection stays open between questions."""
    import openai

    key = _check_endpoint(endpoint)
    kept = _SENT_HEADERS if key else _SENT_HEADERS - {"authorization"}

    def strip_headers(request: httpx2.Request) -> None:
        for header in set(request.headers) - kept:
            del request.headers[header]

    transport = openai.DefaultHttpxClient(
        follow_redirects=False, trust_env=endpoint.trust_environment, event_hooks={"request": [strip_headers]}
    )
    # Each of these left out would be read from an OPENAI_… variable. OPENAI_CUSTOM_HEADERS is read in
    # any case: a given Authorization goes before one from there, the other headers are stripped.
    with openai.OpenAI(
        api_key=key or "none",
        admin_api_key="",
        organization="",
        project="",
        webhook_secret="",
        base_url=endpoint.url,
        max_retries=0,
        default_headers={"Authorization": f"Bearer {key or 'none'}"},
        http_client=transport,
    ) as client:
        yield client


def _check_endpoint(endpoint: Endpoint) -> str:
    """The key without blanks around it, empty for none; the address is checked as well."""
    try:
        parts = urlsplit(endpoint.url)
        is_address = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_address = False
    if not is_address:
        raise ModelRejected("The model's base_url must be an address such as http://127.0.0.1:11434/v1.")
    key = (endpoint.api_key or "").strip()
    if not (key.isascii() and key.isprintable()):
        raise ModelRejected("The model's API key has characters that no key has. Set OPENAI_API_KEY again.")
    return key


def _ask(
    client: openai.OpenAI,
    body: Mapping[str, Any],
    limit: TimeLimit,
    refused: set[str],
    sleep: Callable[[float], None],
) -> openai.Stream[ChatCompletionChunk]:
    import openai

    retries = 0
    while True:
        sent = _adjust(body, refused)
        try:
            stream = client.chat.completions.create(**sent, stream=True, timeout=_timeout(limit))
            return cast("openai.Stream[ChatCompletionChunk]", stream)
        except openai.APIError as error:
            parameter = _find_refused(error, sent)
            if parameter:
                _log.info("the model's server does not take %s: asked again without", parameter)
                refused.add(parameter)
                continue
            wait = _wait_before_retry(error, retries)
            if wait is None or wait > min(_MAX_WAIT_SECONDS, limit.left):
                raise
            _log.info("the model's server: %s, asked again in %.2f s", type(error).__name__, wait)
            sleep(wait)
            retries += 1


def _adjust(body: Mapping[str, Any], refused: set[str]) -> dict[str, Any]:
    adjusted = {name: value for name, value in body.items() if name not in refused}
    if "max_tokens" in refused:
        adjusted["max_completion_tokens"] = body["max_tokens"] + _THINKING_TOKENS
    return adjusted


def _find_refused(error: openai.APIError, sent: Mapping[str, Any]) -> str | None:
    """The parameter that an error says the server does not take, if we can do without it."""
    import openai

    if not isinstance(error, openai.BadRequestError | openai.UnprocessableEntityError):
        return None
    said = f"{error.param} {error.message} {error.body}"
    named = [name for name in _ADJUSTABLE if name in sent and name in said]
    return named[0] if named and _REFUSAL.search(said) else None


def _wait_before_retry(error: openai.APIError, retries: int) -> float | None:
    """Seconds to wait before asking again; None when that would not help."""
    import openai

    if retries >= len(_WAITS_SECONDS) or isinstance(error, openai.APITimeoutError) or error.code == _NO_QUOTA:
        return None
    if isinstance(error, openai.APIConnectionError):
        return _WAITS_SECONDS[retries]
    if isinstance(error, openai.APIStatusError) and _is_passing(error.status_code):
        asked = _read_retry_after(error)
        return _WAITS_SECONDS[retries] if asked is None else asked
    return None


def _is_passing(status: int) -> bool:
    return status in (408, 429) or (status >= 500 and status != 501)


def _read_retry_after(error: openai.APIStatusError) -> float | None:
    """Seconds; None when the header is missing or is a date."""
    with suppress(ValueError):
        return max(0.0, float(error.response.headers.get("retry-after", "")))
    return None


def _timeout(limit: TimeLimit) -> openai.Timeout:
    import openai

    return openai.Timeout(limit.left, connect=min(_CONNECT_SECONDS, limit.left))


def _shut_down(connection: socket.socket | None) -> None:
    if connection is not None:
        with suppress(OSError):
            socket.socket.shutdown(connection, socket.SHUT_RDWR)  # SSLSocket's own would break its reader


def _netloc(url: str) -> str:
    try:
        return urlsplit(url).netloc
    except ValueError:
        return ""


@contextmanager
def _explained(endpoint: Endpoint, limit: TimeLimit, *, model: str | None = None) -> Iterator[None]:
    import httpx2
    import openai

    try:
        yield
    except openai.APIStatusError as error:
        raise _explain_status(error, endpoint, model) from None
    except openai.APIConnectionError as error:
        raise _explain_connection(error.__cause__ or error, endpoint, limit) from None
    except httpx2.HTTPError as error:  # while the body of an error is read
        raise _explain_connection(error, endpoint, limit) from None
    except openai.APIError as error:  # an error within a stream
        said = _quote_server(error.body, endpoint)
        raise ModelUnavailable(f"{endpoint.host} broke its reply off{said}. Ask again.") from None
    except (openai.OpenAIError, ValueError, RecursionError) as error:
        kind = type(error).__name__
        raise ModelReplyInvalid(f"{endpoint.host} sent a reply that cannot be read ({kind}). Ask again.") from None


def _explain_connection(cause: BaseException, endpoint: Endpoint, limit: TimeLimit) -> ModelError:
    import httpx2

    if not isinstance(cause, httpx2.ConnectTimeout) and (isinstance(cause, httpx2.TimeoutException) or limit.is_over):
        return explain_timeout(endpoint, limit)
    reason = _redact(re.sub(r"^\[\w+ -?\d+\] ", "", str(cause)), endpoint) or type(cause).__name__
    return ModelUnavailable(
        f"No reply from the model at {endpoint.host}: {reason}. Is the server running? {endpoint.advice}"
    )


def _explain_status(error: openai.APIStatusError, endpoint: Endpoint, model: str | None) -> ModelError:
    host, status = endpoint.host, error.status_code
    said = _quote_server(error.body, endpoint)
    if status == 401:  # what the server says here repeats part of the key
        what = "does not accept the API key. Check" if endpoint.api_key else "wants an API key. Set"
        return ModelRejected(f"{host} {what} OPENAI_API_KEY (status 401).")
    if status < 400:
        return ModelRejected(f"{host} redirects elsewhere (status {status}), which is not followed. {endpoint.advice}")
    if status == 404:
        wanted = f"serves no model '{model}' at this address" if model else "has nothing at this address"
        return ModelRejected(f"{host} {wanted} (status 404){said}. {endpoint.advice}")
    if error.code == _NO_QUOTA:
        return ModelRejected(f"{host} has no quota left for this key (status {status}){said}.")
    if status == 429:
        asked = _read_retry_after(error)
        when = "later" if asked is None else f"in {asked:g} s"
        return ModelUnavailable(f"{host} takes no more requests for now (status 429){said}. Try again {when}.")
    if _is_passing(status):
        return ModelUnavailable(f"{host} failed (status {status}){said}. Try again later.")
    remedy = " Lower context_tokens under [model] in qa.toml." if _TOO_LONG.search(said) else ""
    return ModelRejected(f"{host} does not serve this request (status {status}){said}.{remedy}")


def _quote_server(body: object, endpoint: Endpoint) -> str:
    """`: ` and what the server says in the body of an error, when it says anything."""
    words: object = body
    for key in ("error", "message", "detail"):
        words = words.get(key, words) if isinstance(words, dict) else words
    if not words or isinstance(words, dict) or str(words).lstrip().startswith("<"):
        return ""
    return f": {_redact(str(words), endpoint)}"


def _redact(words: str, endpoint: Endpoint) -> str:
    """One line of at most 200 characters in which the key does not occur."""
    key = (endpoint.api_key or "").strip()
    hidden = words.replace(key, "[key]") if key else words
    return shorten(_KEY_LIKE.sub("[key]", hidden), limit=200).rstrip(".")
