"""What the status page says in figures: the sweep under way or the last one, and the last hour. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from s3mover.observe.page import chart, humanize
from s3mover.observe.page.markup import shown
from s3mover.observe.text import human_size

Status = Mapping[str, Any]

_METHODS = (("copy", "server-side copy", "server_side_copy"), ("stream", "streaming", "streaming"))
_SHORTEST_STEP = 5.0  # seconds; a step that has only begun is not taken for a rate


class Figure(NamedTuple):
    """One number with its name; `unit` is written small, `alarming` is coloured."""

    name: str
    value: str
    unit: str = ""
    alarming: bool = False


def figures(status: Status) -> str:
    """Return the figures of the sweep under way, else those of the last one."""
    if status["sweep"] is not None:
        return _under_way(status["sweep"])
    if status["sweeps"]:
        return _list(_figures_of_last(status["sweeps"][0]))
    return ""


def _under_way(sweep: Status) -> str:
    return _bar(sweep) + _list(
        [
            Figure("Moved", humanize.count(sweep["succeeded"])),
            Figure("Waiting", humanize.count(sweep["waiting"]) + ("+" if sweep["listing"] else "")),
            Figure("Failed", humanize.count(sweep["failed"]), alarming=sweep["failed"] > 0),
            Figure("Needed nothing", humanize.count(sweep["skipped"])),
            Figure("Objects", humanize.rate(sweep["objects_per_second"]), " /s"),
            _sized("Throughput", sweep["bytes_per_second"], "/s"),
        ]
    )


def _bar(sweep: Status) -> str:
    """Draw how far the sweep is; a bar without a value says that it cannot be told yet."""
    progress, left = sweep["progress"], sweep["eta_seconds"]
    value = "" if progress is None else f' value="{progress:.4f}"'
    done = f"{humanize.count(sweep['listed'])} objects listed"
    if progress is not None:
        done = f"{100 * progress:.0f}% of sweep {sweep['sweep']}"
    ends = "" if left is None else f"<span>about {shown(humanize.duration(left))} left</span>"
    return (
        f'<progress max="1"{value} aria-label="Progress of the sweep">{shown(done)}</progress>'
        f'<p class="ends"><span>{shown(done)}, {humanize.duration(sweep["seconds"])} so far</span>{ends}</p>'
    )


def _figures_of_last(sweep: Status) -> list[Figure]:
    return [
        Figure("Moved", humanize.count(sweep["succeeded"])),
        Figure("Failed", humanize.count(sweep["failed"]), alarming=sweep["failed"] > 0),
        Figure("Needed nothing", humanize.count(sweep["skipped"])),
        Figure("Listed", humanize.count(sweep["listed"])),
        _sized("Size moved", sweep["bytes"]),
        Figure("Took", humanize.duration(sweep["seconds"])),
    ]


def _sized(name: str, size: float, per: str = "") -> Figure:
    number, _, unit = human_size(size).partition(" ")
    return Figure(name, number, f" {unit}{per}")


def _list(figures: Iterable[Figure]) -> str:
    return f"<dl>{''.join(map(_figure, figures))}</dl>"


def _figure(figure: Figure) -> str:
    unit = f"<small>{shown(figure.unit)}</small>" if figure.unit else ""
    alarm = ' class="bad"' if figure.alarming else ""
    return f"<div><dt>{shown(figure.name)}</dt><dd{alarm}>{shown(figure.value)}{unit}</dd></div>"


def hour(history: Status) -> str:
    """Return the last hour in a sentence, as a plot, and by method."""
    counts = [(css, name, history[method]) for css, name, method in _METHODS]
    counts.append(("failed", "failed", history["failed"]))
    if not any(sum(values) for _, _, values in counts):
        return '<p class="nothing">Nothing was moved in the last hour.</p>'
    layers = [(css, _per_second(values, history)) for css, _, values in counts]
    totals = [sum(step) for step in zip(*(values for _, values in layers), strict=True)]
    top = chart.ceiling(max(totals))
    label = f"{humanize.rate(totals[-1])} objects per second now, {humanize.rate(max(totals))} at most"
    return (
        f'<p class="soft small">{shown(label)} · {human_size(sum(history["bytes"]))} moved</p>'
        f'<div class="plot"><div class="up" aria-hidden="true"><span>{humanize.rate(top)} /s</span>'
        f"<span>{humanize.rate(top / 2)}</span><span>0</span></div>{chart.stacked(layers, top, shown(label))}"
        '<div class="along" aria-hidden="true"><span>60 min ago</span><span class="wide">45</span><span>30</span>'
        f'<span class="wide">15</span><span>now</span></div></div>{_split(counts)}'
    )


def _per_second(values: Sequence[int], history: Status) -> list[float]:
    last = max(_SHORTEST_STEP, history["last_step_seconds"])
    return [value / history["step_seconds"] for value in values[:-1]] + [values[-1] / last]


def _split(counts: Sequence[tuple[str, str, Sequence[int]]]) -> str:
    sums = [(css, name, sum(values)) for css, name, values in counts]
    whole = sum(number for _, _, number in sums)
    entries = "".join(
        f'<li>{chart.swatch(css)}{shown(name)} <span class="soft">{humanize.count(number)}, '
        f"{shown(humanize.percent(number, whole))}</span></li>"
        for css, name, number in sums
    )
    return chart.parted([(css, number) for css, _, number in sums]) + f'<ul class="legend">{entries}</ul>'
