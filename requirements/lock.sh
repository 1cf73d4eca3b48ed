#!/usr/bin/env bash
# Resolve the requirement files anew: pinned by hash, with no download addresses.
set -euo pipefail
cd "$(dirname "$0")"
uv=../.venv/bin/uv
options=(--quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header)
"$uv" pip compile "${options[@]}" bootstrap.in --output-file bootstrap.txt
"$uv" pip compile "${options[@]}" dev.in --output-file dev.txt
"$uv" pip compile "${options[@]}" --resolution lowest-direct lowest.in --output-file lowest.txt
