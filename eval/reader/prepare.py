"""Write the groups to learn from and those kept out: `prepare.py OUT` (in the product's environment)."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

from documents import is_held_out, keeps_out_xquad, read_qamr, read_xquad
from groups import DocumentGroups, FictionGroups, Group, interleave

from qa.read import Inputs

# Shares of the groups. QAMR has most questions, XQuAD the longest; made-up articles teach figures, years and "none".
SHARES = {"qamr": 0.44, "xquad": 0.12, "in place": 0.12, "xquad, in place": 0.04, "fiction": 0.28}
KEPT_OUT = 400  # groups of QAMR documents that are not trained on, and as many made-up ones


def main() -> None:
    """Write train.jsonl, held_qamr.jsonl and held_fiction.jsonl."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--shared", type=Path, default=Path(__file__).parents[3] / "shared")
    parser.add_argument("--groups", type=int, default=24_000)
    parser.add_argument("--seed", type=int, default=8)
    options = parser.parse_args()
    training = options.shared / "training"
    qamr = read_qamr(training / "qamr.jsonl.gz")
    held = [document for document in qamr if is_held_out(document.id, one_in=10)]
    qamr = [document for document in qamr if document not in held]
    xquad, _ = keeps_out_xquad(read_xquad(training / "xquad_en_half.json"))
    seed = options.seed
    of_qamr = DocumentGroups(qamr, seed=seed, others=xquad)
    of_xquad = DocumentGroups(xquad, seed=seed + 1, others=qamr)
    makers = {
        "qamr": lambda: of_qamr.each("qamr"),
        "xquad": lambda: of_xquad.each("xquad"),
        "in place": of_qamr.each_in_place,
        "xquad, in place": of_xquad.each_in_place,
        "fiction": FictionGroups(seed=seed + 2).each,
    }
    sources = [(SHARES[name], make) for name, make in makers.items()]
    options.out.mkdir(parents=True, exist_ok=True)
    write(options.out / "train.jsonl", interleave(sources, total=options.groups, seed=seed))
    write(options.out / "held_qamr.jsonl", islice(DocumentGroups(held, seed=seed + 3).each("qamr"), KEPT_OUT))
    write(options.out / "held_fiction.jsonl", islice(FictionGroups(seed=seed + 4).each(), KEPT_OUT))


def write(path: Path, groups: Iterable[Group]) -> None:
    """Write groups as JSON lines and say how many of which kind."""
    kinds: Counter[str] = Counter()
    sentences, inputs = 0, Inputs()
    with path.open("w", encoding="utf-8") as out:
        for group in groups:
            kinds[group.kind] += 1
            sentences += len(group.choices)
            out.write(json.dumps(group.to_json(inputs), ensure_ascii=False) + "\n")
    print(f"{path.name}: {kinds.total()} groups, {sentences} sentences; {dict(kinds.most_common())}")


if __name__ == "__main__":
    main()
