"""The features that a destination lacks, detected from its refusals."""

import pytest

from s3mover.errors import S3Error
from s3mover.transfer.store_features import DISABLED_SECONDS, Feature, StoreFeatures


class Time:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def refusal(code: str, operation: str = "PutObject") -> S3Error:
    return S3Error(code, operation=operation, status=400)


@pytest.mark.parametrize(
    ("code", "used", "blamed"),
    [
        ("InvalidStorageClass", [Feature.STORAGE_CLASS, Feature.TRAILERS], Feature.STORAGE_CLASS),
        ("MissingContentLength", [Feature.STORAGE_CLASS, Feature.TRAILERS], Feature.TRAILERS),
        ("InvalidRequest", [Feature.TRAILERS], Feature.TRAILERS),
        ("InvalidRequest", [Feature.OBJECT_LOCK, Feature.TRAILERS], Feature.TRAILERS),
        ("InvalidRequest", [Feature.OBJECT_LOCK, Feature.CHUNKS], Feature.CHUNKS),
        ("NotImplemented", [Feature.TAGS, Feature.ACL, Feature.REDIRECT], Feature.TAGS),
        ("AccessControlListNotSupported", [Feature.TAGS, Feature.ACL], Feature.ACL),
        ("AccessDenied", [Feature.OBJECT_LOCK], Feature.OBJECT_LOCK),
    ],
)
def test_the_most_likely_feature_is_disabled(code: str, used: list[Feature], blamed: Feature) -> None:
    """The write is tried again without it, and the others stay."""
    features = StoreFeatures(Time())
    error = refusal(code)
    features.record_refusal(error, used)
    assert error.temporary
    assert [feature for feature in Feature if not features.has(feature)] == [blamed]


@pytest.mark.parametrize(
    ("error", "used"),
    [
        (refusal("InvalidStorageClass"), []),
        (refusal("AccessDenied"), [Feature.TRAILERS, Feature.STORAGE_CLASS]),
        (refusal("AccessDenied", "GetObject"), [Feature.OBJECT_LOCK]),
        (refusal("NoSuchKey"), [Feature.TRAILERS]),
    ],
)
def test_a_refusal_that_no_feature_explains_stays_an_error(error: S3Error, used: list[Feature]) -> None:
    """A refusal that another write would meet as well is not tried again."""
    features = StoreFeatures(Time())
    features.record_refusal(error, used)
    assert not error.temporary
    assert all(features.has(feature) for feature in Feature)


def test_repeated_refusals_disable_one_suspect_after_the_other() -> None:
    """Where the same code comes again, the next suspect is disabled, and framing is enabled again."""
    features = StoreFeatures(Time())
    blamed = []
    for _ in range(4):
        used = [feature for feature in (Feature.OBJECT_LOCK, Feature.TRAILERS) if features.has(feature)]
        error = refusal("InvalidRequest")
        features.record_refusal(error, used)
        blamed.append(([feature for feature in used if not features.has(feature)], error.temporary))
    assert blamed == [
        ([Feature.TRAILERS], True),
        ([Feature.OBJECT_LOCK], True),
        ([Feature.TRAILERS], True),
        ([], False),
    ]


def test_framing_refused_by_another_code_stays_disabled() -> None:
    """A store that does not take trailers, by another code than a property was refused with, gets none."""
    features = StoreFeatures(Time())
    features.record_refusal(refusal("MissingContentLength"), [Feature.TRAILERS, Feature.OBJECT_LOCK])
    features.record_refusal(refusal("InvalidRequest"), [Feature.OBJECT_LOCK])
    assert not features.has(Feature.TRAILERS)


def test_writes_refused_at_the_same_time_are_all_tried_again() -> None:
    """Writes in progress still use a feature just disabled: it is suspected again, and no other."""
    features = StoreFeatures(Time())
    used = [Feature.OBJECT_LOCK, Feature.TRAILERS]
    for _ in range(5):
        error = refusal("InvalidRequest")
        features.record_refusal(error, used)
        assert error.temporary
    assert features.has(Feature.OBJECT_LOCK)


@pytest.mark.parametrize("code", ["NotImplemented", "MethodNotAllowed"])
def test_a_store_that_does_not_know_tags_is_not_asked_for_them(code: str) -> None:
    """A store that does not know the operation has its tags disabled; a missing permission does not disable them."""
    features = StoreFeatures(Time())
    forbidden, unknown = refusal("AccessDenied", "GetObjectTagging"), refusal(code, "GetObjectTagging")
    features.record_refusal(forbidden, [Feature.TAGS])
    assert (forbidden.temporary, features.has(Feature.TAGS)) == (False, True)
    features.record_refusal(unknown, [Feature.TAGS])
    assert (unknown.temporary, features.has(Feature.TAGS)) == (True, False)


def test_a_disabled_feature_is_tried_again_after_a_while() -> None:
    """A bucket that was reconfigured is used in full again."""
    time = Time()
    features = StoreFeatures(time)
    features.disable(Feature.TRAILERS)
    time.now = DISABLED_SECONDS + 1
    assert features.has(Feature.TRAILERS)
