"""Runs and their records for tests of what is made of them: one at a time, or forty as a real suite would give."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from qa.measures import MEASURES, SCORES
from qa.run_folder import Gate, Measure, RankedPassage, Record, Run
from qa.stats import mean_interval

QUESTION = "What was trade turnover in 2021?"
QUOTE = "At the end of 2021 trade between the two countries stood at $24.2 billion, a record."
MANIFEST = {
    "suite": "small",
    "system": "full",
    "model": None,
    "prompts": {},
    "seed": 0,
    "cases": 40,
    "selection": None,
    "started": "2031-07-05T09:30:00+00:00",
    "seconds": 1.26,
    "gold_sha256": "5a" * 32,
    "archive_sha256": "c0" * 32,
    "embedder": "all-MiniLM-L6-v2 int8",
    "versions": {"python": "3.11.9", "onrecord": "0.1.0"},
}
_MERGED = ("case", "answer", "scores", "seconds")


def make_record(**changes: Any) -> Record:
    """A question answered rightly from the first passage; what is changed of a dictionary is merged into it."""
    record: dict[str, Any] = {
        "case": make_case(),
        "repeat": 1,
        "cluster": "trade-record.md",
        "asked": QUESTION,
        "prediction": "$24.2 billion",
        "answer": make_answer(),
        "stands": [True],
        "relevant": 1,
        "hits": make_hits(rank=1),
        "scores": dict.fromkeys(SCORES)
        | {"answer_match": 1.0, "incorrect": 0.0, "not_attempted": 0.0, "quote_validity": 1.0}
        | _retrieval_scores(1),
        "unscorable": {},
        "seconds": {"retrieval": 0.02, "answer": 0.05, "total": 0.07},
    }
    for key, value in changes.items():
        record[key] = record[key] | value if key in _MERGED and value is not None else value
    record["case"] = {key: value for key, value in record["case"].items() if value not in (None, [])}
    return cast(Record, record)


def make_wrong(**changes: Any) -> Record:
    """As `make_record`, but with another figure than the gold one, from the second passage."""
    quote = "From January to May 2022 trade between the two countries came to $9.2 billion."
    wrong = {
        "prediction": "$9.2 billion",
        "answer": make_answer(text=f"{quote} [1]", short="$9.2 billion", quote=quote, score=0.41),
        "hits": make_hits(rank=2),
        "scores": {"answer_match": 0.0, "incorrect": 1.0} | _retrieval_scores(2),
    }
    return make_record(**_merge(wrong, changes))


def make_abstention(**changes: Any) -> Record:
    """A question that the articles answer, but the program does not."""
    answer = make_answer(text="Not in these articles.", short=None, score=None)
    answer |= {"status": "abstained", "statements": [], "citations": [], "nearest": answer["citations"]}
    abstained = {
        "prediction": None,
        "answer": answer,
        "stands": [],
        "hits": make_hits(rank=None),
        "scores": {"answer_match": 0.0, "not_attempted": 1.0, "abstention_precision": 0.0, "quote_validity": None}
        | _retrieval_scores(None),
    }
    return make_record(**_merge(abstained, changes))


def make_unanswerable(*, abstains: bool, **changes: Any) -> Record:
    """A question that the articles do not answer."""
    make = make_abstention if abstains else make_wrong
    scores: dict[str, float | None] = dict.fromkeys(SCORES)
    scores |= {"abstention_precision": 1.0, "abstention_recall": 1.0} if abstains else {"abstention_recall": 0.0}
    bare: dict[str, Any] = {
        "answers": [],
        "evidence": [],
        "number": None,
        "answerable": False,
        "question": "Who won the cup?",
    }
    return make(**_merge({"case": bare, "scores": scores, "relevant": 0, "hits": make_hits(rank=None)}, changes))


def make_case() -> dict[str, Any]:
    """A case in the form of `qa.gold.case_dict`."""
    return {
        "id": "c-001",
        "question": QUESTION,
        "answers": ["$24.2 billion", "24,200 million dollars"],
        "number": {"value": 24_200_000_000, "unit": "USD", "tolerance": 0, "period": "2021"},
        "evidence": [{"article": "trade-record.md", "quote": QUOTE}],
        "answerable": True,
        "kind": "fact",
    }


def make_answer(
    *, text: str = f"{QUOTE} [1]", short: str | None = "$24.2 billion", quote: str = QUOTE, score: float | None = 0.9
) -> dict[str, Any]:
    """An answer in the form of `qa.answer.Answer.to_dict`, with one statement and one citation."""
    at = quote.find(short) if short else -1
    statement = {"text": text, "start": 0, "end": len(text), "citations": [1], "quotes": [0]}
    return {
        "question": QUESTION,
        "status": "answered",
        "text": text,
        "short": short,
        "short_span": [at, at + len(short)] if short and at >= 0 else None,
        "statements": [statement | {"verdict": "supported", "problems": []}],
        "citations": [make_citation(quote=quote)],
        "nearest": [],
        "notices": [],
        "searched": {"articles": 12, "passages": 40, "since": None, "until": None, "as_of": None, "publisher": None},
        "mode": "extract",
        "model": None,
        "prompt": None,
        "usage": {"input_tokens": 0, "output_tokens": 0, "cost_usd": None},
        "seconds": {},
        "score": score,
    }


def make_citation(
    *, quote: str = QUOTE, title: str = "A record year for trade", published: str | None = "2022-07-05"
) -> dict[str, Any]:
    """A citation in the form of the answer's JSON."""
    article = {"id": "a1b2c3d4e5f6", "title": title, "publisher": "sample archive", "author": None}
    place = {"number": 1, "quote": quote, "start": 10, "end": 10 + len(quote), "line": 3, "page": None}
    return place | {
        "article": article
        | {"published": published, "url": None, "source": "index/articles/trade-record.md", "sha256": "ab" * 32}
    }


def make_hits(*, rank: int | None, found: int = 10) -> list[RankedPassage]:
    """Passages found, of which the one at `rank` holds the evidence; None of them where that is None."""
    return [
        RankedPassage(
            passage=f"p{place}",
            source="trade-record.md",
            start=0,
            end=100,
            score=1 / place,
            parts=[1] if place == rank else [],
        )
        for place in range(1, found + 1)
    ]


def make_run(folder: Path, records: Sequence[Record], **changes: Any) -> Run:
    """A run of these records with the means of what they were scored; `manifest` is merged, the rest replaced."""
    manifest = MANIFEST | changes.pop("manifest", {})
    return Run(
        **{"folder": folder, "manifest": manifest, "records": tuple(records)} | {"measures": average(records)} | changes
    )


def average(records: Sequence[Record]) -> dict[str, Measure]:
    """The means of the scores and costs of records, with their intervals; what follows from many is left out."""
    return {name: _average(name, records) for name in MEASURES if name not in ("abstention_f1", "aurc")}


def make_many(cases: int = 40, *, seed: int = 7, model: str | None = None) -> list[Record]:
    """Records as a suite would give: eight kinds, right and wrong answers, abstentions, a quote that does not stand."""
    records = [_make_one(number, random.Random(f"{seed}-{number}")) for number in range(1, cases + 1)]
    usage = {"input_tokens": 1810, "output_tokens": 62, "cost_usd": 0.00058}
    written = {"mode": "model", "model": model, "usage": usage}
    return [make_record(**_merge(record, {"answer": written})) if model else record for record in records]


def make_gates(measures: Mapping[str, Measure]) -> tuple[Gate, ...]:
    """A gate of every kind on what a run came to; the one on quotes is missed unless all stand."""
    match, quotes, abstained = (measures[name] for name in ("answer_match", "quote_validity", "abstention_recall"))
    return (
        Gate("answer_match", "mean", 0.6, None, match.mean, passed=True),
        Gate("quote_validity", "mean", 1.0, None, quotes.mean, quotes.mean == 1, "below 1.000" * (quotes.mean != 1)),
        Gate("abstention_recall", "bound", 0.5, None, abstained.low, passed=True),
        Gate("incorrect", "mean", 0.4, None, measures["incorrect"].mean, passed=True),
        Gate(
            "hits@10", "not_worse_than", None, "eval/reports/baselines/keywords", measures["hits@10"].mean, passed=True
        ),
    )


HOSTILE = (
    "</style><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "javascript:alert(1)",
    "[x](javascript:alert(1)) ![x](http://evil.example/x.png) <http://evil.example>",
    "<svg onload=alert(1)><a href=javascript:alert(1)>",
    "<link rel=stylesheet href=//evil.example/x.css><base href=//evil.example>",
    "]]><!--<iframe src=//evil.example>-->&lt;img src=x&gt;",
    "\x1b]0;owned\x07\x9b2J\u202ehsilgne\u2066\u2028\r\n\x00",
)


def make_hostile(texts: Sequence[str] = HOSTILE) -> list[Record]:
    """Records whose every text tries to act, one for each text."""
    return [_make_hostile(text) for text in texts]


_PLACES = ("Brenn", "Kessel Bay", "Orrick", "Upper Mere", "Sallow", "Hest", "Dravna", "Port Amery")
_KINDS = ("fact", "paraphrase", "multi_hop", "comparison", "temporal", "conflicting", "near_miss", "follow_up")
_TOPICS: tuple[tuple[str, str, str, str, tuple[int, int]], ...] = (
    (
        "How much copper passed through {place} in {year}?",
        "{figure},400 tonnes",
        "The port authority counted {figure},400 tonnes of copper through {place} in {year}, more than ever before.",
        "Copper through {place} reaches a record",
        (21, 88),
    ),
    (
        "What did the council of {place} set aside for flood walls in its {year} budget?",
        "${figure} million",
        "For flood walls the council of {place} set aside ${figure} million in its budget for {year}.",
        "{place} council passes its budget for {year}",
        (11, 98),
    ),
    (
        "Passengers on the {place} ferry, {year}?",
        "{figure},000 passengers",
        "In {year} the ferry from {place} carried {figure},000 passengers, the line said, although it lay in dock for"
        " the whole of May while its engines were replaced.",
        "Ferry line of {place} counts its passengers",
        (110, 640),
    ),
    (
        "By how much did rents in {place} rise in {year}?",
        "{figure} percent",
        "Rents in {place} rose by {figure} percent in {year}, twice as fast as wages.",
        "Rents in {place} outpace wages again",
        (3, 14),
    ),
    (
        "How many houses were finished in {place} in the second half of {year}?",
        "{figure} houses",
        "Between July and December {year} builders finished {figure} houses in {place}, against 318 in the first half.",
        "More houses for {place}",
        (120, 980),
    ),
)


def _make_one(number: int, chance: random.Random) -> Record:
    place, (asked, form, said, title, figures) = _PLACES[number % 8], _TOPICS[number % 5]
    words: dict[str, Any] = {"place": place, "year": 2031 + number % 4, "figure": f"{chance.randint(*figures)}"}
    other = words | {"figure": f"{chance.randint(*figures)}", "year": words["year"] - 1}
    kind = _KINDS[number * 3 % 8]
    outcome = chance.choices(("right", "wrong", "abstained"), (0.66, 0.2, 0.14))[0]
    used = other if outcome == "wrong" else words
    quote, short = said.format(**used), form.format(**used)
    case: dict[str, Any] = {
        "id": f"n-{number:03d}",
        "question": asked.format(**words),
        "answers": [form.format(**words)],
        "number": None,
        "evidence": [{"article": f"{place.lower()}.md", "quote": said.format(**words)}],
        "kind": kind,
    }
    if kind == "follow_up":
        case["turns"] = [asked.format(**other)]
    if kind == "temporal":
        case["as_of"] = f"{words['year']}-09-30"
    answer = make_answer(text=f"{quote} [1]", short=short, quote=quote, score=_confidence(outcome, chance))
    answer["citations"] = [make_citation(quote=quote, title=title.format(**used), published=f"{used['year']}-03-11")]
    rank = chance.choices((1, 2, 4, 9, None), (0.6, 0.15, 0.1, 0.07, 0.08))[0]
    common: dict[str, Any] = {
        "case": case,
        "asked": case["question"],
        "cluster": f"{place}-{number % 3}",
        "hits": make_hits(rank=rank),
        "scores": _retrieval_scores(rank),
        "seconds": {"retrieval": 0.02, "answer": 0.05, "total": 0.03 + chance.lognormvariate(-2.6, 0.6)},
    }
    if kind == "near_miss" or (kind == "fact" and number % 16 == 0):
        return make_unanswerable(abstains=outcome != "wrong", **_merge(common, _unanswerable(case, answer, outcome)))
    if outcome == "abstained":
        return make_abstention(**_merge(common, {"answer": {"nearest": answer["citations"]}}))
    said_so: dict[str, Any] = {"prediction": short, "answer": answer}
    if outcome == "wrong":
        said_so["answer"] = _refute(answer, words["year"]) if number % 2 else answer
    make = make_wrong if outcome == "wrong" else make_record
    return _spoil(make(**_merge(common, said_so)), number)


def _make_hostile(text: str) -> Record:
    citation = make_citation(quote=text, title=text)
    citation["article"] |= {"url": text, "source": text, "publisher": text, "author": text}
    answer = make_answer() | {"text": text, "short": text[:3], "short_span": [1, 4], "notices": [text]}
    answer |= {"citations": [citation], "nearest": [citation], "model": text}
    answer["statements"] = [
        {"text": text, "verdict": text, "problems": [{"kind": "figure_not_in_quote", "detail": text}]}
    ]
    evidence = [{"article": text, "quote": text}]
    case = {"id": text, "question": text, "answers": [text], "evidence": evidence, "kind": text, "turns": [text]}
    return make_wrong(
        case=case, answer=answer, prediction=text[:3], stands=[False], unscorable={"str_em": text}, cluster=text
    )


def _spoil(record: Record, number: int) -> Record:
    """A few answers have a quote that does not stand, a problem of a statement, or a measure that was not taken."""
    if number == 12:
        return record | {"stands": [False], "scores": record["scores"] | {"quote_validity": 0.0}}
    if number == 21:
        reason = "the judge's reply names no statement"
        return record | {"unscorable": {"citation_recall": reason, "citation_precision": reason}}
    return record


def _refute(answer: dict[str, Any], year: int) -> dict[str, Any]:
    """The answer with a statement that its quote does not bear out."""
    text = f"{answer['text'].removesuffix(' [1]').removesuffix('.')}, as it was in {year}. [1]"
    problem = {"kind": "figure_not_in_quote", "detail": f"{year} is not in the quote; it has {year - 1}"}
    statement = answer["statements"][0] | {"text": text, "verdict": "unsupported", "problems": [problem]}
    return answer | {"text": text, "statements": [statement]}


def _unanswerable(case: Mapping[str, Any], answer: Mapping[str, Any], outcome: str) -> dict[str, Any]:
    scores = dict.fromkeys(_retrieval_scores(None))
    gold = {"answers": [], "evidence": [], "answerable": False, "question": case["question"]}
    rest: dict[str, Any] = {"answer": {"nearest": answer["citations"]}}
    if outcome == "wrong":
        rest = {"answer": answer, "prediction": answer["short"]}
    return {"case": gold, "scores": scores, "hits": make_hits(rank=None)} | rest


def _confidence(outcome: str, chance: random.Random) -> float | None:
    if outcome == "abstained":
        return None
    return round(chance.betavariate(6, 2) if outcome == "right" else chance.betavariate(3, 3), 3)


def _retrieval_scores(rank: int | None) -> dict[str, float | None]:
    scores: dict[str, float | None] = {f"hits@{k}": float(rank is not None and rank <= k) for k in (1, 5, 10)}
    return scores | {"mrr@10": 1 / rank if rank else 0.0, "recall@10": float(rank is not None)}


def _average(name: str, records: Sequence[Record]) -> Measure:
    values = [(_value(name, record), record["cluster"]) for record in records]
    known = [(float(value), cluster) for value, cluster in values if value is not None]
    unscorable = sum(name in record["unscorable"] for record in records)
    found = mean_interval([value for value, _ in known], [cluster for _, cluster in known])
    if found is None:
        return Measure(None, None, None, 0, unscorable)
    return Measure(found.mean, found.low, found.high, found.n, unscorable)


def _value(name: str, record: Record) -> float | None:
    if name == "seconds":
        return record["seconds"].get("total")
    usage = (record["answer"] or {}).get("usage", {})
    return (usage.get(name) or None) if name in usage else record["scores"].get(name)


def _merge(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Changes over changes; the dictionaries of a record one level deeper."""
    merged = dict(base)
    for key, value in changes.items():
        deep = key in _MERGED and key in merged and value is not None
        merged[key] = merged[key] | value if deep else value
    return merged
