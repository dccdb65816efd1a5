.PHONY: check test format

check:
	uv run ruff format --check .
	uv run ruff check .
	uv run mypy
	uv run lint-imports

test:
	uv run pytest

format:
	uv run ruff format .
	uv run ruff check --fix .
