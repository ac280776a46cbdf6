"""The parts that the tests of this room share."""

from collections.abc import Iterator

import pytest
import structlog

from s3mover.observe.redaction import redact


@pytest.fixture(autouse=True)
def _quiet_afterwards() -> Iterator[None]:
    """Leave neither a log stream nor a secret to the next test."""
    yield
    structlog.reset_defaults()
    redact([])


class Clock:
    """A clock that moves when told."""

    def __init__(self, now: float = 1_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        """Return the time."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """Return a clock that stands at 1000 seconds."""
    return Clock()
