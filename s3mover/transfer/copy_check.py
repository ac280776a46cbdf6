"""The verification of a streamed copy: by the response to the write, else by a HeadObject.

It also notices what a store leaves of the framing of requests, and tells `framing.py`.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from s3mover.errors import S3Error, VerificationError
from s3mover.model import Order
from s3mover.s3.bucket import Bucket, Head, Stored
from s3mover.s3.retry import Retry
from s3mover.transfer.attempt_errors import is_denial
from s3mover.transfer.checksums import Checksum
from s3mover.transfer.framing import Framing, Framings
from s3mover.transfer.hashing_reader import HashingReader
from s3mover.transfer.method import MultipartUpload, head_of_copy, removed_on_mismatch
from s3mover.transfer.object_checksums import ObjectChecksums
from s3mover.transfer.parts import Part
from s3mover.transfer.properties import names_chunked_coding, property_headers
from s3mover.transfer.verification import check_content, check_size


class CopyCheck:
    """Verifies copies at one destination; threads may share it."""

    def __init__(self, destination: Bucket, framing: Framing, retry: Retry) -> None:
        self._destination = destination
        self._framing = framing
        self._retry = retry
        # Whether the store has confirmed an object of which it keeps less: it is not believed any more.
        self._is_distrusted = False

    def verify(
        self,
        order: Order,
        source: ObjectChecksums,
        stored: Stored,
        computed: Checksum,
        used: Framings,
        reader: HashingReader | None,
    ) -> str:
        """Verify the copy of an object, and remove it if it differs. Return a note.

        `computed` is the checksum of the bytes that were sent, `reader` what has read them in one piece.

        Raises:
            VerificationError: the copy differs, or the store left the framing in it.
            S3Error: it could not be found out.
        """
        written = ObjectChecksums(stored.etag, stored.headers)
        with (
            self._framing.verifying(order.target, used),
            removed_on_mismatch(self._destination, order.target, stored.etag),
            self._frames_noticed(used, order.size, lambda: self._destination.head(order.target).size),
        ):
            proven = check_content(source, written, computed)
            if reader is not None:
                proven = reader.check_arrived(written) or proven
                self._framing.record_response(stored.headers, computed, used)
            return self._inspect(order, source, computed, used if reader is not None else (), proven=proven)

    def verify_part(
        self, upload: MultipartUpload, part: Part, stored: Stored, used: Framings, reader: HashingReader
    ) -> None:
        """Verify a part, as far as the response says something of it.

        Raises:
            VerificationError: it differs.
        """
        with (
            self._framing.verifying(upload.key, used),
            self._frames_noticed(used, part.length, lambda: upload.size_of(part)),
        ):
            reader.check_arrived(ObjectChecksums(stored.etag, stored.headers))
        self._framing.record_response(stored.headers, reader.checksum(), used)

    @contextmanager
    def _frames_noticed(
        self, used: Framings, length: int, stored_length: Callable[[], int]
    ) -> Iterator[None]:
        """Disable framing if a `VerificationError` is raised within the context and more was stored than was sent."""
        try:
            yield
        except VerificationError:
            if used and _is_longer(stored_length, length):
                self._framing.disable()
            raise

    def _inspect(
        self, order: Order, source: ObjectChecksums, computed: Checksum, used: Framings, *, proven: bool
    ) -> str:
        """Ask for the head of a copy that is not proven yet, or whose framing is unknown. Return a note.

        A store may confirm a checksum and keep less. It is noticed by the first object of each framing; later by the
        next listing, which shows another size: the size of what is written then is looked at, and after one that is
        too small, that of all later objects.
        """
        encoded = "content-encoding" in property_headers(source.headers, ())
        inspecting = self._framing.must_inspect(used, encoded=encoded)
        if proven and not (inspecting or order.resized or self._is_distrusted):
            return ""
        try:
            copy = head_of_copy(self._destination, order.target, self._retry)
        except S3Error as error:
            if not proven:
                raise
            if is_denial(error):
                # Nor can later ones be looked at.
                self._framing.record_clean(used, encoded=encoded)
            return ""
        self._is_distrusted = self._is_distrusted or copy.size < order.size
        check_size(order.size, copy.size)
        proven = check_content(source, ObjectChecksums(copy.etag, copy.headers), computed) or proven
        if inspecting:
            self._check_clean(copy, used, encoded=encoded)
        return "" if proven else "verified by size alone"

    def _check_clean(self, copy: Head, used: Framings, *, encoded: bool) -> None:
        if names_chunked_coding(copy.headers):
            self._framing.disable()
            raise VerificationError(
                "the store left the framing of the request in the object's Content-Encoding"
            )
        self._framing.record_clean(used, encoded=encoded)


def _is_longer(stored_length: Callable[[], int], length: int) -> bool:
    try:
        return stored_length() > length
    except S3Error:
        return False
