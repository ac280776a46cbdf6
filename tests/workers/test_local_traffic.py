"""The supervisor's own requests, which share the limits with the workers."""

import threading
import time
from collections.abc import Callable
from contextlib import closing
from itertools import count
from urllib.parse import urlsplit

import pytest

from s3mover.errors import S3Error
from s3mover.events import Event, RequestLimitMoved, ThrottleChanged
from s3mover.model import BucketAddress, Side
from s3mover.s3.adaptive_limit import AdaptiveLimit
from s3mover.s3.bucket import Bucket
from s3mover.workers.messages import BYTES, REQUESTS
from s3mover.workers.pool.forkserver import ForkServer
from s3mover.workers.pool.pool import WorkerPool
from s3mover.workers.ratelimit.coordinator import LOCAL_REPORT_SECONDS, RateCoordinator
from s3mover.workers.ratelimit.local_traffic import LocalTraffic
from s3mover.workers.ratelimit.standalone import standalone_limits
from simulator import Simulator
from testkit.pooling import ACCOUNT, route_config, running_pool
from testkit.waiting import wait_until


def bucket_of(simulator: Simulator, traffic: LocalTraffic) -> Bucket:
    """Return the bucket `from`, whose requests pass `traffic`."""
    place = urlsplit(simulator.endpoint)
    address = BucketAddress("from", "http", place.hostname or "", place.port or 0, "/from", simulator.region)
    credentials = route_config(simulator).credentials[Side.SOURCE]
    return Bucket(
        address,
        lambda: credentials,
        traffic.counter(Side.SOURCE),
        sleep=lambda _: None,
        limiter=traffic.requests_to(Side.SOURCE),
    )


def coordinator(wake: Callable[[], None]) -> RateCoordinator:
    return RateCoordinator(["only"], 1, wake, send=lambda *_: None, announce=lambda *_: None)


def test_usage_is_read_only_while_there_is_activity() -> None:
    """The first request after a silence wakes the pool's thread; the end of the activity is reported once."""
    woken: list[bool] = []
    rates = coordinator(lambda: woken.append(True))
    traffic = rates.local_traffic("only")
    traffic.set_rate(REQUESTS, 1000)
    assert list(rates.local_reports(0.0)) == []

    traffic.requests_to(Side.SOURCE).take()
    traffic.requests_to(Side.SOURCE).take()
    assert woken == [True]
    [report] = rates.local_reports(0.0)
    assert [(one.limit, one.passed, one.waiting) for one in report.usage] == [(REQUESTS, 2, 0)]
    assert list(rates.local_reports(LOCAL_REPORT_SECONDS / 2)) == []

    [report] = rates.local_reports(LOCAL_REPORT_SECONDS)
    assert [(one.limit, one.passed) for one in report.usage] == [(REQUESTS, 0)]
    assert list(rates.local_reports(9.0)) == []
    assert woken == [True]


def test_an_answer_after_a_silence_is_reported() -> None:
    """A request may take longer than the silence after it, and be refused then."""
    woken: list[bool] = []
    rates = coordinator(lambda: woken.append(True))
    rates.local_traffic("only").counter(Side.SOURCE)("ListObjectsV2", "SlowDown")
    assert woken == [True]
    [report] = rates.local_reports(0.0)
    assert report.requests == {(Side.SOURCE, "ListObjectsV2", "SlowDown"): 1}


def test_a_thread_that_waits_is_reported_until_it_has_passed() -> None:
    """There is no silence while a thread waits for a limit."""
    rates = coordinator(lambda: None)
    limiter, moments = rates.local_traffic("only").requests_to(Side.SOURCE), count()
    rates.local_traffic("only").set_rate(REQUESTS, 1e-9)
    limiter.take()
    waiting = threading.Thread(target=limiter.take)
    waiting.start()
    wait_until(lambda: is_waiting(rates, float(next(moments))))
    assert is_waiting(rates, float(next(moments)))
    rates.local_traffic("only").set_rate(REQUESTS, 1e9)
    waiting.join(30)
    assert not waiting.is_alive()


def is_waiting(rates: RateCoordinator, now: float) -> bool:
    return any(one.waiting for report in rates.local_reports(now) for one in report.usage)


@pytest.mark.process
def test_a_slow_down_of_a_listing_lowers_the_limit_of_all() -> None:
    """The pool's limit of that side falls, the listing is complete, and the other side goes on as before."""
    with Simulator() as simulator:
        simulator.create_bucket("from", ACCOUNT)
        simulator.create_bucket("to", ACCOUNT)
        simulator.fill("from", 2500, size=1)
        simulator.add_fault("slow_down", operation="ListObjectsV2", nth=[2, 3])
        events: list[Event] = []
        fork_server = ForkServer()
        pool = WorkerPool([2], ["only"], events.append, fork_server)
        with closing(fork_server), running_pool(pool, {"only": route_config(simulator)}, events):
            bucket = bucket_of(simulator, pool.local_traffic("only"))
            listed = sum(len(page) for page in bucket.list_objects(""))
            bucket.close_thread()
            wait_until(lambda: any(isinstance(event, ThrottleChanged) for event in events))
    assert listed == 2500
    refused = [event for event in events if isinstance(event, ThrottleChanged)]
    assert {event.side for event in refused} == {Side.SOURCE}
    limits = {event.side: event.rate for event in events if isinstance(event, RequestLimitMoved)}
    assert 0 < limits[Side.SOURCE] <= AdaptiveLimit.START / 2
    assert limits[Side.DESTINATION] >= AdaptiveLimit.START


def test_a_process_without_workers_applies_the_bounds() -> None:
    """It does not share them, and applies them from the first request on."""
    with standalone_limits({REQUESTS: 100, BYTES: 0}) as traffic:
        # The bucket holds the units of a tenth of a second.
        assert seconds_of(traffic, 40) >= (40 - 1 - 100 * 0.1) / 100 - 0.01
        traffic.bytes_read().take(1e12)


@pytest.mark.process
def test_a_process_without_workers_slows_down_after_refusals() -> None:
    """At the initial limit, or above, 400 requests take less than 0.8 seconds; after refusals they take longer."""
    with Simulator() as simulator, standalone_limits({REQUESTS: 0, BYTES: 0}) as traffic:
        simulator.create_bucket("from", ACCOUNT)
        simulator.add_fault("slow_down", operation="HeadBucket")
        bucket = bucket_of(simulator, traffic)
        for _ in range(20):
            with pytest.raises(S3Error, match="ServiceUnavailable"):
                bucket.head_bucket()
        bucket.close_thread()
        wait_until(lambda: seconds_of(traffic, 400) >= 0.8)


def seconds_of(traffic: LocalTraffic, requests: int) -> float:
    began = time.monotonic()
    for _ in range(requests):
        traffic.requests_to(Side.SOURCE).take()
    return time.monotonic() - began
