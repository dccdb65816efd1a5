"""What every test lives under: no network, no user's folders or variables, and in CI no skipped test."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from qa.articles import Article

REPOSITORY = Path(__file__).parent.parent
_OWN_VARIABLES = ("OPENAI_", "QA_", "CHROMA_", "ANONYMIZED_TELEMETRY", "NO_COLOR", "FORCE_COLOR")
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
_HOME_FOLDERS = ("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME")
_NOBODY = 65534
_MAY_SKIP = "needs ../shared"

# Time limits per example fail on a busy machine. In CI hypothesis has a profile of its own, with fixed seeds.
settings.register_profile("onrecord", settings(), deadline=None)
settings.load_profile("onrecord")


class NetworkBlocked(RuntimeError):
    """A test tried to reach another machine."""


# the surroundings


@pytest.fixture(scope="session", autouse=True)
def _own_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test sees or changes the folders of the user who runs it."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        for name in _HOME_FOLDERS:
            folder = home if name == "HOME" else home / name.lower()
            folder.mkdir(exist_ok=True)
            patch.setenv(name, str(folder))
        yield


@pytest.fixture(scope="session", autouse=True)
def _clean_environment() -> Iterator[None]:
    """No test is answered by a variable of the user who runs it."""
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith(_OWN_VARIABLES) or name.upper() in _PROXIES:
                patch.delenv(name)
        yield


@pytest.fixture(autouse=True)
def network(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Refuse connections to any other machine; gives the addresses that were tried."""
    tried: list[str] = []

    def guarded(real: Callable[..., Any]) -> Callable[..., Any]:
        def connect(self: socket.socket, address: Any) -> Any:
            if self.family != socket.AF_UNIX and not _is_local(address[0]):
                tried.append(str(address))
                raise NetworkBlocked(f"A test may not connect to {address}.")
            return real(self, address)

        return connect

    def getaddrinfo(host: Any, *rest: Any, **options: Any) -> Any:
        if not _is_local(host):
            if str(host).endswith(".invalid"):  # never resolved, by RFC 2606: nobody needs to be asked
                raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
            tried.append(str(host))
            raise NetworkBlocked(f"A test may not look up {host!r}.")
        return look_up(host, *rest, **options)

    look_up = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    for name in ("connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, name, guarded(getattr(socket.socket, name)))
    return tried


def _is_local(host: Any) -> bool:
    name = host.decode() if isinstance(host, bytes) else host
    return name in (None, "", "localhost", "::1", "0.0.0.0", "::") or str(name).startswith("127.")


# skips


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    report = yield
    return _refuse_skip(report)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Iterator[None]:
    report = yield
    return _refuse_skip(report)


def _refuse_skip(report: Any) -> Any:
    """In CI, where every tool is installed, a skipped test or module fails; an expected failure is none."""
    if os.environ.get("CI") != "true" or not report.skipped or hasattr(report, "wasxfail"):
        return report
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    reason = reason.removeprefix("Skipped: ")
    if not reason.startswith(_MAY_SKIP):
        report.outcome = "failed"
        report.longrepr = f"Skipped, which fails in CI: {reason}"
    return report


# the sample archive


@pytest.fixture(scope="session")
def sample_articles() -> list[Article]:
    """The 12 articles of `index/articles`, by source."""
    from qa.sources import read_sources

    articles = list(read_sources(["index/articles"], root=REPOSITORY)) if Path.cwd() == REPOSITORY else []
    articles = articles or list(read_sources([REPOSITORY / "index/articles"], root=REPOSITORY))
    assert all(isinstance(article, Article) for article in articles)
    return articles  # type: ignore[return-value]


@pytest.fixture(scope="session")
def sample_workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with the sample archive, synced with the bundled model. Read only: to write, copy it."""
    import qa
    from qa.workspace import init_workspace

    root = tmp_path_factory.mktemp("sample") / "workspace"
    init_workspace(root, sample=True)
    with qa.open(root) as archive:
        archive.sync()
    return root


@pytest.fixture
def sample_copy(sample_workspace: Path, tmp_path: Path) -> Path:
    """A copy of the prepared sample workspace that the test may change."""
    return Path(shutil.copytree(sample_workspace, tmp_path / "workspace"))


# permissions


@pytest.fixture
def public_folder() -> Iterator[Path]:
    """An empty folder that any user may read; pytest's own are closed to others."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture
def read_only() -> Callable[[Path], AbstractContextManager[None]]:
    """Makes a context in which nothing in a folder may be written."""
    return _read_only


@contextmanager
def _read_only(folder: Path) -> Iterator[None]:
    """Take the permissions away and, from root, whom permissions do not bind, its user."""
    paths = [folder, *folder.rglob("*")]
    modes = [path.stat().st_mode for path in paths]
    for path in paths:
        path.chmod(0o555 if path.is_dir() else 0o444)
    root = os.geteuid() == 0
    if root:
        os.seteuid(_NOBODY)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)
        for path, mode in zip(paths, modes, strict=True):
            path.chmod(mode)
