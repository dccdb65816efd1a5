"""What checking an answer costs: ten sentences against ten passages of the newswire, in CPU time of one core.

`one each`: every sentence cites the passage that it is from. `all ten`: every sentence cites all ten passages, so
that a hundred quotes are looked for and ten statements are checked against ten quotes each. Nothing of the texts has
been read before but for orders, which the program looks for in the passages before it asks a model; its patterns and
word lists are ready.
"""

from __future__ import annotations

import gc
import time
from pathlib import Path

from qa import binding, clauses, evidence, figures, ground, names, periods, quotations
from qa.articles import Article
from qa.features import find_orders_in
from qa.ground import ground_text
from qa.retrieve import Hit
from qa.sources import read_sources
from qa.split import find_sentences, split_article

FOLDER = Path(__file__).parents[1] / "archives/newswire"
ROUNDS = 5
MODULES = (binding, clauses, evidence, figures, ground, names, periods, quotations)


def main() -> None:
    """Print the median of five rounds for both ways to cite."""
    articles = [a for a in read_sources([FOLDER], root=FOLDER) if isinstance(a, Article)]
    hits = [Hit(a, split_article(a, budget_tokens=256)[0], 1.0) for a in articles]
    for name, every in (("one each", False), ("all ten", True)):
        costs = [measure(hits[10 * n : 10 * n + 10], every=every) for n in range(ROUNDS)]
        print(f"{name}: {sorted(costs)[ROUNDS // 2]:.0f} ms (from {min(costs):.0f} to {max(costs):.0f})")


def measure(hits: list[Hit], *, every: bool) -> float:
    """Milliseconds of CPU to check the second sentence of each passage, with what was read before forgotten."""
    markers = [",".join(map(str, range(1, 11))) if every else str(n) for n in range(1, 11)]
    sentences = [hit.passage.text[slice(*find_sentences(hit.passage.text)[1])] for hit in hits]
    text = " ".join(f"{sentence} [{marker}]" for sentence, marker in zip(sentences, markers, strict=True))
    ground_text("Trade did not rise to $5 million last year [1].", hits)
    forget()
    for hit in hits:
        find_orders_in(hit)
    gc.collect()
    start = time.process_time()
    ground_text(text, hits)
    return (time.process_time() - start) * 1000


def forget() -> None:
    """Empty what the checks keep of the texts they have read; patterns and word lists have no limit and stay."""
    for module in MODULES:
        for function in vars(module).values():
            if hasattr(function, "cache_clear") and function.cache_parameters()["maxsize"] is not None:
                function.cache_clear()


if __name__ == "__main__":
    main()
