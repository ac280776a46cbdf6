"""What a route costs, as `/status` shows it, in US dollars.

Not safe to use from several threads: the board holds a lock.
"""

from s3mover.costs.money import usd
from s3mover.events import CostCounted, LeaseWaiting
from s3mover.observe.handlers import Handlers


class CostState:
    """The costs of the current batch and of the day, as of the last count of them."""

    def __init__(self) -> None:
        self._last: CostCounted | None = None

    def handlers(self) -> Handlers:
        """Return the handler of each event."""
        return {CostCounted: self._counted, LeaseWaiting: self._lease_waiting}

    def as_dict(self) -> dict[str, object]:
        """Return the costs; those of the batch by kind, and None where nothing has a price."""
        last = self._last
        if last is None:
            return {
                "sweep_usd": None,
                "kinds_usd": {},
                "today_usd": None,
                "limit_per_day_usd": None,
                "limit_reached": "",
                "unpriced": [],
            }
        return {
            "sweep_usd": usd(sum(last.amounts.values())) if last.amounts else None,
            "kinds_usd": {kind: usd(amount) for kind, amount in last.amounts.items()},
            "today_usd": usd(last.today) if last.amounts or last.today else None,
            "limit_per_day_usd": usd(last.limit) if last.limit else None,
            "limit_reached": last.blocked_by,
            "unpriced": list(last.unpriced),
        }

    def _counted(self, event: CostCounted) -> None:
        self._last = event

    def _lease_waiting(self, _event: LeaseWaiting) -> None:
        self._last = None  # another instance leads and spends
