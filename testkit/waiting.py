"""Waiting for what another process does: a condition and a deadline, never a guess."""

import time
from collections.abc import Callable

# A bound on what hangs, for every test; nothing waits for it to pass. A busy machine may take a tenth of it, and
# pytest's own time-out is longer, so that the test can say what it waited for.
TOO_LONG = 240.0
POLL_SECONDS = 0.005


def past_this_second() -> None:
    """Return in the next second of the clock: S3 tells times in whole ones, and what is of the same may be newer."""
    second = int(time.time())
    wait_until(lambda: int(time.time()) > second, "the second has passed")


def wait_until(holds: Callable[[], object], what: str = "it holds", told: Callable[[], str] = str) -> None:
    """Look again and again until it holds; `told` says more where it never does."""
    deadline = time.monotonic() + TOO_LONG
    while not holds():
        assert time.monotonic() < deadline, f"waited in vain until {what}: {told()}"
        time.sleep(POLL_SECONDS)
