"""The desk of one route: where its loop hands out orders and hears what became of them.

A desk belongs to one thread, its route's loop. Its count of what is out falls only when that thread hears of it, so
that nothing is taken for ended that still waits in the loop's inbox.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple, Protocol

from s3mover.events import Notify
from s3mover.model import Credentials, Order, Outcome, Side
from s3mover.workers.messages import RouteConfig


class Completed(NamedTuple):
    """What a message came to: orders that ended, and orders that were given back unbegun."""

    outcomes: list[Outcome]
    returned: list[Order]


class PoolMessage(NamedTuple):
    """To a route's inbox: what was settled, or why the crew cannot work any more."""

    settled: Completed
    error: Exception | None = None


class Hands(Protocol):
    """What a desk needs of the crew; every call may come from any thread."""

    def share(self, route: str) -> int:
        """Return how many orders the route may have out now."""

    def hand_out(self, route: str, orders: list[Order]) -> None:
        """Share the orders among the workers."""

    def recall(self, route: str) -> None:
        """Have unbegun orders of the route given back."""

    def renew(self, route: str, side: Side, credentials: Credentials) -> None:
        """Let every worker, later ones too, sign with these."""

    def configure(self, route: str, config: RouteConfig) -> None:
        """Let every worker, later ones too, know the route by this brief."""

    def renew_lease(self, route: str, until: float) -> None:
        """Let every worker, later ones too, begin requests of the route until then."""

    def close_client(self, client: "RouteClient") -> None:
        """Tell the desk nothing any more."""


class RouteClient:
    """One route's way to the crew; `deliver` takes the crew's messages, which the owner passes on to `hear`.

    `notify` announces what the crew tells of the route besides.
    """

    def __init__(
        self, route: str, hands: Hands, deliver: Callable[[PoolMessage], None], notify: Notify
    ) -> None:
        self.route = route
        self.deliver = deliver
        self.notify = notify
        self._hands = hands
        self._out = 0

    def window(self) -> int:
        """How many orders this route may have out: an equal share of what the crew holds, as long as others work."""
        return self._hands.share(self.route)

    def room(self) -> int:
        """How many orders can be handed out now."""
        return max(0, self.window() - self._out)

    def in_flight(self) -> int:
        """How many orders are out."""
        return self._out

    def hand_out(self, orders: Iterable[Order]) -> None:
        """Give `orders` to the crew."""
        given = list(orders)
        self._out += len(given)
        self._hands.hand_out(self.route, given)

    def hear(self, message: PoolMessage) -> Completed:
        """Take note of what the crew says, and tell what it settles.

        Raises:
            MoverError: the crew cannot work any more.
            Exception: a defect of the crew's.
        """
        if message.error is not None:
            raise message.error
        self._out -= len(message.settled.outcomes) + len(message.settled.returned)
        return message.settled

    def recall(self) -> None:
        """Ask for what nobody has begun; it comes back through `hear`."""
        self._hands.recall(self.route)

    def renew(self, side: Side, credentials: Credentials) -> None:
        """Let the workers sign this route's requests with `credentials` from now on."""
        self._hands.renew(self.route, side, credentials)

    def configure(self, config: RouteConfig) -> None:
        """Let the workers treat what they begin from now on by `config`."""
        self._hands.configure(self.route, config)

    def renew_lease(self, until: float) -> None:
        """Let the workers begin requests of this route until then (see `workers/renew_lease.py`)."""
        self._hands.renew_lease(self.route, until)

    def close(self) -> None:
        """Hear nothing any more; what nobody has begun is dropped, what is in hand ends unheard."""
        self._hands.close_client(self)
