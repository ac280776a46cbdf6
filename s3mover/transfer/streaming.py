"""Streaming: the source's bytes are relayed through one small buffer to the destination, never to local storage.

Their checksum is computed on the way. It must equal the source's, where the source has one, and is sent after the
bytes as a trailer, so that the destination refuses altered bytes.
"""

from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import takewhile
from typing import NamedTuple

from s3mover.errors import VerificationError
from s3mover.model import Order
from s3mover.s3.bucket import Body, Bucket, Stored
from s3mover.s3.payload import Trailer
from s3mover.s3.response import UNKNOWN_LENGTH
from s3mover.s3.retry import Retry, no_retry
from s3mover.transfer.checksums import Algorithm, Checksum, base64_text, full_object_checksum
from s3mover.transfer.hashing import base64_length, combine
from s3mover.transfer.hashing_reader import HashingReader
from s3mover.transfer.method import (
    MultipartUpload,
    RunParts,
    TransferResult,
    head_of_copy,
    join_notes,
    removed_on_mismatch,
    write_multipart,
)
from s3mover.transfer.object_checksums import ObjectChecksums, etag_is_md5
from s3mover.transfer.parts import Part, part_size_for, parts_of
from s3mover.transfer.policy import TransferPolicy
from s3mover.transfer.properties import WriteHeaders, with_source_properties, write_headers
from s3mover.transfer.store_features import Feature, StoreFeatures
from s3mover.transfer.verification import check_content, check_size

NO_CHECKSUMS = ObjectChecksums("", {})


class SentPart(NamedTuple):
    """A part that was written: its ETag, its checksum and its length in bytes."""

    etag: str
    digest: bytes
    length: int


class Streaming:
    """Streams from GetObject to PutObject up to one part's size, above it from ranged GetObjects to UploadParts.

    Each GetObject is pinned to the listed ETag, so that a copy is never made of two versions.
    """

    def __init__(
        self,
        source: Bucket,
        destination: Bucket,
        policy: TransferPolicy,
        run_parts: RunParts,
        features: StoreFeatures,
        retry: Retry = no_retry,
    ) -> None:
        self._source = source
        self._destination = destination
        self._policy = policy
        self._run_parts = run_parts
        self._features = features
        self._retry = retry

    def transfer(self, order: Order) -> TransferResult:
        """Stream the object; see `TransferMethod.transfer`."""
        if order.size > self._policy.part_size:
            return self._stream_in_parts(order)
        return self._stream_whole(order)

    def _stream_whole(self, order: Order) -> TransferResult:
        with self._source.get(order.key, if_match=order.etag) as body:
            _check_length(order.size, body)
            source = ObjectChecksums(order.etag, body.head.headers)
            properties = self._write_headers(order, source)
            reader = HashingReader(
                body, order.size, _algorithm_of(source), expected=full_object_checksum(source.headers)
            )
            with self._features.probe((*properties.used, *self._framing())):
                stored = self._put(order, reader, properties.headers | _content_md5(source))
        return self._verified(order, source, properties, stored, reader.checksum())

    def _put(self, order: Order, reader: HashingReader, headers: dict[str, str]) -> Stored:
        return self._destination.put(
            order.target,
            reader.read_into,
            reader.length,
            headers,
            self._trailer(reader),
            chunks=self._features.has(Feature.CHUNKS),
        )

    def _stream_in_parts(self, order: Order) -> TransferResult:
        head = self._source.head(order.key)
        source = ObjectChecksums(order.etag, head.headers)
        properties = self._write_headers(order, source)
        algorithm = _combinable(_algorithm_of(source))
        sent: list[SentPart] = []

        def fill(upload: MultipartUpload) -> Stored:
            size = part_size_for(order.size, self._policy.part_size)
            sent.extend(
                self._run_parts(
                    lambda part: self._retry(lambda: self._send_part(upload, order, part, algorithm)),
                    parts_of(order.size, size),
                )
            )
            whole = _object_checksum(algorithm, sent)
            # Before the object becomes visible.
            check_content(source, NO_CHECKSUMS, whole)
            return upload.complete([part.etag for part in sent], self._checksum_headers(whole))

        with self._features.probe((*properties.used, *self._framing())):
            headers = properties.headers | self._checksum_request(algorithm)
            stored = write_multipart(self._destination, order, headers, fill, self._retry)
        return self._verified(order, source, properties, stored, _object_checksum(algorithm, sent))

    def _send_part(self, upload: MultipartUpload, order: Order, part: Part, algorithm: Algorithm) -> SentPart:
        with self._source.get(order.key, if_match=order.etag, first=part.first, last=part.last) as body:
            _check_length(part.length, body)
            reader = HashingReader(
                body, part.length, algorithm, with_md5=Feature.TRAILERS not in self._framing()
            )
            stored = self._destination.upload_part(
                upload.key,
                upload.id,
                part.number,
                reader.read_into,
                reader.length,
                self._trailer(reader),
                chunks=self._features.has(Feature.CHUNKS),
            )
        with self._framing_disabled_on_mismatch():
            reader.check_md5(ObjectChecksums(stored.etag, stored.headers))
        return SentPart(stored.etag, reader.digest(), part.length)

    def _write_headers(self, order: Order, source: ObjectChecksums) -> WriteHeaders:
        properties = write_headers(self._policy, order.storage_class, source.headers, self._features.has)
        with self._features.probe((Feature.TAGS,)):
            return with_source_properties(
                properties, source.headers, self._features.has, lambda: self._source.tags(order.key)
            )

    def _framing(self) -> tuple[Feature, ...]:
        """Return the framing that bodies use now: chunks are signed over plain HTTP only, where trailers need them."""
        has, secure = self._features.has, self._destination.address.scheme == "https"
        candidates = (Feature.TRAILERS,) if secure else (Feature.CHUNKS, Feature.TRAILERS)
        return tuple(takewhile(has, candidates))

    def _trailer(self, reader: HashingReader) -> Trailer | None:
        if Feature.TRAILERS not in self._framing():
            return None
        return Trailer(
            reader.algorithm.header, base64_length(reader.algorithm), lambda: base64_text(reader.digest())
        )

    def _checksum_request(self, algorithm: Algorithm) -> dict[str, str]:
        if Feature.TRAILERS not in self._framing():
            return {}
        return {"x-amz-checksum-algorithm": algorithm.upper(), "x-amz-checksum-type": "FULL_OBJECT"}

    def _checksum_headers(self, whole: Checksum) -> dict[str, str]:
        if Feature.TRAILERS not in self._framing():
            return {}
        return {whole.algorithm.header: whole.value, "x-amz-checksum-type": "FULL_OBJECT"}

    def _verified(
        self,
        order: Order,
        source: ObjectChecksums,
        properties: WriteHeaders,
        stored: Stored,
        computed: Checksum,
    ) -> TransferResult:
        with (
            self._framing_disabled_on_mismatch(),
            removed_on_mismatch(self._destination, order.target, stored.etag),
        ):
            note = self._verify(order, source, stored, computed)
        return TransferResult(stored.etag, join_notes(properties.note, note), properties.unkept)

    @contextmanager
    def _framing_disabled_on_mismatch(self) -> Iterator[None]:
        """Disable framing if a `VerificationError` is raised within the context: some stores keep the frames."""
        try:
            yield
        except VerificationError:
            self._features.disable_framing()
            raise

    def _verify(self, order: Order, source: ObjectChecksums, stored: Stored, computed: Checksum) -> str:
        """Verify the copy by the response to the write, else by a HeadObject. Return a note."""
        if check_content(source, ObjectChecksums(stored.etag, stored.headers), computed):
            return ""
        copy = head_of_copy(self._destination, order.target, self._retry)
        check_size(order.size, copy.size)
        proven = check_content(source, ObjectChecksums(copy.etag, copy.headers), computed)
        return "" if proven else "verified by size alone"


def _check_length(expected: int, body: Body) -> None:
    """Compare the length of a body with the expected one; `HashingReader` does where the source does not tell it."""
    if body.length != UNKNOWN_LENGTH:
        check_size(expected, body.length)


def _algorithm_of(source: ObjectChecksums) -> Algorithm:
    """Return the source's own algorithm, so that the copy has the same; S3's default where it has none."""
    checksum = full_object_checksum(source.headers)
    return checksum.algorithm if checksum else Algorithm.CRC64NVME


def _content_md5(source: ObjectChecksums) -> dict[str, str]:
    """Return a Content-MD5, by which the destination refuses altered bytes, where the source has an MD5 only."""
    if full_object_checksum(source.headers) is not None or not etag_is_md5(source):
        return {}
    return {"content-md5": b64encode(bytes.fromhex(source.etag)).decode()}


def _combinable(algorithm: Algorithm) -> Algorithm:
    """Return `algorithm` if it is combinable, else S3's default: S3 has no full-object SHA of an object in parts."""
    return algorithm if algorithm.is_combinable else Algorithm.CRC64NVME


def _object_checksum(algorithm: Algorithm, sent: list[SentPart]) -> Checksum:
    return Checksum(algorithm, base64_text(combine(algorithm, [(part.digest, part.length) for part in sent])))
