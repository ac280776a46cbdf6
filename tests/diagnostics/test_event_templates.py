"""The queue that `events print` describes, and the policies that receiving from it needs."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from s3mover.diagnostics.event_policies import queue_name
from s3mover.diagnostics.policy_inputs import documents_of
from s3mover.settings.load import load
from testkit.event_queue import KEYS, REGION
from testkit.moto import running_moto
from testkit.program import run_program
from testkit.waiting import TOO_LONG

ENVIRONMENT = {"SRC_BUCKET": "documents", "DST_BUCKET": "copies", "SRC_REGION": REGION}
VIAS = ["notification", "eventbridge"]
URL = "https://sqs.eu-central-1.amazonaws.com/123456789012/changes"

pytestmark = pytest.mark.process


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    """The address of an AWS of our own."""
    with running_moto() as endpoint:
        yield endpoint


def template(via: str, folder: Path) -> dict[str, Any]:
    command = ["events", "print", "--stack", "cloudformation", "--via", via]
    printed: dict[str, Any] = json.loads(run_program(command, ENVIRONMENT, folder).stdout)
    return printed


def test_cfn_lint_finds_nothing(tmp_path: Path) -> None:
    """Types, properties, references and policies are those that CloudFormation knows."""
    files = [tmp_path / f"{via}.json" for via in VIAS]
    for via, file in zip(VIAS, files, strict=True):
        file.write_text(json.dumps(template(via, tmp_path)), encoding="utf-8")
    lint = Path(sys.executable).with_name("cfn-lint")
    done = subprocess.run([lint, *files], capture_output=True, text=True, check=False, timeout=TOO_LONG)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


# moto leaves out the policy and the alarms, which cfn-lint looks at.
@pytest.mark.filterwarnings("ignore:Tried to parse")
def test_the_stack_is_created_and_a_bucket_that_is_told_to_notifies_the_queue(
    moto: str, tmp_path: Path
) -> None:
    """The command of the outputs is what the bucket is told; its events arrive, and the dead-letter queue is named."""
    formation, s3, sqs = (
        boto3.client(service, endpoint_url=moto, region_name=REGION, **KEYS)
        for service in ("cloudformation", "s3", "sqs")
    )
    s3.create_bucket(Bucket="documents")
    formation.create_stack(
        StackName="events",
        TemplateBody=json.dumps(template("notification", tmp_path)),
        Capabilities=["CAPABILITY_IAM"],
    )
    [stack] = formation.describe_stacks(StackName="events")["Stacks"]
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    outputs = {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}
    told = re.fullmatch(
        r"aws s3api .* --bucket documents --notification-configuration '(.*)'", outputs["NotifyCommand"]
    )
    assert told is not None
    s3.put_bucket_notification_configuration(
        Bucket="documents", NotificationConfiguration=json.loads(told[1])
    )
    s3.put_object(Bucket="documents", Key="a", Body=b"1")
    bodies = [
        message["Body"]
        for message in sqs.receive_message(QueueUrl=outputs["Queue"], MaxNumberOfMessages=10)["Messages"]
    ]
    assert any('"ObjectCreated:Put"' in body for body in bodies)
    attributes = sqs.get_queue_attributes(QueueUrl=outputs["Queue"], AttributeNames=["All"])["Attributes"]
    assert "-dead" in attributes["RedrivePolicy"]


@pytest.mark.parametrize(
    ("queue", "arn"),
    [
        (URL, "arn:aws:sqs:eu-central-1:123456789012:changes"),
        ("arn:aws-cn:sqs:cn-north-1:123456789012:q", "arn:aws-cn:sqs:cn-north-1:123456789012:q"),
        ("http://localhost:4566/000000000000/q", "arn:aws:sqs:R:000000000000:q"),
        ("/s3mover-events-documents", "arn:aws:sqs:R:A:s3mover-events-documents"),
    ],
)
def test_a_queue_is_known_by_its_url_or_arn(queue: str, arn: str) -> None:
    assert queue_name(queue, "R", "A").arn == arn


def test_the_policies_let_s3_send_for_the_bucket_alone_and_the_principal_receive() -> None:
    settings = load(
        None,
        {**ENVIRONMENT, "S3MOVER_SOURCE__EVENTS__QUEUE": URL, "S3MOVER_SOURCE__ACCOUNT_ID": "1" * 12},
        {},
    )
    receiver, queue = documents_of(settings, "")[-2:]
    assert receiver.policy is not None
    assert queue.policy is not None
    actions = [action for statement in receiver.policy["Statement"] for action in statement["Action"]]
    assert {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility"} <= set(actions)
    assert (queue.kind, queue.attach_to) == ("queue", "the queue changes")
    assert queue.policy["Statement"][0]["Condition"] == {
        "ArnLike": {"aws:SourceArn": "arn:aws:s3:::documents"},
        "StringEquals": {"aws:SourceAccount": "1" * 12},
    }


def test_without_a_queue_there_are_no_policies_for_events() -> None:
    assert all("sqs" not in str(document) for document in documents_of(load(None, ENVIRONMENT, {}), ""))
