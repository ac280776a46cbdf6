"""The bytes of one object, or of a range of it, read from the source; a body that breaks off goes on where it broke.

A link that cuts every response after some bytes would never let a large body pass otherwise. Each further GetObject is
pinned to the same ETag, so that the bytes are those of one version.
"""

from collections.abc import Callable
from contextlib import ExitStack
from types import TracebackType

from s3mover.errors import MoverError, S3Error
from s3mover.s3.bucket import Body
from s3mover.s3.protocol_errors import incomplete_body
from s3mover.s3.response import UNKNOWN_LENGTH
from s3mover.s3.retry import Retry
from s3mover.transfer.verification import check_size

# A response that brings fewer bytes is no progress; so many of those in a row end the attempt.
MIN_PROGRESS = 16 * 1024
MAX_STALLED = 3

# Opens the body from the byte `offset` (from 0) of these bytes, if the object has this ETag.
Reopen = Callable[[int, str], Body]


class SourceBody:
    """Reads `length` bytes, neither more nor fewer; a context manager.

    `etag` is that of the object, empty where none is known: then a body that breaks off is not continued.
    """

    def __init__(self, body: Body, length: int, etag: str, reopen: Reopen, retry: Retry) -> None:
        self.head = body.head
        self.length = length
        self._etag = etag or body.head.etag
        self._reopen = reopen
        self._retry = retry
        self._offset = self._opened_at = 0
        self._stalled = 0
        self._open = ExitStack()
        self._body = self._open.enter_context(body)
        try:
            self._check_length(body)
        except MoverError:
            self._open.close()
            raise

    def read_into(self, view: memoryview) -> int:
        """Read available bytes into `view` and return the count; 0 at the end.

        Raises:
            S3Error: the connection failed, and could not be replaced; the object changed meanwhile.
            VerificationError: there are more bytes.
        """
        if self._offset == self.length:
            return 0
        while not (count := self._try_read(view)):
            continue
        self._offset += count
        if self._offset == self.length:
            self._check_end()
        return count

    def __enter__(self) -> "SourceBody":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def _try_read(self, view: memoryview) -> int:
        """Return the count of bytes read; 0 where the body broke off and was opened again."""
        try:
            count = self._body.read_into(view[: self.length - self._offset])
            if not count:
                raise self._broken_off()
        except S3Error as error:
            self._resume(error)
            return 0
        return count

    def _broken_off(self) -> S3Error:
        error = incomplete_body(f"the body ended {self.length - self._offset} bytes early")
        error.operation = "GetObject"
        return error

    def _resume(self, error: S3Error) -> None:
        has_progressed = self._offset - self._opened_at >= MIN_PROGRESS
        self._stalled = 0 if has_progressed else self._stalled + 1
        if not self._etag or not error.temporary or self._stalled >= MAX_STALLED:
            raise error
        try:
            body = self._retry(lambda: self._reopen(self._offset, self._etag))
        except S3Error as refusal:
            # A store that ignores ranges: the attempt begins anew.
            raise (error if refusal.code == "InvalidResponse" else refusal) from refusal
        self._body = self._open.enter_context(body)
        self._opened_at = self._offset
        self._check_length(body)

    def _check_length(self, body: Body) -> None:
        if body.length != UNKNOWN_LENGTH:
            check_size(self.length - self._offset, body.length)
        elif not self.length:
            self._check_end()

    def _check_end(self) -> None:
        """Ensure that a body of unknown length has no further bytes, before its last ones are handed on."""
        if self._body.length == UNKNOWN_LENGTH:
            check_size(self.length, self.length + self._body.read_into(memoryview(bytearray(1))))
