"""Make the pictures of docs/chat.md: real chats about the sample archive on a pseudo-terminal, as SVG.

uv run python docs/make_screens.py
"""

from __future__ import annotations

import io
import os
import re
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pyte
from rich.console import Console
from rich.style import Style
from rich.terminal_theme import MONOKAI
from rich.text import Text

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS.parent / "tests"))

from chat_screen import Seen, open_chat  # noqa: E402

import qa  # noqa: E402
from qa.workspace import init_workspace  # noqa: E402

COLUMNS = 92
_FAINT, _GREY = 2, 90
_HEX = re.compile("[0-9a-f]{6}")

# Without the fonts that rich's own frame asks a server for.
_FRAME = """\
<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: "DejaVu Sans Mono", Menlo, Consolas, monospace; font-size: {char_height}px;
 line-height: {line_height}px; font-variant-east-asian: full-width; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" />
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


class Terminal(pyte.Screen):
    """A terminal of many rows, which shows faint text grey: pyte knows no faint."""

    def select_graphic_rendition(self, *attributes: int) -> None:
        """Take styles over, faint as grey."""
        super().select_graphic_rendition(*(_GREY if code == _FAINT else code for code in attributes))


def talk(seen: Seen) -> None:
    """A question, a follow-up, and the sources."""
    for text in ("What was 2021 trade turnover?", "and in 2022?", "/sources"):
        seen.enter(text)


def look(seen: Seen) -> None:
    """A quote in its context, and why the answer is as it is."""
    for text in ("What was 2021 trade turnover?", "/open 1", "/why"):
        seen.enter(text)


def complete(seen: Seen) -> None:
    """A filter in the prompt, and what Tab offers."""
    seen.enter("/since 2022-07-06")
    seen.enter("Where is INNOPROM held?")
    seen.type("/s\t")
    seen.wait_for("List the chats that are kept")


PICTURES: dict[str, Callable[[Seen], None]] = {"chat": talk, "chat-open": look, "chat-complete": complete}


def draw(sent: str, file: Path) -> None:
    """Write what a terminal shows of a stream, from the first prompt on."""
    screen = Terminal(COLUMNS, 300)
    pyte.Stream(screen).feed(sent)
    rows = [Text.assemble(*_pieces(screen, row)) for row in range(screen.lines)]
    filled = [number for number, row in enumerate(rows) if row.plain.strip()]
    first = next(number for number in filled if rows[number].plain.startswith("> "))
    last = filled[-1] - (rows[filled[-1]].plain.strip() == ">")
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    for row in rows[first : last + 1]:
        row.rstrip()
        console.print(row, overflow="ignore", no_wrap=True, crop=True)
    svg = console.export_svg(theme=MONOKAI, code_format=_FRAME, unique_id=file.stem, title="")
    file.write_text("\n".join(line.rstrip() for line in svg.splitlines()) + "\n", encoding="utf-8")


def _pieces(screen: pyte.Screen, row: int) -> list[tuple[str, Style]]:
    cells = screen.buffer[row]
    return [(cells[column].data, _style(cells[column])) for column in range(screen.columns)]


def _style(cell: pyte.screens.Char) -> Style:
    named = {"green": "green", "red": "red", "cyan": "cyan", "brightblack": "#9a9a9a"}
    color = f"#{cell.fg}" if _HEX.fullmatch(cell.fg) else named.get(cell.fg)
    background = f"#{cell.bg}" if _HEX.fullmatch(cell.bg) else None
    return Style(color=color, bgcolor=background, bold=cell.bold, reverse=cell.reverse)


def main() -> None:
    """Make every picture anew."""
    os.environ["COLUMNS"] = str(COLUMNS)
    with tempfile.TemporaryDirectory() as folder:
        for name, act in PICTURES.items():
            root = Path(folder) / name
            init_workspace(root, sample=True)
            with qa.open(root) as archive:
                archive.sync()
            with open_chat("--no-model", columns=COLUMNS, lines=60, QA_WORKSPACE=str(root)) as seen:
                act(seen)
                draw(seen.sent, DOCS / f"{name}.svg")
            sys.stdout.write(f"docs/{name}.svg\n")


if __name__ == "__main__":
    main()
