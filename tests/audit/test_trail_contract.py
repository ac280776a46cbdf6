"""What every trail promises, held against every database."""

# ruff: noqa: S608 - the statements are put together from names that stand in this file

import contextlib
import os
import subprocess
import sys

import pytest

from s3mover.audit.dsn import parse_dsn
from s3mover.audit.lease import TTL_SECONDS, Lease
from s3mover.audit.opening import connect, open_reader, open_trail
from s3mover.audit.trail import LastCopy, PendingRow, Total, Trail
from s3mover.errors import LeaseHeldError
from s3mover.model import (
    Action,
    Deletion,
    FailureRecord,
    Method,
    Pair,
    Status,
    SweepRecord,
    SweepStatus,
    Tally,
)
from testkit.memory import own_memory
from testkit.waiting import wait_until
from tests.audit.conftest import Backend
from tests.audit.samples import AT, PAIR, failed, moved, order, skipped

OTHER_PAIR = Pair("there", "IN/", "here", "out/")
ODD_KEYS = [
    "in/a",
    "in/A",
    "in/á",
    "in/a\u0301",
    "in/a ",
    " in/a",
    "in//a/../b/./",
    "in/tab\tnewline\nreturn\r",
    "in/nul\0after",
    "".join(map(chr, range(1, 32))),
    "in/quote'double\"back`tick",
    "in/back\\slash\\",
    "in/per%cent%s?question?",
    "in/semi;colon--comment/*x*/#",
    # What the MySQL driver takes for its own where a key stands in a statement's text.
    "x'delimiter $$ ' y",
    "delimiter x'",
    "in/😀\U0010ffff",
    "é" * 512,
    "k" * 1024,
    "\x7f\x80\x9f\ufeff\ufffd",
]
HOLDER = """
import sys
from s3mover.audit.opening import open_trail
from tests.audit.samples import PAIR, AT, order
trail = open_trail(sys.argv[1])
assert trail.acquire_lease(PAIR)
sweep = trail.open_sweep(PAIR, AT)
trail.intend([order(sweep, 1)], AT)
sys.stdout.write("ready\\n")
sys.stdout.flush()
sys.stdin.read()
"""
CHANGE_LEASE = "UPDATE leases SET renewed_at = {}"
HOURS_AGO = {"sqlite": "datetime('now', '-3 hours')", "mysql": "UTC_TIMESTAMP(6) - INTERVAL 3 HOUR"}
HOURS_AHEAD = {"sqlite": "datetime('now', '+3 hours')", "mysql": "UTC_TIMESTAMP(6) + INTERVAL 3 HOUR"}


def test_an_intended_order_stands_as_pending(trail: Trail, backend: Backend) -> None:
    """Before any work is done its row is there, with what is known."""
    sweep = trail.open_sweep(PAIR, AT)
    trail.intend([order(sweep, 1)], AT)
    assert backend.query(
        "SELECT file_key, status, batch_id, number, size_bytes, moved_at FROM document_logs"
    ) == [("in/a.pdf", "pending", sweep, 1, 1000, None)]
    etag = "9e107d9d372bb6826bd81d3542a419d6"
    assert trail.pending(PAIR, 10) == [PendingRow(sweep, 1, "in/a.pdf", 1000, etag, AT)]
    assert type(trail.pending(PAIR, 10)[0].size) is int


def test_intending_again_changes_nothing(trail: Trail, backend: Backend) -> None:
    """The same call, repeated because its answer was lost, leaves one row each, and a settled one settled."""
    sweep = trail.open_sweep(PAIR, AT)
    orders = [order(sweep, 1), order(sweep, 2)]
    trail.intend(orders, AT)
    trail.settle([moved(orders[0])])
    trail.intend(orders, AT + 5)
    rows = backend.query("SELECT number, status FROM document_logs ORDER BY number")
    assert rows == [(1, "success"), (2, "pending")]
    assert [row.created_at for row in trail.pending(PAIR, 10)] == [AT]


def test_a_row_is_settled_once(trail: Trail, backend: Backend) -> None:
    """What became of an order overwrites its pending row, and saying it again adds none."""
    sweep = trail.open_sweep(PAIR, AT)
    orders = [order(sweep, 1), order(sweep, 2)]
    trail.intend(orders, AT)
    for _ in range(2):
        trail.settle([moved(orders[0], message="Streamed: AccessDenied"), failed(orders[1])])
    columns = "status, method, duration_us, attempts, destination_etag, error_code, message"
    assert backend.query(f"SELECT {columns} FROM document_logs ORDER BY number") == [
        ("success", "server_side_copy", 34567, 1, "d2", None, "Streamed: AccessDenied"),
        ("error", "streaming", 34567, 3, None, "AccessDenied", "Access Denied"),
    ]


def test_a_row_keeps_the_action_of_its_order(trail: Trail, backend: Backend) -> None:
    """Pending, settled, settled without being intended, or failed: the row says whether it is a copy or a deletion."""
    sweep = trail.open_sweep(PAIR, AT)
    copy, *deletions = (order(sweep, number, f"in/{number}") for number in range(1, 6))
    deletions = [each._replace(action=Action.DELETE) for each in deletions]
    trail.intend([copy, *deletions[:3]], AT)
    assert {row.number: row.action for row in trail.pending(PAIR, 10)} == {
        1: Action.COPY,
        2: Action.DELETE,
        3: Action.DELETE,
        4: Action.DELETE,
    }
    trail.settle([moved(copy), moved(deletions[0]), failed(deletions[1], "Timeout"), moved(deletions[3])])
    assert backend.query("SELECT number, status, action FROM document_logs ORDER BY number") == [
        (1, "success", "copy"),
        (2, "success", "delete"),
        (3, "error", "delete"),
        (4, "pending", "delete"),
        (5, "success", "delete"),
    ]
    assert [record.action for record in trail.failures(10)] == [Action.DELETE]
    trail.interrupt_sweeps(PAIR, AT)
    later = trail.open_sweep(PAIR, AT + 1)
    assert [row.action for row in trail.uncertain(PAIR, later, 0, 10)[0]] == [Action.DELETE]
    assert backend.query("SELECT action FROM failed_migrations") == [("delete",)]
    assert backend.query("SELECT COUNT(*) FROM recent_migrations WHERE action = 'delete'") == [(4,)]


def test_times_are_utc_with_microseconds(trail: Trail, backend: Backend) -> None:
    """The columns of the first version hold when a row was intended and when it was moved."""
    sweep = trail.open_sweep(PAIR, AT)
    trail.intend([order(sweep, 1)], AT)
    trail.settle([moved(order(sweep, 1), at=AT + 0.000321)])
    times = trail_times(backend)
    assert times == ["2025-01-04 14:17:09.250000", "2025-01-04 14:17:09.250321", "2025-01-04 14:17:09.250321"]


def trail_times(backend: Backend) -> list[str]:
    """Read the three times of the only row as UTC text."""
    names = ("created_at", "moved_at", "updated_at")
    if "sqlite" in backend.url:
        return list(backend.query(f"SELECT {', '.join(names)} FROM document_logs")[0])
    utc = (f"CAST(CONVERT_TZ({name}, @@session.time_zone, '+00:00') AS CHAR)" for name in names)
    return list(backend.query(f"SELECT {', '.join(utc)} FROM document_logs")[0])


def test_a_skipped_order_leaves_no_row(trail: Trail, backend: Backend) -> None:
    """Nothing was moved, so its pending row is withdrawn, together with what else is settled."""
    sweep = trail.open_sweep(PAIR, AT)
    orders = [order(sweep, number) for number in (1, 2, 3)]
    trail.intend(orders, AT)
    for _ in range(2):
        trail.settle([skipped(orders[0]), moved(orders[1]), skipped(orders[2])])
    assert backend.query("SELECT number, status FROM document_logs") == [(2, "success")]


@pytest.mark.parametrize("count", [0, 1, 5, 257, 1000])
def test_a_batch_of_any_size_is_recorded_whole(trail: Trail, backend: Backend, count: int) -> None:
    """However many orders come at once, each gets its own row and its own outcome."""
    sweep = trail.open_sweep(PAIR, AT)
    orders = [order(sweep, number, f"in/{number}", number) for number in range(1, count + 1)]
    trail.intend(orders, AT)
    trail.settle([moved(each) for each in orders])
    found = backend.query("SELECT number, file_key, size_bytes, status FROM document_logs ORDER BY number")
    assert found == [(number, f"in/{number}", number, "success") for number in range(1, count + 1)]


def test_a_batch_is_recorded_wholly_or_not_at_all(trail: Trail, backend: Backend) -> None:
    """One order that the database refuses takes the others back with it."""
    sweep = trail.open_sweep(PAIR, AT)
    broken = order(sweep, 300)._replace(key=None)  # type: ignore[arg-type]
    orders = [order(sweep, number) for number in range(1, 300)]
    with pytest.raises(Exception, match=r"(?i)null"):
        trail.intend([*orders, broken], AT)
    trail.settle([moved(order(sweep, 400))])
    assert backend.query("SELECT number FROM document_logs") == [(400,)]
    trail.intend(orders, AT)
    assert backend.query("SELECT COUNT(*) FROM document_logs") == [(300,)]


def test_keys_are_kept_byte_by_byte(trail: Trail, backend: Backend) -> None:
    """No key is cleaned, folded, cut or taken for a part of the statement, on either way into the table."""
    sweep = trail.open_sweep(PAIR, AT)
    orders = [order(sweep, number, key) for number, key in enumerate(ODD_KEYS, start=1)]
    trail.intend(orders, AT)
    assert [row.key for row in trail.pending(PAIR, 100)] == ODD_KEYS
    other = trail.open_sweep(PAIR, AT + 1)
    trail.settle([failed(each._replace(sweep=other)) for each in orders])
    assert [record.key for record in trail.failures(100, sweep=other)] == ODD_KEYS[::-1]
    hexes = backend.query("SELECT HEX(file_key) FROM document_logs ORDER BY id")
    assert [value for (value,) in hexes] == [key.encode().hex().upper() for key in ODD_KEYS] * 2


def test_what_is_too_long_is_cut(trail: Trail, backend: Backend) -> None:
    """A message, code or ETag of any length is recorded, rather than stopping every row after it."""
    sweep = trail.open_sweep(PAIR, AT)
    long = order(sweep, 1)._replace(etag="e" * 9000)
    trail.intend([long], AT)
    trail.settle([failed(long)._replace(message="😀" * 70000, code="c" * 9000, destination_etag="d" * 9000)])
    columns = "LENGTH(source_etag), LENGTH(destination_etag), LENGTH(error_code), message"
    assert backend.query(f"SELECT {columns} FROM document_logs") == [(255, 255, 128, "😀" * 4000)]


def test_pending_rows_come_oldest_first_and_of_one_pair(trail: Trail) -> None:
    """Another pair's rows are another instance's business, even where only the case of a prefix differs."""
    mine, other = trail.open_sweep(PAIR, AT), trail.open_sweep(OTHER_PAIR, AT)
    trail.intend([order(mine, 1)], AT + 3)
    trail.intend([order(mine, 2)], AT + 2)
    trail.intend([order(other, 1)], AT + 1)
    trail.settle([moved(order(mine, 3))])
    assert [(row.sweep, row.number) for row in trail.pending(PAIR, 10)] == [(mine, 2), (mine, 1)]
    assert [row.number for row in trail.pending(PAIR, 1)] == [2]
    assert trail.pending(Pair("no", "", "such", ""), 10) == []


def test_opening_a_sweep_again_is_the_same_sweep(trail: Trail) -> None:
    """The call may be repeated like any other; another start or another pair is another sweep."""
    first = trail.open_sweep(PAIR, AT)
    assert trail.open_sweep(PAIR, AT) == first
    assert len({first, trail.open_sweep(PAIR, AT + 1), trail.open_sweep(OTHER_PAIR, AT)}) == 3


def test_a_closed_sweep_tells_its_end(trail: Trail) -> None:
    """What was recorded at the end is what is read, newest sweep first."""
    odd = Pair("there", "x'delimiter $$ ' y%s?", "here", "a \0😀")
    first, second = trail.open_sweep(PAIR, AT), trail.open_sweep(odd, AT + 10)
    tally = Tally(9, 4, 5, 3, 2, 12345678901234, 2, 1)
    summary = "logs/x'delimiter $$ ' y.log"
    end = SweepRecord(second, odd, AT + 10, AT + 11.5, SweepStatus.COMPLETED, tally, 1500000, summary)
    for _ in range(2):
        trail.close_sweep(end)
    running = SweepRecord(first, PAIR, AT, None, SweepStatus.RUNNING, Tally(), 0)
    assert trail.latest_sweeps(10) == [end, running]
    assert trail.latest_sweeps(1) == [end]


def test_interrupted_sweeps_are_counted_from_their_rows(trail: Trail) -> None:
    """A sweep that was killed gets the counts that it could not write; other pairs' sweeps go on running."""
    sweep, other = trail.open_sweep(PAIR, AT), trail.open_sweep(OTHER_PAIR, AT)
    orders = [order(sweep, number, size=number * 10) for number in range(1, 6)]
    trail.intend(orders, AT)
    trail.settle(
        [moved(orders[0]), *(moved(each, Method.STREAMING) for each in orders[1:3]), failed(orders[3])]
    )
    assert trail.interrupt_sweeps(PAIR, AT + 60) == 1
    assert trail.interrupt_sweeps(PAIR, AT + 61) == 0
    tally = Tally(listed=5, planned=5, succeeded=3, failed=1, bytes=60, server_side_copies=1, streamed=2)
    running, interrupted = trail.latest_sweeps(10)
    assert interrupted == SweepRecord(sweep, PAIR, AT, AT + 60, SweepStatus.INTERRUPTED, tally, 60_000_000)
    assert (running.id, running.status) == (other, SweepStatus.RUNNING)


def test_a_sweep_without_rows_can_be_interrupted(trail: Trail) -> None:
    """A kill before the first row leaves nothing to count."""
    trail.open_sweep(PAIR, AT)
    assert trail.interrupt_sweeps(PAIR, AT) == 1
    assert trail.latest_sweeps(1)[0].tally == Tally()


def test_totals_count_by_status_and_method(trail: Trail) -> None:
    """Rows and bytes are told apart by what became of them, of all sweeps, one sweep, or since a time."""
    first, second = trail.open_sweep(PAIR, AT), trail.open_sweep(PAIR, AT + 100)
    old = [order(first, number, size=5) for number in (1, 2, 3)]
    new = [order(second, 1, size=7)]
    trail.intend(old, AT)
    trail.intend(new, AT + 100)
    trail.settle([moved(old[0]), moved(old[1]), failed(old[2])])
    pending = Total(Status.PENDING, "", 1, 7)
    settled = [Total(Status.ERROR, "streaming", 1, 5), Total(Status.SUCCESS, "server_side_copy", 2, 10)]
    assert trail.totals() == [settled[0], pending, settled[1]]
    assert trail.totals(sweep=first) == settled
    assert trail.totals(since=AT + 50) == [pending]
    assert all(type(total.bytes) is int for total in trail.totals())
    assert trail.totals(since=AT + 50, sweep=first) == []


@pytest.mark.parametrize(
    "other", [OTHER_PAIR, PAIR._replace(source_prefix="in/ "), PAIR._replace(source_prefix="ín/")]
)
def test_pairs_are_told_apart(trail: Trail, backend: Backend, other: Pair) -> None:
    """Totals, sweeps and failures of one pair are just its own, whatever a collation takes for equal."""
    ours, theirs = trail.open_sweep(PAIR, AT), trail.open_sweep(other, AT + 100)
    rows = [order(ours, 1, size=5), order(ours, 2, size=6)], [order(theirs, 1, size=7)]
    for at, orders in zip((AT, AT + 100), rows, strict=True):
        trail.intend(orders, at)
    trail.settle([moved(rows[0][0]), failed(rows[0][1]), failed(rows[1][0])])
    backend.query("INSERT INTO document_logs (file_key, status) VALUES ('of the first version', 'success')")
    failures = {pair: [one.sweep for one in trail.failures(10, pair=pair)] for pair in (PAIR, other)}
    assert failures == {PAIR: [ours], other: [theirs]}
    assert [one.pair for one in trail.failures(10)] == [other, PAIR]
    assert [one.id for one in trail.latest_sweeps(10, pair=PAIR)] == [ours]
    assert [one.id for one in trail.latest_sweeps(10, pair=other, sweep=ours)] == []
    assert trail.totals_by_pair(since=AT - 1, sweep=ours) == [
        (PAIR, Total(Status.ERROR, "streaming", 1, 6)),
        (PAIR, Total(Status.SUCCESS, "server_side_copy", 1, 5)),
    ]
    counted = trail.totals_by_pair()
    assert (None, Total(Status.SUCCESS, "", 1, 0)) in counted
    assert (other, Total(Status.ERROR, "streaming", 1, 7)) in counted
    assert len(counted) == 4
    assert {type(value) for _, total in counted for value in (total.objects, total.bytes)} == {int}


def test_failures_come_newest_first_page_by_page(trail: Trail, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many there are, each comes once, and the limit holds across pages."""
    monkeypatch.setattr("s3mover.audit.sql_reader.FAILURES_PER_PAGE", 3)
    first, second = trail.open_sweep(PAIR, AT), trail.open_sweep(PAIR, AT + 100)
    for sweep, at in ((first, AT), (second, AT + 100)):
        orders = [order(sweep, number) for number in range(1, 6)]
        trail.intend(orders, at)
        trail.settle([*(failed(each, at=at + 7) for each in orders[:4]), moved(orders[4])])
    every = [(second, AT + 107)] * 4 + [(first, AT + 7)] * 4
    assert [(record.sweep, record.at) for record in trail.failures(100)] == every
    assert [(record.sweep, record.at) for record in trail.failures(5)] == every[:5]
    assert [record.sweep for record in trail.failures(100, since=AT + 50)] == [second] * 4
    assert [record.sweep for record in trail.failures(100, sweep=first)] == [first] * 4
    assert list(trail.failures(0)) == []
    newest = FailureRecord(second, "in/a.pdf", "AccessDenied", "Access Denied", 3, AT + 107, pair=PAIR)
    assert next(trail.failures(1)) == newest
    assert {type(value) for value in (next(trail.failures(1)).sweep, next(trail.failures(1)).attempts)} == {
        int
    }


def test_due_deletions_are_found_until_they_have_ended(trail: Trail, backend: Backend) -> None:
    """A row tells when its source went; what changed needs no deletion any more, what was refused still does."""
    sweep = trail.open_sweep(PAIR, AT)
    trail.settle([moved(order(sweep, number))._replace(delete_due=number != 4) for number in (1, 2, 3, 4)])
    due, place = trail.due_deletions(PAIR, 0, 10)
    assert [(one.sweep, one.number) for one in due] == [(sweep, 1), (sweep, 2), (sweep, 3)]
    assert (due[0].key, due[0].etag) == (order(sweep, 1).key, order(sweep, 1).etag)
    assert trail.due_deletions(PAIR, place, 10) == ([], place)
    assert trail.due_deletions(OTHER_PAIR, 0, 10) == ([], 0)
    assert [one.number for one in trail.due_deletions(PAIR, 0, 2)[0]] == [1, 2]

    codes = ["", "PreconditionFailed", "AccessDenied"]
    trail.end_deletions([Deletion(one, code) for one, code in zip(due, codes, strict=True)], AT + 9)
    trail.end_deletions([], AT + 9)

    assert [one.number for one in trail.due_deletions(PAIR, 0, 10)[0]] == [3]
    deleted = backend.query("SELECT number FROM document_logs WHERE source_deleted_at IS NOT NULL")
    assert deleted == [(1,)]


def test_pruning_removes_old_settled_rows_only(trail: Trail, backend: Backend) -> None:
    """Pending rows stay however old they are, and no more go at once than was said."""
    sweep = trail.open_sweep(PAIR, AT)
    orders = [order(sweep, number) for number in range(1, 6)]
    trail.intend(orders[:4], AT)
    trail.intend(orders[4:], AT + 100)
    trail.settle([moved(orders[0]), failed(orders[1]), moved(orders[2]), moved(orders[4])])
    assert trail.prune(AT + 50, 2) == 0, "its sweep is still running"
    trail.close_sweep(SweepRecord(sweep, PAIR, AT, AT + 10, SweepStatus.COMPLETED, Tally(), 0))
    assert [trail.prune(AT + 50, 2), trail.prune(AT + 50, 2), trail.prune(AT + 50, 2)] == [2, 1, 0]
    assert backend.query("SELECT number FROM document_logs ORDER BY number") == [(4,), (5,)]


def test_pruning_removes_sweeps_that_have_no_row_left(trail: Trail) -> None:
    """A sweep goes after its last row, in the same small steps; one that is running, or young, stays."""
    sweeps = []
    for n in range(5):
        sweeps.append(trail.open_sweep(PAIR, AT + n))
        trail.intend([order(sweeps[n], number + 1) for number in range({0: 1, 1: 2}.get(n, 0))], AT)
        if n == 1:
            trail.settle([moved(order(sweeps[1], number)) for number in (1, 2)])
        if n < 4:
            ended = AT + (100 if n == 3 else 10)
            trail.close_sweep(SweepRecord(sweeps[n], PAIR, AT + n, ended, SweepStatus.COMPLETED, Tally(), 0))
    assert [trail.prune(AT + 50, 2) for _ in range(3)] == [2, 2, 0]
    assert [record.id for record in trail.latest_sweeps(10)] == [sweeps[4], sweeps[3], sweeps[0]]
    assert [record.id for record in trail.latest_sweeps(10, since=AT + 4)] == [sweeps[4]]
    assert [record.id for record in trail.latest_sweeps(10, sweep=sweeps[0])] == [sweeps[0]]


def test_any_number_of_failures_is_told_in_constant_memory(trail: Trail, backend: Backend) -> None:
    """Ninety thousand rows are read, and only a few pages of them held."""
    sweep = trail.open_sweep(PAIR, AT)
    side = 300  # the rows are multiplied by themselves
    trail.settle([failed(order(sweep, number)) for number in range(1, side + 1)])
    later = "STRFTIME('%Y-%m-%d %H:%M:%f000', '2025-01-04', '+' || {} || ' seconds')"
    if "sqlite" not in backend.url:
        later = "'2025-01-04 00:00:00' + INTERVAL {} SECOND"
    backend.query(
        f"""
        INSERT INTO document_logs (file_key, status, message, batch_id, created_at, updated_at)
        SELECT 'in/a.pdf', 'error', 'Access Denied', {sweep}, {later.format(f"(a.id * {side} + b.id)")}, a.created_at
        FROM document_logs a, document_logs b
        """
    )
    before = own_memory(os.getpid())
    grown = [
        own_memory(os.getpid()) - before
        for number, record in enumerate(trail.failures(2**31), start=1)
        if number % 10_000 == 0 and record.sweep == sweep
    ]
    assert len(grown) == side * (side + 1) // 10_000
    # All of them at once take some 45 MB.
    assert max(grown) < 20 * 2**20


def test_one_connection_holds_the_lease(trail: Trail, backend: Backend) -> None:
    """A second instance stands by until the first gives the lease back; another pair is free all the while."""
    with contextlib.closing(open_trail(backend.url)) as second:
        assert not second.acquire_lease(PAIR)
        assert second.acquire_lease(OTHER_PAIR)
        trail.release_lease()
        trail.release_lease()
        assert second.acquire_lease(PAIR)
        assert not trail.acquire_lease(PAIR)


def test_the_lease_goes_with_its_connection(trail: Trail, backend: Backend) -> None:
    """Closing is enough; nothing is left to be cleared away."""
    first = open_trail(backend.url)
    assert first.acquire_lease(OTHER_PAIR)
    first.close()
    assert trail.acquire_lease(OTHER_PAIR)


def test_the_lease_outlives_a_reconnect(trail: Trail, backend: Backend) -> None:
    """Reconnecting a connection that is well keeps the lease where it is."""
    assert trail.acquire_lease(PAIR)
    trail.reconnect()
    trail.open_sweep(PAIR, AT)
    with contextlib.closing(open_trail(backend.url)) as second:
        assert not second.acquire_lease(PAIR)


@pytest.mark.process
def test_a_killed_process_leaves_its_rows_and_gives_its_lease_back(trail: Trail, backend: Backend) -> None:
    """What was committed is there after a kill, and the next instance takes over once the lease has expired."""
    trail.release_lease()
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, backend.url], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"ready\n"
        assert not trail.acquire_lease(PAIR)
        holder.kill()
    wait_for_lease(trail)
    assert trail.vacant_seconds > TTL_SECONDS - 1
    assert [row.key for row in trail.pending(PAIR, 10)] == ["in/a.pdf"]
    assert trail.interrupt_sweeps(PAIR, AT) == 1


def wait_for_lease(trail: Trail) -> None:
    """Ask for the lease until the database has noticed that its holder is gone."""
    wait_until(lambda: trail.acquire_lease(PAIR), "the lease is free")


def test_queries_of_the_first_version_keep_working(trail: Trail, backend: Backend) -> None:
    """The names that people's dashboards and scripts hold on to are all there."""
    sweep = trail.open_sweep(PAIR, AT)
    trail.settle([moved(order(sweep, 1, "in/a")), failed(order(sweep, 2, "in/b"))])
    trail.intend([order(sweep, 3, "in/c")], AT)
    counts = backend.query("SELECT status, COUNT(*) FROM document_logs GROUP BY status")
    assert sorted(counts) == [("error", 1), ("pending", 1), ("success", 1)]
    assert backend.query("SELECT file_key, message FROM failed_migrations") == [("in/b", "Access Denied")]
    columns = "id, file_key, status, message, moved_at, created_at, updated_at"
    assert len(backend.query(f"SELECT {columns} FROM recent_migrations")) == 3
    assert len(backend.query(f"SELECT {columns} FROM document_logs WHERE file_key LIKE 'in/%'")) == 3
    assert backend.query("SELECT COUNT(*) FROM migration_batches WHERE status = 'running'") == [(1,)]


def test_a_reader_sees_what_the_writer_committed(trail: Trail, backend: Backend) -> None:
    """A second connection for reports follows the first, and does not stand in its way."""
    with contextlib.closing(open_reader(backend.url)) as reader:
        sweep = trail.open_sweep(PAIR, AT)
        assert [record.id for record in reader.latest_sweeps(5)] == [sweep]
        trail.intend([order(sweep, 1)], AT)
        assert reader.totals() == [Total(Status.PENDING, "", 1, 1000)]
        trail.settle([moved(order(sweep, 1))])
        assert reader.totals() == [Total(Status.SUCCESS, "server_side_copy", 1, 1000)]


def test_a_lease_that_is_held_may_be_taken_again(trail: Trail, backend: Backend) -> None:
    """Asking twice changes nothing: giving it back once frees it."""
    assert trail.acquire_lease(PAIR)
    assert trail.acquire_lease(PAIR)
    trail.release_lease()
    with contextlib.closing(open_trail(backend.url)) as other:
        assert other.acquire_lease(PAIR)


def test_resolving_counts_a_recorded_sweep_anew(trail: Trail, backend: Backend) -> None:
    """A sweep that ran out of time is recorded already; its counts follow what recovery makes of its rows."""
    sweep = trail.open_sweep(PAIR, AT)
    orders = [order(sweep, number, f"in/{number}") for number in (1, 2)]
    trail.intend(orders, AT)
    trail.interrupt_sweeps(PAIR, AT)
    trail.resolve([moved(orders[0]), failed(orders[1])])
    trail.resolve([moved(orders[0]), failed(orders[1])])
    counts = "SELECT planned, succeeded, failed, bytes FROM migration_batches"
    assert backend.query(counts) == [(2, 1, 1, 1000)]


def test_the_newest_success_of_a_key_tells_what_was_copied(trail: Trail) -> None:
    """Of this pair, byte by byte, and not if the object was deleted since; failures and open rows say nothing."""
    first = trail.open_sweep(PAIR, AT)
    orders = [order(first, number, key) for number, key in enumerate(ODD_KEYS, 1)]
    trail.intend(orders, AT)
    trail.settle([moved(each) for each in orders])
    second = trail.open_sweep(PAIR, AT + 60)
    changed = [
        order(second, number, key)._replace(etag=f"e{number}", size=7)
        for number, key in enumerate(ODD_KEYS, 1)
    ]
    deleted = changed[0]._replace(action=Action.DELETE)
    trail.intend([deleted, *changed[1:4]], AT)
    trail.settle([moved(deleted), failed(changed[1]), moved(changed[2])])
    other = trail.open_sweep(OTHER_PAIR, AT)
    trail.settle([moved(order(other, 1, ODD_KEYS[5])._replace(etag="other"))])
    unchanged = LastCopy(1000, orders[0].etag, "d2")
    expected = {**dict.fromkeys(ODD_KEYS[1:], unchanged), ODD_KEYS[2]: LastCopy(7, "e3", "d2")}
    assert trail.last_copies(PAIR, [*ODD_KEYS, "in/unknown"]) == expected
    assert trail.last_copies(OTHER_PAIR, ODD_KEYS) == {ODD_KEYS[5]: LastCopy(1000, "other", "d2")}
    assert trail.last_copies(PAIR, []) == {}


def test_a_whole_page_of_the_longest_keys_can_be_asked_about(trail: Trail) -> None:
    """In several queries, none of them too long for a server."""
    sweep = trail.open_sweep(PAIR, AT)
    orders = [order(sweep, number, f"{number:01024}") for number in range(1, 1001)]
    trail.settle([moved(each) for each in orders])
    assert set(trail.last_copies(PAIR, [each.key for each in orders])) == {each.key for each in orders}


def test_uncertain_rows_are_those_that_nobody_tried_again(trail: Trail) -> None:
    """Failures with an open end, back to the latest completed sweep, whose key has no later row."""
    first = trail.open_sweep(PAIR, AT)
    late, again, refused = (order(first, n, f"in/{n}") for n in (1, 2, 3))
    trail.settle([failed(late, "Interrupted"), failed(again, "Timeout"), failed(refused, "AccessDenied")])
    trail.interrupt_sweeps(PAIR, AT)
    second = trail.open_sweep(PAIR, AT + 1)
    trail.settle([moved(order(second, 1, "in/2"))])
    trail.interrupt_sweeps(PAIR, AT + 1)
    third = trail.open_sweep(PAIR, AT + 2)
    rows, place = trail.uncertain(PAIR, third, 0, 10)
    assert [(row.sweep, row.key) for row in rows] == [(first, "in/1")]
    assert trail.uncertain(PAIR, third, place, 10)[0] == []
    assert trail.uncertain(PAIR._replace(source_prefix="other/"), third, 0, 10)[0] == []


def test_nothing_is_written_without_the_lease(backend: Backend) -> None:
    """No sweep begins, and none is closed or resolved."""
    with contextlib.closing(open_trail(backend.url)) as trail:
        for write in (
            lambda: trail.open_sweep(PAIR, AT),
            lambda: trail.intend([order(1, 1)], AT),
            lambda: trail.settle([moved(order(1, 1))]),
            lambda: trail.resolve([moved(order(1, 1))]),
            lambda: trail.close_sweep(SweepRecord(1, PAIR, AT, AT, SweepStatus.COMPLETED, Tally(), 0)),
        ):
            with pytest.raises(LeaseHeldError):
                write()
        assert backend.query("SELECT COUNT(*) FROM document_logs") == [(0,)]
        assert backend.query("SELECT COUNT(*) FROM migration_batches") == [(0,)]


def test_who_takes_an_expired_lease_fences_the_former_holder(trail: Trail, backend: Backend) -> None:
    """Each write of the former holder is refused as a whole, also after the new holder has released the lease."""
    sweep = trail.open_sweep(PAIR, AT)
    trail.intend([order(sweep, 1)], AT)
    backend.query(CHANGE_LEASE.format(HOURS_AGO[dialect(backend)]))
    with contextlib.closing(open_trail(backend.url)) as other:
        assert other.acquire_lease(PAIR)
        assert other.vacant_seconds < 60, "its range gave a sign a moment ago"
        other.interrupt_sweeps(PAIR, AT)
    for write in (
        lambda: trail.settle([moved(order(sweep, 1))]),
        lambda: trail.intend([order(sweep, 2)], AT),
        lambda: trail.close_sweep(SweepRecord(sweep, PAIR, AT, AT, SweepStatus.COMPLETED, Tally(), 0)),
        trail.heartbeat,
        lambda: trail.open_sweep(PAIR, AT + 1),
    ):
        with pytest.raises(LeaseHeldError):
            write()
    assert backend.query("SELECT file_key, status FROM document_logs") == [("in/a.pdf", "pending")]
    assert backend.query("SELECT status, COUNT(*) FROM migration_batches GROUP BY status") == [
        ("interrupted", 1)
    ]


def test_a_lease_that_is_renewed_is_not_taken(trail: Trail, backend: Backend) -> None:
    """Its holder renews it, by the database's clock; a second instance sees that it does."""
    backend.query(CHANGE_LEASE.format(HOURS_AGO[dialect(backend)]))
    trail.heartbeat()
    with contextlib.closing(open_trail(backend.url)) as other:
        assert not other.acquire_lease(PAIR)
        assert not other.lease_is_renewed

        def sees_a_renewal() -> bool:
            trail.heartbeat()
            assert not other.acquire_lease(PAIR)
            return other.lease_is_renewed

        # SQLite's clock counts milliseconds, and two renewals may fall into one.
        wait_until(sees_a_renewal, "it is seen that the lease is renewed")


def test_a_clock_that_was_set_back_keeps_no_lease_for_ever(trail: Trail, backend: Backend) -> None:
    """A renewal that lies in the future counts as one until it has not changed for the TTL."""
    assert trail.acquire_lease(PAIR)
    backend.query(CHANGE_LEASE.format(HOURS_AHEAD[dialect(backend)]))
    now = 100.0
    with contextlib.closing(connect(parse_dsn(backend.url))) as database:
        other = Lease(database, PAIR, list, lambda: now)
        assert not other.acquire()
        now += TTL_SECONDS - 1
        assert not other.acquire()
        now += 2
        assert other.acquire()
    with pytest.raises(LeaseHeldError):
        trail.heartbeat()


def dialect(backend: Backend) -> str:
    """Return the dialect of a backend's SQL."""
    return backend.url.partition(":")[0] if backend.url.startswith("sqlite") else "mysql"
