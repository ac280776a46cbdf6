"""The row of a deletion says what became of it: the truth table of `outcomes.py`."""

import pytest

from s3mover.model import Action, DeletionCandidate, Order, Status
from s3mover.sweep.deletions.execution import Carried
from s3mover.sweep.deletions.outcomes import is_over, outcome_of

ORDER = Order(7, 3, "in/a", "out/a", 100, "e1", "", "", action=Action.DELETE)
CANDIDATE = DeletionCandidate("in/a", "e1", 100, 7, 60.0, 2, 5, 0.0, 7, 60.0, is_confirmed=True)


@pytest.mark.parametrize(
    ("done", "status", "code", "over"),
    [
        (Carried(is_back=True), Status.SKIPPED, "came_back", True),
        (Carried("SlowDown", not_asked=True), Status.SKIPPED, "source_not_asked", False),
        (Carried("Timeout", not_asked=True), Status.SKIPPED, "source_not_asked", False),
        (Carried("AccessDenied", not_asked=True), Status.ERROR, "AccessDenied", False),
        (Carried(), Status.SUCCESS, "", True),
        (Carried("PreconditionFailed"), Status.SKIPPED, "changed", True),
        (Carried("AccessDenied"), Status.ERROR, "AccessDenied", False),
        (Carried("Timeout"), Status.ERROR, "Timeout", False),
    ],
)
def test_a_row_says_what_became_of_a_deletion(
    done: Carried, status: Status, code: str, *, over: bool
) -> None:
    """What was not deleted, and may be later, stays a candidate; what was never tried has no row."""
    outcome = outcome_of(ORDER, CANDIDATE, done, 100.0, 100.5)
    assert (outcome.status, outcome.code, outcome.action) == (status, code, Action.DELETE)
    assert (outcome.source_etag, outcome.destination_etag, outcome.duration_us) == ("", "e1", 500_000)
    assert is_over(done) is over


@pytest.mark.parametrize("approved", [True, False])
def test_a_deletion_says_why(approved: bool) -> None:
    """How often and since when the object was missing, and whether a person approved it."""
    outcome = outcome_of(ORDER, CANDIDATE._replace(is_approved=approved), Carried(), 100.0, 100.5)
    said = "missing at the source in 2 completed sweeps, since 1970-01-01T00:00:00.000000Z"
    assert outcome.message == said + (", approved" if approved else "")
