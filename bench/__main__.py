"""The command `python -m bench [--quick] [NAME ...]`: runs benchmarks, prints one table, writes plot and figures.

What was measured in full is kept in the documentation as soon as it is there; other figures stay as they are.
"""

import argparse
import sys
from pathlib import Path

from bench import growth, huge, lag, nothing, plot, report, small, startup, streaming
from bench.figures import Result
from bench.world import ROOT, opened_world

BENCHMARKS = {
    "small": small,
    "nothing": nothing,
    "streaming": streaming,
    "huge": huge,
    "startup": startup,
    "growth": growth,
    "lag": lag,
}
DOCUMENTED = ROOT / "docs" / "bench"
PAGE = ROOT / "docs" / "performance.md"
ELSEWHERE = ROOT / ".benchmarks"


def main() -> None:
    """Run what was asked for; only what is measured in full goes into the documentation."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHMARKS)}; all by default"
    )
    parser.add_argument("--quick", action="store_true", help="little of each, in a few minutes")
    options = parser.parse_args()
    unknown = set(options.names) - BENCHMARKS.keys()
    if unknown:
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}")
    folder: Path = ELSEWHERE if options.quick else DOCUMENTED
    folder.mkdir(exist_ok=True)
    names = options.names or [*BENCHMARKS]
    with opened_world(quick=options.quick) as world:
        for name in names:
            print(f"{name} ...", file=sys.stderr, flush=True)
            keep(folder, name, BENCHMARKS[name].run(world))
    kept = report.read_figures(folder / "bench.json")
    print(report.table([kept[name] for name in names]))


def keep(folder: Path, name: str, result: Result) -> None:
    """Put a result among those of the folder, and draw and tell them all anew."""
    path = folder / "bench.json"
    kept = {**report.read_figures(path), name: result}
    report.write_figures({one: kept[one] for one in BENCHMARKS if one in kept}, path)
    results = [*report.read_figures(path).values()]
    plot.draw(results, folder)
    if folder == DOCUMENTED:
        report.write_page(f"![The figures as bars](bench/bench.svg)\n\n{report.table(results)}", PAGE)


if __name__ == "__main__":
    main()
