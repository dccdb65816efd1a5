"""A real Chromium without a window, steered through its DevTools protocol: what a page is when it is looked at."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import IO, Any
from urllib.parse import urlsplit
from urllib.request import urlopen

from websockets.sync.client import ClientConnection, connect

PROGRAM = shutil.which("chromium")
MISSING = "needs chromium: apt-get install chromium"
_TIMEOUT_SECONDS = 60
_FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    " --disable-component-update --disable-sync --disable-dev-shm-usage --hide-scrollbars --remote-debugging-port=0"
).split()


class Page:
    """One page of a browser. `requests` are the addresses it asked for, `log` what it complained of."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._sent = 0
        self.requests: list[str] = []
        self.log: list[str] = []
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def open(self, file: Path, *, width: int, dark: bool = False, height: int = 900) -> None:
        """Load a file in a window of this width, with the light or the dark scheme preferred."""
        self.requests.clear()
        self.log.clear()
        feature = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[feature])
        size = {"width": width, "height": height, "deviceScaleFactor": 1}
        self.call("Emulation.setDeviceMetricsOverride", **size, mobile=width < 600)
        self.call("Page.navigate", url=file.as_uri())
        self._wait("Page.loadEventFired")

    def ask(self, expression: str) -> Any:
        """The value of an expression in the page; the debugger may ask what the page's own policy forbids."""
        found = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def screenshot(self, *, whole: bool = False) -> bytes:
        """What is seen as PNG: the window, or the page from top to bottom."""
        shot = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole, **self._clip(whole))
        return base64.b64decode(shot["data"])

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """One command of the protocol and its result."""
        self._sent += 1
        self._connection.send(json.dumps({"id": self._sent, "method": method, "params": params}))
        while (message := self._receive()).get("id") != self._sent:
            pass
        assert "error" not in message, message
        return dict(message["result"])

    def _clip(self, whole: bool) -> dict[str, Any]:
        if not whole:
            return {}
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        return {"clip": {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}}

    def _wait(self, event: str) -> None:
        while self._receive().get("method") != event:
            pass

    def _receive(self) -> dict[str, Any]:
        message: dict[str, Any] = json.loads(self._connection.recv(timeout=_TIMEOUT_SECONDS))
        params = message.get("params", {})
        if message.get("method") == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        if message.get("method") == "Log.entryAdded":
            self.log.append(params["entry"]["text"])
        return message


@contextmanager
def open_browser() -> Iterator[Page]:
    """A browser of its own, with a profile that is thrown away, and its one page."""
    assert PROGRAM is not None, MISSING
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = [PROGRAM, *_FLAGS, f"--user-data-dir={profile}", "about:blank"]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
            assert process.stderr is not None
            # What it goes on to complain of has to be read, or it would wait for that some day.
            rest = Thread(target=process.stderr.read, daemon=True)
            try:
                address = _read_address(process.stderr)
                rest.start()
                with connect(address, max_size=None, proxy=None) as connection:
                    yield Page(connection)
            finally:
                process.terminate()
                process.wait()
                if rest.ident:
                    rest.join()


def _read_address(complaints: IO[str]) -> str:
    """Where the page is spoken to: the browser names its own address when it is ready, and this lists its pages."""
    lines = []
    for line in complaints:
        lines.append(line)
        if line.startswith("DevTools listening on "):
            host = urlsplit(line.split()[-1]).netloc
            with urlopen(f"http://{host}/json/list") as reply:
                pages = json.load(reply)
            return str(next(page["webSocketDebuggerUrl"] for page in pages if page["type"] == "page"))
    raise AssertionError(f"chromium did not start: {''.join(lines)}")
