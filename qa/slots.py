"""In whose place a name, an amount or a time of a statement stands in its quote.

A slot is the words on either side. Where a unit of the statement stands between the same words as another one of the
quote, and between other words than it has there itself, it has been put in the place of that one: "Brenn had 5.1
percent, Sallow 7.7" does not bear out "Sallow had 5.1 percent".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from qa.clauses import Unit
from qa.evidence import Evidence
from qa.synonyms import same_sense

_REACH = 5  # units on either side that are compared
_TELLS_NOTHING = frozenset("said say told tell ad".split())

Compare = Callable[[Unit, Unit], bool]


def find_displaced(
    units: Sequence[Unit], place: int, evidence: Evidence, same: Compare, *, lowest: int = 2, both: bool = False
) -> Unit | None:
    """The unit of the quotes whose place the one at `place` has taken, or None.

    Args:
        units: the statement's.
        place: of the unit that is looked at.
        evidence: the quotes.
        same: whether that unit and one of the quotes may be the same thing.
        lowest: how many units around two places must at least be equal.
        both: whether on either side at least one must be.
    """
    own, best, other, kind = 0, lowest - 1, None, units[place].kind
    for sentence in evidence.sentences:
        for there, unit in enumerate(sentence.units):
            if unit.kind != kind:
                continue
            left, right, tells = _likeness(units, place, sentence.units, there)
            if same(units[place], unit):
                own = max(own, left + right)
            elif tells and left + right > best and (not both or (left and right)):
                best, other = left + right, unit
    return other if best > own else None


def _likeness(ours: Sequence[Unit], place: int, theirs: Sequence[Unit], there: int) -> tuple[int, int, bool]:
    """How many units next to two places are equal, before and after, and whether one of them tells anything."""
    left, left_tells = _walk(ours, place, theirs, there, -1)
    right, right_tells = _walk(ours, place, theirs, there, 1)
    if left + right and _is_agent(ours, place) != _is_agent(theirs, there):
        return 0, 0, False  # one is in the passive voice: "Marlow was defeated by Hale"
    return left, right, left_tells or right_tells


def _walk(ours: Sequence[Unit], place: int, theirs: Sequence[Unit], there: int, step: int) -> tuple[int, bool]:
    """How many units in one direction are equal, an end of both sentences included."""
    equal, tells = 0, False
    for distance in range(step, step * (_REACH + 1), step):
        a, b = place + distance, there + distance
        inside = 0 <= a < len(ours), 0 <= b < len(theirs)
        if not any(inside):
            return equal + 1, tells
        if not all(inside) or not _is_same(ours[a], theirs[b]):
            break
        equal += 1
        tells |= ours[a].kind not in ("function", "mark") and ours[a].key not in _TELLS_NOTHING
    return equal, tells


def _is_agent(units: Sequence[Unit], place: int) -> bool:
    return place > 0 and units[place - 1].text == "by"


def _is_same(one: Unit, other: Unit) -> bool:
    return one.key == other.key or (one.kind == other.kind == "word" and other.key in same_sense(one.key))
