"""The fixtures of these tests."""

from collections.abc import Iterator

import pytest

from s3mover.observe.redaction import redact


@pytest.fixture(autouse=True)
def _quiet_afterwards(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Begin each test without a configured log, and forget its secrets afterwards."""
    monkeypatch.setattr("s3mover.observe.logs._configured", [])
    yield
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
