"""An amount said of a thing of which its source says another amount.

"14 people had to be evacuated" is not borne out by "The number of people killed rose to 14. A total of 21,400 people
have been evacuated": the sentence that shares most words with the statement has another amount of the same kind, and
the one that has the amount shares fewer. A statement that has no words of its own ("the answer is 14") is said of what
its question asks for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from qa.clauses import Fault, Reading
from qa.evidence import Evidence, read_around
from qa.figures import Figure, same_figure
from qa.synonyms import same_sense

# How many more words of a statement the sentence with the other amount must have, or of a question: chosen by
# `python eval/bench/spoil.py` and `python eval/bench/asked.py`, by which 2 of a question refuses 7 true answers of 171.
_MARGIN, _MARGIN_ASKED = 2, 3
# What an answer says of itself, not of its subject.
_EMPTY = frozenset("answer passag articl text state say mention therefor question accord total number amount".split())


def check_subjects(claim: Reading, evidence: Evidence, question: Reading | None = None) -> Iterator[Fault]:
    """Amounts of a statement in whose place its source has other ones, a line for each."""
    own = _terms(claim) - _EMPTY
    asked = _terms(question) if question and not own else frozenset()
    sentences = list(read_around(evidence)) if asked else evidence.sentences
    for clause in claim.clauses:
        terms = asked or clause.terms - _EMPTY
        for figure in clause.amounts:
            if question and any(same_figure(figure, known) for known in question.amounts):
                continue
            if rival := _find_rival(figure, terms, sentences, _MARGIN_ASKED if asked else _MARGIN):
                yield Fault("figure_not_in_quote", f"the article has {rival.text} for this, not {figure.text}")


def _find_rival(figure: Figure, terms: frozenset[str], sentences: Sequence[Reading], margin: int) -> Figure | None:
    """An amount of the same kind in a sentence that has clearly more of the terms than any with the amount itself."""
    held = [s for s in sentences if any(same_figure(figure, known) for known in s.amounts)]
    if not held:
        return None
    own = max(_count_shared(terms, sentence) for sentence in held)
    for sentence in sentences:
        rivals = [other for other in sentence.amounts if (other.kind, other.unit) == (figure.kind, figure.unit)]
        if rivals and sentence not in held and _count_shared(terms, sentence) >= own + margin:
            return rivals[0]
    return None


def _count_shared(terms: Iterable[str], sentence: Reading) -> int:
    known = _terms(sentence)
    return sum(not known.isdisjoint(same_sense(term)) for term in terms)


def _terms(reading: Reading) -> frozenset[str]:
    return frozenset(term for clause in reading.clauses for term in clause.terms)
