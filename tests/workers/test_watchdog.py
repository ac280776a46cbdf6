"""Who watches over workers: silence, stuck threads, and the pause before a replacement."""

import pytest

from s3mover.workers.pool.watchdog import Watchdog, WatchdogTimeouts, pause_after

WATCHDOG_TIMEOUTS = WatchdogTimeouts(silence=30.0, start=120.0, stuck=900.0)


def verdicts(watchdog: Watchdog, seconds: int, *, beats: int, signs: list[int], since: int = 0) -> list[int]:
    """Look once a second at what does not change, and return at which seconds there was a verdict."""
    return [now for now in range(since + 1, since + seconds + 1) if watchdog.poll(now, beats, signs)]


def test_silence_is_borne_for_a_while() -> None:
    """A process that was up and is silent is replaced after its time, and not before."""
    watchdog = Watchdog(WATCHDOG_TIMEOUTS, 1.0, 0.0)
    watchdog.poll(1.0, 1, [0])
    assert verdicts(watchdog, 31, beats=1, signs=[0], since=1) == [32]


def test_a_process_that_is_not_up_yet_gets_longer() -> None:
    """To start may take long on a busy machine."""
    assert verdicts(Watchdog(WATCHDOG_TIMEOUTS, 1.0, 0.0), 121, beats=0, signs=[0]) == [121]


def test_every_beat_ends_the_silence() -> None:
    """A process that beats now and then is never replaced."""
    watchdog = Watchdog(WATCHDOG_TIMEOUTS, 1.0, 0.0)
    assert not any(watchdog.poll(now, now // 29 + 1, [0]) for now in range(1, 500))


def test_a_supervisor_that_stood_still_blames_nobody() -> None:
    """An hour between two looks counts for two looks."""
    watchdog = Watchdog(WATCHDOG_TIMEOUTS, 1.0, 0.0)
    watchdog.poll(1.0, 1, [5])
    assert watchdog.poll(3601.0, 1, [5]) == ""
    assert watchdog.poll(3602.0, 2, [5]) == ""


def test_one_stuck_thread_is_enough() -> None:
    """The others' signs do not speak for it; one that rests (0) or goes on is not stuck."""
    watchdog = Watchdog(WATCHDOG_TIMEOUTS, 1.0, 0.0)
    looks = [watchdog.poll(now, now, [0, now, 7]) for now in range(1, 903)]
    assert looks == [""] * 901 + ["stuck"]


@pytest.mark.parametrize(("deaths", "seconds"), [(1, 0), (2, 1), (3, 2), (4, 4), (8, 60), (10_000, 60)])
def test_the_pause_grows_with_every_death(deaths: int, seconds: float) -> None:
    """The first death costs nothing; a place where everyone dies is filled once a minute."""
    assert pause_after(deaths) == seconds
