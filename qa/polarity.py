"""Whether a statement says yes where its quote says no: negations, and words of opposite meaning.

Each clause of the statement is compared with the clauses of the quotes that are most likely about the same. It is
- negated where one of the two has a negation ("not", "no", "never", "without", "nobody", …) over a word that they
  share and the other has none; "not only", "no more than" and the like are no negations, and "failed to", "refused",
  "instead of" count as one where they stand against one;
- of opposite sign where it has a word of `data/opposites.txt` and they have only words of the other side.
"Over", "more than" and "up to" right before an amount say how exact it is and are no words of direction.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from qa.clauses import Clause, Fault, Reading, Unit, term_of
from qa.evidence import Evidence, best_clauses
from qa.figures import same_figure
from qa.slots import find_displaced
from qa.synonyms import same_sense

_FILE = Path(__file__).parent / "data" / "opposites.txt"
_DIRECTIONS = (0, 1)  # the lines of the file that are about one thing
_CUES = frozenset("not never cannot nor neither without".split())
_WIDE_CUES = frozenset("no none nobody nothing".split())
_LIKE_CUES = frozenset(
    """fail refus deni declin miss lack absent unabl exclud except rather instead out empti avoid stop halt ceas reject
    imposs unlik prevent block cancel abandon drop hard bare few""".split()
)
_NO_CUE_AFTER = frozenset("only just mere merely least more fewer less longer later doubt but until simply".split())
_QUALIFIERS = frozenset("more less fewer over under above below up most least".split())
_NOT = re.compile(r"n['’]t$")
_HEADS = 2  # words after "not" that it is mostly about; one after "no" and "without"
_MUCH = 0.5  # the share of a clause's words that makes two clauses say one thing


def check_polarity(claim: Reading, evidence: Evidence) -> Iterator[Fault]:
    """The clauses of a statement that contradict its quotes, a line for each."""
    for place, unit in enumerate(claim.units):
        if _lines(unit) and (other := find_displaced(claim.units, place, evidence, _is_no_opposite, lowest=3)):
            yield _opposite(unit.text, other.text)
            return
    for clause in claim.clauses:
        alike = [known for _, known in best_clauses(clause, evidence)]
        if not alike:
            continue
        if negated := _find_negated(clause, alike):
            yield Fault("negated", negated)
        if flipped := _find_flipped(clause, alike) or _find_flipped(clause, _holders(clause, evidence), _DIRECTIONS):
            ours, theirs = flipped
            yield _opposite(ours, theirs)


def _opposite(ours: str, theirs: str) -> Fault:
    return Fault("other_sign", f"“{ours}” is the opposite of the quote, which says “{theirs}”")


def is_down(clause: Clause) -> bool:
    """Whether the words of a clause tell of a fall and not of a rise."""
    sides = _sides(clause)
    return any("-" in sides.get(line, {}) and "+" not in sides[line] for line in _DIRECTIONS)


# Negation


def _find_negated(clause: Clause, alike: Sequence[Clause]) -> str | None:
    """What is negated on one side only, in words, unless one of the clauses alike agrees."""
    found = [_compare_negation(clause, known) for known in alike]
    return found[0] if all(found) else None


def _compare_negation(clause: Clause, known: Clause) -> str | None:
    ours, theirs = list(_cues(clause.units)), list(_cues(known.units))
    for place in ours:
        shared = [term for term in _heads(clause.units, place) if _has(known, term)]
        if any(_differ(clause, known, term) for term in shared) or (
            not shared and not theirs and _coverage(clause, known) >= _MUCH and not _excuses(known, clause, None)
        ):
            return f"“{_phrase(clause.units, place)}” is not in the quote, which says it without"
    for place in theirs:
        if any(_has(clause, term) and _differ(known, clause, term) for term in _heads(known.units, place)):
            return f"the quote says “{_phrase(known.units, place)}”"
    return None


def _differ(one: Clause, other: Clause, term: str) -> bool:
    """Whether a word that one clause negates is not negated by the other, nor meant so by another word of it."""
    counts = [sum(_covers(clause, place, term) for place in _cues(clause.units)) for clause in (one, other)]
    return counts[0] % 2 != counts[1] % 2 and not _excuses(other, one, term)


def _covers(clause: Clause, place: int, term: str) -> bool:
    return any(unit.key in same_sense(term) for unit in _scope(clause.units, place))


def _excuses(clause: Clause, other: Clause, term: str | None) -> bool:
    """Whether a clause has a word like "failed" or "instead" near a term that the other clause does not have."""
    for place, unit in enumerate(clause.units):
        if unit.kind in ("word", "function") and (cue := term_of(unit.text)) in _LIKE_CUES and cue not in other.terms:
            near = [known.key for known in clause.units[max(0, place - 2) : place + 4]]
            if term is None or any(key in same_sense(term) for key in near):
                return True
    return False


def _cues(units: Sequence[Unit]) -> Iterator[int]:
    """The places of words that negate; "not" right before an amount or a name only tells two of them apart."""
    for place, unit in enumerate(units):
        following = units[place + 1 : place + 3]
        if not _is_cue(unit) or (following and following[0].text.casefold() in _NO_CUE_AFTER):
            continue
        apart = place == 0 or units[place - 1].text in ("and", "but")
        if not (apart and any(known.kind in ("amount", "name", "period") for known in following)):
            yield place


def _is_cue(unit: Unit) -> bool:
    word = unit.text.casefold()
    return word in _CUES or word in _WIDE_CUES or bool(_NOT.search(word))


def _heads(units: Sequence[Unit], place: int) -> list[str]:
    """The terms that a negation is mostly about."""
    scope = _scope(units, place)
    words = [unit.key for unit in scope if unit.kind in ("word", "name")] or [unit.key for unit in scope]
    return words[: 1 if units[place].text.casefold() in ("no", "without") else _HEADS]


def _scope(units: Sequence[Unit], place: int) -> list[Unit]:
    """What a negation is about: what follows, up to the next one (but for "no" and "nobody") or to "and"."""
    following = units[place + 1 :]
    wide = units[place].text.casefold() in _WIDE_CUES
    ends = (n for n, unit in enumerate(following) if unit.text in ("and", "but") or (not wide and _is_cue(unit)))
    scope = [unit for unit in following[: next(ends, len(following))] if unit.kind not in ("function", "mark")]
    return scope or [unit for unit in units[:place] if unit.kind == "word"][-1:]


def _has(clause: Clause, term: str) -> bool:
    return any(unit.key in same_sense(term) for unit in clause.units)


def _coverage(clause: Clause, known: Clause) -> float:
    shared = sum(not known.terms.isdisjoint(same_sense(term)) for term in clause.terms)
    return shared / len(clause.terms) if clause.terms else 0.0


def _phrase(units: Sequence[Unit], place: int) -> str:
    return " ".join(unit.text for unit in units[max(0, place - 1) : place + 3])


# Opposites


def _holders(clause: Clause, evidence: Evidence) -> list[Clause]:
    """The clauses of the quotes that have an amount of this one."""
    known = [other for sentence in evidence.sentences for other in sentence.clauses]
    return [other for other in known if any(same_figure(a, b) for a in clause.amounts for b in other.amounts)]


def _find_flipped(
    clause: Clause, alike: Sequence[Clause], lines: Sequence[int] | None = None
) -> tuple[str, str] | None:
    """A word of the clause, of these lines or any, and the one of the quote that it contradicts."""
    ours = {line: words for line, words in _sides(clause).items() if lines is None or line in lines}
    theirs = [_sides(known) for known in alike]
    for line, words in ours.items():
        others = {side: word for sides in theirs for side, word in sides.get(line, {}).items()}
        if not others and line in _DIRECTIONS and not any(other in ours for other in _DIRECTIONS if other != line):
            others = {
                side: word for sides in theirs for other in _DIRECTIONS for side, word in sides.get(other, {}).items()
            }
        if others and others.keys().isdisjoint(words):
            return next(iter(words.values())), next(iter(others.values()))
    return None


def _is_no_opposite(one: Unit, other: Unit) -> bool:
    """Whether two words are not on different sides of a line of the file, and of none on the same."""
    theirs = dict(_lines(other))
    shared = [theirs[line] == side for line, side in _lines(one) if line in theirs]
    return not shared or any(shared)


def _lines(unit: Unit) -> tuple[tuple[int, str], ...]:
    """The lines of the file, with the side, that a unit is a word of."""
    return _opposites().get(term_of(unit.text), ()) if unit.kind in ("word", "function", "name") else ()


def _sides(clause: Clause) -> dict[int, dict[str, str]]:
    """By line of the file: the sides that the clause has a word of, with that word."""
    found: dict[int, dict[str, str]] = {}
    for place, unit in enumerate(clause.units):
        if not _qualifies(clause.units, place):
            for line, side in _lines(unit):
                found.setdefault(line, {}).setdefault(side, unit.text)
    return found


def _qualifies(units: Sequence[Unit], place: int) -> bool:
    """Whether a word says how exact the amount after it is."""
    if units[place].text.casefold() not in _QUALIFIERS:
        return False
    following = units[place + 1 : place + 3]
    joined = [unit.text for unit in following[:1]] in (["than"], ["to"])
    return any(unit.kind == "amount" for unit in (following if joined else following[:1]))


@cache
def _opposites() -> dict[str, tuple[tuple[int, str], ...]]:
    found: dict[str, tuple[tuple[int, str], ...]] = {}
    lines = [line for line in _FILE.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    for number, line in enumerate(lines):
        for side, words in zip("+-", line.split("|"), strict=True):
            for term in dict.fromkeys(term_of(word) for word in words.split()):
                found[term] = (*found.get(term, ()), (number, side))
    return found
