"""Which machines there are, and who came and went, follows from what the scheduler says of itself."""

from typing import Any

from s3mover.events import MachineAssigned, MachineJoined, MachineLeft, MachineLost
from s3mover.scale.machine_list import assignments, changes, machines_of, ranges_of
from s3mover.scale.messages import Machine
from s3mover.scale.tasks import RangeName

ONE, TWO = (Machine(name, f"tls://{name}:1", "1.0") for name in ("one", "two"))
LEAVING = Machine("two", "tls://two:1", "1.0", takes_tasks=False)


def listed(*machines: Machine) -> dict[str, Machine]:
    return {machine.address: machine for machine in machines}


def worker(**fields: Any) -> dict[str, Any]:
    return {
        "name": "one",
        "status": "running",
        "resources": {"s3mover": 1},
        "s3mover_version": "1.0",
    } | fields


def test_a_machine_takes_tasks_while_it_runs() -> None:
    described = {"workers": {"a": worker(), "b": worker(name="two", status="paused")}}
    assert machines_of(described) == {
        "a": Machine("one", "a", "1.0"),
        "b": Machine("two", "b", "1.0", takes_tasks=False),
    }


def test_workers_of_others_and_those_that_are_not_ready_are_not_machines() -> None:
    other = worker()
    del other["s3mover_version"]
    assert machines_of({"workers": {"a": other, "b": worker(resources={}), "c": worker(status="init")}}) == {}


def test_who_came_is_announced_with_the_number_of_machines_that_take_tasks() -> None:
    assert list(changes({}, listed(ONE, LEAVING), ())) == [
        MachineJoined("one", ONE.address, "1.0", 1),
        MachineJoined("two", TWO.address, "1.0", 1),
    ]


def test_who_is_gone_is_lost_unless_it_had_said_that_it_leaves() -> None:
    assert list(changes(listed(ONE, TWO), listed(ONE), ())) == [MachineLost("two", TWO.address, 1)]
    assert list(changes(listed(ONE, TWO), listed(ONE), {TWO.address})) == [MachineLeft("two", TWO.address, 1)]
    assert list(changes(listed(ONE, LEAVING), listed(ONE), ())) == [MachineLeft("two", TWO.address, 1)]


def test_the_tasks_of_a_machine_tell_its_range() -> None:
    """Tasks of other programs in the same cluster tell nothing."""
    found = ranges_of(
        {ONE.address: ["sum-1", "range-docs-7-3-2"], TWO.address: ["sum-2"], "tls://other:1": []}
    )
    assert found == {ONE.address: ("docs", 7, 3)}


def test_another_range_of_a_machine_is_announced_once() -> None:
    ranges = {name: RangeName("docs", 7, number) for number, name in enumerate((ONE.address, TWO.address), 1)}
    assert list(assignments({}, ranges, listed(ONE))) == [MachineAssigned("one", ONE.address, "docs", 7, 1)]
    assert list(assignments(ranges, ranges, listed(ONE, TWO))) == []
    assert list(assignments(ranges, {}, listed(TWO))) == [MachineAssigned("two", TWO.address, "", 0, 0)]


def test_a_machine_that_stays_is_not_announced() -> None:
    assert list(changes(listed(ONE, TWO), listed(ONE, LEAVING), ())) == []
