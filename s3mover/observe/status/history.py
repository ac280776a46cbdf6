"""What was moved in the last hour, in steps of a quarter of a minute: a ring that never grows.

Pure of clocks: the time is passed in, in seconds that never go back. It is drawn elsewhere.
"""

from collections import deque
from dataclasses import dataclass

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
    """Counts of what ended, by step; the oldest step goes as a new one comes."""

    def __init__(self) -> None:
        self._steps: deque[_Step] = deque(maxlen=STEPS)

    def copied(self, now: float, size: int) -> None:
        """Count an object of `size` bytes that was copied within S3."""
        step = self._step(now)
        step.server_side_copy += 1
        step.bytes += size

    def streamed(self, now: float, size: int) -> None:
        """Count an object of `size` bytes that was streamed."""
        step = self._step(now)
        step.streaming += 1
        step.bytes += size

    def failed(self, now: float) -> None:
        """Count an object that could not be moved."""
        self._step(now).failed += 1

    def told(self, now: float) -> dict[str, object]:
        """Return the counts of all steps, the oldest first; the last step is the one under way."""
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
