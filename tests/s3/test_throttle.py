"""Bounds on requests and bytes, and the limit that finds what a store gives."""

import threading
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3mover.s3.throttle import BURST_SECONDS, MAX_WAIT_SECONDS, SLACK, TokenBucket
from testkit.virtual_store import Run, Store


class Time:
    """A clock that only waiting moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def clock(self) -> float:
        return self.now

    def wait(self, seconds: float | None) -> None:
        assert seconds is not None, "nobody would end this wait"
        self.now += seconds


@given(rate=st.floats(0.5, 5000), units=st.lists(st.floats(0.1, 10), min_size=1, max_size=50))
def test_no_more_passes_than_the_rate_lets_through(rate: float, units: list[float]) -> None:
    """Over any stretch the units that passed are within the rate, a short burst and the last ones apart."""
    time = Time()
    bucket = TokenBucket(rate, time.clock, time.wait)
    for one in units:
        bucket.take(one)
    allowed = rate * (time.now + BURST_SECONDS) + units[-1]
    assert sum(units) <= allowed * 1.000001 + 2 * SLACK


@given(rates=st.lists(st.floats(1, 300), min_size=2, max_size=5))
def test_a_rate_that_changes_holds_at_once(rates: list[float]) -> None:
    """Whatever the rates are one after the other, a second of each lets through about as many units."""
    time = Time()
    bucket = TokenBucket(rates[0], time.clock, time.wait)
    for rate in rates:
        bucket.set_rate(rate)
        until, passed = time.now + 1.0, 0
        while time.now < until:
            bucket.take()
            passed += 1
        # What the rate before had already let through, a burst, and the first and the last one.
        assert passed <= rate + max(rates) * BURST_SECONDS + 2


def test_the_rate_is_reached() -> None:
    """A thousand units at a hundred a second take ten seconds, not longer."""
    time = Time()
    bucket = TokenBucket(100, time.clock, time.wait)
    for _ in range(1000):
        bucket.take()
    assert 9.8 <= time.now <= 10.0
    assert (bucket.take_passed(), bucket.take_passed()) == (1000, 0)


def test_a_rate_next_to_nothing_can_be_waited_for() -> None:
    """And ends with the next rate: a wait of a million years exceeds what clocks can represent."""
    waits: list[float | None] = []

    def wait(seconds: float | None) -> None:
        waits.append(seconds)
        bucket.set_rate(1000.0)
        time.now += 1.0

    time = Time()
    bucket = TokenBucket(1e-14, time.clock, wait)
    bucket.take()
    bucket.take()
    assert waits == [MAX_WAIT_SECONDS]


def test_no_rate_is_no_bound() -> None:
    """Without a rate everything passes."""
    time = Time()
    bucket = TokenBucket(inf, time.clock, time.wait)
    for _ in range(1000):
        bucket.take()
    assert (time.now, bucket.is_open) == (0.0, True)


def test_what_was_not_used_does_not_gather() -> None:
    """After a pause a burst is short, however long the pause was."""
    time = Time()
    bucket = TokenBucket(100, time.clock, time.wait)
    time.now = 1000.0
    for _ in range(100):
        bucket.take()
    assert time.now >= 1000.0 + (100 - 100 * BURST_SECONDS - 1) / 100 - 1e-9


@pytest.mark.parametrize("rate", [1000.0, inf])
def test_waiting_threads_use_a_new_rate(rate: float) -> None:
    """Threads that would wait for hours go on as soon as more may pass, in the order of their coming."""
    bucket = TokenBucket(1e-6)
    bucket.take()
    threads = [threading.Thread(target=bucket.take) for _ in range(4)]
    for thread in threads:
        thread.start()
    while bucket.waiting < 4:
        threading.Event().wait(0.001)
    bucket.set_rate(rate)
    for thread in threads:
        thread.join(60)
    assert (bucket.waiting, bucket.take_passed()) == (0, 5)


@pytest.mark.parametrize("rate", [100, 500, 3500, 5500])
def test_it_finds_what_a_store_gives(rate: float) -> None:
    """Nine tenths of the store's rate are used from the start on, and few requests are refused."""
    goodput, refused = Run(Store(rate), most=10_000).go_on(60)
    assert goodput >= 0.9 * rate
    assert refused < 0.05


@pytest.mark.parametrize(("first", "then"), [(3500, 500), (500, 50)])
def test_it_follows_a_store_that_gives_less(first: float, then: float) -> None:
    """When the store's rate falls to a fraction, the limit is there within seconds, and stays."""
    run = Run(Store(first), most=10_000)
    run.go_on(20)
    run.store.rate = then
    run.go_on(5)
    goodput, refused = run.go_on(60)
    assert goodput >= 0.9 * then
    assert refused < 0.03


def test_it_follows_a_store_that_gives_more() -> None:
    """A prefix that was split gives twice as much: within minutes that is used."""
    run = Run(Store(1000), most=10_000)
    run.go_on(30)
    run.store.rate = 2000
    run.go_on(120)
    assert run.go_on(60)[0] >= 0.9 * 2000


def test_nothing_is_limited_where_nothing_is_refused() -> None:
    """As fast as threads can ask, the limit is open within a second or two."""
    run = Run(Store(1e9), most=3000)
    run.go_on(2)
    assert run.limit.rate == inf


def test_refusals_that_no_rate_prevents_do_not_stop_the_work() -> None:
    """One refusal in ten, whatever the rate: the limit falls, and goes on giving a good part."""
    run = Run(Store(1e9, noise=0.1), most=1000)
    run.go_on(60)
    assert run.go_on(60)[0] > 100


def test_an_open_limit_closes_at_what_was_asked() -> None:
    """Long after everything was let through, the first refusals set the limit near what the store gives."""
    run = Run(Store(1e9), most=3000)
    run.go_on(300)
    run.store.rate = 1000
    run.go_on(5)
    goodput, refused = run.go_on(30)
    assert goodput >= 0.9 * 1000
    assert refused < 0.03


def test_a_refusal_after_a_lull_does_not_count_the_lull() -> None:
    """The limit does not collapse because nothing was carried out while nothing was requested."""
    run = Run(Store(500), most=10_000)
    run.go_on(20)
    run.limit.observe(run.now + 3600, 90, 10, has_waiters=True)
    assert run.limit.rate > 100
