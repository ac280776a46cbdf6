"""Trust: a request begins only while the lease is known to be held."""

import os
import threading

import pytest

from s3mover.errors import S3Error
from s3mover.workers.lease_guard import LeaseGuard
from s3mover.workers.process.route import HeartbeatLimiter
from s3mover.workers.shared_state import Heartbeats, WorkerState, shared_memory_file
from testkit.waiting import TOO_LONG, wait_until


def test_trust_is_endless_until_it_is_limited() -> None:
    """A crew without a lease to lose is never held up."""
    assert LeaseGuard(lambda: 1e12).lasts


def test_what_is_not_trusted_waits_until_it_is() -> None:
    """Once trust has ended no request begins, and no sign of life is expected; extending it wakes those that wait."""
    now = [10.0]
    renew_lease, signs, memory = LeaseGuard(lambda: now[0]), Heartbeats(), shared_memory_file()
    state = WorkerState(1, ["only"], memory)
    os.close(memory)
    gate = HeartbeatLimiter([], signs, renew_lease)
    renew_lease.extend(12.0)
    trusted, passed = threading.Event(), threading.Event()

    def ask() -> None:
        signs.attach(state.line(0))
        gate.take()
        now[0] = 12.0
        trusted.set()
        gate.take()
        passed.set()

    asking = threading.Thread(target=ask)
    asking.start()
    assert trusted.wait(TOO_LONG)
    wait_until(lambda: state.signs() == [0], "it waits")
    assert not passed.is_set()
    renew_lease.extend(14.0)
    asking.join(TOO_LONG)
    assert passed.is_set()
    assert state.signs() != [0]


def test_trust_that_has_ended_is_never_extended() -> None:
    """Who waits for it is refused, and whoever asks later: another instance may have led since."""
    renew_lease = LeaseGuard(lambda: 10.0)
    renew_lease.extend(9.0)
    refused = threading.Event()

    def ask() -> None:
        with pytest.raises(S3Error, match="Interrupted"):
            renew_lease.wait()
        refused.set()

    asking = threading.Thread(target=ask)
    asking.start()
    assert not refused.wait(0.05)
    renew_lease.end()
    asking.join(TOO_LONG)
    assert refused.is_set()
    renew_lease.extend(20.0)
    assert not renew_lease.lasts
