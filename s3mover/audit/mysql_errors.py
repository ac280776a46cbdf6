"""Translates error numbers of MySQL and MariaDB. Pure: the driver is not imported here.

The numbers are those of the MySQL Reference Manual, "Server Error Message Reference" and "Client Error Message
Reference", and of MariaDB's "Error Codes".
"""

from s3mover.audit.dsn import MysqlDsn
from s3mover.errors import AuditUnavailableError, MoverError, UnreachableError

TLS_FAILED = 2026

_REFUSED = frozenset(
    (
        1044,  # no access to this database
        1045,  # wrong user or password
        1049,  # unknown database
        1130,  # this host may not connect
        1142,  # no permission on a table
        1143,  # no permission on a column
        1227,  # a privilege is missing
        1251,  # the authentication plug-in is not supported
        1370,  # no permission on a routine
        1410,  # no permission to create a user
        1524,  # the authentication plug-in is not loaded
        1698,  # no access without a password
        1820,  # the password must be changed first
        1862,  # the password has expired
        TLS_FAILED,  # the certificate does not verify, or the server has none
        2054,  # the authentication protocol is not supported
        2059,  # the authentication plug-in cannot be loaded
        2061,  # the authentication plug-in reports an error
        3118,  # the account is locked
        4151,  # the account is locked (MariaDB)
    )
)
_AWAY = frozenset(
    (
        1021,  # disk full
        1030,  # the storage engine reports an error, as a full disk does
        1037,  # out of memory
        1038,  # out of sort memory
        1040,  # too many connections
        1041,  # out of memory
        1043,  # bad handshake, as of a proxy whose server is away
        1047,  # not ready (Galera)
        1053,  # shutting down
        1114,  # the table is full
        1129,  # the host is blocked after too many failed connections
        1135,  # no new thread
        1152,  # connection aborted
        1158,  # network
        1159,  # network
        1160,  # network
        1161,  # network
        1180,  # the commit failed
        1184,  # connection aborted
        1203,  # too many connections of this user
        1205,  # lock wait timeout
        1213,  # deadlock
        1226,  # a resource of this user is used up
        1290,  # the server runs read-only
        1317,  # interrupted
        1792,  # the transaction is read-only
        1836,  # the server runs read-only
        1927,  # the connection was killed (MariaDB)
        1969,  # the statement ran too long (MariaDB)
        3024,  # the statement ran too long
        3100,  # a replication hook failed
        3101,  # rolled back by group replication
        3169,  # the session was killed
        4031,  # disconnected for inactivity
    )
)
_CLIENT_ERRORS = range(2000, 3000)
_NO_NUMBER = -1


def translate(number: int, message: str, dsn: MysqlDsn) -> MoverError:
    """Return our error for one of the driver's; the sentence names host, database and user, never the password.

    The client's own errors, and those without a number, are about the connection.
    """
    where = f"{dsn.place}, database {dsn.database!r}, user {dsn.user!r}"
    if number in _REFUSED:
        return UnreachableError(f"The audit database denies access ({where}): {message}")
    if number in _AWAY or number in _CLIENT_ERRORS or number == _NO_NUMBER:
        return AuditUnavailableError(f"The audit database is not available ({where}): {message}")
    return MoverError(f"The audit database reports an error ({where}): {message}")
