from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from shelf import CountingEmbedder

import qa
from qa.archive import Archive
from qa.articles import Filters
from qa.errors import ModelUnavailable, UsageError, WorkspaceError
from qa.gold import Case, Evidence, FoundEvidence, find_evidence
from qa.keywords import KeywordIndex
from qa.metrics import Gold
from qa.models import ChatModel, Usage
from qa.replay import CallLog
from qa.systems import (
    RANKED,
    SYSTEMS,
    Asked,
    Bench,
    System,
    bench_prompts,
    check_system,
    holds,
    set_up_bench,
    visible_evidence,
)
from qa.testing import HashingEmbedder, ScriptedChat

DAY = date(2032, 3, 1)
HEST = "The port of Hest counted 5,400 ships in 2031, more than in any year before."
COPPER = "Of these ships 1,200 carried copper, the harbour master of Hest told the council."
ORRICK = "The port of Orrick counted 3,100 ships in 2031, the council said."
ASHORE = "The port of Hest counted 9,900 ships in 2031, the council of Hest now says."
SHIPS = "How many ships did the port of Hest count in 2031?"
# name, day, text; each sentence is a passage of its own
NEWS = (
    ("ports.md", "2032-01-15", f"{HEST} {COPPER} {ORRICK}"),
    ("corrected.md", "2032-02-20", ASHORE),
    ("undated.md", None, "The port of Hest counted 7,700 ships in 2031, an undated note has it."),
    ("trams.md", "2031-11-02", "Trams of Bonn carried 300 people on average, on most days of the week and the year."),
)
BEFORE_CORRECTION = date(2032, 1, 31)


@pytest.fixture(scope="module")
def news_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace of four articles that is brought in step."""
    root = tmp_path_factory.mktemp("systems") / "news"
    (root / "index" / "articles").mkdir(parents=True)
    (root / "index" / "recipe.toml").write_text("[passages]\nbudget_tokens = 24\n", encoding="utf-8")
    for name, day, text in NEWS:
        head = ["---", *([f"published: {day}"] if day else ["author: nobody"]), "---"]
        (root / "index" / "articles" / name).write_text("\n".join([*head, text, ""]), encoding="utf-8")
    with qa.open(root, embedder=CountingEmbedder()) as archive:
        archive.sync()
    return root


@pytest.fixture
def news(news_folder: Path) -> Iterator[Archive]:
    with qa.open(news_folder, embedder=CountingEmbedder()) as archive:
        yield archive


@pytest.fixture(scope="module")
def sample(sample_workspace: Path) -> Iterator[Archive]:
    with qa.open(sample_workspace) as archive:
        yield archive


@pytest.fixture
def log(tmp_path: Path) -> Iterator[CallLog]:
    with closing(CallLog(tmp_path / "calls.sqlite")) as opened:
        yield opened


def case(question: str = SHIPS, *, id_: str = "c-1", evidence: Sequence[Evidence] = (), **more) -> Case:
    gold = Gold() if more.get("retrieval_only") else Gold(answers=("5,400",))
    return Case(id_, question, gold, tuple(evidence), answerable=True, kind="fact", **more)


def set_up(archive: Archive, system: System, log: CallLog, model: ChatModel | None = None, *, seed: int = 0) -> Bench:
    return set_up_bench(archive, system, log, model=model, day=DAY, seed=seed)


def ask(
    archive: Archive,
    system: System,
    log: CallLog,
    asked: Case,
    *,
    model: ChatModel | None = None,
    seed: int = 0,
    repeat: int = 1,
) -> Asked:
    with closing(set_up(archive, system, log, model, seed=seed)) as bench:
        return bench.ask(asked, find_evidence(asked, archive.articles()), repeat=repeat)


def timeless(answer: qa.Answer | None) -> qa.Answer | None:
    return replace(answer, seconds={}) if answer else None


def texts(hits: Sequence[qa.Hit]) -> list[str]:
    return [hit.passage.text.strip() for hit in hits]


def shown(chat: ScriptedChat, call: int = -1) -> list[str]:
    """The texts of the passages in a prompt, in their order."""
    user = chat.calls[call][1].content
    fence = user.split("\n", 1)[0]
    return re.findall(r"^\[\d+\] .*\n(.+)", user.split(fence)[1], re.M)


def fence_of(chat: ScriptedChat) -> str:
    found = re.search(r"^passages-([0-9a-f]+)$", chat.calls[-1][1].content, re.M)
    assert found is not None
    return found[1]


# the whole program

BOTH = "How many ships did the port of Hest count in 2031, and how many carried copper?"
PARTS = "How many ships did the port of Hest count in 2031?\nHow many ships of Hest carried copper?"


@pytest.mark.parametrize("system", ["full", "bm25"])
def test_a_question_of_several_parts_is_split_and_answered_as_the_program_does(
    news: Archive, log: CallLog, system: System
) -> None:
    said = [PARTS, "Hest counted 5,400 ships in 2031 [1]."]
    chat = ScriptedChat(said)
    asked = ask(news, system, log, case(BOTH, as_of=BEFORE_CORRECTION), model=chat)
    answer = asked.answer
    assert answer is not None
    assert (len(chat.calls), list(answer.searched.parts)) == (2, PARTS.split("\n"))
    again = ask(news, system, log, case(BOTH, as_of=BEFORE_CORRECTION), model=ScriptedChat([]))
    assert timeless(again.answer) == timeless(answer)
    assert again.hits == asked.hits
    if system == "full":
        direct = news.ask(BOTH, as_of=BEFORE_CORRECTION, model=ScriptedChat(said))
        assert (direct.text, direct.usage, direct.searched) == (answer.text, answer.usage, answer.searched)


def test_what_the_oracle_answers_from_is_never_looked_up_so_that_no_model_splits(news: Archive, log: CallLog) -> None:
    chat = ScriptedChat(["Hest counted 5,400 ships in 2031 [1]."])
    asked = ask(news, "oracle", log, case(BOTH, evidence=[Evidence("ports.md", HEST)]), model=chat)
    assert asked.answer is not None
    assert (len(chat.calls), asked.answer.mode) == (1, "model")


@pytest.mark.parametrize(
    "question",
    [
        "What was 2021 trade turnover?",
        "How big is the national exposition of Kazakhstan?",
        "What is the value of the nine projects in progress?",
        "Who is the president of France?",
        "  elephants\n?",
    ],
)
def test_full_gives_the_answer_that_the_archive_gives(sample: Archive, log: CallLog, question: str) -> None:
    asked = ask(sample, "full", log, case(question))
    assert timeless(asked.answer) == timeless(sample.ask(question))
    assert asked.hits is not None
    assert list(asked.hits) == sample.search(question, limit=RANKED)
    assert (asked.question, asked.failure) == (" ".join(question.split()), None)


def test_full_with_a_model_gives_the_answer_that_the_archive_gives_with_it(sample: Archive, log: CallLog) -> None:
    question, said = "What was 2021 trade turnover?", "In 2021 trade stood at $24.2 billion [1]. It was wet [2]."
    asked = ask(sample, "full", log, case(question), model=ScriptedChat([said]))
    assert timeless(asked.answer) == timeless(sample.ask(question, model=ScriptedChat([said])))
    assert asked.answer is not None
    assert asked.answer.mode == "model"


def test_the_day_of_the_run_is_today_in_the_prompt_unless_the_case_has_its_own(news: Archive, log: CallLog) -> None:
    for as_of, today in ((None, "1 March 2032"), (BEFORE_CORRECTION, "31 January 2032")):
        chat = ScriptedChat(["So [1]."])
        ask(news, "full", log, case(as_of=as_of), model=chat)
        assert f"Today is {today}." in chat.calls[0][0].content


def test_a_bench_asked_again_with_its_log_gives_the_same_and_asks_nobody(news: Archive, log: CallLog) -> None:
    first = ask(news, "full", log, case(), model=ScriptedChat([f"{HEST} [1]"]))
    nobody = ScriptedChat([])
    again = ask(news, "full", log, case(), model=nobody)
    assert (timeless(again.answer), again.hits, again.failure) == (timeless(first.answer), first.hits, None)
    assert nobody.calls == []


@pytest.mark.parametrize("system", ["full", "closed-book"])
def test_a_second_repeat_asks_the_model_again(news: Archive, log: CallLog, system: System) -> None:
    chat = ScriptedChat([f"{HEST} [1]", "NOT IN THESE ARTICLES"])
    answers = [ask(news, system, log, case(), model=chat, repeat=repeat).answer for repeat in (1, 2)]
    assert [answer.status for answer in answers if answer] == ["answered", "abstained"]


@pytest.mark.parametrize("system", ["full", "oracle", "bm25"])
def test_a_model_that_fails_leaves_an_answer_and_why_it_cannot_be_scored(
    news: Archive, log: CallLog, system: System
) -> None:
    chat = ScriptedChat([ModelUnavailable("127.0.0.1 is on fire.")])
    asked = ask(news, system, log, case(evidence=[Evidence("ports.md", HEST)]), model=chat)
    assert asked.answer is not None
    assert asked.answer.mode == "extract"
    assert asked.failure == "Answered without the model: 127.0.0.1 is on fire."


def test_where_nothing_is_found_the_model_need_not_answer_and_has_not_failed(news: Archive, log: CallLog) -> None:
    chat = ScriptedChat([])
    asked = ask(news, "full", log, case(as_of=date(1999, 1, 1)), model=chat)
    assert asked.answer is not None
    assert (asked.answer.status, asked.hits, asked.failure, chat.calls) == ("abstained", (), None, [])


# passages only


def test_retrieval_gives_the_passages_of_a_search_and_no_answer(sample: Archive, log: CallLog) -> None:
    question = "How large is the floor of the exposition?"
    chat = ScriptedChat([])
    asked = ask(sample, "retrieval", log, case(question), model=chat)
    assert asked.hits is not None
    assert list(asked.hits) == sample.search(question, limit=RANKED)
    assert len(asked.hits) > 10
    assert (asked.answer, asked.failure, chat.calls) == (None, None, [])


# the passages that hold the evidence


@pytest.mark.parametrize(
    ("evidence", "passages"),
    [
        ([Evidence("ports.md", HEST)], [HEST]),
        ([Evidence("ports.md", "1,200 carried copper")], [COPPER]),
        ([Evidence("ports.md", f"{HEST} {COPPER}")], [f"{HEST} {COPPER}"]),
        ([Evidence("ports.md", f"year before. {COPPER}")], [f"{HEST} {COPPER}"]),
        ([Evidence("ports.md", f"{HEST} {COPPER} {ORRICK}")], [f"{HEST} {COPPER} {ORRICK}"]),
        ([Evidence("ports.md", ORRICK), Evidence("ports.md", HEST)], [ORRICK, HEST]),
        ([Evidence("ports.md", ORRICK, part=2), Evidence("corrected.md", ASHORE)], [ORRICK, ASHORE]),
        ([Evidence("ports.md", HEST), Evidence("ports.md", "5,400 ships")], [HEST]),
    ],
)
def test_the_oracle_shows_the_passages_that_hold_the_evidence_and_no_other(
    news: Archive, log: CallLog, evidence: list[Evidence], passages: list[str]
) -> None:
    chat = ScriptedChat(["So [1]."])
    asked = ask(news, "oracle", log, case(evidence=evidence), model=chat)
    assert shown(chat) == passages
    assert asked.hits is None
    assert asked.answer is not None


def test_the_oracle_shows_the_whole_article_where_that_is_the_evidence(news: Archive, log: CallLog) -> None:
    chat = ScriptedChat(["So [1]."])
    ask(news, "oracle", log, case(evidence=[Evidence("ports.md")], retrieval_only=True), model=chat)
    assert shown(chat) == [f"{HEST} {COPPER} {ORRICK}"]


def test_the_oracle_answers_from_its_passages_without_a_model_too(news: Archive, log: CallLog) -> None:
    asked = ask(news, "oracle", log, case(evidence=[Evidence("ports.md", HEST)]))
    assert asked.answer is not None
    assert asked.answer.text == f"{HEST} [1]"
    other = ask(news, "oracle", log, case(evidence=[Evidence("corrected.md", ASHORE)]))
    assert other.answer is not None
    assert other.answer.text == f"{ASHORE} [1]"


def test_the_oracle_does_not_apply_without_evidence(news: Archive, log: CallLog) -> None:
    chat = ScriptedChat([])
    asked = ask(news, "oracle", log, case(turns=("What is new in Bonn?",)), model=chat)
    assert (asked.hits, asked.answer, asked.failure, chat.calls) == (None, None, None, [])


@pytest.mark.parametrize(
    ("start", "end", "quote", "held"),
    [
        (0, 100, (0, 10), True),
        (0, 100, (90, 110), True),
        (0, 100, (91, 111), False),
        (0, 100, (100, 110), False),
        (100, 200, (95, 110), True),
        (10, 20, (0, 100), True),
        (10, 20, (11, 100), False),
        (0, 100, (0, 100), True),
    ],
)
def test_a_passage_holds_a_quote_of_which_it_has_half_or_which_has_all_of_it(
    start: int, end: int, quote: tuple[int, int], held: bool
) -> None:
    assert holds(start, end, *quote) is held


# the model alone


def test_closed_book_asks_the_model_by_its_own_prompt_and_shows_no_passage(news: Archive, log: CallLog) -> None:
    chat = ScriptedChat(["It counted 5,400 ships. Copper is red [1]."], name="tiny")
    asked = ask(news, "closed-book", log, case(), model=chat)
    ((system, user),) = chat.calls
    assert (system.role, user.role) == ("system", "user")
    assert user.content == f"Question: {SHIPS}"
    assert "from memory" in system.content
    assert "Today is 1 March 2032." in system.content
    answer = asked.answer
    assert asked.hits is None
    assert answer is not None
    assert (answer.status, answer.mode, answer.model, answer.score) == ("answered", "model", "tiny", None)
    assert (answer.citations, answer.nearest, answer.searched.passages) == ((), (), 0)
    assert [(s.text, s.verdict, s.quotes) for s in answer.statements] == [
        ("It counted 5,400 ships.", "uncited", ()),
        ("Copper is red [1].", "uncited", ()),
    ]
    assert answer.prompt == bench_prompts("closed-book", news)[0]
    assert answer.prompt is not None
    assert answer.prompt.name == "closed_book"
    assert answer.usage == Usage(sum(len(message.content.split()) for message in chat.calls[0]), 8)
    assert asked.failure is None


@pytest.mark.parametrize("said", ["NOT IN THESE ARTICLES", " not in these articles.\n"])
def test_a_model_alone_abstains_as_it_does_with_passages(news: Archive, log: CallLog, said: str) -> None:
    asked = ask(news, "closed-book", log, case(), model=ScriptedChat([said]))
    assert asked.answer is not None
    assert (asked.answer.status, asked.answer.mode, asked.answer.statements) == ("abstained", "model", ())
    assert asked.answer.usage.output_tokens == 4
    assert asked.failure is None


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (ModelUnavailable("127.0.0.1 is on fire."), "The model failed: 127.0.0.1 is on fire."),
        ("", "The model failed: scripted sent a reply without words."),
        ("… [1]", "The model failed: scripted sent a reply without words."),
    ],
)
def test_a_model_alone_that_fails_has_no_answer_to_score(
    news: Archive, log: CallLog, said: str | Exception, reason: str
) -> None:
    asked = ask(news, "closed-book", log, case(), model=ScriptedChat([said]))
    assert asked.answer is not None
    assert (asked.answer.status, asked.answer.mode, asked.failure) == ("abstained", "extract", reason)


def test_closed_book_needs_a_model(news: Archive, log: CallLog) -> None:
    with pytest.raises(UsageError, match=r"'closed-book' is a model without passages: name a model\.$"):
        set_up(news, "closed-book", log)


# baselines


def test_bm25_ranks_by_the_keyword_index_alone_and_embeds_no_question(news: Archive, log: CallLog) -> None:
    embedder = news.embedder
    assert isinstance(embedder, CountingEmbedder)
    index = KeywordIndex(news.store.generation("keywords", news.store.current().keywords))
    for question in (SHIPS, "copper of Orrick", "elephants"):
        expected = index.search(question, limit=RANKED, filters=Filters())
        first = [
            passage.text
            for passage, _ in news.desk().retriever.catalog.passages([id_ for id_, _ in expected[:1]]).values()
        ]
        asked = ask(news, "bm25", log, case(question), model=ScriptedChat([f"{text} [1]" for text in first]))
        assert asked.hits is not None
        assert [hit.passage.id for hit in asked.hits] == [id_ for id_, _ in expected]
    assert embedder.texts == []
    ask(news, "full", log, case(SHIPS, id_="c-2"), model=ScriptedChat(["So [1]."]))
    assert embedder.texts[0] == SHIPS


def test_bm25_answers_from_its_own_passages(news: Archive, log: CallLog) -> None:
    chat = ScriptedChat([f"{COPPER} [1]"])
    asked = ask(news, "bm25", log, case("copper"), model=chat)
    assert shown(chat) == [COPPER]
    assert asked.answer is not None
    assert asked.answer.mode == "model"


def test_always_abstain_never_looks_and_never_answers(news: Archive, log: CallLog) -> None:
    embedder, chat = news.embedder, ScriptedChat([])
    asked = ask(news, "always-abstain", log, case(), model=chat)
    assert isinstance(embedder, CountingEmbedder)
    assert asked.answer is not None
    assert (asked.answer.status, asked.answer.mode, asked.hits, asked.failure) == ("abstained", "extract", None, None)
    assert (asked.answer.searched.articles, embedder.texts, chat.calls) == (0, [], [])


@pytest.mark.parametrize(
    "question",
    [SHIPS, "Who is the president of France?", "elephants", "What did Xyzzy do with 77 dogs on 5 May 1999?"],
)
def test_always_answer_gives_the_best_sentence_whatever_its_score(news: Archive, log: CallLog, question: str) -> None:
    asked = ask(news, "always-answer", log, case(question), model=ScriptedChat([]))
    assert asked.answer is not None
    assert (asked.answer.status, asked.answer.mode, len(asked.answer.citations)) == ("answered", "extract", 1)
    strict = ask(news, "full", log, case(question)).answer
    assert strict is not None
    assert asked.answer.score == strict.score
    assert asked.answer.citations[0].quote == (strict.citations or strict.nearest)[0].quote


def test_always_answer_answers_with_a_score_of_zero_and_below(tmp_path: Path, log: CallLog) -> None:
    class Blind(HashingEmbedder):
        """Sees nothing that two texts have in common."""

        def embed(self, texts: Sequence[str]):
            vectors = super().embed(texts)
            vectors[:] = 0
            for row, text in enumerate(texts):
                vectors[row, len(text) % self.dimension] = 1
            return vectors

    (tmp_path / "a.txt").write_text("Trams of Bonn carried people on average.\n", encoding="utf-8")
    with qa.open(tmp_path / "w", embedder=Blind(), reader=False) as archive:
        archive.add(tmp_path / "a.txt")
        answer = ask(archive, "always-answer", log, case("What did Xyzzy do with 77 dogs on 5 May 1999?")).answer
    assert answer is not None
    assert answer.score is not None
    assert answer.score < 0
    assert answer.status == "answered"


def test_always_answer_abstains_only_where_there_is_no_sentence(news: Archive, log: CallLog) -> None:
    answer = ask(news, "always-answer", log, case(as_of=date(1999, 1, 1))).answer
    assert answer is not None
    assert answer.status == "abstained"


# conversations

TURNS = (SHIPS, "and the port of Orrick?")


@pytest.mark.parametrize("system", ["full", "bm25", "oracle"])
def test_with_a_model_the_turns_are_asked_first_and_the_model_completes_the_question(
    news: Archive, log: CallLog, system: System
) -> None:
    asked_whole = "How many ships of Hest carried copper?"
    chat = ScriptedChat(["Ships of Hest [1].", asked_whole, f"{COPPER} [1]"])
    follow_up = case("how many with copper?", turns=(SHIPS,), evidence=[Evidence("ports.md", COPPER)])
    asked = ask(news, system, log, follow_up, model=chat)
    first, rewriting, last = (call[-1].content for call in chat.calls)
    assert first.endswith(f"Question: {SHIPS}")
    assert f"Q: {SHIPS}\nA: Ships of Hest [1]." in rewriting
    assert rewriting.endswith("Last question: how many with copper?")
    assert last.endswith(f"Question: {asked_whole}")
    assert asked.question == asked_whole
    assert asked.answer is not None
    assert asked.answer.question == asked_whole
    assert asked.hits is None or list(asked.hits) == list(ask(news, system, log, case(asked_whole)).hits or ())


def test_a_model_alone_is_asked_the_turns_too(news: Archive, log: CallLog) -> None:
    chat = ScriptedChat(["5,400.", "How many carried copper?", "1,200 did."])
    asked = ask(news, "closed-book", log, case("how many with copper?", turns=(SHIPS,)), model=chat)
    assert [call[-1].content.rpartition("\n")[2] for call in chat.calls] == [
        f"Question: {SHIPS}",
        "Last question: how many with copper?",
        "Question: How many carried copper?",
    ]
    assert asked.question == "How many carried copper?"
    assert asked.answer is not None
    assert asked.answer.text == "1,200 did."


@pytest.mark.parametrize("system", ["full", "retrieval", "bm25", "always-abstain", "always-answer"])
def test_without_a_model_a_follow_up_is_made_whole_by_rule(news: Archive, log: CallLog, system: System) -> None:
    chat = news.chat(model=False)
    for turn in TURNS:
        chat.ask(turn)
    chat.ask("in 1999?")
    asked = ask(news, system, log, case("in 1999?", turns=TURNS))
    assert asked.question == chat.turns[-1].standalone
    assert "Orrick" in asked.question
    assert "1999" in asked.question
    if asked.hits is not None and system != "bm25":
        assert list(asked.hits) == news.search(asked.question, limit=RANKED)


def test_a_turn_without_a_word_is_refused(news: Archive, log: CallLog) -> None:
    for system in ("full", "retrieval"):
        with pytest.raises(UsageError, match="The question is empty"):
            ask(news, system, log, case(turns=("?!",)))


# the day of a case


@pytest.mark.parametrize("system", ["full", "retrieval", "bm25", "always-answer"])
def test_on_its_day_a_case_sees_no_later_article_and_none_without_a_date(
    news: Archive, log: CallLog, system: System
) -> None:
    open_, dated = (ask(news, system, log, case(as_of=day)) for day in (None, BEFORE_CORRECTION))
    assert open_.hits is not None
    assert {hit.article.source.rpartition("/")[2] for hit in open_.hits} >= {"ports.md", "corrected.md", "undated.md"}
    assert dated.hits
    assert {hit.article.source.rpartition("/")[2] for hit in dated.hits} <= {"ports.md", "trams.md"}
    if dated.answer:
        assert dated.answer.searched.articles == 2
        quotes = [citation.quote for citation in (*dated.answer.citations, *dated.answer.nearest)]
        assert all(quote.article.published <= BEFORE_CORRECTION for quote in quotes)


def test_on_its_day_a_case_is_asked_its_turns_too(news: Archive, log: CallLog) -> None:
    chat = ScriptedChat(["5,400 [1].", "How many ships of Hest?", "5,400 [1]."])
    ask(news, "full", log, case("and?", turns=(SHIPS,), as_of=BEFORE_CORRECTION), model=chat)
    for call in (0, 2):
        assert not {ASHORE, NEWS[2][2]} & set(shown(chat, call))


def test_the_oracle_does_not_show_evidence_that_is_hidden_on_the_day(news: Archive, log: CallLog) -> None:
    evidence = [Evidence("corrected.md", ASHORE), Evidence("undated.md", NEWS[2][2]), Evidence("ports.md", HEST)]
    chat = ScriptedChat(["So [1]."])
    ask(news, "oracle", log, case(evidence=evidence, as_of=BEFORE_CORRECTION), model=chat)
    assert shown(chat) == [HEST]
    hidden = ask(news, "oracle", log, case(evidence=evidence[:2], as_of=BEFORE_CORRECTION), model=chat)
    assert (hidden.answer, hidden.failure) == (None, None)


def test_evidence_is_visible_up_to_the_day_of_the_case(news: Archive) -> None:
    def visible(day: date | None) -> list[str]:
        evidence = [Evidence(name) for name, _, _ in NEWS]
        asked = case(evidence=evidence, as_of=day, retrieval_only=True)
        found: list[FoundEvidence] = visible_evidence(asked, find_evidence(asked, news.articles()))
        return [quote.article.source.rpartition("/")[2] for quote, _ in found]

    assert visible(None) == ["ports.md", "corrected.md", "undated.md", "trams.md"]
    assert visible(date(2032, 1, 15)) == ["ports.md", "trams.md"]
    assert visible(date(2032, 1, 14)) == ["trams.md"]


# the fence


def test_the_fence_in_a_prompt_follows_from_seed_case_and_repeat(news: Archive, tmp_path: Path) -> None:
    def fence(name: str, *, id_: str = "c-1", seed: int = 0, repeat: int = 1, system: System = "full") -> str:
        chat = ScriptedChat(["So [1]."])
        with closing(CallLog(tmp_path / name)) as log:
            asked = case(id_=id_, evidence=[Evidence("ports.md", HEST)])
            ask(news, system, log, asked, model=chat, seed=seed, repeat=repeat)
        return fence_of(chat)

    usual = fence("1")
    assert re.fullmatch("[0-9a-f]{16}", usual)
    assert fence("2") == fence("3", system="oracle") == usual
    others = [fence("4", id_="c-2"), fence("5", seed=1), fence("6", repeat=2), fence("7", id_="c-1:1")]
    assert len({usual, *others}) == 5


def test_two_runs_with_one_seed_ask_a_model_the_very_same(news: Archive, tmp_path: Path) -> None:
    calls = []
    for run in ("a", "b"):
        chat = ScriptedChat(["5,400 [1].", "How many ships of Hest?", "5,400 [1]."])
        with closing(CallLog(tmp_path / run)) as log:
            ask(news, "full", log, case("and?", turns=(SHIPS,)), model=chat, seed=7)
        calls.append(chat.calls)
    assert calls[0] == calls[1]
    assert len(calls[0]) == 3


# names


def test_every_system_has_a_name_that_is_known_and_another_gets_the_nearest() -> None:
    assert [check_system(name) for name in SYSTEMS] == list(SYSTEMS)
    assert len(SYSTEMS) == 8
    with pytest.raises(UsageError, match=r"No system 'orakel'\. Did you mean 'oracle'\? Known: full, retrieval,"):
        check_system("orakel")
    with pytest.raises(UsageError, match="No system ''"):
        check_system("")


@pytest.mark.parametrize("system", SYSTEMS)
def test_the_prompts_of_a_system_are_those_that_its_model_is_asked_by(news: Archive, system: System) -> None:
    names = [prompt.name for prompt in bench_prompts(system, news)]
    splits = ["decompose"] if system in ("full", "bm25") else []
    assert names == ["closed_book" if system == "closed-book" else "answer", "follow_up", *splits]


@pytest.mark.parametrize("system", SYSTEMS)
def test_only_systems_that_write_have_a_model(news: Archive, log: CallLog, system: System) -> None:
    with closing(set_up(news, system, log, ScriptedChat([], name="tiny"))) as bench:
        writes = system in ("full", "oracle", "closed-book", "bm25")
        assert (bench.model_name, bench.chat(1) is not None) == (("tiny", True) if writes else (None, False))


def test_an_archive_without_articles_cannot_be_judged(tmp_path: Path, log: CallLog) -> None:
    with (
        qa.open(tmp_path / "none", embedder=HashingEmbedder()) as archive,
        pytest.raises(WorkspaceError, match="No articles in"),
    ):
        set_up(archive, "full", log)
