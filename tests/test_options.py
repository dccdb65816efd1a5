from __future__ import annotations

import io
import sys
from datetime import date
from types import SimpleNamespace

import pytest
import typer

from qa import options
from qa.cli import app
from qa.errors import UsageError
from qa.gold_forms import FORMATS
from qa.options import parse_fields, parse_first_day, parse_last_day, parse_published, read_question
from qa.run_options import RunOptions
from qa.systems import SYSTEMS


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2021-05-03", date(2021, 5, 3), date(2021, 5, 3)),
        ("2021-05", date(2021, 5, 1), date(2021, 5, 31)),
        ("2021", date(2021, 1, 1), date(2021, 12, 31)),
        ("2024-02", date(2024, 2, 1), date(2024, 2, 29)),
        ("2023-02", date(2023, 2, 1), date(2023, 2, 28)),
        (" 2021-05-03 ", date(2021, 5, 3), date(2021, 5, 3)),
        ("0001", date(1, 1, 1), date(1, 12, 31)),
        ("9999-12", date(9999, 12, 1), date(9999, 12, 31)),
    ],
)
def test_a_date_is_the_first_or_the_last_day_of_what_it_names(text, first, last):
    assert (parse_first_day(text), parse_last_day(text)) == (first, last)


@pytest.mark.parametrize("parse", [parse_first_day, parse_last_day])
@pytest.mark.parametrize(
    "text", ["2021-13", "2021-00", "2021-02-30", "2023-02-29", "2021-05-32", "2021-05-00", "0000", "0000-01"]
)
def test_a_day_that_is_in_no_calendar_is_refused(parse, text):
    with pytest.raises(UsageError, match=f"no day {text} in the calendar"):
        parse(text)


@pytest.mark.parametrize("parse", [parse_first_day, parse_last_day])
@pytest.mark.parametrize(
    "text", ["", "yesterday", "5 July 2022", "2021/05/03", "21", "2021-5", "20210503", "2021-05-03T10"]
)
def test_what_is_no_iso_date_is_refused_with_an_example(parse, text):
    with pytest.raises(UsageError, match="Write it like 2021-05-03, 2021-05 or 2021"):
        parse(text)


@pytest.mark.parametrize("text", ["2022-07-05", "5 July 2022", "July 5, 2022"])
def test_the_day_of_publication_may_be_written_in_words(text):
    assert parse_published(text) == date(2022, 7, 5)


@pytest.mark.parametrize("text", ["2022", "July 2022", "soon", "x" * 5000])
def test_a_day_of_publication_that_is_not_full_is_refused_in_a_short_line(text):
    with pytest.raises(UsageError, match="is no full date") as caught:
        parse_published(text)
    assert len(str(caught.value)) < 120


def test_fields_are_mapped_by_name():
    assert parse_fields(["text=body", " title = Head = line "]) == {"text": "body", "title": "Head = line"}


@pytest.mark.parametrize("pair", ["", "text", "=body", "text=", " = "])
def test_a_mapping_without_both_names_is_refused(pair):
    with pytest.raises(UsageError, match="--map wants ours=theirs"):
        parse_fields([pair])


def test_a_question_may_come_from_standard_input(monkeypatch):
    raw = "What was 2021\ntrade — turnover?\n".encode()
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(raw)))
    assert read_question("-") == "What was 2021 trade — turnover?"


def test_bytes_that_are_not_text_do_not_break_a_question(monkeypatch):
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b"What \xff\xfe?")))
    assert read_question("-") == "What \ufffd\ufffd?"
    assert read_question("What \udcff?") == "What \ufffd?"


@pytest.mark.parametrize("stdin", [None, SimpleNamespace(buffer=io.BytesIO(b" \n"))])
def test_no_question_on_standard_input_is_an_empty_one(monkeypatch, stdin):
    monkeypatch.setattr(sys, "stdin", stdin)
    with pytest.raises(UsageError, match="The question is empty"):
        read_question("-")


def test_a_question_without_end_on_standard_input_is_not_read_to_its_end(monkeypatch):
    endless = io.BytesIO(b"why " * 1_000_000)
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=endless))
    with pytest.raises(UsageError, match="characters; at most 2,000 are read"):
        read_question("-")
    assert endless.tell() == 1_000_000


# the options of `qa eval`


def eval_parameters(command: str) -> dict[str, typer.core.TyperOption]:
    commands = typer.main.get_command(app).commands["eval"].commands  # type: ignore[attr-defined]
    return {parameter.name: parameter for parameter in commands[command].params}


def test_the_help_names_what_can_be_chosen():
    assert all(name in eval_parameters("run")["system"].help for name in SYSTEMS)
    assert all(name in eval_parameters("import")["form"].help for name in FORMATS)


def test_a_command_without_options_runs_what_a_program_runs_without_options():
    parameters, defaults = eval_parameters("run"), RunOptions()
    same = {"repeat": "repeats", "max_cost": "max_cost_usd", "case": "cases", "tag": "tags", "split": "splits"}
    alike = ("system", "limit", "seed", "concurrency", "max_seconds", "max_tokens", "fresh", *same)
    chosen = {name: parameters[name].default for name in alike}
    assert {name: value or None for name, value in chosen.items()} == {
        name: getattr(defaults, same.get(name, name)) or None for name in alike
    }


@pytest.mark.parametrize(
    ("option", "field"),
    [
        (options.RepeatOption, "repeats"),
        (options.CasesLimitOption, "limit"),
        (options.ConcurrencyOption, "concurrency"),
        (options.MaxSecondsOption, "max_seconds"),
        (options.MaxTokensOption, "max_tokens"),
        (options.MaxCostOption, "max_cost_usd"),
    ],
)
def test_the_lowest_number_of_an_option_is_one_that_a_run_takes(option, field):
    (described,) = option.__metadata__
    assert getattr(RunOptions(**{field: described.min}), field) == described.min
    with pytest.raises(UsageError, match=f"{field} must be at least"):
        RunOptions(**{field: -1})
