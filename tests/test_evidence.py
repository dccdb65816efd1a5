"""The quotes of a statement, read once."""

import pytest
from readings import pair, quote

from qa.evidence import best_clauses, periods_before, read_evidence


def test_evidence_has_the_sentences_amounts_and_times_of_all_quotes() -> None:
    evidence = read_evidence([quote("Trade was $5 in 2031. It rose."), quote("Wine cost $7 last year.")])
    assert [reading.text for reading in evidence.sentences] == [
        "Trade was $5 in 2031.",
        "It rose.",
        "Wine cost $7 last year.",
    ]
    assert [figure.text for figure in evidence.amounts] == ["$5", "$7"]
    assert [period.text for period in evidence.periods] == ["2031", "last year"]


def test_what_counts_back_counts_from_the_time_before_the_quote() -> None:
    before = "It was $5 in the second quarter of 2031. "
    (sentence,) = read_evidence([quote("In the previous quarter it was $4.", before=before)]).sentences
    assert any(first.isoformat() == "2031-01-01" for first, _ in sentence.periods[0].days)


def test_the_times_before_a_quote_are_told_the_last_first_and_days_left_out() -> None:
    found = periods_before(quote("It rose.", before="In 2029 it fell. In May 2030, on Tuesday, it fell. "))
    assert [period.text for period in found] == ["May 2030", "2029"]


@pytest.mark.parametrize(
    ("statement", "clause"),
    [
        ("Exports fell", "exports fell"),
        ("It was $7", "costs rose to $7"),
        ("Elephants danced", None),
    ],
)
def test_the_best_clause_shares_words_and_amounts(statement: str, clause: str | None) -> None:
    claim, evidence = pair(statement, "Imports rose, exports fell, costs rose to $7.")
    found = [" ".join(unit.text for unit in known.units) for _, known in best_clauses(claim.clauses[0], evidence)]
    assert found == ([clause] if clause else [])
