"""Whether both buckets answer, and belong to the accounts that the settings say; asked before any work begins."""

from functools import partial

from s3mover.app.factories import Endpoints
from s3mover.errors import S3Error, UnreachableError
from s3mover.model import Side
from s3mover.s3.bucket import Bucket
from s3mover.s3.retry import retrying
from s3mover.settings.model import Settings

# At the start a bucket that does not answer is a setting to mend rather than an outage to sit out.
FIRST_ATTEMPTS = 3
_SHORT = {Side.SOURCE: "SRC", Side.DESTINATION: "DST"}


def require_listings(settings: Settings, sides: Endpoints) -> None:
    """See that both buckets can be listed.

    Raises:
        S3Error: one cannot.
        UnreachableError: one belongs to another account than it should.
    """
    for side, bucket, prefix in (
        (Side.SOURCE, sides.source, settings.source.prefix),
        (Side.DESTINATION, sides.destination, settings.destination.prefix),
    ):
        try:
            retrying(partial(bucket.list_page, prefix, limit=1), FIRST_ATTEMPTS)
        except S3Error as error:
            if error.code == "AccessDenied" and (sentence := owner_problem(settings, sides, side)):
                raise UnreachableError(sentence) from error
            raise
        finally:
            bucket.close_thread()


def owner_problem(settings: Settings, sides: Endpoints, side: Side) -> str:
    """Return what is wrong with `account_id` of a side that refuses requests, empty where it is not that.

    S3 refuses a wrong owner in the same words as a missing right. If the bucket can be listed where no owner is
    expected, and only there, it was the owner.
    """
    at_source = side is Side.SOURCE
    its = settings.source if at_source else settings.destination
    identity = sides.source_identity if at_source else sides.destination_identity
    payer = its.request_payer == "requester"
    unguarded = Bucket(identity.address, identity.credentials, uncounted, request_payer=payer)
    guarded = sides.source if at_source else sides.destination
    if not its.account_id or _can_be_listed(guarded, its.prefix) or not _can_be_listed(unguarded, its.prefix):
        return ""
    return (
        f"{side}.account_id: the bucket {its.bucket} does not belong to the account {its.account_id}; "
        f"correct {side}.account_id ({_SHORT[side]}_ACCOUNT_ID), or {side}.bucket if it is the wrong one"
    )


def _can_be_listed(bucket: Bucket, prefix: str) -> bool:
    try:
        bucket.list_page(prefix, limit=1)
    except S3Error:
        return False
    finally:
        bucket.close_thread()
    return True


def uncounted(_operation: str, _code: str) -> None:
    """Requests that only look for a reason are nobody's metrics."""
