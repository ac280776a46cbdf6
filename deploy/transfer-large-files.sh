#!/usr/bin/env bash
# Moves the objects over 5 GiB that were recorded as too large while transfer.large_objects was `report`.
#
#   deploy/transfer-large-files.sh [--dry-run] [OPTION...]
#
# It is one sweep that transfers large objects: whatever else is missing moves as well, and what has arrived meanwhile
# does not move again. --dry-run names the objects and what would move, and moves nothing. Further options go to
# s3mover, as `--config FILE` does. Exit codes are those of `s3mover sweep`.
set -euo pipefail

sweep=(sweep)
if [ "${1-}" = --dry-run ]; then
  sweep+=(--dry-run)
  shift
fi
PATH="$(dirname -- "$0")/../.venv/bin:$PATH"

# Keys may hold any character, line breaks included: what knows CSV reads them, and never the shell.
recorded="$(s3mover "$@" report --failed --format csv | python3 -c '
import csv
failures = csv.DictReader(open(0, encoding="utf-8", newline=""))
for key in sorted({row["key"] for row in failures if row["code"] == "EntityTooLarge"}):
    print(repr(key))
')"
if [ -z "$recorded" ]; then
  echo "No object was recorded as too large."
  exit 0
fi
printf 'Recorded as too large:\n%s\n' "$recorded"
exec s3mover "$@" --set transfer.large_objects=transfer "${sweep[@]}"
