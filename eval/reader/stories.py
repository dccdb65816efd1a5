"""Stories written to learn from: made-up articles with questions, half of which nothing in them answers.

`python eval/reader/stories.py OUT --prepared DATA/train.jsonl` writes groups of them and some of the prepared ones, for
`train.py --start` to go on with.

`stories/*.jsonl`, an article a line: `id, title, published, text, questions`. A question has `answer` with the
`sentence` that holds it, or `answer` null with `near`, the sentence that comes closest, and `why` that is no answer.
Articles with one `story` tell of one thing at several times. All of it was written for this purpose.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import islice
from pathlib import Path

from documents import content_words, is_held_out
from groups import Choice, Group
from prepare import write

from qa.read import Excerpt, join_head
from qa.split import find_sentences

STORIES = Path(__file__).parent / "stories"
_OWN = 3  # sentences of the same article beside the one that is meant
_HELD_OUT = 6  # one story in so many is kept out of training


def main() -> None:
    """Write train.jsonl and held_stories.jsonl."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--groups", type=int, default=12_000, help="of stories")
    parser.add_argument("--prepared", type=Path, required=True, help="train.jsonl of prepare.py, not to be forgotten")
    parser.add_argument("--again", type=int, default=3_000, help="groups of that, from its end")
    parser.add_argument("--seed", type=int, default=11)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    stories, held = keeps_out_stories(read_stories())
    write(options.out / "train.jsonl", islice(story_groups(stories, seed=options.seed), options.groups))
    mix_in(options.out / "train.jsonl", options.prepared, last=options.again, seed=options.seed)
    count = sum(len(story.questions) for story in held)
    write(options.out / "held_stories.jsonl", islice(story_groups(held, seed=options.seed + 1), count))


def mix_in(path: Path, prepared: Path, *, last: int, seed: int) -> None:
    """Put the last lines of a prepared file among those of another, in random order."""
    lines = path.read_text(encoding="utf-8").splitlines()
    lines += prepared.read_text(encoding="utf-8").splitlines()[-last:]
    random.Random(seed).shuffle(lines)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Question:
    """A question; its answer is [start, end) of sentence `place`; with `end` 0 nothing answers, and that is closest."""

    text: str
    place: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Story:
    """An article cut into sentences; the rows of a table have its headings before them."""

    id: str
    of: str
    head: str
    sentences: tuple[str, ...]
    questions: tuple[Question, ...]

    def excerpt(self, place: int) -> Excerpt:
        """A sentence with its neighbours."""
        before = self.sentences[self._heading(place) if _is_row(self.sentences[place]) else place - 1] if place else ""
        after = self.sentences[place + 1] if place + 1 < len(self.sentences) else ""
        return Excerpt(self.sentences[place], self.head, before, after)

    def _heading(self, place: int) -> int:
        first = place
        while first and _is_row(self.sentences[first - 1]):
            first -= 1
        return first if first < place else max(0, place - 1)


def read_stories(folder: Path = STORIES) -> list[Story]:
    """All stories, in the order of the files' names."""
    lines = (line for file in sorted(folder.glob("*.jsonl")) for line in file.read_text(encoding="utf-8").splitlines())
    return [_read_story(json.loads(line)) for line in lines]


def keeps_out_stories(stories: Sequence[Story]) -> tuple[list[Story], list[Story]]:
    """(for training, kept out): those of one `story` stay together."""
    held = [story for story in stories if is_kept_out(story.of)]
    return [story for story in stories if story not in held], held


def is_kept_out(story: str) -> bool:
    """Whether a story takes no part in training."""
    return is_held_out(story, one_in=_HELD_OUT)


def story_groups(stories: Sequence[Story], *, seed: int) -> Iterator[Group]:
    """A group for every question, in random order, again and again with other wrong sentences."""
    pick = random.Random(seed)
    asked = [(story, question) for story in stories for question in story.questions]
    while True:
        for story, question in pick.sample(asked, len(asked)):
            yield _make_group(story, question, stories, pick)


def _make_group(story: Story, question: Question, stories: Sequence[Story], pick: random.Random) -> Group:
    meant = Choice(story.excerpt(question.place), question.end > 0, question.start, question.end)
    answer = story.sentences[question.place][question.start : question.end]
    words = set(content_words(question.text))
    own = [place for place, sentence in enumerate(story.sentences) if not (answer and answer in sentence)]
    own = [place for place in own if place != question.place]
    own.sort(key=lambda place: _shared(words, story.sentences[place]) + pick.random(), reverse=True)
    other = max(
        (
            (other, place)
            for other in pick.sample(stories, 6)
            if other.of != story.of
            for place in range(len(other.sentences))
        ),
        key=lambda placed: _shared(words, placed[0].sentences[placed[1]]),
        default=None,
    )
    choices = [meant, *(Choice(story.excerpt(place)) for place in own[:_OWN])]
    choices += [Choice(other[0].excerpt(other[1]))] if other else []
    return Group("story" if answer else "story, near miss", question.text, tuple(pick.sample(choices, len(choices))))


def _read_story(row: dict) -> Story:
    text = row["text"]
    sentences = tuple(text[start:end] for start, end in find_sentences(text, language="en"))
    day = date.fromisoformat(row["published"]) if row["published"] else None
    asked = (_read_question(question, sentences) for question in row["questions"])
    questions = tuple(question for question in asked if question)
    return Story(row["id"], row.get("story", row["id"]), join_head(row["title"], day), sentences, questions)


def _read_question(row: dict, sentences: Sequence[str]) -> Question | None:
    """The question; None where its sentence is the title or is cut otherwise, and its answer in none."""
    said = " ".join(row.get("sentence", row.get("near", "")).split())
    places = [n for n, s in enumerate(sentences) if holds_said(s, said)]
    answer = row["answer"] or ""
    place = next((n for n in places if answer in sentences[n]), None)
    if place is None:
        return None
    start = sentences[place].find(answer) if answer else 0
    return Question(row["question"], place, start, start + len(answer))


def holds_said(sentence: str, said: str) -> bool:
    """Whether a sentence is what a question calls its sentence, or has it, or is the greater part of it."""
    plain = " ".join(sentence.split())
    return " ".join(said.split()) in plain or (len(plain) > 25 and plain in " ".join(said.split()))


def _is_row(sentence: str) -> bool:
    return sentence.lstrip().startswith("|")


def _shared(words: set[str], sentence: str) -> int:
    return len(words.intersection(content_words(sentence)))


if __name__ == "__main__":
    main()
