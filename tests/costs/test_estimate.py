"""What a sweep would cost, before it is made: requests of each object, storage, early deletion."""

from decimal import Decimal

import pytest

from s3mover.costs.bill import Usage
from s3mover.costs.billing import Kind
from s3mover.costs.estimate import Estimate, Estimator, TransferPlan, requests_of, tiered
from s3mover.costs.money import GB
from s3mover.costs.prices import INTERNET, PairPrices, PlacePrices, PriceBook, Tier
from s3mover.model import Method, ObjectEntry, Side
from s3mover.settings.prices import read_prices

MIB = 2**20
MD5 = "0" * 32
NOW = 1_767_225_600.0  # 2026-01-01
COPY = TransferPlan(Method.SERVER_SIDE_COPY, 64 * MIB)
STREAM = TransferPlan(Method.STREAMING, 64 * MIB)
S, D = Side.SOURCE, Side.DESTINATION


@pytest.fixture(name="book", scope="module")
def _book() -> PriceBook:
    return read_prices()


def entry(
    size: int, storage_class: str = "STANDARD", etag: str = MD5, at: str = "2025-12-22T00:00:00.000Z"
) -> ObjectEntry:
    return ObjectEntry("k", size, etag, at, storage_class)


def estimated(prices: PairPrices, *entries: ObjectEntry, plan: TransferPlan = COPY) -> Estimate:
    estimator = Estimator(plan, prices, NOW)
    for one in entries:
        estimator.add(one)
    return estimator.estimate({(S, "ListObjectsV2", "200"): 2, (D, "ListObjectsV2", "200"): 1})


@pytest.mark.parametrize(
    ("size", "etag", "plan", "requests"),
    [
        (10, MD5, COPY, {(D, "CopyObject"): 1}),
        (0, MD5, STREAM, {(S, "GetObject"): 1, (D, "PutObject"): 1}),
        (10, MD5, COPY._replace(head_first=True), {(D, "CopyObject"): 1, (S, "HeadObject"): 1}),
        (10, f"{MD5}-2", COPY, {(D, "CopyObject"): 1, (S, "HeadObject"): 1, (D, "HeadObject"): 1}),
        (
            6 * GB,
            f"{MD5}-96",
            COPY,
            {
                (S, "HeadObject"): 2,
                (D, "HeadObject"): 1,
                (D, "CreateMultipartUpload"): 1,
                (D, "UploadPartCopy"): 96,
                (D, "CompleteMultipartUpload"): 1,
            },
        ),
        (
            65 * MIB,
            MD5,
            STREAM,
            {
                (S, "HeadObject"): 1,
                (S, "GetObject"): 2,
                (D, "CreateMultipartUpload"): 1,
                (D, "UploadPart"): 2,
                (D, "CompleteMultipartUpload"): 1,
            },
        ),
    ],
)
def test_each_object_takes_the_requests_of_the_table(
    size: int, etag: str, plan: TransferPlan, requests: dict[tuple[Side, str], int]
) -> None:
    """At once or in parts, copied or streamed."""
    assert requests_of(entry(size, etag=etag), plan) == requests


def test_a_sweep_has_its_listing_and_its_transfers_and_an_idle_one_the_listing_alone(book: PriceBook) -> None:
    """1,003 put requests at $0.0054 per 1,000, or three."""
    frankfurt = book.regions["eu-central-1"]
    found = estimated(PairPrices(frankfurt, frankfurt), *[entry(MIB)] * 1000)
    assert (found.objects, found.bytes, found.crossing) == (1000, 1000 * MIB, 0)
    assert found.requests() == {Kind.PUT_REQUESTS: 1003, Kind.GET_REQUESTS: 0}
    assert (found.bill.total, found.idle.total) == (5416, 16)


def test_bytes_that_leave_a_region_are_told(book: PriceBook) -> None:
    """Copied to another region, or streamed to a machine elsewhere."""
    virginia, frankfurt = book.regions["us-east-1"], book.regions["eu-central-1"]
    assert estimated(PairPrices(virginia, frankfurt), entry(5)).crossing == 5
    outside = PairPrices(virginia, virginia, location=PlacePrices(INTERNET, is_region=False))
    assert estimated(outside, entry(5), plan=STREAM).crossing == 5
    inside = outside._replace(location=virginia)
    assert estimated(inside, entry(5), plan=STREAM).crossing == 0


def test_storage_is_charged_as_the_class_counts_it(book: PriceBook) -> None:
    """A GB of STANDARD, small objects as 128 KiB, and what archives add to each object."""
    virginia = book.regions["us-east-1"]
    prices = PairPrices(virginia, virginia)
    assert estimated(prices, entry(GB)).storage == 23_000
    infrequent = prices._replace(destination_class="STANDARD_IA")
    assert estimated(infrequent, *[entry(1)] * 8192).storage == 12_500
    archive = prices._replace(destination_class="GLACIER")
    # 32 KiB at $0.0036, 8 KiB at $0.023 per GB, 32,768 times.
    assert estimated(archive, *[entry(0)] * 32768).storage == 3_600 + 5_750
    tiering = prices._replace(destination_class="INTELLIGENT_TIERING")
    assert estimated(tiering, *[entry(2**20)] * 1024).storage == 23_000 + 2_560


def test_storage_without_a_price_is_not_known() -> None:
    """It is not free."""
    nowhere = PlacePrices("nowhere")
    assert estimated(PairPrices(nowhere, nowhere), entry(1)).storage is None


def test_tiers_are_charged_one_after_the_other() -> None:
    """60 TB: 50 at the first price, 10 at the second."""
    tiers = (Tier(Decimal("0.023"), Decimal(51200)), Tier(Decimal("0.022")))
    assert tiered(Decimal(61440), tiers) == Decimal("0.023") * 51200 + Decimal("0.022") * 10240
    assert tiered(Decimal(1), tiers) == Decimal("0.023")


def test_deleting_sources_early_costs_the_rest_of_their_minimum(book: PriceBook) -> None:
    """Ten days old, of thirty: twenty days of a GB of STANDARD_IA; nothing for older objects, or other classes."""
    virginia = book.regions["us-east-1"]
    prices, moving = PairPrices(virginia, virginia), COPY._replace(deletes=True)
    early = entry(GB, "STANDARD_IA")
    assert estimated(prices, early, plan=moving).early_deletion == 8_333
    old = entry(GB, "STANDARD_IA", at="2025-11-01T00:00:00.000Z")
    assert estimated(prices, old, entry(GB), plan=moving).early_deletion == 0
    assert estimated(prices, early).early_deletion == 0
    assert estimated(prices, entry(GB, "STANDARD_IA", at="?"), plan=moving).early_deletion == 12_500


def test_kms_requests_are_those_that_write(book: PriceBook) -> None:
    """One for each copy; listings encrypt nothing."""
    virginia = book.regions["us-east-1"]
    prices = PairPrices(virginia, virginia, kms=book.kms, uses_kms=True)
    assert estimated(prices, entry(1), entry(1)).requests()[Kind.KMS_REQUESTS] == 2


def test_nothing_to_move_costs_the_listing(book: PriceBook) -> None:
    """The estimate of a pair that is in sync."""
    virginia = book.regions["us-east-1"]
    found = estimated(PairPrices(virginia, virginia))
    assert found.bill == found.idle
    assert found.usage.moved == Usage().moved
    assert found.storage == 0
