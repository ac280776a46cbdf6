"""Rows that a killed run or an uncertain failure left are resolved by looking at the destination."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import NamedTuple

from s3mover.audit.retrying_trail import RetryingTrail
from s3mover.audit.trail import PendingRow, RangeClaim
from s3mover.errors import S3Error, VerificationError
from s3mover.events import Notify, ObjectRecovered
from s3mover.model import INTERRUPTED, Action, Outcome, Pair, Status, WaitChanges, etag_names_content
from s3mover.s3.bucket import Bucket, Head
from s3mover.s3.retry import Retry
from s3mover.sweep.completion import Arrived, complete
from s3mover.sweep.heartbeat import while_heartbeating
from s3mover.transfer.attempt_errors import is_denial
from s3mover.transfer.object_checksums import ObjectChecksums
from s3mover.transfer.orphaned_uploads import CLOCK_TOLERANCE_SECONDS, abort_orphaned_uploads
from s3mover.transfer.verification import check_content, written_since

# Rows resolved at a time: a killed run leaves at most what its workers held.
BATCH = 500
LOOKUP_THREADS = 16


class Version(NamedTuple):
    """A version of a source object.

    `tolerance` is by how many seconds a copy that is proven to be of it may seem older than the intent, since clocks
    differ.
    """

    size: int
    checksums: ObjectChecksums
    tolerance: float


@dataclass(frozen=True, slots=True)
class Recovery:
    """Resolves rows of one pair.

    `clock` returns seconds since the epoch, `retry` repeats what may succeed then, `heartbeat` is called meanwhile,
    `delete_sources` makes deletions due.
    """

    trail: RetryingTrail
    pair: Pair
    source: Bucket
    destination: Bucket
    notify: Notify
    clock: Callable[[], float]
    retry: Retry
    heartbeat: Callable[[], None]
    delete_sources: bool = False

    def recover(self) -> None:
        """Resolve every pending row and mark the sweeps that were cut off as interrupted.

        Multipart uploads that were begun for such a row, and will never be completed, are aborted.

        Raises:
            S3Error: a side could not be asked; the rows stay pending.
        """
        self._resolve_pending(lambda: self.trail.pending(self.pair, BATCH))
        self.trail.interrupt_sweeps(self.pair, self.clock(), self.heartbeat)

    def resolve_range(self, claim: RangeClaim) -> None:
        """Resolve every pending row that earlier runs of a range left, as `recover` does.

        Raises:
            S3Error: a side could not be asked; the rows stay pending.
        """
        self._resolve_pending(lambda: self.trail.pending_of_range(claim, BATCH))

    def recheck_uncertain(self, sweep: int) -> None:
        """Check again what failed with an open end before `sweep`, and did not have to be moved by `sweep`.

        S3 may complete a copy long after its client was killed or gave up: such an object is in place for a later
        sweep, and would have no row of success.

        Raises:
            S3Error: a side could not be asked; the rows stay errors.
        """
        rows, after = self.trail.uncertain(self.pair, sweep, 0, BATCH)
        while rows:
            self._record([o for o in self._resolve_all(rows) if o.status is Status.SUCCESS])
            rows, after = self.trail.uncertain(self.pair, sweep, after, BATCH)

    def abort_uploads_of(self, set_aside: Iterable[Outcome], since: float) -> None:
        """Abort the multipart uploads of transfers that were set aside, begun since then (seconds since the epoch).

        Raises:
            S3Error: the destination refuses, or could not be asked.
        """
        for outcome in set_aside:
            target = self.pair.destination_key(outcome.key)
            self.retry(partial(abort_orphaned_uploads, self.destination, target, outcome.size, since))

    def _resolve_pending(self, read: Callable[[], list[PendingRow]]) -> None:
        while rows := read():
            self._record(self._resolve_all(rows))

    def _resolve_all(self, rows: Iterable[PendingRow]) -> list[Outcome]:
        def resolve() -> list[Outcome]:
            with ThreadPoolExecutor(LOOKUP_THREADS, thread_name_prefix="recovery") as threads:
                return list(threads.map(self._resolve, rows))

        return while_heartbeating(self.heartbeat, resolve)

    def _resolve(self, row: PendingRow) -> Outcome:
        return self._resolve_copy(row) if row.action is Action.COPY else self._resolve_deletion(row)

    def _resolve_deletion(self, row: PendingRow) -> Outcome:
        try:
            target = self.pair.destination_key(row.key)
            return deletion_resolution(
                row, self.retry(partial(head_of, self.destination, target)), self.clock()
            )
        finally:
            self.destination.close_thread()

    def _resolve_copy(self, row: PendingRow) -> Outcome:
        target = self.pair.destination_key(row.key)
        try:
            self.retry(partial(abort_orphaned_uploads, self.destination, target, row.size, row.created_at))
            arrived = self.retry(partial(head_of, self.destination, target))
            source = None if arrived is None else self._source_head(row, arrived)
            outcome = resolution(row, arrived, source, self.clock())
            if arrived is not None and source is not None and _is_found(outcome, source):
                outcome = complete(
                    outcome, Arrived(target, arrived, source), self.source, self.destination, self.retry
                )
        finally:
            self.source.close_thread()
            self.destination.close_thread()
        is_whole = outcome.status is Status.SUCCESS and not outcome.unkept
        return outcome._replace(delete_due=self.delete_sources and is_whole)

    def _source_head(self, row: PendingRow, arrived: Head) -> Head | None:
        """Return the head of the source; None where it is gone, or refused and not needed to tell its version."""
        try:
            return self.retry(partial(head_of, self.source, row.key))
        except S3Error as error:
            if arrived.etag == row.source_etag and is_denial(error):
                return None
            raise

    def _record(self, outcomes: list[Outcome]) -> None:
        if outcomes:
            # What was interrupted did not fail, so it is not backed off.
            arrived = [outcome.key for outcome in outcomes if outcome.status is Status.SUCCESS]
            self.trail.resolve(outcomes, WaitChanges(self.pair, ended=arrived))
        for outcome in outcomes:
            self.notify(ObjectRecovered(outcome.sweep, outcome.key, outcome.status))


def resolution(row: PendingRow, arrived: Head | None, source: Head | None, now: float) -> Outcome:
    """Decide what became of a transfer, from what both ends hold now.

        destination | size   | content                | written          | row becomes
        ------------|--------|------------------------|------------------|------------
        absent      | -      | -                      | -                | error
        there       | differ | -                      | -                | error
        there       | equal  | equal ETags            | -                | success
        there       | equal  | proven another         | -                | error
        there       | equal  | proven equal           | since the intent | success
        there       | equal  | cannot be compared     | since the intent | success
        there       | equal  | equal or not compared  | before           | error

    If the source has another version now, the destination may have that one: a worker checks again before it copies.
    It must have been written since the intent, then, also where the ETags are equal. An error is the safe answer: the
    next sweep compares the object again.
    """
    found = None if arrived is None else _version_of(row, arrived, source)
    return Outcome(
        sweep=row.sweep,
        number=row.number,
        key=row.key,
        size=row.size if found is None else found.size,
        status=Status.ERROR if found is None else Status.SUCCESS,
        method=None,
        moved_at=now,
        duration_us=0,
        attempts=1,
        source_etag=row.source_etag if found is None else found.checksums.etag,
        destination_etag="" if found is None or arrived is None else arrived.etag,
        code=INTERRUPTED if found is None else "",
        message="interrupted before its copy was whole"
        if found is None
        else "found at the destination after an interruption",
        action=row.action,
    )


def deletion_resolution(row: PendingRow, found: Head | None, now: float) -> Outcome:
    """Decide what became of a deletion, from what the destination holds now.

        destination | row becomes
        ------------|------------
        absent      | success
        there       | error

    An error is the safe answer: the next sweeps decide anew about an object that is there.
    """
    return Outcome(
        sweep=row.sweep,
        number=row.number,
        key=row.key,
        size=row.size,
        status=Status.SUCCESS if found is None else Status.ERROR,
        method=None,
        moved_at=now,
        duration_us=0,
        attempts=1,
        source_etag="",
        destination_etag=row.source_etag,
        code="" if found is None else INTERRUPTED,
        message="found deleted at the destination after an interruption"
        if found is None
        else "interrupted before the object was deleted",
        action=row.action,
    )


def head_of(bucket: Bucket, key: str) -> Head | None:
    """Return what HEAD says of an object; None where there is none.

    Raises:
        S3Error: the bucket could not be asked, or refuses an object that is there.
    """
    try:
        return bucket.head(key)
    except S3Error as error:
        missing = error.status == HTTPStatus.NOT_FOUND
        if missing or (error.status == HTTPStatus.FORBIDDEN and not bucket.is_listed(key)):
            return None
        raise


def _is_found(outcome: Outcome, source: Head) -> bool:
    """Return whether the destination has a copy of what the source has now."""
    return outcome.status is Status.SUCCESS and source.etag == outcome.source_etag


def _version_of(row: PendingRow, arrived: Head, source: Head | None) -> Version | None:
    """Return the version that the destination holds a copy of, made by this row."""
    same = source is not None and bool(source.etag) and source.etag == row.source_etag
    headers = source.headers if source is not None and same else {}
    intended = Version(row.size, ObjectChecksums(row.source_etag, headers), CLOCK_TOLERANCE_SECONDS)
    if _same_content(row, arrived) and arrived.size == row.size:
        return intended
    versions = [intended]
    if source is not None and not same:
        versions.append(Version(source.size, ObjectChecksums(source.etag, source.headers), 0.0))
    return next((one for one in versions if _is_copy_of(one, arrived, row.created_at)), None)


def _same_content(row: PendingRow, arrived: Head) -> bool:
    """Return whether the ETags alone prove that the destination holds what was intended; some stores list none."""
    return arrived.etag == row.source_etag and etag_names_content(row.source_etag)


def _is_copy_of(version: Version, arrived: Head, intended_at: float) -> bool:
    if arrived.size != version.size:
        return False
    try:
        proven = check_content(version.checksums, ObjectChecksums(arrived.etag, arrived.headers))
    except VerificationError:
        return False
    intended_at -= version.tolerance if proven else 0.0
    return written_since(arrived.last_modified, intended_at, unknown=False)
