"""The messages between the supervisor and the process that receives from the queue: lines of JSON over pipes.

To the process: `start` with a `ReceiverConfig`, then `receive`, `pause`, `delete` and `give_back` with numbers of
messages, and `end`, after which it deletes what it was asked to, and ends. From it: `message`, `counts`, `unreadable`,
`queue`, `failed`. Credentials go to it only, on a private pipe.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from s3mover.model import Side
from s3mover.notifications.changes import ChangeKind, ObjectChange
from s3mover.s3.side_access import SideAccess

START, RECEIVE, PAUSE, DELETE, GIVE_BACK, END = "start", "receive", "pause", "delete", "give_back", "end"
MESSAGE, COUNTS, UNREADABLE, QUEUE, FAILED = "message", "counts", "unreadable", "queue", "failed"


class ReceivedMessage(NamedTuple):
    """One message of the queue that announces changes; `sent_at` is in seconds since the epoch."""

    id: int
    sent_at: float
    changes: tuple[ObjectChange, ...]


@dataclass(frozen=True, slots=True)
class ReceiverConfig:
    """What the process receives, and how: the queue (URL or ARN) with the credentials of `access`.

    Changes are those of `bucket` below `prefix`. `wait` is the seconds of a long poll, `receivers` the polls at a time.
    """

    access: SideAccess
    queue: str
    region: str
    endpoint_url: str
    wait: float
    receivers: int
    bucket: str
    prefix: str


def config_fields(config: ReceiverConfig) -> dict[str, Any]:
    """Return a configuration as JSON can carry it."""
    return asdict(config)


def config_of(fields: dict[str, Any]) -> ReceiverConfig:
    """Return the configuration of these fields."""
    access = fields["access"]
    return ReceiverConfig(**(fields | {"access": SideAccess(**(access | {"side": Side(access["side"])}))}))


def changes_of(fields: Sequence[Sequence[Any]]) -> tuple[ObjectChange, ...]:
    """Return the changes that a line of the process names."""
    return tuple(ObjectChange(ChangeKind(kind), *rest) for kind, *rest in fields)
