"""Quotations in a statement, located in the articles it cites: what a model puts in quotation marks is never trusted.

A quotation is what stands in "…", “…”, „…“, «…», ‹…›, 「…」, or, where it is of several words, in '…' or ‘…’. Its words
must stand in a cited article (its text, title, publisher or author) in the same order, with nothing between them.
Words are compared folded (`qa.text.fold`) and nothing else is: neither case and accents nor quotation marks,
apostrophes, hyphens, dashes, full stops, brackets, white space, markers like "[3]", "%" for "percent", "8" for "eight",
"30,000" for "30000" or "5 April" for "April 5" make a difference; "1.2" is not "12". What is left out at "…", "[…]"
or a note in brackets cuts a quotation into pieces, which must follow one another within 1,000 characters. A speech that
the article interrupts (“Yes,” he said, “we will”) is also found without the interruption.

A single word in quotation marks may be a quotation, a title or a nickname, or show distance. It passes in any form
that the article has ("reforms" for "reform"); one that stands there in no form is a false quotation like any other.
So is a title that the article has nowhere, but for "the" before it. An apostrophe at the end of a word in "s" may end a
quotation in single marks or may not, so one that is not found for that reason is none.
"""

from __future__ import annotations

import re
import unicodedata
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher, get_close_matches
from functools import lru_cache
from itertools import islice

from qa.articles import Article
from qa.clauses import Fault, term_of
from qa.orders import find_orders, gives_orders, meets_order
from qa.split import Span, find_sentences
from qa.text import MONTHS, FoldedText, fold, fold_text, shorten

_LONGEST_CUT = 1_000  # characters that "…" may stand for: what is farther apart belongs to another speech
_MOST_PLACES = 20  # at which one quotation is looked for
_SHOWN = 120  # characters of the article in a fault

_QUOTED = re.compile(
    r"“(?P<curly>[^“”]+)”"
    r"|„(?P<low>[^„“”\"]+)[“”\"]"
    r"|«(?P<angle>[^«»]+)»|»(?P<turned>[^«»]+)«|‹(?P<small>[^‹›]+)›|「(?P<corner>[^「」]+)」|『(?P<white>[^『』]+)』"
    r"|(?<![^\W_])[\"“”＂](?=\S)(?P<straight>[^\"“”„＂]+)(?<=\S)[\"“”＂](?![^\W_])"
    r"|(?<![^\W_])['‘](?=[^\W_])(?!\d\ds?\b)(?P<single>(?:[^'‘’\"“”]|['’](?=[^\W_])){3,600})(?<=[\w.,!?…%)])['’](?![^\W_])"
)
_MARKS = re.compile("[\"'“”„«»‹›‘’＂「『]")
_POSSESSIVE_AFTER = re.compile(r"\s+[^\W\d_]")
_BRACKETED_LETTER = re.compile(r"\[([^\W\d_]{1,2})\](?=[^\W\d_])")  # "[w]e will"
_CUT = re.compile(r"[\[(][^\[\]()]{0,80}?(?:…|\.\.\.)[^\[\]()]{0,80}[\])]|\[[^\[\]]*\]|…|\.(?:\s?\.){2,}")
_REFERENCE = re.compile(r"\[\d{1,4}(?:\s?,\s?\d{1,4})*\]")
_TOKEN = re.compile(r"(?<!\S)\d{1,3}(?: \d{3})+(?!\S)|\S+")  # thousands set apart are one number
_NUMBERS = {
    word: str(number)
    for number, word in enumerate(
        """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
        seventeen eighteen nineteen twenty""".split()
    )
}
_MONTHS = frozenset(map(str.lower, MONTHS))
_DAY = re.compile(r"\d{1,2}")
_PERCENT = re.compile(r"\bper ?cent\b|\bpct\b")
_INTERRUPTION = re.compile(
    r"(?:[,!?.…—-] ?[\"”’'»]|[\"”»] ?,)[ ,][^\"“”„«».!?;:]{2,60}[\"“«„‘'](?=[^\W_])"  # ,” he said, “
)
# Scripts in which words are not set apart, or in which endings follow a quotation mark at once (Korean).
_RUNS_ON = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)


@dataclass(frozen=True, slots=True)
class Quotation:
    """A quotation as written and the words of its pieces, folded. `is_sure` tells that its marks are no apostrophes."""

    text: str
    pieces: tuple[tuple[str, ...], ...]
    is_sure: bool

    @property
    def words(self) -> list[str]:
        """The words of all pieces."""
        return [word for piece in self.pieces for word in piece]


Place = tuple[Span, ...]  # of each piece, as offsets of the article's text


@lru_cache(maxsize=4096)
def find_quotations(statement: str) -> tuple[Quotation, ...]:
    """The quotations of a statement in order; what is in quotation marks inside one is part of it."""
    if not _MARKS.search(statement):
        return ()
    found = (_read_quotation(match) for match in _QUOTED.finditer(statement))
    return tuple(quotation for quotation in found if quotation is not None)


def locate(quotation: Quotation, text: str) -> list[Place]:
    """Where a quotation stands in an article's text, in order, at most 20 places; none where it does not.

    A word that does not stand there as it is written is located in other forms.
    """
    for pieces in _wordings(quotation):
        for has in (_read_words(text), _read_words(text, whole_speech=True)):
            if places := list(islice(_find_pieces(pieces, has), _MOST_PLACES)):
                return places
    if len(quotation.words) > 1:
        return []
    forms = _other_forms(quotation.words[0], _read_words(text))
    return sorted(place for form in forms for place in _find_pieces(((form,),), _read_words(text)))[:_MOST_PLACES]


def locate_sound(quotation: Quotation, article: Article) -> list[Place]:
    """Where a quotation stands in an article outside of sentences that give orders."""
    places = locate(quotation, article.text)
    orders = _orders_of(article) if places else ()
    return [place for place in places if not meets_order((place[0][0], place[-1][1]), orders)]


def _orders_of(article: Article) -> tuple[Span, ...]:
    return find_orders(article.text, (0, len(article.text)), language=article.language)


def check_quotations(statement: str, articles: Sequence[Article]) -> Iterator[Fault]:
    """The quotations of a statement that stand in none of the articles it cites, a line for each.

    What only an order to the reader has (`qa.orders`) does not stand there.
    """
    for quotation in find_quotations(statement):
        if quotation.is_sure and not any(_stands_in(quotation, article) for article in articles):
            yield Fault("quotation_not_in_article", _describe(quotation, articles))


def _stands_in(quotation: Quotation, article: Article) -> bool:
    title = "" if gives_orders(article.title) else article.title
    about = filter(None, (title, article.publisher, article.author))
    return bool(locate_sound(quotation, article)) or any(locate(quotation, text) for text in about)


# Reading


def _read_quotation(match: re.Match[str]) -> Quotation | None:
    """What a match of quotation marks is; None where it has no word, or one word in marks that may be apostrophes."""
    said = next(filter(None, match.groups()))
    cut = _CUT.split(_BRACKETED_LETTER.sub(r"\1", said))
    pieces = tuple(filter(None, (tuple(_words_of(fold(piece))) for piece in cut)))
    single = match["single"] is not None
    if not pieces or (single and len(said.split()) < 2):
        return None
    is_possessive = single and said.endswith("s") and _POSSESSIVE_AFTER.match(match.string, match.end())
    return Quotation(said.strip(), pieces, is_sure=not is_possessive)


def _wordings(quotation: Quotation) -> Iterator[tuple[tuple[str, ...], ...]]:
    """The pieces of a quotation; without the "the" that a title may have before it; with "5 April" for "April 5"."""
    yield quotation.pieces
    first, *rest = quotation.pieces
    if first[0] == "the" and len(first) > 1:
        yield (first[1:], *rest)
    turned = tuple(map(_turn_dates, quotation.pieces))
    if turned != quotation.pieces:
        yield turned


def _turn_dates(words: Sequence[str]) -> tuple[str, ...]:
    turned = list(words)
    place = 0
    while place + 1 < len(turned):
        pair = turned[place : place + 2]
        if any(one in _MONTHS and _DAY.fullmatch(other) for one, other in (pair, pair[::-1])):
            turned[place : place + 2] = pair[::-1]
            place += 1
        place += 1
    return tuple(turned)


def _words_of(folded: str) -> list[str]:
    """The words of a folded text, numbers in digits; marks of a letter belong to it."""
    return [word for word, _ in _find_words(folded)]


def _find_words(folded: str) -> Iterator[tuple[str, Span]]:
    """The words of a folded text, numbers in digits, with where they stand in it."""
    for match in _TOKEN.finditer(_blank_marks(folded)):
        yield _NUMBERS.get(match[0]) or match[0].replace(" ", ""), match.span()


def _blank_marks(folded: str) -> str:
    """A folded text of the same length in which only words are left."""
    for pattern in (_REFERENCE, _PERCENT):
        folded = pattern.sub(lambda match: " " * len(match[0]), folded)
    return folded.translate(_LETTERS)


class _Letters(dict[int, str]):
    """Each letter, digit and mark of a letter as it is, and a blank for anything else."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        self[code] = kept = char if char.isalnum() or unicodedata.category(char)[0] == "M" else " "
        return kept


_LETTERS = _Letters()


# Locating


@dataclass(frozen=True, slots=True)
class _Words:
    """A text as the letters of its words only, with a blank between two numbers; where words begin and end.

    `starts` and `ends` are where each letter is from in the text folded; a number written in words is one letter there.
    """

    folded: FoldedText
    letters: str
    starts: Sequence[int]
    ends: Sequence[int]
    edges: frozenset[int]

    def find(self, words: Sequence[str], start: int) -> Iterator[tuple[int, int]]:
        """Where whole words stand from a letter on."""
        needle = _join(words)
        place = self.letters.find(needle, start)
        while place >= 0:
            end = place + len(needle)
            if self._is_edge(place) and self._is_edge(end):
                yield place, end
            place = self.letters.find(needle, place + 1)

    def span(self, start: int, end: int) -> Span | None:
        """Offsets in the text of some of the letters."""
        return self.folded.span(self.starts[start], self.ends[end - 1])

    def gap(self, end: int, start: int) -> int:
        """How many characters lie between the letter before `end` and that at `start`."""
        return self.starts[start] - self.ends[end - 1]

    def _is_edge(self, place: int) -> bool:
        """Whether a word begins or ends before a letter, or may do."""
        return place in self.edges or _RUNS_ON.search(self.letters[max(place - 1, 0) : place + 1]) is not None


@lru_cache(maxsize=64)
def _read_words(text: str, *, whole_speech: bool = False) -> _Words:
    """The words of a text; those that interrupt a speech are left out of a `whole_speech`."""
    folded = fold_text(text)
    plain = _INTERRUPTION.sub(lambda match: " " * len(match[0]), folded.text) if whole_speech else folded.text
    starts, ends, edges, words = array("l"), array("l"), set[int](), list[str]()
    for word, (start, end) in _find_words(plain):
        edges.add(len(starts))
        if words and _are_numbers(words[-1], word):
            starts.append(start - 1)
            ends.append(start)
            edges.add(len(starts))
        is_written = len(word) == end - start
        starts.extend(range(start, end) if is_written else [start] * len(word))
        ends.extend(range(start + 1, end + 1) if is_written else [end] * len(word))
        words.append(word)
    edges.add(len(starts))
    return _Words(folded, _join(words), starts, ends, frozenset(edges))


def _join(words: Iterable[str]) -> str:
    """Words without anything between them, so that "e-mail" is "email"; a blank keeps numbers apart."""
    parts: list[str] = []
    for word in words:
        parts += [" ", word] if parts and _are_numbers(parts[-1], word) else [word]
    return "".join(parts)


def _are_numbers(before: str, after: str) -> bool:
    return before[-1].isdigit() and after[0].isdigit()


def _find_pieces(pieces: Sequence[Sequence[str]], has: _Words) -> Iterator[Place]:
    """Where pieces follow one another, each as soon as it can."""
    first, *rest = pieces
    for start, end in has.find(first, 0):
        spans = [has.span(start, end)]
        for piece in rest:
            following = next(has.find(piece, end), None)
            if following is None or has.gap(end, following[0]) > _LONGEST_CUT:
                break
            end = following[1]
            spans.append(has.span(*following))
        whole = tuple(span for span in spans if span)
        if len(whole) == len(pieces):
            yield whole


def _other_forms(word: str, has: _Words) -> set[str]:
    """The words of a text that are other forms of one: of the same term."""
    known = {other for other in _words_of(has.folded.text) if other[:3] == word[:3]}
    return {other for other in known if term_of(other) == term_of(word)}


# Faults


def _describe(quotation: Quotation, articles: Sequence[Article]) -> str:
    """Which words are not there, and the nearest that are."""
    known = {
        word for article in articles for sentence in _sound_sentences(article) for word in _words_of(fold(sentence))
    }
    absent = list(dict.fromkeys(word for word in quotation.words if word not in known))
    shown = shorten(quotation.text, limit=_SHOWN)
    where = "the article" if len(articles) < 2 else "the articles"
    missing = f" (missing: {', '.join(absent[:5])})" if absent and len(quotation.words) > 1 else ""
    nearest = _nearest_words(quotation, articles, known)
    there = f"; it has “{shorten(nearest, limit=_SHOWN)}”" if nearest else ""
    return f"“{shown}” is not in {where}{missing}{there}"


def _nearest_words(quotation: Quotation, articles: Sequence[Article], known: Iterable[str]) -> str:
    """The words of the articles that are most like a quotation, as they are written; none where none are like it."""
    if len(quotation.words) == 1:
        return next(iter(get_close_matches(quotation.words[0], sorted(known), n=1, cutoff=0.75)), "")
    sentences = [sentence for article in articles for sentence in _sound_sentences(article)]
    wanted = set(quotation.words)
    best = max(sentences, key=lambda sentence: len(wanted.intersection(_words_of(fold(sentence)))), default="")
    return _cut_nearest(quotation.words, best)


def _sound_sentences(article: Article) -> Iterator[str]:
    """The sentences of an article that give no orders."""
    orders = _orders_of(article)
    for span in _sentences_of(article.text, article.language):
        if not meets_order(span, orders):
            yield article.text[slice(*span)]


@lru_cache(maxsize=64)
def _sentences_of(text: str, language: str | None) -> tuple[Span, ...]:
    return tuple(find_sentences(text, language=language))


def _cut_nearest(words: Sequence[str], sentence: str) -> str:
    """The words of a sentence in the place of a quotation's, where it has half of them and at least two."""
    folded = fold_text(sentence)
    known = list(_find_words(folded.text))
    *blocks, _ = SequenceMatcher(None, list(words), [word for word, _ in known], autojunk=False).get_matching_blocks()
    if sum(block.size for block in blocks) < max(2, len(words) / 2):
        return ""
    first, last = blocks[0], blocks[-1]
    start = max(first.b - first.a, 0)
    end = min(last.b + len(words) - last.a, len(known))
    return sentence[folded.starts[known[start][1][0]] : folded.starts[known[end - 1][1][1]]]
