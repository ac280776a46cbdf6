"""The streaming way: the source's bytes flow through one small buffer into the destination, never to local storage.

A checksum is computed as they flow. It must be the source's, where the source tells one, and it follows the bytes
as a trailer, so that the destination refuses what changed on the way.
"""

import hashlib
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import takewhile
from typing import NamedTuple

from s3mover.errors import VerificationError
from s3mover.model import Order
from s3mover.s3.bucket import Body, Bucket, Stored
from s3mover.s3.payload import Trailer
from s3mover.s3.retry import Retry, no_retry
from s3mover.transfer.checksums import Algorithm, Checksum, full_object_checksum, written
from s3mover.transfer.hashing import hasher, joined, written_length
from s3mover.transfer.method import (
    RunParts,
    TransferResult,
    Upload,
    arrived_head,
    in_one_upload,
    notes,
    removed_if_wrong,
)
from s3mover.transfer.object_checksums import ObjectChecksums, etag_is_md5
from s3mover.transfer.parts import Part, part_size_for, parts_of
from s3mover.transfer.policy import TransferPolicy
from s3mover.transfer.properties import WriteHeaders, with_source_properties, write_headers
from s3mover.transfer.store_features import Feature, StoreFeatures
from s3mover.transfer.verification import check_content, check_size

NOTHING = ObjectChecksums("", {})


class SentPart(NamedTuple):
    """A part that arrived: its ETag, its checksum and its length in bytes."""

    etag: str
    digest: bytes
    length: int


class Streaming:
    """Streams by GET to PUT up to one part's size, and by ranged GETs into UploadPart above it.

    Every GET is pinned to the ETag that was listed, so a copy is never made of two versions.
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
            return self._carry_in_parts(order)
        return self._carry_whole(order)

    def _carry_whole(self, order: Order) -> TransferResult:
        with self._source.get(order.key, if_match=order.etag) as body:
            check_size(order.size, body.length)
            source = ObjectChecksums(order.etag, body.head.headers)
            told = self._writing(order, source)
            flow = HashingReader(body, _algorithm_of(source), told=full_object_checksum(source.headers))
            with self._features.learning((*told.used, *self._framing())):
                stored = self._put(order, flow, told.headers | _content_md5(source))
        return self._arrived(order, source, told, stored, flow.checksum())

    def _put(self, order: Order, flow: "HashingReader", headers: dict[str, str]) -> Stored:
        return self._destination.put(
            order.target,
            flow.read_into,
            flow.length,
            headers,
            self._trailer(flow),
            chunks=self._features.has(Feature.CHUNKS),
        )

    def _carry_in_parts(self, order: Order) -> TransferResult:
        head = self._source.head(order.key)
        source = ObjectChecksums(order.etag, head.headers)
        told = self._writing(order, source)
        algorithm = _joining(_algorithm_of(source))
        sent: list[SentPart] = []

        def fill(upload: Upload) -> Stored:
            size = part_size_for(order.size, self._policy.part_size)
            sent.extend(
                self._run_parts(
                    lambda part: self._retry(lambda: self._send_part(upload, order, part, algorithm)),
                    parts_of(order.size, size),
                )
            )
            whole = _whole(algorithm, sent)
            # Before anything of it can be seen.
            check_content(source, NOTHING, whole)
            return upload.complete([part.etag for part in sent], self._told_checksum(whole))

        with self._features.learning((*told.used, *self._framing())):
            headers = told.headers | self._asked_checksum(algorithm)
            stored = in_one_upload(self._destination, order, headers, fill, self._retry)
        return self._arrived(order, source, told, stored, _whole(algorithm, sent))

    def _send_part(self, upload: Upload, order: Order, part: Part, algorithm: Algorithm) -> SentPart:
        with self._source.get(order.key, if_match=order.etag, first=part.first, last=part.last) as body:
            check_size(part.length, body.length)
            flow = HashingReader(body, algorithm, with_md5=Feature.TRAILERS not in self._framing())
            stored = self._destination.upload_part(
                upload.key,
                upload.id,
                part.number,
                flow.read_into,
                flow.length,
                self._trailer(flow),
                chunks=self._features.has(Feature.CHUNKS),
            )
        with self._doubting_frames():
            flow.check_md5(ObjectChecksums(stored.etag, stored.headers))
        return SentPart(stored.etag, flow.digest(), part.length)

    def _writing(self, order: Order, source: ObjectChecksums) -> WriteHeaders:
        told = write_headers(self._policy, order.storage_class, source.headers, self._features.has)
        with self._features.learning((Feature.TAGS,)):
            return with_source_properties(
                told, source.headers, self._features.has, lambda: self._source.tags(order.key)
            )

    def _framing(self) -> tuple[Feature, ...]:
        """Tell what bodies use now: chunks are signed over plain HTTP alone, and there trailers need them."""
        has, secure = self._features.has, self._destination.address.scheme == "https"
        candidates = (Feature.TRAILERS,) if secure else (Feature.CHUNKS, Feature.TRAILERS)
        return tuple(takewhile(has, candidates))

    def _trailer(self, flow: "HashingReader") -> Trailer | None:
        if Feature.TRAILERS not in self._framing():
            return None
        return Trailer(flow.algorithm.header, written_length(flow.algorithm), lambda: written(flow.digest()))

    def _asked_checksum(self, algorithm: Algorithm) -> dict[str, str]:
        if Feature.TRAILERS not in self._framing():
            return {}
        return {"x-amz-checksum-algorithm": algorithm.upper(), "x-amz-checksum-type": "FULL_OBJECT"}

    def _told_checksum(self, whole: Checksum) -> dict[str, str]:
        if Feature.TRAILERS not in self._framing():
            return {}
        return {whole.algorithm.header: whole.value, "x-amz-checksum-type": "FULL_OBJECT"}

    def _arrived(
        self, order: Order, source: ObjectChecksums, told: WriteHeaders, stored: Stored, computed: Checksum
    ) -> TransferResult:
        with self._doubting_frames(), removed_if_wrong(self._destination, order.target, stored.etag):
            note = self._verify(order, source, stored, computed)
        return TransferResult(stored.etag, notes(told.note, note), told.unkept)

    @contextmanager
    def _doubting_frames(self) -> Iterator[None]:
        """Let the next attempt go without frames where what arrived is wrong: there are stores that keep them."""
        try:
            yield
        except VerificationError:
            self._features.disable_framing()
            raise

    def _verify(self, order: Order, source: ObjectChecksums, stored: Stored, computed: Checksum) -> str:
        """Check what arrived, by what the write's answer says, else by what the destination says when asked."""
        if check_content(source, ObjectChecksums(stored.etag, stored.headers), computed):
            return ""
        arrived = arrived_head(self._destination, order.target, self._retry)
        check_size(order.size, arrived.size)
        proven = check_content(source, ObjectChecksums(arrived.etag, arrived.headers), computed)
        return "" if proven else "verified by size alone"


class HashingReader:
    """A body that is hashed as it flows; `with_md5` where the destination's ETag is the only check there is.

    Where the source tells a checksum (`told`), a body that does not have it never flows to its end, so that no
    destination makes an object of it.
    """

    def __init__(
        self, body: Body, algorithm: Algorithm, *, told: Checksum | None = None, with_md5: bool = False
    ) -> None:
        self.algorithm = algorithm
        self.length = body.length
        self._left = body.length
        self._body = body
        self._told = told
        self._hasher = hasher(algorithm)
        self._md5 = hashlib.md5(usedforsecurity=False) if with_md5 else None

    def read_into(self, view: memoryview) -> int:
        """Fill as much of `view` as comes at once and return the count.

        Raises:
            S3Error: the body did not come whole.
            VerificationError: it has come, and is not what the source tells of it.
        """
        count = self._body.read_into(view)
        self._hasher.update(view[:count])
        if self._md5 is not None:
            self._md5.update(view[:count])
        self._left -= count
        if not self._left:
            self._check_whole()
        return count

    def _check_whole(self) -> None:
        if self._told is not None and self._told != self.checksum():
            raise VerificationError(
                f"the source's bytes came with the {self._told.algorithm} {self.checksum().value} "
                f"instead of {self._told.value}"
            )

    def digest(self) -> bytes:
        """Return the checksum of what has flowed."""
        return self._hasher.digest()

    def checksum(self) -> Checksum:
        """Return the checksum as S3 writes it."""
        return Checksum(self.algorithm, written(self.digest()))

    def check_md5(self, arrived: ObjectChecksums) -> None:
        """Accept a part whose ETag is the MD5 of what has flowed, where that is known and comparable.

        Raises:
            VerificationError: it is another one's.
        """
        if self._md5 is not None and etag_is_md5(arrived) and self._md5.hexdigest() != arrived.etag:
            raise VerificationError(
                f"a part arrived with the MD5 {arrived.etag} instead of {self._md5.hexdigest()}"
            )


def _algorithm_of(source: ObjectChecksums) -> Algorithm:
    """The source's own algorithm, so that the copy has the same; S3's default where it has none."""
    told = full_object_checksum(source.headers)
    return told.algorithm if told else Algorithm.CRC64NVME


def _content_md5(source: ObjectChecksums) -> dict[str, str]:
    """Let the destination itself refuse altered bytes where the source tells nothing but their MD5."""
    if full_object_checksum(source.headers) is not None or not etag_is_md5(source):
        return {}
    return {"content-md5": b64encode(bytes.fromhex(source.etag)).decode()}


def _joining(algorithm: Algorithm) -> Algorithm:
    """An algorithm whose checksums can be joined: S3 has no full-object SHA of an object in parts."""
    return algorithm if algorithm.joins else Algorithm.CRC64NVME


def _whole(algorithm: Algorithm, sent: list[SentPart]) -> Checksum:
    return Checksum(algorithm, written(joined(algorithm, [(part.digest, part.length) for part in sent])))
