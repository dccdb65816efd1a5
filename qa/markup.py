"""HTML and SVG as text in which nothing that is put in can act: whatever is not markup already is escaped."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping

from qa.text import safe_text

_VOID = ("br", "hr", "meta")


class Markup(str):
    """Text that is markup: made by `tag` and `join`, or a constant of the program, never text from elsewhere."""

    __slots__ = ()


def escape(text: str) -> Markup:
    """Any text as markup that shows it, in an element as well as in an attribute; `Markup` stays as it is.

    What a terminal or a page could act on, such as bidirectional overrides, becomes U+FFFD (`safe_text`).
    """
    return text if isinstance(text, Markup) else Markup(html.escape(safe_text(text), quote=True))


def tag(name: str, *content: str, css: str = "", attributes: Mapping[str, str | float] | None = None) -> Markup:
    """An element. Contents and the values of attributes are escaped; the name and those of attributes are not.

    `css` are its classes. A number is written with at most two decimals, so that equal input gives equal bytes.
    """
    given = {**({"class": css} if css else {}), **(attributes or {})}
    opening = "".join(f' {key}="{_value(value)}"' for key, value in given.items())
    closing = "" if name in _VOID else f"</{name}>"
    return Markup(f"<{name}{opening}>{join(content)}{closing}")


def join(parts: Iterable[str], separator: str = "") -> Markup:
    """Markup after markup; any other text among it is escaped."""
    return Markup(escape(separator).join(map(escape, parts)))


def _value(value: str | float) -> str:
    if isinstance(value, str):
        return escape(value)
    return f"{round(value, 2) + 0.0:.2f}".rstrip("0").rstrip(".")
