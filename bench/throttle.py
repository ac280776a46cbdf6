"""What is made of a store that gives each prefix so many writes a second: `python -m bench.throttle [--folder F]`.

Real workers copy on the simulator, which refuses what is too much; the limit's rules are also run in virtual time, for
rates that this machine cannot make. Prints a table and writes the rates over time as `throttle.png` and `throttle.svg`.
"""

import argparse
import os
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

import matplotlib as mpl
from matplotlib import pyplot as plt

from bench.world import ROOT
from s3mover.events import Event, ThrottleChanged
from s3mover.model import Side, Status
from s3mover.workers.pool.forkserver import ForkServer
from s3mover.workers.pool.pool import WorkerPool, share_threads
from simulator import Simulator
from testkit.pooling import ACCOUNT, orders, route_config, running_pool
from testkit.virtual_store import Run, Store

THREADS = 150
BIN_SECONDS = 0.25


class Measured(NamedTuple):
    """One run: per bin of time what was carried out and what was refused, per second; errors by their codes."""

    name: str
    limit: float
    carried_out: list[float]
    refused: list[float]
    lost: int
    steps: list[tuple[float, float]]
    errors: Mapping[str, int] = {}

    @property
    def goodput(self) -> float:
        """Requests carried out per second, over the whole run."""
        return sum(self.carried_out) / len(self.carried_out)

    @property
    def refused_part(self) -> float:
        """Refused requests among all."""
        return sum(self.refused) / (sum(self.refused) + sum(self.carried_out))

    @property
    def is_too_slow(self) -> bool:
        """Whether it was not the store's limit that held the run up."""
        return self.goodput < 0.9 * self.limit and self.refused_part < 0.01


def on_the_simulator(limit: float, seconds: float) -> Measured:
    """Copy for about so many seconds what the limit lets through."""
    count = round(limit * seconds)
    told: list[tuple[float, ThrottleChanged]] = []

    def note(event: Event) -> None:
        if isinstance(event, ThrottleChanged) and event.side is Side.DESTINATION:
            told.append((time.time(), event))

    with Simulator() as simulator:
        simulator.create_bucket("from", ACCOUNT)
        simulator.create_bucket("to", ACCOUNT)
        simulator.fill("from", count, size=1024, prefix="documents/")
        simulator.set_rate_limit("to", writes=limit, reads=0, depth=1)
        work = orders(simulator, count)
        fork_server = ForkServer()
        pool = WorkerPool(share_threads(THREADS, os.cpu_count() or 1), ["only"], note, fork_server)
        routes = {"only": route_config(simulator, attempts=8)}
        with closing(fork_server), running_pool(pool, routes, [], note) as [user]:
            user.client.hand_out(work)
            outcomes = user.wait_for(count)
        log = simulator.log("CopyObject", "to")
        missing = count - simulator.count("to")
    errors = Counter(outcome.code for outcome in outcomes if outcome.status is not Status.SUCCESS)
    began = log[0]["at"]
    bins = Counter((int((entry["at"] - began) / BIN_SECONDS), bool(entry["code"])) for entry in log)
    last = max(place for place, _ in bins)
    return Measured(
        "real workers on the simulator",
        limit,
        # The last bin is not a whole one.
        [bins[place, False] / BIN_SECONDS for place in range(last)],
        [bins[place, True] / BIN_SECONDS for place in range(last)],
        missing + errors.total(),
        [(at - began, event.rate) for at, event in told],
        errors,
    )


def in_virtual_time(limit: float, seconds: float) -> Measured:
    """Let the limit's rules meet a store that is asked as fast as they permit."""
    run = Run(Store(limit), most=3 * limit)
    run.go_on(seconds, BIN_SECONDS / 5)
    carried_out, refused = ([sum(one[row] for one in run.history[at : at + 5]) / 5
                             for at in range(0, len(run.history), 5)] for row in (1, 2))  # fmt: skip
    return Measured("virtual time", limit, carried_out, refused, 0, [(one[0], one[3]) for one in run.history])


def table(runs: list[Measured]) -> str:
    """Write the results as people read them."""
    rows = [f"{'limit':>6}  {'goodput':>8}  {'of limit':>8}  {'refused':>8}  {'lost':>5}  run"]
    for run in runs:
        said = f"{run.name}; this machine alone makes no more" if run.is_too_slow else run.name
        said += "".join(f"; {count} x {code}" for code, count in sorted(run.errors.items()))
        rows.append(
            f"{run.limit:>4.0f}/s  {run.goodput:>6.0f}/s  {run.goodput / run.limit:>8.1%}  "
            f"{run.refused_part:>8.2%}  {run.lost:>5}  {said}"
        )
    return "\n".join(rows)


def draw(runs: list[Measured], folder: Path) -> None:
    """Plot each run's rates over time."""
    mpl.use("svg")
    figure, axes = plt.subplots(len(runs), 1, figsize=(9, 3 * len(runs)), squeeze=False, layout="constrained")
    for run, axis in zip(runs, axes[:, 0], strict=True):
        at = list(accumulate([BIN_SECONDS] * len(run.carried_out)))
        axis.plot(at, run.carried_out, label="carried out", color="tab:blue")
        axis.fill_between(at, run.refused, label="refused", color="tab:red", alpha=0.6)
        moments, rates = [moment for moment, _ in run.steps], [rate for _, rate in run.steps]
        axis.step(moments, rates, where="post", label="our limit", color="tab:gray", linewidth=0.8)
        axis.axhline(run.limit, label="the store's limit", color="black", linestyle="--", linewidth=0.8)
        axis.set(
            title=f"{run.limit:.0f} writes/s: {run.name}",
            xlabel="seconds",
            ylabel="requests/s",
            xlim=(0, at[-1]),
        )
        axis.set_ylim(0, 1.6 * max(*run.carried_out, 1))
        axis.legend(loc="lower right", fontsize="small")
    for kind in ("png", "svg"):
        figure.savefig(folder / f"throttle.{kind}", dpi=110)


def main() -> None:
    """Measure, print, draw."""
    parser = argparse.ArgumentParser(prog="python -m bench.throttle", description=__doc__)
    parser.add_argument(
        "--folder", type=Path, default=ROOT / "docs" / "bench", help="where the plots are written"
    )
    parser.add_argument("--seconds", type=float, default=25.0, help="about how long each run takes")
    options = parser.parse_args()
    runs = [on_the_simulator(limit, options.seconds) for limit in (500, 3500)]
    runs += [in_virtual_time(limit, options.seconds) for limit in (500, 3500)]
    print(table(runs))
    options.folder.mkdir(parents=True, exist_ok=True)
    draw(runs, options.folder)
    print(f"plots: {options.folder / 'throttle.png'}, {options.folder / 'throttle.svg'}")


if __name__ == "__main__":
    main()
