"""Start-up: what passes before the work begins."""

import json
import sys
import time
from datetime import datetime

from bench.figures import Figure, Goal, Result, figure_of
from bench.measure import Run
from bench.measure import run as run_command
from bench.world import KIB, World

NAME = "start-up"
COMMAND = [sys.executable, "-m", "s3mover"]


def run(world: World) -> Result:
    """Measure."""
    figures = []
    rounds = 3 if world.quick else 9
    settings = world.settings()
    run_command(
        [*COMMAND, "sweep"], settings, world.folder
    )  # what is compiled once, and the database's schema
    for case, arguments, count in (
        ("--version", ["--version"], 0),
        ("sweep of an empty bucket", ["sweep"], 0),
        ("first copy", ["run", "--max-sweeps", "1"], 2_000),
    ):
        seconds, cpu = [], []
        for _ in range(rounds):
            world.source.furnish(count, KIB, 100 * KIB)
            started = time.time()
            ended = run_command([*COMMAND, *arguments], settings, world.folder)
            seconds.append(_first_copy(ended) - started if count else ended.seconds)
            cpu.append(ended.cpu)
        figures.append(Figure(NAME, case, "s3mover", "seconds", tuple(seconds), cpu_us=min(cpu) * 1e6))
    first = figure_of(figures, "first copy", "s3mover")
    goals = (
        [Goal(NAME, "seconds from process start to the first copy", 0.7, first.value, least=False)]
        if first
        else []
    )
    return Result(figures, goals)


def _first_copy(ended: Run) -> float:
    """Return when the first object was recorded as moved; the log tells it after the trail's commit."""
    line = next(line for line in ended.output.splitlines() if '"object.moved"' in line)
    return datetime.fromisoformat(json.loads(line)["timestamp"]).timestamp()
