from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from qa.answer_form import Answer, Searched, make_abstention
from qa.answer_parts import join_answers, settle_readings
from qa.articles import Article, Filters, hash_text, make_quote
from qa.extract import Pick, Reading
from qa.ground import Citation, ground_sentence
from qa.parts import Split, read_split

SEARCHED = Searched(4, 9, Filters())


def make_pick(sentence: str, short: str | None, *, score: float = 0.5, name: str = "a") -> Pick:
    article = Article(name, f"{name}.md", f"{sentence}\n", hash_text(f"{sentence}\n"), name)
    start = sentence.index(short) if short else 0
    span = (start, start + len(short)) if short else None
    return Pick(make_quote(article, 0, len(sentence)), span, score)


def make_answer(sentence: str, short: str | None, *, score: float = 0.5, name: str = "a") -> Answer:
    pick = make_pick(sentence, short, score=score, name=name)
    citation = Citation(1, pick.quote)
    return replace(
        make_abstention("", SEARCHED),
        status="answered",
        text=f"{sentence} [1]",
        short=short,
        short_span=pick.span,
        statements=(ground_sentence(f"{sentence} [1]", citation),),
        citations=(citation,),
        score=score,
    )


def split(question: str) -> Split:
    found = read_split(question)
    assert found is not None
    return found


def join(question: str, *answers: Answer) -> Answer | None:
    return join_answers(question, split(question), answers)


def check_sound(answer: Answer) -> None:
    for statement in answer.statements:
        assert answer.text[statement.start : statement.end] == statement.text
        assert [answer.citations[place].number for place in statement.quotes] == list(statement.citations)
        assert statement.verdict == "supported"
    if answer.short is not None and answer.short_span is not None:
        assert answer.citations[0].quote.text[slice(*answer.short_span)] == answer.short


COSTS = "What was the shaft meant to cost, and what did it finally cost?"
PLANNED = "The shaft was to cost $310 million."
FINAL = "In the end the shaft cost $345 million."


# several asks


def test_each_ask_has_its_sentence_with_its_own_quote_in_their_order() -> None:
    answer = join(COSTS, make_answer(PLANNED, "$310 million", score=0.7), make_answer(FINAL, "$345 million", name="b"))
    assert answer is not None
    check_sound(answer)
    assert answer.question == COSTS
    assert answer.text == f"{PLANNED} [1] {FINAL} [2]"
    assert [citation.number for citation in answer.citations] == [1, 2]
    assert (answer.short, answer.score) == ("$310 million", 0.5)
    assert answer.notices == ()


def test_an_ask_that_nothing_answers_is_named() -> None:
    answer = join(COSTS, make_abstention("", SEARCHED), make_answer(FINAL, "$345 million"))
    assert answer is not None
    check_sound(answer)
    assert answer.text == f"{FINAL} [1]"
    assert answer.notices == ("Nothing that was found answers: What was the shaft meant to cost?",)


def test_where_no_ask_is_answered_there_is_nothing_to_join() -> None:
    assert join(COSTS, make_abstention("", SEARCHED), make_abstention("", SEARCHED)) is None


def test_a_sentence_that_answers_both_is_said_once() -> None:
    both = "Ann bought the mill for $3."
    answer = join("Who bought the mill, and what was the price?", make_answer(both, "Ann"), make_answer(both, "$3"))
    assert answer is not None
    check_sound(answer)
    assert answer.text == f"{both} [1]"
    assert len(answer.citations) == len(answer.statements) == 1


def test_what_speaks_against_a_part_is_numbered_after_the_quotes_unless_it_answers_the_other() -> None:
    against = make_pick("The shaft was to cost $400 million.", "$400 million", name="c").quote
    final = make_answer(FINAL, "$345 million", name="b")
    told = replace(
        make_answer(PLANNED, "$310 million"), nearest=(Citation(2, against),), notices=("Sources disagree: so.",)
    )
    of_the_other = replace(told, nearest=(Citation(2, final.citations[0].quote),))
    answer, other = join(COSTS, told, final), join(COSTS, of_the_other, final)
    assert answer is not None
    assert other is not None
    assert [(c.number, c.quote) for c in answer.nearest] == [(3, against)]
    assert answer.notices == ("Sources disagree: so.",)
    assert (other.nearest, other.notices) == ((), ())


# alternatives

RATES = "Which had the higher rate, Sallow or Kessel Bay?"


@pytest.mark.parametrize(
    ("question", "one", "other", "short"),
    [
        (RATES, ("Sallow had 7.7 percent.", "7.7 percent"), ("Kessel Bay had 6.3 percent.", "6.3 percent"), "Sallow"),
        (
            "Which had the lower rate, Sallow or Kessel Bay?",
            ("Sallow had 7.7 percent.", "7.7 percent"),
            ("Kessel Bay had 6.3 percent.", "6.3 percent"),
            "Kessel Bay",
        ),
        (
            "Who is the elder, Ann or Ben?",
            ("Ann is 49 years old.", "49 years"),
            ("Ben is 46 years old.", "46 years"),
            "Ann",
        ),
        (
            "Did more people come in 2032 or in 2033?",
            ("In 2032 some 900 people came.", "900 people"),
            ("In 2033 there came 1,200 people.", "1,200 people"),
            "2033",
        ),
        (
            RATES,
            ("Sallow had nearly 5 percent.", "nearly 5 percent"),
            ("Kessel Bay had 9 percent.", "9 percent"),
            "Kessel Bay",
        ),
    ],
)
def test_the_alternative_that_is_asked_for_is_the_short_answer_and_its_sentence_comes_first(
    question: str, one: tuple[str, str], other: tuple[str, str], short: str
) -> None:
    answer = join(question, make_answer(*one), make_answer(*other, name="b"))
    assert answer is not None
    check_sound(answer)
    assert answer.short == short
    assert short in answer.statements[0].text
    assert len(answer.statements) == 2


@pytest.mark.parametrize(
    ("question", "one", "other"),
    [
        (RATES, ("Sallow had 7.7 percent.", "7.7 percent"), ("Kessel Bay had 7.7 percent.", "7.7 percent")),
        (RATES, ("Sallow had over 5 percent.", "over 5 percent"), ("Kessel Bay had 9 percent.", "9 percent")),
        (RATES, ("Sallow had about 9.1 percent.", "about 9.1 percent"), ("Kessel Bay had 9 percent.", "9 percent")),
        (
            "Which is faster, Sallow or Kessel Bay?",
            ("Sallow took 12 minutes.", "12 minutes"),
            ("Kessel Bay took 15 minutes.", "15 minutes"),
        ),
        ("Who is older, Ann or Ben?", ("Ann has 3 boats.", "3"), ("Ben has 4 boats.", "4")),
    ],
    ids=["as much", "over", "about as much", "either way", "no age"],
)
def test_where_it_is_not_sure_which_it_is_the_two_sentences_stand_alone(
    question: str, one: tuple[str, str], other: tuple[str, str]
) -> None:
    answer = join(question, make_answer(*one), make_answer(*other, name="b"))
    assert answer is not None
    check_sound(answer)
    assert (answer.short, answer.short_span) == (None, None)
    assert [statement.text for statement in answer.statements] == [f"{one[0]} [1]", f"{other[0]} [2]"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("Sallow had 7.7 percent.", "7.7 percent"), None),
        (("Sallow had 7.7 percent.", "7.7 percent"), ("Kessel Bay had 63 guests.", "63")),
        (("Sallow had 7.7 percent.", "7.7 percent"), ("Kessel Bay, not Sallow, had 6 percent.", "6 percent")),
        (("Sallow had 7.7 percent.", "7.7 percent"), ("There it was 6.3 percent.", "6.3 percent")),
        (("Sallow had 7.7 percent.", "7.7 percent"), ("Kessel Bay had 6 percent, then 9 percent.", "6 percent")),
        (("Sallow had the higher rate.", "Sallow"), ("Kessel Bay had 6.3 percent.", "6.3 percent")),
    ],
    ids=["no answer", "another unit", "both names", "no name", "two amounts", "no amount"],
)
def test_alternatives_that_cannot_be_compared_are_not_joined(
    one: tuple[str, str], other: tuple[str, str] | None
) -> None:
    second = make_answer(*other, name="b") if other else make_abstention("", SEARCHED)
    assert join(RATES, make_answer(*one), second) is None


def test_rows_of_a_table_are_compared_where_both_amounts_stand_in_one_column() -> None:
    text = "| Sallow | 7.0 | 7.7 |\n| Kessel Bay | 5.9 | 6.3 |\n"
    article = Article("t", "t.md", text, hash_text(text), "Rates")

    def row(short: str) -> Answer:
        start = text.rindex("\n", 0, text.index(short)) + 1 if "\n" in text[: text.index(short)] else 0
        quote = make_quote(article, start, text.index("\n", start))
        place = quote.text.index(short)
        base = make_answer("So.", None)
        citation = Citation(1, quote)
        statement = ground_sentence(f"{quote.text} [1]", citation)
        return replace(
            base, citations=(citation,), statements=(statement,), short=short, short_span=(place, place + len(short))
        )

    answer = join(RATES, row("7.7"), row("6.3"))
    assert answer is not None
    assert (answer.short, answer.text.splitlines()[0][:10]) == ("Sallow", "| Sallow |")
    assert join(RATES, row("7.7"), row("5.9")) is None


def test_of_times_both_sentences_are_given_without_a_short_answer() -> None:
    answer = join(
        "How did turnout change between 2019 and 2021?",
        make_answer("In 2019 turnout was 61 percent.", "61 percent"),
        make_answer("In 2021 turnout was 54 percent.", "54 percent", name="b"),
    )
    assert answer is not None
    check_sound(answer)
    assert answer.short is None
    assert answer.text == "In 2019 turnout was 61 percent. [1] In 2021 turnout was 54 percent. [2]"


# one figure for two asks


def reading(picks: Sequence[Pick]) -> Reading:
    return Reading(picks[0] if picks else None, (), (), picks[0].score if picks else 0.0, answers=tuple(picks))


def test_of_two_asks_with_one_figure_the_weaker_takes_its_next_of_that_kind() -> None:
    final = make_pick(FINAL, "$345 million", score=0.4)
    weaker = [
        replace(final, score=0.2),
        make_pick("It says $345 million too.", "$345 million", name="c"),
        make_pick("The mine made 62,000 tonnes.", "62,000 tonnes", name="d"),
        make_pick(PLANNED, "$310 million", name="b"),
    ]
    first, second = settle_readings([reading(weaker), reading([final])])
    assert first.answer == weaker[3]
    assert second.answer == final


def test_where_there_is_no_other_figure_both_keep_it_and_names_are_never_exchanged() -> None:
    final = make_pick(FINAL, "$345 million", score=0.4)
    ann = make_pick("Ann bought the mill that Ben sold.", "Ann")
    ben = make_pick("Ben bought it.", "Ben", name="b")
    for readings in ([reading([final]), reading([final])], [reading([ann, ben]), reading([ann])]):
        assert settle_readings(readings) == readings
    assert settle_readings([reading([]), reading([final])])[0].answer is None
