from __future__ import annotations

from datetime import date

import pytest
from small_data import make_article

from qa.articles import Passage
from qa.gold import Case, Evidence
from qa.metrics import Gold
from qa.relevance import find_relevance
from qa.tokens import count_tokens

TEXT = "Ann paid $3 for bread. The baker thanked her. Ben watched."
ARTICLE = make_article(TEXT, source="ann.md", published=date(2031, 5, 1))


def make_case(**more: object) -> Case:
    base: dict[str, object] = {"id": "c", "question": "Q?", "gold": Gold(), "evidence": (), "answerable": True}
    return Case(**base | {"kind": "fact"} | more)  # type: ignore[arg-type]


def passage(start: int, end: int, text: str = TEXT) -> Passage:
    return Passage("p", ARTICLE.id, start, end, text[start:end])


@pytest.mark.parametrize(
    ("answers", "text", "is_relevant"),
    [
        ((("$3",),), "She paid 3 for it.", True),  # a mark is not part of a word
        ((("$3",),), "She paid $3.50 for it.", False),
        ((("The Élysée",),), "in the ELYSEE, yes", True),
        ((("art",),), "the start", False),
        ((("Ann",), ("Ben",)), "Ann came.", False),
        ((("Ann",), ("Ben",)), "Ben and an Ann came.", True),
        ((("Ann", "Anna"), ("Ben",)), "Ben and Anna came.", True),
        ((("U.S.",),), "the US economy", True),
    ],
)
def test_without_evidence_a_passage_is_relevant_that_says_all_answers(
    answers: tuple[tuple[str, ...], ...], text: str, is_relevant: bool
) -> None:
    relevance = find_relevance(make_case(gold=Gold(all_of=answers)), [])
    assert relevance is not None
    assert relevance.is_relevant(passage(0, len(text), text)) is is_relevant
    assert relevance.recall_answer([text], 100) == float(is_relevant)


def test_with_evidence_a_passage_is_relevant_that_holds_it_whatever_else_it_says() -> None:
    case = make_case(gold=Gold(("Ann",)), evidence=(Evidence("ann.md", "The baker thanked her."),))
    relevance = find_relevance(case, [ARTICLE])
    assert relevance is not None
    assert [relevance.is_relevant(passage(*span)) for span in ((0, 22), (23, 45), (20, 58))] == [False, True, True]
    assert not relevance.is_relevant(Passage("p", "another", 23, 45, TEXT[23:45]))


def test_a_whole_article_as_evidence_makes_each_of_its_passages_relevant() -> None:
    case = make_case(evidence=(Evidence("ann.md"),), retrieval_only=True)
    relevance = find_relevance(case, [ARTICLE])
    assert relevance is not None
    assert relevance.is_relevant(passage(46, 58))
    assert relevance.recall_answer([TEXT], 100) is None


@pytest.mark.parametrize(
    "case",
    [
        make_case(answerable=False),
        make_case(gold=Gold(("Yes",))),  # stands in no text
        make_case(gold=Gold(("the",))),
        make_case(gold=Gold(("Ann",)), evidence=(Evidence("ann.md", "Ben watched."),), as_of=date(2031, 4, 30)),
    ],
    ids=["not answerable", "yes", "no words", "evidence of later"],
)
def test_of_some_cases_nothing_can_be_told(case: Case) -> None:
    assert find_relevance(case, [ARTICLE]) is None


def test_an_opinion_with_evidence_can_be_found_but_not_recalled() -> None:
    relevance = find_relevance(make_case(gold=Gold(("No",)), evidence=(Evidence("ann.md", "Ben watched."),)), [ARTICLE])
    assert relevance is not None
    assert relevance.is_relevant(passage(46, 58))
    assert relevance.recall_answer([TEXT], 100) is None


def test_the_answer_is_recalled_from_the_token_that_completes_it() -> None:
    relevance = find_relevance(make_case(gold=Gold(all_of=(("Ann",), ("watched",)))), [])
    assert relevance is not None
    texts = [f" {TEXT[:22]}\n", TEXT[23:45], TEXT[46:]]
    needed = count_tokens(TEXT[:22]) + count_tokens(TEXT[23:45]) + count_tokens("Ben watched")
    assert [relevance.recall_answer(texts, budget) for budget in (1, needed - 1, needed, 250)] == [0, 0, 1, 1]
    assert relevance.recall_answer([], 250) == 0
