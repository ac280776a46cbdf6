"""Deleting source objects whose copies are verified and recorded, beside the sweep and never before the record.

Each deletion is conditional on the ETag that was copied, so that what changed meanwhile stays and is moved anew. In a
bucket with versions this adds a delete marker: earlier versions neither vanish nor come to the top again.
Source: Amazon S3 API Reference, DeleteObject (`If-Match`) and DeleteObjects (`ETag` of an object).
"""

import re
import secrets
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from queue import SimpleQueue
from typing import NamedTuple

from s3mover.errors import S3Error, UnreachableError
from s3mover.model import Deletion, DueDeletion
from s3mover.s3.bucket import Bucket
from s3mover.s3.documents import TEMPORARY_CODES
from s3mover.s3.retry import Retry

BATCH = 1000
SINGLE_THREADS = 8
# Our own code for what could not be signed; it stays due.
NO_CREDENTIALS = "NoCredentials"
GONE = frozenset({"NoSuchKey", "NotFound", "NoSuchVersion"})
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

    def __init__(self, source: Bucket, retry: Retry, deliver: Callable[[Removed], None]) -> None:
        self._source = source
        self._retry = retry
        self._deliver = deliver
        self._due: SimpleQueue[Sequence[DueDeletion]] = SimpleQueue()
        self._outstanding = 0
        threading.Thread(target=self._work, name="remover", daemon=True).start()

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
            return delete(self._source, due, self._retry)
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
            return Removed(delete(self._source, due, self._retry))
        except Exception as internal_error:  # noqa: BLE001 - carried to the owner's thread, which would wait for ever
            return Removed([], internal_error)


def delete(source: Bucket, due: Sequence[DueDeletion], retry: Retry) -> list[Deletion]:
    """Delete what is still the version that was copied, and return the result of each.

    What the store refuses for now is repeated, as often as `retry` does.
    """
    batched = [one for one in due if not _NOT_IN_XML.search(one.key)]
    single = [one for one in due if _NOT_IN_XML.search(one.key)]
    deletions = [
        done
        for at in range(0, len(batched), BATCH)
        for done in _delete_batch(source, batched[at : at + BATCH], retry)
    ]
    with ThreadPoolExecutor(SINGLE_THREADS, thread_name_prefix="remover") as pool:
        deletions += pool.map(lambda one: _delete_one(source, one, retry), single)
    # One that is gone already needs no deletion: an earlier attempt may have been cut off before its response.
    return [Deletion(done.due, "") if done.code in GONE else done for done in deletions]


def require_conditions(source: Bucket, prefix: str, retry: Retry) -> None:
    """Ensure that the source honours the conditions of deletions, by deleting an object that does not exist.

    Raises:
        UnreachableError: it would delete any version, so that moving objects out of it is not safe.
        S3Error: deleting is not permitted, or S3 could not be asked.
    """
    probe = DueDeletion(0, 0, f"{prefix}.s3mover-probe-{secrets.token_hex(8)}", "0" * 32)
    codes = {_refusal(partial(source.delete, probe.key, if_match=probe.etag), retry)}
    codes |= {deletion.code for deletion in _delete_batch(source, [probe], retry)}
    if "" in codes:
        raise UnreachableError(
            f"the store of {source.address.bucket} ignores the conditions of deletions, so an object that changed "
            "after it was copied would be lost; set transfer.after to keep"
        )
    if denied := codes - GONE - {"PreconditionFailed"}:
        raise UnreachableError(
            f"objects of {source.address.bucket} cannot be deleted ({', '.join(sorted(denied))}); "
            "grant s3:DeleteObject, or set transfer.after to keep"
        )


def _delete_batch(source: Bucket, due: Sequence[DueDeletion], retry: Retry) -> list[Deletion]:
    """Delete by one request, or by more if the response refuses some keys for now."""
    left, codes = list(due), dict[DueDeletion, str]()

    def delete_left() -> None:
        refused = source.delete_many([(one.key, one.etag) for one in left])
        codes.update((one, refused.get(one.key, "")) for one in left)
        left[:] = [one for one in left if codes[one] in TEMPORARY_CODES]
        if left:
            raise S3Error(codes[left[0]], temporary=True)

    code = _refusal(delete_left, retry)
    return [Deletion(one, codes.get(one, code)) for one in due]


def _delete_one(source: Bucket, due: DueDeletion, retry: Retry) -> Deletion:
    try:
        return Deletion(due, _refusal(partial(source.delete, due.key, if_match=due.etag), retry))
    finally:
        source.close_thread()


def _refusal(call: Callable[[], None], retry: Retry) -> str:
    try:
        retry(call)
    except S3Error as error:
        return error.code
    except UnreachableError:
        return NO_CREDENTIALS
    return ""
