"""Figures in text: what is found, what is not, and which figure supports which."""

import subprocess
import sys
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from qa.figures import Figure, find_figures, missing_figures, same_figure

# How a figure is written in these tables: "24200000000 USD", "13", "-4.5 percent", "2022-07-05", "Q1 2022", "--05".


def told(figure: Figure) -> str:
    if figure.kind == "date":
        return told_date(figure)
    assert figure.value is not None
    return " ".join(filter(None, [f"{plain(figure.value):f}", figure.unit]))


def told_date(figure: Figure) -> str:
    if figure.part:
        return " ".join(filter(None, [figure.part, figure.year and str(figure.year)]))
    fields = [f"{field:02}" for field in (figure.month, figure.day) if field]
    return "-".join([str(figure.year or "-"), *fields])


def plain(value: Decimal) -> Decimal:
    return value.quantize(Decimal("0.0001")).normalize()


def read(text: str) -> list[str]:
    return [told(figure) for figure in find_figures(text)]


def only(text: str) -> Figure:
    (figure,) = find_figures(text)
    return figure


NUMBERS = [
    ("The hall covers 1,600 seats in 12 rows.", ["1600", "12"]),
    ("The hall has 1 600 seats.", ["1600"]),
    ("The hall has 1\u00a0600 seats and 2\u202f000\u202f000 bricks.", ["1600", "2000000"]),
    ("Output stood at 12 345.67 in all.", ["12345.67"]),
    ("Exactly 1,000,000.5 of them.", ["1000000.5"]),
    ("In lakhs, 1,23,456 were sold.", ["123456"]),
    ("The index rose to 1.600 from .5 at the start.", ["1.6", "0.5"]),
    ("A plant of 1.600.000 units", ["1600000"]),
    ("A share of 3,4 in the press release", ["3.4"]),
    ("Some wrote 1.111.111,50 instead", ["1111111.5"]),
    ("They sold 24.2bn, not 24.2m, and 24.2tn is out of reach.", ["24200000000", "24200000", "24200000000000"]),
    ("Traffic grew from 450k to 2 mln visits.", ["450000", "2000000"]),
    ("The site had 3 thousand readers, 4 hundred of them daily.", ["3000", "400"]),
    ("It ordered 2 dozen engines.", ["24"]),
    ("The fund holds 2½ million shares and ¾ of an acre.", ["2500000", "0.75"]),
    ("Thirteen plants, twenty-three lines, ninety nine shifts", ["13", "23", "99"]),
    ("Two hundred guests and two hundred and five chairs", ["200", "205"]),
    ("three hundred forty-five thousand six hundred and seven", ["345607"]),
    ("Two million three hundred thousand people", ["2300000"]),
    ("A million trees, a hundred gardens and a dozen parks", ["1000000", "100", "12"]),
    ("One and a half million trees, half a million shrubs", ["1500000", "500000"]),
    ("2 and a half years and two-and-a-half times", ["2.5 year", "2.5"]),
    ("Half a billion users, half a dozen rivals", ["500000000", "6"]),
    ("Between two hundred and three hundred guests came", ["200", "300"]),
    ("Zero deaths in nine-member crews", ["0", "9"]),
    ("The 13-member board met for the 2nd time.", ["13"]),
    ("They met for 45 minutes, 3 hours and 10 days.", ["45 minute", "3 hour", "10 day"]),
    ("A five-year plan and a 45-year-old minister", ["5 year", "45 year"]),
    ("2021 minus 5 is not it", ["2021", "-5"]),
    ("\u0663\u0665 trains", ["35"]),
    ("Population: 19,000,000.", ["19000000"]),
    ("It rose by 5, 6 and 7.", ["5", "6", "7"]),
]

MONEY = [
    ("Turnover reached $24.2 billion.", ["24200000000 USD"]),
    ("Turnover reached 24.2 billion dollars.", ["24200000000 USD"]),
    ("Turnover reached USD 24.2bn.", ["24200000000 USD"]),
    ("Turnover reached US$24.2bn.", ["24200000000 USD"]),
    ("Turnover reached 24.2 bn USD.", ["24200000000 USD"]),
    ("Turnover reached 24,200 million US dollars.", ["24200000000 USD"]),
    ("A loan of $450m, of which $3k was spent", ["450000000 USD", "3000 USD"]),
    ("A loan of $450 m and a gift of $5t", ["450000000 USD", "5000000000000 USD"]),
    ("A $3-billion deal, a 10-million-euro grant", ["3000000000 USD", "10000000 EUR"]),
    ("€3 billion, 3 billion euros, EUR 3bn, 3bn €", ["3000000000 EUR"] * 4),
    ("£86 million or 86 million pounds", ["86000000 GBP"] * 2),
    ("500 billion tenge, KZT 500bn, ₸500 billion", ["500000000000 KZT"] * 3),
    ("60 rubles, 60 roubles, RUB 60, 60 RUB, ₽60", ["60 RUB"] * 5),
    ("5 billion yuan, CNY 5bn, 5 billion renminbi, CN¥5bn", ["5000000000 CNY"] * 4),
    ("¥700 and 700 yen", ["700 JPY"] * 2),
    ("C$5, A$6, 7 Canadian dollars, 8 Swiss francs", ["5 CAD", "6 AUD", "7 CAD", "8 CHF"]),
    ("5 billion won went to 10 teams, and 10 won a prize.", ["5000000000 KRW", "10", "10"]),
    ("Five hundred thousand dollars a year", ["500000 USD"]),
    ("In 2021 $450 million was paid; in 2022 USD 3 billion.", ["2021", "450000000 USD", "2022", "3000000000 USD"]),
    ("It lost -$5m and then another −€6m.", ["-5000000 USD", "-6000000 EUR"]),
    ("The price is $ 5 or $0.75.", ["5 USD", "0.75 USD"]),
    ("One million dollars, a million dollars", ["1000000 USD"] * 2),
    ("Try 5 or TRY 5", ["5", "5 TRY"]),
    ("5 million-dollar homes", ["5000000 USD"]),
]

PERCENTS = [
    ("Growth of five percent, 5 %, 5%, 5 per cent, 5 pct", ["5 percent"] * 5),
    ("It was -4.5 percent in May, −4.5 % in June, minus 4.5% in July.",
     ["-4.5 percent", "--05", "-4.5 percent", "--06", "-4.5 percent", "--07"]),
    ("Up 0.3 percentage points, a 2-percentage-point rise, 4 p.p.", [
        "0.3 percentage points", "2 percentage points", "4 percentage points"]),
    ("The bank cut by 50 basis points.", ["50 basis points"]),
    ("The error is plus or minus 3.5 percent.", ["3.5 percent"]),
    ("Half a percentage point", ["0.5 percentage points"]),
    ("One percent of one hundred per cent", ["1 percent", "100 percent"]),
    ("A five-percent rise", ["5 percent"]),
]  # fmt: skip

MEASURES = [
    ("1,600 square meters, 1600 square metres, 1,600 m2, 1,600 m², 1600 sq. m", ["1600 m2"] * 5),
    ("A 1,600-square-meter hall", ["1600 m2"]),
    ("12 km, 12 kilometres, a 12-kilometer road", ["12 km"] * 3),
    ("100 m of cable, 100 metres of pipe", ["100 m"] * 2),
    ("5 million tonnes, 5 million tons", ["5000000 tonne"] * 2),
    ("200 MW, 30 hectares, 4 feet, 35°C, 80 mph, 396 million barrels",
     ["200 MW", "30 hectare", "4 ft", "35 °C", "80 mph", "396000000 barrel"]),
    ("20 billion cubic meters", ["20000000000 m3"]),
    ("Title 42 has ended; two has come", ["42", "2"]),
]  # fmt: skip

FRACTIONS = [
    ("Exports grew by a third.", ["0.3333 fraction"]),
    ("Exports grew by almost a third and imports fell.", ["0.3333 fraction"]),
    ("A third of the fleet, one third of the crew, one-third of the fuel", ["0.3333 fraction"] * 3),
    ("Two thirds voted; a two-thirds majority was needed.", ["0.6667 fraction"] * 2),
    ("Half of them left, one half stayed, three quarters wrote", ["0.5 fraction", "0.5 fraction", "0.75 fraction"]),
    ("A quarter of the budget, a fifth more than planned, two fifths", [
        "0.25 fraction", "0.2 fraction", "0.4 fraction"]),
    ("A third man entered, for a third time, with a fifth column.", []),
    ("A half-finished half-hour talk", ["0.5 hour"]),
]  # fmt: skip

DATES = [
    ("In 2021 it grew; by 1998 it had shrunk; until 2199.", ["2021", "1998", "2199"]),
    ("On 5 July 2022, July 5, 2022, 2022-07-05 and the 5th of July, 2022", ["2022-07-05"] * 4),
    ("January 2022, Jan. 2022, January of 2022, January, 2022", ["2022-01"] * 4),
    ("July 4-7, July 4–7, July 4 to 7, 4–7 July", ["--07-04", "--07-07"] * 4),
    ("July 4-7, 2022 and 4–7 July 2022", ["2022-07-04", "2022-07-07"] * 2),
    ("12 May–3 June 2022", ["--05-12", "2022-06-03"]),
    ("It spoke on September 1st and Sept. 11, 2001.", ["--09-01", "2001-09-11"]),
    ("Between January and May trade grew.", ["--01", "--05"]),
    ("January–May 2022", ["--01", "2022-05"]),
    ("In May, of May, since May, last May, April, May and June", ["--05"] * 4 + ["--04", "--05", "--06"]),
    ("May 2022 and May 9", ["2022-05", "--05-09"]),
    ("It may grow. May it grow? Theresa May said so. March on!", ["--03"]),
    ("Jan said that Mar and Dec met.", []),
    ("In mid-2021, late-2021, pre-2021 and at the end of 2021", ["2021"] * 4),
    ("2021's harvest, the 2022 season", ["2021", "2022"]),
    ("2019-2021, 2019–2021, from 2019 to 2021", ["2019", "2021"] * 3),
    ("The 2021-22 season and 2021/22", ["2021", "2022"] * 2),
    ("Q1 2022, the first quarter of 2022, 1st quarter 2022", ["Q1 2022"] * 3),
    ("H2 2021, second half of 2021, the second half of the year 2021", ["H2 2021"] * 3),
    ("In Q3 and in the fourth quarter", ["Q3", "Q4"]),
    ("At 2021 year-end, in the 2021 second quarter", ["2021", "2021", "Q2"]),
    ("In January 5 percent of 200 and in June 1,500 came.", ["--01", "5 percent", "200", "--06", "1500"]),
    ("In July 4.5 million came, in July 200.", ["--07", "4500000", "--07", "200"]),
    ("On 2022-13-01", ["2022", "13", "1"]),
    ("The 1990s and the 1800s", ["1990 decade", "1800 decade"]),
]

RANGES = [
    ("5-7 percent, 5–7 %, 5 to 7 percent, between 5 and 7 percent", ["5 percent", "7 percent"] * 4),
    ("Between 5 and 7 million; 5 – 7 million; 5-7m", ["5000000", "7000000"] * 3),
    ("$3-4 billion, $3–$4 billion, $3 to 4 billion, 3 to 4 billion dollars", ["3000000000 USD", "4000000000 USD"] * 4),
    ("$3m-4m and €3m–€4m", ["3000000 USD", "4000000 USD", "3000000 EUR", "4000000 EUR"]),
    ("From 7 to 5 percent, from 9 to 8.5 million", ["7 percent", "5 percent", "9", "8500000"]),
    ("4-7 trains and a 2-1 win", ["4", "7", "2", "1"]),
    ("It went from 2019 to 13 percent.", ["2019", "13 percent"]),
    ("5 and 7 percent", ["5", "7 percent"]),
    ("Won 13 and $3 billion", ["13", "3000000000 USD"]),
    ("From $5 to 7 percent", ["5 USD", "7 percent"]),
    ("16-of-20 in a 9-by-12-foot room", ["16", "20", "9", "12 ft"]),
]

NO_FIGURES = [
    "COVID-19, G20, A380, F-16, 5G, 4K9, 3D, 10x, EF2 and B52s are names.",
    "The first, 2nd, 3rd and 4th of the twenty-first century",
    "Several million, dozens, hundreds of thousands, a few hundred, both, twice",
    "See [1], [2, 3] and [4–6].",
    "https://example.org/2021/07/05?id=13 and www.example.org/24",
    "Version 1.2.3 at 192.168.0.1",
    "9" * 33,
    "One of the men said that no one knew the one who came; one is one.",
    "It was another one, a one-off, and each one can go.",
    "$, USD, −, -, % and €",
    "",
]


@pytest.mark.parametrize(("text", "figures"), NUMBERS)
def test_numbers_are_read_as_written_or_spelled(text: str, figures: list[str]) -> None:
    assert read(text) == figures


@pytest.mark.parametrize(("text", "figures"), MONEY)
def test_money_is_read_with_its_currency_on_either_side(text: str, figures: list[str]) -> None:
    assert read(text) == figures


@pytest.mark.parametrize(("text", "figures"), PERCENTS)
def test_percent_and_percentage_points_are_kept_apart(text: str, figures: list[str]) -> None:
    assert read(text) == figures


@pytest.mark.parametrize(("text", "figures"), MEASURES)
def test_measures_have_one_name_however_spelled(text: str, figures: list[str]) -> None:
    assert read(text) == figures


@pytest.mark.parametrize(("text", "figures"), FRACTIONS)
def test_fractions_in_words_are_no_ordinals(text: str, figures: list[str]) -> None:
    assert read(text) == figures


@pytest.mark.parametrize(("text", "figures"), DATES)
def test_dates_are_read_as_far_as_they_are_stated(text: str, figures: list[str]) -> None:
    assert read(text) == figures


@pytest.mark.parametrize(("text", "figures"), RANGES)
def test_ranges_share_what_is_said_once_and_have_no_sign(text: str, figures: list[str]) -> None:
    assert read(text) == figures


@pytest.mark.parametrize("text", NO_FIGURES)
def test_names_markers_and_vague_amounts_are_no_figures(text: str) -> None:
    assert read(text) == []


SENTENCES = [
    (
        "By the end of 2021, turnover had risen almost a third to $24.2 billion (5 July 2022).",
        ["2021", "0.3333 fraction", "24200000000 USD", "2022-07-05"],
    ),
    (
        "Thirteen joint ventures worth nearly $450 million are done; nine more, worth $3 billion, have begun.",
        ["13", "450000000 USD", "9", "3000000000 USD"],
    ),
    (
        "From January to May sales added almost five percent and came to USD 9.2bn, against 8.8bn a year earlier.",
        ["--01", "--05", "5 percent", "9200000000 USD", "8800000000"],
    ),
    (
        "At the fair (July 4-7) its stand of 1,600 square metres showed 200 firms from seven branches.",
        ["--07-04", "--07-07", "1600 m2", "200", "7"],
    ),
    (
        "In Q1 2022 GDP fell 2.1 percent, 0.4 percentage points more than in the fourth quarter of 2021.",
        ["Q1 2022", "2.1 percent", "0.4 percentage points", "Q4 2021"],
    ),
    (
        "The A320 carried 180 people 2,300 km in three hours; COVID-19 had halved traffic in mid-2020.",
        ["180", "2300 km", "3 hour", "2020"],
    ),
    (
        "The rouble fell 4.5%, from 60 to 62.7 roubles to the dollar, on 24 February.",
        ["4.5 percent", "60 RUB", "62.7 RUB", "--02-24"],
    ),
    (
        "One person died and 23 were hurt when a 40-tonne truck left the A2 at 7 p.m. on May 12.",
        ["1", "23", "40 tonne", "7", "--05-12"],
    ),
]


@pytest.mark.parametrize(("text", "figures"), SENTENCES)
def test_whole_sentences_of_news_give_all_their_figures_in_order(text: str, figures: list[str]) -> None:
    assert read(text) == figures


def test_a_figure_keeps_its_place_kind_and_step() -> None:
    text = "It reached almost $24.2 billion."
    assert find_figures(text) == [
        Figure(
            text="$24.2 billion",
            start=18,
            end=31,
            kind="money",
            value=Decimal(24_200_000_000),
            unit="USD",
            step=Decimal(100_000_000),
            approximate=True,
            bound="under",
        )
    ]


def test_offsets_count_code_points() -> None:
    text = "🇰🇿 İstanbul ﬁrms: é 13 ﬁ $5m"
    assert [text[figure.start : figure.end] for figure in find_figures(text)] == ["13", "$5m"]


@pytest.mark.parametrize(
    ("text", "step"),
    [
        ("24.2bn", "100000000"),
        ("24bn", "1000000000"),
        ("24.20", "0.01"),
        ("450", "1"),
        ("1,600", "1"),
        ("two hundred", "100"),
        ("two hundred and five", "1"),
        ("two million", "1000000"),
        ("a dozen", "1"),
        ("half a million", "100000"),
        ("2½ million", "100000"),
        ("in 2021", "0"),
    ],
)
def test_step_is_the_size_of_the_last_stated_digit(text: str, step: str) -> None:
    assert only(text).step == Decimal(step)


@pytest.mark.parametrize(
    ("text", "bound"),
    [
        ("about 200", None),
        ("around 200", None),
        ("some 200", None),
        ("~200", None),
        ("approximately 200", None),
        ("close to 200", None),
        ("over 200", "over"),
        ("more than 200", "over"),
        ("at least $200", "over"),
        (">200", "over"),
        ("nearly 200", "under"),
        ("Almost 200", "under"),
        ("less than 200", "under"),
        ("up to 200", "under"),
        ("as many as 200", "under"),
    ],
)
def test_a_word_before_it_makes_a_figure_approximate(text: str, bound: str | None) -> None:
    figure = only(text)
    assert figure.approximate
    assert figure.bound == bound


@pytest.mark.parametrize(
    "text", ["200", "moreover 200", "about the 200", "200 or about", "exactly 200", "handsome 200"]
)
def test_a_figure_is_exact_where_no_such_word_stands_right_before_it(text: str) -> None:
    assert not only(text).approximate


@pytest.mark.parametrize(
    "text", ["one project", "One person died", "one million", "one percent", "one year", "at least one train", "$one"]
)
def test_one_is_a_number_before_a_scale_a_unit_or_a_noun(text: str) -> None:
    assert only(text).value in (1, 1_000_000)


@pytest.mark.parametrize(
    "text", ["one", "one of them", "the one man", "no one came", "one can", "one,", "this one song", "one-way"]
)
def test_one_is_no_number_as_a_pronoun(text: str) -> None:
    assert find_figures(text) == []


SUPPORTED = [
    ("13", "13"),
    ("13", "thirteen"),
    ("thirteen", "13"),
    ("24.2bn", "24,200 million"),
    ("$24.2 billion", "USD 24.20bn"),
    ("$24.2 billion", "24.2 billion US dollars"),
    ("$450 million", "nearly $450 million"),
    ("nearly $450 million", "$450 million"),
    ("nearly $450 million", "almost $450m"),
    ("about $24 billion", "$24.2 billion"),
    ("about $24 billion", "$23.5 billion"),
    ("about $24 billion", "about $24.2 billion"),
    ("over $24 billion", "$24.2 billion"),
    ("over $24 billion", "$24.9 billion"),
    ("more than 13 projects", "13 projects"),
    ("nearly $25 billion", "$24.6 billion"),
    ("about −5 percent", "-4.8 percent"),
    ("5 percent", "five per cent"),
    ("0.5 percent", "half a percent"),
    ("1,600 m2", "1 600 square metres"),
    ("a third", "one-third"),
    ("half", "a half"),
    ("2021", "5 July 2021"),
    ("July 2021", "2021-07-05"),
    ("July", "5 July 2021"),
    ("July 5", "5 July 2021"),
    ("5 July 2021", "July 5, 2021"),
    ("Q1 2022", "the first quarter of 2022"),
    ("Q1", "Q1 2022"),
    ("mid-2021", "the end of 2021"),
    ("5 percent", "5-7 percent"),
]

NOT_SUPPORTED = [
    ("13", "23"),
    ("24.2bn", "24.2m"),
    ("$3 billion", "$3 million"),
    ("$24.2 billion", "about $24 billion"),
    ("$24 billion", "$24.2 billion"),
    ("$24.2 billion", "$24 billion"),
    ("about $24 billion", "$24.6 billion"),
    ("about $24.2 billion", "$24 billion"),
    ("about $24 billion", "$24.2 million"),
    ("over $24 billion", "$23.9 billion"),
    ("over $24 billion", "$25 billion"),
    ("nearly $25 billion", "$25.1 billion"),
    ("nearly $25 billion", "$24.2 billion"),
    ("over $450 million", "nearly $450 million"),
    ("$24.2 billion", "€24.2 billion"),
    ("$24.2 billion", "24.2 billion"),
    ("24.2 billion", "$24.2 billion"),
    ("4.5 percent", "-4.5 percent"),
    ("about 4.5 percent", "-4.5 percent"),
    ("5 percent", "5 percentage points"),
    ("5 percent", "5"),
    ("5", "5 percent"),
    ("13 projects", "13 years"),
    ("1,600 square metres", "1,600 square kilometres"),
    ("a third", "two thirds"),
    ("half", "a third"),
    ("2021", "2022"),
    ("5 July 2021", "2021"),
    ("July 2021", "June 2021"),
    ("5 July 2021", "5 July 2022"),
    ("5 July 2021", "July 2021"),
    ("Q1 2022", "Q2 2022"),
    ("Q1 2022", "2022"),
    ("H1 2022", "Q1 2022"),
    ("2021", "2,021"),
    ("the 1990s", "1990"),
]


@pytest.mark.parametrize(("claim", "record"), SUPPORTED)
def test_a_figure_is_supported_by_the_same_figure_said_otherwise(claim: str, record: str) -> None:
    assert missing_figures(claim, record) == []


@pytest.mark.parametrize(("claim", "record"), NOT_SUPPORTED)
def test_a_figure_is_not_supported_by_another(claim: str, record: str) -> None:
    assert missing_figures(claim, record) == find_figures(claim) != []


def test_billion_is_never_million() -> None:
    for billion in ("24.2bn", "24.2 billion", "$24.2bn", "24.2 bln"):
        for million in ("24.2m", "24.2 million", "$24.2m", "24.2 mln"):
            assert missing_figures(billion, million)
            assert missing_figures(million, billion)


def test_missing_figures_names_only_what_is_not_on_record() -> None:
    record = "Trade in 2021 grew by almost a third and reached $24.2 billion."
    claim = "In 2021 trade reached $42.2 billion, a third more, the ministry said on 5 July 2022 [1]."
    assert [figure.text for figure in missing_figures(claim, record)] == ["$42.2 billion", "5 July 2022"]


def test_a_text_without_figures_misses_none() -> None:
    assert missing_figures("Trade grew.", "") == []
    assert missing_figures("", "Trade grew by 5 percent.") == []


HOSTILE = [
    "1" * 100_000,
    "1," * 50_000,
    "1,111," * 16_000,
    "1." * 50_000,
    "111 " * 25_000,
    "1-" * 50_000,
    "1 to " * 20_000,
    "one " * 25_000,
    "two hundred and " * 6_000,
    "five million " * 8_000,
    "half a " * 14_000,
    "a third " * 12_000,
    "$" * 100_000,
    "-" * 100_000,
    " " * 100_000,
    "[1," * 33_000,
    "May " * 25_000,
    "January " * 12_500,
    "first quarter " * 7_000,
    "https://" * 12_500,
]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: text[:12].strip() or "blank")
def test_hostile_text_of_100_000_characters_is_read_to_its_end(text: str) -> None:
    figures = find_figures(text)
    assert all(text[figure.start : figure.end] == figure.text for figure in figures)
    assert [figure.text for figure in find_figures(f"{text}\n\nand $5m")][-1] == "$5m" or "https" in text


WORDS = st.sampled_from(
    """one two twenty twenty-three hundred thousand million bn m k % percent per cent percentage points $ US$ € USD
    tenge 1 13 24.2 1,600 2021 2022-07-05 5 July May January Q1 H2 first quarter half third thirds a an and to
    between about over nearly - – − minus , . ( ) [1] km m2 years COVID-19 won 1990s ½ of the in""".split()
)
PIECED = st.lists(st.tuples(WORDS, st.sampled_from(["", " ", " ", "-", "\n", "\u00a0"])), max_size=25)


@settings(deadline=None)
@given(PIECED.map(lambda pieces: "".join(word + gap for word, gap in pieces)) | st.text(max_size=60))
@example("bıllion 5 bıllion ſix 5K ﬁve")
@example("5\u00a0000\u00a0000,5 ½ 1½½ 2021½")
def test_any_figure_found_stands_where_it_says_overlaps_none_and_supports_itself(text: str) -> None:
    figures = find_figures(text)
    assert all(text[figure.start : figure.end] == figure.text != "" for figure in figures)
    assert all(before.end <= after.start for before, after in pairwise(figures))
    assert all(same_figure(figure, figure) for figure in figures)
    assert missing_figures(text, text) == []


@settings(deadline=None)
@given(PIECED.map(lambda pieces: "".join(word + gap for word, gap in pieces)))
def test_any_figure_has_the_fields_of_its_kind(text: str) -> None:
    for figure in find_figures(text):
        if figure.kind == "date":
            assert figure.value is None
            assert any((figure.year, figure.part, figure.month))
        else:
            assert figure.value is not None
            assert figure.value.is_finite()
            assert figure.step > 0
            assert not any((figure.year, figure.part, figure.month, figure.day))


@settings(deadline=None)
@given(st.integers(0, 10**12), st.sampled_from(["{:d}", "{:,d}", "{:,d}.0", "${:,d}", "about {:d} people"]))
def test_any_whole_number_is_read_with_and_without_separators(number: int, form: str) -> None:
    if 1000 <= number <= 2199:
        number += 10_000
    assert only(form.format(number)).value == number


@settings(deadline=None)
@given(
    st.decimals(0, 999, places=1), st.sampled_from([("bn", 10**9), ("m", 10**6), (" thousand", 1000), ("tn", 10**12)])
)
def test_any_scaled_number_is_its_product(number: Decimal, scale: tuple[str, int]) -> None:
    figure = only(f"${number}{scale[0]}")
    assert figure.value == number * scale[1]
    assert figure.step == Decimal("0.1") * scale[1]


ONES = ["", *"one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen".split()]
ONES += ["seventeen", "eighteen", "nineteen"]
TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()


def spelled(number: int) -> str:
    for size, name in ((10**9, "billion"), (10**6, "million"), (1000, "thousand"), (100, "hundred")):
        if number >= size:
            return f"{spelled(number // size)} {name} {spelled(number % size)}".strip()
    if number < 20:
        return ONES[number]
    return f"{TENS[number // 10 - 2]}-{ONES[number % 10]}".strip("-")


@settings(deadline=None)
@given(st.integers(2, 10**12 - 1))
def test_any_spelled_number_is_the_number_in_digits(number: int) -> None:
    assert only(spelled(number)).value == number
    assert missing_figures(spelled(number), f"{number:,} trains") == [] or 1000 <= number <= 2199


def test_importing_figures_compiles_no_pattern() -> None:
    code = "import re, qa.figures as f; assert f._compiled.cache_info().currsize == 0"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
