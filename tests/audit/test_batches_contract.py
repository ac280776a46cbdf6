"""What every trail promises of batches of events, which are open beside the sweeps of their pair."""

import contextlib
from collections.abc import Iterator

import pytest

from s3mover.audit.opening import open_trail
from s3mover.audit.trail import Trail
from s3mover.errors import LeaseHeldError
from s3mover.model import BatchKind, SweepRecord, SweepStatus, Tally
from tests.audit.conftest import Backend
from tests.audit.samples import AT, PAIR, failed, moved, order

EVENTS, SWEEP = BatchKind.EVENTS, BatchKind.SWEEP
COMPLETED = SweepStatus.COMPLETED


def record(batch: int, kind: BatchKind, ended_at: float = AT + 9) -> SweepRecord:
    """Return the end of a batch that began at `AT`."""
    return SweepRecord(batch, PAIR, AT, ended_at, COMPLETED, Tally(listed=1), 9_000_000, kind=kind)


@pytest.fixture
def successor(backend: Backend) -> Iterator[Trail]:
    """Another instance's trail on the same database."""
    with contextlib.closing(open_trail(backend.url)) as opened:
        yield opened


def test_a_sweep_and_batches_of_events_are_open_at_once_and_end_each_by_itself(
    trail: Trail, backend: Backend
) -> None:
    first, sweep, second = (
        trail.open_batch(PAIR, AT),
        trail.open_sweep(PAIR, AT),
        trail.open_batch(PAIR, AT + 1),
    )
    orders = [order(batch, 1, f"in/{batch}") for batch in (first, sweep, second)]
    trail.intend(orders, AT)
    trail.settle([moved(one) for one in orders])
    trail.close_sweep(record(first, EVENTS))
    trail.close_sweep(record(first, EVENTS))
    trail.close_sweep(record(sweep, SWEEP))
    trail.intend([order(second, 2, "in/late")], AT)
    trail.heartbeat()
    trail.close_sweep(record(second, EVENTS))
    rows = backend.query("SELECT id, kind, status FROM migration_batches ORDER BY id")
    assert rows == [
        (first, "events", "completed"),
        (sweep, "sweep", "completed"),
        (second, "events", "completed"),
    ]


def test_opening_a_batch_again_is_the_same_batch_and_never_a_sweep(trail: Trail) -> None:
    batch = trail.open_batch(PAIR, AT)
    assert trail.open_batch(PAIR, AT) == batch
    assert trail.open_sweep(PAIR, AT) != batch


def test_the_latest_batches_are_found_by_their_kind(trail: Trail) -> None:
    sweep, batch = trail.open_sweep(PAIR, AT), trail.open_batch(PAIR, AT)
    assert [one.id for one in trail.latest_sweeps(9)] == [batch, sweep]
    assert [(one.id, one.kind) for one in trail.latest_sweeps(9, kind=SWEEP)] == [(sweep, SWEEP)]
    assert [(one.id, one.kind) for one in trail.latest_sweeps(9, pair=PAIR, kind=EVENTS)] == [(batch, EVENTS)]


def test_what_another_instance_took_over_writes_nothing_more(trail: Trail, successor: Trail) -> None:
    batch = trail.open_batch(PAIR, AT)
    trail.intend([order(batch, 1)], AT)
    trail.release_lease()
    assert successor.acquire_lease(PAIR)
    with pytest.raises(LeaseHeldError):
        trail.intend([order(batch, 2)], AT)
    with pytest.raises(LeaseHeldError):
        trail.settle([moved(order(batch, 1))])
    with pytest.raises(LeaseHeldError):
        trail.close_sweep(record(batch, EVENTS))
    assert [row.number for row in successor.pending(PAIR, 9)] == [1]


def test_an_open_batch_is_neither_pending_nor_interrupted_for_its_own_instance_but_for_the_next(
    trail: Trail, successor: Trail, backend: Backend
) -> None:
    batch, cut_off = trail.open_batch(PAIR, AT), trail.open_sweep(PAIR, AT)
    trail.intend([order(batch, 1), order(cut_off, 1, "in/b")], AT)
    assert [row.sweep for row in trail.pending(PAIR, 9)] == [cut_off]
    assert trail.interrupt_sweeps(PAIR, AT + 1) == 1
    trail.release_lease()
    assert successor.acquire_lease(PAIR)
    assert [row.sweep for row in successor.pending(PAIR, 9)] == [batch, cut_off]
    assert successor.interrupt_sweeps(PAIR, AT + 1) == 1
    assert backend.query("SELECT DISTINCT status FROM migration_batches") == [("interrupted",)]


def test_only_copies_by_events_since_a_time_count_as_such(trail: Trail) -> None:
    batch, sweep = trail.open_batch(PAIR, AT), trail.open_sweep(PAIR, AT)
    old, fresh, bad = (order(batch, number, f"in/{number}") for number in (1, 2, 3))
    swept = order(sweep, 1, "in/swept")
    trail.intend([old, fresh, bad, swept], AT)
    trail.settle(
        [moved(old, at=AT + 1), moved(fresh, at=AT + 5), failed(bad, at=AT + 5), moved(swept, at=AT + 5)]
    )
    keys = ["in/1", "in/2", "in/3", "in/swept", "in/unknown"]
    assert trail.copied_by_events(PAIR, keys, AT + 5) == {"in/2"}
    assert trail.copied_by_events(PAIR._replace(source_bucket="else"), keys, AT) == set()
    assert trail.copied_by_events(PAIR, [], AT) == set()


def test_what_failed_in_batches_beside_the_last_completed_sweep_is_looked_at_again(trail: Trail) -> None:
    """Such a batch is older than the sweep, and may fail after the sweep has looked back."""
    before, beside = trail.open_batch(PAIR, AT - 99), trail.open_batch(PAIR, AT - 98)
    trail.intend([order(before, 1, "in/before"), order(beside, 1, "in/beside")], AT)
    trail.settle([failed(order(before, 1, "in/before"), "Timeout")])
    trail.close_sweep(record(before, EVENTS, AT - 50))
    completed = trail.open_sweep(PAIR, AT)
    trail.close_sweep(record(completed, SWEEP))
    trail.settle([failed(order(beside, 1, "in/beside"), "Timeout")])
    tally = Tally(failed=1)
    trail.close_sweep(SweepRecord(beside, PAIR, AT, AT + 20, COMPLETED, tally, 1, kind=EVENTS))
    after = trail.open_batch(PAIR, AT + 21)
    trail.intend([order(after, 1, "in/after")], AT)
    trail.settle([failed(order(after, 1, "in/after"), "Timeout")])
    trail.close_sweep(SweepRecord(after, PAIR, AT, AT + 22, COMPLETED, tally, 1, kind=EVENTS))
    sweep = trail.open_sweep(PAIR, AT + 30)
    assert {row.key for row in trail.uncertain(PAIR, sweep, 0, 9)[0]} == {"in/beside", "in/after"}
