"""Upper bounds on requests and bytes."""

import threading

from hypothesis import given
from hypothesis import strategies as st

from s3mover.s3.throttle import BURST_SECONDS, Pace


class Time:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 0.0
        self._lock = threading.Lock()

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.now += seconds


@given(rate=st.floats(0.5, 5000), units=st.lists(st.floats(0.1, 10), min_size=1, max_size=50))
def test_no_more_passes_than_the_rate_lets_through(rate: float, units: list[float]) -> None:
    """Over any stretch the units that passed are within the rate, a short burst and the last ones apart."""
    time = Time()
    pace = Pace(rate, time.clock, time.sleep)
    for one in units:
        pace.take(one)
    allowed = rate * (time.now + BURST_SECONDS) + units[-1]
    assert sum(units) <= allowed * 1.000001


def test_the_rate_is_reached() -> None:
    """A thousand units at a hundred a second take ten seconds, not longer."""
    time = Time()
    pace = Pace(100, time.clock, time.sleep)
    for _ in range(1000):
        pace.take()
    assert 9.8 <= time.now <= 10.0


def test_no_rate_is_no_bound() -> None:
    """Zero lets everything through."""
    time = Time()
    pace = Pace(0, time.clock, time.sleep)
    for _ in range(1000):
        pace.take()
    assert time.now == 0.0


def test_what_was_not_used_does_not_gather() -> None:
    """After a pause a burst is short, however long the pause was."""
    time = Time()
    pace = Pace(100, time.clock, time.sleep)
    time.now = 1000.0
    for _ in range(100):
        pace.take()
    assert time.now >= 1000.0 + (100 - 100 * BURST_SECONDS - 1) / 100 - 1e-9
