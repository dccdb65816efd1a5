"""Cut an article into passages that cover its text, and text into sentences."""

from __future__ import annotations

import hashlib
import re

from qa.articles import Article, Passage
from qa.tokens import count_tokens, count_tokens_each, cut_offsets

Span = tuple[int, int]

_BLANK_LINES = re.compile(r"\n[ \t]*\n\s*")
_LINE = re.compile(r"\n\s*")
# A text whose lines are this short, and nearly all about as long, was wrapped by its writer's editor.
_WRAP_COLUMNS = range(40, 101)


def split_article(article: Article, *, budget_tokens: int) -> list[Passage]:
    """Cut an article into passages of whole sentences, each about `budget_tokens` cl100k tokens at most.

    Passages are contiguous and cover the text: joined in order they are `article.text`. A sentence
    longer than the budget is cut between words. The title is never part of a passage.
    """
    bounds = _passage_bounds(article.text, article.language, budget_tokens)
    return [_make_passage(article, start, end) for start, end in bounds]


def find_sentences(text: str, *, language: str | None = None) -> list[Span]:
    """The sentences of a text in order, as (start, end) without the white space around them.

    A blank line always ends a sentence, a single line break does unless the text is hard-wrapped.
    Abbreviations and quotation marks are the business of sentencex (Wikimedia).
    """
    return [
        (start + left, start + right)
        for start, end in _blocks(text)
        for left, right in _block_sentences(text[start:end], language or "en")
    ]


def _passage_bounds(text: str, language: str | None, budget: int) -> list[Span]:
    spans = _covering(text, language)
    counts = count_tokens_each([text[start:end] for start, end in spans])
    bounds: list[Span] = []
    used = 0
    for (start, end), count in zip(spans, counts, strict=True):
        if bounds and used + count <= budget:
            bounds[-1] = (bounds[-1][0], end)
            used += count
        elif count <= budget:
            bounds.append((start, end))
            used = count
        else:
            bounds += _cut(text, (start, end), budget)
            used = count_tokens(text[slice(*bounds[-1])])
    return bounds


def _covering(text: str, language: str | None) -> list[Span]:
    """Sentences stretched to the beginning of the next, so that nothing lies between them."""
    starts = [start for start, _ in find_sentences(text, language=language)] or [0]
    starts[0] = 0
    return list(zip(starts, [*starts[1:], len(text)], strict=True)) if text else []


def _cut(text: str, span: Span, budget: int) -> list[Span]:
    start, end = span
    cuts = [start + offset for offset in cut_offsets(text[start:end], budget=budget)]
    return list(zip([start, *cuts[:-1]], cuts, strict=True))


def _make_passage(article: Article, start: int, end: int) -> Passage:
    # With all that the indexes keep under this id: what they hold for one is then never out of date.
    heading = f"{article.title}:{article.publisher}:{article.published}"
    identity = f"{article.id}:{article.sha256}:{start}:{end}:{heading}"
    passage_id = hashlib.sha256(identity.encode()).hexdigest()[:16]
    return Passage(id=passage_id, article_id=article.id, start=start, end=end, text=article.text[start:end])


def _blocks(text: str) -> list[Span]:
    separator = _BLANK_LINES if _is_hard_wrapped(text) else _LINE
    spans: list[Span] = []
    start = 0
    for match in separator.finditer(text):
        spans.append((start, match.start()))
        start = match.end()
    return [*spans, (start, len(text))]


def _is_hard_wrapped(text: str) -> bool:
    # The last line of each paragraph is short whatever the width, so only the lines before another one count.
    lines = [line for block in _BLANK_LINES.split(text) for line in block.split("\n")[:-1]]
    if len(lines) < 3 or max(map(len, lines)) not in _WRAP_COLUMNS:
        return False
    wrapped = sum(len(line) >= _WRAP_COLUMNS.start for line in lines)
    return wrapped >= 0.8 * len(lines)


def _block_sentences(block: str, language: str) -> list[Span]:
    import sentencex

    spans: list[Span] = []
    cursor = 0
    # Located in the block rather than counted: the offsets that sentencex itself reports are off in some texts.
    for piece in map(str.strip, sentencex.segment(language, block)):
        start = block.find(piece, cursor) if piece else -1
        if start < 0:
            continue
        cursor = start + len(piece)
        spans.append((start, cursor))
    return spans
