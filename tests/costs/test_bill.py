"""What usage costs: the three cases that docs/costs.md computes by hand, and each billing rule."""

from collections.abc import Mapping
from decimal import Decimal

import pytest

from s3mover.costs.bill import Bill, Moved, Usage, added, bill_of, difference, missing_prices
from s3mover.costs.billing import Kind, is_charged, kind_of
from s3mover.costs.money import GB, micros, money_text
from s3mover.costs.prices import INTERNET, ClassPrices, PairPrices, PlacePrices, PriceBook
from s3mover.model import Method, Side
from s3mover.settings.prices import read_prices

MIB = 2**20
OUTSIDE = PlacePrices(INTERNET, is_region=False)
FREE_STORE = PlacePrices(
    "minio.example.com:9000",
    is_region=False,
    classes={"STANDARD": ClassPrices(put=Decimal(0), get=Decimal(0))},
)


@pytest.fixture(name="book", scope="module")
def _book() -> PriceBook:
    return read_prices()


def usage(
    requests: Mapping[tuple[Side, str], int], moved: Mapping[tuple[Method, str], Moved] | None = None
) -> Usage:
    """Return usage all of whose requests succeeded."""
    return Usage({(*key, "200"): count for key, count in requests.items()}, moved or {})


def test_case_1_ten_thousand_copies_within_a_region(book: PriceBook) -> None:
    """10,011 put requests at $0.0054 per 1,000: eleven pages listed, and the copies."""
    frankfurt = book.regions["eu-central-1"]
    done = usage(
        {
            (Side.SOURCE, "ListObjectsV2"): 10,
            (Side.DESTINATION, "ListObjectsV2"): 1,
            (Side.DESTINATION, "CopyObject"): 10_000,
        },
        {(Method.SERVER_SIDE_COPY, "STANDARD"): Moved(10_000, 10_000 * MIB)},
    )
    assert bill_of(done, PairPrices(frankfurt, frankfurt)) == Bill({Kind.PUT_REQUESTS: 54_059})


def test_case_2_infrequent_access_copied_to_another_region(book: PriceBook) -> None:
    """A put request of the class at the destination, retrieval and transfer of 97.65625 GB at the source."""
    virginia, frankfurt = book.regions["us-east-1"], book.regions["eu-central-1"]
    done = usage(
        {
            (Side.SOURCE, "ListObjectsV2"): 1,
            (Side.DESTINATION, "ListObjectsV2"): 1,
            (Side.DESTINATION, "CopyObject"): 1000,
        },
        {(Method.SERVER_SIDE_COPY, "STANDARD_IA"): Moved(1000, 1000 * 100 * MIB)},
    )
    bill = bill_of(done, PairPrices(virginia, frankfurt))
    assert bill.amounts == {Kind.PUT_REQUESTS: 10_010, Kind.RETRIEVAL: 976_563, Kind.TRANSFER: 1_953_125}
    assert (bill.total, money_text(bill.total), bill.unpriced) == (2_939_698, "$2.94", ())


def test_case_3_a_large_object_streamed_out_of_aws_to_a_store_without_charges(book: PriceBook) -> None:
    """162 get requests, of which one was refused with 412, and 10 GB to the internet; 503 is not charged."""
    done = Usage(
        {
            (Side.SOURCE, "HeadObject", "200"): 1,
            (Side.SOURCE, "GetObject", "200"): 160,
            (Side.SOURCE, "GetObject", "PreconditionFailed"): 1,
            (Side.SOURCE, "GetObject", "SlowDown"): 5,
            (Side.DESTINATION, "UploadPart", "200"): 160,
        },
        {(Method.STREAMING, "STANDARD"): Moved(1, 10 * GB)},
    )
    bill = bill_of(done, PairPrices(book.regions["us-east-1"], FREE_STORE, location=OUTSIDE))
    assert bill.amounts == {Kind.GET_REQUESTS: 65, Kind.PUT_REQUESTS: 0, Kind.TRANSFER: 900_000}
    assert bill.unpriced == ()


@pytest.mark.parametrize(
    ("operation", "kind"),
    [
        ("CopyObject", Kind.PUT_REQUESTS),
        ("UploadPartCopy", Kind.PUT_REQUESTS),
        ("CompleteMultipartUpload", Kind.PUT_REQUESTS),
        ("ListObjectsV2", Kind.PUT_REQUESTS),
        ("PutObjectTagging", Kind.PUT_REQUESTS),
        ("HeadObject", Kind.GET_REQUESTS),
        ("GetObjectTagging", Kind.GET_REQUESTS),
        ("DeleteObjects", None),
        ("AbortMultipartUpload", None),
    ],
)
def test_operations_are_charged_by_the_table(operation: str, kind: Kind | None) -> None:
    """Copies and listings are put requests; deletions are free."""
    assert kind_of(operation) is kind


@pytest.mark.parametrize(
    ("code", "charged"),
    [
        ("200", True),
        ("NoSuchKey", True),
        ("AccessDenied", True),
        ("PreconditionFailed", True),
        ("Timeout", True),
        ("IncompleteBody", True),
        ("SlowDown", False),
        ("InternalError", False),
        ("503", False),
        ("TemporaryRedirect", False),
        ("ExpiredToken", False),
        ("ConnectionError", False),
    ],
)
def test_answers_are_charged_by_the_table(code: str, charged: bool) -> None:
    """4xx is charged, 5xx is not; where S3 may have carried a request out it counts."""
    assert is_charged(code) is charged


def test_requests_are_divided_among_the_classes_of_the_objects(book: PriceBook) -> None:
    """Of 4,000 copies a quarter goes to GLACIER_IR: 3,000 at $0.005 and 1,000 at $0.02 per 1,000."""
    virginia = book.regions["us-east-1"]
    done = usage(
        {(Side.DESTINATION, "CopyObject"): 4000},
        {
            (Method.SERVER_SIDE_COPY, "STANDARD"): Moved(3000, 0),
            (Method.SERVER_SIDE_COPY, "GLACIER_IR"): Moved(1000, 0),
        },
    )
    assert bill_of(done, PairPrices(virginia, virginia)).amounts[Kind.PUT_REQUESTS] == 35_000
    fixed = PairPrices(virginia, virginia, destination_class="STANDARD_IA")
    assert bill_of(done, fixed).amounts[Kind.PUT_REQUESTS] == 40_000


def test_a_listing_costs_the_same_whatever_it_lists(book: PriceBook) -> None:
    """It has the price of STANDARD."""
    virginia = book.regions["us-east-1"]
    done = usage(
        {(Side.SOURCE, "ListObjectsV2"): 1000}, {(Method.SERVER_SIDE_COPY, "GLACIER_IR"): Moved(1, 0)}
    )
    assert bill_of(done, PairPrices(virginia, virginia)).amounts[Kind.PUT_REQUESTS] == 5000


def test_encryption_with_kms_counts_a_request_for_each_write(book: PriceBook) -> None:
    """20,000 copies at $0.03 per 10,000."""
    virginia = book.regions["us-east-1"]
    prices = PairPrices(virginia, virginia, kms=book.kms, uses_kms=True)
    done = usage({(Side.DESTINATION, "CopyObject"): 20_000, (Side.SOURCE, "HeadObject"): 5})
    assert bill_of(done, prices).amounts[Kind.KMS_REQUESTS] == 60_000


@pytest.mark.parametrize(
    ("location", "price"),
    [("eu-central-1", 20_000), ("us-east-1", 20_000), ("eu-west-1", 40_000), (INTERNET, 90_000)],
)
def test_streamed_bytes_cost_what_each_way_costs(book: PriceBook, location: str, price: int) -> None:
    """A GB from Virginia to Frankfurt: by way of either region, of a third one, and of a machine outside AWS."""
    place = book.regions.get(location, OUTSIDE)
    prices = PairPrices(book.regions["us-east-1"], book.regions["eu-central-1"], location=place)
    done = usage({}, {(Method.STREAMING, ""): Moved(1, GB)})
    assert bill_of(done, prices).amounts == {Kind.TRANSFER: price}


def test_what_has_no_price_is_said_and_not_guessed(book: PriceBook) -> None:
    """Unknown regions, stores and locations are named; the rest is summed."""
    mars = PlacePrices("mars-1")
    done = usage(
        {(Side.SOURCE, "ListObjectsV2"): 1000, (Side.DESTINATION, "PutObject"): 1},
        {(Method.STREAMING, ""): Moved(1, GB)},
    )
    bill = bill_of(done, PairPrices(book.regions["us-east-1"], mars))
    assert bill.total == 5000
    assert bill.unpriced == (
        "requests to mars-1",
        "the transfer of streamed bytes (prices.location does not say where s3mover runs)",
    )


@pytest.mark.parametrize(
    ("methods", "missing"),
    [
        ((Method.SERVER_SIDE_COPY,), ()),
        (
            tuple(Method),
            ("the transfer of streamed bytes (prices.location does not say where s3mover runs)",),
        ),
    ],
)
def test_what_lacks_a_price_depends_on_how_objects_may_be_moved(
    book: PriceBook, methods: tuple[Method, ...], missing: tuple[str, ...]
) -> None:
    """What is copied only needs no place where it passes."""
    virginia = book.regions["us-east-1"]
    assert missing_prices(PairPrices(virginia, virginia, methods=methods)) == missing
    here = PairPrices(virginia, virginia, methods=methods, location=virginia)
    assert missing_prices(here) == ()
    mars = PlacePrices("mars-1")
    assert missing_prices(here._replace(destination=mars))[0] == "requests to mars-1"


def test_a_class_without_a_price_is_named(book: PriceBook) -> None:
    """A region that is known may lack a class."""
    virginia = book.regions["us-east-1"]
    done = usage(
        {(Side.DESTINATION, "CopyObject"): 1}, {(Method.SERVER_SIDE_COPY, "EXPRESS_ONEZONE"): Moved(1, 1)}
    )
    assert bill_of(done, PairPrices(virginia, virginia)).unpriced == (
        "requests for objects of the storage class EXPRESS_ONEZONE in us-east-1",
    )


def test_the_difference_of_two_states_is_what_was_done_between_them() -> None:
    """Sweeps are billed apart, though the counters go on."""
    key, other = (Side.SOURCE, "HeadObject", "200"), (Side.SOURCE, "GetObject", "200")
    earlier = Usage({key: 2}, {(Method.STREAMING, ""): Moved(1, 10)})
    later = Usage({key: 2, other: 3}, {(Method.STREAMING, ""): Moved(2, 15)})
    assert difference(later, earlier) == Usage({other: 3}, {(Method.STREAMING, ""): Moved(1, 5)})


def test_bills_add_up() -> None:
    """By kind, with each sentence once."""
    one, two = Bill({Kind.TRANSFER: 1}, ("a",)), Bill({Kind.TRANSFER: 2, Kind.RETRIEVAL: 3}, ("a", "b"))
    assert added([one, two]) == Bill({Kind.TRANSFER: 3, Kind.RETRIEVAL: 3}, ("a", "b"))


def test_amounts_are_rounded_once_half_a_micro_dollar_up() -> None:
    """Three requests of 0.4 micro-dollars are 1.2, not three times 0."""
    assert [micros(Decimal(text)) for text in ("0.0000004", "0.0000005", "0.0000012")] == [0, 1, 1]


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (0, "$0.00"),
        (1, "< $0.0001"),
        (54_059, "$0.0541"),
        (2_939_698, "$2.94"),
        (1_234_567_890_000, "$1,234,567.89"),
    ],
)
def test_amounts_are_written_for_people(amount: int, text: str) -> None:
    """Small amounts keep digits that matter."""
    assert money_text(amount) == text
