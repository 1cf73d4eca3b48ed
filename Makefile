# One door: `make demo` shows the main job, `make check` before a commit, `make test` for everything.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv
ENGINES := airflow@3.3 airflow@2.11 airflow@2.10 prefect@3 kfp@2

.PHONY: help setup demo check fast test bench corpus differential engines lock schema golden matrix format clean

help:  ## show what there is
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(VENV)/.ready: requirements/dev.txt requirements/bootstrap.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Intermodal needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V). Try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 2; }
	@echo "Setting up $(VENV): about a minute the first time."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bootstrap.txt
	@$(UV) pip install --quiet --python $(BIN)/python --require-hashes -r requirements/dev.txt
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@

setup: $(VENV)/.ready  ## make the environment for developing

demo: setup  ## compile the example to three targets, run it here, track it
	@bash examples/diagnosis/demo.sh

check: setup  ## format, lint, types, layers, fast tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q tests -n 2

fast: setup  ## fast tests only
	$(BIN)/python -m pytest -q tests -n 2

engines: setup  ## install the real engines, one environment each
	$(BIN)/port engines install $(ENGINES)

test: check engines  ## everything, real engines included
	$(BIN)/python -m pytest -q integration-tests/conformance -n 2 --dist loadgroup
	$(BIN)/python -m pytest -q integration-tests --ignore integration-tests/conformance -n 2 --dist loadfile
	bash requirements/test-lowest.sh

bench: setup  ## measure against the kfp SDK and print the figures
	$(BIN)/port engines install kfp@2
	$(BIN)/python benchmarks/run.py

corpus: setup  ## read, compile and give back the DAG files of packages; print the table, write docs/corpus.md
	$(BIN)/python -m corpus --page docs/corpus.md --json build/corpus.json

differential: setup  ## run Airflow's example DAGs as they are and as what they become; tell what differs (needs engines)
	$(BIN)/python integration-tests/airflow_importer/differential.py

golden: setup  ## write golden files anew; read the diff before committing it
	$(BIN)/python -m pytest -q tests --update-golden

matrix: engines  ## run all cases on all engines; write the results and docs/matrix.md anew
	$(BIN)/python -m intermodal_backends.conformance.results

lock: setup  ## resolve all requirement files anew
	bash requirements/lock.sh
	bash corpus/lock.sh
	$(BIN)/python -m intermodal_backends.engines.lock

format: setup  ## format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:  ## remove what was built
	rm -rf build dist .intermodal .pytest_cache .mypy_cache .ruff_cache
