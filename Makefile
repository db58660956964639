# make demo   start the service and an EHR that asks it, and see it answer
# make check  lint, types, contracts and every test that starts no process: about a minute
# make test   run everything
# make docs   build the documentation site; a running service shows it at /docs/
# Each creates .venv on first use; demo installs only what running needs. Other targets: screenshots, validate, mutants,
# soak, bench, bench-micro, bench-soak, bench-fetch, bench-policies, bench-reload, bench-audit, bench-impact, bench-capacity,
# impact-million, profile, lock, image, clean.

SHELL := /bin/bash
.ONESHELL:
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := test

PORT ?= 8000
VENV := .venv
BIN := $(VENV)/bin
# on all cores; a file's tests stay together on one, and the longest come first (tests/conftest.py): make test
# PYTEST='-n0' runs one after the other
PYTEST_ALL := $(BIN)/pytest -n auto
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile
RUN_LOCKS := requirements.txt requirements-build.txt
TEST_LOCKS := requirements-extras.txt requirements-impact.txt requirements-dev.txt requirements-docs.txt

define LINT
$(BIN)/ruff check .
$(BIN)/ruff format --check .
$(BIN)/mypy
$(BIN)/bandit -q -c pyproject.toml -r cards cds_hooks
$(BIN)/lint-imports --no-logo
endef

.PHONY: demo docs screenshots lint check test validate mutants soak bench bench-micro bench-soak bench-fetch bench-policies bench-reload
.PHONY: bench-audit bench-impact bench-capacity impact-million profile lock image clean

demo: $(VENV)/running
	@exec $(BIN)/python scripts/demo.py --port $(PORT) $(if $(EHR_PORT),--ehr-port $(EHR_PORT))

docs: $(VENV)/docs
	@$(BIN)/python -m documentation

# takes the pictures of docs/ and draws its diagrams anew, in Debian's Chromium
screenshots: $(VENV)/installed
	@scripts/node-modules
	PICTURES=docs/pictures $(BIN)/pytest -n0 tests/browser/test_pictures.py $(PYTEST)

lint: $(VENV)/installed
	@$(LINT)

check: lint
	@$(PYTEST_ALL) -m "not process" $(PYTEST)

# options for pytest go in PYTEST: make test PYTEST='-x --durations=20'
test: $(VENV)/installed
	@{ scripts/node-modules; scripts/deployment-tools; } &
	modules=$$!
	$(LINT)
	wait $$modules
	$(PYTEST_ALL) $(PYTEST)

# HL7's validator over all examples (make test does it as well), with what it says of the orders themselves
validate: $(VENV)/installed
	@$(BIN)/pytest -rPs tests/validator

# changes an operator at a time and says what no test notices; options go in MUTANTS: make mutants MUTANTS='--number 0'
mutants: $(VENV)/mutants
	@$(BIN)/python scripts/mutants $(MUTANTS)

# What a call costs, beside an echo and HealthChain; under four minutes, and it wants wrk and a quiet machine
# (docs/performance.md). Options go in BENCH: make bench BENCH=--small
bench: $(VENV)/installed
	@$(BIN)/python -m benchmarks $(BENCH)

# options are pyperf's: make bench-micro MICRO=--fast
bench-micro: $(VENV)/bench
	@$(BIN)/python -m benchmarks.micro $(MICRO)

bench-soak: $(VENV)/installed
	@$(BIN)/python -m benchmarks.soak $(BENCH)

# a flame graph of the service under load: make profile PROFILE='bare --connections 1'
profile: $(VENV)/bench
	@$(BIN)/python -m benchmarks.flame_graph $(PROFILE)

bench-fetch: $(VENV)/installed
	@$(BIN)/python -m benchmarks.fetch

bench-policies: $(VENV)/installed
	@$(BIN)/python -m benchmarks.policies

bench-reload: $(VENV)/installed
	@$(BIN)/python -m benchmarks.reload

# what the model of docs/capacity.md says, beside a run; CAPACITY='--check --write' writes the page
bench-capacity: $(VENV)/installed
	@$(BIN)/python -m benchmarks.capacity $(or $(CAPACITY),--check)

# ten million calls want ten gigabytes, in this folder, and a few minutes
bench-audit: $(VENV)/installed
	@$(BIN)/python -m benchmarks.audit

# orders a second of `crd impact`, here and under Spark, which needs Java 17; options go in BENCH: BENCH=--no-spark
bench-impact: $(VENV)/installed
	@$(BIN)/python -m benchmarks.impact $(BENCH)

# a million orders whose report is known; options go in IMPACT: make impact-million IMPACT='--orders 10000000'
impact-million: $(VENV)/installed
	@$(BIN)/python -m benchmarks.impact_million $(IMPACT)

# 100,000 bad requests; options go in SOAK: make soak SOAK='--requests 1000000 --seed 7'
soak: $(VENV)/installed
	@$(BIN)/python scripts/soak.py $(SOAK)

lock:
	@scripts/lock

image:
	@docker build -t crd-server .

# Modules are compiled when they are first imported: compiling all that is installed takes longer than installing it.
$(VENV)/running: requirements-pip.txt $(RUN_LOCKS) pyproject.toml
	@python=$$(scripts/find-python)
	echo "Setting up $(VENV) with the packages that running needs (once, about 20 seconds) ..."
	"$$python" -m venv $(VENV)
	$(PIP_INSTALL) --require-hashes -r requirements-pip.txt
	$(PIP_INSTALL) --require-hashes $(foreach lock,$(RUN_LOCKS),-r $(lock))
	$(PIP_INSTALL) --no-deps --no-build-isolation -e .
	touch $@

$(VENV)/docs: $(VENV)/running requirements-docs.txt
	@$(PIP_INSTALL) --require-hashes -r requirements-docs.txt
	touch $@

$(VENV)/mutants: $(VENV)/installed requirements-mutants.txt
	@$(PIP_INSTALL) --require-hashes -r requirements-mutants.txt
	touch $@

$(VENV)/bench: $(VENV)/installed requirements-bench.txt
	@$(PIP_INSTALL) --require-hashes -r requirements-bench.txt
	touch $@

$(VENV)/installed: $(VENV)/running $(TEST_LOCKS)
	@echo "Adding what the tests need (once) ..."
	$(PIP_INSTALL) --require-hashes $(foreach lock,$(RUN_LOCKS) $(TEST_LOCKS),-r $(lock))
	touch $@

clean:
	@rm -rf $(VENV) .venv-deployment build .venv-healthchain .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache tests/profile/node_modules tests/deployment/node_modules tests/validator/target tests/deployment/target
