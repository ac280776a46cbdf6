"""Verifies Signature Version 4 in the Authorization header.

Source: S3 API, "Authenticating Requests: Using the Authorization Header (AWS Signature Version 4)", chunked uploads
and trailing headers included. Written apart from every client, and compared with botocore's signer and with the
documentation's examples in the checks. Query signatures are not implemented, and refused.
"""

import calendar
import hashlib
import hmac
import re
import time
from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import quote, unquote_to_bytes

from simulator.accounts import AccessKey
from simulator.refusals import Refusal
from simulator.wire import Request

MAX_SKEW = 15 * 60
"""Seconds by which a request's time may differ from the server's (S3 API: RequestTimeTooSkewed)."""
_HEADER = re.compile(
    r"AWS4-HMAC-SHA256 +Credential=([^/]+)/(\d{8})/([^/]+)/s3/aws4_request, *SignedHeaders=([^, ]+), *"
    r"Signature=([0-9a-f]{64})"
)
_NOTHING = hashlib.sha256(b"").hexdigest()
_PLAIN_PATH = re.compile(r"[A-Za-z0-9/_.~-]*")
_SPACES = re.compile(r"  +")
_MUST_BE_SIGNED = ("host", "content-md5")


def authenticate(request: Request, keys: Mapping[str, AccessKey], now: float) -> tuple[AccessKey, str]:
    """Return the access key that signed the request and the region it was signed for.

    Raises:
        Refusal: what is wrong with the signature, its key, its token or its time.
    """
    found = _HEADER.fullmatch(request.headers["authorization"])
    if not found:
        raise Refusal("AuthorizationHeaderMalformed")
    key_id, date, region, names, signature = found.groups()
    key = keys.get(key_id)
    if key is None:
        raise Refusal("InvalidAccessKeyId", elements=(("AWSAccessKeyId", key_id),))
    stamp = _check_time(request, date, now)
    _check_token(request, key, now)
    signed = names.split(";")
    _check_signed(request, signed)
    expected = sign(request, key.secret, region, stamp, signed)
    if not hmac.compare_digest(expected, signature):
        raise Refusal("SignatureDoesNotMatch", elements=(("AWSAccessKeyId", key_id),))
    return key, region


def sign(request: Request, secret: str, region: str, stamp: str, signed: list[str]) -> str:
    """Return the signature that the request should carry; `stamp` is its `x-amz-date`."""
    headers = request.headers
    lines = "".join(f"{name}:{_trimmed(headers.get(name, ''))}\n" for name in signed)
    payload = headers.get("x-amz-content-sha256", "")
    canonical = (
        f"{request.method}\n{_canonical_path(request.raw_path)}\n{_canonical_query(request)}\n"
        f"{lines}\n{';'.join(signed)}\n{payload}"
    )
    digest = hashlib.sha256(canonical.encode("latin-1")).hexdigest()
    scope = f"{stamp[:8]}/{region}/s3/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{digest}"
    return hmac.digest(_signing_key(secret, stamp[:8], region), text.encode(), "sha256").hex()


class ChunkSignatures:
    """The chain of signatures of one body: each covers the one before, the first that of the head."""

    def __init__(self, request: Request, secret: str, region: str) -> None:
        stamp = request.headers["x-amz-date"]
        self._place = f"{stamp}\n{stamp[:8]}/{region}/s3/aws4_request"
        self._key = _signing_key(secret, stamp[:8], region)
        self._before = request.headers["authorization"].rpartition("Signature=")[2]

    def check_chunk(self, digest: str, signature: str) -> None:
        """Accept the next chunk, whose bytes have the SHA256 `digest` (hex).

        Raises:
            Refusal: SignatureDoesNotMatch.
        """
        self._check(
            f"AWS4-HMAC-SHA256-PAYLOAD\n{self._place}\n{self._before}\n{_NOTHING}\n{digest}", signature
        )

    def check_trailers(self, lines: str, signature: str) -> None:
        """Accept the trailing headers, `lines` of `name:value` and a line feed each; raises as `check_chunk`."""
        digest = hashlib.sha256(lines.encode("latin-1")).hexdigest()
        self._check(f"AWS4-HMAC-SHA256-TRAILER\n{self._place}\n{self._before}\n{digest}", signature)

    def _check(self, text: str, signature: str) -> None:
        self._before = hmac.digest(self._key, text.encode(), "sha256").hex()
        if not hmac.compare_digest(self._before.encode(), signature.encode("latin-1")):
            raise Refusal("SignatureDoesNotMatch", "A chunk's signature does not match")


def _check_time(request: Request, date: str, now: float) -> str:
    stamp = request.headers.get("x-amz-date", "")
    try:
        asked = _seconds(stamp)
    except ValueError as error:
        raise Refusal(
            "AccessDenied", "AWS authentication requires a valid Date or x-amz-date header"
        ) from error
    if stamp[:8] != date:
        raise Refusal("SignatureDoesNotMatch")
    if abs(asked - now) > MAX_SKEW:
        server = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now))
        elements = (("RequestTime", stamp), ("ServerTime", server), ("MaxAllowedSkewMilliseconds", "900000"))
        raise Refusal("RequestTimeTooSkewed", elements=elements)
    return stamp


@lru_cache(maxsize=64)
def _seconds(stamp: str) -> int:
    return calendar.timegm(time.strptime(stamp, "%Y%m%dT%H%M%SZ"))


def _check_token(request: Request, key: AccessKey, now: float) -> None:
    token = request.headers.get("x-amz-security-token", "")
    if key.expires_at is not None and now >= key.expires_at and token == key.token:
        raise Refusal("ExpiredToken")
    if token != key.token:
        raise Refusal("InvalidToken")


def _check_signed(request: Request, signed: list[str]) -> None:
    if "x-amz-content-sha256" not in request.headers:
        raise Refusal("InvalidRequest", "Missing required header for this request: x-amz-content-sha256")
    unsigned = [
        name
        for name in request.headers
        if (name.startswith("x-amz-") or name in _MUST_BE_SIGNED) and name not in signed
    ]
    if unsigned:
        message = "There were headers present in the request which were not signed"
        raise Refusal("AccessDenied", message, elements=(("HeadersNotSigned", ", ".join(unsigned)),))


def _trimmed(value: str) -> str:
    return _SPACES.sub(" ", value.strip()) if "  " in value else value.strip()


def _canonical_path(raw: str) -> str:
    return raw if _PLAIN_PATH.fullmatch(raw) else quote(unquote_to_bytes(raw), safe="/~")


def _canonical_query(request: Request) -> str:
    pairs = sorted((quote(name, safe="~"), quote(value, safe="~")) for name, value in request.query.items())
    return "&".join(f"{name}={value}" for name, value in pairs)


@lru_cache(maxsize=256)
def _signing_key(secret: str, date: str, region: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for step in (date, region, "s3", "aws4_request"):
        key = hmac.digest(key, step.encode(), "sha256")
    return key
