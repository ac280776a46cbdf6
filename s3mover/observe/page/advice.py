"""Advice for each error code that a transfer can fail with. Pure.

S3's codes are from the S3 API reference, "List of error codes"; s3mover's own codes are in `errors.py`.
"""

# Codes, and the advice for each of them.
_TABLE = {
    "AccessDenied": (
        "A permission is missing. Run s3mover check: it names the permission and prints the policy statement that "
        "grants it."
    ),
    "AllAccessDisabled": "All access to the bucket is disabled. Only its owner or AWS can enable it again.",
    "AuthorizationHeaderMalformed PermanentRedirect": (
        "The bucket is in another region. Correct the region setting of that side, or leave it empty to have the "
        "region detected."
    ),
    "BadDigest VerificationError XAmzContentSHA256Mismatch": (
        "The object was damaged on its way and was not kept. Each sweep retries it; if this persists, check memory, "
        "proxy and store."
    ),
    "BadRequest": (
        "The store rejected the request without a reason, often because of expired credentials or a timeout. Each "
        "sweep retries; if this persists, run s3mover check."
    ),
    "ConditionalRequestConflict": (
        "Another client writes this object at the destination. Make s3mover the only writer there."
    ),
    "ConnectionError IncompleteBody RequestTimeout Timeout": (
        "The connection to the store broke or timed out. Each sweep retries; if this persists, check the network, the "
        "proxy and the endpoint_url of that side."
    ),
    "EntityTooLarge": (
        "The object is larger than 5 GiB and transfer.large_objects is report. Run the command in the message, or set "
        "transfer.large_objects to transfer."
    ),
    "ExpiredToken InvalidAccessKeyId InvalidToken SignatureDoesNotMatch": (
        "S3 rejects the credentials of one side. Renew the keys, or correct the role or profile that provides them. If "
        "the keys are in the settings, restart s3mover afterwards."
    ),
    (
        "InternalError KMS.ThrottlingException OperationAborted RequestLimitExceeded RequestThrottled "
        "ServiceUnavailable SlowDown SlowDownRead SlowDownWrite Throttling ThrottlingException TooManyRequests"
    ): (
        "The store is overloaded or limits the request rate. Each sweep retries. If this persists, lower "
        "transfer.threads or set transfer.requests_per_second."
    ),
    "InvalidObjectState": (
        "The object is archived. Set transfer.restore.tier to have it restored, or exclude it with filter.exclude."
    ),
    "InvalidResponse": (
        "The response is not a valid S3 response. Check that endpoint_url points to the store, and not to a proxy or "
        "another service."
    ),
    "InvalidStorageClass": (
        "The destination does not support this storage class. Set destination.storage_class to one that it supports."
    ),
    "KMS.DisabledException KMS.NotFoundException": (
        "The KMS key cannot be used. Check that it exists and is enabled, and run s3mover check for missing rights."
    ),
    "KeyNotKept": (
        "The destination takes this key for another one. Rename the object, exclude it with filter.exclude, or use a "
        "store that keeps all keys apart."
    ),
    "KeyTooLongError": (
        "The key is longer than the destination permits (1,024 bytes). Choose a shorter destination.prefix."
    ),
    "MethodNotAllowed NotImplemented": (
        "The store does not support the feature named in the message. Disable it in the settings, or ask the "
        "store's operator."
    ),
    "NoSuchBucket": "The bucket does not exist. Check source.bucket and destination.bucket.",
    "NoSuchUpload": (
        "The multipart upload was aborted by another client or a lifecycle rule for incomplete uploads. Each sweep "
        "retries."
    ),
    "PreconditionFailed": (
        "The object changed repeatedly during its transfer. It is moved once it no longer changes; filter.min_age "
        "delays the first attempt."
    ),
    "QuotaExceeded": "The destination is full. Free space there, or raise its quota.",
    "RequestTimeTooSkewed": "The clock of this machine is off by more than 15 minutes. Synchronise it with NTP.",
    "WorkerDied": (
        "Three worker processes died during the transfer of this object. Check their exit codes in the log "
        "(worker.died), and the memory limit."
    ),
}

ADVICE = {code: advice for codes, advice in _TABLE.items() for code in codes.split()}
"""The advice, by code."""

UNKNOWN = "The message comes from the store. Each sweep retries; s3mover check finds missing permissions."
"""The advice for any other code."""


def advice_for(code: str) -> str:
    """Return the advice for `code`."""
    return ADVICE.get(code, UNKNOWN)
