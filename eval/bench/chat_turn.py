"""What a turn of the terminal chat costs without a model, from Enter to the whole answer: milliseconds of CPU, warm.

    python eval/bench/chat_turn.py --news FOLDER [--workspace DIR] [--limit N]

`--news` names a folder in the form of RealTimeQA (`articles.jsonl.gz`, `questions.jsonl`), which is indexed in DIR, or
where none is named in a temporary one. Each question is taken as by the terminal: asked, laid out and wrapped for 80
columns, kept in the file of chats. The first three turns, in which models and indexes are loaded, are not counted. CPU
is that of all threads; embedding the articles, which comes before, is no part of it.
"""

from __future__ import annotations

import argparse
import io
import os
import tempfile
import time
from pathlib import Path

from disagreement import open_archive, read_news

from qa.archive import Archive
from qa.talk import Talk
from qa.terminal import Screen

WARM_UP = 3  # turns


class Terminal(io.StringIO):
    """A terminal that keeps what is written."""

    def isatty(self) -> bool:
        return True


def main() -> None:
    """Ask, measure, print the mean and percentiles."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--news", type=Path, required=True)
    parser.add_argument("--workspace", type=Path)
    parser.add_argument("--limit", type=int)
    options = parser.parse_args()
    questions = [question for _, question, _ in read_news(options.news)][: options.limit]
    with tempfile.TemporaryDirectory() as folder:
        archive = open_archive(options.workspace or Path(folder), options.news)
        costs = sorted(measure(archive, questions)[WARM_UP:])
        print(f"{options.news.name}: {archive.status().articles:,} articles, {len(costs)} turns, CPU of each in ms")
    print(
        f"mean {sum(costs) / len(costs):.0f}, " + ", ".join(f"p{p} {percentile(costs, p):.0f}" for p in (50, 95, 100))
    )


def measure(archive: Archive, questions: list[str]) -> list[float]:
    """Milliseconds of CPU for each turn of one chat."""
    os.environ |= {"TERM": "xterm-256color", "COLUMNS": "80"}
    talk = Talk(archive, Screen(Terminal()), is_kept=True)
    talk.conversation.model = None
    talk.is_raw = True  # the questions do not follow up on each other
    costs = []
    for question in questions:
        start = time.process_time()
        talk.ask(question)
        costs.append((time.process_time() - start) * 1000)
    talk.close()
    return costs


def percentile(ordered: list[float], share: int) -> float:
    """The lowest value that at least this share, in per cent, of the values do not exceed."""
    return ordered[max(0, -(-len(ordered) * share // 100) - 1)]


if __name__ == "__main__":
    main()
