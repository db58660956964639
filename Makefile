# make demo   start the service and see it answer
# make check  lint, types, contracts and every test that starts no process: about a minute
# make test   run everything
# Both create .venv on first use. Other targets: validate, soak, bench, bench-fetch, bench-policies, bench-reload,
# bench-audit, lock, image, clean.

SHELL := /bin/bash
.ONESHELL:
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := test

PORT ?= 8000
VENV := .venv
BIN := $(VENV)/bin
LOCKS := requirements.txt requirements-build.txt requirements-dev.txt

.PHONY: demo lint check test validate soak bench bench-fetch bench-policies bench-reload bench-audit lock image clean

demo: $(VENV)/installed
	@exec $(BIN)/python scripts/demo.py --port $(PORT)

lint: $(VENV)/installed
	@$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/bandit -q -c pyproject.toml -r cards cds_hooks
	$(BIN)/lint-imports --no-logo

check: lint
	@$(BIN)/pytest -m "not process"

# options for pytest go in PYTEST: make test PYTEST='-x --durations=20'
test: lint
	@scripts/node-modules
	$(BIN)/pytest $(PYTEST)

# HL7's validator over all examples (make test does it as well), with what it says of the orders themselves
validate: $(VENV)/installed
	@$(BIN)/pytest -rPs tests/validator

bench: $(VENV)/installed
	@$(BIN)/python scripts/bench.py

bench-fetch: $(VENV)/installed
	@$(BIN)/python scripts/bench_fetch.py

bench-policies: $(VENV)/installed
	@$(BIN)/python scripts/bench_policies.py

bench-reload: $(VENV)/installed
	@$(BIN)/python scripts/bench_reload.py

# ten million calls want ten gigabytes, in this folder, and a few minutes
bench-audit: $(VENV)/installed
	@$(BIN)/python scripts/bench_audit.py

# 100,000 bad requests; options go in SOAK: make soak SOAK='--requests 1000000 --seed 7'
soak: $(VENV)/installed
	@$(BIN)/python scripts/soak.py $(SOAK)

lock:
	@scripts/lock

image:
	@docker build -t crd-server .

$(VENV)/installed: $(LOCKS) pyproject.toml
	@python=$$(scripts/find-python)
	"$$python" -m venv $(VENV)
	echo "Installing the locked packages into $(VENV) (once) ..."
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes $(foreach lock,$(LOCKS),-r $(lock))
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

clean:
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache tests/profile/node_modules tests/validator/target
