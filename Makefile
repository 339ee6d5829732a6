# Xenbound: every target sets up .venv first. Needs python3 (3.11+), python3-venv and make; the rest comes from the lock files.
SHELL := /bin/sh
PYTHON ?= python3
BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest
WORKERS ?= 2
ONLY ?=
.DEFAULT_GOAL := help
.PHONY: help setup setup-dev demo up lab test test-full soak mutants lint format schema bench lock clean

help: ## show this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

.venv/bin/python:
	@command -v $(PYTHON) >/dev/null || { echo "python3 is missing: install Python 3.11 or newer (Debian: apt install python3 python3-venv), then run make again."; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) is older than 3.11: install a newer one and run make PYTHON=python3.12 ..."; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "The venv module is missing: install it (Debian: apt install python3-venv), then run make again."; exit 1; }
	@echo "Setting up .venv"
	@$(PYTHON) -m venv .venv

.venv/.runtime: .venv/bin/python requirements/runtime.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/runtime.lock
	@touch $@

.venv/.dev: .venv/.runtime requirements/dev.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.lock
	@touch $@

setup: .venv/.runtime ## set up .venv with what the product needs

setup-dev: .venv/.dev ## set up .venv with the test and lint tools too

demo: .venv/.runtime ## run the main job end to end on the lab; writes var/demo/summary.json
	@$(BIN)/python -m lab.demo

up: .venv/.runtime ## serve what the demo left (or an empty site) at http://127.0.0.1:8000
	@$(BIN)/python -m lab.demo.serve

lab: .venv/.runtime ## run the simulators alone until interrupted; writes var/lab.json
	@$(BIN)/python -m lab --world small --state var/lab --json var/lab.json

test: .venv/.dev ## run the tests in embedded mode; tests whose tool is missing are listed
	@$(PYTEST) -q -n $(WORKERS) --dist worksteal -m "not full"

test-full: .venv/.dev ## run the same tests on PostgreSQL, Redis and a real Celery worker
	@.ci/with-services $(PYTEST) -q -n $(WORKERS) --dist worksteal

soak: .venv/.dev ## the long runs (kills, fuzz) at full size
	@XENBOUND_SOAK=1 $(PYTEST) -q -m soak

mutants: .venv/.dev ## change the assessment rules one place at a time; their tests must fail (ONLY=family); writes var/mutants/
	@$(BIN)/python -m tests.mutants $(if $(ONLY),--only $(ONLY))

lint: .venv/.dev ## ruff, mypy, import contracts, missing migrations, openapi drift
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@cd cli && ../$(BIN)/lint-imports
	@$(BIN)/python manage.py makemigrations --check --dry-run
	@$(BIN)/python manage.py spectacular --fail-on-warn --file var/openapi.yaml && diff -q docs/openapi.yaml var/openapi.yaml \
		|| { echo "docs/openapi.yaml is not what the code says: run make schema and commit it."; exit 1; }

format: .venv/.dev ## let ruff format and fix what it can
	@$(BIN)/ruff check --fix-only --quiet . ; $(BIN)/ruff format --quiet .

schema: .venv/.dev ## write docs/openapi.yaml from the code
	@$(BIN)/python manage.py spectacular --fail-on-warn --file docs/openapi.yaml

bench: .venv/.dev ## paired timings against named peers (ONLY=name for one); writes var/bench/
	@$(BIN)/python -m tests.bench $(if $(ONLY),--only $(ONLY))

lock: .venv/.dev ## compile the lock files anew (needs uv)
	@cd requirements && uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -q -o runtime.lock runtime.in
	@cd requirements && uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -q -o dev.lock dev.in -c runtime.lock

clean: ## remove what runs left (var/, caches); keeps .venv
	@rm -rf var .mypy_cache .ruff_cache .pytest_cache .import_linter_cache cli/.import_linter_cache .hypothesis
