"""Charts as inline SVG: stacked steps over time, and a bar in proportional parts. Pure.

Colours come from classes of the style sheet; no `style` attribute is used, as the Content-Security-Policy forbids it.
"""

from collections.abc import Iterable, Sequence
from itertools import groupby
from math import floor, log10

HEIGHT = 100
# Times a power of ten; the last covers a value that rounding left just above 10.
_ROUND = (1, 1.5, 2, 3, 4, 5, 6, 8, 10, 15)


def ceiling(highest: float) -> float:
    """Return the upper end of a scale for values up to `highest`, above 0: a round number, as is its half."""
    power = 10.0 ** floor(log10(highest))
    return next(power * step for step in _ROUND if power * step >= highest)


def stacked(layers: Sequence[tuple[str, Sequence[float]]], top: float, label: str) -> str:
    """Draw stacked layers of steps, the first layer at the bottom.

    Args:
        layers: the class and the values of each layer; all have the same number of values.
        top: the value at the upper edge.
        label: a description of the chart in words.
    """
    width = len(layers[0][1])
    sums = [0.0] * width
    paths = []
    for name, values in layers:
        sums = [below + value for below, value in zip(sums, values, strict=True)]
        paths.append(f'<path class="{name}" d="{_outline(sums, top)}"/>')
    lines = "".join(f'<line x1="0" x2="{width}" y1="{y}" y2="{y}"/>' for y in (0, HEIGHT // 2, HEIGHT))
    # Each path is filled down to zero, so lower layers are drawn later, over the sums that include them.
    return (
        f'<svg viewBox="0 0 {width} {HEIGHT}" preserveAspectRatio="none" role="img" aria-label="{label}">'
        f"{lines}{''.join(reversed(paths))}</svg>"
    )


def proportional_bar(parts: Sequence[tuple[str, int]]) -> str:
    """Draw one bar with a part for each class and count; hidden from screen readers, as the legend has the numbers."""
    whole = sum(part for _, part in parts)
    if not whole:
        return ""
    left, rectangles = 0.0, []
    for name, part in parts:
        width = 1000 * part / whole
        rectangles.append(f'<rect class="{name}" x="{left:.1f}" width="{width:.1f}" height="10"/>')
        left += width
    return (
        '<svg class="split" viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden="true">'
        f"{''.join(rectangles)}</svg>"
    )


def swatch(name: str) -> str:
    """Draw the colour of a legend's entry."""
    return f'<svg viewBox="0 0 1 1" aria-hidden="true"><rect class="{name}" width="1" height="1"/></svg>'


def _outline(values: Iterable[float], top: float) -> str:
    """Return the path of steps of unit width; equal neighbours become one step."""
    heights = (f"{HEIGHT - HEIGHT * value / top:.1f}".removesuffix(".0") for value in values)
    steps = "".join(f"V{height}h{len(list(same))}" for height, same in groupby(heights))
    return f"M0 {HEIGHT}{steps}V{HEIGHT}Z"
