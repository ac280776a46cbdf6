"""The driver's connection, which sends no password that others could read, and says who it is.

A server may ask for the password itself: by the plug-ins `mysql_clear_password` and `sha256_password`, and by
`caching_sha2_password` if it does not know the user yet. The driver sends it also without TLS, or after TLS was taken
away on the network. RSA instead of TLS is not offered: the key would come from the same unverified server.
"""

import contextlib
import os

# Imported before the driver: its C extension brings an OpenSSL of its own, which looks for CA certificates elsewhere,
# and the one that is loaded first serves the whole process. If the system's does not suit the extension, the driver
# works without it.
import ssl
from collections.abc import Iterator
from typing import Any

import mysql.connector
from mysql.connector.authentication import MySQLAuthenticator
from mysql.connector.constants import ClientFlag
from mysql.connector.errors import InterfaceError, ReadTimeoutError, WriteTimeoutError
from mysql.connector.plugins.caching_sha2_password import MySQLCachingSHA2PasswordAuthPlugin

from s3mover.audit import mysql_errors, mysql_options
from s3mover.audit.dsn import MysqlDsn
from s3mover.errors import AuditUnavailableError, MoverError, UnreachableError

_FULL_AUTHENTICATION = b"\x04"


class Connection(mysql.connector.MySQLConnection):  # type: ignore[misc] # the driver is not typed
    """A connection to the server of `dsn`, which opens at once."""

    # Not the driver's C extension: it loads on some machines only, cuts values at a NUL, raises errors that are not the
    # driver's, and looks for CA certificates in other places.

    def __init__(self, dsn: MysqlDsn, arguments: dict[str, object]) -> None:
        super().__init__()
        self._dsn = dsn
        self._authenticator = _Authenticator(dsn)
        try:
            self.connect(**arguments)
        except BaseException:
            self.hang_up()
            raise

    def hang_up(self) -> None:
        """Close the socket and send nothing more; the driver's `shutdown` leaves one open that the server closed."""
        self.shutdown()
        if self._socket is not None:
            self._socket.close_connection()

    def _get_connection(self) -> Any:
        """Return the driver's socket, which makes its TLS context by the function below.

        The driver's own reads the system's CA certificates twice, also where none is to be verified: 65 ms of CPU per
        connection, a tenth of a start.
        """
        sock = super()._get_connection()
        sock.build_ssl_context = _tls_context
        return sock

    def _do_handshake(self) -> None:
        """Require TLS here, where nothing about the user has been sent."""
        super()._do_handshake()
        offered: Any = self._handshake
        if mysql_options.needs_tls(self._dsn) and not offered["capabilities"] & ClientFlag.SSL:
            raise UnreachableError(
                f"The audit database at {self._dsn.place} does not offer TLS, which audit.url requires. "
                "Enable TLS there, or set tls=preferred."
            )
        if not offered["capabilities"] & ClientFlag.CONNECT_ARGS:
            self._client_flags &= ~ClientFlag.CONNECT_ARGS

    def _add_default_conn_attrs(self) -> None:
        """Name this program to the server; to fill in the rest the driver would run `lsb_release`."""
        self._conn_attrs.update(
            program_name="s3mover", _client_name="mysql-connector-python", _pid=str(os.getpid())
        )


def _tls_context(
    *, ssl_ca: str | None, ssl_verify_cert: bool, ssl_verify_identity: bool, **_: object
) -> ssl.SSLContext:
    """Return what the driver would make of our arguments; the system's CAs are trusted beside `ssl_ca`."""
    if not ssl_verify_cert:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    context = ssl.create_default_context()
    context.load_verify_locations(ssl_ca)
    context.check_hostname = ssl_verify_identity
    return context


class _Authenticator(MySQLAuthenticator):  # type: ignore[misc]
    """Answers only plug-ins that do not give the password away."""

    def __init__(self, dsn: MysqlDsn) -> None:
        super().__init__()
        self._dsn = dsn
        self._auth_strategy: Any = None

    @property
    def ssl_enabled(self) -> bool:
        """Whether others can't read along: by TLS, or because the socket does not leave this machine."""
        return self._ssl_enabled or bool(self._dsn.socket)

    def authenticate(self, sock: Any, handshake: Any, *args: Any, **kwargs: Any) -> Any:
        """Answer the plug-in of the server's greeting."""
        self._require(handshake["auth_plugin"])
        return super().authenticate(sock, handshake, *args, **kwargs)

    def _switch_auth_strategy(self, new_strategy_name: str, *args: Any, **kwargs: Any) -> None:
        """Answer another plug-in, which the server asks for."""
        self._require(new_strategy_name)
        super()._switch_auth_strategy(new_strategy_name, *args, **kwargs)
        self._guard_strategy()

    def _handle_server_response(self, *args: Any, **kwargs: Any) -> Any:
        self._guard_strategy()
        return super()._handle_server_response(*args, **kwargs)

    def _require(self, plugin: str) -> None:
        if problem := mysql_options.plugin_problem(self._dsn, plugin, private=self.ssl_enabled):
            raise UnreachableError(f"The audit database at {self._dsn.place} {problem}")

    def _guard_strategy(self) -> None:
        given = self._auth_strategy
        if isinstance(given, MySQLCachingSHA2PasswordAuthPlugin):
            self._auth_strategy = _CachingSha2(self._dsn, given._username, given._password, self.ssl_enabled)


class _CachingSha2(MySQLCachingSHA2PasswordAuthPlugin):  # type: ignore[misc]
    def __init__(self, dsn: MysqlDsn, username: str, password: str, private: bool) -> None:
        super().__init__(username, password, private)
        self._dsn = dsn

    def auth_response(self, auth_data: bytes, **kwargs: Any) -> bytes | None:
        """Return the scrambled password, or the password itself where the server asks for it and nobody else hears."""
        if auth_data == _FULL_AUTHENTICATION and not self.ssl_enabled:
            raise UnreachableError(
                f"The audit database at {self._dsn.place} {mysql_options.ASKS_WITHOUT_TLS}"
            )
        response: bytes | None = super().auth_response(auth_data, **kwargs)
        return response


@contextlib.contextmanager
def translated(dsn: MysqlDsn) -> Iterator[None]:
    """Translate whatever the driver raises: also what its parser meets in an answer that it does not expect."""
    try:
        yield
    except MoverError:
        raise
    except mysql.connector.Error as error:
        raise mysql_errors.translate(_number(error), str(error.msg), dsn) from error
    except Exception as error:
        raise AuditUnavailableError(
            f"The audit database at {dsn.place} is not available: {type(error).__name__}: {error}"
        ) from error


def fetched(cursor: Any) -> list[Any]:
    """Return the rows of a query.

    Raises:
        InterfaceError: the response is well formed and not a result; the driver calls that no rows.
    """
    if cursor.description is None:
        raise InterfaceError("the response to a query has no columns")
    rows: list[Any] = cursor.fetchall()
    return rows


def keeps_connection(error: BaseException) -> bool:
    """Return whether client and server agree, after this error, on which answer is the next one's."""
    cause = error.__cause__
    if not isinstance(error, MoverError) or not isinstance(cause, mysql.connector.Error):
        return False
    timed_out = isinstance(cause, ReadTimeoutError | WriteTimeoutError)
    return not timed_out and not mysql_errors.ends_connection(int(cause.errno))


def _number(error: Any) -> int:
    # The driver reports a certificate that does not verify as a lost connection.
    distrusted = isinstance(error.__cause__, ssl.SSLCertVerificationError)
    return mysql_errors.TLS_FAILED if distrusted else int(error.errno)
