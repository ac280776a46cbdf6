"""From settings to single parts: the pair, the policy, both buckets, the plan. What runs them is `engine.py`."""

import os
import time
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime

from s3mover.app.config_process import ConfigProcess, find
from s3mover.app.side_access import side_access
from s3mover.events import Notify, ObjectsListed, RequestsMade
from s3mover.model import ObjectPage, Pair, Side
from s3mover.planning.backoff import BackoffPolicy
from s3mover.planning.filters import KeyFilter, key_filter
from s3mover.planning.page_diff import PageDiff, Rules
from s3mover.planning.plan import plan
from s3mover.planning.read_ahead import ReadAhead
from s3mover.s3.bucket import MAX_KEYS, Bucket, ListPage
from s3mover.s3.credentials import RefreshingCredentials
from s3mover.s3.retry import ATTEMPTS, Retry, retry_policy, retrying
from s3mover.settings.model import BucketSettings, Settings
from s3mover.sweep.etag_probe import EtagProbe
from s3mover.transfer.policy import TransferPolicy
from s3mover.workers.messages import BYTES, REQUESTS, RouteConfig
from s3mover.workers.pool.pool import share_threads
from s3mover.workers.ratelimit.local_traffic import LocalTraffic

# Pages that each listing is read ahead of the merge.
PAGES_AHEAD = 3


def sleep_through(seconds: float) -> bool:
    """Wait so long, whatever happens."""
    time.sleep(seconds)
    return True


def pair_of(settings: Settings) -> Pair:
    """Return the pair of buckets and prefixes that the settings name."""
    source, destination = settings.source, settings.destination
    return Pair(source.bucket, source.prefix, destination.bucket, destination.prefix)


def policy_of(settings: Settings) -> TransferPolicy:
    """Return what the settings say of one transfer."""
    transfer, destination = settings.transfer, settings.destination
    return TransferPolicy(
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


def backoff_policy_of(settings: Settings) -> BackoffPolicy:
    """Return how long objects that failed wait for their next attempt."""
    return BackoffPolicy(settings.sweep.retry_wait, settings.sweep.retry_wait_longest)


def filter_of(settings: Settings) -> KeyFilter | None:
    """Return the test that a key must pass to be looked at."""
    return key_filter(settings.source.prefix, settings.filter.include, settings.filter.exclude)


def resolve_credentials(
    side: Side, settings: BucketSettings, notify: Notify, config_process: ConfigProcess
) -> RefreshingCredentials:
    """Let the clerk find the credentials and the address of one side.

    Raises:
        UnreachableError: there are no credentials, or AWS could not be asked.
    """
    access = side_access(side, settings)
    return RefreshingCredentials(access, config_process.find(access), find, notify)


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Both ends as the supervisor's process uses them: to list, to look up, to refresh credentials.

    `retry` tries a request again where that may help, within the budget of repetitions; a listing, which a stop does
    not cut short, waits by `sleep`.
    """

    source_identity: RefreshingCredentials
    destination_identity: RefreshingCredentials
    source: Bucket
    destination: Bucket
    retry: Retry
    sleep: Callable[[float], None]


def connect_endpoints(
    settings: Settings,
    notify: Notify,
    traffic: LocalTraffic,
    wait: Callable[[float], bool] = sleep_through,
    config_process: ConfigProcess | None = None,
) -> Endpoints:
    """Find both ends, by a clerk that is there already or by one of their own; see `resolve_credentials`.

    Requests pass `traffic`, and before a repetition `wait` so many seconds, which tells whether to go on.
    """

    def sleep(seconds: float) -> None:
        time.sleep(seconds + traffic.spend_retry())

    with closing(config_process or ConfigProcess()) as asked:
        source = resolve_credentials(Side.SOURCE, settings.source, notify, asked)
        destination = resolve_credentials(Side.DESTINATION, settings.destination, notify, asked)
    return Endpoints(
        source,
        destination,
        _bucket(source, Side.SOURCE, settings.source, notify, traffic, sleep),
        _bucket(destination, Side.DESTINATION, settings.destination, notify, traffic, sleep),
        retry_policy(ATTEMPTS, lambda seconds: wait(seconds + traffic.spend_retry())),
        sleep,
    )


def _bucket(
    identity: RefreshingCredentials,
    side: Side,
    settings: BucketSettings,
    notify: Notify,
    traffic: LocalTraffic,
    sleep: Callable[[float], None],
) -> Bucket:
    note = traffic.counter(side)

    def count(operation: str, code: str) -> None:
        note(operation, code)
        notify(RequestsMade(side, operation, code, 1))

    return Bucket(
        identity.address,
        identity.credentials,
        count,
        expected_owner=settings.account_id,
        request_payer=settings.request_payer == "requester",
        sleep=sleep,
        limiter=traffic.requests_to(side),
        body_limiter=traffic.bytes_read(),
    )


def threads_of(settings: Settings) -> list[int]:
    """Return the threads of each worker process, shared among them as evenly as can be."""
    processes = settings.transfer.processes or min(os.cpu_count() or 1, settings.transfer.threads)
    return share_threads(settings.transfer.threads, processes)


def route_config(settings: Settings, sides: Endpoints) -> RouteConfig:
    """Return what the worker processes are told of the route."""
    return RouteConfig(
        source=sides.source.address,
        destination=sides.destination.address,
        credentials={
            Side.SOURCE: sides.source_identity.credentials(),
            Side.DESTINATION: sides.destination_identity.credentials(),
        },
        policy=policy_of(settings),
        request_payer="requester" in (settings.source.request_payer, settings.destination.request_payer),
        source_owner=settings.source.account_id,
        destination_owner=settings.destination.account_id,
        bounds=bounds_of(settings),
    )


def bounds_of(settings: Settings) -> dict[str, float]:
    """Return the user's bounds on the route's requests and bytes per second, by valve; 0 for none."""
    return {REQUESTS: settings.transfer.requests_per_second, BYTES: settings.transfer.bandwidth}


def by_itself(_: Side, bucket: Bucket) -> ListPage:
    """Let a side's pages be read by its own bucket, in this process."""
    return bucket.list_page


def plan_of(
    settings: Settings,
    sides: Endpoints,
    notify: Notify,
    reader: Callable[[Side, Bucket], ListPage] = by_itself,
) -> Generator[PageDiff]:
    """Yield the plan of one sweep: both sides listed by ranges, and compared; `reader` says who reads pages."""
    pair, min_age = pair_of(settings), settings.filter.min_age

    def count(page: ObjectPage) -> None:
        notify(ObjectsListed(Side.DESTINATION, len(page)))

    rules = Rules(
        pair,
        EtagProbe(sides.source, sides.destination, sides.retry),
        included=filter_of(settings),
        not_after=s3_time(time.time() - min_age) if min_age else "",
    )
    source = SideListing(
        sides.source, pair.source_prefix, sides.sleep, list_page=reader(Side.SOURCE, sides.source)
    )
    destination = SideListing(
        sides.destination,
        pair.destination_prefix,
        sides.sleep,
        count,
        list_page=reader(Side.DESTINATION, sides.destination),
    )
    with closing(plan(source, destination, rules, listers=settings.sweep.ranges, page=MAX_KEYS)) as diffs:
        for finding in diffs:
            # Pages of neighbouring ranges overlap: what they listed is what was found on them, not what came.
            notify(ObjectsListed(Side.SOURCE, finding.listed))
            yield finding


class SideListing:
    """One side's listing as the plan wants it.

    `list_page` reads its pages, the bucket itself where none is given; `see` is told of each, `sleep` waits before a
    repetition.
    """

    def __init__(
        self,
        bucket: Bucket,
        prefix: str,
        sleep: Callable[[float], None],
        see: Callable[[ObjectPage], None] = lambda _: None,
        *,
        list_page: ListPage | None = None,
    ) -> None:
        self._bucket = bucket
        self._prefix = prefix
        self._list_page = list_page
        self._sleep = sleep
        self._see = see

    def pages(self, after: str = "") -> Generator[ObjectPage]:
        """Yield the objects below the prefix whose keys come after `after`, in order."""
        for page in self._bucket.list_objects(self._prefix, after, list_page=self._list_page):
            self._see(page)
            yield page

    def first_after(self, text: str) -> str | None:
        """Tell the first key after a text, None where there is none."""
        page = retrying(
            lambda: self._bucket.list_page(self._prefix, start_after=text, limit=1), pause=self._sleep
        )
        return page.entries.keys[0] if page.entries else None

    def close_thread(self) -> None:
        """Close the calling thread's connections."""
        self._bucket.close_thread()


def listing(bucket: Bucket, prefix: str) -> ReadAhead[ObjectPage]:
    """Return the pages of one side in order, read ahead by a thread of their own."""

    def pages() -> Generator[ObjectPage]:
        try:
            yield from bucket.list_objects(prefix)
        finally:
            bucket.close_thread()

    return ReadAhead(pages(), depth=PAGES_AHEAD, name="list")


def s3_time(seconds: float) -> str:
    """Write seconds since the epoch as S3's listings do."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
