#!/usr/bin/env bash
# Resolve the corpus's Airflow environment anew: pinned by hash, with no download addresses.
set -euo pipefail
cd "$(dirname "$0")/locks"
uv=../../.venv/bin/uv
options=(--quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header)
"$uv" pip compile "${options[@]}" airflow-3.3.in --output-file airflow-3.3.txt
