"""Every fault of `fault_server`, met by the library, by the command line and by an evaluation."""

from __future__ import annotations

import logging
import os
import re
import subprocess
import sys
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path

import openai  # noqa: F401  (a second, which would otherwise count towards the first time limit)
import pytest
from fault_server import FAULTS, KEY, QUESTION, Fault, failing, say
from loopback import JSON, Canned, serve
from small_suite import ARTICLES, BICYCLES, BREAD, Clerk, write, write_suite

import qa
from qa.answer_form import Answer, Stage, Token
from qa.archive import Archive
from qa.endpoint import Endpoint
from qa.errors import ModelError, ModelReplyInvalid, ModelUnavailable
from qa.models import ChatModel, Message, OpenAIChat, ReplyPart, list_models
from qa.report_files import write_reports
from qa.run_folder import Run
from qa.runs import evaluate
from qa.suite import Suite
from qa.testing import HashingEmbedder

REPOSITORY = Path(__file__).parent.parent
REMEDY = re.compile(r"\b(?:Ask|Check|Look at|Lower|Name|Raise|Set|Try again)\b[^.]* [^.]*\.")
every_fault = pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with four small articles and a suite of two questions about them."""
    root = tmp_path_factory.mktemp("faults") / "workspace"
    for name, text in ARTICLES.items():
        write(root / "index/articles" / name, text)
    return root


@pytest.fixture(scope="module")
def archive(shelf: Path) -> Iterator[Archive]:
    with qa.open(shelf, embedder=HashingEmbedder()) as opened:
        opened.sync()
        yield opened


def chat(url: str, fault: Fault, waits: list[float] | None = None) -> OpenAIChat:
    seconds = 0.5 if fault.slow else 30.0
    return OpenAIChat(Endpoint(url, KEY, seconds), "tiny", sleep=(waits if waits is not None else []).append)


def check(answer: Answer, fault: Fault) -> None:
    """What came is usable, and in one line says what was wrong and what to do."""
    assert answer.status == "answered"
    assert re.search(fault.text, answer.text)
    assert answer.mode == ("model" if fault.by_model else "extract")
    assert len(answer.notices) == (fault.notice is not None)
    for notice in answer.notices:
        assert fault.by_model or notice.startswith("Answered without the model: ")
        assert re.search(fault.notice or "", notice)
        assert REMEDY.search(notice)
        assert "\n" not in notice
        assert len(notice) < 400
    assert KEY not in answer.to_json()


# the library


@every_fault
def test_the_library_gives_an_answer_and_says_what_was_wrong(
    archive: Archive, fault: Fault, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    waits: list[float] = []
    with fault.serve() as server:
        *events, answer = archive.stream(QUESTION, model=chat(server.url, fault, waits))
        assert len(server.posts) == fault.posts
        fences = {word for post in server.posts for word in re.findall(r"passages-[0-9a-f]{16}", str(post.body))}
    check(answer, fault)
    assert tuple(waits) == fault.waits
    shown = "".join(event.text for event in events if isinstance(event, Token))
    assert KEY not in shown
    assert not any(fence in shown + answer.to_json() for fence in fences)
    assert KEY not in caplog.text


@pytest.mark.parametrize("name", [name for name, fault in FAULTS.items() if fault.fails_in_the_model])
def test_no_error_of_a_model_leads_to_the_key(name: str) -> None:
    fault = FAULTS[name]
    with fault.serve() as server, pytest.raises(ModelError) as caught:
        list(chat(server.url, fault).stream([Message("user", "Passages: none.")], max_tokens=300))
    assert caught.value.__cause__ is caught.value.__context__ is None
    assert KEY not in "".join(traceback.format_exception(caught.value)) + repr(vars(caught.value))


@pytest.mark.parametrize("name", ["length stop", "1 MB in one event", "length stop for want of context"])
def test_the_unfinished_sentence_of_a_cut_reply_is_not_supported(archive: Archive, name: str) -> None:
    fault = FAULTS[name]
    with fault.serve() as server:
        *whole, last = archive.ask(QUESTION, model=chat(server.url, fault)).statements
    assert {statement.verdict for statement in whole} == {"supported"}
    assert last.verdict != "supported"
    assert last.problems[-1].kind == "unfinished"


# a question that a model is asked to split

BOTH = "What did Ann pay for bread, and how many bicycles did Ben sell in 2021?"
ON_RECORD_BOTH = "Ann paid $3 for bread. [1] Ben sold 12 bicycles in 2021. [2]"


@pytest.mark.parametrize("name", ["401", "500", "cut within a word", "empty choices", "HTML in place of a reply"])
def test_a_server_that_fails_at_splitting_too_costs_one_notice_and_no_part(archive: Archive, name: str) -> None:
    fault = FAULTS[name]
    with fault.serve() as server:
        *events, answer = archive.stream(BOTH, model=chat(server.url, fault))
        assert len(server.posts) == 2 * fault.posts
    assert isinstance(answer, Answer)
    assert answer.text == ON_RECORD_BOTH
    assert answer.searched.parts == ("What did Ann pay for bread?", "How many bicycles did Ben sell in 2021?")
    assert events[0] == Stage("splitting the question")
    assert len(answer.notices) == 1
    assert re.search(fault.notice or "", answer.notices[0])
    assert KEY not in answer.to_json()


@pytest.mark.parametrize("reply", [failing(500), say("I cannot."), say("Who?\n" * 9), say("{}"), say("x " * 9_000)])
def test_a_server_that_fails_at_splitting_alone_leaves_the_answer_to_the_model(archive: Archive, reply: Canned) -> None:
    with serve() as server:
        tries = 3 if reply.status == 500 else 1
        server.replies = [*[reply] * tries, say("NOT IN THESE ARTICLES")]
        answer = archive.ask(BOTH, model=OpenAIChat(Endpoint(server.url, KEY, 30.0), "tiny", sleep=[].append))
        assert len(server.posts) == tries + 1
    assert (answer.mode, answer.status, answer.notices) == ("model", "abstained", ())
    assert len(answer.searched.parts) == 2


# the command line


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same articles, with the vectors that the program makes."""
    root = tmp_path_factory.mktemp("faults") / "shop"
    for name, text in ARTICLES.items():
        write(root / "index/articles" / name, text)
    with qa.open(root) as opened:
        opened.sync()
    return root


def call_program(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "qa", *arguments],
        env=os.environ | {"OPENAI_API_KEY": KEY, "QA_DEBUG": "1"} | variables,
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("name", [name for name, fault in FAULTS.items() if not fault.is_variant])
def test_the_program_gives_an_answer_and_says_what_was_wrong(shop: Path, name: str) -> None:
    fault = FAULTS[name]
    with fault.serve() as server:
        seconds = "1" if fault.slow else "30"
        done = call_program(
            "ask", QUESTION, QA_WORKSPACE=str(shop), OPENAI_BASE_URL=server.url, QA_TIMEOUT_SECONDS=seconds
        )
        assert len(server.posts) == fault.posts
    assert done.returncode == 0
    shown = done.stdout.splitlines()
    notices = [line for line in shown if fault.notice and re.search(fault.notice, line)]
    assert len(notices) == (fault.notice is not None)
    assert all(map(REMEDY.search, notices))
    assert sum(line.startswith("Answered without the model: ") for line in shown) == (not fault.by_model)
    assert re.search(r" s · tiny · " if fault.by_model else r" s · no model · ", shown[-1])
    assert re.match(r"Answers are written by .*\n\Z", done.stderr)
    assert KEY not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("models", "error"),
    [
        (failing(401), r"does not accept the API key\. Check OPENAI_API_KEY"),
        (Canned(f"<html>{KEY}</html>", content_type="text/html"), r"did not send a list of models\. Check base_url"),
        (Canned("{", content_type=JSON), r"cannot be read .* Ask again"),
    ],
    ids=["401", "HTML", "invalid JSON"],
)
def test_a_list_of_models_that_cannot_be_had_is_one_line_that_names_the_remedy(
    shop: Path, models: Canned, error: str
) -> None:
    with serve() as server:
        server.models = models
        done = call_program("ask", QUESTION, QA_WORKSPACE=str(shop), OPENAI_BASE_URL=server.url, QA_DEBUG="")
        assert len(server.requests) == 1
    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(rf"(?:Answers are .*\n)?error: [^\n]*{error}[^\n]*\n", done.stderr)
    assert KEY not in done.stderr


@pytest.mark.parametrize(
    "models",
    [
        Canned(status=0, hangs=True),
        Canned("HTTP/1.0 200 OK\r\n", status=0, drip=b"x: y\r\n"),
        Canned('{"data": [', content_type=JSON, drip=b" "),
    ],
    ids=["silence", "headers without end", "a list without end"],
)
def test_a_list_of_models_that_takes_too_long_is_left_in_time(models: Canned) -> None:
    with serve() as server:
        server.models = models
        with pytest.raises(ModelUnavailable, match=r"did not finish within 0\.5 s"):
            list_models(Endpoint(server.url, KEY, 0.5))


def test_a_list_of_models_that_is_too_large_is_left() -> None:
    with serve() as server:
        server.models = Canned('{"data": [', content_type=JSON, drip=b" " * 1_000_000, pace_seconds=0)
        with pytest.raises(ModelReplyInvalid, match=r"sent more than 32 MB"):
            list_models(Endpoint(server.url, KEY, 30))


# an evaluation


class FineAtFirst:
    """A model that answers its first question, so that the run goes on, and then is another."""

    name = "tiny"

    def __init__(self, later: ChatModel) -> None:
        self._models: list[ChatModel] = [Clerk()]
        self._later = later

    def stream(self, messages: Sequence[Message], *, max_tokens: int) -> Iterator[ReplyPart]:
        model = self._models.pop() if self._models else self._later
        yield from model.stream(messages, max_tokens=max_tokens)


@pytest.fixture(scope="module")
def suite(archive: Archive) -> Suite:
    return write_suite(archive.workspace, [BICYCLES, BREAD])


def read_folder(run: Run) -> bytes:
    write_reports(run)
    return b"".join(file.read_bytes() for file in run.folder.rglob("*") if file.is_file())


@every_fault
def test_a_case_met_by_a_fault_is_unscorable_with_the_reason_and_never_wrong(
    archive: Archive, suite: Suite, tmp_path: Path, fault: Fault
) -> None:
    with fault.serve() as server:
        run = evaluate(archive, suite, model=FineAtFirst(chat(server.url, fault)), folder=tmp_path / "run")
        assert len(server.posts) == fault.posts
    bicycles, bread = run.records
    assert bicycles["scores"]["answer_match"] == 1.0
    if fault.by_model:
        assert (bread["scores"]["answer_match"], bread["unscorable"]) == (1.0, {})
    else:
        assert bread["scores"]["answer_match"] is bread["scores"]["incorrect"] is None
        assert {"answer_match", "incorrect"} <= bread["unscorable"].keys()
        assert all(re.search(fault.notice or "", reason) for reason in bread["unscorable"].values())
    assert KEY.encode() not in read_folder(run)


@pytest.mark.parametrize("name", ["refused connection", "401", "503", "silence before the stream", "refusal"])
def test_a_run_whose_first_question_meets_a_fault_ends_with_one_line_and_leaves_nothing(
    archive: Archive, suite: Suite, tmp_path: Path, name: str
) -> None:
    fault = FAULTS[name]
    with fault.serve() as server, pytest.raises(ModelUnavailable, match="Nothing was evaluated") as caught:
        evaluate(archive, suite, model=chat(server.url, fault), folder=tmp_path / "run")
    assert re.search(fault.notice or "", str(caught.value))
    assert REMEDY.search(str(caught.value))
    assert not list(tmp_path.rglob("*.*"))
