"""Can the work be done? One test per thing that can be missing; touches nothing but a probe object of its own.

Which right a refusal speaks of is `s3/rights.py`'s; which policies would grant it is asked of `CheckContext.remedy`.
"""

import secrets
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from enum import StrEnum
from functools import partial
from io import BytesIO
from typing import Any, NamedTuple

from s3mover.errors import MoverError, S3Error
from s3mover.model import PROBE_NAME, ObjectEntry, Pair, Side
from s3mover.s3.bucket import Bucket
from s3mover.s3.rights import missing_rights
from s3mover.transfer.attempt_errors import is_denial
from s3mover.transfer.properties import property_headers

PROBE_BODY = b"s3mover was here for a moment, to see whether it may write.\n"
# S3 refuses requests whose time is off by more than 15 minutes; a third of that is worth a word.
TOLERABLE_SKEW_SECONDS = 300.0
KMS_KEY = "x-amz-server-side-encryption-aws-kms-key-id"


class Level(StrEnum):
    """How a test ended."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


class MissingPermission(NamedTuple):
    """Rights at `place` that the principal of `holder`'s credentials seems to lack.

    `source_key` is the ARN of the KMS key of the source's objects, empty where none is known.
    """

    holder: Side
    place: Side
    rights: tuple[str, ...]
    source_key: str = ""


class Remedy(NamedTuple):
    """Policy statements that help: each document with what it is to be attached to."""

    policies: list[dict[str, Any]]

    def __str__(self) -> str:
        """Say what is to be granted, and where: `s3:GetObject on ARN, in the policy of ...`."""
        statements = (one for each in self.policies for one in each["policy"]["Statement"])
        # What a key's own policy says of `*` has been said with the key's name.
        granted = {one["Resource"]: _joined(one["Action"]) for one in statements if one["Resource"] != "*"}
        rights = _joined([f"{actions} on {resource}" for resource, actions in granted.items()])
        places = " and in that of ".join(each["attach_to"] for each in self.policies)
        return f"{rights}, in the policy of {places}"


class CheckResult(NamedTuple):
    """One test: what was tested, how it ended, and a sentence that says what to do where it did not end well.

    `policy` holds what would grant a missing right, as in `Remedy`.
    """

    name: str
    level: Level
    message: str
    policy: Collection[dict[str, Any]] = ()


@dataclass(frozen=True, slots=True)
class CheckContext:
    """What is tested.

    `reach` is each side's bucket with its own credentials; `read_across` the source as the destination's
    credentials see it, `write_across` the destination as the source's do. `headers` are what every write carries.
    `database` tells what it found, or raises; so does `deletion`, None where the source is not deleted from.
    `looks` says that both buckets are looked at, to know what server-side copies would lose.
    `wrong_owner` says what is wrong with a bucket's owner, empty where nothing is. `clock` tells seconds since the
    epoch.
    """

    pair: Pair
    reach: dict[Side, Bucket]
    read_across: Bucket
    write_across: Bucket
    headers: dict[str, str]
    database: Callable[[], str]
    deletion: Callable[[], str] | None
    looks: bool
    remedy: Callable[[MissingPermission], Remedy]
    wrong_owner: Callable[[Side], str]
    clock: Callable[[], float]


class CheckWarning(MoverError):  # noqa: N818 - it is no error, only raised like one
    """Something that does not stop the work, but should be known; `policy` as in `CheckResult`."""

    def __init__(self, message: str, policy: Collection[dict[str, Any]] = ()) -> None:
        super().__init__(message)
        self.policy = list(policy)


class Checks:
    """The tests of one subject, in the order in which they are run; later ones use what earlier ones learnt."""

    def __init__(self, subject: CheckContext) -> None:
        self._subject = subject
        self._source = subject.reach[Side.SOURCE]
        self._destination = subject.reach[Side.DESTINATION]
        self._sample: ObjectEntry | None = None
        self._source_key = ""
        self._tags: list[tuple[str, str]] = []
        self._date = ""
        self._probe = f"{subject.pair.destination_prefix}{PROBE_NAME}{secrets.token_hex(8)}"

    def run(self) -> Iterator[CheckResult]:
        """Yield each result as its test ends; the settings themselves were tested by being loaded."""
        yield CheckResult("settings", Level.OK, str(self._subject.pair))
        yield self._tested("database", self._subject.database)
        yield self._tested("source: list", self._list_source)
        yield self._tested("source: read", self._read_source)
        yield self._tested("source: tags", self._read_tags, Side.SOURCE, Level.WARNING)
        if self._subject.deletion is not None:
            yield self._tested("source: delete", self._subject.deletion)
        yield self._tested("destination: list", self._list_destination, Side.DESTINATION)
        yield self._tested("destination: write", self._write_destination, Side.DESTINATION)
        if self._tags:
            yield self._tested("destination: tags", self._write_tags, Side.DESTINATION)
        yield self._tested("destination: parts", self._write_part, Side.DESTINATION, Level.WARNING)
        yield self._tested("server-side copy", self._copy, Side.DESTINATION)
        if self._subject.looks:
            yield self._tested("source: properties", self._look_at_source)
            yield self._tested("destination: properties", self._look_at_destination)
        yield self._tested("clock", self._compare_clocks)

    def _tested(
        self,
        name: str,
        test: Callable[[], str],
        place: Side = Side.SOURCE,
        where_refused: Level = Level.FAILED,
    ) -> CheckResult:
        try:
            return CheckResult(name, Level.OK, test())
        except CheckWarning as doubt:
            return CheckResult(name, Level.WARNING, str(doubt), doubt.policy)
        except S3Error as error:
            return self._refused(name, error, place, where_refused)
        except MoverError as error:
            return CheckResult(name, Level.FAILED, str(error))

    def _refused(self, name: str, error: S3Error, place: Side, level: Level) -> CheckResult:
        rights = missing_rights(error)
        if not rights:
            return CheckResult(name, level, str(error))
        if sentence := self._subject.wrong_owner(place):
            return CheckResult(name, Level.FAILED, sentence)
        remedy = self._remedy(place, place, rights)
        return CheckResult(name, level, f"{error}; {_advice(place, remedy, rights)}", remedy.policies)

    def _remedy(self, holder: Side, place: Side, rights: tuple[str, ...]) -> Remedy:
        return self._subject.remedy(MissingPermission(holder, place, rights, self._source_key))

    def _list_source(self) -> str:
        entries = self._source.list_page(self._subject.pair.source_prefix).entries
        self._sample = min(entries, key=lambda entry: entry.size, default=None)
        return f"{len(entries)} objects on the first page"

    def _read_source(self) -> str:
        entry = self._needed_sample()
        self._source_key = self._source.head(entry.key).headers.get(KMS_KEY, "")
        with self._source.get(entry.key, if_match=entry.etag):
            return "an object may be read"

    def _read_tags(self) -> str:
        # Without the right S3 hides that there are any tags, so objects would lose them unseen: ask always.
        self._tags = self._source.tags(self._needed_sample().key)
        return f"the tags of an object may be read ({len(self._tags)} on it)"

    def _list_destination(self) -> str:
        self._destination.list_page(self._subject.pair.destination_prefix, limit=1)
        return "it may be listed"

    def _write_destination(self) -> str:
        self._date = self._put_probe(self._subject.headers)
        try:
            self._destination.head(self._probe)
        finally:
            self._remove_probe()
        return "an object may be written, looked at and removed again"

    def _write_tags(self) -> str:
        self._put_probe(self._subject.headers | property_headers({}, self._tags))
        self._remove_probe()
        return "an object may be written with tags"

    def _put_probe(self, headers: dict[str, str]) -> str:
        stored = self._destination.put(self._probe, BytesIO(PROBE_BODY).readinto, len(PROBE_BODY), headers)
        return stored.headers.get("date", "")

    def _write_part(self) -> str:
        upload = self._destination.create_upload(self._probe, self._subject.headers)
        try:
            self._destination.upload_part(
                self._probe, upload, 1, BytesIO(PROBE_BODY).readinto, len(PROBE_BODY)
            )
            for _ in self._destination.list_uploads(self._probe):
                pass
        finally:
            self._undo(f"the upload {upload} of", lambda: self._destination.abort_upload(self._probe, upload))
        return "an object may be written in parts, and given up"

    def _copy(self) -> str:
        entry = self._needed_sample()
        refusals = []
        for who, bucket in (("destination", self._destination), ("source", self._subject.write_across)):
            try:
                self._copy_to_probe(bucket, entry)
            except S3Error as error:
                if not is_denial(error):
                    raise
                refusals.append(error)
            else:
                self._remove_probe()
                return f"permitted with the {who}'s credentials"
        place, rights = self._what_is_missing(entry, refusals[0])
        remedy = self._remedy(Side.DESTINATION, place, rights)
        advice = _advice(Side.DESTINATION, remedy, rights)
        said = f"not permitted ({refusals[0].code}), so objects will be streamed; to permit it, {advice}"
        raise CheckWarning(said, remedy.policies)

    def _copy_to_probe(self, bucket: Bucket, entry: ObjectEntry) -> None:
        source, headers = self._subject.pair.source_bucket, self._subject.headers
        bucket.copy(
            self._probe, source_bucket=source, source_key=entry.key, if_match=entry.etag, headers=headers
        )

    def _what_is_missing(self, entry: ObjectEntry, refusal: S3Error) -> tuple[Side, tuple[str, ...]]:
        """Do with the destination's credentials, one by one, what the copy asks of the source."""
        across = self._subject.read_across
        looks = (partial(across.head, entry.key), partial(across.tags, entry.key))
        missing = [right for poll in looks for right in _missing(poll)]
        if not missing and _missing(lambda: across.get(entry.key).__exit__(None, None, None)):
            # The object is shown and not read: its key is what is refused.
            missing = ["kms:Decrypt"]
        return (Side.SOURCE, tuple(missing)) if missing else (Side.DESTINATION, missing_rights(refusal))

    def _look_at_source(self) -> str:
        return self._look(Side.SOURCE, self._source.has_object_lock, self._source.is_website)

    def _look_at_destination(self) -> str:
        return self._look(Side.DESTINATION, self._destination.is_website)

    def _look(self, side: Side, *looks: Callable[[], bool]) -> str:
        """See whether objects may have what server-side copies lose, as `transfer.thorough` does if it is `auto`."""
        rights = [right for poll in looks for right in _missing(poll)]
        if rights:
            remedy = self._remedy(side, side, tuple(rights))
            advice = _advice(side, remedy, rights)
            said = f"each object is asked about before it is copied; to save that request, {advice}"
            raise CheckWarning(f"the bucket does not tell what copies would lose, so {said}", remedy.policies)
        if any(poll() for poll in looks):
            return "copies would lose Object Lock settings or redirects, so each object is asked about before"
        return "copies lose nothing here"

    def _compare_clocks(self) -> str:
        if not self._date:
            raise CheckWarning("not tested: the destination told no time")
        skew = abs(self._subject.clock() - parsedate_to_datetime(self._date).timestamp())
        if skew > TOLERABLE_SKEW_SECONDS:
            raise CheckWarning(f"this machine's clock is {skew:.0f} seconds off S3's; set it by NTP")
        return f"within {max(1, round(skew))} seconds of S3's"

    def _needed_sample(self) -> ObjectEntry:
        if self._sample is None:
            raise CheckWarning("not tested: no object of the source is known to try with")
        return self._sample

    def _remove_probe(self) -> None:
        self._undo("the object", lambda: self._destination.delete(self._probe))

    def _undo(self, what: str, undo: Callable[[], None]) -> None:
        try:
            undo()
        except S3Error as error:
            rights = missing_rights(error)
            remedy = self._remedy(Side.DESTINATION, Side.DESTINATION, rights)
            left = f"{what} {self._probe} could not be removed again ({error}); remove it by hand"
            raise CheckWarning(
                f"{left}, and {_advice(Side.DESTINATION, remedy, rights)}", remedy.policies
            ) from error


def _missing(poll: Callable[[], object]) -> tuple[str, ...]:
    try:
        poll()
    except S3Error as error:
        return missing_rights(error)
    return ()


def _advice(holder: Side, remedy: Remedy, rights: Collection[str]) -> str:
    return f"grant the {holder}'s credentials {remedy if remedy.policies else _joined(rights)}"


def _joined(words: str | Collection[str]) -> str:
    return words if isinstance(words, str) else " and ".join(words)
