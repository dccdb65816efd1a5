"""A question that asks several things, or compares, as the questions of which it is made.

By rule, without a model:
- asks joined by "and": "What was the shaft meant to cost, and what did it finally cost?" The later one takes over what
  it leaves out: the subject for its pronoun, the place and measure where it has none of its own;
- alternatives: "Which had the higher rate, Sallow or Kessel Bay?", with one of them each;
- times held against each other: "How did turnout change between 2027 and 2031?", one of them each.

With a model by `prompts/decompose.md`, which is asked only where a question looks as if it had parts. A wrong split
costs right answers, so a question is left whole where its form is not one of these: "Trinidad and Tobago" is one name,
and "did the mayor or the governor resign" is one question.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from functools import cache
from typing import Literal

from qa.errors import ModelError
from qa.figures import Figure, find_figures
from qa.keywords import is_stop_word
from qa.limits import max_characters
from qa.models import ChatModel, Usage
from qa.prompts import Prompt
from qa.question import read_question

MAX_PARTS = 3
DECOMPOSE_FIELDS = frozenset({"question"})

_log = logging.getLogger("qa")

_REPLY_TOKENS = 160
_MAX_CHARACTERS = 400  # of one part that a model gives

COMPARATIVES = frozenset(
    """more less fewer higher lower larger smaller bigger greater longer shorter faster slower older elder younger
    taller hotter warmer cooler colder heavier lighter deeper wider cheaper dearer richer poorer stronger weaker steeper
    earlier later better worse closer nearer most least highest lowest largest smallest biggest longest shortest fastest oldest
    youngest tallest hottest coldest first""".split()
)
_COMPARED = rf"(?:{'|'.join(sorted(COMPARATIVES - {'first'}))})"
_ASK = r"(?:how|what|who|whom|whose|when|where|which|why)"
_PREPOSITION = r"(?:about|after|at|before|by|during|for|from|in|of|on|since|to|under|until|when|with)"
_LED_ASK = rf"(?:{_PREPOSITION}\s)?{_ASK}"
_DEGREE = r"(?:much|many|long|far|high|low|old|big|large|tall|fast|often|deep|wide|heavy|hot|cold|strong|well)"
_DO = r"(?:do|does|did|will|would|can|could|shall|should|may|might|must)"
_BE = r"(?:is|are|was|were|has|have|had)"
_AUXILIARY = rf"(?:{_DO}|{_BE})"
_PRONOUN = re.compile(r"\b(?:(it|they|them|he|him|she|these|those)|(its|their|his|her))\b", re.IGNORECASE)
_CHANGE = (
    r"(?:chang|compar|differ|develop|evolv|ris|rose|fall|fell|grow|grew|drop|shr[iau]nk|increas|decreas|climb|declin)"
)
_OPENS = rf"(?:{_LED_ASK}|name|list|say|tell|give|state|describe)\b"
_JOIN = rf"(?P<mark>[,;]?)\s+(?:and|but)\s+(?:also\s|then\s)?(?={_LED_ASK}\b)|\?\s+(?:and\s+|but\s+)?(?=\w[^?]*\?)"
_STOPS = rf"{_PREPOSITION}|{_AUXILIARY}|{_ASK}|that|and|or|to|as|than|be|been"
_VERB = rf"(?i:{_AUXILIARY}\b)"
_TO_COME = frozenset("meant due set likely expected planned supposed intended going".split())


@dataclass(frozen=True, slots=True)
class Split:
    """What a question is made of: the `parts` as questions that stand alone, at least two, in its order.

    `kind` tells how they belong together: each asks something of its own, or they are alternatives or times of which
    one is looked for. `named` are these as the question words them.
    """

    kind: Literal["asks", "alternatives", "times"]
    parts: tuple[str, ...]
    named: tuple[str, ...] = ()


def split_question(question: str) -> tuple[str, ...]:
    """The questions of which a question is made, two or three, by rule; none for a simple one."""
    split = read_split(question)
    return split.parts if split else ()


def read_split(question: str) -> Split | None:
    """How a question is split by rule, or None for a simple one."""
    text = question.strip()
    return _split_asks(text) or _split_alternatives(text) or _split_times(text)


def may_have_parts(question: str) -> bool:
    """Whether it is worth a model's time to look for parts: the rule splits it, or a word hints at them."""
    return read_split(question) is not None or bool(_compiled(_HINT).search(question))


def ask_parts(question: str, model: ChatModel, prompt: Prompt) -> tuple[tuple[str, ...], Usage]:
    """The parts that a model sees in a question, and what that took; none for a simple question.

    Where the model fails, or says anything but one to three questions of at most 400 characters, one a line, they are
    those by rule.
    """
    said, usage = "", Usage()
    try:
        for part in model.stream(prompt.render_messages(question=question), max_tokens=_REPLY_TOKENS):
            usage = part.usage or usage
            said += part.text
            if len(said) > max_characters(_REPLY_TOKENS):
                break
    except ModelError as error:
        _log.warning("The question is split by rule: %s", error)
        return split_question(question), usage
    parts = _read_parts(said)
    return (split_question(question) if parts is None else parts), usage


def _read_parts(said: str) -> tuple[str, ...] | None:
    """The questions of a reply, none where it gives only one; None where it is no list of one to three questions."""
    lines = [_compiled(_BULLET).sub("", line).strip() for line in said.splitlines() if line.strip()]
    is_list = all(line.endswith("?") and len(line) <= _MAX_CHARACTERS and re.search(r"\w", line) for line in lines)
    if not is_list or not 1 <= len(lines) <= MAX_PARTS:
        return None
    parts = tuple(dict.fromkeys(lines))
    return parts if len(parts) > 1 else ()


_BULLET = r"^\s*(?:[-*•]|\(?\d[.):])\s*"
_HINT = rf"""(?ix:\b(?:or|versus|vs|compared?|respectively|difference\sbetween)\b|\bthan\b(?!\s\d)
    |\band\s(?:{_LED_ASK})\b|\w\s(?:whom|whose)\b|\bthe\s(?:\w+\s){{1,3}}(?:who|that|which)\b)"""


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


# several asks


def _split_asks(text: str) -> Split | None:
    both = re.match(rf"({_ASK}) and ({_ASK}) (?=\w)", text, re.IGNORECASE)
    if both:
        rest = text[both.end() :]
        return _as_split("asks", [f"{both[1]} {rest}", f"{both[2]} {rest}"])
    pieces, marks = _cut(text)
    if len(pieces) < 2 or not all(_is_ask(*pair) for pair in zip(pieces, marks, strict=True)):
        return None
    if any(_is_relative(pieces[0], piece, mark) for piece, mark in zip(pieces[1:], marks[1:], strict=True)):
        return None
    first = pieces[0]
    return _as_split("asks", [first, *(_complete(piece, first) for piece in pieces[1:])])


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
    opened = re.search(rf"(?:^|[:,—–]\s){_OPENS}", piece, re.IGNORECASE)
    says_something = any(not is_stop_word(word) for word in re.findall(r"\w+", piece))
    return bool(opened) and (says_something or mark == ",")


def _is_relative(first: str, piece: str, mark: str) -> bool:
    """Whether what follows "and" goes on with a clause of the first ask: "the man who left and who returned"."""
    if mark:
        return False
    word = re.match(rf"(?:{_PREPOSITION}\s)?({_ASK})", piece, re.IGNORECASE)
    inside = re.search(rf"\w.*\b{word[1]}\b", first, re.IGNORECASE) if word else None
    has_auxiliary = re.search(rf"\b{_AUXILIARY}\b", piece, re.IGNORECASE)
    return bool(inside) or (not has_auxiliary and not re.match(r"who\b|what\b|by\s", piece, re.IGNORECASE))


def _complete(piece: str, first: str) -> str:
    """A later ask with what it leaves out put in from the first."""
    lead = re.match(rf"(.*[:—–])\s(?={_OPENS})", first, re.IGNORECASE)
    if lead:
        return f"{lead[1]} {piece}"
    piece = _with_counted(piece, first)
    bare = re.match(
        rf"({_LED_ASK}(?:\s{_DEGREE}(?:\s(?!{_STOPS})[\w-]+)?)?)\s*(?={_PREPOSITION}\b|$)", piece, re.IGNORECASE
    )
    if bare:
        return _fill_ellipsis(bare[1], piece[bare.end() :], first)
    topic = _find_topic(first)
    pronoun = _PRONOUN.search(piece)
    if pronoun:
        said = (f"{topic}'s" if pronoun[2] else topic) if topic else pronoun[0]
        return f"{piece[: pronoun.start()]}{said}{piece[pronoun.end() :]}"
    if read_question(piece).names or find_figures(piece):
        return piece
    if topic and re.match(rf"{_LED_ASK}\s(?:is|are|was|were)\s(?:the|its)\s[\w\s-]+$", piece, re.IGNORECASE):
        return f"{piece} of {topic}"
    tail = re.search(rf"\s(?:{_PREPOSITION})\s.*$", _without_ask(first), re.IGNORECASE)
    return f"{piece}{tail[0]}" if tail and not re.search(rf"\s{_PREPOSITION}\s", piece) else piece


def _with_counted(piece: str, first: str) -> str:
    """The ask with the noun of the first: "how many were left" after "how many seats were there"."""
    counted = re.match(
        rf"(how (?:much|many)|which)\s((?:(?!{_STOPS})[\w-]+\s)+?)(?={_STOPS}|\w+$)", first, re.IGNORECASE
    )
    bare = re.match(rf"(how (?:much|many)|which)\s(?={_AUXILIARY}\b)", piece, re.IGNORECASE)
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
    opened = re.search(rf"(?:^|[:,]\s){_LED_ASK}\s(?:{_DEGREE}\s)?", first, re.IGNORECASE)
    if opened is None:
        return first
    noun = (
        "the "
        if re.search(r"\bwhich\s$", opened[0], re.IGNORECASE) and not _compiled(_VERB).match(first, opened.end())
        else ""
    )
    return noun + first[opened.end() :]


def _find_topic(first: str) -> str | None:
    """What an ask is about: its first noun phrase that has a name or a determiner, as far as form tells."""
    words = _without_ask(first).split()
    opens = [place for place, word in enumerate(words) if re.match(r"(?:the|an?|this|that)$|[A-Z]", word)]
    if not opens:
        return None
    found: list[str] = []
    for word in words[opens[0] :]:
        if found and re.fullmatch(rf"(?!of$)(?:{_STOPS})", word, re.IGNORECASE):
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


# alternatives


def _split_alternatives(text: str) -> Split | None:
    opened = re.match(rf"(?P<both>[^,:?]+?)\s*[,:]\s(?P<stem>{_LED_ASK}\b.*)$", text, re.IGNORECASE)
    closed = re.match(r"(?P<stem>.*\w)\s*[,:—–]\s(?P<both>(?:[^,:]+,\s)?[^,:]+?\sor\s[^,:?]+)\??$", text)
    beside = re.match(
        rf"(?P<stem>.*?)\s(?P<both>(?:(?:in|on|at|for|with)\s)?{_NAMED}\sor\s(?:in\s|on\s|at\s|for\s|with\s)?{_NAMED})(?P<rest>.*)$",
        text,
    )
    for found in (opened, closed):
        if found and re.match(_LED_ASK, found["stem"], re.IGNORECASE):
            named = _alternatives(found["both"])
            if named:
                stem = found["stem"].rstrip(" ?")
                return _as_split("alternatives", [f"{stem}, {name}" for name in named], named)
    if beside and _has_comparative(text):
        named = _alternatives(beside["both"])
        return _as_split("alternatives", [f"{beside['stem']} {name}{beside['rest']}" for name in named], named)
    return None


_NAMED = r"(?:the\s)?(?:[A-Z][\w'’-]*(?:\s[A-Z][\w'’-]*)*|(?:1\d|2\d)\d\d)"


def _alternatives(both: str) -> tuple[str, ...]:
    """What stands on both sides of "or", at most three; none where one of them is long or goes on to ask."""
    found = tuple(part.strip(" ,") for part in re.split(r",?\sor\s|,\s", both.strip()))
    is_short = all(0 < len(name.split()) <= 8 and not re.match(_OPENS, name, re.IGNORECASE) for name in found)
    return found if 2 <= len(found) <= MAX_PARTS and is_short and " or " in both else ()


def _has_comparative(text: str) -> bool:
    return not COMPARATIVES.isdisjoint(re.findall(r"[a-z]+", text))


# times


def _split_times(text: str) -> Split | None:
    bare = text.rstrip(" ?")
    between = re.search(r"\b(?:between\s(.+?)\sand|from\s(.+?)\sto)\s(.+)$", bare)
    if between and re.search(rf"\b{_CHANGE}", bare[: between.start()], re.IGNORECASE):
        named = (between[1] or between[2], between[3])
        if all(map(_is_dated, named)) or all(name.startswith("the ") for name in named):
            stem = _ask_for_amount(bare[: between.start()].strip())
            return _as_split("times", [f"{stem} in {name}" for name in named], named)
    held = re.match(rf"(.*\w),?\s(?:than|{_CHANGE}\w*\s(?:with|to))\s(.+)$", bare)
    if not held or not (_has_comparative(bare) or "compare" in bare):
        return None
    one, other = _only_date(held[1]), _only_date(held[2])
    if one is None or other is None or len(held[2].split()) > 8:
        return None
    stem = re.sub(rf"\s{_COMPARED}(?:\sor\s{_COMPARED})?\b", "", held[1])
    shift = len(held[1]) - len(stem) if held[1][: one.start] != stem[: one.start] else 0
    start, end = one.start - shift, one.end - shift
    swapped = f"{stem[:start]}{other.text}{stem[end:]}"
    return _as_split("times", [_ask_for_amount(stem), _ask_for_amount(swapped)], (one.text, other.text))


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
    changed = re.match(
        rf"(?:by\s)?how\s(?:much\s|far\s|fast\s)?(?:did|has|have)\s(.*?)\s{_CHANGE}\w*", stem, re.IGNORECASE
    )
    if changed:
        return f"What was {changed[1]}{stem[changed.end() :]}"
    asked = re.match(r"(?:was|were|is|are)\s", stem, re.IGNORECASE)
    return f"What {stem[0].lower()}{stem[1:]}" if asked else stem


def _as_split(
    kind: Literal["asks", "alternatives", "times"], parts: list[str], named: tuple[str, ...] = ()
) -> Split | None:
    whole = [f"{part[:1].upper()}{part[1:].rstrip(' ?')}?" for part in parts]
    return Split(kind, tuple(whole), named) if len(dict.fromkeys(whole)) == len(whole) > 1 else None
