"""How long an object waits after failures, and when it waits no longer."""

import pytest

from s3mover.model import ObjectEntry, Order, Outcome, Transfer, Wait, unmoved
from s3mover.planning.backoff import BackoffPolicy, wait_after, without_backed_off
from s3mover.planning.page_diff import PageDiff

RULE = BackoffPolicy(first=60.0, longest=3600.0)
FAILED_AT = 1_735_960_629.5  # 2025-01-04 03:17:09.5 UTC
BEFORE, SINCE = "2025-01-04T03:17:09.000Z", "2025-01-04T03:17:10.000Z"
WAIT = Wait("k", 3, 7, "etag", FAILED_AT, FAILED_AT + 120)


def failed(sweep: int, at: float = FAILED_AT) -> Outcome:
    """The object failed in that sweep."""
    return unmoved(Order(sweep, 1, "k", "k", 5, "etag", BEFORE, ""), "AccessDenied", "", at)


@pytest.mark.parametrize(
    ("failures", "seconds"), [(1, 0), (2, 60), (3, 120), (4, 240), (7, 1920), (8, 3600), (10_000, 3600)]
)
def test_each_failure_in_a_row_doubles_the_wait(failures: int, seconds: float) -> None:
    """After the first the next sweep tries again; nothing grows without end."""
    assert RULE.seconds(failures) == seconds


def test_no_wait_where_none_is_wished() -> None:
    """A first wait of zero stays zero, however often it is doubled."""
    assert BackoffPolicy(0.0, 3600.0).seconds(50) == 0


def test_a_sweep_counts_once() -> None:
    """The second failure makes the object wait; the same sweep told again changes nothing."""
    first = wait_after(None, failed(1), RULE)
    second = wait_after(first, failed(2, FAILED_AT + 100), RULE)
    assert first == Wait("k", 1, 1, "etag", FAILED_AT, FAILED_AT)
    assert second == Wait("k", 2, 2, "etag", FAILED_AT + 100, FAILED_AT + 160)
    assert wait_after(second, failed(2, FAILED_AT + 100), RULE) == second


@pytest.mark.parametrize(
    ("now", "etag", "last_modified", "waits"),
    [
        (FAILED_AT + 119, "etag", BEFORE, True),
        (FAILED_AT + 120, "etag", BEFORE, False),
        (FAILED_AT - 1, "etag", BEFORE, False),
        (FAILED_AT + 1, "other", BEFORE, False),
        (FAILED_AT + 1, "etag", SINCE, False),
    ],
)
def test_the_truth_table_holds(now: float, etag: str, last_modified: str, waits: bool) -> None:
    """Each row of the table in the docstring decides as written there."""
    transfers = [
        Transfer(ObjectEntry("j", 5, "etag", BEFORE), "missing"),
        Transfer(ObjectEntry("k", 5, etag, last_modified), "missing"),
    ]
    left = without_backed_off(PageDiff(9, transfers, {"in_place": 7}), {"k": WAIT}, now)
    assert left.listed == 9
    assert left.transfers == (transfers[:1] if waits else transfers)
    assert left.skipped == ({"in_place": 7, "waiting": 1} if waits else {"in_place": 7})
