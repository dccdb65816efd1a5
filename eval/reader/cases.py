"""Questions with what was found for them: XQuAD's articles that were kept out, the suites, the bench sets."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path

from documents import keeps_out_xquad, read_xquad

import qa
from qa.articles import Article, Filters, Passage, hash_text
from qa.gold import Case
from qa.keywords import analyze
from qa.metrics import answer_match, exact_match, token_f1
from qa.retrieve import Hit, Retriever
from qa.settings import Settings
from qa.suite import load_suite
from qa.suite_archive import open_suite_archive
from qa.testing import HashingEmbedder
from qa.text import bare_words
from qa.workspace import find_workspace

ROOT = Path(__file__).parents[2]
HITS = 10


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with the passages to answer it from; `holds` is whether a sentence gives the answer.

    `exact` and `f1` measure a short answer; they are None where the gold is not one text.
    """

    question: str
    hits: Sequence[Hit]
    answerable: bool
    gold: Sequence[str]
    holds: Callable[[str], bool]
    exact: Callable[[str], float] | None
    f1: Callable[[str], float] | None
    weigh: Callable[[str], float]
    as_of: date | None = None


def xquad_cases(path: Path) -> Iterator[Asked]:
    """Each question of the articles kept out with its own paragraph, and, unanswerable, with the paragraph after it."""
    _, kept_out = keeps_out_xquad(read_xquad(path))
    names = {document.id for document in kept_out}
    articles = [a for a in json.loads(path.read_text(encoding="utf-8"))["data"] if a["title"] in names]
    texts = [paragraph["context"] for article in articles for paragraph in article["paragraphs"]]
    weigh = _weigh_by(texts)
    for article in articles:
        title, paragraphs = article["title"].replace("_", " "), article["paragraphs"]
        for own, other in pairwise([*paragraphs, paragraphs[0]]):
            for pair in own["qas"]:
                answers = [answer["text"].rstrip(" .,") for answer in pair["answers"]]
                yield _with_answers(pair["question"], [_whole(own["context"], title)], answers, weigh)
                yield _unanswerable(pair["question"], [_whole(other["context"], title)], weigh)


def suite_cases(name: str) -> Iterator[Asked]:
    """The cases of a shipped suite that stand alone, with the product's ten passages."""
    workspace = find_workspace(ROOT, ROOT)
    suite = load_suite(name, workspace)
    with open_suite_archive(suite, workspace, settings=Settings()) as archive:
        retriever = Retriever(archive.store, archive.recipe, archive.embedder)
        for case in suite.cases:
            if not case.turns and not case.retrieval_only:
                hits = retriever.search(case.question, limit=HITS, filters=Filters(as_of=case.as_of))
                yield _of_suite(case, hits, retriever.term_weight)
        retriever.close()


def bench_cases(folder: Path, work: Path) -> Iterator[Asked]:
    """The answerable questions of a bench set with ten passages by BM25, as of the question's day."""
    with qa.open(work, embedder=HashingEmbedder()) as archive:
        if not archive.store.exists():
            archive.add(folder / "articles.jsonl.gz")
        retriever = Retriever(archive.store, archive.recipe, archive.embedder)
        for line in (folder / "questions.jsonl").read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            if row["answerable"]:
                yield _of_bench(row, retriever)
        retriever.close()


def _of_bench(row: dict, retriever: Retriever) -> Asked:
    as_of = date.fromisoformat(row["as_of"])
    filters = Filters(as_of=as_of)
    hits = retriever.search(row["question"], limit=HITS, filters=filters, indexes="words")
    golds = [bare_words(answer) for answer in row["answers"]]
    whole = [" and ".join(row["answers"])]
    return Asked(
        row["question"],
        hits,
        True,
        row["answers"],
        lambda text: all(f" {gold} " in f" {bare_words(text)} " for gold in golds),
        lambda short: exact_match(short, whole),
        lambda short: token_f1(short, whole),
        retriever.term_weight,
        as_of,
    )


def _of_suite(case: Case, hits: Sequence[Hit], weigh: Callable[[str], float]) -> Asked:
    if not case.answerable:
        return _unanswerable(case.question, hits, weigh, case.as_of)
    answers = case.gold.answers or tuple(" and ".join(part[0] for part in case.gold.all_of).split("\n"))
    quotes = [evidence.quote for evidence in case.evidence]
    return Asked(
        case.question,
        hits,
        True,
        answers,
        lambda text: any(quote in text or text in quote for quote in quotes),
        lambda short: answer_match(short, case.gold),
        (lambda short: token_f1(short, case.gold.answers)) if case.gold.answers else None,
        weigh,
        case.as_of,
    )


def _with_answers(question: str, hits: Sequence[Hit], answers: Sequence[str], weigh: Callable[[str], float]) -> Asked:
    golds = [bare_words(answer) for answer in answers]
    return Asked(
        question,
        hits,
        True,
        answers,
        lambda text: any(f" {gold} " in f" {bare_words(text)} " for gold in golds),
        lambda short: exact_match(short, answers),
        lambda short: token_f1(short, answers),
        weigh,
    )


def _unanswerable(
    question: str, hits: Sequence[Hit], weigh: Callable[[str], float], as_of: date | None = None
) -> Asked:
    return Asked(question, hits, False, (), lambda _: False, None, None, weigh, as_of)


def _whole(text: str, title: str) -> Hit:
    key = hash_text(text)
    article = Article(id=key[:12], title=title, text=text, source=key, sha256=key)
    return Hit(article, Passage(id=key[:16], article_id=article.id, start=0, end=len(text), text=text), 1.0)


def _weigh_by(texts: Sequence[str]) -> Callable[[str], float]:
    counts = Counter(term for text in texts for term in set(analyze(text)))
    total = len(texts)
    return lambda term: math.log(1 + (total - counts[term] + 0.5) / (counts[term] + 0.5))
