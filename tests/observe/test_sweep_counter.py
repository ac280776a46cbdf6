"""The running counts of a sweep."""

from threading import Thread

import pytest

from s3mover.events import (
    EventBatchEnded,
    EventBatchStarted,
    LeaseLost,
    ObjectMoved,
    ObjectsInPlace,
    ObjectSkipped,
    ObjectsListed,
    SweepFinished,
    SweepListed,
    SweepStarted,
)
from s3mover.model import Method, Side, SweepStatus, Tally
from s3mover.observe.rate import Rate
from s3mover.observe.sweep_counter import SweepCounter
from tests.observe.conftest import Clock
from tests.observe.samples import PAIR, failed, finished, moved, planned


@pytest.fixture
def counter(clock: Clock) -> SweepCounter:
    """Return a counter in the middle of sweep 7, which began just now."""
    counter = SweepCounter(clock)
    counter(SweepStarted(7, PAIR))
    return counter


def test_nothing_is_counted_before_the_first_sweep(clock: Clock) -> None:
    """A fresh counter shows no sweep, nothing waiting and no time."""
    snapshot = SweepCounter(clock).snapshot()
    assert (snapshot.sweep, snapshot.running, snapshot.listing, snapshot.waiting) == (None, False, False, 0)
    assert (snapshot.seconds, snapshot.tally) == (0.0, Tally())


def test_a_sweep_ends_here_when_the_lease_is_lost(counter: SweepCounter) -> None:
    """Another instance ends it; what was counted stays."""
    counter(ObjectsListed(Side.SOURCE, 10))
    counter(LeaseLost("taken"))
    assert (counter.snapshot().running, counter.snapshot().tally.listed) == (False, 10)


def test_the_tally_follows_the_events(counter: SweepCounter) -> None:
    """Each event moves its counts; only the source's listing counts as listed."""
    for event in (
        ObjectsListed(Side.SOURCE, 10),
        ObjectsListed(Side.DESTINATION, 99),
        ObjectsInPlace("in_place", 4),
        planned(6),
        moved(size=100),
        moved(size=300),
        moved(size=200, method=Method.STREAMING),
        failed(),
        ObjectSkipped(7, "in/d", 100, "NoSuchKey", "gone"),
    ):
        counter(event)
    assert counter.snapshot().tally == Tally(
        listed=10, skipped=5, planned=5, succeeded=3, failed=1, bytes=600, server_side_copies=2, streamed=1
    )
    assert (counter.snapshot().sweep, counter.snapshot().running) == (7, True)


def test_what_waits_goes_down_as_transfers_end(counter: SweepCounter) -> None:
    """Moved, failed and vanished objects all leave the backlog, with their bytes."""
    counter(planned(5, size=100))
    assert (counter.snapshot().waiting, counter.snapshot().waiting_bytes) == (5, 500)
    counter(moved(size=100))
    counter(moved(size=100, method=Method.STREAMING))
    counter(failed())
    counter(ObjectSkipped(7, "in/d", 100, "NoSuchKey", "gone"))
    assert (counter.snapshot().waiting, counter.snapshot().waiting_bytes) == (1, 100)


def test_nothing_waits_after_a_sweep(counter: SweepCounter, clock: Clock) -> None:
    """Its end empties the backlog, even of an interrupted sweep, and keeps its counts and its time."""
    counter(planned(4))
    counter(moved())
    clock.now += 3
    counter(finished())
    clock.now += 100
    snapshot = counter.snapshot()
    assert (snapshot.waiting, snapshot.waiting_bytes, snapshot.oldest, snapshot.eta_seconds) == (
        0,
        0,
        None,
        None,
    )
    assert (snapshot.running, snapshot.tally.succeeded, snapshot.seconds) == (False, 1, 3)


def test_the_next_sweep_starts_from_nothing(counter: SweepCounter) -> None:
    """Counts and rates of one sweep do not leak into the next."""
    counter(planned(4))
    counter(moved())
    counter(finished())
    counter(SweepStarted(8, PAIR))
    snapshot = counter.snapshot()
    assert (snapshot.sweep, snapshot.tally, snapshot.objects_per_second) == (8, Tally(), 0)


def test_ends_announced_before_their_plan_do_not_count_below_zero(counter: SweepCounter) -> None:
    """Two threads may announce in the other order; the backlog is never negative."""
    counter(moved())
    assert (counter.snapshot().waiting, counter.snapshot().waiting_bytes) == (0, 0)
    counter(planned(1))
    assert counter.snapshot().waiting == 0


def test_the_oldest_is_kept_until_nothing_waits(counter: SweepCounter) -> None:
    """The oldest planned object is never taken for younger than it may be."""
    counter(planned(1, oldest="2025-01-04T03:17:09.000Z"))
    counter(planned(1, oldest="2025-01-05T00:00:00.000Z"))
    assert counter.snapshot().oldest == 1_735_960_629
    counter(moved())
    assert counter.snapshot().oldest == 1_735_960_629
    counter(moved())
    assert counter.snapshot().oldest is None
    counter(planned(1, oldest="2025-01-05T00:00:00.000Z"))
    assert counter.snapshot().oldest == 1_736_035_200


@pytest.mark.parametrize(
    "said",
    ["2025-01-04T03:17:09Z", "2025-01-04T03:17:09", "2025-01-04T05:17:09+02:00"],
)
def test_times_in_other_spellings_are_understood(counter: SweepCounter, said: str) -> None:
    """A store may leave out the fraction or the zone, or name another one."""
    counter(planned(1, oldest=said))
    assert counter.snapshot().oldest == 1_735_960_629


@pytest.mark.parametrize("said", ["", "yesterday"])
def test_a_time_that_is_none_is_passed_over(counter: SweepCounter, said: str) -> None:
    """A store's odd answer does not stop the counting."""
    counter(planned(1, oldest=said))
    assert (counter.snapshot().waiting, counter.snapshot().oldest) == (1, None)


def test_rates_are_taken_over_the_last_half_minute(counter: SweepCounter, clock: Clock) -> None:
    """What was moved longer ago than the window does not count."""
    counter(moved(size=3_000))
    clock.now += 100
    for _ in range(60):
        counter(moved(size=500))
    snapshot = counter.snapshot()
    assert (snapshot.objects_per_second, snapshot.bytes_per_second) == (2.0, 1_000.0)


def test_a_young_sweep_is_measured_by_its_own_age(counter: SweepCounter, clock: Clock) -> None:
    """Ten seconds after its start a sweep's rate is over ten seconds."""
    clock.now += 10
    for _ in range(50):
        counter(moved())
    assert counter.snapshot().objects_per_second == 5.0


def test_the_first_second_is_not_divided() -> None:
    """A burst at the very start does not look like thousands a second."""
    rate = Rate()
    rate.add(0.01, 100)
    assert rate.per_second(0.01, 0.01) == (1.0, 100.0)


def test_no_time_is_promised_while_listing(counter: SweepCounter) -> None:
    """Until the listings end, nobody knows how much there is."""
    counter(planned(10))
    counter(moved())
    assert counter.snapshot().listing
    assert counter.snapshot().eta_seconds is None


def test_no_time_is_promised_while_nothing_moves(counter: SweepCounter) -> None:
    """Without a rate there is no end in sight."""
    counter(planned(10))
    counter(SweepListed(7, 10, 0, 10))
    assert counter.snapshot().eta_seconds is None


def test_the_end_is_foreseen_from_the_slower_of_objects_and_bytes(
    counter: SweepCounter, clock: Clock
) -> None:
    """Small objects are bound by requests, large ones by bytes."""
    counter(planned(30, size=100))
    counter(SweepListed(7, 30, 0, 30))
    clock.now += 10
    for _ in range(20):
        counter(moved(size=100))
    assert counter.snapshot().eta_seconds == 5.0
    counter(planned(1, size=99_000))
    assert counter.snapshot().eta_seconds == 500.0


def test_empty_objects_are_foreseen_by_their_number(counter: SweepCounter, clock: Clock) -> None:
    """Where no bytes move, the objects alone say how long it takes."""
    counter(planned(7, size=0))
    counter(SweepListed(7, 7, 0, 7))
    clock.now += 1
    for _ in range(4):
        counter(moved(size=0))
    assert counter.snapshot().eta_seconds == 0.75


def test_nothing_left_takes_no_time(counter: SweepCounter) -> None:
    """When all is listed and nothing waits, the rest takes zero seconds."""
    counter(SweepListed(7, 0, 0, 0))
    assert counter.snapshot().eta_seconds == 0.0


def test_threads_do_not_lose_each_others_counts(counter: SweepCounter) -> None:
    """Listing and writing threads announce at the same time."""

    def move_many() -> None:
        for _ in range(2_000):
            counter(moved())

    threads = [Thread(target=move_many) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counter.snapshot().tally.succeeded == 8_000


def test_a_first_sweep_tells_its_progress_when_the_listing_has_ended(
    counter: SweepCounter, clock: Clock
) -> None:
    """Before that nobody knows how much there is; then what was looked at is held against all."""
    counter(ObjectsListed(Side.SOURCE, 40))
    counter(ObjectsInPlace("in_place", 10))
    counter(planned(20))
    assert counter.snapshot().progress is None
    counter(SweepListed(7, 40, 10, 30))
    assert (counter.snapshot().progress, counter.snapshot().waiting) == (0.25, 30)
    clock.now += 10
    for _ in range(10):
        counter(moved())
    assert (counter.snapshot().progress, counter.snapshot().waiting) == (0.5, 20)
    counter(finished())
    assert counter.snapshot().progress is None


def test_a_later_sweep_is_measured_by_the_last_complete_one(counter: SweepCounter, clock: Clock) -> None:
    """While it lists, progress and time left come from what the last complete sweep listed."""
    counter(finished())  # ten objects were listed
    counter(SweepFinished(8, SweepStatus.FAILED, Tally(listed=3), 1.0, 1.0, ""))
    counter(SweepStarted(9, PAIR))
    clock.now += 20
    counter(ObjectsListed(Side.SOURCE, 5))
    assert (counter.snapshot().progress, counter.snapshot().eta_seconds) == (0.0, None)
    counter(ObjectsInPlace("in_place", 4))
    assert (counter.snapshot().progress, counter.snapshot().eta_seconds) == (0.4, 30.0)
    counter(ObjectsListed(Side.SOURCE, 15))
    counter(ObjectsInPlace("in_place", 16))
    assert counter.snapshot().progress == 0.99


def test_an_empty_bucket_is_done_at_once(counter: SweepCounter) -> None:
    """Nothing to look at is no reason to divide by nothing."""
    counter(SweepListed(7, 0, 0, 0))
    assert (counter.snapshot().progress, counter.snapshot().eta_seconds) == (0.0, 0.0)


def test_what_events_move_beside_a_sweep_is_no_part_of_it(counter: SweepCounter) -> None:
    counter(EventBatchStarted(8))
    counter(ObjectMoved(8, "in/event", Method.STREAMING, 10, 0.1, 1))
    counter(moved())
    counter(EventBatchEnded(8, SweepStatus.COMPLETED, Tally(), 900.0, ""))
    assert counter.snapshot().tally.succeeded == 1
