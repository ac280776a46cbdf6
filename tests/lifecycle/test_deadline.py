"""The deadline of a stop, whatever the work waits for."""

import threading

import pytest

from s3mover.lifecycle.deadline import RECORDING_SECONDS, run_until_deadline
from s3mover.lifecycle.stop import Stop


class Time:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_the_result_of_the_work_is_returned() -> None:
    """The work runs on a daemon thread, which an exiting process does not wait for."""
    assert run_until_deadline(Stop(), lambda: threading.current_thread().daemon) is True


def test_the_error_of_the_work_is_raised() -> None:
    """As if it had been called here."""

    def fail() -> None:
        raise ValueError("reason")

    with pytest.raises(ValueError, match="reason"):
        run_until_deadline(Stop(), fail)


def test_work_that_ignores_a_stop_is_abandoned_after_the_deadline() -> None:
    """It gets its grace, and the time to record what it did."""
    time, never = Time(), threading.Event()
    stop = Stop(time)
    seen: list[float] = []

    def hang() -> None:
        stop.request("SIGTERM", 25.0)
        time.now += 25.0 + RECORDING_SECONDS
        seen.append(stop.overrun)
        never.wait()

    assert run_until_deadline(stop, hang) is None
    assert seen == [RECORDING_SECONDS]
    never.set()


def test_work_may_take_any_time_before_the_deadline() -> None:
    """Nothing is abandoned within the grace, or without a stop."""
    time = Time()
    stop = Stop(time)

    def work() -> str:
        time.now += 1e6
        stop.request("SIGTERM", 25.0)
        time.now += 25.0 + RECORDING_SECONDS / 2
        return "done"

    assert run_until_deadline(stop, work) == "done"
