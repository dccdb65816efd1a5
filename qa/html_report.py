"""A run as one page to look at: what came of it, how sure that is, and every case behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from qa.findings import RIGHT, Finding, find_all, score_kinds
from qa.html_cases import render_all, render_failures
from qa.html_comparison import render_comparison_html
from qa.html_page import (
    GROUP_TITLES,
    badge,
    breakable,
    column,
    definitions,
    format_moment,
    render_page,
    rows_under,
    section,
    table,
)
from qa.markup import Markup, tag
from qa.measures import MEASURES
from qa.outcomes import risk_coverage
from qa.plots import Row, bin_confidences, draw_interval, plot_calibration, plot_latency, plot_risk_coverage, plot_rows
from qa.report import (
    count_cases,
    describe_limits,
    describe_unscored,
    group_measures,
    summary_lines,
    total_seconds,
)
from qa.run_folder import Gate, Measure, Run
from qa.scoring import confidence_outcomes
from qa.stats import quantile
from qa.text import one_line, shorten
from qa.wording import (
    NONE,
    count_of,
    describe_gate,
    format_interval,
    format_percent,
    format_seconds,
    format_value,
    name_measure,
)

__all__ = ["render_comparison_html", "render_html"]

_HEADLINES = {
    "answer_match": "answered rightly",
    "abstention_recall": "rightly left unanswered",
    "quote_validity": "of the quotes stand",
    "hits@10": "have evidence in the first ten passages",
}
_HASH_DIGITS = 64  # of a SHA-256
_ORIGINS = {
    "prompts": "prompts (SHA-256)",
    "embedder": "embedder",
    "reader": "reader",
    "gold_sha256": "gold questions (SHA-256)",
    "archive_sha256": "archive (SHA-256)",
    "seed": "seed",
    "git": "revision",
    "platform": "platform",
    "versions": "versions",
}
_LINKS = tag(
    "nav",
    *[
        tag("a", title, attributes={"href": f"#{name}"})
        for name, title in (
            ("measures", "Measures"),
            ("plots", "Plots"),
            ("failures", "Failing cases"),
            ("cases", "All cases"),
        )
    ],
    attributes={"aria-label": "Parts of the report"},
)


def render_html(run: Run) -> str:
    """The run as one inert HTML file: no script, nothing from elsewhere; equal records give equal bytes."""
    findings = find_all(run)
    body = [_render_head(run, findings)]
    if run.gates:
        body.append(_render_gates(run.gates))
    if findings:
        body += [_render_measures(run), _render_plots(run, findings), render_failures(findings), render_all(findings)]
    return render_page(f"{one_line(run.suite)} · {one_line(run.system)} · evaluation", [*body, _render_origin(run)])


# the head


def _render_head(run: Run, findings: Sequence[Finding]) -> Markup:
    model = f"model {one_line(run.model)}" if run.model is not None else "no model"
    facts = (one_line(run.system), count_cases(run), model, format_seconds(total_seconds(run)))
    parts = [*_render_headlines(run, findings), _LINKS] if findings else []
    return tag(
        "header",
        tag("p", "Evaluation report", css="kicker"),
        tag("h1", one_line(run.suite)),
        tag("p", " · ".join([*facts, format_moment(run.started)]), css="byline"),
        *[tag("p", limit, css="warning") for limit in describe_limits(run)],
        tag("p", " ".join(summary_lines(run)), css="standfirst"),
        *parts,
    )


def _render_headlines(run: Run, findings: Sequence[Finding]) -> list[Markup]:
    """The few numbers that matter, each with what it is and how sure."""
    cells = [
        _headline(format_percent(measure.mean), title, _range_of(measure))
        for name, title in _HEADLINES.items()
        if (measure := run.measures.get(name)) and measure.mean is not None
    ]
    times = [finding.seconds for finding in findings if finding.seconds is not None]
    half, most = quantile(times, 0.5), quantile(times, 0.95)
    if half is not None and most is not None:
        cells.append(
            _headline(format_seconds(half), "for half of the cases, or less", f"95 % within {format_seconds(most)}")
        )
    return [tag("dl", *cells, css="headlines")] if cells else []


def _headline(number: str, title: str, note: str) -> Markup:
    return tag("div", tag("dt", title), tag("dd", number, css="figure"), tag("dd", note, css="note"))


def _range_of(measure: Measure) -> str:
    cases = count_of(measure.n, "case")
    if measure.low is None or measure.high is None:
        return cases
    return f"{cases}; 95 % interval {format_percent(measure.low)} to {format_percent(measure.high)}"


def _render_gates(gates: Sequence[Gate]) -> Markup:
    items = [
        tag(
            "li",
            badge("passed", "good") if gate.passed else badge("missed", "bad"),
            tag("span", one_line(describe_gate(gate)), css="rule"),
            tag("span", f"is {format_value(gate.measure, gate.value)}", css="value"),
            tag("span", shorten(gate.reason, limit=300), css="note") if gate.reason else "",
        )
        for gate in gates
    ]
    met = sum(gate.passed for gate in gates)
    return section("gates", f"Gates: {met} of {len(gates)} met", tag("ul", *items, css="gates"))


# measures


def _render_measures(run: Run) -> Markup:
    head = [column("measure"), column("mean", "number"), column("95 % interval"), column("n", "number")]
    bodies = [
        rows_under(
            GROUP_TITLES[group], "", len(head), [_render_measure(name, measure) for name, measure in measures.items()]
        )
        for group, measures in group_measures(run)
    ]
    notes = [tag("p", line, css="note") for line in describe_unscored(run)]
    note = tag(
        "p", "The bars run from 0 to 1, those of costs from 0 to their upper end. ↓ lower is better.", css="note"
    )
    return section("measures", "Measures", table("Measures", head, bodies, "measures"), note, *notes)


def _render_measure(name: str, measure: Measure) -> Markup:
    what = MEASURES[name].definition if name in MEASURES else ""
    unscored = tag("span", f"{measure.unscorable} not scored", css="note bad") if measure.unscorable else ""
    return tag(
        "tr",
        tag(
            "th",
            tag("span", breakable(name_measure(name)), css="name"),
            tag("span", what, css="note"),
            attributes={"scope": "row"},
        ),
        tag("td", format_value(name, measure.mean), css="number"),
        tag("td", *_draw(name, measure), css="range"),
        tag("td", f"{measure.n:,}", unscored, css="number"),
    )


def _draw(name: str, measure: Measure) -> list[Markup]:
    """The interval as a bar, and in figures."""
    if measure.mean is None:
        return [tag("span", NONE)]
    low, high = (measure.mean if end is None else end for end in (measure.low, measure.high))
    is_cost = name in MEASURES and MEASURES[name].group == "cost"
    bar = draw_interval((low, measure.mean, high), (0, (high * 1.05 or 1.0) if is_cost else 1))
    return [bar, tag("span", format_interval(name, measure), css="note")]


# plots


def _render_plots(run: Run, findings: Sequence[Finding]) -> Markup:
    kinds = [(kind.kind, kind.scores[RIGHT]) for kind in score_kinds(run)]
    times = [finding.seconds for finding in findings if finding.seconds is not None]
    title = "Right, by kind of question"
    rows = plot_rows([_row(kind, measure) for kind, measure in kinds if measure.n], title)
    what = "The share of cases that came out right, with its 95 % interval: {}."
    answered = "the gold answer where the articles have one, an abstention where they have none"
    is_answered = any(finding.status != "passages" for finding in findings)
    plots = [
        _plot(title, rows, what.format(answered if is_answered else "evidence among the first ten passages")),
        *(_plot_confidence(run, findings) if is_answered else ()),
        _plot("Time", plot_latency(times), f"From question to answer, {count_of(len(times), 'case')}."),
    ]
    return section("plots", "Kinds, confidence and time", tag("div", *plots, css="plots"))


def _plot_confidence(run: Run, findings: Sequence[Finding]) -> tuple[Markup, Markup]:
    """What is known of the confidence of answers: what they risk, and whether it is to be believed."""
    outcomes = confidence_outcomes(run.records)
    asked = sum(finding.status != "passages" for finding in findings)
    risk = (
        "If only the answers it is surest of were given: how many of the cases that would be, and how many of"
        f" the answers wrong.{_aurc(run.measures)}"
    )
    calibration = (
        "How often answers are right at the confidence the program gives them. On the diagonal it could be read as"
        " the chance of being right; below the diagonal it promises too much. The bars count the answers."
    )
    return (
        _plot("Risk and coverage", plot_risk_coverage(risk_coverage(outcomes, asked)), risk),
        _plot("Calibration", plot_calibration(bin_confidences(outcomes)), calibration),
    )


def _plot(title: str, image: Markup, caption: str) -> Markup:
    return tag("figure", tag("h3", title), image, tag("figcaption", caption), css="plotted")


def _row(label: str, measure: Measure) -> Row:
    mean, low, high = (end if end is not None else 0.0 for end in (measure.mean, measure.low, measure.high))
    return Row(one_line(label), mean, low, high, measure.n)


def _aurc(measures: Mapping[str, Measure]) -> str:
    measure = measures.get("aurc")
    return "" if measure is None or measure.mean is None else f" The area under the curve (aurc) is {measure.mean:.3f}."


# what it follows from


def _render_origin(run: Run) -> Markup:
    pairs = [(title, _show_origin(run.manifest.get(key))) for key, title in _ORIGINS.items()]
    given = [("suite", run.suite), ("system", run.system), ("model", run.model or "none"), *pairs]
    return tag("footer", tag("h2", "What this run follows from"), definitions(given, "facts"))


def _show_origin(value: object) -> str:
    """A value of the manifest in a line; of a hash as many digits as tell it from others."""
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_show_origin(part)}" for name, part in value.items() if part is not None)
    text = "" if value is None else one_line(str(value))
    return f"{text[:16]}…" if len(text) == _HASH_DIGITS and text.isalnum() else text
