"""The summary file, held against the contract's text."""

import os
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from s3mover.costs.bill import Bill
from s3mover.costs.billing import Kind
from s3mover.errors import SummaryError
from s3mover.model import DeletionCounts, FailureRecord, Pair, SweepStatus, Tally
from s3mover.observe.summary.files import append, prune, write
from s3mover.observe.summary.report import SummaryReport, render, render_seal

# The contract's text, copied.
CONTRACT = """\
Transfer Summary Report
=======================
Start Time: 2025-01-04 03:17:09
End Time: 2025-01-04 03:17:32
Total Duration: 22.61 seconds

Files Processed: 676
Successful Transfers: 676 (100.00%)
Failed Transfers: 0 (0.00%)

Performance Metrics:
- Transfer Rate: 29.90 files/second
- Data Transferred: 676 files
- Average File Size: N/A (server-side copy)

Transfer Methods:
- Server-side copy: 676 files (100.00%)
- Streaming transfer: 0 files (0.00%)
"""
STARTED = 1_735_960_629.5  # 03:17:09.5 in UTC
REPORT = SummaryReport(
    sweep=12,
    pair=Pair("ours", "in/", "theirs", "out/"),
    status=SweepStatus.COMPLETED,
    started_at=STARTED,
    ended_at=STARTED + 22.61,
    tally=Tally(
        listed=700, skipped=24, planned=676, succeeded=676, bytes=123_450_000, server_side_copies=676
    ),
)


@pytest.fixture(autouse=True)
def _greenwich(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Set the local time zone to UTC, as in the contract's example."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def in_order(expected: list[str], text: str) -> bool:
    """Return whether `text` contains the expected lines in this order, with others between them."""
    lines = iter(text.splitlines())
    return all(line in lines for line in expected)


def test_without_sizes_every_line_is_the_first_versions() -> None:
    """Without sizes, the contract's lines appear word for word and in order."""
    text = render(replace(REPORT, sizes_known=False))
    assert in_order(CONTRACT.splitlines(), text)
    assert "Throughput" not in text


def test_the_wait_for_the_database_is_told_apart() -> None:
    """In a line of its own, and only if there was one."""
    assert "audit database" not in render(REPORT)
    waited = render(replace(REPORT, outage_seconds=12.0)).splitlines()
    assert waited[6] == "Waited for the audit database: 12.00 seconds"
    assert in_order(render(REPORT).splitlines(), "\n".join(waited))


def test_with_sizes_the_additions_stand_in_their_places() -> None:
    """Bytes, throughput and average join the first version's lines; all others stay as they are."""
    expected = CONTRACT.replace("- Data", "- Throughput: 5.46 MB/second\n- Data")
    expected = expected.replace("Transferred: 676 files", "Transferred: 676 files, 123.45 MB")
    expected = expected.replace("N/A (server-side copy)", "182.62 KB")
    text = render(REPORT)
    assert in_order(expected.splitlines(), text)
    lines = text.splitlines()
    rate = lines.index("- Transfer Rate: 29.90 files/second")
    assert lines[rate + 1] == "- Throughput: 5.46 MB/second"


def test_further_lines_follow_the_blocks_of_the_first_version() -> None:
    """Each block begins with the contract's lines; what is new comes after them."""
    blocks = render(REPORT).split("\n\n")
    assert len(blocks) == 4
    expected = CONTRACT.replace("- Data", "- Throughput: 5.46 MB/second\n- Data")
    expected = expected.replace("Transferred: 676 files", "Transferred: 676 files, 123.45 MB")
    expected = expected.replace("N/A (server-side copy)", "182.62 KB").rstrip()
    for block, old in zip(blocks, expected.split("\n\n"), strict=True):
        assert block.startswith(old)


@pytest.mark.parametrize(
    "word",
    ["Start Time", "End Time", "Duration", "Files Processed", "Successful", "Failed", "Transfer Rate",
     "Data Transferred", "Average File Size", "Server-side copy", "Streaming transfer", "Throughput"],
)  # fmt: skip
def test_a_search_for_a_line_finds_that_line_only(word: str) -> None:
    """`grep Duration` and the like go on working."""
    report = replace(
        REPORT,
        fallbacks={"AccessDenied": 3},
        failures=[FailureRecord(12, "k", "c", "m", 2, 0.0)],
        deletions=DeletionCounts(True, 1, 1, 1, 1, {"not_recorded": 1}, "the source lists no objects at all"),
    )
    assert [word in line for line in render(report).splitlines()].count(True) == 1


def test_the_summary_has_the_further_counts_of_the_sweep() -> None:
    """Sweep, buckets, what was listed and skipped, bytes and fallbacks have their own lines."""
    report = replace(REPORT, status=SweepStatus.INTERRUPTED, fallbacks={"KMS": 1, "AccessDenied": 3})
    report = replace(report, unkept={"tags": 2, "acl": 1})
    lines = render(report).splitlines()
    assert {
        "Sweep: 12 (interrupted)",
        "Source: s3://ours/in/",
        "Destination: s3://theirs/out/",
        "Listed: 700",
        "Skipped: 24",
        "Waiting: 0",
        "- Bytes: 123450000",
    } <= set(lines)
    assert lines[-4:] == [
        "- Fallback (AccessDenied): 3 files",
        "- Fallback (KMS): 1 files",
        "- Property not preserved (acl): 1 files",
        "- Property not preserved (tags): 2 files",
    ]


def test_deletions_have_a_block_of_their_own() -> None:
    """Where they are carried over, or reported; no line of it is found by a search for another."""
    counts = DeletionCounts(deleted=4, failed=1, waiting=3, confirmed=2, kept={"filtered": 7, "changed": 1})
    text = render(replace(REPORT, deletions=replace(counts, refusal="more than deletions.max_objects (1)")))
    assert text.split("\n\n")[-1].splitlines() == [
        "Deleted at destination: 4 (3 waiting for confirmation)",
        "- Confirmed, not deleted: 2",
        "- Deletions refused by the destination: 1",
        "- Deletions not allowed: more than deletions.max_objects (1)",
        "- Only at destination, kept (changed): 1",
        "- Only at destination, kept (filtered): 7",
    ]
    reported = render(replace(REPORT, deletions=DeletionCounts(propagates=False, waiting=3, confirmed=2)))
    assert "- Confirmed, only reported: 2" in reported
    assert "Deleted at destination" not in render(REPORT)


def test_shares_have_two_decimals() -> None:
    """Percentages are of what was processed, and of what was moved."""
    tally = Tally(listed=6, planned=6, succeeded=4, failed=2, bytes=6, server_side_copies=3, streamed=1)
    text = render(replace(REPORT, tally=tally))
    assert "Successful Transfers: 4 (66.67%)" in text
    assert "Failed Transfers: 2 (33.33%)" in text
    assert "- Server-side copy: 3 files (75.00%)" in text
    assert "- Streaming transfer: 1 files (25.00%)" in text
    assert "- Average File Size: 2 B" in text


def test_a_sweep_that_moved_nothing_divides_by_nothing() -> None:
    """No files and no time make zeros and an average that is not available."""
    text = render(replace(REPORT, ended_at=STARTED, tally=Tally()))
    assert "Total Duration: 0.00 seconds" in text
    assert "Successful Transfers: 0 (0.00%)" in text
    assert "- Transfer Rate: 0.00 files/second\n- Throughput: 0.00 MB/second" in text
    assert "- Data Transferred: 0 files, 0.00 MB\n- Average File Size: N/A\n" in text
    assert "- Server-side copy: 0 files (0.00%)" in text


def test_a_clock_set_back_makes_no_negative_duration() -> None:
    """The duration is zero."""
    assert "Total Duration: 0.00 seconds" in render(replace(REPORT, ended_at=STARTED - 5))


def test_the_first_twenty_failures_are_listed() -> None:
    """Further ones are only counted; the trail has them."""
    failures = [FailureRecord(12, f"in/{n}", "AccessDenied", "no", 1 + n, 0.0) for n in range(30)]
    tally = replace(REPORT.tally, succeeded=646, failed=30)
    lines = render(replace(REPORT, tally=tally, failures=failures)).splitlines()
    start = lines.index("Errors (first 20 of 30):")
    assert lines[start + 1] == "- in/0: AccessDenied: no (1 attempt)"
    assert lines[-1] == "- in/19: AccessDenied: no (20 attempts)"
    assert len(lines) - start == 21


def test_a_key_with_a_line_break_stays_on_its_line() -> None:
    """The key of an object cannot forge a line of the summary."""
    record = FailureRecord(12, "a\nFailed Transfers: 0\udc80", "c\n", "m\n", 2, 0.0)
    text = render(replace(REPORT, failures=[record]))
    assert text.splitlines()[-1] == "- a\\nFailed Transfers: 0\\udc80: c\\n: m\\n (2 attempts)"


def test_times_are_local(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Text and file name use the time zone of the machine."""
    monkeypatch.setenv("TZ", "CET-1")
    time.tzset()
    assert "Start Time: 2025-01-04 04:17:09" in render(REPORT)
    assert write(tmp_path, "x", STARTED).name == "transfer_summary_20250104_041709.log"


def test_the_file_is_named_by_the_sweeps_end(tmp_path: Path) -> None:
    """A missing directory is created; it contains nothing but the summary."""
    path = write(tmp_path / "a" / "b", "text\n", REPORT.ended_at)
    assert path == tmp_path / "a" / "b" / "transfer_summary_20250104_031732.log"
    assert path.read_text() == "text\n"
    assert list(path.parent.iterdir()) == [path]


def test_an_existing_file_is_never_replaced(tmp_path: Path) -> None:
    """A name that is taken gets a number."""
    names = [write(tmp_path, str(number), STARTED).name for number in range(3)]
    assert names == [f"transfer_summary_20250104_031709{suffix}.log" for suffix in ("", "_2", "_3")]
    assert [(tmp_path / name).read_text() for name in names] == ["0", "1", "2"]


def test_the_file_may_be_read_as_the_umask_says(tmp_path: Path) -> None:
    """Scripts of other users read summaries."""
    before = os.umask(0o022)
    try:
        assert write(tmp_path, "x", STARTED).stat().st_mode & 0o777 == 0o644
    finally:
        os.umask(before)


def test_an_unusable_directory_is_an_error_with_the_name_of_the_setting(tmp_path: Path) -> None:
    """The directory is a file."""
    (tmp_path / "logs").write_text("")
    with pytest.raises(SummaryError, match=r"^summary\.directory: cannot write into .*logs"):
        write(tmp_path / "logs", "x", STARTED)


def test_a_failed_write_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a full disk, neither a partial summary nor a hidden file remains."""

    def broken(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(SummaryError, match="No space left"):
        write(tmp_path, "x", STARTED)
    assert list(tmp_path.iterdir()) == []


def test_only_the_newest_summaries_are_kept(tmp_path: Path) -> None:
    """Age is read from the names, their numbers included; `_10` is newer than `_9`."""
    for number in range(10):
        write(tmp_path, "x", STARTED - number // 9)
        write(tmp_path, "x", STARTED)
    prune(tmp_path, 2)
    assert {path.name for path in tmp_path.iterdir()} == {
        "transfer_summary_20250104_031709_19.log",
        "transfer_summary_20250104_031709_18.log",
    }


def test_pruning_touches_nothing_else(tmp_path: Path) -> None:
    """Other files, directories and links stay, however similar their names."""
    write(tmp_path, "x", STARTED)
    others = [
        "app.log",
        "transfer_summary_20250104.log",
        "transfer_summary_20250104_031709.log.gz",
        ".gitkeep",
    ]
    for name in others:
        (tmp_path / name).write_text("")
    (tmp_path / "transfer_summary_20240101_000000.log").mkdir()
    (tmp_path / "transfer_summary_20240101_000001.log").symlink_to(tmp_path / "app.log")
    before = set(tmp_path.iterdir())
    prune(tmp_path, 1)
    assert set(tmp_path.iterdir()) == before


def test_all_summaries_can_be_removed(tmp_path: Path) -> None:
    """With zero, all are removed."""
    path = write(tmp_path, "text", 1_735_960_629.0)
    prune(tmp_path, 0)
    assert not path.exists()


def test_a_summary_that_cannot_be_removed_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error has the name of the setting."""

    def refuse(_path: Path, *, missing_ok: bool = False) -> None:
        raise PermissionError(13, "Permission denied", str(missing_ok))

    write(tmp_path, "x", STARTED)
    write(tmp_path, "x", STARTED)
    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(SummaryError, match=r"^summary\.directory: cannot remove .*Permission denied"):
        prune(tmp_path, 1)


def test_a_seal_is_appended_as_a_block_of_its_own(tmp_path: Path) -> None:
    """It is written once the sweep is recorded: its lines contain none of the words that scripts search for."""
    path = write(tmp_path, render(REPORT), REPORT.ended_at)
    append(path, render_seal(12, 3, "ab" * 32, "cd" * 32))
    text = path.read_text()
    assert text == render(REPORT) + (
        f"\nSeal:\n- Number: 12\n- Rows: 3\n- Merkle root: {'ab' * 32}\n- Hash: {'cd' * 32}\n"
    )
    with pytest.raises(SummaryError, match="cannot append"):
        append(tmp_path / "gone.log", "x")


def test_the_cost_is_told_with_what_is_not_in_it() -> None:
    """By kind, as far as this process spent it; nothing is said where nothing was priced or missed."""
    bill = Bill({Kind.PUT_REQUESTS: 54_059, Kind.TRANSFER: 1_953_125}, ("requests to h:9",))
    lines = render(replace(REPORT, cost_micros=2_007_184, bill=bill)).splitlines()
    assert lines[-4:] == [
        "Cost: $2.01 (requests, transfer and retrieval at list prices; without storage)",
        "- Put requests: $0.0541",
        "- Transfer: $1.95",
        "- Not in it: requests to h:9",
    ]
    unknown = render(replace(REPORT, bill=Bill({}, ("requests to h:9",))))
    assert "Cost: not known" in unknown
    assert "Cost" not in render(REPORT)
