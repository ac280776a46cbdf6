"""The text of the summary file of a sweep. Pure.

Scripts search for the lines of the first version, so their order and wording never change. Further lines follow each
block, and contain none of the words by which scripts find those lines.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from s3mover.costs.bill import NO_COSTS, Bill
from s3mover.costs.money import money_text
from s3mover.model import BatchKind, DeletionCounts, FailureRecord, Pair, SweepStatus, Tally
from s3mover.observe.text import human_size, visible

SHOWN_FAILURES = 20
_MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class SummaryReport:
    """The content of a summary. Times are in seconds since the epoch, shown in local time.

    `fallbacks` counts by reason, `unkept` by property, `skipped` by the reason why objects needed no transfer;
    `failures` are the first ones, of which at most twenty are shown; `sizes_known` is False if the store's listing
    has no sizes; `route` is empty for a single pair of buckets. For `outage_seconds` the sweep waited for an
    unavailable audit database. `deletions` is None where deletions are neither carried over nor reported. `cost_micros`
    is what the sweep cost, None if no price is known; `bill` is what the supervisor spent of it, by kind.
    """

    sweep: int
    pair: Pair
    status: SweepStatus
    started_at: float
    ended_at: float
    tally: Tally
    fallbacks: Mapping[str, int] = field(default_factory=dict)
    unkept: Mapping[str, int] = field(default_factory=dict)
    failures: Sequence[FailureRecord] = ()
    skipped: Mapping[str, int] = field(default_factory=dict)
    sizes_known: bool = True
    route: str = ""
    outage_seconds: float = 0.0
    deletions: DeletionCounts | None = None
    kind: BatchKind = BatchKind.SWEEP
    cost_micros: int | None = None
    bill: Bill = NO_COSTS


def render(report: SummaryReport) -> str:
    """Return the text of the summary file."""
    blocks = [_header(report), _counts(report), _performance(report), _methods(report)]
    if report.cost_micros is not None or report.bill.unpriced:
        blocks.append(_costs(report))
    if report.deletions is not None:
        blocks.append(_deletions(report.deletions))
    if report.failures:
        blocks.append(_failures(report))
    return "\n\n".join("\n".join(lines) for lines in blocks) + "\n"


def render_seal(number: int, rows: int, root: str, seal_hash: str) -> str:
    """Return the block that is appended once the rows of the sweep are sealed."""
    lines = [
        "",
        "Seal:",
        f"- Number: {number}",
        f"- Rows: {rows}",
        f"- Merkle root: {root}",
        f"- Hash: {seal_hash}",
    ]
    return "\n".join(lines) + "\n"


def _header(report: SummaryReport) -> list[str]:
    pair = report.pair
    return [
        "Transfer Summary Report",
        "=======================",
        f"Start Time: {_local(report.started_at):%Y-%m-%d %H:%M:%S}",
        f"End Time: {_local(report.ended_at):%Y-%m-%d %H:%M:%S}",
        f"Total Duration: {_seconds(report):.2f} seconds",
        f"{'Events' if report.kind is BatchKind.EVENTS else 'Sweep'}: {report.sweep} ({report.status})",
        *(
            [f"Waited for the audit database: {report.outage_seconds:.2f} seconds"]
            if report.outage_seconds
            else []
        ),
        *([f"Route: {report.route}"] if report.route else []),
        f"Source: s3://{pair.source_bucket}/{visible(pair.source_prefix)}",
        f"Destination: s3://{pair.destination_bucket}/{visible(pair.destination_prefix)}",
    ]


def _counts(report: SummaryReport) -> list[str]:
    tally = report.tally
    processed = tally.succeeded + tally.failed
    return [
        f"Files Processed: {processed}",
        f"Successful Transfers: {tally.succeeded} ({_percent(tally.succeeded, processed)})",
        f"Failed Transfers: {tally.failed} ({_percent(tally.failed, processed)})",
        f"Listed: {tally.listed}",
        f"Skipped: {tally.skipped}",
        *(f"Skipped ({visible(reason)}): {number}" for reason, number in sorted(report.skipped.items())),
        f"Waiting: {tally.waiting}",
    ]


def _performance(report: SummaryReport) -> list[str]:
    tally, seconds = report.tally, _seconds(report)
    lines = [
        "Performance Metrics:",
        f"- Transfer Rate: {_per_second(tally.succeeded, seconds):.2f} files/second",
    ]
    if not report.sizes_known:
        return [
            *lines,
            f"- Data Transferred: {tally.succeeded} files",
            "- Average File Size: N/A (server-side copy)",
        ]
    average = human_size(tally.bytes / tally.succeeded) if tally.succeeded else "N/A"
    return [
        *lines,
        f"- Throughput: {_per_second(tally.bytes, seconds) / _MEGABYTE:.2f} MB/second",
        f"- Data Transferred: {tally.succeeded} files, {tally.bytes / _MEGABYTE:.2f} MB",
        f"- Average File Size: {average}",
        f"- Bytes: {tally.bytes}",
    ]


def _methods(report: SummaryReport) -> list[str]:
    copied, streamed = report.tally.server_side_copies, report.tally.streamed
    reasons = sorted(report.fallbacks.items())
    return [
        "Transfer Methods:",
        f"- Server-side copy: {copied} files ({_percent(copied, copied + streamed)})",
        f"- Streaming transfer: {streamed} files ({_percent(streamed, copied + streamed)})",
        *(f"- Fallback ({visible(reason)}): {number} files" for reason, number in reasons),
        *(
            f"- Property not preserved ({lost}): {number} files"
            for lost, number in sorted(report.unkept.items())
        ),
    ]


def _costs(report: SummaryReport) -> list[str]:
    known = "not known" if report.cost_micros is None else money_text(report.cost_micros)
    return [
        f"Cost: {known} (requests, transfer and retrieval at list prices; without storage)",
        *(
            f"- {kind.replace('_', ' ').capitalize()}: {money_text(amount)}"
            for kind, amount in report.bill.amounts.items()
        ),
        *(f"- Not in it: {visible(what)}" for what in report.bill.unpriced),
    ]


def _deletions(counts: DeletionCounts) -> list[str]:
    left = [f"- Confirmed, not deleted: {counts.confirmed}"] if counts.propagates and counts.confirmed else []
    reported = [] if counts.propagates else [f"- Confirmed, only reported: {counts.confirmed}"]
    return [
        f"Deleted at destination: {counts.deleted} ({counts.waiting} waiting for confirmation)",
        *left,
        *reported,
        *([f"- Deletions refused by the destination: {counts.failed}"] if counts.failed else []),
        *([f"- Deletions not allowed: {counts.refusal}"] if counts.refusal else []),
        *(
            f"- Only at destination, kept ({visible(reason)}): {n}"
            for reason, n in sorted(counts.kept.items())
        ),
    ]


def _failures(report: SummaryReport) -> list[str]:
    shown = report.failures[:SHOWN_FAILURES]
    return [f"Errors (first {len(shown)} of {report.tally.failed}):", *map(_failure, shown)]


def _failure(record: FailureRecord) -> str:
    attempts = "1 attempt" if record.attempts == 1 else f"{record.attempts} attempts"
    return f"- {visible(record.key)}: {visible(record.code)}: {visible(record.message)} ({attempts})"


def _seconds(report: SummaryReport) -> float:
    return max(0.0, report.ended_at - report.started_at)


def _per_second(amount: int, seconds: float) -> float:
    return amount / seconds if seconds else 0.0


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole if whole else 0:.2f}%"


def _local(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds)
