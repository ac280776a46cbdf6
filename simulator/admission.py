"""Admission of a request by its head: operation, bucket and key, signature, faults, permission.

All of it happens before the body is read.
"""

import re
from dataclasses import dataclass, field
from functools import lru_cache

from simulator.accounts import AccessKey
from simulator.call import Call
from simulator.faults import FaultKind, FaultRule, wrong_region
from simulator.operations import OPERATIONS, recognise
from simulator.refusals import Refusal
from simulator.request_body import RequestBody
from simulator.signature import ChunkSignatures, authenticate
from simulator.wire import Request
from simulator.world import World

VIRTUAL_HOSTS = (".s3.localhost", ".s3.simulator.test")
"""What follows the bucket's name in a virtual-hosted request."""
_NO_TEXT = re.compile("[\udc80-\udcff]")
_MAX_HEADERS = 8192
"""Bytes of a request's headers (S3 API: PutObject)."""
_CORRUPTIBLE = ("PutObject", "UploadPart")


@dataclass(slots=True)
class RequestInfo:
    """What is known of a request so far; the log has it even if the request is refused."""

    operation: str = "Unknown"
    bucket: str = ""
    key: str = ""
    principal: str = "anonymous"
    access_key: str = ""
    rules: list[FaultRule] = field(default_factory=list)

    def rule(self, *kinds: FaultKind) -> FaultRule | None:
        """Return the first rule of these kinds that hit the request."""
        return next((rule for rule in self.rules if rule.kind in kinds), None)


def admit(world: World, request: Request, info: RequestInfo) -> Call:
    """Return the request as its operation sees it; fill `info` on the way.

    Raises:
        Refusal: whatever is wrong with it.
    """
    if sum(len(name) + len(value) for name, value in request.headers.items()) > _MAX_HEADERS:
        raise Refusal("RequestHeaderSectionTooLarge")
    info.bucket, info.key = _place(request)
    there = world.buckets.get(info.bucket)
    info.operation = recognise(request, info.key, there.quirks if there else frozenset())
    signer, region = _signed(world, request)
    if signer:
        info.principal = signer.principal.arn
        info.access_key = signer.id
    _apply_refusals(world, info, framed="x-amz-trailer" in request.headers)
    operation = OPERATIONS[info.operation]
    world.check_rate(info.bucket, info.key, writes=operation.writes)
    call = Call(world, request, world.bucket(info.bucket, _account(signer)), info.key, signer)
    if region and region != call.bucket.region:
        raise wrong_region(
            call.bucket.region, redirect="PermanentRedirect" if call.quirk("redirects_regions") else ""
        )
    _check_bucket(call)
    operation.permit(call)
    if request.method in ("PUT", "POST") and "x-amz-copy-source" not in request.headers:
        signatures = ChunkSignatures(request, signer.secret, region) if signer else None
        call.request_body = _request_body(call, info, signatures)
    return call


def _place(request: Request) -> tuple[str, str]:
    """Return the names of bucket and key, from host and path or from the path alone."""
    if _NO_TEXT.search(request.path):
        raise Refusal("InvalidURI")
    bucket = _bucket_of_host(request.headers.get("host", ""))
    if bucket:
        return bucket, request.path[1:]
    bucket, _, key = request.path[1:].partition("/")
    if not bucket:
        raise Refusal("NotImplemented", "The simulator does not list buckets")
    return bucket, key


@lru_cache(maxsize=4096)
def _bucket_of_host(host: str) -> str:
    name = host.rpartition(":")[0] if ":" in host else host
    return next((name.removesuffix(one) for one in VIRTUAL_HOSTS if name.endswith(one)), "")


def _signed(world: World, request: Request) -> tuple[AccessKey | None, str]:
    if "authorization" not in request.headers:
        return None, ""
    return authenticate(request, world.keys, world.now())


def _account(signer: AccessKey | None) -> str:
    return signer.principal.account if signer else ""


def _apply_refusals(world: World, info: RequestInfo, *, framed: bool) -> None:
    if world.faults.rules:
        info.rules = world.faults.hitting(
            info.operation, info.bucket, info.key, info.principal, framed=framed
        )
    for rule in info.rules:
        refusal = rule.refusal()
        if refusal:
            raise refusal


def _check_bucket(call: Call) -> None:
    """Raise AccessDenied for a caller that expects another owner, or does not offer to pay though it must."""
    owner = call.bucket.owner
    if (call.header("x-amz-expected-bucket-owner") or owner) != owner:
        raise Refusal("AccessDenied", detail="x-amz-expected-bucket-owner")
    paying = call.header("x-amz-request-payer") == "requester"
    if call.bucket.requester_pays and call.principal.account != owner and not paying:
        raise Refusal("AccessDenied", detail="x-amz-request-payer")


def _request_body(call: Call, info: RequestInfo, signatures: ChunkSignatures | None) -> RequestBody:
    promising = info.operation != "CompleteMultipartUpload"  # its checksum is the object's
    body = RequestBody(call.request, call.bucket.quirks, signatures, promising=promising)
    corrupting = info.rule(FaultKind.CORRUPTED_BODY)
    if corrupting and info.operation in _CORRUPTIBLE:
        body.flip = corrupting.offset or 0
    body.keeps_less = info.rule(FaultKind.KEEPS_LESS) is not None
    return body
