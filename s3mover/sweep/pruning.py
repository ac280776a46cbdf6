"""Removing old rows from the trail between two sweeps, in steps short enough to delay neither sweeps nor users."""

from collections.abc import Callable
from typing import Protocol

from s3mover.audit.retrying_trail import RetryingTrail
from s3mover.model import Pair
from s3mover.sweep.stop_state import StopState

# One transaction of some milliseconds.
ROWS_PER_STEP = 1000
# No sweep is delayed longer than this: what is left then is left to the next time.
MAX_SECONDS = 30.0
# Objects whose next attempt was due so long ago have gone, or arrived by other means.
WAITS_KEPT_SECONDS = 7 * 86400.0


class Tools(Protocol):
    """The part of `SweepTools` that pruning uses."""

    @property
    def trail(self) -> RetryingTrail:
        """The trail."""

    @property
    def stop(self) -> StopState:
        """Whether a stop was requested."""

    @property
    def clock(self) -> Callable[[], float]:
        """Returns seconds since the epoch."""

    @property
    def heartbeat(self) -> Callable[[], None]:
        """Is called before each step."""


def prune(tools: Tools, pair: Pair, before: float) -> None:
    """Remove rows from before that time (0: none), and waits of objects that no sweep finds any more.

    Candidates for a deletion that no sweep has seen for so long go, too.

    Raises:
        AuditUnavailableError, LeaseHeldError: see `Sweep.run`.
    """
    now = tools.clock()
    if before:
        _in_steps(tools, lambda: tools.trail.prune(before, ROWS_PER_STEP))
        _in_steps(tools, lambda: tools.trail.end_old_candidates(pair, before, ROWS_PER_STEP))
    tools.trail.end_old_costs(pair)
    _in_steps(tools, lambda: tools.trail.end_old_waits(pair, now - WAITS_KEPT_SECONDS, ROWS_PER_STEP))


def _in_steps(tools: Tools, remove: Callable[[], int]) -> None:
    """Call `remove`, which returns how many rows it removed, until fewer than a step are left, or the time is over."""
    until = tools.clock() + MAX_SECONDS
    while not tools.stop.requested and tools.clock() < until:
        tools.heartbeat()
        if remove() < ROWS_PER_STEP:
            return
