"""IAM actions: those that an operation needs, and those that a refusal names. Pure.

Which principal needs an action, and in which policy, is decided in `diagnostics/`.
Sources: Amazon S3 User Guide, "Required permissions for Amazon S3 API operations" and "Protecting data with
server-side encryption using AWS KMS"; IAM User Guide, "Troubleshoot access denied error messages".
"""

import re
from collections.abc import Mapping
from types import MappingProxyType

from s3mover.errors import S3Error

KMS_RIGHTS = ("kms:GenerateDataKey", "kms:Decrypt")
_WRITE = ("s3:PutObject", "s3:PutObjectTagging", "s3:PutObjectAcl")
# The action that an operation always needs comes first, then those that it may need besides.
RIGHTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "ListObjectsV2": ("s3:ListBucket",),
        "HeadObject": ("s3:GetObject",),
        "GetObject": ("s3:GetObject", "kms:Decrypt"),
        "GetObjectTagging": ("s3:GetObjectTagging",),
        "PutObjectTagging": ("s3:PutObjectTagging",),
        "PutObject": (*_WRITE, *KMS_RIGHTS),
        "CopyObject": (*_WRITE, *KMS_RIGHTS),
        "CreateMultipartUpload": (*_WRITE, *KMS_RIGHTS),
        "UploadPart": ("s3:PutObject", *KMS_RIGHTS),
        "AbortMultipartUpload": ("s3:AbortMultipartUpload",),
        "ListMultipartUploads": ("s3:ListBucketMultipartUploads",),
        "DeleteObject": ("s3:DeleteObject",),
        "GetObjectLockConfiguration": ("s3:GetBucketObjectLockConfiguration",),
        "GetBucketWebsite": ("s3:GetBucketWebsite",),
    }
)
# Within an account AWS names the missing action; between accounts it does not.
_NAMED = re.compile(r"\b(?:s3|kms):[A-Z][A-Za-z]+\b")
_EXPLICIT_DENY = re.compile(r"explicit deny in an? ((?:[\w-]+ )*(?:policy|boundary))")
_KMS = re.compile(r"\bKMS\b", re.IGNORECASE)


def denying_policy(error: S3Error) -> str:
    """Return the kind of the policy whose explicit deny caused `error`, as AWS names it; empty where none is named.

    Such a deny outweighs every grant (IAM User Guide, "Policy evaluation logic").
    """
    named = _EXPLICIT_DENY.search(error.message)
    return named[1] if named else ""


def missing_rights(error: S3Error) -> tuple[str, ...]:
    """Return the actions whose lack may have caused `error`: those that it names, else those of its operation.

    Empty where the error is not about permissions.
    """
    speaks_of_kms = bool(_KMS.search(f"{error.code} {error.message}"))
    if error.code != "AccessDenied" and not speaks_of_kms:
        return ()
    if named := dict.fromkeys(_NAMED.findall(error.message)):
        return tuple(named)
    return KMS_RIGHTS if speaks_of_kms else RIGHTS.get(error.operation, ())
