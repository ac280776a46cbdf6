"""Streaming: bytes that flow through s3mover, TLS on both sides, against a bare receive-send loop."""

import os
import sys

from bench.contest import sweep_seconds
from bench.figures import Figure, Goal, Result, figure_of
from bench.measure import Run
from bench.measure import run as run_command
from bench.subjects import DAEMON
from bench.world import KIB, MIB, THREADS, World

NAME = "streaming"
BARE = "bare loop"
LARGE = "64 MiB objects"


def run(world: World) -> Result:
    """Measure; both sides have a server of their own."""
    share = 8 if world.quick else 1
    cases = {LARGE: (64 // share, 64 * MIB), "100 KiB objects": (5_000 // share, 100 * KIB)}
    figures = []
    for case, (count, size) in cases.items():
        figures += _case(world, case, count, size, 1 if world.quick else 3)
    return Result(figures, [goal for case in cases for goal in _goals(figures, case)])


def _case(world: World, case: str, count: int, size: int, rounds: int) -> list[Figure]:
    ours, bare = [], []
    settings = world.settings(two_servers=True) | {"S3MOVER_TRANSFER__METHOD": "streaming"}
    megabytes = count * size / 1e6
    processes = os.cpu_count() or 1
    ends = [world.source.endpoint, world.destination.endpoint]
    relay = [sys.executable, "-m", "bench.bare", *ends, *map(str, (count, size, processes, THREADS))]
    for _ in range(rounds):
        _furnish(world, count, size)
        ours.append(run_command(DAEMON, settings, world.folder, watch_memory=True))
        _check(world, count)
        _furnish(world, count, size)
        bare.append(run_command(relay, settings | world.importable(), world.folder, watch_memory=True))
        _check(world, count)
    return [
        _figure(case, "s3mover, in the sweep", ours, [megabytes / sweep_seconds(one) for one in ours], count),
        _figure(case, BARE, bare, [megabytes / float(one.output) for one in bare], count),
    ]


def _furnish(world: World, count: int, size: int) -> None:
    for server in (world.source, world.destination):
        server.furnish(count, size, size)


def _check(world: World, count: int) -> None:
    if world.destination.arrived() != count:
        raise RuntimeError(f"{world.destination.arrived()} of {count} objects arrived")


def _figure(case: str, who: str, runs: list[Run], rates: list[float], count: int) -> Figure:
    cpu = min(one.cpu for one in runs) / count * 1e6
    peak = max(one.peak for one in runs)
    return Figure(NAME, case, who, "MB/s", tuple(rates), cpu_us=cpu, peak=peak, note=f"{count:,} objects")


def _goals(figures: list[Figure], case: str) -> list[Goal]:
    ours, bare = figure_of(figures, case, "s3mover, in the sweep"), figure_of(figures, case, BARE)
    if not ours or not bare:
        return []
    memory = Goal(NAME, f"{case}: memory of the tree in MB", 100, ours.peak / 1e6, least=False)
    if case != LARGE:
        return [memory]
    return [Goal(NAME, f"{case}: share of the bare loop", 0.9, ours.value / bare.value), memory]
