"""Two ordered listings merged in constant memory: what is there, what is in place, what must be transferred.

The listings come as iterators of pages; where they come from, and what happens to the findings, is not known here.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from s3mover.model import ObjectEntry, Transfer
from s3mover.planning.compare import reason_to_transfer
from s3mover.planning.filters import KeyFilter

Pages = Iterator[list[ObjectEntry]]


@dataclass(frozen=True, slots=True)
class Rules:
    """What decides about each object.

    `destination_key` maps a key of the source to the destination's. `etags_tell` is asked about an object and its copy
    of one size whose ETags look like MD5s and differ: whether they really are MD5s. Objects modified after `not_after`
    (S3's own text, empty for no bound) wait for a later sweep.
    """

    destination_key: Callable[[str], str]
    etags_tell: Callable[[ObjectEntry, ObjectEntry], bool]
    wanted: KeyFilter | None = None
    not_after: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one page of the source came to: every one of `listed` is skipped for a reason or to be transferred."""

    listed: int
    transfers: list[Transfer]
    skipped: dict[str, int] = field(default_factory=dict)


def scan(source: Pages, destination: Pages, rules: Rules) -> Iterator[Finding]:
    """Yield one finding per page of `source`.

    Both listings must ascend by key in UTF-8 order, which is the order of Python's strings, too; the S3 room
    asserts it. Objects that only the destination holds are nobody's business here.
    """
    lookup = Lookup(destination)
    for page in source:
        transfers: list[Transfer] = []
        skipped: dict[str, int] = {}
        for entry in page:
            verdict = _judge(entry, lookup, rules)
            if isinstance(verdict, Transfer):
                transfers.append(verdict)
            else:
                skipped[verdict] = skipped.get(verdict, 0) + 1
        yield Finding(len(page), transfers, skipped)


def _judge(entry: ObjectEntry, lookup: "Lookup", rules: Rules) -> Transfer | str:
    if rules.wanted is not None and not rules.wanted(entry.key):
        return "filtered"
    if rules.not_after and entry.last_modified > rules.not_after:
        return "too_young"
    copy = lookup.find(rules.destination_key(entry.key))
    reason = reason_to_transfer(entry, copy, md5_etags=True)
    if reason == "etag" and copy is not None and not rules.etags_tell(entry, copy):
        reason = reason_to_transfer(entry, copy, md5_etags=False)
    return Transfer(entry, reason) if reason else "in_place"


class Lookup:
    """Finds ascending keys in a listing that is read only as far as it must be."""

    def __init__(self, pages: Pages) -> None:
        self._entries = (entry for page in pages for entry in page)
        self._current = next(self._entries, None)

    def find(self, key: str) -> ObjectEntry | None:
        """Return the entry of `key`, None where the listing has none; `key` must not be below an earlier one."""
        current = self._current
        while current is not None and current.key < key:
            current = self._current = next(self._entries, None)
        return current if current is not None and current.key == key else None
