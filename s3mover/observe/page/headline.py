"""Says in a headline and a sentence how things stand, from what `/status` tells. Pure decisions, no HTML.

The first that holds, from above:

| holds | headline | tone |
|---|---|---|
| the loop gives no sign of life | Hanging | bad |
| the audit database is away | Waiting for the audit database | bad |
| something is being moved | Moving objects | busy |
| a start that met a problem | Cannot begin | bad |
| neither idle nor looking | the state's own | calm |
| no window of sweep.windows is open | Waiting for its window | calm |
| no sweep has ended | Ready | calm |
| the last sweep failed, or was interrupted | The last sweep failed (was interrupted) | bad (warn) |
| objects of the last sweep failed, or wait after failing | N objects could not be moved | warn |
| else | Up to date | good |
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple

from s3mover.observe.page import humanize


class Severity(StrEnum):
    """How serious it is; the style sheet gives each its colour."""

    GOOD = "good"
    BUSY = "busy"
    WARN = "warn"
    BAD = "bad"
    CALM = "calm"


class Headline(NamedTuple):
    """How things stand."""

    tone: Severity
    headline: str
    sentence: str


_STATES = {
    "starting": Headline(Severity.CALM, "Starting", "Connecting to both buckets and to the audit database."),
    "standby": Headline(
        Severity.CALM,
        "Standing by",
        "Another instance works on these buckets; this one takes over when it ends.",
    ),
    "stopping": Headline(
        Severity.CALM, "Stopping", "What is in flight ends and is recorded; nothing new is begun."
    ),
    "paused": Headline(Severity.CALM, "Paused", "Nothing is swept until it is told to go on."),
}


# From what is worth looking at first to what needs nobody.
_WORST_FIRST = (Severity.BAD, Severity.WARN, Severity.BUSY, Severity.GOOD, Severity.CALM)


def overall_headline(routes: Sequence[Mapping[str, Any]]) -> Headline:
    """Return the verdict on the route that most deserves a look; it is named where something is wrong."""
    verdicts = [(headline_of(route), route["route"]) for route in routes]
    worst, name = min(verdicts, key=lambda one: _WORST_FIRST.index(one[0].tone))
    if worst.tone in {Severity.BAD, Severity.WARN}:
        return worst._replace(headline=f"{name}: {worst.headline}")
    return worst


def headline_of(status: Mapping[str, Any]) -> Headline:
    """Return how things stand."""
    if not status["healthy"]:
        return Headline(
            Severity.BAD, "Hanging", f"{_sentence(status['health'])} Where that does not end, restart it."
        )
    if not status["audit_available"]:
        said = "Nothing new is begun until it answers. What was in flight is kept and recorded then."
        return Headline(Severity.BAD, "Waiting for the audit database", said)
    if status["state"] == "sweeping":
        return _sweeping(status)
    if status["state"] == "idle":
        return _idle(status)
    if status["state"] == "starting" and status.get("problem"):
        return Headline(Severity.BAD, "Cannot begin", f"{_sentence(status['problem'])} It is tried again.")
    return _STATES.get(status["state"], Headline(Severity.CALM, status["state"].capitalize(), ""))


def _sweeping(status: Mapping[str, Any]) -> Headline:
    """A sweep that finds nothing to move, as most do, leaves the last one's verdict standing: no flicker."""
    sweep = status["sweep"]
    if sweep is None or not sweep["succeeded"] + sweep["failed"] + sweep["waiting"]:
        if not status["sweeps"]:
            return Headline(Severity.BUSY, "Looking", "Both buckets are listed side by side.")
        last = _idle(status)
        return last._replace(sentence=f"{last.sentence} Looking again now.")
    told = [_objects(sweep["succeeded"], "moved so far")]
    if sweep["failed"]:
        told.append(f"{humanize.count(sweep['failed'])} failed")
    return Headline(Severity.BUSY, "Moving objects", f"{', '.join(told)}.")


def _idle(status: Mapping[str, Any]) -> Headline:
    if not status.get("window_open", True):
        opens = status.get("window_opens_at")
        said = f"New work begins at {humanize.clock(opens)}." if opens else "None is set that ever opens."
        return Headline(Severity.CALM, "Waiting for its window", said)
    if not status["sweeps"]:
        return Headline(Severity.CALM, "Ready", "No sweep has ended yet.")
    last = _judge_last(status["sweeps"][0], status["now"])
    following = status.get("next_sweep_at")
    if following is None:
        return last
    return last._replace(
        sentence=f"{last.sentence} The next one begins {humanize.ahead(following, status['now'])}."
    )


def _judge_last(last: Mapping[str, Any], now: str) -> Headline:
    if last["status"] == "failed":
        return Headline(
            Severity.BAD, "The last sweep failed", f"{_sentence(last['message'])} It is tried again."
        )
    if last["status"] == "interrupted":
        return Headline(
            Severity.WARN, "The last sweep was interrupted", "The next one goes on with what is missing."
        )
    ended = f"The last sweep ended {humanize.ago(last['ended_at'], now)}"
    if behind := last["failed"] + last["postponed"]:
        headline = _objects(behind, "could not be moved")
        again = (
            "They are tried again, after waits that grow"
            if last["postponed"]
            else "The next sweep tries again"
        )
        return Headline(Severity.WARN, headline, f"{ended}. {again}; below stands what to do.")
    moved = _objects(last["succeeded"], "moved") if last["succeeded"] else "everything was in place"
    return Headline(Severity.GOOD, "Up to date", f"{ended}: {moved}.")


def _objects(number: int, what: str) -> str:
    return f"{humanize.count(number)} {'object' if number == 1 else 'objects'} {what}"


def _sentence(text: str) -> str:
    """Return a message as a sentence: a capital at its beginning, a stop at its end."""
    return f"{text[:1].upper()}{text[1:].rstrip('.')}." if text else ""
