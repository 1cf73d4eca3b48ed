#!/usr/bin/env bash
# Run the tests with the lowest versions of the dependencies and extras that the package says it works with.
set -euo pipefail
cd "$(dirname "$0")/.."
environment=.venv/lowest
bin=$environment/bin
.venv/bin/uv venv --quiet --allow-existing --python .venv/bin/python "$environment"
.venv/bin/uv pip sync --quiet --python "$bin/python" --require-hashes requirements/lowest.txt
.venv/bin/uv pip install --quiet --python "$bin/python" --no-deps --no-build-isolation -e .
# Not the local engine and the conformance cases, which take most of the time and need nothing more.
"$bin/python" -m pytest -q -n 2 -p no:cacheprovider \
  tests/ir tests/authoring tests/analysis tests/artifacts tests/runtime tests/tracking \
  tests/dataversions tests/airflow tests/kfp tests/prefect tests/cli
