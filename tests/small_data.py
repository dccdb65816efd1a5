"""A small data set in the form of RealTimeQA, and an embedder that counts, for tests of suites about data of others."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qa.articles import Article, hash_text, make_article_id
from qa.data_suite import DataSuite
from qa.testing import HashingEmbedder

ARTICLES = (
    ("ann", "2031-05-01", "Ann paid $3 for bread. The baker of Brenn thanked her."),
    ("ben", "2031-05-02", "Ben sold 12 bicycles in Omsk. The bicycles were red."),
    ("later", "2031-06-01", "What did Ann pay for bread? Ann paid $4 for bread, says the baker."),
    ("cia", "2031-05-03", "Cia lives on a boat near Omsk. Her sister is called Dora."),
)
BREAD = {"id": "bread", "question": "What did Ann pay for bread?", "answers": ["$3"], "as_of": "2031-05-04"}
BOAT = {"id": "boat", "question": "Where does Cia live?", "answers": ["the boat", "Omsk"], "as_of": "2031-05-04"}
MOON = {"id": "moon", "question": "Who walked on the moon with Ben?", "answers": ["Eve"], "as_of": "2031-05-04"}
CUP = {"id": "cup", "question": "Who won the cup?", "answers": ["Ann"], "as_of": "2031-05-04", "answerable": False}
QUESTIONS = (BREAD, BOAT, MOON, CUP)
SUITE = 'name = "news"\ndescription = "Small."\nform = "realtimeqa"\n'


def write_data(folder: Path, questions: Sequence[dict[str, Any]] = QUESTIONS) -> Path:
    """Four articles and four questions, of which three are answerable and one of these is never found."""
    folder.mkdir(parents=True, exist_ok=True)
    articles = [{"id": id_, "title": id_.title(), "published": day, "text": text} for id_, day, text in ARTICLES]
    entries = [{"answerable": True, "choices": []} | question for question in questions]
    for name, lines in (("articles", articles), ("questions", entries)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return folder


def data_suite(form: str = "realtimeqa") -> DataSuite:
    return DataSuite("news", "Small.", form, Path("news.toml"))


def make_article(text: str, *, source: str = "ann.md", title: str = "Ann", published: date | None = None) -> Article:
    return Article(make_article_id(source), source, text, hash_text(text), title, published=published)


class CountingEmbedder(HashingEmbedder):
    """Keeps the texts that it embeds."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.texts += texts
        return super().embed(texts)
