"""Many threads on the parts of one object.

The thread that has the order works on its parts; others are invited through the queue from which all threads take
their work, where an invitation waits for its turn again as soon as someone has taken a part. How many threads may
follow at a time is said there.
"""

import threading
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeVar

from s3mover.transfer.parts import Part

T = TypeVar("T")


class SharedJob:
    """The parts of one object as far as they are not begun, open to any thread that helps."""

    def __init__(self, do: Callable[[Part], Any], parts: Iterable[Part]) -> None:
        self._do = do
        self._parts = iter(parts)
        self._changed = threading.Condition()
        self._results: dict[int, Any] = {}
        self._under_way = 0
        self._error: Exception | None = None

    def begin(self) -> Part | None:
        """Take a part, which is then to be done; None where none is left."""
        with self._changed:
            part = None if self._error else next(self._parts, None)
            self._under_way += part is not None
            return part

    def do(self, part: Part) -> None:
        """Do a part that was taken."""
        try:
            result = self._do(part)
        except Exception as error:  # noqa: BLE001 - carried to the thread that has the order, which raises it
            self._end(error=error)
        else:
            self._end(part, result)

    def outcome(self) -> list[Any]:
        """Wait for the parts that others are doing and return all results in the order of parts, or raise."""
        with self._changed:
            while self._under_way:
                self._changed.wait()
        if self._error is not None:
            raise self._error
        return [self._results[number] for number in sorted(self._results)]

    def _end(self, part: Part | None = None, result: object = None, error: Exception | None = None) -> None:
        with self._changed:
            self._under_way -= 1
            if part is not None:
                self._results[part.number] = result
            self._error = self._error or error
            self._changed.notify_all()


class PartSharing:
    """Invites the threads of one worker to help.

    `invite` puts an invitation into the queue from which the threads take their work; `resting` surrounds the wait of
    a thread for its helpers.
    """

    def __init__(
        self,
        invite: Callable[[SharedJob], None],
        resting: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self._share = invite
        self._resting = resting

    def run(self, do: Callable[[Part], T], parts: Iterable[Part]) -> list[T]:
        """Do all parts, with what help there is, and return the results in their order; the first error is raised."""
        job = SharedJob(do, parts)
        self._share(job)
        while (part := job.begin()) is not None:
            job.do(part)
        with self._resting():
            return job.outcome()

    def help(self, job: SharedJob) -> None:
        """Do one part of what a thread was invited to, and let another one follow meanwhile."""
        part = job.begin()
        if part is not None:
            self._share(job)
            job.do(part)
