"""Names of a statement against its quotes and articles: whether they occur at all, and in whose place they stand.

A name is a word with a capital that does not open the sentence, or a run of such words, titles left out. It is
- not in the article where one of its words occurs nowhere in the article, its title, publisher or author; a people
  counts for its country ("Marovian"), letters for the words that they stand for ("GDP"), and a full name need stand in
  the article once only; but a surname that is only ever said of another first name is someone else's;
- swapped where it stands between the same words as another name of the quote does and fits there worse itself, or
  where an amount said of it is said of another name in the quote, which has a different amount for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from qa.articles import Article
from qa.clauses import Clause, Fault, Reading, Unit
from qa.evidence import Evidence
from qa.figures import Figure, same_figure
from qa.slots import find_displaced
from qa.text import fold

_WORD = re.compile(r"[^\W_]+(?:['’.-](?=[^\W_])[^\W_]+)*")
_INNER = re.compile(r"(?<=[^\W\d_A-Z] |[,;’'] )(?=[^\W\d_])(?![a-z])")
_POSSESSIVE = re.compile(r"['’]s$")
_PEOPLE = re.compile(r"(?:e?gian|ians?|ans?|ish|ese|ic|i)$")  # how the names of peoples end
_STEM = 4  # letters that a country and its people share at least
_LETTERS = range(2, 6)  # of an abbreviation


def check_names(claim: Reading, evidence: Evidence) -> Iterator[Fault]:
    """What is wrong with the names of a statement, a line for each."""
    found = [(place, unit) for place, unit in enumerate(claim.units) if unit.kind == "name"]
    names = [(place, unit) for place, unit in found if not _is_word(unit, evidence.articles)]
    absent = [unit for _, unit in names if not _is_in_articles(unit, evidence.articles)]
    for unit in absent:
        yield Fault("name_not_in_article", f"{unit.text} is not in the article")
    for place, unit in names:
        if unit in absent:
            continue
        if (other := find_displaced(claim.units, place, evidence, same_name)) and _is_name(other, evidence.articles):
            yield Fault("name_not_in_article", f"the quote says this of {other.text}, not of {unit.text}")
        elif bound := _find_bound(claim, unit, evidence):
            figure, name = bound
            yield Fault("name_not_in_article", f"{figure.text} is said of {name} in the quote, not of {unit.text}")


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


def _find_bound(claim: Reading, unit: Unit, evidence: Evidence) -> tuple[Figure, str] | None:
    """An amount that a clause says of this name and the quotes of another one, with that name."""
    clause = next(clause for clause in claim.clauses if unit in clause.units)
    known = [clause for sentence in evidence.sentences for clause in sentence.clauses]
    for figure in clause.amounts:
        holders = [c for c in known if any(same_figure(figure, other) for other in c.amounts)]
        names = [name for holder in holders for name in _names(holder)]
        if not names or not all(_names(holder) for holder in holders):
            continue
        if any(same_name(ours, theirs) for ours in _names(clause) for theirs in names):
            continue
        if any(_has_another(c, unit, figure) for c in known):
            return figure, names[0].text
    return None


def _names(clause: Clause) -> list[Unit]:
    return [unit for unit in clause.units if unit.kind == "name"]


def _has_another(clause: Clause, name: Unit, figure: Figure) -> bool:
    """Whether a clause says another amount of the same kind of a name."""
    rivals = [other for other in clause.amounts if (other.kind, other.unit) == (figure.kind, figure.unit)]
    return bool(rivals) and any(same_name(name, unit) for unit in _names(clause))
