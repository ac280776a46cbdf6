"""Price files: what is accepted, what is refused with its key, and how a file overrides the package's prices."""

from decimal import Decimal
from pathlib import Path

import pytest

from s3mover.costs.price_file import PriceFileError, merged, price_book, selected
from s3mover.costs.prices import Tier
from s3mover.errors import SettingsError
from s3mover.settings.prices import read_price_content, read_prices


def test_every_region_of_the_package_has_all_prices_and_their_days() -> None:
    """A region that is listed has nothing that would have to be guessed."""
    regions = read_prices().regions
    assert len(regions) >= 20
    for region in regions.values():
        assert region.as_of
        assert region.transfer_as_of
        assert region.internet
        assert region.to_region("elsewhere") is not None
        assert set(region.classes) >= {"STANDARD", "STANDARD_IA", "GLACIER_IR", "GLACIER", "DEEP_ARCHIVE"}
        for prices in region.classes.values():
            assert None not in (prices.put, prices.get)
            assert prices.storage


def test_classes_hold_for_every_region_that_does_not_say_otherwise() -> None:
    """What is the same everywhere stands once."""
    book = price_book(
        {
            "classes": {"STANDARD_IA": {"put": "0.01", "minimum_days": "30"}},
            "regions": {"r": {"classes": {"STANDARD_IA": {"put": "0.02", "storage": "0.0125"}}}},
        }
    )
    prices = book.regions["r"].of_class("STANDARD_IA")
    assert (prices.put, prices.minimum_days, prices.storage) == (
        Decimal("0.02"),
        30,
        (Tier(Decimal("0.0125")),),
    )


def test_a_region_or_class_that_is_not_listed_has_no_prices() -> None:
    """Unknown is not free, and is not guessed."""
    book = price_book({"regions": {"r": {"classes": {"STANDARD": {"put": "0.005"}}}}})
    assert "mars-1" not in book.regions
    assert book.regions["r"].of_class("GLACIER").put is None
    assert book.regions["r"].to_region("mars-1") is None


def test_a_file_overrides_single_prices_and_adds_stores(tmp_path: Path) -> None:
    """What the file does not name stays as the package has it."""
    file = tmp_path / "prices.yaml"
    file.write_text(
        "regions: {eu-central-1: {as_of: 2027-01-01, classes: {STANDARD: {put: 0.006}}}}\n"
        "stores: {'minio.example.com:9000': {classes: {STANDARD: {put: 0, get: 0}}, internet: 0}}\n",
        encoding="utf-8",
    )
    book, packaged = read_prices(str(file)), read_prices()
    ours, theirs = book.regions["eu-central-1"], packaged.regions["eu-central-1"]
    assert (ours.as_of, ours.of_class("").put) == ("2027-01-01", Decimal("0.006"))
    assert ours.of_class("").get == theirs.of_class("").get
    assert book.regions["us-east-1"] == packaged.regions["us-east-1"]
    assert book.stores["minio.example.com:9000"].of_class("STANDARD").put == 0


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (
            "regions: {r: {classes: {STANDARD: {put: cheap}}}}",
            'regions.r.classes.STANDARD.put: "cheap" is not a price',
        ),
        (
            "regions: {r: {classes: {STANDARD: {put: -1}}}}",
            'regions.r.classes.STANDARD.put: "-1" is not a price',
        ),
        ("regions: {r: {classes: {STANDARD: {put: nan}}}}", '"nan" is not a price'),
        ("regions: {r: {classes: {STANDARD: {put: 1e-40}}}}", '"1e-40" is not a price'),
        (
            "regions: {r: {classes: {STANDARD: {putt: 1}}}}",
            "regions.r.classes.STANDARD.putt: is not a key of prices; did",
        ),
        ("region: {}", "region: is not a key of prices; did you mean regions?"),
        ("regions: 5", 'regions: "5" is not a mapping'),
        (
            "regions: {r: {classes: {STANDARD_IA: {minimum_days: x}}}}",
            'minimum_days: "x" is not a whole number',
        ),
        (
            "regions: {r: {internet: [{price: 1}, {price: 2}]}}",
            "regions.r.internet: has tiers in the wrong order",
        ),
        ("regions: {r: {internet: [{up_to_gb: 5}]}}", "regions.r.internet[0]: has no price"),
        ("regions: {internet: {}}", "regions.internet: is not the name of a region"),
        ("kms: {requests: free}", 'kms.requests: "free" is not a price'),
        ("- a", 'the file: "(a list or mapping)" is not a mapping'),
        ("a: [", "line 1: not valid YAML"),
    ],
)
def test_an_invalid_price_is_refused_with_its_key(tmp_path: Path, content: str, problem: str) -> None:
    """The message names the setting, the file and the key."""
    file = tmp_path / "prices.yaml"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(SettingsError) as refused:
        read_prices(str(file))
    assert str(file) in str(refused.value)
    assert problem in str(refused.value)
    assert "prices.file" in str(refused.value)


def test_all_problems_of_a_file_are_said_at_once() -> None:
    """A user mends them in one go."""
    with pytest.raises(PriceFileError) as refused:
        price_book({"kms": {"requests": "a"}, "sqs": {"requests": "b"}})
    assert len(refused.value.problems) == 2


def test_a_file_that_cannot_be_read_is_named() -> None:
    """The message is that of a setting."""
    with pytest.raises(SettingsError, match=r"prices\.file: no/such/file cannot be read"):
        read_prices("no/such/file")


def test_another_process_gets_only_the_places_that_it_needs() -> None:
    """The prices of the others are not sent."""
    content = selected(read_price_content(), ["eu-central-1"])
    assert price_book(content).regions == {"eu-central-1": read_prices().regions["eu-central-1"]}
    assert price_book(content).kms is not None


def test_what_is_merged_leaves_both_as_they_were() -> None:
    """The package's prices are read once, and shared."""
    below = {"a": {"b": "1", "c": "2"}}
    assert merged(below, {"a": {"b": "3"}}) == {"a": {"b": "3", "c": "2"}}
    assert below == {"a": {"b": "1", "c": "2"}}
