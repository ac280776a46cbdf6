"""Whether the credentials that copy find the same buckets under their names as the credentials of each side do.

On AWS a name means one bucket. A store may have a namespace of buckets per account (Ceph tenants, Swift accounts): a
copy would then read, or write, another bucket of that name. One object that both see alike shows that it does not.
"""

import threading
from collections.abc import Callable
from http import HTTPStatus
from typing import NamedTuple, Protocol

from s3mover.errors import S3Error, VerificationError
from s3mover.model import Order
from s3mover.s3.bucket import Bucket, Head, Stored
from s3mover.transfer.attempt_errors import DIFFERENT_BUCKET, is_denial
from s3mover.transfer.properties import property_headers

# Another bucket is looked for again after this time.
RETRY_SECONDS = 300.0


class BucketIdentity(Protocol):
    """Ensures that a principal's copies are between the right buckets; threads may share it."""

    def before(self, order: Order) -> None:
        """Ensure it before a copy, as far as it can be seen then.

        Raises:
            S3Error: the principal's requests find another bucket (a denial), or it could not be found out.
        """

    def after(self, order: Order, stored: Stored) -> None:
        """Ensure it after a copy.

        Raises:
            VerificationError: the copy was made from, or into, another bucket.
            S3Error: it could not be found out.
        """


class _Look(NamedTuple):
    """What a HeadObject came to: the head, None for 404; or a denial."""

    head: Head | None
    is_denied: bool = False


class _Identity:
    """What is known so far: proven for good, refuted for a while, or neither."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._proven = False
        self._refuted_until = float("-inf")

    def before(self, order: Order) -> None:
        if self._proven:
            return
        with self._lock:
            if self._proven:
                return
            if self._clock() < self._refuted_until:
                raise self._different()
            self._look(order)

    def _look(self, order: Order) -> None:
        raise NotImplementedError

    def _refute(self) -> S3Error:
        self._refuted_until = self._clock() + RETRY_SECONDS
        return self._different()

    def _different(self) -> S3Error:
        return S3Error(
            DIFFERENT_BUCKET, "under the bucket's name, the credentials that copy find another bucket"
        )


class SourceIdentity(_Identity):
    """The source as its own credentials see it (`own`), and as those that copy do (`across`).

    `copies` is the destination. `clock` is in seconds.
    """

    def __init__(self, own: Bucket, across: Bucket, copies: Bucket, clock: Callable[[], float]) -> None:
        super().__init__(clock)
        self._own = own
        self._across = across
        self._copies = copies

    def _look(self, order: Order) -> None:
        own = self._own.head(order.key)
        across = _look_at(self._across, order.key)
        self._across.close_thread()  # It is not used again.
        if across.is_denied:
            return  # The copy's own refusal tells more; if it succeeds, it is compared.
        if across.head is not None and _is_same(own, across.head):
            self._proven = True
        elif _is_same(own, self._own.head(order.key)):
            raise self._refute()
        else:
            raise S3Error("PreconditionFailed", "the source changes", status=HTTPStatus.PRECONDITION_FAILED)

    def after(self, order: Order, stored: Stored) -> None:  # noqa: ARG002 - one signature for both
        """Compare the properties of a copy of which nothing was known before."""
        if self._proven:
            return
        own, copy = self._own.head(order.key), self._copies.head(order.target)
        if property_headers(own.headers, []) != property_headers(copy.headers, []):
            self._refute()
            raise VerificationError("the copy has the properties of another object")
        self._proven = True


class DestinationIdentity(_Identity):
    """The destination as its own credentials see it (`own`), and as those that copy do (`across`)."""

    def __init__(self, own: Bucket, across: Bucket, clock: Callable[[], float]) -> None:
        super().__init__(clock)
        self._own = own
        self._across = across

    def _look(self, order: Order) -> None:
        """Compare what lies where the copy will be.

        | own credentials | those that copy | verdict                                            |
        |-----------------|-----------------|----------------------------------------------------|
        | nothing         | nothing         | open: nothing is overwritten, and the copy tells   |
        | an object       | the same        | proven                                             |
        | any             | denied          | open: they may only write, and the copy tells      |
        | denied          | any             | open                                               |
        | else            |                 | another bucket                                     |
        """
        own, across = _look_at(self._own, order.target), _look_at(self._across, order.target)
        if own.is_denied or across.is_denied or (own.head is None and across.head is None):
            return
        if own.head is None or across.head is None or not _is_same(own.head, across.head):
            raise self._refute()
        self._proven = True

    def after(self, order: Order, stored: Stored) -> None:
        """Look for the copy with the destination's own credentials; it may be denied them where it has arrived."""
        if self._proven:
            return
        own = _look_at(self._own, order.target)
        if not own.is_denied and (own.head is None or own.head.etag != stored.etag):
            self._refute()
            raise VerificationError("the copy was written into another bucket")
        self._proven = True


def _look_at(bucket: Bucket, key: str) -> _Look:
    try:
        return _Look(bucket.head(key))
    except S3Error as error:
        if error.status == HTTPStatus.NOT_FOUND:
            return _Look(None)
        if is_denial(error):
            return _Look(None, is_denied=True)
        raise


def _is_same(one: Head, other: Head) -> bool:
    """Return whether two heads are of one object: content, time, version and properties."""
    return _shown(one) == _shown(other)


def _shown(head: Head) -> tuple[object, ...]:
    version = head.headers.get("x-amz-version-id", "")
    return head.size, head.etag, head.last_modified, version, property_headers(head.headers, [])
