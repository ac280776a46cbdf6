"""One route between two buckets of foreign stores, driven by the program as a user runs it."""

import json
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from testkit.program import run_program
from testkit.trail_rows import assert_counted, rows
from tests.stores.abilities import ADDED_METADATA, lost_in
from tests.stores.corpus import METADATA, PART_SIZE, BotoStore, Item, Seen

# Parts as small as S3 permits; few threads, since the stores run on the same machine.
SETTINGS = (
    "transfer.part_size=5MiB",
    "transfer.threads=8",
    "transfer.processes=1",
    "transfer.max_attempts=4",
)


@dataclass(frozen=True)
class Bucket:
    """A bucket of a store."""

    store: BotoStore
    name: str

    def contents(self) -> dict[str, Seen]:
        return self.store.contents(self.name)

    def put(self, items: Iterable[Item]) -> None:
        """Put objects with the properties that the store keeps, in the order of their keys."""
        for item in sorted(items, key=lambda item: item.key.encode()):
            self.store.put(self.name, item, but=lost_in(self.store.store.name))

    def environment(self, side: str) -> dict[str, str]:
        """Return the environment variables that name this bucket as `side`: SRC or DST."""
        store = self.store.store
        return {
            f"{side}_BUCKET": self.name,
            f"{side}_ACCESS_KEY": store.access_key,
            f"{side}_SECRET_KEY": store.secret_key,
            f"{side}_REGION": store.region,
            f"{side}_ENDPOINT_URL": store.endpoint,
        }


@dataclass(frozen=True)
class Route:
    """A source, a destination, and the folder that the program runs in."""

    source: Bucket
    destination: Bucket
    folder: Path
    method: str = "auto"

    @property
    def environment(self) -> dict[str, str]:
        """The settings of the route as environment variables."""
        return {
            "S3MOVER_LOG__FORMAT": "json",
            **self.source.environment("SRC"),
            **self.destination.environment("DST"),
        }

    @property
    def streams(self) -> bool:
        """Whether objects are streamed: a store copies only its own."""
        return self.method == "streaming" or self.source.store is not self.destination.store

    def run(
        self, *arguments: str, settings: Iterable[str] = (), expect: int | None = 0
    ) -> subprocess.CompletedProcess[str]:
        """Run a command of the program on this route."""
        values = (*SETTINGS, f"transfer.method={self.method}", *settings)
        options = [option for value in values for option in ("--set", value)]
        return run_program([*options, *arguments], self.environment, self.folder, expect=expect)

    def sweep_and_compare(self) -> None:
        """Sweep twice, and assert that the first moves every object whole and the second nothing."""
        before = self.source.contents()
        self.run("sweep")
        assert_equal(self, before)
        self.run("sweep")
        assert_counted(self.folder)
        assert self.query("SELECT planned, failed FROM migration_batches ORDER BY id") == [
            (len(before), 0),
            (0, 0),
        ]
        verified = self.run("verify", "--deep").stdout
        assert f"{len(before)} equal, 0 unproven, 0 missing, 0 different" in verified

    def query(self, query: str) -> list[tuple[Any, ...]]:
        """Query the trail."""
        return rows(self.folder, query)


def assert_equal(route: Route, source: dict[str, Seen]) -> None:
    """Assert that the destination has every object of `source` with all properties that its store keeps."""
    name = route.destination.store.store.name
    added = ADDED_METADATA.get(name, frozenset())
    arrived = {key: _without_metadata(seen, added) for key, seen in route.destination.contents().items()}
    expected = {
        key: _without_metadata(
            seen.without(lost_in(name, in_parts=route.streams and seen.size > PART_SIZE)), added
        )
        for key, seen in source.items()
    }
    different = {key for key in expected.keys() | arrived.keys() if expected.get(key) != arrived.get(key)}
    assert not different, {key: (expected.get(key), arrived.get(key)) for key in sorted(different)[:5]}


def events(output: str, name: str) -> list[dict[str, Any]]:
    """Return the events of this name in a log."""
    return [event for event in map(json.loads, output.splitlines()) if event["event"] == name]


def _without_metadata(seen: Seen, names: frozenset[str]) -> Seen:
    kept = {name: value for name, value in seen.properties.get(METADATA, {}).items() if name not in names}
    others = seen.without({METADATA})
    return Seen(seen.digest, seen.size, {**others.properties, **({METADATA: kept} if kept else {})})
