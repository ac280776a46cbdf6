"""Small objects beside a few huge ones: `python -m bench.mix [--objects N] [--large N]`.

The small ones are moved alone, then beside three huge ones, by server-side copies (huge: in parts) and by streaming.
The huge ones are virtual: the simulator keeps no byte of them. Prints how long the small ones took, and the ratio.
"""

import argparse
import os
import time
from contextlib import closing
from typing import NamedTuple

from s3mover.events import Event
from s3mover.model import Order, Status
from s3mover.workers.pool.forkserver import ForkServer
from s3mover.workers.pool.pool import WorkerPool, share_threads
from simulator import Simulator
from testkit.pooling import ACCOUNT, PoolUser, orders, route_config, running_pool

THREADS = 150
GIB = 2**30
SMALL, HUGE = "small/", "huge/"
# What a copy takes in the store, whatever its size is said to be: S3 takes some tens of milliseconds.
LATENCY = 0.03
# Large parts: the simulator computes a checksum of each, and it is the mover that is to be measured.
PART_SIZE = 512 * 2**20
# What such a part takes: S3 copies some 100 MB a second within one request.
PART_LATENCY = 5.0


class Took(NamedTuple):
    """Seconds until the last small object was there, and until the last huge one was, if it was waited for."""

    small: float
    huge: float | None
    huge_bytes: int


def move(method: str, small: int, huge: int, size: int, *, wait_for_huge: bool) -> Took:
    """Move so many objects, the huge ones first, and take the time from the first order on."""
    with Simulator() as simulator:
        simulator.create_bucket("from", ACCOUNT)
        simulator.create_bucket("to", ACCOUNT)
        simulator.fill("from", small, size=1024, prefix=SMALL)
        for number in range(huge):
            simulator.put_object("from", f"{HUGE}{number}", size=size, seed=number + 1)
        simulator.set_latency(LATENCY, UploadPartCopy=PART_LATENCY)
        work = orders(simulator, small + huge)
        fork_server = ForkServer()
        pool = WorkerPool(share_threads(THREADS, os.cpu_count() or 1), ["only"], _ignore, fork_server)
        routes = {"only": route_config(simulator, method=method, part_size=PART_SIZE)}
        with closing(fork_server), running_pool(pool, routes, [], _ignore) as [user]:
            warm_up(user, work[-1])
            return _timed(user, work, wait_for_huge=wait_for_huge)


def warm_up(user: PoolUser, order: Order) -> None:
    """Let the processes start, and the store's limit be found to be none."""
    deadline = time.monotonic() + 3
    sweep = 100
    while time.monotonic() < deadline:
        sweep += 1
        user.client.hand_out([order._replace(sweep=sweep, number=number) for number in range(1, 401)])
        user.wait_for(400)


def _timed(user: PoolUser, work: list[Order], *, wait_for_huge: bool) -> Took:
    began = time.monotonic()
    user.client.hand_out(work)
    left = {SMALL: sum(order.key.startswith(SMALL) for order in work), HUGE: 0}
    left[HUGE] = len(work) - left[SMALL]
    ended = dict.fromkeys(left, began)
    carried = 0
    while left[SMALL] or (wait_for_huge and left[HUGE]):
        for outcome in user.receive().outcomes:
            if outcome.status is not Status.SUCCESS:
                raise SystemExit(f"{outcome.key}: {outcome.code} {outcome.message}")
            kind = SMALL if outcome.key.startswith(SMALL) else HUGE
            left[kind] -= 1
            ended[kind] = time.monotonic()
            carried += outcome.size if kind is HUGE else 0
    return Took(ended[SMALL] - began, None if left[HUGE] else ended[HUGE] - began, carried)


def _ignore(_event: Event) -> None:
    """Only the outcomes are of interest."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.mix", description=__doc__)
    parser.add_argument("--objects", type=int, default=20_000, help="small objects")
    parser.add_argument("--huge", type=int, default=3, help="huge objects")
    parser.add_argument("--gib", type=int, default=20, help="GiB of each")
    options = parser.parse_args()
    for method, wait in (("server_side_copy", True), ("streaming", False)):
        alone = move(method, options.objects, 0, 0, wait_for_huge=False)
        beside = move(method, options.objects, options.huge, options.gib * GIB, wait_for_huge=wait)
        print(
            f"{method}: {options.objects} small objects took {alone.small:.1f} s alone and {beside.small:.1f} s beside "
            f"{options.huge} of {options.gib} GiB: {beside.small / alone.small:.2f} times as long"
        )
        if beside.huge is not None:
            print(f"{'':{len(method)}}  the huge ones took {beside.huge:.1f} s")


if __name__ == "__main__":
    main()
