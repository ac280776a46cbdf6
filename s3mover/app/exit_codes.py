"""The exit code for the result of a sweep."""

from s3mover.errors import ExitCode
from s3mover.model import UNUSABLE_KEY, WAITING, DeletionCounts, SweepStatus
from s3mover.sweep.result import SweepResult


def exit_code_of(result: SweepResult) -> ExitCode:
    """Return the exit code for the result of a sweep.

    Raises:
        MoverError: the error that cut the sweep short.
    """
    if result.error is not None:
        raise result.error
    if result.record.status is SweepStatus.INTERRUPTED:
        return ExitCode.INTERRUPTED
    # Objects that wait after a failure, or cannot be moved, have not arrived either.
    skipped = result.skipped
    missing = result.record.tally.failed + skipped.get(WAITING, 0) + skipped.get(UNUSABLE_KEY, 0)
    return ExitCode.SOME_FAILED if missing or _deletions_left(result.deletions) else ExitCode.OK


def _deletions_left(counts: DeletionCounts | None) -> bool:
    """Return whether deletions at the destination failed, or were refused, so that the buckets differ."""
    if counts is None:
        return False
    failed = counts.failed + counts.kept.get(WAITING, 0)
    return failed > 0 or (counts.propagates and bool(counts.refusal))
