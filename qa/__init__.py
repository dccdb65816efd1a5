"""onrecord: ask a question of your own articles, get a short answer whose every sentence carries a quote.

import qa

with qa.open("my-archive") as archive:
    archive.add("folder/")
    answer = archive.ask("What was 2021 trade turnover?")
    print(answer.text, answer.citations[0].quote.text)
"""

from qa.answer_form import Answer, Event, Searched, Stage, Token
from qa.archive import Archive
from qa.archive import open_archive as open  # noqa: A004  the library's verb: qa.open
from qa.archive_reports import AddReport, Status
from qa.articles import Article, Filters, Passage, Quote
from qa.check import Check, CheckedStatement
from qa.conversation import Conversation, Turn
from qa.embed import Embedder
from qa.errors import QAError
from qa.ground import Citation, Problem, Statement
from qa.models import ChatModel, Message, ReplyPart, Usage
from qa.retrieve import Hit
from qa.run_folder import Gate, Measure, Record, Run
from qa.run_options import RunOptions
from qa.runs import evaluate
from qa.sources import Details
from qa.sync import Progress

__version__ = "0.1.0"

__all__ = [
    "AddReport",
    "Answer",
    "Archive",
    "Article",
    "ChatModel",
    "Check",
    "CheckedStatement",
    "Citation",
    "Conversation",
    "Details",
    "Embedder",
    "Event",
    "Filters",
    "Gate",
    "Hit",
    "Measure",
    "Message",
    "Passage",
    "Problem",
    "Progress",
    "QAError",
    "Quote",
    "Record",
    "ReplyPart",
    "Run",
    "RunOptions",
    "Searched",
    "Stage",
    "Statement",
    "Status",
    "Token",
    "Turn",
    "Usage",
    "__version__",
    "evaluate",
    "open",
]
