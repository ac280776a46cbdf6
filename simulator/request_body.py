"""A body as it arrives: decodes its framing, hashes it, and at its end checks what the headers promised.

Source: S3 API, "Checking object integrity".
"""

import base64
import binascii
import hashlib

from simulator.checksums import ALGORITHMS, HASHES, RunningChecksum, header_of
from simulator.chunked import ChunkDecoder
from simulator.content import Content, Gatherer
from simulator.refusals import Refusal
from simulator.signature import ChunkSignatures
from simulator.store import Checksum
from simulator.wire import Request, flipped

MAX_BODY = 5 * 1024**3
"""Bytes of one PutObject, UploadPart or CopyObject (S3 User Guide: "Amazon S3 multipart upload limits")."""
_UNSIGNED_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
_SIGNED = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
_FRAMED = frozenset({_UNSIGNED_TRAILER, _SIGNED, f"{_SIGNED}-TRAILER"})
_TRAILER_REFUSALS = {
    "trailers_411": "MissingContentLength",
    "trailers_400": "InvalidRequest",
    "trailers_bad_request": "BadRequest",
    "trailers_bad_digest": "BadDigest",
    "trailers_eof": "Reset",
}
_BY_HEADER = {header_of(algorithm): algorithm for algorithm in ALGORITHMS}


class RequestBody:
    """One body. `content`, `checksum` and `md5` (hex) are set once `finish` has returned.

    `signatures` checks signed chunks; `promising` is False if checksum headers describe something else than the
    body.
    """

    def __init__(
        self,
        request: Request,
        quirks: frozenset[str],
        signatures: ChunkSignatures | None = None,
        *,
        promising: bool = True,
    ) -> None:
        self._headers = request.headers
        self.flip: int | None = None
        self.keeps_less = False
        self._shortens = "stores_less" in quirks
        self._is_put = request.method == "PUT"
        self.received = 0
        streaming = self._payload().startswith("STREAMING-")
        chain = signatures if self._payload().startswith(_SIGNED) else None
        if self._payload().startswith(_SIGNED) and chain is None:
            raise Refusal("AccessDenied", "Chunks are signed on behalf of somebody")
        self._decoder = ChunkDecoder(self._accept, chain) if streaming else None
        self._check_announced(streaming, quirks)
        if "stores_chunked_raw" in quirks:
            self._decoder = None
        self._gatherer = Gatherer(self._expected())
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._sha256 = hashlib.sha256() if len(self._payload()) == 64 else None
        self._ignores_trailers = "ignores_trailers" in quirks
        self._promised = self._promise() if promising and "no_checksums" not in quirks else None
        algorithm = self._promised[0] if self._promised else ""
        self._running = RunningChecksum(algorithm) if algorithm in HASHES else None
        self.content = Content(())
        self.checksum: Checksum | None = None
        self.md5 = ""

    def _payload(self) -> str:
        return self._headers.get("x-amz-content-sha256", "")

    def _expected(self) -> int:
        text = self._headers.get("x-amz-decoded-content-length") or self._headers.get("content-length", "0")
        return int(text) if text.isdecimal() else 0

    def _check_announced(self, streaming: bool, quirks: frozenset[str]) -> None:
        if streaming and self._payload() not in _FRAMED:
            raise Refusal("NotImplemented", "Such payloads are not implemented here")
        trailing = self._payload().endswith("-TRAILER")
        if trailing:
            _refuse_trailers(quirks)
        if streaming and "chunks_501" in quirks:
            raise Refusal("NotImplemented", "Chunked bodies are not supported")
        if streaming and "x-amz-decoded-content-length" not in self._headers:
            raise Refusal("MissingContentLength")
        if "content-length" not in self._headers and self._headers.get("transfer-encoding") is None:
            raise Refusal("MissingContentLength")
        if "wants_checksums" in quirks and self._is_put and not self._is_checksummed():
            raise checksum_required()
        if self._expected() > MAX_BODY:
            elements = (("ProposedSize", str(self._expected())), ("MaxSizeAllowed", str(MAX_BODY)))
            raise Refusal("EntityTooLarge", elements=elements)

    def _is_checksummed(self) -> bool:
        headers = self._headers
        return (
            "content-md5" in headers
            or "x-amz-trailer" in headers
            or not _BY_HEADER.keys().isdisjoint(headers)
        )

    def _promise(self) -> tuple[str, str] | None:
        """Return algorithm and value ("" for a trailer to come) of the checksum that the client promises."""
        trailer = self._headers.get("x-amz-trailer", "").strip().lower()
        if trailer and self._ignores_trailers and "x-amz-sdk-checksum-algorithm" not in self._headers:
            return None
        if trailer:
            if trailer not in _BY_HEADER:
                raise Refusal(
                    "InvalidRequest", "The value specified in the x-amz-trailer header is not supported"
                )
            return _BY_HEADER[trailer], ""
        sent = [(name, self._headers[name]) for name in _BY_HEADER if name in self._headers]
        if len(sent) > 1:
            raise Refusal("InvalidRequest", "Expecting a single x-amz-checksum- header")
        return (_BY_HEADER[sent[0][0]], sent[0][1]) if sent else None

    def write(self, data: bytes) -> None:
        """Add bytes as they arrive."""
        if self._sha256:
            self._sha256.update(data)
        if self._decoder:
            self._decoder.feed(data)
        else:
            self._accept(memoryview(data))

    def _accept(self, data: memoryview) -> None:
        piece: bytes | memoryview = data
        if self.flip is not None and self.received <= self.flip < self.received + len(data):
            piece = flipped(data, self.flip - self.received)
        self.received += len(piece)
        self._md5.update(piece)
        if self._running:
            self._running.update(piece)
        self._gatherer.add(piece)

    def finish(self) -> None:
        """Check everything that the headers promised.

        Raises:
            Refusal: IncompleteBody, BadDigest, InvalidDigest, XAmzContentSHA256Mismatch, MalformedTrailerError.
        """
        self.md5 = self._md5.hexdigest()
        self._check_length()
        self._check_hashes()
        self.content = self._gatherer.content()
        if self._shortens:
            self.content = self.content.cut(0, max(0, self.content.size - 1))
            self.md5 = self.content.md5
            return
        self.content.md5 = self.md5
        self._check_promised()
        if self.keeps_less:
            self.content = self.content.cut(0, max(0, self.content.size - 1))
            self.content.md5 = self.md5

    def _check_length(self) -> None:
        if self._decoder and not (self._decoder.done and self.received == self._expected()):
            raise Refusal("IncompleteBody")

    def _check_hashes(self) -> None:
        if self._sha256 and self._sha256.hexdigest() != self._payload():
            raise Refusal("XAmzContentSHA256Mismatch")
        sent = self._headers.get("content-md5")
        if sent is not None and _decoded_md5(sent) != self._md5.digest():
            raise Refusal("BadDigest", "The Content-MD5 you specified did not match what we received.")

    def _check_promised(self) -> None:
        if not self._promised:
            return
        algorithm, value = self._promised
        if not value:
            value = self._decoder.trailers.get(header_of(algorithm), "") if self._decoder else ""
        if not value:
            raise Refusal("MalformedTrailerError")
        # CRCs of virtual content are arithmetic: far quicker than computing them as the bytes come.
        if value != (self._running.text if self._running else self.content.checksum(algorithm)):
            raise Refusal(
                "BadDigest", f"The {algorithm} you specified did not match the calculated checksum."
            )
        self.checksum = Checksum(algorithm, value)


def checksum_required() -> Refusal:
    """Return the refusal of a body that Object Lock wants a checksum of."""
    return Refusal(
        "InvalidRequest",
        "Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock parameters",
    )


def _refuse_trailers(quirks: frozenset[str]) -> None:
    for quirk, code in _TRAILER_REFUSALS.items():
        if quirk in quirks:
            raise Refusal(code)


def _decoded_md5(text: str) -> bytes:
    try:
        digest = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise Refusal("InvalidDigest") from error
    if len(digest) != 16:
        raise Refusal("InvalidDigest")
    return digest
