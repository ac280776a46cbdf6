"""The source's events beside the sweeps: message, look at both ends, order, settled row, and only then its deletion.

The loop of the route calls `step` in every turn, whatever else it does. So events share its thread, its trail and its
worker pool with the sweep, and no object is worked on twice at once:

- A key that the events, or the sweep, have in hand waits, and is looked at again afterwards (`keys.py`).
- An order of the sweep whose key the events have in hand, or moved since the sweep began, is not handed out: the key is
  looked at again instead, since what the sweep has listed of it may be old.

A message is deleted once the rows of all of its keys are committed, or nothing was to be done. One of whose keys failed
comes again.
"""

import time
from collections.abc import Iterable, Sequence

from s3mover.errors import MoverError
from s3mover.events import EventsFailed
from s3mover.model import Order, Outcome, Status
from s3mover.notifications.changes import newest_by_key
from s3mover.notifications.messages import ReceivedMessage
from s3mover.planning.page_diff import PageDiff, Rules
from s3mover.sweep.backoff import ObjectBackoff
from s3mover.sweep.doubts import ask_trail
from s3mover.sweep.events.batches import EventBatches
from s3mover.sweep.events.candidates import record_candidates
from s3mover.sweep.events.keys import KeysInHand
from s3mover.sweep.events.lookups import Look
from s3mover.sweep.events.open_messages import OpenMessages
from s3mover.sweep.events.parts import EventTools, Incoming, KeyLookups, Receiver
from s3mover.sweep.recovery import Recovery

# Keys that are looked at and not yet ordered, at most: enough to keep the look-ups busy.
MAX_LOOKS = 256
# Rules are made anew after so long: they remember what was found out about the stores.
RULES_SECONDS = 600.0
# A copy counts as made since a sweep began also where the clocks of processes differ by so much.
CLOCK_TOLERANCE_SECONDS = 10.0


class EventLoop:
    """Works off the events of one pair; belongs to the route's thread. It is the `Beside` of the pair's sweeps."""

    def __init__(
        self, parts: EventTools, receiver: Receiver, lookups: KeyLookups, incoming: Incoming
    ) -> None:
        self._parts = parts
        self._tools = parts.tools
        self._receiver = receiver
        self._lookups = lookups
        self._incoming = incoming
        self._keys = KeysInHand()
        self._messages = OpenMessages()
        self._batches = EventBatches(parts, self._changed_at, self._settled, self._left)
        self._looking = 0
        self._is_suspended = self._is_stopping = False
        self._rules: tuple[float, Rules] | None = None
        self._recovery: Recovery | None = None

    def begin(self, recovery: Recovery) -> None:
        """See `Beside.begin`."""
        self._recovery = recovery

    def step(self) -> None:
        """Go round once, without waiting.

        Raises:
            LeaseHeldError: another instance took the lease.
            Exception: an internal error, on whichever thread it was met.
        """
        if self._recovery is None:
            return
        looks = self._take()
        if self._may_begin():
            self._receiver.receive()
            self._begin_looks()
        else:
            self._receiver.pause()
            self._drop_waiting()
        self._finish_looks(looks)
        self._batches.step(self._recovery, is_stopping=self._is_stopping)
        self._acknowledge()

    @property
    def is_idle(self) -> bool:
        """Whether nothing is in hand."""
        return not self._keys

    @property
    def has_ended(self) -> bool:
        """Whether, after `stop`, nothing is left to do."""
        return self.is_idle and not self._batches

    def suspend(self) -> None:
        """Begin no new work until `resume`; what is in hand goes on."""
        self._is_suspended = True

    def resume(self) -> None:
        """Begin new work again."""
        self._is_suspended = False

    def stop(self) -> None:
        """Begin no new work any more, and close the batches once their transfers have ended."""
        self._is_stopping = True

    def close(self) -> None:
        """Receive nothing more; what is in hand stays as it is in the trail, and its messages come again."""
        self._receiver.close()
        self._lookups.close()

    def begin_sweeping(self, orders: Sequence[Order], since: float) -> list[Order]:
        """See `Beside.begin_sweeping`."""
        asked = [order.key for order in orders if not self._keys.holds(order.key)]
        moved = self._tools.trail.copied_by_events(self._parts.pair, asked, since - CLOCK_TOLERANCE_SECONDS)
        own = [order for order in orders if not self._keys.holds(order.key) and order.key not in moved]
        self._keys.begin_sweeping(order.key for order in own)
        numbers = {order.number for order in own}
        for order in orders:
            if order.number not in numbers:
                self._keys.add(order.key)
        return own

    def end_sweeping(self, keys: Sequence[str]) -> None:
        """See `Beside.end_sweeping`."""
        self._keys.end_sweeping(keys)

    def _may_begin(self) -> bool:
        return not (self._is_stopping or self._is_suspended or self._tools.blocked_by())

    def _take(self) -> list[Look]:
        """Take what came: let the keys of messages wait for a look, and return the looks."""
        looks: list[Look] = []
        for item in self._incoming.take():
            if isinstance(item, Look):
                looks.append(item)
            else:
                self._take_message(item)
        return looks

    def _take_message(self, message: ReceivedMessage) -> None:
        newest = newest_by_key(message.changes)
        self._messages.add(message.id, len(newest))
        for key, change in newest.items():
            self._keys.add(key, change.at or message.sent_at, message.id)

    def _begin_looks(self) -> None:
        if keys := self._keys.take(MAX_LOOKS - self._looking):
            self._looking += len(keys)
            self._lookups.begin(keys, self._current_rules())

    def _current_rules(self) -> Rules:
        now = time.monotonic()
        if self._rules is None or now - self._rules[0] > RULES_SECONDS:
            self._rules = now, self._parts.rules()
        return self._rules[1]

    def _drop_waiting(self) -> None:
        for work in self._keys.drop_waiting():
            self._messages.key_done(work.messages, succeeded=False)

    def _finish_looks(self, looks: Sequence[Look]) -> None:
        self._looking -= len(looks)
        found = [look for look in looks if look.error is None]
        self._fail(look for look in looks if look.error is not None)
        if not self._may_begin():
            self._end((look.key for look in found), succeeded=False)
            return
        self._finish_gone([look for look in found if look.diff is None])
        self._order([look.diff for look in found if look.diff is not None], found)

    def _fail(self, looks: Iterable[Look]) -> None:
        """Let the messages of keys that could not be looked at come again."""
        for number, look in enumerate(looks):
            if not isinstance(look.error, MoverError):
                raise look.error or RuntimeError("a look without a result")
            if not number:
                self._tools.notify(EventsFailed(f"an object could not be looked at: {look.error}"))
            self._end([look.key], succeeded=False)

    def _finish_gone(self, looks: Sequence[Look]) -> None:
        copies = [look.copy for look in looks if look.copy is not None]
        policy = self._parts.deletion_policy
        if copies and policy is not None:
            trail, now = self._tools.trail, self._tools.clock()
            record_candidates(
                trail, self._parts.pair, policy(), copies, lambda: self._batches.current().id, now
            )
        self._end((look.key for look in looks), succeeded=True)

    def _order(self, diffs: Sequence[PageDiff], looks: Sequence[Look]) -> None:
        """Order what is missing or different, unless it is backed off; nothing is to be done for the rest."""
        if not diffs:
            return
        tools, pair = self._tools, self._parts.pair
        known = ask_trail(_merged(diffs), tools.trail, pair)
        backoff = ObjectBackoff(tools.trail, pair, tools.backoff_policy(), tools.clock)
        diff = backoff.without_backed_off(known)
        ordered = {one.entry.key for one in diff.transfers}
        waiting = {one.entry.key for one in known.transfers} - ordered
        if ordered:
            self._batches.current().add(diff)
        others = [look.key for look in looks if look.diff is not None and look.key not in ordered]
        self._end((key for key in others if key in waiting), succeeded=False)
        self._end((key for key in others if key not in waiting), succeeded=True)

    def _changed_at(self, order: Order) -> float | None:
        return self._keys.work(order.key).changed_at or None

    def _left(self, keys: Sequence[str]) -> None:
        self._end(keys, succeeded=False)

    def _settled(self, outcomes: Sequence[Outcome]) -> None:
        for outcome in outcomes:
            self._end([outcome.key], succeeded=outcome.status is not Status.ERROR)

    def _end(self, keys: Iterable[str], *, succeeded: bool) -> None:
        for key in keys:
            self._messages.key_done(self._keys.release(key).messages, succeeded=succeeded)

    def _acknowledge(self) -> None:
        done = self._messages.take_done()
        if done.succeeded:
            self._receiver.delete(done.succeeded)
        if done.failed:
            self._receiver.give_back(done.failed, at_once=not self._may_begin())


def _merged(diffs: Sequence[PageDiff]) -> PageDiff:
    """Return the diffs of single keys as one."""
    skipped: dict[str, int] = {}
    for diff in diffs:
        for reason, count in diff.skipped.items():
            skipped[reason] = skipped.get(reason, 0) + count
    return PageDiff(
        len(diffs),
        [transfer for diff in diffs for transfer in diff.transfers],
        skipped,
        doubtful=[doubt for diff in diffs for doubt in diff.doubtful],
    )
