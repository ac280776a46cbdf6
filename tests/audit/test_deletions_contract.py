"""What every trail promises about deletions at the destination: candidates, and rows."""

import contextlib
from typing import Any

import pytest

from s3mover.audit.deletion_trail import FIRST
from s3mover.audit.opening import open_trail
from s3mover.audit.trail import PendingRow, Trail
from s3mover.errors import LeaseHeldError
from s3mover.model import Action, DeletionCandidate, DeletionRecord, Order, Pair, Status
from tests.audit.conftest import Backend
from tests.audit.samples import AT, PAIR, failed, moved, order

OTHER_PAIR = Pair("there", "IN/", "here", "out/")
KEYS = ["in/a", "in/A", "in/á", "in/a ", "in/tab\tnul\0quote'", "in/😀", "k" * 1024]


@pytest.fixture
def sweeping(trail: Trail) -> Trail:
    """A trail with a running sweep: candidates are written by sweeps only."""
    trail.open_sweep(PAIR, AT)
    return trail


def candidate(key: str, **changes: Any) -> DeletionCandidate:
    return DeletionCandidate(key, "e1", 100, seen_sweep=7, seen_at=AT)._replace(**changes)


def confirmed(key: str) -> DeletionCandidate:
    return candidate(
        key,
        times_missed=2,
        first_missed_sweep=6,
        first_missed_at=AT - 60,
        last_missed_sweep=7,
        last_missed_at=AT,
        is_confirmed=True,
    )


def all_of(trail: Trail, limit: int = 3, pair: Pair = PAIR) -> list[DeletionCandidate]:
    found, after = trail.candidates_after(pair, FIRST, limit)
    page = found
    while page:
        page, after = trail.candidates_after(pair, after, limit)
        found = [*found, *page]
    return found


def test_candidates_come_back_as_they_were_written(sweeping: Trail) -> None:
    """By key, whatever its characters, and page by page, each once; those of other pairs do not."""
    written = {key: confirmed(key) if number % 2 else candidate(key) for number, key in enumerate(KEYS)}
    sweeping.write_candidates(PAIR, list(written.values()))
    sweeping.write_candidates(OTHER_PAIR, [candidate("in/b")])
    sweeping.write_candidates(PAIR, [])
    assert sweeping.candidates(PAIR, [*KEYS, "in/b"]) == written
    assert sweeping.candidates(PAIR, []) == {}
    assert {one.key: one for one in all_of(sweeping)} == written
    assert len(all_of(sweeping)) == len(KEYS)
    assert all_of(sweeping, pair=OTHER_PAIR) == [candidate("in/b")]


def test_the_order_of_candidates_does_not_depend_on_when_they_were_written(sweeping: Trail) -> None:
    """By it the list has its digest."""
    sweeping.write_candidates(PAIR, [candidate(key) for key in KEYS])
    before = all_of(sweeping)
    sweeping.end_candidates(PAIR, KEYS)
    sweeping.write_candidates(PAIR, [candidate(key) for key in reversed(KEYS)])
    assert all_of(sweeping, limit=2) == before


def test_writing_again_overwrites_all_but_the_approval(sweeping: Trail) -> None:
    """The same call twice changes nothing; an approval holds for the ETag that it was given for."""
    sweeping.write_candidates(PAIR, [confirmed("in/a")])
    assert sweeping.approve_candidates(PAIR, ["in/a"]) == 1
    for _ in range(2):
        sweeping.write_candidates(PAIR, [confirmed("in/a")._replace(times_missed=3)])
        assert all_of(sweeping) == [confirmed("in/a")._replace(times_missed=3, is_approved=True)]
    sweeping.write_candidates(PAIR, [confirmed("in/a")._replace(etag="e2")])
    assert not all_of(sweeping)[0].is_approved


def test_only_what_is_confirmed_is_approved(sweeping: Trail) -> None:
    """And only what was named, of one pair."""
    sweeping.write_candidates(PAIR, [confirmed("in/a"), confirmed("in/b"), candidate("in/c")])
    sweeping.write_candidates(OTHER_PAIR, [confirmed("in/a")])
    assert sweeping.approve_candidates(PAIR, ["in/a", "in/c", "in/d"]) == 1
    assert sweeping.approve_candidates(PAIR, []) == 0
    assert {one.key: one.is_approved for one in all_of(sweeping)} == {
        "in/a": True,
        "in/b": False,
        "in/c": False,
    }
    assert not all_of(sweeping, pair=OTHER_PAIR)[0].is_approved


def test_candidates_end_by_key_and_by_age(sweeping: Trail) -> None:
    """Those of other pairs stay."""
    sweeping.write_candidates(PAIR, [candidate(key) for key in KEYS])
    sweeping.write_candidates(OTHER_PAIR, [candidate(KEYS[0])])
    sweeping.end_candidates(PAIR, KEYS[:2])
    sweeping.end_candidates(PAIR, [])
    assert {one.key for one in all_of(sweeping)} == set(KEYS[2:])
    sweeping.write_candidates(PAIR, [candidate(KEYS[2], seen_at=AT + 60)])
    assert sweeping.end_old_candidates(PAIR, AT + 1, 3) == 3
    assert sweeping.end_old_candidates(PAIR, AT + 1, 3) == 1
    assert [one.key for one in all_of(sweeping)] == [KEYS[2]]
    assert len(all_of(sweeping, pair=OTHER_PAIR)) == 1


def deletion(sweep: int, number: int, key: str = "in/a.pdf") -> Order:
    return order(sweep, number, key)._replace(action=Action.DELETE)


def test_the_row_of_a_deletion_says_what_was_deleted(trail: Trail, backend: Backend) -> None:
    """From its intent on: the ETag is that at the destination, the method is `deletion`."""
    sweep = trail.open_sweep(PAIR, AT)
    etag = deletion(sweep, 1).etag
    trail.intend([deletion(sweep, 1)], AT)
    columns = "SELECT source_etag, destination_etag, method, action FROM document_logs"
    assert backend.query(columns) == [(None, etag, None, "delete")]
    assert trail.pending(PAIR, 10) == [PendingRow(sweep, 1, "in/a.pdf", 1000, etag, AT, Action.DELETE)]
    trail.settle([moved(deletion(sweep, 1))._replace(method=None, source_etag="", destination_etag=etag)])
    assert backend.query(columns) == [("", etag, "deletion", "delete")]


def test_a_sweep_is_recounted_without_its_deletions(trail: Trail, backend: Backend) -> None:
    """Its counts are about copies, as those of a sweep that was not interrupted are."""
    sweep = trail.open_sweep(PAIR, AT)
    copies, deletions = [order(sweep, 1), order(sweep, 2)], [deletion(sweep, 3), deletion(sweep, 4)]
    trail.intend([*copies, *deletions], AT)
    trail.resolve([moved(copies[0]), failed(copies[1]), moved(deletions[0]), failed(deletions[1])])
    trail.interrupt_sweeps(PAIR, AT + 5)
    counts = "SELECT planned, succeeded, failed, bytes, server_side_copies, streamed FROM migration_batches"
    assert backend.query(counts) == [(2, 1, 1, 1000, 1, 0)]


def test_deletions_are_read_newest_first_in_pages(trail: Trail, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of one sweep, one pair, since a time, and at most so many; copies are not among them."""
    monkeypatch.setattr("s3mover.audit.deletion_rows.ROWS_PER_PAGE", 2)
    first, second = trail.open_sweep(PAIR, AT), trail.open_sweep(OTHER_PAIR, AT + 1)
    for sweep, pair_at in ((first, AT), (second, AT + 10)):
        trail.intend([deletion(sweep, number, f"in/{number}") for number in range(1, 4)], pair_at)
        trail.intend([order(sweep, 9, "in/9")], pair_at)
    trail.settle([moved(deletion(first, 1, "in/1"), message="gone"), failed(deletion(first, 2, "in/2"))])
    keys = [(record.sweep, record.key) for record in trail.deletions(100)]
    assert keys == [(sweep, f"in/{number}") for sweep in (second, first) for number in (3, 2, 1)]
    assert [record.key for record in trail.deletions(3)] == ["in/3", "in/2", "in/1"]
    assert {record.sweep for record in trail.deletions(100, sweep=first)} == {first}
    assert {record.pair for record in trail.deletions(100, pair=PAIR)} == {PAIR}
    assert {record.sweep for record in trail.deletions(100, since=AT + 5)} == {second}
    [*_, last] = trail.deletions(100)
    assert last == DeletionRecord(first, "in/1", Status.SUCCESS, "d2", 1000, "", "gone", AT + 1, PAIR)


def test_an_instance_that_was_replaced_writes_no_candidates(backend: Backend) -> None:
    """Neither new ones, nor the end of any: another instance judges them now."""
    with (
        contextlib.closing(open_trail(backend.url)) as old,
        contextlib.closing(open_trail(backend.url)) as new,
    ):
        assert old.acquire_lease(PAIR)
        old.open_sweep(PAIR, AT)
        old.write_candidates(PAIR, [candidate("in/a")])
        backend.query("UPDATE leases SET renewed_at = '2001-01-01 00:00:00'")
        while not new.acquire_lease(PAIR):
            continue
        with pytest.raises(LeaseHeldError):
            old.write_candidates(PAIR, [candidate("in/b")])
        with pytest.raises(LeaseHeldError):
            old.end_candidates(PAIR, ["in/a"])
        assert all_of(new) == [candidate("in/a")]
