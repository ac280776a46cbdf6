"""The transfers of a sweep that no worker has yet, and the orders that are made of them."""

from collections import deque
from collections.abc import Callable, Iterable

from s3mover.model import ObjectEntry, Order, Pair, Transfer

# Rows per statement of the trail: enough that a commit costs little per row, few enough to be quick.
ROWS_PER_WRITE = 500


class Backlog:
    """Transfers in the order in which they came; orders are numbered on from `last_number` within the sweep."""

    def __init__(self, sweep: int, pair: Pair, last_number: int = 0) -> None:
        self._sweep = sweep
        self._pair = pair
        self._transfers: deque[Transfer] = deque()
        self.last_number = last_number

    def __len__(self) -> int:
        return len(self._transfers)

    def first_key(self) -> str | None:
        """Return the first of the keys that wait."""
        return min((transfer.entry.key for transfer in self._transfers), default=None)

    def add(self, transfers: Iterable[Transfer]) -> None:
        """Take transfers that are to be made."""
        self._transfers.extend(transfers)

    def take(self, window: int, room: int, fits: Callable[[ObjectEntry], bool] | None = None) -> list[Order]:
        """Return the next orders, none until there is `room` for a good many: each write of the trail costs a commit.

        `window` is how many orders can be out at a time, `room` how many more can be handed out now. `fits` tells of
        one object after the other whether it may be begun, too; None: any may.
        """
        waiting = len(self._transfers)
        enough = min(waiting, max(1, window // 4), ROWS_PER_WRITE)
        rows = min(waiting, room, ROWS_PER_WRITE) if enough <= room else 0
        taken: list[Order] = []
        while len(taken) < rows and (fits is None or fits(self._transfers[0].entry)):
            taken.append(self._order(self._transfers.popleft()))
        return taken

    def _order(self, transfer: Transfer) -> Order:
        entry = transfer.entry
        self.last_number += 1
        return Order(
            self._sweep,
            self.last_number,
            entry.key,
            self._pair.destination_key(entry.key),
            entry.size,
            entry.etag,
            entry.last_modified,
            entry.storage_class,
            resized=transfer.reason == "size",
        )
