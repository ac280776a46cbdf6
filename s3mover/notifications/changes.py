"""What an event says of an object, and which of several events of one key is the newest."""

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple


class ChangeKind(StrEnum):
    """What happened to an object."""

    CREATED = "created"
    RESTORED = "restored"
    REMOVED = "removed"


class ObjectChange(NamedTuple):
    """One event of one object of the source.

    `at` is when S3 finished the request, in seconds since the epoch. `etag` (of what was created) and `sequencer` (a
    hexadecimal number that orders the events of one key) are empty where the sender has none.
    """

    kind: ChangeKind
    key: str
    at: float
    etag: str = ""
    sequencer: str = ""


def newest_by_key(changes: Iterable[ObjectChange]) -> dict[str, ObjectChange]:
    """Return the newest of the events of each key; of those that cannot be ordered, the last."""
    newest: dict[str, ObjectChange] = {}
    for change in changes:
        known = newest.get(change.key)
        if known is None or not is_older(change, known):
            newest[change.key] = change
    return newest


def is_older(one: ObjectChange, other: ObjectChange) -> bool:
    """Return whether `one` happened before `other`, an event of the same key.

    Sequencers are compared as texts, the shorter one padded with zeros at its right end (Amazon S3 User Guide, "Event
    message structure"). Where one of both has none, the times decide.
    """
    if one.sequencer and other.sequencer:
        length = max(len(one.sequencer), len(other.sequencer))
        return one.sequencer.ljust(length, "0") < other.sequencer.ljust(length, "0")
    return one.at < other.at
