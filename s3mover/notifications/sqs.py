"""A queue of SQS through botocore, with the credentials of one side. Loaded in processes of their own alone.

Source: Amazon SQS API Reference, the page of each operation.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from botocore import exceptions as boto
from botocore.config import Config

from s3mover.errors import UnreachableError
from s3mover.notifications.held_messages import PER_RECEIVE, VISIBILITY_SECONDS
from s3mover.notifications.messages import ReceiverConfig
from s3mover.s3.resolver import client_of

MAX_MESSAGE = 500
# The service's own limits: entries per batch, and the longest poll in seconds.
BATCH = 10
CONNECTIONS = 12
READ_TIMEOUT_SECONDS = 30
_COUNTED = {
    "visible": "ApproximateNumberOfMessages",
    "in_flight": "ApproximateNumberOfMessagesNotVisible",
    "delayed": "ApproximateNumberOfMessagesDelayed",
}
# Codes that a receiver cannot get over by itself: its credentials, or the queue, must change.
_NO_QUEUE = {"AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"}


class RawMessage(NamedTuple):
    """A message as SQS has it; `sent_at` is in seconds since the epoch."""

    id: str
    handle: str
    body: str
    sent_at: float


class Queue:
    """One queue; threads may share it. Every operation may raise `UnreachableError`."""

    def __init__(self, config: ReceiverConfig) -> None:
        self._wait = int(config.wait)
        with _translated(config.queue):
            self._client = client_of(
                config.access,
                "sqs",
                config.region or _region_of(config.queue) or config.access.region,
                config.endpoint_url or _endpoint_of(config.queue),
                Config(
                    connect_timeout=5,
                    read_timeout=READ_TIMEOUT_SECONDS,
                    max_pool_connections=CONNECTIONS,
                    retries={"mode": "standard", "total_max_attempts": 3},
                ),
            )
        self._name = config.queue
        self._url = ""

    def receive(self) -> list[RawMessage]:
        """Return up to ten messages; wait for the first as long as a poll may take."""
        with _translated(self._name):
            answer = self._client.receive_message(
                QueueUrl=self.url(),
                MaxNumberOfMessages=PER_RECEIVE,
                WaitTimeSeconds=self._wait,
                VisibilityTimeout=VISIBILITY_SECONDS,
                AttributeNames=["SentTimestamp"],
            )
        return [_raw(message) for message in answer.get("Messages", [])]

    def delete(self, handles: Sequence[str]) -> int:
        """Delete messages; return how many could not be deleted, and so come again."""
        return sum(self._delete(part) for part in _parts(handles))

    def make_visible_in(self, seconds: int, handles: Sequence[str]) -> int:
        """Let messages come again after so many seconds; return of how many that could not be changed."""
        return sum(self._change(seconds, part) for part in _parts(handles))

    def counts(self) -> dict[str, int | None]:
        """Return how many messages there are, by state; that of the dead-letter queue only where it may be asked."""
        attributes = self.attributes()
        counted: dict[str, int | None] = {
            state: int(attributes.get(name, 0)) for state, name in _COUNTED.items()
        }
        return counted | {"dead_letter": self._dead_letters(attributes)}

    def attributes(self) -> dict[str, str]:
        """Return the queue's attributes."""
        with _translated(self._name):
            answer = self._client.get_queue_attributes(QueueUrl=self.url(), AttributeNames=["All"])
        attributes: dict[str, str] = answer.get("Attributes", {})
        return attributes

    def url(self) -> str:
        """Return the queue's URL; that of an ARN is asked for once."""
        if not self._url:
            self._url = self._name if "://" in self._name else self._url_of(self._name)
        return self._url

    def peek(self) -> None:
        """Receive at most one message, which stays visible, to find out whether that is permitted."""
        with _translated(self._name):
            self._client.receive_message(
                QueueUrl=self.url(), MaxNumberOfMessages=1, WaitTimeSeconds=0, VisibilityTimeout=0
            )

    def _delete(self, handles: Sequence[str]) -> int:
        entries = [{"Id": str(number), "ReceiptHandle": handle} for number, handle in enumerate(handles)]
        with _translated(self._name):
            answer = self._client.delete_message_batch(QueueUrl=self.url(), Entries=entries)
        return len(answer.get("Failed", []))

    def _change(self, seconds: int, handles: Sequence[str]) -> int:
        entries = [
            {"Id": str(number), "ReceiptHandle": handle, "VisibilityTimeout": seconds}
            for number, handle in enumerate(handles)
        ]
        with _translated(self._name):
            answer = self._client.change_message_visibility_batch(QueueUrl=self.url(), Entries=entries)
        return len(answer.get("Failed", []))

    def _dead_letters(self, attributes: dict[str, str]) -> int | None:
        arn = dead_letter_arn(attributes)
        if not arn:
            return None
        try:
            url = self._url_of(arn)
            answer = self._client.get_queue_attributes(QueueUrl=url, AttributeNames=[_COUNTED["visible"]])
        except (boto.BotoCoreError, boto.ClientError):
            return None
        return int(answer["Attributes"][_COUNTED["visible"]])

    def _url_of(self, arn: str) -> str:
        *_, account, name = arn.split(":")
        answer = self._client.get_queue_url(QueueName=name, QueueOwnerAWSAccountId=account)
        url: str = answer["QueueUrl"]
        return url


def dead_letter_arn(attributes: dict[str, str]) -> str:
    """Return the ARN of the dead-letter queue that a queue's attributes name, empty where there is none."""
    try:
        arn = json.loads(attributes.get("RedrivePolicy", "{}")).get("deadLetterTargetArn", "")
    except (ValueError, AttributeError):
        return ""
    return arn if isinstance(arn, str) else ""


def _raw(message: dict[str, Any]) -> RawMessage:
    sent = message.get("Attributes", {}).get("SentTimestamp", "0")
    sent_at = int(sent) / 1000 if sent.isdigit() else 0.0
    return RawMessage(
        message.get("MessageId", ""), message["ReceiptHandle"], message.get("Body", ""), sent_at
    )


def _parts(handles: Sequence[str]) -> Iterator[list[str]]:
    rest = iter(handles)
    while part := list(islice(rest, BATCH)):
        yield part


def _region_of(queue: str) -> str:
    """Return the region that a queue's ARN, or its URL at AWS, names; empty where there is none."""
    if queue.startswith("arn:"):
        return queue.split(":")[3]
    labels = (urlsplit(queue).hostname or "").split(".")
    return labels[1] if labels[0] == "sqs" and "amazonaws" in labels else ""


def _endpoint_of(queue: str) -> str:
    """Return where a queue of another store than AWS is, by its URL; empty for AWS."""
    url = urlsplit(queue)
    return f"{url.scheme}://{url.netloc}" if url.netloc and "amazonaws" not in url.netloc else ""


@contextmanager
def _translated(queue: str) -> Iterator[None]:
    try:
        yield
    # botocore raises a bare ValueError for an invalid endpoint or region.
    except (boto.BotoCoreError, boto.ClientError, ValueError) as error:
        sentence = " ".join(_sentence(error).split())
        raise UnreachableError(f"source.events.queue {queue}: {sentence}"[:MAX_MESSAGE]) from error


def _sentence(error: Exception) -> str:
    match error:
        case boto.NoCredentialsError():
            return (
                "no credentials were found; source.events.credentials says which side's credentials are used"
            )
        case boto.ClientError():
            detail = error.response.get("Error", {})
            code = str(detail.get("Code"))
            remedy = (
                "check its name, source.events.region and source.events.endpoint_url"
                if code in _NO_QUEUE
                else "check the rights that `s3mover policy` prints, and source.events.credentials"
            )
            return f"{code}: {detail.get('Message')}; {remedy}"
        case _:
            return f"{error}; check source.events.endpoint_url, source.events.region and the network"
