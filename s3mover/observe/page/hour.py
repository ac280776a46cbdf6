"""The last hour on the status page: a sentence, a chart over time, and the totals by method. Pure."""

from collections.abc import Sequence

from s3mover.observe.page import Status, chart, humanize
from s3mover.observe.page.markup import escaped
from s3mover.observe.text import human_size

# The class, the name and the values of each layer.
Layers = Sequence[tuple[str, str, Sequence[int]]]

_LAYERS = (
    ("copy", "server-side copy", "server_side_copy"),
    ("stream", "streaming", "streaming"),
    ("failed", "failed", "failed"),
)
_SHORTEST_STEP = 5.0  # seconds; a rate over less than this would jump


def last_hour(history: Status) -> str:
    """Return the last hour as HTML."""
    layers = [(css, name, history[field]) for css, name, field in _LAYERS]
    if not any(sum(values) for _, _, values in layers):
        return '<p class="nothing">No objects were moved in the last hour.</p>'
    rates = [(css, _per_second(values, history)) for css, _, values in layers]
    totals = [sum(step) for step in zip(*(values for _, values in rates), strict=True)]
    label = f"{humanize.rate(totals[-1])} objects per second now, peak {humanize.rate(max(totals))}"
    size = human_size(sum(history["bytes"]))
    return (
        f'<p class="soft small">{escaped(label)} · {size} moved</p>'
        f"{_plot(rates, chart.ceiling(max(totals)), label)}{_totals(layers)}"
    )


def _per_second(values: Sequence[int], history: Status) -> list[float]:
    last = max(_SHORTEST_STEP, history["last_step_seconds"])
    return [value / history["step_seconds"] for value in values[:-1]] + [values[-1] / last]


def _plot(rates: Sequence[tuple[str, Sequence[float]]], top: float, label: str) -> str:
    return (
        f'<div class="plot"><div class="up" aria-hidden="true"><span>{humanize.rate(top)} /s</span>'
        f"<span>{humanize.rate(top / 2)}</span><span>0</span></div>{chart.stacked(rates, top, escaped(label))}"
        '<div class="along" aria-hidden="true"><span>60 min ago</span><span class="wide">45</span><span>30</span>'
        '<span class="wide">15</span><span>now</span></div></div>'
    )


def _totals(layers: Layers) -> str:
    sums = [(css, name, sum(values)) for css, name, values in layers]
    whole = sum(number for _, _, number in sums)
    entries = "".join(
        f'<li>{chart.swatch(css)}{escaped(name)} <span class="soft">{humanize.count(number)}, '
        f"{escaped(humanize.percent(number, whole))}</span></li>"
        for css, name, number in sums
    )
    bar = chart.proportional_bar([(css, number) for css, _, number in sums])
    return f'{bar}<ul class="legend">{entries}</ul>'
