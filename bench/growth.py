"""Growth: time per key and memory must not depend on how many keys there are."""

from bench.contest import sweep_seconds
from bench.figures import Figure, Goal, Result
from bench.measure import run as run_command
from bench.subjects import DAEMON
from bench.world import KIB, World

NAME = "growth"
COMPARED, COPIED = "nothing to do", "copied"
# So much more may the largest take than the smallest of these before it counts as growth.
MOST = 1.2
SMALLEST = 100_000


def run(world: World) -> Result:
    """Measure."""
    compared = [10_000, 100_000] if world.quick else [10_000, 100_000, 1_000_000, 10_000_000]
    copied = [10_000] if world.quick else [10_000, 100_000]
    comparing = [_figure(world, COMPARED, count, filled=count) for count in compared]
    copying = [_figure(world, COPIED, count, filled=0) for count in copied]
    return Result([*comparing, *copying], [*_goals(comparing), *_goals(copying)])


def _figure(world: World, what: str, count: int, filled: int) -> Figure:
    world.source.furnish(count, KIB, 100 * KIB, filled=filled)
    ended = run_command(DAEMON, world.settings(), world.folder, watch_memory=True)
    per_key = sweep_seconds(ended) / count * 1e6
    return Figure(NAME, f"{what}: {count:,}", "s3mover", "us per key", (per_key,), peak=ended.peak)


def _goals(figures: list[Figure]) -> list[Goal]:
    """Compare the largest with the first that is large enough for start-up not to count."""
    large = [one for one in figures if int(one.case.rpartition(" ")[2].replace(",", "")) >= SMALLEST]
    if len(large) < 2:
        return []
    first, last = large[0], large[-1]
    span = f"{first.case} to {last.case.rpartition(' ')[2]}"
    return [
        Goal(NAME, f"{span}: times the time per key", MOST, last.value / first.value, least=False),
        Goal(NAME, f"{span}: times the memory", MOST, last.peak / first.peak, least=False),
    ]
