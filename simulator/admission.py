"""The head of a request: which operation on what, signed by whom, hit by which fault, permitted or not.

Everything here happens before the body is taken.
"""

import re
from dataclasses import dataclass, field
from functools import lru_cache

from simulator.accounts import AccessKey
from simulator.call import Call
from simulator.faults import Kind, Rule, wrong_region
from simulator.operations import OPERATIONS, recognise
from simulator.refusals import Refusal
from simulator.request_body import Intake
from simulator.signature import ChunkSignatures, authenticate
from simulator.wire import Request
from simulator.world import World

VIRTUAL_HOSTS = (".s3.localhost", ".s3.simulator.test")
"""What follows the bucket's name in a virtual-hosted request."""
_NO_TEXT = re.compile("[\udc80-\udcff]")
_CORRUPTIBLE = ("PutObject", "UploadPart")


@dataclass(slots=True)
class Visit:
    """What is known of a request so far, for the log, also where it is refused half-way."""

    operation: str = "Unknown"
    bucket: str = ""
    key: str = ""
    principal: str = "anonymous"
    access_key: str = ""
    rules: list[Rule] = field(default_factory=list)

    def rule(self, *kinds: Kind) -> Rule | None:
        """Return the first rule of these kinds that hit the request."""
        return next((rule for rule in self.rules if rule.kind in kinds), None)


def admit(world: World, request: Request, visit: Visit) -> Call:
    """Return the request as its operation will see it; write into `visit` what becomes known on the way.

    Raises:
        Refusal: whatever is wrong with it.
    """
    visit.bucket, visit.key = _place(request)
    there = world.buckets.get(visit.bucket)
    visit.operation = recognise(request, visit.key, there.quirks if there else frozenset())
    signer, region = _signed(world, request)
    if signer:
        visit.principal = signer.principal.arn
        visit.access_key = signer.id
    _play_faults(world, visit)
    operation = OPERATIONS[visit.operation]
    world.check_rate(visit.bucket, visit.key, writes=operation.writes)
    call = Call(world, request, world.bucket(visit.bucket), visit.key, signer)
    if region and region != call.bucket.region:
        raise wrong_region(
            call.bucket.region, redirect="PermanentRedirect" if call.quirk("redirects_regions") else ""
        )
    _check_bucket(call)
    operation.permit(call)
    if request.method in ("PUT", "POST") and "x-amz-copy-source" not in request.headers:
        signatures = ChunkSignatures(request, signer.secret, region) if signer else None
        call.intake = _intake(call, visit, signatures)
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


def _play_faults(world: World, visit: Visit) -> None:
    if world.faults.rules:
        visit.rules = world.faults.strike(visit.operation, visit.bucket, visit.key, visit.principal)
    for rule in visit.rules:
        refusal = rule.refusal()
        if refusal:
            raise refusal


def _check_bucket(call: Call) -> None:
    """Refuse a caller that expects another owner, or that does not offer to pay where it must."""
    owner = call.bucket.owner
    if (call.header("x-amz-expected-bucket-owner") or owner) != owner:
        raise Refusal("AccessDenied", detail="x-amz-expected-bucket-owner")
    paying = call.header("x-amz-request-payer") == "requester"
    if call.bucket.requester_pays and call.principal.account != owner and not paying:
        raise Refusal("AccessDenied", detail="x-amz-request-payer")


def _intake(call: Call, visit: Visit, signatures: ChunkSignatures | None) -> Intake:
    promising = visit.operation != "CompleteMultipartUpload"  # its checksum is the object's
    intake = Intake(call.request, call.bucket.quirks, signatures, promising=promising)
    corrupting = visit.rule(Kind.CORRUPTED_BODY)
    if corrupting and visit.operation in _CORRUPTIBLE:
        intake.flip = corrupting.offset or 0
    return intake
