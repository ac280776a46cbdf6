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
GONE = S3Error("NoSuchKey", "", status=404, operation="CopyObject")
GONE_AT_SOURCE = S3Error("NotFound", "", status=404, operation="HeadObject")
CHANGED = S3Error("PreconditionFailed", "", status=412)


class ScriptedMethod:
    """A method that raises the errors of its script, then succeeds."""

    def __init__(self, *script: MoverError) -> None:
        self.script = list(script)
        self.orders: list[Order] = []
        self.looks = 0
        self.found: TransferResult | None = None

    def transfer(self, order: Order) -> TransferResult:
        self.orders.append(order)
        if self.script:
            raise self.script.pop(0)
        return TransferResult("d" * 32)

    def find_copy(self, order: Order, seconds: float) -> TransferResult | None:  # noqa: ARG002 - the order's
        self.looks += 1
        return self.found


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


def refused(error: MoverError) -> Callable[[], Head]:
    """Return a HeadObject of the source that raises `error`."""

    def head() -> Head:
        raise error

    return head


def test_an_object_that_vanished_is_skipped_at_the_last_attempt() -> None:
    """The source is asked before a copy's 404 becomes an error."""
    outcome = move(
        ScriptedMethod(GONE), ScriptedMethod(), head=refused(GONE_AT_SOURCE), pause=lambda _: False
    )
    assert (outcome.status, outcome.code) == (Status.SKIPPED, "NoSuchKey")


def unchanged() -> Head:
    """Return the head that the source has of the listed object."""
    return Head(5, "e" * 32, "", {})


@pytest.mark.parametrize("method", ["auto", "server_side_copy"])
def test_an_object_that_vanished_at_the_source_is_skipped(method: str) -> None:
    """An object that is gone is not a failure; the source says so, not the copy."""
    streaming = ScriptedMethod()
    outcome = move(ScriptedMethod(GONE), streaming, method, head=refused(GONE_AT_SOURCE))
    assert (outcome.status, outcome.code) == (Status.SKIPPED, "NoSuchKey")
    assert streaming.orders == []


@pytest.mark.parametrize("code", ["NoSuchKey", "NoSuchVersion", "NotFound", "NoSuchBucket"])
def test_a_404_of_a_copy_is_not_believed_where_the_source_has_the_object(code: str) -> None:
    """The source is asked, and then the object is streamed, within the same order."""
    server_side = ScriptedMethod(S3Error(code, status=404, operation="CopyObject"))
    outcome = move(server_side, ScriptedMethod(), head=unchanged)
    assert (outcome.status, outcome.method) == (Status.SUCCESS, Method.STREAMING)
    assert len(server_side.orders) == 1
    assert outcome.fallback == code


def test_a_404_of_a_copy_without_a_fallback_is_an_error_where_the_source_has_the_object() -> None:
    """`server_side_copy` does not stream; the object is not skipped as if it were gone."""
    outcome = move(ScriptedMethod(*[GONE] * 4), ScriptedMethod(), "server_side_copy", head=unchanged)
    assert (outcome.status, outcome.code) == (Status.ERROR, "NoSuchKey")


def test_a_404_of_a_write_that_streams_is_an_error() -> None:
    """The source's object is not gone: it is asked."""
    error = S3Error("NoSuchKey", status=404, operation="PutObject")
    outcome = move(ScriptedMethod(), ScriptedMethod(*[error] * 4), "streaming", head=unchanged)
    assert (outcome.status, outcome.code) == (Status.ERROR, "NoSuchKey")


def test_a_412_of_a_copy_is_not_believed_where_the_source_has_the_listed_version() -> None:
    """Some stores compare another ETag than they list: the object is streamed."""
    server_side = ScriptedMethod(CHANGED)
    outcome = move(server_side, ScriptedMethod(), head=unchanged)
    assert (outcome.status, outcome.method, outcome.attempts) == (Status.SUCCESS, Method.STREAMING, 2)
    assert len(server_side.orders) == 1


@pytest.mark.parametrize(
    "error",
    [
        S3Error("InternalError", status=500, temporary=True),
        S3Error("Timeout", temporary=True),
        VerificationError("altered"),
    ],
)
def test_a_copy_that_keeps_failing_is_streamed_within_the_same_order(error: MoverError) -> None:
    """Some stores answer InternalError for ever."""
    server_side = ScriptedMethod(*[error] * 9)
    outcome = move(server_side, ScriptedMethod(), head=unchanged)
    assert (outcome.status, outcome.method, outcome.attempts) == (Status.SUCCESS, Method.STREAMING, 3)
    assert len(server_side.orders) == 3


def test_a_copy_that_failed_is_not_tried_again_where_streaming_is_throttled() -> None:
    """The next attempt of the order streams as well."""
    server_side = ScriptedMethod(GONE, GONE)
    outcome = move(server_side, ScriptedMethod(SLOW), head=unchanged)
    assert (outcome.status, outcome.method, outcome.attempts) == (Status.SUCCESS, Method.STREAMING, 3)
    assert len(server_side.orders) == 1


def test_the_source_is_asked_again_where_it_did_not_answer() -> None:
    """A throttled HeadObject decides nothing."""
    heads = [SLOW]

    def head() -> Head:
        if heads:
            raise heads.pop()
        return unchanged()

    outcome = move(ScriptedMethod(GONE, GONE), ScriptedMethod(), head=head)
    assert (outcome.status, outcome.method, outcome.attempts) == (Status.SUCCESS, Method.STREAMING, 3)


def test_an_archived_object_is_not_streamed() -> None:
    """It cannot be read in any way."""
    streaming = ScriptedMethod()
    outcome = move(
        ScriptedMethod(S3Error("InvalidObjectState", operation="CopyObject", status=403)), streaming
    )
    assert (outcome.status, streaming.orders) == (Status.SKIPPED, [])


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


SILENT = S3Error("Timeout", temporary=True, operation="CopyObject")


def test_a_copy_without_an_answer_is_looked_for_before_it_is_sent_again() -> None:
    """The store may have made it after the request was given up."""
    server_side = ScriptedMethod(SILENT)
    server_side.found = TransferResult("c" * 32, "found")
    outcome = move(server_side, ScriptedMethod())
    assert (outcome.status, outcome.destination_etag, outcome.message) == (Status.SUCCESS, "c" * 32, "found")
    assert len(server_side.orders) == 1


def test_a_copy_that_is_not_found_is_sent_again() -> None:
    """It is looked for once per request without an answer."""
    server_side = ScriptedMethod(SILENT, S3Error("InternalError", status=500, temporary=True))
    outcome = move(server_side, ScriptedMethod())
    assert (outcome.status, outcome.method, outcome.attempts) == (Status.SUCCESS, Method.SERVER_SIDE_COPY, 3)
    assert server_side.looks == 1
