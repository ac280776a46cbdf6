"""The watchdog of workers: silence, stuck threads, and the delay of a restart."""

import pytest

from s3mover.workers.pool.watchdog import Watchdog, WatchdogTimeouts, restart_delay

WATCHDOG_TIMEOUTS = WatchdogTimeouts(silence=30.0, startup=120.0, stuck=900.0)


def failures(watchdog: Watchdog, seconds: int, *, main: int, threads: list[int], since: int = 0) -> list[int]:
    """Poll once a second with the same heartbeats, and return the seconds at which the worker is to be replaced."""
    return [now for now in range(since + 1, since + seconds + 1) if watchdog.poll(now, main, threads)]


def test_a_silent_process_is_replaced_after_the_timeout() -> None:
    """Not before."""
    watchdog = Watchdog(WATCHDOG_TIMEOUTS, 1.0, 0.0)
    watchdog.poll(1.0, 1, [0])
    assert failures(watchdog, 31, main=1, threads=[0], since=1) == [32]


def test_a_process_that_is_not_up_yet_gets_longer() -> None:
    """A start may take long on a busy machine."""
    assert failures(Watchdog(WATCHDOG_TIMEOUTS, 1.0, 0.0), 121, main=0, threads=[0]) == [121]


def test_every_heartbeat_ends_the_silence() -> None:
    """A process with a heartbeat now and then is never replaced."""
    watchdog = Watchdog(WATCHDOG_TIMEOUTS, 1.0, 0.0)
    assert not any(watchdog.poll(now, now // 29 + 1, [0]) for now in range(1, 500))


def test_a_pause_of_the_supervisor_does_not_count_as_silence() -> None:
    """An hour between two polls counts for two intervals."""
    watchdog = Watchdog(WATCHDOG_TIMEOUTS, 1.0, 0.0)
    watchdog.poll(1.0, 1, [5])
    assert watchdog.poll(3601.0, 1, [5]) == ""
    assert watchdog.poll(3602.0, 2, [5]) == ""


def test_one_stuck_thread_is_enough() -> None:
    """The heartbeats of the others do not count; a thread that is idle (0) or goes on is not stuck."""
    watchdog = Watchdog(WATCHDOG_TIMEOUTS, 1.0, 0.0)
    polls = [watchdog.poll(now, now, [0, now, 7]) for now in range(1, 903)]
    assert polls == [""] * 901 + ["stuck"]


@pytest.mark.parametrize(("deaths", "seconds"), [(1, 0), (2, 1), (3, 2), (4, 4), (8, 60), (10_000, 60)])
def test_the_restart_delay_grows_with_every_death(deaths: int, seconds: float) -> None:
    """The first restart has no delay; after many deaths there is one restart a minute."""
    assert restart_delay(deaths) == seconds
