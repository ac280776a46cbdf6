"""The lease of a worker: a request begins only while the lease is known to be held."""

import os
import threading

import pytest

from s3mover.errors import S3Error
from s3mover.workers.lease_guard import LeaseGuard
from s3mover.workers.process.route import HeartbeatLimiter
from s3mover.workers.shared_state import Heartbeats, WorkerState, shared_memory_file
from testkit.waiting import TOO_LONG, wait_until


def test_a_lease_does_not_expire_until_it_is_first_extended() -> None:
    """A pool whose supervisor has no lease to lose never waits."""
    assert LeaseGuard(lambda: 1e12).is_valid


def test_a_request_waits_while_the_lease_has_expired() -> None:
    """No request begins and no heartbeat is expected meanwhile; an extension wakes the threads that wait."""
    now = [10.0]
    guard, heartbeats, memory = LeaseGuard(lambda: now[0]), Heartbeats(), shared_memory_file()
    state = WorkerState(1, ["only"], memory)
    os.close(memory)
    limiter = HeartbeatLimiter([], heartbeats, guard)
    guard.extend(12.0)
    began, passed = threading.Event(), threading.Event()

    def ask() -> None:
        heartbeats.attach(state.cell(0))
        limiter.take()
        now[0] = 12.0
        began.set()
        limiter.take()
        passed.set()

    asking = threading.Thread(target=ask)
    asking.start()
    assert began.wait(TOO_LONG)
    wait_until(lambda: state.thread_heartbeats() == [0], "it waits")
    assert not passed.is_set()
    guard.extend(14.0)
    asking.join(TOO_LONG)
    assert passed.is_set()
    assert state.thread_heartbeats() != [0]


def test_a_revoked_lease_cannot_be_extended() -> None:
    """Requests that wait, and later ones, are refused: another instance may have led since."""
    guard = LeaseGuard(lambda: 10.0)
    guard.extend(9.0)
    refused = threading.Event()

    def ask() -> None:
        with pytest.raises(S3Error, match="Interrupted"):
            guard.wait()
        refused.set()

    asking = threading.Thread(target=ask)
    asking.start()
    assert not refused.wait(0.05)
    guard.revoke()
    asking.join(TOO_LONG)
    assert refused.is_set()
    guard.extend(20.0)
    assert not guard.is_valid
