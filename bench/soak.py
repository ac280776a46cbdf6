"""Resources of a long-lived daemon: `python -m bench.soak [--sweeps N] [--objects N] [--trail mariadb|sqlite]`.

Objects are added, changed, throttled, fail and are deleted between the sweeps of one daemon. Prints the resources of
its processes in the second tenth of the sweeps and in the last, plots them as `soak.png` and `soak.svg`, and fails if
any of them has grown.
"""

import argparse
import contextlib
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib as mpl
from matplotlib import pyplot as plt

from bench.world import ROOT
from simulator import Simulator
from testkit.mariadb import running_mariadb
from testkit.soak import Growth, Sample, Soak, growth_of
from testkit.trail_rows import rows
from testkit.world import make_world

THREADS = 150
MB = 1e6
# What may be taken more in the end; 0: not one. In memory it is 30 bytes for each object that is moved meanwhile: the
# allocators' habits, and the folders that workers remember. The session's is what one statement of the largest block
# takes, which may be prepared late. Readers of pages come and go: as many as listers, with a connection to each side.
READERS = 8
MOST = {
    "memory": 6 * MB,
    "processes": 0,
    "threads": READERS,
    "files": 2 * READERS,
    "blocks": 2000,
    "session": 2 * MB,
}
SHOWN = {
    "memory": ("memory of the tree, MB", MB),
    "blocks": ("blocks of the supervisor's interpreter", 1),
    "session": ("session at the database, kB", 1e3),
    "threads": ("threads", 1),
    "files": ("open files", 1),
    "processes": ("processes", 1),
}
SUCCEEDED = "SELECT COUNT(*) FROM document_logs WHERE status = 'success'"
UNCOUNTED = """
    SELECT COUNT(*) FROM migration_batches AS sweep WHERE succeeded + failed <> (
        SELECT COUNT(*) FROM document_logs AS moved WHERE moved.batch_id = sweep.id AND status <> 'pending')
"""
SESSION = """
    SELECT COALESCE(SUM(memory_used), 0) FROM information_schema.processlist
    WHERE db = DATABASE() AND id <> CONNECTION_ID()
"""

Query = Callable[[str], list[tuple[Any, ...]]]


class TrailDatabase(NamedTuple):
    """The trail as the benchmark sees it: what points at it, how it is asked, and what it holds for the daemon."""

    settings: dict[str, str]
    query: Query
    session: Callable[[], int]


@contextlib.contextmanager
def open_database(kind: str, folder: Path) -> Iterator[TrailDatabase]:
    """Open a trail on one of the databases."""
    if kind == "sqlite":
        yield TrailDatabase({}, lambda sql: rows(folder, sql), int)
        return
    with running_mariadb(on_disk=True) as server:
        account = server.database()
        yield TrailDatabase(
            {"MYSQL_DSN": account.go_dsn}, account.query, lambda: int(account.query(SESSION)[0][0])
        )


def grown(growth: Growth) -> list[str]:
    """Return what takes more in the end than it may."""
    return [name for name, most in MOST.items() if growth.of(name) > most]


def table(growth: Growth) -> str:
    """Write the results as people read them."""
    lines = [f"{'':<40}{'second tenth':>14}{'last tenth':>14}{'growth':>10}{'at most':>10}"]
    for name, (title, unit) in SHOWN.items():
        figures = growth.before[name], growth.after[name]
        told = "".join(f"{value / unit:>14,.1f}" for value in figures)
        lines.append(f"{title:<40}{told}{growth.of(name) / unit:>10,.1f}{MOST[name] / unit:>10,.1f}")
    return "\n".join(lines)


def draw(samples: list[Sample], folder: Path) -> None:
    """Plot what was taken after each sweep."""
    mpl.use("svg")
    figure, axes = plt.subplots(3, 2, figsize=(11, 7), sharex=True, layout="constrained")
    for (name, (title, unit)), axis in zip(SHOWN.items(), axes.flat, strict=True):
        values = [getattr(sample, name) / unit for sample in samples]
        axis.plot(range(1, len(values) + 1), values, color="#0b7285", linewidth=1)
        axis.set_title(title, fontsize=9)
        axis.set_ylim(0, 1.2 * max(*values, 1))
        axis.tick_params(labelsize=8)
        axis.spines[["top", "right"]].set_visible(False)
    for axis in axes[-1]:
        axis.set_xlabel("sweep", fontsize=9)
    for kind in ("png", "svg"):
        figure.savefig(folder / f"soak.{kind}", dpi=110)
    plt.close(figure)


def main() -> None:
    """Run, print, draw."""
    parser = argparse.ArgumentParser(prog="python -m bench.soak", description=__doc__)
    parser.add_argument("--sweeps", type=int, default=500, help="sweeps of the daemon")
    parser.add_argument("--objects", type=int, default=400, help="objects that each of them moves")
    parser.add_argument("--trail", choices=["mariadb", "sqlite"], default="mariadb")
    parser.add_argument(
        "--folder", type=Path, default=ROOT / "docs" / "bench", help="where the plots are written"
    )
    options = parser.parse_args()
    began = time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="s3mover-soak-") as name,
        open_database(options.trail, Path(name)) as database,
        Simulator() as simulator,
    ):
        soak = Soak(
            make_world(simulator), Path(name), threads=THREADS, rounds=options.sweeps, each=options.objects,
            session=database.session,
        )  # fmt: skip
        samples = soak.run(database.settings)
        succeeded, uncounted = database.query(SUCCEEDED)[0][0], database.query(UNCOUNTED)[0][0]
    growth = growth_of(samples)
    print(
        f"{options.sweeps} sweeps in {time.monotonic() - began:,.0f} s on {options.trail}: {succeeded:,} of"
    )
    print(f"{soak.versions:,} versions arrived and were recorded, {soak.failed:,} failed once; ", end="")
    print(f"sweeps whose counts are not those of their rows: {uncounted}\n")
    print(table(growth))
    options.folder.mkdir(parents=True, exist_ok=True)
    draw(samples, options.folder)
    if grown(growth) or uncounted or succeeded != soak.versions:
        sys.exit(f"it grows, or rows are missing: {', '.join(grown(growth)) or 'rows'}")


if __name__ == "__main__":
    main()
