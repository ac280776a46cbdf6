"""What more machines bring: `python -m bench.machines [CASE ...]`, by default every case.

All machines are processes on this host, with mutual TLS between them: where its cores are busy, more of them bring
nothing. Cases: `ratio` (four machines against one, 4 threads each, where every request takes 100 ms), `orders` (objects
per second of 1, 2 and 4 machines without latency), `nothing` (equal buckets of 1,000,000 keys, one and two machines).
"""

import argparse
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import NamedTuple

from bench.contest import sweep_seconds
from bench.measure import run
from bench.world import KIB, World, opened_world
from s3mover.scale.certificates import write_certificates
from testkit.ports import reserved_port
from testkit.program import COMMAND, daemon

RATIO_GOAL = 3.8


class Case(NamedTuple):
    """What is swept, and by how many machines in turn."""

    what: str
    machines: tuple[int, ...]
    objects: int
    filled: int = 0
    threads: int = 75
    latency_ms: int = 0


CASES = {
    "ratio": Case("100 ms per request, 4 threads each", (1, 4), 8_000, threads=4, latency_ms=100),
    "orders": Case("no latency, 75 threads each", (1, 2, 4), 60_000),
    "nothing": Case("nothing to do", (1, 2), 1_000_000, filled=1_000_000),
}


def main() -> None:
    """Measure the cases that are asked for, and print a line for each number of machines."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.machines", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"of {', '.join(CASES)}")
    names = parser.parse_args().cases or [*CASES]
    if unknown := set(names) - CASES.keys():
        parser.error(f"no such case: {', '.join(sorted(unknown))}; there are {', '.join(CASES)}")
    print(f"{os.cpu_count()} cores, shared by machines, supervisor, S3 server and MariaDB\n")
    print(f"{'case':<10}{'what':<38}{'machines':>10}{'objects/s':>12}{'ratio':>8}")
    with opened_world(quick=False) as world:
        for name in names:
            measure(world, name, CASES[name])
    print(f"\ngoal of `ratio`: {RATIO_GOAL}")


def measure(world: World, name: str, case: Case) -> None:
    """Sweep with each number of machines, and print what they did."""
    first = 0.0
    for machines in case.machines:
        world.source.furnish(case.objects, KIB, 100 * KIB, filled=case.filled, latency_ms=case.latency_ms)
        rate = case.objects / swept(world, case, machines)
        first = first or rate
        print(f"{name:<10}{case.what:<38}{machines:>10}{rate:>12,.0f}{rate / first:>8.2f}", flush=True)


def swept(world: World, case: Case, machines: int) -> float:
    """Return how long a sweep by so many machines took.

    Raises:
        RuntimeError: it failed, or left objects.
    """
    folder = world.folder / f"{time.monotonic_ns()}"
    folder.mkdir()
    with opened_cluster(world, case, machines, folder) as settings:
        seconds = sweep_seconds(run([*COMMAND, "sweep"], settings, folder))
    if world.source.arrived() != case.objects:
        raise RuntimeError(f"{world.source.arrived()} of {case.objects} objects arrived")
    return seconds


@contextmanager
def opened_cluster(world: World, case: Case, machines: int, folder: Path) -> Iterator[dict[str, str]]:
    """Start a scheduler and so many machines, and yield the settings of their supervisor."""
    write_certificates(folder / "tls", datetime.now(UTC))
    with ExitStack() as opened:
        port = opened.enter_context(reserved_port())
        database = world.database.database().go_dsn
        settings = partial(_settings, world, case, folder / "tls", port, database)
        scheduler = daemon(
            settings("scheduler"), folder, "scheduler", "--host", "127.0.0.1", "--port", str(port)
        )
        opened.enter_context(scheduler)
        names = [f"machine-{number}" for number in range(machines)]
        started = [
            opened.enter_context(daemon(settings("worker"), folder, "worker", "--name", name))
            for name in names
        ]
        for machine in started:
            machine.await_event("machine.registered")
        yield settings("supervisor")


def _settings(world: World, case: Case, tls: Path, port: int, database: str, role: str) -> dict[str, str]:
    return (
        world.settings()
        | {
            "MYSQL_DSN": database,
            "S3MOVER_CONFIG": "/dev/null",
            "S3MOVER_TRANSFER__THREADS": str(case.threads),
            "S3MOVER_TRANSFER__PROCESSES": "1",
            "S3MOVER_SCALE__SCHEDULER": f"tls://127.0.0.1:{port}",
            "S3MOVER_SCALE__CA_FILE": str(tls / "ca.crt"),
            "S3MOVER_SCALE__CERTIFICATE_FILE": str(tls / f"{role}.crt"),
            "S3MOVER_SCALE__KEY_FILE": str(tls / f"{role}.key"),
        }
        | world.importable()
    )


if __name__ == "__main__":
    main()
