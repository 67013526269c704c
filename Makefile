PYTHON ?= python3
PYTHONS ?= python3.12 python3.13 python3.14
VENV ?= .venv
PORT ?= 3000
TIME ?= 300
BIN := $(VENV)/bin

.PHONY: demo test test-all test-pythons check bench chaos fuzz agents agents-npm agents-aider agents-slow format golden lock clean
.DEFAULT_GOAL := demo

demo: $(VENV)/.run  ## serve simulated answers on 127.0.0.1:$(PORT)
	$(BIN)/notion-manager serve --demo --port $(PORT)

test: $(VENV)/.dev
	$(BIN)/pytest -n 3 --dist worksteal -m "not slow and not agent" --cov

test-all: $(VENV)/.dev
	$(BIN)/pytest -n 2 -m "not agent" --cov

test-pythons:  ## the tests under each of $(PYTHONS) that is here
	for python in $(PYTHONS); do \
		if $$python --version; then $(MAKE) test PYTHON=$$python VENV=.venv-$${python##*/} || exit 1; fi; \
	done

check: $(VENV)/.dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/basedpyright
	$(BIN)/lint-imports

agents: agents-npm agents-aider agents-slow  ## real coding agents against the demo; installs them first

agents-npm: $(VENV)/.dev .agents/.npm
	$(BIN)/pytest -m "agent and not aider and not slow" tests/agents

agents-slow: $(VENV)/.dev .agents/.npm
	$(BIN)/pytest -m "agent and slow" tests/agents

agents-aider: $(VENV)/.dev .agents/.aider
	$(BIN)/pytest -m aider tests/agents

fuzz: $(VENV)/.dev  ## random inputs to all pure parts for $(TIME) seconds
	$(BIN)/python tests/fuzz.py $(TIME)

chaos: $(VENV)/.dev  ## many clients over accounts that fail in every way, for $(TIME) seconds
	$(BIN)/python tests/chaos.py $(TIME)

bench: $(VENV)/.dev
	$(BIN)/python benchmarks/run.py

format: $(VENV)/.dev
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

golden: $(VENV)/.dev  ## rewrite the golden files; review the diff
	$(BIN)/pytest -q tests --rewrite-golden

lock: $(VENV)/bin/python  ## resolve what changed, for every platform; add --upgrade for all
	$(BIN)/pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-annotate --no-header --no-emit-index-url pyproject.toml --group build -o requirements/run.txt
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-annotate --no-header --no-emit-index-url pyproject.toml --group dev -c requirements/run.txt -o requirements/dev.txt

clean:
	rm -rf .venv* .agents .pytest_cache .ruff_cache .hypothesis .coverage build dist

.agents/.npm: tests/agents/package-lock.json
	mkdir -p .agents
	cp tests/agents/package.json tests/agents/package-lock.json tests/agents/.npmrc .agents
	cd .agents && npm install --no-save --no-audit --no-fund --loglevel=error
	touch $@

.agents/.aider: requirements/aider.txt
	$(PYTHON) -m venv .agents/aider
	.agents/aider/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/aider.txt
	touch $@

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

# The lock names everything: pip resolves nothing, so no newer release can upset it.
$(VENV)/.run: requirements/run.txt pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/run.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	$(BIN)/python -m pip check --disable-pip-version-check
	touch $@

$(VENV)/.dev: requirements/dev.txt pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	$(BIN)/python -m pip check --disable-pip-version-check
	touch $@ $(VENV)/.run
