"""Deletes intended objects at the destination: the source is asked once more, then each goes if it is unchanged.

Where the store honours conditions, a deletion depends on the listed ETag (`removal.py`). Where it does not, the object
is compared right before, and what is written within these milliseconds would be lost.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple, TypeVar

from s3mover.errors import S3Error
from s3mover.model import Deletion, DueDeletion, Order
from s3mover.s3.bucket import Bucket
from s3mover.s3.retry import Retry
from s3mover.sweep.delete_conditions import REFUSED, DeleteConditions, refusal
from s3mover.sweep.recovery import head_of
from s3mover.sweep.removal import CONDITIONS_IGNORED, delete
from s3mover.workers.lease_guard import LeaseGuard

T = TypeVar("T")
R = TypeVar("R")

THREADS = 32


class Carried(NamedTuple):
    """What became of an order: `code` is why its object was not deleted, empty if it was.

    `is_back` says that the source has the object again, `not_asked` that the source did not answer.
    """

    code: str = ""
    is_back: bool = False
    not_asked: bool = False


@dataclass(frozen=True, slots=True)
class Deleter:
    """Deletes objects of one pair; `retry` repeats requests."""

    source: Bucket
    destination: Bucket
    retry: Retry
    conditions: DeleteConditions

    def carry_out(self, orders: Sequence[Order], lease: LeaseGuard) -> list[Carried]:
        """Delete what the source still does not have; no request that deletes begins without the lease."""
        with ThreadPoolExecutor(THREADS, thread_name_prefix="deleter") as pool:
            asked = _in_shares(pool, self._ask_source, orders)
            absent = [order for order, answer in zip(orders, asked, strict=True) if answer == Carried()]
            codes = self._delete(pool, absent, _Fenced(self.retry, lease))
        return [
            Carried(codes[order.number]) if order.number in codes else answer
            for order, answer in zip(orders, asked, strict=True)
        ]

    def _ask_source(self, orders: Sequence[Order]) -> list[Carried]:
        try:
            return [self._asked(order) for order in orders]
        finally:
            self.source.close_thread()

    def _asked(self, order: Order) -> Carried:
        try:
            found = self.retry(partial(head_of, self.source, order.key))
        except S3Error as error:
            return Carried(error.code, not_asked=True)
        return Carried() if found is None else Carried(is_back=True)

    def _delete(self, pool: ThreadPoolExecutor, orders: Sequence[Order], retry: Retry) -> dict[int, str]:
        """Return the code of each order that was tried, by its number."""
        due = [DueDeletion(order.sweep, order.number, order.target, order.etag) for order in orders]
        if not due:
            return {}
        if not self.conditions.none_is_honoured:
            try:
                done = delete(self.destination, due, retry, self.conditions)
            finally:
                self.destination.close_thread()
        else:
            done = [Deletion(one, CONDITIONS_IGNORED) for one in due]
        left = [one.due for one in done if one.code == CONDITIONS_IGNORED]
        compared = _in_shares(pool, partial(self._compare_and_delete, retry), left)
        return {one.due.number: one.code for one in [*done, *compared]}

    def _compare_and_delete(self, retry: Retry, due: Sequence[DueDeletion]) -> list[Deletion]:
        try:
            return [Deletion(one, refusal(partial(self._delete_unchanged, one), retry)) for one in due]
        finally:
            self.destination.close_thread()

    def _delete_unchanged(self, due: DueDeletion) -> None:
        if (head := head_of(self.destination, due.key)) is None:
            return
        if head.etag != due.etag:
            raise S3Error(REFUSED)
        self.destination.delete(due.key)


def _in_shares(
    pool: ThreadPoolExecutor, call: Callable[[Sequence[T]], list[R]], items: Sequence[T]
) -> list[R]:
    """Return what `call` returns for all items, a share of them on each thread: so connections are kept."""
    size = -(-len(items) // THREADS) or 1
    shares = [items[at : at + size] for at in range(0, len(items), size)]
    return [result for results in pool.map(call, shares) for result in results]


class _Fenced:
    """A `Retry` that waits for the lease before each attempt."""

    def __init__(self, retry: Retry, lease: LeaseGuard) -> None:
        self._retry = retry
        self._lease = lease

    def __call__(self, call: Callable[[], T]) -> T:
        """Call `call` while the lease is held."""

        def held() -> T:
            self._lease.wait()
            return call()

        return self._retry(held)
