"""One object from order to outcome: the choice of the way, the fallback, the attempts. The ways are next door."""

import shlex
import time
from collections.abc import Callable
from http import HTTPStatus

from s3mover.errors import MoverError, S3Error
from s3mover.model import INTERRUPTED, Method, Order, Outcome, Status
from s3mover.s3.bucket import Bucket
from s3mover.s3.retry import retrying
from s3mover.transfer.copy_permissions import CopyPermissionCache
from s3mover.transfer.method import ABORT_ATTEMPTS, TransferMethod, TransferResult, notes
from s3mover.transfer.orphaned_uploads import abort_orphaned_uploads
from s3mover.transfer.parts import MAX_SINGLE_COPY, MIB
from s3mover.transfer.policy import TransferPolicy
from s3mover.transfer.server_side import is_denial
from s3mover.transfer.verification import written_since

GONE = frozenset({"NoSuchKey", "NoSuchVersion"})
READS = frozenset({"HeadObject", "GetObject"})
GONE_UNSEEN = S3Error("NoSuchKey", "gone since it was listed")
ARCHIVED = frozenset({"InvalidObjectState"})
# A write that is answered 404, and no more, does not say what was not found: the source is asked.
CHANGED = frozenset({"PreconditionFailed", "NotFound"})
# HTTP statuses of an answer that says that nothing was done.
REFUSALS = range(400, 500)
MESSAGE_LENGTH = 1000
# Larger objects take longer to copy than others should wait for a verdict, in bytes.
MAX_PROBE = 64 * MIB


class TransferState:
    """What is learnt on the way of one order: the only record here that changes."""

    def __init__(self, order: Order, began_at: float) -> None:
        self.order = order
        self.began_at = order.orphaned_since or began_at
        self.may_have_written = bool(order.orphaned_since)
        self.changed = False
        self.method: Method | None = None
        self.attempts = 0
        self.fallback = ""


class Mover:
    """Moves one object at a time; many threads may share one mover.

    `pause` waits so many seconds and returns True, or returns False at once where the program is to stop;
    `clock` tells the time of day and `timer` measures, both in seconds.
    """

    def __init__(
        self,
        source: Bucket,
        destination: Bucket,
        server_side: TransferMethod,
        streaming: TransferMethod,
        policy: TransferPolicy,
        pause: Callable[[float], bool],
        clock: Callable[[], float] = time.time,
        timer: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._source = source
        self._destination = destination
        self._server_side = server_side
        self._streaming = streaming
        self._policy = policy
        self._pause = pause
        self._clock = clock
        self._timer = timer
        self._permissions = CopyPermissionCache(timer)

    def move(self, order: Order) -> Outcome:
        """Move the object of `order` and tell what became of it; never raises for a failure of S3."""
        started = self._timer()
        state = TransferState(order, self._clock())
        left = self._abort_leftovers(order)
        try:
            self._refuse_large(order)
            result = self._transfer_with_retries(state)
        except MoverError as error:
            return self._failed(state, started, error, left)
        return self._ended(state, started, Status.SUCCESS, "", notes(_said(state, result), left), result)

    def _failed(self, state: TransferState, started: float, error: MoverError, left: str) -> Outcome:
        order = state.order
        note = self._ask_for_restoration(order) if _code(error) in ARCHIVED else ""
        status, code, message = _verdict(GONE_UNSEEN if self._is_gone(order.key, error) else error)
        if status is Status.SKIPPED and state.may_have_written and self._has_arrived(state):
            # A row that is withdrawn would leave the copy without any.
            status, code, message = Status.ERROR, INTERRUPTED, f"a copy may have arrived before: {message}"
        return self._ended(state, started, status, code, notes(note, message, left))

    def _abort_leftovers(self, order: Order) -> str:
        """Abort what a worker that died has left of this order; says where that was not possible."""
        if not order.orphaned_since:
            return ""
        try:
            retrying(
                lambda: abort_orphaned_uploads(
                    self._destination, order.target, order.size, order.orphaned_since
                ),
                ABORT_ATTEMPTS,
            )
        except S3Error as error:
            return f"a multipart upload may have been left behind: {error.code}"
        return ""

    def _has_arrived(self, state: TransferState) -> bool:
        """Tell whether some attempt, of a dead worker's perhaps, has written the destination's object."""
        try:
            head = self._destination.head(state.order.target)
        except S3Error as refusal:
            return refusal.status != HTTPStatus.NOT_FOUND
        return written_since(head.last_modified, state.began_at)

    def _transfer_with_retries(self, state: TransferState) -> TransferResult:
        return retrying(
            lambda: self._attempt(state), self._policy.max_attempts, self._pause, is_retryable=_is_retryable
        )

    def _attempt(self, state: TransferState) -> TransferResult:
        state.attempts += 1
        if state.changed:
            self._refresh_order(state)
        try:
            return self._transfer(state)
        except MoverError as error:
            state.may_have_written = state.may_have_written or _may_have_written(error)
            state.changed = _code(error) in CHANGED
            raise

    def _transfer(self, state: TransferState) -> TransferResult:
        if self._policy.method == Method.STREAMING:
            return self._stream(state)
        if self._policy.method == Method.SERVER_SIDE_COPY:
            state.method = Method.SERVER_SIDE_COPY
            return self._server_side.transfer(state.order)
        return self._copy_or_stream(state)

    def _copy_or_stream(self, state: TransferState) -> TransferResult:
        key = state.order.key
        state.fallback = self._permissions.refusal(key, probing=state.order.size <= MAX_PROBE)
        if state.fallback:
            return self._stream(state)
        state.method = Method.SERVER_SIDE_COPY
        try:
            result = self._server_side.transfer(state.order)
        except S3Error as error:
            if not is_denial(error) or self._is_gone(key, error):
                self._permissions.undecided(key)
                raise
            self._permissions.refused(key, error.code)
            state.fallback = error.code
            return self._stream(state)
        except BaseException:
            self._permissions.undecided(key)
            raise
        self._permissions.permitted(key)
        return result

    def _is_gone(self, key: str, error: MoverError) -> bool:
        """Ask of a refusal whether it hides that there is nothing any more: see `Bucket.is_listed`."""
        if _code(error) != "AccessDenied":
            return False
        try:
            return not self._source.is_listed(key)
        except S3Error:
            return False

    def _stream(self, state: TransferState) -> TransferResult:
        state.method = Method.STREAMING
        return self._streaming.transfer(state.order)

    def _refresh_order(self, state: TransferState) -> None:
        head = self._source.head(state.order.key)
        storage_class = head.headers.get("x-amz-storage-class", "STANDARD")
        state.order = state.order._replace(size=head.size, etag=head.etag, storage_class=storage_class)
        state.changed = False

    def _ask_for_restoration(self, order: Order) -> str:
        """Ask once per sweep where that is wished; S3 says if it is under way already."""
        if not self._policy.restore_tier:
            return ""
        try:
            self._source.restore(order.key, tier=self._policy.restore_tier, days=self._policy.restore_days)
        except S3Error as error:
            under_way = error.code == "RestoreAlreadyInProgress"
            return (
                "its restoration is under way" if under_way else f"its restoration was refused: {error.code}"
            )
        return "its restoration was asked for"

    def _refuse_large(self, order: Order) -> None:
        if self._policy.large_objects == "report" and order.size > MAX_SINGLE_COPY:
            by_hand = shlex.join(
                ["aws", "s3", "cp", _url(self._source, order.key), _url(self._destination, order.target)]
            )
            raise S3Error(
                "EntityTooLarge", f"over 5 GiB, and transfer.large_objects is report; run: {by_hand}"
            )

    def _ended(
        self,
        state: TransferState,
        started: float,
        status: Status,
        code: str,
        message: str,
        result: TransferResult | None = None,
    ) -> Outcome:
        order = state.order
        return Outcome(
            sweep=order.sweep,
            number=order.number,
            key=order.key,
            size=order.size,
            status=status,
            method=state.method,
            moved_at=self._clock(),
            duration_us=round((self._timer() - started) * 1_000_000),
            attempts=state.attempts,
            source_etag=order.etag,
            destination_etag=result.etag if result else "",
            code=code,
            message=message[:MESSAGE_LENGTH],
            fallback=state.fallback,
            delete_due=result is not None and self._policy.delete_source,
            unkept=result.unkept if result else (),
            action=order.action,
        )


def _said(state: TransferState, result: TransferResult) -> str:
    refused = f"streamed, since a server-side copy was refused: {state.fallback}" if state.fallback else ""
    return notes(refused, result.note)


def _url(bucket: Bucket, key: str) -> str:
    return f"s3://{bucket.address.bucket}/{key}"


def _is_retryable(error: MoverError) -> bool:
    return error.temporary or (_code(error) in CHANGED and not _is_gone(error))


def _is_gone(error: MoverError) -> bool:
    """Tell whether the source's object is no longer there; what the ways ask of the destination is no S3Error then."""
    if not isinstance(error, S3Error):
        return False
    return error.code in GONE or (error.code == "NotFound" and error.operation in READS)


def _may_have_written(error: MoverError) -> bool:
    """Tell whether S3 may have written the object all the same: no answer, or no refusal, or a check that failed.

    Such a check looks at the source, and is refused where the object is gone by then, whose copy may have arrived.
    """
    refused = isinstance(error, S3Error) and error.status in REFUSALS and error.operation != "HeadObject"
    return not refused or _code(error) == "NotFound"


def _verdict(error: MoverError) -> tuple[Status, str, str]:
    code = _code(error)
    status = Status.SKIPPED if _is_gone(error) or code in ARCHIVED else Status.ERROR
    return status, code, str(error)


def _code(error: MoverError) -> str:
    return error.code if isinstance(error, S3Error) else type(error).__name__
