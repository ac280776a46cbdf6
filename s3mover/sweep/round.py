"""Which range of a shared sweep is given out next, to how many machines, and which is to be handed back. Pure.

A range is given out to one machine at a time. It is named by its number; its token names the attempt.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from s3mover.model import Tally
from s3mover.scale.tasks import AnswerStatus, RangeAnswer

# An idle machine gets half of a range that has been worked on for so long, if no other range waits.
RECALL_SECONDS = 10.0
# A range that so many machines refused, or died with, ends the sweep.
MOST_ATTEMPTS = 10


@dataclass(slots=True)
class RangeState:
    """One range; `given_at` is None while no machine has it, `not_before` when it may be given out (both monotonic).

    Runs that handed it back from `after` on have answered `handed_back`, and listed `listed_before` objects before.
    """

    number: int
    after: str
    until: str | None
    token: int = 1
    attempt: int = 1
    not_before: float = 0.0
    given_at: float | None = None
    is_recalled: bool = False
    # A range in which no key to cut at was found is not recalled again.
    is_whole: bool = False
    handed_back: list[RangeAnswer] = field(default_factory=list)
    listed_before: int = 0
    answer: RangeAnswer | None = None

    @property
    def is_ended(self) -> bool:
        """Whether nothing is left to be done."""
        return self.answer is not None

    def answers(self) -> list[RangeAnswer]:
        """Return the answers of its runs."""
        return self.handed_back if self.answer is None else [*self.handed_back, self.answer]

    @property
    def is_waiting(self) -> bool:
        """Whether it is to be given out."""
        return self.answer is None and self.given_at is None


@dataclass(slots=True)
class Round:
    """The ranges of one sweep."""

    ranges: dict[int, RangeState] = field(default_factory=dict)

    def add(self, after: str, until: str | None) -> RangeState:
        """Add a range, which gets the next number."""
        added = RangeState(len(self.ranges) + 1, after, until)
        self.ranges[added.number] = added
        return added

    def due(self, machines: int, now: float) -> Iterator[RangeState]:
        """Yield the ranges to give out now: as many as there are machines without one."""
        idle = machines - len(self.given())
        waiting = [one for one in self.ranges.values() if one.is_waiting and one.not_before <= now]
        yield from waiting[: max(0, idle)]

    def given(self) -> list[RangeState]:
        """Return the ranges that machines have."""
        return [one for one in self.ranges.values() if one.given_at is not None]

    def to_recall(self, machines: int, now: float) -> RangeState | None:
        """Return the range whose half an idle machine is to get, None if there is nothing to be gained."""
        given = self.given()
        if len(given) >= machines or any(one.is_waiting or one.is_recalled for one in self.ranges.values()):
            return None
        slow = [
            (one.given_at, one.number)
            for one in given
            if one.given_at is not None and not one.is_whole and now - one.given_at >= RECALL_SECONDS
        ]
        return self.ranges[min(slow)[1]] if slow else None

    def give(self, number: int, now: float) -> None:
        """Note that a machine has the range."""
        self.ranges[number].given_at = now

    def take_back(self, number: int, token: int, not_before: float) -> None:
        """Note that the range is to be given out again, under a new token."""
        state = self.ranges[number]
        state.given_at, state.is_recalled = None, False
        state.token, state.not_before = token, not_before
        state.attempt += 1

    def hand_back(self, number: int, answer: RangeAnswer) -> None:
        """Note from which key on the range is left."""
        state = self.ranges[number]
        state.handed_back.append(answer)
        state.after = state.after if answer.rest_after is None else answer.rest_after
        state.listed_before += answer.listed

    def answers(self) -> list[RangeAnswer]:
        """Return the answers of all runs."""
        return [one for state in self.ranges.values() for one in state.answers()]

    def tallies(self) -> list[Tally]:
        """Return the counts of the ranges of which runs have answered; the last answer counts all runs of its range."""
        return [answers[-1].tally for state in self.ranges.values() if (answers := state.answers())]

    def end(self, number: int, answer: RangeAnswer) -> None:
        """Note what the range came to."""
        self.ranges[number].given_at = None
        self.ranges[number].answer = answer

    def is_done(self, *, blocked: bool) -> bool:
        """Return whether nothing is left to do; once `blocked`, what waits stays undone."""
        if blocked or self.failed() is not None:
            return not self.given()
        return all(one.is_ended for one in self.ranges.values())

    def is_whole(self) -> bool:
        """Return whether every range was completed; a sweep without ranges was not begun."""
        answers = [one.answer for one in self.ranges.values()]
        return bool(answers) and all(
            one is not None and one.status is AnswerStatus.COMPLETED for one in answers
        )

    def failed(self) -> RangeAnswer | None:
        """Return the answer of the first range that failed."""
        answers = (one.answer for one in self.ranges.values())
        return next((one for one in answers if one is not None and one.status is AnswerStatus.FAILED), None)

    def counts(self) -> tuple[int, int, int]:
        """Return how many ranges wait, are worked on, and have ended."""
        ended = sum(one.is_ended for one in self.ranges.values())
        given = len(self.given())
        return len(self.ranges) - given - ended, given, ended
