"""The `deletions` commands: print the candidates for deletions at the destination, and approve the confirmed ones."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import chain

from s3mover.app.factories import pair_of
from s3mover.audit.deletion_trail import FIRST
from s3mover.audit.opening import open_reader
from s3mover.audit.trail import Trail
from s3mover.commands.csv_text import csv_line
from s3mover.commands.each_route import Echo, for_each_route
from s3mover.errors import ExitCode
from s3mover.model import DeletionCandidate, Pair
from s3mover.observe.text import human_size, to_json, utc_moment, visible
from s3mover.planning.deletion_guards import ListDigest
from s3mover.settings import Route, Settings, routes_of

ROWS_PER_PAGE = 1000
KEYS_PER_APPROVAL = 500
WAITING, CONFIRMED, APPROVED = "waiting", "confirmed", "approved"


def list_deletions(settings: Settings, echo: Echo, output: str) -> ExitCode:
    """Print the candidates of each route, as the last completed sweep left them.

    Raises:
        MoverError: the audit database cannot be read.
    """

    def print_list(route: Route) -> ExitCode:
        with closing(open_reader(route.settings.audit.url.value)) as trail:
            candidates = _candidates(trail, pair_of(route.settings))
            for line in _FORMATS[output](route, candidates):
                echo(line)
        return ExitCode.OK

    if output == "csv":
        echo(csv_line(["state", *_COLUMNS, *(["route"] if settings.routes else [])]))
    return for_each_route(settings, echo, print_list, headings=output == "table")


def approve_deletions(settings: Settings, echo: Echo, digest: str) -> ExitCode:
    """Approve the confirmed deletions of the route whose list has this digest; the limits do not apply to them.

    Raises:
        MoverError: the audit database cannot be used.
    """
    approved = [_approve(route, echo, digest) for route in routes_of(settings)]
    if any(approved):
        return ExitCode.OK
    echo(
        f"no list of confirmed deletions has the digest {digest}; `s3mover deletions list` shows it as it is now"
    )
    return ExitCode.SOME_FAILED


def _approve(route: Route, echo: Echo, digest: str) -> int:
    """Approve a route's list if it has the digest; return the number of approved deletions."""
    pair = pair_of(route.settings)
    with closing(open_reader(route.settings.audit.url.value)) as trail:
        current, keys = ListDigest(), list[str]()
        for candidate in _candidates(trail, pair):
            if candidate.is_confirmed:
                current.add(candidate)
                keys.append(candidate.key)
        if not keys or str(current) != digest:
            return 0
        parts = [keys[at : at + KEYS_PER_APPROVAL] for at in range(0, len(keys), KEYS_PER_APPROVAL)]
        approved = sum(trail.approve_candidates(pair, part) for part in parts)
    mode = route.settings.deletions.mode
    when = "the next completed sweep carries them out"
    if mode != "propagate":
        when = f"deletions.mode is {mode}, so they are carried out once it is propagate"
    echo(f"{route.name + ': ' if route.name else ''}{approved} deletions approved; {when}")
    return approved


def _candidates(trail: Trail, pair: Pair) -> Iterator[DeletionCandidate]:
    page, after = trail.candidates_after(pair, FIRST, ROWS_PER_PAGE)
    while page:
        yield from page
        page, after = trail.candidates_after(pair, after, ROWS_PER_PAGE)


class _Summary:
    """Counts the candidates by state while they are printed."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.digest = ListDigest()

    def state(self, candidate: DeletionCandidate) -> str:
        """Return the state of a candidate, and count it."""
        state = WAITING
        if candidate.is_confirmed:
            self.digest.add(candidate)
            state = APPROVED if candidate.is_approved else CONFIRMED
        self.counts[state] += 1
        return state


def _table(_route: Route, candidates: Iterator[DeletionCandidate]) -> Iterator[str]:
    first = next(candidates, None)
    if first is None:
        yield "no objects wait for a deletion, or for its confirmation"
        return
    summary = _Summary()
    yield f"{'state':<11}{'sweeps':>7}  {'missing since (UTC)':<21}{'size':>12}  key at the source"
    for one in chain([first], candidates):
        since = utc_moment(one.first_missed_at)[:19] if one.times_missed else "-"
        size = human_size(one.size)
        yield f"{summary.state(one):<11}{one.times_missed:>7}  {since:<21}{size:>12}  {visible(one.key)}"
    yield ", ".join(f"{summary.counts[state]} {state}" for state in (WAITING, CONFIRMED, APPROVED))
    if summary.counts[CONFIRMED]:
        yield f"to approve all confirmed ones, above the limits: s3mover deletions approve {summary.digest}"


def _json(route: Route, candidates: Iterator[DeletionCandidate]) -> Iterator[str]:
    summary = _Summary()
    yield "{" + (f'"route": {to_json(route.name).decode()}, ' if route.name else "") + '"candidates": ['
    separator = ""
    for candidate in candidates:
        yield f"{separator}{to_json(_columns(route, candidate, summary)).decode()}"
        separator = ","
    digest = str(summary.digest) if summary.counts[CONFIRMED] + summary.counts[APPROVED] else None
    yield f'], "counts": {to_json(dict(summary.counts)).decode()}, "digest": {to_json(digest).decode()}}}'


def _csv(route: Route, candidates: Iterator[DeletionCandidate]) -> Iterator[str]:
    summary = _Summary()
    for candidate in candidates:
        yield csv_line(_columns(route, candidate, summary).values())


_COLUMNS = (
    "key",
    "etag",
    "size",
    "times_missed",
    "first_missed_sweep",
    "first_missed_at",
    "last_missed_sweep",
    "last_missed_at",
)


def _columns(route: Route, candidate: DeletionCandidate, summary: _Summary) -> dict[str, object]:
    values = {name: getattr(candidate, name) for name in _COLUMNS}
    for name in ("first_missed_at", "last_missed_at"):
        values[name] = utc_moment(values[name]) if candidate.times_missed else None
    named = {"route": route.name} if route.name else {}
    return {"state": summary.state(candidate), **values, **named}


_FORMATS: dict[str, Callable[[Route, Iterator[DeletionCandidate]], Iterator[str]]] = {
    "table": _table,
    "json": _json,
    "csv": _csv,
}
