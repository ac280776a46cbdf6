"""Keys that a store may keep under another name: stores that treat keys as paths take `a//b` for `a/b`.

Such a copy would replace another object, and no response says so; a listing does. Before and after a copy with such a
key one or two requests find that out. S3 itself keeps all keys apart, and other keys cost nothing.

    is the key there (HEAD) | and listed | before the copy                | after it
    ------------------------|------------|--------------------------------|------------------------------------------
    no                      |            | go on                          |
    yes                     | no         | refused: it is another object  |
    yes                     | yes        | go on                          |
                            | no         |                                | an error: it is kept under another name
"""

from http import HTTPStatus

from s3mover.errors import S3Error
from s3mover.model import Order
from s3mover.s3.bucket import Bucket
from s3mover.stores import store_of

# Our code for a key that the destination does not keep.
CODE = "KeyNotKept"
_ADVICE = "rename the object or exclude it (filter.exclude)"


def may_be_folded(key: str, size: int) -> bool:
    """Return whether a path that looks otherwise may mean the same. An empty `folder/` only marks a folder."""
    path = f"/{key}/" if size else f"/{key.removesuffix('/')}/"
    return "\\" in path or "//" in path or "/./" in path or "/../" in path


class FoldedKeys:
    """Finds such keys at one destination; threads may share it."""

    def __init__(self, destination: Bucket) -> None:
        self._destination = destination
        self._is_aws = store_of(destination.address).is_aws

    def concern(self, order: Order) -> bool:
        """Return whether the copy of `order` is to be looked at."""
        return not self._is_aws and may_be_folded(order.target, order.size)

    def refuse_other_object(self, order: Order) -> None:
        """Raise an `S3Error` if the key leads to an object that is listed under another one."""
        if self._is_there(order.target) and not self._destination.is_listed(order.target):
            raise S3Error(CODE, f"the destination keeps another object under this key; {_ADVICE}")

    def ensure_listed(self, order: Order) -> None:
        """Raise an `S3Error` if the copy just made is not listed under its key, in its size."""
        if self._destination.listed_size(order.target) != order.size:
            raise S3Error(CODE, f"the destination accepted the copy and does not list it; {_ADVICE}")

    def _is_there(self, key: str) -> bool:
        try:
            self._destination.head(key)
        except S3Error as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise
            return False
        return True
