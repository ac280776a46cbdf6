"""Deleting source objects whose copies are verified and recorded, beside the sweep and never before the record.

Each deletion is conditional on the ETag that was copied, so that what changed meanwhile stays and is moved anew. In a
bucket with versions this adds a delete marker: earlier versions neither vanish nor come to the top again.
Source: Amazon S3 API Reference, DeleteObject (`If-Match`) and DeleteObjects (`ETag` of an object).
"""

import re
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from queue import SimpleQueue
from typing import NamedTuple

from s3mover.errors import S3Error
from s3mover.model import Deletion, DueDeletion
from s3mover.s3.bucket import Bucket
from s3mover.s3.documents import TEMPORARY_CODES
from s3mover.s3.retry import Retry
from s3mover.sweep.delete_conditions import (
    ANOTHER_ETAG,
    GONE,
    REFUSED,
    DeleteConditions,
    Operation,
    refusal,
    try_delete,
)

BATCH = 1000
SINGLE_THREADS = 8
# Our own code for what cannot be deleted safely; it stays due.
CONDITIONS_IGNORED = "ConditionsIgnored"
# XML 1.0 cannot carry these, and attribute-like white space does not survive every parser.
_NOT_IN_XML = re.compile("[\x00-\x1f\x7f-\x9f\ufffe\uffff]")


class Removed(NamedTuple):
    """The results of a batch of due deletions, or the internal error that it met."""

    deletions: list[Deletion]
    internal_error: Exception | None = None


class Remover:
    """Deletes on a thread of its own; `deliver` takes the results of each batch, `retry` repeats requests.

    The owner's thread calls `remove`, and `received` for each result.
    """

    def __init__(
        self, source: Bucket, retry: Retry, deliver: Callable[[Removed], None], conditions: DeleteConditions
    ) -> None:
        self._source = source
        self._retry = retry
        self._conditions = conditions
        self._deliver = deliver
        self._due: SimpleQueue[Sequence[DueDeletion]] = SimpleQueue()
        self._outstanding = 0
        threading.Thread(target=self._work, name="remover", daemon=True).start()

    def delivering_to(self, deliver: Callable[[Removed], None]) -> "Remover":
        """Return another remover with a thread and an owner of its own, whose results go to `deliver`."""
        return Remover(self._source, self._retry, deliver, self._conditions)

    @property
    def is_idle(self) -> bool:
        """Whether no deletion is under way."""
        return self._outstanding == 0

    def remove(self, due: Sequence[DueDeletion]) -> None:
        """Delete these objects in the background."""
        if due:
            self._outstanding += len(due)
            self._due.put(due)

    def delete_now(self, due: Sequence[DueDeletion]) -> list[Deletion]:
        """Delete these objects on the calling thread, whose connections are closed again."""
        try:
            return delete(self._source, due, self._retry, self._conditions)
        finally:
            self._source.close_thread()

    def received(self, removed: Removed) -> None:
        """Note that the owner has received the results of a batch.

        Raises:
            Exception: the internal error that it met.
        """
        if removed.internal_error is not None:
            raise removed.internal_error
        self._outstanding -= len(removed.deletions)

    def _work(self) -> None:
        while True:
            self._deliver(self._removed(self._due.get()))

    def _removed(self, due: Sequence[DueDeletion]) -> Removed:
        try:
            return Removed(delete(self._source, due, self._retry, self._conditions))
        except Exception as internal_error:  # noqa: BLE001 - carried to the owner's thread, which would wait for ever
            return Removed([], internal_error)


def delete(
    source: Bucket, due: Sequence[DueDeletion], retry: Retry, conditions: DeleteConditions
) -> list[Deletion]:
    """Delete what is still the version that was copied, and return the result of each.

    What the store refuses for now is repeated, as often as `retry` does.
    """
    deletions = _delete_by_conditions(source, due, retry, conditions)
    # One that is gone already needs no deletion: an earlier attempt may have been cut off before its response.
    return [Deletion(done.due, "") if done.code in GONE else done for done in deletions]


def _delete_by_conditions(
    source: Bucket, due: Sequence[DueDeletion], retry: Retry, conditions: DeleteConditions
) -> list[Deletion]:
    """Delete in the ways that honour conditions; the first objects show which do, if that is not known."""
    left, done = list(due), list[Deletion]()
    for operation in Operation:
        if left and conditions.of(operation) is None:
            done += _probe(source, left, retry, conditions, operation)
    batched = [one for one in left if conditions.batch and not _NOT_IN_XML.search(one.key)]
    single = [
        one for one in left if conditions.single and (_NOT_IN_XML.search(one.key) or not conditions.batch)
    ]
    for at in range(0, len(batched), BATCH):
        done += _delete_batch(source, batched[at : at + BATCH], retry)
    with ThreadPoolExecutor(SINGLE_THREADS, thread_name_prefix="remover") as pool:
        done += pool.map(lambda one: _delete_one(source, one, retry), single)
    ended = {deletion.due for deletion in done}
    return done + [Deletion(one, CONDITIONS_IGNORED) for one in left if one not in ended]


def _probe(
    source: Bucket, left: list[DueDeletion], retry: Retry, conditions: DeleteConditions, operation: Operation
) -> list[Deletion]:
    """Try an operation with a wrong condition on the first object that is still what was copied.

    A store that deletes it all the same has deleted what was to be deleted: its copy is verified and recorded.
    """
    done: list[Deletion] = []
    for one in [due for due in left if operation is Operation.SINGLE or not _NOT_IN_XML.search(due.key)]:
        if code := refusal(partial(_require_etag, source, one), retry):
            left.remove(one)
            done.append(Deletion(one, code))
            continue
        code = try_delete(source, operation, one.key, ANOTHER_ETAG, retry)
        conditions.note(operation, code)
        if code == REFUSED:
            return done
        # It is deleted, or nothing can be said: then all others wait for the next attempt.
        ended = left[:] if code else [one]
        left[:] = [] if code else [other for other in left if other is not one]
        return [*done, *(Deletion(other, code) for other in ended)]
    return done


def _require_etag(source: Bucket, due: DueDeletion) -> None:
    if source.head(due.key).etag != due.etag:
        raise S3Error(REFUSED)


def _delete_batch(source: Bucket, due: Sequence[DueDeletion], retry: Retry) -> list[Deletion]:
    """Delete by one request, or by more if the response refuses some keys for now."""
    left, codes = list(due), dict[DueDeletion, str]()

    def delete_left() -> None:
        refused = source.delete_many([(one.key, one.etag) for one in left])
        codes.update((one, refused.get(one.key, "")) for one in left)
        left[:] = [one for one in left if codes[one] in TEMPORARY_CODES]
        if left:
            raise S3Error(codes[left[0]], temporary=True)

    code = refusal(delete_left, retry)
    return [Deletion(one, codes.get(one, code)) for one in due]


def _delete_one(source: Bucket, due: DueDeletion, retry: Retry) -> Deletion:
    try:
        return Deletion(due, refusal(partial(source.delete, due.key, if_match=due.etag), retry))
    finally:
        source.close_thread()
