"""The status page for people: one HTML document made from what `/status` tells. Pure.

The page is whole without JavaScript; the script only takes over what has changed. Style and script are part of
the document and named by their hashes in the Content-Security-Policy, so nothing else can run, whatever a key holds:
each text passes `shown` on its way into the page.
"""

import re
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from html import escape
from importlib.resources import files
from string import Template
from typing import Any, NamedTuple
from urllib.parse import quote

from s3mover.observe import drawing, humanised
from s3mover.observe.advice import advice_for
from s3mover.observe.text import human_size, visible
from s3mover.observe.verdict import Tone, Verdict, judge

Status = Mapping[str, Any]

_ASSETS = files("s3mover.observe") / "assets"
_STYLE = (_ASSETS / "page.css").read_text(encoding="utf-8")
_SCRIPT = (_ASSETS / "page.js").read_text(encoding="utf-8")
_PAGE = Template((_ASSETS / "page.html").read_text(encoding="utf-8"))
_METHODS = (("copy", "server-side copy", "server_side_copy"), ("stream", "streaming", "streaming"))
# The name of each request differs, so failures that are alike would not be seen as such.
_REQUEST = re.compile(r" \(request [^()]*\)$")
_SHORTEST_STEP = 5.0  # seconds; a step that has only begun is not taken for a rate
_ICON_COLOURS = {
    Tone.GOOD: "#18794e",
    Tone.BUSY: "#2468c8",
    Tone.WARN: "#b26a00",
    Tone.BAD: "#c02b2b",
    Tone.CALM: "#6a7486",
}


def _hashed(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


POLICY = "; ".join(
    [
        "default-src 'none'",
        f"style-src {_hashed(_STYLE)}",
        f"script-src {_hashed(_SCRIPT)}",
        "img-src data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
)
"""The page's Content-Security-Policy (W3C CSP Level 3)."""


class Figure(NamedTuple):
    """One number with its name; `unit` is written small, `alarming` is coloured."""

    name: str
    value: str
    unit: str = ""
    alarming: bool = False


def render(status: Status) -> bytes:
    """Return the page for what `StatusBoard.status` told."""
    verdict = judge(status)
    page = _PAGE.substitute(
        title=shown(f"{verdict.headline} · s3mover"),
        icon=_icon(verdict.tone),
        style=_STYLE,
        script=_SCRIPT,
        pair=_isolated(status["pair"].replace(" -> ", " → ")),
        tone=verdict.tone,
        headline=shown(verdict.headline),
        now=_now(status, verdict),
        routes="",
        hour=_hour(status["history"]),
        failures=_failures(status["failures"], status["now"]),
        sweeps=_sweeps(status["sweeps"], status["now"]),
        about=_about(status),
    )
    return page.encode("utf-8", "backslashreplace")


def shown(text: object) -> str:
    """Return a text as HTML that shows it and nothing else: escaped, and with what does not print made visible."""
    return escape(visible(str(text)))


def _isolated(text: str) -> str:
    """Return a text that may run from right to left, kept from turning what stands around it."""
    return f"<bdi>{shown(text)}</bdi>"


def _icon(tone: Tone) -> str:
    circle = f"<circle cx='8' cy='8' r='7' fill='{_ICON_COLOURS[tone]}'/>"
    return "data:image/svg+xml," + quote(
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'>{circle}</svg>"
    )


def _now(status: Status, verdict: Verdict) -> str:
    said = f'<p class="said">{shown(verdict.sentence)}</p>'
    if status["sweep"] is not None:
        return said + _under_way(status["sweep"])
    if status["sweeps"]:
        return said + _list(_figures_of_last(status["sweeps"][0]))
    return said


def _under_way(sweep: Status) -> str:
    return _bar(sweep) + _list(
        [
            Figure("Moved", humanised.count(sweep["succeeded"])),
            Figure("Waiting", humanised.count(sweep["waiting"]) + ("+" if sweep["listing"] else "")),
            Figure("Failed", humanised.count(sweep["failed"]), alarming=sweep["failed"] > 0),
            Figure("Needed nothing", humanised.count(sweep["skipped"])),
            Figure("Objects", humanised.rate(sweep["objects_per_second"]), " /s"),
            _sized("Throughput", sweep["bytes_per_second"], "/s"),
        ]
    )


def _bar(sweep: Status) -> str:
    """Draw how far the sweep is; a bar without a value says that it cannot be told yet."""
    progress, left = sweep["progress"], sweep["eta_seconds"]
    value = "" if progress is None else f' value="{progress:.4f}"'
    done = f"{humanised.count(sweep['listed'])} objects listed"
    if progress is not None:
        done = f"{100 * progress:.0f}% of sweep {sweep['sweep']}"
    ends = "" if left is None else f"<span>about {shown(humanised.duration(left))} left</span>"
    return (
        f'<progress max="1"{value} aria-label="Progress of the sweep">{shown(done)}</progress>'
        f'<p class="ends"><span>{shown(done)}, {humanised.duration(sweep["seconds"])} so far</span>{ends}</p>'
    )


def _figures_of_last(sweep: Status) -> list[Figure]:
    return [
        Figure("Moved", humanised.count(sweep["succeeded"])),
        Figure("Failed", humanised.count(sweep["failed"]), alarming=sweep["failed"] > 0),
        Figure("Needed nothing", humanised.count(sweep["skipped"])),
        Figure("Listed", humanised.count(sweep["listed"])),
        _sized("Size moved", sweep["bytes"]),
        Figure("Took", humanised.duration(sweep["seconds"])),
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


def _hour(history: Status) -> str:
    counts = [(css, name, history[method]) for css, name, method in _METHODS]
    counts.append(("failed", "failed", history["failed"]))
    if not any(sum(values) for _, _, values in counts):
        return '<p class="nothing">Nothing was moved in the last hour.</p>'
    layers = [(css, _per_second(values, history)) for css, _, values in counts]
    totals = [sum(step) for step in zip(*(values for _, values in layers), strict=True)]
    top = drawing.ceiling(max(totals))
    label = f"{humanised.rate(totals[-1])} objects per second now, {humanised.rate(max(totals))} at most"
    return (
        f'<p class="soft small">{shown(label)} · {human_size(sum(history["bytes"]))} moved</p>'
        f'<div class="plot"><div class="up" aria-hidden="true"><span>{humanised.rate(top)} /s</span>'
        f"<span>{humanised.rate(top / 2)}</span><span>0</span></div>{drawing.stacked(layers, top, shown(label))}"
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
        f'<li>{drawing.swatch(css)}{shown(name)} <span class="soft">{humanised.count(number)}, '
        f"{shown(humanised.percent(number, whole))}</span></li>"
        for css, name, number in sums
    )
    return drawing.parted([(css, number) for css, _, number in sums]) + f'<ul class="legend">{entries}</ul>'


def _failures(failures: Sequence[Status], now: str) -> str:
    if not failures:
        return '<p class="nothing">None since the start.</p>'
    by_code: dict[str, list[Status]] = {}
    for failure in _latest_by_key(failures):
        by_code.setdefault(failure["code"], []).append(failure)
    return "".join(_failures_of(code, those, now) for code, those in by_code.items())


def _latest_by_key(failures: Sequence[Status]) -> list[Status]:
    """Return each object's newest failure: one that fails in every sweep is told once."""
    latest: dict[str, Status] = {}
    for failure in failures:
        latest.setdefault(failure["key"], failure)
    return list(latest.values())


def _failures_of(code: str, failures: Sequence[Status], now: str) -> str:
    objects = "1 object" if len(failures) == 1 else f"{len(failures)} objects"
    by_message: dict[str, list[Status]] = {}
    for failure in failures:
        by_message.setdefault(_REQUEST.sub("", failure["message"]), []).append(failure)
    items = "".join(_failures_alike(message, those, now) for message, those in by_message.items())
    return (
        f'<article><h3><code>{shown(code or "no code")}</code> <span class="soft">{objects}</span></h3>'
        f'<p class="advice">{shown(advice_for(code))}</p>{items}</article>'
    )


def _failures_alike(message: str, failures: Sequence[Status], now: str) -> str:
    why = f'<p class="why">{_isolated(message)}</p>' if message else ""
    items = "".join(f"<li>{_failed_object(failure, now)}</li>" for failure in failures)
    return f'{why}<ul class="objects">{items}</ul>'


def _failed_object(failure: Status, now: str) -> str:
    attempts = "" if failure["attempts"] <= 1 else f"{failure['attempts']} attempts, "
    when = f"{attempts}{_when(failure['at'], now)}"
    return f'<bdi class="key">{shown(failure["key"])}</bdi> <span class="soft">{when}</span>'


def _when(moment: str, now: str) -> str:
    exact = f'datetime="{shown(moment)}" title="{shown(humanised.clock(moment))}"'
    return f"<time {exact}>{shown(humanised.ago(moment, now))}</time>"


def _sweeps(sweeps: Sequence[Status], now: str) -> str:
    if not sweeps:
        return '<p class="nothing">No sweep has ended since the start.</p>'
    head = (
        "<tr><th>Sweep</th><th>Ended</th><th class=n>Moved</th><th class=n>Failed</th>"
        '<th class="n wide">Needed nothing</th><th class="n wide">Size</th><th class=n>Took</th></tr>'
    )
    return f"<table><thead>{head}</thead><tbody>{''.join(_sweep(sweep, now) for sweep in sweeps)}</tbody></table>"


_TONES = {"completed": Tone.GOOD, "failed": Tone.BAD, "interrupted": Tone.WARN}


def _sweep(sweep: Status, now: str) -> str:
    failed = "bad n" if sweep["failed"] else "n"
    said = f'<tr><td colspan="7" class="message">{_isolated(sweep["message"])}</td></tr>'
    return (
        f"<tr><td>{_mark(sweep)}</td><td>{_when(sweep['ended_at'], now)}</td>"
        f'<td class="n">{humanised.count(sweep["succeeded"])}</td>'
        f'<td class="{failed}">{humanised.count(sweep["failed"])}</td>'
        f'<td class="n wide">{humanised.count(sweep["skipped"])}</td>'
        f'<td class="n wide">{human_size(sweep["bytes"])}</td>'
        f'<td class="n">{humanised.duration(sweep["seconds"])}</td></tr>{said if sweep["message"] else ""}'
    )


def _mark(sweep: Status) -> str:
    """Return the sweep's number and status; a small screen has room for the status only where it is not the usual."""
    status = str(sweep["status"])
    usual = status == "completed"
    tone = Tone.WARN if usual and sweep["failed"] else _TONES.get(status, Tone.CALM)
    told = "soft wide" if usual else "soft"
    return f'<span class="mark {tone}">{sweep["sweep"]}</span> <span class="{told}">{shown(status)}</span>'


def _about(status: Status) -> str:
    parts = [f"s3mover {status['version']}"]
    if "threads" in status:
        processes = "1 process" if status["processes"] == 1 else f"{status['processes']} processes"
        parts.append(f"{status['threads']} threads in {processes}")
    parts += [f"{limit} requests at once to the {side}" for side, limit in status["limits"].items()]
    return shown(" · ".join(parts))
