"""What the cluster tells the supervisor. Each message is delivered once, in the order in which things happened."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine of the cluster; it `takes_tasks` unless it is about to leave."""

    name: str
    address: str
    version: str
    takes_tasks: bool = True


@dataclass(frozen=True, slots=True)
class ClusterMessage:
    """The base class of the messages."""


@dataclass(frozen=True, slots=True)
class RangeAnswered(ClusterMessage):
    """The machine answered the task that was submitted under `key`."""

    key: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class RangeLost(ClusterMessage):
    """No answer to the task `key` will come; its machine may still be at work. `reason` is for people."""

    key: str
    reason: str


@dataclass(frozen=True, slots=True)
class MachinesChanged(ClusterMessage):
    """A machine joined, is about to leave, left or was lost: `Cluster.machines()` has changed."""
