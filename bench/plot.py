"""The picture: one panel per benchmark and case, a bar per subject."""

from collections.abc import Iterable
from pathlib import Path

from bench.figures import Figure, Result

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
    for axis, ((bench, case, unit), shown) in zip(axes.flat, panels.items(), strict=False):
        axis.set_visible(True)
        names = [one.who for one in reversed(shown)]
        values = [one.value for one in reversed(shown)]
        bars = axis.barh(names, values, color=[OURS if "s3mover" in name else THEIRS for name in names])
        axis.bar_label(bars, labels=[f" {value:,.4g}" for value in values], fontsize=8)
        axis.set_title(f"{bench}: {case} ({unit})", fontsize=9)
        axis.tick_params(labelsize=8)
        axis.margins(x=0.2)
        axis.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    for kind in ("png", "svg"):
        figure.savefig(folder / f"bench.{kind}", dpi=120)
    plt.close(figure)


def _panels(results: Iterable[Result]) -> dict[tuple[str, str, str], list[Figure]]:
    panels: dict[tuple[str, str, str], list[Figure]] = {}
    for result in results:
        for one in result.figures:
            if any(one.rounds):
                panels.setdefault((one.bench, one.case, one.unit), []).append(one)
    return panels
