"""The supervisor's adapter of Dask: gives out tasks, says what becomes of them and which machines there are.

It never decides on a second attempt. When the connection breaks, or the scheduler does not answer, every task that was
given out is reported as lost: the caller reads in the database what became of it.
"""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import CancelledError
from contextlib import suppress
from typing import Any, Self

from distributed import Client, Future

from s3mover.events import Notify, SchedulerRestored, SchedulerUnavailable
from s3mover.scale.dask_setup import CONNECT_SECONDS, configure_dask
from s3mover.scale.machine_list import (
    CHANGES,
    LEAVING,
    REMOVED,
    RESOURCE,
    TOPIC,
    assignments,
    changes,
    machines_of,
    ranges_of,
)
from s3mover.scale.messages import ClusterMessage, Machine, MachinesChanged, RangeAnswered, RangeLost
from s3mover.scale.reach import ask_scheduler, reason_of
from s3mover.scale.security import open_security, renew
from s3mover.scale.task_entry import execute_task
from s3mover.scale.tasks import RangeName
from s3mover.settings.model import ScaleSettings

# The scheduler is asked so often for its machines, and is considered hung if it does not answer within the limit.
QUESTION_SECONDS = 1.0
ANSWER_SECONDS = 3.0
RECONNECT_SECONDS = 1.0
CLOSE_SECONDS = 3.0


class Cluster:
    """A connection to the scheduler, on a thread of its own, which calls `deliver` and `notify`.

    Its methods may be called by any thread. Submit at most as many tasks as there are `machines()`: a task is bound to
    a machine at once, so a newcomer would get none.
    """

    def __init__(
        self, scale: ScaleSettings, deliver: Callable[[ClusterMessage], None], notify: Notify
    ) -> None:
        configure_dask(notify, encrypted=bool(scale.certificate_file))
        self._scale = scale
        self._deliver = deliver
        self._notify = notify
        self._machines: dict[str, Machine] = {}
        self._ranges: dict[str, RangeName] = {}
        self._leaving: set[str] = set()
        self._client: Client | None = None
        self._waiting: dict[str, asyncio.Task[None]] = {}
        self._away_since: float | None = None
        self._runner = asyncio.Runner()
        self._loop = self._runner.get_loop()
        self._closing = asyncio.Event()
        self._changed = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="cluster", daemon=True)

    def __enter__(self) -> Self:
        """Start to connect."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Disconnect; tasks that no machine has begun vanish."""
        self._loop.call_soon_threadsafe(self._close)
        self._thread.join()

    def machines(self) -> tuple[Machine, ...]:
        """Return the machines that take tasks."""
        return tuple(machine for machine in self._machines.values() if machine.takes_tasks)

    def submit(self, key: str, payload: bytes) -> None:
        """Give out a task under a key that was never used. One `RangeAnswered` or `RangeLost` follows."""
        self._loop.call_soon_threadsafe(self._submit, key, payload)

    def withdraw(self, key: str) -> None:
        """Forget a task: no message follows. A machine that has begun it goes on until it is fenced."""
        self._loop.call_soon_threadsafe(self._withdraw, key)

    def _run(self) -> None:
        with self._runner:
            self._runner.run(self._serve())

    def _close(self) -> None:
        self._closing.set()
        self._changed.set()

    async def _serve(self) -> None:
        while not self._closing.is_set():
            try:
                await self._watch_scheduler(await self._connect())
            except Exception as error:  # noqa: BLE001 - whatever Dask raises, the supervisor waits for its ranges
                self._scheduler_lost(reason_of(error))
            await self._disconnect()
            await _wait(self._closing, RECONNECT_SECONDS)

    async def _connect(self) -> Client:
        security = open_security(self._scale)
        # Dask's client would not say what is wrong with a certificate.
        await ask_scheduler(self._scale, security)
        async with asyncio.timeout(2 * CONNECT_SECONDS):
            client = self._client = Client(
                self._scale.scheduler,
                security=security,
                asynchronous=True,
                set_as_default=False,
                direct_to_workers=False,
                deserializers=["dask"],
            )
            await client
        client.subscribe_topic(TOPIC, self._on_event)
        return client

    async def _watch_scheduler(self, client: Client) -> None:
        """Ask the scheduler for its machines until this connection is closed.

        Raises:
            OSError: the connection broke, or leads to another scheduler, or the scheduler does not answer.
        """
        first_id = ""
        while not self._closing.is_set():
            self._changed.clear()
            scheduler = await _asked(client.scheduler.identity(n_workers=-1))
            first_id = first_id or scheduler["id"]
            if client.status != "running" or scheduler["id"] != first_id:
                raise ConnectionError("the connection to the scheduler broke")
            self._scheduler_found()
            # Else the answer may be older than what an event has said meanwhile.
            if not self._changed.is_set():
                self._set_machines(machines_of(scheduler))
            self._set_ranges(ranges_of(await _asked(client.scheduler.processing())))
            renew(client.security)
            await _wait(self._changed, QUESTION_SECONDS)

    async def _disconnect(self) -> None:
        for key in list(self._waiting):
            self._withdraw(key)
        client, self._client = self._client, None
        if client is not None:
            with suppress(OSError):  # it is gone, or does not answer
                async with asyncio.timeout(CLOSE_SECONDS):
                    await client.close()

    def _on_event(self, event: tuple[float, Any]) -> None:
        message = event[1]
        if not isinstance(message, dict) or message.get("action") not in CHANGES:
            return
        self._changed.set()
        if message["action"] == LEAVING:
            self._leaving.add(message["worker"])
        if message["action"] == REMOVED:
            # Announced at once, and so before its tasks are: Dask's news of them is in the same batch.
            self._set_machines({at: one for at, one in self._machines.items() if at != message["worker"]})
            # Dask would run these again by itself.
            for key in message["lost-computed-tasks"]:
                self._lose(key, "its machine was lost before the answer was fetched")

    def _scheduler_found(self) -> None:
        if self._away_since is not None:
            self._notify(SchedulerRestored(time.monotonic() - self._away_since))
            self._away_since = None

    def _scheduler_lost(self, reason: str) -> None:
        if self._away_since is None:
            self._away_since = time.monotonic()
            self._notify(SchedulerUnavailable(f"{self._scale.scheduler}: {reason}"))
        for key in list(self._waiting):
            self._lose(key, f"the scheduler was lost: {reason}")
        if self._machines:
            self._machines = {}
            self._deliver(MachinesChanged())

    def _set_machines(self, machines: dict[str, Machine]) -> None:
        before, self._machines = self._machines, machines
        for event in changes(before, machines, self._leaving):
            self._notify(event)
        self._leaving &= machines.keys()
        if before != machines:
            self._deliver(MachinesChanged())

    def _set_ranges(self, ranges: dict[str, RangeName]) -> None:
        before, self._ranges = self._ranges, ranges
        for event in assignments(before, ranges, self._machines):
            self._notify(event)

    def _submit(self, key: str, payload: bytes) -> None:
        if self._client is None or self._client.status != "running":
            self._deliver(RangeLost(key, "the scheduler cannot be reached"))
            return
        future = self._client.submit(
            execute_task, payload, key=key, pure=False, retries=0, resources={RESOURCE: 1}
        )
        self._waiting[key] = self._loop.create_task(self._await_answer(key, future))

    def _withdraw(self, key: str) -> None:
        if waiting := self._waiting.pop(key, None):
            waiting.cancel()

    def _lose(self, key: str, reason: str) -> None:
        if waiting := self._waiting.pop(key, None):
            waiting.cancel()
            self._deliver(RangeLost(key, reason))

    async def _await_answer(self, key: str, future: Future[bytes]) -> None:
        """Deliver what becomes of a task. Whatever ends this, Dask forgets the task with its future."""
        try:
            message = await _message_of(key, future)
        finally:
            future.release()
        self._waiting.pop(key, None)
        self._deliver(message)


async def _asked(question: Awaitable[Any]) -> Any:
    """Return the scheduler's answer.

    Raises:
        ConnectionError: it does not answer.
    """
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            return await question
    except TimeoutError as error:
        raise ConnectionError(f"no answer within {ANSWER_SECONDS:g} seconds") from error


async def _message_of(key: str, future: Future[bytes]) -> ClusterMessage:
    try:
        payload = await future
    except CancelledError:
        return RangeLost(key, "the task was cancelled")
    except Exception as error:  # noqa: BLE001 - `KilledWorker`, or whatever Dask raises in place of an answer
        return RangeLost(key, reason_of(error))
    if not isinstance(payload, bytes):
        return RangeLost(key, f"the answer is not bytes but {type(payload).__name__}")
    return RangeAnswered(key, payload)


async def _wait(event: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), seconds)
