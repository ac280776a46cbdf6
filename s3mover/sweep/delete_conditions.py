"""Whether a store honours the conditions of deletions, without which an object that changed after its copy is lost.

It is asked with the ETag of another version: on a key that does not exist, and where a store says nothing by that, on
an object of our own. Where that may not be written, the first object that is to be deleted serves.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from io import BytesIO

from s3mover.errors import S3Error, UnreachableError
from s3mover.model import PROBE_NAME
from s3mover.s3.bucket import Bucket
from s3mover.s3.documents import TEMPORARY_CODES
from s3mover.s3.retry import Retry

# Our own code for what could not be signed; it stays due.
NO_CREDENTIALS = "NoCredentials"
GONE = frozenset({"NoSuchKey", "NotFound", "NoSuchVersion"})
ANOTHER_ETAG = "0" * 32
REFUSED = "PreconditionFailed"
# Begins the name of an object that never exists.
_ANY_NAME = ".s3mover-absent-"
BODY = b"Written by s3mover to test whether deletions can be conditional; deleted again.\n"


class Operation(StrEnum):
    """The two ways to delete."""

    SINGLE = "DeleteObject"
    BATCH = "DeleteObjects"


@dataclass(slots=True)
class DeleteConditions:
    """Which operations honour conditions; None: not known yet. Belongs to one thread at a time."""

    single: bool | None = None
    batch: bool | None = None

    def of(self, operation: Operation) -> bool | None:
        """Return whether an operation honours conditions."""
        return self.single if operation is Operation.SINGLE else self.batch

    def note(self, operation: Operation, code: str) -> None:
        """Note the code with which the deletion of another version of an existing object ended, empty for none."""
        honoured = {REFUSED: True, "": False}.get(code)
        if operation is Operation.SINGLE:
            self.single = honoured
        else:
            self.batch = honoured

    @property
    def none_is_honoured(self) -> bool:
        """Whether nothing can be deleted safely."""
        return self.single is False and self.batch is False

    def __str__(self) -> str:
        """Return what is known, for people."""
        if None in (self.single, self.batch):
            return (
                "whether objects can be deleted on the condition that they are unchanged is tested on the first one "
                "that is to be deleted"
            )
        if self.none_is_honoured:
            return "the store ignores the conditions of deletions: objects are compared right before they are deleted"
        if self.single and self.batch:
            return "objects can be deleted on the condition that they are unchanged"
        ignoring = Operation.BATCH if self.single else Operation.SINGLE
        return f"objects can be deleted on the condition that they are unchanged, except by {ignoring}"


def require_conditions(source: Bucket, prefix: str, retry: Retry) -> DeleteConditions:
    """Return which deletions honour conditions, as far as it can be found out without an object of the user's.

    Raises:
        UnreachableError: none does, so that moving objects is not safe; or deleting is not permitted.
        S3Error: S3 could not be asked.
    """
    conditions = _probed_conditions(source, f"{prefix}{PROBE_NAME}", retry, "set transfer.after to keep")
    if conditions.none_is_honoured:
        raise UnreachableError(
            f"the store of {source.address.bucket} ignores the conditions of deletions, so an object that changed "
            "after it was copied would be lost; set transfer.after to keep"
        )
    return conditions


def destination_conditions(destination: Bucket, prefix: str, retry: Retry) -> DeleteConditions:
    """Return which deletions honour conditions at the destination; where none does, objects are compared instead.

    Raises:
        UnreachableError: deleting is not permitted.
        S3Error: S3 could not be asked.
    """
    remedy = "set deletions.mode to report or keep"
    # The right to delete may cover the objects that `check` writes and no others.
    code = try_delete(
        destination, Operation.SINGLE, f"{prefix}{_ANY_NAME}{secrets.token_hex(8)}", ANOTHER_ETAG, retry
    )
    _require_permitted(destination, {code}, remedy)
    return _probed_conditions(destination, f"{prefix}{PROBE_NAME}", retry, remedy)


def _probed_conditions(bucket: Bucket, name: str, retry: Retry, remedy: str) -> DeleteConditions:
    probe = f"{name}{secrets.token_hex(8)}"
    codes = {operation: try_delete(bucket, operation, probe, ANOTHER_ETAG, retry) for operation in Operation}
    _require_permitted(bucket, set(codes.values()), remedy)
    conditions = DeleteConditions()
    for operation, code in codes.items():
        # A store may delete what is not there, or refuse to, without looking at the condition.
        if code == REFUSED or (code and not try_delete(bucket, operation, probe, "", retry)):
            conditions.note(operation, REFUSED)
    if None in (conditions.single, conditions.batch):
        _ask_on_own_object(bucket, probe, retry, conditions)
    return conditions


def _require_permitted(bucket: Bucket, codes: set[str], remedy: str) -> None:
    if denied := codes - {"", REFUSED} - GONE:
        raise UnreachableError(
            f"objects of {bucket.address.bucket} cannot be deleted ({', '.join(sorted(denied))}); "
            f"grant s3:DeleteObject, or {remedy}"
        )


def try_delete(source: Bucket, operation: Operation, key: str, etag: str, retry: Retry) -> str:
    """Delete `key` if it has that ETag (empty for any); return the code of the refusal, empty where it is done."""
    if operation is Operation.SINGLE:
        return refusal(partial(source.delete, key, if_match=etag), retry)
    return refusal(partial(_delete_in_batch, source, key, etag), retry)


def _delete_in_batch(source: Bucket, key: str, etag: str) -> None:
    if code := source.delete_many([(key, etag)]).get(key, ""):
        raise S3Error(code, temporary=code in TEMPORARY_CODES)


def _ask_on_own_object(source: Bucket, key: str, retry: Retry, conditions: DeleteConditions) -> None:
    try:
        for operation in Operation:
            if conditions.of(operation) is None:
                retry(lambda: source.put(key, BytesIO(BODY).readinto, len(BODY), {}))
                conditions.note(operation, try_delete(source, operation, key, ANOTHER_ETAG, retry))
    except S3Error as error:
        if error.temporary:
            raise
    finally:
        refusal(partial(source.delete, key), retry)


def refusal(call: Callable[[], None], retry: Retry) -> str:
    """Return the code with which `call` is refused, empty where it is not."""
    try:
        retry(call)
    except S3Error as error:
        return error.code
    except UnreachableError:
        return NO_CREDENTIALS
    return ""
