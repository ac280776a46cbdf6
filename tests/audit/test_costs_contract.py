"""What batches cost, on every database: sums of runs and days, written again without harm, and kept with the sweep."""

from dataclasses import replace

from s3mover.audit.trail import Trail
from s3mover.model import Pair, SweepRecord, SweepStatus, Tally
from tests.audit.conftest import Backend
from tests.audit.samples import AT, PAIR
from tests.audit.test_trail_contract import dialect

OTHER = Pair("other", "", "pair", "")
YESTERDAY = {
    "mysql": "UPDATE batch_costs SET day = day - INTERVAL {days} DAY",
    "sqlite": "UPDATE batch_costs SET day = date(day, '-{days} days')",
}


def days_pass(backend: Backend, days: int) -> None:
    """Let the rows be so many days old."""
    backend.query(YESTERDAY[dialect(backend)].format(days=days))


def test_a_write_that_is_repeated_counts_once(trail: Trail) -> None:
    """A run writes what it has spent for the batch so far, and a sum never falls."""
    for micros in (100, 250, 250, 200):
        trail.record_cost(PAIR, 7, 1, micros)
    assert (trail.spent_today(PAIR), trail.cost_of_batch(7)) == (250, 250)


def test_runs_and_batches_add_up_and_pairs_do_not(trail: Trail) -> None:
    """The machines of a sweep, its supervisor, and the sweeps before it."""
    for batch, run, micros in ((0, 1, 5), (7, 1, 100), (7, 2, 30), (8, 1, 1000)):
        trail.record_cost(PAIR, batch, run, micros)
    trail.record_cost(OTHER, 9, 1, 7)
    assert (trail.spent_today(PAIR), trail.spent_today(OTHER)) == (1135, 7)
    assert (trail.cost_of_batch(7), trail.cost_of_batch(8)) == (130, 1000)


def test_nothing_recorded_is_not_known(trail: Trail) -> None:
    """A day without costs has none; the cost of a sweep is unknown."""
    assert trail.spent_today(PAIR) == 0
    assert trail.cost_of_batch(7) is None


def test_a_day_has_what_was_spent_on_it(trail: Trail, backend: Backend) -> None:
    """A sweep that goes on past midnight counts from then on; the sweep as a whole costs all of it."""
    trail.record_cost(PAIR, 7, 1, 400)
    days_pass(backend, 1)
    assert trail.spent_today(PAIR) == 0
    trail.record_cost(PAIR, 7, 1, 450)
    days_pass(backend, 1)
    trail.record_cost(PAIR, 7, 1, 500)
    assert (trail.spent_today(PAIR), trail.cost_of_batch(7)) == (50, 500)


def test_the_cost_of_a_sweep_is_kept_with_it(trail: Trail, backend: Backend) -> None:
    """In dollars, exact to a micro-dollar; NULL where it is not known."""
    for at, micros in ((AT, 1_234_567), (AT + 1, None)):
        sweep = trail.open_sweep(PAIR, at)
        record = SweepRecord(sweep, PAIR, at, at + 1, SweepStatus.COMPLETED, Tally(), 1)
        trail.close_sweep(replace(record, cost_micros=micros))
    assert [sweep.cost_micros for sweep in trail.latest_sweeps(2)] == [None, 1_234_567]
    found = backend.query("SELECT cost_usd FROM migration_batches ORDER BY id")
    assert [None if cost is None else f"{cost:.6f}" for (cost,) in found] == ["1.234567", None]


def test_a_sweep_that_was_killed_has_the_cost_that_was_recorded(trail: Trail) -> None:
    """It is taken over when the sweep is marked as interrupted."""
    sweep = trail.open_sweep(PAIR, AT)
    trail.record_cost(PAIR, sweep, 1, 77)
    trail.interrupt_sweeps(PAIR, AT + 60)
    assert trail.latest_sweeps(1)[0].cost_micros == 77


def test_old_rows_are_removed_once_no_sum_needs_them(trail: Trail, backend: Backend) -> None:
    """The rows of a week are kept, and those of other pairs."""
    trail.record_cost(PAIR, 7, 1, 1)
    trail.record_cost(OTHER, 7, 2, 1)
    days_pass(backend, 7)
    trail.record_cost(PAIR, 8, 1, 1)
    trail.end_old_costs(PAIR)
    assert backend.query("SELECT COUNT(*) FROM batch_costs") == [(3,)]
    days_pass(backend, 1)
    trail.end_old_costs(PAIR)
    assert sorted(backend.query("SELECT batch_id, run FROM batch_costs")) == [(7, 2), (8, 1)]
