"""The key ranges of a sweep on every database: claimed once, fenced, handed back, begun again."""

import contextlib
from collections.abc import Callable, Iterator

import pytest

from s3mover.audit.opening import open_trail
from s3mover.audit.trail import LeaseToken, RangeClaim, Trail
from s3mover.errors import LeaseHeldError
from s3mover.model import RangeStatus, SweepRecord, SweepStatus, Tally
from testkit.leases import expire_lease
from tests.audit.conftest import Backend
from tests.audit.samples import AT, PAIR, failed, moved, order
from tests.audit.test_trail_contract import CHANGE_LEASE, HOURS_AGO, dialect

RANGE = 2
FIRST = (1 << 32) + 1


class Shared:
    """A sweep of two ranges, its supervisor's trail, and trails of machines."""

    def __init__(self, backend: Backend, supervisor: Trail) -> None:
        self.backend, self.supervisor = backend, supervisor
        self.sweep = supervisor.open_sweep(PAIR, AT, shared=True)
        supervisor.add_range(self.sweep, 1, "", "in/m")
        supervisor.add_range(self.sweep, RANGE, "in/m", None)
        self.opened = contextlib.ExitStack()

    def machine(self) -> Trail:
        """Open the trail of a machine."""
        return self.opened.enter_context(contextlib.closing(open_trail(self.backend.url)))

    def claim(self, machine: Trail, holder: str, token: int = 1) -> bool:
        """Let a machine claim the second range."""
        return machine.claim_range(PAIR, self.claim_of(holder, token), self.supervisor.lease_token)

    def claim_of(self, holder: str, token: int = 1) -> RangeClaim:
        return RangeClaim(self.sweep, RANGE, token, holder)

    def rows(self) -> list[tuple[int, str]]:
        """Return number and status of the rows."""
        query = "SELECT number, status FROM document_logs ORDER BY number"
        return [(int(number), status) for number, status in self.backend.query(query)]


@pytest.fixture
def shared(backend: Backend, trail: Trail) -> Iterator[Shared]:
    """A sweep that machines work on."""
    made = Shared(backend, trail)
    with made.opened:
        yield made


def assert_fenced(machine: Trail, shared: Shared) -> None:
    """Every write of a run that was replaced is refused as a whole."""
    before = shared.rows()
    writes: list[Callable[[], object]] = [
        lambda: machine.intend([order(shared.sweep, FIRST + 7)], AT),
        lambda: machine.settle([moved(order(shared.sweep, FIRST))]),
        lambda: machine.resolve([moved(order(shared.sweep, FIRST))]),
        lambda: machine.close_range(RangeStatus.COMPLETED, Tally()),
        machine.heartbeat,
    ]
    for write in writes:
        with pytest.raises(LeaseHeldError):
            write()
    assert shared.rows() == before


def test_a_range_is_claimed_once(shared: Shared) -> None:
    """By the first run that has its token; asking again, after an unknown commit, is no second claim."""
    one, two = shared.machine(), shared.machine()
    assert not shared.claim(one, "one", token=2)
    assert shared.claim(one, "one")
    assert shared.claim(one, "one")
    assert not shared.claim(two, "two")
    claimed = [(row.number, row.holder, row.status) for row in shared.supervisor.ranges(shared.sweep)]
    assert claimed == [(1, "", RangeStatus.WAITING), (RANGE, "one", RangeStatus.RUNNING)]


def test_a_run_moves_and_closes_its_range(shared: Shared) -> None:
    """Its rows have numbers that no other range has, and its counts stand in its row."""
    machine = shared.machine()
    assert shared.claim(machine, "one")
    assert machine.last_number(shared.claim_of("one")) == FIRST - 1
    orders = [order(shared.sweep, FIRST), order(shared.sweep, FIRST + 1, "in/z")]
    machine.intend(orders, AT)
    machine.settle([moved(orders[0])])
    assert machine.last_number(shared.claim_of("one")) == FIRST + 1
    assert [row.key for row in machine.pending_of_range(shared.claim_of("one"), 10)] == ["in/z"]
    assert machine.pending_of_range(shared.claim_of("one")._replace(number=1), 10) == []
    machine.settle([moved(orders[1])])
    counted = Tally(listed=3, skipped=1, planned=2, succeeded=2, bytes=2000, server_side_copies=2)
    for _ in range(2):
        machine.close_range(RangeStatus.COMPLETED, counted)
    row = shared.supervisor.ranges(shared.sweep)[1]
    assert (row.status, row.tally, row.after, row.until) == (RangeStatus.COMPLETED, counted, "in/m", None)


def test_a_range_that_is_issued_again_fences_its_run(shared: Shared) -> None:
    """The former run can write nothing more; the next one goes on with the numbers, and with a new end."""
    former, following = shared.machine(), shared.machine()
    assert shared.claim(former, "former")
    former.intend([order(shared.sweep, FIRST)], AT)
    assert shared.supervisor.reissue_range(shared.sweep, RANGE, "in/n", "in/x") == 2
    assert_fenced(former, shared)
    assert not shared.claim(following, "following")
    assert shared.claim(following, "following", token=2)
    row = shared.supervisor.ranges(shared.sweep)[1]
    assert (row.after, row.until) == ("in/n", "in/x")
    following.resolve([moved(order(shared.sweep, FIRST))])
    assert shared.rows() == [(FIRST, "success")]


def test_one_row_is_left_of_a_transfer_that_took_two_runs(shared: Shared) -> None:
    """A cut-off transfer whose object a later run moved is no failure; others keep their rows."""
    former, following = shared.machine(), shared.machine()
    orders = [order(shared.sweep, FIRST + at, key) for at, key in enumerate(("in/x", "in/y", "in/z", "in/x"))]
    assert shared.claim(former, "former")
    former.settle([failed(orders[0], "Interrupted"), failed(orders[1], "Interrupted"), failed(orders[2])])
    shared.supervisor.reissue_range(shared.sweep, RANGE, "in/m", None)
    assert shared.claim(following, "following", token=2)
    following.settle([moved(orders[3])])
    for _ in range(2):
        following.remove_superseded("Interrupted")
    assert shared.rows() == [(FIRST + 1, "error"), (FIRST + 2, "error"), (FIRST + 3, "success")]
    counted = following.count_range(shared.claim_of("following", 2))
    assert (counted.planned, counted.succeeded, counted.failed) == (3, 1, 2)


def test_a_run_ends_with_the_lease_of_its_supervisor(shared: Shared) -> None:
    """Lapsed or taken by another, whose take-over fences the run as well."""
    machine = shared.machine()
    assert shared.claim(machine, "one")
    machine.heartbeat()
    shared.backend.query(CHANGE_LEASE.format(HOURS_AGO[dialect(shared.backend)]))
    with pytest.raises(LeaseHeldError):
        machine.heartbeat()
    machine.intend([order(shared.sweep, FIRST)], AT)
    expire_lease(shared.backend.url, PAIR)
    standby = shared.machine()
    assert standby.acquire_lease(PAIR)
    assert standby.vacant_seconds < 60, "the machine gave a sign a moment ago"
    assert_fenced(machine, shared)


def test_a_run_of_another_lease_is_refused(shared: Shared) -> None:
    """A task that came late names a lease that is not held any more."""
    machine = shared.machine()
    machine.claim_range(PAIR, shared.claim_of("one"), LeaseToken("another", 9))
    with pytest.raises(LeaseHeldError):
        machine.heartbeat()


def test_a_range_is_recalled(shared: Shared) -> None:
    """Its run sees that at its next heartbeat."""
    machine = shared.machine()
    assert shared.claim(machine, "one")
    machine.heartbeat()
    assert not machine.is_recalled
    shared.supervisor.recall_range(shared.sweep, RANGE)
    machine.heartbeat()
    assert machine.is_recalled


def test_the_end_of_a_sweep_fences_its_runs(shared: Shared) -> None:
    """A run that the supervisor gave up writes nothing into a sweep that is recorded."""
    machine = shared.machine()
    assert shared.claim(machine, "one")
    record = SweepRecord(shared.sweep, PAIR, AT, AT + 1, SweepStatus.FAILED, Tally(), 1)
    for _ in range(2):
        shared.supervisor.close_sweep(record)
    assert_fenced(machine, shared)
    statuses = {row.status for row in shared.supervisor.ranges(shared.sweep)}
    assert statuses == {RangeStatus.INTERRUPTED}
