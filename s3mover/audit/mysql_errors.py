"""Translates error numbers of MySQL and MariaDB. Pure: the driver is not imported here.

The numbers are those of the MySQL Reference Manual, "Server Error Message Reference" and "Client Error Message
Reference", and of MariaDB's "Error Codes".
"""

from s3mover.audit.dsn import MysqlDsn
from s3mover.audit.mysql_options import STATEMENT_LOG_REMEDY
from s3mover.errors import (
    AuditConflictError,
    AuditUnavailableError,
    DamagedDatabaseError,
    MoverError,
    RowExistsError,
    UnreachableError,
)

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
        1226,  # a resource of this user is used up
        1290,  # the server runs read-only
        1317,  # interrupted
        1792,  # the transaction is read-only
        1836,  # the server runs read-only
        1874,  # the storage engine runs read-only (Aurora's readers)
        1927,  # the connection was killed (MariaDB)
        1969,  # the statement ran too long (MariaDB)
        3024,  # the statement ran too long
        3100,  # a replication hook failed
        3101,  # rolled back by group replication
        3169,  # the session was killed
        4031,  # disconnected for inactivity
    )
)
# By number how often the transaction is worth repeating at once: a lock was waited for in vain for seconds already.
_CONFLICTS = {
    1205: 1,  # lock wait timeout
    1213: 5,  # deadlock
}
_ROW_EXISTS = 1062
# The server ends the session with them, or is a primary no longer: its name may lead to the new one by now.
_ENDS_CONNECTION = frozenset((1047, 1053, 1152, 1153, 1184, 1290, 1792, 1836, 1874, 1927, 3100, 3169, 4031))
PACKET_TOO_LARGE = 1153
STATEMENT_LOG = 1665
_DAMAGED = frozenset(
    (
        1034,  # a wrong index
        1194,  # a crashed table
        1712,  # a damaged index
    )
)
_CLIENT_ERRORS = range(2000, 3000)
_NO_NUMBER = -1


def ends_connection(number: int) -> bool:
    """Return whether the connection is of no use after this error."""
    return number in _ENDS_CONNECTION or number in _CLIENT_ERRORS or number == _NO_NUMBER


def translate(number: int, message: str, dsn: MysqlDsn) -> MoverError:
    """Return our error for one of the driver's; the sentence names host, database and user, never the password.

    The client's own errors, and those without a number, are about the connection.
    """
    where = f"{dsn.place}, database {dsn.database!r}, user {dsn.user!r}"
    if number == STATEMENT_LOG:
        return UnreachableError(
            f"The audit database cannot be written to ({where}): {message} {STATEMENT_LOG_REMEDY}"
        )
    if number in _DAMAGED:
        return DamagedDatabaseError(
            f"The audit database is damaged ({where}): {message}. Repair the table or restore a backup."
        )
    if number in _REFUSED:
        return UnreachableError(f"The audit database denies access ({where}): {message}")
    if number == _ROW_EXISTS:
        return RowExistsError(f"The audit database has such a row already ({where}): {message}")
    if number in _AWAY or number in _CONFLICTS or ends_connection(number):
        return _unavailable(number, f"The audit database is not available ({where}): {message}")
    return MoverError(f"The audit database reports an error ({where}): {message}")


def _unavailable(number: int, sentence: str) -> AuditUnavailableError:
    if number in _CONFLICTS:
        return AuditConflictError(sentence, _CONFLICTS[number])
    return AuditUnavailableError(sentence)
