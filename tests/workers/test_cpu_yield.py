"""Bulk work yields CPU to small orders."""

import threading
from collections.abc import Callable

from s3mover.workers.process.cpu_yield import CPU_SHARE, MAX_SECONDS, STEP_SECONDS, CpuYield


class RecordingEvent(threading.Event):
    """Records the timeouts of the waits, and ends each wait at once."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.waits.append(timeout or 0.0)
        return self.is_set()


def used(*seconds: float) -> Callable[[], float]:
    """Return a timer that returns these CPU seconds, one after the other."""
    return iter(seconds).__next__


def test_used_cpu_time_is_slept_off() -> None:
    """The sleep is so long that all threads of bulk work together take their share of one core."""
    no_backlog = RecordingEvent()
    limiter = CpuYield(no_backlog, 4, used(10.0, 10.0015, 10.0015))
    with limiter.bulk_work():
        limiter.take(1000)
    [slept] = no_backlog.waits
    assert abs(4 * 0.0015 / (slept + 0.0015) - CPU_SHARE) < 1e-9


def test_cpu_time_below_a_step_is_not_slept_off_yet() -> None:
    """CPU time adds up until a sleep is worth the cost of waking up."""
    no_backlog = RecordingEvent()
    limiter = CpuYield(no_backlog, 1, used(0.0, 0.6 * STEP_SECONDS, 1.2 * STEP_SECONDS, 1.2 * STEP_SECONDS))
    with limiter.bulk_work():
        limiter.take()
        assert no_backlog.waits == []
        limiter.take()
    assert len(no_backlog.waits) == 1


def test_waiting_for_the_network_causes_no_sleep() -> None:
    """A thread that has used no CPU time does not sleep, even after a long wait."""
    no_backlog = RecordingEvent()
    limiter = CpuYield(no_backlog, 1, lambda: 5.0)
    with limiter.bulk_work():
        for _ in range(100):
            limiter.take()
    assert no_backlog.waits == []


def test_cpu_time_used_without_a_backlog_is_not_slept_off() -> None:
    """A part that ran at full speed does not sleep for minutes when small orders come."""
    no_backlog = RecordingEvent()
    limiter = CpuYield(no_backlog, 1, used(0.0, 100.0, 100.0))
    with limiter.bulk_work():
        limiter.take()
    assert no_backlog.waits == [MAX_SECONDS * (1 / CPU_SHARE - 1)]


def test_the_limiter_is_closed_only_to_bulk_work_during_a_backlog() -> None:
    """It is open to small orders, and to all while small orders have enough threads."""
    no_backlog = threading.Event()
    limiter = CpuYield(no_backlog, 1)
    opened = [limiter.is_open]
    with limiter.bulk_work():
        opened.append(limiter.is_open)
        no_backlog.set()
        opened.append(limiter.is_open)
    no_backlog.clear()
    assert [*opened, limiter.is_open] == [True, False, True, True]


def test_a_sleep_ends_when_small_orders_have_enough_threads() -> None:
    """A recall, or the last small order, ends every sleep."""
    no_backlog = threading.Event()
    asleep = threading.Event()

    def timer(times: list[float] = [0.0, 1.0, 1.0]) -> float:  # noqa: B006 - used up by one thread
        asleep.set() if len(times) == 2 else None
        return times.pop(0)

    limiter = CpuYield(no_backlog, 10**9, timer)

    def work() -> None:
        with limiter.bulk_work():
            limiter.take()

    thread = threading.Thread(target=work)
    thread.start()
    assert asleep.wait(60)
    no_backlog.set()
    thread.join(60)
    assert not thread.is_alive()
