"""The machines of the cluster and the ranges of the sweep, as `/status` shows them.

Not safe to use from several threads: the board holds a lock.
"""

from collections.abc import Callable

from s3mover.events import (
    MachineAssigned,
    MachineJoined,
    MachineLeft,
    MachineLost,
    RangeFinished,
    RangeRetried,
    RangesCounted,
    SchedulerRestored,
    SchedulerUnavailable,
)
from s3mover.observe.handlers import Handlers
from s3mover.observe.redaction import redactor
from s3mover.observe.text import utc_moment


class ClusterState:
    """The state of the cluster; `clock` returns seconds since the epoch.

    `problem` says why the scheduler cannot be reached, empty if it can.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._used = False
        self.problem = self._last_retry = ""
        self._machines: dict[str, dict[str, object]] = {}
        self._ranges: dict[str, int] = {}

    def as_dict(self) -> dict[str, object] | None:
        """Return the machines, oldest first, and the ranges; None in a process that does all the work itself.

        `last_retry` says why a range was last given out again. Of a machine `range` is the one that it has, `rate` how
        many objects per second it listed, and moved where needed, in its last one.
        """
        if not self._used:
            return None
        return {
            "problem": self.problem,
            "machines": [dict(machine) for machine in self._machines.values()],
            "ranges": dict(self._ranges),
            "last_retry": self._last_retry,
        }

    def handlers(self) -> Handlers:
        """Return the handler of each event."""
        return {
            MachineJoined: self._joined,
            MachineLeft: self._gone,
            MachineLost: self._gone,
            MachineAssigned: self._assigned,
            RangeFinished: self._finished,
            SchedulerUnavailable: self._unavailable,
            SchedulerRestored: self._restored,
            RangesCounted: self._counted,
            RangeRetried: self._retried,
        }

    def _joined(self, event: MachineJoined) -> None:
        self._used, self.problem = True, ""
        self._machines[event.address] = {
            "machine": event.machine,
            "address": event.address,
            "version": event.version,
            "since": utc_moment(self._clock()),
            "range": None,
            "rate": None,
        }

    def _assigned(self, event: MachineAssigned) -> None:
        if machine := self._machines.get(event.address):
            of_route = {"route": event.route} if event.route else {}
            machine["range"] = (
                {**of_route, "sweep": event.sweep, "number": event.number} if event.sweep else None
            )

    def _finished(self, event: RangeFinished) -> None:
        for machine in self._machines.values():
            if machine["machine"] == event.machine and event.seconds > 0:
                machine["rate"] = event.tally.listed / event.seconds

    def _gone(self, event: MachineLeft | MachineLost) -> None:
        self._machines.pop(event.address, None)

    def _unavailable(self, event: SchedulerUnavailable) -> None:
        self._used, self.problem = True, redactor.clean(event.message)
        self._machines.clear()

    def _restored(self, _event: SchedulerRestored) -> None:
        self.problem = ""

    def _counted(self, event: RangesCounted) -> None:
        self._ranges = {"waiting": event.waiting, "running": event.running, "completed": event.completed}

    def _retried(self, event: RangeRetried) -> None:
        self._last_retry = redactor.clean(event.message)
