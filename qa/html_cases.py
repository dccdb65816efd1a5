"""The cases of a run as HTML: the failing ones in full, all of them in a compact table."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from qa.findings import CitedQuote, Finding, JudgedStatement, Proof, count_faults
from qa.gold import KINDS
from qa.html_page import badge, column, definitions, quoted, rows_under, section, table
from qa.markup import Markup, join, tag
from qa.report import name_finding, name_quote
from qa.text import one_line, shorten
from qa.wording import NONE, count_of, format_seconds

_OPEN = 3  # failing cases whose details are shown at once
_BADGE_LIMIT = 80  # characters of the reason beside a failing case
_ANSWER_LIMIT = 140  # characters of an answer in the table of all cases
_VERDICTS = {"supported": "good", "unsupported": "bad", "uncited": "bad"}


def render_failures(findings: Sequence[Finding]) -> Markup:
    """What failed and why: a count of the reasons, then each failing case in full."""
    failed = [finding for finding in findings if finding.faults]
    if not failed:
        return section("failures", "Failing cases", tag("p", "No case failed."))
    head = f"{len(failed)} of {count_of(len(findings), 'case')} failed."
    reasons = [
        tag("li", tag("strong", f"{number:,}"), " ", reason, css="reason") for reason, number in count_faults(failed)
    ]
    cases = [_render_case(finding, place) for place, finding in enumerate(failed)]
    return section("failures", "Failing cases", tag("p", head), tag("ul", *reasons, css="reasons"), join(cases, "\n"))


def render_all(findings: Sequence[Finding]) -> Markup:
    """Every case in a line, by kind of question; those that failed lead to where they are shown in full."""
    order = {kind: place for place, kind in enumerate(KINDS)}
    anchors = {id(finding): f"#case-{place + 1}" for place, finding in enumerate(f for f in findings if f.faults)}
    ordered = sorted(findings, key=lambda finding: order.get(finding.kind, len(order)))
    groups = [(kind, list(some)) for kind, some in groupby(ordered, key=lambda finding: finding.kind)]
    head = [column(name) for name in ("case", "came out", "question", "answer")]
    head += [column("evidence", "number"), column("time", "number")]
    bodies = [
        rows_under(kind, _count_right(some), len(head), [_render_row(f, anchors.get(id(f))) for f in some])
        for kind, some in groups
    ]
    return section("cases", "All cases", table("All cases", head, bodies, "cases"))


def render_quote(quote: CitedQuote) -> Markup:
    """A quote with where it is from; the short answer in it is marked."""
    warning = "" if quote.stands else join([" ", badge("does not stand there", "bad")])
    source = tag("figcaption", tag("span", f"[{quote.number}] ", css="note"), quoted(name_quote(quote)), warning)
    return tag("figure", tag("blockquote", _mark(quote), attributes={"dir": "auto"}), source, css="quote")


def _mark(quote: CitedQuote) -> Markup:
    start, end = quote.short_span or (0, 0)
    text = quote.text
    return join([text[:start], tag("mark", text[start:end]), text[end:]]) if start < end else join([text])


# one failing case


def _render_case(finding: Finding, place: int) -> Markup:
    fault = finding.why if len(finding.why) < _BADGE_LIMIT else finding.faults[0].text
    head = tag(
        "summary",
        tag("h3", quoted(one_line(finding.question), "question")),
        tag("span", name_finding(finding), css="id"),
        tag("span", one_line(finding.kind), css="kind"),
        badge(shorten(fault, limit=_BADGE_LIMIT), "bad"),
    )
    attributes = {"id": f"case-{place + 1}"} | ({"open": ""} if place < _OPEN else {})
    facts = definitions(
        [
            ("asked before", join([quoted(one_line(turn)) for turn in finding.turns], tag("br"))),
            ("as of", finding.as_of),
            ("gold", quoted(finding.gold)),
            ("answer", _render_answer(finding)),
            ("why it failed", "" if finding.why == fault else finding.why),
            ("evidence", finding.evidence),
            ("confidence", "" if finding.confidence is None else f"{finding.confidence:.2f}"),
        ],
        "facts",
    )
    proofs = map(_render_proof, finding.proofs)
    return tag("details", head, facts, *_render_quotes(finding), *proofs, css="case", attributes=attributes)


def _render_answer(finding: Finding) -> Markup:
    if finding.status == "passages":
        return join(["only passages were asked for"])
    short = [tag("p", quoted(finding.short), css="short")] if finding.short else []
    statements = finding.statements or (JudgedStatement(finding.text, "", ()),)
    notices = [tag("p", quoted(notice), css="note") for notice in finding.notices]
    return join([*short, *map(_render_statement, statements), *notices])


def _render_statement(statement: JudgedStatement) -> Markup:
    verdict = [" ", badge(statement.verdict, _VERDICTS.get(statement.verdict, "plain"))] if statement.verdict else []
    problems = [tag("li", quoted(problem)) for problem in statement.problems]
    said = tag("p", quoted(statement.text), *verdict)
    return join([said, tag("ul", *problems, css="problems")]) if problems else said


def _render_proof(proof: Proof) -> Markup:
    """What the answer would have had to rest on."""
    others = f" and {count_of(proof.others, 'other piece')}" if proof.others else ""
    source = tag("figcaption", tag("span", "gold evidence: ", css="good"), quoted(one_line(proof.article)), others)
    return tag("figure", tag("blockquote", proof.quote, attributes={"dir": "auto"}), source, css="quote proof")


def _render_quotes(finding: Finding) -> list[Markup]:
    if finding.quotes:
        return [render_quote(quote) for quote in finding.quotes]
    if not finding.nearest:
        return []
    return [tag("p", "Closest to the question were:", css="note"), *map(render_quote, finding.nearest)]


# all cases


def _count_right(findings: Sequence[Finding]) -> str:
    judged = [finding.is_right for finding in findings if finding.is_right is not None]
    return f"{sum(judged)} of {len(judged)} right" if judged else ""


def _render_row(finding: Finding, anchor: str | None) -> Markup:
    question = quoted(one_line(finding.question))
    said, css = _came_out(finding)
    time = NONE if finding.seconds is None else format_seconds(finding.seconds)
    return tag(
        "tr",
        tag("th", name_finding(finding), css="id", attributes={"scope": "row"}),
        tag("td", said, css=f"outcome {css}"),
        tag("td", tag("a", question, attributes={"href": anchor}) if anchor else question),
        tag("td", quoted(shorten(_answer(finding), limit=_ANSWER_LIMIT))),
        tag("td", _rank(finding), css="number"),
        tag("td", time, css="number"),
    )


def _answer(finding: Finding) -> str:
    if finding.status == "abstained":
        return NONE
    return finding.short or finding.text or NONE


def _rank(finding: Finding) -> str:
    if not finding.evidence:
        return NONE
    return str(finding.rank) if finding.rank else "none"


def _came_out(finding: Finding) -> tuple[str, str]:
    """Whether a case is right, in a word or two, and its class."""
    if finding.is_right is None:
        return "not judged", "plain"
    if finding.status == "passages":
        return ("found", "good") if finding.is_right else ("missed", "bad")
    if finding.status == "abstained":
        return ("rightly abstained", "good") if finding.is_right else ("abstained", "bad")
    if finding.is_right and finding.faults:
        return "right, but see", "bad"
    return ("right", "good") if finding.is_right else ("wrong", "bad")
