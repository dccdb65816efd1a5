"""Times in text: which days they may mean, and which of them bears out which."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.days import name_days
from qa.periods import Period, covers, describe, find_periods, overlap

WEDNESDAY = date(2032, 2, 11)


def read(text: str, published: date | None = WEDNESDAY) -> dict[str, list[str]]:
    return {p.text: list(dict.fromkeys(name_days(*days) for days in p.days)) for p in find_periods(text, published)}


def only(text: str, published: date | None = WEDNESDAY) -> Period:
    (period,) = find_periods(text, published)
    return period


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("In 2021 it grew.", ["2021"]),
        ("In May 2031 it grew.", ["May 2031"]),
        ("On 5 July 2022 it grew.", ["5 July 2022"]),
        ("In the second half of 2031 it grew.", ["1 July 2031 to 31 December 2031"]),
        ("It grew last year.", ["2031"]),
        ("It grew this year.", ["2032"]),
        ("It grows next year.", ["2033"]),
        ("It grew last month.", ["January 2032"]),
        ("It grew in the last quarter.", ["1 October 2031 to 31 December 2031"]),
        ("It grew two years ago.", ["2030", "February 2030", "11 February 2030"]),
        ("It grew nineteen months ago.", ["July 2030", "11 July 2030"]),
        ("It grew on Tuesday.", ["10 February 2032"]),
        ("It grew on Wednesday.", ["11 February 2032"]),
        ("It grew on Thursday.", ["5 February 2032"]),
        ("It will grow on Thursday.", ["5 February 2032", "12 February 2032"]),
        ("It grew yesterday.", ["10 February 2032"]),
        ("It grew in November.", ["November 2031"]),
        ("It will grow in November.", ["November 2031", "November 2032"]),
        ("It grew in May of last year.", ["May 2031", "2031"]),
        ("It grew last December.", ["December 2031"]),
        ("It opens next spring.", ["1 March 2032 to 31 May 2032", "1 March 2033 to 31 May 2033"]),
        ("It grew in the fourth quarter.", ["1 October 2031 to 31 December 2031"]),
        ("It grew in the last three months of 2030.", ["1 October 2030 to 31 December 2030"]),
        ("It grew in the first six months.", ["1 January 2031 to 30 June 2031"]),
        ("It grew in the spring of 2030.", ["1 March 2030 to 31 May 2030"]),
    ],
)
def test_a_time_is_resolved_against_the_day_of_publication(text: str, days: list[str]) -> None:
    found = [day for named in read(text).values() for day in named]
    assert found == days


@pytest.mark.parametrize(
    ("text", "time", "days"),
    [
        ("It was 5 in the first half of 2031, 4 a year earlier.", "a year earlier", ["1 January 2030 to 30 June 2030"]),
        ("Compared with a year earlier, it grew in May 2031.", "a year earlier", ["May 2030"]),
        ("In the third quarter of 2030 it was 5, in the previous quarter 4.", "previous quarter",
         ["1 April 2030 to 30 June 2030"]),
        ("It was 5 last year and 4 the year before.", "the year before", ["2030"]),
        ("In 2029 it rose, and two years later it fell.", "two years later", ["2031"]),
        ("In 2029, on 6 March, they met.", "6 March", ["6 March 2031", "6 March 2032", "6 March 2029"]),
    ],
)  # fmt: skip
def test_a_time_may_count_from_another_one_in_the_sentence(text: str, time: str, days: list[str]) -> None:
    assert set(days) <= set(read(text)[time])


def test_what_the_sentence_does_not_name_is_counted_from_the_anchors() -> None:
    anchor = only("In the second quarter of 2031")
    (period,) = find_periods("In the previous quarter it fell.", WEDNESDAY, anchors=[anchor])
    assert "1 January 2031 to 31 March 2031" in [name_days(*days) for days in period.days]


@pytest.mark.parametrize(
    ("text", "run", "days"),
    [
        ("January–May 2022", "January–May 2022", "1 January 2022 to 31 May 2022"),
        ("from January to May 2022", "January to May 2022", "1 January 2022 to 31 May 2022"),
        ("between July and September", "July and September", "1 July 2031 to 30 September 2031"),
        ("from November to January 2031", "November to January 2031", "1 November 2030 to 31 January 2031"),
        ("2019–2021", "2019–2021", "1 January 2019 to 31 December 2021"),
    ],
)
def test_a_run_of_two_dates_is_a_time_of_its_own(text: str, run: str, days: str) -> None:
    assert days in read(text)[run]


@pytest.mark.parametrize("text", ["It may grow.", "Tuesdays are long.", "She is 45 years old.", "For five years", ""])
def test_what_names_no_time_is_none(text: str) -> None:
    assert find_periods(text, WEDNESDAY) == []


@pytest.mark.parametrize(
    ("claim", "record", "held"),
    [
        ("in 2031", "last year", True),
        ("in 2032", "last year", False),
        ("in 2031", "in May 2031", True),
        ("in May 2031", "in 2031", False),
        ("in the first quarter of 2031", "between January and March 2031", True),
        ("on 10 February 2032", "on Tuesday", True),
        ("on 9 February 2032", "on Tuesday", False),
        ("in February 2032", "on Tuesday", True),
        ("last year", "last year", True),
        ("this year", "last year", False),
    ],
)
def test_a_claim_is_borne_out_by_a_time_that_lies_within_it(claim: str, record: str, held: bool) -> None:
    ours, theirs = find_periods(claim, WEDNESDAY)[-1], find_periods(record, WEDNESDAY)[-1]
    assert covers(ours, theirs) is held
    assert overlap(ours, theirs) is (held or claim == "in May 2031")


def test_without_a_day_of_publication_relative_times_are_compared_by_their_words() -> None:
    last, earlier, before = (only(text, None) for text in ("last year", "a year earlier", "the year before"))
    assert last.days == ()
    assert covers(last, only("Last year", None))
    assert not covers(last, only("this year", None))
    assert covers(earlier, before)
    assert not covers(only("in 2031", None), last)


def test_a_relative_time_is_described_with_what_it_means() -> None:
    assert describe(only("last year")) == "last year (2031)"
    assert describe(only("on Tuesday")) == "Tuesday (10 February 2032)"
    assert describe(only("in 2031")) == "2031"
    assert describe(only("last year", None)) == "last year"


@pytest.mark.parametrize("published", [date.min, date.max, date(2032, 2, 29), None])
def test_the_ends_of_the_calendar_are_no_error(published: date | None) -> None:
    text = "Last year, 999 decades ago, next month, 29 February, in May, a year later, next spring, on Monday, in Q4"
    assert len(find_periods(text, published)) >= 9


PIECES = """last year| on Tuesday| in May| 2031| a year earlier|January–| and |between |the previous quarter|29 February
    first six months of | will |next spring|, |İ|ﬁ|5 July|the year before|three weeks ago|-|first half""".split("|")


@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join) | st.text(max_size=60), st.dates() | st.none())
def test_every_time_has_exact_offsets_and_days_in_order(text: str, published: date | None) -> None:
    for period in find_periods(text, published):
        assert text[period.start : period.end] == period.text != ""
        assert all(first <= last for first, last in period.days)
        assert covers(period, period)
