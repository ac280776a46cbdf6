"""One huge object, copied server-side by parts: answers take 30 ms, and 5 ms more for each megabyte of a part."""

from bench.contest import contest
from bench.figures import Figure, Result
from bench.subjects import Subject, peers, s3mover
from bench.world import MIB, World

NAME = "one huge object"
GIB = 1024 * MIB
CASE = "copied by parts"


def run(world: World) -> Result:
    """Measure; s5cmd copies no object above 5 GiB."""
    gibibytes = 4 if world.quick else 16
    others, _ = peers(world)
    subjects = [s3mover(world), *(one for one in others if one.name in {"rclone", "aws s3 sync"})]

    def prepare(_: Subject) -> int:
        world.source.furnish(1, gibibytes * GIB, gibibytes * GIB, latency_ms=30)
        return 1

    rates = contest(world, NAME, CASE, subjects, 1, prepare, lambda subject: subject.copy)
    return Result([_in_gibibytes(one, gibibytes) for one in rates], [])


def _in_gibibytes(one: Figure, gibibytes: int) -> Figure:
    rounds = tuple(rate * gibibytes for rate in one.rounds)
    return one._replace(unit="GiB/s", rounds=rounds, cpu_us=0.0, server_us=0.0, note=f"{gibibytes} GiB")
