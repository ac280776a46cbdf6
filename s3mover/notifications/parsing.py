"""One message of the queue as the changes that it announces, in each form in which S3's events reach a queue.

    form                                            | key
    ------------------------------------------------|-----------------------------------------
    notification of S3 (`Records`)                  | encoded as in a form: `+` is a space
    the same inside a notification of SNS           | the same
    EventBridge (`detail`), directly or through SNS | as it is

Sources: Amazon S3 User Guide, "Event message structure" and "EventBridge event message structure"; Amazon SNS Developer
Guide, "HTTP/HTTPS notification JSON format" (that of SQS subscriptions, too). A message is hostile until it is parsed.
"""

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_to_bytes

from s3mover.model import MAX_KEY_LENGTH
from s3mover.notifications.changes import ChangeKind, ObjectChange
from s3mover.s3.values import iso_time

# S3 sends up to 64 KB and one record per message (the first source); SNS escapes what it wraps. What is more is not
# from S3, and memory is bounded by it.
MAX_BYTES = 256 * 1024
MAX_RECORDS = 100
MAX_TEXT = 256
TEST, FOREIGN, OTHER = "test", "foreign", "other"
_TEST_EVENT = "s3:TestEvent"
# Beginnings of `eventName`, and values of `detail-type`. What is deleted by a lifecycle rule is deleted, too.
_NOTIFICATIONS = {
    "ObjectCreated:": ChangeKind.CREATED,
    "ObjectRestore:Completed": ChangeKind.RESTORED,
    "ObjectRemoved:": ChangeKind.REMOVED,
    "LifecycleExpiration:": ChangeKind.REMOVED,
}
_BRIDGE = {
    "Object Created": ChangeKind.CREATED,
    "Object Restore Completed": ChangeKind.RESTORED,
    "Object Deleted": ChangeKind.REMOVED,
}


class UnreadableMessageError(Exception):
    """A message that is none of the forms of S3's events; the text says why, without anything of its content."""


@dataclass(frozen=True, slots=True)
class ParsedMessage:
    """The changes of one message, and how many of its events are ignored: `test`, `foreign` or `other`.

    Foreign are those of other buckets and prefixes, other those that change no object's content.
    """

    changes: tuple[ObjectChange, ...] = ()
    ignored: Counter[str] = field(default_factory=Counter)


def parse(body: str, bucket: str, prefix: str) -> ParsedMessage:
    """Return what a message says of the objects of `bucket` whose keys begin with `prefix`.

    Raises:
        UnreadableMessageError: it is not an event of S3 in any known form.
    """
    if len(body) > MAX_BYTES:
        raise UnreadableMessageError(f"longer than {MAX_BYTES} bytes")
    content = _object(_json(body))
    if content.get("Type") == "Notification":
        content = _object(_json(_text(content, "Message", MAX_BYTES)))
    elif content.get("Type") == "SubscriptionConfirmation":
        raise UnreadableMessageError("a request of SNS to confirm the subscription of the queue")
    if content.get("Event") == _TEST_EVENT:
        return ParsedMessage(ignored=Counter({TEST: 1}))
    if "Records" in content:
        found = [_of_record(_object(record)) for record in _list(content["Records"])]
    else:
        found = [_of_bridge(content)]
    return _within(found, bucket, prefix)


def _within(found: list[tuple[str, ObjectChange | None]], bucket: str, prefix: str) -> ParsedMessage:
    changes: list[ObjectChange] = []
    ignored: Counter[str] = Counter()
    for name, change in found:
        if change is None:
            ignored[OTHER] += 1
        elif name != bucket or not change.key.startswith(prefix):
            ignored[FOREIGN] += 1
        else:
            changes.append(change)
    return ParsedMessage(tuple(changes), ignored)


def _of_record(record: dict[str, Any]) -> tuple[str, ObjectChange | None]:
    """Return the bucket and the change of one record of a notification."""
    name = _text(record, "eventName").removeprefix("s3:")
    kind = next((kind for start, kind in _NOTIFICATIONS.items() if name.startswith(start)), None)
    if kind is None:
        return "", None
    s3 = _object(record.get("s3"))
    given = _object(s3.get("object"))
    key = _decoded(_text(given, "key", 3 * MAX_KEY_LENGTH))
    etag, sequencer = _optional(given, "eTag"), _optional(given, "sequencer")
    change = ObjectChange(kind, key, _moment(record.get("eventTime")), etag, sequencer)
    return _text(_object(s3.get("bucket")), "name"), change


def _of_bridge(event: dict[str, Any]) -> tuple[str, ObjectChange | None]:
    """Return the bucket and the change of an event of EventBridge."""
    if event.get("source") != "aws.s3":
        raise UnreadableMessageError("not an event of S3")
    kind = _BRIDGE.get(_text(event, "detail-type"))
    if kind is None:
        return "", None
    detail = _object(event.get("detail"))
    given = _object(detail.get("object"))
    key = _checked(_text(given, "key", MAX_KEY_LENGTH))
    etag, sequencer = _optional(given, "etag"), _optional(given, "sequencer")
    change = ObjectChange(kind, key, _moment(event.get("time")), etag, sequencer)
    return _text(_object(detail.get("bucket")), "name"), change


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise UnreadableMessageError("not JSON") from None


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise UnreadableMessageError("not an event of S3")
    return value


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list) or not 0 < len(value) <= MAX_RECORDS:
        raise UnreadableMessageError(f"Records is not a list of 1 to {MAX_RECORDS} records")
    return value


def _text(values: dict[str, Any], name: str, longest: int = MAX_TEXT) -> str:
    value = values.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= longest:
        raise UnreadableMessageError(f"{name} is not a text of 1 to {longest} characters")
    return value


def _optional(values: dict[str, Any], name: str) -> str:
    value = values.get(name)
    return value.strip('"') if isinstance(value, str) and len(value) <= MAX_TEXT else ""


def _moment(value: Any) -> float:
    """Return a time in seconds since the epoch, 0 for what is not one: it is needed for the lag alone."""
    return iso_time(value) or 0.0 if isinstance(value, str) else 0.0


def _decoded(key: str) -> str:
    """Return a key that is encoded as in a form."""
    try:
        return _checked(unquote_to_bytes(key.replace("+", " ")).decode())
    except UnicodeDecodeError:
        raise UnreadableMessageError("key is not UTF-8") from None


def _checked(key: str) -> str:
    """Return a key that a request can name."""
    try:
        size = len(key.encode())
    except UnicodeEncodeError:
        raise UnreadableMessageError("key is not UTF-8") from None
    if size > MAX_KEY_LENGTH:
        raise UnreadableMessageError(f"key is longer than {MAX_KEY_LENGTH} bytes")
    return key
