"""What a sweep would cost, from the objects that it would move and the requests that listing them took.

| object | requests at the source | requests at the destination |
|---|---|---|
| copied at once (up to 5 GiB) | none, or a HEAD | one COPY |
| copied in parts | a HEAD | begin, a COPY of each part, complete |
| streamed at once (up to a part's size) | a GET | a PUT |
| streamed in parts | a HEAD, a GET of each part | begin, a PUT of each part, complete |

A copy whose ETag cannot be equal to the source's (that of a multipart upload, or of a copy in parts) is verified by a
HEAD at each side. Retries, objects with tags and refused copies come on top.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import NamedTuple

from s3mover.costs.bill import Bill, Moved, Requests, Usage, bill_of, transfer_prices
from s3mover.costs.billing import WRITES, Kind, is_charged, kind_of
from s3mover.costs.money import GB, micros
from s3mover.costs.prices import STANDARD, ClassPrices, PairPrices, Tier
from s3mover.model import Method, ObjectEntry, Side, has_md5_shape

DAY_SECONDS = 86400
_DAYS_PER_MONTH = 30
# S3 copies up to this size in one request, and charges the monitoring of objects from the other size on.
LARGEST_COPY = 5 * GB
_MONITORED = 128 * 1024


class TransferPlan(NamedTuple):
    """How objects would be moved: `head_first` says that a HEAD precedes each copy, `deletes` that sources go."""

    method: Method
    part_size: int
    head_first: bool = False
    deletes: bool = False


class Estimate(NamedTuple):
    """What a sweep would do and cost, in micro-dollars.

    `listing` are the requests of a sweep that finds nothing to move, and `idle` is what they cost. `storage` is what
    the moved objects cost at the destination in a month, `early_deletion` what the source charges for objects that are
    deleted before their minimum duration; both are in no total, and None where a price is not known. `crossing` are the
    bytes that leave a region or AWS.
    """

    usage: Usage
    bill: Bill
    listing: Requests
    idle: Bill
    storage: int | None
    early_deletion: int | None
    crossing: int

    @property
    def objects(self) -> int:
        """How many objects would be moved."""
        return sum(moved.objects for moved in self.usage.moved.values())

    @property
    def bytes(self) -> int:
        """Their bytes."""
        return sum(moved.bytes for moved in self.usage.moved.values())

    def requests(self) -> dict[Kind, int]:
        """Return the numbers of requests that are charged, by kind."""
        found: Counter[Kind] = Counter({Kind.PUT_REQUESTS: 0, Kind.GET_REQUESTS: 0})
        for (side, operation, code), count in self.usage.requests.items():
            kind = kind_of(operation)
            if kind is not None and is_charged(code):
                found[kind] += count
                if (
                    Kind.KMS_REQUESTS in self.bill.amounts
                    and side is Side.DESTINATION
                    and operation in WRITES
                ):
                    found[Kind.KMS_REQUESTS] += count
        return dict(found)


class Estimator:
    """Takes the objects that a sweep would move, one after the other; `now` is in seconds since the epoch."""

    def __init__(self, plan: TransferPlan, prices: PairPrices, now: float) -> None:
        self._plan = plan
        self._prices = prices
        self._now = now
        self._requests: Counter[tuple[Side, str, str]] = Counter()
        self._moved: dict[tuple[Method, str], Moved] = {}
        # Bytes as the destination charges them, by storage class there, and those at the price of STANDARD.
        self._stored: Counter[str] = Counter()
        self._monitored: Counter[str] = Counter()
        self._early: Decimal | None = Decimal(0)

    def add(self, entry: ObjectEntry) -> None:
        """Take an object that would be moved."""
        storage_class = entry.storage_class or STANDARD
        for (side, operation), count in requests_of(entry, self._plan).items():
            self._requests[side, operation, "200"] += count
        key = (self._plan.method, storage_class)
        before = self._moved.get(key, Moved())
        self._moved[key] = Moved(before.objects + 1, before.bytes + entry.size)
        self._store(entry.size, self._prices.destination_class or storage_class)
        if self._plan.deletes:
            self._delete_early(entry, self._prices.source.of_class(storage_class))

    def estimate(self, listing: Requests) -> Estimate:
        """Return the estimate; `listing` are the requests that finding out took, as each sweep makes them again."""
        usage = Usage(Counter(self._requests) + Counter(listing), dict(self._moved))
        return Estimate(
            usage,
            bill_of(usage, self._prices),
            listing,
            bill_of(Usage(listing), self._prices),
            self._storage(),
            None if self._early is None else micros(self._early),
            self._crossing(),
        )

    def _store(self, size: int, storage_class: str) -> None:
        prices = self._prices.destination.of_class(storage_class)
        self._stored[storage_class] += max(size, prices.minimum_bytes) + prices.overhead_bytes
        self._stored[STANDARD] += prices.overhead_standard_bytes
        self._monitored[storage_class] += size >= _MONITORED

    def _delete_early(self, entry: ObjectEntry, prices: ClassPrices) -> None:
        days_left = prices.minimum_days - _age_days(entry.last_modified, self._now)
        if self._early is None or days_left <= 0:
            return
        if not prices.storage:
            self._early = None
            return
        size = Decimal(max(entry.size, prices.minimum_bytes)) / GB
        self._early += size * prices.storage[0].price * days_left / _DAYS_PER_MONTH

    def _storage(self) -> int | None:
        total = Decimal(0)
        for storage_class, size in self._stored.items():
            prices = self._prices.destination.of_class(storage_class)
            if size and not prices.storage:
                return None
            total += tiered(Decimal(size) / GB, prices.storage)
            total += (prices.monitoring or 0) * Decimal(self._monitored[storage_class]) / 1000
        return micros(total)

    def _crossing(self) -> int:
        ways = len(list(transfer_prices(self._plan.method, self._prices)))
        return sum(moved.bytes for moved in self._moved.values()) if ways else 0


def requests_of(entry: ObjectEntry, plan: TransferPlan) -> dict[tuple[Side, str], int]:
    """Return the requests that moving an object takes, by the table above."""
    parts = max(1, -(-entry.size // plan.part_size))
    if plan.method is Method.STREAMING:
        if parts == 1:
            return {(Side.SOURCE, "GetObject"): 1, (Side.DESTINATION, "PutObject"): 1}
        reads = {(Side.SOURCE, "HeadObject"): 1, (Side.SOURCE, "GetObject"): parts}
        return reads | _in_parts("UploadPart", parts)
    if entry.size > LARGEST_COPY:
        heads = {(Side.SOURCE, "HeadObject"): 2, (Side.DESTINATION, "HeadObject"): 1}
        return heads | _in_parts("UploadPartCopy", parts)
    unequal = not has_md5_shape(entry.etag)
    heads = {
        (Side.SOURCE, "HeadObject"): plan.head_first + unequal,
        (Side.DESTINATION, "HeadObject"): int(unequal),
    }
    return {(Side.DESTINATION, "CopyObject"): 1} | {key: count for key, count in heads.items() if count}


def tiered(gigabytes: Decimal, tiers: Sequence[Tier]) -> Decimal:
    """Return what so many GB cost in a month, each tier at its price."""
    total, below = Decimal(0), Decimal(0)
    for tier in tiers:
        up_to = gigabytes if tier.up_to_gb is None else min(gigabytes, tier.up_to_gb)
        total += max(Decimal(0), up_to - below) * tier.price
        below = max(below, up_to)
    return total


def _in_parts(operation: str, parts: int) -> dict[tuple[Side, str], int]:
    return {
        (Side.DESTINATION, "CreateMultipartUpload"): 1,
        (Side.DESTINATION, operation): parts,
        (Side.DESTINATION, "CompleteMultipartUpload"): 1,
    }


def _age_days(last_modified: str, now: float) -> int:
    """Return the age in whole days; 0 for a time that cannot be read, as that of the youngest."""
    try:
        moment = datetime.fromisoformat(last_modified)
    except ValueError:
        return 0
    return max(0, int(now - moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()) // DAY_SECONDS)
