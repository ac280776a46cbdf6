"""The rate of objects and bytes over the last 30 seconds. Reads no clock: the time is passed in."""

from collections import deque

WINDOW = 30  # seconds: long enough for a steady value, short enough to follow a change
_SHORTEST = 1.0  # seconds; over a shorter span the first objects of a sweep would yield an extreme rate


class Rate:
    """Objects and bytes per second, counted in one bucket per second."""

    def __init__(self) -> None:
        self._buckets: deque[list[int]] = deque(maxlen=WINDOW + 1)

    def add(self, now: float, size: int) -> None:
        """Count one object of `size` bytes that ended at `now`."""
        second = int(now)
        if self._buckets and self._buckets[-1][0] == second:
            bucket = self._buckets[-1]
            bucket[1] += 1
            bucket[2] += size
        else:
            self._buckets.append([second, 1, size])

    def per_second(self, now: float, elapsed: float) -> tuple[float, float]:
        """Return objects and bytes per second at `now`, if counting began `elapsed` seconds before."""
        recent = [bucket for bucket in self._buckets if bucket[0] > now - WINDOW]
        span = max(_SHORTEST, min(WINDOW, elapsed))
        return sum(bucket[1] for bucket in recent) / span, sum(bucket[2] for bucket in recent) / span

    def clear(self) -> None:
        """Remove all counts."""
        self._buckets.clear()
