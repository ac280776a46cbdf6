"""Parses `audit.url` into a frozen record whose text never shows the password.

The three forms are Go's DSN, `mysql://` and `sqlite:///`. Nothing is opened or looked up.
Go's grammar is that of `ParseDSN` in go-sql-driver/mysql: the last `@` ends the credentials, the first `:` in these
ends the user's name, and nothing in them is encoded. Go wants a `/` in an option's value encoded; here it may stand.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

from s3mover.audit.dsn_options import NO_OPTIONS, MysqlOptions, parse_options
from s3mover.audit.dsn_problem import dsn_problem
from s3mover.audit.dsn_tls import Tls

DEFAULT_PORT = 3306
DEFAULT_HOST = "127.0.0.1"
DEFAULT_SOCKET = "/tmp/mysql.sock"  # noqa: S108 - the default of the Go driver, and of MySQL itself

_MYSQL_SCHEME = "mysql://"
_SQLITE_SCHEME = "sqlite://"
_GO_REMAINDER = re.compile(
    r"(?:(?P<net>tcp|unix)(?:\((?P<address>[^()]*)\))?)?/(?P<database>.*)",
    re.DOTALL,
)
_HOST_PORT = re.compile(r"(?:\[(?P<v6>[^\[\]]+)\]|(?P<name>[^:\[\]]*))(?::(?P<port>\d{1,5}))?")


class _Place(NamedTuple):
    host: str = ""
    port: int = 0
    socket: str = ""


@dataclass(frozen=True, slots=True)
class MysqlDsn:
    """Address, user and database of a MySQL or MariaDB. `socket`, if set, replaces `host` and `port`."""

    user: str
    password: str = field(repr=False)
    host: str
    port: int
    socket: str
    database: str
    options: MysqlOptions = NO_OPTIONS

    @property
    def tls(self) -> Tls:
        """How the connection is protected; a socket does not leave this machine."""
        return Tls.DISABLED if self.socket else self.options.tls

    @property
    def trusts_anybody(self) -> bool:
        """Whether TLS is used without verifying the server."""
        return self.tls is Tls.REQUIRED

    @property
    def may_be_plain(self) -> bool:
        """Whether records and password may cross the network without TLS, or with TLS that an attacker took away."""
        return not self.socket and self.tls in (Tls.DISABLED, Tls.PREFERRED)

    @property
    def place(self) -> str:
        """The server's address for messages."""
        if self.socket:
            return self.socket
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def redacted(self) -> str:
        """The URL without its password."""
        place = f"unix({self.socket})" if self.socket else self.place
        return f"{_MYSQL_SCHEME}{self.user}:***@{place}/{self.database}"

    def __str__(self) -> str:
        return self.redacted


@dataclass(frozen=True, slots=True)
class SqliteDsn:
    """The file of an embedded audit database."""

    path: Path

    @property
    def redacted(self) -> str:
        """The URL; it has no secret."""
        return f"{_SQLITE_SCHEME}/{self.path}"

    def __str__(self) -> str:
        return self.redacted


Dsn = MysqlDsn | SqliteDsn


def parse_dsn(url: str) -> Dsn:
    """Parse the value of `audit.url`.

    Raises:
        SettingsError: it has none of the three forms; the message never contains the password.
    """
    if url.startswith(_SQLITE_SCHEME):
        return _sqlite(url.removeprefix(_SQLITE_SCHEME))
    if url.startswith(_MYSQL_SCHEME):
        return _mysql_url(url.removeprefix(_MYSQL_SCHEME))
    return _go_dsn(url)


def _sqlite(rest: str) -> SqliteDsn:
    path = rest.removeprefix("/")
    if not rest.startswith("/") or not path or path.endswith("/") or path == ":memory:":
        raise dsn_problem("no file is named", "expected sqlite:///file.db or sqlite:////absolute/file.db")
    if "?" in path or "\0" in path:
        raise dsn_problem("an SQLite URL takes no options", "expected sqlite:///file.db")
    return SqliteDsn(Path(path))


def _mysql_url(rest: str) -> MysqlDsn:
    credentials, _, remainder = rest.rpartition("@")
    address, _, database = remainder.partition("/")
    user, _, password = credentials.partition(":")
    return _mysql(unquote(user), unquote(password), _host_port(unquote(address)), database)


def _go_dsn(url: str) -> MysqlDsn:
    credentials, _, remainder = url.rpartition("@")
    user, _, password = credentials.partition(":")
    found = _GO_REMAINDER.fullmatch(remainder)
    # With a network it is a Go DSN, even if the password begins with two slashes.
    if (found is None or found["net"] is None) and re.match(r"[a-z][a-z0-9+.-]*://", url):
        raise dsn_problem("unknown scheme")
    if found is None:
        raise dsn_problem("it cannot be parsed")
    if found["net"] == "unix":
        return _mysql(user, password, _Place(socket=found["address"] or DEFAULT_SOCKET), found["database"])
    return _mysql(user, password, _host_port(found["address"] or ""), found["database"])


def _host_port(address: str) -> _Place:
    found = _HOST_PORT.fullmatch(address)
    if found is None:
        raise dsn_problem("its host and port cannot be parsed")
    port = int(found["port"] or DEFAULT_PORT)
    if not 0 < port < 1 << 16:
        raise dsn_problem("its port is out of range", "expected a port from 1 to 65535")
    return _Place(found["v6"] or found["name"] or DEFAULT_HOST, port)


def _mysql(user: str, password: str, place: _Place, database_and_options: str) -> MysqlDsn:
    database, _, options = database_and_options.partition("?")
    if not user:
        raise dsn_problem("it names no user")
    if not database or "/" in database:
        raise dsn_problem("it names no database")
    return MysqlDsn(user, password, *place, unquote(database), parse_options(options))
