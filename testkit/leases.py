"""Takes leases on pairs of buckets and holds them, as another instance does."""

import contextlib
import threading
from collections.abc import Callable, Iterator

from s3mover.audit.digests import pair_digest
from s3mover.audit.dsn import parse_dsn
from s3mover.audit.opening import connect, open_trail
from s3mover.audit.trail import Trail
from s3mover.model import Pair
from testkit.waiting import TOO_LONG, wait_until

RENEWAL_SECONDS = 0.5


def expire_lease(url: str, pair: Pair) -> None:
    """Set the last renewal of a lease back by decades, as if its holder were gone for so long."""
    with contextlib.closing(connect(parse_dsn(url))) as database, database.transaction():
        database.write(
            "UPDATE leases SET renewed_at = '2001-01-01 00:00:00' WHERE pair = ?", (pair_digest(pair),)
        )


@contextlib.contextmanager
def leading_trail(url: str, pair: Pair) -> Iterator[Trail]:
    """Open a trail that holds the lease on a pair."""
    with contextlib.closing(open_trail(url)) as trail:
        assert trail.acquire_lease(pair)
        yield trail


@contextlib.contextmanager
def held_lease(url: str, pair: Pair, *, taken: bool = False) -> Iterator[Callable[[], None]]:
    """Hold the lease on a pair, and renew it, until the block ends or the result is called.

    With `taken` it is taken from the instance that holds it, whose range is fenced thereby.
    """
    acquired, released = threading.Event(), threading.Event()

    def hold() -> None:
        with contextlib.closing(open_trail(url)) as trail:
            _acquire(trail, url, pair, taken=taken)
            acquired.set()
            while not released.wait(RENEWAL_SECONDS):
                trail.heartbeat()

    def release() -> None:
        released.set()
        holder.join(TOO_LONG)

    holder = threading.Thread(target=hold)
    holder.start()
    try:
        assert acquired.wait(TOO_LONG), "the lease was not acquired"
        yield release
    finally:
        release()


def _acquire(trail: Trail, url: str, pair: Pair, *, taken: bool) -> None:
    def acquire() -> bool:
        if taken:
            expire_lease(url, pair)
        return trail.acquire_lease(pair)

    wait_until(acquire, "the lease is acquired")
