"""The wheel, built and installed in a clean environment, works from another folder."""

import json
import os
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
UV = shutil.which("uv")
# Asked for before the tests get a home of their own: what this checkout was installed from is in the user's cache.
CACHE = subprocess.run([UV, "cache", "dir"], capture_output=True, text=True, check=True).stdout.strip() if UV else ""
pytestmark = pytest.mark.skipif(UV is None, reason="needs uv: pip install uv")


def run(*command: str, cwd: Path, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    merged = os.environ | {"UV_CACHE_DIR": CACHE} | (env or {})
    return subprocess.run(command, cwd=cwd, env=merged, capture_output=True, text=True, timeout=600, check=False)


def run_uv(*arguments: str, cwd: Path, env: dict[str, str] | None = None) -> None:
    """Run uv from its cache, which the installation of this checkout has filled, and with the network if that fails."""
    done = run(str(UV), "--offline", *arguments, cwd=cwd, env=env)
    if done.returncode != 0:
        done = run(str(UV), *arguments, cwd=cwd, env=env)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    run_uv("build", "--wheel", "--out-dir", str(out), str(ROOT), cwd=out)
    return next(out.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment of its own with the project as a wheel, not a link to this folder, at the versions tested."""
    folder = tmp_path_factory.mktemp("clean") / "env"
    run_uv(
        "sync",
        "--no-dev",
        "--no-editable",
        "--directory",
        str(ROOT),
        cwd=ROOT,
        env={"UV_PROJECT_ENVIRONMENT": str(folder)},
    )
    return folder / "bin" / "qa"


def test_the_wheel_carries_code_and_content_and_no_built_data(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for wanted in (
        "qa/py.typed",
        "qa/data/bert_uncased_vocab.txt",
        "qa/data/reader.onnx",
        "qa/_content/prompts/answer.md",
        "qa/_content/index/recipe.toml",
        "qa/_content/index/articles/trade-record.md",
        "qa/_content/eval/suites/sample.toml",
        "qa/_content/eval/gold/sample.jsonl",
    ):
        assert wanted in names
    assert not [
        n for n in names if ("store" in n and "_content" in n) or n.startswith("tests") or n.endswith(".sqlite")
    ]


def test_the_installed_program_answers_from_another_folder(installed: Path, tmp_path: Path) -> None:
    home = {"HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path / "data"), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    made = run(str(installed), "init", "--sample", "archive", cwd=tmp_path, env=home)
    assert made.returncode == 0, made.stderr
    asked = run(str(installed), "ask", "--json", "What was 2021 trade turnover?", cwd=tmp_path / "archive", env=home)
    assert asked.returncode == 0, asked.stderr
    answer = json.loads(asked.stdout)
    assert answer["short"] == "$24.2 billion"
    assert (
        "site-packages"
        in run(str(installed.with_name("python")), "-c", "import qa; print(qa.__file__)", cwd=tmp_path).stdout
    )
    assert answer["citations"][0]["article"]["source"] == "index/articles/trade-record.md"


def test_the_packaged_suite_is_run_on_the_packaged_articles(installed: Path, tmp_path: Path) -> None:
    home = {"HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path / "data"), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    ran = run(
        str(installed), "--workspace", str(tmp_path / "w"), "eval", "run", "sample", "--json", cwd=tmp_path, env=home
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert json.loads(ran.stdout)["measures"]
