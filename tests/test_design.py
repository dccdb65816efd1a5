"""The map in docs/design.md tells the truth about the code."""

import ast
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MODULES = sorted(path for path in (ROOT / "qa").glob("*.py"))
MAP = (ROOT / "docs" / "design.md").read_text(encoding="utf-8")


def imported_packages(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.split(".")[0])
    return names


def mapped_modules() -> list[str]:
    rows = [line.split("|")[1] for line in MAP.splitlines() if line.startswith("| `") and ".py`" in line]
    return [name for row in rows for name in re.findall(r"`(\w+)\.py`", row)]


def test_every_module_has_its_row_in_the_map_and_every_row_its_module() -> None:
    assert sorted(mapped_modules()) == [path.stem for path in MODULES]


def test_the_order_that_import_linter_holds_is_the_order_of_the_map() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    layers = project["tool"]["importlinter"]["contracts"][0]["layers"]
    in_map = [name for name in mapped_modules() if name not in ("__init__", "cli", "__main__")]
    assert [name for name in reversed(layers) if name not in ("cli", "__main__")] == in_map


@pytest.mark.parametrize(
    ("package", "importer"),
    [
        ("chromadb", "vectors"),
        ("openai", "endpoint"),
        ("httpx2", "endpoint"),
        ("onnxruntime", "onnx"),
        ("tokenizers", "onnx"),
        ("rensa", "copies"),
        ("tantivy", "keywords"),
        ("tiktoken", "tokens"),
        ("prompt_toolkit", "line_editor"),
    ],
)
def test_each_third_party_service_has_one_importing_module(package: str, importer: str) -> None:
    assert [path.stem for path in MODULES if package in imported_packages(path)] == [importer]


def test_no_module_is_over_four_hundred_lines() -> None:
    assert {p.stem: n for p in MODULES if (n := p.read_text(encoding="utf-8").count("\n")) > 400} == {}


@pytest.mark.parametrize("folder", ["prompts", "index", "eval"])
def test_each_content_folder_says_in_fifteen_lines_what_is_here(folder: str) -> None:
    lines = (ROOT / folder / "README.md").read_text(encoding="utf-8").splitlines()
    assert 3 <= len(lines) <= 15
