"""What the error of an attempt means for its object: pure decisions, which `mover.py` acts on."""

from s3mover.errors import MoverError, S3Error
from s3mover.model import Status
from s3mover.s3.throttle import THROTTLING_CODES

# Codes that say "not this way" rather than "not at all": another principal, or streaming, may be permitted.
DIFFERENT_BUCKET = "DifferentBucket"
DENIALS = frozenset(
    {
        "AccessDenied",
        "AllAccessDisabled",
        DIFFERENT_BUCKET,
        "MethodNotAllowed",
        "NoSuchBucket",
        "NotImplemented",
    }
)
GONE = frozenset({"NoSuchKey", "NoSuchVersion"})
# Operations that ask the source. The 404 of another one, a copy's above all, does not say what was not found.
READS = frozenset({"HeadObject", "GetObject", "GetObjectTagging"})
ARCHIVED = frozenset({"InvalidObjectState"})
# The source may have changed. A write that is answered 404 does not say what was not found: the source is asked.
CHANGED = frozenset({"PreconditionFailed", "NotFound"}) | GONE
# Temporary errors that streaming would meet as well.
_NOT_OF_THE_COPY = THROTTLING_CODES | {"ConnectionError"}
# HTTP statuses that say that nothing was done.
REFUSALS = range(400, 500)


def code_of(error: MoverError) -> str:
    """Return the code for the audit trail: S3's, else the name of the error's class."""
    return error.code if isinstance(error, S3Error) else type(error).__name__


def is_denial(error: S3Error) -> bool:
    """Return whether `error` refuses the method or the principal, and not the object."""
    return error.code in DENIALS or error.code.startswith("KMS.")


def is_archived(error: MoverError) -> bool:
    """Return whether the object must be restored before it can be read."""
    return code_of(error) in ARCHIVED


def is_changed(error: MoverError) -> bool:
    """Return whether the source may not be what was listed any more, so that it must be asked."""
    return code_of(error) in CHANGED


def is_gone(error: MoverError) -> bool:
    """Return whether the source's object is not there any more.

    A missing object at the destination is a `VerificationError` and never counts.
    """
    if not isinstance(error, S3Error) or error.operation not in READS:
        return False
    return error.code in GONE or error.code == "NotFound"


def may_be_streamed(error: MoverError, failures: int, max_failures: int) -> bool:
    """Return whether an object is streamed after `failures` failures of its copy, the last of which was `error`.

    | error of the copy                                             | streamed                       |
    |---------------------------------------------------------------|--------------------------------|
    | a read of the source failed; archived                         | no                             |
    | 404, 412                                                      | not before the source is asked |
    | another permanent one                                         | yes                            |
    | throttled; no connection                                      | no: tried again                |
    | another temporary one (InternalError, a copy that is unequal) | after `max_failures`           |
    """
    if is_archived(error) or is_changed(error) or (isinstance(error, S3Error) and error.operation in READS):
        return False
    if not error.temporary:
        return True
    return failures >= max_failures and code_of(error) not in _NOT_OF_THE_COPY


def is_retryable(error: MoverError) -> bool:
    """Return whether another attempt may succeed."""
    return error.temporary or (is_changed(error) and not is_gone(error))


def may_have_written(error: MoverError) -> bool:
    """Return whether the destination may hold a copy all the same.

    It may unless the write was refused: no answer came, or the check after the write failed. That check asks the
    source by HeadObject, which is refused where the source is gone by then.
    """
    refused = isinstance(error, S3Error) and error.status in REFUSALS and error.operation != "HeadObject"
    return not refused or code_of(error) == "NotFound"


def status_of(error: MoverError) -> Status:
    """Return the status of an object that ends with `error`: gone and archived objects are skipped."""
    return Status.SKIPPED if is_gone(error) or is_archived(error) else Status.ERROR
