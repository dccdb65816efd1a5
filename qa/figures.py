"""Numbers, money, percentages and dates in English text: find, normalise, compare.

A figure is: digits ("1,600", "1 600", "24.2", "2½") or number words ("thirteen", "a million", "one and a half")
with the scale ("24.2bn", "$3k"), currency (symbol or ISO code on either side, word after), percent, percentage
points or measure ("square metres", "-year-old") that goes with them; a fraction in words (unit "fraction"); a
year, month, day, quarter or half-year. A range ("5-7 percent", "July 4-7") is two, sharing what is said once.

No figure is: digits glued to letters ("G20", "COVID-19", "4th", "10x"; but "Boeing 737" is 737), an ordinal,
"1.2.3", one of over 32 characters, a web address, a citation marker ("[1]"), a vague amount ("several million",
"dozens", "twice"), a year in words, a week day, a relative date; and "fell by" gives no sign. "One" counts before a
scale, unit or word that may be a noun ("one project"), unless a word like "the" precedes or one like "of" follows;
"a third" where "of", "more" or a mark follows or "by", "almost" or the like precedes.

Read one way though ambiguous: "1.600" is 1.6, "1.600.000" is 1600000, "3,4" is 3.4; glued m is a million, "5 m"
five metres, "$5 m" a sum; four bare digits 1000-2199 are a year ("2000 people" too), "1990s" is 1990 with unit
"decade"; "$" is USD, "¥" JPY, "pounds" GBP; "May" alone is a month when capitalised beside another month or a word
like "in"; "mid-2021" and "end of 2021" are the year; 10:30 and 5/7/2022 are separate numbers.

The comparison rule. A figure on record supports a claimed one when kind and unit are the same (None is a unit) and
- of amounts, the values are equal, sign included, and not one "over" and the other "under"; or the claim is
  approximate and the record within its stated precision: at most half a step away ("about $24 billion" by 24.2),
  less than a step above after "over", at most half a step below after "nearly"; zeros at the end of a whole number
  state nothing, but then no more than 5 % counts as half a step ("about 240,000" by 238,000, "about 100" not by 110);
- of dates, every field that the claim names is equal ("2021" by "5 July 2021", not the reverse).
What the record says approximately counts as if exact ("$450 million" by "nearly $450 million"), but the coarser never
supports the finer ("$24.2 billion" by "about $24 billion").
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache, lru_cache
from typing import Literal

from qa.units import CURRENCIES, MEASURES, SYMBOLS, UNITS

Kind = Literal["number", "money", "percent", "date"]
Bound = Literal["over", "under"]


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure as written, `text == whole[start:end]` in code points, and what it means.

    `value` is signed and in full ("24.2bn" is 24200000000), None for a date. `unit` is an ISO 4217 code,
    "percent", "percentage points", a measure ("m2", "year"), "fraction", "decade" or None. `step` is the size
    of the last stated digit, in full ("24.2bn": 100000000), 0 for a date. `approximate` tells of "about", "over"
    or the like directly before, `bound` on which side the value then lies. `part` is Q1..Q4, H1 or H2.
    """

    text: str
    start: int
    end: int
    kind: Kind
    value: Decimal | None = None
    unit: str | None = None
    step: Decimal = Decimal(0)
    approximate: bool = False
    bound: Bound | None = None
    year: int | None = None
    part: str | None = None
    month: int | None = None
    day: int | None = None


@dataclass(frozen=True, slots=True)
class _Amount:
    """An amount being read: `number` and `step` as stated, before the scale; `year` where it may be one."""

    match: re.Match[str]
    number: Decimal
    step: Decimal
    scale: Decimal
    unit: str | None
    year: int | None


_ONES = "one two three four five six seven eight nine".split()
_TEENS = "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split()
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
_WORD_VALUES = {word: Decimal(n) for n, word in enumerate(["zero", *_ONES, *_TEENS])}
_WORD_VALUES |= {word: Decimal(10 * n) for n, word in enumerate(_TENS, start=2)}
_WORD_VALUES |= {"half": Decimal("0.5"), "quarter": Decimal("0.25")}
_STEPS = {"half": Decimal("0.1"), "quarter": Decimal("0.01")}  # of the words that state less than one
_DIVISORS = dict(zip("half third quarter fifth sixth seventh eighth ninth tenth".split(), range(2, 11), strict=True))
_SCALE_WORDS = {"dozen": 12, "thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_SCALE_MARKS = {"hundred": 100, "mn": 10**6, "mln": 10**6, "bn": 10**9, "bln": 10**9, "tn": 10**12, "trn": 10**12}
_SCALE_LETTERS = {"k": 10**3, "m": 10**6, "b": 10**9, "t": 10**12}
_SCALES = {word: Decimal(n) for word, n in (_SCALE_WORDS | _SCALE_MARKS | _SCALE_LETTERS).items()}
_PERCENTS = ("percent", "percentage points")
_MONTHS = "January February March April May June July August September October November December".split()
_MONTH_OF = {key: n for n, name in enumerate(_MONTHS, start=1) for key in (name[:3], f"{n:02}")}
_NTH = {"first": 1, "1st": 1, "second": 2, "2nd": 2, "third": 3, "3rd": 3, "fourth": 4, "4th": 4}
_OVER = "over|more than|above|at least|upwards of|>|≥".split("|")
_UNDER = "nearly|almost|less than|fewer than|under|below|up to|at most|as much as|as many as|<|≤".split("|")
_ABOUT = "about|around|approximately|approx.|roughly|close to|some|circa|ca.|~|≈".split("|")
_DETERMINERS = "the this that no any every each which another neither either only some not number".split()
_NO_NOUNS = """of in on at by to for from with as and or but is was are were be been has had have can could would should
    will may might must who whom whose that which where when if than then another more less thing such after""".split()


def find_figures(text: str) -> list[Figure]:
    """Every figure of `text`, in order and never overlapping; the module's docstring says what counts."""
    figures: list[Figure] = []
    at = 0
    while start := _compiled(_START).search(text, at):
        found, at = _read_at(text, start)
        figures.extend(found)
    return figures


@lru_cache(maxsize=8192)
def read_figures(sentence: str) -> tuple[Figure, ...]:
    """The figures of a sentence, kept for the next time that it is read."""
    return tuple(find_figures(sentence))


def same_figure(claim: Figure, record: Figure) -> bool:
    """Whether `record` supports `claim` by the comparison rule in the module's docstring; not symmetric."""
    if claim.kind != record.kind or claim.unit != record.unit:
        return False
    if claim.kind == "date":
        return all(getattr(claim, name) in (None, getattr(record, name)) for name in ("year", "part", "month", "day"))
    return _same_value(claim, record)


def missing_figures(claim: str, record: str) -> list[Figure]:
    """The figures of the text `claim` that no figure of the text `record` supports, in order."""
    on_record = find_figures(record)
    return [figure for figure in find_figures(claim) if not any(same_figure(figure, known) for known in on_record)]


def _same_value(claim: Figure, record: Figure) -> bool:
    if claim.value is None or record.value is None:
        return False
    if claim.value == record.value:
        return claim.bound is None or record.bound in (None, claim.bound)
    if not claim.approximate or (claim.value < 0) != (record.value < 0):
        return False
    above = (abs(record.value) - abs(claim.value)) / _rounded_step(claim)
    if claim.bound == "over":
        return 0 <= above < 1
    return Decimal("-0.5") <= above <= (0 if claim.bound == "under" else Decimal("0.5"))


def _rounded_step(claim: Figure) -> Decimal:
    """The step of an approximate amount, larger where it is a whole number that ends in zeros."""
    value, zeros = abs(claim.value or Decimal(0)), claim.step
    while value and "." not in claim.text and value % (10 * zeros) == 0:
        zeros *= 10
    return max(claim.step, min(zeros, value / 10))


# Patterns. Every repetition is bounded or possessive, so that hostile input costs linear time.


def _any(forms: Iterable[str]) -> str:
    """A pattern of any of these forms, longest first; a space in one may be a hyphen in the text."""
    return "|".join(re.escape(form).replace(r"\ ", r"[\s-]") for form in sorted(forms, key=len, reverse=True))


_SMALL = rf"(?:(?:{_any(_TENS)})\b(?:[\s-](?:{_any(_ONES)})\b)?|(?:zero|{_any(_TEENS + _ONES)})\b)"
_HUNDREDS = rf"(?:[\s-]hundred\b(?:(?:\sand)?[\s-]{_SMALL}(?![\s-]hundred\b))?)?"
_SCALED = rf"[\s-](?:{_any(_SCALE_WORDS)})\b"
_GROUPS = rf"(?:{_SMALL}|an?(?=[\s-]hundred\b|{_SCALED})){_HUNDREDS}(?:{_SCALED}(?:[\s-]{_SMALL}{_HUNDREDS})?){{0,4}}"
_HALF = rf"(?:{_SMALL}|\d{{1,3}})[\s-]and[\s-]a[\s-](?:half|quarter)\b"
_DIGITS = r"\d{1,3}(?:[ \u00a0\u2009\u202f]\d{3}(?!\d)){1,6}+(?:[.,]\d++)?|\.?\d++(?:[.,]\d++)*+[¼½¾]?|[¼½¾]"
_SYMBOL, _CODE, _COINS = _any(SYMBOLS), _any(CURRENCIES), _any("|".join(CURRENCIES.values()).split("|"))
_MONEY = rf"(?:\s?(?:{_SYMBOL}|(?:{_CODE})\b)(?!\s?\d)|(?<=illion)\swon\b|[\s-](?ai:(?:{_COINS})s?)\b)"
_FORMS = "|".join(MEASURES.values()).replace("|m|", "|").split("|")
_YEAR_END = r"(?<=[12]\d\d\d)\s(?ai:year|quarter|month|week|day|hour|second)(?!s)"  # "2021 year-end" is no length
_MEASURE = rf"(?!{_YEAR_END})(?:(?ai:[\s-]?(?:{_any(_FORMS)})(?:(?<=\w{{3}})e?s)?)|\sm)(?![^\W_])"
_SCALE = rf"[\s-]?(?ai:(?:{_any(_SCALE_WORDS | _SCALE_MARKS)})\b)|(?(before)\s?(?ai:[kmbt])|(?ai:[kmb]))(?!\w)"
_QUANTITY = rf"""
    (?P<sign>(?<![\w-])[-−](?=\S)|(?<!or\s)(?ai:minus)\s)?
    (?:(?P<before>{_SYMBOL}|(?:{_CODE})(?=\s?\d))\s?)?
    (?P<number>(?ai:{_HALF}) | {_DIGITS} | (?ai:{_GROUPS} | (?:a\s)?half(?:\san?)?(?={_SCALED}|{_MEASURE})))
    (?P<scale>{_SCALE})?
    (?P<unit>{_MONEY} | (?(before)(?!)|(?:{_MEASURE}|(?<=\d{{3}}0)s)))?
    (?![^\W_]|-(?ai:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth)\b)
"""
_LINK = r"(?P<dash>[-–/]|\s[-–]\s)|\s(?P<word>to|and)\s"
_FRACTION = rf"(?ai:(?:(?P<top>an?|{_SMALL})[\s-])?(?P<bottom>halve(?=s)|{_any(_DIVISORS)})(?P<many>s)?)\b(?!-\w)"
_AFTER = rf"(?![\w%]|[.,:/]\d|\s%|[\s-](?ai:percent|per\scent|{_any(_SCALE_WORDS | _SCALE_MARKS)})\b)"
_YEAR = rf"(?P<year>(?:1\d|2[01])\d\d){_AFTER}"
_DAY = rf"(?:3[01]|[12]\d|0?[1-9])(?:st|nd|rd|th)?{_AFTER}"
_DAYS = rf"(?P<day>{_DAY})(?:\s?(?:[-–]|\bto\b)\s?(?P<last>{_DAY}))?"
_MONTH = rf"(?P<month>{'|'.join(_MONTHS)}|(?:Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept|Sep|Oct|Nov|Dec)\b\.?)(?!\w)"
_MONTH_FIRST = rf"{_MONTH}(?:\s{_DAYS}(?!\s(?:{'|'.join(_MONTHS)})))?(?:,?\s(?:of\s)?{_YEAR})?"
_DAY_FIRST = rf"{_DAYS}(?:\sof)?[\s-]{_MONTH}(?:,?\s{_YEAR})?"
_ISO_DATE = r"(?P<year>\d{4})-(?P<month>0[1-9]|1[0-2])-(?P<day>0[1-9]|[12]\d|3[01])(?!\d)"
_PART = rf"(?P<part>Q[1-4]|H[12])(?!\w)|(?ai:(?P<nth>{_any(_NTH)})[\s-](?P<span>quarter|half)\b)"
_PERIOD = rf"(?:{_PART})(?:(?:\sof)?(?:\sthe\syear)?,?\s{_YEAR})?"
_NO_FIGURE = r"\[\d+(?:\s?[,;–-]\s?\d+)*\] | (?ai:https?://|www\.)\S+"
_PREFIXED = "|".join(rf"(?<=(?ai:{word})-)" for word in "mid end pre post late early to of by top".split())
_START = rf"""
    (?<!\w)(?:\[ | (?ai:https?://|www\.) | [QH][1-4](?!\w) | (?:{_CODE})(?=\s?\d) | {_MONTH}
      | (?ai:(?:{_SMALL}|half|minus|an?(?=[\s-](?:hundred|{_any([*_SCALE_WORDS, *_DIVISORS])}))
            |(?:{_any(_NTH)})(?=[\s-](?:quarter|half)))(?!\w))
      | (?<!-)[-−](?=\.?\d|{_SYMBOL}) | (?:{_SYMBOL})(?=\s?[\w.])
      | (?:(?<![^\W\d_][-‐‑])|{_PREFIXED})(?<!\d[.,])\.?[\d¼½¾])
"""
_QUALIFIER = rf"(?<!\w)(?ai:(?P<over>{_any(_OVER)})|(?P<under>{_any(_UNDER)})|{_any(_ABOUT)})\s?$"
_BETWEEN, _DETERMINED = r"(?<!\w)(?ai:between)\s$", rf"(?<!\w)(?ai:{_any(_DETERMINERS)})\s$"
_NOUN = rf"\s(?!(?:{_any(_NO_NOUNS)})\b)[^\W\d_]"
_SHARE_BEFORE = r"(?<!\w)(?ai:by|to|than|just|only)\s$"
_SHARE_AFTER = r"\s(?:of|more|less|higher|lower|fewer|larger|bigger|smaller)\b|\s?[^\w\s'’-]|\s*$"
_BEFORE_MONTH = r"(?<!\w)(?ai:in|to|for|since|between|until|till|of|from|by|through|last|this|next|early|late|mid)[\s-]"
_MAY_BEFORE = rf"(?:{_BEFORE_MONTH}|{_MONTH}(?:,|\s?[-–]|\s(?:to|and|or|through))\s?)$"
_MAY_AFTER = rf"(?:,|\s?[-–]|\s(?:to|and|or|through|until))\s?{_MONTH}"


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """Compile once and at first use: importing this module must stay cheap."""
    return re.compile(pattern, re.VERBOSE)


def _precedes(pattern: str, text: str, start: int) -> re.Match[str] | None:
    """A match of a pattern that ends in `$` right before offset `start`."""
    return _compiled(pattern).search(text[max(0, start - 24) : start])


def _read_at(text: str, start: re.Match[str]) -> tuple[list[Figure], int]:
    """The figures that begin where `start` does, and the offset from which to read on."""
    for pattern, reader in _READERS:
        match = _compiled(pattern).match(text, start.start())
        found = reader(match) if match else None
        if match and found is not None:
            return found, found[-1].end if found else match.end()
    return [], start.end()


# Readers give the figures in a match, an empty list where it holds none, None where it is another reader's.
def _read_quantity(match: re.Match[str]) -> list[Figure]:
    """An amount or a bare year, or both ends of a range of them."""
    text, first = match.string, _parse_amount(match)
    if first is None:
        return []
    link = _compiled(_LINK).match(text, match.end())
    end = _compiled(_QUANTITY).match(text, link.end()) if link else None
    second = _parse_amount(end) if end else None
    if not link or not second or (link["word"] == "and" and not _precedes(_BETWEEN, text, match.start())):
        return [_make_amount(first)]
    return [_make_amount(amount) for amount in _share(first, second, dash=link["dash"] is not None)]


def _parse_amount(match: re.Match[str]) -> _Amount | None:
    """The amount in a match of `_QUANTITY`; None where it is no readable number."""
    written = match["number"]
    number = _read_words(written) if re.search(r"[A-Za-z]", written) else _read_digits(written)
    if number is None or (match[0].lower() == "one" and not _is_count(match)):
        return None
    value, step = number
    scale = _SCALES[_key(match["scale"])] if match["scale"] else Decimal(1)
    bare = match[0] == written and len(written) == 4 and written.isdecimal() and 1000 <= value < 2200
    unit = _read_unit(match["before"] or match["unit"] or "")
    return _Amount(match, -value if match["sign"] else value, step, scale, unit, int(value) if bare else None)


def _read_digits(written: str) -> tuple[Decimal, Decimal] | None:
    """Value and step of digits with separators; None where they are no one number ("1.2.3")."""
    if len(written) > 32:
        return None
    digits = re.sub(r"\s", "", written).translate({ord("¼"): ".25", ord("½"): ".5", ord("¾"): ".75"})
    if re.fullmatch(r"\d{1,3}(,\d{2,3})*,\d{3}(\.\d+)?", digits):
        digits = digits.replace(",", "")
    elif re.fullmatch(r"\d{1,3}(\.\d{3}){2,}|\d+(\.\d{3})*,\d{1,2}", digits):
        digits = digits.replace(".", "").replace(",", ".")
    if not re.fullmatch(r"\d*\.?\d+", digits):
        return None
    return Decimal(digits), Decimal(1).scaleb(-len(digits.partition(".")[2]))


def _read_words(written: str) -> tuple[Decimal, Decimal]:
    """Value and step of number words: "two hundred and five" is 205 by 1, "two hundred" 200 by 100."""
    total, group, step = Decimal(0), Decimal(0), Decimal(1)
    for word in _key(written).split():
        if word in _WORD_VALUES or word.isdecimal():
            number = Decimal(word) if word.isdecimal() else _WORD_VALUES[word]
            group, step = group + number, _STEPS.get(word, Decimal(1))
        elif word == "hundred":
            group, step = (group or Decimal(1)) * 100, Decimal(100)
        elif word in _SCALES:
            total, group = total + (group or Decimal(1)) * _SCALES[word], Decimal(0)
            step *= 1 if word == "dozen" else _SCALES[word]
    return total + group, step


def _key(written: str) -> str:
    return re.sub(r"[\s-]+", " ", written).strip().lower()


def _read_unit(written: str) -> str | None:
    """The unit that these words stand for, plural or not."""
    forms = (_key(written).removesuffix(ending) for ending in ("", "s", "es"))
    return next((UNITS[form] for form in forms if form in UNITS), None)


def _is_count(one: re.Match[str]) -> bool:
    """Whether a lone "one" counts something, as far as its neighbours tell."""
    determined = _precedes(_DETERMINED, one.string, one.start())
    return not determined and _compiled(_NOUN).match(one.string, one.end()) is not None


def _share(first: _Amount, second: _Amount, *, dash: bool) -> list[_Amount]:
    """The two ends of a range, each with the scale and the unit that are said only once."""
    rising = first.number < second.number
    if first.year and dash and re.fullmatch(r"\d\d", second.match[0]) and first.year % 100 < second.number:
        return [first, replace(second, year=first.year // 100 * 100 + int(second.number))]
    if first.year or (dash and not rising):
        return [first, second]
    unit = first.unit or second.unit
    if second.unit is None and unit in CURRENCIES and (dash or second.scale > 1):
        second = replace(second, unit=unit)
    shared = rising and first.scale == 1 and second.unit == unit
    return [replace(first, unit=unit, scale=second.scale if shared else first.scale), second]


def _make_amount(amount: _Amount) -> Figure:
    """An amount as a figure, or as a date where it is a bare year."""
    match, unit, year = amount.match, amount.unit, amount.year
    if year:
        return Figure(match[0], *match.span(), "date", year=year)
    kind: Kind = "money" if unit in CURRENCIES else "percent" if unit in _PERCENTS else "number"
    near = _precedes(_QUALIFIER, match.string, match.start())
    bound: Bound | None = None if not near else "over" if near["over"] else "under" if near["under"] else None
    value, step = amount.number * amount.scale, amount.step * amount.scale
    return Figure(match[0], *match.span(), kind, value, unit, step, near is not None, bound)


def _read_fraction(match: re.Match[str]) -> list[Figure] | None:
    """A share in words, unless it is an ordinal ("a third man") or part of an amount ("half a million")."""
    top, bottom = (match["top"] or "a").lower(), match["bottom"].lower()
    several = top not in ("a", "an", "one")
    if several != bool(match["many"]) or not (several or _is_share(match)):
        return None
    value = (_read_words(top)[0] or Decimal(1)) / _DIVISORS[bottom.replace("halve", "half")]
    return [_make_amount(_Amount(match, value, _STEPS["quarter"], Decimal(1), "fraction", None))]


def _is_share(match: re.Match[str]) -> bool:
    text, start = match.string, match.start()
    if match["bottom"].lower() == "half":
        return _compiled(_QUANTITY).match(text, match.start("bottom")) is None
    before = _precedes(_SHARE_BEFORE, text, start) or _precedes(_QUALIFIER, text, start)
    return text[match.start("bottom") - 1] == "-" or bool(before or _compiled(_SHARE_AFTER).match(text, match.end()))


def _read_date(match: re.Match[str]) -> list[Figure] | None:
    """A month with its day, or two days of it, and its year as far as they are stated."""
    fields = match.groupdict()
    if not (fields["day"] or fields["year"] or _is_month(match)):
        return None
    if not fields.get("last"):
        return [_make_date(match, match.span(), fields["day"])]
    spans = (match.start(), match.end("day")), (match.start("last"), match.end())
    return [_make_date(match, span, fields[name]) for span, name in zip(spans, ("day", "last"), strict=True)]


def _make_date(match: re.Match[str], span: tuple[int, int], written_day: str | None) -> Figure:
    year = int(match["year"]) if match["year"] else None
    day = int(re.sub(r"\D", "", written_day)) if written_day else None
    return Figure(match.string[slice(*span)], *span, "date", year=year, month=_MONTH_OF[match["month"][:3]], day=day)


def _is_month(match: re.Match[str]) -> bool:
    """Whether a month's name alone is a month: full, and not "May" where it may be a verb or a person."""
    name, text = match["month"], match.string
    beside = _precedes(_MAY_BEFORE, text, match.start()) or _compiled(_MAY_AFTER).match(text, match.end())
    return name in _MONTHS and (name != "May" or bool(beside))


def _read_period(match: re.Match[str]) -> list[Figure] | None:
    """A quarter or a half of a year."""
    part = match["part"] or f"{match['span'][0].upper()}{_NTH[match['nth'].lower()]}"
    if part in ("H3", "H4") or (match["part"] in ("H1", "H2") and not match["year"]):
        return None
    year = int(match["year"]) if match["year"] else None
    return [Figure(match[0], *match.span(), "date", year=year, part=part)]


_READERS: tuple[tuple[str, Callable[[re.Match[str]], list[Figure] | None]], ...] = (
    (_NO_FIGURE, lambda _: []), (_ISO_DATE, _read_date), (_DAY_FIRST, _read_date), (_MONTH_FIRST, _read_date),
    (_PERIOD, _read_period), (_FRACTION, _read_fraction), (_QUANTITY, _read_quantity),
)  # fmt: skip
