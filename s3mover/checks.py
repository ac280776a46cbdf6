"""Can the work be done? One test per thing that can be missing; touches nothing but a probe object of its own."""

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from enum import StrEnum
from io import BytesIO
from typing import NamedTuple

from s3mover.errors import MoverError, S3Error
from s3mover.model import ObjectEntry, Pair, Side
from s3mover.s3.bucket import Bucket
from s3mover.transfer.server_side import is_denial

PROBE_BODY = b"s3mover was here for a moment, to see whether it may write.\n"
# S3 refuses requests whose time is off by more than 15 minutes; a third of that is worth a word.
TOLERABLE_SKEW_SECONDS = 300.0


class Level(StrEnum):
    """How a test ended."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


class CheckResult(NamedTuple):
    """One test: what was tested, how it ended, and a sentence that says what to do where it did not end well."""

    name: str
    level: Level
    message: str


@dataclass(frozen=True, slots=True)
class Subject:
    """What is tested.

    `reach` is each side's bucket with its own credentials; `read_across` the source as the destination's
    credentials see it, `write_across` the destination as the source's do. `database` tells what it found, or
    raises. `clock` tells seconds since the epoch.
    """

    pair: Pair
    reach: dict[Side, Bucket]
    read_across: Bucket
    write_across: Bucket
    database: Callable[[], str]
    clock: Callable[[], float]


class Doubt(MoverError):  # noqa: N818 - it is no error, only raised like one
    """Something that does not stop the work, but should be known."""


class Checks:
    """The tests of one subject, in the order in which they are run; later ones use what earlier ones learnt."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._source = subject.reach[Side.SOURCE]
        self._destination = subject.reach[Side.DESTINATION]
        self._sample: ObjectEntry | None = None
        self._date = ""
        self._probe = f"{subject.pair.destination_prefix}.s3mover-probe-{secrets.token_hex(8)}"

    def run(self) -> Iterator[CheckResult]:
        """Yield each result as its test ends; the settings themselves were tested by being loaded."""
        yield CheckResult("settings", Level.OK, str(self._subject.pair))
        yield _tested("database", self._subject.database)
        yield _tested("source: list", self._list_source)
        yield _tested("source: read", self._read_source)
        yield _tested("destination: list", self._list_destination)
        yield _tested("destination: write", self._write_destination)
        yield _tested("server-side copy", self._copy)
        yield _tested("clock", self._compare_clocks)

    def _list_source(self) -> str:
        entries = self._source.list_page(self._subject.pair.source_prefix).entries
        self._sample = min(entries, key=lambda entry: entry.size, default=None)
        return f"{len(entries)} objects on the first page"

    def _read_source(self) -> str:
        entry = self._needed_sample()
        with self._source.get(entry.key, if_match=entry.etag):
            return "an object may be read"

    def _list_destination(self) -> str:
        self._destination.list_page(self._subject.pair.destination_prefix, limit=1)
        return "it may be listed"

    def _write_destination(self) -> str:
        stored = self._destination.put(self._probe, BytesIO(PROBE_BODY).readinto, len(PROBE_BODY), {})
        self._date = stored.headers.get("date", "")
        self._remove_probe()
        return "an object may be written, and removed again"

    def _copy(self) -> str:
        entry = self._needed_sample()
        refusals = []
        for who, bucket in (("destination", self._destination), ("source", self._subject.write_across)):
            try:
                self._copy_to_probe(bucket, entry)
            except S3Error as error:
                if not is_denial(error):
                    raise
                refusals.append(error.code)
            else:
                self._remove_probe()
                return f"permitted with the {who}'s credentials"
        missing = self._what_is_missing(entry)
        raise Doubt(f"not permitted ({refusals[0]}), so objects will be streamed; to permit it, {missing}")

    def _copy_to_probe(self, bucket: Bucket, entry: ObjectEntry) -> None:
        source = self._subject.pair.source_bucket
        bucket.copy(self._probe, source_bucket=source, source_key=entry.key, if_match=entry.etag, headers={})

    def _what_is_missing(self, entry: ObjectEntry) -> str:
        bucket = self._subject.pair.source_bucket
        try:
            self._subject.read_across.head(entry.key)
        except S3Error:
            return (
                f"grant the destination's credentials s3:GetObject and s3:GetObjectTagging on arn:aws:s3:::{bucket}/*, "
                f"in their own policy and in the policy of {bucket}"
            )
        return (
            "look at s3:PutObject and s3:PutObjectTagging on the destination, and at the KMS keys of both buckets "
            "(kms:Decrypt, kms:GenerateDataKey): the destination's credentials may read the source"
        )

    def _compare_clocks(self) -> str:
        if not self._date:
            raise Doubt("not tested: the destination told no time")
        skew = abs(self._subject.clock() - parsedate_to_datetime(self._date).timestamp())
        if skew > TOLERABLE_SKEW_SECONDS:
            raise Doubt(f"this machine's clock is {skew:.0f} seconds off S3's; set it by NTP")
        return f"within {max(1, round(skew))} seconds of S3's"

    def _needed_sample(self) -> ObjectEntry:
        if self._sample is None:
            raise Doubt("not tested: no object of the source is known to try with")
        return self._sample

    def _remove_probe(self) -> None:
        try:
            self._destination.delete(self._probe)
        except S3Error as error:
            said = f"the probe object {self._probe} could not be removed ({error.code}); remove it by hand"
            raise Doubt(said) from error


def _tested(name: str, test: Callable[[], str]) -> CheckResult:
    try:
        return CheckResult(name, Level.OK, test())
    except Doubt as doubt:
        return CheckResult(name, Level.WARNING, str(doubt))
    except MoverError as error:
        return CheckResult(name, Level.FAILED, str(error))
