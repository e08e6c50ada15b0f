# Two commands for everyone: `make lab` and `make test`. They set up .venv on a fresh machine.
SHELL := /bin/bash -o pipefail
PYTHON ?= python3
BIN := .venv/bin
TORCH := torch==2.13.0
CPU_WHEELS := https://download.pytorch.org/whl/cpu
PIP := $(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: help lab test test-all quick build demo bench compare-stock nbgrader-suite constraints

help:
	@echo "make lab      open the course in JupyterLab        make test   every check and test"
	@echo "make build    rebuild what is generated            make quick  the tests under two minutes"
	@echo "make demo     grade a made class, end to end       make bench  how fast a class is graded"
	@echo "make test-all every tier of confinement as well    make compare-stock   the case book on nbgrader"
	@echo "make nbgrader-suite   nbgrader's own tests of autograde, with our engine"

# torch first and on its own: its plain package brings gigabytes of CUDA, so try the CPU index once.
.venv/ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
		2>/dev/null || { version=$$($(PYTHON) -V 2>/dev/null) || version="not a Python that runs"; \
		echo "Tandem needs Python 3.11 to 3.13; $(PYTHON) is $$version. Try: make PYTHON=python3.11 $(MAKECMDGOALS)"; exit 1; }
	@echo "Setting up .venv (about 3 minutes and 3 GB the first time)"
	@test -x $(BIN)/pip || $(PYTHON) -m venv .venv
	@$(BIN)/python -c 'import torch' 2>/dev/null \
		|| timeout 300 $(PIP) --retries 0 --timeout 10 --index-url $(CPU_WHEELS) $(TORCH) 2>/dev/null \
		|| $(PIP) $(TORCH)
	@$(PIP) --editable .
	@touch $@

.venv/test-ready: .venv/ready
	@$(PIP) --editable '.[test]'
	@touch $@

lab: .venv/ready
	@$(BIN)/tandem lab my-course -- $(LAB_ARGS)

test: .venv/test-ready
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/tandem check
	@$(BIN)/pytest $(TEST_ARGS)

quick: .venv/test-ready
	@$(BIN)/tandem check
	@$(BIN)/pytest -m "not slow and not browser"

test-all: .venv/test-ready
	@EVERY_TIER=1 $(BIN)/pytest $(TEST_ARGS)

build: .venv/ready
	@$(BIN)/tandem build

demo: .venv/ready
	@$(BIN)/autograder demo

bench: .venv/test-ready
	@$(BIN)/python -m bench

compare-stock: .venv/test-ready
	@$(BIN)/python -m bench compare

nbgrader-suite: .venv/test-ready
	@$(BIN)/python -m bench nbgrader

constraints: .venv/test-ready
	@{ head -2 constraints.txt; $(BIN)/pip freeze --exclude-editable | sed 's/+cpu//'; } > constraints.new
	@mv constraints.new constraints.txt
