"""The summary file of a sweep: its text, word for word as people's scripts expect it, and its place on the disk.

`render` is pure. The lines of the first version stand in their order and wording; further lines follow each block,
and none of those holds a word that the first version's lines are searched by.
"""

import os
import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from pathlib import Path

from s3mover.errors import SummaryError
from s3mover.model import FailureRecord, Pair, SweepStatus, Tally
from s3mover.observe.text import human_size, visible

SHOWN_FAILURES = 20
_MEGABYTE = 1_000_000
_NAME = re.compile(r"transfer_summary_(\d{8}_\d{6})(?:_(\d+))?\.log")


@dataclass(frozen=True, slots=True)
class SummaryReport:
    """What a summary tells. Times are in seconds since the epoch, shown in local time.

    `fallbacks` counts by reason, `unkept` by property, `skipped` by the reason why objects
    needed no transfer; `failures` are the first ones, of which at most twenty are shown;
    `sizes_known` is False where a store's listing tells no sizes; `route` is empty where there is but one pair.
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


def render(report: SummaryReport) -> str:
    """Return the text of the summary file."""
    blocks = [_head(report), _counts(report), _performance(report), _methods(report)]
    if report.failures:
        blocks.append(_failures(report))
    return "\n\n".join("\n".join(lines) for lines in blocks) + "\n"


def write(directory: Path, text: str, ended_at: float) -> Path:
    """Write `text` into a new file of `directory` and return its path.

    The name carries the local time of the sweep's end, as that is when the file appears: names sort as the files
    were made. The file appears whole or not at all, and replaces none.

    Raises:
        SummaryError: the directory cannot be made or written to.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        return _publish(directory, text, f"transfer_summary_{_local(ended_at):%Y%m%d_%H%M%S}")
    except OSError as error:
        raise SummaryError(f"summary.directory: cannot write into {directory}: {error}") from error


def prune(directory: Path, keep: int) -> None:
    """Remove all but the newest `keep` summaries from `directory`, and nothing else.

    Raises:
        SummaryError: one cannot be removed.
    """
    try:
        summaries = sorted(_summaries(directory), reverse=True)
        for _, _, path in summaries[keep:]:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise SummaryError(f"summary.directory: cannot remove old summaries: {error}") from error


def _head(report: SummaryReport) -> list[str]:
    pair = report.pair
    return [
        "Transfer Summary Report",
        "=======================",
        f"Start Time: {_local(report.started_at):%Y-%m-%d %H:%M:%S}",
        f"End Time: {_local(report.ended_at):%Y-%m-%d %H:%M:%S}",
        f"Total Duration: {_seconds(report):.2f} seconds",
        f"Sweep: {report.sweep} ({report.status})",
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
        *(f"- Not kept ({lost}): {number} files" for lost, number in sorted(report.unkept.items())),
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


def _publish(directory: Path, text: str, stem: str) -> Path:
    """Write a hidden file to the disk, then link it under the first free name."""
    hidden = directory / f".{stem}.{secrets.token_hex(4)}.tmp"
    try:
        _write_through(hidden, text)
        path = next(path for path in _names(directory, stem) if _linked(hidden, path))
    finally:
        hidden.unlink(missing_ok=True)
    _sync_directory(directory)
    return path


def _write_through(path: Path, text: str) -> None:
    with path.open("x", encoding="utf-8", errors="backslashreplace") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _linked(hidden: Path, path: Path) -> bool:
    """Link under the name `path`, False where it is taken: two writers never share one."""
    try:
        path.hardlink_to(hidden)
    except FileExistsError:
        return False
    return True


def _names(directory: Path, stem: str) -> Iterator[Path]:
    yield directory / f"{stem}.log"
    for number in count(2):
        yield directory / f"{stem}_{number}.log"


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _summaries(directory: Path) -> Iterator[tuple[str, int, Path]]:
    """Yield each summary with the time and the number of its name, which sort as the files were made."""
    for path in directory.iterdir() if directory.is_dir() else ():
        match = _NAME.fullmatch(path.name)
        if match and path.is_file() and not path.is_symlink():
            yield match[1], int(match[2] or 1), path
