"""Write the versions installed in this environment into `[tool.uv] constraint-dependencies` of pyproject.toml."""

from __future__ import annotations

import re
from importlib.metadata import distributions
from pathlib import Path

PROJECT = Path(__file__).parents[2] / "pyproject.toml"


def main() -> None:
    """Replace the list in place."""
    found = {re.sub(r"[-_.]+", "-", d.name).lower(): d.version for d in distributions()}
    pins = "".join(f'    "{name}=={version}",\n' for name, version in sorted(found.items()) if name != "onrecord")
    text = PROJECT.read_text(encoding="utf-8")
    PROJECT.write_text(
        re.sub(r"constraint-dependencies = \[.*?\]", f"constraint-dependencies = [\n{pins}]", text, flags=re.S)
    )
    print(f"{len(found) - 1} versions pinned")


if __name__ == "__main__":
    main()
