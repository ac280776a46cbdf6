"""How bodies are framed, and what is concluded from a store's responses."""

import pytest

from s3mover.errors import MoverError, S3Error, VerificationError
from s3mover.transfer.checksums import Algorithm, Checksum
from s3mover.transfer.framing import Framing
from s3mover.transfer.store_features import DISABLED_SECONDS, Feature, StoreFeatures
from s3mover.transfer.suspicions import MAX_FAILED

TRAILERS, BOTH = (Feature.TRAILERS,), (Feature.CHUNKS, Feature.TRAILERS)


class Time:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def make(*, secure: bool = True, time: Time | None = None) -> Framing:
    return Framing(StoreFeatures(time or Time()), secure=secure)


def refusal(code: str = "BadDigest", operation: str = "PutObject") -> S3Error:
    return S3Error(code, operation=operation, status=400, temporary=True)


def fail(framing: Framing, key: str, error: MoverError | None = None) -> None:
    framing.record_failure(key, framing.of(key), error or refusal())


def succeed(framing: Framing, key: str) -> None:
    framing.record_success(key, framing.of(key))


@pytest.mark.parametrize(("secure", "expected"), [(True, TRAILERS), (False, BOTH)])
def test_bodies_have_trailers_and_signed_chunks_over_plain_http(
    secure: bool, expected: tuple[Feature, ...]
) -> None:
    """Trailers need signed chunks where there is no TLS."""
    assert make(secure=secure).of("k") == expected


@pytest.mark.parametrize(
    "code", ["BadDigest", "BadRequest", "ConnectionError", "IncompleteBody", "InternalError"]
)
def test_an_object_loses_its_trailer_after_a_second_equal_failure(code: str) -> None:
    """A code with many causes makes a suspicion only when it comes twice; other objects keep theirs."""
    framing = make()
    fail(framing, "k", refusal(code))
    assert framing.of("k") == TRAILERS
    fail(framing, "k", refusal(code))
    assert framing.of("k") == ()
    assert framing.of("other") == TRAILERS


def test_signed_chunks_are_left_out_last() -> None:
    """Over plain HTTP signed chunks alone come between."""
    framing = make(secure=False)
    seen = []
    for _ in range(5):
        seen.append(framing.of("k"))
        fail(framing, "k")
    assert seen == [BOTH, BOTH, BOTH[:1], BOTH[:1], ()]


@pytest.mark.parametrize(
    "errors",
    [
        [refusal("BadDigest"), refusal("BadRequest")],
        [refusal("SlowDown")] * 2,
        [refusal("Timeout")] * 2,
        [refusal("ConnectionError", "GetObject")] * 2,
        [refusal("BadDigest", "CompleteMultipartUpload")] * 2,
    ],
)
def test_different_or_unrelated_failures_make_no_suspicion(errors: list[S3Error]) -> None:
    """Throttling, a broken source and two different codes have other causes."""
    framing = make()
    for error in errors:
        fail(framing, "k", error)
    assert framing.of("k") == TRAILERS


def test_a_refused_trailer_of_one_object_disables_no_others() -> None:
    """However often one object is refused, all others are framed."""
    framing = make()
    for _ in range(5):
        fail(framing, "k")
        fail(framing, "k")
        succeed(framing, "k")
    assert framing.of("other") == TRAILERS


def test_two_objects_that_succeed_without_their_trailers_disable_those_of_all_for_a_while() -> None:
    """A store that refuses trailers costs two failures each of a few objects, and not of every one."""
    time = Time()
    framing = make(time=time)
    for key in ("a", "b"):
        fail(framing, key)
        fail(framing, key)
        assert framing.of("c") == TRAILERS
        succeed(framing, key)
    assert framing.of("c") == ()
    time.now = DISABLED_SECONDS + 1
    assert framing.of("c") == TRAILERS


def test_a_framed_success_drops_the_suspicion() -> None:
    """The evidence of two objects counts only where no framed body succeeded in between."""
    framing = make()
    for key in ("a", "b"):
        fail(framing, key)
        fail(framing, key)
        succeed(framing, key)
        succeed(framing, "framed")
    assert framing.of("c") == TRAILERS


def test_two_objects_with_different_codes_make_no_common_suspicion() -> None:
    """Each cause is suspected by itself."""
    framing = make()
    for key, code in (("a", "BadDigest"), ("b", "ConnectionError")):
        fail(framing, key, refusal(code))
        fail(framing, key, refusal(code))
        succeed(framing, key)
    assert framing.of("c") == TRAILERS


def test_an_object_that_fails_without_its_trailer_too_is_framed_again() -> None:
    """The trailer was not the cause."""
    framing = make()
    for _ in range(3):
        fail(framing, "k")
    assert framing.of("k") == TRAILERS


def test_copies_that_differ_make_a_suspicion_too() -> None:
    """Some stores keep the frames as bytes of the object."""
    framing = make()
    for _ in range(2):
        with pytest.raises(VerificationError), framing.verifying("k", framing.of("k")):
            raise VerificationError("differs")
    assert framing.of("k") == ()


def test_a_source_that_is_read_wrongly_makes_no_suspicion() -> None:
    """A checksum that differs before the body was sent says nothing of its framing."""
    framing = make()
    for _ in range(2):
        with pytest.raises(VerificationError), framing.sending("k", framing.of("k")):
            raise VerificationError("the source's bytes differ")
    assert framing.of("k") == TRAILERS


def test_objects_that_fail_for_ever_are_forgotten() -> None:
    """Memory is bounded, whatever fails."""
    framing = make()
    for number in range(3 * MAX_FAILED):
        fail(framing, str(number))
    assert len(framing._suspicions._failures) <= MAX_FAILED


def test_each_kind_of_framed_body_is_inspected_until_one_is_found_clean() -> None:
    """Objects with a Content-Encoding of their own are another kind; after a while it is looked again."""
    framing = make()
    assert framing.must_inspect(TRAILERS, encoded=False)
    framing.record_clean(TRAILERS, encoded=False)
    assert not framing.must_inspect(TRAILERS, encoded=False)
    assert framing.must_inspect(TRAILERS, encoded=True)
    assert not framing.must_inspect((), encoded=False)
    framing.disable()
    assert framing.must_inspect(TRAILERS, encoded=False)
    assert framing.of("k") == ()


def test_the_md5_is_compared_until_the_store_reports_the_checksum_that_it_was_sent() -> None:
    """A store that ignores trailers proves nothing by accepting one."""
    framing, sent = make(), Checksum(Algorithm.CRC32, "AAAAAA==")
    assert framing.needs_md5
    framing.record_response({"x-amz-checksum-crc32": "AAAAAA=="}, sent, TRAILERS)
    assert not framing.needs_md5
    framing.record_response({}, sent, ())
    assert not framing.needs_md5
    framing.record_response({}, sent, TRAILERS)
    assert framing.needs_md5
