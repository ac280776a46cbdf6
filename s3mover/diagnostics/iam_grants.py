"""The rights that the configured pair needs: which principal, which actions, on which resource. Pure functions.

Sources: IAM User Guide, "Policy variables" (special characters); the rights themselves: `s3/rights.py`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from s3mover.model import PROBE_NAME, Method, Side
from s3mover.s3.rights import KMS_RIGHTS

Json = dict[str, Any]

_SPECIAL = re.compile(r"[*?$]")


@dataclass(frozen=True, slots=True)
class PolicySide:
    """One side of the pair.

    `account` owns the bucket, `principal` is the ARN of the principal of this side's credentials, `key` the ARN of the
    KMS key that encrypts the objects, empty if there is none. `partition` is that of the ARNs.
    """

    bucket: str
    prefix: str
    account: str
    principal: str
    key: str = ""
    partition: str = "aws"

    @property
    def bucket_arn(self) -> str:
        """The ARN of the bucket, or of the access point that is configured instead."""
        return self.bucket if self.bucket.startswith("arn:") else f"arn:{self.partition}:s3:::{self.bucket}"

    def objects_arn(self, name: str = "") -> str:
        """Return the ARN pattern of the objects below the prefix whose names start with `name`."""
        base = f"{self.bucket_arn}/object" if self.bucket.startswith("arn:") else self.bucket_arn
        return f"{base}/{_literal(self.prefix)}{name}*"


@dataclass(frozen=True, slots=True)
class PolicyInputs:
    """Both sides, and what the settings require besides copying.

    `acl`: written objects get an ACL; `locks`: Object Lock settings are kept; `annotations`: server-side copies keep
    object annotations; `inspects_buckets`: the configuration of the buckets is read, to know what server-side copies
    lose; `delete` and `restore`: objects of the source are deleted or restored; `delete_copies`: objects of the
    destination are deleted.
    """

    source: PolicySide
    destination: PolicySide
    acl: bool = False
    locks: bool = False
    annotations: bool = False
    inspects_buckets: bool = False
    delete: bool = False
    restore: bool = False
    delete_copies: bool = False

    def side(self, side: Side) -> PolicySide:
        """Return one side."""
        return self.source if side is Side.SOURCE else self.destination


class Grant(NamedTuple):
    """Actions on one resource at `place` that the principal of `holder`'s credentials needs."""

    holder: Side
    place: Side
    sid: str
    actions: tuple[str, ...]
    resource: str
    condition: Json | None = None

    @property
    def is_for_key(self) -> bool:
        """Whether the resource is a KMS key."""
        return self.actions[0] in KMS_RIGHTS


def grants(inputs: PolicyInputs, method: Method) -> list[Grant]:
    """Return every right that is needed.

    | holder      | place       | to                         | when                                |
    |-------------|-------------|----------------------------|-------------------------------------|
    | destination | destination | list, write, look up, abort | always                             |
    | destination | source      | read                       | it makes the server-side copy       |
    | destination | either      | read, write annotations    | likewise, `transfer.annotations` is `copy` |
    | either      | its own     | read the bucket's configuration | likewise, `transfer.thorough` is `auto` |
    | source      | source      | list, read                 | always                              |
    | source      | source      | delete                     | `transfer.after` is `delete`        |
    | destination | destination | delete                     | `deletions.mode` is `propagate`     |
    | source      | source      | restore                    | `transfer.restore.tier` is set      |
    | either      | as above    | use the KMS key            | a key encrypts the objects          |
    """
    needed = [*_list(inputs, Side.DESTINATION), *_write(inputs)]
    if method is Method.SERVER_SIDE_COPY:
        needed += [*_read(inputs, Side.DESTINATION), *_annotate(inputs), *_inspect(inputs)]
    needed += [*_list(inputs, Side.SOURCE), *_read(inputs, Side.SOURCE)]
    more = {"DeleteFromSource": "s3:DeleteObject"} if inputs.delete else {}
    more |= {"RestoreAtSource": "s3:RestoreObject"} if inputs.restore else {}
    objects = inputs.source.objects_arn()
    return needed + [Grant(Side.SOURCE, Side.SOURCE, sid, (action,), objects) for sid, action in more.items()]


def _list(inputs: PolicyInputs, side: Side) -> Iterator[Grant]:
    own = inputs.side(side)
    condition = {"StringLike": {"s3:prefix": f"{_literal(own.prefix)}*"}} if own.prefix else None
    yield Grant(side, side, f"List{side.title()}", ("s3:ListBucket",), own.bucket_arn, condition)


def _inspect(inputs: PolicyInputs) -> Iterator[Grant]:
    if inputs.inspects_buckets:
        lock, website = "s3:GetBucketObjectLockConfiguration", "s3:GetBucketWebsite"
        source, destination = inputs.source.bucket_arn, inputs.destination.bucket_arn
        yield Grant(Side.SOURCE, Side.SOURCE, "LookAtSource", (lock, website), source)
        yield Grant(Side.DESTINATION, Side.DESTINATION, "LookAtDestination", (website,), destination)


def _read(inputs: PolicyInputs, holder: Side) -> Iterator[Grant]:
    source = inputs.source
    locks = ("s3:GetObjectRetention", "s3:GetObjectLegalHold") if inputs.locks else ()
    actions = ("s3:GetObject", "s3:GetObjectTagging", *locks)
    yield Grant(holder, Side.SOURCE, "ReadSource", actions, source.objects_arn())
    if source.key:
        yield Grant(holder, Side.SOURCE, "DecryptSource", ("kms:Decrypt",), source.key)


def _annotate(inputs: PolicyInputs) -> Iterator[Grant]:
    if inputs.annotations:
        source, destination, holder = inputs.source, inputs.destination, Side.DESTINATION
        read, write = ("s3:GetObjectAnnotation",), ("s3:PutObjectAnnotation",)
        yield Grant(holder, Side.SOURCE, "ReadAnnotationsOfSource", read, source.objects_arn())
        yield Grant(holder, Side.DESTINATION, "WriteAnnotations", write, destination.objects_arn())


def _write(inputs: PolicyInputs) -> Iterator[Grant]:
    destination, side = inputs.destination, Side.DESTINATION
    # Listing uploads supports no condition on the prefix (Service Authorization Reference, Amazon S3).
    uploads = ("s3:ListBucketMultipartUploads",)
    yield Grant(side, side, "ListUploadsOfDestination", uploads, destination.bucket_arn)
    acl = ("s3:PutObjectAcl",) if inputs.acl else ()
    locks = ("s3:PutObjectRetention", "s3:PutObjectLegalHold") if inputs.locks else ()
    verify = ("s3:GetObject", "s3:AbortMultipartUpload")
    actions = ("s3:PutObject", "s3:PutObjectTagging", *acl, *locks, *verify)
    yield Grant(side, side, "WriteDestination", actions, destination.objects_arn())
    if inputs.delete_copies:
        yield Grant(side, side, "DeleteFromDestination", ("s3:DeleteObject",), destination.objects_arn())
    else:
        probe = destination.objects_arn(PROBE_NAME)
        yield Grant(side, side, "RemoveProbeOfCheck", ("s3:DeleteObject",), probe)
    if destination.key:
        yield Grant(side, side, "EncryptDestination", KMS_RIGHTS, destination.key)


def _literal(prefix: str) -> str:
    """Escape a prefix, so that a policy reads no character of it as a wildcard or a variable."""
    return _SPECIAL.sub(lambda special: f"${{{special[0]}}}", prefix)
