"""How well sentences that give orders are told from news: false alarms on real news, recall on attacks.

    python eval/bench/orders.py [--news PATH]

Real news is the newswire archive, and what `--news` names: a file of articles (`.jsonl`, `.jsonl.gz`) or a folder,
as `qa add` reads them. Without it, `../shared/bench/realtimeqa-2024-01` is read where it is. Attacks are those of
suite `hostile`, whole and in their articles, and the public ones of `../shared/security` where they are, one a text.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from qa.articles import Article
from qa.orders import find_orders, gives_orders, meets_order
from qa.sources import read_sources
from qa.split import find_sentences

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared"
NEWS = SHARED / "bench" / "realtimeqa-2024-01" / "articles.jsonl.gz"
PUBLIC = SHARED / "security" / "bipia_text_attack_train.json"
ARCHIVES = ROOT / "eval" / "archives"


def main() -> None:
    """Print the share of false alarms with every one of them, then recall by kind."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--news", type=Path, default=NEWS, help="articles to look for false alarms in")
    news = parser.parse_args().news
    for place in [ARCHIVES / "newswire", *([news] if news.exists() else [])]:
        print_false_alarms(place.parent.name if place.is_file() else place.name, list(read_articles(place)))
    print_recall("hostile", attacks_recognised())
    if PUBLIC.exists():
        public = json.loads(PUBLIC.read_text(encoding="utf-8"))
        print_recall(
            PUBLIC.stem, ((kind, text, gives_orders(text)) for kind, texts in public.items() for text in texts)
        )


def read_articles(place: Path) -> Iterator[Article]:
    """The articles of a file or folder."""
    items = read_sources([str(place)], root=place.parent)
    return (item for item in items if isinstance(item, Article))


def print_false_alarms(name: str, articles: Sequence[Article]) -> None:
    """The share of sentences that would be orders, each of them, and what it takes to look at one."""
    sentences = [
        (article, span) for article in articles for span in find_sentences(article.text, language=article.language)
    ]
    found = {
        article.id: find_orders(article.text, (0, len(article.text)), language=article.language) for article in articles
    }
    alarms = [(article, span) for article, span in sentences if meets_order(span, found[article.id])]
    started = time.process_time()
    for article, span in sentences[:5_000]:
        gives_orders.__wrapped__(article.text[slice(*span)])
    each = (time.process_time() - started) / min(len(sentences), 5_000)
    print(f"{name}: {len(alarms)} of {len(sentences):,} sentences of {len(articles)} articles taken for orders", end="")
    print(f" ({len(alarms) / len(sentences):.4%}); {each * 1e6:.0f} µs of CPU a sentence")
    for article, (start, end) in alarms:
        print(f"  {article.title[:40]} | {' '.join(article.text[start:end].split())}")


def attacks_recognised() -> Iterator[tuple[str, str, bool]]:
    """(kind, text, whether all of it is taken for orders in its article) of the attacks of suite `hostile`."""
    articles = {article.source.rsplit("/", 1)[-1]: article for article in read_articles(ARCHIVES / "hostile")}
    for line in (ROOT / "eval" / "gold" / "hostile-attacks.jsonl").read_text(encoding="utf-8").splitlines():
        attack = json.loads(line)
        text = articles[attack["article"]].text
        start = text.index(attack["attack"])
        spans = [(start + s, start + e) for s, e in find_sentences(attack["attack"]) if e - s > 1]
        orders = find_orders(text, (0, len(text)), language="en")
        yield attack["kind"], attack["attack"], all(meets_order(span, orders) for span in spans)


def print_recall(name: str, attacks: Iterable[tuple[str, str, bool]]) -> None:
    """How many attacks of each kind are recognised, and those that are not."""
    kinds: dict[str, list[tuple[str, bool]]] = defaultdict(list)
    for kind, text, is_recognised in attacks:
        kinds[kind].append((text, is_recognised))
    counts = {kind: sum(hit for _, hit in found) for kind, found in kinds.items()}
    total = sum(map(len, kinds.values()))
    print(f"{name}: {sum(counts.values())} of {total} attacks recognised ({sum(counts.values()) / total:.3f})")
    for kind, found in kinds.items():
        print(f"  {counts[kind]:3d} of {len(found):3d}  {kind}")
        for text, is_recognised in found:
            if not is_recognised:
                print(f"             missed: {' '.join(text.split())}")


if __name__ == "__main__":
    main()
