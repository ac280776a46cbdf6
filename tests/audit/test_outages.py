"""While the database cannot be written to the trail waits; once it can, no row is lost and none is doubled."""

# ruff: noqa: S608 - the statements are put together from names that stand in this file

import contextlib
import itertools
import resource
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import NamedTuple, cast

import mysql.connector
import pytest

from s3mover.audit import mysql_options, retrying_trail, sqlite
from s3mover.audit.dsn import parse_dsn
from s3mover.audit.lease import TTL_SECONDS
from s3mover.audit.opening import connect, open_trail
from s3mover.audit.retrying_trail import RetryingTrail
from s3mover.audit.rows import numbers_of, settled
from s3mover.audit.statements import SETTLE
from s3mover.audit.trail import RangeClaim, Trail
from s3mover.errors import AuditConflictError, AuditUnavailableError, LeaseHeldError
from s3mover.events import AuditRestored, AuditRowsWritten, AuditUnavailable, Event, LeaseLost, SealWritten
from s3mover.model import Pair, SweepRecord, SweepStatus, Tally, Wait, WaitChanges
from testkit.leases import expire_lease
from testkit.mariadb import Account, MariaDb
from testkit.relay import Relay
from testkit.waiting import TOO_LONG, wait_until
from tests.audit.conftest import Backend, sqlite_backend
from tests.audit.samples import AT, PAIR, failed, moved, order, skipped

Step = Callable[[], object]
PAGE_BYTES = 4096
CONNECTIONS = 4


class Outage(NamedTuple):
    """A database that `begin` makes unusable, and `mend` usable again after so many pauses."""

    backend: Backend
    begin: Step
    mend: Step
    pauses: int = 3


@contextlib.contextmanager
def killed(server: MariaDb) -> Iterator[Outage]:
    """The server is gone: connections break, and new ones are refused."""
    account = server.database()

    def mend() -> None:
        if not server.is_running:
            server.start()

    try:
        yield Outage(Backend(account.go_dsn, account.query), server.kill, mend)
    finally:
        mend()


@contextlib.contextmanager
def read_only(server: MariaDb) -> Iterator[Outage]:
    """The server answers and lets nobody write, as after a failover."""
    account = server.database()

    def set_to(value: str) -> None:
        server.root.query(f"SET GLOBAL read_only = {value}")

    try:
        yield Outage(Backend(account.go_dsn, account.query), lambda: set_to("ON"), lambda: set_to("OFF"))
    finally:
        set_to("OFF")


@contextlib.contextmanager
def locked(account: Account) -> Iterator[Outage]:
    """Somebody's transaction holds every row for longer than we wait for a lock."""
    with Other(account) as other:

        def lock() -> None:
            for table in ("document_logs", "migration_batches", "object_waits", "sweep_ranges"):
                other.run(f"SELECT * FROM {table} FOR UPDATE")

        yield Outage(Backend(account.go_dsn, account.query), lock, lambda: other.run("ROLLBACK"), 1)


@contextlib.contextmanager
def broken(account: Account) -> Iterator[Outage]:
    """Our connections are killed."""

    def kill() -> None:
        for session in sessions(account):
            account.query(f"KILL {session.number}")

    yield Outage(Backend(account.go_dsn, account.query), kill, lambda: None, 1)


@contextlib.contextmanager
def unanswered(account: Account) -> Iterator[Outage]:
    """What we commit is committed, and the answer is lost with the connection."""
    with Relay(account.port) as relay:
        dsn = f"{account._replace(port=relay.port).go_dsn}&tls=false"
        yield Outage(Backend(dsn, account.query), lambda: relay.lose_answer_to(b"COMMIT"), lambda: None, 1)


@contextlib.contextmanager
def busy(backend: Backend) -> Iterator[Outage]:
    """Another program's transaction holds the file for longer than we wait."""
    path = backend.url.removeprefix("sqlite:///")
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        yield Outage(backend, lambda: other.execute("BEGIN IMMEDIATE"), other.rollback)


@contextlib.contextmanager
def full(backend: Backend) -> Iterator[Outage]:
    """No file may grow beyond a page, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    def limit(size: int) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))

    try:
        yield Outage(backend, lambda: limit(PAGE_BYTES), lambda: limit(soft))
    finally:
        limit(soft)


OF_SERVERS = {"killed": killed, "read_only": read_only}
OF_ACCOUNTS = {"locked": locked, "broken": broken, "unanswered": unanswered}
OF_FILES = {"busy": busy, "full": full}


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits long for somebody else's lock."""
    session = (*mysql_options.SESSION, "SET SESSION innodb_lock_wait_timeout = 1")
    monkeypatch.setattr(mysql_options, "SESSION", session)
    monkeypatch.setattr(sqlite, "BUSY_TIMEOUT_SECONDS", 0.0)


class Watched:
    """A trail that waits patiently; after so many pauses as the outage lasts it is mended."""

    def __init__(self, trail: Trail, outage: Outage) -> None:
        self.events: list[Event] = []
        self.pauses: list[float] = []
        self._outage = outage
        self.trail = RetryingTrail(trail, self.events.append, self._wait, lambda: 0.0)

    def through_the_outage(self, call: Step) -> None:
        """Make the call while the database is unusable, and see that it was waited for, once and patiently."""
        self.events.clear()
        self.pauses.clear()
        self._outage.begin()
        call()
        self._outage.mend()
        outages = [
            type(event) for event in self.events if not isinstance(event, AuditRowsWritten | SealWritten)
        ]
        assert outages == [AuditUnavailable, AuditRestored]
        first = retrying_trail.FIRST_WAIT_SECONDS
        assert self.pauses == [first * 2**n for n in range(self._outage.pauses)]

    def _wait(self, seconds: float) -> bool:
        self.pauses.append(seconds)
        if len(self.pauses) == self._outage.pauses:
            self._outage.mend()
        return True


def outlast(outage: Outage) -> None:
    """Do all that a sweep does to the trail, each during an outage of its own, and look at what stands in it."""
    with contextlib.closing(open_trail(outage.backend.url)) as opened:
        assert opened.acquire_lease(PAIR)
        watched = Watched(opened, outage)
        trail, through = watched.trail, watched.through_the_outage
        through(lambda: trail.open_sweep(PAIR, AT))
        sweep = trail.open_sweep(PAIR, AT)
        orders = [order(sweep, number, f"k{number}") for number in range(1, 301)]
        through(lambda: trail.intend(orders, AT))
        waits = [Wait("k1", 1, sweep, "etag", AT, AT + 60)]
        outcomes = [failed(orders[0]), skipped(orders[1]), *map(moved, orders[2:])]
        through(lambda: trail.settle(outcomes, WaitChanges(PAIR, waits, ["k2"])))
        end = SweepRecord(sweep, PAIR, AT, AT + 9, SweepStatus.COMPLETED, Tally(listed=300), 9_000_000)
        through(lambda: trail.close_sweep(end))
        assert opened.latest_sweeps(10) == [end]
        assert opened.waits(PAIR, ["k1", "k2"]) == {"k1": waits[0]}
    found = outage.backend.query("SELECT number, status FROM document_logs ORDER BY number")
    assert found == [(1, "error"), *((number, "success") for number in range(3, 301))]
    assert outage.backend.query("SELECT number, row_count FROM audit_seals") == [(1, 299)]


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("kind", OF_SERVERS)
def test_an_outage_of_the_server_is_outlasted(mariadb: MariaDb, kind: str) -> None:
    """Killed or read-only: each row is there once, and the lease is held again."""
    with OF_SERVERS[kind](mariadb) as outage:
        outlast(outage)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("kind", OF_ACCOUNTS)
def test_an_outage_of_the_connection_is_outlasted(account: Account, kind: str) -> None:
    """Locked out, killed, or left without an answer to a commit: each row is there once."""
    with OF_ACCOUNTS[kind](account) as outage:
        outlast(outage)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("kind", OF_FILES)
def test_an_outage_of_the_file_is_outlasted(tmp_path: Path, kind: str) -> None:
    """Busy or full: each row is there once."""
    with OF_FILES[kind](sqlite_backend(tmp_path / "trail.db")) as outage:
        outlast(outage)


def test_a_lease_at_rest_is_renewed(account: Account) -> None:
    """A few times within its TTL, and no sooner; a connection that was lost is replaced on the way."""
    assert retrying_trail.RENEWAL_SECONDS * 4 < TTL_SECONDS
    renewed_at = "SELECT renewed_at FROM leases"
    with contextlib.closing(open_trail(account.go_dsn)) as opened, broken(account) as outage:
        assert opened.acquire_lease(PAIR)
        now = [0.0]
        trail = RetryingTrail(opened, lambda _: None, lambda _: False, lambda: now[0])
        acquired_at = account.query(renewed_at)
        now[0] = retrying_trail.RENEWAL_SECONDS * 0.9
        trail.keep_alive()
        assert account.query(renewed_at) == acquired_at
        outage.begin()
        for _ in range(2):
            now[0] += retrying_trail.RENEWAL_SECONDS
            trail.keep_alive()
        assert account.query(renewed_at) > acquired_at


def test_a_standby_at_rest_keeps_its_connection(account: Account) -> None:
    """It renews nothing, and gives the server a sign of life."""
    with contextlib.closing(open_trail(account.go_dsn)) as opened, broken(account) as outage:
        now = [0.0]
        trail = RetryingTrail(opened, lambda _: None, lambda _: False, lambda: now[0])
        outage.begin()
        for _ in range(2):
            now[0] += retrying_trail.RENEWAL_SECONDS
            trail.keep_alive()
        assert opened.totals() == []


def test_an_outage_at_rest_is_announced_once(mariadb: MariaDb) -> None:
    """Nobody waits for a database between two sweeps; that it is away, and that it is back, is said all the same."""
    events: list[Event] = []
    moments = itertools.count(0.0, retrying_trail.RENEWAL_SECONDS)
    with killed(mariadb) as outage, contextlib.closing(open_trail(outage.backend.url)) as opened:
        trail = RetryingTrail(opened, events.append, lambda _: False, lambda: next(moments))
        outage.begin()
        trail.keep_alive()
        trail.keep_alive()
        assert [type(event) for event in events] == [AuditUnavailable]
        outage.mend()
        trail.keep_alive()
        trail.keep_alive()
        assert [type(event) for event in events] == [AuditUnavailable, AuditRestored]


def test_a_sweep_after_an_outage_at_rest_announces_its_end(mariadb: MariaDb) -> None:
    """What the rest announced is one outage with what the sweep meets."""
    events: list[Event] = []
    moments = itertools.count(0.0, retrying_trail.RENEWAL_SECONDS)
    with killed(mariadb) as outage, contextlib.closing(open_trail(outage.backend.url)) as opened:

        def mend(_seconds: float) -> bool:
            outage.mend()
            return True

        assert opened.acquire_lease(PAIR)
        trail = RetryingTrail(opened, events.append, mend, lambda: next(moments))
        outage.begin()
        trail.keep_alive()
        assert trail.outage_seconds == 0
        trail.open_sweep(PAIR, AT)
        assert trail.outage_seconds > 0
    assert [type(event) for event in events] == [AuditUnavailable, AuditRestored]


def test_a_silent_host_does_not_block_the_lease(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that lost its power in a transaction never ends it: the server ends the session after a while."""
    brief = (*mysql_options.SESSION, "SET SESSION wait_timeout = 4")
    open_trail(account.go_dsn).close()
    with monkeypatch.context() as patched:
        patched.setattr(mysql_options, "SESSION", brief)
        silent = connect(parse_dsn(account.go_dsn))
    with (
        contextlib.closing(open_trail(account.go_dsn)) as standby,
        contextlib.closing(open_trail(account.go_dsn)) as former,
        contextlib.closing(silent),
    ):
        assert former.acquire_lease(PAIR)
        former.release_lease()
        with contextlib.suppress(AuditUnavailableError), silent.transaction():
            silent.write("UPDATE leases SET ttl_seconds = ttl_seconds + 1", ())
            assert standby.acquire_lease(PAIR)
    assert account.query("SELECT ttl_seconds FROM leases") == [(TTL_SECONDS,)]


def test_an_outage_that_nobody_waits_for_is_raised(account: Account) -> None:
    """Where the time to stop is over, the rows stay as they are for the next run."""
    with contextlib.closing(open_trail(account.go_dsn)) as opened, broken(account) as outage:
        assert opened.acquire_lease(PAIR)
        events: list[Event] = []
        trail = RetryingTrail(opened, events.append, lambda _: False, lambda: 0.0)
        outage.begin()
        with pytest.raises(AuditUnavailableError):
            trail.open_sweep(PAIR, AT)
        assert [type(event) for event in events] == [AuditUnavailable]


@pytest.mark.usefixtures("quick")
def test_who_lost_the_lease_writes_nothing_more(account: Account) -> None:
    """Where another instance took the lease during an outage, not one row is written, and that is announced."""
    with (
        contextlib.closing(open_trail(account.go_dsn)) as opened,
        contextlib.closing(open_trail(account.go_dsn)) as other,
        broken(account) as outage,
    ):
        assert opened.acquire_lease(PAIR)
        events: list[Event] = []
        expire_lease(account.go_dsn, PAIR)
        outage.begin()
        other.reconnect()
        assert other.acquire_lease(PAIR)
        trail = RetryingTrail(opened, events.append, lambda _: True, lambda: 0.0)
        with pytest.raises(LeaseHeldError):
            trail.open_sweep(PAIR, AT)
    assert [type(event) for event in events] == [AuditUnavailable, LeaseLost]
    assert account.query("SELECT COUNT(*) FROM migration_batches") == [(0,)]


@pytest.mark.parametrize("end", ["kill", "deadlock"])
def test_a_statement_that_is_cut_off_in_its_middle_is_repeated(account: Account, end: str) -> None:
    """A session killed while it waits for a row, or chosen to give way in a deadlock, leaves each row settled once."""
    events: list[Event] = []
    with contextlib.closing(open_trail(account.go_dsn)) as opened, Other(account) as other:
        assert opened.acquire_lease(PAIR)
        sweep = opened.open_sweep(PAIR, AT)
        orders = [order(sweep, number) for number in (1, 2)]
        opened.intend(orders, AT)
        trail = RetryingTrail(opened, events.append, lambda _: True, lambda: 0.0)
        row = f"SELECT * FROM document_logs WHERE batch_id = {sweep} AND number = {{}} FOR UPDATE"
        other.run("CREATE TABLE heavy (n INT) ENGINE = InnoDB")
        # The transaction that has changed less gives way.
        other.run(f"INSERT INTO heavy VALUES {', '.join(['(1)'] * 100)}")
        other.run(row.format(2))
        with ThreadPoolExecutor(1) as pool:
            settled = pool.submit(trail.settle, [moved(each) for each in orders])
            stuck = stuck_session(account, sweep)
            if end == "kill":
                other.run(f"KILL {stuck}")
            else:
                other.run(row.format(1))
            other.run("ROLLBACK")
            settled.result(TOO_LONG)
    # A deadlock is no outage.
    assert [type(event) for event in events] == ([AuditUnavailable, AuditRestored] if end == "kill" else [])
    rows = account.query("SELECT number, status FROM document_logs ORDER BY number")
    assert rows == [(1, "success"), (2, "success")]


@pytest.mark.parametrize(("conflicts", "announced"), [(5, []), (6, [AuditUnavailable, AuditRestored])])
def test_a_conflict_is_repeated_a_few_times_at_once(conflicts: int, announced: list[type[Event]]) -> None:
    """After that it is an outage like any other."""
    events: list[Event] = []
    attempts = itertools.count(1)

    class Conflicting:
        def reconnect(self) -> None:
            """The connection is there."""

        def has_waits(self, _pair: Pair) -> bool:
            if next(attempts) <= conflicts:
                raise AuditConflictError("Deadlock found", repeats=5)
            return True

    trail = RetryingTrail(cast("Trail", Conflicting()), events.append, lambda _: True, lambda: 0.0)
    assert trail.has_waits(PAIR)
    assert next(attempts) == conflicts + 2
    assert [type(event) for event in events] == announced


def test_connections_that_settle_at_once_do_not_lock_each_other(mariadb: MariaDb) -> None:
    """Rows of four ranges lie between each other in the table: nobody gives way, nobody waits for the database."""
    account = mariadb.database()
    before = deadlocks(account)
    events: list[Event] = []
    with contextlib.closing(open_trail(account.go_dsn)) as supervisor:
        assert supervisor.acquire_lease(PAIR)
        sweep = supervisor.open_sweep(PAIR, AT, shared=True)
        lease, together = supervisor.lease_token, Barrier(CONNECTIONS)

        def work(number: int) -> None:
            with contextlib.closing(open_trail(account.go_dsn)) as opened:
                trail = RetryingTrail(opened, events.append, lambda _: True, lambda: 0.0)
                assert trail.claim_range(PAIR, RangeClaim(sweep, number, 1, f"m{number}"), lease)
                first, _ = numbers_of(number)
                for start in range(first, first + 20 * 100, 100):
                    together.wait(TOO_LONG)
                    orders = [order(sweep, one, f"k{one}") for one in range(start, start + 100)]
                    trail.intend(orders, AT)
                    trail.settle([moved(each) for each in orders])

        for number in range(1, CONNECTIONS + 1):
            supervisor.add_range(sweep, number, "", None)
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            list(pool.map(work, range(1, CONNECTIONS + 1)))
    assert {type(event) for event in events} == {AuditRowsWritten}
    assert deadlocks(account) == before
    rows = account.query("SELECT status, COUNT(*) FROM document_logs GROUP BY status")
    assert rows == [("success", CONNECTIONS * 2000)]


@pytest.mark.usefixtures("quick")
def test_a_transaction_locks_no_row_but_its_own(account: Account) -> None:
    """While one connection settles, another one intends and settles the rows before and after them."""
    with (
        contextlib.closing(open_trail(account.go_dsn)) as trail,
        contextlib.closing(connect(parse_dsn(account.go_dsn))) as other,
    ):
        assert trail.acquire_lease(PAIR)
        sweep = trail.open_sweep(PAIR, AT)
        orders = [order(sweep, number, f"k{number}") for number in range(1, 8)]
        trail.intend([orders[at] for at in (0, 3, 6)], AT)
        with other.transaction():
            assert other.write_many(SETTLE["mysql"], [settled(moved(orders[3]))]) == 1
            trail.intend([orders[at] for at in (1, 2, 4, 5)], AT)
            trail.settle([moved(orders[at]) for at in (0, 1, 2, 4, 5, 6)])
    assert account.query("SELECT COUNT(*) FROM document_logs WHERE status = 'success'") == [(7,)]


def deadlocks(account: Account) -> int:
    """Return how many transactions the server has rolled back because each of two waited for the other."""
    [(_, count)] = account.query("SHOW GLOBAL STATUS LIKE 'Innodb_deadlocks'")
    return int(count)


class Other:
    """Somebody else's connection to the same database, with a transaction of its own."""

    def __init__(self, account: Account) -> None:
        self._connection = mysql.connector.connect(**account._asdict())

    def __enter__(self) -> "Other":
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def run(self, statement: str) -> None:
        """Run one statement."""
        with contextlib.closing(self._connection.cursor()) as cursor:
            cursor.execute(statement)
            if cursor.description:
                cursor.fetchall()


class Session(NamedTuple):
    """One of the server's sessions, and what it is at."""

    number: int
    statement: str


def sessions(account: Account) -> list[Session]:
    """Return the sessions on the database but the one that asks."""
    listed = account.query("SHOW FULL PROCESSLIST")
    found = [Session(row[0], row[7] or "") for row in listed if row[3] == account.database]
    return [session for session in found if "PROCESSLIST" not in session.statement]


def stuck_session(account: Account, sweep: int) -> int:
    """Wait for the session that has locked the first of its rows, and must wait for the second."""
    free = f"SELECT number FROM document_logs WHERE batch_id = {sweep} AND number = 1 FOR UPDATE SKIP LOCKED"
    wait_until(lambda: not account.query(free), "the first row is locked")
    [stuck] = [one for one in sessions(account) if "STRAIGHT_JOIN document_logs" in one.statement]
    return stuck.number
