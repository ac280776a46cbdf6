"""What a benchmark comes to: figures, and the goals that they meet or miss. Frozen records, no behaviour."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from bench.measure import median


class Figure(NamedTuple):
    """One subject's result in one case: the median of all rounds, in `unit`.

    `cpu_us` is the CPU of the subject's whole process tree per item in microseconds, `server_us` that of the S3
    server and, for s3mover, of its database, which ran on the same cores; `peak` is memory in bytes. 0: not measured.
    """

    bench: str
    case: str
    who: str
    unit: str
    rounds: tuple[float, ...]
    cpu_us: float = 0.0
    server_us: float = 0.0
    peak: int = 0
    note: str = ""

    @property
    def value(self) -> float:
        """The median."""
        return median(self.rounds)


class Goal(NamedTuple):
    """What was aimed at, and what came out; `least` says whether more is better."""

    bench: str
    text: str
    wanted: float
    got: float
    least: bool = True

    @property
    def met(self) -> bool:
        """Whether it was reached."""
        return self.got >= self.wanted if self.least else self.got <= self.wanted


class Result(NamedTuple):
    """All of one benchmark."""

    figures: list[Figure]
    goals: list[Goal]


def figure_of(figures: list[Figure], case: str, who: str) -> Figure | None:
    """Find a subject's figure of a case, None where it was not measured."""
    return next((one for one in figures if (one.case, one.who) == (case, who)), None)


def as_json(result: Result) -> dict[str, Any]:
    """Return a result for the file of figures."""
    return {
        "figures": [one._asdict() | {"value": one.value} for one in result.figures],
        "goals": [one._asdict() | {"met": one.met} for one in result.goals],
    }


def from_json(found: Mapping[str, Any]) -> Result:
    """Return the result that `as_json` wrote."""
    figures = [{name: one[name] for name in Figure._fields} for one in found["figures"]]
    goals = [{name: one[name] for name in Goal._fields} for one in found["goals"]]
    return Result(
        [Figure(**one | {"rounds": tuple(one["rounds"])}) for one in figures], [Goal(**one) for one in goals]
    )
