"""Questions and sentences made by rule from true ones: with another year, figure or name, or asked in place."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

from documents import content_words

_YEAR = re.compile(r"\b(?:1[5-9]|20)\d\d\b")
_NUMBER = re.compile(r"(?<![\w.,-])\d[\d,]*(?:\.\d+)?(?![\w-])")
_NAME = re.compile(r"\b[A-Z][\w'’-]*[a-z](?:\s(?:of\s(?:the\s)?)?[A-Z][\w'’-]*[a-z])*")
_FIRST_WORDS = frozenset(
    """What Who Whom Whose Which When Where Why How The A An In On At It He She They This That These Those There
    After Before While If As For By With From Is Was Were Are Did Does Do According During Since But And His Her
    Their""".split()
)
_BREAK = re.compile(r"[;:()–]|, (?=(?:and|but|while|who|which|where|when|although)\b)")
_LONGEST_QUESTION = 28  # words


class Names:
    """Names found within sentences, to be put for one another."""

    def __init__(self, sentences: Sequence[str]) -> None:
        found = {match[0] for text in sentences for match in _NAME.finditer(text, 1)}
        self._by_length: dict[int, list[str]] = {}
        for name in sorted(found - _FIRST_WORDS):
            self._by_length.setdefault(min(3, len(name.split())), []).append(name)

    def another(self, name: str, pick: random.Random) -> str:
        """A name of as many words."""
        names = self._by_length.get(min(3, len(name.split()))) or self._by_length[1]
        while (other := pick.choice(names)) in name:
            pass
        return other


def shared_items(question: str, sentence: str, answer: tuple[int, int]) -> list[str]:
    """Years, figures and names that both the question and the sentence have, outside what answers."""
    rest = sentence[: answer[0]] + " | " + sentence[answer[1] :]
    found = [match[0] for rule in (_YEAR, _NUMBER, _NAME) for match in rule.finditer(question)]
    items = [item for item in found if item not in _FIRST_WORDS and re.search(rf"\b{re.escape(item)}\b", rest)]
    return list(dict.fromkeys(item for item in items if item not in sentence[slice(*answer)]))


def spoil(text: str, item: str, names: Names, pick: random.Random) -> str:
    """The text with another year, figure or name in place of this one, everywhere."""
    if _YEAR.fullmatch(item):
        other = str(int(item) + pick.choice([-20, -10, -4, -2, -1, 1, 2, 3, 5, 10]))
    elif _NUMBER.fullmatch(item):
        other = _other_number(item, pick)
    else:
        other = names.another(item, pick)
    return re.sub(rf"\b{re.escape(item)}\b", lambda _: other, text)


def ask_in_place(sentence: str, answer: tuple[int, int], pick: random.Random) -> str | None:
    """The clause around an answer with a question word in its place, some words lost; None where it is too short."""
    left = max((match.end() for match in _BREAK.finditer(sentence) if match.end() <= answer[0]), default=0)
    right = min(
        (match.start() for match in _BREAK.finditer(sentence) if match.start() >= answer[1]), default=len(sentence)
    )
    said = sentence[slice(*answer)]
    before, after = sentence[left : answer[0]].split(), sentence[answer[1] : right].rstrip(" .,!?\"'").split()
    if len(said.split()) > 6 or len(before) + len(after) < 5:
        return None
    room = _LONGEST_QUESTION - min(len(after), _LONGEST_QUESTION // 2)
    words = [
        *_thin(before[-room:], pick),
        _question_word(said, before, pick),
        *_thin(after[: _LONGEST_QUESTION // 2], pick),
    ]
    text = " ".join(words).replace(" ,", ",").strip(" ,")
    return text[0].upper() + text[1:] + "?" if len(set(content_words(text))) > 3 else None


def _question_word(said: str, before: Sequence[str], pick: random.Random) -> str:
    if _YEAR.fullmatch(said):
        return pick.choice(["which year", "what year"])
    if re.match(r"[\d$£€]|(?:two|three|four|five|six|seven|eight|nine|ten|twelve|twenty)\b", said):
        return pick.choice(["how many", "how much", "what number of"])
    if said[0].isupper():
        is_place = bool(before) and before[-1].lower() in ("in", "at", "near", "from")
        return pick.choice(
            ["which place", "what country", "which city"]
            if is_place
            else ["who", "which person", "what", "which company"]
        )
    return pick.choice(["what", "what", "which thing"])


def _thin(words: Sequence[str], pick: random.Random) -> list[str]:
    loss = pick.choice([0, 0.1, 0.25])
    return [word for word in words if pick.random() >= loss]


def _other_number(item: str, pick: random.Random) -> str:
    digits = [place for place, sign in enumerate(item) if sign.isdigit()]
    place = pick.choice(digits)
    other = pick.choice([sign for sign in "123456789" if sign != item[place]])
    return item[:place] + other + item[place + 1 :]
