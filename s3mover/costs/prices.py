"""The prices of one region or store, and those that hold for a pair of buckets.

Units are those of `prices.yaml`: put and get per 1,000 requests, retrieval and transfer per GB, storage per GB and
month, monitoring per 1,000 objects and month, KMS per 10,000 requests. None is a price that is not known.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType
from typing import NamedTuple

from s3mover.model import Method

STANDARD = "STANDARD"
# The value of `prices.location` for a machine outside AWS.
INTERNET = "internet"


class Tier(NamedTuple):
    """The price per GB up to so many GB in a month; the last tier has no end."""

    price: Decimal
    up_to_gb: Decimal | None = None


class ClassPrices(NamedTuple):
    """The prices of one storage class, and how its objects are counted: durations in days, sizes in bytes.

    Objects below `minimum_bytes` are charged as if they had so many, those deleted before `minimum_days` as if they had
    been kept so long. `overhead_bytes` are added to each object, `overhead_standard_bytes` at the price of STANDARD.
    """

    put: Decimal | None = None
    get: Decimal | None = None
    retrieval: Decimal | None = None
    storage: Sequence[Tier] = ()
    monitoring: Decimal | None = None
    minimum_days: int = 0
    minimum_bytes: int = 0
    overhead_bytes: int = 0
    overhead_standard_bytes: int = 0


class PlacePrices(NamedTuple):
    """The prices of one AWS region, or of one other store, or (`INTERNET`) of a place outside both, which has none.

    `internet` is the price of bytes that leave AWS, `between_regions` that of bytes to another region, with the key
    `other` for those that are not named. `as_of` is the day of the prices, `transfer_as_of` that of the last ones.
    """

    name: str
    is_region: bool = True
    as_of: str = ""
    classes: Mapping[str, ClassPrices] = MappingProxyType({})
    internet: Sequence[Tier] = ()
    between_regions: Mapping[str, Decimal] = MappingProxyType({})
    transfer_as_of: str = ""

    def of_class(self, storage_class: str) -> ClassPrices:
        """Return the prices of a storage class, all unknown if it is not listed; an empty name is STANDARD."""
        return self.classes.get(storage_class or STANDARD, ClassPrices())

    def to_region(self, region: str) -> Decimal | None:
        """Return the price of a GB to another region."""
        return self.between_regions.get(region, self.between_regions.get("other"))


class PriceBook(NamedTuple):
    """All prices: by region, by other store, and those of AWS KMS and of SQS (per 1,000,000 requests)."""

    regions: Mapping[str, PlacePrices] = MappingProxyType({})
    stores: Mapping[str, PlacePrices] = MappingProxyType({})
    kms: Decimal | None = None
    kms_as_of: str = ""
    sqs: Decimal | None = None
    sqs_as_of: str = ""


NO_PRICES = PriceBook()


class PairPrices(NamedTuple):
    """The prices of a pair of buckets, and what decides which of them apply.

    `destination_class` is the storage class of the copies, empty for that of each source object. `location` is where
    streamed bytes pass, None if that is not known. `kms` is the price of the requests by which the destination
    encrypts, if it `uses_kms`. `methods` are those by which objects may be moved, the usual one first.
    """

    source: PlacePrices
    destination: PlacePrices
    destination_class: str = ""
    location: PlacePrices | None = None
    kms: Decimal | None = None
    uses_kms: bool = False
    methods: tuple[Method, ...] = ()
