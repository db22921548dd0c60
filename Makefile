# Everything a contributor needs: make run, make test, make check.

PYTHON ?= python3
BIN := .venv/bin
QUIETLY := --quiet --disable-pip-version-check
NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11) and "Lectern needs Python 3.11 or newer: make PYTHON=python3.12")

# What the MongoDB driver affects: commands, transactions and failures. Both drivers are compared on reads and
# writes in tests/execution/test_drivers.py and tests/writes/test_drivers.py.
DATABASE_TESTS := tests/loaders tests/erasure tests/writes/test_failures.py tests/writes/test_places.py \
  tests/writes/test_session.py tests/writes/test_login_throttle.py \
  tests/storm/test_storm.py::test_no_write_is_lost_or_done_twice_when_clients_disconnect_and_the_gateway_is_killed \
  tests/importing/test_transfer.py::test_a_killed_import_completes_when_run_again \
  tests/importing/test_transfer.py::test_an_export_imports_back_to_the_same_state \
  tests/budgets/test_lease.py tests/budgets/test_budgets.py tests/budgets/test_processes.py tests/persisted \
  tests/outbox tests/execution/test_faults.py tests/app/test_database.py tests/app/test_migrate.py tests/app/test_health.py tests/app/test_unavailable.py tests/hostile/test_mongodb_away.py

.DEFAULT_GOAL := help
.PHONY: help setup setup-deploy image run test check format bench differential prices storm deliveries restarts fuzz fuzz-import overload chaos clean

help: ## what there is to make
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

setup: $(BIN)/.installed ## .venv with the command lectern, and GraphiQL built
	@$(BIN)/python web/build.py

# Installed again when what it is made of has changed; the lock holds every version. A .venv whose set-up was
# not finished is made anew.
$(BIN)/.installed: pyproject.toml requirements.lock
	@echo "Setting up .venv (about a minute, 630 MB)"
	@test -e $@ || $(PYTHON) -c '$(NEW_ENOUGH)'
	@test -e $@ || $(PYTHON) -m venv --clear .venv
	@$(BIN)/python -m pip install $(QUIETLY) --upgrade "pip>=25.1"
	@$(BIN)/python -m pip install $(QUIETLY) --constraint requirements.lock --editable '.[embedded]' --group dev
	@touch $@

setup-deploy: setup $(BIN)/.deploy ## what checks deploy/ (another 450 MB)

$(BIN)/.deploy: pyproject.toml requirements.lock | $(BIN)/.installed
	@$(BIN)/python -m pip install $(QUIETLY) --constraint requirements.lock --group deploy
	@touch $@

run: setup ## the gateway with sample data, on a MongoDB of its own
	@$(BIN)/lectern dev

test: check setup-deploy ## the checks and all tests; with both MongoDB drivers where it matters
	@$(BIN)/python tests/conformance/install.py
	@$(BIN)/python tests/attacks/install.py
	$(BIN)/pytest -m alone
	$(BIN)/pytest -m "not alone" -n auto --dist worksteal
	LECTERN_MONGODB_DRIVER=pymongo $(BIN)/pytest -m alone $(DATABASE_TESTS)
	LECTERN_MONGODB_DRIVER=pymongo $(BIN)/pytest -m "not alone" -n auto --dist worksteal $(DATABASE_TESTS)

differential: setup ## 20,000 generated operations through both engines (about 20 minutes)
	$(BIN)/python -m tests.execution.differential --operations 20000

prices: setup ## 20,000 generated operations, none of which may take more than its price (about 20 minutes)
	$(BIN)/python -m tests.execution.differential --prices --operations 20000

storm: setup ## 20,000 writes with cut connections and kill -9, on one node and on three (about 8 minutes)
	$(BIN)/python -m tests.storm --writes 20000 --clients 200
	$(BIN)/python -m tests.storm --writes 20000 --clients 200 --replica-set

deliveries: setup ## 5,000 events and 400 messages, while gateways and receivers are killed (about 4 minutes)
	$(BIN)/python -m tests.deliveries --deliveries 6500

fuzz: setup ## 100,000 requests that nobody should send (about 5 minutes)
	$(BIN)/python -m tests.hostile.fuzzing --requests 100000

fuzz-import: setup ## imports of 2,000 damaged files (about 10 minutes; needs ../shared/data)
	$(BIN)/python -m tests.importing.fuzzing --files 2000

overload: setup ## what floods of heavy reads do to a gateway (about 5 minutes)
	$(BIN)/python -m benchmarks.overload

chaos: setup ## disturbs a gateway under a real Prometheus: does the right alert fire? (about 7 minutes)
	$(BIN)/python -m tests.monitoring.chaos

restarts: setup ## stops and rolling restarts under load, behind nginx and HAProxy (about 15 minutes)
	$(BIN)/python -m tests.server.restarts

image: setup-deploy ## a container image and its bill of materials, in dist/ (OPTIONS='--tag NAME')
	$(BIN)/python deploy/image/build.py $(OPTIONS)

check: setup ## format, lint, types, import contracts, schema drift
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/lectern schema check

format: setup ## put the code into its format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: setup ## the benchmarks, with what they compare
	$(BIN)/python -m benchmarks

clean: ## remove what was built and installed
	rm -rf .venv app/static web/node_modules tests/conformance/node_modules tests/attacks/.venv
