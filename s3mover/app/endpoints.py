"""Both ends of a pair as the supervisor process uses them: resolved credentials and a bucket for each side."""

import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass

from s3mover.app.config_process import ConfigProcess, resolve
from s3mover.app.side_access import side_access
from s3mover.costs.prices import NO_PRICES, PriceBook
from s3mover.events import Notify, RequestsMade
from s3mover.model import BucketAddress, Side
from s3mover.s3.bucket import Bucket
from s3mover.s3.credentials import RefreshingCredentials
from s3mover.s3.retry import ATTEMPTS, Retry, retry_policy
from s3mover.s3.wire import Timeouts, timeouts_with
from s3mover.settings.model import BucketSettings, Settings
from s3mover.stores import store_of
from s3mover.workers.ratelimit.local_traffic import LocalTraffic


def uninterrupted_sleep(seconds: float) -> bool:
    """Sleep for `seconds`; always True, because nothing interrupts it."""
    time.sleep(seconds)
    return True


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Both ends of the pair: to list, to look up objects, to refresh credentials.

    `retry` repeats a request after temporary errors, within the retry budget. A listing is not interrupted by a stop;
    it waits by `sleep`.
    """

    source_credentials: RefreshingCredentials
    destination_credentials: RefreshingCredentials
    source: Bucket
    destination: Bucket
    retry: Retry
    sleep: Callable[[float], None]
    prices: PriceBook = NO_PRICES

    def bucket(self, side: Side) -> Bucket:
        """Return the bucket of one side."""
        return self.source if side is Side.SOURCE else self.destination

    def credentials(self, side: Side) -> RefreshingCredentials:
        """Return the credentials of one side."""
        return self.source_credentials if side is Side.SOURCE else self.destination_credentials


def connect_endpoints(
    settings: Settings,
    notify: Notify,
    traffic: LocalTraffic,
    wait: Callable[[float], bool] = uninterrupted_sleep,
    config_process: ConfigProcess | None = None,
    *,
    with_prices: bool = False,
) -> Endpoints:
    """Resolve both ends with `config_process`, which is then closed, or with a new one.

    Requests are limited by `traffic`. `wait` waits before a repetition and returns False to give up. The prices are
    those of the places that the pair touches, none unless they are asked for.

    Raises:
        SettingsError: `prices.file` has become invalid.
        UnreachableError: there are no credentials, or AWS could not be asked.
    """

    def sleep(seconds: float) -> None:
        time.sleep(seconds + traffic.spend_retry())

    with closing(config_process or ConfigProcess()) as resolver:
        source = _credentials(Side.SOURCE, settings.source, notify, resolver)
        destination = _credentials(Side.DESTINATION, settings.destination, notify, resolver)
        places = [place_of(source.address), place_of(destination.address), settings.prices.location]
        prices = resolver.prices(settings.prices.file, places) if with_prices else NO_PRICES
    timeouts = timeouts_with(settings.transfer.timeout)
    return Endpoints(
        source,
        destination,
        _bucket(source, Side.SOURCE, settings.source, timeouts, notify, traffic, sleep),
        _bucket(destination, Side.DESTINATION, settings.destination, timeouts, notify, traffic, sleep),
        retry_policy(ATTEMPTS, lambda seconds: wait(seconds + traffic.spend_retry())),
        sleep,
        prices,
    )


def place_of(address: BucketAddress) -> str:
    """Return the name under which a bucket's prices are listed: its AWS region, or its store."""
    store = store_of(address)
    return address.region if store.is_aws else str(store)


def _credentials(
    side: Side, settings: BucketSettings, notify: Notify, resolver: ConfigProcess
) -> RefreshingCredentials:
    access = side_access(side, settings)
    return RefreshingCredentials(access, resolver.resolve(access), resolve, notify)


def _bucket(
    credentials: RefreshingCredentials,
    side: Side,
    settings: BucketSettings,
    timeouts: Timeouts,
    notify: Notify,
    traffic: LocalTraffic,
    sleep: Callable[[float], None],
) -> Bucket:
    record = traffic.counter(side)

    def count(operation: str, code: str) -> None:
        record(operation, code)
        notify(RequestsMade(side, operation, code, 1))

    return Bucket(
        credentials.address,
        credentials.credentials,
        count,
        timeouts,
        expected_owner=settings.account_id,
        request_payer=settings.request_payer == "requester",
        sleep=sleep,
        limiter=traffic.requests_to(side),
        body_limiter=traffic.bytes_read(),
        watch=traffic.watch,
    )
