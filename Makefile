PYTHON ?= python3
PORT ?= 3000
TIME ?= 300
BIN := .venv/bin

.PHONY: demo test test-all check bench chaos fuzz agents agents-npm agents-aider agents-slow format golden lock clean
.DEFAULT_GOAL := demo

demo: .venv/.run  ## serve simulated answers on 127.0.0.1:$(PORT)
	$(BIN)/notion-manager serve --demo --port $(PORT)

test: .venv/.dev
	$(BIN)/pytest -n 3 --dist worksteal -m "not slow and not agent" --cov

test-all: .venv/.dev
	$(BIN)/pytest -n 2 -m "not agent" --cov

check: .venv/.dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/basedpyright
	$(BIN)/lint-imports

agents: agents-npm agents-aider agents-slow  ## real coding agents against the demo; installs them first

agents-npm: .venv/.dev .agents/.npm
	$(BIN)/pytest -m "agent and not aider and not slow" tests/agents

agents-slow: .venv/.dev .agents/.npm
	$(BIN)/pytest -m "agent and slow" tests/agents

agents-aider: .venv/.dev .agents/.aider
	$(BIN)/pytest -m aider tests/agents

fuzz: .venv/.dev  ## random inputs to all pure parts for $(TIME) seconds
	$(BIN)/python tests/fuzz.py $(TIME)

chaos: .venv/.dev  ## many clients over accounts that fail in every way, for $(TIME) seconds
	$(BIN)/python tests/chaos.py $(TIME)

bench: .venv/.dev
	$(BIN)/python benchmarks/run.py

format: .venv/.dev
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

golden: .venv/.dev  ## rewrite the golden files; review the diff
	$(BIN)/pytest -q tests --rewrite-golden

lock: .venv/bin/python  ## resolve what changed, for every platform; add --upgrade for all
	$(BIN)/pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-annotate --no-header --no-emit-index-url pyproject.toml --group build -o requirements/run.txt
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-annotate --no-header --no-emit-index-url pyproject.toml --group dev -c requirements/run.txt -o requirements/dev.txt

clean:
	rm -rf .venv .agents .pytest_cache .ruff_cache .hypothesis .coverage build dist

.agents/.npm: tests/agents/package-lock.json
	mkdir -p .agents
	cp tests/agents/package.json tests/agents/package-lock.json tests/agents/.npmrc .agents
	cd .agents && npm install --no-save --no-audit --no-fund --loglevel=error
	touch $@

.agents/.aider: requirements/aider.txt
	$(PYTHON) -m venv .agents/aider
	.agents/aider/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/aider.txt
	touch $@

.venv/bin/python:
	$(PYTHON) -m venv .venv

# The lock names everything: pip resolves nothing, so no newer release can upset it.
.venv/.run: requirements/run.txt pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/run.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	$(BIN)/python -m pip check --disable-pip-version-check
	touch $@

.venv/.dev: requirements/dev.txt pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	$(BIN)/python -m pip check --disable-pip-version-check
	touch $@ .venv/.run
