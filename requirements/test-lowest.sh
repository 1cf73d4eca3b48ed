#!/usr/bin/env bash
# Run the tests of the base install with the lowest versions that it says it works with.
set -euo pipefail
cd "$(dirname "$0")/.."
environment=.venv/lowest
bin=$environment/bin
.venv/bin/uv venv --quiet --allow-existing --python .venv/bin/python "$environment"
.venv/bin/uv pip install --quiet --python "$bin/python" --require-hashes -r requirements/lowest.txt
.venv/bin/uv pip install --quiet --python "$bin/python" --no-deps --no-build-isolation -e .
"$bin/python" -m pytest -q -p no:cacheprovider \
  tests/ir tests/authoring tests/analysis \
  --deselect tests/authoring/test_tracing.py::test_the_example_of_the_design_loads
