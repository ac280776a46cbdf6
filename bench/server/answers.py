"""What the server answers: the operations that s3mover and its peers use, on a source and a destination bucket.

Answers have S3's shapes (Amazon S3 API Reference, the page of each operation).
"""

import json
import re
from base64 import b64encode
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable
from urllib.parse import parse_qs, unquote_to_bytes

from bench.server.keys import TAPE, Kind, content_of, first_after, key_of, number_of, row, rows
from bench.server.loop import Pieces, Reply

SOURCE, DESTINATION = b"source", b"destination"
_DATE = b"Sat, 04 Jan 2025 03:17:09 GMT"
_XML = b'<?xml version="1.0" encoding="UTF-8"?>\n<%b xmlns="http://s3.amazonaws.com/doc/2006-03-01/">%b</%b>'
_RANGE = re.compile(rb"\r\nrange: *bytes=([0-9]+)-([0-9]*)", re.IGNORECASE)
_COPY = re.compile(rb"\r\nx-amz-copy-source: *([^\r]+)", re.IGNORECASE)
_COPY_RANGE = re.compile(rb"\r\nx-amz-copy-source-range: *bytes=([0-9]+)-([0-9]+)", re.IGNORECASE)
# Bytes per second that S3 copies for one UploadPartCopy, so that large parts do not seem to come for nothing.
COPY_RATE = 200e6
_LISTED = 1000
_SLOW = "latency_ms"


class World:
    """Both buckets: the source holds `count` objects, the destination the first `filled` of them and what arrives.

    `slow_down` is told how many seconds each answer is to take.
    """

    def __init__(self) -> None:
        self.slow_down: Callable[[float], None] = lambda _: None
        self._furnish(count=0, low=1, high=1, filled=0)

    def _furnish(self, count: int, low: int, high: int, filled: int) -> None:
        self.kind = Kind(low, high)
        self.count = count
        self.filled = filled
        self.arrived: set[int] = set()
        self.requests: Counter[str] = Counter()
        self._order: list[int] = []

    def answer(self, head: bytes) -> Reply:
        """Answer the request whose head is given; its body does not matter."""
        copied = _COPY_RANGE.search(head)
        work = (int(copied[2]) - int(copied[1])) / COPY_RATE if copied else 0.0
        return Reply(self._answer(head), work)

    def _answer(self, head: bytes) -> Pieces:
        method, target, _ = head.split(b" ", 2)
        path, _, query = target.partition(b"?")
        bucket, _, key = path[1:].partition(b"/")
        if bucket == b"_bench":
            return self._command(key.decode(), query)
        if method == b"PUT" and not query:
            return self._write(head, unquote_to_bytes(key))
        asked = {name: values[0] for name, values in parse_qs(query, keep_blank_values=True).items()}
        if not key:
            return self._of_bucket(method, bucket, asked)
        if method == b"HEAD" and not self._holds(bucket, number_of(unquote_to_bytes(key))):
            self.requests["HeadObject"] += 1
            return [_head(b"404 Not Found", 0, b"")]
        return self._of_object(method, head, unquote_to_bytes(key), asked)

    def _holds(self, bucket: bytes, number: int) -> bool:
        return bucket != DESTINATION or number < self.filled or number in self.arrived

    def _command(self, name: str, query: bytes) -> Pieces:
        asked = {name.decode(): int(values[0]) for name, values in parse_qs(query).items()}
        if name == "furnish":
            self.slow_down(asked.pop(_SLOW, 0) / 1000)
            self._furnish(**asked)
        told = {"arrived": self.filled + len(self.arrived), "requests": dict(self.requests)}
        return _whole(json.dumps(told).encode())

    def _write(self, head: bytes, key: bytes) -> Pieces:
        number = number_of(key)
        self.arrived.add(number)
        etag = self.kind.etag(number)
        if _COPY.search(head):
            self.requests["CopyObject"] += 1
            shown = b"<LastModified>2025-01-04T03:17:10.000Z</LastModified><ETag>&quot;%b&quot;</ETag>" % etag
            return _document(b"CopyObjectResult", shown)
        self.requests["PutObject"] += 1
        return _whole(b"", b'ETag: "%b"\r\n' % etag)

    def _of_bucket(self, method: bytes, bucket: bytes, asked: dict[bytes, bytes]) -> Pieces:
        if method != b"GET":
            return _whole(b"")
        if b"location" in asked:
            return _document(b"LocationConstraint", b"")
        if b"versioning" in asked:
            return _document(b"VersioningConfiguration", b"")
        if b"uploads" in asked:
            return _document(b"ListMultipartUploadsResult", b"<IsTruncated>false</IsTruncated>")
        self.requests["ListObjects"] += 1
        return self._listing(bucket, asked)

    def _listing(self, bucket: bytes, asked: dict[bytes, bytes]) -> Pieces:
        limit = min(int(asked.get(b"max-keys", b"1000")), _LISTED)
        place = max(asked.get(name, b"") for name in (b"continuation-token", b"start-after", b"marker"))
        if bucket == DESTINATION and self.arrived:
            text, last, more = self._listed_arrivals(place, limit)
        else:
            count = self.count if bucket == SOURCE else self.filled
            first = first_after(place, count)
            end = min(first + limit, count)
            text, last, more = rows(self.kind, first, end), end - 1, end < count
        token = b"<NextContinuationToken>%b</NextContinuationToken>" % key_of(last) if more else b""
        frame = (
            b"<Name>%b</Name><MaxKeys>%d</MaxKeys><EncodingType>url</EncodingType><IsTruncated>%b</IsTruncated>%b"
            % (bucket, limit, b"true" if more else b"false", token)
        )
        return _document(b"ListBucketResult", frame + text)

    def _listed_arrivals(self, place: bytes, limit: int) -> tuple[bytes, int, bool]:
        if len(self._order) != len(self.arrived):
            self._order = sorted(self.arrived)
        first = bisect_right(self._order, place, key=key_of)
        page = self._order[first : first + limit]
        text = b"".join(row(self.kind, number) for number in page)
        return text, page[-1] if page else 0, first + limit < len(self._order)

    def _of_object(self, method: bytes, head: bytes, key: bytes, asked: dict[bytes, bytes]) -> Pieces:
        if b"uploads" in asked:
            return _document(b"InitiateMultipartUploadResult", b"<UploadId>upload</UploadId>")
        if b"partNumber" in asked:
            return self._part(head)
        if b"uploadId" in asked and method == b"POST":
            self.arrived.add(number_of(key))
            return _document(
                b"CompleteMultipartUploadResult", b"<ETag>&quot;%b&quot;</ETag>" % self._etag(key)
            )
        if b"tagging" in asked:
            return _document(b"Tagging", b"<TagSet></TagSet>")
        if method in (b"GET", b"HEAD"):
            return self._read(method, head, key)
        return _whole(b"")

    def _part(self, head: bytes) -> Pieces:
        if _COPY.search(head):
            self.requests["UploadPartCopy"] += 1
            return _document(b"CopyPartResult", b"<ETag>&quot;%032x&quot;</ETag>" % 1)
        self.requests["UploadPart"] += 1
        return _whole(b"", b'ETag: "%032x"\r\n' % 1)

    def _read(self, method: bytes, head: bytes, key: bytes) -> Pieces:
        self.requests["GetObject" if method == b"GET" else "HeadObject"] += 1
        size = self.kind.size(number_of(key))
        found = _RANGE.search(head)
        first = int(found[1]) if found else 0
        last = int(found[2]) if found and found[2] else size - 1
        told = b'ETag: "%b"\r\nLast-Modified: %b\r\nContent-Type: binary/octet-stream\r\n' % (
            self._etag(key),
            _DATE,
        )
        if found:
            told += b"Content-Range: bytes %d-%d/%d\r\n" % (first, last, size)
        elif self.kind.low == self.kind.high and content_of(size).checksum:
            told += b"x-amz-checksum-crc64nvme: %b\r\nx-amz-checksum-type: FULL_OBJECT\r\n" % b64encode(
                content_of(size).checksum
            )
        length = last - first + 1
        answered = _head(b"206 Partial Content" if found else b"200 OK", length, told)
        return [answered, *_tape(first, length)] if method == b"GET" else [answered]

    def _etag(self, key: bytes) -> bytes:
        return self.kind.etag(number_of(key))


def _tape(first: int, length: int) -> Pieces:
    """Return `length` bytes of the endless tape from `first`."""
    tape, pieces = memoryview(TAPE), []
    while length:
        start = first % len(tape)
        piece = tape[start : start + length]
        pieces.append(piece)
        first, length = first + len(piece), length - len(piece)
    return pieces


def _document(name: bytes, inside: bytes) -> Pieces:
    return _whole(_XML % (name, inside, name), b"Content-Type: application/xml\r\n")


def _whole(body: bytes, headers: bytes = b"") -> Pieces:
    return [_head(b"200 OK", len(body), headers) + body]


def _head(status: bytes, length: int, headers: bytes) -> bytes:
    return b"HTTP/1.1 %b\r\nServer: bench\r\nContent-Length: %d\r\n%b\r\n" % (status, length, headers)
