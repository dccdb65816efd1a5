"""A conversation over an archive: its history, and a follow-up made into a question that stands alone."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field, replace

from qa.answer import MAX_QUESTION_CHARACTERS, check_question, last_answer
from qa.answer_form import Answer, Event, Searched, make_abstention
from qa.articles import Filters
from qa.errors import ModelError
from qa.ground import Problem, Statement
from qa.keywords import is_stop_word
from qa.models import ChatModel, Usage
from qa.prompts import Prompt
from qa.question import read_question
from qa.text import encodable_text, inert_text, shorten
from qa.tokens import count_tokens

# How the archive answers one question that stands alone.
AskAlone = Callable[[str, Filters, ChatModel | None], Iterator[Event]]

_log = logging.getLogger("qa")

_KEPT_TURNS = 5  # turns shown to the model that rewrites a follow-up
_REWRITE_TOKENS = 80
_HISTORY_TOKENS = 1_500  # of the turns shown to it, all together
_MAX_ENTRY_CHARACTERS = 20_000  # of one turn whose tokens are counted
_YEAR = re.compile(r"\b(?:1[0-9]|20|21)\d\d\b")
_FRAGMENT_WORDS = 3
_ASKING = re.compile(
    r"(?:(?:at|by|for|from|in|of|on|since|to|under|until|with) )?(?:what|which|who|whom|whose|when|where|why|how)\b"
    r"|(?:is|are|was|were|do|does|did|has|have|had|can|could|will|would|should|name|list|tell|describe|explain)\b",
    re.IGNORECASE,
)
_REFERRING = re.compile(r"\b(?:it|its|they|them|their|he|him|his|she|her|this|these|those|ones?)\b", re.IGNORECASE)
_ONE_QUESTION = re.compile(r"[^?\n]*\w[^?\n]*\?")
_OPENING = re.compile(r"^(?:and|but|or|so|also|what about|how about|and what about)\b[\s,]*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Turn:
    """One question as typed, as it was asked of the archive, and its answer.

    Where the answer was stopped `is_whole` is false: its text is what had come, and nothing of it was checked.
    `rewriting` is what it took to make the question stand alone.
    """

    question: str
    standalone: str
    answer: Answer
    is_whole: bool = True
    rewriting: Usage = field(default=Usage(), compare=False)

    @property
    def usage(self) -> Usage:
        """What question and answer took together."""
        return self.rewriting + self.answer.usage


class Conversation:
    """Made by `Archive.chat()`. Not safe to share between threads.

    Attributes:
        turns: the questions and answers so far; a host program may take some away or put earlier ones in.
        model: what rewrites follow-ups and writes answers; None for neither. It may be changed between questions.
        condensed: how many turns the model was shown shortened, or not at all, when it last rewrote a follow-up.
    """

    def __init__(self, ask_alone: AskAlone, prompt: Prompt, model: ChatModel | None) -> None:
        """Begin with an empty history."""
        self._ask_alone = ask_alone
        self._prompt = prompt
        self._rewriting = Usage()
        self.model = model
        self.turns: list[Turn] = []
        self.condensed = 0

    def ask(self, question: str, filters: Filters | None = None) -> Answer:
        """Answer a question that may refer to those before it.

        Raises:
            UsageError: the question is empty or too long.
        """
        return last_answer(self.stream(question, filters))

    def stream(
        self, question: str, filters: Filters | None = None, *, standalone: str | None = None
    ) -> Generator[Event, None, None]:
        """Like `ask`, giving events as they come; the turn is kept when the answer has come.

        `standalone` is what is asked of the archive, where `stand_alone` has given it already or the question is
        to be asked as it is.
        """
        standalone = self.stand_alone(question) if standalone is None else check_question(standalone)
        for event in self._ask_alone(standalone, filters or Filters(), self.model):
            if isinstance(event, Answer):
                self._keep(Turn(question, standalone, event))
            yield event

    def keep_stopped(self, question: str, standalone: str, text: str, filters: Filters | None = None) -> Turn:
        """Keep what had come of an answer that was stopped, marked as incomplete and unchecked."""
        text = encodable_text(text).strip()
        problem = Problem("unfinished", "the answer was stopped here and not checked")
        answer = replace(
            make_abstention(standalone, Searched(0, 0, filters or Filters())),
            status="answered",
            text=text,
            statements=(Statement(text, 0, len(text), (), (), "unsupported", (problem,)),) if text else (),
            mode="model",
            model=self.model.name if self.model else None,
        )
        return self._keep(Turn(question, standalone, answer, is_whole=False))

    def stand_alone(self, question: str) -> str:
        """The question with what it leaves out put in from the turns before it.

        With a model by `prompts/follow_up.md`; without one, or when it fails, by rule.
        """
        question = check_question(question)
        self._rewriting = Usage()
        if not self.turns:
            return question
        rewritten = self._rewrite(question) if self.model is not None else None
        return rewritten or complete_question(question, self.turns[-1].standalone)

    def _keep(self, turn: Turn) -> Turn:
        turn = replace(turn, rewriting=self._rewriting)
        self._rewriting = Usage()
        self.turns.append(turn)
        return turn

    def _rewrite(self, question: str) -> str | None:
        """The model's standalone question, or None when it fails or says anything but one question."""
        assert self.model is not None
        messages = self._prompt.render_messages(history=self._write_history(), question=question)
        reply = ""
        try:
            for part in self.model.stream(messages, max_tokens=_REWRITE_TOKENS):
                reply += part.text
                self._rewriting = part.usage or self._rewriting
        except ModelError as error:
            _log.warning("The follow-up is completed by rule: %s", error)
            return None
        reply = reply.strip()
        is_question = bool(_ONE_QUESTION.fullmatch(reply)) and len(reply) <= MAX_QUESTION_CHARACTERS
        return reply if is_question else None

    def _write_history(self) -> str:
        """The last turns, within a budget of tokens: the newest whole, those that do not fit condensed."""
        entries: list[str] = []
        left, whole = _HISTORY_TOKENS, 0
        for turn in reversed(self.turns[-_KEPT_TURNS:]):
            entry = inert_text(f"Q: {turn.question}\nA: {turn.answer.text}")
            if len(entry) > _MAX_ENTRY_CHARACTERS or count_tokens(entry) > left:
                said = turn.answer.short or turn.answer.text
                entry = inert_text(f"Q: {shorten(turn.question, limit=200)}\nA: {shorten(said, limit=120)}")
            else:
                whole += 1
            left -= count_tokens(entry)
            if left < 0 and entries:
                break
            entries.append(entry)
        self.condensed = len(self.turns) - whole
        return "\n".join(reversed(entries))


def complete_question(question: str, previous: str) -> str:
    """A follow-up completed by rule from the question before it.

    "and in 2020?" takes the previous question with its year changed; another fragment is put after the
    previous question. What opens with a word of asking and names its subject is no fragment, though "and"
    stands before it, and is left as it is.
    """
    rest = _OPENING.sub("", question)
    if _is_whole(rest):
        return rest[:1].upper() + rest[1:]
    years = _YEAR.findall(rest)
    if len(years) == 1 and _YEAR.search(previous):
        previous = _YEAR.sub(years[0], previous)
        if not _says_more(rest):
            return previous
    both = f"{previous.rstrip('?')} {rest.rstrip('?')}?"
    return both if len(both) <= MAX_QUESTION_CHARACTERS else question


def _is_whole(question: str) -> bool:
    """Whether it opens with a word of asking and names its subject, rather than saying "it"."""
    asked = _ASKING.match(question)
    short = len(question.split()) <= _FRAGMENT_WORDS or _REFERRING.search(question)
    return bool(asked) and (not short or bool(read_question(question).names))


def _says_more(fragment: str) -> bool:
    """Whether it has a word that says something besides a year."""
    return any(not is_stop_word(word) and not _YEAR.fullmatch(word) for word in re.findall(r"\w+", fragment))
