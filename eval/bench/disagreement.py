"""How often answers come with a notice that sources disagree, and every such notice, to be read.

    python eval/bench/disagreement.py [--split dev|test]
    python eval/bench/disagreement.py --news FOLDER [--workspace DIR]

Without an option, the suites `sample` and `newswire` are asked without a model. `--news` names a folder in the form of
RealTimeQA (`articles.jsonl.gz`, `questions.jsonl`), which is indexed in DIR, or where none is named in a temporary one.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import qa
from qa.answer import READ_HITS, answer_from, count_searched, last_answer
from qa.archive import Archive
from qa.articles import Filters
from qa.disagreement import find_disagreement
from qa.extract import read_candidates
from qa.plan import make_plan
from qa.question import read_question
from qa.suite import load_suite
from qa.workspace import find_workspace

ROOT = Path(__file__).parents[2]
ARCHIVES = {"sample": ROOT / "index" / "articles", "newswire": ROOT / "eval" / "archives" / "newswire"}
Question = tuple[str, str, date | None]  # kind, question, the day it is asked


def main() -> None:
    """Ask, count, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--split", choices=("dev", "test"))
    parser.add_argument("--news", type=Path)
    parser.add_argument("--workspace", type=Path)
    options = parser.parse_args()
    if options.news:
        with tempfile.TemporaryDirectory() as folder:
            report(
                options.news.name,
                open_archive(options.workspace or Path(folder), options.news),
                read_news(options.news),
            )
        return
    for name, articles in ARCHIVES.items():
        cases = load_suite(name, find_workspace(ROOT, ROOT)).cases
        asked = [
            (c.kind, c.question, c.as_of)
            for c in cases
            if (options.split or c.split) in (None, c.split) and not c.turns
        ]
        with tempfile.TemporaryDirectory() as folder:
            report(name, open_archive(Path(folder), articles), asked)


def open_archive(workspace: Path, articles: Path) -> Archive:
    """An archive of these articles; one that holds articles already is taken as it is."""
    archive = qa.open(workspace)
    if not archive.articles():
        archive.add(articles / "articles.jsonl.gz" if (articles / "articles.jsonl.gz").exists() else articles)
    return archive


def read_news(folder: Path) -> list[Question]:
    """The questions of a folder, all asked of the whole archive."""
    lines = (folder / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    return [("news", json.loads(line)["question"], None) for line in lines]


def report(name: str, archive: Archive, questions: Sequence[Question]) -> None:
    """Ask every question without a model; print how many notices there are, each of them, and what they cost."""
    desk = archive.desk()
    kinds: Counter[str] = Counter()
    noticed: Counter[str] = Counter()
    lines = []
    seconds = 0.0
    for kind, question, as_of in questions:
        plan = make_plan(question, Filters(as_of=as_of), desk.today)
        hits = plan.search(desk.retriever, limit=READ_HITS)
        answer = last_answer(answer_from(question, desk, count_searched(desk, plan), hits, None, started=0.0))
        if answer.status == "abstained":
            continue
        kinds[kind] += 1
        candidates = read_candidates(read_question(question, as_of), hits, weigh=desk.retriever.term_weight)
        started = time.process_time()
        find_disagreement(question, [answer.citations[0].quote], candidates, hits, span=answer.short_span)
        seconds += time.process_time() - started
        found = [notice for notice in answer.notices if notice.startswith("Sources disagree")]
        noticed[kind] += bool(found)
        lines += [f"\n[{kind}] {question} · {answer.short}\n  {notice}" for notice in found]
    print(f"\n## {name}: {noticed.total()} notices on {kinds.total()} answers to {len(questions)} questions", end="")
    print(f"; {1000 * seconds / max(1, kinds.total()):.1f} ms of CPU an answer beyond reading")
    print("\n".join(f"{kind}: {noticed[kind]} of {count}" for kind, count in kinds.items()))
    print("\n".join(lines))
    archive.close()


if __name__ == "__main__":
    main()
