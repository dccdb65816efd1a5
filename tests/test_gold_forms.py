from __future__ import annotations

import gzip
import json
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from qa.articles import Article
from qa.errors import ContentError
from qa.gold import Case, check_evidence, find_evidence
from qa.gold_forms import FORMATS
from qa.gold_import import Imported, import_gold
from qa.metrics import Gold
from qa.sources import read_sources
from qa.suite import Suite, load_suite
from qa.workspace import Workspace

SHARED = Path(__file__).parent.parent.parent / "shared"
XQUAD = SHARED / "training/xquad_en_half.json"
REALTIMEQA = SHARED / "bench/realtimeqa-2024-01"


def run(form: str, source: Path) -> tuple[Imported, Suite, list[Article]]:
    """The data set imported, its suite loaded and its articles read; whose evidence stands."""
    imported = import_gold(form, source, source.parent / "imported", name="made")
    suite = load_suite(imported.suite, Workspace(source.parent, "named"))
    assert suite.archive is not None
    articles = list(read_sources([suite.archive], root=suite.archive.parent))
    assert all(isinstance(article, Article) for article in articles)
    kept = [article for article in articles if isinstance(article, Article)]
    assert check_evidence(suite.cases, kept, suite.gold) == []
    assert (imported.articles, imported.cases) == (len(kept), len(suite.cases))
    return imported, suite, kept


def places(imported: Imported, source: Path) -> list[tuple[str, str]]:
    """What was skipped, each place without the folder of the data set."""
    return [(place.removeprefix(f"{source}").lstrip("/"), reason) for place, reason in imported.skipped]


def write_lines(file: Path, *entries: Mapping[str, Any] | str) -> None:
    lines = [entry if isinstance(entry, str) else json.dumps(entry) for entry in entries]
    file.parent.mkdir(parents=True, exist_ok=True)
    raw = "".join(f"{line}\n" for line in lines).encode()
    file.write_bytes(gzip.compress(raw) if file.name.endswith(".gz") else raw)


def quotes(case: Case, articles: Sequence[Article]) -> list[tuple[str, int]]:
    return [(found.quote.text, found.quote.start) for found in find_evidence(case, articles)]


def test_a_format_is_known_by_each_of_these_names() -> None:
    assert list(FORMATS) == ["squad", "beir", "realtimeqa", "multihop-rag"]


# SQuAD

BREAD = "Mr. Lee paid $3 in May. The bread was stale.\r\nCafe\u0301 Bo sold it, and Ann ate it."


def squad(*questions: Mapping[str, Any], context: object = BREAD) -> dict[str, Any]:
    return {"data": [{"title": "Bread_in_Brenn", "paragraphs": [{"context": context, "qas": list(questions)}]}]}


def question(id_: str, *answers: tuple[str, int], **rest: Any) -> dict[str, Any]:
    texts = [{"text": text, "answer_start": start} for text, start in answers]
    return {"id": id_, "question": f"What of {id_}?", "answers": texts, **rest}


def at(text: str) -> tuple[str, int]:
    return text, BREAD.index(text)


def test_a_paragraph_of_squad_becomes_an_article_and_the_sentence_of_an_answer_its_evidence(tmp_path: Path) -> None:
    write_lines(tmp_path / "dev.json", squad(question("a", at("$3"), at("paid $3"), at("$3"))))
    imported, suite, (article,) = run("squad", tmp_path / "dev.json")
    (case,) = suite.cases
    assert (article.title, article.source) == ("Bread in Brenn", "articles.jsonl#Bread-in-Brenn-1")
    assert article.text == "Mr. Lee paid $3 in May. The bread was stale.\nCafé Bo sold it, and Ann ate it."
    assert (case.id, case.question, case.gold) == ("a", "What of a?", Gold(("$3", "paid $3")))
    assert quotes(case, [article]) == [("Mr. Lee paid $3 in May.", 0)]
    assert case.evidence[0].start == 0
    assert imported.skipped == ()


def test_offsets_of_squad_are_moved_where_the_text_is_normalised(tmp_path: Path) -> None:
    write_lines(tmp_path / "dev.json", squad(question("a", at("Ann")), question("b", at("Cafe\u0301 Bo"))))
    _, suite, articles = run("squad", tmp_path / "dev.json")
    sentence = "Café Bo sold it, and Ann ate it."
    assert [quotes(case, articles) for case in suite.cases] == [[(sentence, articles[0].text.index(sentence))]] * 2
    assert suite.cases[1].gold == Gold(("Café Bo",))


def test_an_answer_of_squad_over_two_sentences_has_both_as_its_evidence(tmp_path: Path) -> None:
    write_lines(tmp_path / "dev.json", squad(question("a", at("May. The bread"))))
    _, suite, articles = run("squad", tmp_path / "dev.json")
    assert quotes(suite.cases[0], articles) == [("Mr. Lee paid $3 in May. The bread was stale.", 0)]


def test_an_impossible_question_of_squad_2_is_not_answerable(tmp_path: Path) -> None:
    impossible = question("b", is_impossible=True, plausible_answers=[{"text": "$3", "answer_start": 13}])
    write_lines(tmp_path / "dev.json", squad(question("a", at("$3"), is_impossible=False), impossible))
    _, suite, _ = run("squad", tmp_path / "dev.json")
    assert [(case.answerable, case.gold) for case in suite.cases] == [(True, Gold(("$3",))), (False, Gold())]


def test_what_cannot_be_used_of_squad_is_passed_over_with_its_place(tmp_path: Path) -> None:
    questions = (
        question("a", ("$4", 13), at("$3")),
        question("b", ("$3", 99)),
        question("c", ("$3", -7)),
        {"id": "d", "question": "What of d?"},
        {"question": "?", "answers": [{"text": "$3", "answer_start": 13}]},
        "no question",
        question("a", at("bread")),
        question("e", at("bread"), question="?!"),
        question("f", at("bread"), question="why " * 600),
    )
    source = tmp_path / "dev.json"
    whole = squad(*questions)  # type: ignore[arg-type]
    whole["data"] += [{"paragraphs": [{"context": " ", "qas": []}, 3]}, {"title": "Empty"}]
    write_lines(source, whole)
    imported, suite, articles = run("squad", source)
    assert [(case.id, case.gold) for case in suite.cases] == [("a", Gold(("$3",)))]
    assert len(articles) == 1
    here, missing = (
        ": data[0].paragraphs[0].qas",
        "a question with \"answerable\": true needs either 'answers' or 'all_of'",
    )
    assert places(imported, source) == [
        (f"{here}[0]", "the answer “$4” does not stand at its answer_start, 13"),
        (f"{here}[1]", "the answer “$3” does not stand at its answer_start, 99"),
        (f"{here}[1]", missing),
        (f"{here}[2]", "the answer “$3” does not stand at its answer_start, -7"),
        (f"{here}[2]", missing),
        (f"{here}[3].answers", "not a list"),
        (f"{here}[3]", missing),
        (f"{here}[4]", "'id' must be text, not \"\""),
        (f"{here}[5].answers", "not a list"),
        (f"{here}[5]", "'id' must be text, not \"\""),
        (f"{here}[6]", "a second question with the id 'a'"),
        (f"{here}[7]", "a question without words"),
        (f"{here}[8]", "its question has 2,400 characters; at most 2,000 are read"),
        (": data[1].paragraphs[0]", "an article without text"),
        (": data[1].paragraphs[1]", "an article without text"),
        (": data[2].paragraphs", "not a list"),
    ]


def test_squad_may_be_compressed(tmp_path: Path) -> None:
    write_lines(tmp_path / "dev.json.gz", squad(question("a", at("$3"))))
    assert run("squad", tmp_path / "dev.json.gz")[0].cases == 1


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (b'{"data":\n oh}', r"dev\.json:2: not valid JSON: Expecting value at column 2\.$"),
        (b"[" * 100_000, r"dev\.json: not JSON that can be read: "),
        (b"\xff{}", r"dev\.json is not UTF-8 text\.$"),
        (b"[]", r"dev\.json holds no article that can be read as squad\. \S*dev\.json\.data: not a list\.$"),
        (b'{"data": []}', r"dev\.json holds no article that can be read as squad\.$"),
    ],
)
def test_a_file_that_is_no_squad_is_an_error(tmp_path: Path, raw: bytes, problem: str) -> None:
    (tmp_path / "dev.json").write_bytes(raw)
    with pytest.raises(ContentError, match=problem):
        import_gold("squad", tmp_path / "dev.json", tmp_path / "imported")


@pytest.mark.skipif(not XQUAD.exists(), reason="needs ../shared")
def test_real_paragraphs_and_questions_are_read_without_loss(tmp_path: Path) -> None:
    (tmp_path / "xquad.json").symlink_to(XQUAD)
    imported, suite, _ = run("squad", tmp_path / "xquad.json")
    assert imported.skipped == ()
    assert len(suite.cases) > 500
    assert all(case.evidence for case in suite.cases)


# BEIR


def write_beir(folder: Path, *qrels: str, name: str = "test.tsv", packed: str = "") -> Path:
    corpus = (
        {"_id": "d1", "title": "Bread", "text": "Ann paid $3 for bread. It was stale."},
        {"_id": "d2", "title": "Wine", "text": "Bo drank wine."},
        {"_id": "d/3", "title": "Only a title", "text": ""},
    )
    queries = ({"_id": "q1", "text": "price of bread"}, {"_id": "q2", "text": "wine"}, {"_id": "q3", "text": "tea"})
    write_lines(folder / f"corpus.jsonl{packed}", *corpus)
    write_lines(folder / f"queries.jsonl{packed}", *queries)
    write_lines(folder / f"qrels/{name}{packed}", "query-id\tcorpus-id\tscore", *qrels)
    return folder


def test_a_judgement_of_beir_makes_the_whole_article_relevant_and_asks_for_no_answer(tmp_path: Path) -> None:
    source = write_beir(tmp_path / "nf", "q1\td1\t1", "q1\td2\t0", "q2\td2\t2", "q2\td/3\t1")
    imported, suite, articles = run("beir", source)
    assert imported.skipped == ()
    assert [(case.id, case.question, case.split) for case in suite.cases] == [
        ("q1", "price of bread", "test"),
        ("q2", "wine", "test"),
    ]
    assert all(case.retrieval_only and case.answerable and case.gold == Gold() for case in suite.cases)
    assert quotes(suite.cases[0], articles) == [("Ann paid $3 for bread. It was stale.", 0)]
    assert [text for text, _ in quotes(suite.cases[1], articles)] == ["Bo drank wine.", "Only a title"]
    assert [article.title for article in articles] == ["Bread", "Wine", "Only a title"]


def test_files_of_beir_may_be_compressed(tmp_path: Path) -> None:
    imported, suite, _ = run("beir", write_beir(tmp_path / "nf", "q1\td1\t1", packed=".gz"))
    assert (imported.articles, imported.cases, suite.cases[0].split) == (3, 1, "test")


def test_the_judgements_of_the_test_are_read_or_else_the_only_ones(tmp_path: Path) -> None:
    source = write_beir(tmp_path / "one", "q1\td1\t1", name="dev.tsv")
    assert run("beir", source)[1].cases[0].split == "dev"
    write_beir(tmp_path / "two" / "x", "q2\td2\t1", name="dev.tsv")
    source = write_beir(tmp_path / "two" / "x", "q1\td1\t1")
    assert [(case.id, case.split) for case in run("beir", source)[1].cases] == [("q1", "test")]


@pytest.mark.parametrize(
    ("names", "problem"),
    [
        (
            ("dev.tsv", "train.tsv"),
            r"qrels holds dev\.tsv, train\.tsv: name the one to read test\.tsv, or leave it alone",
        ),
        ((), r"qrels holds no \.tsv file\.$"),
    ],
)
def test_judgements_that_leave_a_choice_or_none_are_an_error(
    tmp_path: Path, names: Sequence[str], problem: str
) -> None:
    source = write_beir(tmp_path / "nf", "q1\td1\t1", name="README")
    for name in names:
        write_beir(source, "q1\td1\t1", name=name)
    with pytest.raises(ContentError, match=problem):
        import_gold("beir", source, tmp_path / "imported")


def test_what_cannot_be_used_of_beir_is_passed_over_with_file_and_line(tmp_path: Path) -> None:
    source = write_beir(
        tmp_path / "nf", "q1\td9\t1", "q1\td1\t1", "q2\td9\t1", "q1 d1 1", "q1\td1\tyes", "", "q8\td1\t1"
    )
    with (source / "corpus.jsonl").open("a") as corpus:
        corpus.write('{"_id": "d1", "text": "Again."}\n{"_id": "d4"}\n{"text": "Nameless."}\n\n{"_id": \n[1]\n')
    imported, suite, _ = run("beir", source)
    assert [case.id for case in suite.cases] == ["q1"]
    assert places(imported, source) == [
        ("qrels/test.tsv:5", "not a question's id, an article's id and a whole number, with tabs between them"),
        ("qrels/test.tsv:6", "not a question's id, an article's id and a whole number, with tabs between them"),
        ("corpus.jsonl:4", "a second article with the id 'd1'"),
        ("corpus.jsonl:5", "an article without text"),
        ("corpus.jsonl:6", "an article without an id"),
        ("corpus.jsonl:8", "not valid JSON: Expecting value: line 2 column 1 (char 9)"),
        ("corpus.jsonl:9", "not a JSON object"),
        ("qrels/test.tsv:2", "no article 'd9' was read from the corpus"),
        ("qrels/test.tsv:4", "no article 'd9' was read from the corpus"),
        ("qrels/test.tsv:8", "no question 'q8' in the queries"),
    ]


@pytest.mark.parametrize("name", ["corpus.jsonl", "queries.jsonl", "qrels"])
def test_a_part_of_a_data_set_that_is_missing_is_named(tmp_path: Path, name: str) -> None:
    source = write_beir(tmp_path / "nf", "q1\td1\t1")
    (source / name).rename(source / "elsewhere")
    with pytest.raises(ContentError, match=rf"/nf holds no {name}: it must be the folder of the data set"):
        import_gold("beir", source, tmp_path / "imported")


def test_a_compressed_file_that_is_cut_is_an_error(tmp_path: Path) -> None:
    source = write_beir(tmp_path / "nf", "q1\td1\t1", packed=".gz")
    raw = (source / "corpus.jsonl.gz").read_bytes()
    (source / "corpus.jsonl.gz").write_bytes(raw[:-9])
    with pytest.raises(ContentError, match=r"corpus\.jsonl\.gz cannot be read: "):
        import_gold("beir", source, tmp_path / "imported")
    (source / "corpus.jsonl.gz").write_bytes(b"no gzip")
    with pytest.raises(ContentError, match=r"corpus\.jsonl\.gz cannot be read: "):
        import_gold("beir", source, tmp_path / "imported")


# RealTimeQA


def write_realtimeqa(folder: Path, *questions: Mapping[str, Any]) -> Path:
    article = {"id": "5f", "url": "https://example.org/a", "title": "Bread", "author": "Cy", "published": "2031-05-01"}
    write_lines(
        folder / "articles.jsonl.gz", {**article, "text": "Ann paid $3 to Bo."}, {"id": "60", "text": "Undated."}
    )
    write_lines(folder / "questions.jsonl", *questions)
    return folder


def test_a_question_of_realtimeqa_asks_for_all_its_answers_on_its_day(tmp_path: Path) -> None:
    known = {"question": "Who met?", "answers": ["Ann", "Bo"], "choices": ["x"], "as_of": "2031-05-02"}
    source = write_realtimeqa(
        tmp_path / "week",
        {**known, "id": "20310502_0", "answerable": True},
        {**known, "id": "20310502_1", "answerable": False},
    )
    imported, suite, articles = run("realtimeqa", source)
    assert imported.skipped == ()
    assert suite.cases == (
        Case("20310502_0", "Who met?", Gold(all_of=(("Ann",), ("Bo",))), (), True, "fact", as_of=date(2031, 5, 2)),
        Case("20310502_1", "Who met?", Gold(), (), False, "fact", as_of=date(2031, 5, 2)),
    )
    assert (articles[0].published, articles[0].author, articles[0].url) == (
        date(2031, 5, 1),
        "Cy",
        "https://example.org/a",
    )
    assert articles[1].published is None


def test_what_cannot_be_used_of_realtimeqa_is_passed_over_with_file_and_line(tmp_path: Path) -> None:
    right = {"id": "a", "question": "Who?", "answers": ["Ann"], "answerable": True, "as_of": "2031-05-02"}
    source = write_realtimeqa(
        tmp_path / "week", right, {**right, "id": "b", "as_of": "May"}, {**right, "id": "c", "answers": []}
    )
    imported, suite, _ = run("realtimeqa", source)
    assert [case.id for case in suite.cases] == ["a"]
    assert places(imported, source) == [
        ("questions.jsonl:2", "'as_of' must be a day such as 2022-07-05, not 'May'"),
        ("questions.jsonl:3", "a question with \"answerable\": true needs either 'answers' or 'all_of'"),
    ]


@pytest.mark.skipif(not REALTIMEQA.exists(), reason="needs ../shared")
def test_a_real_month_of_news_and_questions_is_read_without_loss(tmp_path: Path) -> None:
    (tmp_path / "month").symlink_to(REALTIMEQA)
    imported, suite, articles = run("realtimeqa", tmp_path / "month")
    assert imported.skipped == ()
    assert (len(articles), len(suite.cases), sum(case.answerable for case in suite.cases)) == (828, 120, 54)


# MultiHop-RAG


def write_multihop(folder: Path, *questions: Mapping[str, Any]) -> Path:
    first = {"title": "Bread", "author": "Cy", "source": "The Courier", "published_at": "2031-05-01T20:00:00+00:00"}
    corpus = [
        {
            **first,
            "category": "food",
            "url": "https://example.org/a/1",
            "body": "Ann paid $3.\n\nBo  sold\nbread. Twice.",
        },
        {"title": "Wine", "source": "The Herald", "url": "https://example.org/b/1", "body": "Bo drank wine."},
    ]
    folder.mkdir()
    (folder / "corpus.json").write_text(json.dumps(corpus))
    (folder / "MultiHopRAG.json").write_text(json.dumps(list(questions)))
    return folder


def fact(text: str, **rest: str) -> dict[str, str]:
    return {"fact": text, "url": "https://example.org/a/1", "title": "Bread", **rest}


def multihop(kind: str, answer: str, *facts: Mapping[str, str]) -> dict[str, Any]:
    return {"query": f"A {kind}?", "answer": answer, "question_type": kind, "evidence_list": list(facts)}


def test_each_fact_of_multihop_rag_is_a_part_of_its_own(tmp_path: Path) -> None:
    wine = fact("Bo drank wine.", url="https://example.org/gone", title="Wine")
    source = write_multihop(tmp_path / "rag", multihop("inference_query", "Bo", fact("Bo sold bread."), wine))
    imported, suite, articles = run("multihop-rag", source)
    (case,) = suite.cases
    assert imported.skipped == ()
    assert (case.id, case.question, case.kind, case.tags) == (
        "multihop-0001",
        "A inference_query?",
        "multi_hop",
        ("inference_query",),
    )
    assert case.gold == Gold(("Bo",))
    assert [(evidence.quote, evidence.part) for evidence in case.evidence] == [
        ("Bo  sold\nbread.", 1),  # as it stands, though the fact has other white space
        ("Bo drank wine.", 2),
    ]
    assert [(a.title, a.publisher, a.author, a.published) for a in articles] == [
        ("Bread", "The Courier", "Cy", date(2031, 5, 1)),
        ("Wine", "The Herald", None, None),
    ]
    assert articles[0].url == "https://example.org/a/1"


def test_each_question_type_of_multihop_rag_has_its_kind(tmp_path: Path) -> None:
    source = write_multihop(
        tmp_path / "rag",
        multihop("inference_query", "Bo", fact("Bo sold bread.")),
        multihop("comparison_query", "Yes", fact("Bo sold bread.")),
        multihop("temporal_query", "before", fact("Bo sold bread.")),
        multihop("null_query", "Insufficient information."),
    )
    _, suite, _ = run("multihop-rag", source)
    assert [(case.kind, case.answerable) for case in suite.cases] == [
        ("multi_hop", True),
        ("comparison", True),
        ("temporal", True),
        ("near_miss", False),
    ]


def test_what_cannot_be_used_of_multihop_rag_is_passed_over_and_the_question_keeps_the_rest(tmp_path: Path) -> None:
    source = write_multihop(
        tmp_path / "rag",
        multihop(
            "inference_query", "Bo", fact("Bo sold cake."), fact(""), fact("Bo?", url="", title=""), fact("Twice.")
        ),
        multihop("chat_query", "Bo"),
        multihop("null_query", "Bo"),
        multihop("temporal_query", "Insufficient information."),
        {"query": "Why?", "answer": "So", "question_type": "inference_query"},
        multihop("inference_query", ""),
    )
    imported, suite, _ = run("multihop-rag", source)
    assert [(case.id, [(item.quote, item.part) for item in case.evidence]) for case in suite.cases] == [
        ("multihop-0001", [("Twice.", 1)]),
        ("multihop-0005", []),
    ]
    file = "MultiHopRAG.json: "
    name = "https-example.org-a-1"
    assert places(imported, source) == [
        (f"{file}[0].evidence_list[0]", f"the fact “Bo sold cake.” does not stand in {name}"),
        (f"{file}[0].evidence_list[1]", f"the fact “” does not stand in {name}"),
        (f"{file}[0].evidence_list[2]", "no article with its url or title was read"),
        (f"{file}[1]", "no question_type that is known: 'chat_query'"),
        (f"{file}[2]", "its question_type 'null_query' and its answer 'Bo' do not agree"),
        (f"{file}[3]", "its question_type 'temporal_query' and its answer 'Insufficient information.' do not agree"),
        (f"{file}[4].evidence_list", "not a list"),
        (f"{file}[5]", "'answers' must be text, not \"\""),
    ]
