"""One object from order to outcome: the choice of the method, the fallback and the attempts, over scripted methods."""

from collections.abc import Callable

import pytest

from s3mover.errors import MoverError, S3Error, VerificationError
from s3mover.model import BucketAddress, Credentials, Method, Order, Outcome, Status
from s3mover.s3.bucket import Bucket
from s3mover.s3.records import Head
from s3mover.transfer.method import TransferResult
from s3mover.transfer.mover import Mover
from s3mover.transfer.parts import GIB
from s3mover.transfer.policy import TransferPolicy

ORDER = Order(7, 3, "in/a b.pdf", "out/a b.pdf", 5, "e" * 32, "2025-01-04T03:17:09.000Z", "STANDARD")
DENIED = S3Error("AccessDenied", "no", status=403)
DENIED_LOOK = S3Error("AccessDenied", "no", status=403, operation="HeadObject")
SLOW = S3Error("SlowDown", "later", status=503, temporary=True)
GONE = S3Error("NoSuchKey", "", status=404)
CHANGED = S3Error("PreconditionFailed", "", status=412)


class ScriptedMethod:
    """A method that raises the errors of its script, then succeeds."""

    def __init__(self, *script: MoverError) -> None:
        self.script = list(script)
        self.orders: list[Order] = []

    def transfer(self, order: Order) -> TransferResult:
        self.orders.append(order)
        if self.script:
            raise self.script.pop(0)
        return TransferResult("d" * 32)


class Source(Bucket):
    """A bucket that only answers `head` and `is_listed`."""

    def __init__(self, name: str, head: Callable[[], Head] | None = None, listed: bool | None = True) -> None:
        super().__init__(
            BucketAddress(name, "https", "localhost", 443, "", "r"),
            lambda: Credentials("a", "s"),
            lambda *_: None,
        )
        self._answer = head
        self._listed = listed

    def is_listed(self, key: str) -> bool:  # noqa: ARG002 - the key is the order's
        if self._listed is None:
            raise DENIED
        return self._listed

    def head(self, key: str) -> Head:  # noqa: ARG002 - the key is the order's
        assert self._answer is not None
        return self._answer()


def move(
    server_side: ScriptedMethod,
    streaming: ScriptedMethod,
    method: str = "auto",
    head: Callable[[], Head] | None = None,
    order: Order = ORDER,
    large_objects: str = "transfer",
    pause: Callable[[float], bool] = lambda _: True,
    listed: bool | None = True,
    arrived: Callable[[], Head] | None = None,
) -> Outcome:
    policy = TransferPolicy(method=method, part_size=1, max_attempts=4, large_objects=large_objects)
    mover = Mover(
        Source("source", head, listed),
        Source("destination", arrived),
        server_side,
        streaming,
        policy,
        pause,
        clock=lambda: 100.0,
        timer=lambda: 0.0,
    )
    return mover.move(order)


def test_a_permitted_copy_never_streams() -> None:
    """Server-side copy is the first choice, and the outcome records everything."""
    streaming = ScriptedMethod()
    outcome = move(ScriptedMethod(), streaming)
    assert outcome == Outcome(
        sweep=7,
        number=3,
        key="in/a b.pdf",
        size=5,
        status=Status.SUCCESS,
        method=Method.SERVER_SIDE_COPY,
        moved_at=100.0,
        duration_us=0,
        attempts=1,
        source_etag="e" * 32,
        destination_etag="d" * 32,
    )
    assert streaming.orders == []


@pytest.mark.parametrize("code", ["AccessDenied", "KMS.DisabledException", "NotImplemented", "NoSuchBucket"])
def test_a_refused_copy_streams_in_the_same_attempt(code: str) -> None:
    """A denial costs no attempt; the outcome says why the object streamed."""
    outcome = move(ScriptedMethod(S3Error(code, "no", status=403)), ScriptedMethod())
    assert (outcome.status, outcome.method, outcome.attempts) == (Status.SUCCESS, Method.STREAMING, 1)
    assert outcome.fallback == code
    assert code in outcome.message


def test_a_denial_of_both_methods_is_an_error_at_once() -> None:
    """What is not permitted is not tried again in this sweep."""
    streaming = ScriptedMethod(DENIED, DENIED)
    outcome = move(ScriptedMethod(DENIED), streaming)
    assert (outcome.status, outcome.code, outcome.attempts) == (Status.ERROR, "AccessDenied", 1)
    assert len(streaming.orders) == 1


@pytest.mark.parametrize("method", ["auto", "server_side_copy", "streaming"])
def test_a_refusal_that_hides_a_vanished_object_is_not_a_failure(method: str) -> None:
    """S3 refuses a missing object to a principal that may not list the bucket; it is skipped, not streamed."""
    server_side, streaming = ScriptedMethod(DENIED), ScriptedMethod(DENIED)
    outcome = move(server_side, streaming, method, listed=False)
    assert (outcome.status, outcome.code) == (Status.SKIPPED, "NoSuchKey")
    assert len(server_side.orders) + len(streaming.orders) == 1


def test_a_refusal_counts_where_the_listing_is_refused_as_well() -> None:
    """A listing that is refused as well proves nothing."""
    outcome = move(ScriptedMethod(DENIED), ScriptedMethod(DENIED), listed=None)
    assert (outcome.status, outcome.code) == (Status.ERROR, "AccessDenied")


@pytest.mark.parametrize("method", ["server_side_copy", "streaming"])
def test_a_configured_method_has_no_fallback(method: str) -> None:
    """Only `auto` falls back."""
    server_side, streaming = ScriptedMethod(DENIED), ScriptedMethod(DENIED)
    outcome = move(server_side, streaming, method)
    assert (outcome.status, outcome.method) == (Status.ERROR, Method(method))
    assert len(server_side.orders) + len(streaming.orders) == 1


def test_temporary_errors_are_tried_again() -> None:
    """Throttling and broken copies cost attempts, with a pause before each."""
    pauses: list[float] = []

    def pause(seconds: float) -> bool:
        pauses.append(seconds)
        return True

    outcome = move(ScriptedMethod(SLOW, VerificationError("altered")), ScriptedMethod(), pause=pause)
    assert (outcome.status, outcome.attempts, len(pauses)) == (Status.SUCCESS, 3, 2)


def test_attempts_are_bounded() -> None:
    """One bad object does not hammer the store: after max_attempts it is an error until the next sweep."""
    server_side = ScriptedMethod(*[SLOW] * 9)
    outcome = move(server_side, ScriptedMethod())
    assert (outcome.status, outcome.code, outcome.attempts) == (Status.ERROR, "SlowDown", 4)
    assert len(server_side.orders) == 4


def test_no_attempt_begins_when_the_program_is_to_stop() -> None:
    """A pause that is cut short ends the order with the error it met."""
    outcome = move(ScriptedMethod(SLOW), ScriptedMethod(), pause=lambda _: False)
    assert (outcome.status, outcome.code, outcome.attempts) == (Status.ERROR, "SlowDown", 1)


def test_a_vanished_object_is_skipped() -> None:
    """An object that is gone is not a failure."""
    outcome = move(ScriptedMethod(GONE), ScriptedMethod())
    assert (outcome.status, outcome.code) == (Status.SKIPPED, "NoSuchKey")


def test_an_archived_object_is_skipped_with_its_own_reason() -> None:
    """An object that must be restored first is not a failure."""
    outcome = move(ScriptedMethod(S3Error("InvalidObjectState", status=403)), ScriptedMethod())
    assert (outcome.status, outcome.code) == (Status.SKIPPED, "InvalidObjectState")


def test_a_changed_object_is_refreshed() -> None:
    """After a 412 the object is moved as it is now, and the outcome names that version."""
    server_side = ScriptedMethod(CHANGED)
    outcome = move(server_side, ScriptedMethod(), head=lambda: Head(9, "f" * 32, "", {}))
    assert [(order.size, order.etag) for order in server_side.orders] == [(5, "e" * 32), (9, "f" * 32)]
    assert (outcome.status, outcome.size, outcome.source_etag) == (Status.SUCCESS, 9, "f" * 32)


def test_refreshing_is_tried_again() -> None:
    """A throttled HeadObject costs an attempt, not the object."""
    heads = [SLOW, SLOW]

    def head() -> Head:
        if heads:
            raise heads.pop()
        return Head(9, "f" * 32, "", {"x-amz-storage-class": "STANDARD_IA"})

    server_side = ScriptedMethod(CHANGED)
    outcome = move(server_side, ScriptedMethod(), head=head)
    assert (outcome.status, outcome.attempts) == (Status.SUCCESS, 4)
    assert [order.storage_class for order in server_side.orders] == ["STANDARD", "STANDARD_IA"]


@pytest.mark.parametrize("operation", ["CopyObject", "UploadPartCopy"])
def test_a_write_answered_404_does_not_prove_that_the_object_is_gone(operation: str) -> None:
    """A 404 without a code may be about an upload or a bucket: the source is asked."""
    unclear = S3Error("NotFound", status=404, operation=operation)
    outcome = move(ScriptedMethod(unclear), ScriptedMethod(), head=lambda: Head(5, "e" * 32, "", {}))
    assert (outcome.status, outcome.attempts) == (Status.SUCCESS, 2)


def test_an_object_that_is_gone_when_it_is_refreshed_is_skipped() -> None:
    """Changed, then deleted: skipped as gone."""

    def head() -> Head:
        raise S3Error("NotFound", status=404, operation="HeadObject")

    outcome = move(ScriptedMethod(CHANGED), ScriptedMethod(), head=head)
    assert outcome.status == Status.SKIPPED


@pytest.mark.parametrize(
    "refusal", [S3Error("NotFound", status=404, operation="HeadObject"), DENIED_LOOK], ids=["gone", "hidden"]
)
def test_a_copy_whose_source_vanished_before_it_was_compared_keeps_its_row(refusal: S3Error) -> None:
    """The check of the source was refused, and not the copy, which has arrived."""
    arrived = Head(5, "d" * 32, "Thu, 01 Jan 1970 00:01:40 GMT", {})
    outcome = move(ScriptedMethod(refusal), ScriptedMethod(), listed=False, arrived=lambda: arrived)
    assert (outcome.status, outcome.code) == (Status.ERROR, "Interrupted")


def test_large_objects_can_be_reported_instead() -> None:
    """`transfer.large_objects: report` records the command to run by hand, quoted for a shell, and moves nothing."""
    server_side = ScriptedMethod()
    order = ORDER._replace(size=5 * GIB + 1)
    outcome = move(server_side, ScriptedMethod(), order=order, large_objects="report")
    assert (outcome.status, outcome.code) == (Status.ERROR, "EntityTooLarge")
    assert "aws s3 cp 's3://source/in/a b.pdf' 's3://destination/out/a b.pdf'" in outcome.message
    assert server_side.orders == []
