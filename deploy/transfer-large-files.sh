#!/usr/bin/env bash
# Transfers the objects over 5 GiB that were recorded as too large while transfer.large_objects was `report`.
#
#   deploy/transfer-large-files.sh [--dry-run] [OPTION...]
#
# It runs one sweep with large objects enabled: other missing objects are transferred, too, and objects already in place
# are not. --dry-run lists the objects and what would be transferred. Further options, such as `--config FILE`, are
# passed to s3mover. Exit codes are those of `s3mover sweep`.
set -euo pipefail

sweep=(sweep)
if [ "${1-}" = --dry-run ]; then
  sweep+=(--dry-run)
  shift
fi
PATH="$(dirname -- "$0")/../.venv/bin:$PATH"

# Keys may contain any character, including line breaks: parse them as JSON, which has the exact keys, not in the shell.
recorded="$(s3mover "$@" report --failed --format json | python3 -c '
import json
report = open(0, encoding="utf-8").read()
failures = json.loads(report)["failures"] if report else []
for key in sorted({row["key"] for row in failures if row["code"] == "EntityTooLarge"}):
    print(repr(key))
')"
if [ -z "$recorded" ]; then
  echo "No object was recorded as too large."
  exit 0
fi
printf 'Recorded as too large:\n%s\n' "$recorded"
exec s3mover "$@" --set transfer.large_objects=transfer "${sweep[@]}"
