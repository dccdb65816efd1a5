from __future__ import annotations

import io
import json
import logging
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import FrozenInstanceError, replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from llama import MODEL_NAME, llama_server  # noqa: F401  (a fixture)
from loopback import Loopback, closed_port, failure, serve, whole_reply
from numpy.typing import NDArray

import qa
from qa.answer import answer_question, last_answer
from qa.answer_form import Answer, Stage, Token
from qa.archive import Archive
from qa.embed import Embedder
from qa.errors import (
    ArchiveBusy,
    ArticleNotFound,
    ContentError,
    EmbedderMismatch,
    ModelRejected,
    SourceError,
    UsageError,
    WorkspaceError,
)
from qa.figures import missing_figures
from qa.ground import bare_statement
from qa.sync import Progress
from qa.testing import HashingEmbedder, ScriptedChat
from qa.workspace import init_workspace, packaged_content

TURNOVER = "What was 2021 trade turnover?"
RECORD = "Trade turnover was $24.2 billion in 2021. Nobody had expected it."
SAID = "Trade turnover was $24.2 billion in 2021 [1]."
QUESTIONS = [
    TURNOVER,
    "When was the INNOPROM exhibition held?",
    "How big is the national exposition of Kazakhstan?",
    "Who is the president of France?",
    "What is the value of the nine projects in progress?",
]
HOLD_LOCK = """
import sys
from pathlib import Path
from qa.store import Store
with Store(Path(sys.argv[1])).writing():
    print("held", flush=True)
    sys.stdin.read()
"""


def open_small(root: Path, **choices) -> Archive:
    return qa.open(root, embedder=HashingEmbedder(256), **choices)


def write_article(path: Path, text: str = RECORD, published: str = "2022-07-05", **fields: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [f"{name}: {value}" for name, value in {"published": published, **fields}.items()]
    path.write_text("\n".join(["---", *lines, "---", text, ""]), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def sample(sample_workspace: Path) -> Iterator[Archive]:
    """The sample archive, to be read only."""
    with qa.open(sample_workspace) as archive:
        yield archive


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with two small articles in it."""
    folder = tmp_path_factory.mktemp("prepared")
    write_article(folder / "trade.md", title="Trade", publisher="Tengri News")
    write_article(folder / "trams.md", "The new trams carried 300 people in Bonn.", "2022-07-08", title="Trams")
    with open_small(folder / "workspace") as archive:
        archive.add(folder / "trade.md", folder / "trams.md")
    return folder / "workspace"


@pytest.fixture
def small(prepared: Path, tmp_path: Path) -> Iterator[Archive]:
    """A copy of the prepared workspace, open."""
    with open_small(Path(shutil.copytree(prepared, tmp_path / "small"))) as archive:
        yield archive


@pytest.fixture
def server() -> Iterator[Loopback]:
    with serve() as loopback:
        loopback.list_models("tiny")
        yield loopback


def name_server(root: Path, url: str, **settings: object) -> None:
    lines = ["[model]", f'base_url = "{url}"', *(f"{name} = {json.dumps(value)}" for name, value in settings.items())]
    (root / "qa.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")


# adding


def test_adding_tells_what_was_added_left_replaced_and_skipped(tmp_path: Path) -> None:
    news = tmp_path / "news"
    write_article(news / "a.md")
    write_article(news / "b.md", "The new trams carried 300 people in Bonn.")
    (news / "c.bin").write_bytes(b"\0")
    with open_small(tmp_path / "w") as archive:
        first = archive.add(news)
        assert (len(first.added), first.updated, first.unchanged) == (2, (), ())
        assert [Path(source).name for source, _ in first.skipped] == ["c.bin"]
        assert "not a format" in first.skipped[0][1]
        assert sorted(first.added) == sorted(article.id for article in archive.articles())

        again = archive.add(str(news / "a.md"), news / "b.md")
        assert (again.added, again.updated, sorted(again.unchanged)) == ((), (), sorted(first.added))

        write_article(news / "a.md", "Trade turnover was $30 billion in 2021.")
        changed = archive.add(news / "a.md")
        assert (changed.added, len(changed.updated), changed.unchanged) == ((), 1, ())
        assert archive.ask(TURNOVER).short == "$30 billion"
        assert len(archive.articles()) == 2
        with pytest.raises(FrozenInstanceError):
            changed.added = ()  # type: ignore[misc]


def test_records_standard_input_details_and_field_names_are_taken(tmp_path: Path) -> None:
    records = tmp_path / "news.jsonl"
    records.write_text(json.dumps({"story": RECORD, "headline": "Trade"}) + "\n{broken\n", encoding="utf-8")
    details = qa.Details(publisher="Tengri News", published=date(2022, 7, 5))
    with open_small(tmp_path / "w") as archive:
        report = archive.add(
            records, "-", details=details, fields={"text": "story"}, stdin=io.BytesIO(b"Trams ran in Bonn.")
        )
        assert len(report.added) == 2
        assert [source.rpartition(":")[2] for source, _ in report.skipped] == ["2"]
        assert {article.publisher for article in archive.articles()} == {"Tengri News"}
        assert {article.published for article in archive.articles()} == {date(2022, 7, 5)}
        with pytest.raises(SourceError, match="No field 'txt'"):
            archive.add(records, fields={"txt": "story"})


def test_a_source_that_is_not_there_is_skipped_with_its_reason(small: Archive) -> None:
    report = small.add("no-such-file.md", "https://example.org/news")
    assert [source for source, _ in report.skipped] == ["no-such-file.md", "https://example.org/news"]
    assert report.skipped[0][1].startswith("No file or folder 'no-such-file.md'.")
    assert len(small.articles()) == 2


def test_progress_is_told_in_the_callers_thread_with_stages_that_reach_their_total(tmp_path: Path) -> None:
    seen: list[tuple[Progress, threading.Thread]] = []
    write_article(tmp_path / "a.md")
    with open_small(tmp_path / "w") as archive:
        archive.add(tmp_path / "a.md", on_progress=lambda progress: seen.append((progress, threading.current_thread())))
    assert {thread for _, thread in seen} == {threading.current_thread()}
    last = {progress.stage: progress for progress, _ in seen}
    assert list(last) == ["reading", "embedding", "building the vector index"]
    assert last["reading"] == Progress("reading", 1)
    assert all(progress.done == progress.total for stage, progress in last.items() if stage != "reading")


def test_an_interrupted_addition_is_finished_by_the_next(tmp_path: Path) -> None:
    write_article(tmp_path / "a.md")

    def interrupt(progress: Progress) -> None:
        if progress.stage == "embedding":
            raise KeyboardInterrupt

    with open_small(tmp_path / "w") as archive:
        with pytest.raises(KeyboardInterrupt):
            archive.add(tmp_path / "a.md", on_progress=interrupt)
        assert (archive.status().passages, archive.status().vectors) == (1, 0)
        assert [hit.article.source for hit in archive.search(TURNOVER)] == [str(tmp_path / "a.md")]
        archive.sync()
        assert archive.status().vectors == 1
        assert archive.ask(TURNOVER).short == "$24.2 billion"


# articles in step with their files


def test_a_new_file_in_the_articles_folder_is_seen_by_the_next_question(small: Archive) -> None:
    assert not small.needs_sync()
    write_article(small.workspace.articles / "wine.md", "The wine of Georgia cost $7 in 2020.")
    assert small.needs_sync()
    assert small.ask("What did the wine of Georgia cost in 2020?").short == "$7"
    assert not small.needs_sync()
    assert "index/articles/wine.md" in [article.source for article in small.articles()]


def test_a_changed_file_replaces_what_it_said(small: Archive) -> None:
    file = write_article(small.workspace.articles / "deep" / "wine.md", "The wine of Georgia cost $7 in 2020.")
    first = small.ask("What did the wine of Georgia cost in 2020?")
    write_article(file, "The wine of Georgia cost $11 in 2020.")
    second = small.ask("What did the wine of Georgia cost in 2020?")
    assert (first.short, second.short) == ("$7", "$11")
    assert first.citations[0].quote.article.id == second.citations[0].quote.article.id
    assert len(small.articles()) == 3


def test_a_file_with_a_hidden_name_or_in_a_hidden_folder_is_no_article(small: Archive) -> None:
    for name in (".draft.md", ".git/wine.md"):
        write_article(small.workspace.articles / name, "The wine of Georgia cost $7.")
    assert not small.needs_sync()
    assert small.sync().added == ()


def test_a_file_that_cannot_be_read_is_said_once_in_the_log_and_the_question_answered(
    small: Archive, caplog: pytest.LogCaptureFixture
) -> None:
    small.workspace.articles.mkdir(parents=True)
    (small.workspace.articles / "broken.md").write_bytes(b"\x00\xff\x00\xfe" * 50)
    with caplog.at_level(logging.WARNING, logger="qa"):
        assert small.ask(TURNOVER).short == "$24.2 billion"
        assert small.ask(TURNOVER).short == "$24.2 billion"
    (message,) = caplog.messages
    assert message.startswith("index/articles/broken.md is not searched: ")


def test_a_name_that_is_not_utf8_is_kept_in_step_like_any_other(small: Archive) -> None:
    folder = small.workspace.articles
    folder.mkdir(parents=True)
    (folder / "wine-\udcff.md").write_text("The wine of Georgia cost $7 in 2020.\n", encoding="utf-8")
    assert small.ask("What did the wine of Georgia cost in 2020?").short == "$7"
    assert not small.needs_sync()


def test_syncing_reports_like_adding(tmp_path: Path) -> None:
    init_workspace(tmp_path / "w", sample=True)
    with open_small(tmp_path / "w") as archive:
        assert len(archive.sync().added) == 12
        again = archive.sync()
        assert (again.added, again.updated, again.unchanged, again.skipped) == ((), (), (), ())


# looking up and removing


def test_articles_come_by_source_and_an_article_by_its_id_or_a_beginning_of_it(sample: Archive) -> None:
    articles = sample.articles()
    assert len(articles) == 12
    assert [article.source for article in articles] == sorted(article.source for article in articles)
    for article in articles:
        assert sample.get(article.id) == sample.get(article.id[:6]) == article


@pytest.mark.parametrize(
    ("id_", "message"),
    [
        ("", r"No article '' in "),
        ("80e", r"No article '80e' in "),
        ("____", r"No article '____' in "),
        ("%%%%", r"No article '%%%%' in "),
        ("80e3f28f46ce", r"Did you mean '80e3f28f46cd'\?"),
        ("trade-record.md", r"List them with: qa list$"),
    ],
)
def test_an_id_that_no_article_has_is_an_error_that_helps(sample: Archive, id_: str, message: str) -> None:
    with pytest.raises(ArticleNotFound, match=message):
        sample.get(id_)


def test_a_beginning_that_several_ids_share_is_ambiguous(tmp_path: Path) -> None:
    # 4 hexadecimal digits: of some 400 ids two begin alike; in the workspace, so that they are the same each time
    records = tmp_path / "w" / "many.jsonl"
    records.parent.mkdir()
    records.write_text("".join(json.dumps({"id": str(n), "text": f"Tram {n} ran."}) + "\n" for n in range(700)))
    with open_small(tmp_path / "w") as archive:
        archive.add(records)
        ids = [article.id for article in archive.articles()]
        shared = next(id_[:4] for id_ in ids if sum(other.startswith(id_[:4]) for other in ids) > 1)
        with pytest.raises(ArticleNotFound, match=r"\. [23] ids begin so\. List them with: qa list"):
            archive.get(shared)


def test_a_removed_article_is_gone_from_answers_lists_and_files(small: Archive) -> None:
    trade = next(article for article in small.articles() if article.title == "Trade")
    assert small.ask(TURNOVER).status == "answered"
    small.remove(trade.id[:8])
    assert [article.title for article in small.articles()] == ["Trams"]
    assert small.ask(TURNOVER).status == "abstained"
    with pytest.raises(ArticleNotFound):
        small.get(trade.id)
    small.close()
    for file in small.store.folder.rglob("*"):
        assert not file.is_file() or b"Nobody had expected it" not in file.read_bytes()


def test_nothing_is_removed_when_one_of_the_ids_is_unknown(small: Archive) -> None:
    trade, trams = small.articles()
    with pytest.raises(ArticleNotFound):
        small.remove(trade.id, "0000000000")
    assert small.articles() == [trade, trams]


def test_an_article_of_the_folder_stays_removed_until_its_file_changes(small: Archive) -> None:
    file = write_article(small.workspace.articles / "wine.md", "The wine of Georgia cost $7 in 2020.")
    (id_,) = small.sync().added
    small.remove(id_)
    assert not small.needs_sync()
    write_article(file, "The wine of Georgia cost $8,000 in 2020.")
    assert small.sync().added == (id_,)


def test_the_status_counts_what_is_there(sample: Archive, sample_workspace: Path) -> None:
    status = sample.status()
    assert status.workspace == str(sample_workspace)
    assert (status.articles, status.vectors, status.embedder) == (12, status.passages, "all-MiniLM-L6-v2-int8")
    assert (status.model, status.languages) == (None, {"en": 12})
    assert status.store_bytes > 100_000
    with pytest.raises(FrozenInstanceError):
        status.articles = 0  # type: ignore[misc]


# searching


def test_search_gives_passages_with_their_articles_best_first(sample: Archive) -> None:
    hits = sample.search("2021 trade turnover", limit=7)
    assert len(hits) == 7
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    for hit in hits:
        passage = hit.passage
        assert passage.article_id == hit.article.id
        assert hit.article.text[passage.start : passage.end] == passage.text
    assert any("$24.2 billion" in hit.passage.text for hit in hits[:3])
    assert len(sample.search("2021 trade turnover")) == 10
    assert sample.search("2021 trade turnover", limit=3) == hits[:3]


@pytest.mark.parametrize(
    ("bounds", "admitted"),
    [
        ({"since": date(2022, 7, 8)}, {date(2022, 7, 8)}),
        ({"until": date(2022, 7, 4)}, {date(2022, 7, 4)}),
        ({"as_of": date(2022, 7, 4)}, {date(2022, 7, 4)}),
        ({"since": date(2022, 7, 5), "until": date(2022, 7, 5)}, {date(2022, 7, 5)}),
        ({"publisher": "  SAMPLE Archive", "until": date(2022, 7, 4)}, {date(2022, 7, 4)}),
        ({"publisher": "nobody"}, set()),
        ({"dated": True, "since": date(2030, 1, 1)}, set()),
    ],
)
def test_filters_hold_before_ranking_in_search_and_in_ask(sample: Archive, bounds: dict, admitted: set[date]) -> None:
    hits = sample.search("trade exhibition projects of Kazakhstan", limit=50, **bounds)
    assert {hit.article.published for hit in hits} == admitted
    answer = sample.ask(TURNOVER, **bounds)
    used = (*answer.citations, *answer.nearest)
    assert {citation.quote.article.published for citation in used} <= admitted


def test_undated_articles_are_dropped_by_as_of_and_dated_only(small: Archive, tmp_path: Path) -> None:
    (tmp_path / "u.txt").write_text("The wine of Georgia cost $7.", encoding="utf-8")
    small.add(tmp_path / "u.txt")

    def found(**bounds) -> bool:
        return any("wine" in hit.passage.text for hit in small.search("wine of Georgia", **bounds))

    assert found()
    assert found(since=date(2022, 7, 1), until=date(2022, 7, 31))
    assert not found(as_of=date(2030, 1, 1))
    assert not found(dated=True)


@pytest.mark.parametrize("call", ["search", "ask"])
@pytest.mark.parametrize(
    ("question", "bounds", "message"),
    [
        ("", {}, "The question is empty"),
        ("?!", {}, "The question is empty"),
        ("x" * 100_000, {}, "100,000 characters"),
        (TURNOVER, {"since": date(2022, 7, 6), "until": date(2022, 7, 5)}, "the dates are inverted"),
        (TURNOVER, {"since": date(2022, 7, 6), "as_of": date(2022, 7, 5)}, "the dates are inverted"),
    ],
)
def test_a_call_that_cannot_mean_anything_is_refused(
    sample: Archive, call: str, question: str, bounds: dict, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        getattr(sample, call)(question, **bounds)


# empty archives and wrong folders


def test_a_folder_that_is_not_there_is_an_empty_archive_until_something_is_added(tmp_path: Path) -> None:
    root = tmp_path / "not" / "there"
    with open_small(root) as archive:
        assert archive.articles() == []
        status = archive.status()
        assert (status.articles, status.passages, status.vectors, status.store_bytes) == (0, 0, 0, 0)
        assert not archive.needs_sync()
        for call in (archive.ask, archive.search):
            with pytest.raises(WorkspaceError, match=r"^No articles in .*there yet\. Add some with: qa add SOURCE$"):
                call(TURNOVER)
        with pytest.raises(ArticleNotFound):
            archive.get("80e3f28f46cd")
        assert not (tmp_path / "not").exists()
        archive.add(write_article(tmp_path / "a.md"))
        assert archive.ask(TURNOVER).short == "$24.2 billion"
    assert (root / "index/store/catalog.sqlite").is_file()


def test_an_archive_whose_last_article_was_removed_is_empty_again(small: Archive) -> None:
    small.remove(*(article.id for article in small.articles()))
    with pytest.raises(WorkspaceError, match="No articles in"):
        small.ask(TURNOVER)


def test_a_file_is_no_workspace(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match="is not a folder"):
        qa.open(write_article(tmp_path / "a.md"))


def test_the_nearest_workspace_upwards_is_opened_where_none_is_named(
    small: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    (small.workspace.root / "qa.toml").touch()
    inside = small.workspace.root / "some" / "where"
    inside.mkdir(parents=True)
    monkeypatch.chdir(inside)
    with qa.open(embedder=HashingEmbedder(256)) as archive:
        assert archive.workspace.root == small.workspace.root
        assert archive.ask(TURNOVER).short == "$24.2 billion"


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("qa.toml", "[model]\nnmae = 'x'\n", r"unknown key 'model.nmae'. Did you mean 'model.name'\?"),
        ("index/recipe.toml", "[embedding]\nembedder = 'all-MiniLM'\n", "No embedder 'all-MiniLM'"),
    ],
)
def test_a_wrong_setting_is_told_when_the_archive_is_opened(tmp_path: Path, file: str, text: str, message: str) -> None:
    (tmp_path / "index").mkdir()
    (tmp_path / file).write_text(text, encoding="utf-8")
    with pytest.raises(ContentError, match=message):
        qa.open(tmp_path)


# which model


def test_false_is_no_model_none_the_archives_and_a_model_itself(small: Archive) -> None:
    own = ScriptedChat([SAID], name="own")
    with open_small(small.workspace.root, model=own) as archive:
        assert archive.status().model == "own"
        assert archive.ask(TURNOVER, model=False).mode == "extract"
        assert archive.ask(TURNOVER).model == "own"
        assert archive.ask(TURNOVER, model=ScriptedChat([SAID], name="other")).model == "other"
        assert len(own.calls) == 1
    assert small.ask(TURNOVER, model=None).mode == "extract"
    with open_small(small.workspace.root, model=False) as archive:
        assert (archive.status().model, archive.ask(TURNOVER).mode) == (None, "extract")


def test_streaming_gives_stages_tokens_and_last_the_answer(small: Archive) -> None:
    *before, answer = small.stream(TURNOVER, model=ScriptedChat([SAID], name="tiny"))
    searching, found, asking = [event.text for event in before if isinstance(event, Stage)]
    assert (searching.partition(" · ")[0], asking) == ("searching 2 articles", "asking tiny")
    assert found == f"{searching} → 2 passages from 2 articles"
    assert "".join(event.text for event in before if isinstance(event, Token)) == SAID
    assert isinstance(answer, Answer)
    asked = small.ask(TURNOVER, model=ScriptedChat([SAID], name="tiny"))
    assert replace(answer, seconds={}) == replace(asked, seconds={})


def test_the_server_named_in_the_workspace_is_asked_for_the_one_model_that_it_lists(
    small: Archive, server: Loopback
) -> None:
    server.replies = [whole_reply("Trade turnover was $24.2 billion", " in 2021 [1].")]
    name_server(small.workspace.root, server.url, context_tokens=400, max_output_tokens=50)
    with open_small(small.workspace.root) as archive:
        assert archive.status().model == "the one the server lists"
        answer = archive.ask(TURNOVER)
        archive.ask(TURNOVER)
    assert (answer.mode, answer.model, answer.usage.output_tokens) == ("model", "tiny", 2)
    assert [statement.verdict for statement in answer.statements] == ["supported"]
    assert server.posts[0].body["max_tokens"] == 50
    assert [request.path for request in server.requests].count("/v1/models") == 1


def test_a_model_that_the_server_does_not_list_is_an_error_that_names_the_nearest(
    small: Archive, server: Loopback
) -> None:
    name_server(small.workspace.root, server.url)
    with open_small(small.workspace.root) as archive, pytest.raises(ModelRejected, match="Did you mean 'tiny'"):
        archive.ask(TURNOVER, model="tinny")


def test_a_server_that_fails_leaves_the_answer_on_record_and_a_line_that_says_why(
    small: Archive, server: Loopback
) -> None:
    server.replies = [failure(400, "context too long")]
    name_server(small.workspace.root, server.url)
    with open_small(small.workspace.root) as archive:
        answer = archive.ask(TURNOVER)
    assert (answer.mode, answer.short) == ("extract", "$24.2 billion")
    (notice,) = answer.notices
    assert notice.startswith("Answered without the model: 127.0.0.1:")
    assert "context too long" in notice


@pytest.mark.parametrize("named", [{}, {"name": "tiny"}])
def test_a_server_that_is_not_there_leaves_the_answer_on_record_too(small: Archive, named: dict) -> None:
    name_server(small.workspace.root, f"http://127.0.0.1:{closed_port()}/v1", **named)
    with open_small(small.workspace.root) as archive:
        answer = archive.ask(TURNOVER)
        assert (answer.mode, answer.short) == ("extract", "$24.2 billion")
        assert "Connection refused" in answer.notices[0]
        chat = archive.chat()
        chat.ask(TURNOVER)
        assert chat.ask("and in 2021?").short == "$24.2 billion"


def test_the_price_in_the_settings_is_the_cost_of_an_answer(small: Archive, server: Loopback) -> None:
    server.replies = [whole_reply("Trade turnover was $24.2 billion", " in 2021 [1].")]
    prices = {"usd_per_million_input_tokens": 3, "usd_per_million_output_tokens": 15}
    name_server(small.workspace.root, server.url, **prices)
    with open_small(small.workspace.root) as archive:
        assert archive.ask(TURNOVER).usage == qa.Usage(7, 2, pytest.approx(51e-6))
    name_server(small.workspace.root, server.url, usd_per_million_input_tokens=3)
    with open_small(small.workspace.root) as archive:
        assert archive.ask(TURNOVER).usage == qa.Usage(7, 2, None)


# the parts that evaluation puts together anew


def test_a_choice_of_model_is_that_of_ask(small: Archive, server: Loopback) -> None:
    own, other = ScriptedChat([], name="own"), ScriptedChat([], name="other")
    assert small.choose_model() is small.choose_model(False) is None
    assert small.choose_model(other) is other
    with open_small(small.workspace.root, model=own) as archive:
        assert archive.choose_model() is archive.choose_model(None) is own
        assert archive.choose_model(other) is other
        assert archive.choose_model(False) is None
    name_server(small.workspace.root, server.url)
    with open_small(small.workspace.root) as archive:
        chosen = archive.choose_model()
        assert chosen is not None
        assert chosen.name == "tiny"
        assert archive.choose_model() is chosen  # the server is asked for its list once
        with pytest.raises(ModelRejected, match="Did you mean 'tiny'"):
            archive.choose_model("tinny")


def test_a_desk_answers_as_the_archive_does(small: Archive) -> None:
    (small.workspace.root / "qa.toml").write_text("[model]\ncontext_tokens = 700\nmax_output_tokens = 70\n")
    with open_small(small.workspace.root) as archive:
        desk = archive.desk()
        assert (desk.context_tokens, desk.max_output_tokens, desk.today) == (700, 70, date.today())
        assert (desk.indexes, desk.lowest_score, desk.prompt.name) == ("both", None, "answer")
        given = last_answer(answer_question(TURNOVER, desk, qa.Filters(), None))
        assert replace(given, seconds={}) == replace(archive.ask(TURNOVER), seconds={})


def test_a_desk_has_the_files_that_are_new(small: Archive) -> None:
    write_article(small.workspace.articles / "wine.md", "The wine of Georgia cost $7 in 2020.")
    assert small.desk().retriever.catalog.count_admitted(qa.Filters()) == (3, 3)


def test_an_empty_archive_has_no_desk(tmp_path: Path) -> None:
    with open_small(tmp_path / "none") as archive, pytest.raises(WorkspaceError, match="No articles in"):
        archive.desk()


def test_prompts_are_those_of_the_workspace(small: Archive) -> None:
    packaged = small.follow_up_prompt()
    assert packaged.name == "follow_up"
    text = packaged_content().joinpath("prompts/follow_up.md").read_text(encoding="utf-8")
    write = small.workspace.root / "prompts" / "follow_up.md"
    write.parent.mkdir(exist_ok=True)
    write.write_text(text.replace("on one line", "in one line"), encoding="utf-8")
    assert small.follow_up_prompt().sha256 != packaged.sha256
    write.write_text("## user\n\n{{question}}\n", encoding="utf-8")
    with pytest.raises(ContentError, match="history"):
        small.follow_up_prompt()


# the environment


@pytest.fixture
def tempting(monkeypatch: pytest.MonkeyPatch, server: Loopback, tmp_path: Path) -> Loopback:
    """Variables that would have a model asked, and another workspace opened."""
    server.replies = [whole_reply("Trade turnover was $24.2 billion", " in 2021 [1].")]
    for name, value in {
        "OPENAI_API_KEY": "sk-from-the-environment",
        "OPENAI_BASE_URL": server.url,
        "OPENAI_ORG_ID": "org-environment",
        "OPENAI_PROJECT_ID": "project-environment",
        "QA_MODEL": "tiny",
        "QA_WORKSPACE": str(tmp_path / "elsewhere"),
        "QA_CONTEXT_TOKENS": "nonsense",
    }.items():
        monkeypatch.setenv(name, value)
    return server


def test_no_variable_of_the_environment_matters_unless_asked_for(small: Archive, tempting: Loopback) -> None:
    (small.workspace.root / "qa.toml").touch()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(small.workspace.root)
        with qa.open(embedder=HashingEmbedder(256)) as archive:
            assert archive.workspace.root == small.workspace.root
            assert archive.status().model is None
            assert archive.settings.api_key is None
            assert archive.ask(TURNOVER).mode == "extract"
    assert tempting.requests == []


def test_a_server_that_the_workspace_names_is_never_sent_a_key_of_the_environment(
    small: Archive, tempting: Loopback
) -> None:
    name_server(small.workspace.root, tempting.url, name="tiny")
    with open_small(small.workspace.root) as archive:
        assert archive.ask(TURNOVER).model == "tiny"
    sent = json.dumps([request.headers for request in tempting.requests])
    assert len(tempting.posts) == 1
    assert "environment" not in sent
    assert "authorization" not in sent


def test_asked_for_the_environment_decides(small: Archive, tempting: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QA_CONTEXT_TOKENS", "500")
    monkeypatch.setenv("QA_WORKSPACE", str(small.workspace.root))
    with qa.open(embedder=HashingEmbedder(256), environment=True) as archive:
        assert archive.workspace.root == small.workspace.root
        assert archive.settings.context_tokens == 500
        assert archive.ask(TURNOVER).model == "tiny"
    assert tempting.posts[0].headers["authorization"] == "Bearer sk-from-the-environment"
    monkeypatch.setenv("QA_CONTEXT_TOKENS", "nonsense")
    with pytest.raises(UsageError, match="QA_CONTEXT_TOKENS must be a whole number, not 'nonsense'"):
        qa.open(environment=True)


# embedders


class Sideways(HashingEmbedder):
    """An embedder of another name."""

    def __init__(self) -> None:
        super().__init__(256)
        self.id = "sideways"


def test_another_embedder_than_the_archives_is_refused_by_add_ask_and_search(small: Archive, tmp_path: Path) -> None:
    other: Embedder = Sideways()
    with qa.open(small.workspace.root, embedder=other) as archive:
        for call in (
            lambda: archive.add(write_article(tmp_path / "b.md")),
            lambda: archive.ask(TURNOVER),
            lambda: archive.search(TURNOVER),
        ):
            with pytest.raises(EmbedderMismatch, match="made by 'hashing-256', but 'sideways' is in use"):
                call()
        assert len(archive.articles()) == 2
    assert small.ask(TURNOVER).short == "$24.2 billion"


def test_a_new_file_does_not_make_a_question_embed_everything_anew(small: Archive) -> None:
    write_article(small.workspace.articles / "wine.md", "The wine of Georgia cost $7 in 2020.")
    with qa.open(small.workspace.root, embedder=Sideways()) as archive, pytest.raises(EmbedderMismatch):
        archive.ask(TURNOVER)
    assert small.status().vectors == 2
    assert small.ask("What did the wine of Georgia cost in 2020?").short == "$7"


def test_syncing_embeds_everything_anew_with_another_embedder(small: Archive) -> None:
    with qa.open(small.workspace.root, embedder=Sideways()) as archive:
        archive.sync()
        assert (archive.status().vectors, archive.status().embedder) == (2, "sideways")
        assert archive.ask(TURNOVER).short == "$24.2 billion"
    with pytest.raises(EmbedderMismatch):
        small.ask(TURNOVER)


def test_an_embedder_of_the_hosts_own_is_two_names_and_a_method(tmp_path: Path) -> None:
    class Letters:
        id = "letters"
        dimension = 26

        def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
            counts = [[text.lower().count(chr(97 + n)) + 0.01 for n in range(26)] for text in texts]
            rows = np.array(counts, dtype=np.float32).reshape(len(texts), 26)
            return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    with qa.open(tmp_path / "w", embedder=Letters()) as archive:
        archive.add(write_article(tmp_path / "a.md"))
        assert archive.ask(TURNOVER).short == "$24.2 billion"
        assert archive.status().embedder == "letters"


# other processes and threads


@pytest.fixture
def busy(small: Archive) -> Iterator[Archive]:
    """An archive to which another process is writing."""
    command = [sys.executable, "-c", HOLD_LOCK, str(small.store.folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        yield small
        holder.communicate()


def test_questions_are_answered_while_another_process_writes(busy: Archive, caplog: pytest.LogCaptureFixture) -> None:
    assert busy.ask(TURNOVER).short == "$24.2 billion"
    assert busy.search(TURNOVER)
    write_article(busy.workspace.articles / "wine.md", "The wine of Georgia cost $7 in 2020.")
    with caplog.at_level(logging.WARNING, logger="qa"):
        assert busy.ask(TURNOVER).short == "$24.2 billion"
    (message,) = caplog.messages
    assert message.startswith("New files of index/articles are not searched yet: Another process (pid ")


def test_nothing_is_written_while_another_process_writes(busy: Archive, tmp_path: Path) -> None:
    for call in (
        lambda: busy.add(write_article(tmp_path / "b.md")),
        lambda: busy.remove(busy.articles()[0].id),
        busy.sync,
    ):
        with pytest.raises(
            ArchiveBusy, match=r"Another process \(pid \d+\) is writing to .* Try again when it is done"
        ):
            call()
    assert len(busy.articles()) == 2


def test_what_another_archive_object_adds_is_seen_at_the_next_question(small: Archive, tmp_path: Path) -> None:
    question = "What did the wine of Georgia cost in 2020?"
    assert small.ask(question).status == "abstained"
    with open_small(small.workspace.root) as other:
        (id_,) = other.add(write_article(tmp_path / "wine.md", "The wine of Georgia cost $7 in 2020.")).added
        assert small.ask(question).short == "$7"
        other.remove(id_)
    assert small.ask(question).status == "abstained"


def test_eight_threads_get_the_answers_that_one_gets(sample: Archive) -> None:
    alone = [replace(sample.ask(question), seconds={}) for question in QUESTIONS]
    assert [answer.status for answer in alone] == ["answered", "answered", "answered", "abstained", "answered"]

    def ask_all(shift: int) -> list[Answer]:
        turned = QUESTIONS[shift:] + QUESTIONS[:shift]
        answers = [replace(sample.ask(question), seconds={}) for question in turned]
        return answers[len(QUESTIONS) - shift :] + answers[: len(QUESTIONS) - shift]

    with ThreadPoolExecutor(8) as threads:
        together = list(threads.map(ask_all, [0, 1, 2, 3, 4, 0, 1, 2]))
    assert together == [alone] * 8


def test_threads_that_ask_first_at_once_all_wait_for_the_articles(tmp_path: Path) -> None:
    write_article(tmp_path / "w/index/articles/a.md")
    with open_small(tmp_path / "w") as archive, ThreadPoolExecutor(8) as threads:
        shorts = list(threads.map(lambda _: archive.ask(TURNOVER).short, range(8)))
        assert shorts == ["$24.2 billion"] * 8
        assert len(archive.articles()) == 1


def test_a_thread_that_asks_does_not_wait_for_one_that_adds(small: Archive, tmp_path: Path) -> None:
    assert small.ask(TURNOVER).status == "answered"
    answers: list[Answer] = []

    def ask_elsewhere(_progress: Progress) -> None:
        thread = threading.Thread(target=lambda: answers.append(small.ask(TURNOVER)))
        thread.start()
        thread.join(timeout=20)
        assert not thread.is_alive(), "the question waits for the addition"

    small.add(write_article(tmp_path / "wine.md", "The wine of Georgia cost $7."), on_progress=ask_elsewhere)
    assert len(answers) >= 3
    assert {answer.short for answer in answers} == {"$24.2 billion"}


def test_a_closed_archive_may_be_used_again(small: Archive) -> None:
    small.close()
    small.close()
    assert small.ask(TURNOVER).short == "$24.2 billion"


# what a library must not do


def test_no_call_prints_anything(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bad.md").write_bytes(b"\0\0")
    with qa.open(tmp_path / "w", model=ScriptedChat([SAID, "[1]", "What was it in 2021?", SAID])) as archive:
        archive.add(write_article(tmp_path / "a.md"), tmp_path / "bad.md", on_progress=lambda _: None)
        write_article(archive.workspace.articles / "b.md", "Trams ran in Bonn.")
        archive.search(TURNOVER)
        list(archive.stream(TURNOVER))
        chat = archive.chat()
        chat.ask(TURNOVER)
        chat.ask("and then?")
        archive.ask(TURNOVER, model=False).to_json()
        archive.status()
        archive.sync()
        archive.remove(archive.articles()[0].id)
    out, err = capfd.readouterr()
    assert (out, err) == ("", "")


# a real model


def test_a_real_model_streams_and_no_figure_is_shown_as_supported_that_its_quote_does_not_have(
    sample_copy: Path,
    llama_server: str,  # noqa: F811
) -> None:
    name_server(sample_copy, llama_server, context_tokens=200, max_output_tokens=40, timeout_seconds=300)
    with qa.open(sample_copy) as archive:
        *before, answer = archive.stream("How much are the finished projects worth?")
    tokens = [event.text for event in before if isinstance(event, Token)]
    assert len(tokens) > 1
    assert isinstance(answer, Answer)
    assert answer.model == MODEL_NAME
    assert answer.usage.input_tokens > 100
    assert 0 < answer.usage.output_tokens <= 40
    if answer.mode == "extract":  # so small a model seldom cites: nothing of its answer held
        assert answer.notices
    elif answer.status == "answered":
        assert answer.text == "".join(tokens).strip()
    for statement in answer.statements:
        assert answer.text[statement.start : statement.end] == statement.text
        if statement.verdict == "supported":
            quotes = " ".join(answer.citations[place].quote.text for place in statement.quotes)
            assert missing_figures(bare_statement(statement.text), quotes) == []


def test_a_real_conversation_is_answered_whatever_the_model_makes_of_the_follow_up(
    sample_copy: Path,
    llama_server: str,  # noqa: F811
) -> None:
    name_server(sample_copy, llama_server, context_tokens=200, max_output_tokens=16, timeout_seconds=300)
    with qa.open(sample_copy) as archive:
        chat = archive.chat()
        chat.ask(TURNOVER, qa.Filters(publisher="nobody"))  # nothing is found: the model is not asked
        answer = chat.ask("and in 2022?")
    # So few tokens may not be enough for one sentence, and then are no answer.
    told = ("was cut at 16 tokens, before its first sentence", "Nothing that smollm2-135m-instruct wrote is supported")
    assert answer.mode == "model" or any(reason in answer.notices[0] for reason in told)
    assert answer.question.endswith("?")
    assert chat.turns[1].standalone == answer.question
