"""Runs ranges of other instances' sweeps on this machine: an engine for each route, kept from range to range."""

import secrets
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from functools import partial

from s3mover.app.factories import bounds_of, pair_of
from s3mover.app.listings import plan_of
from s3mover.app.route_engine import RouteEngine, open_route_engine
from s3mover.app.shared_runtime import SharedRuntime
from s3mover.audit.trail import LeaseToken, RangeClaim
from s3mover.errors import MoverError
from s3mover.events import RangeFinished, RangeStarted
from s3mover.planning.plan import ListingPlan
from s3mover.planning.ranges import KeyBounds
from s3mover.scale.tasks import FAILURES_SENT, AnswerStatus, RangeAnswer, RangeTask
from s3mover.sweep.range_progress import Finished
from s3mover.sweep.range_run import RangeTarget, run_range
from s3mover.sweep.result import SweepResult
from s3mover.workers.pool.page_requests import worker_page_reader


class MachineRanges:
    """Works on ranges, one at a time, on the thread that calls it; see `scale/range_runner.py`."""

    def __init__(self, runtime: SharedRuntime) -> None:
        self._runtime = runtime
        self._engines: dict[str, RouteEngine] = {}
        self._opened: dict[str, ExitStack] = {}

    def run(self, task: RangeTask, stop: Callable[[], bool]) -> RangeAnswer:
        """Work on a range until it is completed, recalled, or `stop` returns True.

        Raises:
            LeaseHeldError: another run of the range has taken its place.
            MoverError: the range cannot be completed.
        """
        try:
            return self._run(self._engine(task.route), task, stop)
        except BaseException:
            # Whatever is broken is opened anew for the next range, and orders that are out are given up.
            self.close(task.route)
            raise

    def prepare(self) -> None:
        """Open the engines of all routes; a route whose engine cannot be opened is tried again with its first range."""
        for route in self._runtime.current.routes:
            with suppress(MoverError):
                self._engine(route)

    def close(self, route: str) -> None:
        """Close the engine of a route, if it is open."""
        self._engines.pop(route, None)
        if (opened := self._opened.pop(route, None)) is not None:
            opened.close()

    def close_all(self) -> None:
        """Close every engine."""
        for route in list(self._opened):
            self.close(route)

    def _engine(self, route: str) -> RouteEngine:
        if route not in self._engines:
            opened = ExitStack()
            # Another thread does the periodic work.
            self._engines[route] = opened.enter_context(
                open_route_engine(self._runtime, route, run_periodic=lambda: None, moves=True)
            )
            self._opened[route] = opened
        return self._engines[route]

    def _run(self, engine: RouteEngine, task: RangeTask, stop: Callable[[], bool]) -> RangeAnswer:
        self._bound(engine, task)
        # The connection was silent since the last range.
        engine.tools.heartbeat()
        engine.notify(RangeStarted(task.sweep, task.number, task.token))
        result, finished = run_range(
            engine.tools,
            RangeTarget(pair_of(engine.settings), partial(_plan, engine), engine.cycle.recovery),
            RangeClaim(task.sweep, task.number, task.token, secrets.token_hex(16)),
            KeyBounds(task.after, task.until),
            LeaseToken(task.lease_holder, task.lease_token),
            stop,
            task.listed_before,
        )
        answer = answer_of(result, finished)
        seconds, tally = result.record.duration_us / 1e6, result.record.tally
        engine.notify(
            RangeFinished(task.sweep, task.number, answer.status.value, tally, seconds, answer.message)
        )
        return answer

    def _bound(self, engine: RouteEngine, task: RangeTask) -> None:
        """Let this machine use its share of the user's bounds only."""
        settings = engine.settings
        transfer = replace(
            settings.transfer, requests_per_second=task.requests_per_second, bandwidth=int(task.bandwidth)
        )
        engine.tools.client.apply_bounds(bounds_of(replace(settings, transfer=transfer)))


@contextmanager
def open_machine_ranges(runtime: SharedRuntime) -> Iterator[MachineRanges]:
    """Yield what works on ranges here, and close its engines at the end.

    The engines are opened before this machine takes ranges: that takes longer than a small range.
    """
    ranges = MachineRanges(runtime)
    try:
        ranges.prepare()
        yield ranges
    finally:
        ranges.close_all()


def answer_of(result: SweepResult, finished: Finished) -> RangeAnswer:
    """Return the answer that tells the supervisor what became of a range."""
    error, status = result.error, AnswerStatus(result.record.status.value)
    skipped = Counter(result.skipped)
    if status is AnswerStatus.INTERRUPTED:
        skipped.subtract(finished.skipped_beyond)
    return RangeAnswer(
        status,
        str(error) if error is not None else result.blocked_by,
        getattr(error, "code", type(error).__name__) if error is not None else "",
        finished.last_key or None,
        finished.listed,
        result.record.tally,
        {reason: count for reason, count in skipped.items() if count > 0},
        result.fallbacks,
        result.unkept,
        tuple(result.failures[-FAILURES_SENT:]),
    )


def _plan(engine: RouteEngine, bounds: KeyBounds) -> ListingPlan:
    reader = partial(worker_page_reader, engine.tools.client.read_page)
    return plan_of(engine.settings, engine.endpoints, engine.notify, reader, bounds)
