"""Lets many threads work on the parts of one object.

The thread that has the order does parts itself, and puts a job into the queue from which all threads take their tasks.
Each thread that takes the job takes one part, and puts the job at the end of the queue again. How many threads may do
so at a time is decided in `admission.py`.
"""

import threading
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeVar

from s3mover.transfer.parts import Part

T = TypeVar("T")


class SharedJob:
    """The parts of one object, which several threads take and do."""

    def __init__(self, do: Callable[[Part], Any], parts: Iterable[Part]) -> None:
        self._do = do
        self._parts = iter(parts)
        self._changed = threading.Condition()
        self._results: dict[int, Any] = {}
        self._running = 0
        self._error: Exception | None = None

    def take(self) -> Part | None:
        """Take a part, which the caller must then do; None where none is left."""
        with self._changed:
            part = None if self._error else next(self._parts, None)
            self._running += part is not None
            return part

    def do(self, part: Part) -> None:
        """Do a part that was taken."""
        try:
            result = self._do(part)
        except Exception as error:  # noqa: BLE001 - carried to the thread that has the order, which raises it
            self._end(error=error)
        else:
            self._end(part, result)

    def results(self) -> list[Any]:
        """Wait for the parts that other threads do, and return all results in the order of parts.

        Raises:
            Exception: the first error of a part.
        """
        with self._changed:
            while self._running:
                self._changed.wait()
        if self._error is not None:
            raise self._error
        return [self._results[number] for number in sorted(self._results)]

    def _end(self, part: Part | None = None, result: object = None, error: Exception | None = None) -> None:
        with self._changed:
            self._running -= 1
            if part is not None:
                self._results[part.number] = result
            self._error = self._error or error
            self._changed.notify_all()


class PartSharing:
    """Shares jobs among the threads of one worker.

    `enqueue` puts a job into the queue from which the threads take their tasks; `idle` surrounds the wait of a thread
    for the others.
    """

    def __init__(
        self,
        enqueue: Callable[[SharedJob], None],
        idle: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self._enqueue = enqueue
        self._idle = idle

    def run(self, do: Callable[[Part], T], parts: Iterable[Part]) -> list[T]:
        """Do all parts, with the help of idle threads, and return the results in their order; raise the first error."""
        job = SharedJob(do, parts)
        self._enqueue(job)
        while (part := job.take()) is not None:
            job.do(part)
        with self._idle():
            return job.results()

    def help(self, job: SharedJob) -> None:
        """Do one part of a job; another thread may take the next one meanwhile."""
        part = job.take()
        if part is not None:
            self._enqueue(job)
            job.do(part)
