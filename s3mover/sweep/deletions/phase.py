"""The end of a completed sweep: candidates are judged, limits are checked, then batches are intended, deleted, settled.

Nothing is deleted before all candidates were judged together. An object is deleted only after its row is committed as
pending, and counted only after its row is settled, as transfers are.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import count
from typing import TypeVar

from s3mover.audit.deletion_trail import FIRST
from s3mover.events import DeletionsEnded, DeletionsRefused, ObjectDeleted, ObjectKept
from s3mover.model import (
    WAITING,
    Action,
    DeletionCandidate,
    DeletionCounts,
    Order,
    Outcome,
    Pair,
    Status,
    SweepStatus,
)
from s3mover.planning.deletion_guards import SweepFacts, reason_not_to_count, reason_to_refuse
from s3mover.sweep.backoff import ObjectBackoff
from s3mover.sweep.deletions.execution import Deleter
from s3mover.sweep.deletions.judgement import Judgement, judge
from s3mover.sweep.deletions.outcomes import NO_ANSWER, is_over, outcome_of
from s3mover.sweep.heartbeat import while_heartbeating
from s3mover.sweep.removal import BATCH
from s3mover.sweep.result import DestinationOnly, SweepResult
from s3mover.sweep.stats import BY_EVENTS
from s3mover.sweep.tools import SweepTools
from s3mover.workers.lease_guard import LEASE_GUARD_SECONDS, LeaseGuard

T = TypeVar("T")


class DeletionPhase:
    """Deals with all that one sweep saw only at the destination; `deleter` is None where nothing may be deleted."""

    def __init__(
        self,
        tools: SweepTools,
        pair: Pair,
        deleter: Deleter | None,
        swept: SweepResult,
        seen: DestinationOnly,
    ) -> None:
        self._tools = tools
        self._pair = pair
        self._deleter = deleter
        self._swept = swept
        self._seen = seen
        self._sweep = swept.record.id
        self._numbers = count(swept.last_number + 1)
        self._kept = Counter(seen.kept)
        self._deleted = self._failed = self._ended = 0

    def run(self) -> DeletionCounts:
        """Judge, and delete what is confirmed and within the limits, or approved."""
        record, seen = self._swept.record, self._seen
        facts = SweepFacts(record.status, record.tally.listed, seen.listed)
        if reason := reason_not_to_count(facts):
            return self._not_counted(reason)
        judged = judge(self._tools.trail, self._pair, record, seen.policy, self._tools.heartbeat)
        refusal = reason_to_refuse(judged.confirmed - judged.approved, seen.policy, facts)
        if refusal:
            self._refuse(judged, refusal)
        if self._deleter is not None and judged.confirmed:
            self._delete_all(self._deleter, only_approved=bool(refusal))
        counts = self._counts(judged.waiting, judged.confirmed - self._ended, refusal)
        self._tools.notify(DeletionsEnded(self._sweep, counts))
        return counts

    def _not_counted(self, reason: str) -> DeletionCounts:
        """Leave all candidates as they are: the sweep says nothing about what is missing at the source."""
        waiting = self._seen.candidates
        counts = self._counts(waiting, 0, reason if waiting else "")
        if self._swept.record.status is SweepStatus.COMPLETED:
            if waiting and counts.propagates:
                message = f"{waiting} objects of the destination are not deleted: {reason}"
                self._tools.notify(DeletionsRefused(self._sweep, waiting, message))
            self._tools.notify(DeletionsEnded(self._sweep, counts))
        return counts

    def _refuse(self, judged: Judgement, refusal: str) -> None:
        if self._seen.policy.propagate:
            objects = judged.confirmed - judged.approved
            message = (
                f"{objects} objects of the destination are to be deleted, {refusal}, so none of them is; review them "
                f"by `s3mover deletions list`, then run `s3mover deletions approve {judged.digest}`, or raise the limit"
            )
            self._tools.notify(DeletionsRefused(self._sweep, objects, message))

    def _delete_all(self, deleter: Deleter, *, only_approved: bool) -> None:
        """Delete batch by batch, as long as new work may begin and the stores answer."""
        tools, after = self._tools, FIRST
        backoff = ObjectBackoff(tools.trail, self._pair, tools.backoff_policy(), tools.clock)
        while not tools.blocked_by():
            tools.heartbeat()
            page, after = tools.trail.candidates_after(self._pair, after, BATCH)
            if not page:
                return
            due = [one for one in page if one.is_confirmed and (one.is_approved or not only_approved)]
            ready = backoff.ready(due)
            self._kept[WAITING] += len(due) - len(ready)
            if ready and not self._delete_batch(deleter, ready, backoff):
                return

    def _without_events(
        self, orders: Sequence[Order], due: Sequence[DeletionCandidate]
    ) -> tuple[list[Order], list[DeletionCandidate]]:
        """Return the orders, and their candidates, without those whose keys the events have in hand."""
        beside = self._tools.beside
        if beside is None:
            return list(orders), list(due)
        own = beside.begin_sweeping(orders, self._swept.record.started_at)
        numbers = {order.number for order in own}
        kept = [one for one, order in zip(due, orders, strict=True) if order.number in numbers]
        self._kept[BY_EVENTS] += len(due) - len(kept)
        return own, kept

    def _delete_batch(
        self, deleter: Deleter, due: Sequence[DeletionCandidate], backoff: ObjectBackoff
    ) -> bool:
        """Intend, delete and settle one batch; return whether the next one may fare better than one without success."""
        trail, clock = self._tools.trail, self._tools.clock
        orders, due = self._without_events([self._order(candidate) for candidate in due], due)
        if not orders:
            return True
        began = clock()
        trail.intend(orders, began)
        carried = self._while_leading(lambda lease: deleter.carry_out(orders, lease))
        ended = clock()
        outcomes = [
            outcome_of(order, candidate, done, began, ended)
            for order, candidate, done in zip(orders, due, carried, strict=True)
        ]
        trail.settle(outcomes, backoff.changed_by(outcomes))
        over = [one.key for one, done in zip(due, carried, strict=True) if is_over(done)]
        trail.end_candidates(self._pair, over)
        self._ended += len(over)
        self._announce(outcomes)
        if self._tools.beside is not None:
            self._tools.beside.end_sweeping([order.key for order in orders])
        return not all(done.not_asked or done.code in NO_ANSWER for done in carried)

    def _order(self, candidate: DeletionCandidate) -> Order:
        return Order(
            self._sweep,
            next(self._numbers),
            candidate.key,
            self._pair.destination_key(candidate.key),
            candidate.size,
            candidate.etag,
            last_modified="",
            storage_class="",
            action=Action.DELETE,
        )

    def _while_leading(self, call: Callable[[LeaseGuard], T]) -> T:
        """Call `call` on another thread, with the lease for as long as this instance is known to hold it."""
        lease = LeaseGuard()

        def beat() -> None:
            try:
                self._tools.heartbeat()
                lease.extend(self._tools.trail.lease_confirmed_at() + LEASE_GUARD_SECONDS)
            except BaseException:
                # Its threads must not wait for a lease that does not come back.
                lease.revoke()
                raise

        beat()
        return while_heartbeating(beat, lambda: call(lease))

    def _announce(self, outcomes: Sequence[Outcome]) -> None:
        for outcome in outcomes:
            match outcome.status:
                case Status.SUCCESS:
                    self._deleted += 1
                    self._tools.notify(ObjectDeleted(self._sweep, outcome.key, outcome.size))
                case Status.SKIPPED:
                    self._kept[outcome.code] += 1
                case _:
                    self._failed += 1
                    self._tools.notify(ObjectKept(self._sweep, outcome.key, outcome.code, outcome.message))

    def _counts(self, waiting: int, confirmed: int, refusal: str) -> DeletionCounts:
        return DeletionCounts(
            self._seen.policy.propagate,
            self._deleted,
            self._failed,
            waiting,
            confirmed,
            dict(+self._kept),
            refusal,
        )
