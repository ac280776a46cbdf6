"""One route in a worker: its buckets, the credentials of their requests, its mover, and its reports.

Which order is next, and on which thread, is decided in `task_queue.py`.
"""

import threading
import time
import traceback
from collections.abc import Callable, Sequence
from functools import partial

from s3mover.model import Action, Credentials, Order, Outcome, Side, unmoved
from s3mover.s3.bucket import Bucket
from s3mover.s3.records import Page
from s3mover.s3.retry import retry_policy
from s3mover.s3.throttle import UNBOUNDED, ChainedLimiter, Limiter, TokenBucket
from s3mover.s3.wire import timeouts_with
from s3mover.stores import store_of
from s3mover.transfer.bucket_identity import BucketIdentity, DestinationIdentity, SourceIdentity
from s3mover.transfer.copy_limit import CopyLimit
from s3mover.transfer.method import RunParts
from s3mover.transfer.mover import Mover
from s3mover.transfer.pre_copy_check import PreCopyCheck
from s3mover.transfer.server_side import ServerSideCopy
from s3mover.transfer.store_features import StoreFeatures
from s3mover.transfer.streaming import Streaming
from s3mover.workers.lease_guard import LeaseGuard
from s3mover.workers.messages import ReadPage, Report, RouteConfig
from s3mover.workers.process.cpu_yield import CpuYield
from s3mover.workers.ratelimit.traffic import Traffic, is_used
from s3mover.workers.shared_state import Heartbeats


class Route:
    """What a worker's threads need for the orders of one route; threads share it.

    `share` is this worker's fraction of all threads, `run_parts` does the parts of large objects, `heartbeats` are
    those of the threads, `cpu_yield` limits bulk work. `on_throttled` is called when the store refuses a request
    because of its rate.
    """

    def __init__(
        self,
        name: str,
        share: float,
        run_parts: RunParts,
        heartbeats: Heartbeats,
        cpu_yield: CpuYield,
        on_throttled: Callable[["Route"], None],
    ) -> None:
        self.name = name
        self._heartbeats = heartbeats
        self._cpu_yield = cpu_yield
        self.recalled = threading.Event()
        self._traffic = Traffic(share, lambda: on_throttled(self))
        self.set_rate = self._traffic.set_rate
        self.lease = LeaseGuard()
        self._run_parts = run_parts
        self._credentials: dict[Side, Credentials] = {}
        self._mover: Mover | None = None
        self._listed: dict[Side, Bucket] = {}

    def configure(self, config: RouteConfig) -> None:
        """Use `config` for orders that begin from now on; orders in flight keep theirs, with the new credentials."""
        self._credentials.update(config.credentials)
        self._mover = self._build_mover(config)
        self._listed = {side: self._listed_bucket(config, side) for side in Side}

    def release(self) -> None:
        """Let orders in flight begin no further request: another instance may lead.

        The next configuration comes with a lease of its own.
        """
        self.lease.revoke()
        self.lease = LeaseGuard()

    def move(self, order: Order) -> Outcome:
        """Carry out one order; an internal error becomes an outcome, too."""
        if self._mover is None:
            raise RuntimeError(f"an order of the route {self.name!r} came before its configuration")
        try:
            _require_copy(order)
            return self._mover.move(order)
        except Exception as internal_error:  # noqa: BLE001 - an internal error on one object must not stop the others
            return _failed(order, internal_error)

    def read_page(self, message: ReadPage) -> Page:
        """Read a page of a listing, without a retry.

        Raises:
            MoverError: it could not be read, or contradicts itself.
        """
        return self._listed[message.side].list_page(message.prefix, message.start_after, message.token)

    def close_listings(self) -> None:
        """Close the connections by which the calling thread has read pages."""
        for bucket in self._listed.values():
            bucket.close_thread()

    def renew_credentials(self, side: Side, credentials: Credentials) -> None:
        """Sign with `credentials` from now on."""
        self._credentials[side] = credentials

    def report(self, outcomes: list[Outcome], returned: list[Order]) -> Report | None:
        """Return the report since the last one, or None if it is empty."""
        requests, usage = self._traffic.take_counts()
        if outcomes or returned or requests or is_used(usage):
            return Report(self.name, outcomes, returned, requests, usage)
        return None

    def _pause(self, seconds: float) -> bool:
        """Wait before a retry, until it is within the budget; return False if the route is recalled meanwhile."""
        with self._heartbeats.idle():
            return not self.recalled.wait(seconds + self._traffic.spend_retry())

    def _build_mover(self, config: RouteConfig) -> Mover:
        source = self._bucket(config, Side.SOURCE, Side.SOURCE)
        destination = self._bucket(config, Side.DESTINATION, Side.DESTINATION)
        principals = [destination, self._bucket(config, Side.DESTINATION, Side.SOURCE)]
        features = StoreFeatures(time.monotonic)
        retry = retry_policy(config.policy.max_attempts, self._pause)
        pre_copy_check = PreCopyCheck(config.policy.thorough, source, destination, time.monotonic, retry)
        return Mover(
            source,
            destination,
            ServerSideCopy(
                source,
                principals,
                config.policy,
                self._run_parts,
                features,
                pre_copy_check.is_needed,
                retry,
                identities=self._identities(config, source, principals),
                limit=CopyLimit(time.monotonic, config.policy.largest_copy),
            ),
            Streaming(source, destination, config.policy, self._run_parts, features, retry),
            config.policy,
            self._pause,
        )

    def _identities(
        self, config: RouteConfig, source: Bucket, principals: Sequence[Bucket]
    ) -> dict[Bucket, BucketIdentity]:
        """Return what proves that each principal sees the right buckets, where their names may mean others."""
        keys = {credentials.access_key for credentials in self._credentials.values()}
        if len(keys) == 1 or store_of(config.source).is_aws:
            return {}
        destination, other = principals
        across = self._bucket(config, Side.SOURCE, Side.DESTINATION)
        return {
            destination: SourceIdentity(source, across, destination, time.monotonic),
            other: DestinationIdentity(destination, other, time.monotonic),
        }

    def _bucket(self, config: RouteConfig, bucket_side: Side, signer: Side) -> Bucket:
        traffic, heartbeats = self._traffic, self._heartbeats
        limiter = HeartbeatLimiter(traffic.requests_to(bucket_side), heartbeats, self.lease)
        body_limiter = HeartbeatLimiter([*traffic.bytes_read(), self._cpu_yield], heartbeats)
        return self._bucket_at(config, bucket_side, signer, limiter, body_limiter)

    def _listed_bucket(self, config: RouteConfig, side: Side) -> Bucket:
        """Return a bucket for page readers, which have no heartbeats; a listing needs no lease: it changes nothing."""
        return self._bucket_at(config, side, side, ChainedLimiter(self._traffic.requests_to(side)), UNBOUNDED)

    def _bucket_at(
        self, config: RouteConfig, bucket_side: Side, signer: Side, limiter: Limiter, body_limiter: Limiter
    ) -> Bucket:
        at_source = bucket_side is Side.SOURCE
        return Bucket(
            config.source if at_source else config.destination,
            self._signer(signer),
            self._traffic.counter(bucket_side),
            timeouts_with(config.timeout),
            expected_owner=config.source_owner if at_source else config.destination_owner,
            expected_source_owner=config.source_owner,
            request_payer=config.request_payer,
            limiter=limiter,
            body_limiter=body_limiter,
        )

    def _signer(self, side: Side) -> Callable[[], Credentials]:
        return partial(self._credentials.__getitem__, side)


class HeartbeatLimiter:
    """Passes several limits one after the other, counts a heartbeat of the thread, and marks its waits as idle."""

    def __init__(
        self,
        limits: Sequence[TokenBucket | CpuYield],
        heartbeats: Heartbeats,
        lease: LeaseGuard | None = None,
    ) -> None:
        self._limits = limits
        self._heartbeats = heartbeats
        self._lease = lease

    def take(self, units: float = 1.0) -> None:
        """Wait until so many units may pass, and until the lease, if there is one, is valid.

        Raises:
            S3Error: the lease was revoked.
        """
        self._heartbeats.beat()
        for limit in self._limits:
            if not limit.is_open:
                with self._heartbeats.idle():
                    limit.take(units)
        if self._lease is not None and not self._lease.is_valid:
            with self._heartbeats.idle():
                self._lease.wait()


def _require_copy(order: Order) -> None:
    """Raise an error for an order that is not to copy, which only the supervisor may carry out."""
    if order.action is not Action.COPY:
        raise RuntimeError(f"a worker got an order with the action {order.action}, expected {Action.COPY}")


def _failed(order: Order, internal_error: Exception) -> Outcome:
    trace = "".join(traceback.format_exception(internal_error, limit=-3))
    return unmoved(order, "Defect", trace, time.time())
