"""A run as people read it: an aligned table for the terminal, the same and more in Markdown, and a few sentences."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from qa.findings import (
    NOT_SOUGHT,
    WHOLE_ARTICLE,
    CitedQuote,
    Finding,
    Proof,
    count_model_failures,
    count_reasons,
    find_all,
    find_failures,
    read_finding,
    score_kinds,
)
from qa.measures import MEASURES, Group
from qa.run_folder import Gate, Measure, RankedPassage, Record, Run
from qa.stats import quantile
from qa.text import one_line, shorten
from qa.wording import NONE, align, count_of, describe_gate, format_interval, format_seconds, format_value, name_measure

MAX_FAILURES = 20  # failing cases shown on the terminal
GROUPS: Sequence[Group | str] = ("answer", "citation", "abstention", "retrieval", "cost", "other")
MAX_PASSAGES = 10  # shown of one case
_TEXT_LIMIT = 160  # characters of a question, an answer or a quote
_WHOLE = 10_000  # the same, where one case is shown in full
_COLUMNS = ("measure", "mean", "95 % interval", "n")
# Inside a line: what makes emphasis, code, links, images, tags, entities, mentions, formulas and bare addresses.
_MARKDOWN = re.compile(r"[\\`*_\[\]<>#~&@$]|:(?=//)|(?<=www)\.")

Cells = Sequence[str]
Lines = list[tuple[str, str]]  # a label, and what is said under it


def render_table(run: Run) -> str:
    """The run as plain text: measures, gates, at most 20 failing cases. Safe for a terminal; no newline at its end."""
    failures = find_failures(run)
    parts = ["\n".join([describe_run(run), *describe_limits(run)])]
    parts += [align(lines)] if len(lines := _measure_lines(run)) > 1 else []
    parts += ["\n".join(notes)] if (notes := describe_unscored(run)) else []
    if run.gates:
        parts.append(align([("gate", "is", ""), *map(_gate_cells, run.gates)], left=(0, 2)))
    parts.append(_head_failures(run, failures, MAX_FAILURES))
    parts += [_render_failure(failure) for failure in failures[:MAX_FAILURES]]
    return "\n\n".join(parts)


def render_case(record: Record) -> str:
    """One case in full: what was asked, known and answered, its scores, the first ten passages found. Safe as above."""
    finding = read_finding(record)
    verdict = {True: "right", False: "wrong", None: "not judged"}[finding.is_right]
    lines = [("came out", verdict), *_failure_lines(finding, limit=_WHOLE)]
    lines += [("closest", _show_quote(quote, limit=_WHOLE)) for quote in finding.nearest]
    lines += [("proof", _show_proof(proof)) for proof in finding.proofs]
    hits = enumerate(record["hits"][:MAX_PASSAGES], start=1)
    lines += [("passage", _show_passage(rank, hit)) for rank, hit in hits]
    scores = [
        (f"    {name_measure(name)}", format_value(name, score))
        for name, score in record["scores"].items()
        if score is not None
    ]
    return "\n\n".join([_head_case(finding, lines, limit=_WHOLE), *([align(scores)] if scores else [])])


def render_markdown(run: Run) -> str:
    """The run as Markdown, with every failing case and the scores of each kind of question; no newline at its end.

    Text of articles cannot act as Markdown or HTML.
    """
    failures = find_failures(run)
    parts = [f"# {_escape(describe_run(run))}", *map(_escape, describe_limits(run))]
    parts.append("\n".join(f"- {_escape(line)}" for line in summary_lines(run)))
    if run.records:
        parts += ["## Measures", _markdown_measures(run)]
    parts += [_escape(note) for note in describe_unscored(run)]
    if run.gates:
        parts += ["## Gates", _markdown_table([("gate", "is", "", "why"), *map(_gate_row, run.gates)])]
    if run.records:
        parts += ["## Kinds of question", _markdown_kinds(run)]
    parts += ["## Failing cases", _escape(_head_failures(run, failures, len(failures)))]
    return "\n\n".join([*parts, *map(_markdown_failure, failures)])


def summary_lines(run: Run) -> list[str]:
    """What came of a run, in up to six safe sentences: answers, abstentions, quotes, evidence, cost, gates."""
    if not run.records:
        return ["No case was asked."]
    findings = find_all(run)
    said = (
        _sum_answers(findings),
        _sum_abstentions(findings),
        _sum_quotes(findings),
        _sum_evidence(findings),
        _sum_cost(run.records),
        _sum_gates(run.gates),
    )
    return [one_line(sentence) for sentence in said if sentence]


def describe_run(run: Run) -> str:
    """Suite, what was run, how many cases, which model, how long, in one safe line."""
    model = f"model {shorten(run.model, limit=60)}" if run.model is not None else "no model"
    parts = (one_line(run.suite), one_line(run.system), count_cases(run), model, format_seconds(total_seconds(run)))
    return " · ".join(parts)


def describe_limits(run: Run) -> list[str]:
    """What a reader must know before the numbers, in safe lines: a run or a suite in part, a model that failed."""
    lines, asked = [], len(run.records)
    if run.partial:
        planned = run.manifest.get("cases")
        share = f" · {asked:,} of {planned:,} asked" if isinstance(planned, int) else ""
        lines.append(f"partial: {shorten(run.partial, limit=_TEXT_LIMIT)}{share}")
    if selection := run.manifest.get("selection"):
        chosen = "; ".join(f"{name} {_list(value)}" for name, value in selection.items())
        lines.append(f"only a part of the suite: {shorten(chosen, limit=_TEXT_LIMIT)}")
    if failed := count_model_failures(run):
        lines.append(f"the model failed on {failed:,} of {count_of(asked, 'case')}")
    return lines


def describe_unscored(run: Run) -> list[str]:
    """What was not scored and why, each reason once, and which measures apply to nothing, in safe lines."""
    lines = [
        f"not scored in {count_of(reason.cases, 'case')}: {shorten(reason.text, limit=_TEXT_LIMIT)}"
        f" ({one_line(', '.join(reason.measures))})"
        for reason in count_reasons(run)
    ]
    absent = [name for name, measure in run.measures.items() if not _applies(measure) and run.records]
    return lines + ([f"applies to no case: {one_line(', '.join(absent))}"] if absent else [])


def count_cases(run: Run) -> str:
    """The cases asked, and how many times where that is more than once."""
    cases = len({record["case"]["id"] for record in run.records})
    answers = len(run.records)
    return count_of(cases, "case") + (f" asked {answers:,} times" if answers > cases else "")


def total_seconds(run: Run) -> float:
    """How long a run took, as its manifest has it, else what its cases took together."""
    seconds = run.manifest.get("seconds")
    return float(seconds) if seconds is not None else sum(_times(run.records))


def group_measures(run: Run) -> list[tuple[str, dict[str, Measure]]]:
    """The measures that apply to some case, by group; those of repeats and judges come last, as "other"."""
    applying = {name: measure for name, measure in run.measures.items() if _applies(measure)}
    groups = {
        group: {name: measure for name, measure in applying.items() if group_of(name) == group} for group in GROUPS
    }
    return [(group, measures) for group, measures in groups.items() if measures]


def group_of(name: str) -> str:
    """The group of a measure; "other" for those of repeats and judges."""
    return MEASURES[name].group if name in MEASURES else "other"


def name_finding(finding: Finding) -> str:
    """The id of a case, with which repeat it is where that is not the first."""
    name = shorten(finding.id, limit=40)
    return name if finding.repeat == 1 else f"{name} (repeat {finding.repeat})"


def name_quote(quote: CitedQuote) -> str:
    """Where a quote is from, as one safe line: title and date."""
    title = shorten(quote.title, limit=100) or "an article without a title"
    return f"{title}, {quote.published}" if quote.published else title


def _list(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _applies(measure: Measure) -> bool:
    return measure.n > 0 or measure.unscorable > 0


def _times(records: Iterable[Record]) -> list[float]:
    return [record["seconds"]["total"] for record in records if "total" in record["seconds"]]


# sentences


def _sum_answers(findings: Sequence[Finding]) -> str:
    asked = [finding for finding in findings if finding.answerable and finding.status != "passages"]
    if not asked:
        return ""
    right = sum(finding.is_right is True for finding in asked)
    unknown = sum(finding.is_right is None for finding in asked)
    abstained = sum(finding.is_right is False and finding.status == "abstained" for finding in asked)
    wrong = len(asked) - right - unknown - abstained
    rest = f"; {unknown} could not be judged" if unknown else ""
    subject = f"{right:,} of {count_of(len(asked), 'answerable question')}"
    return f"{subject} answered rightly; {wrong:,} wrongly, and {abstained:,} not at all{rest}."


def _sum_abstentions(findings: Sequence[Finding]) -> str:
    asked = [finding for finding in findings if not finding.answerable and finding.status != "passages"]
    left = sum(finding.is_right is True for finding in asked)
    subject = f"{left:,} of {count_of(len(asked), 'question')}"
    return f"{subject} without an answer in the articles left unanswered." if asked else ""


def _sum_quotes(findings: Sequence[Finding]) -> str:
    quotes = [quote for finding in findings for quote in finding.quotes]
    standing = sum(quote.stands for quote in quotes)
    subject = f"{standing:,} of {count_of(len(quotes), 'quote')}"
    return f"{subject} found in the cited article word for word at the cited place." if quotes else ""


def _sum_evidence(findings: Sequence[Finding]) -> str:
    sought = [finding for finding in findings if finding.evidence not in ("", NOT_SOUGHT)]
    if not sought:
        return ""
    first, ten = (sum(finding.rank is not None and finding.rank <= k for finding in sought) for k in (1, 10))
    subject = f"Evidence in the first passage for {first:,} of {count_of(len(sought), 'question')}"
    return f"{subject}, among the first ten for {ten:,}."


def _sum_cost(records: Sequence[Record]) -> str:
    seconds, usages = _times(records), [(record["answer"] or {}).get("usage") or {} for record in records]
    half, most = quantile(seconds, 0.5), quantile(seconds, 0.95)
    if half is None or most is None:
        return ""
    time = f"Half of the cases took at most {format_seconds(half)}, 95 % at most {format_seconds(most)}"
    sent, written = (sum(usage.get(key) or 0 for usage in usages) for key in ("input_tokens", "output_tokens"))
    costs = [usage["cost_usd"] for usage in usages if usage.get("cost_usd") is not None]
    price = f" for ${sum(costs):,.4f}" if costs else ""
    return f"{time}; the model read {sent:,} tokens and wrote {written:,}{price}." if sent or written else f"{time}."


def _sum_gates(gates: Sequence[Gate]) -> str:
    missed = list(dict.fromkeys(gate.measure for gate in gates if not gate.passed))
    met = sum(gate.passed for gate in gates)
    if not gates:
        return ""
    return f"{met} of {count_of(len(gates), 'gate')} met" + (f"; missed: {', '.join(missed)}." if missed else ".")


# plain text


def _measure_lines(run: Run) -> list[Cells]:
    is_unscored = any(measure.unscorable for measure in run.measures.values())
    rows: list[Cells] = [(*_COLUMNS, "not scored") if is_unscored else _COLUMNS]
    for group, measures in group_measures(run):
        rows.append((group,))
        for name, measure in measures.items():
            label, *cells = _measure_cells(name, measure)
            rows.append((f"  {label}", *cells[: len(rows[0]) - 1]))
    return rows


def _measure_cells(name: str, measure: Measure) -> Cells:
    unscored = str(measure.unscorable) if measure.unscorable else ""
    mean, interval = format_value(name, measure.mean), format_interval(name, measure)
    return one_line(name_measure(name)), mean, interval, f"{measure.n:,}", unscored


def _gate_cells(gate: Gate) -> Cells:
    said = "passed" if gate.passed else "MISSED"
    reason = f": {shorten(gate.reason, limit=_TEXT_LIMIT)}" if gate.reason else ""
    return one_line(describe_gate(gate)), format_value(gate.measure, gate.value), f"{said}{reason}"


def _head_failures(run: Run, failures: Sequence[Finding], shown: int) -> str:
    if not failures:
        return "no case failed" if run.records else "no case was asked"
    cut = f", the first {shown} of them" if len(failures) > shown else ""
    return f"{len(failures)} of {count_of(len(run.records), 'case')} failed{cut}"


def _failure_lines(finding: Finding, *, limit: int = _TEXT_LIMIT) -> Lines:
    """What is said of a case, most of all a failing one, in safe lines."""
    lines = [("before", shorten(turn, limit=limit)) for turn in finding.turns]
    lines += [("as of", finding.as_of)] if finding.as_of else []
    lines.append(("gold", shorten(finding.gold, limit=limit)))
    if finding.status != "passages":
        said = f"{finding.short} — {finding.text}" if finding.short else finding.text
        lines.append(("answered", shorten(said, limit=limit)))
    lines += [("quote", _show_quote(quote, limit=limit)) for quote in finding.quotes]
    lines += [("problem", shorten(problem, limit=limit)) for problem in finding.problems]
    lines += [("why", shorten(finding.why, limit=2 * limit))] if finding.why else []
    return lines + ([("evidence", finding.evidence)] if finding.evidence else [])


def _show_quote(quote: CitedQuote, *, limit: int) -> str:
    broken = "" if quote.stands else " — does not stand there"
    return f"[{quote.number}] “{shorten(quote.text, limit=limit)}” — {name_quote(quote)}{broken}"


def _show_proof(proof: Proof) -> str:
    said = proof.quote if proof.quote == WHOLE_ARTICLE else f"“{one_line(proof.quote)}”"
    return f"{said} — {one_line(proof.article)}"


def _show_passage(rank: int, hit: RankedPassage) -> str:
    note = " — evidence" if hit["parts"] else ""
    return f"{rank}. {one_line(hit['source'])} {hit['start']:,}–{hit['end']:,}{note}"


def _render_failure(finding: Finding) -> str:
    return _head_case(finding, _failure_lines(finding))


def _head_case(finding: Finding, lines: Lines, *, limit: int = _TEXT_LIMIT) -> str:
    """A case's id, kind and question, and what is said of it."""
    head = f"{name_finding(finding)}  {one_line(finding.kind)}  {shorten(finding.question, limit=limit)}"
    return "\n".join([head, *(f"    {label:<8}  {text}" for label, text in lines)])


# Markdown


def _markdown_measures(run: Run) -> str:
    head = ("measure", "mean", "95 % interval", "n", "not scored", "what it is")
    rows = [
        (*_measure_cells(name, measure), MEASURES[name].definition if name in MEASURES else "")
        for _, measures in group_measures(run)
        for name, measure in measures.items()
    ]
    return _markdown_table([head, *rows])


def _markdown_kinds(run: Run) -> str:
    kinds = score_kinds(run)
    names = [name for name in kinds[0].scores if any(kind.scores[name].n for kind in kinds)]
    rows = [
        (kind.kind, f"{kind.cases:,}", *(_mean_and_interval(kind.scores, name) for name in names)) for kind in kinds
    ]
    return _markdown_table([("kind", "cases", *names), *rows])


def _mean_and_interval(scores: Mapping[str, Measure], name: str) -> str:
    measure = scores[name]
    if measure.mean is None:
        return NONE
    return f"{format_value(name, measure.mean)} ({format_interval(name, measure)})"


def _gate_row(gate: Gate) -> Cells:
    rule, value, _ = _gate_cells(gate)
    return rule, value, "passed" if gate.passed else "MISSED", shorten(gate.reason, limit=_TEXT_LIMIT)


def _markdown_table(rows: Sequence[Cells]) -> str:
    head, *body = ["| " + " | ".join(_escape(cell).replace("|", r"\|") for cell in row) + " |" for row in rows]
    rule = "|:--" + "|--:" * (len(rows[0]) - 1) + "|"
    return "\n".join([head, rule, *body])


def _markdown_failure(finding: Finding) -> str:
    items = [f"- {label}: {_escape(text)}" for label, text in _failure_lines(finding)]
    head = f"**{_escape(name_finding(finding))}** ({_escape(finding.kind)}) {_escape(finding.question)}"
    return "\n".join([head, "", *items])


def _escape(text: str) -> str:
    """Text as Markdown that shows it as it is: no emphasis, link, image, address, HTML or entity comes of it."""
    return _MARKDOWN.sub(r"\\\g<0>", one_line(text))
