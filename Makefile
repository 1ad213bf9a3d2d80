# `make` alone prints this list of targets.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: help run test check gen bench lock setup

help: ## Print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: setup ## Set up and serve with an embedded database and a demo store (PORT, DATA_DIR, WORKERS)
	@exec $(BIN)/onegenie up

test: setup ## Set up and run every test with branch coverage, or only what ARGS names, without it
	@$(BIN)/python -m pytest $(or $(ARGS),-n auto -p tests.coverage)

check: setup ## Check format, lint, types, the contract's lint and breaking changes, and that gen/ is up to date
	@$(BIN)/python -m tests.check

gen: setup ## Rebuild gen/ from proto/
	@$(BIN)/python -m edge.gen --pyi

bench: setup ## Measure speed and memory, beside a plain alternative
	@$(BIN)/python -m tests.bench

lock: setup ## Renew requirements.lock from pyproject.toml
	@$(BIN)/uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 \
	  --generate-hashes --no-header --quiet --upgrade -o requirements.lock

setup: $(VENV)/.done ## Install what the lock file names into .venv

$(VENV)/.done: requirements.lock pyproject.toml
	@command -v $(PYTHON) > /dev/null || { echo "onegenie needs Python 3.11 or newer; set PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "onegenie needs Python 3.11 or newer; set PYTHON=/path/to/python3.11")'
	@echo "installing into $(VENV) (about a minute, 1.3 GB) …"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e .
	@printf '%s\n' "$(CURDIR)/gen/python" > "$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/onegenie-gen.pth"
	@touch $@
