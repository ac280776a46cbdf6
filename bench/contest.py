"""A contest: several subjects do the same work in turn, round after round, and each gets its median."""

import json
from collections.abc import Callable, Sequence
from typing import NamedTuple

from bench.figures import Figure
from bench.measure import Run, cpu_of, median, run
from bench.subjects import S3MOVER, Subject
from bench.world import World


class Lap(NamedTuple):
    """One run: how many items it was about, how long the sweep alone took (0: unknown), and the servers' CPU."""

    items: int
    run: Run
    sweep: float
    server_cpu: float


def contest(
    world: World,
    bench: str,
    case: str,
    subjects: Sequence[Subject],
    rounds: int,
    prepare: Callable[[Subject], int],
    command: Callable[[Subject], Sequence[str]],
) -> list[Figure]:
    """Let each subject run once per round; `prepare` furnishes the buckets and returns how many items there are.

    Raises:
        RuntimeError: a subject failed, or did not do the work.
    """
    laps: dict[str, list[Lap]] = {subject.name: [] for subject in subjects}
    for _ in range(rounds):
        for subject in subjects:
            laps[subject.name].append(_lap(world, subject, prepare(subject), command(subject)))
    figures = []
    for name, ran in laps.items():
        figures.append(_figure(bench, case, name, ran))
        if name == S3MOVER:
            sweeps = tuple(lap.items / lap.sweep for lap in ran)
            figures.append(Figure(bench, case, "s3mover, in the sweep", "objects/s", sweeps))
    return figures


def _figure(bench: str, case: str, name: str, laps: list[Lap]) -> Figure:
    return Figure(
        bench,
        case,
        name,
        "objects/s",
        tuple(lap.items / lap.run.seconds for lap in laps),
        cpu_us=median([lap.run.cpu / lap.items * 1e6 for lap in laps]),
        server_us=median([lap.server_cpu / lap.items * 1e6 for lap in laps]),
        note=f"{laps[0].items:,} objects",
    )


def _lap(world: World, subject: Subject, items: int, command: Sequence[str]) -> Lap:
    before = _server_cpu(world)
    ended = run(command, subject.settings, world.folder)
    used = _server_cpu(world) - before
    arrived = world.source.arrived()
    if arrived != items:
        raise RuntimeError(f"{subject.name} left {arrived} of {items} objects: {ended.output[-2000:]}")
    return Lap(items, ended, sweep_seconds(ended) if subject.name == S3MOVER else 0.0, used)


def _server_cpu(world: World) -> float:
    return world.source.cpu() + (cpu_of(world.database.pid) if world.database.pid else 0.0)


def sweep_seconds(ended: Run) -> float:
    """Return how long the sweep took that s3mover's log tells of, without the start of the process."""
    line = next(line for line in reversed(ended.output.splitlines()) if '"sweep.finished"' in line)
    return float(json.loads(line)["seconds"])
