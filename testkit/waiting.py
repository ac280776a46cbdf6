"""Waits for a condition, with a deadline."""

import time
from collections.abc import Callable

# After so many seconds every wait gives up and says what it waited for. It bounds what hangs; no test waits for it to
# pass. The time-out of pytest bounds a whole test, which may wait several times, and is longer for that reason.
TOO_LONG = 60.0
# Between two looks, which take CPU time from what is awaited: at first, and once the wait is long.
FIRST_POLL_SECONDS, LONGEST_POLL_SECONDS = 0.005, 0.03


def past_this_second() -> None:
    """Wait for the next second of the clock: S3's times are whole seconds, and within one no order is known."""
    second = int(time.time())
    wait_until(lambda: int(time.time()) > second, "the second has passed")


def wait_until(holds: Callable[[], object], what: str = "it holds", told: Callable[[], str] = str) -> None:
    """Poll until the condition holds; fail after `TOO_LONG` seconds with `what`, and the details of `told`."""
    began = time.monotonic()
    while not holds():
        waited = time.monotonic() - began
        assert waited < TOO_LONG, f"not within {TOO_LONG:.0f} s: {what}: {told()}"
        time.sleep(min(max(FIRST_POLL_SECONDS, waited / 20), LONGEST_POLL_SECONDS))
