"""The features that a store lacks, detected from its refusals: S3-compatible stores and buckets differ.

A refused feature is left out of the next attempt, and the object's row says what is thereby not kept. The feature is
tried again after a while, since the refusal may have had another cause, and buckets may be reconfigured.
"""

from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from types import TracebackType

from s3mover.errors import S3Error

DISABLED_SECONDS = 600.0
BODY_WRITES = frozenset({"PutObject", "UploadPart"})
WRITES = BODY_WRITES | {"CompleteMultipartUpload", "CopyObject", "CreateMultipartUpload"}
_TAGGING = frozenset({"GetObjectTagging", "PutObjectTagging"})


class Feature(StrEnum):
    """Something that a write may use; the value is the text for people."""

    STORAGE_CLASS = "the storage class"
    TRAILERS = "checksum trailers"
    CHUNKS = "signed chunks"
    OBJECT_CHECKSUM = "checksums of whole objects in parts"
    UNCHECKED = "bodies without a checksum"
    TAG_HEADER = "tags in a header"
    TAGS = "the tags"
    ACL = "the ACL"
    OBJECT_LOCK = "the Object Lock settings"
    REDIRECT = "the website redirect"
    ANNOTATIONS = "the exclusion of annotations"

    @property
    def label(self) -> str:
        """The name for machines: in metrics and events."""
        return self.name.lower()


# The codes with which a feature is refused. Where a code fits several features that were used, the first is suspected:
# those without which nothing of the object is lost come first.
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
    # Buckets with Object Lock want a checksum with each body; Content-MD5 is one that all stores know.
    Feature.UNCHECKED: {"InvalidRequest", "MissingContentMD5"},
    Feature.TAG_HEADER: {
        "NotImplemented",
        "RequestHeaderFieldsTooLarge",
        "RequestHeaderSectionTooLarge",
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
# Properties of an object: without such a feature its copy lacks something. Nothing is lost without the others.
PROPERTIES = (Feature.STORAGE_CLASS, Feature.TAGS, Feature.ACL, Feature.OBJECT_LOCK, Feature.REDIRECT)
# How the bytes of a body are framed.
FRAMING = (Feature.TRAILERS, Feature.CHUNKS)
_HARMLESS = (*FRAMING, Feature.UNCHECKED, Feature.TAG_HEADER)
# The codes of stores that do not know the operation.
UNKNOWN_OPERATION = {"MethodNotAllowed", "NotImplemented"}


_NEVER = (float("-inf"), "")


class StoreFeatures:
    """The detected features of one destination; threads may share it. `clock` is in seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._disabled: dict[Feature, tuple[float, str]] = {}

    def has(self, feature: Feature) -> bool:
        """Return whether `feature` may be used."""
        until, _ = self._disabled.get(feature, _NEVER)
        return self._clock() >= until

    def probe(self, used: Iterable[Feature]) -> "FeatureProbe":
        """Return a context that records a refusal raised within it, for the features that are `used`."""
        return FeatureProbe(self, used)

    def record_refusal(self, error: S3Error, used: Iterable[Feature]) -> None:
        """Disable the one of the `used` features that the code of `error` fits best, and make `error` temporary.

        Another write may have disabled it since this one began. Where a property turns out to be refused, or nothing
        that was used explains the refusal, framing that was disabled for the same code is enabled again.
        """
        suspect = next((feature for feature in _suspects(error) if feature in used), None)
        if suspect not in (*FRAMING, Feature.UNCHECKED) and error.operation in WRITES:
            self._re_enable(error.code, FRAMING if suspect is Feature.TAG_HEADER else _HARMLESS)
        if suspect is None:
            return
        self.disable(suspect, error.code)
        error.temporary = True

    def disable(self, feature: Feature, code: str = "") -> None:
        """Disable `feature` for a while; `code` is that of the refusal, if there was one."""
        self._disabled[feature] = (self._clock() + DISABLED_SECONDS, code)

    def disable_framing(self) -> None:
        """Disable trailers and signed chunks for a while: bodies are sent as they are."""
        for feature in FRAMING:
            self.disable(feature)

    def _re_enable(self, code: str, features: Iterable[Feature]) -> None:
        for feature in features:
            if self._disabled.get(feature, _NEVER)[1] == code:
                self._disabled[feature] = _NEVER


class FeatureProbe:
    """A context that records a refusal in `features`; as a generator it would take four times the CPU, per object."""

    def __init__(self, features: StoreFeatures, used: Iterable[Feature]) -> None:
        self._features = features
        self._used = used

    def __enter__(self) -> None:
        """Enter the context."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Record a refusal."""
        if isinstance(error, S3Error):
            self._features.record_refusal(error, self._used)


def _suspects(error: S3Error) -> Iterator[Feature]:
    """Yield the features that may have been refused, the most likely first."""
    if error.operation in WRITES:
        yield from (feature for feature, codes in _REFUSALS.items() if error.code in codes)
    elif error.operation in _TAGGING and error.code in UNKNOWN_OPERATION:
        yield Feature.TAGS
