"""Permissions: whether policies permit a caller an action on a bucket, an object or a KMS key.

Source: S3 User Guide, "Required permissions for Amazon S3 API operations"; KMS Developer Guide, "Key policies".
"""

from collections.abc import Mapping

from simulator.accounts import KmsKey
from simulator.call import Call
from simulator.policy import Policy, Verdict, decide, identity_verdict
from simulator.refusals import Refusal
from simulator.store import Bucket, Encryption, StoredObject

FULL_CONTROL = "bucket-owner-full-control"


def bucket_arn(bucket: Bucket) -> str:
    """Return the ARN of a bucket."""
    return f"arn:aws:s3:::{bucket.name}"


def object_arn(bucket: Bucket, key: str) -> str:
    """Return the ARN of an object."""
    return f"arn:aws:s3:::{bucket.name}/{key}"


def may_bucket(call: Call, action: str, bucket: Bucket) -> bool:
    """Return whether the caller may do this with a bucket."""
    return _may(call, action, bucket_arn(bucket), bucket.owner, bucket.policy, None)


def may_object(call: Call, action: str, bucket: Bucket, key: str, found: StoredObject | None = None) -> bool:
    """Return whether the caller may do this with an object; `found` is the object if its owner matters.

    A bucket's policy does not reach an object that another account owns, unless that account gave the bucket's
    owner full control (S3 User Guide, "Access control list overview").
    """
    arn = object_arn(bucket, key)
    if found is None or found.owner == bucket.owner or found.properties.acl == FULL_CONTROL:
        return _may(call, action, arn, bucket.owner, bucket.policy, found)
    return call.principal.account == found.owner and _may(
        call, action, arn, found.owner, bucket.policy, found
    )


def require_bucket(call: Call, action: str, bucket: Bucket) -> None:
    """Raise AccessDenied if the caller may not do this with a bucket."""
    if not may_bucket(call, action, bucket):
        raise denied(call, action, bucket_arn(bucket), bucket)


def require_object(
    call: Call, action: str, bucket: Bucket, key: str, found: StoredObject | None = None
) -> None:
    """Raise AccessDenied if the caller may not do this with an object."""
    if not may_object(call, action, bucket, key, found):
        raise denied(call, action, object_arn(bucket, key), bucket)


def require_kms(call: Call, action: str, encryption: Encryption) -> None:
    """Raise AccessDenied if the caller may not use the KMS key; other encryption needs no permission.

    A key's own policy must always allow it; a principal's policies count only if the key delegates to the account.
    """
    if not encryption.kms_key:
        return
    key = kms_key(call, encryption.kms_key)
    context = _context(call, None)
    resource = key.policy.verdict(call.principal, action, key.arn, context)
    identity = _identity(call, action, key.arn, None)
    direct = resource is Verdict.ALLOWED and call.principal.account == key.account
    delegated = resource in (Verdict.ALLOWED, Verdict.DELEGATED) and identity is Verdict.ALLOWED
    if Verdict.DENIED in (identity, resource) or not (direct or delegated):
        raise _denied(call, action, key.arn, f"because no identity-based policy allows the {action} action")


def kms_key(call: Call, name: str) -> KmsKey:
    """Return a KMS key by its ARN, or by its id within the caller's account.

    Raises:
        Refusal: KMS.NotFoundException.
    """
    for key in call.world.kms_keys.values():
        if key.arn == name or (key.account == call.principal.account and key.arn.endswith(f"/{name}")):
            return key
    raise Refusal("KMS.NotFoundException", f"Key '{name}' does not exist")


def denied(call: Call, action: str, resource: str, bucket: Bucket) -> Refusal:
    """Return AccessDenied: with the reason within an account, without it between accounts, as S3 does."""
    if call.principal.account != bucket.owner:
        return Refusal("AccessDenied", detail=f"{action} on {resource}")
    if bucket.policy.verdict(call.principal, action, resource, _context(call, None)) is Verdict.DENIED:
        return _denied(call, action, resource, "with an explicit deny in a resource-based policy")
    return _denied(call, action, resource, f"because no identity-based policy allows the {action} action")


def _denied(call: Call, action: str, resource: str, reason: str) -> Refusal:
    who = f"User: {call.principal.arn} is not authorized to perform: {action}"
    return Refusal(
        "AccessDenied", f'{who} on resource: "{resource}" {reason}', detail=f"{action} on {resource}"
    )


def _may(
    call: Call, action: str, resource: str, owner: str, policy: Policy, found: StoredObject | None
) -> bool:
    verdict = policy.verdict(call.principal, action, resource, _context(call, found))
    return decide(call.principal, owner, _identity(call, action, resource, found), verdict)


def _identity(call: Call, action: str, resource: str, found: StoredObject | None) -> Verdict:
    if call.signer is None:
        return Verdict.SILENT
    return identity_verdict(call.principal, call.signer.policies, action, resource, _context(call, found))


class _context:  # noqa: N801 - a closure with a cheaper construction
    """The condition keys of one request, collected when a statement has conditions."""

    __slots__ = ("_call", "_found")

    def __init__(self, call: Call, found: StoredObject | None) -> None:
        self._call = call
        self._found = found

    def __call__(self) -> Mapping[str, str]:
        """Collect them."""
        request = self._call.request
        keys = {f"s3:{name}": value for name, value in request.headers.items() if name.startswith("x-amz-")}
        keys |= {f"s3:{name}": value for name, value in request.query.items()}
        if upload := self._call.bucket.uploads.get(request.query.get("uploadId", "")):
            keys["s3:x-amz-server-side-encryption"] = upload.properties.encryption.algorithm
        keys["aws:SecureTransport"] = str(request.secure).lower()
        if self._found:
            keys |= {f"s3:ExistingObjectTag/{name}": value for name, value in self._found.properties.tags}
        return keys
