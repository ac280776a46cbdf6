"""One sweep by many machines: cut it into ranges, give them out, begin lost ones again, add up the answers.

The loop runs on the thread that owns the trail and holds the lease. It moves nothing itself: a machine lists, compares,
transfers and records its range (`range_run.py`). What must be true stands in the database; the cluster only carries
tasks, answers and news of machines.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from queue import Empty
from typing import NamedTuple, Protocol, TypeVar

from s3mover import __version__
from s3mover.errors import S3Error
from s3mover.events import RangeFinished, RangeRetried, RangesCounted, RangeStarted, SweepProgress
from s3mover.model import Outcome, Pair, SweepRecord, SweepStatus, Tally
from s3mover.planning.cuts import FirstPieces
from s3mover.planning.ranges import ALL_KEYS, KeyBounds
from s3mover.scale.messages import ClusterMessage, Machine, RangeAnswered, RangeLost
from s3mover.scale.tasks import AnswerStatus, RangeAnswer, RangeTask, TaskFormatError, dump_task, load_answer
from s3mover.sweep.heartbeat import while_heartbeating
from s3mover.sweep.result import SweepResult
from s3mover.sweep.round import MOST_ATTEMPTS, RangeState, Round
from s3mover.sweep.tools import OpenSweep, SweepTools
from s3mover.workers.lease_guard import LEASE_GUARD_SECONDS, SETTLING_SECONDS

T = TypeVar("T")

TICK_SECONDS = 0.1
PROGRESS_SECONDS = 10.0
# A machine that was fenced begins no request after its guard has expired; what it began before has settled then.
FENCE_SECONDS = LEASE_GUARD_SECONDS + SETTLING_SECONDS
PIECES_PER_MACHINE = 4
REFUSED_SECONDS = 2.0


class TaskCarrier(Protocol):
    """The cluster, as a sweep uses it; messages come into the sweep's inbox."""

    def machines(self) -> Sequence[Machine]:
        """Return the machines that take tasks."""

    def submit(self, key: str, payload: bytes) -> None:
        """Give out a task under a key that was never used."""

    def withdraw(self, key: str) -> None:
        """Forget a task."""


class Cuts(Protocol):
    """Cuts the keys of the source into ranges; both may raise `S3Error`."""

    def first_page(self, few: int, many: int) -> FirstPieces:
        """Cut the first keys evenly into `few` pieces, or into `many` if those are all keys."""

    def cut(self, bounds: KeyBounds, pieces: int) -> list[KeyBounds]:
        """Cut keys into up to so many pieces, and return these, the widest first."""


class SharedPlan(NamedTuple):
    """How a route's sweep is shared.

    `cuts` cuts the source's keys. The bounds on requests and bytes per second
    are the user's, 0 for none; `digest` is that of the route's settings.
    """

    route: str
    digest: str
    cuts: Cuts
    requests_per_second: float
    bandwidth: float


class SharedSweep:
    """A sweep that machines work on; its row stands in the trail as running, the caller closes it."""

    def __init__(
        self, tools: SweepTools, pair: Pair, cluster: TaskCarrier, plan: SharedPlan, opened: OpenSweep
    ) -> None:
        self._tools = tools
        self._pair = pair
        self._cluster = cluster
        self._plan = plan
        self._opened = opened
        self._round = Round()
        self._keys: dict[str, int] = {}
        self._blocked_by = ""
        self._counted: tuple[int, int, int] | None = None
        self._progress_at = tools.clock()

    def run(self) -> SweepResult:
        """Sweep once.

        Raises:
            AuditUnavailableError: the audit database stayed away until the stop's deadline.
            LeaseHeldError: another instance took the lease.
        """
        self._await_machine()
        self._begin(max(1, len(self._cluster.machines())))
        while not (self._tools.stop.overdue or self._round.is_done(blocked=bool(self._blocked_by))):
            self._step()
        for key in self._keys:
            self._cluster.withdraw(key)
        self._count_ranges(over=True)
        return self._result()

    def _await_machine(self) -> None:
        """Wait for a machine, as long as nothing speaks against beginning."""
        while not self._cluster.machines() and not self._is_blocked():
            self._receive()

    def _step(self) -> None:
        if self._is_blocked():
            self._recall_all()
        else:
            self._give_out()
            self._share_with_idle()
        self._receive()
        self._count_ranges(over=False)
        self._report_progress()

    def _is_blocked(self) -> bool:
        self._tools.heartbeat()
        failed = self._round.failed()
        reason = (failed.message or failed.code) if failed is not None else self._tools.blocked_by()
        self._blocked_by = self._blocked_by or reason
        return bool(self._blocked_by)

    def _begin(self, machines: int) -> None:
        """Cut all keys into ranges; machines get the first ones before the rest is cut."""
        if self._is_blocked():
            return
        many = PIECES_PER_MACHINE * machines
        begin = partial(self._plan.cuts.first_page, machines, many)
        first, rest = self._cut(begin, FirstPieces([], ALL_KEYS))
        for bounds in first:
            self._add(bounds)
        self._give_out()
        for bounds in self._pieces(rest, many - len(first)) if rest is not None else []:
            self._add(bounds)

    def _add(self, bounds: KeyBounds) -> None:
        state = self._round.add(*bounds)
        self._tools.trail.add_range(self._opened.id, state.number, *bounds)

    def _pieces(self, bounds: KeyBounds, pieces: int) -> list[KeyBounds]:
        return self._cut(partial(self._plan.cuts.cut, bounds, pieces), [bounds])

    def _cut(self, cut: Callable[[], T], whole: T) -> T:
        try:
            return while_heartbeating(self._tools.heartbeat, cut)
        except S3Error:
            # The range that lists these keys meets the same error, and tells it.
            return whole

    def _give_out(self) -> None:
        machines = len(self._cluster.machines())
        for state in list(self._round.due(machines, time.monotonic())):
            task = self._task(state, machines)
            self._keys[task.key] = state.number
            self._round.give(state.number, time.monotonic())
            self._tools.notify(RangeStarted(self._opened.id, state.number, state.attempt))
            self._cluster.submit(task.key, dump_task(task))

    def _task(self, state: RangeState, machines: int) -> RangeTask:
        lease = self._tools.trail.lease_token
        return RangeTask(
            version=__version__,
            route=self._plan.route,
            sweep=self._opened.id,
            number=state.number,
            token=state.token,
            after=state.after,
            until=state.until,
            lease_holder=lease.holder,
            lease_token=lease.token,
            settings_digest=self._plan.digest,
            requests_per_second=self._plan.requests_per_second / machines,
            bandwidth=self._plan.bandwidth / machines,
            listed_before=state.listed_before,
        )

    def _share_with_idle(self) -> None:
        state = self._round.to_recall(len(self._cluster.machines()), time.monotonic())
        if state is not None:
            self._recall(state)

    def _recall_all(self) -> None:
        for state in self._round.given():
            if not state.is_recalled:
                self._recall(state)

    def _recall(self, state: RangeState) -> None:
        state.is_recalled = True
        self._tools.trail.recall_range(self._opened.id, state.number)

    def _receive(self) -> None:
        try:
            message = self._tools.inbox.get(timeout=TICK_SECONDS)
        except Empty:
            return
        if isinstance(message, ClusterMessage):
            self._take(message)

    def _take(self, message: ClusterMessage) -> None:
        match message:
            case RangeAnswered(key, payload) if (number := self._keys.pop(key, None)) is not None:
                self._take_answer(self._round.ranges[number], payload)
            case RangeLost(key, reason) if (number := self._keys.pop(key, None)) is not None:
                self._begin_again(self._round.ranges[number], reason, FENCE_SECONDS)

    def _take_answer(self, state: RangeState, payload: bytes) -> None:
        try:
            answer = load_answer(payload)
        except TaskFormatError as error:
            self._begin_again(state, str(error), FENCE_SECONDS)
            return
        match answer.status:
            case AnswerStatus.COMPLETED | AnswerStatus.FAILED:
                self._end(state, answer)
            case AnswerStatus.INTERRUPTED:
                self._take_rest(state, answer)
            case AnswerStatus.REFUSED:
                self._begin_again(state, answer.message, REFUSED_SECONDS)
            case AnswerStatus.LOST:
                self._begin_again(state, answer.message, FENCE_SECONDS)

    def _end(self, state: RangeState, answer: RangeAnswer) -> None:
        seconds = time.monotonic() - (state.given_at or time.monotonic())
        self._round.end(state.number, answer)
        self._tools.notify(
            RangeFinished(
                self._opened.id,
                state.number,
                answer.status.value,
                answer.tally,
                seconds,
                answer.message,
                answer.machine,
            )
        )

    def _take_rest(self, state: RangeState, answer: RangeAnswer) -> None:
        """Keep what a run counted, and give the range out again, in two where it was recalled for idle machines."""
        # A limit of costs may be why it came back.
        self._tools.costs.refresh()
        if self._is_blocked():
            self._end(state, answer)
            return
        self._round.hand_back(state.number, answer)
        rest = KeyBounds(state.after, state.until)
        lower, *upper = sorted(self._pieces(rest, 2)) if state.is_recalled else [rest]
        state.is_whole = state.is_recalled and not upper
        state.until = lower.until
        self._issue_again(state, 0.0)
        for bounds in upper:
            self._add(bounds)

    def _begin_again(self, state: RangeState, reason: str, seconds: float) -> None:
        """Give a range out again, after so many seconds; give the sweep up if that was done too often."""
        if state.attempt >= MOST_ATTEMPTS:
            message = f"range {state.number} was given out {state.attempt} times: {reason}"
            self._end(state, RangeAnswer(AnswerStatus.FAILED, message, "RangeLost"))
            return
        self._issue_again(state, seconds)
        self._tools.notify(RangeRetried(self._opened.id, state.number, state.attempt, reason))

    def _issue_again(self, state: RangeState, seconds: float) -> None:
        bounds = KeyBounds(state.after, state.until)
        token = self._tools.trail.reissue_range(self._opened.id, state.number, *bounds)
        self._round.take_back(state.number, token, time.monotonic() + seconds)

    def _count_ranges(self, *, over: bool) -> None:
        counts = (0, 0, 0) if over else self._round.counts()
        if counts != self._counted:
            self._counted = counts
            self._tools.notify(RangesCounted(self._opened.id, *counts))

    def _report_progress(self) -> None:
        now = self._tools.clock()
        if now - self._progress_at >= PROGRESS_SECONDS:
            self._progress_at = now
            tally = total(self._round.tallies())
            self._tools.notify(SweepProgress(self._opened.id, tally, now - self._opened.started_at))

    def _result(self) -> SweepResult:
        answers, failed, ended_at = self._round.answers(), self._round.failed(), self._tools.clock()
        status = SweepStatus.COMPLETED if self._round.is_whole() else SweepStatus.INTERRUPTED
        tally = total(row.tally for row in self._tools.trail.ranges(self._opened.id))
        record = SweepRecord(
            id=self._opened.id,
            pair=self._pair,
            started_at=self._opened.started_at,
            ended_at=ended_at,
            status=SweepStatus.FAILED if failed is not None else status,
            tally=tally,
            duration_us=max(0, round((ended_at - self._opened.started_at) * 1e6)),
        )
        failures: list[Outcome] = [outcome for answer in answers for outcome in answer.failures]
        return SweepResult(
            record,
            None if failed is None else S3Error(failed.code, failed.message),
            failures,
            _summed(answer.fallbacks for answer in answers),
            [],
            _summed(answer.unkept for answer in answers),
            _summed(answer.skipped for answer in answers),
            "" if failed is not None else self._blocked_by,
        )


def total(tallies: Iterable[Tally]) -> Tally:
    """Return the sums of the counts."""
    return Tally(*map(sum, zip(*(_counts(one) for one in (Tally(), *tallies)), strict=True)))


def _counts(tally: Tally) -> tuple[int, ...]:
    return tuple(getattr(tally, name) for name in Tally.__match_args__)


def _summed(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    added: Counter[str] = Counter()
    for one in counts:
        added.update(one)
    return dict(added)
