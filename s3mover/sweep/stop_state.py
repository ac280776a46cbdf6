"""What a sweep reads of a stop request; `lifecycle/stop.py` implements it."""

from typing import Protocol


class StopState(Protocol):
    """Whether the program was asked to stop, and whether its deadline has passed."""

    @property
    def requested(self) -> bool:
        """Whether a stop was requested."""

    @property
    def overdue(self) -> bool:
        """Whether the deadline of a requested stop has passed."""

    def wait(self, seconds: float) -> bool:
        """Wait that long or until a stop is requested; return True if the time passed without a stop."""
