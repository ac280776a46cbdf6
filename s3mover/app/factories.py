"""Build the values that other parts need from the settings: the pair, policies, limits, the workers' configuration."""

import os
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from s3mover.app.endpoints import Endpoints, place_of
from s3mover.costs.prices import INTERNET, PairPrices, PlacePrices, PriceBook
from s3mover.errors import SettingsError
from s3mover.model import BucketAddress, Method, Pair, Side
from s3mover.planning.backoff import BackoffPolicy
from s3mover.planning.filters import KeyFilter, key_filter
from s3mover.settings.model import Settings
from s3mover.stores import store_of
from s3mover.transfer.policy import TransferPolicy, policy_between
from s3mover.workers.messages import BYTES, REQUESTS, RouteConfig
from s3mover.workers.pool.pool import share_threads

if TYPE_CHECKING:
    from s3mover.planning.deletion_guards import DeletionPolicy


def pair_of(settings: Settings) -> Pair:
    """Return the pair of buckets and prefixes that the settings name."""
    source, destination = settings.source, settings.destination
    return Pair(source.bucket, source.prefix, destination.bucket, destination.prefix)


def policy_of(settings: Settings) -> TransferPolicy:
    """Return how one object is transferred."""
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
        encryption=destination.encryption,
        kms_key_id=destination.kms_key_id,
        copy_annotations=transfer.annotations == "copy",
    )


def backoff_policy_of(settings: Settings) -> BackoffPolicy:
    """Return how long objects that failed wait for their next attempt."""
    return BackoffPolicy(settings.sweep.retry_wait, settings.sweep.retry_wait_longest)


def deletion_policy_of(settings: Settings) -> "DeletionPolicy":
    """Return what decides about objects that only the destination has, as of now."""
    from s3mover.planning.deletion_guards import DeletionPolicy  # noqa: PLC0415 - off by default

    deletions = settings.deletions
    return DeletionPolicy(
        propagate=deletions.mode == "propagate",
        recorded_only=deletions.scope == "recorded",
        confirm=deletions.confirm,
        min_age=deletions.min_age,
        max_objects=deletions.max_objects,
        max_share=deletions.max_share,
        included=filter_of(settings),
        not_after=youngest_of(settings),
    )


def youngest_of(settings: Settings) -> str:
    """Return the time after which modified objects are too young, in the format of S3 listings; empty for no bound."""
    min_age = settings.filter.min_age
    if not min_age:
        return ""
    return datetime.fromtimestamp(time.time() - min_age, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def filter_of(settings: Settings) -> KeyFilter | None:
    """Return the filter of keys, None to include all."""
    return key_filter(settings.source.prefix, settings.filter.include, settings.filter.exclude)


def bounds_of(settings: Settings) -> dict[str, float]:
    """Return the configured bounds on the route's requests and bytes per second, by limit; 0 for none."""
    return {REQUESTS: settings.transfer.requests_per_second, BYTES: settings.transfer.bandwidth}


def pair_prices_of(settings: Settings, endpoints: Endpoints, book: PriceBook) -> PairPrices:
    """Return the prices of the pair, and what decides which of them apply."""
    destination = settings.destination
    uses_kms = destination.encryption.startswith("aws:kms") or bool(destination.kms_key_id)
    location = settings.prices.location
    return PairPrices(
        source=_place_prices(endpoints.source.address, book),
        destination=_place_prices(endpoints.destination.address, book),
        destination_class=destination.storage_class,
        location=_location_prices(location, book) if location else None,
        kms=book.kms,
        uses_kms=uses_kms,
        methods=_methods_of(settings, endpoints),
    )


def _methods_of(settings: Settings, endpoints: Endpoints) -> tuple[Method, ...]:
    """Return the methods by which objects may be moved, the usual one first."""
    if settings.transfer.method == "streaming" or two_stores(endpoints):
        return (Method.STREAMING,)
    copies_only = settings.transfer.method == "server_side_copy"
    return (Method.SERVER_SIDE_COPY,) if copies_only else (Method.SERVER_SIDE_COPY, Method.STREAMING)


def _place_prices(address: BucketAddress, book: PriceBook) -> PlacePrices:
    name, is_region = place_of(address), store_of(address).is_aws
    known = book.regions if is_region else book.stores
    return known.get(name, PlacePrices(name, is_region=is_region))


def _location_prices(location: str, book: PriceBook) -> PlacePrices:
    return book.regions.get(location, PlacePrices(location, is_region=location != INTERNET))


def threads_of(settings: Settings) -> list[int]:
    """Return the number of threads of each worker process, distributed evenly."""
    processes = settings.transfer.processes or min(os.cpu_count() or 1, settings.transfer.threads)
    return share_threads(settings.transfer.threads, processes)


def two_stores(endpoints: Endpoints) -> str:
    """Return a sentence on source and destination where they are in two stores, empty where they are in one."""
    source, destination = store_of(endpoints.source.address), store_of(endpoints.destination.address)
    if source == destination:
        return ""
    return (
        f"source ({source}) and destination ({destination}) are two stores, which cannot copy from each other"
    )


def route_config(settings: Settings, endpoints: Endpoints) -> RouteConfig:
    """Return the configuration of the route that worker processes receive.

    Raises:
        SettingsError: `transfer.method` is `server_side_copy`, and the buckets are in two stores.
    """
    if settings.transfer.method == "server_side_copy" and (problem := two_stores(endpoints)):
        raise SettingsError([f"transfer.method: {problem}; expected auto or streaming"])
    source, destination = endpoints.source.address, endpoints.destination.address
    return RouteConfig(
        source=source,
        destination=destination,
        credentials={side: endpoints.credentials(side).credentials() for side in Side},
        policy=policy_between(policy_of(settings), source, destination),
        request_payer="requester" in (settings.source.request_payer, settings.destination.request_payer),
        source_owner=settings.source.account_id,
        destination_owner=settings.destination.account_id,
        bounds=bounds_of(settings),
        timeout=settings.transfer.timeout,
    )
