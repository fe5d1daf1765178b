# make demo: adapt the bundled network and look at the result.   make test: lint, types, tests.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

# Where it is set, each command that a test starts compiles the whole package anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test lint types unit bench docs clean

demo: $(VENV)/.runtime
	$(BIN)/icraft-adapt demo --out demo.icraft --force

test: lint types unit

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.test .build/icraft_adapt
	cd .build && ../$(BIN)/mypy --config-file ../setup.cfg -p icraft_adapt

unit: $(VENV)/.test
	$(BIN)/pytest -n 2 --dist worksteal

bench: $(VENV)/.test
	$(BIN)/python benchmarks/run.py

docs: $(VENV)/.runtime
	$(BIN)/python docs/build_reference.py

# The import package is the repository root; mypy wants it under its own name.
.build/icraft_adapt:
	mkdir -p .build && ln -sfn .. .build/icraft_adapt

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: $(VENV)/bin/python setup.cfg pyproject.toml constraints.txt golden/engine/kernels.c
	$(PIP) setuptools && $(PIP) -e .
	@touch $@

$(VENV)/.test: $(VENV)/.runtime
	$(PIP) torch && $(PIP) -e '.[test]'
	@touch $@

clean:
	rm -rf $(VENV) .build build *.egg-info golden/engine/*.so demo.icraft .mypy_cache .pytest_cache .ruff_cache .hypothesis
