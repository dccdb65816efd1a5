"""How a question is looked up: within which filters, and of which days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from qa.articles import Filters
from qa.retrieve import Hit, Indexes, Retriever
from qa.window import Timing, read_timing


@dataclass(frozen=True, slots=True)
class Plan:
    """One question to be looked up; `filters` are those of the user, within a hard window of the question."""

    question: str
    filters: Filters
    timing: Timing

    def search(self, retriever: Retriever, *, limit: int, indexes: Indexes = "both") -> list[Hit]:
        """Passages, best first, at most `limit`; see `Retriever.search`."""
        return retriever.search(self.question, limit=limit, filters=self.filters, indexes=indexes, timing=self.timing)


def make_plan(question: str, filters: Filters, today: date) -> Plan:
    """Read a question for how it is to be looked up, as it is asked on `filters.as_of`, or `today` without that."""
    timing = read_timing(question, filters, today)
    return Plan(question, timing.narrow(filters), timing)
