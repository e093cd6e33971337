# Two commands matter: `make run` and `make test`. Both start from a clean clone and may be repeated.

PYTHON ?= python3
PORT ?= $(USUAL_PORT)
USUAL_PORT = 8000
# The environment is not asked for this one: some shells keep the name of the machine under it.
HOST = 127.0.0.1

# Modules are run through the interpreter, because scripts in .venv/bin stop working when the checkout moves.
RUN = .venv/bin/python -m
INSTALL = $(RUN) pip install --quiet --disable-pip-version-check --requirement
# An environment counts as made once it has pip; one whose making was interrupted is made again.
INTERPRETER = $(if $(wildcard .venv/bin/pip),.venv/bin/python,$(PYTHON))
# The client tests use npm packages where there is an npm to install them.
CLIENT_PACKAGES = $(if $(shell command -v npm 2>/dev/null),$(wildcard tests/npm/package-lock.json))

.DEFAULT_GOAL := help
.PHONY: help run example-server example-spa test lint format bench faults preconditions
# The preconditions come before the installation, whatever -j says.
.NOTPARALLEL:

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' Makefile

# Browsers go to one address of those that stand for all.
ADDRESS = http://$(patsubst [::],[::1],$(patsubst 0.0.0.0,127.0.0.1,$(HOST))):$(PORT)

run: LISTEN = $(HOST) $(PORT)
run: export KEYTURN_ENV = development
run: export KEYTURN_PUBLIC_URL ?= $(ADDRESS)
# Each request chooses how its tokens travel, so one server shows both modes.
run: export KEYTURN_ACCESS_TOKEN_TYPE ?= client
run: preconditions .venv/.runtime ## Serve on 127.0.0.1:8000 with a demo account; PORT=8010, HOST= and PYTHON= change it
	@$(RUN) flask --app wsgi db upgrade
	@$(RUN) flask --app wsgi demo --address $(ADDRESS)
	@exec $(RUN) gunicorn --config gunicorn.conf.py --bind $(HOST):$(PORT) wsgi:app

# What an example would have in its own environment, and how it is started.
EXAMPLES = example-server example-spa
$(EXAMPLES): LISTEN = $(HOST) $(PORT)
$(EXAMPLES): export KEYTURN_ENV = development
$(EXAMPLES): export KEYTURN_PUBLIC_URL ?= $(ADDRESS)
$(EXAMPLES): export KEYTURN_PAGES_HOME ?= /
# So short that one can wait for a refresh.
$(EXAMPLES): export KEYTURN_ACCESS_TOKEN_SECONDS ?= 10
define SERVE_EXAMPLE
@$(RUN) flask --app $(1)/$(2).py db upgrade
@echo "Open $(ADDRESS) and read $(1)/README.md"
@exec $(RUN) gunicorn --config gunicorn.conf.py --pythonpath $(1) --bind $(HOST):$(PORT) $(2):app
endef

example-server: USUAL_PORT = 8001
example-server: export KEYTURN_MFA_ISSUER ?= Notebook
example-server: preconditions .venv/.runtime ## Serve examples/server_rendered on 127.0.0.1:8001; PORT=8010 changes it
	$(call SERVE_EXAMPLE,examples/server_rendered,notebook)

example-spa: USUAL_PORT = 8002
example-spa: export KEYTURN_MFA_ISSUER ?= Tasks
# Each browser chooses how its tokens travel.
example-spa: export KEYTURN_ACCESS_TOKEN_TYPE ?= client
example-spa: preconditions .venv/.runtime ## Serve examples/spa on 127.0.0.1:8002; PORT=8010 changes it
	$(call SERVE_EXAMPLE,examples/spa,tasks)

test: preconditions .venv/.development $(if $(CLIENT_PACKAGES),tests/npm/node_modules/.installed) ## Run the whole suite
	@$(RUN) pytest

lint: preconditions .venv/.development ## Check style, types and the floors of the house
	@$(RUN) ruff check
	@$(RUN) ruff format --check
	@$(RUN) mypy
	@.venv/bin/python .venv/bin/lint-imports

format: preconditions .venv/.development ## Rewrite the code in the house style
	@$(RUN) ruff check --fix
	@$(RUN) ruff format

bench: preconditions .venv/.development .venv/peers/.installed ## Compare refreshes with a floor and two libraries; BENCH="--rounds 9" passes options on
	@.venv/bin/python benchmarks/bench.py $(BENCH)

# Several tabs of a browser that refresh at once, for a whole minute.
TABS = tests/browser/test_keyturn_js_tabs.py tests/browser/test_pages_refresh.py

# What MariaDB loads to be a node of Galera; it is a package of its own.
GALERA = /usr/lib/galera/libgalera_smm.so

# The servers are Debian's, installed where that is possible; a test that misses one is skipped with the reason.
faults: export KEYTURN_TEST_FAULTS = 1
faults: preconditions .venv/.development ## Kill, restart, promote and restore servers under load, about half an hour
	@for program in pg_ctlcluster mariadbd redis-server nginx pgbouncer rsync strace; do command -v $$program >/dev/null || missing=yes; done; \
	test -e $(GALERA) || missing=yes; \
	if [ -n "$$missing" ] && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		export DEBIAN_FRONTEND=noninteractive; apt-get update --quiet && apt-get install --yes --quiet \
			--no-install-recommends postgresql mariadb-server galera-4 redis-server nginx pgbouncer rsync strace || true; \
	fi
	@$(RUN) pytest tests/reliability tests/faults $(TABS) $(FAULTS)

preconditions:
	@command -v $(INTERPRETER) >/dev/null || { echo "$(INTERPRETER) was not found: install Python 3.11 or newer and remove .venv if it is left over, or name another as in \`make run PYTHON=python3.12\`." >&2; exit 1; }
	@$(INTERPRETER) .make/preconditions.py $(LISTEN)

.venv/bin/pip:
	@echo "Making .venv with $(PYTHON)"
	@$(PYTHON) -m venv --clear .venv

# The stamps are touched only after a whole installation, so one that was interrupted is taken up again.
.venv/.runtime: requirements.txt | .venv/bin/pip
	@echo "Installing what Keyturn needs"
	@$(INSTALL) requirements.txt
	@touch $@

.venv/.development: requirements-dev.txt requirements.txt | .venv/bin/pip
	@echo "Installing what the tests and checks need"
	@$(INSTALL) requirements-dev.txt
	@touch $@

# What Keyturn is compared with has an environment of its own, so that none of it comes near the product.
.venv/peers/.installed: requirements-bench.txt | .venv/bin/pip
	@echo "Installing what Keyturn is compared with"
	@test -x .venv/peers/bin/pip || $(RUN) venv --clear .venv/peers
	@.venv/peers/bin/python -m pip install --quiet --disable-pip-version-check --requirement $<
	@touch $@

tests/npm/node_modules/.installed: tests/npm/package-lock.json
	@npm ci --prefix tests/npm --ignore-scripts --no-audit --no-fund
	@mkdir -p $(@D) && touch $@
