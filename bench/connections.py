"""What one MariaDB takes from several machines: `python -m bench.connections [--objects N] [CONNECTIONS ...]`.

Each connection has a range of its own. It intends and settles objects in transactions of 500 rows, which begin with the
heartbeat of the range, as `s3mover worker` does. Processes and server share the cores of this host.
"""

import argparse
import multiprocessing
import os
import secrets
import time
from contextlib import closing
from multiprocessing.synchronize import Barrier
from typing import NamedTuple

from bench.measure import cpu_of
from bench.trail import PAIR, batch, write
from s3mover.audit.opening import open_trail
from s3mover.audit.rows import numbers_of
from s3mover.audit.trail import LeaseToken, RangeClaim
from s3mover.sweep.backlog import ROWS_PER_WRITE
from testkit.mariadb import MariaDb, running_mariadb

CONNECTIONS = (1, 2, 4, 8)
SIZE = """
    SELECT data_length + index_length FROM information_schema.tables
    WHERE table_schema = DATABASE() AND table_name = 'document_logs'
"""
OPTIONS = ("--innodb-buffer-pool-size=1G", "--innodb-log-file-size=256M")


class Rate(NamedTuple):
    """What so many connections came to.

    `objects` is objects per second, `server_us` microseconds of the server's CPU for each, `row_bytes` what each takes
    in the tables and their indexes.
    """

    objects: float
    server_us: float
    row_bytes: float


def main() -> None:
    """Measure each number of connections in turn, and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("connections", nargs="*", type=int, help="by default 1 2 4 8")
    parser.add_argument("--objects", type=int, default=40_000, help="for each connection (default 40000)")
    options = parser.parse_args()
    print(f"{os.cpu_count()} cores, shared by the connections' processes and the server\n")
    print(f"{'connections':>11}{'objects/second':>16}{'server CPU, us/object':>23}{'bytes/object':>14}")
    with running_mariadb(*OPTIONS) as server:
        for connections in options.connections or CONNECTIONS:
            rate = measure(server, connections, options.objects)
            print(
                f"{connections:>11}{rate.objects:>16,.0f}{rate.server_us:>23.1f}{rate.row_bytes:>14.0f}",
                flush=True,
            )


def measure(server: MariaDb, connections: int, objects: int) -> Rate:
    """Let so many processes intend and settle so many objects each.

    Raises:
        RuntimeError: a row is missing.
    """
    account = server.database()
    with closing(open_trail(account.go_dsn)) as supervisor:
        supervisor.acquire_lease(PAIR)
        sweep = supervisor.open_sweep(PAIR, time.time(), shared=True)
        claims = [RangeClaim(sweep, number, 1, secrets.token_hex(16)) for number in range(1, connections + 1)]
        for claim in claims:
            supervisor.add_range(sweep, claim.number, "", None)
        start, end = multiprocessing.Barrier(connections + 1), multiprocessing.Barrier(connections + 1)
        machines = [
            multiprocessing.Process(
                target=work, args=(account.go_dsn, claim, supervisor.lease_token, objects, start, end)
            )
            for claim in claims
        ]
        for machine in machines:
            machine.start()
        start.wait()
        began, cpu = time.perf_counter(), cpu_of(server.pid)
        end.wait()
        seconds, used = time.perf_counter() - began, cpu_of(server.pid) - cpu
        for machine in machines:
            machine.join()
    [(rows,)] = account.query("SELECT COUNT(*) FROM document_logs WHERE status = 'success'")
    if rows != connections * objects:
        raise RuntimeError(f"{rows} of {connections * objects} rows are there")
    [(size,)] = account.query("ANALYZE TABLE document_logs", SIZE)
    return Rate(rows / seconds, used / rows * 1e6, float(size) / rows)


def work(url: str, claim: RangeClaim, lease: LeaseToken, objects: int, start: Barrier, end: Barrier) -> None:
    """Claim a range, and write its rows once all are ready."""
    with closing(open_trail(url)) as trail:
        if not trail.claim_range(PAIR, claim, lease):
            raise RuntimeError(f"range {claim.number} cannot be claimed")
        first, _ = numbers_of(claim.number)
        batches = [batch(claim.sweep, first + at) for at in range(0, objects, ROWS_PER_WRITE)]
        start.wait()
        for orders, outcomes in batches:
            write(trail, orders, outcomes)
        end.wait()


if __name__ == "__main__":
    main()
