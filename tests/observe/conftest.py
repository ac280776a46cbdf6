"""The fixtures of these tests."""

from collections.abc import Iterator

import pytest
import structlog

from s3mover.observe.redaction import redact


@pytest.fixture(autouse=True)
def _quiet_afterwards() -> Iterator[None]:
    """Reset the log and the secrets after each test."""
    yield
    structlog.reset_defaults()
    redact([])


class Clock:
    """A clock that is set by hand."""

    def __init__(self, now: float = 1_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        """Return the time."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """Return a clock at 1000 seconds."""
    return Clock()
