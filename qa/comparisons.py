"""What a question holds against each other, and what it asks of each: alternatives, and times.

"Which had the higher rate, Sallow or Kessel Bay?" asks for the rate of either, "How did turnout change between 2027 and
2031?" for that of both years.
"""

from __future__ import annotations

import re

from qa.asks import AUXILIARY, LED_ASK, MAX_PARTS, OPENS, PREPOSITION
from qa.figures import Figure, find_figures

# How much of a quality there is, by its comparatives.
_QUALITIES = """much more less most; many fewer; old elder older younger; hot hotter warmer cooler colder;
    high higher lower; long longer shorter; large larger smaller bigger; tall taller; heavy heavier lighter;
    deep deeper; wide wider; fast faster slower; strong stronger weaker"""
_HOW = {word: how for how, *words in map(str.split, _QUALITIES.split(";")) for word in words}
_COMPARATIVES = frozenset(_HOW) | frozenset(
    """greater richer poorer cheaper dearer steeper earlier later better worse closer nearer least highest lowest
    largest smallest biggest longest shortest fastest oldest youngest tallest hottest coldest first""".split()
)
_NAMED = r"(?:the\s)?(?:[A-Z][\w'’-]*(?:\s[A-Z][\w'’-]*)*|(?:1\d|2\d)\d\d)"
_PLACED = rf"(?:(?:in|on|at|for|with)\s)?{_NAMED}"
_MORE = rf"(?P<more>{'|'.join(_HOW)})"
_REST = r"(?P<rest>(?:\s.*)?)"
_HAS = "(?:had|has|have|saw|recorded|reported|showed|drew|paid|made|took|reached|got)"
# Forms of what is asked of two alternatives, and of either of them.
_HAS_HIGHER = rf"(?:which|who|what)\s{_HAS}\s(?:the\s)?{_MORE}\s(?P<noun>\w.*)"
_DOES_MORE = rf"(?:which|who|what)\s(?:(?!{AUXILIARY}\b)\w+\s)??(?P<verb>(?!{AUXILIARY}\b)\w+|had|has|have)"
_DOES_MORE += rf"\s(?:more|fewer|less)\s(?P<noun>(?!{PREPOSITION}\b|than\b)\w+){_REST}"
_IS_HIGHER = rf"(?:which|who|what)\s(?P<verb>is|was|are|were)(?P<done>\s(?!the\b)\w+)??\s(?:the\s)?{_MORE}{_REST}"
_IS_HIGHER_THERE = rf"(?:where|in which\s\w+)\s(?P<verb>{AUXILIARY})\s(?P<subject>.*)\s{_MORE}{_REST}"
_RISES_HIGHER = rf"(?:which|what|who)\s(?:(?P<noun>\w+)\s)??(?P<verb>(?!(?:{AUXILIARY}|the|an?)\b)\w+)\s{_MORE}{_REST}"
_CHANGE = (
    r"(?:chang|compar|differ|develop|evolv|ris|rose|fall|fell|grow|grew|drop|shr[iau]nk|increas|decreas|climb|declin)"
)
_FROM_TO = r"\b(?:between\s(?P<one>.+?)\sand|from\s(?P<first>.+?)\sto)\s(?P<other>.+)$"

Compared = tuple[list[str], tuple[str, ...]]  # the parts, and what they are about, as the question words it
_NOTHING: Compared = ([], ())


def split_alternatives(text: str) -> Compared:
    """What is asked of each alternative, two or three; nothing where the question has none.

    Alternatives stand apart, behind a comma or before one ("Cod or mackerel: which …"), or are two names or years of a
    question that compares ("in 2032 or in 2033").
    """
    opened = re.match(rf"(?P<both>[^,:?]+?)\s*[,:]\s(?P<stem>{LED_ASK}\b.*)$", text, re.IGNORECASE)
    three = re.match(rf"(?P<stem>.*?\w)\s*[,:—–]\s(?P<both>{_NAMED},\s{_NAMED},?\sor\s{_NAMED})\??$", text)
    closed = re.match(r"(?P<stem>.*\w)\s*[,:—–]\s(?P<both>[^,:]+?\sor\s[^,:?]+)\??$", text)
    for found in (opened, three, closed):
        named = _read_alternatives(found["both"]) if found and re.match(LED_ASK, found["stem"], re.IGNORECASE) else ()
        if found and named:
            return [_ask_of(found["stem"].rstrip(" ?"), name) for name in named], named
    beside = re.match(rf"(?P<stem>.*?)\s(?P<both>{_PLACED}\sor\s{_PLACED})(?P<rest>.*)$", text)
    if beside and _has_comparative(text):
        named = _read_alternatives(beside["both"])
        return [f"{beside['stem']} {name}{beside['rest']}" for name in named], named
    return _NOTHING


def split_times(text: str) -> Compared:
    """What is asked of each of two times, or other states, that are held against each other; nothing where none are."""
    bare = text.rstrip(" ?")
    ends = re.search(_FROM_TO, bare)
    if ends and re.search(rf"\b{_CHANGE}", bare[: ends.start()], re.IGNORECASE):
        named = (ends["one"] or ends["first"], ends["other"])
        if all(map(_is_dated, named)) or all(name.startswith("the ") for name in named):
            stem = _ask_for_amount(bare[: ends.start()].strip())
            return [f"{stem} in {name}" for name in named], named
    held = re.match(rf"(.*\w),?\s(?:than|{_CHANGE}\w*\s(?:with|to))\s(.+)$", bare)
    if held and (_has_comparative(bare) or "compare" in bare) and len(held[2].split()) <= 8:
        return _hold_against(held[1], held[2])
    return _NOTHING


def _hold_against(said: str, against: str) -> Compared:
    """What is asked of the time in one text and of that in the other, which says only that: "those of 2027"."""
    more = "|".join(sorted(_COMPARATIVES - {"first"}))
    stem = re.sub(rf"\s(?:{more})(?:\sor\s(?:{more}))?\b", "", said)
    one, other = _only_date(stem), _only_date(against)
    if one is None or other is None:
        return _NOTHING
    swapped = f"{stem[: one.start]}{other.text}{stem[one.end :]}"
    return [_ask_for_amount(stem), _ask_for_amount(swapped)], (one.text, other.text)


def _read_alternatives(both: str) -> tuple[str, ...]:
    """What stands on both sides of "or", at most three; none where one of them is long or goes on to ask."""
    found = tuple(part.strip(" ,") for part in re.split(r",?\sor\s|,\s", both.strip()))
    is_short = all(0 < len(name.split()) <= 8 and not re.match(OPENS, name, re.IGNORECASE) for name in found)
    return found if 2 <= len(found) <= MAX_PARTS and is_short and " or " in both else ()


def _ask_of(stem: str, name: str) -> str:
    """What is asked of one alternative: "how hot was the night in Dunmar" of "where was the night hotter"."""
    if found := re.fullmatch(_DOES_MORE, stem, re.IGNORECASE):
        return f"How many {found['noun']} {found['verb']} {name}{found['rest']}"
    if found := re.fullmatch(_HAS_HIGHER, stem, re.IGNORECASE):
        return f"What was the {found['noun']} for {name}"
    if found := re.fullmatch(_IS_HIGHER, stem, re.IGNORECASE):
        return f"How {_how(found)} {found['verb']} {name}{found['done'] or ''}{found['rest']}"
    if found := re.fullmatch(_IS_HIGHER_THERE, stem, re.IGNORECASE):
        return f"How {_how(found)} {found['verb']} {found['subject']}{found['rest']} in {name}"
    if found := re.fullmatch(_RISES_HIGHER, stem, re.IGNORECASE):
        named = re.sub(r"^the one\b", f"the {found['noun'] or 'one'}", name)
        return f"How {_how(found)} {found['verb']} {named}{found['rest']}"
    return f"{stem}, {name}"


def _how(found: re.Match[str]) -> str:
    return _HOW[found["more"].lower()]


def _has_comparative(text: str) -> bool:
    return not _COMPARATIVES.isdisjoint(re.findall(r"[a-z]+", text))


def _only_date(text: str) -> Figure | None:
    """The date of a text that names just one."""
    dates = [figure for figure in find_figures(text) if figure.kind == "date"]
    return dates[0] if len(dates) == 1 else None


def _is_dated(text: str) -> bool:
    """Whether it names one date with its year: "January and May 2022" are the ends of a run of months."""
    found = _only_date(text)
    return found is not None and found.year is not None


def _ask_for_amount(stem: str) -> str:
    """The ask for the amount itself: "what was turnout" for "how did turnout change" and "was turnout"."""
    how = r"(?:by\s)?how\s(?:much\s|far\s|fast\s)?(?:did|has|have)"
    if changed := re.match(rf"{how}\s(.*?)\s{_CHANGE}\w*", stem, re.IGNORECASE):
        return f"What was {changed[1]}{stem[changed.end() :]}"
    asked = re.match(r"(?:was|were|is|are)\s", stem, re.IGNORECASE)
    return f"What {stem[0].lower()}{stem[1:]}" if asked else stem
