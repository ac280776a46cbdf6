"""One object from order to outcome: the choice of the method, the fallback and the attempts.

The methods are `server_side.py` and `streaming.py`; what an error means is said by `attempt_errors.py`.
"""

import shlex
import time
from collections.abc import Callable
from functools import partial
from http import HTTPStatus

from s3mover.errors import MoverError, S3Error
from s3mover.model import INTERRUPTED, Method, Order, Outcome, Status
from s3mover.s3.bucket import Bucket
from s3mover.s3.retry import retrying
from s3mover.transfer.attempt_errors import (
    GONE,
    code_of,
    is_archived,
    is_changed,
    is_denial,
    is_gone,
    is_retryable,
    may_be_streamed,
    may_have_written,
    status_of,
)
from s3mover.transfer.copy_permissions import CopyPermissionCache
from s3mover.transfer.failed_copies import FailedCopies
from s3mover.transfer.folded_keys import FoldedKeys
from s3mover.transfer.method import ABORT_ATTEMPTS, CopyMethod, TransferMethod, TransferResult, join_notes
from s3mover.transfer.orphaned_uploads import abort_orphaned_uploads
from s3mover.transfer.parts import MAX_SINGLE_COPY, MIB
from s3mover.transfer.policy import TransferPolicy
from s3mover.transfer.restoration import request_restoration
from s3mover.transfer.verification import written_since

MESSAGE_LENGTH = 1000
# Copies that may fail without a refusal before the object is streamed.
COPY_FAILURES = 3
# Larger objects take longer to copy than other threads should wait for the result, in bytes.
MAX_PROBE = 64 * MIB


class TransferState:
    """The state of one transfer, which changes with each attempt.

    `doubted` is the code of an error that says that the source may have changed, `given_up` that of the copy after
    which the object is streamed; each is empty where there is none. `began_at` is in seconds since the epoch, of a
    dead worker's attempt if there was one; `started` is by the timer.
    """

    def __init__(self, order: Order, began_at: float, started: float) -> None:
        self.order = order
        self.began_at = order.orphaned_since or began_at
        self.started = started
        self.may_have_written = bool(order.orphaned_since)
        self.doubted = ""
        self.method: Method | None = None
        self.attempts = 0
        self.fallback = ""
        self.copy_failures = 0
        self.is_unanswered = False
        self.given_up = ""
        self.orphan_note = ""


class Mover:
    """Moves one object at a time; many threads may share one mover.

    `pause` waits so many seconds and returns True, or returns False at once where the program is to stop;
    `clock` returns seconds since the epoch and `timer` measures durations in seconds.
    """

    def __init__(
        self,
        source: Bucket,
        destination: Bucket,
        server_side: CopyMethod,
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
        self._failed_copies = FailedCopies(timer)
        self._folded_keys = FoldedKeys(destination)
        by_method: dict[str, Callable[[TransferState], TransferResult]] = {
            Method.STREAMING: self._stream,
            Method.SERVER_SIDE_COPY: self._copy,
        }
        self._transfer = by_method.get(policy.method, self._copy_or_stream)

    def move(self, order: Order) -> Outcome:
        """Move the object of `order` and return its outcome; never raises for a failure of S3."""
        state = TransferState(order, self._clock(), self._timer())
        if order.orphaned_since:
            self._abort_orphaned_uploads(state)
        try:
            self._refuse_large(order)
            result = self._transfer_with_retries(state)
        except MoverError as error:
            return self._failed(state, error)
        return self._succeeded(state, result)

    def _succeeded(self, state: TransferState, result: TransferResult) -> Outcome:
        note = result.note
        if state.fallback:
            note = join_notes(f"streamed, since a server-side copy was refused: {state.fallback}", note)
        return self._outcome(state, Status.SUCCESS, "", note, result)

    def _failed(self, state: TransferState, error: MoverError) -> Outcome:
        restoration = (
            request_restoration(self._source, state.order, self._policy) if is_archived(error) else ""
        )
        status, code, message = status_of(error), code_of(error), str(error)
        if status is Status.ERROR and self._is_gone(state.order.key, error):
            status, code, message = Status.SKIPPED, "NoSuchKey", "gone since it was listed"
        if status is Status.SKIPPED and code == "NotFound":
            # The 404 of a HEAD has no body, and so no code of S3's.
            code = "NoSuchKey"
        if status is Status.SKIPPED and state.may_have_written and self._has_arrived(state):
            # The trail's row of a skipped object is withdrawn, and the copy would have none.
            status, code, message = Status.ERROR, INTERRUPTED, f"a copy may have arrived before: {message}"
        return self._outcome(state, status, code, join_notes(restoration, message))

    def _abort_orphaned_uploads(self, state: TransferState) -> None:
        """Abort what a dead worker has left of this order; note it where that fails."""
        order = state.order
        try:
            retrying(
                lambda: abort_orphaned_uploads(
                    self._destination, order.target, order.size, order.orphaned_since
                ),
                ABORT_ATTEMPTS,
            )
        except S3Error as error:
            state.orphan_note = f"a multipart upload may have been left behind: {error.code}"

    def _has_arrived(self, state: TransferState) -> bool:
        """Return whether some attempt, of a dead worker's perhaps, has written the destination's object."""
        try:
            head = self._destination.head(state.order.target)
        except S3Error as error:
            return error.status != HTTPStatus.NOT_FOUND
        return written_since(head.last_modified, state.began_at, unknown=True)

    def _transfer_with_retries(self, state: TransferState) -> TransferResult:
        return retrying(
            partial(self._attempt, state), self._policy.max_attempts, self._pause, is_retryable=is_retryable
        )

    def _attempt(self, state: TransferState) -> TransferResult:
        state.attempts += 1
        if state.doubted:
            self._refresh_order(state)
        try:
            return self._transfer_under_key(state)
        except MoverError as error:
            state.may_have_written = state.may_have_written or may_have_written(error)
            state.doubted = code_of(error) if is_changed(error) else ""
            raise

    def _transfer_under_key(self, state: TransferState) -> TransferResult:
        """Transfer; ensure that the destination keeps the key as it is, where a store may not."""
        if not self._folded_keys.concern(state.order):
            return self._transfer(state)
        self._folded_keys.refuse_other_object(state.order)
        result = self._transfer(state)
        self._folded_keys.ensure_listed(state.order)
        return result

    def _copy_or_stream(self, state: TransferState) -> TransferResult:
        state.fallback = self._reason_to_stream(state)
        if state.fallback:
            return self._stream_after_failure(state)
        try:
            result = self._copy(state)
        except MoverError as error:
            self._give_up_copying(state, error)
        except BaseException:
            self._permissions.record_undecided(state.order.key)
            raise
        else:
            self._permissions.record_permitted(state.order.key)
            self._failed_copies.record_success(state.order)
            return result
        return self._stream_after_failure(state)

    def _copy(self, state: TransferState) -> TransferResult:
        """Copy, unless an earlier request without an answer has made the copy by now."""
        state.method = Method.SERVER_SIDE_COPY
        if state.is_unanswered:
            found = self._server_side.find_copy(state.order, self._clock() - state.began_at)
            if found is not None:
                return found
            state.is_unanswered = False
        try:
            return self._server_side.transfer(state.order)
        except S3Error as error:
            state.is_unanswered = not error.status and error.operation == "CopyObject"
            raise

    def _reason_to_stream(self, state: TransferState) -> str:
        """Return the code for which the object is not copied, empty where a copy is worth trying.

        After an empty code, the cache of permissions must be told how the copy went.
        """
        order = state.order
        reason = state.given_up or self._failed_copies.code_for(order)
        return reason or self._permissions.refusal_code(order.key, wait=order.size <= MAX_PROBE)

    def _give_up_copying(self, state: TransferState, error: MoverError) -> None:
        """Raise `error`, unless the object is to be streamed now."""
        key = state.order.key
        is_denied = isinstance(error, S3Error) and is_denial(error)
        if is_denied and not self._is_gone(key, error):
            state.fallback = code_of(error)
            self._permissions.record_refused(key, state.fallback)
            return
        self._permissions.record_undecided(key)
        if is_denied:
            raise error
        state.copy_failures += 1
        if not may_be_streamed(error, state.copy_failures, min(COPY_FAILURES, self._policy.max_attempts)):
            raise error
        state.may_have_written = state.may_have_written or may_have_written(error)
        state.fallback = state.given_up = code_of(error)

    def _stream_after_failure(self, state: TransferState) -> TransferResult:
        """Stream; what could be streamed, and not copied, says something about the copies of its kind."""
        result = self._stream(state)
        if state.given_up:
            self._failed_copies.record_failure(state.order, state.given_up)
        return result

    def _is_gone(self, key: str, error: MoverError) -> bool:
        """Return whether AccessDenied hides that the object is gone (see `Bucket.is_listed`), or a copy's 404 says it.

        The source is asked: neither proves it.
        """
        try:
            if code_of(error) == "AccessDenied":
                return not self._source.is_listed(key)
            if code_of(error) in GONE:
                self._source.head(key)
        except S3Error as refusal:
            return is_gone(refusal)
        return False

    def _stream(self, state: TransferState) -> TransferResult:
        state.method = Method.STREAMING
        return self._streaming.transfer(state.order)

    def _refresh_order(self, state: TransferState) -> None:
        """Ask the source for what has changed since the object was listed; if nothing has, it cannot be copied."""
        head = self._source.head(state.order.key)
        if head.etag == state.order.etag and state.method is Method.SERVER_SIDE_COPY:
            state.given_up = state.doubted
        storage_class = head.headers.get("x-amz-storage-class", "STANDARD")
        state.order = state.order._replace(size=head.size, etag=head.etag, storage_class=storage_class)
        state.doubted = ""

    def _refuse_large(self, order: Order) -> None:
        if self._policy.large_objects == "report" and order.size > MAX_SINGLE_COPY:
            by_hand = shlex.join(
                ["aws", "s3", "cp", _url(self._source, order.key), _url(self._destination, order.target)]
            )
            raise S3Error(
                "EntityTooLarge", f"over 5 GiB, and transfer.large_objects is report; run: {by_hand}"
            )

    def _outcome(
        self,
        state: TransferState,
        status: Status,
        code: str,
        message: str,
        result: TransferResult | None = None,
    ) -> Outcome:
        order = state.order
        if state.orphan_note:
            message = join_notes(message, state.orphan_note)
        return Outcome(
            sweep=order.sweep,
            number=order.number,
            key=order.key,
            size=order.size,
            status=status,
            method=state.method,
            moved_at=self._clock(),
            duration_us=round((self._timer() - state.started) * 1_000_000),
            attempts=state.attempts,
            source_etag=order.etag,
            destination_etag=result.etag if result else "",
            code=code,
            message=message[:MESSAGE_LENGTH],
            fallback=state.fallback,
            # A source that has more than its copy stays.
            delete_due=result is not None and not result.unkept and self._policy.delete_source,
            unkept=result.unkept if result else (),
            action=order.action,
        )


def _url(bucket: Bucket, key: str) -> str:
    return f"s3://{bucket.address.bucket}/{key}"
