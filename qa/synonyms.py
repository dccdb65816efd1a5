"""Words that stand for one another between a question and a sentence."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from qa.keywords import analyze

_FILE = Path(__file__).parent / "data" / "synonyms.txt"


def same_sense(term: str) -> frozenset[str]:
    """The terms (as `keywords.analyze` gives them) that may stand for this one, itself included."""
    return _groups().get(term, frozenset((term,)))


@cache
def _groups() -> dict[str, frozenset[str]]:
    groups: dict[str, frozenset[str]] = {}
    for line in _FILE.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            continue
        terms = frozenset(analyze(line))
        for term in terms:
            groups[term] = groups.get(term, frozenset()) | terms
    return groups
