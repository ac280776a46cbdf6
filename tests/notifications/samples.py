"""Messages as S3, SNS and EventBridge send them."""

import json
from typing import Any
from urllib.parse import quote_plus

BUCKET = "documents"
AT = "2026-11-28T12:00:00.250Z"


def record(
    key: str, name: str = "ObjectCreated:Put", bucket: str = BUCKET, /, **given: Any
) -> dict[str, Any]:
    """Return one record of a notification; its key is encoded as S3 does it."""
    detail = {"key": quote_plus(key, safe="/"), "size": 3, "eTag": "0" * 32, "sequencer": "0A1B"} | given
    return {
        "eventSource": "aws:s3",
        "eventTime": AT,
        "eventName": name,
        "s3": {"bucket": {"name": bucket}, "object": detail},
    }


def notification(*records: dict[str, Any]) -> str:
    """Return a notification of S3 as it lies in a queue."""
    return json.dumps({"Records": list(records)})


def sns(message: str) -> str:
    """Return a message as SNS wraps it without raw delivery."""
    return json.dumps({"Type": "Notification", "MessageId": "1", "TopicArn": "arn:t", "Message": message})


def bridge(key: str, kind: str = "Object Created", bucket: str = BUCKET, /, **given: Any) -> str:
    """Return an event of EventBridge."""
    detail = {"key": key, "size": 3, "etag": "0" * 32, "sequencer": "0A1B"} | given
    return json.dumps(
        {
            "version": "0",
            "source": "aws.s3",
            "detail-type": kind,
            "time": AT,
            "detail": {"bucket": {"name": bucket}, "object": detail},
        }
    )
