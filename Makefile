# Everything sets itself up from python3 and make: a .venv with uv inside it, nothing global.
PYTHON ?= python3
PORT ?= 8000
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
INFRA := $(VENV)/.ready-infra
CDK := .tools/node/node_modules/.bin/cdk
SAM := .tools/sam/bin/sam
MINISTACK := .tools/ministack/.ready
EXPORT := .tools/export/.ready
# Exporting a transformer needs torch: its CPU build, where the machine's package index has one.
TORCH ?= torch==2.13.0
MUTATE := .tools/mutate/bin/cosmic-ray
PYTEST := $(BIN)/pytest --numprocesses=2 --dist=worksteal
ENGINE = PYTHONPATH=tests $(BIN)/python -m e2e.engine
# What is pinned is installed only with the bytes that were pinned.
SYNC := $(BIN)/uv pip sync --quiet --compile-bytecode --require-hashes
# The servers that Modelet is measured beside, each with the libraries that the model was trained with.
PEERS := bentoml fastapi litserve mlflow mlserver
# Each is a module of benchmarks/; images says `skipped` where there is no Docker engine.
BENCHMARKS := cold_start stages evicted images warm servers store publish batch batch_writing lookup
BENCH_ENVIRONMENTS := $(patsubst %,.tools/bench/%/.ready,modelet $(PEERS))
STAGE ?= dev
# Nothing of these comes from the shell's variables: a PROJECT or MODEL of another tool would choose what is deployed.
# The first part of all names in AWS: the stacks are PROJECT-STAGE-storage, PROJECT-STAGE-api and PROJECT-STAGE-model-NAME.
PROJECT := $(or $(shell sed -nE 's/^ *"project": *"(.*)".*/\1/p' cdk.json 2> /dev/null),modelet)
# One model of deploy and destroy, by its own name or its folder's; none means all.
MODEL :=
NAME = $(subst _,-,$(MODEL))
CDK_OUT := .modelet/cdk.out
# How many models are deployed, or removed, at once; one after the other where the CDK asks.
AT_ONCE ?= 4
# The CDK asks before it widens rights; APPROVAL=never is for CI.
APPROVAL ?= broadening
# The digest of the base image, sha256:…; without one its tag means the newest.
BASE_DIGEST ?=
CDK_RUN = PATH="$(CURDIR)/$(BIN):$$PATH" $(CDK) --no-notices --context project=$(PROJECT) --context stage=$(STAGE) \
  $(if $(BASE_DIGEST),--context base_digest=$(BASE_DIGEST))
# The Node.js of requirements/node, where there is one for this machine: the CDK's library starts it too.
export PATH := $(CURDIR)/.tools/node/bin:$(PATH)
export CDK_DISABLE_CLI_TELEMETRY := true
# Elsewhere than on Linux the machine's own Node.js runs it, which may be an old one.
export JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION := 1
# uv trusts the machine's certificates, as pip and the browser do.
export UV_SYSTEM_CERTS := 1

.PHONY: help setup up test fast coverage check lint hooks mutate format lock clean locks layer synth images sam engine-stop deploy-local signed-in deploy destroy prune fuzz export export-ner export-digits test-export bench bench-gate
.DEFAULT_GOAL := help

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1@\2/' | column -t -s@

setup: $(READY) ## Make the .venv (every other target does it when needed)

$(READY): requirements/dev.txt requirements/uv.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || \
	  { echo "modelet needs Python 3.11 to 3.13, but $(PYTHON) is $$($(PYTHON) --version 2>&1): make PYTHON=python3.11 ..."; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements/uv.txt
	$(SYNC) --python $(BIN)/python requirements/dev.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	@touch $@

$(INFRA): $(READY) requirements/infra.txt
	$(BIN)/uv pip install --quiet --compile-bytecode --require-hashes --python $(BIN)/python -r requirements/infra.txt
	@touch $@

$(CDK): requirements/node/package.json requirements/node/package-lock.json
	@command -v npm > /dev/null || \
	  { echo "the CDK needs Node.js 18 or newer, and npm was not found: install Node.js, then run make again"; exit 1; }
	mkdir -p .tools/node && cp requirements/node/package*.json .tools/node/
	npm ci --prefix .tools/node --no-audit --no-fund --loglevel=error
	@ln -sfn node_modules/$$(cd .tools/node/node_modules && ls -d node-* 2>/dev/null | head -1)/bin .tools/node/bin
	@touch $@

$(SAM): $(READY) requirements/sam.txt
	$(BIN)/python -m venv --clear .tools/sam
	$(SYNC) --python .tools/sam/bin/python requirements/sam.txt
	@touch $@

$(MINISTACK): $(READY) requirements/ministack.txt
	$(BIN)/python -m venv --clear .tools/ministack
	$(SYNC) --python .tools/ministack/bin/python requirements/ministack.txt
	@touch $@

$(EXPORT): $(READY) requirements/export.txt
	$(BIN)/python -m venv --clear .tools/export
	.tools/export/bin/python -m pip install --quiet --disable-pip-version-check '$(TORCH)'
	$(BIN)/uv pip install --quiet --require-hashes --python .tools/export/bin/python -r requirements/export.txt
	@touch $@

$(MUTATE): $(READY) requirements/mutate.txt
	$(BIN)/python -m venv --clear .tools/mutate
	$(SYNC) --python .tools/mutate/bin/python requirements/mutate.txt
	@touch $@

.tools/bench/%/.ready: requirements/bench/%.txt | $(READY)
	$(BIN)/python -m venv --clear --without-pip .tools/bench/$*
	$(SYNC) --python .tools/bench/$*/bin/python requirements/bench/$*.txt
	@test $* != modelet || $(BIN)/uv pip install --quiet --python .tools/bench/$*/bin/python --no-deps --editable .
	@touch $@

lock: $(READY) ## Compile the pinned requirement files anew
	requirements/lock.sh

format: $(READY) ## Format the code and fix what ruff can fix
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

test: $(INFRA) $(CDK) coverage ## Run every test but those of make images, make sam and make deploy-local
	$(PYTEST) -m "slow and not emulated"

fast: $(READY) ## Run the tests that take no process, no training and no stack: under three minutes
	$(PYTEST) -m "not slow"

coverage: $(READY) $(MINISTACK) ## Run the same tests, and workers in an emulator; fail where they cover too few branches of what serves (pyproject.toml: fail_under)
	$(PYTEST) -m "not slow or emulated" --cov

check: lint test ## The gate: static checks, then the tests

lint: $(INFRA) ## Static checks: format, lint, types, layers, workflows
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	@for folder in functions/*/; do echo "mypy $$folder"; \
	  MYPYPATH=layers/modelet/python:$$folder $(BIN)/mypy --cache-dir .mypy_cache/$$folder $$folder || exit 1; done
	$(BIN)/lint-imports
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-issue-forms .github/ISSUE_TEMPLATE/bug.yml .github/ISSUE_TEMPLATE/feature.yml

hooks: $(READY) ## Run the static checks before each commit (pre-commit)
	$(BIN)/pre-commit install

mutate: $(READY) $(MUTATE) ## Change MODULE=store/keys.py in many ways; say which changes its tests do not notice
	PYTHONPATH=tests $(BIN)/python -m mutate $(MODULE)

up: $(READY) ## Serve every model on 127.0.0.1 (PORT=8000); what has no version yet is trained and published first
	$(BIN)/modelet up --publish --port $(PORT)

locks: $(READY) ## Pin what has no lock, published first if it has no version, and write the bundles of STAGE=dev
	$(BIN)/modelet pin --publish
	$(BIN)/modelet bundle --stage $(STAGE)

layer: $(INFRA) ## Build the layer of the platform functions, without Docker
	$(BIN)/python -m infra.layer

synth: $(INFRA) $(CDK) locks layer ## Write the CloudFormation templates of STAGE=dev to .modelet/cdk.out; asks AWS nothing
	$(CDK_RUN) synth --quiet --output $(CDK_OUT)

images: locks ## Build every model's image, print the sizes, read the lists of their files
	$(ENGINE) images || [ $$? -eq 77 ]
	$(BIN)/pytest --numprocesses=0 --timeout=900 tests/e2e/images

sam: $(INFRA) $(CDK) $(SAM) locks layer ## Every model, worker and event in its image: sam local invoke, start-api, a strict container
	$(ENGINE) up || [ $$? -eq 77 ]
	$(BIN)/pytest --numprocesses=0 --timeout=900 tests/e2e/sam

engine-stop: $(READY) ## End the Docker engine that make images or make sam started
	$(ENGINE) stop

deploy-local: $(INFRA) $(CDK) $(MINISTACK) ## Deploy to an emulator with IAM: every call, a new version, bad ones that roll back, destroy
	$(BIN)/pytest --numprocesses=0 --exitfirst tests/e2e/deploy/scenario.py

signed-in: $(INFRA)
	@$(BIN)/python -m infra.checks.account $(PROJECT) $(STAGE) $(NAME)
	@test -n "$$CDK_DOCKER" || docker info > /dev/null 2>&1 || \
	  { echo "error: no Docker engine answers, and images are built on one: start Docker"; exit 1; }

deploy: signed-in synth ## Deploy STAGE=dev, or MODEL=name of it, to the account that you are signed in to (APPROVAL=never does not ask)
	@$(BIN)/python -m infra.deploy $(PROJECT) $(STAGE) $(NAME) --approval $(APPROVAL) --at-once $(AT_ONCE)
	@$(if $(NAME),,$(BIN)/python -m infra.checks.deployed $(PROJECT) $(STAGE))

destroy: $(INFRA) $(CDK) ## Remove what serves STAGE=dev, or MODEL=name of it (FORCE=1 does not ask); what was stored stays
	$(CDK_RUN) --app "$(BIN)/python -m infra.removal" --output .modelet/cdk.removal $(if $(NAME),--context model=$(NAME)) \
	  destroy --all --concurrency $(AT_ONCE) $(if $(FORCE),--force)

prune: $(INFRA) ## Delete the versions of the workers of STAGE=dev that no batch needs any more
	@$(BIN)/python -m infra.prune $(PROJECT) $(STAGE)

fuzz: $(READY) ## Publish CASES=3000 generated models, compare what is served (SEED=n: that one; RESUME=1: go on)
	PYTHONPATH=tests $(BIN)/python -W ignore -m differential.fuzz --cases $(or $(CASES),3000) \
	  $(if $(SEED),--seed $(SEED)) $(if $(FIRST),--first $(FIRST)) $(if $(JOBS),--jobs $(JOBS)) $(if $(RESUME),--resume)

export: $(EXPORT) ## Make .tools/export, the environment in which `modelet publish --from FILE` exports transformers and modules of torch

test-export: $(EXPORT) ## Export tiny transformers and checkpoints, and serve what comes out
	$(BIN)/pytest --numprocesses=0 tests/e2e/export

export-ner: $(EXPORT) ## Train the sample ner again and export it to functions/ner/model
	PYTHONPATH=functions/ner .tools/export/bin/python -m training.fit .tools/export/ner
	PYTHONPATH=layers/modelet/python .tools/export/bin/python -m modelet.dev.publish.export .tools/export/ner \
	  --to functions/ner/model

export-digits: $(EXPORT) ## Train the sample digits again and export it to functions/digits/model
	PYTHONPATH=functions/digits $(BIN)/python -m training.data .tools/export/digits
	PYTHONPATH=functions/digits .tools/export/bin/python -m training.fit .tools/export/digits
	PYTHONPATH=layers/modelet/python .tools/export/bin/python -m modelet.dev.publish.export.modules \
	  .tools/export/digits/model.pt --examples .tools/export/digits/examples.npz --folder functions/digits \
	  --to functions/digits/model

bench: $(READY) $(BENCH_ENVIRONMENTS) ## Measure all that docs/performance.md says, and write it anew (about half an hour)
	@mkdir -p .modelet/bench
	@for name in $(BENCHMARKS); do echo "benchmarks.$$name"; file=.modelet/bench/$$name.json; rm -f $$file; \
	  PYTHONPATH=tests $(BIN)/python -m benchmarks.$$name --json > $$file.part || { rm $$file.part; exit 1; }; \
	  mv $$file.part $$file; done
	$(BIN)/python -m benchmarks.report

bench-gate: $(READY) ## Hold the cold start, the warm request and the memory to benchmarks/budget.toml
	$(BIN)/python -m benchmarks.gate

clean: ## Remove what can be made again; published versions stay in .modelet/store
	rm -rf $(VENV) .tools/bench .modelet/bench .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis functions/*/bundle.json
	@for mark in functions/*/baked/.gitignore; do ! grep -qs 'Made by .modelet bundle' $$mark || rm -rf "$${mark%/*}"; done
