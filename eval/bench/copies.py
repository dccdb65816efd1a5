"""How well copies are told from other articles, on pairs that rules make of real articles; and what finding them costs.

    python eval/bench/copies.py [DATA] [--write docs/results.md]

DATA is a folder with articles.jsonl.gz; without it, ../shared/bench/realtimeqa-2024-01. A copy is an article with
another dateline and credit, cut to a part, edited here and there, or a longer later version with a changed figure. No
copy is an article with all figures or all names changed, as reports from one template are, or the likeliest other
article of the set that was published over 60 days before or after. `--write` puts the first table between its marks in
the file.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from pathlib import Path

import numpy as np

import qa
from qa import copies
from qa.articles import Article
from qa.copy_groups import CopyGroups

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "bench" / "realtimeqa-2024-01"
MARKS = ("<!-- copies: begin -->\n", "<!-- copies: end -->\n")
THRESHOLDS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
LEAST_WORDS, LEAST_FIGURES, APART_DAYS = 120, 4, 60
ADDED, HELD = 40, 50_000  # articles added to measure the cost, and signatures compared with

Text = tuple[str, str]  # a text and the day that it was published
Pair = tuple[str, str]


def main() -> int:
    """Print the tables, and write the first where that is asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="?", type=Path, metavar="DATA", default=DATA)
    parser.add_argument("--write", type=Path, metavar="FILE")
    options = parser.parse_args()
    if not options.data.exists():
        print(f"skipped: there is no {options.data}")
        return 1
    table = render(make_pairs(read_texts(options.data)))
    print(table, end="\n\n", flush=True)
    print(describe_cost(options.data))
    if options.write:
        document = options.write.read_text(encoding="utf-8")
        options.write.write_text(put_between_marks(document, f"{_TITLE}\n\n{table}"), encoding="utf-8")
    return 0


def read_texts(data: Path) -> list[Text]:
    """The texts of at least 120 words, each once."""
    with gzip.open(data / "articles.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    texts = {row["text"]: row["published"] or "" for row in rows if len(row["text"].split()) >= LEAST_WORDS}
    return list(texts.items())


def make_pairs(texts: Sequence[Text]) -> dict[str, list[Pair]]:
    """Pairs by kind: those of `COPIES`, then those that are none."""
    made: dict[str, list[Pair]] = {}
    for name, change in {**COPIES, **TEMPLATES}.items():
        r = random.Random(name)
        changed = ((text, change(text, r, texts[(place + 1) % len(texts)][0])) for place, (text, _) in enumerate(texts))
        made[name] = [(text, other) for text, other in changed if other and other != text]
    made[TOPIC] = list(_find_nearest(texts))
    return made


def render(pairs: dict[str, list[Pair]]) -> str:
    """The table: for each kind and threshold the share of pairs called copies; precision and recall below."""
    known = copies.CONTAINED
    columns = []
    for threshold in THRESHOLDS:
        copies.CONTAINED = threshold
        columns.append({name: [called(pair) for pair in of_kind] for name, of_kind in pairs.items()})
    copies.CONTAINED = known
    heads = [f"**{threshold}**" if threshold == known else f"{threshold}" for threshold in THRESHOLDS]
    lines = [f"| pairs | n | {' | '.join(heads)} |", "|:--|--:" + "|--:" * len(heads) + "|"]
    for name, of_kind in pairs.items():
        shares = " | ".join(f"{np.mean(column[name]):.3f}" for column in columns)
        lines.append(f"| {name} | {len(of_kind)} | {shares} |")
    for name, measure in (("precision", _precision), ("recall", _recall)):
        lines.append(f"| {name} | | {' | '.join(f'{measure(column):.3f}' for column in columns)} |")
    return "\n".join(lines)


def called(pair: Pair) -> bool:
    """Whether a pair is called copies by the steps of adding: first by signatures, then by texts."""
    one, other = map(_read, pair)
    sizes = np.array([len(one.hashes)])
    found = copies.find_candidates(copies.sign(one)[None, :], sizes, copies.sign(other), len(other.hashes))
    return bool(len(found)) and copies.are_copies(one, other)


def describe_cost(data: Path) -> str:
    """What signing and grouping adds to an addition, and to a large archive."""
    with gzip.open(data / "articles.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [line for _, line in zip(range(ADDED), lines, strict=False)]
    taken: list[float] = []
    put = CopyGroups.put

    def timed(self: CopyGroups, article: Article) -> None:
        started = time.perf_counter()
        put(self, article)
        taken.append(time.perf_counter() - started)

    CopyGroups.put = timed  # type: ignore[method-assign]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "articles.jsonl"
        file.write_text("".join(rows), encoding="utf-8")
        with qa.open(folder) as archive:
            started = time.perf_counter()
            archive.add(file)
            whole = time.perf_counter() - started
    CopyGroups.put = put  # type: ignore[method-assign]
    r = np.random.default_rng(1)
    signatures = r.integers(0, 2**32, (HELD, copies.SLOTS), dtype=np.uint32)
    started = time.perf_counter()
    for _ in range(20):
        copies.find_candidates(signatures, np.full(HELD, 700), signatures[0], 700)
    search = (time.perf_counter() - started) / 20
    return (
        f"{len(taken)} articles added in {whole:.1f} s; finding copies took {sum(taken):.3f} s of it"
        f" ({sum(taken) / whole:.2%}), {1000 * sum(taken) / len(taken):.1f} s for each 1,000 articles.\n"
        f"Comparing a signature with {HELD:,} others takes {1000 * search:.1f} ms: {1000 * search:.1f} s more for each"
        f" 1,000 articles ({1000 * search / (1000 * whole / len(taken)):.2%} of adding them)."
    )


def put_between_marks(document: str, text: str) -> str:
    """The document with a text between our marks, which are put at its end where it has none."""
    if MARKS[0] not in document:
        document = f"{document.rstrip()}\n\n{''.join(MARKS)}"
    before, after = document.index(MARKS[0]) + len(MARKS[0]), document.index(MARKS[1])
    return f"{document[:before]}\n{text}\n\n{document[after:]}"


def _credit(text: str, _r: random.Random, _other: str) -> str:
    return f"LANNE (Agency) — {text}\n\nReporting by Petra Moreno in Lanne; editing by Nils Karel"


def _cut_half(text: str, _r: random.Random, _other: str) -> str:
    return _cut(text, 0.5)


def _cut_third(text: str, _r: random.Random, _other: str) -> str:
    return _cut(text, 0.35)


def _edit(text: str, r: random.Random, _other: str) -> str:
    """Every 30th word or so is another one, or gone."""
    words = text.split(" ")
    return " ".join(r.choice(words) if r.random() < 1 / 60 else word for word in words if r.random() > 1 / 60)


def _update(text: str, r: random.Random, other: str) -> str:
    """One figure changed, the first paragraph new, a paragraph dropped and half as much again added."""
    figures = list(_FIGURE.finditer(text))
    if figures:
        chosen = r.choice(figures)
        text = f"{text[: chosen.start()]}{_other_figure(chosen[0], r)}{text[chosen.end() :]}"
    paragraphs, added = text.split("\n\n"), other.split("\n\n")
    if len(paragraphs) > 4:
        del paragraphs[r.randrange(1, len(paragraphs))]
    return "\n\n".join([added[0], *paragraphs[1:], *_cut("\n\n".join(added), 0.5).split("\n\n")])


def _other_figures(text: str, r: random.Random, _other: str) -> str:
    if len(set(_FIGURE.findall(text))) < LEAST_FIGURES:
        return ""
    table: dict[str, str] = {}
    return _FIGURE.sub(lambda found: table.setdefault(found[0], _other_figure(found[0], r)), text)


def _other_names(text: str, r: random.Random, _other: str) -> str:
    """Every capitalised word that does not begin a sentence is another one throughout."""
    table: dict[str, str] = {}

    def other(found: re.Match[str]) -> str:
        return table.setdefault(found[0], found[0][0] + "".join(r.choice("aeioulmnrst") for _ in range(6)))

    return re.sub(r"(?<=[a-z,] )[A-Z][a-z]+", other, text)


_FIGURE = re.compile(r"\d+(?:[.,]\d+)*")
COPIES: dict[str, Callable[[str, random.Random, str], str]] = {
    "copy: dateline and credit": _credit,
    "copy: the first half": _cut_half,
    "copy: the first third": _cut_third,
    "copy: one word in 30 edited": _edit,
    "copy: updated": _update,
}
TEMPLATES: dict[str, Callable[[str, random.Random, str], str]] = {
    "other: all figures changed": _other_figures,
    "other: all names changed": _other_names,
}
TOPIC = "other: the nearest, 60 days apart"
_TITLE = """\
## Copies

Written by `python eval/bench/copies.py --write docs/results.md`, from articles of realtimeqa-2024-01. In a cell: the
share of pairs that are called copies, where the longer text must have that share of the shorter one's runs of five
words; the threshold in use is bold."""


def _other_figure(figure: str, r: random.Random) -> str:
    """Another figure of as many digits."""
    return re.sub(r"\d", lambda digit: r.choice([d for d in "123456789" if d != digit[0]]), figure)


def _cut(text: str, share: float) -> str:
    """The first paragraphs that make up a share of a text."""
    kept, length = [], 0
    for paragraph in text.split("\n\n"):
        if kept and length >= share * len(text):
            break
        kept.append(paragraph)
        length += len(paragraph)
    return "\n\n".join(kept)


def _find_nearest(texts: Sequence[Text]) -> Iterator[Pair]:
    """Each text with the one of which it shares the largest part, among those published long before or after."""
    read = [_read(text) for text, _ in texts]
    signatures = np.stack([copies.sign(runs) for runs in read])
    days = [date.fromisoformat(day).toordinal() if day else 0 for _, day in texts]
    for place, (text, _) in enumerate(texts):
        equal = np.count_nonzero(signatures == signatures[place], axis=1)
        far = np.array([bool(day and days[place]) and abs(day - days[place]) > APART_DAYS for day in days])
        if far.any() and (equal * far).max() > 0:
            yield text, texts[int(np.argmax(equal * far))][0]


_kept: dict[str, copies.Runs] = {}


def _read(text: str) -> copies.Runs:
    if text not in _kept:
        _kept[text] = copies.read_runs(text)
    return _kept[text]


def _precision(column: dict[str, list[bool]]) -> float:
    """Of the pairs called copies; each kind counts alike, copies and others as if equally many."""
    wrong = np.mean([np.mean(found) for name, found in column.items() if name not in COPIES])
    return float(_recall(column) / (_recall(column) + wrong))


def _recall(column: dict[str, list[bool]]) -> float:
    return float(np.mean([np.mean(column[name]) for name in COPIES]))


if __name__ == "__main__":
    sys.exit(main())
