"""Made-up articles from `fiction.toml`: every value in them is known, so that what no longer answers is known too."""

from __future__ import annotations

import random
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from qa.read import join_head

TEMPLATES = Path(__file__).parent / "fiction.toml"
MONTHS = "January February March April May June July August September October November December".split()
WEEKDAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
_OFFICES = """president, prime minister, foreign minister, finance minister, chancellor, governor, health minister,
    interior minister, speaker of parliament, ambassador to the sea league, chief justice, head of the army"""
_CAUSES = """heavy rain, a broken dam, faulty brakes, a leaking battery, a heart attack, a long illness, unpaid taxes,
    a forged letter, snow that melted early, a software error, a missing report, three days of storm, loose bolts,
    pneumonia, a secret loan, a landslide, a quarrel about the budget, cracked glass"""
# How made-up names end, by slot.
_ENDINGS = {
    "A": "ia land stan ova ania mark ea".split(),
    "T": "ville burg stad mouth ford grad os a by".split(),
    "R": ["", "a", "e", "ar"],
    "C": [" Motors", " Group", " Bank", "soft", "co", " Steel", " Foods", "", " Energy"],
}
_FIRST_NAME, _SURNAME = ["a", "o", "an", "is", ""], "ov sen ez er i man".split()
_SAME_KIND = {"B": "A", "U": "T", "Q": "P", "D": "C", "Z": "Y"}
_LISTS = {
    "O": [" ".join(office.split()) for office in _OFFICES.split(",")],
    "x": [" ".join(cause.split()) for cause in _CAUSES.split(",")],
    "M": MONTHS,
    "W": WEEKDAYS,
}
_SLOT = re.compile(r"\{(\w+)(\^?)\}")
# A question in which one of these is another asks for something that was not said.
SPOILABLE = frozenset("A B T U R P Q C D O Y Z M d".split())
Values = dict[str, str]


@dataclass(frozen=True, slots=True)
class Told:
    """A sentence of an article: where each slot's value stands in it, and which fact of its family it tells."""

    text: str
    places: Mapping[str, tuple[int, int]]
    fact: int


@dataclass(slots=True)
class Story:
    """An article with the values of its slots."""

    family: int
    head: str
    values: Values
    told: list[Told] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Template:
    """A question to be filled in, and the slot that answers it."""

    text: str
    answer: str
    fact: int

    def render(self, values: Values) -> str:
        """The question for these values."""
        return _SLOT.sub(lambda match: values[match[1]], self.text)

    def given(self) -> list[str]:
        """The slots that the question names."""
        return [match[1] for match in _SLOT.finditer(self.text)]


class Fiction:
    """A source of made-up articles; the same seed gives the same ones."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        loaded = tomllib.loads(TEMPLATES.read_text(encoding="utf-8"))
        self.fillers: list[str] = loaded["fillers"]
        self.families: list[dict] = loaded["family"]

    def templates(self, family: int) -> list[Template]:
        """All questions of a family."""
        return [
            Template(*(part.strip() for part in line.rsplit("=", 1)), fact)
            for fact, entry in enumerate(self.families[family]["facts"])
            for line in entry["ask"]
        ]

    def write(self, family: int, values: Values) -> Story:
        """An article of this family: some of its facts in a random wording, with sentences between that say nothing."""
        pick = self.random
        published = _published(values)
        title = self._fill(pick.choice(self.families[family]["titles"]), values)[0]
        story = Story(family, join_head(title, published if pick.random() < 0.8 else None), values)
        for fact, entry in enumerate(self.families[family]["facts"]):
            if fact and pick.random() < 0.2:
                continue
            relative = published if story.head != title else None
            text, places = self._fill(pick.choice(entry["say"]), values, relative)
            story.told.append(Told(text, places, fact))
        for _ in range(pick.randint(0, 2)):
            story.told.insert(pick.randint(1, len(story.told)), Told(pick.choice(self.fillers), {}, -1))
        return story

    def values(self) -> Values:
        """Fresh values for all slots."""
        pick = self.random
        year = pick.randint(1985, 2036)
        values = {
            slot: self.value(slot) for slot in "A B T U R P Q C D O M W d m m2 n n2 n3 p p2 g k h x s age".split()
        }
        return values | {
            "Y": str(year),
            "Z": str(year - pick.choice([1, 1, 1, 2, 3, 7, 12])),
            "lag": str(pick.choice([0, 0, 1])),
        }

    def value(self, slot: str) -> str:
        """A fresh value of a slot."""
        pick = self.random
        kind = _SAME_KIND.get(slot, slot)
        if kind in _ENDINGS:
            return _word(pick) + pick.choice(_ENDINGS[kind])
        if kind in _LISTS:
            return pick.choice(_LISTS[kind])
        match kind:
            case "P":
                return f"{_word(pick)}{pick.choice(_FIRST_NAME)} {_word(pick)}{pick.choice(_SURNAME)}"
            case "Y":
                return str(pick.randint(1985, 2036))
            case "d":
                return _day(pick)
            case _:
                return _figure(pick, slot)

    def _fill(
        self, template: str, values: Values, published: date | None = None
    ) -> tuple[str, dict[str, tuple[int, int]]]:
        text, at, places = "", 0, {}
        for match in _SLOT.finditer(template):
            text += template[at : match.start()]
            at = match.end()
            said = _when(match[1][2], values, published, self.random) if match[1][:2] == "in" else values[match[1]]
            said = said[0].upper() + said[1:] if match[2] else said
            places[match[1].removeprefix("in")] = (len(text), len(text) + len(said))
            text += said
        return text + template[at:], places


def _published(values: Values) -> date:
    year = int(values["Y"]) + int(values["lag"])
    return date(year, 1 + sum(map(ord, values["P"])) % 12, 1 + sum(map(ord, values["C"])) % 28)


def _when(slot: str, values: Values, published: date | None, pick: random.Random) -> str:
    ago = published.year - int(values[slot]) if published else None
    if ago in (0, 1) and pick.random() < 0.6:
        return ("this year", "last year")[ago]
    return f"in {values[slot]}"


def _word(pick: random.Random) -> str:
    starts = "B Br C D Dr F G Gr H J K Kr L M N P R S St T Tr V Z Sh Al El Or Is An Ul".split()
    ends = "l n r s t m rd nd lk rn v k rt lm sk nt".split()
    middle = pick.choice("aeiou") + pick.choice(["", pick.choice(ends) + pick.choice("aeio")]) + pick.choice(ends)
    return pick.choice(starts) + middle


def _day(pick: random.Random) -> str:
    day, month = pick.randint(1, 28), pick.choice(MONTHS)
    return pick.choice([f"{day} {month}", f"{month} {day}"])


def _figure(pick: random.Random, slot: str) -> str:
    whole, tenth = pick.randint(1, 99), pick.randint(1, 9)
    match slot:
        case "m" | "m2":
            scale = pick.choice(["million", "billion", "million", "thousand"])
            sum_ = pick.choice([f"{whole}", f"{whole}.{tenth}", f"{whole * 10 + tenth}"])
            return pick.choice(
                [
                    f"${sum_} {scale}",
                    f"{sum_} {scale} dollars",
                    f"€{sum_} {scale}",
                    f"£{whole},{tenth}00",
                    f"{sum_} {scale} crowns",
                ]
            )
        case "n" | "n2":
            few = pick.choice("twelve twenty forty-two sixty ninety seventeen thirty-one".split())
            return pick.choice(
                [
                    f"{whole},{tenth}40",
                    f"{whole * 7 + 100}",
                    f"{whole}.{tenth} million",
                    f"{whole},000",
                    f"{whole},{tenth}15",
                    few,
                ]
            )
        case "n3":
            return pick.choice(
                [str(pick.randint(2, 90)), "three four seven nine eleven fifteen".split()[pick.randint(0, 5)]]
            )
        case "p" | "p2" | "g":
            sum_ = pick.choice([f"{whole}", f"{whole % 12}.{tenth}", f"{whole % 60}.{tenth}"])
            return sum_ + pick.choice([" percent", "%", " per cent", "%"])
        case "s":
            return f"{pick.randint(1, 6)}-{pick.randint(0, 5)}"
        case "age":
            return str(pick.randint(31, 99))
        case _:
            return pick.choice(
                [f"{whole % 20 + 1}.{tenth}", str(whole), f"{tenth},{whole + 100}" if slot == "k" else str(tenth)]
            )
