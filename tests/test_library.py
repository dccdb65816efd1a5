"""The public interface, as a program that depends on this package meets it."""

from __future__ import annotations

import inspect
import json
import os
import re
import subprocess
import sys
import tomllib
import types
from dataclasses import is_dataclass
from importlib import import_module
from pathlib import Path

import pytest
from conftest import REPOSITORY

import qa
from qa import errors
from qa.testing import HashingEmbedder, ScriptedChat

PACKAGE = Path(qa.__file__).parent
CLASSES = sorted(name for name in qa.__all__ if inspect.isclass(getattr(qa, name)))

REPORT_MODULES = """
import json, sys
import {modules}
print(json.dumps(sorted({{name.split(".")[0] for name in sys.modules}})))
"""

NO_NETWORK = """
import socket, sys

def refuse(*_, **__):
    raise AssertionError("the library tried to reach the network")

for name in ("connect", "connect_ex", "sendto", "bind", "listen"):
    setattr(socket.socket, name, refuse)
for name in ("create_connection", "getaddrinfo", "gethostbyname", "create_server"):
    setattr(socket, name, refuse)
"""

USE_EVERYTHING = """
import json, logging, os, sys
import qa

root, source = sys.argv[1:]
before = dict(os.environ)
with qa.open(root) as archive:
    report = archive.add(source)
    hits = archive.search("2021 trade turnover", limit=3)
    answer = archive.ask("What was 2021 trade turnover?")
    chat = archive.chat()
    chat.ask("What was 2021 trade turnover?")
    follow_up = chat.ask("and in 2019?")
    archive.sync()
    archive.remove(report.added[0])
    status = archive.status()
print(json.dumps({
    "counts": [len(report.added), len(hits), status.articles],
    "answers": [answer.short, follow_up.status, status.model],
    "handlers": [len(logging.getLogger(name).handlers) for name in (None, "qa")],
    "variables": sorted(set(os.environ.items()) ^ set(before.items())),
}))
"""

CONSUMER = """
import datetime
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

import qa


class Model:
    name = "mine"

    def stream(self, messages: Sequence[qa.Message], *, max_tokens: int) -> Iterator[qa.ReplyPart]:
        yield qa.ReplyPart(messages[-1].content, usage=qa.Usage(1, max_tokens))


class Vectors:
    id = "mine"
    dimension = 8

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.eye(8, dtype=np.float32)[: len(texts)]


def tell(progress: qa.Progress) -> None:
    total: int | None = progress.total


def use(day: datetime.date) -> str | None:
    model: qa.ChatModel = Model()
    embedder: qa.Embedder = Vectors()
    with qa.open("folder", model=model, embedder=embedder, environment=False) as archive:
        report: qa.AddReport = archive.add("a.md", details=qa.Details(published=day), on_progress=tell)
        skipped: tuple[tuple[str, str], ...] = report.skipped
        hits: list[qa.Hit] = archive.search("question", limit=3, since=day, until=day, as_of=day, publisher="x")
        article: qa.Article = hits[0].article
        passage: qa.Passage = hits[0].passage
        for event in archive.stream("question", model="name"):
            if isinstance(event, qa.Token):
                text: str = event.text
        chat: qa.Conversation = archive.chat(model=False)
        first: qa.Answer = chat.ask("question", qa.Filters(since=day))
        turn: qa.Turn = chat.turns[0]
        statement: qa.Statement = first.statements[0]
        problem: qa.Problem = statement.problems[0]
        citation: qa.Citation = first.citations[0]
        quote: qa.Quote = citation.quote
        status: qa.Status = archive.status()
        archive.remove(archive.get("abcd").id)
    return archive.ask("question", model=None).short
"""

MISUSE = """
import qa

with qa.open("folder") as archive:
    archive.ask("question").shrot
    archive.ask("question", limits=3)
    archive.search("question", since="today")
    answer: int = archive.ask("question")
"""


def run_python(code: str, *arguments: object, **variables: str) -> subprocess.CompletedProcess[str]:
    # without what onnxruntime's import sets, which another test of this process may have caused
    environment = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code, *map(str, arguments)],
        env=environment | variables,
        capture_output=True,
        text=True,
        timeout=120,
    )


# what importing costs


@pytest.mark.parametrize("modules", ["qa", "qa, qa.cli", "qa, qa.testing"])
def test_importing_loads_no_model_no_store_and_no_client(modules: str) -> None:
    done = run_python(REPORT_MODULES.format(modules=modules))
    assert done.returncode == 0, done.stderr
    loaded = set(json.loads(done.stdout))
    heavy = {"chromadb", "openai", "onnxruntime", "numpy", "tokenizers", "tiktoken", "tantivy", "trafilatura"}
    assert loaded & heavy == set()
    assert {"qa"} <= loaded


def test_importing_changes_nothing_about_the_hosts_logging_warnings_and_signals() -> None:
    code = """
import logging, signal, warnings
before = (logging.getLogger().handlers[:], warnings.filters[:], signal.getsignal(signal.SIGINT))
import qa
assert before == (logging.getLogger().handlers, warnings.filters, signal.getsignal(signal.SIGINT))
assert logging.getLogger("qa").handlers == []
assert logging.getLogger("qa").level == logging.NOTSET
"""
    done = run_python(code)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


# the public names


def test_all_is_the_public_interface_in_order() -> None:
    assert sorted(qa.__all__) == qa.__all__
    assert len(set(qa.__all__)) == len(qa.__all__)
    public = {
        name for name, value in vars(qa).items() if not name.startswith("_") and not isinstance(value, types.ModuleType)
    }
    assert public | {"__version__"} == set(qa.__all__)


def test_every_public_class_and_function_says_what_it_is_for() -> None:
    for name in qa.__all__:
        thing = getattr(qa, name)
        if inspect.isclass(thing) or inspect.isfunction(thing):
            assert thing.__doc__, name
            assert not thing.__doc__.startswith(f"{thing.__name__}("), f"{name} has only the one that dataclass makes"
            assert thing.__module__.startswith("qa."), name


@pytest.mark.parametrize("name", CLASSES)
def test_every_public_method_says_what_it_does(name: str) -> None:
    for attribute, value in vars(getattr(qa, name)).items():
        function = value.fget if isinstance(value, property) else value
        if not attribute.startswith("_") and inspect.isfunction(function):
            assert function.__doc__, f"{name}.{attribute}"


@pytest.mark.parametrize("name", [name for name in CLASSES if is_dataclass(getattr(qa, name))])
def test_every_result_is_frozen(name: str) -> None:
    assert getattr(qa, name).__dataclass_params__.frozen


@pytest.mark.parametrize(
    ("method", "parameters"),
    [
        ("add", "*sources details fields stdin on_progress"),
        ("search", "question limit since until as_of publisher dated"),
        ("ask", "question since until as_of publisher dated model"),
        ("stream", "question since until as_of publisher dated model"),
        ("chat", "model"),
        ("articles", ""),
        ("get", "article_id"),
        ("remove", "*ids"),
        ("status", ""),
        ("sync", "on_progress"),
        ("close", ""),
    ],
)
def test_the_methods_of_an_archive_take_what_the_contract_says(method: str, parameters: str) -> None:
    found = list(inspect.signature(getattr(qa.Archive, method)).parameters.values())[1:]
    assert [str(p).partition(":")[0] for p in found] == parameters.split()
    positional = {"question", "article_id"}
    by_name = [p for p in found if p.name not in positional and p.kind is not p.VAR_POSITIONAL]
    assert all(p.kind is p.KEYWORD_ONLY for p in by_name)


def test_an_archive_is_opened_by_a_path_and_by_what_is_named() -> None:
    parameters = inspect.signature(qa.open).parameters
    assert list(parameters) == ["path", "model", "embedder", "reader", "environment"]
    assert [p.default for p in parameters.values()] == [None, None, None, None, False]


def test_the_fakes_for_tests_of_a_host_program_are_what_they_stand_for() -> None:
    model: qa.ChatModel = ScriptedChat(["So."])
    embedder: qa.Embedder = HashingEmbedder()
    assert (model.name, embedder.id, embedder.dimension) == ("scripted", "hashing-64", 64)


def test_every_error_of_the_package_is_a_qa_error_with_an_exit_status() -> None:
    raised = [thing for thing in vars(errors).values() if inspect.isclass(thing)]
    assert all(issubclass(error, qa.QAError) and error.exit_code in (1, 2) for error in raised)
    tree = re.findall(r"\b([A-Z][A-Za-z]+)\b {2,}", errors.__doc__ or "")
    assert {error.__name__ for error in raised} == set(tree)


def test_the_version_is_that_of_the_project() -> None:
    project = (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
    assert tomllib.loads(project)["project"]["version"] == qa.__version__


# types


def test_the_package_is_marked_as_typed() -> None:
    assert (PACKAGE / "py.typed").is_file()


def check_types(code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Check a program as strictly as mypy can, with the cache of `make check` where there is one."""
    (folder / "consumer.py").write_text(code, encoding="utf-8")
    # the project's own settings, which are strict, since its cache is good for no other
    shared = ["--config-file", str(REPOSITORY / "pyproject.toml"), "--cache-dir", str(REPOSITORY / ".mypy_cache")]
    command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", *shared, "consumer.py"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)


def test_a_strict_type_checker_accepts_a_program_that_uses_all_of_it(tmp_path: Path) -> None:
    done = check_types(CONSUMER, tmp_path)
    assert (done.returncode, done.stdout) == (0, "")


def test_a_strict_type_checker_finds_what_is_used_wrongly(tmp_path: Path) -> None:
    done = check_types(MISUSE, tmp_path)
    assert done.returncode == 1
    assert re.findall(r"^consumer\.py:(\d+): error: .*\[(.+)\]$", done.stdout, re.M) == [
        ("5", "attr-defined"),
        ("6", "call-arg"),
        ("7", "arg-type"),
        ("8", "assignment"),
    ]


# a quiet guest


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory) -> subprocess.CompletedProcess[str]:
    """A program that uses the whole library where sockets are refused and the environment is tempting."""
    folder = tmp_path_factory.mktemp("guest")
    return run_python(
        NO_NETWORK + USE_EVERYTHING,
        folder / "workspace",
        REPOSITORY / "index/articles",
        OPENAI_API_KEY="sk-nothing",
        OPENAI_BASE_URL="http://192.0.2.1/v1",
        QA_MODEL="gpt-5",
        QA_WORKSPACE=str(folder / "other"),
        CHROMA_API_IMPL="chromadb.api.fastapi.FastAPI",
        CHROMA_SERVER_HOST="192.0.2.1",
        CHROMA_SYSDB_IMPL="no.such.module",
        CHROMA_OTEL_COLLECTION_ENDPOINT="http://192.0.2.1",
        ANONYMIZED_TELEMETRY="True",
        IS_PERSISTENT="False",
    )


def test_everything_works_where_sockets_are_refused_and_no_variable_counts(
    used: subprocess.CompletedProcess[str],
) -> None:
    assert used.returncode == 0, used.stderr
    assert json.loads(used.stdout) == {
        "counts": [12, 3, 11],
        "answers": ["$24.2 billion", "abstained", None],
        "handlers": [0, 0],
        "variables": [["ORT_DISABLE_TELEMETRY", "1"]],  # onnxruntime would report its use to its maker
    }


def test_nothing_is_printed_by_all_of_it(used: subprocess.CompletedProcess[str]) -> None:
    assert used.stdout.count("\n") == 1
    assert used.stdout.startswith("{")
    assert used.stderr == ""


def test_the_example_in_the_docstring_of_the_package_works(
    sample_workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    example = (qa.__doc__ or "").partition("\n\n")[2]
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/a.txt").write_text("Trade turnover was $24.2 billion in 2021.", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    exec(compile(example, "docstring", "exec"), {})
    said = capsys.readouterr().out
    assert said == "Trade turnover was $24.2 billion in 2021. [1] Trade turnover was $24.2 billion in 2021.\n"


def test_every_public_name_comes_from_the_module_that_tells_of_it() -> None:
    for name in CLASSES:
        thing = getattr(qa, name)
        assert getattr(import_module(thing.__module__), name) is thing
