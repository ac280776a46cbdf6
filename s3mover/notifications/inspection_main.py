"""The process that inspects a queue and the bucket's notifications for `check`; `inspection.py` is its client."""

import json
import sys
from typing import Any

from botocore import exceptions as boto
from botocore.config import Config

from s3mover.errors import UnreachableError
from s3mover.notifications.messages import config_of
from s3mover.notifications.sqs import Queue, dead_letter_arn
from s3mover.s3.resolver import client_of
from s3mover.s3.side_access import SideAccess


def inspect(fields: dict[str, Any]) -> dict[str, Any]:
    """Return what was found: `error`, or the queue's `arn`, whether it has `dead_letters`, and what the bucket says."""
    try:
        queue = Queue(config_of(fields["config"]))
        queue.peek()
        attributes = queue.attributes()
    except UnreachableError as error:
        return {"error": str(error)}
    found = {"arn": attributes.get("QueueArn", ""), "dead_letters": bool(dead_letter_arn(attributes))}
    return found | _notifications(SideAccess(**fields["source"]))


def _notifications(access: SideAccess) -> dict[str, Any]:
    """Return what the bucket's configuration of notifications says, or `refused` with why it cannot be read."""
    bounds = Config(connect_timeout=5, read_timeout=10, retries={"total_max_attempts": 2})
    try:
        client = client_of(access, "s3", access.region, access.endpoint_url, bounds)
        given = client.get_bucket_notification_configuration(Bucket=access.bucket)
    except (boto.BotoCoreError, boto.ClientError, ValueError) as error:
        return {"refused": " ".join(str(error).split())[:200]}
    queues = {one["QueueArn"]: one.get("Events", []) for one in given.get("QueueConfigurations", [])}
    return {
        "queues": queues,
        "topics": len(given.get("TopicConfigurations", [])),
        "bridge": "EventBridgeConfiguration" in given,
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(inspect(json.load(sys.stdin))))
