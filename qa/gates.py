"""A suite's rules held against a run: what must be reached, and what must not get worse."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from qa.compare import ALPHA, COMPARED, Change, compare_measure
from qa.errors import ContentError
from qa.measures import MEASURES, SCORES
from qa.run_folder import Gate, Measure, Record, Run
from qa.scoring import load_run
from qa.stats import mean_interval
from qa.suite import GateRule

_ROUNDING = 1e-9  # a mean that misses its limit by less than this misses it by rounding alone
_NOTHING = Measure(None, None, None, 0)


class _Verdict(NamedTuple):
    """What a rule was held against, and why it is missed, "" where it is met."""

    value: float | None
    reason: str = ""


def check_gates(
    rules: Sequence[GateRule], measures: Mapping[str, Measure], records: Sequence[Record], manifest: Mapping[str, Any]
) -> tuple[Gate, ...]:
    """Each rule with what came of it, in order. What cannot be judged is not passed.

    A case that could not be scored counts as the worst value, so that no run passes by failing: as 0, or 1 where
    lower is better; of `abstention_f1` as an answer to what has none. So `value` can be less than the measure's mean.

    Args:
        rules: what must be met.
        measures: the means of the run.
        records: what they are the means of.
        manifest: what the run follows from; a kept run of other data cannot be held against it.
    """
    run = Run(Path(), manifest, tuple(records), measures)
    return tuple(_check_gate(rule, run) for rule in rules)


def _check_gate(rule: GateRule, run: Run) -> Gate:
    check = {"mean": _check_mean, "bound": _check_bound, "not_worse_than": _check_not_worse}[rule.kind]
    measure = run.measures.get(rule.measure, _NOTHING)
    if measure.n or measure.unscorable:
        value, reason = check(rule, run)
    else:
        value, reason = None, f"{rule.measure} applies to no case"
    # Not the baseline's path, which is another on each machine: the gates are written into the run.
    baseline = rule.baseline.name if rule.baseline else None
    return Gate(rule.measure, rule.kind, rule.limit, baseline, value, not reason, reason)


def _check_mean(rule: GateRule, run: Run) -> _Verdict:
    value = _mean_with_failures(rule.measure, run.measures[rule.measure])
    return _hold(rule, value, rule.measure, run.measures[rule.measure].unscorable)


def _check_bound(rule: GateRule, run: Run) -> _Verdict:
    measure, end = run.measures[rule.measure], "upper" if _lower_is_better(rule.measure) else "lower"
    low, high = _interval_with_failures(rule.measure, measure, run.records)
    value = high if end == "upper" else low
    if value is None:
        return _Verdict(None, f"{rule.measure} has no interval whose {end} end could be {_name_side(rule)}")
    return _hold(rule, value, f"the {end} end of the interval of {rule.measure}", measure.unscorable)


def _check_not_worse(rule: GateRule, run: Run) -> _Verdict:
    """Whether the unadjusted p of being worse is above `ALPHA`: one question was asked, not many."""
    value = _mean_with_failures(rule.measure, run.measures[rule.measure])
    if rule.measure not in COMPARED:
        return _Verdict(value, f"{rule.measure} cannot be compared case by case: give it a mean to reach")
    if rule.baseline is None:
        return _Verdict(value, f"{rule.measure} has no run to be compared with")
    name = rule.baseline.name
    try:
        change = compare_measure(load_run(rule.baseline), _count_failures(rule.measure, run), rule.measure)
    except ContentError as error:
        why = str(error).replace(str(rule.baseline), name)
        return _Verdict(value, f"{rule.measure} cannot be compared with {name}: {why}")
    if change is None:
        return _Verdict(value, f"{rule.measure} cannot be compared with {name}: fewer than two cases have it in both")
    return _Verdict(value, _say_worse(change, name) if _is_worse(change) else "")


def _is_worse(change: Change) -> bool:
    lost = change.difference > 0 if _lower_is_better(change.name) else change.difference < 0
    return lost and change.p <= ALPHA


def _say_worse(change: Change, baseline: str) -> str:
    was, now = _write_apart(change.a, change.b)
    p = "below 0.001" if change.p < 0.001 else f"{change.p:.3f}"
    return f"{change.name} is {now}, in {baseline} it was {was}, over the same {change.n} cases: worse (p {p})"


def _hold(rule: GateRule, value: float, what: str, failures: int) -> _Verdict:
    limit = rule.limit or 0.0
    missing = value - limit if _lower_is_better(rule.measure) else limit - value
    if missing <= _ROUNDING:
        return _Verdict(value)
    subject = (
        "1 case that could not be scored counts"
        if failures == 1
        else f"{failures} cases that could not be scored count"
    )
    note = f" ({subject} as {_worst(rule.measure):g})" if failures else ""
    return _Verdict(value, f"{what} is {_write_apart(value, limit)[0]}, not {_name_side(rule)}{note}")


# cases that could not be scored


def _mean_with_failures(name: str, measure: Measure) -> float:
    mean, weight = measure.mean or 0.0, float(measure.n)
    if name == "abstention_f1":  # 2TP over abstentions + unanswerable, of which n has each right one once, not twice
        weight = 2 * measure.n / (2 - mean)
    return (mean * weight + _worst(name) * measure.unscorable) / (weight + measure.unscorable)


def _interval_with_failures(
    name: str, measure: Measure, records: Sequence[Record]
) -> tuple[float | None, float | None]:
    """The ends of the measure's interval, with each failure as a case that depends on no other."""
    if not measure.unscorable or name not in SCORES:
        return measure.low, measure.high
    scored = [(score, record["cluster"]) for record in records if (score := record["scores"][name]) is not None]
    values = [score for score, _ in scored] + [_worst(name)] * measure.unscorable
    clusters: list[str | int] = [cluster for _, cluster in scored]
    interval = mean_interval(values, clusters + list(range(measure.unscorable)))
    return (interval.low, interval.high) if interval else (None, None)


def _count_failures(name: str, run: Run) -> Run:
    """The run with the worst score for each case of which the measure could not be taken."""
    records = [record.copy() for record in run.records]
    for record in records:
        if name in record["unscorable"]:
            record["scores"] = record["scores"] | {name: _worst(name)}
    return replace(run, records=tuple(records))


def _worst(name: str) -> float:
    return 1.0 if _lower_is_better(name) else 0.0


# words


def _lower_is_better(name: str) -> bool:
    return MEASURES[name].lower_is_better


def _name_side(rule: GateRule) -> str:
    return f"at {'most' if _lower_is_better(rule.measure) else 'least'} {rule.limit:g}"


def _write_apart(value: float, other: float) -> tuple[str, str]:
    """Two values with as many digits, at least three, as it takes to tell them apart."""
    pairs = ((f"{value:.{digits}f}", f"{other:.{digits}f}") for digits in range(3, 13))
    return next((pair for pair in pairs if pair[0] != pair[1]), (f"{value:.3f}", f"{other:.3f}"))
