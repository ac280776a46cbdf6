"""Bulk work gives way to small orders."""

import threading
from collections.abc import Callable

from s3mover.workers.process.cpu_yield import CPU_SHARE, MOST_SECONDS, STEP_SECONDS, CpuYield


class Enough(threading.Event):
    """Tells how long it was waited for, and ends each wait at once."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.waits.append(timeout or 0.0)
        return self.is_set()


def used(*seconds: float) -> Callable[[], float]:
    """A timer that tells these CPU seconds, one after the other."""
    return iter(seconds).__next__


def test_used_cpu_time_is_slept_off() -> None:
    """After so much CPU so long a sleep that all threads that bulk keeps take their share of one core together."""
    no_backlog = Enough()
    gate = CpuYield(no_backlog, 4, used(10.0, 10.0015, 10.0015))
    with gate.bulk_work():
        gate.take(1000)
    [slept] = no_backlog.waits
    assert abs(4 * 0.0015 / (slept + 0.0015) - CPU_SHARE) < 1e-9


def test_little_is_slept_off_at_a_time() -> None:
    """CPU time adds up until a sleep is worth its wake-up."""
    no_backlog = Enough()
    gate = CpuYield(no_backlog, 1, used(0.0, 0.6 * STEP_SECONDS, 1.2 * STEP_SECONDS, 1.2 * STEP_SECONDS))
    with gate.bulk_work():
        gate.take()
        assert no_backlog.waits == []
        gate.take()
    assert len(no_backlog.waits) == 1


def test_time_that_waited_for_the_network_is_free() -> None:
    """A thread whose CPU time stands still is not held up, however long it has waited."""
    no_backlog = Enough()
    gate = CpuYield(no_backlog, 1, lambda: 5.0)
    with gate.bulk_work():
        for _ in range(100):
            gate.take()
    assert no_backlog.waits == []


def test_what_was_used_while_nobody_waited_is_forgiven() -> None:
    """A part that was at full speed does not stand still for minutes when small orders come."""
    no_backlog = Enough()
    gate = CpuYield(no_backlog, 1, used(0.0, 100.0, 100.0))
    with gate.bulk_work():
        gate.take()
    assert no_backlog.waits == [MOST_SECONDS * (1 / CPU_SHARE - 1)]


def test_the_gate_is_open_to_small_orders_and_when_they_have_enough() -> None:
    """It closes to those alone who are on bulk work while small orders lack threads."""
    no_backlog = threading.Event()
    gate = CpuYield(no_backlog, 1)
    opened = [gate.is_open]
    with gate.bulk_work():
        opened.append(gate.is_open)
        no_backlog.set()
        opened.append(gate.is_open)
    no_backlog.clear()
    assert [*opened, gate.is_open] == [True, False, True, True]


def test_who_sleeps_wakes_up_when_small_orders_have_enough() -> None:
    """A recall, or the last small order, ends every sleep."""
    no_backlog = threading.Event()
    asleep = threading.Event()

    def timer(told: list[float] = [0.0, 1.0, 1.0]) -> float:  # noqa: B006 - used up by one thread
        asleep.set() if len(told) == 2 else None
        return told.pop(0)

    gate = CpuYield(no_backlog, 10**9, timer)

    def work() -> None:
        with gate.bulk_work():
            gate.take()

    thread = threading.Thread(target=work)
    thread.start()
    assert asleep.wait(60)
    no_backlog.set()
    thread.join(60)
    assert not thread.is_alive()
