"""The restoration of archived objects."""

from s3mover.errors import S3Error
from s3mover.model import BucketAddress, Credentials, Order
from s3mover.s3.bucket import Bucket
from s3mover.transfer.policy import TransferPolicy
from s3mover.transfer.restoration import request_restoration

POLICY = TransferPolicy(method="auto", part_size=1, max_attempts=1, restore_tier="Bulk", restore_days=3)
REFUSED_DAYS = S3Error("MalformedXML", status=400)


class Source(Bucket):
    """A bucket that notes the days asked for, and answers as its script says."""

    def __init__(self, *script: S3Error) -> None:
        super().__init__(
            BucketAddress("s", "https", "localhost", 443, "", "r"),
            lambda: Credentials("a", "s"),
            lambda *_: None,
        )
        self.script = list(script)
        self.days: list[int] = []

    def restore(self, key: str, *, tier: str, days: int = 0) -> None:  # noqa: ARG002 - the order's, and the policy's
        self.days.append(days)
        if self.script:
            raise self.script.pop(0)


def asked(source: Source, storage_class: str) -> str:
    order = Order(1, 1, "k", "k", 1, "e", "2025-01-04T03:17:09.000Z", storage_class)
    return request_restoration(source, order, POLICY)


def test_days_are_sent_for_archived_objects_only() -> None:
    """Objects of INTELLIGENT_TIERING are restored for good."""
    glacier, tiered = Source(), Source()
    assert (
        asked(glacier, "GLACIER") == asked(tiered, "INTELLIGENT_TIERING") == "its restoration was asked for"
    )
    assert (glacier.days, tiered.days) == ([3], [0])


def test_a_restoration_whose_days_are_refused_is_repeated_without_them() -> None:
    """The class in the listing may not be the object's."""
    source = Source(REFUSED_DAYS)
    assert asked(source, "COLD") == "its restoration was asked for"
    assert source.days == [3, 0]


def test_another_refusal_is_noted_and_not_repeated() -> None:
    """A missing permission is not cured by leaving out the days."""
    source = Source(S3Error("AccessDenied", status=403))
    assert asked(source, "GLACIER") == "its restoration was refused: AccessDenied"
    assert source.days == [3]
