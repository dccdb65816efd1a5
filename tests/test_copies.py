"""What counts as a copy of a text, and which passages say nothing new beside others."""

from __future__ import annotations

import itertools
import random
import subprocess
import sys

import numpy as np
import pytest
from conftest import REPOSITORY
from hypothesis import given
from hypothesis import strategies as st
from shelf import make

from qa.articles import Article, Passage
from qa.copies import SLOTS, are_copies, collapse, find_candidates, holds_words, read_runs, sign
from qa.retrieve import Hit
from qa.sources import read_sources

NAMES = "Anders Birla Castro Dravna Ekman Farouk Goran Hest Ivanova Joppe Karel Lanne Moreno Nils Orrick Petra".split()
VERBS = "visited opened inspected praised left repaired bought measured".split()
THINGS = "the harbour;a new bridge;the old mill;an empty school;the town's library;a ferry;the salt works".split(";")


def tell(seed: int, sentences: int = 30) -> list[str]:
    """Sentences of a made-up story; those of two seeds have no run of five words in common, or hardly any."""
    r = random.Random(seed)
    return [
        f"{r.choice(NAMES)} {r.choice(VERBS)} {r.choice(THINGS)} with {r.randint(2, 900)} people"
        f" from {r.choice(NAMES)} before {r.choice(NAMES)} {r.choice(VERBS)} {r.choice(THINGS)}."
        for _ in range(sentences)
    ]


STORY = tell(1)
WHOLE = " ".join(STORY)
REPORT = (
    "Prices in {place} rose by {a} percent in {month}, the statistics office said. Food became {b} percent dearer and"
    " fuel {c} percent. A year before the rate had stood at {d} percent. Economists had expected {e} percent."
)
MAY = REPORT.format(place="Lanne", a="2.1", b="3.4", c="0.7", d="1.9", e="2.0", month="May")
JUNE = REPORT.format(place="Lanne", a="2.6", b="3.9", c="1.2", d="2.2", e="2.5", month="June")


def copied(one: str, other: str) -> bool:
    return are_copies(read_runs(one), read_runs(other))


def may_be_copied(one: str, other: str) -> bool:
    rows = [read_runs(text) for text in (one, other)]
    sizes = np.array([len(rows[0].hashes)])
    return bool(len(find_candidates(sign(rows[0])[None, :], sizes, sign(rows[1]), len(rows[1].hashes))))


# texts


@pytest.mark.parametrize(
    "copy",
    [
        WHOLE,
        WHOLE.upper().replace(" ", "\n"),
        "LANNE (Agency) — " + WHOLE + " Reporting by Petra Moreno.",
        " ".join(STORY[:12]),
        " ".join([*STORY, *tell(2, 15)]),
        WHOLE.replace(STORY[3], tell(3, 1)[0]),
    ],
    ids=[
        "same",
        "other case and lines",
        "agency's marks",
        "cut short",
        "longer later version",
        "one sentence replaced",
    ],
)
def test_a_copy_is_found_whichever_comes_first(copy: str) -> None:
    assert copied(WHOLE, copy)
    assert copied(copy, WHOLE)
    assert may_be_copied(WHOLE, copy)
    assert may_be_copied(copy, WHOLE)


@pytest.mark.parametrize(
    ("one", "other"),
    [(WHOLE, " ".join(tell(2))), (MAY, JUNE), (WHOLE, ""), ("", ""), ("Rain.", WHOLE), ("Rain. ", "Snow.")],
    ids=["another story", "same template, other figures", "empty", "both empty", "one word", "two words"],
)
def test_what_is_no_copy(one: str, other: str) -> None:
    assert not copied(one, other)
    assert not copied(other, one)


def test_a_report_of_the_same_template_is_no_copy_however_much_stays_the_same() -> None:
    around = " ".join(sentence.translate(str.maketrans("", "", "0123456789")) for sentence in tell(9, 40))
    shared = len(set(read_runs(f"{MAY} {around}").hashes) & set(read_runs(f"{JUNE} {around}").hashes))
    assert shared > 0.9 * len(read_runs(f"{MAY} {around}").hashes)
    assert not copied(f"{MAY} {around}", f"{JUNE} {around}")


def test_an_update_with_one_changed_figure_is_a_copy() -> None:
    assert copied("Six people were hurt in Lanne. " + WHOLE, "Nine people were hurt in Lanne. " + WHOLE)
    assert copied(f"About 60 people were hurt. {MAY}", f"About 90 people were hurt. {MAY}")


def test_short_texts_are_copies_only_where_they_are_the_same() -> None:
    assert copied("The fair is closed today.", "THE FAIR is closed, today!")
    assert not copied("The fair is closed today.", "The fair is closed today. It rains.")


def test_text_without_spaces_is_read_by_sign() -> None:
    story = "貿易は過去最高を記録した。輸出は前年より増え、輸入も伸びたと政府が発表した。"
    assert copied(story, "速報 " + story)
    assert not copied(story, "首相は新しい橋を視察し、町の図書館で子どもたちと話したと伝えられた。")


@pytest.mark.parametrize("text", ["", "x", "\x00", "rain " * 200_000, "x" * 1_000_000, "🙂" * 10_000, ". , ! ?"])
def test_a_text_of_a_hostile_size_does_no_harm(text: str) -> None:
    runs = read_runs(text)
    assert len(runs.hashes) <= 2
    assert sign(runs).shape == (SLOTS,)
    assert not copied(text, WHOLE)


def test_a_text_without_a_word_is_never_a_candidate() -> None:
    empty = sign(read_runs(""))
    assert not len(find_candidates(np.stack([empty, empty]), np.array([0, 0]), empty, 0))
    assert not len(find_candidates(np.stack([empty]), np.array([0]), sign(read_runs("rain")), 1))
    assert not len(find_candidates(np.zeros((0, SLOTS), np.uint32), np.zeros(0, np.int64), sign(read_runs("a")), 1))


def test_the_wire_copies_of_the_newswire_are_found_and_nothing_else() -> None:
    read = read_sources([str(REPOSITORY / "eval/archives/newswire")], root=REPOSITORY)
    runs = {item.source.split("/")[-1][:-3]: read_runs(item.text) for item in read if isinstance(item, Article)}
    assert len(runs) == 88
    found = {pair for pair in itertools.combinations(sorted(runs), 2) if are_copies(*(runs[name] for name in pair))}
    assert found == {
        ("a-gdp-q2-2033", "a-gdp-q2-marovia-today"),
        ("a-jobless-courier", "a-jobless-q1-2033"),
        ("a-trade-marovia-2031-revised", "a-trade-revised-herald"),
        ("b-election-2034-night", "b-election-2034-night-herald"),
        ("b-hale-sworn-in", "b-hale-sworn-in-marovia"),
        ("b-lanne-treaty-signed", "b-lanne-treaty-signed-marovia"),
        ("c-lanne-flood-fourteen-dead", "c-lanne-flood-herald"),
        ("c-orrick-mine-marovia-today", "c-orrick-mine-roof-fall"),
    }


@given(st.integers(5, 25), st.integers(0, 1000))
def test_the_rule_is_symmetric(kept: int, seed: int) -> None:
    other = " ".join(random.Random(seed).sample(STORY, kept) + tell(seed + 10, 30 - kept))
    assert copied(WHOLE, other) == copied(other, WHOLE)
    assert may_be_copied(WHOLE, other) == may_be_copied(other, WHOLE)


def test_the_signature_is_the_same_in_another_process() -> None:
    code = "from qa.copies import *; print(sign(read_runs('Trade rose by 5 percent in May')).tobytes().hex())"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    assert said == sign(read_runs("Trade rose by 5 percent in May")).tobytes().hex()


# passages


def hits(*texts: str | tuple[str, str], score: float = 1.0) -> list[Hit]:
    """A hit for each text, from an article of its own named a, b, c …; a pair gives the article's name."""
    found = []
    for place, item in enumerate(texts):
        name, text = item if isinstance(item, tuple) else ("abcdefgh"[place], item)
        found.append(Hit(make(name, text), Passage(f"p{place}", name, 0, len(text), text), score - place / 100))
    return found


def kept(found: list[Hit], names: str = "abcdefgh") -> str:
    return "".join(hit.article.id for hit in collapse(found, dict.fromkeys(names, "group")))


FIRST = "Trade rose by 5 percent in May, the office said. Exports to Lanne grew most of all."


@pytest.mark.parametrize(
    "copy",
    [
        FIRST,
        "LANNE (Agency) — " + FIRST,
        "LANNE, May 3 (Agency) – " + FIRST,
        "Lanne, Marovia CNN —\n\n" + FIRST,
        FIRST + "\n\nReporting by Petra Moreno in Lanne; editing by Nils Karel",
        "By Petra Moreno\n\n" + FIRST,
        "Exports to Lanne grew most of all.",
        FIRST.replace("5 percent", "5 per cent").replace("The office said", "the office says"),
        FIRST + " Read more.",
    ],
)
def test_a_passage_that_says_nothing_new_is_collapsed_into_the_better_one(copy: str) -> None:
    [hit] = collapse(hits(FIRST, copy), {"a": "g", "b": "g"})
    assert (hit.article.id, [article.id for article in hit.copies]) == ("a", ["b"])


@pytest.mark.parametrize(
    "other",
    [
        FIRST.replace("5", "6"),
        FIRST.replace("5 percent", "$5"),
        FIRST.replace("5 percent", "about 5 percent"),
        FIRST.replace("Lanne", "Hest"),
        FIRST.replace("rose", "fell"),
        FIRST.replace("rose", "never rose"),
        FIRST.replace("May", "June"),
        FIRST + " Imports fell a little.",
        FIRST + " By Monday the minister had left.",
        FIRST + "\n\nBy 2040 it is to double",
        FIRST.replace("Trade rose by 5 percent in May,", "Trade rose by 6 percent in May —"),
        "Lanne Mayor Nils Karel — " + FIRST,
    ],
)
def test_a_passage_with_another_figure_name_or_word_survives(other: str) -> None:
    assert kept(hits(FIRST, other)) == "ab"
    assert kept(hits(other, FIRST)) == ("a" if other.startswith(FIRST) else "ab")


def test_what_one_passage_says_may_stand_in_several_better_ones() -> None:
    one, two = FIRST.split(". ", 1)
    assert kept(hits(one + ".", two, FIRST)) == "ab"
    [first, second] = collapse(hits(one + ".", two, FIRST), dict.fromkeys("abc", "g"))
    assert [article.id for article in (*first.copies, *second.copies)] == ["c"]


def test_only_copies_of_one_story_are_collapsed() -> None:
    assert kept(hits(FIRST, FIRST), names="") == "ab"
    assert [hit.article.id for hit in collapse(hits(FIRST, FIRST), {"a": "g", "b": "other"})] == ["a", "b"]


def test_order_and_scores_stay_and_each_copy_is_named_once() -> None:
    found = hits(FIRST, "It rained in Hest on two days.", ("b2", FIRST), ("b2", FIRST), ("a", FIRST))
    left = collapse(found, dict.fromkeys(["a", "b", "b2"], "g"))
    assert [(hit.passage.id, hit.score) for hit in left] == [(hit.passage.id, hit.score) for hit in found[:2]]
    assert [article.id for article in left[0].copies] == ["b2"]
    assert collapse([], {}) == []


# words


def article(text: str) -> Article:
    return make("x", text)


@pytest.mark.parametrize(
    ("text", "words", "there"),
    [
        ("He said: “Trade rose – again.”", 'he said: "Trade rose - again."', True),
        ("Trade\n rose", "Trade rose", True),
        ("Trade rose by 15 percent", "5 percent", False),
        ("It was $5 million", "5 million", False),
        ("It was 1.5 million", "5 million", False),
        ("The distrade rose", "trade rose", False),
        ("Trade did not rise", "Trade did rise", False),
        ("", "Trade", False),
    ],
)
def test_words_are_found_in_an_article_however_they_are_set(text: str, words: str, there: bool) -> None:
    assert holds_words(article(text), words) is there
