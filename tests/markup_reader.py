"""HTML read as a browser reads it, as far as tests need it: its elements in order, and its text."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

_VOID = ("meta", "br", "hr", "wbr", "img", "link", "base", "input")


@dataclass
class Element:
    """An element: its name, its attributes, the text within it and its children, and what it stands in."""

    name: str
    attributes: dict[str, str]
    within: tuple[str, ...]
    text: str = ""
    children: list[Element] = field(default_factory=list)

    @property
    def css(self) -> list[str]:
        return self.attributes.get("class", "").split()


def read_markup(markup: str) -> list[Element]:
    """The elements of a text, in the order in which they begin; an end without a beginning is an error."""
    reader = _Reader()
    reader.feed(markup)
    reader.close()
    assert not reader.open, f"never closed: {[element.name for element in reader.open]}"
    return reader.found


def pick(elements: list[Element], name: str, css: str = "") -> list[Element]:
    """The elements of a name and, where one is given, a class."""
    return [element for element in elements if element.name == name and (not css or css in element.css)]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[Element] = []
        self.open: list[Element] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"{tag} has an attribute twice: {names}"
        within = tuple(element.name for element in self.open)
        element = Element(tag, {name: value or "" for name, value in attrs}, within)
        if self.open:
            self.open[-1].children.append(element)
        self.found.append(element)
        if tag not in _VOID:
            self.open.append(element)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open[-1].name == tag, f"</{tag}> closes {self.open[-1].name}"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        for element in self.open:
            element.text += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")
