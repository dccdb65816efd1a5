"""Rules that put a sentence in another form, or one error into it; they use nothing of the checks that they try.

Each takes a sentence and a source of chance and gives a statement, or None where it does not apply.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from qa.articles import Quote

Rule = Callable[["Source", random.Random], "str | None"]

MONTHS = "January February March April May June July August September October November December".split()
DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
WORDS = "two three four five six seven eight nine ten eleven twelve thirteen".split()
MONTH, DAY = "|".join(MONTHS), "|".join(DAYS)
NUMBER = re.compile(r"(?<![\w.,:/#-])\d[\d,]*(?:\.\d+)?(?![\w:/-]|[.,]\d|['’])")
YEAR = re.compile(r"(?<![\w$€£,./-])(?:19|20)\d\d(?![\w%-]|[.,/]\d)")
SCALE = re.compile(r"(?<=\d )(?:thousand|million|billion|trillion)\b")
NAME = re.compile(r"(?<![\w.’'-])[A-Z][a-zà-ÿ]+(?: [A-Z][a-zà-ÿ]+)*(?![\w’'-]*-)")
CAPITALISED = """The A An In On At But And It He She They We I You This That These Those When While If As For From With
    By To His Her Their Its Our There Here What Who Where Why How After Before Since Until Both Some Many Most All No
    Not Mr Mrs Ms Dr Prime Minister President So Then Now Also One Two Three Four Five Six Seven Eight Nine Ten Even
    Only Officials Police However Last Next Nobody Such Another Each Any Of Or My""".split()
NO_NAME = frozenset((*MONTHS, *DAYS, *CAPITALISED))
OPPOSITES = """rose fell | rise fall | rises falls | risen fallen | rising falling | increased decreased | increase
decrease | increases decreases | grew shrank | grow shrink | growing shrinking | higher lower | climbed dropped |
gained lost | gain loss | gains losses | widened narrowed | raised lowered | raise lower | above below | up~from
down~from | up~by down~by | more less | dearer cheaper | faster slower | jumped plunged | earlier later | surplus
deficit | highest lowest | most least | largest smallest | best worst | won lost | approved rejected | strongest
weakest"""
FLIPS = dict(
    pair[::way]
    for line in OPPOSITES.replace("\n", " ").split("|")
    for pair in [[word.replace("~", " ") for word in line.split()]]
    for way in (1, -1)
)
FLIP = re.compile(rf"\b(?:{'|'.join(sorted(FLIPS, key=len, reverse=True))})\b")
AUXILIARY = re.compile(r"\b(was|were|is|are|has|have|had|will|would|could|should|did|does)\b(?! not\b|n['’]t\b|,)")
NOT = re.compile(r"\b(was|were|is|are|has|have|had|will|would|could|should|did|does|do) not (?!only|just)")
QUOTED = re.compile(r"“[^“”]*”|(?<!\w)\"[^\"]*\"(?!\w)")
PLACED = "splendid terrible ordinary doubtful generous hostile".split()  # put into quotations by `misquote`


@dataclass(frozen=True, slots=True)
class Source:
    """A sentence that statements are made of."""

    quote: Quote

    @property
    def text(self) -> str:
        """Its words."""
        return self.quote.text

    @property
    def published(self) -> date | None:
        """When its article was published."""
        return self.quote.article.published

    @property
    def numbers(self) -> frozenset[str]:
        """Its numbers in digits, as written."""
        return frozenset(re.findall(r"\d[\d,.]*\d|\d", self.text))


def pick(pattern: re.Pattern[str] | str, text: str, draw: random.Random) -> re.Match[str] | None:
    """One match by chance."""
    found = list(re.finditer(pattern, text))
    return draw.choice(found) if found else None


def put(text: str, match: re.Match[str], new: str) -> str:
    """The text with a match replaced."""
    return text[: match.start()] + new + text[match.end() :]


# True: another form with the same meaning


def number_form(source: Source, draw: random.Random) -> str | None:
    """Put "$24.2 billion" as dollars or millions, "1,600" as 1600, "thirteen" as 13 or 13 as "thirteen"."""
    text = source.text
    if match := pick(r"(?<![\w-])\$(\d[\d,]*(?:\.\d)?) (million|billion)\b(?!-)", text, draw):
        if match[2] == "billion" and draw.random() < 0.5:
            return put(text, match, f"${float(match[1].replace(',', '')) * 1000:,.0f} million")
        return put(text, match, f"{match[1]} {match[2]} dollars")
    if match := pick(r"(?<![\w$€£,./-])\d{1,3}(?:,\d{3})+(?![\w,-]|\.\d)", text, draw):
        plain = match[0].replace(",", "")
        return put(text, match, plain) if not 1000 <= int(plain) < 2200 else None
    if match := pick(rf"(?<=[a-z] )(?:{'|'.join(WORDS)})(?= [a-z]+s\b)(?! thirds| fifths| tenths)", text, draw):
        return put(text, match, str(WORDS.index(match[0]) + 2))
    return None


def percent_form(source: Source, draw: random.Random) -> str | None:
    """The word percent as a sign or the other way round."""
    match = pick(r"(?<=\d) percent\b(?!age)|(?<=\d)%(?!\w)", source.text, draw)
    if match is None:
        return None
    return put(source.text, match, draw.choice([" %", "%", " per cent"]) if "p" in match[0] else " percent")


def date_form(source: Source, draw: random.Random) -> str | None:
    """A full date with the month first, last or as ISO 8601; a quarter as Q1."""
    text = source.text
    if match := pick(rf"(?<!to )(?<!and )\b(\d\d?) ({MONTH}) ((?:19|20)\d\d)\b", text, draw):
        day, month, year = int(match[1]), MONTHS.index(match[2]) + 1, match[3]
        return put(text, match, draw.choice([f"{match[2]} {day}, {year}", f"{year}-{month:02}-{day:02}"]))
    if match := pick(rf"\b({MONTH}) (\d\d?), ((?:19|20)\d\d)\b", text, draw):
        return put(text, match, f"{match[2]} {match[1]} {match[3]}")
    if match := pick(rf"(?<![-–])(?<!to )(?<!and )\b(\d\d?) ({MONTH})\b(?! \d)", text, draw):
        return put(text, match, f"{match[2]} {match[1]}")
    if match := pick(rf"\b({MONTH}) (\d\d?)\b(?![,\w–-]| \d| [-–]| to | and )", text, draw):
        return put(text, match, f"{match[2]} {match[1]}")
    return None


def adverbial(source: Source, draw: random.Random) -> str | None:
    """Without a word that says nothing of the matter, or without who said it."""
    text = source.text
    if match := pick(r",[^,.\d\"“”]{3,50}\bsaid(?: on \w+day)?(?=[,.])", text, draw):
        return put(text, match, "")
    if match := pick(r"^(?:However|Meanwhile|In addition|Still|But|And|Also|Moreover), (?=[a-z])", text, draw):
        rest = text[match.end() :]
        return rest[0].upper() + rest[1:]
    match = pick(
        r"\b(?:also|already|still|really|simply|chiefly|again|certainly|therefore|however) (?=[a-z])", text, draw
    )
    return put(text, match, "") if match and text[: match.start()].strip() else None


def resolved(source: Source, draw: random.Random) -> str | None:
    """Put "last year" and the like as a year, "said on Tuesday" as a date, "last month" as a month."""
    text, day = source.text, source.published
    if day is None:
        return None
    years = {"last year": -1, "this year": 0, "next year": 1}
    if match := pick(r"(?<=[\w,] )(?:last|this|next) year\b(?!['’])", text, draw):
        before = re.search(
            r"\b(?:in|of|than|for|since|until|from|by|earlier|later|late|early|and|or|the|end)\s$",
            text[: match.start()],
        )
        bare = "" if before else "in "
        if before and before[0].strip() in ("earlier", "later", "late", "early", "the"):
            return None
        return put(text, match, f"{bare}{day.year + years[match[0]]}")
    if match := pick(rf"(?<=\bsaid )on ({DAY})\b|(?<=announced )on ({DAY})\b|(?<=reported )on ({DAY})\b", text, draw):
        said = day - timedelta(days=(day.weekday() - DAYS.index(match[0][3:])) % 7)
        return put(text, match, f"on {said.day} {MONTHS[said.month - 1]} {said.year}")
    if match := pick(r"(?<=[a-z] )last month\b(?!['’])", text, draw):
        return put(text, match, "in " + month_before(day))
    return None


def month_before(day: date) -> str:
    """The month before that of a date."""
    last = day.replace(day=1) - timedelta(days=1)
    return f"{MONTHS[last.month - 1]} {last.year}"


# Spoiled: figures


def changed_digit(source: Source, draw: random.Random) -> str | None:
    """One digit of a number that is no year is another, or two neighbours change places."""
    found = [m for m in NUMBER.finditer(source.text) if not YEAR.fullmatch(m[0]) and not is_day(source.text, m)]
    if not found:
        return None
    match = draw.choice(found)
    places = [n for n, char in enumerate(match[0]) if char.isdigit()]
    place = draw.choice(places)
    lowest = 1 if place == 0 and len(match[0]) > 1 else 0
    digit = draw.choice([d for d in "0123456789" if d != match[0][place] and int(d) >= lowest])
    return put(source.text, match, match[0][:place] + digit + match[0][place + 1 :])


def is_day(text: str, match: re.Match[str]) -> bool:
    """Whether a number is the day of a month."""
    return bool(re.match(rf" (?:{MONTH})", text[match.end() :]) or re.search(rf"(?:{MONTH}) $", text[: match.start()]))


def scale(source: Source, draw: random.Random) -> str | None:
    """Million for billion and the like."""
    match = pick(SCALE, source.text, draw)
    others = {"thousand", "million", "billion", "trillion"} - {match[0]} if match else ()
    return put(source.text, match, draw.choice(sorted(others))) if match else None


def sign(source: Source, draw: random.Random) -> str | None:
    """A word of direction or order is its opposite, in a sentence with a number."""
    match = pick(FLIP, source.text, draw) if re.search(r"\d", source.text) else None
    if match is None or (match[0] == "most" and source.text[match.end() :].startswith(" of")):
        return None
    return put(source.text, match, FLIPS[match[0]])


def percent_points(source: Source, draw: random.Random) -> str | None:
    """Percent for percentage points or the other way round."""
    match = pick(r"(?<=\d)(?: percentage points?| percent\b| per cent\b|%)", source.text, draw)
    if match is None:
        return None
    return put(source.text, match, " percent" if "point" in match[0] else " percentage points")


def currency(source: Source, draw: random.Random) -> str | None:
    """Another currency."""
    match = pick(r"[$€£](?=\d)|(?<=\d |n )(?:dollars|euros|pounds)\b", source.text, draw)
    if match is None:
        return None
    group = "$€£" if len(match[0]) == 1 else ("dollars", "euros", "pounds")
    return put(source.text, match, draw.choice([other for other in group if other != match[0]]))


def rounding(source: Source, draw: random.Random) -> str | None:
    """Round a number that is off by a fifth or so to two digits, and say "about"."""
    found = [m for m in NUMBER.finditer(source.text) if not YEAR.fullmatch(m[0]) and not is_day(source.text, m)]
    found = [m for m in found if len(re.sub(r"\D", "", m[0]).lstrip("0")) >= 3]
    if not found:
        return None
    match = draw.choice(found)
    value = float(match[0].replace(",", "")) * draw.choice([0.8, 0.85, 1.2, 1.25])
    step = 10 ** (len(str(int(value))) - 2) if value >= 100 else 1 if value >= 10 else 0.1
    off = round(value / step) * step
    symbol = source.text[match.start() - 1] if source.text[match.start() - 1] in "$€£" else ""
    at = match.start() - len(symbol)
    return f"{source.text[:at]}about {symbol}{off:,.{0 if step >= 1 else 1}f}{source.text[match.end() :]}"


def shifted_range(source: Source, draw: random.Random) -> str | None:
    """One end of a range is another number."""
    match = pick(r"\b(?:between |from )?(\d+)( and | to |-|–)(\d+)(?= [a-z%]|%)", source.text, draw)
    if match is None or not (match[0].startswith(("between", "from")) or match[2] in "-–"):
        return None
    end = draw.choice([1, 3])
    new = int(match[end]) + (draw.choice([2, 3, 7]) if end == 3 else -draw.choice([1, 2]))
    return source.text[: match.start(end)] + str(max(new, 0)) + source.text[match.end(end) :]


SLIPS = {
    "two": "twelve", "three": "thirteen", "four": "forty", "five": "fifty", "six": "sixty", "seven": "seventeen",
    "eight": "eighty", "nine": "ninety", "ten": "thirty", "thirteen": "thirty", "fourteen": "forty",
    "fifteen": "fifty", "twenty": "two hundred",  "dozen": "hundred",
    "a million": "a billion", "half a million": "half a billion", "a third": "two thirds", "a quarter": "a third",
    "thirty": "three hundred", "eleven": "twelve", "twelve": "twenty",
}  # fmt: skip


def magnitude_words(source: Source, draw: random.Random) -> str | None:
    """A number in words is another, often of another order."""
    match = pick(
        rf"(?<=[a-z] )(?:{'|'.join(SLIPS)})(?= [a-z])(?! hundred| thousand| million| billion)", source.text, draw
    )
    if match is None or source.text[match.end() :].startswith((" century", " time", " man")):
        return None
    return put(source.text, match, SLIPS[match[0]])


# Spoiled: periods


def year(source: Source, draw: random.Random) -> str | None:
    """Another year, one to three away."""
    match = pick(YEAR, source.text, draw)
    if match is None:
        return None
    near = [int(match[0]) + away for away in (-3, -2, -1, 1, 2, 3)]
    return put(source.text, match, str(draw.choice([y for y in near if str(y) not in source.text])))


def quarter(source: Source, draw: random.Random) -> str | None:
    """Another quarter or the other half of a year."""
    match = pick(
        r"\b(first|second|third|fourth|final) (quarter)\b|\b(first|second) (half) of (?:the year|20)", source.text, draw
    )
    if match is None:
        return None
    word, nouns = match[1] or match[3], "quarter" if match[1] else "half"
    choices = ["first", "second", "third", "fourth"] if nouns == "quarter" else ["first", "second"]
    taken = re.findall(rf"(\w+) {nouns}", source.text)
    free = [c for c in choices if c != word and c not in taken and {c, word} != {"final", "fourth"}]
    return source.text.replace(f"{word} {nouns}", f"{draw.choice(free)} {nouns}", 1) if free else None


def month(source: Source, draw: random.Random) -> str | None:
    """Another month."""
    match = pick(
        rf"\b(?:{MONTH.replace('May|', '').replace('March|', '')})\b(?! [A-Z])|(?<=[Ii]n )(?:May|March)\b",
        source.text,
        draw,
    )
    return put(source.text, match, draw.choice([m for m in MONTHS if m not in source.text])) if match else None


def relative_date(source: Source, draw: random.Random) -> str | None:
    """Another year, month, week or day than the one that is meant, as a relative date or resolved."""
    text, day = source.text, source.published
    if match := pick(r"\b(?:last|this|next) (?:year|month|week)\b(?!['’])", text, draw):
        which, span = match[0].split()
        others = [w for w in ("last", "this", "next") if w != which]
        if day and span == "year" and draw.random() < 0.5 and re.search(r"\bin $", text[: match.start()]):
            return put(text, match, str(day.year + {"last": -2, "this": 1, "next": 2}[which]))
        return put(text, match, f"{draw.choice(others)} {span}")
    if match := pick(rf"\bon ({DAY})\b", text, draw):
        free = [other for other in DAYS if other not in text]
        if day and re.search(r"(?:said|announced|reported) $", text[: match.start()]) and draw.random() < 0.5:
            said = day - timedelta(days=(day.weekday() - DAYS.index(match[1])) % 7 + draw.choice([1, 2, 3]))
            return put(text, match, f"on {said.day} {MONTHS[said.month - 1]} {said.year}")
        return put(text, match, f"on {draw.choice(free)}")
    if match := pick(r"\b(?:a year|two years|three years|four years) (earlier|ago|before)\b", text, draw):
        return put(text, match, f"{draw.choice(['five', 'six', 'seven'])} years {match[1]}")
    return None


# Spoiled: who and whether


def swapped_names(source: Source, draw: random.Random) -> str | None:
    """Two names change places, or one is another of the same article."""
    found = [m for m in NAME.finditer(source.text) if is_name(m, source)]
    if not found:
        return None
    first = draw.choice(found)
    others = [m for m in found if apart(m[0], first[0]) and not joined(source.text, m, first)]
    if others and draw.random() < 0.5:
        left, right = sorted([first, draw.choice(others)], key=lambda m: m.start())
        middle = source.text[left.end() : right.start()]
        return source.text[: left.start()] + right[0] + middle + left[0] + source.text[right.end() :]
    elsewhere = {m[0] for m in NAME.finditer(source.quote.article.text) if is_name(m, source)}
    size = len(first[0].split())
    free = sorted(n for n in elsewhere if len(n.split()) == size and not set(n.split()) & set(source.text.split()))
    return put(source.text, first, draw.choice(free)) if free else None


def is_name(match: re.Match[str], source: Source) -> bool:
    """Whether words with capitals are a name: several, or one that stands inside a sentence of the article too."""
    words = match[0].split()
    if any(word in NO_NAME for word in words):
        return False
    return bool(re.search(rf"[a-z,] {re.escape(match[0])}\b", source.quote.article.text))


def apart(one: str, other: str) -> bool:
    """Whether two names share no word."""
    return not set(one.split()) & set(other.split())


def joined(text: str, one: re.Match[str], other: re.Match[str]) -> bool:
    """Whether two names stand in one list or phrase, where their order may mean nothing."""
    left, right = sorted([one, other], key=lambda m: m.start())
    between = text[left.end() : right.start()]
    return (
        bool(re.fullmatch(r",? (?:and|or|&) |, |,? ?(?:['’]s)? ?| (?:and|or) (?:the )?", between)) or "," in between[:1]
    )


def negation(source: Source, draw: random.Random) -> str | None:
    """Put in "not" after an auxiliary verb, or take it out."""
    if match := pick(NOT, source.text, draw):
        return put(source.text, match, f"{match[1]} ")
    match = pick(AUXILIARY, source.text, draw)
    if match is None or re.match(
        r"[^,.;]*\b(?:no|not|never|nobody|nothing|neither|nor|none|only)\b", source.text[match.end() :]
    ):
        return None
    return put(source.text, match, f"{match[0]} not")


def has_same_quotations(statement: str, text: str) -> bool:
    """Whether what stands in quotation marks is the same, but for how numbers are written."""
    return words_in_quotations(statement) == words_in_quotations(text)


def words_in_quotations(text: str) -> list[str]:
    """The words in quotation marks without numbers, in digits or not."""
    words = re.findall(r"[^\W\d_]+", " ".join(QUOTED.findall(text)))
    return [word for word in words if word not in (*WORDS, "percent", "per", "cent")]


def misquote(source: Source, draw: random.Random) -> str | None:
    """A word of a quotation of several words exchanged for one that is not in the sentence."""
    long = [match for match in QUOTED.finditer(source.text) if len(match[0].split()) > 2]
    if not long:
        return None
    quoted = draw.choice(long)
    word = pick(r"\b[a-z]{5,}\b", quoted[0], draw)
    return word and put(source.text, quoted, put(quoted[0], word, draw.choice(PLACED)))


TRUE: dict[str, Rule] = {
    "number_form": number_form, "percent_form": percent_form, "date_form": date_form, "adverbial": adverbial,
    "resolved": resolved,
}  # fmt: skip
SPOILED: dict[str, Rule] = {
    "changed_digit": changed_digit, "scale": scale, "sign": sign, "percent_points": percent_points,
    "currency": currency, "rounding": rounding, "range": shifted_range, "magnitude_words": magnitude_words,
    "year": year, "quarter": quarter, "month": month, "relative_date": relative_date,
    "swapped_names": swapped_names, "negation": negation,
}  # fmt: skip
