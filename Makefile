# Needs only Python 3.11 or newer (with venv) and make. Every target does its own set-up.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

.PHONY: help install demo test bench fuzz soak kills room lint docs pictures clean
.DEFAULT_GOAL := help

help:  ## Show what can be made
	@awk -F':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(READY)  ## Set up .venv with the package (editable) and the development tools

# A new pyproject.toml means new dependencies; a failed set-up leaves no mark and is done again.
$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "pump-sim needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version)." \
	       "Name another one: make PYTHON=python3.12 install" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) \
	  || { echo "Python's venv module is incomplete here; on Debian: apt install python3-venv" >&2; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --group dev --editable '.[plot,console,web]'
	@touch $(READY)

demo: $(READY)  ## A programmer, a pump and a low-reservoir alarm, in under 20 seconds
	$(BIN)/pump-sim demo

test: $(READY)  ## Run all tests, with coverage
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -n auto --dist loadgroup $(ARGS)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

bench: $(READY)  ## Measure; each figure is a ratio taken in one run, with pass or fall-short
	$(BIN)/python -m benchmarks

fuzz: $(READY)  ## A million inputs to decoder, handshake, seal and pump; ARGS="--seed 2" for others
	$(BIN)/python -m fuzz $(ARGS)

soak: $(READY)  ## 100,000 orders over lines that lose, double, delay, cut and spoil; ARGS as fuzz
	$(BIN)/python -m soak.bad_link $(ARGS)

kills: $(READY)  ## Kill a pump that keeps its state 1,000 times; ARGS as fuzz
	$(BIN)/python -m soak.kills $(ARGS)

room: $(READY)  ## An hour of the training room at x3600 with two browsers; ARGS="--minutes 5" for less
	$(BIN)/python -m soak.console $(ARGS)

lint: $(READY)  ## Style, types and import arrows
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(READY)  ## Write the generated parts of the reference and the golden vectors again
	$(BIN)/python tools/generate.py

pictures: $(READY)  ## Take the pictures of README and docs from the running pages; needs Chromium
	$(BIN)/python -m tools.take_pictures $(ARGS)

clean:  ## Remove what was built and measured, not .venv
	rm -rf dist build htmlcov .coverage .coverage.* .pytest_cache .mypy_cache .ruff_cache .hypothesis
