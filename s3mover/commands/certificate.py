"""The `certificate` command: a report for an auditor about a pair of buckets, as JSON and as HTML for A4."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from s3mover import __version__
from s3mover.app.factories import pair_of
from s3mover.app.listings import ordered_pages
from s3mover.audit.canonical_rows import canonical
from s3mover.audit.merkle import MerkleTree, leaf_hash
from s3mover.commands.audit_report import trail_facts
from s3mover.commands.comparators import comparator_of
from s3mover.commands.each_route import Echo
from s3mover.commands.limited_endpoints import open_limited_endpoints
from s3mover.diagnostics.verify import Comparison, compare_buckets
from s3mover.errors import ExitCode, SettingsError
from s3mover.model import ObjectPage
from s3mover.observe.certificate.document import render
from s3mover.observe.text import to_json, utc_moment
from s3mover.settings import Settings, setting_names, value_of
from s3mover.settings.secret import Secret
from s3mover.stores import store_of

# Objects that are listed of each kind; all are counted.
LISTED_OBJECTS = 1000
_DIFFERENCES = (Comparison.MISSING, Comparison.DIFFERENT)


class _Side:
    """One side as it is listed: counts, bytes, and the Merkle root over its objects."""

    def __init__(self, prefix: str) -> None:
        self._prefix = len(prefix)
        self.objects = self.bytes = 0
        self._tree = MerkleTree()

    def watching(self, pages: Iterator[ObjectPage]) -> Iterator[ObjectPage]:
        """Yield these pages, and take them in."""
        for page in pages:
            leaves = zip(page.keys, page.sizes, page.etags, strict=True)
            self._tree.extend(
                [leaf_hash(canonical((key[self._prefix :], size, etag))) for key, size, etag in leaves]
            )
            self.objects += len(page)
            self.bytes += sum(page.sizes)
            yield page

    def facts(self, store: object) -> dict[str, object]:
        """Return what the certificate says of this side."""
        return {
            "objects": self.objects,
            "bytes": self.bytes,
            "root": self._tree.root().hex(),
            "store": str(store),
        }


class _Found:
    """The results of the comparison, counted, and the first of those that are not equal."""

    def __init__(self) -> None:
        self.counts: Counter[Comparison] = Counter()
        self._listed: dict[Comparison, list[dict[str, str]]] = {result: [] for result in Comparison}

    def add(self, key: str, result: Comparison, reason: str) -> None:
        self.counts[result] += 1
        if result is not Comparison.EQUAL and len(self._listed[result]) < LISTED_OBJECTS:
            self._listed[result].append({"key": key, "result": result.value, "reason": reason})

    def facts(self) -> dict[str, object]:
        """Return what the certificate says of the comparison."""
        differences = [one for result in _DIFFERENCES for one in self._listed[result]]
        return {
            "result": self.result,
            "objects": {result.value: self.counts[result] for result in Comparison},
            "differences": differences[:LISTED_OBJECTS],
            "difference_count": sum(self.counts[result] for result in _DIFFERENCES),
            "unproven": self._listed[Comparison.UNPROVEN],
            "unproven_count": self.counts[Comparison.UNPROVEN],
            "extra": self._listed[Comparison.EXTRA],
            "extra_count": self.counts[Comparison.EXTRA],
        }

    @property
    def result(self) -> str:
        """`different`, `unproven` or `equal`."""
        if any(self.counts[result] for result in _DIFFERENCES):
            return Comparison.DIFFERENT.value
        return Comparison.UNPROVEN.value if self.counts[Comparison.UNPROVEN] else Comparison.EQUAL.value


def certificate(settings: Settings, echo: Echo, output: Path, *, deep: bool) -> ExitCode:
    """Compare both buckets in full and write `output`.json and `output`.html; neither may exist.

    Raises:
        MoverError: a bucket or the audit database cannot be read, or a file not be written.
        SettingsError: there are several routes, and none was chosen.
    """
    if settings.routes:
        raise SettingsError(["--route: a certificate is about one pair of buckets; choose one of the routes"])
    files = [output.with_name(output.name + suffix) for suffix in (".json", ".html")]
    for file in files:
        if file.exists():
            raise SettingsError([f"{file}: exists already; choose another --output"])
    facts = _facts(settings, deep=deep)
    for file, content in zip(files, (to_json(facts), render(facts).encode()), strict=True):
        _write(file, content)
    echo(f"{facts['result']}: {files[0]}, {files[1]}")
    return ExitCode.SOME_FAILED if facts["result"] == Comparison.DIFFERENT.value else ExitCode.OK


def _facts(settings: Settings, *, deep: bool) -> dict[str, object]:
    pair, began_at = pair_of(settings), time.time()
    source, destination, found = _Side(pair.source_prefix), _Side(pair.destination_prefix), _Found()
    with (
        open_limited_endpoints(settings) as endpoints,
        closing(ordered_pages(endpoints.source, pair.source_prefix)) as listed,
        closing(ordered_pages(endpoints.destination, pair.destination_prefix)) as copies,
    ):
        comparator = comparator_of(settings, endpoints, deep=deep)
        for compared in compare_buckets(source.watching(listed), destination.watching(copies), comparator):
            found.add(*compared)
        stores = store_of(endpoints.source.address), store_of(endpoints.destination.address)
    return {
        "format": 1,
        "version": f"s3mover {__version__}",
        "began_at": utc_moment(began_at),
        "ended_at": utc_moment(time.time()),
        "pair": pair._asdict(),
        "deep": deep,
        **found.facts(),
        "source": source.facts(stores[0]),
        "destination": destination.facts(stores[1]),
        "trail": trail_facts(settings, pair),
        "settings": _settings(settings),
    }


def _settings(settings: Settings) -> dict[str, str]:
    """Return the settings that differ from their defaults; of secrets only that they are set."""
    default = Settings()
    values = {name: value_of(settings, name) for name in setting_names()}
    return {
        name: "set" if isinstance(value, Secret) or name.endswith("access_key") else str(value)
        for name, value in values.items()
        if value != value_of(default, name)
    }


def _write(file: Path, content: bytes) -> None:
    try:
        file.write_bytes(content)
    except OSError as error:
        raise SettingsError([f"{file}: cannot be written: {error.strerror}"]) from error
