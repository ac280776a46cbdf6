"""What a store cannot do, learnt from its refusals: S3-compatible stores and buckets differ.

A refused feature is left out of the next attempt, and what is thereby not kept is said in the object's row. The
lesson fades in time, since a refusal may have had another cause, and buckets get configured.
"""

from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from types import TracebackType

from s3mover.errors import S3Error

FORGET_SECONDS = 600.0
WRITES = frozenset(
    {"CompleteMultipartUpload", "CopyObject", "CreateMultipartUpload", "PutObject", "UploadPart"}
)


class Feature(StrEnum):
    """Something that a write may use; the text is for people."""

    STORAGE_CLASS = "the storage class"
    TRAILERS = "checksum trailers"
    CHUNKS = "signed chunks"
    TAGS = "the tags"
    ACL = "the ACL"
    OBJECT_LOCK = "the Object Lock settings"
    REDIRECT = "the website redirect"

    @property
    def label(self) -> str:
        """The name for machines: in metrics and events."""
        return self.name.lower()


# In the order of suspicion where several features were used and the code fits several: first those without which
# nothing of the object is lost.
_REFUSALS = {
    Feature.STORAGE_CLASS: {"InvalidStorageClass"},
    Feature.TRAILERS: {
        "InvalidArgument",
        "InvalidRequest",
        "MalformedTrailerError",
        "MissingContentLength",
        "NotImplemented",
        "XAmzContentSHA256Mismatch",
    },
    Feature.CHUNKS: {
        "InvalidArgument",
        "InvalidRequest",
        "MissingContentLength",
        "NotImplemented",
        "SignatureDoesNotMatch",
        "XAmzContentSHA256Mismatch",
    },
    Feature.TAGS: {"NotImplemented"},
    Feature.ACL: {"AccessControlListNotSupported", "NotImplemented"},
    Feature.OBJECT_LOCK: {
        "InvalidRequest",
        "AccessDenied",
        "ObjectLockConfigurationNotFoundError",
        "NotImplemented",
    },
    Feature.REDIRECT: {"InvalidRequest", "InvalidRedirectLocation", "NotImplemented"},
}
# What only says how the bytes are framed: nothing of the object is lost without it.
FRAMING = (Feature.TRAILERS, Feature.CHUNKS)
# What stores answer that do not know the operation.
_UNKNOWN_OPERATION = {"MethodNotAllowed", "NotImplemented"}


_NEVER = (float("-inf"), "")


class StoreFeatures:
    """What one destination was seen to lack; threads may share it. `clock` is in seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lacks: dict[Feature, tuple[float, str]] = {}

    def has(self, feature: Feature) -> bool:
        """Tell whether `feature` is worth using."""
        until, _ = self._lacks.get(feature, _NEVER)
        return self._clock() >= until

    def learning(self, used: Iterable[Feature]) -> "FeatureProbe":
        """Learn from the refusal of what is done within, and let it out."""
        return FeatureProbe(self, used)

    def learn(self, error: S3Error, used: Iterable[Feature]) -> None:
        """Blame a refused request on one of the features that it used, if its code fits, and let it be tried without.

        Another write may have taught the same since this one began. Where a property turns out to be what is refused,
        the framing that was blamed for the same code before is given another chance.
        """
        suspect = next((feature for feature in _suspects(error) if feature in used), None)
        if suspect is None:
            return
        if suspect not in FRAMING:
            self._re_enable_framing(error.code)
        self.disable(suspect, error.code)
        error.temporary = True

    def disable(self, feature: Feature, code: str = "") -> None:
        """Do without `feature` for a while; `code` is what the store said, if it said anything."""
        self._lacks[feature] = (self._clock() + FORGET_SECONDS, code)

    def disable_framing(self) -> None:
        """Send bodies as they are for a while."""
        for feature in FRAMING:
            self.disable(feature)

    def _re_enable_framing(self, code: str) -> None:
        for feature in FRAMING:
            if self._lacks.get(feature, _NEVER)[1] == code:
                self._lacks[feature] = _NEVER


class FeatureProbe:
    """A context that teaches `features`; a generator would take four times the CPU, for each object."""

    def __init__(self, features: StoreFeatures, used: Iterable[Feature]) -> None:
        self._features = features
        self._used = used

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Learn from a refusal."""
        if isinstance(error, S3Error):
            self._features.learn(error, self._used)


def _suspects(error: S3Error) -> Iterator[Feature]:
    """Yield the features that may have been refused, the likelier first."""
    if error.operation in WRITES:
        yield from (feature for feature, codes in _REFUSALS.items() if error.code in codes)
    elif error.operation == "GetObjectTagging" and error.code in _UNKNOWN_OPERATION:
        yield Feature.TAGS
