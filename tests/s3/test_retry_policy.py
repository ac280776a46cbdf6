"""Retries of single requests of a large object."""

import pytest

from s3mover.errors import MoverError, S3Error, VerificationError
from s3mover.s3.retry import retry_policy

LIMIT = 4


class Call:
    """Raises what its script says, then returns."""

    def __init__(self, *script: MoverError) -> None:
        self.script = list(script)
        self.calls = 0

    def __call__(self) -> str:
        self.calls += 1
        if self.script:
            raise self.script.pop(0)
        return "done"


def slow() -> S3Error:
    return S3Error("SlowDown", status=503, temporary=True)


def test_temporary_errors_cost_a_pause() -> None:
    """A refused part, and one that arrived altered, are sent again."""
    pauses: list[float] = []

    def pause(seconds: float) -> bool:
        pauses.append(seconds)
        return True

    call = Call(slow(), VerificationError("altered"))
    assert retry_policy(LIMIT, pause)(call) == "done"
    assert (call.calls, len(pauses)) == (3, 2)


def test_what_lasts_is_raised_at_once() -> None:
    """A denied request is not sent twice."""
    call = Call(S3Error("AccessDenied", status=403))
    with pytest.raises(S3Error, match="AccessDenied"):
        retry_policy(LIMIT, lambda _: True)(call)
    assert call.calls == 1


def test_an_error_that_outlasts_all_attempts_is_final() -> None:
    """The whole object is not begun again for a part that never arrives."""
    call = Call(*[slow() for _ in range(9)])
    with pytest.raises(S3Error) as raised:
        retry_policy(LIMIT, lambda _: True)(call)
    assert (call.calls, raised.value.temporary) == (LIMIT, False)


def test_a_stop_ends_it() -> None:
    """Where the program is to stop nothing is tried again, and the error stays what it is."""
    call = Call(slow())
    with pytest.raises(S3Error) as raised:
        retry_policy(LIMIT, lambda _: False)(call)
    assert (call.calls, raised.value.temporary) == (1, True)
