"""The loop goes on with its heartbeat while it waits for requests."""

import threading

import pytest

from s3mover.errors import S3Error
from s3mover.sweep.heartbeat import while_heartbeating


def test_the_heartbeat_goes_on_until_the_call_returns() -> None:
    """It comes from the waiting thread, and what the call returns is returned."""
    called, here = threading.Event(), threading.get_ident()

    def heartbeat() -> None:
        assert threading.get_ident() == here
        called.set()

    assert while_heartbeating(heartbeat, lambda: called.wait(30)) is True


def test_what_the_call_raises_is_raised() -> None:
    """An error comes to the waiting thread as it is."""

    def fail() -> None:
        raise S3Error("SlowDown")

    with pytest.raises(S3Error, match="SlowDown"):
        while_heartbeating(lambda: None, fail)
