"""From the result of a sweep to its summary file."""

from s3mover.model import FailureRecord, Outcome
from s3mover.observe.summary import files
from s3mover.observe.summary.report import SummaryReport, render
from s3mover.settings.model import SummarySettings
from s3mover.sweep.loop import SweepResult


def sum_up(settings: SummarySettings, result: SweepResult, route: str = "") -> str:
    """Remove the oldest summary files, write that of a sweep and return its path.

    Raises:
        SummaryError: see `files.write`.
    """
    report = summary_report(result, route)
    # First the room, then the file: nothing that fails afterwards can hide a summary that was written.
    files.prune(settings.directory, settings.keep - 1)
    return str(files.write(settings.directory, render(report), report.ended_at))


def summary_report(result: SweepResult, route: str = "") -> SummaryReport:
    """Return what the summary of a sweep tells."""
    record = result.record
    return SummaryReport(
        sweep=record.id,
        pair=record.pair,
        status=record.status,
        started_at=record.started_at,
        ended_at=record.ended_at or record.started_at,
        tally=record.tally,
        fallbacks=result.fallbacks,
        skipped=result.skipped,
        unkept=result.unkept,
        route=route,
        failures=[_failure(outcome) for outcome in result.failures],
    )


def _failure(outcome: Outcome) -> FailureRecord:
    return FailureRecord(
        outcome.sweep,
        outcome.key,
        outcome.code,
        outcome.message,
        outcome.attempts,
        outcome.moved_at,
        action=outcome.action,
    )
