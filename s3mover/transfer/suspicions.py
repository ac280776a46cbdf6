"""Suspicions against features of a store whose refusals have codes with many causes.

An object that failed `FAILURES` times in a row with one code is tried without a feature. If it then succeeds, and so
does another object (`OBJECTS`), the feature is disabled for all. Who tries what without is decided by the callers.
"""

from collections.abc import Container
from typing import NamedTuple

from s3mover.transfer.store_features import Feature, StoreFeatures

FAILURES = 2
OBJECTS = 2
# Objects that fail for ever are forgotten at this number: memory stays bounded.
MAX_FAILED = 1000


class Failures(NamedTuple):
    """The latest failures of one object: so many in a row with one code."""

    code: str
    in_a_row: int


class Suspicions:
    """Counts failures and confirmations, and disables a feature of `features`; its owner calls it under a lock."""

    def __init__(self, features: StoreFeatures) -> None:
        self._features = features
        self._failures: dict[str, Failures] = {}
        self._confirmed_by: dict[tuple[Feature, str], set[str]] = {}

    def __bool__(self) -> bool:
        """Return whether anything failed or is suspected."""
        return bool(self._failures or self._confirmed_by)

    def failures_of(self, key: str) -> Failures | None:
        """Return the failures of the object `key`, None where it has none."""
        return self._failures.get(key)

    def record_failure(self, key: str, code: str) -> None:
        """Count a failure of the object `key`."""
        if len(self._failures) >= MAX_FAILED:
            self._failures.clear()
        known = self._failures.get(key)
        before = known.in_a_row if known is not None and known.code == code else 0
        self._failures[key] = Failures(code, before + 1)

    def forget(self, key: str) -> Failures | None:
        """Forget the failures of the object `key`, and return them."""
        return self._failures.pop(key, None)

    def acquit(self, used: Container[Feature]) -> None:
        """Drop the suspicions against features with which a write succeeded."""
        self._confirmed_by = {of: keys for of, keys in self._confirmed_by.items() if of[0] not in used}

    def confirm(self, feature: Feature, code: str, key: str) -> bool:
        """Record that the object `key` succeeded without `feature`; return whether that disabled the feature."""
        keys = self._confirmed_by.setdefault((feature, code), set())
        keys.add(key)
        if len(keys) < OBJECTS:
            return False
        self._features.disable(feature, code)
        del self._confirmed_by[feature, code]
        return True

    def clear(self) -> None:
        """Forget everything."""
        self._failures.clear()
        self._confirmed_by = {}
