"""Every error the package raises on purpose.

    QAError                     exit 1   anything below; its message is one line for the user
    ├── UsageError              exit 2   the call itself is wrong: empty question, impossible dates
    ├── WorkspaceError          exit 1   no workspace, or one that cannot be used as it is
    │   ├── ArchiveBusy                  another process is writing
    │   ├── ArchiveReadOnly              a change was asked of files that may not be written
    │   ├── ArchiveTooNew                written by a newer version of the program
    │   └── EmbedderMismatch             its vectors were made by another embedder
    ├── ContentError            exit 1   a prompt, recipe, suite, gold or settings file is wrong
    ├── SourceError             exit 1   a file, folder or line that cannot become an article
    ├── ArticleNotFound         exit 1   no article has this id
    ├── StoreError              exit 1   SQLite, tantivy or Chroma failed
    ├── LocalModelError         exit 1   a model of ours, in a file, is missing, damaged or cannot be run
    │   └── EmbeddingError               a text could not be turned into a vector
    └── ModelError              exit 1   the language model could not answer
        ├── ModelUnavailable             refused, timed out, or answered with an error status
        ├── ModelRejected                the server will not serve this request: key, name, size
        └── ModelReplyInvalid            it answered with something that is not a reply

A message says what happened with the value, where, and what to do next.
"""

from __future__ import annotations


class QAError(Exception):
    """Anything this package raises on purpose; `str(error)` is one line for the user."""

    exit_code = 1


class UsageError(QAError):
    """The call itself is wrong; nothing was tried."""

    exit_code = 2


class WorkspaceError(QAError):
    """There is no workspace, or it cannot be used as it is."""


class ArchiveBusy(WorkspaceError):
    """Another process is writing to the archive."""


class ArchiveReadOnly(WorkspaceError):
    """A change was asked of an archive whose files may not be written."""


class ArchiveTooNew(WorkspaceError):
    """The archive was written by a newer version of this program."""


class EmbedderMismatch(WorkspaceError):
    """The archive's vectors were made by an embedder other than the one configured."""


class ContentError(QAError):
    """A prompt, recipe, suite, gold or settings file does not hold what it must."""


class SourceError(QAError):
    """A file, a folder, a line or a stream that cannot become an article."""


class ArticleNotFound(QAError):
    """No article of the archive has this id."""


class StoreError(QAError):
    """SQLite, tantivy or Chroma failed."""


class LocalModelError(QAError):
    """A model that comes with the program is missing, damaged, or cannot be run."""


class EmbeddingError(LocalModelError):
    """A text could not be turned into a vector."""


class ModelError(QAError):
    """The language model could not answer."""


class ModelUnavailable(ModelError):
    """The model's server refused the connection, timed out or answered with an error status."""


class ModelRejected(ModelError):
    """The model's server will not serve this request: key, model name, size or permission."""


class ModelReplyInvalid(ModelError):
    """The model's server answered with something that is not a reply."""
