#!/usr/bin/env bash
# Tests settings, database, both buckets, permissions and clock.
#
#   ./check-setup.sh [--json]
#
# Reads config.yaml of the working directory and the environment, as s3mover does. Exit code 0: all tests passed.
set -euo pipefail

PATH="$(dirname -- "$0")/.venv/bin:$PATH"
exec s3mover check "$@"
