"""What a row of the trail costs: `python -m bench.trail [--rows N]` on SQLite, a private MariaDB, and a MySQL if given.

Each row is intended, and settled as a success, in batches as a sweep writes them. A MySQL is taken from
S3MOVER_TEST_MYSQL_URL. The servers' own CPU is not counted: it is spent elsewhere.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

from s3mover.audit.opening import open_trail
from s3mover.audit.trail import Trail
from s3mover.model import Method, Order, Outcome, Pair, Status, unmoved
from s3mover.sweep.backlog import ROWS_PER_WRITE
from testkit.mariadb import running_mariadb

PAIR = Pair("there", "in/", "here", "out/")
KEY = "in/2025/01/04/customers/{:09}/contract-with-a-name-of-usual-length.pdf"
GOAL_MS = 0.06


class Cost(NamedTuple):
    """What the rows took: seconds by the clock, and seconds of our own CPU."""

    rows: int
    seconds: float
    cpu: float


def main() -> None:
    """Measure every database that is there and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rows", type=int, default=50_000, help="rows for each database (default 50000)")
    rows = parser.parse_args().rows
    print(f"{'database':<10}{'rows':>10}{'rows/second':>14}{'our CPU, ms/row':>18}{'goal':>8}")
    for name, url in databases():
        cost = measure(url, rows)
        per_row = 1e3 * cost.cpu / cost.rows
        print(f"{name:<10}{cost.rows:>10,}{cost.rows / cost.seconds:>14,.0f}{per_row:>18.4f}{GOAL_MS:>8}")


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
        batches = [batch(sweep, start) for start in range(1, rows, ROWS_PER_WRITE)]
        with stopwatch() as took:
            for orders, outcomes in batches:
                write(trail, orders, outcomes)
    return Cost(sum(len(orders) for orders, _ in batches), *took)


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
