"""When new work may begin: windows of the week, in the wall-clock time of a time zone. Pure: the time is passed in.

How windows are written is in `settings/windows.py`.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

MINUTE = 60
DAY_MINUTES = 24 * 60
_WEEK = timedelta(days=7)


class Window(NamedTuple):
    """Hours of some days: from the minute `begins` of the day (0 to 1439) until before `ends` (up to 1440).

    If `ends` comes first, the window crosses midnight and belongs to the day on which it begins. `days` are
    numbered from Monday, 0.
    """

    days: frozenset[int]
    begins: int
    ends: int
    zone: ZoneInfo

    def holds(self, at: float) -> bool:
        """Return whether `at` (seconds since the epoch) lies in the window, in its time zone.

        An hour that those clocks skip in spring never comes, and one that they repeat in autumn comes twice.
        """
        local = datetime.fromtimestamp(at, self.zone)
        minute, today = local.hour * 60 + local.minute, local.weekday()
        if self.begins < self.ends:
            return today in self.days and self.begins <= minute < self.ends
        yesterday = (today - 1) % 7
        return (today in self.days and minute >= self.begins) or (
            yesterday in self.days and minute < self.ends
        )


def is_open(windows: Sequence[Window], at: float) -> bool:
    """Return whether new work may start: in any of the windows, or always if there are none."""
    return not windows or any(window.holds(at) for window in windows)


def next_change(windows: Sequence[Window], at: float) -> float | None:
    """Return when the windows next open or close; None if they do not within a little more than a week.

    It is searched minute by minute: changes of the clocks in spring and autumn leave no simpler rule.
    """
    now, minute = is_open(windows, at), at - at % MINUTE
    for _ in range(int(_WEEK.total_seconds()) // MINUTE + DAY_MINUTES):
        minute += MINUTE
        if is_open(windows, minute) != now:
            return minute
    return None
