"""Copies of one story: which texts are near-duplicates, and which passages say nothing new beside another.

Two texts are copies where most runs of five words of the shorter stand in the longer, and most of its numbers and names
too: a wire copy, one cut short, a longer later version; but not another report from the same template. A passage is
collapsed into others only where each of its sentences stands in them with the same words and figures.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import Field, dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeVar

from qa.articles import Article, Passage
from qa.figures import Figure, read_figures
from qa.split import find_sentences
from qa.text import fold

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Chosen with `python eval/bench/copies.py` on realtimeqa-2024-01, where pairs made by rule are told as well by 0.3 as
# by 0.6; and by reading the pairs that stand in realtimeqa-2024-q2 and 2023-h2: reports from one template (lottery
# draws, storms day by day, match previews) share up to 0.52, what shares 0.6 is one text, its update or a part of it.
SHINGLE = 5  # words in a run
SLOTS = 128  # of a MinHash signature, 32 bits each
CONTAINED = 0.6  # share of the shorter text's runs that the longer one must have
_CHANGED = 0.3  # share of the shorter text's numbers, and of its names, that the longer one may lack; one in any case
_LEAST_RUNS = 10  # of a text that is a copy without being the same throughout
_SEED = 1
_DOUBT = 3.0  # standard errors by which an estimate may be too low
_LEAST_EQUAL = 8  # slots that two texts must share to be compared at all: about 1 in 16 runs of both together

_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\W_\u3040-\u30ff\u3400-\u9fff]+")  # Chinese and Japanese by sign
_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
_CAPITAL = r"[A-ZÀ-ÖØ-ÞĀ-ŽΑ-ΩА-Я]\w*"
_CAPITALS = re.compile(rf"(?<!\w){_CAPITAL}")
_NAME = re.compile(rf"(?<=[\w,;] ){_CAPITAL}")
# Words that may be more or fewer in a copied sentence: they change neither who, what, when nor how much.
_LIGHT = frozenset("a an the that which who said says mr mrs ms dr also".split())
# "LANNE, May 3 (Agency) — ": capitalised words, one of them all in capitals or in brackets, and a dash.
_DATELINE = re.compile(
    r"(?=[^—–\n]*?(?:\b[A-Z]{2,}\b|\())(?:[A-Z][\w.’'/]*,? ){1,6}(?:\d{1,2} )?(?:\([^()\n]{1,30}\) ?)?(?:[—–]|--?)\s+"
)
_CREDIT = re.compile(
    r"(?:(?:additional |with )?(?:reporting|editing|writing) by\s|by\s(?!.*[.!?]$))", re.IGNORECASE | re.DOTALL
)
_MOST_CREDIT = 15  # words in a line that says who wrote it
_LEAST_WORDS = 4  # of a sentence; fewer, and no figure, say nothing by themselves
_EVEN = str.maketrans("“”„«»‘’‚‛–—‐‑−", '"""""' + "''''" + "-----")


def algorithm() -> str:
    """What signatures and groups follow from: where this has changed, they are made anew."""
    from rensa import RMinHash

    parts = (RMinHash.ALGORITHM_VERSION, SHINGLE, SLOTS, _SEED, CONTAINED, _CHANGED, _LEAST_RUNS, _LEAST_EQUAL)
    return f"rensa-r-minhash {' '.join(map(str, parts))}"


@dataclass(frozen=True, slots=True)
class Runs:
    """A text for comparison: the hashes of its runs of five words, sorted, each once; its numbers, as written.

    `names` are the words with a capital inside a sentence, `capitals` all with one, folded.
    """

    hashes: NDArray[np.uint64]
    numbers: frozenset[str]
    names: frozenset[str]
    capitals: frozenset[str]


def read_runs(text: str) -> Runs:
    """Read a text for comparison; case, accents, marks and white space do not count. A shorter text is one run."""
    import numpy as np
    from rensa import RMinHash

    folded = fold(text)
    words = _WORD.findall(folded)
    runs = {" ".join(words[at : at + SHINGLE]) for at in range(max(1, len(words) - SHINGLE + 1))} if words else set()
    hashes = np.unique(np.array(RMinHash.hash_token_sets([list(runs)])[0], dtype=np.uint64))
    names, capitals = (frozenset(fold(" ".join(p.findall(text))).split()) for p in (_NAME, _CAPITALS))
    return Runs(hashes, frozenset(_NUMBER.findall(folded)), names, capitals)


def sign(runs: Runs) -> NDArray[np.uint32]:
    """The MinHash signature, shape (128,): the share of equal slots estimates the Jaccard similarity of two texts."""
    import numpy as np
    from rensa import RMinHash

    if not len(runs.hashes):
        return np.zeros(SLOTS, dtype=np.uint32)
    matrix = RMinHash.digest_matrix_from_token_hash_sets([runs.hashes.tolist()], SLOTS, _SEED)
    return np.array(matrix.to_rows()[0], dtype=np.uint32)


def find_candidates(
    signatures: NDArray[np.uint32], sizes: NDArray[np.int64], signature: NDArray[np.uint32], size: int
) -> NDArray[np.intp]:
    """Rows of `signatures`, shape (n, 128), whose texts may be copies of the one with `signature`, likeliest first.

    `sizes` are the numbers of runs; a row of size 0 is never one. Every row is compared: 6 ms for 50,000.
    """
    import numpy as np

    if not size or not len(sizes):
        return np.zeros(0, dtype=np.intp)
    equal = np.count_nonzero(signatures == signature, axis=1)
    shared = CONTAINED * np.minimum(sizes, size)
    needed = shared / (sizes + size - shared)  # the Jaccard similarity of texts that share just enough
    least = SLOTS * needed - _DOUBT * np.sqrt(SLOTS * needed * (1 - needed))
    found = np.flatnonzero((equal >= np.maximum(least, _LEAST_EQUAL)) & (sizes > 0))
    return found[np.argsort(-equal[found], kind="stable")]


def are_copies(one: Runs, other: Runs) -> bool:
    """Whether two texts are copies of one story; the order does not matter. Texts without a word are none."""
    import numpy as np

    least = min(len(one.hashes), len(other.hashes))
    shared = len(np.intersect1d(one.hashes, other.hashes, assume_unique=True))
    if not least or shared < CONTAINED * least:
        return False
    if least < _LEAST_RUNS and not shared == len(one.hashes) == len(other.hashes):
        return False
    pairs = [(a, b) for a, b in ((one, other), (other, one)) if len(a.hashes) == least]
    return any(_hold(a.numbers, b.numbers) and _hold(a.names, b.capitals) for a, b in pairs)


def _hold(few: frozenset[str], many: frozenset[str]) -> bool:
    return len(few - many) <= max(1, _CHANGED * len(few))


class Found(Protocol):
    """What `collapse` reads of a hit, and where it notes the articles that hold a copy."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    @property
    def article(self) -> Article:
        """The article that was found."""

    @property
    def passage(self) -> Passage:
        """The passage of it."""

    @property
    def copies(self) -> tuple[Article, ...]:
        """Other articles that say as much, so far."""


HitType = TypeVar("HitType", bound=Found)


def collapse(hits: Sequence[HitType], group_of: Mapping[str, str]) -> list[HitType]:
    """The hits in their order, without those that say nothing beside better ones of copies of the same story.

    A hit goes where each of its sentences stands in kept hits of the same group, in the same words and figures; a kept
    hit's `copies` are the articles of those that went into it. An update's new sentence or figure keeps its passage.

    Args:
        hits: best first.
        group_of: the group of each article that has copies, by article id; any other article stands for itself.
    """
    kept: list[HitType] = []
    said: dict[str, dict[_Sentence, int]] = {}  # by group: each sentence, and the place of the hit that says it
    for hit in hits:
        group = group_of.get(hit.article.id)
        if group is None:
            kept.append(hit)
            continue
        known, sentences = said.setdefault(group, {}), set(_read_sentences(hit))
        places = [known[sentence] for sentence in sentences if sentence in known]
        if places and len(places) == len(sentences):
            place = max(sorted(set(places)), key=places.count)
            kept[place] = _note_copy(kept[place], hit.article)
            continue
        for sentence in sentences:
            known.setdefault(sentence, len(kept))
        kept.append(hit)
    return kept


def holds_words(article: Article, words: str) -> bool:
    """Whether words stand in an article's text, but for case, accents, white space and the shape of marks."""
    wanted = _even(words)
    before = r"(?<![\w$€£¥.,+-])" if wanted[:1].isdigit() else r"(?<!\w)"
    return bool(wanted) and re.search(rf"{before}{re.escape(wanted)}(?!\w)", _even(article.text)) is not None


_FigureKey = tuple[object, ...]
_Sentence = tuple[str, tuple[_FigureKey, ...]]  # the words that count, joined, and the figures


def _note_copy(hit: HitType, article: Article) -> HitType:
    known = {hit.article.id, *(copy.id for copy in hit.copies)}
    return hit if article.id in known else replace(hit, copies=(*hit.copies, article))


def _read_sentences(hit: Found) -> Iterator[_Sentence]:
    """What a passage says, sentence by sentence; neither dateline, credit nor a few words without a figure."""
    text = hit.passage.text
    if not hit.article.text[: hit.passage.start].strip() and (dateline := _DATELINE.match(text.lstrip())):
        text = text.lstrip()[dateline.end() :]
    for start, end in find_sentences(text, language=hit.article.language):
        sentence = text[start:end]
        words = _WORD.findall(fold(sentence))
        figures = tuple(map(_figure_key, read_figures(sentence)))
        is_credit = not figures and len(words) <= _MOST_CREDIT and _CREDIT.match(sentence)
        if not is_credit and (figures or len(words) >= _LEAST_WORDS):
            yield "".join(word for word in words if word not in _LIGHT), figures


def _figure_key(figure: Figure) -> _FigureKey:
    f = figure
    return f.kind, f.value, f.unit, f.approximate, f.bound, f.year, f.part, f.month, f.day


def _even(text: str) -> str:
    """A text folded, with straight quotation marks and dashes."""
    return fold(text.translate(_EVEN))
