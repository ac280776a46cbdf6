"""Writes the summary file of a sweep."""

from pathlib import Path
from typing import TYPE_CHECKING

from s3mover.model import FailureRecord, Outcome
from s3mover.observe.summary import files
from s3mover.observe.summary.report import SummaryReport, render, render_seal
from s3mover.settings.model import SummarySettings
from s3mover.sweep.result import SweepResult

if TYPE_CHECKING:
    from s3mover.audit.seals import Seal


def write_summary(settings: SummarySettings, result: SweepResult, route: str = "") -> str:
    """Remove the oldest summary files, write the summary of a sweep and return its path.

    Raises:
        SummaryError: see `files.write`.
    """
    report = summary_report(result, route)
    # Prune first: an error while pruning then cannot hide that the summary was written.
    files.prune(settings.directory, settings.keep - 1)
    return str(files.write(settings.directory, render(report), report.ended_at))


def append_seal(path: str, seal: "Seal") -> None:
    """Append the seal of a sweep to its summary.

    Raises:
        SummaryError: see `files.append`.
    """
    files.append(Path(path), render_seal(seal.number, seal.rows, seal.root, seal.hash))


def summary_report(result: SweepResult, route: str = "") -> SummaryReport:
    """Return the content of the summary of a sweep."""
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
        outage_seconds=result.outage_seconds,
        deletions=result.deletions,
        kind=record.kind,
        cost_micros=record.cost_micros,
        bill=result.bill,
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
