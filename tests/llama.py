"""A real OpenAI-compatible server for the tests, with a very small model: the one of `eval/bench/local_model.py`."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest


def load_bench(name: str) -> ModuleType:
    """A script of `eval/bench`, which is no package."""
    file = Path(__file__).parents[1] / "eval" / "bench" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_local_model = load_bench("local_model")
MODEL_NAME: str = _local_model.MODEL_NAME


@pytest.fixture(scope="session")
def llama_server() -> Iterator[str]:
    """The base_url, `http://127.0.0.1:PORT/v1`, of a server that lists one model, `MODEL_NAME`."""
    with _local_model.serve_model() as address:
        yield address
