"""What `conftest.py` promises of every test."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import NetworkBlocked

SKIPPING = """
import pytest

@pytest.mark.parametrize("reason", ["needs tmux: apt-get install tmux", "needs ../shared/bench"])
def test_that_skips(reason):
    pytest.skip(reason)

@pytest.mark.xfail(reason="not yet")
def test_that_is_known_to_fail():
    assert False
"""
SKIPPED_MODULE = "import pytest; pytest.skip('needs tmux', allow_module_level=True)"


@pytest.mark.parametrize("address", [("192.0.2.1", 80), ("198.51.100.7", 443)])
@pytest.mark.parametrize("way", ["connect", "connect_ex"])
def test_no_other_machine_can_be_reached(network, address, way):
    with socket.socket() as client, pytest.raises(NetworkBlocked):
        getattr(client, way)(address)
    assert network == [str(address)]


def test_no_name_is_looked_up_elsewhere(network):
    with pytest.raises(NetworkBlocked):
        socket.create_connection(("example.org", 80))
    assert network == ["example.org"]


def test_this_machine_can_be_reached(network):
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(("localhost", server.getsockname()[1]), timeout=5).close()
    assert network == []


def test_no_variable_or_folder_of_the_user_counts(tmp_path_factory):
    assert not [name for name in os.environ if name.startswith(("OPENAI_", "QA_"))]
    base = tmp_path_factory.getbasetemp()
    assert all(Path(os.environ[name]).is_relative_to(base) for name in ("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"))


@pytest.mark.parametrize(
    ("environment", "code", "summary"),
    [({}, 0, "2 skipped, 1 xfailed"), ({"CI": "true"}, 1, "1 failed, 1 skipped, 1 xfailed")],
)
def test_a_skipped_test_fails_in_ci_unless_it_needs_what_is_not_there(tmp_path, environment, code, summary):
    done = run_pytest(tmp_path, SKIPPING, environment)
    assert summary in done.stdout
    assert done.returncode == code


def test_a_skipped_module_fails_in_ci(tmp_path):
    done = run_pytest(tmp_path, SKIPPED_MODULE, {"CI": "true"})
    assert done.returncode != 0
    assert "Skipped, which fails in CI: needs tmux" in done.stdout


def run_pytest(folder: Path, tests: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    shutil.copy(Path(__file__).parent / "conftest.py", folder)
    (folder / "test_it.py").write_text(tests)
    (folder / "pytest.ini").write_text("[pytest]\n")
    kept = {name: value for name, value in os.environ.items() if name != "CI"}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", str(folder)]
    return subprocess.run(command, cwd=folder, env=kept | environment, capture_output=True, text=True, check=False)
