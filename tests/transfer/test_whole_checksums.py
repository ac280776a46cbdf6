"""Whether completions state the checksum of the whole object."""

from s3mover.errors import S3Error
from s3mover.transfer.store_features import DISABLED_SECONDS, Feature, StoreFeatures
from s3mover.transfer.suspicions import MAX_FAILED
from s3mover.transfer.whole_checksums import WholeChecksums

REFUSAL = S3Error("BadDigest", operation="CompleteMultipartUpload", status=400)


class Time:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def refuse_twice(checksums: WholeChecksums, key: str) -> None:
    for _ in range(2):
        assert checksums.is_stated(key)
        checksums.record_error(key, REFUSAL)


def test_a_second_refusal_leaves_the_checksum_out_for_that_object() -> None:
    """Other objects keep theirs."""
    checksums = WholeChecksums(StoreFeatures(Time()))
    refuse_twice(checksums, "k")
    assert not checksums.is_stated("k")
    assert checksums.is_stated("other")


def test_a_second_object_that_succeeds_without_leaves_it_out_for_all_for_a_while() -> None:
    """The store knows no such checksum; it is asked again later."""
    time = Time()
    checksums = WholeChecksums(StoreFeatures(time))
    for key in ("a", "b"):
        refuse_twice(checksums, key)
        checksums.record_success(key, stated=False)
    assert not checksums.is_stated("c")
    time.now = DISABLED_SECONDS + 1
    assert checksums.is_stated("c")


def test_a_completion_that_succeeds_with_it_clears_the_suspicion() -> None:
    """The store knows such checksums: the parts of the other object were wrong."""
    features = StoreFeatures(Time())
    checksums = WholeChecksums(features)
    refuse_twice(checksums, "a")
    checksums.record_success("a", stated=False)
    checksums.record_success("good", stated=True)
    refuse_twice(checksums, "b")
    checksums.record_success("b", stated=False)
    assert features.has(Feature.OBJECT_CHECKSUM)


def test_other_errors_cast_no_doubt() -> None:
    """An internal error says nothing of the checksum."""
    checksums = WholeChecksums(StoreFeatures(Time()))
    for _ in range(4):
        checksums.record_error("k", S3Error("InternalError", operation="CompleteMultipartUpload", status=500))
    assert checksums.is_stated("k")


def test_objects_that_fail_for_ever_are_forgotten() -> None:
    """Memory stays bounded."""
    checksums = WholeChecksums(StoreFeatures(Time()))
    refuse_twice(checksums, "first")
    for number in range(MAX_FAILED):
        checksums.record_error(str(number), REFUSAL)
    assert checksums.is_stated("first")
