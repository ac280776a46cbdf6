"""The costs of a route while it works: counted, recorded, announced, and held against limits."""

from collections.abc import Callable
from decimal import Decimal
from typing import cast

import pytest

from s3mover.audit.retrying_trail import RetryingTrail
from s3mover.costs.billing import Kind
from s3mover.costs.money import GB
from s3mover.costs.prices import ClassPrices, PairPrices, PlacePrices
from s3mover.events import CostCounted, CostLimitReached, Event, RequestsMade
from s3mover.model import Method, ObjectEntry, Order, Outcome, Pair, Side, Status, unmoved
from s3mover.sweep.cost_meter import CostMeter
from s3mover.sweep.costs import PER_DAY, CommandBudget, CostLimits, CostTracker

PAIR = Pair("ours", "", "theirs", "")
# A put request costs a dollar, a GB to the other region a dollar, too.
HERE = PlacePrices(
    "here", classes={"STANDARD": ClassPrices(put=Decimal(1000))}, between_regions={"other": Decimal(1)}
)
THERE = HERE._replace(name="there")
DOLLAR = 1_000_000
BATCH = 7


class Sums:
    """Stands for the trail: sums by batch and run, and what other processes spent."""

    def __init__(self) -> None:
        self.rows: dict[tuple[int, int], int] = {}
        self.others_today = self.others_of_batch = 0
        self.reads = 0

    def record_cost(self, pair: Pair, batch: int, run: int, micros: int) -> None:
        assert pair == PAIR
        self.rows[batch, run] = micros

    def spent_today(self, _pair: Pair) -> int:
        self.reads += 1
        return sum(self.rows.values()) + self.others_today

    def cost_of_batch(self, batch: int) -> int | None:
        own = [micros for (its, _), micros in self.rows.items() if its == batch]
        return sum(own) + self.others_of_batch if own else None


class Scene:
    """A tracker, and what it works with."""

    def __init__(self, per_day: int = 0, per_command: int = 0, prices: PairPrices | None = None) -> None:
        self.now = 0.0
        self.per_day = per_day
        self.prices = prices or PairPrices(HERE, THERE)
        self.budget = CommandBudget(per_command)
        self.sums = Sums()
        self.events: list[Event] = []
        self.meter = CostMeter()
        self.announce = self.meter.listening(lambda _: None)
        self.tracker = CostTracker(
            PAIR,
            self.meter,
            lambda: self.prices,
            CostLimits(lambda: self.per_day, self.budget),
            cast("RetryingTrail", self.sums),
            self.events.append,
            lambda: self.now,
        )

    def copies(self, number: int) -> None:
        """Let so many copies be made, at a dollar each."""
        self.announce(RequestsMade(Side.DESTINATION, "CopyObject", "200", number))

    def later(self, seconds: float) -> str:
        """Return what blocks new work after so many seconds."""
        self.now += seconds
        return self.tracker.blocked_by()

    def of(self, kind: type[Event]) -> list[Event]:
        return [event for event in self.events if isinstance(event, kind)]


def order(number: int, size: int = GB, storage_class: str = "STANDARD") -> Order:
    return Order(BATCH, number, f"k{number}", f"k{number}", size, "etag", "", storage_class)


def entry(size: int = GB) -> ObjectEntry:
    return ObjectEntry("k", size, "etag", "", "STANDARD")


def outcome(one: Order, status: Status = Status.SUCCESS) -> Outcome:
    failed = unmoved(one, "", "", 0.0)
    return failed._replace(status=status, method=Method.SERVER_SIDE_COPY)


def test_a_batch_costs_what_was_done_between_its_begin_and_its_end() -> None:
    """What came before belongs to none, and is recorded, too."""
    scene = Scene()
    scene.copies(1)
    scene.tracker.begin(BATCH)
    scene.copies(2)
    cost = scene.tracker.end()
    assert cost.micros == 2 * DOLLAR
    assert cost.bill.amounts == {Kind.PUT_REQUESTS: 2 * DOLLAR}
    assert sorted((batch, micros) for (batch, _), micros in scene.sums.rows.items()) == [
        (0, DOLLAR),
        (BATCH, 2 * DOLLAR),
    ]


def test_the_cost_of_a_batch_has_that_of_other_machines() -> None:
    """The trail adds them up."""
    scene = Scene()
    scene.tracker.begin(BATCH)
    scene.copies(1)
    scene.sums.others_of_batch = 5 * DOLLAR
    assert scene.tracker.end().micros == 6 * DOLLAR


def test_without_any_price_the_cost_is_not_known() -> None:
    """It is not zero, and what lacks a price is said."""
    nowhere = PlacePrices("nowhere", is_region=False)
    scene = Scene(prices=PairPrices(nowhere, nowhere))
    scene.tracker.begin(BATCH)
    scene.copies(1)
    cost = scene.tracker.end()
    assert (cost.micros, cost.bill.unpriced) == (None, ("requests to nowhere",))


def test_a_limit_that_a_reload_sets_holds_where_a_price_is_missing() -> None:
    """Nothing could be counted towards it, so it counts as reached, until there are prices or it is taken back."""
    scene = Scene()
    scene.prices = PairPrices(HERE, PlacePrices("nowhere"))
    scene.tracker.begin(BATCH)
    assert scene.later(10) == ""
    scene.per_day = DOLLAR
    assert scene.later(10).startswith(
        f"{PER_DAY}: no price is known for requests to nowhere; set prices.file"
    )
    fits = scene.tracker.allowance()
    assert fits is not None
    assert not fits(entry())
    scene.prices = PairPrices(HERE, THERE)
    assert scene.later(10) == ""


def test_objects_count_by_the_class_that_they_were_ordered_with() -> None:
    """Those that were withdrawn or failed do not count."""
    meter = CostMeter()
    orders = [order(1, 5), order(2, 7, "GLACIER_IR"), order(3, 11), order(4, 13)]
    meter.intended(orders)
    meter.withdrawn([orders[2]])
    assert meter.on_its_way() == {"STANDARD": (2, 18), "GLACIER_IR": (1, 7)}
    meter.settled([outcome(orders[0]), outcome(orders[1]), outcome(orders[3], Status.ERROR)])
    assert meter.usage().moved == {
        (Method.SERVER_SIDE_COPY, "STANDARD"): (1, 5),
        (Method.SERVER_SIDE_COPY, "GLACIER_IR"): (1, 7),
    }
    assert not meter.on_its_way()


def test_events_pass_the_meter_unchanged() -> None:
    """It only listens."""
    passed: list[Event] = []
    event = RequestsMade(Side.SOURCE, "HeadObject", "200", 3)
    CostMeter().listening(passed.append)(event)
    assert passed == [event]


def test_the_limit_of_a_day_blocks_once_all_have_spent_it_and_is_announced_once() -> None:
    """What others spent counts; the message says how much, and since when."""
    scene = Scene(per_day=3 * DOLLAR)
    scene.sums.others_today = DOLLAR
    scene.copies(1)
    assert scene.later(1) == ""
    scene.copies(1)
    assert scene.later(1) == "limits.cost_per_day is reached: $3.00 of $3.00 since 00:00 UTC"
    assert scene.later(60).startswith("limits.cost_per_day is reached")
    assert len(scene.of(CostLimitReached)) == 1


def test_a_new_day_or_a_higher_limit_opens_again() -> None:
    """Nothing has to be restarted."""
    scene = Scene(per_day=DOLLAR)
    scene.copies(1)
    assert scene.later(5)
    scene.per_day = 2 * DOLLAR
    assert scene.later(5) == ""
    scene.copies(1)
    assert scene.later(5)
    scene.sums.others_today = -2 * DOLLAR
    assert scene.later(5) == ""


def test_after_a_restart_the_limit_still_holds() -> None:
    """The sums are those of the trail."""
    scene = Scene(per_day=DOLLAR)
    scene.sums.others_today = DOLLAR
    assert scene.later(0).startswith("limits.cost_per_day is reached")


def test_an_object_is_begun_only_if_the_limit_has_room_for_it() -> None:
    """A GB costs its transfer, its copy, and a write for each 64 MiB: 18 dollars here."""
    scene = Scene(per_day=37 * DOLLAR)
    fits = scene.tracker.allowance()
    assert fits is not None
    assert [fits(entry()) for _ in range(3)] == [True, True, False]
    assert scene.later(1) == ""


def test_objects_that_are_out_count_as_if_they_had_arrived() -> None:
    """What is begun is not called back; when one comes back, there is room again."""
    scene = Scene(per_day=37 * DOLLAR)
    scene.meter.intended([order(1), order(2)])
    fits = scene.tracker.allowance()
    assert fits is not None
    assert not fits(entry())
    assert scene.later(1) == ""
    scene.meter.withdrawn([order(2)])
    fits = scene.tracker.allowance()
    assert fits is not None
    assert fits(entry())


def test_a_limit_without_room_for_the_next_object_is_reached_once_nothing_is_out() -> None:
    """For as long as it stands; a higher one opens again."""
    scene = Scene(per_day=10 * DOLLAR)
    fits = scene.tracker.allowance()
    assert fits is not None
    assert not fits(entry())
    assert scene.later(0) == (
        "limits.cost_per_day is reached: $0.00 of $10.00 since 00:00 UTC, too little is left for the next object"
    )
    assert scene.later(60)
    assert len(scene.of(CostLimitReached)) == 1
    scene.per_day = 40 * DOLLAR
    assert scene.later(5) == ""


def test_the_next_day_has_room_for_what_the_last_one_had_not() -> None:
    """The sum of the new day is lower than that of the old one was."""
    scene = Scene(per_day=19 * DOLLAR)
    scene.sums.others_today = 5 * DOLLAR
    scene.later(0)
    fits = scene.tracker.allowance()
    assert fits is not None
    assert not fits(entry())
    assert scene.later(5)
    scene.sums.others_today = 0
    assert scene.later(5) == ""


def test_without_a_limit_nothing_is_asked() -> None:
    """A sweep takes as many orders as there is room for."""
    assert Scene().tracker.allowance() is None


def test_the_limit_of_a_command_counts_all_its_routes() -> None:
    """A sweep of a route leaves the next one what is left."""
    scene = Scene(per_command=3 * DOLLAR)
    scene.tracker.begin(BATCH)
    scene.copies(2)
    assert scene.later(1) == ""
    scene.tracker.end()
    assert scene.budget.spent == 2 * DOLLAR
    scene.tracker.begin(BATCH + 1)
    scene.copies(1)
    assert scene.later(1) == "--max-cost is reached: $3.00 of $3.00"


def test_without_a_limit_the_trail_is_written_every_ten_seconds_only() -> None:
    """A loop asks hundreds of times a second."""
    scene = Scene()
    scene.later(0)
    for _ in range(50):
        scene.copies(1)
        scene.later(0.1)
    assert scene.sums.reads == 1
    scene.later(10)
    assert scene.sums.reads == 2


def test_what_others_spent_is_read_at_once_when_that_is_asked_for() -> None:
    """A range came back: a limit may be why."""
    scene = Scene(per_day=DOLLAR)
    scene.later(0)
    scene.sums.others_today = DOLLAR
    assert scene.later(0.1) == ""
    scene.tracker.refresh()
    assert scene.later(0)


def test_each_announcement_has_what_was_added_since_the_last_one() -> None:
    """Counters add it up; the sums of batch and day come along."""
    scene = Scene(per_day=100 * DOLLAR)
    scene.tracker.begin(BATCH)
    scene.copies(2)
    scene.later(1)
    scene.copies(1)
    scene.later(1)
    told = cast("list[CostCounted]", scene.of(CostCounted))[-2:]
    assert [dict(one.added) for one in told] == [{"put_requests": 2 * DOLLAR}, {"put_requests": DOLLAR}]
    assert [dict(one.amounts)["put_requests"] for one in told] == [2 * DOLLAR, 3 * DOLLAR]
    assert [one.today for one in told] == [2 * DOLLAR, 3 * DOLLAR]


@pytest.mark.parametrize("turn", [lambda scene: scene.tracker.end(), lambda scene: scene.tracker.begin(9)])
def test_nothing_is_counted_twice_when_a_batch_ends(turn: Callable[[Scene], object]) -> None:
    """The next one begins at zero."""
    scene = Scene()
    scene.tracker.begin(BATCH)
    scene.copies(1)
    turn(scene)
    scene.later(10)
    added = [
        amount for one in cast("list[CostCounted]", scene.of(CostCounted)) for amount in one.added.values()
    ]
    assert sum(added) == DOLLAR
    assert sum(scene.sums.rows.values()) == DOLLAR
