"""A machine's adapter of Dask: registers with the scheduler, again after the scheduler's death, and runs its tasks.

Tasks run one at a time, in the thread that calls `run`. A task is to end as soon as its machine has left the cluster or
is to stop. Before a machine leaves by itself, it waits, bounded, until the supervisor has fetched its last answer.
"""

import asyncio
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future
from contextlib import suppress
from functools import partial
from queue import SimpleQueue
from typing import Any, Protocol

from distributed import Status, Worker

from s3mover import __version__
from s3mover.events import MachineRegistered, Notify, SchedulerRestored, SchedulerUnavailable
from s3mover.scale.dask_setup import CONNECT_SECONDS, WithoutHttp, configure_dask
from s3mover.scale.machine_list import LEAVING, RESOURCE, TOPIC, VERSION_FIELD
from s3mover.scale.reach import ask_scheduler, local_address, reason_of
from s3mover.scale.security import open_security, renew
from s3mover.scale.task_entry import bind
from s3mover.settings.model import ScaleSettings

TICK_SECONDS = 0.1
RECONNECT_SECONDS = 1.0
# Until the supervisor has fetched the last answer, and for each of the two steps of leaving: together less than the ten
# seconds that a machine gets beyond `stop.grace` before it is killed.
FETCH_SECONDS = 3.0
CLOSE_SECONDS = 2.0
LEAVING_SECONDS = FETCH_SECONDS + 2 * CLOSE_SECONDS + 1.0

# Runs one task; the second argument returns whether it is to end.
Work = Callable[[bytes, Callable[[], bool]], bytes]
_Call = Callable[[], None]


class StopRequest(Protocol):
    """The request to stop, and the time that is left for it."""

    @property
    def requested(self) -> bool:
        """Whether a stop was requested."""

    @property
    def remaining(self) -> float:
        """Seconds until the work must have ended."""


class Machine:
    """One machine of the cluster, called `name`; runs tasks by `work` until `stop` is requested."""

    def __init__(
        self, scale: ScaleSettings, name: str, work: Work, stop: StopRequest, notify: Notify
    ) -> None:
        configure_dask(notify, encrypted=bool(scale.certificate_file))
        self._scale = scale
        self._name = name
        self._work = work
        self._stop = stop
        self._notify = notify
        self._worker: Worker | None = None
        self._busy = False
        self._away_since: float | None = None
        self._calls: SimpleQueue[_Call | None] = SimpleQueue()

    def run(self) -> None:
        """Run tasks in this thread until a stop is requested, then leave the cluster."""
        bind(self._run_task)
        thread = threading.Thread(target=self._run_dask, name="dask", daemon=True)
        thread.start()
        while (call := self._calls.get()) is not None:
            call()
        thread.join()

    def is_registered(self) -> bool:
        """Return whether the scheduler knows this machine."""
        worker = self._worker
        return worker is not None and worker.status is Status.running

    def _run_task(self, payload: bytes) -> bytes:
        worker = self._worker
        return self._work(payload, lambda: self._stop.requested or _has_left(worker))

    def _run_dask(self) -> None:
        try:
            # A folder of its own: Dask puts it into the path of imports, where a shared one would be a danger.
            with tempfile.TemporaryDirectory(prefix="s3mover-", ignore_cleanup_errors=True) as folder:
                asyncio.run(self._serve(folder))
        finally:
            self._calls.put(None)

    async def _serve(self, folder: str) -> None:
        while not self._stop.requested:
            try:
                worker = self._worker = await self._registered(folder)
            except Exception as error:  # noqa: BLE001 - whatever Dask raises, the machine tries again
                self._scheduler_lost(reason_of(error))
                await self._sleep(RECONNECT_SECONDS)
                continue
            self._scheduler_found()
            self._notify(MachineRegistered(self._name, self._scale.scheduler))
            await self._stay(worker)

    async def _registered(self, folder: str) -> Worker:
        security = open_security(self._scale)
        # Dask's worker would only say that it took too long.
        await ask_scheduler(self._scale, security)
        worker = _MachineWorker(
            self._scale.scheduler,
            name=self._name,
            host=local_address(self._scale.scheduler),
            security=security,
            nthreads=1,
            memory_limit=0,
            resources={RESOURCE: 1},
            executor=_CallerThread(self._call),
            startup_information={VERSION_FIELD: lambda _: __version__},
            extensions={},
            death_timeout=f"{CONNECT_SECONDS + 2}s",
            local_directory=folder,
        )
        await worker
        return worker

    async def _stay(self, worker: Worker) -> None:
        """Return once this machine has left the cluster, and its task, if it had one, has ended."""
        while not self._stop.requested and not _has_left(worker):
            renew(worker.security)
            await asyncio.sleep(TICK_SECONDS)
        if not _has_left(worker):
            await self._leave(worker)
            return
        self._scheduler_lost("the scheduler is gone, or has given up this machine")
        while self._busy:
            await asyncio.sleep(TICK_SECONDS)
        await _bounded(worker.close(executor_wait=False))

    async def _leave(self, worker: Worker) -> None:
        worker.log_event(TOPIC, {"action": LEAVING, "worker": worker.address})
        worker.status = Status.paused
        while self._busy and self._stop.remaining > 0:
            await asyncio.sleep(TICK_SECONDS)
        deadline = time.monotonic() + FETCH_SECONDS
        while _holds_answer(worker) and time.monotonic() < deadline:
            await asyncio.sleep(TICK_SECONDS)
        await _bounded(worker.close_gracefully(reason="stop"))
        await _bounded(worker.close(executor_wait=False))

    async def _sleep(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not self._stop.requested:
            await asyncio.sleep(TICK_SECONDS)

    def _call(self, call: _Call) -> None:
        """Run `call` in the thread of `run`."""
        self._busy = True
        self._calls.put(partial(self._run_call, call))

    def _run_call(self, call: _Call) -> None:
        try:
            call()
        finally:
            self._busy = False

    def _scheduler_lost(self, reason: str) -> None:
        if self._away_since is None:
            self._away_since = time.monotonic()
            self._notify(SchedulerUnavailable(f"{self._scale.scheduler}: {reason}"))

    def _scheduler_found(self) -> None:
        if self._away_since is not None:
            self._notify(SchedulerRestored(time.monotonic() - self._away_since))
            self._away_since = None


class _MachineWorker(WithoutHttp, Worker):  # type: ignore[misc]  # without types
    """Dask's worker without its HTTP port."""


class _CallerThread(Executor):
    """Hands what Dask executes to another thread."""

    def __init__(self, call: Callable[[_Call], None]) -> None:
        self._call = call

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Call a function in the other thread."""
        future: Future[Any] = Future()
        self._call(partial(_run_into, future, partial(function, *args, **kwargs)))
        return future


def _run_into(future: Future[Any], function: Callable[[], Any]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        future.set_result(function())
    except BaseException as error:  # noqa: BLE001 - raised again where the future is awaited
        future.set_exception(error)


def _has_left(worker: Worker | None) -> bool:
    return worker is None or worker.status not in (Status.running, Status.paused)


def _holds_answer(worker: Worker) -> bool:
    """Return whether an answer waits to be fetched, or is about to be given to Dask."""
    return any(task.state in ("executing", "memory") for task in worker.state.tasks.values())


async def _bounded(closing: Any) -> None:
    """Wait for a step of leaving, a little: the scheduler may be gone."""
    with suppress(OSError, RuntimeError):
        async with asyncio.timeout(CLOSE_SECONDS):
            await closing
