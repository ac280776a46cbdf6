"""The worker processes: starts them, watches them, replaces those that died or hang, and stops them.

What they work on is in `dispatcher.py`. All of this runs on the pool's thread.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from s3mover.errors import MoverError
from s3mover.events import Notify, WorkerDied, WorkerStarted
from s3mover.workers.messages import FromWorker, Quit, WorkerConfig
from s3mover.workers.pool.forkserver import ForkServer
from s3mover.workers.pool.handle import WorkerHandle
from s3mover.workers.pool.watchdog import RestartPolicy, Watchdog, restart_delay

# After so many startup failures in a row the pool gives up: workers cannot run here at all.
MAX_STARTUP_FAILURES = 5


class WorkerHooks(NamedTuple):
    """Called with each message of a worker (on its listener thread), with each new worker, and with each dead one.

    The message is None when the pipe has closed; a dead worker comes with the reason.
    """

    on_message: Callable[[int, FromWorker | None], None]
    on_start: Callable[[WorkerHandle], None]
    on_death: Callable[[WorkerHandle, str], None]


@dataclass(slots=True)
class Slot:
    """The place of one worker; if it is empty, a worker is started at `due_at`.

    `failure` is why the watchdog has killed the worker, `deaths` counts the workers that died without an outcome.
    """

    config: WorkerConfig
    handle: WorkerHandle | None = None
    watchdog: Watchdog | None = None
    failure: str = ""
    deaths: int = 0
    due_at: float = 0.0


class WorkerProcesses:
    """One worker process for each of `configs`, numbered from 1 in the order of their start."""

    def __init__(
        self,
        configs: Sequence[WorkerConfig],
        fork_server: ForkServer,
        restart: RestartPolicy,
        notify: Notify,
        hooks: WorkerHooks,
    ) -> None:
        self._slots = [Slot(config) for config in configs]
        self._fork_server = fork_server
        self._restart = restart
        self._notify = notify
        self._hooks = hooks
        self._started = 0
        self._startup_failures = 0
        self.due_at = 0.0

    def handles(self) -> list[WorkerHandle]:
        """Return the workers that live."""
        return [slot.handle for slot in self._slots if slot.handle is not None]

    def find(self, worker: int) -> WorkerHandle | None:
        """Return the worker with this number, or None if it was replaced."""
        return next((handle for handle in self.handles() if handle.number == worker), None)

    def poll(self) -> None:
        """Start the workers that are due, and kill those that hang, every `poll_seconds`."""
        now = time.monotonic()
        if now < self.due_at:
            return
        self.due_at = now + self._restart.poll_seconds
        for slot in self._slots:
            if slot.handle is None and now >= slot.due_at:
                self._start(slot)
            elif slot.handle is not None and slot.watchdog is not None and not slot.failure:
                state = slot.handle.state
                slot.failure = slot.watchdog.poll(now, state.main_heartbeats, state.thread_heartbeats())
                if slot.failure:
                    slot.handle.kill()

    def record_success(self, handle: WorkerHandle) -> None:
        """Forget the deaths before an outcome of this worker: it can work."""
        self._slot_of(handle).deaths = self._startup_failures = 0

    def replace(self, handle: WorkerHandle) -> None:
        """Reap a worker whose pipe has closed, and plan the start of another.

        Raises:
            MoverError: too many workers have ended before they were up.
        """
        self._reap(self._slot_of(handle), handle)

    def stop(self, grace: float) -> None:
        """Stop all workers; kill any still running after `grace` seconds."""
        until = time.monotonic() + grace
        for handle in self.handles():
            handle.send(Quit())
        for handle in self.handles():
            handle.reap(max(0.0, until - time.monotonic()))

    def _slot_of(self, handle: WorkerHandle) -> Slot:
        return next(slot for slot in self._slots if slot.handle is handle)

    def _start(self, slot: Slot) -> None:
        self._started += 1
        handle = WorkerHandle(self._started, slot.config, self._fork_server, self._hooks.on_message)
        slot.handle, slot.failure = handle, ""
        slot.watchdog = Watchdog(self._restart.timeouts, self._restart.poll_seconds, time.monotonic())
        self._notify(WorkerStarted(handle.number, handle.pid, slot.config.threads))
        self._hooks.on_start(handle)

    def _reap(self, slot: Slot, handle: WorkerHandle) -> None:
        slot.handle = None
        exit_code = handle.reap()
        code = slot.failure or f"exit {exit_code}"
        self._startup_failures = 0 if handle.state.main_heartbeats else self._startup_failures + 1
        self._plan_start(slot)
        unsettled = sum(map(len, handle.orders.values()))
        self._notify(WorkerDied(handle.number, code, unsettled, slot.due_at - time.monotonic()))
        self._hooks.on_death(handle, code)
        if self._startup_failures >= MAX_STARTUP_FAILURES and not self._restart.forever:
            raise MoverError(f"{self._startup_failures} worker processes ended before they were up")

    def _plan_start(self, slot: Slot) -> None:
        slot.deaths += 1
        slot.due_at = time.monotonic() + restart_delay(slot.deaths)
        self.due_at = min(self.due_at, slot.due_at)
