"""The forms in which others publish questions with their articles: read, and handed on one at a time.

A reader never stops at what it cannot use: that is passed over with its place and the reason, and the rest goes on.
Only a file that is missing or broken as a whole is an error.
"""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol, TextIO

from qa.errors import ContentError
from qa.split import Span, find_sentences
from qa.text import clean_text, shorten

_MULTIHOP_KINDS = {
    "inference_query": "multi_hop", "comparison_query": "comparison", "temporal_query": "temporal",
    "null_query": "near_miss",
}  # fmt: skip
_NO_ANSWER = "null_query"
_NO_INFORMATION = "insufficient information"


class Document(NamedTuple):
    """An article of a data set; `key` is the data set's own name for it. What is not known is empty."""

    key: str
    text: str
    title: str = ""
    publisher: str = ""
    author: str = ""
    published: str = ""
    url: str = ""


class Sink(Protocol):
    """Takes what a reader finds; a place is a file with the line, or the path of keys, where it was found."""

    def add_article(self, place: str, document: Document) -> str | None:
        """Take an article: the name by which evidence calls it, or None where it is passed over."""

    def add_case(self, place: str, entry: Mapping[str, object]) -> None:
        """Take a question, in the form of a line of a gold file."""

    def skip(self, place: str, reason: str) -> None:
        """Note what is passed over."""


class _Relevant(NamedTuple):
    """An article that is relevant to a question of BEIR, and where that is said."""

    key: str
    place: str


# SQuAD


def read_squad(source: Path, sink: Sink) -> None:
    """SQuAD 1.1 and 2.0 (Rajpurkar et al. 2016, 2018), one JSON file: each paragraph becomes an article.

    The evidence is the sentence that holds the answer where `answer_start` says; an answer that is not there is
    passed over. Of 2.0, `is_impossible` makes a question that is not answerable.
    """
    for n, document in enumerate(_listed(_load(source), "data", str(source), sink)):
        title = _text(document, "title").replace("_", " ")
        for m, paragraph in enumerate(_listed(document, "paragraphs", f"{source}: data[{n}]", sink)):
            place = f"{source}: data[{n}].paragraphs[{m}]"
            key = f"{title or n + 1}-{m + 1}"
            name = sink.add_article(place, Document(key, _text(paragraph, "context"), title))
            for entry in _squad_cases(paragraph, name, place, sink) if name else ():
                sink.add_case(*entry)


def _squad_cases(
    paragraph: Mapping[str, Any], name: str, place: str, sink: Sink
) -> Iterator[tuple[str, Mapping[str, object]]]:
    context = _text(paragraph, "context")
    text = clean_text(context)
    sentences = find_sentences(text)
    for k, entry in enumerate(_listed(paragraph, "qas", place, sink)):
        here = f"{place}.qas[{k}]"
        case = {"id": _text(entry, "id"), "question": _text(entry, "question"), "kind": "fact"}
        if entry.get("is_impossible") is True:
            yield here, {**case, "answerable": False}
            continue
        spans = []
        for answer in _listed(entry, "answers", here, sink):
            span = _find_answer(answer, context, text)
            if span:
                spans.append(span)
            else:
                said = shorten(_text(answer, "text"), limit=60)
                sink.skip(here, f"the answer “{said}” does not stand at its answer_start, {answer.get('answer_start')}")
        quotes = dict.fromkeys(_widen(span, sentences) for span in spans)
        yield (
            here,
            {
                **case,
                "answers": list(dict.fromkeys(text[start:end] for start, end in spans)),
                "evidence": [{"article": name, "quote": text[start:end], "start": start} for start, end in quotes],
                "answerable": True,
            },
        )


def _find_answer(answer: Mapping[str, Any], context: str, text: str) -> Span | None:
    """Where an answer stands in the paragraph as it is stored, if it does stand where it says."""
    start, said = answer.get("answer_start"), clean_text(_text(answer, "text"))
    if not isinstance(start, int) or start < 0 or not said.strip():
        return None
    moved = start if text == context else len(clean_text(context[:start]))
    return (moved, moved + len(said)) if text.startswith(said, moved) else None


def _widen(span: Span, sentences: list[Span]) -> Span:
    """The sentences, from the first to the last, that a span has a part of."""
    touched = [sentence for sentence in sentences if sentence[0] < span[1] and span[0] < sentence[1]]
    return min([span[0], *(start for start, _ in touched)]), max([span[1], *(end for _, end in touched)])


# BEIR


def read_beir(source: Path, sink: Sink) -> None:
    """BEIR (Thakur et al. 2021): a folder with corpus.jsonl, queries.jsonl and qrels/*.tsv.

    Judgements are of whole articles and there are no answers, so that each question is of retrieval only. An
    article is relevant when its score is above 0; by how much is not kept. Questions of other judgements than
    those of the file that is read are left out.
    """
    qrels = _find_qrels(_find(source, "qrels"))
    relevant = _read_qrels(qrels, sink)
    names: dict[str, str] = {}
    for place, entry in _load_lines(_find(source, "corpus.jsonl"), sink):
        key, title = _text(entry, "_id"), _text(entry, "title")
        name = sink.add_article(place, Document(key, _text(entry, "text").strip() or title, title))
        if name:
            names[key] = name
    for place, entry in _load_lines(_find(source, "queries.jsonl"), sink):
        found = relevant.pop(_text(entry, "_id"), [])
        for item in found:
            if item.key not in names:
                sink.skip(item.place, f"no article '{shorten(item.key, limit=80)}' was read from the corpus")
        evidence = [{"article": names[item.key]} for item in found if item.key in names]
        if evidence:
            case = {"id": _text(entry, "_id"), "question": _text(entry, "text"), "answerable": True, "kind": "fact"}
            split = qrels.name.partition(".")[0]
            sink.add_case(place, {**case, "evidence": evidence, "retrieval_only": True, "split": split})
    for query, found in relevant.items():
        sink.skip(found[0].place, f"no question '{shorten(query, limit=80)}' in the queries")


def _find_qrels(folder: Path) -> Path:
    """The judgements to read: test.tsv, else the only file.

    Raises:
        ContentError: there is no file, or several and none for the test.
    """
    try:
        found = sorted(path for path in folder.iterdir() if path.name.endswith((".tsv", ".tsv.gz")))
    except OSError as error:
        raise ContentError(f"{folder} cannot be read: {error.strerror}.") from error
    tests = [path for path in found if path.name.startswith("test.")]
    if not tests and len(found) != 1:
        names = ", ".join(path.name for path in found)
        held = f"{names}: name the one to read test.tsv, or leave it alone there" if names else "no .tsv file"
        raise ContentError(f"{folder} holds {held}.")
    return tests[0] if tests else found[0]


def _read_qrels(file: Path, sink: Sink) -> dict[str, list[_Relevant]]:
    """The relevant articles of each question."""
    relevant: dict[str, list[_Relevant]] = defaultdict(list)
    with _open(file) as lines:
        for number, line in enumerate(lines, start=1):
            place, cells = f"{file}:{number}", line.strip("\r\n").split("\t")
            if not line.strip() or (number == 1 and not cells[-1].strip().lstrip("-").isdecimal()):
                continue
            if len(cells) != 3 or not re.fullmatch(r"\s*-?\d{1,9}\s*", cells[2], re.ASCII):
                sink.skip(place, "not a question's id, an article's id and a whole number, with tabs between them")
            elif int(cells[2]) > 0:
                relevant[cells[0].strip()].append(_Relevant(cells[1].strip(), place))
    return relevant


# RealTimeQA


def read_realtimeqa(source: Path, sink: Sink) -> None:
    """RealTimeQA (Kasai et al. 2023) with its articles: a folder with articles.jsonl and questions.jsonl.

    Each question is asked on its day, `as_of`. All its answers must be given; no sentence is named that proves them.
    """
    for place, entry in _load_lines(_find(source, "articles.jsonl"), sink):
        sink.add_article(place, _document(entry, _text(entry, "id")))
    for place, entry in _load_lines(_find(source, "questions.jsonl"), sink):
        case = {"id": _text(entry, "id"), **{key: entry.get(key) for key in ("question", "answerable", "as_of")}}
        answers = {"all_of": entry.get("answers")} if entry.get("answerable") is True else {}
        sink.add_case(place, {**case, **answers, "kind": "fact"})


# MultiHop-RAG


def read_multihop_rag(source: Path, sink: Sink) -> None:
    """MultiHop-RAG (Tang and Yang 2024): a folder with corpus.json and MultiHopRAG.json.

    Each fact of the evidence is a part of its own. It must stand in the article of its URL or title, whatever the
    white space, or else it is passed over and the question keeps the others.
    """
    stored: dict[str, tuple[str, str]] = {}  # name and text of an article, by URL and by title
    corpus, questions = _find(source, "corpus.json"), _find(source, "MultiHopRAG.json")
    for n, entry in enumerate(_objects(_load(corpus), str(corpus), sink)):
        key = _text(entry, "url") or _text(entry, "title") or str(n)
        document = _document(entry, key)._replace(text=_text(entry, "body"), publisher=_text(entry, "source"))
        name = sink.add_article(f"{corpus}: [{n}]", document._replace(published=_text(entry, "published_at")))
        for known in (document.url, document.title) if name else ():
            stored.setdefault(known, (name or "", clean_text(document.text)))
    stored.pop("", None)
    for n, entry in enumerate(_objects(_load(questions), str(questions), sink)):
        _read_multihop({"id": f"multihop-{n + 1:04}", **entry}, stored, f"{questions}: [{n}]", sink)


def _read_multihop(entry: Mapping[str, Any], stored: Mapping[str, tuple[str, str]], place: str, sink: Sink) -> None:
    kind, answer = _text(entry, "question_type"), _text(entry, "answer").strip()
    if kind not in _MULTIHOP_KINDS:
        return sink.skip(place, f"no question_type that is known: '{shorten(kind, limit=40)}'")
    if (kind == _NO_ANSWER) != (answer.rstrip(".").casefold() == _NO_INFORMATION):
        return sink.skip(place, f"its question_type '{kind}' and its answer '{shorten(answer, limit=40)}' do not agree")
    case = {
        "id": _text(entry, "id"),
        "question": _text(entry, "query"),
        "kind": _MULTIHOP_KINDS[kind],
        "tags": [kind],
    }
    if kind == _NO_ANSWER:
        return sink.add_case(place, {**case, "answerable": False})
    evidence: list[dict[str, object]] = []
    for k, item in enumerate(_listed(entry, "evidence_list", place, sink)):
        name, text = stored.get(_text(item, "url")) or stored.get(_text(item, "title")) or ("", "")
        quote = _find_fact(_text(item, "fact"), text)
        if quote:
            evidence.append({"article": name, "quote": quote, "part": len(evidence) + 1})
        else:
            fact = f"the fact “{shorten(_text(item, 'fact'), limit=60)}” does not stand in {name}"
            sink.skip(f"{place}.evidence_list[{k}]", fact if name else "no article with its url or title was read")
    return sink.add_case(place, {**case, "answers": [answer], "evidence": evidence, "answerable": True})


def _find_fact(fact: str, text: str) -> str | None:
    """A fact as it stands in a text, whatever the white space between its words."""
    words = clean_text(fact).split()
    found = re.search(r"\s+".join(map(re.escape, words)), text) if words else None
    return found.group() if found else None


# files and what they hold


def _find(folder: Path, name: str) -> Path:
    """A file of a data set, which may be compressed, or a folder of it.

    Raises:
        ContentError: it is not there.
    """
    for path in (folder / name, folder / f"{name}.gz"):
        if path.exists():
            return path
    raise ContentError(f"{folder} holds no {name}: it must be the folder of the data set, as it is published.")


@contextmanager
def _open(file: Path) -> Iterator[TextIO]:
    """A text to be read, of a file that may be compressed.

    Raises:
        ContentError: it cannot be read, now or later.
    """
    try:
        if file.name.endswith(".gz"):
            with gzip.open(file, "rt", encoding="utf-8-sig", newline="\n") as stream:
                yield stream
        else:
            with file.open(encoding="utf-8-sig", newline="\n") as stream:
                yield stream
    except (OSError, EOFError, zlib.error) as error:
        raise ContentError(f"{file} cannot be read: {getattr(error, 'strerror', None) or error}.") from error
    except UnicodeDecodeError as error:
        raise ContentError(f"{file} is not UTF-8 text.") from error


def _load(file: Path) -> object:
    """The JSON value that a file is.

    Raises:
        ContentError: it cannot be read, or is not valid JSON.
    """
    with _open(file) as stream:
        text = stream.read()
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise ContentError(f"{file}:{error.lineno}: not valid JSON: {error.msg} at column {error.colno}.") from error
    except (RecursionError, ValueError) as error:
        raise ContentError(f"{file}: not JSON that can be read: {error}.") from error


def _load_lines(file: Path, sink: Sink) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """(place, entry) of each line of a file of JSON objects; one line is held at a time."""
    with _open(file) as lines:
        for number, line in enumerate(lines, start=1):
            place = f"{file}:{number}"
            try:
                entry = json.loads(line) if line.strip() else None
            except (RecursionError, ValueError) as error:
                sink.skip(place, f"not valid JSON: {error}")
                continue
            if isinstance(entry, dict):
                yield place, entry
            elif line.strip():
                sink.skip(place, "not a JSON object")


def _listed(entry: object, key: str, place: str, sink: Sink) -> list[Mapping[str, Any]]:
    """The objects listed under a key; one that is no object counts as an empty one, so that places are kept."""
    return _objects(entry.get(key) if isinstance(entry, dict) else None, f"{place}.{key}", sink)


def _objects(value: object, place: str, sink: Sink) -> list[Mapping[str, Any]]:
    if not isinstance(value, list):
        sink.skip(place, "not a list")
        return []
    return [item if isinstance(item, dict) else {} for item in value]


def _text(entry: Mapping[str, Any], key: str) -> str:
    """The text under a key, or the whole number as text; empty where there is neither."""
    value = entry.get(key)
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _document(entry: Mapping[str, Any], key: str) -> Document:
    """An article whose fields are called as ours are."""
    return Document(key, **{name: _text(entry, name) for name in Document._fields if name != "key"})


FORMATS: Mapping[str, Callable[[Path, Sink], None]] = MappingProxyType(
    {"squad": read_squad, "beir": read_beir, "realtimeqa": read_realtimeqa, "multihop-rag": read_multihop_rag}
)
"""The reader of each form, by its name."""
