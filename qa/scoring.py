"""From what was answered to scores: of one record, then of all records of a run.

Pure: all it takes is in the record, so that an old run can be scored anew without asking anything.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from qa import metrics, outcomes, ranking
from qa.articles import Article, Quote, hash_text
from qa.errors import ContentError
from qa.figures import find_figures, missing_figures
from qa.gold import parse_gold
from qa.ground import bare_statement, check_statement
from qa.measures import GATED, MEASURES, RANKING, SCORES
from qa.metrics import Gold
from qa.run_folder import Gate, Measure, Record, Run, read_manifest, read_records
from qa.stats import mean_interval

Scores = dict[str, float | None]

_K = 10  # passages that the measures of a ranking look at


def score_record(record: Record, failure: str | None) -> tuple[Scores, dict[str, str]]:
    """(scores, unscorable) of a record: each measure of `SCORES`, None where it does not apply; reasons by measure.

    `failure` says why the answer cannot be scored, where it cannot: then the measures that would apply to an
    answer have no score but this reason. To a case that is `retrieval_only` none of them applies.
    """
    scores: Scores = dict.fromkeys(SCORES)
    scores.update(_score_ranking(record))
    if record["answer"] is None or _is_retrieval_only(record):
        return scores, {}
    if failure is not None:
        return scores, dict.fromkeys(_measures_of_answer(record), failure)
    scores.update(_score_answer(record))
    scores.update(_score_abstention(record))
    scores.update(_score_citations(record))
    return scores, {}


def predict(answer: Mapping[str, Any] | None) -> str | None:
    """What is compared with the gold: the span that answers, else the first sentence; None for no answer."""
    if answer is None or answer["status"] == "abstained":
        return None
    return answer["short"] or _first_sentence(answer)


def find_failure(record: Record) -> str | None:
    """The reason that a record gives for having no score of its answer."""
    return next(iter(record["unscorable"].values()), None)


def average(records: Sequence[Record]) -> dict[str, Measure]:
    """Each measure over the cases to which it applies, in the order of `qa.measures.MEASURES`.

    Where cases were repeated, `pass@k` and `pass^k` of `answer_match` follow, k being the repeats, over the cases
    with a score of each repeat. Intervals take cases that rest on one article, and repeats of a case, as one
    cluster; a single cluster has none.
    """
    clusters = [record["cluster"] for record in records]
    measures = {name: _average([record["scores"].get(name) for record in records], clusters) for name in SCORES}
    measures |= {name: _average(list(map(cost, records)), clusters) for name, cost in _COSTS.items()}
    measures |= _measure_abstention(records)
    counted = {name: sum(name in record["unscorable"] for record in records) for name in GATED}
    ordered = {name: replace(measures[name], unscorable=counted.get(name, 0)) for name in MEASURES}
    return ordered | _measure_repeats(records)


def measure_costs(record: Record) -> Scores:
    """What a record cost: each measure of the group "cost" by name, None where it does not apply."""
    return {name: cost(record) for name, cost in _COSTS.items()}


def load_run(folder: Path) -> Run:
    """A run as its folder has it.

    Raises:
        ContentError: there is none, or it is damaged.
    """
    manifest, records = read_manifest(folder), read_records(folder)
    try:
        gates = tuple(Gate(**result) for result in manifest.get("gate_results", ()))
    except TypeError as error:
        raise ContentError(f"{folder} has gates that this version cannot read: {error}.") from error
    return Run(folder, manifest, records, average(records), gates)


def confidence_outcomes(records: Sequence[Record]) -> list[tuple[float, bool]]:
    """(confidence, whether right) of each answer that has a confidence; for the risk–coverage curve.

    An answer to what the articles do not answer is wrong.
    """
    return [
        (answer["score"], record["scores"]["answer_match"] == 1)
        for record in filter(_is_judged, records)
        if (answer := record["answer"]) and answer["status"] == "answered" and answer["score"] is not None
    ]


# one record


def _is_retrieval_only(record: Record) -> bool:
    """Whether the case says what is to be found, but not what is to be answered."""
    case = record["case"]
    return bool(case["answerable"]) and not any(case.get(key) for key in ("answers", "all_of", "number"))


def _is_judged(record: Record) -> bool:
    """Whether it was told of the record's answer if it is right, or rightly withheld."""
    return record["answer"] is not None and not record["unscorable"] and not _is_retrieval_only(record)


def _measures_of_answer(record: Record) -> list[str]:
    """What cannot be told of a record without its answer; which of a citation's measures apply is not known."""
    gold, answerable = parse_gold(record["case"]), record["case"]["answerable"]
    if not answerable:
        return ["abstention_recall", "abstention_f1"]
    names = ["answer_match", "incorrect", "not_attempted", "str_em"]
    return names + (["numeric_match"] if gold.number else []) + (["exact_match", "token_f1"] if gold.answers else [])


def _score_answer(record: Record) -> Scores:
    """The measures that compare with the gold; an abstention scores 0 on each that applies."""
    gold, said = parse_gold(record["case"]), record["prediction"]
    if gold == Gold():
        return {}
    match = _match(record, gold)
    scores: Scores = {
        "answer_match": match,
        "incorrect": float(said is not None and not match),
        "not_attempted": float(said is None),
        "accuracy_given_attempted": None if said is None else match,
        "str_em": metrics.str_em(_whole_text(record), gold.all_of or [gold.answers]) if said is not None else 0.0,
    }
    if gold.answers:
        scores["exact_match"] = metrics.exact_match(said, gold.answers) if said is not None else 0.0
        scores["token_f1"] = metrics.token_f1(said, gold.answers) if said is not None else 0.0
    if gold.number:
        scores["numeric_match"] = metrics.numeric_match(said, gold.number, _find_context(record)) if said else 0.0
    return scores


def _match(record: Record, gold: Gold) -> float:
    said = record["prediction"]
    if said is None:
        return 0.0
    if gold.all_of:
        return metrics.answer_match(_whole_text(record), gold)
    return metrics.answer_match(said, gold, _find_context(record))


def _find_context(record: Record) -> str:
    """The sentence in which the prediction stands: where it is a span, that of the statement that has its quote."""
    answer = record["answer"]
    if answer is None or not answer["statements"]:
        return _whole_text(record)
    held = (s for s in answer["statements"] if answer["short"] and s["verdict"] == "supported" and 0 in s["quotes"])
    return bare_statement(next(held, answer["statements"][0])["text"])


def _score_abstention(record: Record) -> Scores:
    answerable, abstained = record["case"]["answerable"], record["prediction"] is None
    return {
        "abstention_precision": float(not answerable) if abstained else None,
        "abstention_recall": None if answerable else float(abstained),
    }


def _score_citations(record: Record) -> Scores:
    """Whether what is said is borne out by what is cited; our own check stands in for ALCE's inference model."""
    answer = record["answer"]
    if answer is None or answer["status"] == "abstained" or not answer["statements"]:
        return {}
    quotes = [_rebuild_quote(citation) for citation in answer["citations"]]
    texts = [bare_statement(statement["text"]) for statement in answer["statements"]]

    def supports(statement: int, cited: frozenset[int]) -> bool:
        stand = all(record["stands"][place] for place in cited)
        return stand and not check_statement(texts[statement], [quotes[place] for place in sorted(cited)])

    cited = [statement["quotes"] for statement in answer["statements"]]
    found = metrics.citation_scores(cited, supports)
    figures = [held for text, places in zip(texts, cited, strict=True) for held in _hold_figures(text, places, quotes)]
    return {
        "quote_validity": metrics.quote_validity(record["stands"]),
        "citation_recall": found.recall,
        "citation_precision": found.precision,
        "figure_support": metrics.figure_support(figures),
    }


def _hold_figures(text: str, places: Sequence[int], quotes: Sequence[Quote]) -> list[bool]:
    """Of each figure of a statement, whether a quote of it has it."""
    missing = missing_figures(text, "\n".join(quotes[place].text for place in places))
    return [figure not in missing for figure in find_figures(text)]


def _rebuild_quote(citation: Mapping[str, Any]) -> Quote:
    """A quote of an article that is its quote alone: what stands around it plays no part in a check."""
    text, article = citation["quote"], citation["article"]
    rebuilt = Article(
        id=article["id"],
        source=article["source"],
        text=text,
        sha256=hash_text(text),
        title=article["title"],
        publisher=article["publisher"],
        published=date.fromisoformat(article["published"]) if article["published"] else None,
    )
    return Quote(rebuilt, 0, len(text), text)


def _score_ranking(record: Record) -> Scores:
    relevant = record["relevant"]
    needed = {evidence.get("part", 1) for evidence in record["case"].get("evidence", ())}
    if not relevant or not needed:  # the record may have been labelled anew
        return {}
    held = [hit["parts"] for hit in record["hits"]]
    ranked = [bool(parts) for parts in held]
    values = (
        *(ranking.hits_at(ranked, k) for k in (1, 5, 10)),
        ranking.reciprocal_rank(ranked, _K),
        ranking.average_precision(ranked, relevant, _K),
        ranking.recall_at(ranked, relevant, _K),
        ranking.ndcg_at(ranked, relevant, _K),
        ranking.evidence_recall(held, needed, _K),
    )
    return dict(zip(RANKING, values, strict=True))


def _first_sentence(answer: Mapping[str, Any]) -> str:
    statements = answer["statements"]
    return bare_statement(statements[0]["text"] if statements else answer["text"])


def _whole_text(record: Record) -> str:
    return bare_statement(record["answer"]["text"]) if record["answer"] else ""


# all records


def _average(values: Sequence[float | None], clusters: Sequence[str]) -> Measure:
    given = [(value, cluster) for value, cluster in zip(values, clusters, strict=True) if value is not None]
    interval = mean_interval([value for value, _ in given], [cluster for _, cluster in given])
    if interval is None:
        return Measure(None, None, None, 0)
    if len({cluster for _, cluster in given}) == 1:  # one article shows nothing of the spread
        return Measure(interval.mean, None, None, interval.n)
    return Measure(interval.mean, interval.low, interval.high, interval.n)


def _measure_abstention(records: Sequence[Record]) -> dict[str, Measure]:
    pairs = [(r["case"]["answerable"], r["prediction"] is None) for r in filter(_is_judged, records)]
    either = sum(1 for answerable, abstained in pairs if abstained or not answerable)
    answered = confidence_outcomes(records)
    return {
        "abstention_f1": Measure(outcomes.abstention_scores(pairs).f1, None, None, either),
        "aurc": Measure(outcomes.aurc(answered), None, None, len(answered)),
    }


def _measure_repeats(records: Sequence[Record]) -> dict[str, Measure]:
    tries: defaultdict[str, list[float]] = defaultdict(list)
    clusters: dict[str, str] = {}
    for record in records:
        score = record["scores"]["answer_match"]
        if score is not None:
            tries[record["case"]["id"]].append(score)
            clusters[record["case"]["id"]] = record["cluster"]
    k = max((record["repeat"] for record in records), default=1)
    if k < 2 or not tries:
        return {}
    whole = {id_: int(sum(scores)) for id_, scores in tries.items() if len(scores) == k}
    kinds = {f"pass@{k}": outcomes.pass_at_k, f"pass^{k}": outcomes.pass_hat_k}
    places = [clusters[id_] for id_ in whole]
    return {name: _average([share(k, right, k) for right in whole.values()], places) for name, share in kinds.items()}


def _read_usage(name: str) -> Callable[[Record], float | None]:
    """What the model that was asked used of this; None where none replied, or its server did not tell."""

    def read(record: Record) -> float | None:
        usage = record["answer"]["usage"] if record["answer"] else {}
        if not (usage.get("input_tokens") or usage.get("output_tokens")):
            return None
        return None if usage[name] is None else float(usage[name])

    return read


_COSTS: Mapping[str, Callable[[Record], float | None]] = {
    "seconds": lambda record: record["seconds"].get("total"),
    "input_tokens": _read_usage("input_tokens"),
    "output_tokens": _read_usage("output_tokens"),
    "cost_usd": _read_usage("cost_usd"),
}
