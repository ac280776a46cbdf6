#!/usr/bin/env bash
# Tests settings, database, both buckets, permissions and clock.
#
#   ./check-setup.sh [--json]
#
# Reads config.yaml of the working directory and the environment, as s3mover does. Exit code 0: all tests passed.
# Where s3mover is not installed, it runs in the container of docker-compose.yml, with the settings of .env.
set -euo pipefail

folder=$(cd -- "$(dirname -- "$0")" && pwd)
# Unlike `exec`, `type -P` does not take this folder's package of that name for the program, which a PATH with an empty
# entry finds.
for program in "$folder/.venv/bin/s3mover" "$(type -P s3mover || true)"; do
  if [ -x "$program" ]; then
    exec "$program" check "$@"
  fi
done
if command -v docker >/dev/null; then
  exec docker compose --project-directory "$folder" run --rm s3-mover check "$@"
fi
echo "check-setup: s3mover is not installed, and neither is Docker; run 'make setup' or 'pip install .' in $folder" >&2
exit 2
