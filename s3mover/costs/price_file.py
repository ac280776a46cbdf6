"""Builds the prices from the content of a price file, and says what is wrong with it. It does not read files.

The content is mappings and lists with texts at their ends, as YAML and JSON give them.
"""

import difflib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

from s3mover.costs.prices import INTERNET, ClassPrices, PlacePrices, PriceBook, Tier

Content = Mapping[str, Any]
T = TypeVar("T")
_LARGEST = Decimal(1_000_000)
_SMALLEST_EXPONENT = -12
_LARGEST_COUNT = 10**12
_PRICES = ("put", "get", "retrieval", "monitoring")
_COUNTS = ("minimum_days", "minimum_bytes", "overhead_bytes", "overhead_standard_bytes")
_TOP = ("classes", "kms", "sqs", "regions", "stores")
_PLACE = ("as_of", "classes", "internet", "between_regions")
_SERVICE = ("requests", "as_of")


class PriceFileError(ValueError):
    """Prices that are not valid; `problems` are sentences, each with the key that it is about."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


def merged(below: Any, above: Any) -> Any:
    """Return `below` with what `above` has in its place, key by key."""
    if not (isinstance(below, Mapping) and isinstance(above, Mapping)):
        return above
    return {
        **below,
        **{key: merged(below[key], value) if key in below else value for key, value in above.items()},
    }


def selected(content: Content, places: Iterable[str]) -> Content:
    """Return the content with only those of the regions and stores."""
    wanted = frozenset(places)
    return {
        key: {name: value[name] for name in value if name in wanted}
        if key in {"regions", "stores"}
        else value
        for key, value in content.items()
    }


def price_book(content: Content) -> PriceBook:
    """Return the prices.

    Raises:
        PriceFileError: with every problem.
    """
    parser = _Parser()
    book = parser.book(content)
    if parser.problems:
        raise PriceFileError(parser.problems)
    return book


class _Parser:
    """Parses a content; keeps a problem for each value that is not valid, and goes on without it."""

    def __init__(self) -> None:
        self.problems: list[str] = []

    def book(self, content: Content) -> PriceBook:
        top = self._mapping(content, "", _TOP)
        common = self._mapping(top.get("classes"), "classes")
        kms, sqs = (self._mapping(top.get(name), name, _SERVICE) for name in ("kms", "sqs"))
        return PriceBook(
            regions=self._places(top.get("regions"), "regions", common, is_region=True),
            stores=self._places(top.get("stores"), "stores", {}, is_region=False),
            kms=self._price(kms.get("requests"), "kms.requests"),
            kms_as_of=self._text(kms.get("as_of"), "kms.as_of"),
            sqs=self._price(sqs.get("requests"), "sqs.requests"),
            sqs_as_of=self._text(sqs.get("as_of"), "sqs.as_of"),
        )

    def _places(self, given: Any, path: str, common: Content, *, is_region: bool) -> dict[str, PlacePrices]:
        found = self._mapping(given, path)
        return {
            name: self._place(
                name, self._mapping(value, f"{path}.{name}", _PLACE), f"{path}.{name}", common, is_region
            )
            for name, value in found.items()
        }

    def _place(self, name: str, given: Content, path: str, common: Content, is_region: bool) -> PlacePrices:
        if is_region and name == INTERNET:
            self._report(path, "is not the name of a region")
        between = dict(self._mapping(given.get("between_regions"), f"{path}.between_regions"))
        transfer_as_of = self._text(between.pop("as_of", None), f"{path}.between_regions.as_of")
        prices = {key: self._price(value, f"{path}.between_regions.{key}") for key, value in between.items()}
        return PlacePrices(
            name=name,
            is_region=is_region,
            as_of=self._text(given.get("as_of"), f"{path}.as_of"),
            classes=self._classes(given.get("classes"), f"{path}.classes", common),
            internet=self._tiers(given.get("internet"), f"{path}.internet"),
            between_regions={key: price for key, price in prices.items() if price is not None},
            transfer_as_of=transfer_as_of,
        )

    def _classes(self, given: Any, path: str, common: Content) -> dict[str, ClassPrices]:
        found = merged(common, self._mapping(given, path))
        return {name: self._class(value, f"{path}.{name}") for name, value in found.items()}

    def _class(self, given: Any, path: str) -> ClassPrices:
        found = self._mapping(given, path, (*_PRICES, *_COUNTS, "storage"))
        return ClassPrices(
            **{name: self._price(found.get(name), f"{path}.{name}") for name in _PRICES},  # type: ignore[arg-type]
            **{name: self._count(found.get(name), f"{path}.{name}") for name in _COUNTS},  # type: ignore[arg-type]
            storage=self._tiers(found.get("storage"), f"{path}.storage"),
        )

    def _tiers(self, given: Any, path: str) -> tuple[Tier, ...]:
        """Return the tiers of a price, which is one number or a list of tiers with rising ends, the last without."""
        if given is None or isinstance(given, str):
            price = self._price(given, path)
            return () if price is None else (Tier(price),)
        if not isinstance(given, list | tuple) or not given:
            self._report(path, "is not a price or a list of tiers")
            return ()
        tiers = [self._tier(value, f"{path}[{at}]") for at, value in enumerate(given)]
        if not _are_ordered(tiers):
            problem = "has tiers in the wrong order (expected up_to_gb to rise, and the last tier without it)"
            self._report(path, problem)
        return tuple(tiers)

    def _tier(self, given: Any, path: str) -> Tier:
        found = self._mapping(given, path, ("price", "up_to_gb"))
        price = self._price(found.get("price"), f"{path}.price")
        if found.get("price") is None:
            self._report(path, "has no price")
        return Tier(
            price or Decimal(0), self._price(found.get("up_to_gb"), f"{path}.up_to_gb", "a number of GB")
        )

    def _price(self, given: Any, path: str, what: str = "a price") -> Decimal | None:
        return self._number(given, path, f"is not {what} (expected a number such as 0.0054)", _decimal)

    def _count(self, given: Any, path: str) -> int:
        return self._number(given, path, "is not a whole number", _whole) or 0

    def _number(self, given: Any, path: str, problem: str, parse: Callable[[str], T]) -> T | None:
        if given is None:
            return None
        try:
            return parse(given if isinstance(given, str) else "")
        except (ValueError, InvalidOperation):
            self._report(path, f"{_shown(given)} {problem}")
            return None

    def _text(self, given: Any, path: str) -> str:
        if given is not None and not isinstance(given, str):
            self._report(path, f"{_shown(given)} is not text")
        return given if isinstance(given, str) else ""

    def _mapping(self, given: Any, path: str, known: Sequence[str] = ()) -> Content:
        """Return a mapping, an empty one for nothing; report keys that are not `known` (empty: any is)."""
        if given is None:
            return {}
        if not isinstance(given, Mapping):
            self._report(path or "the file", f"{_shown(given)} is not a mapping")
            return {}
        for key in [key for key in given if known and key not in known]:
            near = difflib.get_close_matches(key, known, n=1)
            advice = f"did you mean {near[0]}?" if near else f"expected one of {', '.join(known)}"
            self._report(f"{path}.{key}".lstrip("."), f"is not a key of prices; {advice}")
        return given

    def _report(self, path: str, problem: str) -> None:
        self.problems.append(f"{_cut(path)}: {problem}")


def _are_ordered(tiers: Sequence[Tier]) -> bool:
    *ends, last = [tier.up_to_gb for tier in tiers]
    known = [end for end in ends if end is not None]
    return last is None and known == ends and known == sorted(set(known))


def _decimal(text: str) -> Decimal:
    number = Decimal(text)
    exponent = number.as_tuple().exponent
    if not (number.is_finite() and 0 <= number <= _LARGEST and isinstance(exponent, int)):
        raise ValueError
    if exponent < _SMALLEST_EXPONENT:
        raise ValueError
    return number


def _whole(text: str) -> int:
    number = int(text)
    if not 0 <= number <= _LARGEST_COUNT:
        raise ValueError
    return number


def _shown(value: Any) -> str:
    return json.dumps(value[:80] if isinstance(value, str) else "(a list or mapping)", ensure_ascii=False)


def _cut(path: str) -> str:
    return path if len(path) <= 120 else f"{path[:120]}…"  # noqa: PLR2004
