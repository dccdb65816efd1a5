"""Statements made by rule, true and spoiled, and how many of each the checks of `qa/ground.py` judge rightly.

    python eval/bench/spoil.py                              the fictional newswire, seed 52817
    python eval/bench/spoil.py --news FOLDER                articles.jsonl.gz of a public data set
    python eval/bench/spoil.py --gold dev                   eval/gold/figures.jsonl instead
    python eval/bench/spoil.py --seed 1 --show negation     what of a kind was judged wrongly

A true statement is a sentence of an article as it stands, or in another form that means the same; a spoiled one has
one error put in by a rule of `spoil_rules.py`. Each is checked against the sentence it was made from, or, for
"wrong_article", against the most similar sentence of another article. The rules were tuned with `--gold dev` and
seeds 1 to 9 and, in a last round, with the failures of `--gold test` and of seed 71093 in view; SEED was first used
when they were committed.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from spoil_rules import SPOILED, TRUE, Source, has_same_quotations, misquote

from qa.articles import Article, Quote, hash_text, make_quote
from qa.ground import Problem, check_statement
from qa.keywords import analyze
from qa.sources import read_sources
from qa.split import find_sentences
from qa.stats import wilson_interval
from qa.text import clean_text
from qa.wording import align

SEED = 52_817
PER_KIND = 60  # spoiled statements of each kind, at most
PER_TRUE_KIND = 150
ROOT = Path(__file__).parents[1]
GROUPS = {
    "true statements kept": ("verbatim", *TRUE),
    "wrong figures and periods caught": tuple(
        """changed_digit scale sign percent_points currency year quarter month relative_date rounding range
        magnitude_words""".split()
    ),
    "swapped names and negations caught": ("swapped_names", "negation"),
    "all spoiled caught": (*SPOILED, "wrong_article"),
    "false quotations caught": ("misquoted",),
}


@dataclass(frozen=True, slots=True)
class Pair:
    """A statement, the quote it cites, and whether that bears it out; `kind` is how it was made."""

    kind: str
    statement: str
    quote: Quote
    is_true: bool


def main() -> None:
    """Print, for each kind and group, how many were judged rightly."""
    asked = read_arguments()
    pairs = gold_pairs(asked.gold) if asked.gold else make_pairs(read_articles(asked.news), asked.seed)
    judged = [(pair, check_statement(pair.statement, [pair.quote])) for pair in pairs]
    for pair, problems in judged:
        if asked.show in (pair.kind, "all") and pair.is_true == bool(problems):
            show(pair, problems)
    print(f"{len(pairs)} pairs" + ("" if asked.gold else f", seed {asked.seed}"))
    print(align(list(table(judged)), left=(0, 1)))


def read_arguments() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--news", type=Path, help="a folder with articles.jsonl.gz")
    parser.add_argument("--gold", choices=("dev", "test"), help="the pairs labelled by hand, of one split")
    parser.add_argument("--show", help="print the pairs of this kind, or all, that were judged wrongly")
    return parser.parse_args()


def show(pair: Pair, problems: Sequence[Problem]) -> None:
    """A pair that was judged wrongly, with the reasons given."""
    print(f"- {pair.kind}: {pair.statement}\n  quote: {pair.quote.text}\n  published {pair.quote.article.published}")
    for problem in problems:
        print(f"  {problem.kind}: {problem.detail}")


def table(judged: Sequence[tuple[Pair, list[Problem]]]) -> Iterator[list[str]]:
    """Rows: what, kind, judged rightly of how many, share, interval."""
    count, right = Counter(pair.kind for pair, _ in judged), Counter()
    for pair, problems in judged:
        right[pair.kind] += pair.is_true != bool(problems)
    is_true = {pair.kind: pair.is_true for pair, _ in judged}
    yield ["", "kind", "rightly", "of", "share", "95 % interval"]
    for kind in sorted(count, key=lambda kind: (not is_true[kind], kind)):
        yield row("kept" if is_true[kind] else "caught", kind, right[kind], count[kind])
    groups = {"true statements kept": [k for k in count if is_true[k]]} | {
        name: [k for k in kinds if k in count] for name, kinds in GROUPS.items() if not name.startswith("true")
    }
    for name, kinds in groups.items():
        if kinds:
            yield row("", name, sum(right[k] for k in kinds), sum(count[k] for k in kinds))


def row(what: str, kind: str, right: int, n: int) -> list[str]:
    """One row of the table."""
    interval = wilson_interval(right, n)
    return [what, kind, str(right), str(n), f"{right / n:.3f}", f"{interval.low:.3f} – {interval.high:.3f}"]


def read_articles(news: Path | None) -> list[Article]:
    """The newswire, or the articles of a public data set; wire copies of one text once."""
    found = list(read_news(news)) if news else list(read_newswire())
    articles = {article.sha256: article for article in found}
    return sorted(articles.values(), key=lambda article: article.source)


def read_newswire() -> Iterator[Article]:
    """The articles of the fictional newswire."""
    folder = ROOT / "archives/newswire"
    for article in read_sources([folder], root=folder):
        if isinstance(article, Article):
            yield article


def read_news(folder: Path) -> Iterator[Article]:
    """Articles as `articles.jsonl.gz` has them."""
    with gzip.open(folder / "articles.jsonl.gz", "rt", encoding="utf-8") as lines:
        for entry in map(json.loads, lines):
            yield make_article(entry["id"], entry["text"], entry["title"] or "", entry["published"])


def make_article(name: str, text: str, title: str, published: str | None) -> Article:
    """An article that is only checked, never stored."""
    text = clean_text(text)
    day = date.fromisoformat(published) if published else None
    return Article(name, name, text, hash_text(text), title, published=day, language="en")


def gold_pairs(split: str) -> list[Pair]:
    """The labelled pairs of one split."""
    articles = {Path(article.source).name: article for article in read_articles(None)}
    pairs = []
    for line in (ROOT / "gold/figures.jsonl").read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        if entry["split"] == split:
            article, kind = articles[entry["article"]], entry["error"] or entry["kind"]
            start = article.text.index(entry["quote"])
            quote = make_quote(article, start, start + len(entry["quote"]))
            pairs.append(Pair(kind, entry["statement"], quote, entry["label"] == "supported"))
    return pairs


def make_pairs(articles: Sequence[Article], seed: int) -> list[Pair]:
    """True and spoiled statements of each kind, drawn with a seed."""
    draw = random.Random(seed)
    sources = [source for article in articles for source in find_sources(article)]
    draw.shuffle(sources)
    pairs = [Pair("verbatim", source.text, source.quote, True) for source in sources[: 2 * PER_TRUE_KIND]]
    for kind, rule in TRUE.items():
        pairs += apply_rule(kind, rule, sources, draw)[:PER_TRUE_KIND]
    for kind, rule in SPOILED.items():
        pairs += apply_rule(kind, rule, sources, draw)[:PER_KIND]
    pairs += list(wrong_articles(sources, draw))[:PER_KIND]
    return pairs + apply_rule("misquoted", misquote, sources, draw)[:PER_KIND]


def find_sources(article: Article) -> Iterator[Source]:
    """The sentences of an article that read as statements."""
    for start, end in find_sentences(article.text, language="en"):
        text = article.text[start:end]
        if 40 <= len(text) <= 350 and text[0].isupper() and text.endswith((".", '."', ".”")) and "|" not in text:
            yield Source(make_quote(article, start, end))


Rule = Callable[[Source, random.Random], str | None]


def apply_rule(kind: str, rule: Rule, sources: Sequence[Source], draw: random.Random) -> list[Pair]:
    """What a rule makes of each sentence that it applies to, in an order drawn anew."""
    made = []
    for source in draw.sample(list(sources), len(sources)):
        statement = rule(source, draw)
        if statement is not None and kind in TRUE and not has_same_quotations(statement, source.text):
            continue  # other words in quotation marks are no longer true
        if statement is not None and statement != source.text:
            made.append(Pair(kind, statement, source.quote, kind in TRUE))
        if len(made) == PER_TRUE_KIND:
            break
    return made


def wrong_articles(sources: Sequence[Source], draw: random.Random) -> Iterator[Pair]:
    """Sentences with the most similar sentence of another article that has not all of their numbers."""
    terms = [set(analyze(source.text)) for source in sources]
    for place in draw.sample(range(len(sources)), min(len(sources), 2 * PER_KIND)):
        source, own = sources[place], terms[place]
        others = [
            (len(own & terms[n]), n) for n in range(len(sources)) if sources[n].quote.article != source.quote.article
        ]
        _, other = max(others)
        if source.numbers and not source.numbers <= sources[other].numbers:
            yield Pair("wrong_article", source.text, sources[other].quote, False)


if __name__ == "__main__":
    main()
