"""CPU seconds (user + system, from process start) of one-shot commands on an archive, exact search beside Chroma.

    python eval/bench/cost.py WORKSPACE

The workspace is copied to a temporary folder; its recipe is changed there to send every search through Chroma.
"""

from __future__ import annotations

import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from qa.workspace import packaged_content

QUESTION = "Who beat 16-year-old darts prodigy Luke Littler to become the PDC world champion?"
RUNS = 5


def main() -> None:
    """Print the table: lowest and median of five runs, or of one."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "workspace"
        shutil.copytree(sys.argv[1], root)
        recipe = root / "index" / "recipe.toml"
        if not recipe.exists():
            shutil.copyfile(packaged_content() / "index" / "recipe.toml", recipe)
        measure("qa --help", ["--help"])
        ask = ["--workspace", str(root), "ask", "--no-model", "--json", QUESTION]
        exact = measure("qa ask --no-model, exact search", ask)
        recipe.write_text(re.sub(r"exact_below = \d+", "exact_below = 0", recipe.read_text()))
        chroma = measure("qa ask --no-model, through Chroma", ask)
        fresh = Path(folder) / "fresh"  # with a cache folder of its own, so that the newswire is indexed too
        run = ["--workspace", str(fresh), "eval", "run", "newswire", "--no-model", "--fresh"]
        measure("qa eval run newswire, indexing and report", run, runs=1, XDG_CACHE_HOME=str(fresh / "cache"))
    same = re.sub(r'"seconds.*', "", exact) == re.sub(r'"seconds.*', "", chroma)
    print(f"the two answers are {'the same' if same else 'NOT the same'}")


def measure(name: str, arguments: list[str], *, runs: int = RUNS, **variables: str) -> str:
    """Run a command some times; print its CPU seconds, return what it printed last."""
    program = Path(sys.executable).parent / "qa"
    seconds = []
    output = ""
    for _ in range(runs):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("OPENAI_", "QA_"))} | variables
        done = subprocess.run([program, *arguments], capture_output=True, text=True, env=environment, check=False)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        output = done.stdout
        if done.returncode not in (0, 3):
            sys.exit(f"{name}: exit {done.returncode}: {done.stderr}")
    seconds.sort()
    print(f"{seconds[0]:6.2f} {seconds[runs // 2]:6.2f} s CPU (lowest, median)   {name}", flush=True)
    return output


if __name__ == "__main__":
    main()
