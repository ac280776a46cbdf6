#!/usr/bin/env bash
# Tells whether everything is in place: settings, database, both buckets, permissions, clock.
#
#   ./check-setup.sh [--json]
#
# Reads what s3mover reads: config.yaml of this directory, and the environment. Exit code 0: the work can be done.
set -euo pipefail

PATH="$(dirname -- "$0")/.venv/bin:$PATH"
exec s3mover check "$@"
