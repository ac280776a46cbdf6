"""The number of objects moved and failed in the last hour, in steps of 15 seconds: a ring of constant size.

Reads no clock: the time is passed in, in seconds that never go back.
"""

from collections import deque
from dataclasses import dataclass

from s3mover.model import Method

STEP_SECONDS = 15
STEPS = 240


@dataclass(slots=True)
class _Step:
    number: int
    server_side_copy: int = 0
    streaming: int = 0
    failed: int = 0
    bytes: int = 0


class History:
    """Counts of ended transfers by step; a new step replaces the oldest."""

    def __init__(self) -> None:
        self._steps: deque[_Step] = deque(maxlen=STEPS)

    def moved(self, now: float, method: Method, size: int) -> None:
        """Count a moved object of `size` bytes."""
        step = self._step(now)
        if method is Method.STREAMING:
            step.streaming += 1
        else:
            step.server_side_copy += 1
        step.bytes += size

    def failed(self, now: float) -> None:
        """Count an object that could not be moved."""
        self._step(now).failed += 1

    def as_dict(self, now: float) -> dict[str, object]:
        """Return the counts of all steps, the oldest first; the last step is the current one."""
        last = int(now // STEP_SECONDS)
        by_number = {step.number: step for step in self._steps}
        empty = _Step(0)
        steps = [by_number.get(number, empty) for number in range(last - STEPS + 1, last + 1)]
        return {
            "step_seconds": STEP_SECONDS,
            "last_step_seconds": round(now % STEP_SECONDS, 1),
            "server_side_copy": [step.server_side_copy for step in steps],
            "streaming": [step.streaming for step in steps],
            "failed": [step.failed for step in steps],
            "bytes": [step.bytes for step in steps],
        }

    def _step(self, now: float) -> _Step:
        number = int(now // STEP_SECONDS)
        if not self._steps or self._steps[-1].number != number:
            self._steps.append(_Step(number))
        return self._steps[-1]
