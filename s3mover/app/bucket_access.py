"""Startup checks: both buckets can be listed, belong to the accounts that the settings name, and are two."""

import secrets
from functools import partial
from http import HTTPStatus
from io import BytesIO

from s3mover.app.endpoints import Endpoints
from s3mover.errors import S3Error, SettingsError, UnreachableError
from s3mover.model import PROBE_NAME, Side
from s3mover.s3.bucket import Bucket
from s3mover.s3.retry import retrying
from s3mover.settings.model import Settings
from s3mover.stores import store_of

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


def require_apart(settings: Settings, endpoints: Endpoints) -> None:
    """Ensure that source and destination are two buckets where they have one name in one store.

    Two accounts may each have a bucket of that name, in stores with a namespace per account; or both credentials see
    the same bucket, in which objects would be copied onto each other. An object written at the destination shows it.

    Raises:
        SettingsError: they are one bucket.
        S3Error: it could not be found out.
    """
    source, destination = settings.source, settings.destination
    if may_overlap(settings, endpoints) and _is_one_bucket(settings, endpoints):
        overlap = f"s3://{source.bucket}/{source.prefix} and s3://{destination.bucket}/{destination.prefix}"
        problem = (
            f"source and destination overlap: both credentials see one bucket, and {overlap} share keys; choose "
            "another bucket, or prefixes of which neither begins with the other"
        )
        raise SettingsError([problem])


def may_overlap(settings: Settings, endpoints: Endpoints) -> bool:
    """Return whether source and destination share keys if they are one bucket, as which they have one name."""
    source, destination = settings.source, settings.destination
    same_name = source.bucket == destination.bucket
    if not same_name or store_of(endpoints.source.address) != store_of(endpoints.destination.address):
        return False
    shorter, longer = sorted((source.prefix, destination.prefix), key=len)
    return longer.startswith(shorter)


def _is_one_bucket(settings: Settings, endpoints: Endpoints) -> bool:
    """Return whether the source shows an object that is written at the destination, and deleted again."""
    key = f"{settings.destination.prefix}{PROBE_NAME}{secrets.token_hex(8)}"
    source, destination = endpoints.source, endpoints.destination
    try:
        endpoints.retry(lambda: destination.put(key, BytesIO(b"").readinto, 0, {}))
        try:
            endpoints.retry(lambda: source.head(key))
        except S3Error as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise
            return False
        finally:
            endpoints.retry(lambda: destination.delete(key))
    finally:
        source.close_thread()
        destination.close_thread()
    return True


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
