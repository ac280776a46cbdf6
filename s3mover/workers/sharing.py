"""Many threads on the parts of one object, without starving the small objects beside it.

The thread that has the order works on its parts; some others are invited through the queue from which all threads
take their work. An invitation is good for one part and goes to the end of the queue again, so that small objects,
which stand in the same queue, get their turn in between.
"""

import threading
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeVar

from s3mover.transfer.parts import Part

T = TypeVar("T")


class Invitation:
    """The parts of one object as far as they are not begun, open to any thread that helps.

    `helpers` counts those who are invited; it is kept by who invites.
    """

    def __init__(self, do: Callable[[Part], Any], parts: Iterable[Part]) -> None:
        self._do = do
        self._parts = iter(parts)
        self._changed = threading.Condition()
        self._results: dict[int, Any] = {}
        self._under_way = 0
        self._error: Exception | None = None
        self._too_many = 0
        self.helpers = 0

    def dismiss(self, helpers: int) -> None:
        """Let so many helpers go, each when it has ended its part."""
        with self._changed:
            self.helpers -= helpers
            self._too_many += helpers

    def is_over_for_me(self) -> bool:
        """Tell a helper whether it is one of those that are let go."""
        with self._changed:
            leaving = self._too_many > 0
            self._too_many -= leaving
            return leaving

    def help(self) -> bool:
        """Do one part; False where none is left to begin."""
        part = self._begin()
        if part is None:
            return False
        try:
            result = self._do(part)
        except Exception as error:  # noqa: BLE001 - carried to the thread that has the order, which raises it
            self._end(error=error)
        else:
            self._end(part, result)
        return True

    def outcome(self) -> list[Any]:
        """Wait for the parts that others are doing and return all results in the order of parts, or raise."""
        with self._changed:
            while self._under_way:
                self._changed.wait()
        if self._error is not None:
            raise self._error
        return [self._results[number] for number in sorted(self._results)]

    def _begin(self) -> Part | None:
        with self._changed:
            part = None if self._error else next(self._parts, None)
            self._under_way += part is not None
            return part

    def _end(self, part: Part | None = None, result: object = None, error: Exception | None = None) -> None:
        with self._changed:
            self._under_way -= 1
            if part is not None:
                self._results[part.number] = result
            self._error = self._error or error
            self._changed.notify_all()


class Sharing:
    """Invites threads of one worker to help; at most `most` of them are bound by large objects at a time.

    `invite` puts an invitation into the queue from which the threads take their work; `resting` surrounds the wait of
    a thread for its helpers.
    """

    def __init__(
        self,
        invite: Callable[[Invitation], None],
        most: int,
        resting: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self._invite = invite
        self._resting = resting
        self._lock = threading.Lock()
        self._most = most
        self._running: list[Invitation] = []

    def run(self, do: Callable[[Part], T], parts: Iterable[Part]) -> list[T]:
        """Do all parts, with what help there is, and return the results in their order; the first error is raised."""
        invitation = Invitation(do, parts)
        with self._lock:
            self._running.append(invitation)
        try:
            self._balance(invitation)
            while invitation.help():
                self._balance(invitation)
            with self._resting():
                return invitation.outcome()
        finally:
            with self._lock:
                self._running.remove(invitation)

    def _balance(self, invitation: Invitation) -> None:
        """Bring its helpers nearer to an equal part of all: by half of what is free, so that others find some, too."""
        with self._lock:
            share = -(-self._most // len(self._running))
            free = self._most - sum(one.helpers for one in self._running)
            more = min(share - invitation.helpers, -(-free // 2))
            if more < 0:
                invitation.dismiss(-more)
            else:
                invitation.helpers += more
        for _ in range(more):
            self._invite(invitation)
