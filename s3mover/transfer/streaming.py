"""The streaming way: the source's bytes flow through one small buffer into the destination, never to local storage."""

import hashlib
from collections.abc import Callable

from s3mover.model import Order
from s3mover.s3.bucket import Body, Bucket
from s3mover.transfer.parts import Part
from s3mover.transfer.policy import Policy
from s3mover.transfer.properties import carried_headers, chosen_headers, is_tagged
from s3mover.transfer.verification import check_md5, check_size, etag_is_md5
from s3mover.transfer.ways import Arrival, upload_in_parts


class Streaming:
    """Streams by GET to PUT up to one part's size, and by ranged GETs into UploadPart above it.

    Every GET is pinned to the ETag that was listed, so a copy is never made of two versions. `aside` is the source
    once more, on connections of its own: tags are asked for while a body is waiting to be read.
    """

    def __init__(self, source: Bucket, aside: Bucket, destination: Bucket, policy: Policy) -> None:
        self._source = source
        self._aside = aside
        self._destination = destination
        self._policy = policy

    def carry(self, order: Order) -> Arrival:
        """Stream the object; see `Way.carry`."""
        if order.size > self._policy.part_size:
            return self._carry_in_parts(order)
        return self._carry_whole(order)

    def _carry_whole(self, order: Order) -> Arrival:
        with self._source.get(order.key, if_match=order.etag) as body:
            check_size(order.size, body.length)
            headers = self._headers(order, body.head.headers)
            flow = _Hashed(body)
            stored = self._destination.put(order.target, flow.read_into, body.length, headers)
        if etag_is_md5(stored.etag, stored.headers):
            check_md5(flow.md5(), stored.etag)
        else:
            check_size(order.size, self._destination.head(order.target).size)
        return Arrival(stored.etag)

    def _carry_in_parts(self, order: Order) -> Arrival:
        head = self._source.head(order.key)
        headers = self._headers(order, head.headers)
        stored = upload_in_parts(
            self._destination, order, headers, self._policy.part_size, self._part_sender(order)
        )
        check_size(order.size, self._destination.head(order.target).size)
        return Arrival(stored.etag)

    def _part_sender(self, order: Order) -> Callable[[str, Part], str]:
        def send(upload: str, part: Part) -> str:
            with self._source.get(order.key, if_match=order.etag, first=part.first, last=part.last) as body:
                check_size(part.length, body.length)
                flow = _Hashed(body)
                etag = self._destination.upload_part(
                    order.target, upload, part.number, flow.read_into, body.length, {}
                )
            if etag_is_md5(etag, {}):
                check_md5(flow.md5(), etag)
            return etag

        return send

    def _headers(self, order: Order, source: dict[str, str]) -> dict[str, str]:
        tags = self._aside.tags(order.key) if is_tagged(source) else []
        return chosen_headers(self._policy, order.storage_class) | carried_headers(source, tags)


class _Hashed:
    """A body that is hashed as it flows."""

    def __init__(self, body: Body) -> None:
        self._body = body
        self._md5 = hashlib.md5(usedforsecurity=False)

    def read_into(self, buffer: memoryview) -> int:
        count = self._body.read_into(buffer)
        self._md5.update(buffer[:count])
        return count

    def md5(self) -> str:
        return self._md5.hexdigest()
