from __future__ import annotations

import io
from datetime import date

import pytest

from qa.answer_form import Answer, Searched, make_abstention
from qa.archive_reports import AddReport, Status
from qa.articles import Article, Filters, Passage, hash_text, make_quote
from qa.errors import UsageError
from qa.ground import Citation, Problem, Statement
from qa.layout import (
    explain_choice,
    find_place,
    hit_dict,
    lay_out_answer,
    lay_out_article,
    lay_out_hits,
    list_rows,
    status_rows,
    summarise_changes,
    warn_of_languages,
)
from qa.models import Usage
from qa.retrieve import Hit
from qa.terminal import Screen
from qa.window import Window
from qa.workspace import Workspace

TEXT = "Trade grew. At the end of 2021 trade stood at $24.2 billion, a record.\nIt fell later."
SENTENCE = "At the end of 2021 trade stood at $24.2 billion, a record."
START = TEXT.index(SENTENCE)


def make_article(name: str = "record", **details) -> Article:
    known = {"title": "Trade sets a record", "publisher": "sample archive", "published": date(2022, 7, 5)}
    text = details.pop("text", TEXT)
    source = f"index/articles/{name}.md"
    return Article(id=name, source=source, text=text, sha256=hash_text(text), first_line=9, **{**known, **details})


def cite(number: int = 1, article: Article | None = None, start: int = START, length: int = len(SENTENCE)) -> Citation:
    return Citation(number, make_quote(article or make_article(), start, start + length))


def state(text: str, whole: str, verdict: str = "supported", quotes=(0,), problems=(), citations=(1,)) -> Statement:
    start = whole.index(text)
    return Statement(text, start, start + len(text), citations, quotes, verdict, tuple(problems))


def make_answer(text: str = f"{SENTENCE} [1]", **given) -> Answer:
    known = {
        "question": "What was 2021 trade turnover?",
        "status": "answered",
        "text": text,
        "short": None,
        "short_span": None,
        "statements": (state(text, text),) if text.endswith("[1]") else (),
        "citations": (cite(),),
        "nearest": (),
        "notices": (),
        "searched": Searched(12, 24, Filters()),
        "mode": "extract",
        "model": None,
        "prompt": None,
        "usage": Usage(),
        "seconds": {"total": 0.31},
    }
    return Answer(**{**known, **given})


def plain(lines) -> str:
    stream = io.StringIO()
    Screen(stream).write(lines)
    return stream.getvalue()


def answer_text(**given) -> str:
    return plain(lay_out_answer(make_answer(**given)))


# answers


def test_an_answer_reads_as_in_the_readme():
    span = (SENTENCE.index("$"), SENTENCE.index(", a record"))
    assert answer_text(short="$24.2 billion", short_span=span) == (
        "$24.2 billion\n"
        "\n"
        "At the end of 2021 trade stood at $24.2 billion, a record. [1]\n"
        "\n"
        "[1] Trade sets a record · sample archive · 5 July 2022\n"
        "    “At the end of 2021 trade stood at $24.2 billion, a record.”\n"
        "    index/articles/record.md:9 · quote and figures checked\n"
        "\n"
        "0.3 s · no model · 12 articles searched\n"
    )


def test_as_what_a_question_of_several_parts_was_read_stands_above_the_last_line():
    searched = Searched(12, 24, Filters(), parts=("Who paid?", "How much?"))
    *_, blank, read_as, footer = list(lay_out_answer(make_answer(searched=searched)))
    assert blank.pieces == ()
    assert read_as.pieces == (("read as: Who paid? · How much?", "quiet"),)
    assert footer.pieces[0].text.startswith("0.3 s")


def test_an_answer_without_a_short_one_begins_with_its_sentence():
    assert answer_text().startswith(SENTENCE)


def test_the_span_that_answers_is_marked_in_the_first_quote_only():
    span = (SENTENCE.index("$"), SENTENCE.index(", a record"))
    answer = make_answer(short="$24.2 billion", short_span=span, citations=(cite(1), cite(2)))
    marked = [piece.text for line in lay_out_answer(answer) for piece in line.pieces if piece.style == "mark"]
    assert marked == ["$24.2 billion"]


def test_an_unsupported_sentence_is_marked_and_explained_in_one_line():
    text = "Trade stood at $42.2 billion in 2020. [1]"
    problems = [
        Problem("figure_not_in_quote", "$42.2 billion is not in the quote; it has $24.2 billion"),
        Problem("figure_not_in_quote", "2020 is not in the quote"),
    ]
    shown = answer_text(text=text, statements=(state(text, text, "unsupported", problems=problems),))
    assert shown.startswith(
        "✗ Trade stood at $42.2 billion in 2020. [1]\n"
        "✗ $42.2 billion is not in the quote; it has $24.2 billion; 2020 is not in the quote\n"
    )
    assert "record.md:9 · ✗ a figure is not in the quote\n" in shown
    assert "checked" not in shown


def test_of_several_sentences_the_reason_names_the_one_it_is_about():
    good, bad, loose = "Trade rose. [1]", "It was $42.2 billion in the year that went before. [1]", "All were glad."
    text = f"{good} {bad} {loose}"
    statements = (
        state(good, text),
        state(bad, text, "unsupported", problems=[Problem("figure_not_in_quote", "$42.2 billion is not there")]),
        state(loose, text, "uncited", quotes=(), problems=[Problem("no_citation", "no passage is named")]),
    )
    lines = answer_text(text=text, statements=statements).splitlines()
    assert lines[:3] == [
        f"{good} ✗ {bad} ? {loose}",
        "✗ “It was $42.2 billion in the year that…”: $42.2 billion is not there",
        "? “All were glad.”: no passage is named",
    ]


def test_a_quote_is_not_called_checked_when_one_of_its_sentences_failed():
    good, bad = "Trade rose. [1]", "It fell. [1]"
    text = f"{good} {bad}"
    problems = [Problem("words_not_in_quote", "the quote does not say this (missing: fell)")]
    shown = answer_text(text=text, statements=(state(good, text), state(bad, text, "unsupported", problems=problems)))
    assert "record.md:9 · ✗ the quote does not say this\n" in shown


def test_a_quote_that_no_sentence_rests_on_is_shown_without_a_claim():
    assert "record.md:9\n" in answer_text(statements=())


def test_lines_of_an_answer_stay_lines():
    first, second = "- Trade rose. [1]", "- It was a record. [1]"
    text = f"Two things:\n{first}\n\n{second}"
    shown = answer_text(text=text, statements=(state(first, text), state(second, text)))
    assert shown.startswith(f"Two things:\n{first}\n\n{second}\n")


def test_two_quotes_of_one_number_stand_under_one_heading():
    article = make_article()
    shown = answer_text(citations=(cite(1, article), cite(1, article, 0, 11), cite(2, make_article("other"))))
    assert shown.count("[1] Trade sets a record") == 1
    assert shown.index("“Trade grew.”") < shown.index("[2] Trade sets a record")


def test_a_heading_leaves_out_an_unknown_publisher_and_says_that_there_is_no_date():
    shown = answer_text(citations=(cite(1, make_article(publisher=None, published=None)),))
    assert "\n[1] Trade sets a record · no date\n" in shown


def test_a_quote_over_two_lines_is_shown_as_one_and_named_by_its_first():
    article = make_article(text="Head.\n\nTrade\n  rose fast.")
    shown = answer_text(citations=(cite(1, article, 7, 17),))
    assert "    “Trade rose fast”\n" in shown
    assert "record.md:11" in shown


def test_notices_are_shown_above_the_quotes():
    shown = answer_text(notices=("Answered without the model: no reply.", "The articles disagree."))
    assert f"{SENTENCE} [1]\nAnswered without the model: no reply.\nThe articles disagree.\n\n[1]" in shown


def test_an_abstention_says_what_is_missing_and_shows_what_is_closest():
    shown = answer_text(
        text="Not in these articles.",
        status="abstained",
        citations=(),
        nearest=(cite(1), cite(2, make_article("other"), 0, 11)),
        notices=("No passage speaks of 2020.",),
    )
    assert shown == (
        "Not in these articles.\n"
        "No passage speaks of 2020.\n"
        "\n"
        "Closest:\n"
        "[1] Trade sets a record · sample archive · 5 July 2022\n"
        "    “At the end of 2021 trade stood at $24.2 billion, a record.”\n"
        "    index/articles/record.md:9\n"
        "\n"
        "[2] Trade sets a record · sample archive · 5 July 2022\n"
        "    “Trade grew.”\n"
        "    index/articles/other.md:9\n"
        "\n"
        "0.3 s · no model · 12 articles searched\n"
    )


def test_an_abstention_with_nothing_close_has_no_heading_for_it():
    shown = answer_text(text="Not in these articles.", status="abstained", citations=())
    assert shown == "Not in these articles.\n\n0.3 s · no model · 12 articles searched\n"


@pytest.mark.parametrize(
    ("given", "footer"),
    [
        ({}, "0.3 s · no model · 12 articles searched"),
        ({"searched": Searched(1, 2, Filters())}, "0.3 s · no model · 1 article searched"),
        ({"searched": Searched(1828, 2, Filters())}, "0.3 s · no model · 1,828 articles searched"),
        ({"model": "gpt-5-mini"}, "0.3 s · gpt-5-mini · 12 articles searched"),
        (
            {"model": "tiny", "usage": Usage(1812, 45)},
            "0.3 s · tiny · 1,812 tokens in, 45 out · 12 articles searched",
        ),
        (
            {"model": "tiny", "usage": Usage(812, 45, 0.00123)},
            "0.3 s · tiny · 812 tokens in, 45 out · $0.0012 · 12 articles searched",
        ),
        (
            {"searched": Searched(3, 9, Filters(since=date(2021, 1, 1), until=date(2022, 7, 5), dated=True))},
            "0.3 s · no model · 3 articles searched (since 1 January 2021, until 5 July 2022, dated only)",
        ),
        (
            {"searched": Searched(3, 9, Filters(as_of=date(2022, 7, 5), publisher="BBC"))},
            "0.3 s · no model · 3 articles searched (as of 5 July 2022, publisher BBC)",
        ),
    ],
)
def test_the_footer_says_what_was_done(given, footer):
    assert answer_text(**given).splitlines()[-1] == footer


# passages and articles


def make_hit() -> Hit:
    return Hit(make_article(), Passage("record:0", "record", START, len(TEXT), TEXT[START:]), 0.0325)


def test_passages_are_numbered_with_their_place_and_the_id_to_show_them_by():
    assert plain(lay_out_hits([make_hit()])) == (
        "[1] Trade sets a record · sample archive · 5 July 2022\n"
        "    At the end of 2021 trade stood at $24.2 billion, a record. It fell later.\n"
        "    index/articles/record.md:9 · record\n"
        "\n"
        "1 passage\n"
    )


def test_no_passage_is_said_as_such():
    assert plain(lay_out_hits([])) == "0 passages\n"


def test_a_passage_as_data_has_score_offsets_and_its_article():
    found = hit_dict(make_hit())
    assert found["score"] == 0.0325
    assert found["passage"] == {"id": "record:0", "start": START, "end": len(TEXT), "text": TEXT[START:]}
    assert TEXT[found["passage"]["start"] : found["passage"]["end"]] == found["passage"]["text"]
    assert found["article"]["published"] == "2022-07-05"


def test_an_article_is_shown_with_what_is_known_and_its_lines():
    shown = plain(lay_out_article(make_article(author=None, language="en", url="https://example.org/a"), None))
    assert shown == (
        "Trade sets a record\n"
        "\n"
        "id         record\n"
        "publisher  sample archive\n"
        "published  5 July 2022\n"
        "url        https://example.org/a\n"
        "source     index/articles/record.md\n"
        "language   en\n"
        "\n"
        f"{TEXT}\n"
    )


def test_a_place_in_an_article_is_marked_to_the_end_of_its_sentence():
    article = make_article()
    place = find_place(article, START + 3)
    assert article.text[slice(*place)] == SENTENCE[3:]
    assert f"Trade grew. At ▶{SENTENCE[3:]}\n" in plain(lay_out_article(article, place))


def test_a_place_between_sentences_belongs_to_the_next_one():
    assert find_place(make_article(), START - 1) == (START - 1, START + len(SENTENCE))


def test_a_mark_over_a_line_break_stays_in_its_lines():
    lines = list(lay_out_article(make_article(text="One\ntwo."), (0, 8)))
    assert [[piece.text for piece in line.pieces if piece.style == "mark"] for line in lines[-2:]] == [
        ["▶One"],
        ["two."],
    ]


@pytest.mark.parametrize("offset", [-1, len(TEXT), 10**9])
def test_a_place_outside_the_text_is_refused(offset):
    with pytest.raises(UsageError, match=f"offset {offset} is not in it"):
        find_place(make_article(), offset)


def test_articles_are_listed_with_empty_cells_for_what_is_unknown():
    rows = list_rows([make_article(), make_article("other", publisher=None, published=None)])
    assert rows == [
        ("record", "2022-07-05", "sample archive", "Trade sets a record"),
        ("other", "", "", "Trade sets a record"),
    ]


# states and changes


def make_status(**given) -> Status:
    known = {
        "workspace": "/w",
        "articles": 1200,
        "passages": 2400,
        "vectors": 2400,
        "embedder": "mini",
        "model": None,
        "languages": {"en": 1190, "": 10},
        "store_bytes": 12_345_678,
    }
    return Status(**{**known, **given})


def test_the_status_says_what_there_is(tmp_path):
    rows = dict(status_rows(make_status(), Workspace(tmp_path, "found"), None))
    assert rows == {
        "workspace": "/w (the nearest from the current folder upwards)",
        "articles": "1,200",
        "passages": "2,400",
        "languages": "en 1,190, unknown 10",
        "embedder": "mini",
        "model": "none: answers are sentences of the articles",
        "store": "12.3 MB",
    }


def test_the_status_says_what_is_still_to_be_done_and_how(tmp_path):
    rows = dict(status_rows(make_status(vectors=1400, languages={}), Workspace(tmp_path, "user"), None))
    assert rows["passages"] == "2,400; 1,000 still to embed: qa sync"
    assert rows["languages"] == "none"


@pytest.mark.parametrize(
    ("chosen", "variable", "reason"),
    [
        ("named", None, "named by --workspace"),
        ("named", "QA_WORKSPACE", "named by QA_WORKSPACE"),
        ("found", None, "the nearest from the current folder upwards"),
        ("user", None, "your own, since there is none from the current folder upwards"),
    ],
)
def test_why_a_workspace_is_in_use_is_said(tmp_path, chosen, variable, reason):
    assert explain_choice(Workspace(tmp_path, chosen), variable) == reason


def test_changes_are_summarised_in_one_line():
    report = AddReport(tuple("abc"), (), ("d",) * 1500, (("x.pdf", "no"),))
    assert summarise_changes(report) == "3 added, 0 updated, 1,500 unchanged, 1 skipped"


def test_articles_in_other_languages_are_counted_by_language():
    assert warn_of_languages({"de": 2, "ru": 1}) == (
        "3 articles are not in English (de 2, ru 1): figures and rules of other languages are not covered yet."
    )
    assert warn_of_languages({"de": 1}).startswith("1 article is not in English (de 1)")


@pytest.mark.parametrize(
    ("since", "told"),
    [
        (date(2021, 1, 1), "(“2021”: only articles of 2021)"),
        (date(2021, 6, 1), "(since 1 June 2021, “2021”: only articles of 2021)"),
    ],
)
def test_a_hard_window_is_told_once_beside_what_the_user_set(since: date, told: str) -> None:
    window = Window(date(2021, 1, 1), date(2021, 12, 31), True, "2021")
    searched = Searched(3, 9, Filters(since=since, until=date(2021, 12, 31), dated=True), window)
    assert plain(lay_out_answer(make_abstention("What?", searched))).rstrip().endswith(f"3 articles searched {told}")
