# Everything a fresh machine needs: `make demo` and `make test` prepare it themselves.

PYTHON ?= python3
BIN := .venv/bin
# tests wait more than they compute
WORKERS ?= 3
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help demo test versions lint bench chaos tryton extension all install installcheck uninstall release clean

help: ## Show this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 16

demo: .venv/.stamp ## Deliver orders to a demo MES, break things, prove that nothing is lost
	$(BIN)/artery demo $(ARGS)

test: .venv/.stamp ## Run pgTAP and pytest on every PostgreSQL found (ARGS="-k outbox --pg=system" WORKERS=3)
	$(BIN)/pytest -n $(WORKERS) --dist worksteal $(ARGS)

versions: .venv/.stamp ## Run all tests on PostgreSQL 15, 16, 17 and 18 (ONLY="npm-16 npm-17")
	$(BIN)/python tools/versions.py run $(ONLY) -- -n $(WORKERS) --dist worksteal $(ARGS)

lint: .venv/.lint ## Check Python, SQL and migrations
	tools/lint.sh

bench: .venv/.stamp ## Measure, side by side with the peers (ONLY=deliver,latency)
	$(BIN)/python -m bench $(if $(ONLY),--only $(ONLY)) $(ARGS)

chaos: .venv/.stamp ## Kill runners and servers, long form (10 minutes or so)
	$(BIN)/pytest tests/chaos --long $(ARGS)

tryton: .venv/.stamp ## Attach a real ERP, as docs/tryton.md says (2 minutes the first time)
	$(BIN)/pytest tests/adopt/test_tryton.py --long $(ARGS)

all: extension
extension: ## Build the extension into build/extension, for PostgreSQL 15 to 18
	$(PYTHON) tools/build_extension.py --out build/extension
	$(PYTHON) tools/build_extension.py --pg-tle build/pg_artery.pgtle.sql

install: ## Install it into the server of PG_CONFIG=pg_config, for create extension pg_artery
installcheck: ## Try what is installed, on the server that PGHOST and PGPORT name
install installcheck uninstall: extension
	$(MAKE) -C build/extension $@

release: .venv/.stamp ## Say whether this version can be released; changes and pushes nothing
	$(BIN)/python tools/release.py $(ARGS)

clean: ## Remove what was built, and throwaway clusters left up on purpose
	-$(PYTHON) runner/pg_artery/cluster_dir.py sweep --kept
	rm -rf .venv build .pytest_cache .mypy_cache .ruff_cache

.venv/.stamp: pyproject.toml tools/setup.sh
	PYTHON=$(PYTHON) tools/setup.sh
	touch $@

.venv/.lint: .venv/.stamp
	$(BIN)/pip install --quiet --group lint
	$(PYTHON) -m venv --without-pip .venv/pgspot
	$(BIN)/pip --python .venv/pgspot/bin/python install --quiet --group pgspot
	touch $@
