"""What the cluster tells the supervisor. Each message is delivered once, in the order in which things happened."""

from s3mover.record import Record


class Machine(Record):
    """A machine of the cluster; it `takes_tasks` unless it is about to leave."""

    name: str
    address: str
    version: str
    takes_tasks: bool = True


class ClusterMessage(Record):
    """The base class of the messages."""


class RangeAnswered(ClusterMessage):
    """The machine answered the task that was submitted under `key`."""

    key: str
    payload: bytes


class RangeLost(ClusterMessage):
    """No answer to the task `key` will come; its machine may still be at work. `reason` is for people."""

    key: str
    reason: str


class MachinesChanged(ClusterMessage):
    """A machine joined, is about to leave, left or was lost: `Cluster.machines()` has changed."""
