"""Groups with the wrong sentences that the program itself would read: `mined.py OUT --prepared DATA/train.jsonl`.

Of all stories an archive is made and asked the questions of those that are not kept out. Beside the sentence that is
meant stand some of the fourteen that rules rank highest, most of them of other articles. Left out are those that hold
the answer's words, and, where nothing answers, other articles of the same story, which may.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
from collections.abc import Iterator
from pathlib import Path

from groups import Choice, Group
from prepare import write
from stories import STORIES, holds_said, is_kept_out, mix_in

import qa
from qa.articles import Filters, make_quote
from qa.extract import Candidate, read_candidates
from qa.question import read_question
from qa.read import make_excerpts
from qa.retrieve import Retriever
from qa.split import find_sentences

HITS = 20  # as `qa.answer.READ_HITS`
BEST = 14
WRONG = 5  # of these, beside the sentence that is meant


def main() -> None:
    """Write train.jsonl."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("out", type=Path)
    parser.add_argument("--prepared", type=Path, required=True, help="train.jsonl of prepare.py, not to be forgotten")
    parser.add_argument("--again", type=int, default=1_500, help="groups of that, from its end")
    parser.add_argument("--seed", type=int, default=12)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / "train.jsonl"
    write(path, mine(read_rows(), random.Random(options.seed)))
    mix_in(path, options.prepared, last=options.again, seed=options.seed)


def read_rows() -> list[dict]:
    """All articles of the stories, with their questions."""
    lines = (line for path in sorted(STORIES.glob("*.jsonl")) for line in path.read_text("utf-8").splitlines())
    return [json.loads(line) for line in lines]


def mine(rows: list[dict], pick: random.Random) -> Iterator[Group]:
    """A group for each question of the stories that are not kept out."""
    story_of = {row["title"]: row.get("story", row["id"]) for row in rows}
    with tempfile.TemporaryDirectory() as folder, open_stories(rows, Path(folder)) as archive:
        retriever = Retriever(archive.store, archive.recipe, archive.embedder)
        articles = {article.title: article for article in archive.articles()}
        for row in rows:
            if is_kept_out(story_of[row["title"]]):
                continue
            for question in row["questions"]:
                asked = read_question(question["question"])
                hits = retriever.search(asked.text, limit=HITS, filters=Filters())
                ranked = read_candidates(asked, hits, weigh=retriever.term_weight)[:BEST]
                group = make_group(row, question, articles[row["title"]], ranked, story_of, pick)
                if group:
                    yield group
        retriever.close()


def open_stories(rows: list[dict], folder: Path) -> qa.Archive:
    """An archive of articles, in a folder that may be thrown away."""
    file = folder / "stories.jsonl"
    kept = ({key: row[key] for key in ("id", "title", "text", "published") if row[key]} for row in rows)
    file.write_text("\n".join(json.dumps(row) for row in kept) + "\n", encoding="utf-8")
    archive = qa.open(folder / "workspace")
    archive.add(file)
    return archive


def make_group(
    row: dict,
    question: dict,
    article: qa.Article,
    ranked: list[Candidate],
    story_of: dict[str, str],
    pick: random.Random,
) -> Group | None:
    """The sentence that is meant with some wrong ones; None where it is cut otherwise, or is the title."""
    answer, said = question["answer"] or "", question.get("sentence") or question.get("near") or ""
    spans = [s for s in find_sentences(article.text, language="en") if holds_said(article.text[slice(*s)], said)]
    span = next((s for s in spans if answer in article.text[slice(*s)]), None)
    if span is None:
        return None
    meant = make_quote(article, *span)
    sisters = {title for title, story in story_of.items() if story == story_of[row["title"]] and title != row["title"]}
    wrong = [
        candidate.quote
        for candidate in ranked
        if candidate.quote != meant
        and not (answer and answer in candidate.quote.text)
        and (answer or candidate.quote.article.title not in sisters)
    ]
    wrong = pick.sample(wrong, min(WRONG, len(wrong)))
    start = meant.text.find(answer) if answer else 0
    first, *others = make_excerpts([meant, *wrong])
    choices = [Choice(first, bool(answer), start, start + len(answer)), *map(Choice, others)]
    return Group(
        "mined" if answer else "mined, near miss", question["question"], tuple(pick.sample(choices, len(choices)))
    )


if __name__ == "__main__":
    main()
