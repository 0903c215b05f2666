# One obvious way to run everything. `make` alone lists the targets.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
EDGE := .venv-edge
CLIENTS := .venv-clients
CLIENTS_STAMP := $(CLIENTS)/.installed
ARGS ?=
ONLY ?= reconnect

.DEFAULT_GOAL := help
.PHONY: help env demo test test-long test-real test-edge test-clients check bench lock format clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

env: $(STAMP) ## make the environment (.venv) from the hashed lock

$(STAMP): requirements.lock pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "Python is missing; install Python 3.11 or newer."; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "This Python is too old; install Python 3.11 or newer, or say PYTHON=/path/to/it."; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { echo "Python's venv is missing; install it (Debian: python3-venv)."; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(STAMP) ## start everything on loopback and play the story (ARGS="--exit --json FILE" to end after it)
	$(BIN)/mnara-lab demo $(ARGS)

test: $(STAMP) ## all fast tests, with the embedded servers only (ARGS="-n 0" for one process)
	$(BIN)/python -m pytest -m "not real and not long" -n auto --dist loadfile $(ARGS)

test-long: $(STAMP) ## soak and simulation, on demand
	$(BIN)/python -m pytest -m long $(ARGS)

test-real: $(STAMP) ## the tests and the story against Debian's mosquitto and PostgreSQL 15
	$(BIN)/python -m tests.real $(ARGS)

test-edge: $(STAMP) ## the story with an agent installed from the edge extra alone
	rm -rf $(EDGE) dist && $(PYTHON) -m venv $(EDGE)
	$(EDGE)/bin/python -m pip install --quiet --require-hashes -r deploy/edge/requirements.lock
	$(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .
	$(EDGE)/bin/python -m pip install --quiet --no-deps dist/mnara-*.whl
	$(BIN)/python -m tests.edge_alone $(EDGE)
	$(BIN)/mnara-lab demo --exit --agent-command $(EDGE)/bin/mnara-agent $(ARGS)

test-clients: $(STAMP) $(CLIENTS_STAMP) ## other people's clients against the simulated parts
	$(CLIENTS)/bin/python -m pytest -c tests/clients/pytest.ini --rootdir tests/clients --confcutdir tests/clients tests/clients $(ARGS)

$(CLIENTS_STAMP): tests/clients/requirements.lock tests/clients/collection.lock tests/clients/package-lock.json
	rm -rf $(CLIENTS) && $(PYTHON) -m venv $(CLIENTS)
	@$(CLIENTS)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r tests/clients/requirements.lock || { echo "The strange clients could not be installed: they come from PyPI, so this needs the network once."; exit 1; }
	@$(CLIENTS)/bin/python -m pip download --quiet --disable-pip-version-check --no-deps --require-hashes --dest $(CLIENTS)/wheels -r tests/clients/collection.lock || { echo "Ansible's collections (54 MB) could not be fetched: they come from PyPI, so this needs the network once."; exit 1; }
	$(CLIENTS)/bin/python tests/clients/collection.py $(CLIENTS)/wheels $(CLIENTS)/collections && rm -r $(CLIENTS)/wheels
	@! command -v npm >/dev/null || { cp tests/clients/package.json tests/clients/package-lock.json $(CLIENTS)/ && npm ci --silent --ignore-scripts --prefix $(CLIENTS); } || echo "node-routeros could not be installed (npm needs the network once): its tests are skipped."
	@touch $@

check: $(STAMP) ## lint, types, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(STAMP) ## measure (ONLY=reconnect): a table, then one line of JSON
	$(BIN)/python -m tests.bench $(ONLY) $(ARGS)

format: $(STAMP) ## format the code and sort its imports
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: ## resolve the dependencies anew (needs uv and npm)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	  --no-emit-index-url --no-emit-find-links --extra dev pyproject.toml -o requirements.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	  --no-emit-index-url --no-emit-find-links --extra edge pyproject.toml -o deploy/edge/requirements.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	  --no-emit-index-url --no-emit-find-links tests/clients/requirements.in -o tests/clients/requirements.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-deps \
	  --no-emit-index-url --no-emit-find-links tests/clients/collection.in -o tests/clients/collection.lock
	npm install --silent --package-lock-only --omit-lockfile-registry-resolved --prefix tests/clients
	$(PYTHON) -c 'import json, pathlib; p = pathlib.Path("tests/clients/package-lock.json"); d = json.loads(p.read_text()); [e.pop("funding", None) for e in d["packages"].values()]; p.write_text(json.dumps(d, indent=2) + "\n")'

clean: ## remove the environment and everything that was made
	rm -rf $(VENV) $(EDGE) $(CLIENTS) .mnara .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache *.egg-info build dist
