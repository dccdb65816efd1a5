"""Two runs side by side as one page: what differs, what changed and how sure that is, and the cases that turned."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from qa.html_page import (
    GROUP_TITLES,
    badge,
    breakable,
    column,
    definitions,
    format_moment,
    quoted,
    render_page,
    rows_under,
    section,
    table,
)
from qa.markup import Markup, join, tag
from qa.plots import draw_interval
from qa.report import count_cases, describe_limits, group_of, total_seconds
from qa.text import one_line, shorten
from qa.wording import count_of, format_seconds, format_value, name_measure

if TYPE_CHECKING:
    from qa.compare import Change, Comparison, Flip
    from qa.run_folder import Run


_NONE_SHOWN, _SAME = "no difference shown", "the same in every case"  # what `qa.compare` says of a cost or a score


def render_comparison_html(comparison: Comparison) -> str:
    """The comparison as one inert HTML file: no script, nothing from elsewhere; equal input gives equal bytes."""
    gained = [flip for flip in comparison.flips if flip.better == "b"]
    lost = [flip for flip in comparison.flips if flip.better == "a"]
    suites = " and ".join(dict.fromkeys(one_line(run.suite) for run in (comparison.a, comparison.b)))
    body = [
        _render_head(comparison, suites),
        _render_differs(comparison.differs),
        _render_changes(comparison.changes, comparison.notes),
        _render_flips("gained", f"B right, A not: {count_of(len(gained), 'case')}", gained),
        _render_flips("lost", f"A right, B not: {count_of(len(lost), 'case')}", lost),
    ]
    return render_page(f"{suites} · two runs compared", body)


def _render_head(comparison: Comparison, suites: str) -> Markup:
    return tag(
        "header",
        tag("p", "Two runs compared", css="kicker"),
        tag("h1", suites),
        tag("p", f"Over {count_of(comparison.cases, 'case')} that both were asked.", css="byline"),
        tag("p", " ".join(_summarise(comparison)), css="standfirst"),
        tag("div", _render_run("A", comparison.a), _render_run("B", comparison.b), css="pair"),
    )


def _render_run(letter: str, run: Run) -> Markup:
    facts = definitions(
        [
            ("system", one_line(run.system)),
            ("model", one_line(run.model) if run.model is not None else "none"),
            ("asked", f"{count_cases(run)} in {format_seconds(total_seconds(run))}"),
            ("begun", format_moment(run.started)),
        ],
        "facts",
    )
    limits = [tag("p", limit, css="warning") for limit in describe_limits(run)]
    return tag("div", tag("h2", letter, css=f"letter {letter.lower()}"), facts, *limits)


def _summarise(comparison: Comparison) -> list[str]:
    """What came of the comparison, in sentences; costs are no merit, and told apart."""
    gained = sum(flip.better == "b" for flip in comparison.flips)
    turned = f"{count_of(gained, 'case')} turned right, {len(comparison.flips) - gained} turned wrong."
    costs = [change.words.removeprefix("B ") for change in comparison.changes if _is_cost(change)]
    dearer = [words for words in costs if words not in (_NONE_SHOWN, _SAME)]
    return [*_conclude(comparison.changes), turned, *([f"B {', '.join(dearer)}."] if dearer else [])]


def _conclude(changes: Sequence[Change]) -> list[str]:
    scores = [change for change in changes if not _is_cost(change)]
    if not scores:
        return ["No measure applies to two cases of both, so nothing can be said of which is better."]
    if all(change.words == _SAME for change in scores):
        return ["A and B are the same in every case."]
    better, worse = ([change.name for change in scores if _direction(change) == css] for css in ("good", "bad"))
    if not better and not worse:
        measures = count_of(len(scores), "measure")
        return [f"No difference is shown in any of {measures}; that does not prove that there is none."]
    rest = len(scores) - len(better) - len(worse)
    said = [f"{word} in {', '.join(names)}" for word, names in (("better", better), ("worse", worse)) if names]
    others = f"; in the other {count_of(rest, 'measure')} no difference is shown" if rest else ""
    return [f"B is {' and '.join(said)}{others}."]


def _render_differs(differs: Sequence[str]) -> Markup:
    if not differs:
        return section("differs", "What differs", tag("p", "Nothing in their settings."))
    items = [tag("li", shorten(line, limit=400)) for line in differs]
    return section("differs", "What differs", tag("ul", *items, css="differs"))


# changes


def _render_changes(changes: Sequence[Change], notes: Sequence[str]) -> Markup:
    if not changes:
        return section("changes", "What changed", tag("p", "No measure applies to two cases of both."))
    head = [column("measure"), column("in words"), column("A", "number"), column("B", "number")]
    head += [column("B − A, 95 % interval"), column("p", "number"), column("cases", "number")]
    shares = [max(abs(change.low), abs(change.high)) for change in changes if not _is_cost(change)]
    bound = min(1.0, math.ceil(max([0.1, *shares]) * 10) / 10)
    groups = [(group, list(members)) for group, members in groupby(changes, key=lambda change: group_of(change.name))]
    bodies = [
        rows_under(GROUP_TITLES[group], "", len(head), [_render_change(change, bound) for change in members])
        for group, members in groups
    ]
    key = (
        f"The bars run from −{bound:g} to +{bound:g}, those of costs to their own end; the line is at no difference."
        " p of a score is adjusted over all scores (Holm). ↓ lower is better."
    )
    told = [tag("p", shorten(note, limit=600), css="note") for note in (*notes, key)]
    return section("changes", "What changed", table("What changed", head, bodies, "changes"), *told)


def _render_change(change: Change, bound: float) -> Markup:
    if _is_cost(change):
        bound = max(abs(change.low), abs(change.high)) or 1.0
    css = _direction(change)
    bar = draw_interval((change.low, change.difference, change.high), (-bound, bound), css)
    numbers = f"{_signed(change, change.difference)} ({_signed(change, change.low)} to {_signed(change, change.high)})"
    words, _, detail = one_line(change.words).removesuffix(")").partition(" (")
    return tag(
        "tr",
        tag("th", tag("span", breakable(name_measure(change.name)), css="name"), attributes={"scope": "row"}),
        tag(
            "td",
            tag("strong", words, css=css),
            tag("span", detail.replace("± ", "±\u00a0"), css="note") if detail else "",
        ),
        tag("td", _write(change, change.a), css="number"),
        tag("td", _write(change, change.b), css="number"),
        tag("td", bar, tag("span", numbers, css="note"), css="range"),
        tag("td", _format_p(change.p_adjusted), tag("span", change.test, css="note"), css="number"),
        tag("td", f"{change.n:,}", css="number"),
    )


def _is_cost(change: Change) -> bool:
    return group_of(change.name) == "cost"


def _direction(change: Change) -> str:
    """The class of a change: what its words say of B."""
    return {"B is better": "good", "B is worse": "bad"}.get(change.words, "plain")


def _write(change: Change, value: float) -> str:
    return format_seconds(value) if change.name == "seconds" else format_value(change.name, value)


def _signed(change: Change, value: float) -> str:
    sign = "−" if value < 0 else "+" if value > 0 else ""
    return sign + _write(change, abs(value))


def _format_p(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


# cases that turned


def _render_flips(name: str, title: str, flips: Sequence[Flip]) -> Markup:
    if not flips:
        return section(name, title, tag("p", "None."))
    return section(name, title, join([_render_flip(flip) for flip in flips], "\n"))


def _render_flip(flip: Flip) -> Markup:
    answers = [_render_side(letter, text, flip.better) for letter, text in (("a", flip.a), ("b", flip.b))]
    return tag(
        "article",
        tag("h3", quoted(one_line(flip.question), "question")),
        tag("p", tag("span", shorten(flip.id, limit=40), css="id"), " gold: ", quoted(flip.gold), css="note"),
        tag("div", *answers, css="pair"),
        css="flip",
    )


def _render_side(letter: str, text: str, better: str) -> Markup:
    is_right = letter == better
    verdict = badge("right" if is_right else "not right", "good" if is_right else "bad")
    head = tag("p", tag("span", letter.upper(), css=f"letter {letter}"), " ", verdict)
    return tag("div", head, tag("p", quoted(text)))
