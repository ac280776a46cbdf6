"""One route inside a worker: its buckets, what signs their requests, its mover, and what is to be told of it."""

import threading
import time
import traceback
from collections.abc import Callable, Sequence

from s3mover.model import Credentials, Order, Outcome, Side, unmoved
from s3mover.s3.bucket import Bucket
from s3mover.s3.records import Page
from s3mover.s3.retry import retry_policy
from s3mover.s3.throttle import UNBOUNDED, ChainedLimiter, Limiter, TokenBucket
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

    `share` is this worker's part of all threads, `run_parts` does the parts of large objects, `signs` are where threads
    show that they go on, `cpu_yield` is where bulk gives way to small orders, `alarm` is called when the store refuses
    a request for its rate.
    """

    def __init__(
        self,
        name: str,
        share: float,
        run_parts: RunParts,
        signs: Heartbeats,
        cpu_yield: CpuYield,
        alarm: Callable[["Route"], None],
    ) -> None:
        self.name = name
        self._signs = signs
        self._cpu_yield = cpu_yield
        self.recalled = threading.Event()
        self._traffic = Traffic(share, lambda: alarm(self))
        self.set_rate = self._traffic.set_rate
        self.trust = LeaseGuard()
        self._run_parts = run_parts
        self._credentials: dict[Side, Credentials] = {}
        self._mover: Mover | None = None
        self._listed: dict[Side, Bucket] = {}

    def configure(self, config: RouteConfig) -> None:
        """Move what begins from now on by `config`; what is in hand goes on as it began, with fresh credentials."""
        self._credentials.update(config.credentials)
        self._mover = self._build_mover(config)
        self._listed = {side: self._listed_bucket(config, side) for side in Side}

    def leave(self) -> None:
        """Let what is in hand begin no request any more: another instance may lead. The next brief is trusted anew."""
        self.trust.end()
        self.trust = LeaseGuard()

    def move(self, order: Order) -> Outcome:
        """Carry out one order; a defect of ours becomes an outcome, too."""
        if self._mover is None:
            raise RuntimeError(f"an order of the route {self.name!r} came before its brief")
        try:
            return self._mover.move(order)
        except Exception as internal_error:  # noqa: BLE001 - a defect met on one object must not stop the others
            return _defect(order, internal_error)

    def read(self, asked: ReadPage) -> Page:
        """Read a page of a listing, once.

        Raises:
            MoverError: it could not be read, or contradicts itself.
        """
        return self._listed[asked.side].list_page(asked.prefix, asked.start_after, asked.token)

    def leave_listings(self) -> None:
        """Close the connections that the calling thread has read pages by."""
        for bucket in self._listed.values():
            bucket.close_thread()

    def renew(self, side: Side, credentials: Credentials) -> None:
        """Sign with `credentials` from now on."""
        self._credentials[side] = credentials

    def report(self, outcomes: list[Outcome], returned: list[Order]) -> Report | None:
        """Return what is to be told, or None where nothing is."""
        requests, usage = self._traffic.take_account()
        if outcomes or returned or requests or is_used(usage):
            return Report(self.name, outcomes, returned, requests, usage)
        return None

    def _pause(self, seconds: float) -> bool:
        """Wait before a repetition, until it is within the budget; False where the route is recalled."""
        with self._signs.resting():
            return not self.recalled.wait(seconds + self._traffic.repeat())

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
            ),
            Streaming(source, destination, config.policy, self._run_parts, features, retry),
            config.policy,
            self._pause,
        )

    def _bucket(self, config: RouteConfig, place: Side, signer: Side) -> Bucket:
        traffic, signs = self._traffic, self._signs
        pace = HeartbeatLimiter(traffic.requests_to(place), signs, self.trust)
        body_pace = HeartbeatLimiter([*traffic.bytes_read(), self._cpu_yield], signs)
        return self._bucket_at(config, place, signer, pace, body_pace)

    def _listed_bucket(self, config: RouteConfig, side: Side) -> Bucket:
        """Listings are the supervisor's, whose readers of pages have no seat, and change nothing without trust."""
        return self._bucket_at(config, side, side, ChainedLimiter(self._traffic.requests_to(side)), UNBOUNDED)

    def _bucket_at(
        self, config: RouteConfig, place: Side, signer: Side, pace: Limiter, body_pace: Limiter
    ) -> Bucket:
        at_source = place is Side.SOURCE
        return Bucket(
            config.source if at_source else config.destination,
            self._signer(signer),
            self._traffic.counter(place),
            expected_owner=config.source_owner if at_source else config.destination_owner,
            expected_source_owner=config.source_owner,
            request_payer=config.request_payer,
            limiter=pace,
            body_limiter=body_pace,
        )

    def _signer(self, side: Side) -> Callable[[], Credentials]:
        return lambda: self._credentials[side]


class HeartbeatLimiter:
    """A gate at which threads show that they go on, and that they wait where they wait."""

    def __init__(
        self, paces: Sequence[TokenBucket | CpuYield], signs: Heartbeats, trust: LeaseGuard | None = None
    ) -> None:
        self._paces = paces
        self._signs = signs
        self._trust = trust

    def take(self, units: float = 1.0) -> None:
        """Wait until so many units may pass, and trust lasts where it is asked for.

        Raises:
            S3Error: trust has ended for good.
        """
        self._signs.give()
        for pace in self._paces:
            if not pace.is_open:
                with self._signs.resting():
                    pace.take(units)
        if self._trust is not None and not self._trust.lasts:
            with self._signs.resting():
                self._trust.wait()


def _defect(order: Order, internal_error: Exception) -> Outcome:
    trace = "".join(traceback.format_exception(internal_error, limit=-3))
    return unmoved(order, "Defect", trace, time.time())
