"""A bucket that notifies a queue: moto's S3 and SQS on a free loopback port, and messages as S3 sends them."""

import json
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote_plus

import boto3

from testkit.moto import running_moto

REGION = "us-east-1"
KEYS = {"aws_access_key_id": "queue-test", "aws_secret_access_key": "queue-test-secret"}
# After so many receptions SQS moves a message to the dead-letter queue.
RECEPTIONS = 20


@dataclass
class EventQueue:
    """A queue with a dead-letter queue, and what a bucket would send to it."""

    endpoint: str
    sqs: Any
    url: str
    dead_letters: str
    _sequence: int = 0
    sent: list[str] = field(default_factory=list)

    @property
    def arn(self) -> str:
        """The queue's ARN."""
        return _arn(self.sqs, self.url)

    def message(self, bucket: str, key: str, name: str = "ObjectCreated:Put") -> str:
        """Return the next notification of a bucket about a key."""
        self._sequence += 1
        given = {"key": quote_plus(key, safe="/"), "size": 1, "sequencer": f"{self._sequence:016X}"}
        record = {
            "eventSource": "aws:s3",
            "eventTime": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
            "eventName": name,
            "s3": {"bucket": {"name": bucket}, "object": given},
        }
        return json.dumps({"Records": [record]})

    def send(self, bodies: Sequence[str]) -> None:
        """Put messages into the queue, in this order."""
        for at in range(0, len(bodies), 10):
            entries = [
                {"Id": str(number), "MessageBody": body} for number, body in enumerate(bodies[at : at + 10])
            ]
            self.sqs.send_message_batch(QueueUrl=self.url, Entries=entries)

    def left(self) -> int:
        """Return how many messages are in the queue, visible or not."""
        return sum(_counts(self.sqs, self.url))

    def dead(self) -> int:
        """Return how many messages are in the dead-letter queue."""
        return sum(_counts(self.sqs, self.dead_letters))

    def settings(self, **more: str) -> dict[str, str]:
        """Return the environment by which s3mover receives from the queue."""
        values = {"QUEUE": self.url, "ENDPOINT_URL": self.endpoint, "REGION": REGION, "WAIT": "1s", **more}
        return {f"S3MOVER_SOURCE__EVENTS__{name}": value for name, value in values.items()}


@contextmanager
def running_queues() -> Iterator[Callable[[], EventQueue]]:
    """Run moto, and yield what makes a queue on it: a poll of a dead process may still take a message of its queue."""
    with running_moto() as endpoint:
        sqs = boto3.client("sqs", endpoint_url=endpoint, region_name=REGION, **KEYS)
        yield lambda: make_queue(endpoint, sqs)


def make_queue(endpoint: str, sqs: Any) -> EventQueue:
    """Make a queue with a dead-letter queue at an SQS-compatible service."""
    name = f"events-{secrets.token_hex(4)}"
    dead = sqs.create_queue(QueueName=f"{name}-dead")["QueueUrl"]
    redrive = json.dumps({"deadLetterTargetArn": _arn(sqs, dead), "maxReceiveCount": RECEPTIONS})
    url = sqs.create_queue(QueueName=name, Attributes={"RedrivePolicy": redrive})["QueueUrl"]
    return EventQueue(endpoint, sqs, url, dead)


def _arn(sqs: Any, url: str) -> str:
    arn: str = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    return arn


def _counts(sqs: Any, url: str) -> list[int]:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return [int(attributes[name]) for name in names]
