"""The errors of s3mover: each says whether trying again can help.

The package that uses a library translates the library's exceptions (sockets, botocore, mysql, sqlite3, pydantic) into
these, chained with `raise ... from`; no other package catches them.
"""

from enum import IntEnum


class ExitCode(IntEnum):
    """The exit codes of the program; only `cli.py` exits with them."""

    OK = 0
    SOME_FAILED = 1
    USAGE = 2
    UNREACHABLE = 3
    LEASE_HELD = 4
    INTERNAL_ERROR = 70
    INTERRUPTED = 130


class MoverError(Exception):
    """The base class. `temporary` is True if the same attempt may succeed later."""

    temporary = False
    exit_code = ExitCode.INTERNAL_ERROR


class SettingsError(MoverError):
    """Invalid settings: all problems at once, each a sentence with the setting's name."""

    exit_code = ExitCode.USAGE

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class UnreachableError(MoverError):
    """A bucket, credential or database that cannot be reached or denies access."""

    exit_code = ExitCode.UNREACHABLE


class LeaseHeldError(MoverError):
    """Another instance works on this pair of buckets."""

    exit_code = ExitCode.LEASE_HELD


class AuditUnavailableError(MoverError):
    """The audit database cannot be used now; the write may or may not have been committed."""

    temporary = True
    exit_code = ExitCode.UNREACHABLE


class AuditConflictError(AuditUnavailableError):
    """Another transaction of the audit database was in the way, so that this one was rolled back.

    It is worth repeating `repeats` times at once.
    """

    def __init__(self, message: str, repeats: int) -> None:
        super().__init__(message)
        self.repeats = repeats


class RowExistsError(MoverError):
    """A row that was to be inserted into the audit database exists; nothing was written."""


class DamagedDatabaseError(MoverError):
    """The audit database is damaged: waiting does not help, a person must repair it."""

    exit_code = ExitCode.UNREACHABLE


class SchemaError(MoverError):
    """The schema of the audit database does not fit this program."""

    exit_code = ExitCode.UNREACHABLE


class SummaryError(MoverError):
    """The summary file of a sweep could not be written into `summary.directory`."""

    exit_code = ExitCode.UNREACHABLE


class ListingError(MoverError):
    """A listing that contradicts itself (keys not ascending, a truncated page without a token)."""

    exit_code = ExitCode.UNREACHABLE


class ControlError(MoverError):
    """The control socket cannot be created, or no daemon answers on it."""

    exit_code = ExitCode.UNREACHABLE


class StatusError(MoverError):
    """A running instance could not be asked for its status."""

    exit_code = ExitCode.UNREACHABLE


class VerificationError(MoverError):
    """The copy differs from what was sent. It is retried, and never a success."""

    temporary = True


class S3Error(MoverError):
    """A denied or failed S3 request.

    `code` is S3's error code (`AccessDenied`), or ours if no response came: `ConnectionError`, `Timeout`,
    `IncompleteBody`, `InvalidResponse`. `status` is the HTTP status, 0 if no response came.
    """

    exit_code = ExitCode.UNREACHABLE

    def __init__(
        self,
        code: str,
        message: str = "",
        *,
        status: int = 0,
        operation: str = "",
        bucket: str = "",
        request_id: str = "",
        host_id: str = "",
        region: str = "",
        temporary: bool = False,
    ) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message
        self.status = status
        self.operation = operation
        self.bucket = bucket
        self.request_id = request_id
        self.host_id = host_id
        self.region = region
        self.temporary = temporary

    def __str__(self) -> str:
        """Return one line: operation, bucket, code, message, request id."""
        place = f" on {self.bucket}" if self.bucket else ""
        where = f"{self.operation}{place}: " if self.operation else ""
        said = f": {self.message}" if self.message else ""
        request = f" (request {self.request_id})" if self.request_id else ""
        return f"{where}{self.code}{said}{request}"
