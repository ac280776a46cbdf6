"""From settings to single parts: the pair, the policy, both buckets, the plan. What runs them is `engine.py`."""

import os
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from s3mover.events import Notify, ObjectsListed, RequestsMade
from s3mover.model import ObjectEntry, Pair, Side
from s3mover.planning.ahead import ReadAhead
from s3mover.planning.filters import KeyFilter, key_filter
from s3mover.planning.scan import Finding, Rules, scan
from s3mover.s3.bucket import Bucket
from s3mover.s3.identity import Identity, SideAccess
from s3mover.settings.model import BucketSettings, Settings
from s3mover.sweep.etags import EtagTrust
from s3mover.transfer.policy import Policy
from s3mover.workers.crew import share_threads
from s3mover.workers.messages import RouteBrief

# Pages that each listing is read ahead of the merge.
PAGES_AHEAD = 3


def pair_of(settings: Settings) -> Pair:
    """Return the pair of buckets and prefixes that the settings name."""
    source, destination = settings.source, settings.destination
    return Pair(source.bucket, source.prefix, destination.bucket, destination.prefix)


def policy_of(settings: Settings) -> Policy:
    """Return what the settings say of one transfer."""
    transfer, destination = settings.transfer, settings.destination
    return Policy(
        method=transfer.method,
        part_size=transfer.part_size,
        max_attempts=transfer.max_attempts,
        large_objects=transfer.large_objects,
        delete_source=transfer.after == "delete",
        thorough=transfer.thorough,
        restore_tier=transfer.restore.tier.capitalize(),
        restore_days=transfer.restore.days,
        storage_class=destination.storage_class,
        acl=destination.acl,
        kms_key_id=destination.kms_key_id,
    )


def filter_of(settings: Settings) -> KeyFilter | None:
    """Return the test that a key must pass to be looked at."""
    return key_filter(settings.source.prefix, settings.filter.include, settings.filter.exclude)


def identity_of(side: Side, settings: BucketSettings, notify: Notify) -> Identity:
    """Find the credentials and the address of one side.

    Raises:
        UnreachableError: there are no credentials, or AWS could not be asked.
    """
    return Identity(access_of(side, settings), notify)


def access_of(side: Side, settings: BucketSettings) -> SideAccess:
    """Return what the settings say of reaching one side."""
    return SideAccess(
        side,
        bucket=settings.bucket,
        region=settings.region,
        endpoint_url=settings.endpoint_url,
        access_key=settings.access_key,
        secret_key=settings.secret_key.get_secret_value(),
        session_token=settings.session_token.get_secret_value(),
        profile=settings.profile,
        role_arn=settings.role_arn,
        external_id=settings.external_id,
    )


@dataclass(frozen=True, slots=True)
class Sides:
    """Both ends as the supervisor's process uses them: to list, to look up, to refresh credentials."""

    source_identity: Identity
    destination_identity: Identity
    source: Bucket
    destination: Bucket


def sides_of(settings: Settings, notify: Notify) -> Sides:
    """Find both ends; see `identity_of`."""
    source = identity_of(Side.SOURCE, settings.source, notify)
    destination = identity_of(Side.DESTINATION, settings.destination, notify)
    return Sides(
        source,
        destination,
        _bucket(source, Side.SOURCE, settings.source, notify),
        _bucket(destination, Side.DESTINATION, settings.destination, notify),
    )


def _bucket(identity: Identity, side: Side, settings: BucketSettings, notify: Notify) -> Bucket:
    def count(operation: str, code: str) -> None:
        notify(RequestsMade(side, operation, code, 1))

    payer, owner = settings.request_payer == "requester", settings.account_id
    return Bucket(identity.address, identity.credentials, count, expected_owner=owner, request_payer=payer)


def threads_of(settings: Settings) -> list[int]:
    """Return the threads of each worker process, shared among them as evenly as can be."""
    processes = settings.transfer.processes or min(os.cpu_count() or 1, settings.transfer.threads)
    return share_threads(settings.transfer.threads, processes)


def brief_of(settings: Settings, sides: Sides) -> RouteBrief:
    """Return what the worker processes are told of the route."""
    return RouteBrief(
        source=sides.source.address,
        destination=sides.destination.address,
        credentials={
            Side.SOURCE: sides.source_identity.credentials(),
            Side.DESTINATION: sides.destination_identity.credentials(),
        },
        policy=policy_of(settings),
        request_payer=settings.source.request_payer == "requester",
        source_owner=settings.source.account_id,
        destination_owner=settings.destination.account_id,
        requests_per_second=settings.transfer.requests_per_second,
        bytes_per_second=settings.transfer.bandwidth,
    )


def plan(settings: Settings, sides: Sides, notify: Notify) -> Generator[Finding]:
    """Yield the plan of one sweep: both listings, read ahead and merged."""
    pair, min_age = pair_of(settings), settings.filter.min_age
    rules = Rules(
        pair.destination_key,
        EtagTrust(sides.source, sides.destination),
        wanted=filter_of(settings),
        not_after=s3_time(time.time() - min_age) if min_age else "",
    )
    with (
        listing(sides.source, pair.source_prefix, Side.SOURCE, notify) as source,
        listing(sides.destination, pair.destination_prefix, Side.DESTINATION, notify) as destination,
    ):
        yield from scan(source, destination, rules)


def listing(bucket: Bucket, prefix: str, side: Side, notify: Notify) -> ReadAhead[list[ObjectEntry]]:
    """Return the pages of one side, read ahead by a thread of their own and counted."""

    def counted() -> Iterator[list[ObjectEntry]]:
        try:
            for page in bucket.list_objects(prefix):
                notify(ObjectsListed(side, len(page)))
                yield page
        finally:
            bucket.close_thread()

    return ReadAhead(counted(), PAGES_AHEAD, f"list-{side}")


def s3_time(seconds: float) -> str:
    """Write seconds since the epoch as S3's listings do."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
