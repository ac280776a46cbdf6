"""The picture: one panel per benchmark and case, a bar per subject; one per benchmark where s3mover is alone."""

from collections.abc import Iterable
from pathlib import Path

from bench.figures import Figure, Result
from bench.report import number

OURS, THEIRS = "#0b7285", "#adb5bd"
COLUMNS = 3


def draw(results: Iterable[Result], folder: Path) -> None:
    """Write `bench.png` and `bench.svg` into `folder`."""
    import matplotlib as mpl  # noqa: PLC0415 - takes a second, which single benchmarks need not wait for

    mpl.use("Agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415 - as above

    panels = _panels(results)
    lines = -(-len(panels) // COLUMNS)
    figure, axes = plt.subplots(lines, COLUMNS, figsize=(14, 2.4 * lines), squeeze=False)
    for axis in axes.flat:
        axis.set_visible(False)
    for axis, ((title, unit), shown) in zip(axes.flat, panels.items(), strict=False):
        axis.set_visible(True)
        alone = len({one.who for one in shown}) == 1
        names = [one.case if alone else one.who for one in reversed(shown)]
        values = [one.value for one in reversed(shown)]
        bars = axis.barh(
            names, values, color=[OURS if "s3mover" in one.who else THEIRS for one in reversed(shown)]
        )
        axis.bar_label(bars, labels=[f" {number(value)}" for value in values], fontsize=8)
        axis.set_title(f"{title} ({unit})", fontsize=9)
        axis.tick_params(labelsize=8)
        axis.locator_params(axis="x", nbins=5)
        axis.margins(x=0.2)
        axis.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    for kind in ("png", "svg"):
        figure.savefig(folder / f"bench.{kind}", dpi=120)
    plt.close(figure)


def _panels(results: Iterable[Result]) -> dict[tuple[str, str], list[Figure]]:
    panels: dict[tuple[str, str], list[Figure]] = {}
    for result in results:
        alone = len({one.who for one in result.figures}) == 1
        for one in result.figures:
            title = one.bench if alone else f"{one.bench}: {one.case}"
            if any(one.rounds):
                panels.setdefault((title, one.unit), []).append(one)
    return panels
