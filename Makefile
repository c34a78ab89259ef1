# Everything sets itself up from python3 and make: a .venv with uv inside it, nothing global.
PYTHON ?= python3
PORT ?= 8000
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
INFRA := $(VENV)/.ready-infra
CDK := .tools/node/node_modules/.bin/cdk
PIN := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-header
# uv trusts the machine's certificates, as pip and the browser do.
export UV_SYSTEM_CERTS := 1

.PHONY: help setup up test check format lock clean
.DEFAULT_GOAL := help

help: ## Say what there is to make
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1@\2/' | column -t -s@

setup: $(READY) ## Make the .venv (every other target does it when needed)

$(READY): requirements/dev.txt requirements/uv.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || \
	  { echo "modelet needs Python 3.11 to 3.13, but $(PYTHON) is $$($(PYTHON) --version 2>&1): make PYTHON=python3.11 ..."; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements/uv.txt
	$(BIN)/uv pip sync --quiet --compile-bytecode --python $(BIN)/python requirements/dev.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	@touch $@

$(INFRA): $(READY) requirements/infra.txt
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python -r requirements/infra.txt
	@touch $@

$(CDK): requirements/node/package.json requirements/node/package-lock.json
	mkdir -p .tools/node && cp requirements/node/package*.json .tools/node/
	npm ci --prefix .tools/node --no-audit --no-fund --loglevel=error
	@touch $@

lock: $(READY) ## Compile the pinned requirement files anew
	$(PIN) --extra dev --group gate --output-file requirements/dev.txt pyproject.toml
	$(PIN) --no-annotate --constraint requirements/dev.txt --output-file requirements/infra.txt --group infra
	printf 'fastapi\nmangum\n' | $(PIN) --no-annotate --constraint requirements/dev.txt \
	  --output-file functions/models_index/requirements.txt -

format: $(READY) ## Format the code and mend what ruff can mend
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

test: $(READY) ## Run every test
	$(BIN)/pytest --numprocesses=2 --dist=worksteal

check: $(READY) ## The gate: format, lint, types, layers, generated files, tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	@for folder in functions/*/; do echo "mypy $$folder"; \
	  MYPYPATH=layers/modelet/python:$$folder $(BIN)/mypy --cache-dir .mypy_cache/$$folder $$folder || exit 1; done
	$(BIN)/lint-imports
	$(MAKE) --no-print-directory test

up: $(READY) ## Serve every model on 127.0.0.1 (PORT=8000); what has no version yet is trained and published first
	$(BIN)/modelet up --publish --port $(PORT)

clean: ## Remove what can be made again; published versions stay in .modelet/store
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis functions/*/bundle.json
