"""Writes the policy of the task role from the task definition beside it: what `s3mover policy` prints for its buckets.

One principal reads the source and writes the destination, so all statements go into one document.
"""

import json
from pathlib import Path

from s3mover.diagnostics.policy_inputs import documents_of
from s3mover.model import Method
from s3mover.settings.load import load

HERE = Path(__file__).parent


def main() -> None:
    """Write task-role-policy.json."""
    (container,) = json.loads((HERE / "task-definition.json").read_text("utf-8"))["containerDefinitions"]
    settings = load(None, {one["name"]: one["value"] for one in container["environment"]}, {})
    statements = {
        statement["Sid"]: statement
        for one in documents_of(settings, "")
        if one.method is Method.SERVER_SIDE_COPY and one.kind == "identity" and one.policy
        for statement in one.policy["Statement"]
    }
    policy = {"Version": "2012-10-17", "Statement": list(statements.values())}
    (HERE / "task-role-policy.json").write_text(json.dumps(policy, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
