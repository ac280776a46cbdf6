"""An answer that does not come, comes late, or makes no sense, is never taken for another statement's."""

import contextlib
import threading
from collections.abc import Callable, Iterator

import mysql.connector
import pytest

from s3mover.audit import mysql_options
from s3mover.audit.dsn_options import SMALLEST_PACKET_BYTES
from s3mover.audit.mysql import MysqlDatabase
from s3mover.audit.mysql_connection import Connection
from s3mover.audit.opening import open_trail
from s3mover.audit.trail import Trail
from s3mover.errors import AuditUnavailableError, DamagedDatabaseError, MoverError, UnreachableError
from testkit.leases import leading_trail
from testkit.mariadb import Account, MariaDb
from testkit.relay import Relay
from tests.audit.samples import AT, PAIR, moved, order
from tests.audit.test_mysql import mysql as dsn_of

pytestmark = pytest.mark.process
STATEMENTS = ["INSERT", "COMMIT", "SELECT", "ROLLBACK"]


@pytest.fixture
def account(mariadb: MariaDb) -> Account:
    """An empty database."""
    return mariadb.database()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer is waited for a second."""
    monkeypatch.setattr(mysql_options, "ANSWER_TIMEOUT_SECONDS", 1)


@pytest.fixture
def relayed(mariadb: MariaDb, account: Account) -> Iterator[tuple[Relay, Trail]]:
    """A trail behind a relay, without TLS so that the relay can read along."""
    open_trail(account.go_dsn).close()
    with Relay(mariadb.port) as relay:
        dsn = f"{account._replace(port=relay.port).go_dsn}&tls=false&readTimeout=1s"
        with leading_trail(dsn, PAIR) as trail:
            yield relay, trail


@pytest.mark.parametrize("statement", STATEMENTS)
def test_nothing_is_said_after_an_answer_that_did_not_come(
    relayed: tuple[Relay, Trail], account: Account, statement: str
) -> None:
    """The late answer reaches nobody; the same calls, on a new connection, leave each row once."""
    relay, trail = relayed
    sweep = trail.open_sweep(PAIR, AT)
    orders = [order(sweep, number) for number in (1, 2, 3)]
    calls: list[Callable[[], object]] = [
        lambda: trail.intend(orders, AT),
        lambda: trail.latest_sweeps(1),
        lambda: trail.settle([moved(each) for each in orders]),
    ]
    for call in calls:
        relay.hold_answer_to(statement.encode())
        try:
            call()
        except AuditUnavailableError:
            with pytest.raises(AuditUnavailableError):
                call()
            assert relay.release() == [b""]
            trail.reconnect()
            call()
        else:
            relay.hold_answer_to(b"")
    assert account.query("SELECT number, status FROM document_logs ORDER BY number") == [
        (number, "success") for number in (1, 2, 3)
    ]
    assert [record.id for record in trail.latest_sweeps(1)] == [sweep]


@pytest.mark.parametrize(
    "lock",
    [
        "FLUSH TABLES WITH READ LOCK",
        "LOCK TABLES document_logs READ, migration_batches READ, object_waits READ",
    ],
)
def test_a_backups_lock_is_waited_for(
    mariadb: MariaDb, account: Account, monkeypatch: pytest.MonkeyPatch, lock: str
) -> None:
    """The server says that a lock is in the way before the answer is given up, so that the connection stays."""
    assert mysql_options.TABLE_LOCK_SECONDS < mysql_options.ANSWER_TIMEOUT_SECONDS
    brief = (*mysql_options.SESSION, "SET SESSION lock_wait_timeout = 1")
    monkeypatch.setattr(mysql_options, "SESSION", brief)
    with leading_trail(account.go_dsn, PAIR) as trail, locking(mariadb, account, lock) as unlock:
        with pytest.raises(AuditUnavailableError, match="Lock wait timeout"):
            trail.open_sweep(PAIR, AT)
        unlock()
        sweep = trail.open_sweep(PAIR, AT)
        trail.intend([order(sweep, 1)], AT)
    assert account.query("SELECT COUNT(*) FROM document_logs") == [(1,)]


@pytest.mark.usefixtures("impatient")
def test_a_lock_that_outlasts_the_answers_time_leaves_each_row_once(
    mariadb: MariaDb, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Statements that were given up run when the lock is gone; the repeated ones add nothing."""
    patient = (*mysql_options.SESSION, "SET SESSION lock_wait_timeout = 600")
    monkeypatch.setattr(mysql_options, "SESSION", patient)
    with (
        leading_trail(account.go_dsn, PAIR) as trail,
        locking(mariadb, account, "FLUSH TABLES WITH READ LOCK") as unlock,
    ):
        for _ in range(2):
            with pytest.raises(AuditUnavailableError):
                trail.open_sweep(PAIR, AT)
            trail.reconnect()
        unlock()
        sweep = trail.open_sweep(PAIR, AT)
        trail.intend([order(sweep, 1)], AT)
        trail.settle([moved(order(sweep, 1))])
        assert [record.id for record in trail.latest_sweeps(10)] == [sweep]
    assert account.query("SELECT status FROM document_logs") == [("success",)]


@contextlib.contextmanager
def locking(mariadb: MariaDb, account: Account, lock: str) -> Iterator[Callable[[], None]]:
    """Hold a lock as a backup does; yield how to release it."""
    backup = mysql.connector.connect(**{**mariadb.root._asdict(), "database": account.database})
    with contextlib.closing(backup), contextlib.closing(backup.cursor()) as cursor:
        cursor.execute(lock)
        yield lambda: cursor.execute("UNLOCK TABLES")


@pytest.mark.parametrize(
    "error", [IndexError, TypeError, ValueError, KeyError, AttributeError, OSError, UnicodeError]
)
def test_whatever_the_driver_raises_ends_its_connection(
    account: Account, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    """Its parser meets answers that it does not expect with Python's own errors."""
    with contextlib.closing(MysqlDatabase(dsn_of(account.go_dsn))) as database:
        with monkeypatch.context() as patched:
            patched.setattr(Connection, "cmd_query", raising(error("nonsense")))
            with pytest.raises(AuditUnavailableError, match="nonsense"):
                database.read("SELECT 1")
        with pytest.raises(AuditUnavailableError, match="given up"):
            database.read("SELECT 1")
        database.reopen()
        assert database.read("SELECT 1") == [(1,)]


def test_an_interrupt_ends_the_connection_too(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may fall between a statement and its answer."""
    with contextlib.closing(MysqlDatabase(dsn_of(account.go_dsn))) as database:
        with monkeypatch.context() as patched:
            patched.setattr(Connection, "cmd_query", raising(KeyboardInterrupt()))
            with pytest.raises(KeyboardInterrupt):
                database.read("SELECT 1")
        with pytest.raises(AuditUnavailableError, match="given up"):
            database.read("SELECT 1")


def raising(error: BaseException) -> Callable[..., object]:
    """Return a function that raises it, whatever it is given."""

    def function(*_args: object, **_kwargs: object) -> object:
        raise error

    return function


@pytest.mark.parametrize(
    "cut", [b"", b"\x01", b"\xff" * 40, b"\x03\0\0\x01\xfb\x61\x62", b"\x07\0\0\x01\0\0\0\2\0\0\0"]
)
def test_an_answer_that_makes_no_sense_ends_the_connection(
    mariadb: MariaDb, account: Account, cut: bytes
) -> None:
    """Cut off, of another length, of another kind: the trail is away, and comes back with a new connection."""
    open_trail(account.go_dsn).close()
    altered = threading.Event()

    def alter(data: bytes) -> bytes:
        return cut if altered.is_set() else data

    with Relay(mariadb.port, alter_answer=alter) as relay:
        dsn = f"{account._replace(port=relay.port).go_dsn}&tls=false&readTimeout=1s"
        with leading_trail(dsn, PAIR) as trail:
            altered.set()
            for call in (lambda: trail.latest_sweeps(1), lambda: trail.open_sweep(PAIR, AT)):
                with pytest.raises(AuditUnavailableError):
                    call()
            altered.clear()
            trail.reconnect()
            assert trail.open_sweep(PAIR, AT) == 1


@pytest.mark.parametrize("number", [1290, 1792, 1836, 1874, 1047, 1927, 3169, 2006, 2013, 1153])
def test_an_error_that_ends_a_session_ends_the_connection(
    account: Account, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """The name of a primary that became read-only may lead to the new one by now."""
    with contextlib.closing(MysqlDatabase(dsn_of(account.go_dsn))) as database:
        with monkeypatch.context() as patched:
            patched.setattr(Connection, "cmd_query", raising(mysql.connector.Error(errno=number)))
            with pytest.raises(AuditUnavailableError):
                database.read("SELECT 1")
        with pytest.raises(AuditUnavailableError, match="given up"):
            database.read("SELECT 1")


@pytest.mark.parametrize("number", [1205, 1213, 1114, 1021, 1317, 1064, 1142])
def test_an_error_of_a_statement_leaves_the_connection(
    account: Account, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """A new one would cost exchanges for nothing."""
    with contextlib.closing(MysqlDatabase(dsn_of(account.go_dsn))) as database:
        [(before,)] = database.read("SELECT CONNECTION_ID()")
        with monkeypatch.context() as patched:
            patched.setattr(Connection, "cmd_query", raising(mysql.connector.Error(errno=number)))
            with pytest.raises(MoverError):
                database.read("SELECT 1")
        database.reopen()
        assert database.read("SELECT CONNECTION_ID()") == [(before,)]


def test_a_new_primary_is_found_at_once(mariadb: MariaDb, account: Account) -> None:
    """The server behind the name became read-only: the very next call is made on a new connection."""
    with contextlib.closing(MysqlDatabase(dsn_of(account.go_dsn))) as database:
        [(before,)] = database.read("SELECT CONNECTION_ID()")
        mariadb.root.query("SET GLOBAL read_only = ON")
        try:
            with pytest.raises(AuditUnavailableError, match="read-only"):
                database.run("CREATE TABLE t (n INT)")
        finally:
            mariadb.root.query("SET GLOBAL read_only = OFF")
        database.reopen()
        assert database.read("SELECT CONNECTION_ID()") != [(before,)]


def test_a_log_by_statement_is_refused_with_its_remedy() -> None:
    """At the start, where a person reads it."""
    by_statement = {"log_bin": "ON", "binlog_format": "STATEMENT", "max_allowed_packet": "16777216"}
    assert "binlog_format=ROW" in mysql_options.server_problem(by_statement)
    for fine in ({"log_bin": "OFF"}, {"binlog_format": "MIXED"}, {"binlog_format": "ROW"}):
        assert mysql_options.server_problem({**by_statement, **fine}) == ""
    assert mysql_options.server_problem({}) == ""


def test_servers_tell_how_they_log_and_what_fits(account: Account) -> None:
    """Under the names that are asked for."""
    with contextlib.closing(MysqlDatabase(dsn_of(account.go_dsn))) as database:
        told = {str(name): str(value) for name, value in database.read(mysql_options.VARIABLES)}
    assert set(told) == {"binlog_format", "log_bin", "max_allowed_packet"}
    assert int(told["max_allowed_packet"]) >= 1 << 20


@pytest.fixture
def small_packets(mariadb: MariaDb) -> Iterator[Callable[[int], None]]:
    """Call it with the largest packet that the server takes from new connections."""
    [(before,)] = mariadb.root.query("SELECT @@GLOBAL.max_allowed_packet")

    def set_to(size: int) -> None:
        mariadb.root.query(f"SET GLOBAL max_allowed_packet = {size}")

    yield set_to
    mariadb.root.query(f"SET GLOBAL max_allowed_packet = {before}")


def test_a_batch_is_cut_to_what_the_server_takes(
    account: Account, small_packets: Callable[[int], None]
) -> None:
    """Rows with the longest key and message, as many as one statement would take; one alone fits always."""
    open_trail(account.go_dsn).close()
    small_packets(SMALLEST_PACKET_BYTES)
    key = "\x01" * 1024
    with leading_trail(account.go_dsn, PAIR) as trail:
        sweep = trail.open_sweep(PAIR, AT)
        orders = [order(sweep, number, key) for number in range(1, 301)]
        trail.intend(orders, AT)
        trail.settle([moved(each, message="\U0001f600" * 2000 + "\x01" * 2000) for each in orders])
    assert account.query("SELECT COUNT(*), MIN(LENGTH(message)) FROM document_logs") == [(300, 10000)]


def test_a_server_that_takes_no_whole_row_is_refused(
    account: Account, small_packets: Callable[[int], None]
) -> None:
    """At the start, and not at the first long key."""
    small_packets(1024)
    with pytest.raises(UnreachableError, match=r"max_allowed_packet=1024; expected at least 65536"):
        open_trail(account.go_dsn)


def test_a_proxy_that_takes_less_than_the_server_gets_less(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each refusal halves what is sent at once, until it passes."""
    with contextlib.closing(MysqlDatabase(dsn_of(account.go_dsn))) as database:
        database.run("CREATE TABLE t (n INT)")
        sent: list[int] = []

        def execute(_sql: str, parameters: tuple[str]) -> int:
            if len(parameters[0]) > 100_000:
                raise mysql.connector.Error(errno=1153)
            sent.append(len(parameters[0]))
            return 0

        monkeypatch.setattr(database, "_execute_prepared", execute)
        rows = [("x" * 2000,)] * 256
        while not sent:
            try:
                database.write_many("INSERT", rows)
            except AuditUnavailableError:
                database.reopen()
        assert sum(sent) > 256 * 2000
        assert max(sent) > 25_000


def test_a_damaged_table_is_not_waited_for(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """A person must repair it."""
    with contextlib.closing(MysqlDatabase(dsn_of(account.go_dsn))) as database:
        monkeypatch.setattr(Connection, "cmd_query", raising(mysql.connector.Error(errno=1712)))
        with pytest.raises(DamagedDatabaseError, match="Repair"):
            database.read("SELECT 1")
