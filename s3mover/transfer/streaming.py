"""Streaming: the source's bytes are relayed through one small buffer to the destination, never to local storage.

Their checksum is computed on the way. It must equal the source's, where the source has one, and is sent after the
bytes as a trailer, so that the destination refuses altered bytes.
"""

import hashlib
from base64 import b64encode
from typing import NamedTuple

from s3mover.model import Order
from s3mover.s3.bucket import Body, Bucket, Stored
from s3mover.s3.payload import Trailer
from s3mover.s3.retry import Retry, no_retry
from s3mover.transfer.checksums import Algorithm, Checksum, base64_text, full_object_checksum
from s3mover.transfer.copy_check import CopyCheck
from s3mover.transfer.framing import Framing, Framings
from s3mover.transfer.hashing import base64_length, combine
from s3mover.transfer.hashing_reader import HashingReader
from s3mover.transfer.method import (
    MultipartUpload,
    RunParts,
    TransferResult,
    head_with_tags,
    join_notes,
    write_multipart,
)
from s3mover.transfer.object_checksums import ObjectChecksums, etag_is_md5
from s3mover.transfer.parts import Part, part_size_for, parts_of
from s3mover.transfer.policy import TransferPolicy
from s3mover.transfer.properties import (
    WriteHeaders,
    with_source_properties,
    write_headers,
)
from s3mover.transfer.source_body import SourceBody
from s3mover.transfer.store_features import Feature, StoreFeatures
from s3mover.transfer.tagging import write_late_tags
from s3mover.transfer.verification import check_content
from s3mover.transfer.whole_checksums import WholeChecksums

READ_BUFFER = 256 * 1024  # bytes
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
        self._whole_checksums = WholeChecksums(features)
        self._framing = Framing(features, secure=destination.address.scheme == "https")
        self._check = CopyCheck(destination, self._framing, retry)
        self._retry = retry

    def transfer(self, order: Order) -> TransferResult:
        """Stream the object; see `TransferMethod.transfer`."""
        if order.size > self._policy.part_size:
            return self._stream_in_parts(order)
        return self._stream_whole(order)

    def _stream_whole(self, order: Order) -> TransferResult:
        used = self._framing.of(order.target)
        with self._open(order, order.size) as body:
            source = ObjectChecksums(order.etag, body.head.headers)
            properties = self._write_headers(order, source)
            # The MD5 of the source is compared with the copy's anyway.
            with_md5 = not etag_is_md5(source) and self._needs_md5(used)
            expected = full_object_checksum(source.headers)
            reader = HashingReader(
                body, order.size, _algorithm_of(source), expected=expected, with_md5=with_md5
            )
            md5 = _content_md5(source) or self._unframed_md5(
                order, Part(1, 0, order.size - 1), properties, used
            )
            with (
                self._features.probe(self._used_features(properties, used, md5)),
                self._framing.sending(order.target, used),
            ):
                stored = self._put(order, reader, properties.headers | md5, used)
        return self._finished(order, source, properties, stored, reader.checksum(), used, reader)

    def _put(self, order: Order, reader: HashingReader, headers: dict[str, str], used: Framings) -> Stored:
        return self._destination.put(
            order.target,
            reader.read_into,
            reader.length,
            headers,
            _trailer(reader, used),
            chunks=Feature.CHUNKS in used,
        )

    def _stream_in_parts(self, order: Order) -> TransferResult:
        head = head_with_tags(self._source, order)
        source = ObjectChecksums(order.etag, head.headers)
        properties = self._write_headers(order, source)
        algorithm = _combinable(_algorithm_of(source))
        used = self._framing.of(order.target)
        sent: list[SentPart] = []

        def fill(upload: MultipartUpload) -> Stored:
            size = part_size_for(order.size, self._policy.part_size)
            sent.extend(
                self._run_parts(
                    lambda part: self._retry(
                        lambda: self._send_part(upload, order, part, algorithm, properties)
                    ),
                    parts_of(order.size, size),
                )
            )
            whole = _object_checksum(algorithm, sent)
            # Before the object becomes visible.
            check_content(source, NO_CHECKSUMS, whole)
            etags = [part.etag for part in sent]
            return self._whole_checksums.complete(
                upload.key, _checksum_headers(whole, used), lambda headers: upload.complete(etags, headers)
            )

        with self._features.probe(self._used_features(properties, used, {})):
            headers = properties.headers | _checksum_request(algorithm, used)
            stored = write_multipart(self._destination, order, headers, fill, self._retry)
        return self._finished(order, source, properties, stored, _object_checksum(algorithm, sent), used)

    def _send_part(
        self,
        upload: MultipartUpload,
        order: Order,
        part: Part,
        algorithm: Algorithm,
        properties: WriteHeaders,
    ) -> SentPart:
        used = self._framing.of(order.target)
        with self._open(order, part.length, part) as body, self._framing.sending(order.target, used):
            reader = HashingReader(body, part.length, algorithm, with_md5=self._needs_md5(used))
            stored = self._destination.upload_part(
                upload.key,
                upload.id,
                part.number,
                reader.read_into,
                reader.length,
                _trailer(reader, used),
                chunks=Feature.CHUNKS in used,
                headers=self._unframed_md5(order, part, properties, used),
            )
        self._check.verify_part(upload, part, stored, used, reader)
        return SentPart(stored.etag, reader.digest(), part.length)

    def _open(self, order: Order, length: int, part: Part | None = None) -> SourceBody:
        """Open the bytes of the object, or of one part of it."""
        start, last = (None, None) if part is None else (part.first, part.last)
        body = self._source.get(order.key, if_match=order.etag, first=start, last=last)

        def reopen(offset: int, etag: str) -> Body:
            return self._source.get(order.key, if_match=etag, first=(start or 0) + offset, last=last)

        return SourceBody(body, length, order.etag, reopen, self._retry)

    def _write_headers(self, order: Order, source: ObjectChecksums) -> WriteHeaders:
        properties = write_headers(self._policy, order.storage_class, source.headers, self._features.has)
        with self._features.probe((Feature.TAGS,)):
            return with_source_properties(
                properties, source.headers, self._features.has, lambda: self._source.tags(order.key)
            )

    def _used_features(
        self, properties: WriteHeaders, used: Framings, md5: dict[str, str]
    ) -> tuple[Feature, ...]:
        unchecked = () if md5 or not self._may_be_unchecked(properties, used) else (Feature.UNCHECKED,)
        return (*properties.used, *used, *unchecked)

    def _needs_md5(self, used: Framings) -> bool:
        return Feature.TRAILERS not in used or self._framing.needs_md5

    def _may_be_unchecked(self, properties: WriteHeaders, used: Framings) -> bool:
        """Return whether the store may be sent a body without a checksum of it, as Object Lock forbids."""
        locked = Feature.OBJECT_LOCK in properties.used
        return Feature.TRAILERS not in used and not locked and self._features.has(Feature.UNCHECKED)

    def _unframed_md5(
        self, order: Order, part: Part, properties: WriteHeaders, used: Framings
    ) -> dict[str, str]:
        """Return a Content-MD5 where the store wants a checksum and takes no trailers: the bytes are read twice."""
        if Feature.TRAILERS in used or self._may_be_unchecked(properties, used):
            return {}
        digest = hashlib.md5(usedforsecurity=False)
        whole = part.length == order.size
        with self._open(order, part.length, None if whole else part) as body:
            buffer = memoryview(bytearray(min(READ_BUFFER, part.length)))
            while count := body.read_into(buffer):
                digest.update(buffer[:count])
        return {"content-md5": base64_text(digest.digest())}

    def _finished(
        self,
        order: Order,
        source: ObjectChecksums,
        properties: WriteHeaders,
        stored: Stored,
        computed: Checksum,
        used: Framings,
        reader: HashingReader | None = None,
    ) -> TransferResult:
        """Verify the copy, and write the tags that no header carries; `reader` is that of an object in one piece."""
        note = self._check.verify(order, source, stored, computed, used, reader)
        write_late_tags(
            self._destination, order.target, stored.etag, properties.late_tags, self._features, self._retry
        )
        return TransferResult(stored.etag, join_notes(properties.note, note), properties.unkept)


def _trailer(reader: HashingReader, used: Framings) -> Trailer | None:
    if Feature.TRAILERS not in used:
        return None
    return Trailer(
        reader.algorithm.header, base64_length(reader.algorithm), lambda: base64_text(reader.digest())
    )


def _checksum_request(algorithm: Algorithm, used: Framings) -> dict[str, str]:
    if Feature.TRAILERS not in used:
        return {}
    return {"x-amz-checksum-algorithm": algorithm.upper(), "x-amz-checksum-type": "FULL_OBJECT"}


def _checksum_headers(whole: Checksum, used: Framings) -> dict[str, str]:
    if Feature.TRAILERS not in used:
        return {}
    return {whole.algorithm.header: whole.value, "x-amz-checksum-type": "FULL_OBJECT"}


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
