"""The wish to stop."""

import os
import signal
import threading

from s3mover.lifecycle.stop import Stop


class Time:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_nothing_is_asked_at_first() -> None:
    """Without a request there is all the time in the world."""
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


def test_every_waiting_thread_is_woken() -> None:
    """One request ends every wait, those that begin later too."""
    stop = Stop()
    answers: list[bool] = []
    threads = [threading.Thread(target=lambda: answers.append(stop.wait(60))) for _ in range(5)]
    for thread in threads:
        thread.start()
    stop.request("test", 1.0)
    for thread in threads:
        thread.join(60)
    assert answers == [False] * 5
    assert stop.wait(60) is False


def test_a_wait_that_is_not_disturbed_says_so() -> None:
    """True means that the time has passed."""
    assert Stop().wait(0.0) is True


def test_a_signal_handler_may_ask_for_it() -> None:
    """A request from a handler wakes the very thread that it interrupted."""
    stop = Stop()
    before = signal.signal(signal.SIGUSR2, lambda *_: stop.request("signal", 1.0))
    try:
        timer = threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGUSR2))
        timer.start()
        assert stop.wait(60) is False
        timer.join()
    finally:
        signal.signal(signal.SIGUSR2, before)
