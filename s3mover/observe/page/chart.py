"""Small pictures as inline SVG: steps over time, and one bar in parts. Pure; colours are the style sheet's classes.

No `style` attribute is ever written: the page's Content-Security-Policy forbids it.
"""

from collections.abc import Iterable, Sequence
from itertools import groupby
from math import floor, log10

HEIGHT = 100
_ROUND = (
    1,
    1.5,
    2,
    3,
    4,
    5,
    6,
    8,
    10,
    15,
)  # times a power of ten; the last is for what rounding left just above 10


def ceiling(highest: float) -> float:
    """Return the round number that a scale up to `highest`, which is above 0, ends with; its half is round, too."""
    power = 10.0 ** floor(log10(highest))
    return next(power * step for step in _ROUND if power * step >= highest)


def stacked(layers: Sequence[tuple[str, Sequence[float]]], top: float, label: str) -> str:
    """Draw layers of steps upon each other, the first one at the bottom; `top` is the height of the scale.

    Args:
        layers: for each its class and its values, as many as the others have.
        top: the value at the upper edge.
        label: what the picture says, in words.
    """
    width = len(layers[0][1])
    sums = [0.0] * width
    shapes = []
    for name, values in layers:
        sums = [below + value for below, value in zip(sums, values, strict=True)]
        shapes.append(f'<path class="{name}" d="{_outline(sums, top)}"/>')
    lines = "".join(f'<line x1="0" x2="{width}" y1="{y}" y2="{y}"/>' for y in (0, HEIGHT // 2, HEIGHT))
    # The lower a layer lies the later it is drawn, so that each hides what the sum above it counted twice.
    return (
        f'<svg viewBox="0 0 {width} {HEIGHT}" preserveAspectRatio="none" role="img" aria-label="{label}">'
        f"{lines}{''.join(reversed(shapes))}</svg>"
    )


def parted(parts: Sequence[tuple[str, int]]) -> str:
    """Draw one bar in parts, in proportion; what it says stands beside it in words."""
    whole = sum(part for _, part in parts)
    if not whole:
        return ""
    left, rectangles = 0.0, []
    for name, part in parts:
        width = 1000 * part / whole
        rectangles.append(f'<rect class="{name}" x="{left:.1f}" width="{width:.1f}" height="10"/>')
        left += width
    bars = "".join(rectangles)
    return (
        f'<svg class="split" viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden="true">{bars}</svg>'
    )


def swatch(name: str) -> str:
    """Draw the colour of a legend's entry."""
    return f'<svg viewBox="0 0 1 1" aria-hidden="true"><rect class="{name}" width="1" height="1"/></svg>'


def _outline(values: Iterable[float], top: float) -> str:
    """Return the path of steps that are one unit wide; equal neighbours are one step."""
    heights = (f"{HEIGHT - HEIGHT * value / top:.1f}".removesuffix(".0") for value in values)
    steps = "".join(f"V{height}h{len(list(same))}" for height, same in groupby(heights))
    return f"M0 {HEIGHT}{steps}V{HEIGHT}Z"
