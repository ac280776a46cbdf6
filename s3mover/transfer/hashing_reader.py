"""A reader that hashes an object's body while it is streamed."""

import hashlib

from s3mover.errors import VerificationError
from s3mover.s3.bucket import Body
from s3mover.s3.response import UNKNOWN_LENGTH
from s3mover.transfer.checksums import Algorithm, Checksum, base64_text
from s3mover.transfer.hashing import hasher
from s3mover.transfer.object_checksums import ObjectChecksums, etag_is_md5


class HashingReader:
    """Reads a body and computes its checksum; its MD5 as well `with_md5`, where only the copy's ETag can be compared.

    The body has `length` bytes, as listed; where the source does not say how long it is, its end is compared with that.
    A body without the checksum `expected` by the source is never read to its end, so that no destination makes an
    object of it.
    """

    def __init__(
        self,
        body: Body,
        length: int,
        algorithm: Algorithm,
        *,
        expected: Checksum | None = None,
        with_md5: bool = False,
    ) -> None:
        self.algorithm = algorithm
        self.length = self._left = length
        self._body = body
        self._expected = expected
        self._hasher = hasher(algorithm)
        self._md5 = hashlib.md5(usedforsecurity=False) if with_md5 else None

    def read_into(self, view: memoryview) -> int:
        """Read available bytes into `view` and return the count.

        Raises:
            S3Error: the body ended early, or the connection failed.
            VerificationError: the body is longer than `length`, or complete and without the source's checksum.
        """
        count = self._body.read_into(view)
        self._hasher.update(view[:count])
        if self._md5 is not None:
            self._md5.update(view[:count])
        self._left -= count
        if not self._left:
            self._check_end()
        return count

    def _check_end(self) -> None:
        if self._body.length == UNKNOWN_LENGTH and self._body.read_into(memoryview(bytearray(1))):
            raise VerificationError(
                f"the source's body is longer than the {self.length} bytes that were listed"
            )
        self._check_expected()

    def _check_expected(self) -> None:
        if self._expected is not None and self._expected != self.checksum():
            raise VerificationError(
                f"the source's bytes arrived with the {self._expected.algorithm} {self.checksum().value}, "
                f"expected {self._expected.value}"
            )

    def digest(self) -> bytes:
        """Return the checksum of the bytes read so far."""
        return self._hasher.digest()

    def checksum(self) -> Checksum:
        """Return the checksum of the bytes read so far, as S3 writes it."""
        return Checksum(self.algorithm, base64_text(self.digest()))

    def check_md5(self, part: ObjectChecksums) -> None:
        """Compare the MD5 of the bytes read with a part's ETag, where both are known.

        Raises:
            VerificationError: they differ.
        """
        if self._md5 is not None and etag_is_md5(part) and self._md5.hexdigest() != part.etag:
            raise VerificationError(
                f"a part arrived with the MD5 {part.etag}, expected {self._md5.hexdigest()}"
            )
