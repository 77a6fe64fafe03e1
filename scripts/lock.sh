#!/usr/bin/env bash
# Write the hash-pinned lock files. Needs uv (pip install uv); run it when pyproject.toml's dependencies change.
set -euo pipefail
cd "$(dirname "$0")/.."
lock() { uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate "$@"; }
lock requirements/build.in -o requirements/build.lock
lock pyproject.toml -c requirements/build.lock -c requirements/constraints.txt -o requirements/run.lock
lock --group dev --extra speech --extra remote --extra cluster -c requirements/run.lock -c requirements/build.lock pyproject.toml -o requirements/dev.lock
