"""The events of foreign stores, as they send them themselves, to their own queues."""

import random
from pathlib import Path
from typing import Any

import boto3
import pytest

from testkit.event_queue import EventQueue, make_queue
from testkit.foreign_stores import ForeignStore, running_store
from testkit.program import daemon
from testkit.trail_rows import rows
from testkit.waiting import wait_until

SOURCE, DESTINATION = "events-source", "events-copy"
KEYS = ["a b+c", "ä/ö 日本", "100%", "deep/er/path.txt", "changed", "changed"]
NOTIFYING = ["moto", "ministack"]
OPERATIONS = 1000


def client(store: ForeignStore, service: str) -> Any:
    keys = {"aws_access_key_id": store.access_key, "aws_secret_access_key": store.secret_key}
    return boto3.client(service, endpoint_url=store.endpoint, region_name=store.region, **keys)


def settings_for(store: ForeignStore, queue: EventQueue) -> dict[str, str]:
    values = {"S3MOVER_SWEEP__INTERVAL": "1h", "S3MOVER_HTTP__PORT": "0", **queue.settings()}
    for side, bucket in (("SRC", SOURCE), ("DST", DESTINATION)):
        values |= {
            f"{side}_BUCKET": bucket,
            f"{side}_ACCESS_KEY": store.access_key,
            f"{side}_SECRET_KEY": store.secret_key,
            f"{side}_REGION": store.region,
            f"{side}_ENDPOINT_URL": store.endpoint,
        }
    return values


@pytest.mark.parametrize("name", NOTIFYING)
def test_what_a_store_announces_is_moved_long_before_the_next_sweep(name: str, tmp_path: Path) -> None:
    """Keys of all kinds, and a thousand changes and removals; afterwards the queue is empty."""
    with running_store(name) as store:
        s3, queue = client(store, "s3"), make_queue(store.endpoint, client(store, "sqs"))
        for bucket in (SOURCE, DESTINATION):
            s3.create_bucket(Bucket=bucket)
        events = ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"]
        s3.put_bucket_notification_configuration(
            Bucket=SOURCE,
            NotificationConfiguration={"QueueConfigurations": [{"QueueArn": queue.arn, "Events": events}]},
        )
        with daemon(settings_for(store, queue), tmp_path) as running:
            running.await_event("sweep.finished")
            for number, key in enumerate(KEYS):
                s3.put_object(Bucket=SOURCE, Key=key, Body=f"{key} {number}".encode())
            change_at_random(s3)
            wait_until(
                lambda: _contents(s3, SOURCE).items() <= _contents(s3, DESTINATION).items(),
                "equal",
                running.tail,
            )
            wait_until(lambda: not queue.left(), "all messages are deleted", running.tail)
            running.process.terminate()
            assert running.end() == 0
    kinds = rows(
        tmp_path, "SELECT kind FROM migration_batches JOIN document_logs ON batch_id = migration_batches.id"
    )
    assert {kind for (kind,) in kinds} == {"events"}


def change_at_random(s3: Any) -> None:
    """Put, change and remove objects."""
    chance = random.Random(17)  # noqa: S311 - repeatable
    for number in range(OPERATIONS):
        key = f"random/{chance.randrange(OPERATIONS // 4)}"
        if chance.random() < 0.2:
            s3.delete_object(Bucket=SOURCE, Key=key)
        else:
            s3.put_object(Bucket=SOURCE, Key=key, Body=f"{key} {number}".encode())


def _contents(s3: Any, bucket: str) -> dict[str, str]:
    listed = s3.list_objects_v2(Bucket=bucket).get("Contents", [])
    return {entry["Key"]: entry["ETag"] for entry in listed}
