"""Find or scaffold a workspace; resolve a content file in it or among the packaged defaults."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from qa.errors import ContentError, WorkspaceError

_MARKERS = ("qa.toml", "index/recipe.toml")
_FOLDERS = ("prompts", "index/articles", "eval/suites", "eval/gold")
_QA_TOML = """\
# Settings of this workspace. Every line is optional; `qa config` shows what is in effect and why.

[model]
# Any OpenAI-compatible server. Without one, answers are sentences of the articles themselves.
# The key comes from the environment: OPENAI_API_KEY.
# name = "gpt-5-mini"
# base_url = "http://localhost:11434/v1"
# timeout_seconds = 60
# context_tokens = 2000        # how much of the articles one question shows the model
# max_output_tokens = 300
# usd_per_million_input_tokens = 0.25     # with both prices, answers and evaluations tell their cost
# usd_per_million_output_tokens = 2.00
"""


@dataclass(frozen=True, slots=True)
class Workspace:
    """A folder with `prompts/`, `index/` and `eval/`; `chosen` says why it is the one in use."""

    root: Path
    chosen: Literal["named", "found", "user"]

    @property
    def articles(self) -> Path:
        """The folder whose files are kept in step before each question."""
        return self.root / "index" / "articles"

    @property
    def store(self) -> Path:
        """The folder of built data."""
        return self.root / "index" / "store"

    @property
    def settings_file(self) -> Path:
        """Where this workspace's settings are, if it has any."""
        return self.root / "qa.toml"

    def article_files(self) -> dict[Path, tuple[int, int]]:
        """(size in bytes, time of change in ns) of each file in the folder of articles that is not hidden, by path."""
        files = [file for file in sorted(self.articles.rglob("*")) if file.is_file()]
        shown = [file for file in files if not any(p.startswith(".") for p in file.relative_to(self.articles).parts)]
        return {file: (state.st_size, state.st_mtime_ns) for file in shown for state in [file.stat()]}

    def content(self, name: str) -> Path:
        """A prompt, recipe or suite by its path in a workspace: this one's first, the packaged default second.

        Raises:
            ContentError: neither has it.
        """
        for folder in (self.root, packaged_content()):
            if (folder / name).is_file():
                return folder / name
        raise ContentError(f"No {name} in {self.root}, nor among the defaults of this installation.")

    def content_names(self, folder: str, suffix: str) -> list[str]:
        """The stems of the files with a suffix in a content folder, the workspace's and the packaged ones."""
        roots = (self.root, packaged_content())
        return sorted({path.stem for root in roots for path in (root / folder).glob(f"*{suffix}")})


def find_workspace(path: Path | None, start: Path) -> Workspace:
    """The workspace named by `path`, else the nearest one from `start` upwards, else the user's own.

    The named folder and the user's own need not exist yet.

    Raises:
        WorkspaceError: `path` is a file.
    """
    if path is not None:
        root = path.expanduser().absolute()
        if root.exists() and not root.is_dir():
            raise WorkspaceError(f"The workspace {root} is not a folder.")
        return Workspace(root, "named")
    for folder in (start.absolute(), *start.absolute().parents):
        if any((folder / marker).is_file() for marker in _MARKERS):
            return Workspace(folder, "found")
    from platformdirs import user_data_path

    return Workspace(user_data_path("onrecord", appauthor=False), "user")


def init_workspace(root: Path, *, sample: bool) -> Workspace:
    """Make a workspace: settings, recipe, empty folders and, if asked, the sample archive. Keeps what is there.

    Raises:
        WorkspaceError: the folder cannot be made.
    """
    root = root.expanduser().absolute()
    defaults = packaged_content()
    try:
        for folder in _FOLDERS:
            (root / folder).mkdir(parents=True, exist_ok=True)
        if not (root / "qa.toml").exists():
            (root / "qa.toml").write_text(_QA_TOML, encoding="utf-8")
        _copy(defaults / "index" / "recipe.toml", root / "index" / "recipe.toml")
        if sample:
            for article in sorted((defaults / "index" / "articles").glob("*.md")):
                _copy(article, root / "index" / "articles" / article.name)
    except OSError as error:
        raise WorkspaceError(f"No workspace could be made in {root}: {error.strerror}.") from error
    return Workspace(root, "named")


def packaged_content() -> Path:
    """The folder of the packaged defaults: `qa/_content` of an installation, the repository of a checkout."""
    installed = Path(__file__).parent / "_content"
    return installed if installed.is_dir() else Path(__file__).parent.parent


def _copy(source: Path, target: Path) -> None:
    if not target.exists() and source != target:
        shutil.copyfile(source, target)
