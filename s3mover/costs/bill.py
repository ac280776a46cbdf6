"""Sums the costs of what a sweep did: its requests, and the bytes that it moved.

A copy costs a put request at the destination, the retrieval fee of the source's storage class, and between regions the
transfer. A streamed object costs a get request and the retrieval fee at the source, the transfer to where s3mover
runs, a put request at the destination, and the transfer from there. Bytes that come into a region from outside AWS, and
those that stay in it, cost nothing.

Requests are counted without their objects' storage classes. So they are divided among the classes as the objects are
that were moved.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import NamedTuple

from s3mover.costs.billing import WRITES, Kind, is_by_class, is_charged, kind_of
from s3mover.costs.money import GB, micros
from s3mover.costs.prices import INTERNET, STANDARD, PairPrices, PlacePrices
from s3mover.model import Method, Side

# Requests by side, operation and code of the answer.
Requests = Mapping[tuple[Side, str, str], int]
_PER_REQUEST = 1000
_PER_KMS_REQUEST = 10_000


class Moved(NamedTuple):
    """Objects that were moved, and their bytes."""

    objects: int = 0
    bytes: int = 0


class Usage(NamedTuple):
    """What was done: requests, and objects by method and by the storage class that they have at the source."""

    requests: Requests = MappingProxyType({})
    moved: Mapping[tuple[Method, str], Moved] = MappingProxyType({})


class Bill(NamedTuple):
    """What it cost, in micro-dollars by kind. `unpriced` are sentences on what is not in it, for lack of a price."""

    amounts: Mapping[Kind, int] = MappingProxyType({})
    unpriced: tuple[str, ...] = ()

    @property
    def total(self) -> int:
        """The sum, in micro-dollars."""
        return sum(self.amounts.values())

    @property
    def known(self) -> int | None:
        """The sum, None where nothing of it has a price."""
        return None if self.unpriced and not self.amounts else self.total


NO_COSTS = Bill()


class _Sum:
    """Adds up amounts of dollars, and remembers what has no price."""

    def __init__(self) -> None:
        self._amounts: dict[Kind, Decimal] = {}
        self._unpriced: dict[str, None] = {}

    def add(self, kind: Kind, quantity: Decimal | int, price: Decimal | None, unpriced: str) -> None:
        """Add so many units at a price; if it is not known, remember the sentence."""
        if price is None and quantity:
            self._unpriced[unpriced] = None
        elif price is not None:
            self._amounts[kind] = self._amounts.get(kind, Decimal(0)) + quantity * price

    def bill(self) -> Bill:
        """Return the sums."""
        amounts = {kind: micros(amount) for kind, amount in sorted(self._amounts.items())}
        return Bill(amounts, tuple(self._unpriced))


def bill_of(usage: Usage, prices: PairPrices) -> Bill:
    """Return what the usage costs at these prices."""
    total = _Sum()
    _add_requests(total, usage, prices)
    for (method, storage_class), moved in usage.moved.items():
        gigabytes = Decimal(moved.bytes) / GB
        fee = prices.source.of_class(storage_class)
        if fee.retrieval is not None:
            total.add(Kind.RETRIEVAL, gigabytes, fee.retrieval, "")
        for price, unpriced in transfer_prices(method, prices):
            total.add(Kind.TRANSFER, gigabytes, price, unpriced)
    return total.bill()


def missing_prices(prices: PairPrices) -> tuple[str, ...]:
    """Return sentences on what is charged as objects are moved, and has no price: requests, and their transfer."""
    places = (prices.source, prices.destination)
    requests = [_no_price(one, STANDARD) for one in places if one.of_class(STANDARD).put is None]
    transfers = [
        unpriced
        for method in prices.methods
        for price, unpriced in transfer_prices(method, prices)
        if price is None
    ]
    return tuple(dict.fromkeys([*requests, *transfers]))


def transfer_prices(method: Method, prices: PairPrices) -> Iterator[tuple[Decimal | None, str]]:
    """Yield the prices of a GB on its way from the source to the destination, None if unknown, with a sentence on it.

    | from        | to                    | price                                       |
    |-------------|-----------------------|---------------------------------------------|
    | region      | the same region       | free                                        |
    | region      | another region        | between regions, of the one that it leaves  |
    | region      | internet, other store | internet, of the region                     |
    | internet    | region                | free                                        |
    | other store | anywhere              | internet, of the store, if it has one       |
    """
    source, location, destination = prices.source, prices.location, prices.destination
    if method is Method.SERVER_SIDE_COPY:
        yield from _leg(source, destination)
    elif location is None:
        yield None, "the transfer of streamed bytes (prices.location does not say where s3mover runs)"
    else:
        yield from _leg(source, location)
        yield from _leg(location, destination)


def _leg(start: PlacePrices, end: PlacePrices) -> Iterator[tuple[Decimal | None, str]]:
    if start.name in (INTERNET, end.name):
        return
    if start.is_region and end.is_region:
        price = start.to_region(end.name)
    else:
        price = start.internet[0].price if start.internet else None
    yield price, f"the transfer from {start.name} to {end.name}"


def _add_requests(total: _Sum, usage: Usage, prices: PairPrices) -> None:
    mixes = {
        Side.SOURCE: _mix(usage, ""),
        Side.DESTINATION: _mix(usage, prices.destination_class),
    }
    places = {Side.SOURCE: prices.source, Side.DESTINATION: prices.destination}
    for (side, operation, code), count in usage.requests.items():
        kind = kind_of(operation)
        if kind is None or not is_charged(code):
            continue
        mix = mixes[side] if is_by_class(operation) else {STANDARD: Decimal(1)}
        for storage_class, share in mix.items():
            prices_of_class = places[side].of_class(storage_class)
            price = prices_of_class.put if kind is Kind.PUT_REQUESTS else prices_of_class.get
            total.add(kind, share * count / _PER_REQUEST, price, _no_price(places[side], storage_class))
        if prices.uses_kms and side is Side.DESTINATION and operation in WRITES:
            total.add(
                Kind.KMS_REQUESTS, Decimal(count) / _PER_KMS_REQUEST, prices.kms, "the requests to AWS KMS"
            )


def _no_price(place: PlacePrices, storage_class: str) -> str:
    if place.classes:
        return f"requests for objects of the storage class {storage_class} in {place.name}"
    return f"requests to {place.name}"


def _mix(usage: Usage, fixed: str) -> Mapping[str, Decimal]:
    """Return the storage classes of the moved objects with their shares; `fixed` is one that all of them have."""
    objects: Counter[str] = Counter()
    for (_, storage_class), moved in usage.moved.items():
        objects[fixed or storage_class or STANDARD] += moved.objects
    whole = objects.total()
    if not whole:
        return {fixed or STANDARD: Decimal(1)}
    return {name: Decimal(number) / whole for name, number in objects.items()}


def difference(later: Usage, earlier: Usage) -> Usage:
    """Return what was done between two states of a usage."""
    requests = Counter(later.requests)
    requests.subtract(earlier.requests)
    moved = {
        key: Moved(now.objects - before.objects, now.bytes - before.bytes)
        for key, now in later.moved.items()
        for before in [earlier.moved.get(key, Moved())]
        if now != before
    }
    return Usage({key: count for key, count in requests.items() if count}, moved)


def added(bills: Iterable[Bill]) -> Bill:
    """Return the sum of bills."""
    amounts: Counter[Kind] = Counter()
    unpriced: dict[str, None] = {}
    for bill in bills:
        amounts.update(bill.amounts)
        unpriced |= dict.fromkeys(bill.unpriced)
    return Bill(dict(amounts), tuple(unpriced))
