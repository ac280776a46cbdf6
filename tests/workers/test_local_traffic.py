"""The supervisor's own requests: one more among those who share the limits."""

import threading
import time
from contextlib import closing
from itertools import count
from urllib.parse import urlsplit

import pytest

from s3mover.errors import S3Error
from s3mover.events import Event, RequestLimitMoved, ThrottleChanged
from s3mover.model import BucketAddress, Side
from s3mover.s3.bucket import Bucket
from s3mover.s3.throttle import AdaptiveLimit
from s3mover.workers.messages import BYTES, REQUESTS
from s3mover.workers.pool.forkserver import ForkServer
from s3mover.workers.pool.pool import WorkerPool
from s3mover.workers.ratelimit.local_traffic import ASK_SECONDS, LocalRequests, LocalTraffic
from s3mover.workers.ratelimit.standalone import standalone_limits
from simulator import Simulator
from testkit.pooling import ACCOUNT, owners_of, route_config
from testkit.waiting import wait_until


def bucket_of(simulator: Simulator, traffic: LocalTraffic) -> Bucket:
    """The bucket `from`, whose requests pass `traffic`."""
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


def test_it_is_asked_only_while_there_is_something_to_tell() -> None:
    """The first request after a silence wakes the foreman; that nothing is asked any more is told once."""
    woken: list[bool] = []
    own = LocalRequests(["only"], lambda: woken.append(True))
    traffic = own.of("only")
    traffic.set_rate(REQUESTS, 1000)
    assert list(own.reports(0.0)) == []

    traffic.requests_to(Side.SOURCE).take()
    traffic.requests_to(Side.SOURCE).take()
    assert woken == [True]
    [report] = own.reports(0.0)
    assert [(one.valve, one.passed, one.waiting) for one in report.usage] == [(REQUESTS, 2, 0)]
    assert list(own.reports(ASK_SECONDS / 2)) == []

    [report] = own.reports(ASK_SECONDS)
    assert [(one.valve, one.passed) for one in report.usage] == [(REQUESTS, 0)]
    assert list(own.reports(9.0)) == []
    assert woken == [True]


def test_an_answer_after_a_silence_is_told() -> None:
    """A request may take longer than the silence after it, and be refused then."""
    woken: list[bool] = []
    own = LocalRequests(["only"], lambda: woken.append(True))
    own.of("only").counter(Side.SOURCE)("ListObjectsV2", "SlowDown")
    assert woken == [True]
    [report] = own.reports(0.0)
    assert report.requests == {(Side.SOURCE, "ListObjectsV2", "SlowDown"): 1}


def test_who_waits_is_asked_again() -> None:
    """A thread at a closed valve is no silence, and is told of until it has passed."""
    own = LocalRequests(["only"], lambda: None)
    gate, moments = own.of("only").requests_to(Side.SOURCE), count()
    own.of("only").set_rate(REQUESTS, 1e-9)
    gate.take()
    waiting = threading.Thread(target=gate.take)
    waiting.start()
    wait_until(lambda: told_to_wait(own, float(next(moments))))
    assert told_to_wait(own, float(next(moments)))
    own.of("only").set_rate(REQUESTS, 1e9)
    waiting.join(30)
    assert not waiting.is_alive()


def told_to_wait(own: LocalRequests, now: float) -> bool:
    return any(one.waiting for report in own.reports(now) for one in report.usage)


@pytest.mark.process
def test_a_slow_down_that_a_listing_meets_lowers_the_limit_of_all() -> None:
    """The crew's limit of that side falls, nobody's listing is lost, and the other side goes on as before."""
    with Simulator() as simulator:
        simulator.create_bucket("from", ACCOUNT)
        simulator.create_bucket("to", ACCOUNT)
        simulator.fill("from", 2500, size=1)
        simulator.add_fault("slow_down", operation="ListObjectsV2", nth=[2, 3])
        events: list[Event] = []
        fork_server = ForkServer()
        pool = WorkerPool([2], ["only"], events.append, fork_server)
        with closing(fork_server), owners_of(pool, {"only": route_config(simulator)}, events):
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


def test_a_process_without_workers_keeps_to_the_bounds() -> None:
    """It has them for itself alone, from the first request on."""
    with standalone_limits({REQUESTS: 100, BYTES: 0}) as traffic:
        # A tenth of a second may be caught up on.
        assert seconds_of(traffic, 40) >= (40 - 1 - 100 * 0.1) / 100 - 0.01
        traffic.bytes_read().take(1e12)


@pytest.mark.process
def test_a_process_without_workers_heeds_refusals() -> None:
    """Where the limit begins, or grows, so many requests take a third of a second; after refusals over one."""
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
