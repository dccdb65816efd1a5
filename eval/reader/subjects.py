"""The two that are compared: the sentence picked by rule and the sentence that the reader picks."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cases import Asked
from inputs import Candidate, write_head
from reading import ReaderModel

from qa.articles import Article, Quote, hash_text
from qa.embed import MiniLM
from qa.extract import rank_sentences
from qa.split import find_sentences

_EMBEDDER = MiniLM()


@dataclass(frozen=True, slots=True)
class Picked:
    """A sentence with its score and the short answer in it (the whole sentence where there is none)."""

    sentence: str
    short: str
    score: float
    place: tuple[str, int]  # article, offset


class Ruled:
    """What `rank_sentences` picks, kept in a file: the rule stays as it was when it was first asked."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[str, list[Picked]] = {}
        self.seconds = 0.0  # of CPU, all cases
        if path.exists():
            for line in path.read_text(encoding="utf-8").splitlines():
                row = json.loads(line)
                self._known[row["key"]] = [Picked(*pick[:3], (pick[3], pick[4])) for pick in row["picks"]]
                self.seconds += row["seconds"]

    def pick(self, case: Asked) -> list[Picked]:
        """At most 24 sentences, best first."""
        key = hash_text(case.question + "".join(hit.passage.id for hit in case.hits))[:16]
        if key not in self._known:
            began = time.process_time()
            picks = self._known[key] = by_rule(case)
            seconds = time.process_time() - began
            self.seconds += seconds
            row = {"key": key, "seconds": seconds, "picks": [(p.sentence, p.short, p.score, *p.place) for p in picks]}
            with self._path.open("a", encoding="utf-8") as out:
                out.write(json.dumps(row, ensure_ascii=False) + "\n")
        return self._known[key]


def by_rule(case: Asked) -> list[Picked]:
    """At most 24 sentences by `rank_sentences`, best first."""
    ranked = rank_sentences(case.question, case.hits, weigh=case.weigh, embedder=_EMBEDDER)
    return [_pick(c.quote, c.span, c.score) for c in ranked]


def by_reader(case: Asked, reader: ReaderModel) -> list[Picked]:
    """All sentences of the hits by the reader, best first."""
    quotes: list[Quote] = []
    candidates: list[Candidate] = []
    known: set[tuple[str, int]] = set()
    for hit in case.hits:
        spans = find_sentences(hit.article.text, language=hit.article.language)
        for place, (start, end) in enumerate(spans):
            at = (hit.article.id, start)
            if not (hit.passage.start <= start < hit.passage.end) or at in known:
                continue
            known.add(at)
            quotes.append(Quote(hit.article, start, end, hit.article.text[start:end]))
            candidates.append(make_candidate(hit.article, spans, place))
    read = reader.read(case.question, candidates)
    order = sorted(range(len(read)), key=lambda number: -read[number].answers)
    return [_pick(quotes[number], read[number].span, read[number].answers) for number in order]


def make_candidate(article: Article, spans: Sequence[tuple[int, int]], place: int) -> Candidate:
    """A sentence of an article with the article's date and title and the sentences beside it."""
    text = [" ".join(article.text[start:end].split()) for start, end in spans[max(0, place - 1) : place + 2]]
    before = text[0] if place else ""
    after = text[-1] if place + 1 < len(spans) else ""
    start, end = spans[place]
    return Candidate(article.text[start:end], write_head(article.title, article.published), before, after)


def _pick(quote: Quote, span: tuple[int, int] | None, score: float) -> Picked:
    short = quote.text[slice(*span)] if span else quote.text
    return Picked(quote.text, short, score, (quote.article.id, quote.start))
