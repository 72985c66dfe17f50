# Everything runs in .venv, made from requirements.lock; only Python 3.11-3.13 and a package index are needed.
SHELL := /bin/bash
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
INSTALLED := .venv/.installed

.DEFAULT_GOAL := help
.PHONY: help demo test test-e2e lint format lock clean

help: ## Show this help
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: $(INSTALLED) ## Run everything on this machine (ARGS=--once ends by itself, ARGS=--help shows more)
	@$(BIN)/python -m include.demo $(ARGS)

test: $(INSTALLED) ## Run the tests (ARGS="-k name" runs some)
	$(BIN)/python -m pytest $(ARGS)

test-e2e: $(INSTALLED) ## Run the demo as a newcomer would, and look at what it left (5 minutes)
	$(BIN)/python -m pytest tests/e2e -m e2e $(ARGS)

lint: $(INSTALLED) ## Check style, types, imports between packages, and SQL
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	cd dbt_project && ../$(BIN)/sqlfluff lint --disable-progress-bar models

format: $(INSTALLED) ## Format the Python code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: ## Resolve requirements.lock again (needs uv)
	uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 \
		--generate-hashes --upgrade --quiet -o requirements.lock

clean: ## Remove the environment, caches, and everything the demo wrote
	rm -rf .venv .data .mypy_cache .pytest_cache .ruff_cache .import_linter_cache dbt_project/target dbt_project/logs
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(INSTALLED): requirements.lock
	@test -n "$(PYTHON)" || { echo "Python 3.11, 3.12 or 3.13 is needed; none was found. Name one: make PYTHON=/path/to/python3"; exit 1; }
	@echo "Making .venv with $$($(PYTHON) --version); this takes a minute or two."
	@$(PYTHON) -m venv --clear .venv
	@$(BIN)/python -m pip --disable-pip-version-check install --quiet --no-deps --require-hashes -r requirements.lock
	@touch $@
