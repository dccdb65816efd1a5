"""Measures of one answer, held against small reference implementations of the published definitions."""

import re
import string
from collections.abc import Callable, Sequence
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from qa.metrics import (
    CitationScores,
    Gold,
    Number,
    answer_match,
    citation_scores,
    exact_match,
    figure_support,
    normalise_answer,
    numeric_match,
    parse_period,
    quote_validity,
    str_em,
    token_f1,
)

# Reference implementations, written from the papers and not from qa/metrics.py.


def squad_words(text: str) -> list[str]:
    """The words of SQuAD's script: letter by letter, where the measure works on whole strings."""
    bare = "".join(letter for letter in text.lower() if letter not in string.punctuation)
    runs = re.split(r"(\W+)", bare)
    return "".join(" " if run in ("a", "an", "the") else run for run in runs).split()


def squad_f1(prediction: str, answer: str) -> float:
    """Precision and recall of the words one after the other, each of which can be matched once."""
    said, gold = squad_words(prediction), squad_words(answer)
    if not said or not gold:
        return float(said == gold)
    left, shared = list(gold), 0
    for word in said:
        if word in left:
            left.remove(word)
            shared += 1
    if not shared:
        return 0.0
    precision, recall = shared / len(said), shared / len(gold)
    return 2 * precision * recall / (precision + recall)


def has_words_in_a_row(prediction: str, answer: str) -> bool:
    said, gold = squad_words(prediction), squad_words(answer)
    return bool(gold) and any(said[place : place + len(gold)] == gold for place in range(len(said)))


def alce(
    citations: Sequence[Sequence[int]], supports: Callable[[int, frozenset[int]], bool]
) -> tuple[float | None, float | None]:
    """Citation recall and precision statement by statement, from the definitions in ALCE's section 4.3."""
    recall, precision = [], []
    for statement, cited in enumerate(citations):
        recall.append(1 if cited and supports(statement, frozenset(cited)) else 0)
        for place, citation in enumerate(cited):
            others = frozenset(other for there, other in enumerate(cited) if there != place)
            alone = supports(statement, frozenset({citation}))
            irrelevant = not alone and bool(others) and supports(statement, others)
            precision.append(1 if recall[-1] == 1 and not irrelevant else 0)
    mean = [sum(scores) / len(scores) if scores else None for scores in (recall, precision)]
    return mean[0], mean[1]


WORDS = "the a an The gold Gold! trade Trade, art start $24.2 242 “the” u.s. us 5 5% -4.5 4.5 theatre no yes".split()
TEXT = st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join) | st.text(max_size=20)

# words


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("The Eiffel Tower!", "eiffel tower"),
        ("an  apple\ta day,\nTHE end", "apple day end"),
        ("$24.2 billion", "242 billion"),
        ("U.S.-based", "usbased"),
        ("A.", ""),
        ("theatre and area", "theatre and area"),
        ("“quoted”", "“quoted”"),
        ("", ""),
    ],
)
def test_answers_are_normalised_as_squad_does(text: str, normal: str) -> None:
    assert normalise_answer(text) == normal


@pytest.mark.parametrize(
    ("prediction", "answers", "match", "f1"),
    [
        ("Denver Broncos", ["Denver Broncos", "the Broncos"], 1.0, 1.0),
        ("The Denver Broncos.", ["Denver Broncos"], 1.0, 1.0),
        ("Broncos", ["Denver Broncos"], 0.0, 2 / 3),
        ("the Broncos of Denver", ["Denver Broncos"], 0.0, 0.8),
        ("in Santa Clara", ["Santa Clara, California", "Levi's Stadium"], 0.0, 2 / 3),
        ("Carolina Panthers", ["Denver Broncos"], 0.0, 0.0),
        ("gold gold", ["gold"], 0.0, 2 / 3),
        ("gold", ["gold gold gold"], 0.0, 0.5),
        ("", [""], 1.0, 1.0),
        ("the", [""], 1.0, 1.0),
        ("", ["gold"], 0.0, 0.0),
        ("gold", [""], 0.0, 0.0),
    ],
)
def test_em_and_f1_are_squads(prediction: str, answers: list[str], match: float, f1: float) -> None:
    assert exact_match(prediction, answers) == match
    assert token_f1(prediction, answers) == pytest.approx(f1)


def test_the_best_gold_answer_counts() -> None:
    assert token_f1("record trade", ["nothing alike", "a record trade", "trade"]) == 1.0


@pytest.mark.parametrize("measure", [exact_match, token_f1])
def test_a_question_without_gold_answer_is_refused_not_zero(measure: Callable[[str, list[str]], float]) -> None:
    with pytest.raises(ValueError, match="no gold answer"):
        measure("anything", [])


ANSWERS = st.lists(TEXT, min_size=1, max_size=4)


@given(TEXT, ANSWERS)
def test_em_is_0_or_1_and_never_above_f1(prediction: str, answers: list[str]) -> None:
    match, f1 = exact_match(prediction, answers), token_f1(prediction, answers)
    assert match in (0.0, 1.0)
    assert match <= f1 <= 1


@given(TEXT, TEXT)
def test_f1_is_symmetric(one: str, other: str) -> None:
    assert token_f1(one, [other]) == pytest.approx(token_f1(other, [one]))


@given(ANSWERS)
def test_a_gold_answer_matches_itself(answers: list[str]) -> None:
    assert exact_match(answers[-1], answers) == token_f1(answers[-1], answers) == 1.0


@given(TEXT)
@example("“The” end—a start")
def test_normalising_gives_the_words_of_squads_script_and_changes_nothing_the_second_time(text: str) -> None:
    assert normalise_answer(text).split() == squad_words(text)
    assert normalise_answer(normalise_answer(text)) == normalise_answer(text)


@given(TEXT, ANSWERS)
def test_em_and_f1_are_those_of_squads_definition(prediction: str, answers: list[str]) -> None:
    equal = [squad_words(prediction) == squad_words(answer) for answer in answers]
    assert exact_match(prediction, answers) == float(any(equal))
    assert token_f1(prediction, answers) == pytest.approx(max(squad_f1(prediction, answer) for answer in answers))


# figures


@pytest.mark.parametrize(
    ("prediction", "value", "unit", "match"),
    [
        ("$24.2 billion", 24_200_000_000, "USD", 1.0),
        ("Trade stood at 24,200 million dollars in 2021.", 24_200_000_000, "USD", 1.0),
        ("$24.2 million", 24_200_000_000, "USD", 0.0),
        ("$24 billion", 24_200_000_000, "USD", 0.0),
        ("€24.2 billion", 24_200_000_000, "USD", 0.0),
        ("24.2 billion", 24_200_000_000, "USD", 0.0),
        ("€3 billion, or $24.2 billion", 24_200_000_000, "USD", 0.0),
        ("almost five percent", 5, "percent", 1.0),
        ("4.5 percent", "4.5", "percent", 1.0),
        ("-4.5 percent", "4.5", "percent", 0.0),
        ("-4.5 percent", "-4.5", "percent", 1.0),
        ("−4.5 %", "-4.5", "percent", 1.0),
        ("−4.5 %", "4.5", "percent", 0.0),
        ("$1.2 billion", 1_200_000, "USD", 0.0),
        ("$1.2 billion", 1_200_000_000, "USD", 1.0),
        ("5 percent", 5, "percentage points", 0.0),
        ("5 percentage points", 5, "percent", 0.0),
        ("5 percentage points", 5, "percentage points", 1.0),
        ("13", 13, "projects", 1.0),
        ("In 2021 thirteen projects were done for $450 million.", 13, "projects", 1.0),
        ("23, not 13", 13, "projects", 0.0),
        ("13 major ventures", 13, None, 1.0),
        ("an area of 1,600 square metres", 1600, "m2", 1.0),
        ("2000 people", 2000, "people", 1.0),
        ("It was in 2021.", 2021, "year", 1.0),
        ("In 2020", 2021, "year", 0.0),
        ("on 5 July 2021", 2021, "year", 0.0),
        ("5 percent", 5, "projects", 0.0),
        ("no figure at all", 5, "projects", 0.0),
        ("", 5, "USD", 0.0),
    ],
)
def test_numeric_match_compares_the_first_figure_of_its_kind(
    prediction: str, value: int | str, unit: str | None, match: float
) -> None:
    assert numeric_match(prediction, Number(Decimal(value), unit)) == match


@given(st.integers(0, 10**15), st.sampled_from(["USD", "EUR", "KZT"]))
def test_any_sum_matches_itself_and_no_sum_a_thousand_times_larger(value: int, currency: str) -> None:
    assert numeric_match(f"{currency} {value:,}", Number(Decimal(value), currency)) == 1.0
    assert numeric_match(f"{currency} {value:,}", Number(Decimal(value * 1000 + 1), currency)) == 0.0


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 2000))
def test_a_figure_is_right_up_to_the_tolerance_and_not_beyond(stated: int, value: int, tolerance: int) -> None:
    number = Number(Decimal(value), "USD", Decimal(tolerance))
    assert numeric_match(f"USD {stated:,}", number) == float(abs(stated - value) <= tolerance)


@pytest.mark.parametrize(
    ("prediction", "value", "tolerance", "match"),
    [
        ("$24 billion", "24200000000", "200000000", 1.0),
        ("$24 billion", "24200000000", "199999999", 0.0),
        ("$24 million", "24200000000", "200000000", 0.0),
        ("€24.2 billion", "24200000000", "200000000", 0.0),
        ("$0.3", "0.1", "0.2", 1.0),
    ],
)
def test_the_tolerance_is_absolute_exact_and_in_full(prediction: str, value: str, tolerance: str, match: float) -> None:
    assert numeric_match(prediction, Number(Decimal(value), "USD", Decimal(tolerance))) == match


TRADE = "$9.2 billion"


@pytest.mark.parametrize(
    ("period", "prediction", "context", "match"),
    [
        ("2021", "$9.2 billion in 2022", "", 0.0),
        ("2022", "$9.2 billion in 2022", "", 1.0),
        (None, "$9.2 billion in 2022", "", 1.0),
        ("2021", TRADE, "", 1.0),
        ("2021", TRADE, "Trade came to $9.2 billion.", 1.0),
        ("2021", TRADE, "In 2022 trade came to $9.2 billion.", 0.0),
        ("2021", TRADE, "Trade came to $9.2 billion in 2022, after $7 billion in 2021.", 1.0),
        ("2031-05", TRADE, "It was $9.2 billion in 2031.", 1.0),
        ("2031-05", TRADE, "In May, it was $9.2 billion.", 1.0),
        ("2031-05", TRADE, "It was $9.2 billion in May 2031.", 1.0),
        ("2031-05", TRADE, "It was $9.2 billion on 5 May 2031.", 1.0),
        ("2031-05", TRADE, "It was $9.2 billion in June 2031.", 0.0),
        ("2031-05", TRADE, "It was $9.2 billion in May 2030.", 0.0),
        ("2031-05", TRADE, "It was $9.2 billion in Q2 2031.", 0.0),
        ("2031", TRADE, "It was $9.2 billion in May 2031.", 1.0),
        ("2031", TRADE, "It was $9.2 billion in the second quarter of 2031.", 1.0),
        ("Q2 2032", TRADE, "It was $9.2 billion in the second quarter.", 1.0),
        ("Q2 2032", TRADE, "It was $9.2 billion in the third quarter of 2032.", 0.0),
        ("H1 2032", TRADE, "It was $9.2 billion in the first half of 2032.", 1.0),
        ("2031-11-05", TRADE, "It was $9.2 billion in November 2031.", 1.0),
        ("2031-11-05", TRADE, "It was $9.2 billion on 6 November 2031.", 0.0),
        ("2031", TRADE, "It was $9.2 billion last year, up from $7 billion in 2030.", 1.0),
        ("2031", "$9.2 billion this quarter, not $7 billion as in 2030", "", 1.0),
        ("2031", "$7 billion last year", "", 0.0),
    ],
)
def test_a_date_beside_the_figure_must_be_consistent_with_its_period(
    period: str | None, prediction: str, context: str, match: float
) -> None:
    assert numeric_match(prediction, Number(Decimal(9_200_000_000), "USD", period=period), context) == match


def test_a_year_that_is_the_figure_itself_is_not_held_against_the_period() -> None:
    number = Number(Decimal(2000), "people", period="2021")
    assert numeric_match("2000 people", number, "There were 2000 people.") == 1.0
    assert numeric_match("2000 people", number, "There were 2000 people in 2021.") == 1.0
    assert numeric_match("2000 people", number, "There were 2000 people in 2022.") == 0.0


@pytest.mark.parametrize(
    ("period", "fields"),
    [
        ("2031", (2031, None, None, None)),
        ("2031-05", (2031, None, 5, None)),
        ("2031-11-05", (2031, None, 11, 5)),
        ("Q2 2032", (2032, "Q2", None, None)),
        ("H1 2032", (2032, "H1", None, None)),
    ],
)
def test_a_period_is_read_as_a_date(period: str, fields: tuple[int | str | None, ...]) -> None:
    date = parse_period(period)
    assert (date.year, date.part, date.month, date.day) == fields
    assert (date.kind, date.text, date.unit) == ("date", period, None)


@pytest.mark.parametrize("period", ["", "31", "2031-13", "2031-5", "Q5 2032", "Q2 2032-05", "May 2031", "2031-05-32"])
def test_what_is_no_period_is_refused(period: str) -> None:
    with pytest.raises(ValueError, match="is no period"):
        parse_period(period)


# the gold answer, whichever kind it is of

SUM = Number(Decimal(24_200_000_000), "USD")


@pytest.mark.parametrize(
    ("prediction", "answers", "number", "match"),
    [
        ("$24.2 billion", ["$24.2 billion"], None, 1.0),
        ("24.2 billion dollars", ["$24.2 billion"], None, 0.0),
        ("24.2 billion dollars", ["$24.2 billion"], SUM, 1.0),
        ("24.2 billion dollars", [], SUM, 1.0),
        ("24.2 billion", ["$24.2 billion", "24.2 billion"], SUM, 1.0),
        ("$9.2 billion", [], SUM, 0.0),
        ("a record", ["record"], SUM, 1.0),
        ("$9.2 billion", ["$24.2 billion"], SUM, 0.0),
        ("$242 billion", ["$24.2 billion"], SUM, 0.0),
        ("-4.5 percent", ["4.5 percent"], Number(Decimal("4.5"), "percent"), 0.0),
        ("45 percent", ["4.5 percent"], Number(Decimal("4.5"), "percent"), 0.0),
        ("from 22 to 45", ["45", "from 22 to 45"], Number(Decimal(45), "projects"), 1.0),
    ],
)
def test_answer_match_of_a_figure_takes_the_value_or_the_same_words_with_the_same_figures(
    prediction: str, answers: list[str], number: Number | None, match: float
) -> None:
    assert answer_match(prediction, Gold(tuple(answers), number=number)) == match


def test_in_a_sentence_the_value_decides_alone_where_the_gold_answer_is_a_figure() -> None:
    said = "Trade was $9.2 billion in five months, not the $24.2 billion of the whole year 2021."
    assert answer_match(said, Gold(("$24.2 billion",), number=SUM)) == 0.0
    assert answer_match(said, Gold(("$24.2 billion",))) == 1.0


def test_answer_match_holds_the_period_of_the_sentence_against_a_figure() -> None:
    gold = Gold(("$9.2 billion",), number=Number(Decimal(9_200_000_000), "USD", period="2021"))
    assert answer_match("9.2 billion dollars", gold, "It was 9.2 billion dollars in 2022.") == 0.0
    assert answer_match("9.2 billion dollars", gold, "It was 9.2 billion dollars in 2021.") == 1.0
    assert answer_match("$9.2 billion", gold, "It was $9.2 billion in 2022.") == 1.0


@pytest.mark.parametrize(
    ("prediction", "answer", "match"),
    [
        ("The final was played in Santa Clara in front of 70,000.", "Santa Clara", 1.0),
        ("The final was played in Santa\nClara, California, on Sunday.", "Santa Clara", 1.0),
        ("one two three four five six Clara", "the Clara", 1.0),
        ("one two three four five Clara", "Clara", 0.0),
        ("New York Times", "New York", 0.0),
        ("The runners will start from the old market on Sunday.", "art", 0.0),
        ("The final was played in Santa Maria, not far from Clara.", "Santa Clara", 0.0),
        ("There is no record of any such sale in the books.", "no", 0.0),
        ("No, the books have no record of any such sale.", "no", 1.0),
        ("Yes, both of the companies reported a profit that year.", "yes", 1.0),
        ("Both of the companies, yes, reported a profit that year.", "yes", 0.0),
        ("All that was found in the end was nothing.", "the", 0.0),
    ],
)
def test_in_a_sentence_the_gold_answer_may_stand_as_a_run_of_words(prediction: str, answer: str, match: float) -> None:
    assert answer_match(prediction, Gold((answer,))) == match


@pytest.mark.parametrize(
    ("prediction", "match"),
    [
        ("Ann and Ben Oak", 1.0),
        ("Ben Oak; Ann", 1.0),
        ("Ann and Mr Oak of the mill", 1.0),
        ("Ann", 0.0),
        ("Annette and Ben Oak", 0.0),
        ("Ann and Ben, and an Oak", 0.0),
        ("", 0.0),
    ],
)
def test_every_part_of_a_gold_answer_must_stand_in_the_prediction(prediction: str, match: float) -> None:
    assert answer_match(prediction, Gold(all_of=(("Ann",), ("Ben Oak", "Mr. Oak")))) == match


def test_the_parts_decide_alone_where_there_are_any() -> None:
    assert answer_match("Ann", Gold(("Ann",), all_of=(("Ann",), ("Ben Oak",)))) == 0.0


def test_a_part_without_words_is_found_nowhere() -> None:
    assert answer_match("the A", Gold(all_of=(("A",),))) == 0.0


def test_a_gold_that_is_empty_is_refused_not_zero() -> None:
    with pytest.raises(ValueError, match="no gold answer"):
        answer_match("anything", Gold())


PARTS = st.lists(st.lists(TEXT, min_size=1, max_size=3), min_size=1, max_size=3)


@given(TEXT, PARTS)
def test_all_of_is_met_when_each_part_has_its_words_in_a_row(prediction: str, parts: list[list[str]]) -> None:
    met = all(any(has_words_in_a_row(prediction, text) for text in part) for part in parts)
    assert answer_match(prediction, Gold(all_of=tuple(map(tuple, parts)))) == float(met)


@given(TEXT, ANSWERS)
def test_answer_match_of_words_is_em_or_an_answer_within_a_sentence(prediction: str, answers: list[str]) -> None:
    match = answer_match(prediction, Gold(tuple(answers)))
    said = len(squad_words(prediction))
    within = [
        answer for answer in answers
        if has_words_in_a_row(prediction, answer) and said >= len(squad_words(answer)) + 6
    ]  # fmt: skip
    assert exact_match(prediction, answers) <= match <= max(exact_match(prediction, answers), bool(within))


@given(TEXT, ANSWERS, TEXT)
def test_one_more_alternative_never_lowers_answer_match(prediction: str, answers: list[str], more: str) -> None:
    assert answer_match(prediction, Gold((*answers, more))) >= answer_match(prediction, Gold(tuple(answers)))


# the parts of a long answer


@pytest.mark.parametrize(
    ("text", "parts", "share"),
    [
        ("Ann paid Ben.", [["Ann"], ["Ben"]], 1.0),
        ("Ann paid Ben.", [["Ann"], ["Cia"]], 0.5),
        ("Ann paid Ben.", [["Cia", "ben."], ["Dan"], ["Eve"]], 1 / 3),
        ("They start.", [["art"]], 1.0),
        ("$1,200", [["the 1200"]], 1.0),
        ("", [["Ann"]], 0.0),
        ("", [["the"]], 1.0),
    ],
)
def test_str_em_is_the_share_of_parts_that_are_substrings_of_the_text(
    text: str, parts: list[list[str]], share: float
) -> None:
    assert str_em(text, parts) == share


@given(TEXT, PARTS)
def test_str_em_is_that_of_asqas_definition(text: str, parts: list[list[str]]) -> None:
    said = " ".join(squad_words(text))
    present = [any(said.find(" ".join(squad_words(answer))) >= 0 for answer in part) for part in parts]
    assert str_em(text, parts) == present.count(True) / len(present)


@given(TEXT, PARTS)
def test_what_has_all_parts_as_words_has_all_parts_as_substrings(text: str, parts: list[list[str]]) -> None:
    assert answer_match(text, Gold(all_of=tuple(map(tuple, parts)))) <= str_em(text, parts) <= 1


@pytest.mark.parametrize("parts", [[], [["Ann"], []]])
def test_str_em_without_a_gold_answer_is_refused_not_zero(parts: list[list[str]]) -> None:
    with pytest.raises(ValueError, match="no gold answer"):
        str_em("Ann", parts)


# citations


def by_table(*supporting: tuple[int, set[int]]) -> Callable[[int, frozenset[int]], bool]:
    """A judge that finds a statement supported by exactly these sets of citations."""
    known = {(statement, frozenset(cited)) for statement, cited in supporting}
    return lambda statement, cited: (statement, cited) in known


@pytest.mark.parametrize(
    ("citations", "supporting", "recall", "precision", "f1"),
    [
        ([], [], None, None, None),
        ([[]], [], 0.0, None, 0.0),
        ([[1]], [(0, {1})], 1.0, 1.0, 1.0),
        ([[1]], [], 0.0, 0.0, 0.0),
        ([[1], []], [(0, {1})], 0.5, 1.0, 2 / 3),
        # Either is enough alone: both are relevant.
        ([[1, 2]], [(0, {1}), (0, {2}), (0, {1, 2})], 1.0, 1.0, 1.0),
        # The second adds nothing: the first is enough.
        ([[1, 2]], [(0, {1}), (0, {1, 2})], 1.0, 0.5, 2 / 3),
        # Only both together are enough.
        ([[1, 2]], [(0, {1, 2})], 1.0, 1.0, 1.0),
        # Two of three are needed together, the third is not.
        ([[1, 2, 3]], [(0, {1, 2}), (0, {1, 2, 3})], 1.0, 2 / 3, 0.8),
        # Any two of three are enough, so that each one is superfluous.
        ([[1, 2, 3]], [(0, {1, 2}), (0, {1, 3}), (0, {2, 3}), (0, {1, 2, 3})], 1.0, 0.0, 0.0),
        # One supports alone, but not all together: no citation of the statement is precise.
        ([[1, 2]], [(0, {1})], 0.0, 0.0, 0.0),
        # Precision is over all citations of the answer, not the mean over its statements.
        ([[1], [1, 2, 3]], [(0, {1})], 0.5, 0.25, 1 / 3),
        # A source cited twice where another is needed as well: each time the other mention is enough.
        ([[1, 1, 2]], [(0, {1, 2})], 1.0, 1 / 3, 0.5),
        ([[1, 1]], [(0, {1})], 1.0, 1.0, 1.0),
    ],
)
def test_citation_scores_by_hand(
    citations: list[list[int]],
    supporting: list[tuple[int, set[int]]],
    recall: float | None,
    precision: float | None,
    f1: float | None,
) -> None:
    scores = citation_scores(citations, by_table(*supporting))
    assert (scores.recall, scores.precision) == (recall, precision)
    assert scores.f1 == pytest.approx(f1)


CITATIONS = st.lists(st.lists(st.integers(1, 4), max_size=4), max_size=4)
SUPPORTING = st.sets(st.tuples(st.integers(0, 3), st.frozensets(st.integers(1, 4), min_size=1)), max_size=40)


@given(CITATIONS, SUPPORTING)
def test_citation_scores_are_those_of_alces_definition(
    citations: list[list[int]], supporting: set[tuple[int, frozenset[int]]]
) -> None:
    def supports(statement: int, cited: frozenset[int]) -> bool:
        assert cited, "nothing can be asked about no citation"
        return (statement, cited) in supporting

    scores = citation_scores(citations, supports)
    recall, precision = alce(citations, supports)
    assert (scores.recall, scores.precision) == (recall, precision)
    if recall and precision:
        assert scores.f1 == pytest.approx(2 / (1 / recall + 1 / precision))
    else:
        assert scores.f1 == (None if recall is None else 0.0)


@given(CITATIONS)
def test_one_citation_each_that_supports_is_perfect_and_none_that_supports_is_nothing(
    citations: list[list[int]],
) -> None:
    single = [cited[:1] for cited in citations if cited]
    always, never = citation_scores(single, lambda *_: True), citation_scores(single, lambda *_: False)
    full = 1.0 if single else None
    assert always == CitationScores(full, full, full)
    assert never == (CitationScores(0.0, 0.0, 0.0) if single else CitationScores(None, None, None))


# shares


@pytest.mark.parametrize(
    ("stands", "share"), [([], None), ([True], 1.0), ([False], 0.0), ([True, False, True, True], 0.75)]
)
def test_quote_validity_and_figure_support_are_the_share_that_stands(stands: list[bool], share: float | None) -> None:
    assert quote_validity(stands) == share
    assert figure_support(stands) == share
