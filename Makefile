.PHONY: install demo test test-slow check bench lock sbom clean help
.DEFAULT_GOAL := help

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
DEMO ?= build/demo

help:            ## show what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: .venv/installed        ## make .venv from the hash-pinned lock file

.venv/installed: requirements/build.lock requirements/run.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Stablecast needs Python 3.11 or newer")'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(PIP) install --require-hashes -r requirements/build.lock
	$(PIP) install --require-hashes --no-build-isolation -r requirements/run.lock
	$(PIP) install --no-deps --no-build-isolation --editable .
	touch $@

.venv/tested: .venv/installed requirements/dev.lock
	$(PIP) install --require-hashes --no-build-isolation -r requirements/dev.lock
	touch $@

demo: .venv/installed        ## the whole way on two short synthetic episodes, in build/demo
	$(BIN)/stablecast --show $(DEMO) demo

check: .venv/tested        ## format, lint, types, import contracts
	$(BIN)/ruff format --check . && $(BIN)/ruff check . && $(BIN)/mypy && $(BIN)/lint-imports

test: check        ## all tests but those marked slow
	OMP_NUM_THREADS=1 $(BIN)/pytest -m "not slow" -n 2 --dist loadfile $(ARGS)

test-slow: .venv/tested        ## the tests marked slow (CI runs them too)
	OMP_NUM_THREADS=1 $(BIN)/pytest -m slow -n 2 $(ARGS)

bench: .venv/tested build/bench/venv/installed        ## measure beside the peers; ONLY=level for a part, FACTOR=0.1 RUNS=1 to try
	$(BIN)/python benchmarks/bench.py $(if $(ONLY),--only $(ONLY)) --factor $(or $(FACTOR),1) --runs $(or $(RUNS),3)

build/bench/venv/installed: benchmarks/requirements.txt
	test -x build/bench/venv/bin/python || $(PYTHON) -m venv build/bench/venv
	build/bench/venv/bin/python -m pip install --disable-pip-version-check --quiet $$(grep '^torch==' $<)
	build/bench/venv/bin/python -m pip install --disable-pip-version-check --quiet -r $<
	touch $@

lock:            ## write the lock files anew (needs uv)
	scripts/lock.sh

sbom:            ## what an installation is made of, as CycloneDX, in build/sbom.cdx.json
	@$(PYTHON) scripts/make_sbom.py build/sbom.cdx.json

clean:            ## remove what was built
	rm -rf build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
