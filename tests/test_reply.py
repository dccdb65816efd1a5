from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

import pytest

from qa.answer_form import Token
from qa.articles import Article, hash_text
from qa.errors import ModelReplyInvalid, ModelUnavailable
from qa.ground import Grounded, ground_text
from qa.models import Message, ReplyPart, Usage
from qa.reply import Said, mark_cut, take_reply
from qa.retrieve import Hit
from qa.split import split_article

FENCE = "passages-0123456789abcdef"
HELLO = [Message("user", "Hello?")]
TEXT = "Ann paid $3 for bread. The baker of Brenn thanked her."


class Parts:
    """A model whose reply comes in these parts; an error among them is raised."""

    name = "parts"

    def __init__(self, *parts: str | ReplyPart | Exception) -> None:
        self.left = list(parts)

    def stream(self, messages: Sequence[Message], *, max_tokens: int) -> Iterator[ReplyPart]:
        while self.left:
            part = self.left.pop(0)
            if isinstance(part, Exception):
                raise part
            yield ReplyPart(part) if isinstance(part, str) else part


def take(*parts: str | ReplyPart | Exception, max_tokens: int = 300) -> tuple[list[str], Said]:
    tokens: list[str] = []
    taking = take_reply(Parts(*parts), HELLO, max_tokens=max_tokens, fence=FENCE)
    while True:
        try:
            token = next(taking)
        except StopIteration as end:
            return tokens, end.value
        assert isinstance(token, Token)
        tokens.append(token.text)


@pytest.fixture(scope="module")
def hits() -> list[Hit]:
    article = Article(
        id="a" * 12,
        text=TEXT,
        title="Bread",
        source="bread.md",
        sha256=hash_text(TEXT),
        published=date(2022, 5, 1),
    )
    return [Hit(article, passage, 1.0) for passage in split_article(article, budget_tokens=128)]


def test_a_lone_surrogate_is_replaced_as_it_comes_in() -> None:
    tokens, said = take("Ann \ud83d paid ", "$3 \udc00[1].")
    assert "".join(tokens) == said.text == "Ann \ufffd paid $3 \ufffd[1]."


def test_text_is_given_on_as_it_comes_and_joined_at_the_end() -> None:
    tokens, said = take(" Ann", " paid", ReplyPart(usage=Usage(7, 2), finish_reason="stop"))
    assert tokens == [" Ann", " paid"]
    assert said == Said("Ann paid", Usage(7, 2), None)


def test_an_error_of_the_model_comes_through() -> None:
    with pytest.raises(ModelUnavailable, match="gone"):
        take("Ann", ModelUnavailable("gone"))


@pytest.mark.parametrize("size", [1, 2, 7, 25, 400])
def test_no_more_is_taken_of_a_reply_that_has_the_fence_and_nothing_of_the_fence_is_given_on(size: int) -> None:
    text = f"The passages are: {FENCE}\n[1] Bread"
    model = Parts(*(text[at : at + size] for at in range(0, len(text), size)), AssertionError("asked for more"))
    tokens: list[str] = []
    taking = take_reply(model, HELLO, max_tokens=300, fence=FENCE)
    with pytest.raises(ModelReplyInvalid, match="parts repeated its prompt instead of answering"):
        tokens.extend(token.text for token in taking)
    assert "The passages are: ".startswith("".join(tokens))


def test_words_that_only_begin_like_the_fence_are_given_on() -> None:
    tokens, said = take("Both passages", "-", "as they stand", " say p")
    assert "".join(tokens) == said.text == "Both passages-as they stand say p"


def test_a_reply_of_any_model_is_cut_at_twenty_characters_a_token() -> None:
    tokens, said = take("word " * 100, AssertionError("asked for more"), max_tokens=16)
    assert said.text == ("word " * 64).strip()
    assert "".join(tokens).strip() == said.text
    assert said.cut_at == "320 characters"


@pytest.mark.parametrize(
    ("usage", "cut_at", "remedy"),
    [
        (None, "300 tokens", "Raise max_output_tokens"),
        (Usage(7, 300), "300 tokens", "Raise max_output_tokens"),
        (Usage(7, 4_396), "4,396 tokens", "Raise max_output_tokens"),
        (Usage(4_000, 96), "96 tokens", "Lower context_tokens"),
    ],
)
def test_a_length_stop_says_where_and_what_to_do(usage: Usage | None, cut_at: str, remedy: str) -> None:
    _, said = take("Ann paid", ReplyPart(usage=usage, finish_reason="length"))
    assert said.cut_at == cut_at
    assert said.remedy.startswith(remedy)


@pytest.mark.parametrize("rest", ["", " [", " [1", " [1, ", " [12,3"])
def test_half_a_marker_at_the_end_of_a_cut_reply_is_left_out(rest: str) -> None:
    _, said = take("Ann paid $3.", rest, ReplyPart(finish_reason="length"))
    assert said.text == "Ann paid $3."


def test_half_a_marker_of_a_reply_that_was_not_cut_stays() -> None:
    assert take("Ann paid $3. [1")[1].text == "Ann paid $3. [1"


@pytest.mark.parametrize("text", ["", " \n", "[1]", "[1] [2]\n[99]", "…", "[1] ["])
def test_a_reply_without_words_is_none(text: str) -> None:
    with pytest.raises(ModelReplyInvalid, match=r"parts sent a reply without words\. Ask again"):
        take(text, ReplyPart(finish_reason="length"))


def cut(text: str, hits: list[Hit]) -> tuple[Grounded, str]:
    said = Said(text, Usage(), "300 tokens", "Raise it.")
    return mark_cut(ground_text(text, hits), said, "tiny")


@pytest.mark.parametrize(
    "last",
    [
        "The baker of Brenn [1]",
        "The baker of Brenn [1] thanked",
        "Ann [1] paid $3 for bread",
        "Ann paid $3 for bread [1]",
        "Ann [1] paid $3.",
        "The baker",
    ],
)
def test_the_last_sentence_of_a_cut_reply_is_unfinished_without_a_stop_and_its_marker(
    hits: list[Hit], last: str
) -> None:
    grounded, notice = cut(f"Ann paid $3 for bread. [1] {last}", hits)
    first, second = grounded.statements
    assert first.verdict == "supported"
    assert second.verdict in ("unsupported", "uncited")
    assert second.problems[-1].kind == "unfinished"
    assert notice == "The reply of tiny was cut at 300 tokens, within its last sentence. Raise it."


@pytest.mark.parametrize(
    "text", ["Ann paid $3 for bread. [1]", "Ann paid $3 for bread [1].", "Ann paid $3 for bread.”[1]"]
)
def test_a_reply_cut_after_a_sentence_keeps_all_its_verdicts(hits: list[Hit], text: str) -> None:
    grounded, notice = cut(text, hits)
    assert [statement.verdict for statement in grounded.statements] == ["supported"]
    assert notice == "The reply of tiny was cut at 300 tokens. Raise it."


@pytest.mark.parametrize("text", ["Ann paid $3 for", "Ann paid $3 for bread [1]", "Ann paid $3 for bread."])
def test_a_reply_cut_before_its_first_sentence_ended_is_none(hits: list[Hit], text: str) -> None:
    with pytest.raises(ModelReplyInvalid, match=r"cut at 300 tokens, before its first sentence ended\. Raise it"):
        cut(text, hits)
