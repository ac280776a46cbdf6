"""The size up to which one request copies an object."""

import pytest

from s3mover.errors import S3Error
from s3mover.transfer.copy_limit import COMMON_LIMIT, LOWERED_SECONDS, CopyLimit
from s3mover.transfer.parts import GIB, MAX_SINGLE_COPY


def limit_at(now: list[float]) -> CopyLimit:
    """Return a limit whose clock shows the last item of `now`."""
    return CopyLimit(lambda: now[-1])


def test_the_limit_is_s3_s_own() -> None:
    """5 GiB are copied in one request, and not a byte more."""
    limit = limit_at([0.0])
    assert not limit.is_exceeded(MAX_SINGLE_COPY)
    assert limit.is_exceeded(MAX_SINGLE_COPY + 1)


def test_a_lower_limit_holds_for_a_while() -> None:
    """Stores may be mended, and a refusal may have had another cause."""
    now = [0.0]
    limit = limit_at(now)
    limit.lower(MAX_SINGLE_COPY)
    assert [limit.is_exceeded(size) for size in (COMMON_LIMIT, COMMON_LIMIT + 1)] == [False, True]
    now.append(LOWERED_SECONDS)
    assert not limit.is_exceeded(MAX_SINGLE_COPY)


def test_a_limit_is_not_raised_by_a_larger_object() -> None:
    """What was refused for a smaller one still holds."""
    limit = limit_at([0.0])
    limit.lower(2 * GIB)
    limit.lower(MAX_SINGLE_COPY)
    assert [limit.is_exceeded(size) for size in (2 * GIB - 1, 2 * GIB)] == [False, True]


@pytest.mark.parametrize(
    ("code", "size", "refused"),
    [
        ("InvalidRequest", MAX_SINGLE_COPY, True),
        ("EntityTooLarge", 2 * GIB, True),
        ("InvalidRequest", 100, False),
        ("AccessDenied", MAX_SINGLE_COPY, False),
    ],
)
def test_only_large_objects_are_refused_for_their_size(code: str, size: int, refused: bool) -> None:
    """The same codes have other causes."""
    assert limit_at([0.0]).is_refusal(S3Error(code, status=400), size) is refused
