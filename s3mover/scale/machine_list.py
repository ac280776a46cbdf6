"""Which machines the scheduler knows, from its own description of itself; and how that differs from before. Pure."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from s3mover.events import Event, MachineAssigned, MachineJoined, MachineLeft, MachineLost
from s3mover.scale.messages import Machine
from s3mover.scale.tasks import RangeName, range_of

# Every machine has one of it and every task takes it, so that a machine works on one range at a time.
RESOURCE = "s3mover"
# What a machine adds to its description.
VERSION_FIELD = "s3mover_version"
# The topic and the actions of the scheduler's events that say that its machines changed.
TOPIC = "all"
LEAVING = "s3mover-leaving"
REMOVED = "remove-worker"
CHANGES = frozenset({"add-worker", REMOVED, LEAVING})

Machines = Mapping[str, Machine]

NO_RANGE = RangeName("", 0, 0)


def machines_of(scheduler: Mapping[str, Any]) -> dict[str, Machine]:
    """Return the machines by address. Workers that others run in the same Dask cluster are not among them."""
    return {
        address: Machine(
            name=str(worker["name"]),
            address=address,
            version=worker[VERSION_FIELD],
            takes_tasks=worker["status"] == "running",
        )
        for address, worker in scheduler["workers"].items()
        if RESOURCE in worker["resources"] and VERSION_FIELD in worker and worker["status"] != "init"
    }


def ranges_of(processing: Mapping[str, Sequence[Any]]) -> dict[str, RangeName]:
    """Return the range that each machine has, by address, from the tasks that the scheduler has placed on workers."""
    named = {
        address: [name for key in keys if (name := range_of(str(key)))]
        for address, keys in processing.items()
    }
    return {address: names[0] for address, names in named.items() if names}


def assignments(
    before: Mapping[str, RangeName], after: Mapping[str, RangeName], machines: Machines
) -> Iterator[Event]:
    """Yield an event for each machine that has another range than before, or none any more."""
    for address, machine in machines.items():
        name = after.get(address, NO_RANGE)
        if name != before.get(address, NO_RANGE):
            yield MachineAssigned(machine.name, address, *name)


def changes(before: Machines, after: Machines, leaving: Collection[str]) -> Iterator[Event]:
    """Yield an event for each machine that came or went; those whose address is in `leaving` went in order."""
    count = sum(machine.takes_tasks for machine in after.values())
    for address, machine in before.items():
        if address not in after:
            gone = MachineLeft if address in leaving or not machine.takes_tasks else MachineLost
            yield gone(machine.name, address, count)
    for address, machine in after.items():
        if address not in before:
            yield MachineJoined(machine.name, address, machine.version, count)
