"""What a message of the queue says, in each form in which S3's events come."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from s3mover.notifications.changes import ChangeKind, ObjectChange
from s3mover.notifications.parsing import MAX_BYTES, MAX_RECORDS, UnreadableMessageError, parse
from tests.notifications.samples import BUCKET, bridge, notification, record, sns

ODD_KEYS = ["a b+c", "ä/ö", "100%", "a%2Bb", "//", " ", "\x01", "x" * 1024, "日本"]
AT = 1795867200.25
FORMS: list[Callable[[str], str]] = [
    lambda key: notification(record(key)),
    lambda key: sns(notification(record(key))),
    bridge,
    lambda key: sns(bridge(key)),
]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("key", ODD_KEYS)
def test_a_key_comes_out_as_it_is_in_the_bucket_whatever_wraps_the_event(
    form: Callable[[str], str], key: str
) -> None:
    parsed = parse(form(key), BUCKET, "")
    assert parsed.changes == (ObjectChange(ChangeKind.CREATED, key, AT, "0" * 32, "0A1B"),)
    assert not parsed.ignored


@given(st.text(min_size=1, max_size=200).filter(lambda key: key.isprintable()))
@settings(max_examples=60)
def test_any_key_survives_every_form(key: str) -> None:
    assert {parse(form(key), BUCKET, "").changes[0].key for form in FORMS} == {key}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("ObjectCreated:Copy", ChangeKind.CREATED),
        ("s3:ObjectCreated:CompleteMultipartUpload", ChangeKind.CREATED),
        ("ObjectRestore:Completed", ChangeKind.RESTORED),
        ("ObjectRemoved:DeleteMarkerCreated", ChangeKind.REMOVED),
        ("LifecycleExpiration:Delete", ChangeKind.REMOVED),
    ],
)
def test_a_notification_creates_restores_or_removes(name: str, kind: ChangeKind) -> None:
    assert parse(notification(record("a", name)), BUCKET, "").changes[0].kind is kind


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("Object Restore Completed", ChangeKind.RESTORED), ("Object Deleted", ChangeKind.REMOVED)],
)
def test_an_event_of_eventbridge_restores_or_removes(kind: str, expected: ChangeKind) -> None:
    assert parse(bridge("a", kind), BUCKET, "").changes[0].kind is expected


@pytest.mark.parametrize(
    "body",
    [
        notification(record("a", "ObjectTagging:Put")),
        notification(record("a", "ObjectRestore:Post")),
        bridge("a", "Object ACL Updated"),
    ],
)
def test_an_event_that_changes_no_content_is_ignored(body: str) -> None:
    parsed = parse(body, BUCKET, "")
    assert (parsed.changes, parsed.ignored) == ((), {"other": 1})


@pytest.mark.parametrize("wrap", [str, sns])
def test_the_test_event_that_s3_sends_on_configuration_is_ignored(wrap: Callable[[str], str]) -> None:
    body = json.dumps({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "any"})
    assert parse(wrap(body), BUCKET, "").ignored == {"test": 1}


def test_events_of_other_buckets_and_prefixes_are_counted_and_ignored() -> None:
    body = notification(record("in/a"), record("out/b"), record("in/c", "ObjectCreated:Put", "another"))
    parsed = parse(body, BUCKET, "in/")
    assert ([change.key for change in parsed.changes], parsed.ignored) == (["in/a"], {"foreign": 2})


def test_a_time_that_is_not_one_is_unknown() -> None:
    odd = record("a") | {"eventTime": "yesterday"}
    assert parse(notification(odd), BUCKET, "").changes[0].at == 0.0


def _without(name: str) -> dict[str, Any]:
    return {key: value for key, value in record("a").items() if key != name}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("9" * 10_000, "not JSON"),
        ("[]", "not an event of S3"),
        ("{}", "not an event of S3"),
        (sns("nothing"), "not JSON"),
        (sns(sns(notification(record("a")))), "not an event of S3"),
        (json.dumps({"Type": "SubscriptionConfirmation"}), "confirm the subscription"),
        (json.dumps({"Records": []}), "Records is not a list"),
        (json.dumps({"Records": [{}] * (MAX_RECORDS + 1)}), "Records is not a list"),
        (json.dumps({"Records": [1]}), "not an event of S3"),
        (notification(_without("eventName")), "eventName is not a text"),
        (notification(_without("s3")), "not an event of S3"),
        (notification(record("a", key="")), "key is not a text"),
        (notification(record("a", key=7)), "key is not a text"),
        (notification(record("a", key="%ff")), "key is not UTF-8"),
        (notification(record("x" * 1025)), "key is longer than 1024 bytes"),
        (bridge("\ud800"), "key is not UTF-8"),
        (bridge("ä" * 513), "key is longer than 1024 bytes"),
        (json.dumps({"source": "aws.ec2", "detail-type": "Object Created"}), "not an event of S3"),
        (" " * MAX_BYTES + "{}", "longer than"),
    ],
)
def test_what_is_not_an_event_is_unreadable_and_its_content_is_not_repeated(body: str, reason: str) -> None:
    with pytest.raises(UnreadableMessageError, match=re.escape(reason)):
        parse(body, BUCKET, "")


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=9),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(
                st.sampled_from(["Records", "s3", "object", "key", "eventName", "detail", "Message", "Type"]),
                inner,
                max_size=5,
            )
        ),
        max_leaves=15,
    )
)
@settings(max_examples=200)
def test_no_json_whatever_raises_anything_else(value: object) -> None:
    try:
        parse(json.dumps(value), BUCKET, "")
    except UnreadableMessageError:
        return
