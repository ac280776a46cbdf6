"""The driver's arguments for a DSN, and the session's variables. Pure: the driver is not imported here."""

import re
from collections.abc import Mapping

from s3mover.audit.dsn import MysqlDsn
from s3mover.audit.dsn_options import SMALLEST_PACKET_BYTES
from s3mover.audit.dsn_tls import Tls
from s3mover.errors import SettingsError

CONNECT_TIMEOUT_SECONDS = 5
ANSWER_TIMEOUT_SECONDS = 30
# For changes of tables with millions of rows, and for reports over them.
LONG_TIMEOUT_SECONDS = 24 * 3600
# A server waits so long for a lock on a whole table or on all of them (a backup's, say): less than we wait for its
# answer, so that it says so.
TABLE_LOCK_SECONDS = 20
# The longest text of many rows in one (`canonical_reader.py`); the smallest default packet of the servers.
PACKED_ROWS_BYTES = 16 * 2**20
# What a statement takes beside the text of its rows.
PACKET_MARGIN_BYTES = 1024
# The driver's `ClientFlag.FOUND_ROWS`: the server counts the rows that an UPDATE matched, changed or not.
FOUND_ROWS = 1 << 1

# A host that vanishes, by a power cut say, never closes its connection: the server does once it was silent for so long,
# and so frees the rows that its last transaction had locked. An idle instance renews its lease every second
# (`retrying_trail.py`).
SILENCE_SECONDS = 10
# MariaDB can end sooner what stopped in the middle of a transaction: well before the lease expires, so that a leader
# whose connection broke there leads on. Others read this as a comment.
UNFINISHED_SECONDS = 2
# A report may wait for whoever reads it; it locks nothing.
LONG_SESSION = "SET SESSION wait_timeout = 3600"

# Two statements, because each is an exchange with a server that may be far away.
SESSION = (
    (
        f"SET SESSION wait_timeout = {SILENCE_SECONDS}, SESSION time_zone = '+00:00', "
        "SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', SESSION innodb_lock_wait_timeout = 10, "
        f"SESSION lock_wait_timeout = {TABLE_LOCK_SECONDS}, SESSION group_concat_max_len = {PACKED_ROWS_BYTES} "
        f"/*M!100600 , SESSION idle_write_transaction_timeout = {UNFINISHED_SECONDS} */"
    ),
    "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
)
# The first versions with JSON_TABLE, which the trail writes many rows with.
_OLDEST = {"MySQL": (8, 0), "MariaDB": (10, 6)}
# MariaDB prefixes its version with 5.5.5, for clients that cannot parse two digits.
_VERSION = re.compile(r"(?:5\.5\.5-)?(\d+)\.(\d+)")
# What is asked of the server at each connection, beside its version.
VARIABLES = "SHOW VARIABLES WHERE Variable_name IN ('binlog_format', 'log_bin', 'max_allowed_packet')"
STATEMENT_LOG_REMEDY = (
    "Set binlog_format=ROW (or MIXED) there: the trail's transactions read committed rows only, which cannot be logged "
    "by statement."
)
ASKS_WITHOUT_TLS = (
    "asks for the password over a connection without TLS, where others could read it. Enable TLS on the server "
    "(and remove tls=false from audit.url), or connect through the server's local socket."
)
_CLEAR_PLUGINS = ("sha256_password", "mysql_clear_password")
_PLUGINS = ("caching_sha2_password", "mysql_native_password", *_CLEAR_PLUGINS)
_VERIFYING = (Tls.VERIFY_CA, Tls.VERIFY_IDENTITY)


def arguments(dsn: MysqlDsn, system_ca_file: str | None, *, long_running: bool) -> dict[str, object]:
    """Return the driver's arguments; a `long_running` connection waits a day for an answer.

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
        "client_flags": [FOUND_ROWS],
        "connection_timeout": dsn.options.connect_timeout or CONNECT_TIMEOUT_SECONDS,
        "read_timeout": _answer_timeout(dsn.options.read_timeout, long_running),
        "write_timeout": _answer_timeout(dsn.options.write_timeout, long_running),
    }


def _answer_timeout(given: int, long_running: bool) -> int:
    return LONG_TIMEOUT_SECONDS if long_running else given or ANSWER_TIMEOUT_SECONDS


def needs_tls(dsn: MysqlDsn) -> bool:
    """Return whether a connection without TLS must not be used; a local socket needs none."""
    return dsn.tls in (*_VERIFYING, Tls.REQUIRED)


def plugin_problem(dsn: MysqlDsn, plugin: str, *, private: bool) -> str:
    """Return why the authentication plug-in that the server asks for is not answered; empty if it is.

    `private` is whether nobody else can read the answer.
    """
    if plugin not in _PLUGINS:
        return f"asks for the authentication plug-in {plugin[:64]!r}; expected one of {', '.join(_PLUGINS)}."
    if plugin == "mysql_native_password" and not dsn.options.native_passwords:
        return "asks for mysql_native_password, which allowNativePasswords=false in audit.url forbids."
    if plugin in _CLEAR_PLUGINS and not private:
        return ASKS_WITHOUT_TLS
    trusted = dsn.socket or dsn.tls in _VERIFYING or dsn.options.cleartext_passwords
    if plugin == "mysql_clear_password" and not trusted:
        return (
            "asks for the password itself (mysql_clear_password), and its certificate is not verified. "
            "Set tls=true (with ssl-ca=FILE for a private CA) in audit.url, or allowCleartextPasswords=true."
        )
    return ""


def server_problem(variables: Mapping[str, str]) -> str:
    """Return why a server with these variables cannot hold the trail, with the remedy; empty if it can."""
    if variables.get("log_bin") == "ON" and variables.get("binlog_format") == "STATEMENT":
        return f"writes its binary log by statement. {STATEMENT_LOG_REMEDY}"
    packet = int(variables.get("max_allowed_packet", SMALLEST_PACKET_BYTES))
    if packet < SMALLEST_PACKET_BYTES:
        return f"has max_allowed_packet={packet}; expected at least {SMALLEST_PACKET_BYTES}."
    return ""


def batch_bytes(dsn: MysqlDsn, variables: Mapping[str, str]) -> int:
    """Return how long the text of the rows of one statement may be."""
    bounds = (int(variables.get("max_allowed_packet", 0)), dsn.options.largest_packet)
    packet = min((bound for bound in bounds if bound), default=SMALLEST_PACKET_BYTES)
    return max(packet, SMALLEST_PACKET_BYTES) - PACKET_MARGIN_BYTES


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
    if dsn.tls is Tls.DISABLED:
        return {"ssl_disabled": True}
    if dsn.tls not in _VERIFYING:
        return {}
    ca_file = dsn.options.ca_file or system_ca_file
    if not ca_file:
        raise SettingsError(
            ["audit.url: this system has no CA certificates; expected ssl-ca=FILE in its options"]
        )
    return {
        "ssl_ca": ca_file,
        "ssl_verify_cert": True,
        "ssl_verify_identity": dsn.tls is Tls.VERIFY_IDENTITY,
    }
