"""The pages as a real browser shows them: in two widths, light and dark, and with text that tries to act."""

from __future__ import annotations

import base64
import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from browser import MISSING, PROGRAM, Page, open_browser
from run_maker import make_gates, make_hostile, make_many, make_run

from qa.compare import compare_runs
from qa.html_page import read_style
from qa.html_report import render_comparison_html, render_html

pytestmark = pytest.mark.skipif(PROGRAM is None, reason=MISSING)

PAGES = ("run", "comparison", "hostile")
WIDTHS = (1280, 390)
PAPER = re.findall(r"--paper: #(\w{6});", read_style())  # light, dark
OUTSIDE = """
    [...document.querySelectorAll("main *")]
        .filter(e => !e.closest(".scroll, svg") && e.getBoundingClientRect().right > innerWidth + 0.5)
        .map(e => e.outerHTML.slice(0, 90))
"""
ACTIVE = """
    [...document.querySelectorAll("*")].flatMap(e => [
        ...(/^(script|img|image|link|base|iframe|object|embed|form|input|button|use|foreignObject|animate|set)$/i
            .test(e.localName) ? [e.localName] : []),
        ...[...e.attributes].filter(a => /^on|^style$|^src|^xlink/i.test(a.name)
            || (a.name == "href" && !a.value.startsWith("#"))).map(a => e.localName + " " + a.name),
    ])
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Page]:
    with open_browser() as page:
        yield page


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A page of a run of forty cases, one of it beside another, and one of texts that try to act."""
    folder = tmp_path_factory.mktemp("pages")
    run = make_run(folder, make_many(), manifest={"suite": "newswire", "seconds": 6.31})
    run = replace(run, gates=make_gates(run.measures))
    model = {"suite": "newswire", "seconds": 96.2, "model": "gpt-x", "partial": "stopped after 60 s (--max-seconds)"}
    other = make_run(folder, make_many(seed=9, model="gpt-x"), manifest=model)
    hostile = make_run(folder, make_hostile(), manifest={"suite": "</title><script>alert(1)</script>"})
    pages = {
        "run": render_html(run),
        "comparison": render_comparison_html(compare_runs(run, other)),
        "hostile": render_html(hostile),
    }
    for name, page in pages.items():
        (folder / f"{name}.html").write_bytes(page.encode())
    return {name: folder / f"{name}.html" for name in pages}


def size_of(png: bytes) -> tuple[int, int]:
    width, height = struct.unpack(">II", png[16:24])
    return width, height


def read_pixels(png: bytes) -> list[tuple[int, int, int]]:
    """The pixels of an image of 8-bit red, green and blue, with or without alpha (PNG 1.2, chapters 4 and 6)."""
    width, height = size_of(png)
    size = {2: 3, 6: 4}[png[25]]
    data, at = b"", 8
    while at < len(png):
        length, kind = struct.unpack(">I4s", png[at : at + 8])
        data += png[at + 8 : at + 8 + length] if kind == b"IDAT" else b""
        at += length + 12
    raw, above, pixels = zlib.decompress(data), bytes(width * size), []
    for y in range(height):
        start = y * (width * size + 1)
        above = _unfilter(raw[start], bytearray(raw[start + 1 : start + 1 + width * size]), above, size)
        pixels += [(above[x], above[x + 1], above[x + 2]) for x in range(0, width * size, size)]
    return pixels


def _unfilter(kind: int, row: bytearray, above: bytes, size: int) -> bytes:
    for x in range(len(row)):
        left, up, corner = (row[x - size], above[x], above[x - size]) if x >= size else (0, above[x], 0)
        guess = left + up - corner
        nearest = min((left, up, corner), key=lambda value: abs(guess - value))
        row[x] = (row[x] + (0, left, up, (left + up) // 2, nearest)[kind]) & 255
    return bytes(row)


def thumbnail(browser: Page, width: int) -> bytes:
    """The upper part of the window at a quarter of its size."""
    clip = {"x": 0, "y": 0, "width": width, "height": 800, "scale": 0.25}
    return base64.b64decode(browser.call("Page.captureScreenshot", format="png", clip=clip)["data"])


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_seen_light_and_dark_in_the_size_asked(
    browser: Page, files: dict[str, Path], name: str, width: int
) -> None:
    backgrounds = []
    for dark in (False, True):
        browser.open(files[name], width=width, dark=dark)
        assert size_of(browser.screenshot()) == (width, 900)
        pixels = read_pixels(thumbnail(browser, width))
        assert len(set(pixels)) > 50, "a page without text is of few colours"
        backgrounds.append(max(set(pixels), key=pixels.count))
    assert [f"{red:02x}{green:02x}{blue:02x}" for red, green, blue in backgrounds] == PAPER


@pytest.mark.parametrize("width", [1280, 700, 390, 320])
@pytest.mark.parametrize("name", PAGES)
def test_no_page_is_wider_than_its_window(browser: Page, files: dict[str, Path], name: str, width: int) -> None:
    browser.open(files[name], width=width)
    assert browser.ask("innerWidth") == width
    assert browser.ask("document.documentElement.scrollWidth") == width
    assert browser.ask(OUTSIDE) == []


def test_a_wide_table_scrolls_within_itself(browser: Page, files: dict[str, Path]) -> None:
    browser.open(files["run"], width=390)
    inner, outer = browser.ask("(e => [e.scrollWidth, e.clientWidth])(document.querySelector('.cases').parentElement)")
    assert inner > outer
    assert outer <= 390
    assert browser.ask("getComputedStyle(document.querySelector('.cases').parentElement).overflowX") == "auto"


@pytest.mark.parametrize("name", PAGES)
def test_nothing_in_a_page_acts_or_is_asked_for(browser: Page, files: dict[str, Path], name: str) -> None:
    browser.open(files[name], width=1280)
    assert browser.ask(ACTIVE) == []
    assert browser.requests == [files[name].as_uri()]
    assert browser.log == []


def test_hostile_text_is_there_to_be_read(browser: Page, files: dict[str, Path]) -> None:
    browser.open(files["hostile"], width=1280)
    text = browser.ask("document.body.textContent")
    assert browser.ask("document.title").startswith("</title><script>alert(1)</script>")
    for shown in ("</style><script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "javascript:alert(1)"):
        assert shown in text
    assert not {"\x1b", "\x07", "\x9b", "\u202e", "\u2066", "\u2028"} & set(text)


def test_what_would_be_slipped_in_is_refused_by_the_policy(browser: Page, files: dict[str, Path]) -> None:
    """The policy is a second wall behind the escaping: with a hole made on purpose, still nothing happens."""
    page = files["run"].read_text(encoding="utf-8")
    hole = (
        "<script>document.title = 'owned'</script>"
        "<img src='https://evil.example/x.png' onerror=\"document.title = 'owned'\">"
        "<link rel='stylesheet' href='https://evil.example/x.css'>"
        "<p style='color: red'>x</p><style>p { color: red }</style>"
    )
    broken = files["run"].with_name("broken.html")
    broken.write_text(page.replace("</main>", f"{hole}</main>"), encoding="utf-8")
    browser.open(broken, width=1280)
    assert browser.ask("document.title") == "newswire · full · evaluation"
    assert browser.ask("getComputedStyle(document.querySelector('main > p')).color") != "rgb(255, 0, 0)"
    assert len(browser.log) >= 5
    assert [complaint for complaint in browser.log if "Content Security Policy" not in complaint] == []


def test_the_focus_can_be_seen(browser: Page, files: dict[str, Path]) -> None:
    browser.open(files["run"], width=1280)
    for kind in ("keyDown", "keyUp"):
        browser.call("Input.dispatchKeyEvent", type=kind, key="Tab", code="Tab", windowsVirtualKeyCode=9)
    assert browser.ask("document.activeElement.textContent") == "Measures"
    assert browser.ask("getComputedStyle(document.activeElement).outline").startswith("rgb")
    assert browser.ask("parseFloat(getComputedStyle(document.activeElement).outlineWidth)") >= 2


def test_a_failing_case_that_is_closed_on_the_screen_is_open_on_paper(browser: Page, files: dict[str, Path]) -> None:
    is_visible = "document.querySelector('details:not([open]) .facts').checkVisibility()"
    browser.open(files["run"], width=1280)
    assert not browser.ask(is_visible)
    browser.call("Emulation.setEmulatedMedia", media="print")
    assert browser.ask(is_visible)
    browser.call("Emulation.setEmulatedMedia", media="")


def test_two_answers_stand_side_by_side_and_on_a_narrow_screen_below_one_another(
    browser: Page, files: dict[str, Path]
) -> None:
    tops = "[...document.querySelectorAll('.flip .pair')].map(e => [...e.children].map(c => c.offsetTop))"
    for width, is_beside in ((1280, True), (390, False)):
        browser.open(files["comparison"], width=width)
        pairs = browser.ask(tops)
        assert len(pairs) > 3
        assert {a == b for a, b in pairs} == {is_beside}
