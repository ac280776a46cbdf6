"""The tests of `check`, one per thing that can be missing. They write nothing but a probe object, and delete it.

`s3/rights.py` maps a refusal to the right that is missing, `CheckContext.remedy` to the policies that grant it.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from s3mover.diagnostics.addressing import addressing_advice
from s3mover.diagnostics.advice import Advisor, MissingPermission, Remedy, advice_against_deny
from s3mover.diagnostics.check_results import CheckResult, CheckWarning, Level
from s3mover.diagnostics.copy_check import CopyCheck, rights_missing_for
from s3mover.diagnostics.probe import Probe
from s3mover.errors import MoverError, S3Error
from s3mover.model import ObjectEntry, Pair, Side
from s3mover.s3.bucket import Bucket
from s3mover.s3.listing_order import ListingOrder
from s3mover.s3.rights import missing_rights
from s3mover.s3.values import http_time
from s3mover.transfer.properties import property_headers

# S3 refuses requests whose time is off by more than 15 minutes; a third of that is a warning.
MAX_SKEW_SECONDS = 300.0
# Pages of the source that are read in search of an object.
MAX_PAGES = 100
KMS_KEY = "x-amz-server-side-encryption-aws-kms-key-id"


@dataclass(frozen=True, slots=True)
class CheckContext:
    """What is tested.

    `buckets` are both buckets with their own credentials. `read_across` is the source as the destination's credentials
    access it, `write_across` the destination as the source's credentials do. `headers` are those of every write,
    `copies_annotations` says that copies keep object annotations.
    `database`, `cluster`, `events`, `deletions` and `apart` return what they found or raise; `deletions` are of sides
    that are deleted from, `events` are there where events are received, `cluster` is None unless there are many
    machines, `apart` unless both ends may be one bucket.
    `without_copies` says why no server-side copy is made, empty where they are.
    `inspects_buckets` says that sweeps read the configuration of both buckets to know what server-side copies lose.
    `owner_problem` returns what is wrong with the owner of a bucket, an empty string if nothing is. `clock` returns
    seconds since the epoch.
    """

    pair: Pair
    buckets: dict[Side, Bucket]
    read_across: Bucket
    write_across: Bucket
    headers: dict[str, str]
    copies_annotations: bool
    database: Callable[[], str]
    cluster: Callable[[], str] | None
    events: Mapping[str, Callable[[], str]]
    deletions: Mapping[Side, Callable[[], str]]
    apart: Callable[[], str] | None
    without_copies: str
    inspects_buckets: bool
    remedy: Callable[[MissingPermission], Remedy]
    owner_problem: Callable[[Side], str]
    clock: Callable[[], float]


class Checks:
    """The tests in the order in which they run; later ones use what earlier ones found."""

    def __init__(self, context: CheckContext) -> None:
        self._context = context
        self._source = context.buckets[Side.SOURCE]
        self._destination = context.buckets[Side.DESTINATION]
        self._advisor = Advisor(context.remedy)
        self._probe = Probe(
            self._destination,
            context.pair,
            context.headers,
            self._advisor,
            copies_annotations=context.copies_annotations,
        )
        self._sample: ObjectEntry | None = None
        self._tags: list[tuple[str, str]] = []
        self._date = ""

    def run(self) -> Iterator[CheckResult]:
        """Yield each result as its test ends; the settings were tested when they were loaded."""
        yield CheckResult("settings", Level.OK, str(self._context.pair))
        yield self._test("database", self._context.database)
        if self._context.cluster is not None:
            yield self._test("machines", self._context.cluster)
        for name, test in self._context.events.items():
            yield self._test(name, test)
        yield self._test("source: list", self._list_source)
        yield self._test("source: read", self._read_source)
        yield _losing_tags(self._test("source: tags", self._read_tags, Side.SOURCE, Level.WARNING))
        yield from self._test_deletion(Side.SOURCE)
        yield self._test("destination: list", self._list_destination, Side.DESTINATION)
        yield self._test("destination: write", self._write, Side.DESTINATION)
        if self._context.apart is not None:
            yield self._test("source and destination", self._context.apart, Side.DESTINATION)
        if self._tags:
            yield self._test("destination: tags", self._write_tags, Side.DESTINATION)
        yield self._test("destination: parts", self._write_part, Side.DESTINATION, Level.WARNING)
        yield from self._test_deletion(Side.DESTINATION)
        yield self._test("server-side copy", self._copy, Side.DESTINATION)
        if self._context.inspects_buckets:
            yield self._test("source: properties", self._inspect_source)
            yield self._test("destination: properties", self._inspect_destination)
        yield self._test("clock", self._compare_clocks)

    def _test(
        self,
        name: str,
        test: Callable[[], str],
        place: Side = Side.SOURCE,
        level_if_refused: Level = Level.FAILED,
    ) -> CheckResult:
        try:
            return CheckResult(name, Level.OK, test())
        except CheckWarning as warning:
            return CheckResult(name, Level.WARNING, str(warning), warning.policy)
        except S3Error as error:
            return self._refused(name, error, place, level_if_refused)
        except MoverError as error:
            return CheckResult(name, Level.FAILED, str(error))

    def _test_deletion(self, side: Side) -> Iterator[CheckResult]:
        if side in self._context.deletions:
            yield self._test(f"{side}: delete", self._context.deletions[side], side)

    def _refused(self, name: str, error: S3Error, place: Side, level: Level) -> CheckResult:
        rights = missing_rights(error)
        if not rights:
            advice_on_address = addressing_advice(place, self._context.buckets[place].address, error)
            return CheckResult(name, level, f"{error}{advice_on_address}")
        if against_deny := advice_against_deny(error):
            return CheckResult(name, level, f"{error}; {against_deny}")
        if problem := self._context.owner_problem(place):
            return CheckResult(name, Level.FAILED, problem)
        advice = self._advisor.advise(place, place, rights)
        return CheckResult(name, level, f"{error}; {advice.text}", advice.policies)

    def _list_source(self) -> str:
        """Look for a page with objects: S3 sends empty ones where it passes over many deleted objects."""
        prefix, token = self._context.pair.source_prefix, ""
        for number in range(1, MAX_PAGES + 1):
            entries, token = self._source.list_page(prefix, token=token)
            self._sample = min(entries, key=lambda entry: entry.size, default=None)
            if entries or not token:
                place = "the first page" if number == 1 else f"page {number}"
                return f"{len(entries)} objects on {place}{_listing_limits(self._source, prefix)}"
        raise CheckWarning(
            f"the first {MAX_PAGES} pages are empty, and the listing goes on; sweeps follow it further"
        )

    def _read_source(self) -> str:
        entry = self._required_sample()
        self._advisor.source_key = self._source.head(entry.key).headers.get(KMS_KEY, "")
        with self._source.get(entry.key, if_match=entry.etag):
            return "objects can be read"

    def _read_tags(self) -> str:
        # Without the right S3 hides that an object has tags, and copies would lose them, so this is always tested.
        self._tags = self._source.tags(self._required_sample().key)
        return f"tags can be read ({len(self._tags)} on the tested object)"

    def _list_destination(self) -> str:
        prefix = self._context.pair.destination_prefix
        return f"the bucket can be listed{_listing_limits(self._destination, prefix)}"

    def _write(self) -> str:
        self._date = self._probe.write()
        return "objects can be written, looked up and deleted"

    def _write_tags(self) -> str:
        self._probe.write_with(property_headers({}, self._tags))
        return "objects can be written with tags"

    def _write_part(self) -> str:
        self._probe.write_part()
        return "multipart uploads can be created, listed and aborted"

    def _copy(self) -> str:
        if self._context.without_copies:
            return self._context.without_copies
        copiers = {Side.DESTINATION: self._destination, Side.SOURCE: self._context.write_across}
        check = CopyCheck(self._source, copiers, self._context.read_across, self._probe, self._advisor)
        return check.run(self._required_sample())

    def _inspect_source(self) -> str:
        return self._inspect(Side.SOURCE, self._source.has_object_lock, self._source.is_website)

    def _inspect_destination(self) -> str:
        return self._inspect(Side.DESTINATION, self._destination.is_website)

    def _inspect(self, side: Side, *requests: Callable[[], bool]) -> str:
        """Return whether server-side copies may lose properties, as sweeps do if `transfer.thorough` is `auto`."""
        rights = rights_missing_for(*requests)
        if rights:
            advice = self._advisor.advise(side, side, rights)
            raise CheckWarning(
                "the bucket's configuration cannot be read, so each object is checked before it is copied; to save "
                f"that request, {advice.text}",
                advice.policies,
            )
        if any(request() for request in requests):
            return (
                "server-side copies would lose Object Lock settings or redirects, so each object is checked before it "
                "is copied"
            )
        return "server-side copies lose no properties"

    def _compare_clocks(self) -> str:
        date = http_time(self._date)
        if date is None:
            raise CheckWarning("not tested: the destination sent no readable date")
        skew = abs(self._context.clock() - date)
        if skew > MAX_SKEW_SECONDS:
            raise CheckWarning(
                f"this machine's clock differs by {skew:.0f} seconds from S3's; synchronize it by NTP"
            )
        return f"within {max(1, round(skew))} seconds of S3's clock"

    def _required_sample(self) -> ObjectEntry:
        if self._sample is None:
            raise CheckWarning("not tested: no object of the source is available")
        return self._sample


def _losing_tags(result: CheckResult) -> CheckResult:
    """Return the result with what follows if tags are refused."""
    if not result.policy:
        return result
    return result._replace(
        message=f"{result.message}; until then S3 hides which objects have tags, and streamed copies lose theirs "
        "without a note"
    )


def _listing_limits(bucket: Bucket, prefix: str) -> str:
    """Return what the store cannot do as S3 does when it lists, as a continuation of a sentence; empty for nothing.

    Raises:
        ListingError: keys are out of order, so that no sweep can believe the listing.
    """
    if next(bucket.list_objects(prefix), None) is None:
        return ""
    if bucket.order.order is ListingOrder.DIRECTORY:
        return "; the store lists in directory order, so sweeps list it folder by folder, which takes longer"
    if not bucket.order.starts_anywhere(prefix):
        return (
            "; the store answers wrongly to a start-after that is not a key, so sweeps list it as one range"
        )
    return ""
