"""Nothing to do: both buckets hold the same keys, and a sweep finds that out."""

from functools import partial

from bench.contest import contest
from bench.figures import Figure, Goal, Result, figure_of
from bench.subjects import S3MOVER, Subject, peers, s3mover
from bench.world import KIB, World

NAME = "nothing to do"
SWEPT = "s3mover, in the sweep"


def run(world: World) -> Result:
    """Measure."""
    ours, (others, missing) = s3mover(world), peers(world)
    figures = [Figure(NAME, "0 ms", name, "objects/s", (0.0,), note="not installed") for name in missing]
    rounds = 1 if world.quick else 3
    figures += _compare(world, "0 ms", [ours, *others], rounds, 100_000 if world.quick else 200_000, 0)
    figures += _compare(world, "30 ms", [ours, *others[:1]], rounds, 100_000 if world.quick else 200_000, 30)
    if not world.quick:
        figures += _compare(world, "1,000,000 keys", [ours, *others[:1]], 2, 1_000_000, 0)
    return Result(figures, _goals(figures))


def _compare(
    world: World, case: str, subjects: list[Subject], rounds: int, count: int, latency: int
) -> list[Figure]:
    return contest(
        world, NAME, case, subjects, rounds,
        partial(_prepare, world, count, latency), lambda subject: subject.sync,
    )  # fmt: skip


def _prepare(world: World, count: int, latency: int, subject: Subject) -> int:
    few = count // 10 if subject.slow else count
    world.source.furnish(few, KIB, 100 * KIB, filled=few, latency_ms=latency)
    return few


def _goals(figures: list[Figure]) -> list[Goal]:
    goals = []
    swept = figure_of(figures, "0 ms", SWEPT)
    if swept:
        goals.append(Goal(NAME, "keys/s in the sweep", 100_000, swept.value))
    for case in ("0 ms", "1,000,000 keys"):
        ours = figure_of(figures, case, S3MOVER)
        rivals = [one.value for one in figures if one.case == case and one.who not in {S3MOVER, SWEPT}]
        if ours and any(rivals):
            goals.append(
                Goal(NAME, f"{case}: x the best peer, from process start", 5, ours.value / max(rivals))
            )
    return goals
