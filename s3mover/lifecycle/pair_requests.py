"""Connects the requests of operators at this process with those at the other instances of a pair, through the trail.

The leader takes requests from the trail and answers them. An instance that stands by forwards what it was asked (by a
signal), and reloads its settings when the leader is asked to: it may lead next.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple, Protocol

from s3mover.events import Notify, OperatorRequested
from s3mover.lifecycle.operator_requests import OperatorRequests
from s3mover.model import Pair, PairRequest, Pause, RequestAnswer, RequestKind


class RequestTrail(Protocol):
    """What is used of the trail; see `audit.retrying_trail.RetryingTrail`."""

    @property
    def standing_pause(self) -> Pause | None:
        """The pause of the pair."""

    @property
    def latest_requests(self) -> tuple[PairRequest, ...]:
        """The latest request of each kind."""

    def try_request(self, pair: Pair, kind: RequestKind, by: str) -> int | None:
        """Record a request and return its number; None while the database is unavailable."""

    def try_answer(self, pair: Pair, kind: RequestKind, number: int, answer: RequestAnswer) -> bool:
        """Record the answer to a request; return False while the database is unavailable."""


class _Reload(NamedTuple):
    """A reload that the leader was asked for: the number of the request, and of the reload of this process."""

    number: int
    reload: int


class PairRequests:
    """The requests of one pair at this instance; `blocked_by` returns why no sweep may start, "" if one may.

    `name` is how others know this instance. `takes` returns whether this process may act on a request; one that sweeps
    once, or stops, leaves it to others.
    """

    def __init__(
        self,
        requests: OperatorRequests,
        name: str,
        route: str,
        pair: Pair,
        trail: RequestTrail,
        notify: Notify,
        blocked_by: Callable[[], str],
        *,
        takes: Callable[[], bool],
    ) -> None:
        self.is_leader = self.is_sweeping = False
        self._requests = requests
        self._route = route
        self._pair = pair
        self._trail = trail
        self._notify = notify
        self._blocked_by = blocked_by
        self._takes = takes
        self._name = name
        self._seen: dict[RequestKind, int] = {}
        self._forwarded = {RequestKind.SWEEP: requests.sweeps, RequestKind.RELOAD: requests.reloads}
        self._answers: dict[RequestKind, tuple[int, RequestAnswer]] = {}
        self._reload: _Reload | None = None

    def poll(self) -> None:
        """Do what is due: note a pause, take or forward requests, answer them."""
        self._requests.standing[self._route] = self._trail.standing_pause
        if not self._takes():
            return
        for request in self._trail.latest_requests:
            self._see(request)
        if self.is_leader:
            self._answer()
        else:
            self._forward(RequestKind.SWEEP, self._requests.sweeps)
            self._forward(RequestKind.RELOAD, self._requests.reloads)

    @contextmanager
    def sweeping(self) -> Iterator[None]:
        """Mark that a sweep runs, for the answer to a request for one."""
        self.is_sweeping = True
        try:
            yield
        finally:
            self.is_sweeping = False

    def _see(self, request: PairRequest) -> None:
        """Act on a request that is new here; one that nobody answered is the next leader's."""
        if request.has_expired or self._seen.get(request.kind, 0) >= request.number:
            return
        if self.is_leader and not request.is_answered:
            self._take(request)
        elif request.kind is RequestKind.RELOAD:
            self._requests.forward_reload(self._route)
        elif not request.is_answered:
            return
        self._seen[request.kind] = request.number

    def _take(self, request: PairRequest) -> None:
        if request.kind is RequestKind.RELOAD:
            self._reload = _Reload(request.number, self._requests.forward_reload(self._route))
            return
        answer = self._sweep_requested()
        self._answers[request.kind] = (request.number, answer)
        self._notify(OperatorRequested(request.kind.value, request.by, answer.text))

    def _sweep_requested(self) -> RequestAnswer:
        if reason := self._blocked_by():
            return RequestAnswer(self._name, False, f"no sweep starts: {reason}")
        self._requests.forward_sweep(self._route)
        text = (
            "a sweep is running; another one starts when it ends"
            if self.is_sweeping
            else "a sweep starts now"
        )
        return RequestAnswer(self._name, True, text)

    def _answer(self) -> None:
        if (
            self._reload is not None
            and (result := self._requests.reloaded)
            and result.number >= self._reload.reload
        ):
            answer = RequestAnswer(self._name, result.is_applied, result.text)
            self._answers[RequestKind.RELOAD] = (self._reload.number, answer)
            self._reload = None
        for kind, (number, answer) in tuple(self._answers.items()):
            if self._trail.try_answer(self._pair, kind, number, answer):
                del self._answers[kind]

    def _forward(self, kind: RequestKind, requested: int) -> None:
        """Record what this process was asked since the last time, for the leader."""
        if self._forwarded[kind] == requested:
            return
        number = self._trail.try_request(self._pair, kind, f"{self._name} (signal)")
        if number is not None:
            self._forwarded[kind] = requested
            self._notify(OperatorRequested(kind.value, "signal", "forwarded to the leader"))
            if kind is RequestKind.RELOAD:
                self._seen[kind] = number  # done here by the signal itself
