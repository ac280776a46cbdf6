"""Which kinds of objects a store cannot copy."""

from s3mover.model import Order
from s3mover.transfer.failed_copies import MIN_FAILED_OBJECTS, RETRY_SECONDS, FailedCopies

PLAIN = Order(1, 1, "a/b", "a/b", 5, "e" * 32, "2025-01-04T03:17:09.000Z", "STANDARD")
MARKER = PLAIN._replace(key="a/b/")
MULTIPART = PLAIN._replace(etag="e" * 32 + "-2")


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def failed(order: Order, times: int, code: str = "NoSuchKey") -> tuple[FailedCopies, Clock]:
    """Return copies of which some of one kind failed in a row, and their clock."""
    clock = Clock()
    copies = FailedCopies(clock)
    for _ in range(times):
        copies.record_failure(order, code)
    return copies, clock


def test_several_failures_in_a_row_are_of_the_kind() -> None:
    """The next object of the kind is streamed at once, with the code of the failures."""
    copies, _ = failed(MARKER, MIN_FAILED_OBJECTS)
    assert copies.code_for(MARKER) == "NoSuchKey"


def test_one_object_says_nothing_about_others() -> None:
    """Fewer failures may be those objects' own."""
    copies, _ = failed(MARKER, MIN_FAILED_OBJECTS - 1)
    assert copies.code_for(MARKER) == ""


def test_kinds_are_apart() -> None:
    """Folder markers fail by themselves, and so do objects with the ETag of a multipart upload."""
    copies, _ = failed(MARKER, MIN_FAILED_OBJECTS)
    assert [copies.code_for(order) for order in (PLAIN, MULTIPART)] == ["", ""]


def test_another_cause_begins_anew() -> None:
    """Failures count per code."""
    copies, _ = failed(MARKER, MIN_FAILED_OBJECTS - 1)
    copies.record_failure(MARKER, "InternalError")
    assert copies.code_for(MARKER) == ""


def test_a_copy_that_succeeds_ends_it() -> None:
    """Only failures in a row count."""
    copies, _ = failed(MARKER, MIN_FAILED_OBJECTS - 1)
    copies.record_success(MARKER)
    copies.record_failure(MARKER, "NoSuchKey")
    assert copies.code_for(MARKER) == ""


def test_a_kind_is_tried_again() -> None:
    """Not for ever; if it fails then, it waits again."""
    copies, clock = failed(MARKER, MIN_FAILED_OBJECTS)
    clock.now = RETRY_SECONDS
    assert copies.code_for(MARKER) == ""
    copies.record_failure(MARKER, "NoSuchKey")
    assert copies.code_for(MARKER) == "NoSuchKey"
