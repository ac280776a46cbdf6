"""What a destination cannot do, learnt from its refusals: S3-compatible stores and buckets differ.

A refused feature is left out of the next attempt, and what is thereby not kept is said in the object's row. The
lesson fades in time, since a refusal may have had another cause, and buckets get configured.
"""

from collections.abc import Callable, Iterable
from enum import StrEnum

from s3mover.errors import S3Error

FORGET_SECONDS = 600.0
WRITES = frozenset(
    {"CompleteMultipartUpload", "CopyObject", "CreateMultipartUpload", "PutObject", "UploadPart"}
)


class Feature(StrEnum):
    """Something that a write may use; the text is for people."""

    STORAGE_CLASS = "the storage class"
    OBJECT_LOCK = "the Object Lock settings"
    REDIRECT = "the website redirect"
    TRAILERS = "checksum trailers"


# In the order of suspicion where several features were used and the code fits several.
_REFUSALS = {
    Feature.STORAGE_CLASS: {"InvalidStorageClass"},
    Feature.OBJECT_LOCK: {
        "InvalidRequest",
        "AccessDenied",
        "ObjectLockConfigurationNotFoundError",
        "NotImplemented",
    },
    Feature.REDIRECT: {"InvalidRequest", "InvalidRedirectLocation", "NotImplemented"},
    Feature.TRAILERS: {
        "InvalidArgument",
        "InvalidRequest",
        "MalformedTrailerError",
        "MissingContentLength",
        "NotImplemented",
        "XAmzContentSHA256Mismatch",
    },
}


class Abilities:
    """What one destination was seen to lack; threads may share it. `clock` is in seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lacks: dict[Feature, float] = {}

    def has(self, feature: Feature) -> bool:
        """Tell whether `feature` is worth using."""
        return self._clock() >= self._lacks.get(feature, float("-inf"))

    def learn(self, error: S3Error, used: Iterable[Feature]) -> None:
        """Blame a refused write on one of the features that it used, if its code fits, and let it be tried without.

        Another write may have taught the same since this one began.
        """
        if error.operation not in WRITES:
            return
        suspects = (
            feature for feature, codes in _REFUSALS.items() if feature in used and error.code in codes
        )
        suspect = next(suspects, None)
        if suspect is not None:
            self.forgo(suspect)
            error.temporary = True

    def forgo(self, feature: Feature) -> None:
        """Do without `feature` for a while."""
        self._lacks[feature] = self._clock() + FORGET_SECONDS
