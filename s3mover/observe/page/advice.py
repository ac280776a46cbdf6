"""What to do about each code that a transfer can fail with: a table for people. Pure; it knows S3's codes and ours.

Sources of S3's codes: S3 API reference, "List of error codes"; ours are said in `errors.py`.
"""

# Codes, and what to do about any of them.
_TABLE = (
    (
        "AccessDenied",
        (
            "A permission is missing. Run s3mover check: it names the permission and prints the statement that grants "
            "it."
        ),
    ),
    (
        "AllAccessDisabled",
        "All access to the bucket is disabled. Only its owner, or AWS, can end that.",
    ),
    (
        "AuthorizationHeaderMalformed PermanentRedirect",
        "The bucket is in another region. Set the region of that side, or leave it empty to have it found.",
    ),
    (
        "BadDigest VerificationError XAmzContentSHA256Mismatch",
        (
            "What arrived was not what was sent, and was not kept. Each sweep tries again; if it stays, suspect "
            "memory, proxy or store."
        ),
    ),
    (
        "BadRequest",
        (
            "The store refused without saying why; credentials that expired or a time-out are the usual reasons. Each "
            "sweep tries again; run s3mover check if it stays."
        ),
    ),
    (
        "ConditionalRequestConflict",
        "Somebody else writes this object at the destination. Let s3mover be the only writer there.",
    ),
    (
        "ConnectionError IncompleteBody RequestTimeout Timeout",
        (
            "The connection to the store broke or timed out. Each sweep tries again; if it stays, look at the "
            "network, the proxy and the endpoint_url of that side."
        ),
    ),
    (
        "EntityTooLarge",
        (
            "The object is over 5 GiB and transfer.large_objects is report. Run the command in the message, or set it "
            "to transfer."
        ),
    ),
    (
        "ExpiredToken InvalidAccessKeyId InvalidToken SignatureDoesNotMatch",
        (
            "S3 does not accept the credentials of one side. Renew the keys, or mend the role or profile that they "
            "come from, then restart if they stand in the settings."
        ),
    ),
    (
        (
            "InternalError KMS.ThrottlingException OperationAborted RequestLimitExceeded RequestThrottled "
            "ServiceUnavailable SlowDown SlowDownRead SlowDownWrite Throttling ThrottlingException TooManyRequests"
        ),
        (
            "The store is overloaded or limits the rate. Nothing is to be done if it passes: each sweep tries again. "
            "If it stays, lower transfer.threads or set transfer.requests_per_second."
        ),
    ),
    (
        "InvalidObjectState",
        "The object is archived. Set transfer.restore.tier to have it restored, or exclude it by filter.exclude.",
    ),
    (
        "InvalidResponse",
        (
            "The store's answer was not S3's. Look whether endpoint_url leads to the store, and not to a proxy's "
            "error page."
        ),
    ),
    (
        "InvalidStorageClass",
        "The destination does not know the storage class. Set destination.storage_class to one that it knows.",
    ),
    (
        "KMS.DisabledException KMS.NotFoundException",
        (
            "The KMS key cannot be used. Look whether it is enabled, and run s3mover check for the missing "
            "permission."
        ),
    ),
    (
        "KeyTooLongError",
        "The key is longer than the destination permits (1,024 bytes). Choose a shorter destination.prefix.",
    ),
    (
        "MethodNotAllowed NotImplemented",
        (
            "The store does not know this feature. The message says which; avoid it by a setting, or ask the store's "
            "operator."
        ),
    ),
    (
        "NoSuchBucket",
        "The bucket is not there, or has another name. Look at source.bucket and destination.bucket.",
    ),
    (
        "NoSuchUpload",
        (
            "The upload was ended by somebody else, such as a lifecycle rule for unfinished uploads. Each sweep tries "
            "again."
        ),
    ),
    (
        "PreconditionFailed",
        (
            "The object was changed again and again while it was moved. It is moved once it rests; filter.min_age "
            "waits for that."
        ),
    ),
    (
        "QuotaExceeded",
        "The destination is full. Make room there, or raise its quota.",
    ),
    (
        "RequestTimeTooSkewed",
        "This machine's clock is wrong by more than 15 minutes. Set it by NTP.",
    ),
    (
        "WorkerDied",
        (
            "Three worker processes died while they held this object. Look at their exit codes in the log "
            "(worker.died), and at memory."
        ),
    ),
)

ADVICE = {code: advice for codes, advice in _TABLE for code in codes.split()}
"""What to do, by code."""

UNKNOWN = "The message is the store's own. Each sweep tries again; s3mover check finds what is missing."
"""What is true of a code that is not in the table."""


def advice_for(code: str) -> str:
    """Return what to do about `code`."""
    return ADVICE.get(code, UNKNOWN)
