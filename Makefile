# Each target does its own set-up: a machine with Python >= 3.11 and make needs nothing else.
PYTHON ?= python3
BIN = .venv/bin

.PHONY: demo test test-full bench clean

demo: .venv/installed
	$(BIN)/nntrain fit configs/penguins.yaml
	$(BIN)/nntrain eval
	$(BIN)/nntrain predict datasets/penguins.csv | head -n 6

test: .venv/developing
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	OPENBLAS_NUM_THREADS=1 $(BIN)/pytest -n 2

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/installed: .venv/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

.venv/developing: .venv/installed
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --group dev
	touch $@

clean:
	rm -rf .venv runs build dist
