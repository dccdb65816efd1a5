"""A program of your own that answers from articles: its own model, its own progress, its own output.

    python examples/embed_in_a_program.py index/articles "What was 2021 trade turnover?"

No key, no server, no network. Replace `FirstSentence` by whatever asks your model.
"""

from __future__ import annotations

import logging
import sys
import tempfile
from collections.abc import Iterator, Sequence

import qa


class FirstSentence:
    """A chat model is a name and a method: this one repeats the first sentence of the first passage."""

    name = "first-sentence"

    def stream(self, messages: Sequence[qa.Message], *, max_tokens: int) -> Iterator[qa.ReplyPart]:
        """The reply, word by word."""
        first_passage = messages[-1].content.partition("\n[1] ")[2].partition("\n")[2]
        words = f"{first_passage.partition('. ')[0]} [1].".split()[:max_tokens]
        yield from (qa.ReplyPart(f"{word} ") for word in words)
        yield qa.ReplyPart(usage=qa.Usage(output_tokens=len(words)))


def show_progress(progress: qa.Progress) -> None:
    """Called now and then while articles are read and embedded."""
    print(f"{progress.stage}: {progress.done}/{progress.total or '?'}", file=sys.stderr)


def show_answer(answer: qa.Answer) -> None:
    """Every sentence with its verdict, every quote with its place."""
    print(f"{answer.status}, written by {answer.model or 'the articles themselves'}: {answer.short or '-'}")
    for statement in answer.statements:
        print(f"  {statement.verdict}: {statement.text}")
    for citation in answer.citations or answer.nearest:
        quote = citation.quote
        print(f"  [{citation.number}] “{quote.text}” ({quote.article.title}, {quote.start}-{quote.end})")


def main(source: str, question: str) -> None:
    """Index a folder in a workspace of this program's own and ask it twice: without a model, and with one."""
    logging.basicConfig(level=logging.WARNING)
    with tempfile.TemporaryDirectory() as folder, qa.open(folder, model=FirstSentence()) as archive:
        report = archive.add(source, on_progress=show_progress)
        print(f"{len(report.added)} articles added, {len(report.skipped)} sources skipped")
        show_answer(archive.ask(question, model=False))
        show_answer(archive.ask(question))


if __name__ == "__main__":
    main(*sys.argv[1:])
