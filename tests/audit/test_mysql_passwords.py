"""A password, and a user's name where TLS is required, reach only who may have them."""

import contextlib

import pytest

from s3mover.audit import mysql_options
from s3mover.audit.mysql import MysqlDatabase
from s3mover.audit.opening import open_trail
from s3mover.errors import UnreachableError
from testkit.mariadb import PASSWORD, Account, MariaDb
from testkit.mysql_server import Greeting, Talk, mysql_server
from testkit.relay import Relay
from tests.audit.test_mysql import mysql as dsn_of

SECRET = "s3cr3t-passw0rd"
CLEAR = ["mysql_clear_password", "sha256_password"]
SSL = 0x800


def refused(greeting: Greeting, options: str = "") -> tuple[str, bytes]:
    """Return the refusal of a client that was greeted so, and what it had sent until then."""
    with mysql_server(greeting) as (server, heard), pytest.raises(UnreachableError) as caught:
        open_trail(f"u:{SECRET}@tcp(127.0.0.1:{server.port})/n?{options}")
    return str(caught.value), b"|".join(heard)


@pytest.mark.parametrize("options", ["", "tls=false", "tls=preferred", "allowCleartextPasswords=true"])
def test_a_password_is_not_sent_without_tls(options: str) -> None:
    """`caching_sha2_password` asks for it whenever the server does not know the user yet."""

    def greeting(talk: Talk) -> None:
        talk.greet()
        talk.ask_for_the_password()

    said, heard = refused(greeting, options)
    assert "without TLS" in said
    assert b"caching_sha2_password" in heard
    assert SECRET.encode() not in heard


def test_a_password_is_not_sent_in_place_of_its_digest() -> None:
    """A server that switches to the plug-in it began with, and gives the mark for *password* as the salt."""

    def greeting(talk: Talk) -> None:
        talk.greet("mysql_native_password")
        talk.switch_to("caching_sha2_password", b"\x04")

    said, heard = refused(greeting)
    assert "without TLS" in said
    assert SECRET.encode() not in heard


@pytest.mark.parametrize("plugin", CLEAR)
@pytest.mark.parametrize("greets", [True, False])
def test_a_plug_in_for_plain_passwords_is_not_answered_without_tls(plugin: str, greets: bool) -> None:
    """Neither where the greeting names it, nor where the server switches to it."""

    def greeting(talk: Talk) -> None:
        talk.greet(plugin if greets else "caching_sha2_password")
        talk.switch_to(plugin)

    said, heard = refused(greeting, "allowCleartextPasswords=true")
    assert "without TLS" in said
    assert SECRET.encode() not in heard


@pytest.mark.parametrize(
    "plugin", ["authentication_oci_client", "authentication_kerberos_client", "..errors", "x" * 999]
)
def test_other_plug_ins_are_not_loaded(plugin: str) -> None:
    """The driver would import a module of the name that the server sends."""

    def greeting(talk: Talk) -> None:
        talk.greet()
        talk.switch_to(plugin)

    said, _ = refused(greeting)
    assert "expected one of caching_sha2_password, mysql_native_password" in said
    assert len(said) < 400


@pytest.mark.parametrize(
    "options", ["tls=skip-verify", "ssl-mode=REQUIRED", "tls=true", "ssl-mode=VERIFY_CA"]
)
def test_required_tls_is_required_before_anything_is_said(options: str) -> None:
    """Not even the user's name reaches a server without TLS."""

    def greeting(talk: Talk) -> None:
        talk.greet()

    said, heard = refused(greeting, options)
    assert "TLS" in said or "SSL" in said
    assert heard == b""


@pytest.mark.process
@pytest.mark.parametrize("options", ["tls=skip-verify", "ssl-mode=required", "tls=true"])
def test_tls_that_is_taken_away_on_the_network_is_missed(
    mariadb: MariaDb, account: Account, options: str
) -> None:
    """An attacker who clears one bit of the greeting gets nothing that the client would encrypt."""
    sent: list[bytes] = []

    def note(data: bytes) -> bytes:
        sent.append(data)
        return data

    with Relay(mariadb.port, alter=note, alter_answer=without_tls) as relay:
        dsn = f"{account._replace(port=relay.port).go_dsn}&{options}"
        with pytest.raises(UnreachableError, match=r"TLS|SSL"):
            open_trail(dsn)
    assert sent == []
    assert account.user.encode() not in b"".join(sent)


def without_tls(data: bytes) -> bytes:
    """Return a server's greeting without its offer of TLS; other packets as they are."""
    if data[3:5] != b"\0\x0a":
        return data
    # Behind the version and its NUL: number of the connection, eight bytes of salt, a NUL, the lower flags.
    flags = data.index(b"\0", 5) + 1 + 4 + 8 + 1
    lower = int.from_bytes(data[flags : flags + 2], "little")
    assert lower & SSL, "the server offers TLS"
    return data[:flags] + (lower & ~SSL).to_bytes(2, "little") + data[flags + 2 :]


@pytest.mark.process
def test_a_password_is_digested_where_tls_is_only_preferred(mariadb: MariaDb, account: Account) -> None:
    """Where TLS is taken away the log-in goes on, and the password does not cross the network."""
    sent: list[bytes] = []

    def note(data: bytes) -> bytes:
        sent.append(data)
        return data

    with Relay(mariadb.port, alter=note, alter_answer=without_tls) as relay:
        open_trail(account._replace(port=relay.port).go_dsn).close()
    assert account.user.encode() in b"".join(sent)
    assert PASSWORD.encode() not in b"".join(sent)


@pytest.mark.parametrize(
    ("plugin", "options", "private", "refusal"),
    [
        ("mysql_clear_password", "tls=true", True, ""),
        ("mysql_clear_password", "ssl-mode=VERIFY_CA", True, ""),
        ("mysql_clear_password", "tls=skip-verify", True, "not verified"),
        ("mysql_clear_password", "", True, "not verified"),
        ("mysql_clear_password", "tls=skip-verify&allowCleartextPasswords=true", True, ""),
        ("sha256_password", "", True, ""),
        ("caching_sha2_password", "tls=false", False, ""),
        ("mysql_native_password", "tls=false", False, ""),
        ("mysql_native_password", "allowNativePasswords=false", True, "forbids"),
        ("dialog", "tls=true", True, "plug-in 'dialog'"),
    ],
)
def test_which_plug_ins_are_answered(plugin: str, options: str, private: bool, refusal: str) -> None:
    """The password itself goes only to a server that was verified, or that the user said may have it."""
    told = mysql_options.plugin_problem(dsn_of(f"u:p@tcp(h)/n?{options}"), plugin, private=private)
    assert (refusal in told) if refusal else told == ""


def test_a_local_socket_may_carry_a_password() -> None:
    """What does not leave the machine needs no TLS."""
    dsn = dsn_of("u:p@unix(/s)/n?tls=true")
    assert all(mysql_options.plugin_problem(dsn, plugin, private=True) == "" for plugin in CLEAR)


def test_a_server_learns_which_program_connects(account: Account, mariadb: MariaDb) -> None:
    """By the attributes of the connection."""
    sent: list[bytes] = []

    def note(data: bytes) -> bytes:
        sent.append(data)
        return data

    with Relay(mariadb.port, alter=note) as relay:
        dsn = dsn_of(f"{account._replace(port=relay.port).go_dsn}&tls=false")
        with contextlib.closing(MysqlDatabase(dsn)):
            assert b"program_name\x07s3mover" in b"".join(sent)
