"""What a seal says, as the text that is hashed, signed and anchored; documented in docs/proof.md. Pure.

The text is JSON: keys sorted, no white space between tokens, UTF-8, and only what JSON requires escaped.
"""

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from hashlib import sha256
from typing import Any, NamedTuple

import orjson

from s3mover import __version__
from s3mover.events import SealWritten
from s3mover.model import Pair
from s3mover.record import Record

FORMAT = 1
# What the first seal of a pair names as the one before it.
NO_SEAL = "0" * 64
LARGEST_NUMBER = 2**63 - 1
CHANGE_PARTS = 3
_HASH = re.compile("[0-9a-f]{64}")
# Changed rows in one amendment; more make several.
CHANGES_PER_SEAL = 250


class SealKind(StrEnum):
    """What a seal is about: the rows of a sweep that ended, or rows that were settled after their sweep was sealed."""

    SWEEP = "sweep"
    AMENDMENT = "amendment"


class Change(NamedTuple):
    """A row of a sealed sweep that was settled late: its number, and the hash of its leaf before and after, as hex."""

    number: int
    before: str
    after: str


class SealedRows(NamedTuple):
    """What is sealed: `root` (hex) over so many rows of a sweep; `changes` only in an amendment."""

    kind: SealKind
    sweep: int
    rows: int
    root: str
    changes: Sequence[Change] = ()


class SealContext(Record):
    """What stands in a seal beside the rows.

    `record` is the sweep's row of `migration_batches`. `late` says that another run than the sweep's own sealed it.
    `key` is the public key (hex) that signs the seal, empty without signature. Rows of sweeps that ended before
    `pruned_before` may have been removed by `audit.retention`; empty where nothing is removed.
    """

    pair: Pair
    number: int
    previous: str
    sealed_at: str
    record: Mapping[str, object]
    late: bool = False
    key: str = ""
    pruned_before: str = ""


class Seal(Record):
    """A seal as it is stored. `content` is the whole truth of it; the fields before repeat what is used often."""

    pair: Pair
    number: int
    kind: SealKind
    sweep: int
    sealed_at: str
    rows: int
    root: str
    previous: str
    hash: str
    pruned_before: str
    content: str
    signature: str = ""

    @property
    def said(self) -> dict[str, Any]:
        """Everything that the content says."""
        said: dict[str, Any] = orjson.loads(self.content)
        return said

    def event(self) -> SealWritten:
        """Return the event that announces the seal."""
        return SealWritten(
            self.sweep,
            self.kind.value,
            self.number,
            self.rows,
            self.root,
            self.hash,
            self.sealed_at,
            bool(self.said["late"]),
            bool(self.signature),
        )

    @property
    def changes(self) -> list[Change]:
        """The changes of an amendment."""
        return [Change(*change) for change in self.said.get("changes", [])]


class SealFormatError(ValueError):
    """The content of a seal is not what this version writes or reads."""


def content_of(sealed: SealedRows, context: SealContext) -> str:
    """Return the text of a seal."""
    said: dict[str, object] = {
        "format": FORMAT,
        "kind": sealed.kind.value,
        "key": context.key,
        "late": context.late,
        "number": context.number,
        "pair": context.pair._asdict(),
        "previous": context.previous,
        "pruned_before": context.pruned_before,
        "record": dict(context.record),
        "root": sealed.root,
        "rows": sealed.rows,
        "sealed_at": context.sealed_at,
        "sweep": sealed.sweep,
        "version": f"s3mover {__version__}",
    }
    if sealed.kind is SealKind.AMENDMENT:
        said["changes"] = [list(change) for change in sealed.changes]
    return orjson.dumps(said, option=orjson.OPT_SORT_KEYS).decode()


def hash_of(content: str) -> str:
    """Return the hash of a seal, as hex."""
    return sha256(content.encode("utf-8", "surrogatepass")).hexdigest()


def parse_seal(content: str, signature: str = "") -> Seal:
    """Return the seal that this text is; somebody may have written anything in its place.

    Raises:
        SealFormatError: it is not the text of a seal, or one of another format.
    """
    try:
        said = orjson.loads(content)
        _require_form(said)
        return Seal(
            pair=Pair(**said["pair"]),
            number=said["number"],
            kind=SealKind(said["kind"]),
            sweep=said["sweep"],
            sealed_at=said["sealed_at"],
            rows=said["rows"],
            root=said["root"],
            previous=said["previous"],
            hash=hash_of(content),
            pruned_before=said["pruned_before"],
            content=content,
            signature=signature,
        )
    except SealFormatError:
        raise
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise SealFormatError(f"not the text of a seal: {type(error).__name__}") from error


def _require_form(said: dict[str, Any]) -> None:
    """Ensure that every value has its type, numbers fit into a column, and hashes are hashes.

    Raises:
        SealFormatError: one is not as it should be.
    """
    if said["format"] != FORMAT:
        raise SealFormatError(f"format {said['format']!r} (expected {FORMAT})")
    changes = said.get("changes", [])
    numbers = [said["number"], said["sweep"], said["rows"], *(change[0] for change in changes)]
    hashes = [said["root"], said["previous"], *(one for change in changes for one in change[1:] if one)]
    texts = [said["sealed_at"], said["pruned_before"], said["key"], said["version"], *said["pair"].values()]
    if (
        not all(type(number) is int and 0 <= number <= LARGEST_NUMBER for number in numbers)
        or not all(isinstance(one, str) and _HASH.fullmatch(one) for one in hashes)
        or not all(isinstance(text, str) for text in texts)
        or not all(len(change) == CHANGE_PARTS for change in changes)
        or not isinstance(said["record"], dict)
        or not isinstance(said["late"], bool)
    ):
        raise SealFormatError("not the text of a seal: a value is of another form")
