"""The driver's arguments for a DSN, and the session's variables. Pure: the driver is not imported here."""

import re

from s3mover.audit.dsn import MysqlDsn, Tls
from s3mover.errors import SettingsError

CONNECT_TIMEOUT_SECONDS = 5
# The driver's `ClientFlag.CONNECT_ARGS`, which MySQL's protocol fixes.
CONNECT_ARGS = 1 << 20

# The lease lives as long as the connection. A host that vanishes, by a power cut say, never closes it: the server does
# once it was silent for so long, and a standby takes over. An idle instance sends keep-alives (`retrying_trail.py`).
SILENCE_SECONDS = 60

# Two statements, because each is an exchange with a server that may be far away.
SESSION = (
    (
        f"SET SESSION wait_timeout = {SILENCE_SECONDS}, SESSION time_zone = '+00:00', "
        "SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', SESSION innodb_lock_wait_timeout = 10"
    ),
    "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
)
# The first versions with JSON_TABLE, which the trail writes many rows with.
_OLDEST = {"MySQL": (8, 0), "MariaDB": (10, 6)}
# MariaDB prefixes its version with 5.5.5, for clients that cannot parse two digits.
_VERSION = re.compile(r"(?:5\.5\.5-)?(\d+)\.(\d+)")
_VERIFYING = (Tls.VERIFY_CA, Tls.VERIFY_IDENTITY)


def arguments(dsn: MysqlDsn, answer_timeout: int, system_ca_file: str | None) -> dict[str, object]:
    """Return the driver's arguments; `answer_timeout` is in seconds.

    Raises:
        SettingsError: certificates are to be verified, and no CA certificates are found.
    """
    place = {"unix_socket": dsn.socket} if dsn.socket else {"host": dsn.host, "port": dsn.port}
    return {
        **place,
        **_tls(dsn, system_ca_file),
        "user": dsn.user,
        "password": dsn.password,
        "database": dsn.database,
        "autocommit": False,
        "charset": "utf8mb4",
        "collation": "utf8mb4_bin",  # one that MySQL 8 and MariaDB both know
        # No connection attributes: to fill them in the driver runs `lsb_release`.
        "client_flags": [-CONNECT_ARGS],
        "connection_timeout": CONNECT_TIMEOUT_SECONDS,
        "read_timeout": answer_timeout,
        "write_timeout": answer_timeout,
    }


def needs_tls(dsn: MysqlDsn) -> bool:
    """Return whether a connection without TLS must not be used; a local socket needs none."""
    return not dsn.socket and dsn.tls in (*_VERIFYING, Tls.REQUIRED)


def shortcoming(server: str) -> str:
    """Return why the server version `server` is not supported; empty if it is."""
    product = "MariaDB" if "mariadb" in server.lower() else "MySQL"
    version = _VERSION.match(server)
    if version is None or (int(version[1]), int(version[2])) >= _OLDEST[product]:
        return ""
    return (
        f"is {product} {server.removeprefix('5.5.5-')}; expected MySQL 8 or newer, or MariaDB 10.6 or newer"
    )


def _tls(dsn: MysqlDsn, system_ca_file: str | None) -> dict[str, object]:
    if dsn.socket or dsn.tls is Tls.DISABLED:
        return {"ssl_disabled": True}
    if dsn.tls not in _VERIFYING:
        return {}
    ca_file = dsn.ca_file or system_ca_file
    if not ca_file:
        raise SettingsError(
            ["audit.url: this system has no CA certificates; expected ssl-ca=FILE in its options"]
        )
    return {
        "ssl_ca": ca_file,
        "ssl_verify_cert": True,
        "ssl_verify_identity": dsn.tls is Tls.VERIFY_IDENTITY,
    }
