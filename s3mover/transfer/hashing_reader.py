"""A reader that hashes an object's body while it is streamed."""

import hashlib
from typing import Protocol

from s3mover.errors import VerificationError
from s3mover.transfer.checksums import Algorithm, Checksum, base64_text, full_object_checksum
from s3mover.transfer.hashing import hasher
from s3mover.transfer.object_checksums import ObjectChecksums, etag_is_md5


class ByteSource(Protocol):
    """Where bytes are read from."""

    def read_into(self, view: memoryview) -> int:
        """Read available bytes into `view` and return the count; 0 at the end."""


class HashingReader:
    """Reads a body of `length` bytes and computes its checksum; its MD5 as well `with_md5`.

    A body without the checksum `expected` by the source is never read to its end, so that no destination makes an
    object of it.
    """

    def __init__(
        self,
        body: ByteSource,
        length: int,
        algorithm: Algorithm,
        *,
        expected: Checksum | None = None,
        with_md5: bool = False,
    ) -> None:
        self.algorithm = algorithm
        self.length = length
        self._left = length
        self._body = body
        self._expected = expected
        self._hasher = hasher(algorithm)
        self._md5 = hashlib.md5(usedforsecurity=False) if with_md5 else None

    def read_into(self, view: memoryview) -> int:
        """Read available bytes into `view` and return the count.

        Raises:
            S3Error: the body ended early, or the connection failed.
            VerificationError: the body is complete, and its checksum is not the source's.
        """
        count = self._body.read_into(view)
        self._hasher.update(view[:count])
        if self._md5 is not None:
            self._md5.update(view[:count])
        self._left -= count
        if not self._left:
            self._check_expected()
        return count

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

    def check_arrived(self, stored: ObjectChecksums) -> bool:
        """Compare the checksums of the bytes read with those that the store reports of what it wrote.

        Return False where it reports none that is known here.

        Raises:
            VerificationError: they differ.
        """
        expected = [] if self._md5 is None else [("MD5", self._md5.hexdigest(), _md5_of(stored))]
        reported = full_object_checksum(stored.headers)
        if reported is not None and reported.algorithm == self.algorithm:
            expected.append((self.algorithm, self.checksum().value, reported.value))
        known = [one for one in expected if one[2]]
        for name, sent, arrived in known:
            if sent != arrived:
                raise VerificationError(f"the bytes arrived with the {name} {arrived}, expected {sent}")
        return bool(known)


def _md5_of(stored: ObjectChecksums) -> str:
    return stored.etag if etag_is_md5(stored) else ""
