"""Which machines there are, and who came and went, follows from what the scheduler says of itself."""

from typing import Any

from s3mover.events import MachineJoined, MachineLeft, MachineLost
from s3mover.scale.machine_list import changes, machines_of
from s3mover.scale.messages import Machine

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


def test_a_machine_that_stays_is_not_announced() -> None:
    assert list(changes(listed(ONE, TWO), listed(ONE, LEAVING), ())) == []
