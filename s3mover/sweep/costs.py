"""What a route's batches cost: prices the usage of this process, records it, announces it, and blocks at a limit.

The trail has the sums of all processes, so a limit holds over machines and restarts. A day begins at 00:00 UTC by the
clock of the database. Objects that are out count as if they had arrived: they are not called back once begun. So
nothing is begun that a limit has no room for.
"""

import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from s3mover.audit.retrying_trail import RetryingTrail
from s3mover.costs.bill import Bill, Moved, Usage, bill_of, difference, missing_prices
from s3mover.costs.billing import Kind
from s3mover.costs.money import money_text
from s3mover.costs.prices import PairPrices
from s3mover.events import CostCounted, CostLimitReached, Notify
from s3mover.model import Method, ObjectEntry, Pair, Side
from s3mover.sweep.cost_meter import CostMeter

PER_DAY = "limits.cost_per_day"
PER_COMMAND = "--max-cost"
# Without a limit the costs are priced and recorded so often.
RECORD_SECONDS = 10.0
# With one they are priced so often, and what others spent is read so often.
PRICE_SECONDS = 1.0
READ_SECONDS = 5.0
_RUN_BITS = 62
# An object that is begun is reserved one write request, and one more for each part of this size.
RESERVED_PART = 64 * 2**20
_WRITE = {Method.SERVER_SIDE_COPY: "CopyObject", Method.STREAMING: "PutObject"}


class BatchCost(NamedTuple):
    """What a batch cost, in micro-dollars: all processes together (None: not known), and this one by kind."""

    micros: int | None
    bill: Bill


@dataclass
class CommandBudget:
    """What one command may spend in all, in micro-dollars; 0 for no limit. The routes of the command share it."""

    limit: int = 0
    spent: int = 0


class _Budget(NamedTuple):
    """The micro-dollars that are left of a limit, and the sentence that says that it is reached."""

    sentence: str
    left: float


@dataclass(frozen=True, slots=True)
class CostLimits:
    """The limits in force, in micro-dollars, 0 for none: `per_day` returns that of a day."""

    per_day: Callable[[], int]
    command: CommandBudget


class CostTracker:
    """Belongs to the route's thread; `clock` is monotonic, in seconds.

    `prices` returns the prices in force, as a reload may change which of them apply. A limit counts as reached where
    something has no price.
    """

    def __init__(
        self,
        pair: Pair,
        meter: CostMeter,
        prices: Callable[[], PairPrices],
        limits: CostLimits,
        trail: RetryingTrail,
        notify: Notify,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.meter = meter
        self._pair = pair
        self._prices_now = prices
        self._prices = prices()
        self._limits = limits
        self._trail = trail
        self._notify = notify
        self._clock = clock
        self._run = secrets.randbits(_RUN_BITS)
        self._batch = 0
        self._base = Usage()
        self._bill = Bill()
        self._recorded = self._announced = Bill()
        # What all had spent today when it was last read, and what this process had spent for the batch then.
        self._today = self._own_then = 0
        self._price_at = self._read_at = clock()
        self._reason = ""
        # The limits that had no room for the next object, and what all had spent that day.
        self._exhausted, self._today_then = (0, 0), 0

    def begin(self, batch: int) -> None:
        """Count what is done from now on for a batch; what was done before stays with the batch before."""
        self._update(read=True)
        self._restart(batch)

    def end(self) -> BatchCost:
        """Record what the batch has cost, and return it; what is done from now on belongs to none."""
        self._update(read=True)
        bill = self._bill
        micros = None if bill.known is None else self._trail.cost_of_batch(self._batch)
        self._limits.command.spent += micros or 0
        self._restart(0)
        return BatchCost(micros, bill)

    def blocked_by(self) -> str:
        """Return why no new work may begin, empty while no limit is reached; most calls return at once."""
        now = self._clock()
        if now >= self._price_at:
            self._update(read=now >= self._read_at)
        return self._reason

    def allowance(self) -> Callable[[ObjectEntry], bool] | None:
        """Return what tells of one object after the other whether it may be begun, too; None without a limit.

        Where nothing is out any more and the next object does not fit, the limit counts as reached.
        """
        if not any(self._limits_in_force()):
            return None
        self._bill = bill_of(difference(self.meter.usage(), self._base), self._prices)
        on_its_way = self.meter.on_its_way()
        left = min(one.left for one in self._budgets())
        left -= sum(self._reserve(storage_class, moved) for storage_class, moved in on_its_way.items())
        may_wait = bool(on_its_way)

        def fits(entry: ObjectEntry) -> bool:
            nonlocal left, may_wait
            left -= self._reserve(entry.storage_class, Moved(1, entry.size))
            if left < 0 and not (may_wait or self._reason):
                self._exhausted, self._today_then = self._limits_in_force(), self._today
                self._judge()
            may_wait = True
            return left >= 0

        return fits

    def refresh(self) -> None:
        """Read what others spent when `blocked_by` is called next."""
        self._price_at = self._read_at = self._clock()

    def _restart(self, batch: int) -> None:
        self._batch, self._base = batch, self.meter.usage()
        self._bill = self._recorded = self._announced = Bill()
        self._own_then = 0

    def _update(self, *, read: bool) -> None:
        self._prices = self._prices_now()
        self._bill = bill_of(difference(self.meter.usage(), self._base), self._prices)
        if read:
            self._record()
        self._judge()
        self._announce()
        now = self._clock()
        is_limited = bool(self._limits.per_day() or self._limits.command.limit)
        self._price_at = now + (PRICE_SECONDS if is_limited else RECORD_SECONDS)
        if read:
            self._read_at = now + (READ_SECONDS if is_limited else RECORD_SECONDS)

    def _record(self) -> None:
        total = self._bill.total
        if total > self._recorded.total:
            self._trail.record_cost(self._pair, self._batch, self._run, total)
            self._recorded = self._bill
        self._today, self._own_then = self._trail.spent_today(self._pair), total

    def _judge(self) -> None:
        """Decide whether a limit is reached, and announce it once."""
        budgets = self._budgets()
        reasons = [budget.sentence for budget in budgets if budget.left <= 0]
        if not reasons and self._exhausted == self._limits_in_force() and self._today >= self._today_then:
            reasons = [f"{budget.sentence}, too little is left for the next object" for budget in budgets]
        if reasons and not self._reason:
            self._notify(CostLimitReached(self._batch, reasons[0]))
        self._reason = reasons[0] if reasons else ""

    def _budgets(self) -> list[_Budget]:
        """Return the budgets of the limits in force."""
        (day, command), budgets = self._limits_in_force(), []
        if missing := missing_prices(self._prices):
            named = ((PER_DAY, day), (PER_COMMAND, command))
            return [_Budget(no_price(name, missing), 0) for name, limit in named if limit]
        if day:
            spent = self._today + self._bill.total - self._own_then
            budgets.append(_Budget(f"{PER_DAY} is reached: {_of(spent, day)} since 00:00 UTC", day - spent))
        if command:
            spent = self._limits.command.spent + self._batch_total()
            budgets.append(_Budget(f"{PER_COMMAND} is reached: {_of(spent, command)}", command - spent))
        return budgets

    def _limits_in_force(self) -> tuple[int, int]:
        return self._limits.per_day(), self._limits.command.limit

    def _reserve(self, storage_class: str, moved: Moved) -> float:
        """Return the micro-dollars that objects cost which are yet to arrive: requests, transfer and retrieval."""
        method = self._method()
        requests = moved.objects + moved.bytes // RESERVED_PART
        usage = Usage({(Side.DESTINATION, _WRITE[method], "200"): requests}, {(method, storage_class): moved})
        return bill_of(usage, self._prices).total

    def _batch_total(self) -> int:
        """Return what all processes have spent for the batch, of others as far as it is recorded."""
        recorded = self._trail.cost_of_batch(self._batch) or 0
        return recorded + self._bill.total - self._recorded.total

    def _method(self) -> Method:
        """Return the method by which most bytes were moved so far, at first a server-side copy."""
        moved = self.meter.usage().moved
        by_method = {
            method: sum(one.bytes for (its, _), one in moved.items() if its is method) for method in Method
        }
        return max(by_method, key=lambda method: by_method[method])

    def _announce(self) -> None:
        added = {
            kind: amount - self._announced.amounts.get(kind, 0) for kind, amount in self._bill.amounts.items()
        }
        self._announced = self._bill
        today = self._today + self._bill.total - self._own_then
        self._notify(
            CostCounted(
                self._batch,
                _by_name(added),
                _by_name(self._bill.amounts),
                today,
                self._limits.per_day(),
                self._bill.unpriced,
                self._reason,
            )
        )


def no_price(limit: str, missing: Sequence[str]) -> str:
    """Return the sentence that says that a limit cannot be kept, because something has no price."""
    return f"{limit}: no price is known for {' and '.join(missing)}; set prices.file or prices.location, or no limit"


def _by_name(amounts: Mapping[Kind, int]) -> dict[str, int]:
    return {kind.value: amount for kind, amount in amounts.items()}


def _of(spent: int, limit: int) -> str:
    return f"{money_text(spent)} of {money_text(limit)}"
