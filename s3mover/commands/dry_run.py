"""The `sweep --dry-run` command: lists and compares, and prints what a sweep would transfer and delete."""

import tempfile
import time
from collections import Counter
from contextlib import closing

from s3mover.app.factories import deletion_policy_of, pair_of
from s3mover.app.listings import plan_of
from s3mover.audit.trail import Trail
from s3mover.commands.each_route import Echo, for_each_route
from s3mover.commands.limited_endpoints import ignore_event, open_limited_endpoints
from s3mover.commands.trail_decisions import asking_trail, opened_trail
from s3mover.errors import ExitCode
from s3mover.model import WAITING
from s3mover.observe.text import human_size, visible
from s3mover.planning.page_diff import PageDiff
from s3mover.settings import Settings
from s3mover.sweep.deletions.preview import DeletionPreview
from s3mover.sweep.stats import UNUSABLE_MESSAGE


def dry_run(settings: Settings, echo: Echo) -> ExitCode:
    """Print what a sweep of each route would transfer, and what it would delete at the destination.

    Raises:
        MoverError: a bucket cannot be listed.
    """
    return for_each_route(settings, echo, lambda route: _dry_run(route.settings, echo))


def _dry_run(settings: Settings, echo: Echo) -> ExitCode:
    listed = waiting = size = 0
    reasons: Counter[str] = Counter()
    with (
        open_limited_endpoints(settings) as endpoints,
        closing(plan_of(settings, endpoints, ignore_event).diffs()) as diffs,
        opened_trail(settings, echo) as trail,
        _Deletions(settings, trail, echo) as deletions,
    ):
        for diff in map(asking_trail(settings, trail), diffs):
            listed += diff.listed
            waiting += diff.skipped.get(WAITING, 0)
            for key in diff.unusable:
                echo(f"cannot transfer {visible(key)}: {UNUSABLE_MESSAGE}")
            for entry, reason in diff.transfers:
                reasons[reason] += 1
                size += entry.size
                echo(f"would transfer {visible(entry.key)} ({human_size(entry.size)}, {reason})")
            deletions.add(diff)
        deletions.conclude()
    by_reason = ", ".join(f"{reason}: {count}" for reason, count in sorted(reasons.items())) or "nothing"
    echo(f"{listed} listed, {reasons.total()} to transfer, {human_size(size)} ({by_reason})")
    if waiting:
        echo(f"{waiting} wait after failing; `s3mover retry --all` retries them in the next sweep")
    return ExitCode.OK


class _Deletions:
    """Prints what would be deleted, and why each other object that only the destination has would not.

    Whether the limits permit it is known when all are counted: until then the names of what would be deleted are in a
    file.
    """

    def __init__(self, settings: Settings, trail: Trail | None, echo: Echo) -> None:
        self._mode = settings.deletions.mode
        self._echo = echo
        self._preview = DeletionPreview(trail, pair_of(settings), deletion_policy_of(settings), time.time())
        self._file = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 - closed with this object
        self._kept = 0

    def __enter__(self) -> "_Deletions":
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Remove the file."""
        self._file.close()

    def add(self, diff: PageDiff) -> None:
        """Print why objects of a page would stay, and keep the names of the others."""
        for entry, reason in self._preview.of(diff):
            line = f"{visible(entry.key)} ({human_size(entry.size)}"
            if reason:
                self._kept += 1
                self._echo(f"would not delete {line}, {reason})")
            else:
                self._file.write(f"{line})\n")

    def conclude(self) -> None:
        """Print what would be deleted, or that it is refused."""
        if self._mode == "keep":
            return
        refusal = self._preview.refusal() if self._preview.confirmed else ""
        verb = "would not delete" if refusal else "would delete"
        self._file.seek(0)
        for line in self._file:
            self._echo(f"{verb} {line.rstrip()}")
        confirmed, kept = self._preview.confirmed, self._kept
        refused = f"; refused: {refusal}" if refusal else ""
        only = "" if self._mode == "propagate" else f"; deletions.mode is {self._mode}, so nothing is deleted"
        self._echo(f"{confirmed} to delete at the destination, {kept} to keep there{refused}{only}")
