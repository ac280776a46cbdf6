"""What a row of the trail costs: `python -m bench.trail [--rows N]` on SQLite, a private MariaDB, and a MySQL if given.

Each row is intended, and settled as a success, in batches as a sweep writes them; then all are sealed, and verified. A
MySQL is taken from S3MOVER_TEST_MYSQL_URL. The servers' own CPU is not counted: it is spent elsewhere.
"""

import argparse
import os
import resource
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

from s3mover.audit.opening import open_seal_reader, open_trail
from s3mover.audit.seal_verification import ChainCheck, Trust
from s3mover.audit.trail import Trail
from s3mover.model import (
    Method,
    Order,
    Outcome,
    Pair,
    Status,
    SweepRecord,
    SweepStatus,
    Tally,
    unmoved,
)
from s3mover.sweep.backlog import ROWS_PER_WRITE
from testkit.mariadb import running_mariadb

PAIR = Pair("there", "in/", "here", "out/")
KEY = "in/2025/01/04/customers/{:09}/contract-with-a-name-of-usual-length.pdf"
GOAL_MS = 0.06
# What a sweep of small objects moves on two cores (docs/performance.md).
SWEEP_ROWS_PER_SECOND = 3_500


class Took(NamedTuple):
    """What something took: seconds by the clock, and seconds of our own CPU."""

    seconds: float
    cpu: float


class Cost(NamedTuple):
    """What the rows took to write, to seal and to verify, and by how many MiB sealing and verifying raised the peak."""

    rows: int
    written: Took
    sealed: Took
    verified: Took
    memory: float


def main() -> None:
    """Measure every database that is there and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rows", type=int, default=50_000, help="rows for each database (default 50000)")
    rows = parser.parse_args().rows
    print(f"{'database':<10}{'rows':>10}{'rows/second':>14}{'our CPU, ms/row':>18}{'goal':>8}")
    costs = {}
    for name, url in databases():
        costs[name] = cost = measure(url, rows)
        per_row = 1e3 * cost.written.cpu / cost.rows
        print(
            f"{name:<10}{cost.rows:>10,}{cost.rows / cost.written.seconds:>14,.0f}{per_row:>18.4f}{GOAL_MS:>8}"
        )
    print(f"\n{'database':<10}{'sealed in':>12}{'per row':>10}{'of it ours':>12}{'of a sweep':>12}", end="")
    print(f"{'verified in':>13}{'per row':>10}{'memory':>11}")
    for name, cost in costs.items():
        sealed, verified = cost.sealed, cost.verified
        sweep = cost.rows / SWEEP_ROWS_PER_SECOND
        print(
            f"{name:<10}{sealed.seconds:>10.2f} s{1e6 * sealed.seconds / cost.rows:>7.2f} us"
            f"{1e6 * sealed.cpu / cost.rows:>9.2f} us{sealed.seconds / sweep:>12.1%}"
            f"{verified.seconds:>11.2f} s{1e6 * verified.seconds / cost.rows:>7.2f} us{cost.memory:>+7.1f} MiB"
        )


def databases() -> Iterator[tuple[str, str]]:
    """Yield the name and the URL of one empty database after the other."""
    with tempfile.TemporaryDirectory() as folder:
        yield "SQLite", f"sqlite:///{Path(folder)}/trail.db"
    with running_mariadb(on_disk=True) as server:
        yield "MariaDB", server.database().go_dsn
    if given := os.environ.get("S3MOVER_TEST_MYSQL_URL"):
        yield "MySQL", given


def measure(url: str, rows: int) -> Cost:
    """Intend and settle so many rows."""
    with closing(open_trail(url)) as trail:
        trail.acquire_lease(PAIR)
        sweep = trail.open_sweep(PAIR, time.time())
        written = Took(0.0, 0.0)
        for start in range(1, rows, ROWS_PER_WRITE):
            orders, outcomes = batch(sweep, start)
            with stopwatch() as took:
                write(trail, orders, outcomes)
            written = Took(*map(sum, zip(written, took, strict=True)))
        before = peak_memory()
        record = SweepRecord(sweep, PAIR, time.time(), time.time(), SweepStatus.COMPLETED, Tally(), 0)
        with stopwatch() as sealed:
            seal = trail.close_sweep(record)
    with closing(open_seal_reader(url)) as reader, stopwatch() as verified:
        found = list(ChainCheck(reader, PAIR, Trust()).whole())
    if len(found) != 1:
        raise SystemExit(f"the trail does not verify: {found}")
    return Cost(seal.rows, written, Took(*sealed), Took(*verified), (peak_memory() - before) / 1024)


def peak_memory() -> int:
    """Return the highest resident memory of this process so far, in KiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def write(trail: Trail, orders: list[Order], outcomes: list[Outcome]) -> None:
    """Do with one batch what a sweep does."""
    trail.intend(orders, time.time())
    trail.settle(outcomes)


def batch(sweep: int, start: int) -> tuple[list[Order], list[Outcome]]:
    """Make the orders of one write, and what became of them."""
    orders = [
        Order(
            sweep=sweep,
            number=number,
            key=KEY.format(number),
            target=KEY.format(number),
            size=number,
            etag=f"{number:032x}",
            last_modified="2025-01-04T03:17:09.000Z",
            storage_class="STANDARD",
        )
        for number in range(start, start + ROWS_PER_WRITE)
    ]
    return orders, [moved(order) for order in orders]


def moved(order: Order) -> Outcome:
    """Return the success of an order."""
    return unmoved(order, "", "", time.time(), attempts=1)._replace(
        status=Status.SUCCESS, method=Method.SERVER_SIDE_COPY, duration_us=34_567, destination_etag=order.etag
    )


@contextmanager
def stopwatch() -> Iterator[list[float]]:
    """Give a list that holds, at the end, the seconds by the clock and those of this process's CPU."""
    took: list[float] = []
    began, cpu = time.perf_counter(), time.process_time()
    yield took
    took += [time.perf_counter() - began, time.process_time() - cpu]


if __name__ == "__main__":
    main()
