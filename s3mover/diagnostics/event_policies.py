"""The policies that receiving events needs: of who receives, and of the queue. Pure functions.

Sources: Amazon S3 User Guide, "Granting permissions to publish event notification messages to a destination"; Amazon
EventBridge User Guide, "Using resource-based policies"; Amazon SQS Developer Guide, "API permissions".
"""

from typing import NamedTuple
from urllib.parse import urlsplit

from s3mover.diagnostics.iam_grants import Json

VERSION = "2012-10-17"
RECEIVE = (
    "sqs:ReceiveMessage",
    "sqs:DeleteMessage",
    "sqs:ChangeMessageVisibility",
    "sqs:GetQueueAttributes",
    "sqs:GetQueueUrl",
)
# For `check`, which looks whether the bucket notifies the queue.
INSPECT = "s3:GetBucketNotification"


class QueueName(NamedTuple):
    """A queue by the parts of its ARN; placeholders stand for what is not known."""

    partition: str
    region: str
    account: str
    name: str

    @property
    def arn(self) -> str:
        """The queue's ARN."""
        return f"arn:{self.partition}:sqs:{self.region}:{self.account}:{self.name}"


def queue_name(queue: str, region: str, account: str) -> QueueName:
    """Return what the URL or ARN of a queue says; `region` and `account` stand where it does not."""
    if queue.startswith("arn:"):
        _, partition, _, own_region, own_account, name = queue.split(":")
        return QueueName(partition, own_region, own_account, name)
    url = urlsplit(queue)
    labels, path = (url.hostname or "").split("."), url.path.strip("/").split("/")
    partition = "aws-cn" if labels[-1] == "cn" else "aws"
    at_aws = labels[0] == "sqs" and "amazonaws" in labels
    own_account = path[0] if len(path) > 1 and path[0].isdigit() else account
    return QueueName(partition, labels[1] if at_aws else region, own_account, path[-1])


def receiver_policy(queue: QueueName, dead_letters: str, bucket_arn: str) -> Json:
    """Return the policy of who receives; `dead_letters` is the ARN of the dead-letter queue, which is counted."""
    return {
        "Version": VERSION,
        "Statement": [
            {"Sid": "ReceiveEvents", "Effect": "Allow", "Action": list(RECEIVE), "Resource": queue.arn},
            {
                "Sid": "CountDeadLetters",
                "Effect": "Allow",
                "Action": ["sqs:GetQueueAttributes", "sqs:GetQueueUrl"],
                "Resource": dead_letters,
            },
            {
                "Sid": "InspectNotifications",
                "Effect": "Allow",
                "Action": INSPECT,
                "Resource": bucket_arn,
            },
        ],
    }


def queue_policy(queue: QueueName, bucket_arn: str, bucket_account: str) -> Json:
    """Return the queue's policy, which lets S3 send for one bucket of one account, and nobody else."""
    return {
        "Version": VERSION,
        "Statement": [
            {
                "Sid": "EventsOfTheSource",
                "Effect": "Allow",
                "Principal": {"Service": "s3.amazonaws.com"},
                "Action": "sqs:SendMessage",
                "Resource": queue.arn,
                "Condition": {
                    "ArnLike": {"aws:SourceArn": bucket_arn},
                    "StringEquals": {"aws:SourceAccount": bucket_account},
                },
            }
        ],
    }
