# Everything runs in .venv, made from requirements.lock; only Python 3.11-3.13 and a package index are needed.
SHELL := /bin/bash
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
LOCKED := .venv/.installed
INSTALLED := .venv/.corvana
SUPERSET_PYTHON ?= $(shell for p in python3 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 13))' 2>/dev/null && echo $$p && break; done)
SUPERSET := .venv-superset/.installed

.DEFAULT_GOAL := help
.PHONY: help demo test test-bi test-e2e test-lake test-purge test-readers test-scale test-truth \
	bench bench-marts bench-purge bench-report bench-scale lint format docs docs-data docs-settings lock clean

help: ## Show this help
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 13

demo: $(INSTALLED) ## Run everything on this machine (ARGS=--once ends by itself, ARGS=--help shows more)
	@$(BIN)/python -m include.demo $(ARGS)

test: $(INSTALLED) ## Run the tests (ARGS="-k name" runs some)
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile $(ARGS)

test-bi: $(INSTALLED) $(SUPERSET) ## Open the dashboard in a real Superset (5 minutes; the first time installs one)
	$(BIN)/python -m pytest tests/bi -m bi $(ARGS)

test-e2e: $(INSTALLED) ## Use the page in Chromium, and the demo as a newcomer would (8 minutes)
	$(BIN)/python -m pytest tests/e2e -m e2e $(ARGS)

test-lake: $(INSTALLED) ## The lakes' own tests, then those of loads and purges again, on lakes (needs Postgres; 12 minutes)
	$(BIN)/python -m pytest tests/lake -m lake $(ARGS)
	$(BIN)/python -m pytest tests/integration tests/purge -m "purge or not purge" --warehouse=ducklake \
		--numprocesses 2 --dist loadfile $(ARGS)

test-purge: $(INSTALLED) ## Disconnect in the midst of everything, and kill purges (3 minutes)
	$(BIN)/python -m pytest tests/purge -m purge $(ARGS)

test-readers: $(INSTALLED) ## Let two hundred readers read while connections are published (1 minute)
	$(BIN)/python -m pytest tests/readers -m readers $(ARGS)

test-scale: $(INSTALLED) ## Run docker-compose.yaml's processes without containers, and kill a worker (10 minutes)
	$(BIN)/python -m pytest tests/scale -m scale $(ARGS)

test-truth: $(INSTALLED) ## Watch organizations for sixty simulated days, and kill loads (10 minutes; lakes: ARGS=--warehouse=ducklake)
	$(BIN)/python -m pytest tests/truth -m truth --numprocesses 2 --dist loadfile $(ARGS)

bench: $(INSTALLED) ## Measure loads against a bare download (ARGS="--sizes 20000" runs a part), then builds
	@$(BIN)/python -m tests.bench $(ARGS)
	@$(BIN)/python -m tests.bench.marts $(filter --lenient,$(ARGS))

bench-marts: $(INSTALLED) ## Measure builds of the marts, of 5,000 and 200,000 issues
	@$(BIN)/python -m tests.bench.marts $(ARGS)

bench-report: $(INSTALLED) ## Measure the report of 200,000 issues, in Chromium
	@$(BIN)/python -m tests.bench.pages $(ARGS)

bench-scale: $(INSTALLED) ## Measure what an hourly run of a connection costs in a lake
	@$(BIN)/python -m tests.scale.costs $(ARGS)

bench-purge: $(INSTALLED) ## Measure purges: one of 200,000 issues, and of up to 100 connections
	@$(BIN)/python -m tests.purge.bench $(ARGS)

lint: $(INSTALLED) ## Check style, types, imports between packages, and SQL
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	cd dbt_project && ../$(BIN)/sqlfluff lint --disable-progress-bar models

format: $(INSTALLED) ## Format the Python code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(INSTALLED) ## Build dbt's documentation as one page
	@$(BIN)/dbt docs generate --empty-catalog --static --quiet --project-dir dbt_project --profiles-dir dbt_project
	@echo dbt_project/target/static_index.html

docs-data: $(INSTALLED) ## Write docs/data-collected.md again, from the allowlist and the tables
	@$(BIN)/python -m dlt_sources.sentry.data_collected > docs/data-collected.md.new
	@mv docs/data-collected.md.new docs/data-collected.md

docs-settings: $(INSTALLED) ## Write docs/settings.md again, from include/settings.py
	@$(BIN)/python -m include.variables > docs/settings.md.new
	@mv docs/settings.md.new docs/settings.md

lock: ## Resolve requirements.lock again (needs uv)
	uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 \
		--generate-hashes --upgrade --quiet -o requirements.lock
	uv pip compile bi/superset/requirements.in --universal --python-version 3.11 \
		--generate-hashes --upgrade --quiet -o bi/superset/requirements.lock

clean: ## Remove the environment, caches, and everything the demo wrote
	rm -rf .venv .venv-superset .data *.egg-info build .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache dbt_project/target dbt_project/logs
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The command `corvana`, which runs the code in this folder; needs no network.
$(INSTALLED): $(LOCKED) pyproject.toml
	@$(BIN)/python -m pip --disable-pip-version-check install --quiet --no-deps --no-build-isolation --no-index --editable .
	@touch $@

$(LOCKED): requirements.lock
	@test -n "$(PYTHON)" || { echo "Python 3.11, 3.12 or 3.13 is needed; none was found. Name one: make PYTHON=/path/to/python3"; exit 1; }
	@echo "Making .venv with $$($(PYTHON) --version); this takes a minute or two."
	@$(PYTHON) -m venv --clear .venv
	@$(BIN)/python -m pip --disable-pip-version-check install --quiet --no-deps --require-hashes -r requirements.lock
	@touch $@

# Superset in an environment of its own: its pins and Airflow's do not go together.
$(SUPERSET): bi/superset/requirements.lock
	@test -n "$(SUPERSET_PYTHON)" || { echo "Superset needs Python 3.11 or 3.12; none was found. Name one: make test-bi SUPERSET_PYTHON=/path/to/python3"; exit 1; }
	@echo "Making .venv-superset; this takes some minutes."
	@$(SUPERSET_PYTHON) -m venv --clear .venv-superset
	@.venv-superset/bin/python -m pip --disable-pip-version-check install --quiet --no-deps --require-hashes -r bi/superset/requirements.lock
	@touch $@
