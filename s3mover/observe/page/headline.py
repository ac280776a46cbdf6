"""The headline of the status page and the sentence below it, derived from `/status`. Pure; contains no HTML.

The first condition that holds decides:

| condition | headline | severity |
|---|---|---|
| there is no heartbeat from the sweep loop | Sweep loop stalled | bad |
| the audit database is unavailable | Audit database unavailable | bad |
| objects are being moved | Moving objects | busy |
| the start failed | Cannot start | bad |
| neither idle nor sweeping | the name of the state | calm |
| no window of sweep.windows is open | Waiting for the next window | calm |
| a limit of costs is reached | Cost limit reached | warn |
| no sweep has finished | Ready | calm |
| the last sweep failed, or was interrupted | Last sweep failed (was interrupted) | bad (warn) |
| objects of the last sweep failed, or wait for a retry | N objects could not be moved | warn |
| deletions at the destination were refused, or failed | N deletions refused (failed) | warn |
| else | Up to date | good |
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from s3mover.observe.page import Status, humanize


class Severity(StrEnum):
    """How urgent a headline is; each has a class in the style sheet."""

    GOOD = "good"
    BUSY = "busy"
    WARN = "warn"
    BAD = "bad"
    CALM = "calm"


class Headline(NamedTuple):
    """A headline, with a sentence that explains it."""

    severity: Severity
    text: str
    sentence: str


_STATES = {
    "starting": Headline(Severity.CALM, "Starting", "Connecting to both buckets and to the audit database."),
    "stopping": Headline(
        Severity.CALM, "Stopping", "Transfers in progress are finished and recorded. No new ones start."
    ),
}

_URGENT_FIRST = (Severity.BAD, Severity.WARN, Severity.BUSY, Severity.GOOD, Severity.CALM)


def overall_headline(routes: Sequence[Status]) -> Headline:
    """Return the most urgent headline of all routes, with the route's name if something is wrong."""
    headlines = [(headline_of(route), route["route"]) for route in routes]
    headline, route = min(headlines, key=lambda pair: _URGENT_FIRST.index(pair[0].severity))
    if headline.severity in {Severity.BAD, Severity.WARN}:
        return headline._replace(text=f"{route}: {headline.text}")
    return headline


def headline_of(status: Status) -> Headline:
    """Return the headline for the status of one pair of buckets."""
    if not status["healthy"]:
        reason = _sentence(status["health"])
        return Headline(Severity.BAD, "Sweep loop stalled", f"{reason} If this persists, restart s3mover.")
    if not status["audit_available"]:
        sentence = (
            "No new transfers start until it is back. Results of transfers in progress are recorded then."
        )
        return Headline(Severity.BAD, "Audit database unavailable", sentence)
    if status["state"] == "sweeping":
        return _sweeping(status)
    if status["state"] == "idle":
        return _idle(status)
    if status["state"] == "starting" and status.get("problem"):
        return Headline(Severity.BAD, "Cannot start", f"{_sentence(status['problem'])} Retrying.")
    return _calm(status)


def _calm(status: Status) -> Headline:
    if status["state"] == "standby":
        return _standing_by(status)
    if status["state"] == "paused":
        return Headline(Severity.CALM, "Paused", _pause(status))
    return _STATES.get(status["state"], Headline(Severity.CALM, status["state"].capitalize(), ""))


def _pause(status: Status) -> str:
    """Return what a pause means, since when it is and who paused the work."""
    sentence = "No new transfers start until s3mover resume is run."
    if pause := status.get("pause"):
        reason = f": {pause['reason']}" if pause["reason"] else ""
        sentence += f" Paused at {humanize.clock(pause['paused_at'])} by {pause['by']}{reason}."
    return sentence


def _standing_by(status: Status) -> Headline:
    leader = status.get("leader")
    leads = (
        f"{leader['name']} leads, and its figures are shown here." if leader else "Another instance leads."
    )
    pause = f" {_pause(status)}" if status.get("pause") else ""
    return Headline(
        Severity.CALM, "Standby", f"{leads} This instance takes over when the leader ends.{pause}"
    )


def _sweeping(status: Status) -> Headline:
    """Most sweeps find nothing to move; they keep the headline of the last sweep, so that the page does not flicker."""
    sweep = status["sweep"]
    if sweep is None or not sweep["succeeded"] + sweep["failed"] + sweep["waiting"]:
        if not status["sweeps"]:
            return Headline(Severity.BUSY, "Listing", "Listing and comparing both buckets.")
        last = _idle(status)
        return last._replace(sentence=f"{last.sentence} The next sweep is running.")
    counts = [_objects(sweep["succeeded"], "moved so far")]
    if sweep["failed"]:
        counts.append(f"{humanize.count(sweep['failed'])} failed")
    return Headline(Severity.BUSY, "Moving objects", f"{', '.join(counts)}.")


def _idle(status: Status) -> Headline:
    if not status.get("window_open", True):
        opens_at = status.get("window_opens_at")
        sentence = (
            f"It opens at {humanize.clock(opens_at)}."
            if opens_at
            else "No window in sweep.windows ever opens."
        )
        return Headline(Severity.CALM, "Waiting for the next window", sentence)
    if reached := status.get("cost", {}).get("limit_reached"):
        sentence = (
            f"{_sentence(reached)} No new transfers start until the next day, or until the limit is raised."
        )
        return Headline(Severity.WARN, "Cost limit reached", sentence)
    if not status["sweeps"]:
        return Headline(Severity.CALM, "Ready", "No sweep has finished yet.")
    last = _last_sweep(status["sweeps"][0], status["now"])
    next_sweep_at = status.get("next_sweep_at")
    if next_sweep_at is None:
        return last
    due = humanize.ahead(next_sweep_at, status["now"])
    return last._replace(sentence=f"{last.sentence} The next sweep starts {due}.")


def _last_sweep(sweep: Status, now: str) -> Headline:
    if sweep["status"] == "failed":
        return Headline(Severity.BAD, "Last sweep failed", f"{_sentence(sweep['message'])} Retrying.")
    if sweep["status"] == "interrupted":
        return Headline(
            Severity.WARN, "Last sweep was interrupted", "The next sweep moves what is still missing."
        )
    finished = f"Last sweep finished {humanize.ago(sweep['ended_at'], now)}"
    if unmoved := sweep["failed"] + sweep["postponed"]:
        retry = "with increasing delays" if sweep["postponed"] else "in the next sweep"
        text = _objects(unmoved, "could not be moved")
        return Headline(
            Severity.WARN, text, f"{finished}. They are retried {retry}; see below for what to do."
        )
    if deletions := _deletions(sweep.get("deletions"), finished):
        return deletions
    moved = _objects(sweep["succeeded"], "moved") if sweep["succeeded"] else "nothing to move"
    return Headline(Severity.GOOD, "Up to date", f"{finished}: {moved}.")


def _deletions(counts: Status | None, finished: str) -> Headline | None:
    """Return the headline for deletions that were refused, or failed; None if there are none."""
    if counts is None:
        return None
    if counts["refusal"] and counts["propagates"]:
        number = counts["confirmed"] or counts["waiting"]
        text = f"{humanize.count(number)} deletions refused"
        sentence = (
            f"{finished}. Not deleted at the destination: {counts['refusal']}. Run s3mover deletions list."
        )
        return Headline(Severity.WARN, text, sentence)
    if counts["failed"]:
        text = f"{humanize.count(counts['failed'])} deletions failed"
        return Headline(Severity.WARN, text, f"{finished}. They are retried with increasing delays.")
    return None


def _objects(number: int, what: str) -> str:
    return f"{humanize.count(number)} {'object' if number == 1 else 'objects'} {what}"


def _sentence(text: str) -> str:
    """Return a message as a sentence: with an initial capital and a full stop."""
    return f"{text[:1].upper()}{text[1:].rstrip('.')}." if text else ""
