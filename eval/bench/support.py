"""How much of a statement must stand in its quote: coverage of true and of false citations, on suite `sample`.

True pairs: two evidence sentences of one question, one as the statement and one as the quote. False pairs: a
statement with a sentence of another article that is no evidence for its question. Figures are left aside.
"""

from __future__ import annotations

import qa
from qa.ground import share_in_quotes
from qa.split import find_sentences
from qa.suite import load_suite
from qa.workspace import find_workspace, packaged_content

THRESHOLDS = (0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7)


def main() -> None:
    """Print, for each threshold, the share of true pairs kept and of false pairs refused."""
    suite = load_suite("sample", find_workspace(packaged_content(), packaged_content()))
    with qa.open(packaged_content()) as archive:
        archive.sync()
        articles = {article.source.rsplit("/", 1)[-1]: article for article in archive.articles()}
    true: list[float] = []
    false: list[float] = []
    for case in suite.cases:
        evidence = [make_quote(articles[e.article], e.quote) for e in case.evidence]
        used = {quote.text for quote in evidence}
        others = [
            qa.Quote(article, start, end, article.text[start:end])
            for article in articles.values()
            for start, end in find_sentences(article.text)
            if article.text[start:end] not in used
        ]
        for statement in evidence:
            true += [share_in_quotes(statement.text, [q]) for q in evidence if q.text != statement.text]
            false += [share_in_quotes(statement.text, [q]) for q in others if q.article.id != statement.article.id]
    print(f"{len(true)} true pairs, {len(false)} false pairs")
    print("at least   true kept   false refused")
    for threshold in THRESHOLDS:
        kept = sum(value >= threshold for value in true) / len(true)
        refused = sum(value < threshold for value in false) / len(false)
        print(f"{threshold:8.2f}   {kept:9.3f}   {refused:13.3f}")


def make_quote(article: qa.Article, text: str) -> qa.Quote:
    """The quote of an article whose words are known."""
    start = article.text.index(text)
    return qa.Quote(article, start, start + len(text), text)


if __name__ == "__main__":
    main()
