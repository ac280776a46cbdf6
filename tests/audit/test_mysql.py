"""What is particular to MySQL and MariaDB: lost connections, refusals, TLS, connections shared by others."""

import contextlib
import socket
from collections.abc import Callable, Iterator, Sequence
from urllib.parse import quote

import pytest

from s3mover.audit import mysql_options
from s3mover.audit.database import Row
from s3mover.audit.dsn import MysqlDsn, parse_dsn
from s3mover.audit.mysql import MAX_PREPARED, MysqlDatabase
from s3mover.audit.mysql_errors import translate
from s3mover.audit.opening import open_trail
from s3mover.audit.sql_trail import SqlTrail
from s3mover.audit.trail import Trail
from s3mover.errors import (
    AuditConflictError,
    AuditUnavailableError,
    LeaseHeldError,
    MoverError,
    RowExistsError,
    SettingsError,
    UnreachableError,
)
from testkit.leases import expire_lease
from testkit.mariadb import PASSWORD, Account, MariaDb
from testkit.relay import Relay
from tests.audit.samples import AT, PAIR, moved, order


@pytest.fixture
def account(mariadb: MariaDb) -> Account:
    """An empty database."""
    return mariadb.database()


@pytest.fixture
def trail(account: Account) -> Iterator[Trail]:
    """A trail that is open for writing, and holds the lease on the pair of the samples."""
    with contextlib.closing(open_trail(account.go_dsn)) as opened:
        assert opened.acquire_lease(PAIR)
        yield opened


@pytest.fixture
def away(mariadb: MariaDb) -> Iterator[Callable[[], None]]:
    """Call it to kill the server; the test's end starts it again where the test did not."""
    killed = []

    def kill() -> None:
        mariadb.kill()
        killed.append(True)

    yield kill
    if killed and not mariadb.is_running:
        mariadb.start()


def mysql(url: str) -> MysqlDsn:
    """Read a DSN that is MySQL's."""
    dsn = parse_dsn(url)
    assert isinstance(dsn, MysqlDsn)
    return dsn


def sessions(account: Account) -> set[int]:
    """Return the sessions on the database but the one that asks."""
    found = account.query(
        "SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()"
    )
    return {session for (session,) in found}


def kill_sessions(mariadb: MariaDb, account: Account) -> None:
    """End every session of the account's user."""
    mariadb.root.query(f"KILL USER '{account.user}'")


def test_a_killed_server_is_outlasted(
    mariadb: MariaDb, account: Account, trail: Trail, away: Callable[[], None]
) -> None:
    """While it is away that is said; once it is back the same calls leave exactly one row, and the lease is held."""
    sweep = trail.open_sweep(PAIR, AT)
    orders = [order(sweep, 1), order(sweep, 2)]
    trail.intend(orders[:1], AT)
    away()
    for call in (
        lambda: trail.intend(orders, AT),
        lambda: trail.settle([moved(orders[0])]),
        trail.reconnect,
        trail.reconnect,
        lambda: trail.latest_sweeps(1),
    ):
        with pytest.raises(AuditUnavailableError, match=account.database):
            call()
    mariadb.start()
    trail.reconnect()
    trail.intend(orders, AT)
    trail.settle([moved(orders[0])])
    rows = account.query("SELECT number, status FROM document_logs ORDER BY number")
    assert rows == [(1, "success"), (2, "pending")]
    trail.heartbeat()
    with contextlib.closing(open_trail(account.go_dsn)) as second:
        assert not second.acquire_lease(PAIR)


def test_a_lost_answer_leaves_one_row(mariadb: MariaDb, account: Account, trail: Trail) -> None:
    """A call that was committed before its connection went is repeated without a trace."""
    sweep = trail.open_sweep(PAIR, AT)
    trail.intend([order(sweep, 1)], AT)
    kill_sessions(mariadb, account)
    with pytest.raises(AuditUnavailableError):
        trail.intend([order(sweep, 1)], AT)
    trail.reconnect()
    trail.intend([order(sweep, 1)], AT)
    assert account.query("SELECT COUNT(*) FROM document_logs") == [(1,)]


def test_a_lease_that_went_to_another_is_not_taken_back(
    mariadb: MariaDb, account: Account, trail: Trail
) -> None:
    """Who comes back too late stands by, and must ask again."""
    kill_sessions(mariadb, account)
    expire_lease(account.go_dsn, PAIR)
    with contextlib.closing(open_trail(account.go_dsn)) as second:
        assert second.acquire_lease(PAIR)
        trail.reconnect()
        with pytest.raises(LeaseHeldError):
            trail.heartbeat()
        assert not trail.acquire_lease(PAIR)
        second.release_lease()
        assert trail.acquire_lease(PAIR)


def test_a_connection_that_was_cut_is_replaced(mariadb: MariaDb, account: Account) -> None:
    """The server has not noticed, and keeps the old session: the lease, which is a row, goes on."""
    with Relay(mariadb.port) as relay:
        dsn = account._replace(port=relay.port).go_dsn
        with contextlib.closing(open_trail(dsn)) as trail:
            assert trail.acquire_lease(PAIR)
            relay.cut()
            with pytest.raises(AuditUnavailableError):
                trail.open_sweep(PAIR, AT)
            trail.reconnect()
            trail.open_sweep(PAIR, AT)
    assert account.query("SELECT token FROM leases") == [(1,)]


class PooledDatabase(MysqlDatabase):
    """Two connections, of which each transaction and each query outside of one gets the other, as poolers do it."""

    def __init__(self, dsn: MysqlDsn) -> None:
        self._in_transaction = True  # nothing is moved while it is opened
        super().__init__(dsn)
        other = MysqlDatabase(dsn)
        self._other = other._connection, other._cursors
        self._in_transaction = False

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Run a transaction on the next connection."""
        self._swap()
        self._in_transaction = True
        try:
            with super().transaction():
                yield
        finally:
            self._in_transaction = False

    def read(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        """Return a query's rows from the next connection, or from the one of the transaction."""
        if not self._in_transaction:
            self._swap()
        return super().read(sql, parameters)

    def _swap(self) -> None:
        ours = self._connection, self._cursors
        (self._connection, self._cursors), self._other = self._other, ours


def test_a_pooler_that_moves_statements_between_connections_keeps_the_lease(account: Account) -> None:
    """Held, kept from others, used for a sweep and fenced, all by rows."""
    open_trail(account.go_dsn).close()
    with contextlib.closing(SqlTrail(PooledDatabase(mysql(account.go_dsn)))) as trail:
        assert trail.acquire_lease(PAIR)
        with contextlib.closing(open_trail(account.go_dsn)) as other:
            assert not other.acquire_lease(PAIR)
            sweep = trail.open_sweep(PAIR, AT)
            orders = [order(sweep, number) for number in (1, 2)]
            trail.intend(orders, AT)
            trail.settle([moved(orders[0])])
            trail.heartbeat()
            expire_lease(account.go_dsn, PAIR)
            assert other.acquire_lease(PAIR)
        with pytest.raises(LeaseHeldError):
            trail.settle([moved(orders[1])])
    rows = account.query("SELECT number, status FROM document_logs ORDER BY number")
    assert rows == [(1, "success"), (2, "pending")]


def test_a_sound_connection_is_kept(account: Account, trail: Trail) -> None:
    """Reconnecting it would cost exchanges for nothing."""
    before = sessions(account)
    trail.reconnect()
    after = sessions(account)
    assert after
    assert after <= before


def test_a_trail_at_rest_stands_in_nobodys_way(account: Account, trail: Trail) -> None:
    """Having read, it holds no lock that would keep an administrator from altering the table."""
    assert trail.totals() == []
    account.query("SET SESSION lock_wait_timeout = 1", "ALTER TABLE document_logs COMMENT 'ours'")


def test_a_read_only_server_is_waited_for(mariadb: MariaDb, account: Account, trail: Trail) -> None:
    """As after a failover, the trail is away until somebody may write again."""
    sweep = trail.open_sweep(PAIR, AT)
    mariadb.root.query("SET GLOBAL read_only = ON")
    try:
        with pytest.raises(AuditUnavailableError, match="read-only"):
            trail.intend([order(sweep, 1)], AT)
    finally:
        mariadb.root.query("SET GLOBAL read_only = OFF")
    trail.reconnect()
    trail.intend([order(sweep, 1)], AT)
    assert account.query("SELECT COUNT(*) FROM document_logs") == [(1,)]


def test_a_server_that_never_was_is_away(
    mariadb: MariaDb, account: Account, away: Callable[[], None]
) -> None:
    """Refused connections are temporary, at the start too."""
    away()
    with pytest.raises(AuditUnavailableError, match=str(mariadb.port)):
        open_trail(account.go_dsn)


@pytest.mark.parametrize("name", ["password", "user", "database"])
def test_a_refusal_names_host_database_and_user(account: Account, name: str) -> None:
    """Whoever reads it knows what to mend, and learns no password."""
    wrong = Account(**{**account._asdict(), name: "wr0ng"})
    with pytest.raises(UnreachableError) as caught:
        open_trail(wrong.go_dsn)
    sentence = str(caught.value)
    assert all(part in sentence for part in (f"{wrong.host}:{wrong.port}", wrong.database, wrong.user))
    assert PASSWORD not in sentence
    assert name != "password" or "wr0ng" not in sentence


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (1040, AuditUnavailableError),
        (1205, AuditConflictError),
        (1213, AuditConflictError),
        (1114, AuditUnavailableError),
        (2006, AuditUnavailableError),
        (2013, AuditUnavailableError),
        (-1, AuditUnavailableError),
        (1044, UnreachableError),
        (1045, UnreachableError),
        (1062, RowExistsError),
        (1049, UnreachableError),
        (1142, UnreachableError),
        (2026, UnreachableError),
        (1064, MoverError),
        (1406, MoverError),
    ],
)
def test_an_error_number_tells_whether_to_wait(number: int, kind: type[MoverError]) -> None:
    """Outages and contention pass, refusals need a person, the rest is a defect."""
    error = translate(number, "said the server", mysql("u:p4ssw0rd@tcp(h)/n"))
    assert type(error) is kind
    assert "p4ssw0rd" not in str(error)


@pytest.mark.parametrize(
    ("server", "will_do"),
    [
        ("8.0.36", True),
        ("9.7.0-commercial", True),
        ("8.0.mysql_aurora.3.04.0", True),
        ("5.7.44-log", False),
        ("5.5.5-10.11.6-MariaDB-0+deb12u1", True),
        ("11.4.2-MariaDB", True),
        ("10.6.1-MariaDB", True),
        ("5.5.5-10.5.23-MariaDB-1:10.5.23+maria~deb11", False),
        ("a proxy", True),
    ],
)
def test_a_server_that_is_too_old_is_told(server: str, will_do: bool) -> None:
    """The first of both kinds that know JSON_TABLE will do; what cannot be read is not refused."""
    told = mysql_options.shortcoming(server)
    assert told == "" if will_do else "expected MySQL 8 or newer, or MariaDB 10.6" in told


def test_a_server_that_is_too_old_is_refused(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """At once, before anything is written."""
    monkeypatch.setattr(mysql_options, "_OLDEST", {"MySQL": (99, 0), "MariaDB": (99, 0)})
    with pytest.raises(UnreachableError, match=r"127\.0\.0\.1.* is MariaDB 10.*expected MySQL 8"):
        open_trail(account.go_dsn)


def test_a_certificate_is_verified(mariadb: MariaDb, account: Account) -> None:
    """The CA that is named must vouch for the server; the system's, which does not know it, refuses."""
    open_trail(f"{account.go_dsn}&ssl-ca={mariadb.identity.ca_file}").close()
    for tls in ("true", "TRUE"):
        with pytest.raises(UnreachableError, match="certificate"):
            open_trail(f"{account.go_dsn}&tls={tls}")


def test_a_certificate_must_be_for_this_host(mariadb: MariaDb, account: Account) -> None:
    """One for another name is no better than none, except for who asked to have only its CA checked."""
    url = f"{account._replace(host='localhost').go_dsn}&ssl-ca={mariadb.identity.ca_file}"
    with pytest.raises(UnreachableError, match="certificate"):
        open_trail(url)
    open_trail(f"{url}&ssl-mode=VERIFY_CA").close()


def test_a_configuration_of_ones_own_is_verified(mariadb: MariaDb, account: Account) -> None:
    """`tls=custom` is the word of programs in Go for a CA of one's own; a CA that is no file is said."""
    url = f"{account.go_dsn}&tls=custom&ssl-ca="
    open_trail(f"{url}{mariadb.identity.ca_file}").close()
    for wrong in ("/no.pem", mariadb.identity.ca_file.parent, mariadb.identity.key_file):
        with pytest.raises(SettingsError, match=rf"{wrong} .+ expected certificates"):
            open_trail(f"{url}{wrong}")


@pytest.mark.parametrize("tls", ["skip-verify", "preferred", "false"])
def test_an_explicit_wish_about_tls_is_granted(account: Account, tls: str) -> None:
    """Who writes it may go unverified, or without."""
    open_trail(f"{account.go_dsn}&tls={tls}").close()


@pytest.mark.parametrize("tls", ["tls=true&ssl-ca={}", "tls=false"])
def test_statements_are_sent_at_once(mariadb: MariaDb, account: Account, tls: str) -> None:
    """The system does not wait for the server's receipt of one piece before it sends the next."""
    dsn = mysql(f"{account.go_dsn}&{tls.format(mariadb.identity.ca_file)}")
    with contextlib.closing(MysqlDatabase(dsn)) as database:
        assert database._connection._socket.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


@pytest.mark.parametrize(("tls", "encrypted"), [("preferred", True), ("skip-verify", True), ("false", False)])
def test_a_connection_is_encrypted_where_it_can_be(account: Account, tls: str, *, encrypted: bool) -> None:
    """Also where nobody vouches for the server; but not against the user's will."""
    with contextlib.closing(MysqlDatabase(mysql(f"{account.go_dsn}&tls={tls}"))) as database:
        assert bool(database.read("SHOW SESSION STATUS LIKE 'Ssl_cipher'")[0][1]) is encrypted


def test_no_other_program_is_run_to_connect(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the driver does by default, to tell the server the name of the operating system."""
    monkeypatch.setattr(
        "mysql.connector.connection.get_platform", lambda: pytest.fail("asked for the system")
    )
    with contextlib.closing(MysqlDatabase(mysql(account.go_dsn))) as database:
        assert database.read("SELECT 1") == [(1,)]


def test_every_spelling_reaches_its_server(mariadb: MariaDb, account: Account) -> None:
    """Go's and the URL's, over TCP, IPv6 and a local socket, with a password that has every separator in it."""
    who, secret, name = quote(account.user), quote(PASSWORD, safe=""), account.database
    with Relay(mariadb.port, host="::1") as relay:
        for url in (
            f"mysql://{who}:{secret}@127.0.0.1:{mariadb.port}/{name}",
            f"mysql://{who}:{secret}@[::1]:{relay.port}/{name}",
            f"{account.user}:{PASSWORD}@tcp([::1]:{relay.port})/{name}",
            f"{account.user}:{PASSWORD}@unix({mariadb.socket})/{name}?tls=true",
        ):
            with contextlib.closing(open_trail(url)) as trail:
                assert trail.totals() == []


def test_tls_that_is_asked_for_is_insisted_on() -> None:
    """A connection without TLS is used only where none was asked for, or where it leaves no machine."""
    assert not any(mysql_options.needs_tls(mysql(f"u:p@tcp(h)/n{tls}")) for tls in ("", "?tls=false"))
    assert all(mysql_options.needs_tls(mysql(f"u:p@tcp(h)/n?tls={tls}")) for tls in ("true", "skip-verify"))
    assert not mysql_options.needs_tls(mysql("u:p@unix(/s)/n?tls=true"))


@pytest.mark.parametrize(
    ("options", "identity"), [("tls=true", True), ("ssl-mode=VERIFY_CA", False), ("ssl-ca=/own.pem", True)]
)
def test_the_driver_is_told_to_verify(options: str, identity: bool) -> None:
    """Its own default is to trust any certificate."""
    told = mysql_options.arguments(mysql(f"u:p@tcp(h)/n?{options}"), "/system.pem", long_running=False)
    ca_file = "/own.pem" if "own" in options else "/system.pem"
    assert (told["ssl_ca"], told["ssl_verify_cert"], told["ssl_verify_identity"]) == (ca_file, True, identity)


def test_a_system_without_ca_certificates_is_said() -> None:
    """Verification without a CA would refuse every server, for a reason that nobody finds."""
    with pytest.raises(SettingsError, match="ssl-ca=FILE"):
        mysql_options.arguments(mysql("u:p@tcp(h)/n?tls=true"), None, long_running=False)


def test_repeated_statements_stay_prepared_and_their_number_is_bounded(account: Account) -> None:
    """Also one whose text was made anew; the server keeps no more than that many for a connection."""
    with contextlib.closing(MysqlDatabase(mysql(account.go_dsn))) as database:
        database.run("CREATE TABLE numbers (number BIGINT)")

        def counted(status: str) -> int:
            return int(database.read(f"SHOW SESSION STATUS LIKE '{status}'")[0][1])

        for number in range(MAX_PREPARED + 9):
            with database.transaction():
                database.write(" ".join(("INSERT INTO numbers", f"VALUES ({number}), (?)")), (0,))
        before = counted("Com_stmt_prepare"), counted("Com_stmt_close")
        for _ in range(5):
            with database.transaction():
                database.write(" ".join(("INSERT INTO numbers", "VALUES (40), (?)")), (0,))
        after = counted("Com_stmt_prepare"), counted("Com_stmt_close")
    assert after == before == (MAX_PREPARED + 9, 9)
