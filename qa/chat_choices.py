"""What can complete the argument of a command of a chat: sources, dates, publishers, chats, models."""

from __future__ import annotations

import calendar
from collections.abc import Iterable
from typing import NamedTuple

from qa.articles import Filters
from qa.chat_cases import OPINIONS
from qa.export import ENDINGS
from qa.talk import Talk
from qa.text import MONTHS, shorten

NO_MODEL = "none"  # the name that takes the model away


class Choice(NamedTuple):
    """What can stand in the place of what is typed from `start` (0 or less, counted from its end), and what it is."""

    text: str
    note: str = ""
    start: int = 0


def offer_sources(talk: Talk, _: str) -> Iterable[Choice]:
    """The numbers of the last answer's sources, with their titles."""
    answer = talk.turns[-1].answer if talk.turns else None
    cited = [*answer.citations, *answer.nearest] if answer else []
    return [Choice(str(number), about) for number, about in {c.number: c.quote.article.title for c in cited}.items()]


def offer_dates(talk: Talk, typed: str) -> Iterable[Choice]:
    """The years of the archive; once a year is typed, its months; once a month is, its days."""
    days = talk.archive.desk().retriever.catalog.find_days(Filters())
    if days is None:
        return []
    first, last = (day // 10000 for day in days)
    if len(typed) < 4:
        return [Choice(str(year)) for year in range(last, first - 1, -1)]
    if len(typed) < 7:
        return [Choice(f"{typed[:4]}-{number:02}", MONTHS[number - 1]) for number in range(1, 13)]
    try:
        days_of_month = calendar.monthrange(int(typed[:4]), int(typed[5:7]))[1]
    except ValueError:  # calendar's is one too
        return []
    return [Choice(f"{typed[:7]}-{number:02}") for number in range(1, days_of_month + 1)]


def offer_publishers(talk: Talk, _: str) -> Iterable[Choice]:
    """The publishers of the archive."""
    return [Choice(name) for name in talk.archive.desk().retriever.catalog.publishers()]


def offer_chats(talk: Talk, _: str) -> Iterable[Choice]:
    """The chats that are kept, with their first questions."""
    found = talk.store.summaries() if talk.store else []
    return [Choice(chat.label, shorten(chat.first_question, limit=60)) for chat in found]


def offer_models(talk: Talk, _: str) -> Iterable[Choice]:
    """The models that are known, and none."""
    names = [talk.conversation.model.name if talk.conversation.model else None, talk.archive.settings.model]
    return [Choice(name) for name in dict.fromkeys([*filter(None, names), NO_MODEL])]


def offer_files(_: Talk, __: str) -> Iterable[Choice]:
    """A name in each form in which a chat is exported."""
    return [Choice(f"chat{ending}") for ending in ENDINGS]


def offer_opinions(_: Talk, __: str) -> Iterable[Choice]:
    """What can be said of an answer."""
    return [Choice(opinion) for opinion in OPINIONS]
