"""What a passage found is worth to a case: whether it is relevant, and how soon the answer is read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from qa.articles import Article, Passage, Quote
from qa.gold import Case, find_evidence
from qa.systems import holds, visible_evidence
from qa.text import bare_words
from qa.tokens import take_tokens

_OPINIONS = frozenset({"yes", "no"})  # answers that stand in no text

Parts = tuple[tuple[str, ...], ...]  # what must be said: of each part one of its alternatives


@dataclass(frozen=True, slots=True)
class Relevance:
    """What makes passages relevant to one case: its evidence or, where it has none, that all its answers stand in one.

    `answers` are bare words (`qa.text.bare_words`); empty where the case has none that could stand in a text.
    """

    quotes: tuple[Quote, ...]
    answers: Parts

    def is_relevant(self, passage: Passage) -> bool:
        """Whether a passage holds evidence; where there is none, whether it says every part of the answer."""
        if self.quotes:
            return any(
                quote.article.id == passage.article_id and holds(passage.start, passage.end, quote.start, quote.end)
                for quote in self.quotes
            )
        return _says([passage.text], self.answers)

    def recall_answer(self, texts: Iterable[str], budget_tokens: int) -> float | None:
        """1 where every part of the answer stands in the first tokens of the texts, one after the other, else 0.

        Tokens are those of cl100k_base, white space around a text left out, and the last text that has a share is cut.
        None where the case has no answer that could stand in a text.
        """
        if not self.answers:
            return None
        return float(_says(take_tokens([text.strip() for text in texts], budget=budget_tokens), self.answers))


def find_relevance(case: Case, articles: Sequence[Article]) -> Relevance | None:
    """What is relevant to a case; None where nothing can be told.

    That is where it is not answerable, where it has evidence that is hidden on the case's day, and where it has
    neither evidence nor an answer of words.
    """
    if not case.answerable:
        return None
    evidence = find_evidence(case, articles) if case.evidence else []
    quotes = tuple(found.quote for found in visible_evidence(case, evidence))
    answers = _answers_of(case)
    return Relevance(quotes, answers) if quotes or (answers and not case.evidence) else None


def _answers_of(case: Case) -> Parts:
    parts = case.gold.all_of or ((case.gold.answers,) if case.gold.answers else ())
    bare = tuple(tuple(filter(None, map(bare_words, part))) for part in parts)
    is_said = all(bare) and not any(_OPINIONS.intersection(part) for part in bare)
    return bare if is_said else ()


def _says(texts: Sequence[str], parts: Parts) -> bool:
    """Whether an alternative of every part stands in the texts as whole words."""
    said = bare_words("\n".join(texts))
    return all(any(f" {words} " in f" {said} " for words in part) for part in parts)
