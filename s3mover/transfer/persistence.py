"""Trying one request of a large object again, so that one refusal does not lose what the others have carried.

Attempts at the whole object are the mover's. What an object of thousands of parts needs is that each of its requests
may fail now and then: with one refusal in a thousand, ten thousand parts would never arrive in one go.
"""

from collections.abc import Callable
from typing import Protocol, TypeVar

from s3mover.errors import MoverError
from s3mover.s3.retry import backoff

T = TypeVar("T")


class Retry(Protocol):
    """Calls something that makes a request, perhaps several times, and returns what it returns."""

    def __call__(self, call: Callable[[], T]) -> T:
        """Call `call`, again after temporary errors."""


def no_retry(call: Callable[[], T]) -> T:
    """Call without insisting."""
    return call()


def retry_policy(attempts: int, pause: Callable[[float], bool]) -> Retry:
    """Return what calls up to `attempts` times; `pause` waits so many seconds, or returns False to give up.

    An error that outlasted all attempts is final: the whole object is not begun again for it.
    """

    def retry(call: Callable[[], T]) -> T:
        attempt = 1
        while True:
            try:
                return call()
            except MoverError as error:
                if not error.temporary:
                    raise
                if attempt >= attempts:
                    error.temporary = False
                    raise
                if not pause(backoff(attempt)):
                    raise
            attempt += 1

    return retry
