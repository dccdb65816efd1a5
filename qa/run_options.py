"""How a suite is run: what is judged, which cases, how often, in which bounds."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qa.articles import hash_text
from qa.errors import UsageError
from qa.gold import Case
from qa.systems import System, check_system
from qa.text import shorten, suggest

_LOWEST: Mapping[str, int] = {
    "repeats": 1, "limit": 1, "concurrency": 1, "max_seconds": 0, "max_tokens": 0, "max_cost_usd": 0,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How a suite is run; the defaults ask every case once.

    Args:
        system: what is judged, one of `qa.systems.SYSTEMS`.
        repeats: how often each case is asked.
        limit: ask so many cases only, drawn by `seed`; None is all.
        cases: ask only those with one of these ids; empty is all, as for `tags` and `splits`.
        tags: ask only cases with one of these tags, or of one of these kinds.
        splits: ask only cases of one of these splits.
        seed: where every choice by chance starts.
        concurrency: how many cases are asked at a time.
        max_seconds: stop before the next case once so much time has passed.
        max_tokens: stop once models have read and written so many tokens in this call.
        max_cost_usd: stop once their replies have cost so much in this call.
        fresh: begin anew, though a run of the same could go on.

    Raises:
        UsageError: there is no such system, or a number is out of range.
    """

    system: System = "full"
    repeats: int = 1
    limit: int | None = None
    cases: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    splits: tuple[str, ...] = ()
    seed: int = 0
    concurrency: int = 1
    max_seconds: float | None = None
    max_tokens: int | None = None
    max_cost_usd: float | None = None
    fresh: bool = False

    def __post_init__(self) -> None:
        check_system(self.system)
        for name, lowest in _LOWEST.items():
            value = getattr(self, name)
            if value is not None and not lowest <= value:
                raise UsageError(f"{name} must be at least {lowest}, not {value}.")

    @property
    def selects(self) -> bool:
        """Whether some cases are left out."""
        return self.selection() is not None

    def selection(self) -> dict[str, Any] | None:
        """What is asked for where some cases are left out, as plain data; None where none is."""
        lists = {"cases": self.cases, "tags": self.tags, "splits": self.splits}
        chosen: dict[str, Any] = {} if self.limit is None else {"limit": self.limit}
        return chosen | {name: list(names) for name, names in lists.items() if names} or None


def select_cases(cases: Sequence[Case], options: RunOptions) -> list[Case]:
    """The cases that the options ask for, in the suite's order.

    Raises:
        UsageError: there are none, or no case of the suite has an id, tag or split that is named.
    """
    _check_known("case", options.cases, {case.id for case in cases})
    _check_known("tag or kind", options.tags, {tag for case in cases for tag in (case.kind, *case.tags)})
    _check_known("split", options.splits, {case.split for case in cases if case.split})
    chosen = [case for case in cases if _is_chosen(case, options)]
    if options.limit is not None:
        drawn = sorted((case.id for case in chosen), key=lambda id_: hash_text(f"{options.seed}:{id_}"))
        kept = frozenset(drawn[: options.limit])
        chosen = [case for case in chosen if case.id in kept]
    if not chosen:
        raise UsageError("No case of this suite is left by --case, --tag, --split and --limit.")
    return chosen


def _check_known(thing: str, named: Sequence[str], known: Collection[str]) -> None:
    for name in named:
        if name not in known:
            raise UsageError(f"No {thing} '{shorten(name, limit=40)}' in this suite.{suggest(name, sorted(known))}")


def _is_chosen(case: Case, options: RunOptions) -> bool:
    return (
        (not options.cases or case.id in options.cases)
        and (not options.tags or not {case.kind, *case.tags}.isdisjoint(options.tags))
        and (not options.splits or case.split in options.splits)
    )
