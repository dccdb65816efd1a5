"""Asks that a question joins, each made to stand alone.

"What was the shaft meant to cost, and what did it finally cost?" The later one takes over what it leaves out: the
subject for its pronoun; place, measure and verb where it has none ("and how far on the published numbers?").
"""

from __future__ import annotations

import re

from qa.figures import find_figures
from qa.keywords import is_stop_word
from qa.question import read_question

MAX_PARTS = 3
ASK = r"(?:how|what|who|whom|whose|when|where|which|why)"
PREPOSITION = (
    r"(?:about|across|after|along|among|at|before|between|by|during|for|from|in|inside|near|of|off|on|outside|over|per"
    r"|since|to|under|until|when|with|within)"
)
LED_ASK = rf"(?:(?:{PREPOSITION}\s)?{ASK})"
_DO = r"(?:do|does|did|will|would|can|could|shall|should|may|might|must)"
AUXILIARY = rf"(?:{_DO}|is|are|was|were|has|have|had)"
OPENS = rf"(?:{LED_ASK}|name|list|say|tell|give|state|describe)\b"
_DEGREE = r"(?:much|many|long|far|high|low|old|big|large|tall|fast|often|deep|wide|heavy|hot|cold|strong|well)"
_PRONOUN = re.compile(r"\b(?:(it|they|them|he|him|she|these|those)|(its|their|his|her))\b", re.IGNORECASE)
_JOIN = rf"(?P<mark>[,;]?)\s+(?:and|but)\s+(?:also\s|then\s)?(?={LED_ASK}\b)|\?\s+(?:and\s+|but\s+)?(?=\w[^?]*\?)"
_STOPS = rf"{PREPOSITION}|{AUXILIARY}|{ASK}|that|and|or|to|as|than|be|been"
_PERSONAL = frozenset("he she him his her".split())
_TO_COME = frozenset("meant due set likely expected planned supposed intended going".split())


def split_asks(text: str) -> list[str]:
    """The asks that a text joins, at most three, each as it stands alone; none where it is one ask."""
    both = re.match(rf"({ASK}) and ({ASK}) (?=\w)", text, re.IGNORECASE)
    if both:
        rest = text[both.end() :]
        return [f"{both[1]} {rest}", f"{both[2]} {rest}"]
    pieces, marks = _cut(text)
    if len(pieces) < 2 or not all(_is_ask(*pair) for pair in zip(pieces, marks, strict=True)):
        return []
    if any(_is_relative(pieces[0], piece, mark) for piece, mark in zip(pieces[1:], marks[1:], strict=True)):
        return []
    first = pieces[0]
    return [first, *(_complete(piece, first) for piece in pieces[1:])]


def _cut(text: str) -> tuple[list[str], list[str]]:
    """The pieces of a text between its joints, at most three, and the mark before each: "" for none."""
    pieces, marks, at = [], [","], 0
    for joint in list(re.finditer(_JOIN, text, re.IGNORECASE))[: MAX_PARTS - 1]:
        pieces.append(text[at : joint.start()].strip(" ,;?"))
        marks.append("," if joint["mark"] is None else joint["mark"])
        at = joint.end()
    return [*pieces, text[at:].strip(" ,;?.!")], marks


def _is_ask(piece: str, mark: str) -> bool:
    """Whether a piece asks something: it opens with a word of asking, in itself or behind a colon."""
    opened = re.search(rf"(?:^|[:,—–]\s){OPENS}", piece, re.IGNORECASE)
    says_something = any(not is_stop_word(word) for word in re.findall(r"\w+", piece))
    return bool(opened) and (says_something or mark == ",")


def _is_relative(first: str, piece: str, mark: str) -> bool:
    """Whether what follows "and" goes on with a clause of the first ask: "the man who left and who returned"."""
    if mark:
        return False
    word = re.match(rf"(?:{PREPOSITION}\s)?({ASK})", piece, re.IGNORECASE)
    inside = re.search(rf"\w.*\b{word[1]}\b", first, re.IGNORECASE) if word else None
    has_auxiliary = re.search(rf"\b{AUXILIARY}\b", piece, re.IGNORECASE)
    return bool(inside) or (not has_auxiliary and not re.match(r"who\b|what\b|by\s", piece, re.IGNORECASE))


def _complete(piece: str, first: str) -> str:
    """A later ask with what it leaves out put in from the first."""
    lead = re.match(rf"(.*[:—–])\s(?={OPENS})", first, re.IGNORECASE)
    if lead:
        return f"{lead[1]} {piece}"
    piece = _with_counted(piece, first)
    bare = re.match(
        rf"({LED_ASK}(?:\s{_DEGREE}(?:\s(?!{_STOPS})[\w-]+)?)?)\s*(?={PREPOSITION}\b|$)", piece, re.IGNORECASE
    )
    if bare:
        return _fill_ellipsis(bare[1], piece[bare.end() :], first)
    topic = _find_topic(first)
    pronoun = _PRONOUN.search(piece)
    who = re.match(rf"who(\s(?!{AUXILIARY}\b)[^,]+)", first, re.IGNORECASE)
    if pronoun and who and pronoun[0].lower() in _PERSONAL:
        topic = f"the one who{who[1]}"
    if pronoun:
        said = (f"{topic}'s" if pronoun[2] else topic) if topic else pronoun[0]
        return f"{piece[: pronoun.start()]}{said}{piece[pronoun.end() :]}"
    if read_question(piece).names or find_figures(piece):
        return piece
    if topic and re.match(rf"{LED_ASK}\s(?:is|are|was|were)\s(?:the|its)\s[\w\s-]+$", piece, re.IGNORECASE):
        return f"{piece} of {topic}"
    tail = re.search(rf"\s(?:{PREPOSITION})\s.*$", _without_ask(first), re.IGNORECASE)
    return f"{piece}{tail[0]}" if tail and not re.search(rf"\s{PREPOSITION}\s", piece) else piece


def _with_counted(piece: str, first: str) -> str:
    """The ask with the noun of the first: "how many were left" after "how many seats were there"."""
    counted = re.match(
        rf"(how (?:much|many)|which)\s((?:(?!{_STOPS})[\w-]+\s)+?)(?={_STOPS}|\w+$)", first, re.IGNORECASE
    )
    bare = re.match(rf"(how (?:much|many)|which)\s(?={AUXILIARY}\b)", piece, re.IGNORECASE)
    if not counted or not bare or counted[1].casefold() != bare[1].casefold():
        return piece
    return f"{bare[0]}{counted[2]}{piece[bare.end() :]}"


def _fill_ellipsis(ask: str, rest: str, first: str) -> str:
    """The first ask with the words of one that has no verb, "on the published numbers", in the place of its own."""
    if not rest:
        return f"{ask} {_without_ask(first)}"
    word = rest.split()[0]
    same = list(re.finditer(rf"\s{re.escape(word)}\s", first, re.IGNORECASE))
    last = re.search(r"\s(?:in|on|at|by|before|after|when|during|until|since|originally|first)\b[^,]*$", first)
    end = same[-1].start() if same else last.start() if last else len(first)
    return f"{first[:end]} {rest}"


def _without_ask(first: str) -> str:
    """An ask without the words that open it: "did Hale resign in May" of "when did Hale resign in May"."""
    opened = re.search(rf"(?:^|[:,]\s){LED_ASK}\s(?:{_DEGREE}\s)?", first, re.IGNORECASE)
    if opened is None:
        return first
    rest = first[opened.end() :]
    is_noun = opened[0].casefold().endswith("which ") and not re.match(AUXILIARY, rest)
    return f"the {rest}" if is_noun else rest


def _find_topic(first: str) -> str | None:
    """What an ask is about: its first noun phrase that has a name or a determiner, as far as form tells."""
    words = _without_ask(first).split()
    opens = [place for place, word in enumerate(words) if re.match(r"(?:the|an?|this|that)$|[A-Z]", word)]
    if not opens:
        return None
    found: list[str] = []
    for place, word in enumerate(words[opens[0] :], start=opens[0]):
        joins = word == "of" or (
            word == "and" and all(w.istitle() for w in (words[place - 1], *words[place + 1 :][:1]))
        )
        if found and not joins and re.fullmatch(_STOPS, word, re.IGNORECASE):
            break
        found.append(word.rstrip(",;"))
        if word[-1] in ",;":
            break
    is_done = any(re.fullmatch(_DO, word, re.IGNORECASE) for word in words[: opens[0]])
    if len(found) > 1 and found[-1].islower() and (is_done or found[-1] in _TO_COME or found[-1].endswith("ed")):
        found.pop()
    while found and found[-1] in ("of", "the", "a", "an"):
        found.pop()
    return " ".join(found) or None
