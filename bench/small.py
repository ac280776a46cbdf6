"""Small objects, copied server-side over TLS, with answers at once and after 30 ms."""

from functools import partial

from bench.contest import contest
from bench.figures import Figure, Goal, Result, figure_of
from bench.subjects import S3MOVER, Subject, peers, s3mover
from bench.world import KIB, THREADS, World

NAME = "small"
LATENCIES = (0, 30)


def run(world: World) -> Result:
    """Measure."""
    ours, (others, missing) = s3mover(world), peers(world)
    figures: list[Figure] = []
    for latency in LATENCIES:
        subjects = [ours, *(one for one in others if latency == 0 or one.name in {"s5cmd", "aws s3 sync"})]
        figures += contest(
            world, NAME, f"{latency} ms", subjects, 1 if world.quick else 3,
            partial(_prepare, world, latency), lambda subject: subject.copy,
        )  # fmt: skip
    figures += [Figure(NAME, "0 ms", name, "objects/s", (0.0,), note="not installed") for name in missing]
    return Result(figures, _goals(figures))


def _prepare(world: World, latency: int, subject: Subject) -> int:
    count = 5_000 if world.quick else 20_000
    if subject.slow:
        count //= 10
    world.source.furnish(count, KIB, 100 * KIB, latency_ms=latency)
    return count


def _goals(figures: list[Figure]) -> list[Goal]:
    goals = []
    ours, late = figure_of(figures, "0 ms", S3MOVER), figure_of(figures, "30 ms", S3MOVER)
    swept = figure_of(figures, "0 ms", "s3mover, in the sweep")
    swept_late = figure_of(figures, "30 ms", "s3mover, in the sweep")
    s5cmd, s5cmd_late = figure_of(figures, "0 ms", "s5cmd"), figure_of(figures, "30 ms", "s5cmd")
    aws = figure_of(figures, "0 ms", "aws s3 sync")
    if ours and swept:
        goals.append(Goal(NAME, "objects/s in the sweep, no latency", 3500, swept.value))
    if ours and s5cmd:
        goals.append(Goal(NAME, "x s5cmd, from process start", 2, ours.value / s5cmd.value))
        goals.append(
            Goal(NAME, "CPU per object, share of s5cmd's", 0.5, ours.cpu_us / s5cmd.cpu_us, least=False)
        )
    if ours and aws:
        goals.append(Goal(NAME, "x aws s3 sync, from process start", 10, ours.value / aws.value))
    if swept_late:
        possible = THREADS / 0.030
        goals.append(Goal(NAME, f"share of {THREADS} / 30 ms in the sweep", 0.9, swept_late.value / possible))
    if late and s5cmd_late:
        goals.append(Goal(NAME, "x s5cmd at 30 ms, from process start", 1.2, late.value / s5cmd_late.value))
    return goals
