"""The command `python -m bench [--quick] [NAME ...]`: runs benchmarks, prints one table, writes plot and figures."""

import argparse
import sys
from pathlib import Path

from bench import growth, huge, nothing, plot, report, small, startup, streaming
from bench.world import ROOT, opened_world

BENCHMARKS = {
    "small": small,
    "nothing": nothing,
    "streaming": streaming,
    "huge": huge,
    "startup": startup,
    "growth": growth,
}
DOCUMENTED = ROOT / "docs" / "bench"
PAGE = ROOT / "docs" / "performance.md"
ELSEWHERE = ROOT / ".benchmarks"


def main() -> None:
    """Run what was asked for; only a whole run in full writes into the documentation."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHMARKS)}; all by default"
    )
    parser.add_argument("--quick", action="store_true", help="little of each, in a few minutes")
    options = parser.parse_args()
    unknown = set(options.names) - BENCHMARKS.keys()
    if unknown:
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}")
    results = []
    with opened_world(quick=options.quick) as world:
        for name in options.names or BENCHMARKS:
            print(f"{name} ...", file=sys.stderr, flush=True)
            results.append(BENCHMARKS[name].run(world))
    text = report.table(results)
    print(text)
    documented = not options.quick and not options.names
    folder: Path = DOCUMENTED if documented else ELSEWHERE
    folder.mkdir(exist_ok=True)
    report.write_figures(results, folder / "bench.json")
    plot.draw(results, folder)
    if documented:
        report.write_page(f"![The figures as bars](bench/bench.svg)\n\n{text}", PAGE)


if __name__ == "__main__":
    main()
