# Each target does its own set-up: a machine with Python >= 3.11 and make needs nothing else.
PYTHON ?= python3
ifeq ($(OS),Windows_NT)
BIN = .venv/Scripts
else
BIN = .venv/bin
endif
EXTRAS = images,mpi,onnx,plots,tables,tensorboard,tune
PIP = $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: demo test test-oldest test-full soak fuzz mutants bench docs clean

demo: .venv/installed
	$(BIN)/nntrain fit configs/penguins.yaml
	$(BIN)/nntrain eval
	$(BIN)/nntrain predict datasets/penguins.csv -o runs/penguins-predictions.csv
	head -n 6 runs/penguins-predictions.csv

test: .venv/developing
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -n 2

# The suite with the oldest versions of all that nntrain needs, on the oldest Python.
OLDEST ?= python3.11
test-oldest: .venv/oldest/made
	OPENBLAS_NUM_THREADS=1 .venv/oldest/$(notdir $(BIN))/python -m pytest -n 2

test-full: test test-oldest docs
	NNTRAIN_EXAMPLES=100 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -n 2
	NNTRAIN_EXAMPLES=2000 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 tests/test_random_networks.py
	NNTRAIN_EXAMPLES=300 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 tests/test_random_runs.py
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m tests.sweep_kill --kills 5
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m tests.sweep_kill --kills 5 --trials 40 --processes 2
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m tests.kill_ranks --kills 50
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m tests.hosts
	NNTRAIN_BROWSER=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 tests/test_report_browser.py
	$(BIN)/python datasets/rebuild.py --check
	for name in digits-cnn fashion-mnist fashion-mnist-augmented paradise-lost; do \
	  $(BIN)/nntrain fit configs/$$name.yaml -q || exit 1; \
	done

soak: fuzz
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m tests.kill --kills 300 --inside 75 --resuming 75 --seed 1
	NNTRAIN_SOAK=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 tests/test_power.py tests/test_faults.py
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m tests.sweep_kill --kills 20 --trials 60
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m tests.sweep_kill --kills 20 --trials 100 --processes 2
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m tests.kill_ranks --kills 200 --seed 2
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m tests.soak --minutes 30

# Prints the figures of each target, and fails where a file got through that should not.
fuzz: .venv/developing
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m tests.fuzz configs 20000
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m tests.fuzz models 20000
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m tests.fuzz checkpoints 20000
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m tests.fuzz data 5000

# Changes the code in small ways, one at a time: tests must notice.  Some ten minutes on two cores.
mutants: .venv/mutating
	$(BIN)/python -m tests.mutants

# The site of the documentation; open site/index.html.
docs: .venv/documenting
	$(BIN)/zensical build --clean --strict

bench: .venv/developing
	$(BIN)/python bench/run.py

.venv/made:
	$(PYTHON) -m venv .venv
	touch $@

.venv/installed: .venv/made pyproject.toml
	$(PIP) --editable .
	touch $@

.venv/developing: .venv/installed
	$(PIP) --upgrade "pip>=25.1"
	$(PIP) --group dev
	touch $@

.venv/oldest/made: .venv/developing pyproject.toml tests/oldest.py
	$(OLDEST) -m venv .venv/oldest
	$(BIN)/python -m tests.oldest > .venv/oldest/constraints.txt
	.venv/oldest/$(notdir $(BIN))/python -m pip install --quiet --upgrade "pip>=25.1"
	.venv/oldest/$(notdir $(BIN))/python -m pip install --quiet --constraint .venv/oldest/constraints.txt --editable ".[$(EXTRAS)]" --group dev
	touch $@

.venv/documenting: .venv/developing
	$(PIP) --group docs
	touch $@

.venv/mutating: .venv/developing
	$(PIP) --group mutation
	touch $@

clean:
	rm -rf .venv runs build dist site
