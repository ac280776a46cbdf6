"""What became of an intended deletion, as its row says it: pure decisions."""

from s3mover.model import INTERRUPTED, DeletionCandidate, Order, Outcome, Status, unmoved
from s3mover.observe.text import utc_moment
from s3mover.s3.documents import TEMPORARY_CODES
from s3mover.sweep.delete_conditions import NO_CREDENTIALS, REFUSED
from s3mover.sweep.deletions.execution import Carried

# Why a row was withdrawn: nothing was deleted.
CAME_BACK = "came_back"
CHANGED = "changed"
NOT_ASKED = "source_not_asked"
# Codes of a store that does not answer for now; each object was asked about several times.
NO_ANSWER = TEMPORARY_CODES | {
    "ConnectionError",
    "IncompleteBody",
    "InvalidResponse",
    "Timeout",
    INTERRUPTED,
    NO_CREDENTIALS,
}


def is_over(done: Carried) -> bool:
    """Return whether an object is not a candidate any more: deleted, back at the source, or another one by now."""
    return not done.not_asked and (done.is_back or done.code in {"", REFUSED})


def outcome_of(
    order: Order, candidate: DeletionCandidate, done: Carried, began: float, ended: float
) -> Outcome:
    """Return what became of a deletion.

    the source                    | the deletion            | the row
    ------------------------------|-------------------------|-------------------------------
    has the object again          | -                       | is withdrawn: came_back
    did not answer for now        | -                       | is withdrawn: source_not_asked
    refuses to say                | -                       | error, with the code
    does not have it              | is done                 | success
    does not have it              | 412: another object     | is withdrawn: changed
    does not have it              | is refused              | error, with the code
    """
    outcome = unmoved(order, done.code, "", ended, attempts=1)._replace(
        source_etag="", destination_etag=order.etag, duration_us=max(0, round((ended - began) * 1e6))
    )
    skipped = outcome._replace(status=Status.SKIPPED)
    if done.is_back:
        return skipped._replace(code=CAME_BACK)
    if done.not_asked:
        refused = f"the source could not be asked whether it has the object: {done.code}"
        return (
            skipped._replace(code=NOT_ASKED) if done.code in NO_ANSWER else outcome._replace(message=refused)
        )
    if done.code == REFUSED:
        return skipped._replace(code=CHANGED)
    if done.code:
        return outcome._replace(message="the destination refused the deletion")
    approved = ", approved" if candidate.is_approved else ""
    since = utc_moment(candidate.first_missed_at)
    message = f"missing at the source in {candidate.times_missed} completed sweeps, since {since}{approved}"
    return outcome._replace(status=Status.SUCCESS, message=message)
