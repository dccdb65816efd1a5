"""Groups to learn from: a question, sentences that may answer it, and none that does in a third of the groups."""

from __future__ import annotations

import math
import random
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from documents import Asked, Document, content_words, each_asked
from fiction import SPOILABLE, Fiction, Story, Template, Told
from spoil import Names, ask_in_place, shared_items, spoil

from qa.read import Excerpt, Input, Inputs, join_head

_UNANSWERED = 1 / 3  # of the groups
_SHARED_WORDS = 12  # of so many sentences of other documents that share most words, some are taken


@dataclass(frozen=True, slots=True)
class Choice:
    """A sentence of a group; `answers` with the span [start, end) of it, else (0, 0)."""

    excerpt: Excerpt
    answers: bool = False
    start: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True)
class Group:
    """A question with sentences; where none answers, "none" is right."""

    kind: str
    question: str
    choices: tuple[Choice, ...]

    def to_json(self, inputs: Inputs) -> dict[str, object]:
        """As written to the prepared file: token ids and roles, which sentence is right, and the span's two tokens."""
        given = inputs.build_all(self.question, [choice.excerpt for choice in self.choices])
        right = next((place for place, choice in enumerate(self.choices) if choice.answers), None)
        span = None if right is None else find_tokens(given[right], self.choices[right].start, self.choices[right].end)
        rows = [{"ids": one.ids, "roles": one.roles} for one in given]
        return {"kind": self.kind, "rows": rows, "right": right, "span": span}


def find_tokens(given: Input, start: int, end: int) -> tuple[int, int] | None:
    """First and last token (positions in `ids`) of the span [start, end) of the sentence; None where it was cut off."""
    inside = [place for place, (left, right) in enumerate(given.offsets) if left < end and right > start]
    if not inside or given.offsets[inside[-1]][1] < end:
        return None
    return given.first + inside[0], given.first + inside[-1]


Placed = tuple[Document, int]  # a sentence of a document


class Overlap:
    """Sentences by the words that they share with a question, rare words counting most."""

    def __init__(self, documents: Sequence[Document]) -> None:
        self._placed = [(document, place) for document in documents for place in range(len(document.sentences))]
        self._with_word: dict[str, list[int]] = defaultdict(list)
        for number, (document, place) in enumerate(self._placed):
            for word in sorted(set(content_words(document.sentences[place]))):
                self._with_word[word].append(number)

    def find(self, question: str, *, limit: int) -> list[Placed]:
        """The sentences that share most with a question, best first."""
        shared: defaultdict[int, float] = defaultdict(float)
        for word in sorted(set(content_words(question))):
            found = self._with_word.get(word, [])
            weight = math.log(1 + len(self._placed) / (1 + len(found)))
            for number in found:
                shared[number] += weight
        best = sorted(shared, key=lambda number: -shared[number])  # stable, as Counter.most_common is
        return [self._placed[number] for number in best[:limit]]


class DocumentGroups:
    """Groups about real documents, as asked or as spoiled; one seed gives the same groups."""

    def __init__(self, documents: Sequence[Document], *, seed: int, others: Sequence[Document] = ()) -> None:
        self._random = random.Random(seed)
        self._documents = documents
        self._overlap = Overlap([*documents, *others])
        self._names = Names([sentence for document in documents for sentence in document.sentences])

    def each(self, kind: str) -> Iterator[Group]:
        """A group for every question, in random order."""
        asked = list(each_asked(self._documents))
        self._random.shuffle(asked)
        return (self.make(kind, document, question) for document, question in asked)

    def each_in_place(self) -> Iterator[Group]:
        """The same with the sentence itself as the question, "which", "who" or "how many" put for what answers."""
        for kind, document, asked in ((k, d, a) for k in ["in place"] for d, a in self._shuffled()):
            question = ask_in_place(document.sentences[asked.sentence], (asked.start, asked.end), self._random)
            if question:
                yield self.make(kind, document, Asked(question, asked.sentence, asked.start, asked.end))

    def make(self, kind: str, document: Document, asked: Asked) -> Group:
        """One group: answered, or with the sentence left out, or with the question or the sentence spoiled."""
        pick = self._random
        head = self._head(document)
        right = self._place(document, asked.sentence, head)
        true = Choice(right, True, asked.start, asked.end)
        wrong = self._wrong(document, asked, head)
        items = shared_items(asked.question, right.sentence, (asked.start, asked.end))
        if pick.random() >= _UNANSWERED:
            near = self._spoil_sentence(right, pick.choice(items)) if items and pick.random() < 0.35 else None
            choices = [true, *([Choice(near)] if near else []), *wrong]
            return self._group(kind, asked.question, choices[:5])
        if items and pick.random() < 0.6:
            item = pick.choice(items)
            if pick.random() < 0.6:
                question = spoil(asked.question, item, self._names, pick)
                return self._group(f"{kind}, question spoiled", question, [Choice(right), *wrong][:4])
            return self._group(
                f"{kind}, sentence spoiled", asked.question, [Choice(self._spoil_sentence(right, item)), *wrong][:4]
            )
        return self._group(f"{kind}, left out", asked.question, wrong)

    def _shuffled(self) -> list[tuple[Document, Asked]]:
        asked = list(each_asked(self._documents))
        self._random.shuffle(asked)
        return asked

    def _group(self, kind: str, question: str, choices: Sequence[Choice]) -> Group:
        return Group(kind, question, tuple(self._random.sample(choices, len(choices))))

    def _spoil_sentence(self, right: Excerpt, item: str) -> Excerpt:
        return Excerpt(spoil(right.sentence, item, self._names, self._random), right.head, right.before, right.after)

    def _head(self, document: Document) -> str:
        pick = self._random
        day = date(pick.randint(1995, 2035), pick.randint(1, 12), pick.randint(1, 28)) if pick.random() < 0.6 else None
        return join_head(document.title if pick.random() < 0.7 else "", day)

    def _place(self, document: Document, place: int, head: str) -> Excerpt:
        before, after = document.around(place)
        return Excerpt(document.sentences[place], head, before, after)

    def _wrong(self, document: Document, asked: Asked, head: str) -> list[Choice]:
        pick = self._random
        answer = document.sentences[asked.sentence][asked.start : asked.end]
        shared = self._overlap.find(asked.question, limit=_SHARED_WORDS + 8)
        near = [place for place in range(len(document.sentences)) if place != asked.sentence]
        near = [place for place in near if not _may_answer(document.sentences[place], asked.question, answer)]
        hard = [place for found, place in shared if found is document and place in near][:3]
        close = [place for place in near if abs(place - asked.sentence) <= 2]
        own = _distinct(
            [
                *pick.sample(hard, min(1, len(hard))),
                *pick.sample(close, min(1, len(close))),
                *pick.sample(near, min(2, len(near))),
            ]
        )
        far = [(d, p) for d, p in shared if d is not document and answer.lower() not in d.sentences[p].lower()][
            :_SHARED_WORDS
        ]
        chosen = pick.sample(far, min(2, len(far)))
        wrong = [Choice(self._place(document, place, head)) for place in own[:2]]
        return wrong + [Choice(self._place(d, place, self._head(d))) for d, place in chosen]


class FictionGroups:
    """Groups about made-up articles: others of the same event in another year, or of another land, stand beside."""

    def __init__(self, *, seed: int) -> None:
        self._fiction = Fiction(seed)
        self._random = self._fiction.random

    def each(self) -> Iterator[Group]:
        """Groups without end."""
        while True:
            family = self._random.randrange(len(self._fiction.families))
            stories = [self._fiction.write(family, values) for values in self._siblings()]
            templates = self._fiction.templates(family)
            for template in self._random.sample(templates, min(4, len(templates))):
                group = self._make(stories, template)
                if group:
                    yield group

    def _siblings(self) -> list[dict[str, str]]:
        fresh, pick = self._fiction.values, self._random
        first = fresh()
        later = fresh() | {slot: first[slot] for slot in "A B T U R C D O".split()}
        other = fresh() | {slot: first[slot] for slot in ["Y", "Z", "lag", *pick.sample("A B T C O P".split(), 2)]}
        near = str(int(first["Y"]) + pick.choice([-2, -1, 1, 2]))
        return [first, later | {"Y": near, "Z": str(int(near) - 1)}, other, fresh()]

    def _make(self, stories: Sequence[Story], template: Template) -> Group | None:
        pick = self._random
        first = stories[0]
        question = template.render(first.values)
        spoilable = [slot for slot in template.given() if slot in SPOILABLE]
        true = next((told for told in first.told if told.fact == template.fact and _has(told, template.answer)), None)
        if true is None:
            return None
        rivals = [
            (story, told)
            for story in stories
            for told in story.told
            if told is not true and (told.fact != template.fact or template.render(story.values) != question)
        ]
        same = [pair for pair in rivals if pair[1].fact == template.fact]
        own = [pair for pair in rivals if pair[0] is first]
        wrong = [
            Choice(_place(*pair))
            for pair in [*pick.sample(same, min(2, len(same))), *pick.sample(own, min(2, len(own)))]
        ]
        if pick.random() >= _UNANSWERED:
            start, end = _answer_place(true, template.answer)
            choices = [Choice(_place(first, true), True, start, end), *wrong]
            return Group("fiction", _vary(question, pick), tuple(pick.sample(choices, len(choices))))
        if spoilable and pick.random() < 0.75:
            slot = pick.choice(spoilable)
            asked = template.render(first.values | {slot: self._another(slot, first.values)})
            choices = [Choice(_place(first, true)), *wrong[-3:]]
            return Group("fiction, question spoiled", _vary(asked, pick), tuple(pick.sample(choices, len(choices))))
        return Group("fiction, left out", _vary(question, pick), tuple(wrong))

    def _another(self, slot: str, values: dict[str, str]) -> str:
        pick = self._random
        for _ in range(20):
            near = str(int(values[slot]) + pick.choice([-10, -5, -2, -1, 1, 2, 5])) if slot in "YZ" else ""
            value = near or self._fiction.value(slot)
            if value not in values.values():
                return value
        return "Nowhere"


def interleave(
    sources: Sequence[tuple[float, Callable[[], Iterator[Group]]]], *, total: int, seed: int
) -> Iterator[Group]:
    """`total` groups from several sources by their shares; a source that ends begins again."""
    pick = random.Random(seed)
    running = [make() for _, make in sources]
    for _ in range(total):
        place = pick.choices(range(len(sources)), [share for share, _ in sources])[0]
        group = next(running[place], None)
        if group is None:
            running[place] = sources[place][1]()
            group = next(running[place])
        yield group


def _may_answer(sentence: str, question: str, answer: str) -> bool:
    words = set(content_words(question))
    shared = words & set(content_words(sentence))
    return answer.lower() in sentence.lower() and 2 * len(shared) >= len(words)


def _distinct(places: Sequence[int]) -> list[int]:
    return list(dict.fromkeys(places))


def _has(told: Told, answer: str) -> bool:
    return answer in told.places or (answer[:1].islower() and " " in answer and answer in told.text.lower())


def _answer_place(told: Told, answer: str) -> tuple[int, int]:
    if answer in told.places:
        return told.places[answer]
    start = told.text.lower().index(answer)
    return start, start + len(answer)


def _place(story: Story, told: Told) -> Excerpt:
    place = story.told.index(told)
    before = story.told[place - 1].text if place else ""
    after = story.told[place + 1].text if place + 1 < len(story.told) else ""
    return Excerpt(told.text, story.head, before, after)


def _vary(question: str, pick: random.Random) -> str:
    changed = pick.random()
    if changed < 0.12:
        return question.lower()
    if changed < 0.2:
        return question.rstrip("?")
    return re.sub(r"^What was ", "Tell me what was ", question).replace("?", ".") if changed < 0.23 else question
