"""The `estimate` command: lists and compares as a dry run does, and prints what a sweep would cost."""

import time
from collections.abc import Iterator
from contextlib import closing
from typing import NamedTuple

from s3mover.app.factories import pair_of, pair_prices_of
from s3mover.app.listings import plan_of
from s3mover.commands.each_route import Echo, for_each_route
from s3mover.commands.limited_endpoints import ignore_event, open_limited_endpoints
from s3mover.commands.trail_decisions import asking_trail, opened_trail
from s3mover.costs.bill import difference
from s3mover.costs.billing import Kind
from s3mover.costs.estimate import DAY_SECONDS, Estimate, Estimator, TransferPlan
from s3mover.costs.money import money_text, usd
from s3mover.costs.prices import PairPrices, PlacePrices
from s3mover.errors import ExitCode
from s3mover.model import Method
from s3mover.observe.text import human_size, to_json, visible
from s3mover.settings import Route, Settings
from s3mover.settings.prices import read_prices
from s3mover.sweep.cost_meter import CostMeter

_METHODS = {Method.SERVER_SIDE_COPY: "server-side copy", Method.STREAMING: "streaming"}
_NAMES = {
    Kind.PUT_REQUESTS: "PUT, COPY, POST and LIST requests",
    Kind.GET_REQUESTS: "GET, HEAD and other requests",
    Kind.RETRIEVAL: "Retrieval from the storage class",
    Kind.TRANSFER: "Transfer between regions or to the internet",
    Kind.KMS_REQUESTS: "Requests to AWS KMS",
}


class RouteEstimate(NamedTuple):
    """The estimate of one route: `seconds` is how long listing and comparing took, `interval` that of sweeps."""

    pair: str
    estimate: Estimate
    prices: PairPrices
    method: Method
    seconds: float
    interval: float

    @property
    def sweeps_per_day(self) -> float:
        """How many sweeps a day has that find nothing to move."""
        return DAY_SECONDS / max(1.0, self.interval + self.seconds)

    @property
    def idle_per_day(self) -> int | None:
        """What they cost together, in micro-dollars; None if that is not known."""
        idle = self.estimate.idle.known
        return None if idle is None else round(idle * self.sweeps_per_day)


def estimate(settings: Settings, echo: Echo, *, as_json: bool) -> ExitCode:
    """Print what a sweep of each route would cost.

    Raises:
        MoverError: a bucket cannot be listed, or `prices.file` is not valid.
    """
    documents: list[dict[str, object]] = []

    def one(route: Route) -> ExitCode:
        found = _estimate(route.settings, (lambda _: None) if as_json else echo)
        documents.append({"route": route.name, **document(found)})
        if not as_json:
            for line in table_lines(found):
                echo(line)
        return ExitCode.OK

    code = for_each_route(settings, echo, one, headings=not as_json)
    if as_json:
        echo(to_json({"currency": "USD", "routes": documents}).decode())
    return code


def _estimate(settings: Settings, echo: Echo) -> RouteEstimate:
    book, meter, began_at = read_prices(settings.prices.file), CostMeter(), time.monotonic()
    notify = meter.listening(ignore_event)
    with open_limited_endpoints(settings, notify) as endpoints, opened_trail(settings, echo) as trail:
        opened = meter.usage()
        prices = pair_prices_of(settings, endpoints, book)
        method = prices.methods[0]
        plan = TransferPlan(
            method,
            settings.transfer.part_size,
            head_first=settings.transfer.thorough == "always",
            deletes=settings.transfer.after == "delete",
        )
        estimator = Estimator(plan, prices, time.time())
        with closing(plan_of(settings, endpoints, ignore_event).diffs()) as diffs:
            for diff in map(asking_trail(settings, trail), diffs):
                for entry, _reason in diff.transfers:
                    estimator.add(entry)
        listing = difference(meter.usage(), opened).requests
    return RouteEstimate(
        str(pair_of(settings)),
        estimator.estimate(listing),
        prices,
        method,
        time.monotonic() - began_at,
        settings.sweep.interval,
    )


def table_lines(found: RouteEstimate) -> Iterator[str]:
    """Yield the lines of an estimate for people."""
    one, prices = found.estimate, found.prices
    yield visible(found.pair)
    yield f"{_place(prices.source)} -> {_place(prices.destination)}"
    yield f"{one.objects:,} objects, {human_size(one.bytes)}, by {_METHODS[found.method]}"
    yield ""
    requests = one.requests()
    for kind, name in _NAMES.items():
        quantity = f"{requests[kind]:,}" if kind in requests else human_size(_bytes_of(kind, one))
        if kind in one.bill.amounts or kind in requests:
            yield _row(name, quantity, one.bill.amounts.get(kind, None if requests.get(kind) else 0))
    yield _row("This sweep", "", one.bill.known)
    yield ""
    yield _row("Storage at the destination, per month", human_size(one.bytes), one.storage)
    if one.early_deletion != 0:
        yield _row("Early deletion at the source", "", one.early_deletion)
    yield _row("A sweep that finds nothing to move", f"{_listed(one):,}", one.idle.known)
    yield _row("Such sweeps, per day", f"{found.sweeps_per_day:,.0f}", found.idle_per_day)
    yield ""
    for what in one.bill.unpriced:
        yield f"Not included, for lack of a price: {visible(what)}"
    yield from _remarks(found)


def _row(name: str, quantity: str, amount: int | None) -> str:
    return f"  {name:<45}{quantity:>14}{'not known' if amount is None else money_text(amount):>16}"


def _remarks(found: RouteEstimate) -> Iterator[str]:
    if found.method is Method.SERVER_SIDE_COPY:
        yield "Assumes that server-side copies are permitted; `s3mover check` says whether they are."
    if found.estimate.early_deletion is None:
        yield "The fee for early deletion at the source is not known."
    yield (
        "List prices of the first, most expensive tier, without taxes, free allowances and discounts (prices.file); "
        "retries, tags and refused copies come on top. See docs/costs.md."
    )


def _place(place: PlacePrices) -> str:
    if not place.as_of:
        return f"{visible(place.name)} ({'prices of prices.file' if place.classes else 'prices not known'})"
    transfer = f", transfer {place.transfer_as_of}" if place.transfer_as_of else ""
    return f"{visible(place.name)} (prices as of {place.as_of}{transfer})"


def _bytes_of(kind: Kind, one: Estimate) -> int:
    return one.crossing if kind is Kind.TRANSFER else one.bytes


def _listed(one: Estimate) -> int:
    """Return how many requests a sweep makes that finds nothing to move."""
    return sum(one.listing.values())


def document(found: RouteEstimate) -> dict[str, object]:
    """Return an estimate for JSON, amounts in dollars."""
    one = found.estimate
    return {
        "pair": found.pair,
        "source": _place_document(found.prices.source),
        "destination": _place_document(found.prices.destination),
        "location": None if found.prices.location is None else found.prices.location.name,
        "method": found.method.value,
        "objects": one.objects,
        "bytes": one.bytes,
        "crossing_bytes": one.crossing,
        "requests": {kind.value: count for kind, count in one.requests().items()},
        "sweep_usd": _usd(one.bill.known),
        "kinds_usd": {kind.value: usd(amount) for kind, amount in one.bill.amounts.items()},
        "idle_sweep_usd": _usd(one.idle.known),
        "sweeps_per_day": round(found.sweeps_per_day, 2),
        "idle_per_day_usd": _usd(found.idle_per_day),
        "storage_per_month_usd": _usd(one.storage),
        "early_deletion_usd": _usd(one.early_deletion),
        "unpriced": list(one.bill.unpriced),
    }


def _usd(amount: int | None) -> float | None:
    return None if amount is None else usd(amount)


def _place_document(place: PlacePrices) -> dict[str, object]:
    return {
        "name": place.name,
        "as_of": place.as_of or None,
        "transfer_as_of": place.transfer_as_of or None,
        "known": bool(place.classes),
    }
