"""An OpenAI-compatible server: reach it, ask it, and say in one line what went wrong.

The only importer of openai and of httpx2, its transport; both are imported when a server is first
asked, since that costs a second. Little of the client's own behaviour is left on: it reads no
environment, follows no redirect, retries nothing and sends no header about this machine. Its
exceptions are not chained to ours: they repeat the key and carry the request.

Nothing is billed twice for one answer: asked again is only what no reply has begun to, a lost connection, 408, 429
and 5xx twice, a refused parameter without it. Nothing goes on past the time limit but the look-up of a host's name,
which the system ends, and nothing is read past `MAX_REPLY_BYTES`, be it a reply, an error or a list.
"""

from __future__ import annotations

import json
import logging
import re
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import unquote, urlsplit

from qa.errors import ModelError, ModelRejected, ModelReplyInvalid, ModelUnavailable
from qa.limits import MAX_REPLY_BYTES, TimeLimit
from qa.parameters import adjust, find_refused
from qa.redact import find_secrets, redact
from qa.text import shorten

if TYPE_CHECKING:
    import httpx2
    import openai
    from openai.types.chat import ChatCompletionChunk

OPENAI_URL = "https://api.openai.com/v1"
ASK_OTHERWISE = "Ask in other words, or without a model."

_CONNECT_SECONDS = 10.0
_WAITS_SECONDS = (0.25, 0.5)  # before each retry, where the server names no time
_MAX_WAIT_SECONDS = 10.0  # asked to wait longer, we do not ask again
_NO_QUOTA = "insufficient_quota"
_TOO_LONG = re.compile(r"context.?(?:length|size|window)|too (?:long|large|many tokens)", re.I)
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

    base_url: str | None = field(default=None, repr=False)  # a password may be in it
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
    def secrets(self) -> tuple[str, ...]:
        """What must not be shown: the key, and the password of the address."""
        return find_secrets(self.url, self.api_key)

    @property
    def is_openai(self) -> bool:
        """Whether this is OpenAI itself."""
        return self.host == _netloc(OPENAI_URL)

    @property
    def advice(self) -> str:
        """What to look at when something other than a model answers at this address."""
        expected = "" if self.url.rstrip("/").endswith("/v1") else " It usually ends in /v1."
        return f"Check base_url under [model] in qa.toml, or OPENAI_BASE_URL.{expected}"


class Reply:
    """What a server sends back to one request; of nothing in it is the form known."""

    def __init__(self, stream: openai.Stream[ChatCompletionChunk]) -> None:
        self._stream = stream
        self.content_type = shorten(stream.response.headers.get("content-type", ""), limit=60)

    def chunks(self) -> Iterator[object]:
        """Each event of a stream, or the one document of a server that does not stream.

        They end early, without an error, when the connection is lost or time is up.
        """
        import openai

        if "json" in self.content_type:
            yield json.loads(self._stream.response.read())
            return
        try:
            yield from self._stream
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
        limit.hanging_up(),
        _open_client(endpoint, limit) as client,
        _ask(client, body, limit, refused, sleep) as stream,
    ):
        yield Reply(stream)


def fetch_json(endpoint: Endpoint, path: str, *, limit: TimeLimit) -> object:
    """What the server sends for GET `path`: parsed JSON, or text when it is not JSON.

    Raises:
        ModelError: not reached, an error status, or broken JSON; nothing is tried again.
    """
    with _explained(endpoint, limit), limit.hanging_up(), _open_client(endpoint, limit) as client:
        return client.get(path, cast_to=object, options={"timeout": _timeout(limit)})


def start_clock(seconds: float) -> TimeLimit:
    """The limit of a call that begins now; importing the client, which takes a second, is no part of it."""
    import openai  # noqa: F401

    return TimeLimit(seconds)


def explain_timeout(endpoint: Endpoint, limit: TimeLimit) -> ModelUnavailable:
    """The error for a server that took longer than it may."""
    return ModelUnavailable(
        f"{endpoint.host} did not finish within {limit.seconds:g} s."
        " Raise timeout_seconds under [model] in qa.toml if it is only slow."
    )


@contextmanager
def _open_client(endpoint: Endpoint, limit: TimeLimit) -> Iterator[openai.OpenAI]:
    """A client for one call: no connection stays open between questions."""
    import openai

    address, authorization = _check_endpoint(endpoint)
    kept = _SENT_HEADERS if authorization else _SENT_HEADERS - {"authorization"}

    def prepare(request: httpx2.Request) -> None:
        request.extensions["trace"] = limit.watch
        for header in set(request.headers) - kept:
            del request.headers[header]

    def bound(response: httpx2.Response) -> None:
        response.stream = _bound_stream(cast("httpx2.SyncByteStream", response.stream), endpoint)

    transport = openai.DefaultHttpxClient(
        follow_redirects=False,
        trust_env=endpoint.trust_environment,
        event_hooks={"request": [prepare], "response": [bound]},
    )
    # Each of these left out would be read from an OPENAI_… variable. OPENAI_CUSTOM_HEADERS is read in
    # any case: a given Authorization goes before one from there, the other headers are stripped.
    with openai.OpenAI(
        api_key="none",
        admin_api_key="",
        organization="",
        project="",
        webhook_secret="",
        base_url=address,
        max_retries=0,
        default_headers={"Authorization": authorization or "none"},
        http_client=transport,
    ) as client:
        yield client


def _bound_stream(stream: httpx2.SyncByteStream, endpoint: Endpoint) -> httpx2.SyncByteStream:
    """The body of a response, of which no more is read than may be; raises ModelReplyInvalid there."""
    import httpx2

    class Bounded(httpx2.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            size = 0
            for part in stream:
                size += len(part)
                if size > MAX_REPLY_BYTES:
                    raise ModelReplyInvalid(
                        f"{endpoint.host} sent more than {MAX_REPLY_BYTES / 1e6:g} MB for one reply. {endpoint.advice}"
                    )
                yield part

        def close(self) -> None:
            stream.close()

    return Bounded()


def _check_endpoint(endpoint: Endpoint) -> tuple[str, str]:
    """(address, Authorization header, empty for none); without the user and password that an address may have."""
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
    login, _, place = parts.netloc.rpartition("@")  # left in, they would stand in the client's log
    basic = f"Basic {b64encode(unquote(login).encode()).decode()}" if login else ""
    return parts._replace(netloc=place).geturl(), basic or (f"Bearer {key}" if key else "")


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
        sent = adjust(body, refused)
        try:
            stream = client.chat.completions.create(**sent, stream=True, timeout=_timeout(limit))
            return cast("openai.Stream[ChatCompletionChunk]", stream)
        except openai.APIError as error:
            said = f"{error.param} {error.message} {error.body}"
            parameter = find_refused(getattr(error, "status_code", None), said, sent)
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


def _netloc(url: str) -> str:
    try:
        return urlsplit(url).netloc
    except ValueError:
        return ""


@contextmanager
def _explained(endpoint: Endpoint, limit: TimeLimit, *, model: str | None = None) -> Iterator[None]:
    try:
        with _translated(endpoint, limit, model):
            yield
    except ModelError as error:
        error.__context__ = None  # `from None` only hides it; it has the request, and in that the key
        raise


@contextmanager
def _translated(endpoint: Endpoint, limit: TimeLimit, model: str | None) -> Iterator[None]:
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
        if limit.is_over:  # hung up in the middle of it
            raise explain_timeout(endpoint, limit) from None
        kind = type(error).__name__
        raise ModelReplyInvalid(f"{endpoint.host} sent a reply that cannot be read ({kind}). Ask again.") from None


def _explain_connection(cause: BaseException, endpoint: Endpoint, limit: TimeLimit) -> ModelError:
    import httpx2

    if isinstance(cause, ModelError):
        return cause
    if not isinstance(cause, httpx2.ConnectTimeout) and (isinstance(cause, httpx2.TimeoutException) or limit.is_over):
        return explain_timeout(endpoint, limit)
    reason = redact(re.sub(r"^\[\w+ -?\d+\] ", "", str(cause)), endpoint.secrets) or type(cause).__name__
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
        remedy = "Look at the account that the key belongs to, or set another OPENAI_API_KEY."
        return ModelRejected(f"{host} has no quota left for this key (status {status}){said}. {remedy}")
    if status == 429:
        asked = _read_retry_after(error)
        when = "later" if asked is None else f"in {asked:g} s"
        return ModelUnavailable(f"{host} takes no more requests for now (status 429){said}. Try again {when}.")
    if _is_passing(status):
        return ModelUnavailable(f"{host} failed (status {status}){said}. Try again later.")
    return ModelRejected(
        f"{host} does not serve this request (status {status}){said}. {_find_remedy(error, said, endpoint)}"
    )


def _find_remedy(error: openai.APIStatusError, said: str, endpoint: Endpoint) -> str:
    if error.code == "content_filter":
        return ASK_OTHERWISE
    if error.status_code == 413 or _TOO_LONG.search(said):
        return "Lower context_tokens under [model] in qa.toml."
    if error.status_code == 403:
        return "Check what the key in OPENAI_API_KEY may be used for."
    return endpoint.advice


def _quote_server(body: object, endpoint: Endpoint) -> str:
    """`: ` and what the server says in the body of an error, when it says anything."""
    words: object = body
    for key in ("error", "message", "detail"):
        words = words.get(key, words) if isinstance(words, dict) else words
    if not words or isinstance(words, dict) or str(words).lstrip().startswith("<"):
        return ""
    return f": {redact(str(words), endpoint.secrets)}"
