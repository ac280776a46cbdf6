"""The request to stop."""

import os
import signal
import threading

from s3mover.lifecycle.stop import Stop, outage_wait


class Time:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_no_stop_is_requested_at_first() -> None:
    """Without a request there is no deadline."""
    stop = Stop(Time())
    assert (stop.requested, stop.overdue, stop.remaining) == (False, False, float("inf"))


def test_the_first_request_counts() -> None:
    """A later request changes neither reason nor deadline."""
    time = Time()
    stop = Stop(time)
    stop.request("SIGTERM", 25.0)
    stop.request("SIGINT", 99.0)
    assert (stop.requested, stop.reason, stop.remaining, stop.overdue) == (True, "SIGTERM", 25.0, False)
    time.now += 25.0
    assert (stop.remaining, stop.overdue) == (0.0, True)


def test_a_request_wakes_every_waiting_thread() -> None:
    """It also ends every later wait."""
    stop = Stop()
    results: list[bool] = []
    threads = [threading.Thread(target=lambda: results.append(stop.wait(60))) for _ in range(5)]
    for thread in threads:
        thread.start()
    stop.request("test", 1.0)
    for thread in threads:
        thread.join(60)
    assert results == [False] * 5
    assert stop.wait(60) is False


def test_a_wait_without_a_request_returns_true() -> None:
    """The time has passed."""
    assert Stop().wait(0.0) is True


def test_a_signal_handler_may_request_a_stop() -> None:
    """Its request wakes the thread that it interrupted."""
    stop = Stop()
    before = signal.signal(signal.SIGUSR2, lambda *_: stop.request("signal", 1.0))
    try:
        timer = threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGUSR2))
        timer.start()
        assert stop.wait(60) is False
        timer.join()
    finally:
        signal.signal(signal.SIGUSR2, before)


def test_an_outage_is_waited_for_until_the_deadline_of_a_stop() -> None:
    """A requested stop alone does not end the wait, because outcomes must still be recorded."""
    time, turns = Time(), list[float]()
    stop = Stop(time)
    wait = outage_wait(stop, lambda: turns.append(time.now))
    assert wait(0.0) is True
    stop.request("SIGTERM", 0.1)
    assert wait(60.0) is True
    time.now += 0.1
    assert wait(60.0) is False
    assert len(turns) == 3
