"""Startup checks: both buckets can be listed, and belong to the accounts that the settings name."""

from functools import partial

from s3mover.app.endpoints import Endpoints
from s3mover.errors import S3Error, UnreachableError
from s3mover.model import Side
from s3mover.s3.bucket import Bucket
from s3mover.s3.retry import retrying
from s3mover.settings.model import Settings

# At startup a bucket that does not answer is more likely a wrong setting than an outage worth waiting for.
STARTUP_ATTEMPTS = 3
_VARIABLE_PREFIX = {Side.SOURCE: "SRC", Side.DESTINATION: "DST"}


def require_listable(settings: Settings, endpoints: Endpoints) -> None:
    """Ensure that both buckets can be listed.

    Raises:
        S3Error: a bucket cannot be listed.
        UnreachableError: a bucket belongs to another account than the settings say.
    """
    for side, configured in ((Side.SOURCE, settings.source), (Side.DESTINATION, settings.destination)):
        bucket = endpoints.bucket(side)
        try:
            retrying(partial(bucket.list_page, configured.prefix, limit=1), STARTUP_ATTEMPTS)
        except S3Error as error:
            if error.code == "AccessDenied" and (problem := owner_problem(settings, endpoints, side)):
                raise UnreachableError(problem) from error
            raise
        finally:
            bucket.close_thread()


def owner_problem(settings: Settings, endpoints: Endpoints, side: Side) -> str:
    """Return what is wrong with the `account_id` of a side that refuses requests, empty if it is not the cause.

    S3 refuses a wrong expected owner with the same error as a missing permission. A bucket that can be listed only
    without an expected owner belongs to another account.
    """
    configured = settings.source if side is Side.SOURCE else settings.destination
    if not configured.account_id or _can_list(endpoints.bucket(side), configured.prefix):
        return ""
    credentials = endpoints.credentials(side)
    payer = configured.request_payer == "requester"
    any_owner = Bucket(credentials.address, credentials.credentials, uncounted, request_payer=payer)
    if not _can_list(any_owner, configured.prefix):
        return ""
    return (
        f"{side}.account_id: the bucket {configured.bucket} does not belong to the account {configured.account_id}; "
        f"correct {side}.account_id ({_VARIABLE_PREFIX[side]}_ACCOUNT_ID), or {side}.bucket if it is the wrong one"
    )


def _can_list(bucket: Bucket, prefix: str) -> bool:
    try:
        bucket.list_page(prefix, limit=1)
    except S3Error:
        return False
    finally:
        bucket.close_thread()
    return True


def uncounted(_operation: str, _code: str) -> None:
    """Ignore a request: those of diagnostics are not counted in metrics."""
