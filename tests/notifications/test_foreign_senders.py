"""The messages that moto sends by itself, on each way from a bucket to a queue."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from s3mover.notifications.changes import ChangeKind
from s3mover.notifications.parsing import parse
from testkit.event_queue import KEYS, REGION
from tests.notifications.samples import BUCKET

KEY = "a b+c/ä%"
EVENTS = ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"]
Client = Callable[[str], Any]


@pytest.fixture
def client() -> Iterator[Client]:
    """Makes clients of an AWS of our own, in which the bucket is."""
    with mock_aws():
        made = {
            service: boto3.client(service, region_name=REGION, **KEYS)
            for service in ("s3", "sqs", "sns", "events")
        }
        made["s3"].create_bucket(Bucket=BUCKET)
        yield made.__getitem__


def queue_of(client: Client) -> tuple[str, str]:
    """Return URL and ARN of a new queue."""
    url = client("sqs").create_queue(QueueName="changes")["QueueUrl"]
    found = client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    return url, found["Attributes"]["QueueArn"]


def straight(client: Client) -> str:
    url, arn = queue_of(client)
    notify(client, {"QueueConfigurations": [{"QueueArn": arn, "Events": EVENTS}]})
    return url


def through_sns(client: Client, raw: str) -> str:
    url, arn = queue_of(client)
    topic = client("sns").create_topic(Name="changes")["TopicArn"]
    client("sns").subscribe(
        TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": raw}
    )
    notify(client, {"TopicConfigurations": [{"TopicArn": topic, "Events": EVENTS}]})
    return url


def through_eventbridge(client: Client) -> str:
    url, arn = queue_of(client)
    client("events").put_rule(Name="changes", EventPattern=json.dumps({"source": ["aws.s3"]}))
    client("events").put_targets(Rule="changes", Targets=[{"Id": "queue", "Arn": arn}])
    notify(client, {"EventBridgeConfiguration": {}})
    return url


def notify(client: Client, configuration: dict[str, Any]) -> None:
    client("s3").put_bucket_notification_configuration(Bucket=BUCKET, NotificationConfiguration=configuration)


@pytest.mark.parametrize(
    "connect",
    [
        straight,
        lambda client: through_sns(client, "false"),
        lambda client: through_sns(client, "true"),
        through_eventbridge,
    ],
    ids=["straight", "SNS", "SNS, raw", "EventBridge"],
)
def test_what_moto_sends_is_understood(client: Client, connect: Callable[[Client], str]) -> None:
    url = connect(client)
    client("s3").put_object(Bucket=BUCKET, Key=KEY, Body=b"1")
    client("s3").delete_object(Bucket=BUCKET, Key=KEY)
    received = client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    changes = [change for one in received for change in parse(one["Body"], BUCKET, "").changes]
    assert {change.key for change in changes} == {KEY}
    assert [change.kind for change in changes][:1] == [ChangeKind.CREATED]
    assert {change.kind for change in changes} == {ChangeKind.CREATED, ChangeKind.REMOVED}
