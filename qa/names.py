"""Names of a statement against its quotes and articles: whether they occur at all, and in whose place they stand.

A name is a word with a capital that does not open the sentence, or a run of such words, titles left out. It is
- not in the article where one of its words occurs nowhere in the article, its title, publisher or author; a people
  counts for its country ("Marovian"), letters for the words that they stand for ("GDP"), and a full name need stand in
  the article once only; but a surname that is only ever said of another first name is someone else's;
- swapped where it stands between the same words as another name of the quote does and fits there worse itself; where
  the quote does not have it, but one that the statement does not have in its place ("the rate in Upper Mere" for "the
  rate in Tolvania"); or where an amount said of it is said of another name in the quote, and the article has a
  different amount for it.

A statement without a name is said of what the question names: "it was 7.4 percent" answers as of Upper Mere where that
was asked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import takewhile

from qa.articles import Article
from qa.clauses import Clause, Fault, Reading, Unit, term_of
from qa.evidence import Evidence, read_around
from qa.figures import Figure, same_figure
from qa.slots import find_displaced
from qa.text import fold

_WORD = re.compile(r"[^\W_]+(?:['’.-](?=[^\W_])[^\W_]+)*")
_INNER = re.compile(r"(?<=[^\W\d_A-Z] |[,;’'] )(?=[^\W\d_])(?![a-z])")
_POSSESSIVE = re.compile(r"['’]s$")
_PEOPLE = re.compile(r"(?:e?gian|ians?|ans?|ish|ese|ic|i)$")  # how the names of peoples end
_STEM = 4  # letters that a country and its people share at least
_PREPOSITIONS = frozenset("in of for at with to from by on".split())
_LETTERS = range(2, 6)  # of an abbreviation


def check_names(claim: Reading, evidence: Evidence, question: Reading | None = None) -> Iterator[Fault]:
    """What is wrong with the names of a statement, which answers a question if one is given, a line for each."""
    found = [(place, unit) for place, unit in enumerate(claim.units) if unit.kind == "name"]
    names = [(place, unit) for place, unit in found if not _is_word(unit, evidence.articles)]
    absent = [unit for _, unit in names if not _is_in_articles(unit, evidence.articles)]
    for unit in absent:
        yield Fault("name_not_in_article", f"{unit.text} is not in the article")
    for place, unit in names:
        if unit in absent:
            continue
        other = find_displaced(claim.units, place, evidence, same_name) or _find_counterpart(claim, place, evidence)
        if other and _is_name(other, evidence.articles):
            yield Fault("name_not_in_article", f"the quote says this of {other.text}, not of {unit.text}")
        else:
            clause = next(clause for clause in claim.clauses if unit in clause.units)
            yield from _find_bound(clause.amounts, unit, _names(clause), evidence)
    if not found and question is not None:
        asked = [unit for unit in question.units if unit.kind == "name"]
        yield from (fault for unit in asked for fault in _find_bound(claim.amounts, unit, asked, evidence))


# In the article


@dataclass(frozen=True, slots=True)
class _Words:
    """What an article has: its words, folded, and their first `letters` in a row.

    `runs` are its words with capitals in order, "." for any other; `plain` those that it has in small letters, and
    `inner` those that it has with a capital inside a sentence.
    """

    known: frozenset[str]
    plain: frozenset[str]
    inner: frozenset[str]
    runs: str
    letters: str


def _is_word(unit: Unit, articles: Sequence[Article]) -> bool:
    """Whether a word that opens a sentence is an ordinary one: the articles have it, and never as a name."""
    known = any(_is_known(unit.key, _words_in(article).known) for article in articles)
    return _is_alone(unit) and known and not _is_name(unit, articles)


def _is_name(unit: Unit, articles: Sequence[Article]) -> bool:
    """Whether a word that opens a sentence is a name: an article has it, or its people, with a capital elsewhere."""
    if not _is_alone(unit):
        return True
    words = [_words_in(article) for article in articles]
    if any(unit.key in has.plain for has in words):
        return False
    return bool(_POSSESSIVE.search(unit.text)) or any(_is_known(unit.key, has.inner) for has in words)


def _is_alone(unit: Unit) -> bool:
    return unit.opens and len(unit.key.split()) == 1


def _is_in_articles(unit: Unit, articles: Sequence[Article]) -> bool:
    """Whether every word of a name occurs in one of the articles."""
    if _is_alone(unit):
        return True  # any word has a capital there
    return any(_is_in_article(unit.key.split(), unit.opens, article) for article in articles)


def _is_in_article(words: Sequence[str], opens: bool, article: Article) -> bool:
    has = _words_in(article)
    rest = words[1:] if opens and words[0] not in has.known else words
    if not all(_is_known(word, has.known) or (len(word) in _LETTERS and word in has.letters) for word in rest):
        return False
    return len(rest) != 2 or f" {' '.join(rest)} " in has.runs or not _is_anothers(rest, has)


def _is_anothers(words: Sequence[str], has: _Words) -> bool:
    """Whether a surname always follows another first name: "Corin Marlow" where only "Ines Marlow" occurs."""
    first, last = words
    before = re.findall(rf"\b(\w+) {re.escape(last)}\b", has.runs)
    return bool(before) and first not in before and f" {first} " in has.runs


@lru_cache(maxsize=8192)
def _is_known(word: str, known: frozenset[str]) -> bool:
    """Whether a word of a name, or one that stands for it, is among these."""
    if word in known:
        return True
    stem = _PEOPLE.sub("", word)
    if len(stem) < _STEM:
        return False
    return any(_are_kin(word, stem, other) for other in known if other.startswith(stem[:_STEM]))


def _are_kin(word: str, stem: str, other: str) -> bool:
    """Whether one is the country and the other its people, or one a longer form of the other."""
    if len(other) > _STEM and len(word) > _STEM and (other.startswith(word) or word.startswith(other)):
        return True
    short, long = sorted((stem, _PEOPLE.sub("", other)), key=len)
    ends = (word != stem) != (other != _PEOPLE.sub("", other))
    return ends and (long.startswith(short) or (long[:-1].startswith(short[:-1]) and len(short) > _STEM))


def _words_in(article: Article) -> _Words:
    return _read_words("\n".join(filter(None, (article.text, article.title, article.publisher, article.author))))


def _fold_word(word: str) -> str:
    bare = _POSSESSIVE.sub("", word).replace(".", "")
    return bare.casefold() if bare.isascii() else fold(bare)


@lru_cache(maxsize=256)
def _read_words(text: str) -> _Words:
    found = list(_WORD.finditer(text))
    folded = [_fold_word(match.group()) for match in found]
    parts = {part for word in folded if "-" in word for part in word.split("-")}
    pairs = list(zip(found, folded, strict=True))
    return _Words(
        known=frozenset({*folded, *parts}),
        plain=frozenset(word for match, word in pairs if match.group()[0].islower()),
        inner=frozenset(word for match, word in pairs if _INNER.match(text, match.start())),
        runs=f" {' '.join(word if match.group()[0].isupper() else '.' for match, word in pairs)} ",
        letters="".join(word[:1] for word in folded),
    )


def speaks_of(name: str, text: str) -> bool:
    """Whether a text has every word of a name, or a people for its country."""
    known = _words_of(text)
    return all(_is_known(_fold_word(word), known) for word in re.split(r"[\s-]+", name) if word)


@lru_cache(maxsize=4096)
def _words_of(text: str) -> frozenset[str]:
    words = frozenset(_fold_word(match.group()) for match in _WORD.finditer(text))
    return words | {part for word in words if "-" in word for part in word.split("-")}


# In whose place


def same_name(one: Unit, other: Unit) -> bool:
    """Whether two names may be of one: the words of the shorter are among those of the longer."""
    short, long = sorted((one.names, other.names), key=len)
    return all(word in long or _is_known(word, long) for word in short)


def _find_counterpart(claim: Reading, place: int, evidence: Evidence) -> Unit | None:
    """The name of the quotes after the same preposition and noun, where neither has the other's name."""
    name, heads = claim.units[place], _heads(claim.units, place)
    theirs = [(s.units, n, u) for s in evidence.sentences for n, u in enumerate(s.units) if u.kind == "name"]
    if not heads or any(same_name(name, unit) for _, _, unit in theirs):
        return None
    ours = [unit for unit in claim.units if unit.kind == "name"]
    return next(
        (
            unit
            for units, there, unit in theirs
            if not heads.isdisjoint(_heads(units, there)) and not any(same_name(unit, other) for other in ours)
        ),
        None,
    )


def _heads(units: Sequence[Unit], place: int) -> frozenset[tuple[str, str]]:
    """The preposition right before a name with each of at most two words right before that."""
    if place == 0 or (preposition := units[place - 1].key) not in _PREPOSITIONS:
        return frozenset()
    before = reversed(units[max(0, place - 3) : place - 1])
    words = takewhile(lambda unit: unit.kind == "word" or (unit.kind == "name" and unit.opens), before)
    return frozenset((preposition, term_of(unit.text)) for unit in words)


def _find_bound(amounts: Sequence[Figure], name: Unit, names: Sequence[Unit], evidence: Evidence) -> Iterator[Fault]:
    """An amount that is said of a name, among others, and that the quotes say of other ones.

    The article must say another amount of that name: in what is said of it alone, a name need not be repeated.
    """
    known = [clause for sentence in evidence.sentences for clause in sentence.clauses]
    for figure in amounts:
        holders = [c for c in known if any(same_figure(figure, other) for other in c.amounts)]
        theirs = [other for holder in holders for other in _names(holder)]
        if not theirs or not all(_names(holder) for holder in holders):
            continue
        if any(same_name(ours, other) for ours in names for other in theirs):
            continue
        within = any(_has_another(c.units, c.amounts, name, figure) for c in known)
        if within or any(_has_another(s.units, s.amounts, name, figure) for s in read_around(evidence)):
            said_of = next((other for other in theirs if _is_name(other, evidence.articles)), theirs[0])
            detail = f"{figure.text} is said of {said_of.text} in the quote, not of {name.text}"
            yield Fault("name_not_in_article", detail)
            return


def _names(clause: Clause) -> list[Unit]:
    return [unit for unit in clause.units if unit.kind == "name"]


def _has_another(units: Sequence[Unit], amounts: Sequence[Figure], name: Unit, figure: Figure) -> bool:
    """Whether a name stands beside amounts of this kind, none of which is the amount itself."""
    rivals = [other for other in amounts if (other.kind, other.unit) == (figure.kind, figure.unit)]
    if not rivals or any(same_figure(figure, other) for other in rivals):
        return False
    return any(same_name(name, unit) for unit in units if unit.kind == "name")
