"""Parses `audit.url` into a frozen record whose text never shows the password.

The three forms are Go's DSN, `mysql://` and `sqlite:///`. Nothing is opened or looked up.
Go's grammar is that of `ParseDSN` in go-sql-driver/mysql: the last `@` ends the credentials, the first `:` in these
ends the user's name, and nothing in them is encoded. Go wants a `/` in an option's value encoded; here it may stand.
"""

import re
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

from s3mover.errors import SettingsError

DEFAULT_PORT = 3306
DEFAULT_HOST = "127.0.0.1"
DEFAULT_SOCKET = "/tmp/mysql.sock"  # noqa: S108 - the default of the Go driver, and of MySQL itself

_MYSQL_SCHEME = "mysql://"
_SQLITE_SCHEME = "sqlite://"
_EXPECTED = (
    "expected user:password@tcp(host:3306)/name, mysql://user:password@host:3306/name or sqlite:///file.db"
)
_GO_REMAINDER = re.compile(
    r"(?:(?P<net>tcp|unix)(?:\((?P<address>[^()]*)\))?)?/(?P<database>.*)",
    re.DOTALL,
)
_HOST_PORT = re.compile(r"(?:\[(?P<v6>[^\[\]]+)\]|(?P<name>[^:\[\]]*))(?::(?P<port>\d{1,5}))?")

# Options of the first version's DSNs, ignored: s3mover sets up its session itself.
_IGNORED_OPTIONS = frozenset(
    (
        "allowNativePasswords",
        "charset",
        "checkConnLiveness",
        "clientFoundRows",
        "collation",
        "columnsWithAlias",
        "interpolateParams",
        "loc",
        "maxAllowedPacket",
        "multiStatements",
        "parseTime",
        "readTimeout",
        "rejectReadOnly",
        "timeout",
        "writeTimeout",
    )
)


class _Place(NamedTuple):
    host: str = ""
    port: int = 0
    socket: str = ""


class Tls(StrEnum):
    """How the connection to MySQL is protected, in the words of MySQL's own `--ssl-mode`.

    `PREFERRED` (the default) uses TLS if the server offers it, but does not protect against an active attacker;
    `REQUIRED` is encrypted but unverified, and must be set explicitly.
    """

    DISABLED = "disabled"
    PREFERRED = "preferred"
    REQUIRED = "required"
    VERIFY_CA = "verify_ca"
    VERIFY_IDENTITY = "verify_identity"


# In Go programs the name of a configuration of their own; here it means that of ssl-ca.
_GO_CUSTOM = "custom"
_GO_TLS = {
    _GO_CUSTOM: Tls.VERIFY_IDENTITY,
    "true": Tls.VERIFY_IDENTITY,
    "1": Tls.VERIFY_IDENTITY,
    "false": Tls.DISABLED,
    "0": Tls.DISABLED,
    "skip-verify": Tls.REQUIRED,
    "preferred": Tls.PREFERRED,
}


@dataclass(frozen=True, slots=True)
class MysqlDsn:
    """Address, user and database of a MySQL or MariaDB. `socket`, if set, replaces `host` and `port`."""

    user: str
    password: str = field(repr=False)
    host: str
    port: int
    socket: str
    database: str
    tls: Tls = Tls.PREFERRED
    ca_file: str = ""

    @property
    def trusts_anybody(self) -> bool:
        """Whether TLS is used without verifying the server."""
        return self.tls is Tls.REQUIRED and not self.socket

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
    if re.match(r"[a-z][a-z0-9+.-]*://", url):
        raise _problem("unknown scheme")
    return _go_dsn(url)


def _sqlite(rest: str) -> SqliteDsn:
    path = rest.removeprefix("/")
    if not rest.startswith("/") or not path or path.endswith("/") or path == ":memory:":
        raise _problem("no file is named", "expected sqlite:///file.db or sqlite:////absolute/file.db")
    if "?" in path or "\0" in path:
        raise _problem("an SQLite URL takes no options", "expected sqlite:///file.db")
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
    if found is None:
        raise _problem("it cannot be parsed")
    if found["net"] == "unix":
        return _mysql(user, password, _Place(socket=found["address"] or DEFAULT_SOCKET), found["database"])
    return _mysql(user, password, _host_port(found["address"] or ""), found["database"])


def _host_port(address: str) -> _Place:
    found = _HOST_PORT.fullmatch(address)
    if found is None:
        raise _problem("its host and port cannot be parsed")
    port = int(found["port"] or DEFAULT_PORT)
    if not 0 < port < 1 << 16:
        raise _problem("its port is out of range", "expected a port from 1 to 65535")
    return _Place(found["v6"] or found["name"] or DEFAULT_HOST, port)


def _mysql(user: str, password: str, place: _Place, database_and_options: str) -> MysqlDsn:
    database, _, options = database_and_options.partition("?")
    if not user:
        raise _problem("it names no user")
    if not database or "/" in database:
        raise _problem("it names no database")
    tls, ca_file = _tls(_options(options))
    return MysqlDsn(user, password, place.host, place.port, place.socket, unquote(database), tls, ca_file)


def _options(text: str) -> dict[str, str]:
    pairs = (option.partition("=") for option in text.split("&") if option)
    options = {unquote(name): unquote(value) for name, _, value in pairs}
    named = {name.replace("_", "-"): value for name, value in options.items() if name not in _IGNORED_OPTIONS}
    unknown = sorted(named.keys() - {"tls", "ssl-mode", "ssl-ca"})
    if unknown:
        raise _problem(f"unsupported option {unknown[0]!r}", "expected tls, ssl-mode or ssl-ca")
    return named


def _tls(options: dict[str, str]) -> tuple[Tls, str]:
    ca_file = options.get("ssl-ca", "")
    if options.get("tls") == _GO_CUSTOM and not ca_file:
        raise _problem("its option tls=custom names no CA", "expected ssl-ca=FILE beside it")
    if "tls" in options:
        tls = _go_tls(options["tls"])
    elif "ssl-mode" in options:
        tls = _ssl_mode(options["ssl-mode"])
    else:
        tls = Tls.VERIFY_IDENTITY if ca_file else Tls.PREFERRED
    # As MySQL's own clients read it: a CA that is given is a CA that is checked.
    return (Tls.VERIFY_CA if ca_file and tls is Tls.REQUIRED else tls), ca_file


def _go_tls(value: str) -> Tls:
    tls = _GO_TLS.get(value.lower())
    if tls is None:
        raise _problem(
            "unsupported value of its option tls",
            "expected tls=true, false, preferred, skip-verify or custom (with a CA of your own in ssl-ca=FILE)",
        )
    return tls


def _ssl_mode(value: str) -> Tls:
    try:
        return Tls(value.lower().replace("-", "_"))
    except ValueError:
        modes = ", ".join(mode.value for mode in Tls)
        raise _problem("unsupported value of its option ssl-mode", f"expected one of {modes}") from None


def _problem(what: str, expected: str = _EXPECTED) -> SettingsError:
    return SettingsError([f"audit.url: {what}; {expected}"])
