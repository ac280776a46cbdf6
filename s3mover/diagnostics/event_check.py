"""Whether events arrive: what `check` says of the queue and the bucket's notifications. Pure functions."""

from decimal import Decimal

from s3mover.diagnostics.check_results import CheckWarning
from s3mover.notifications.inspection import Inspection

CREATED = "s3:ObjectCreated:*"
# Objects on a full page of a listing.
PAGE = 1000
_DAY_SECONDS = 86400
# What is recommended beside events: a safety net need not hurry.
RECOMMENDED_SECONDS = 6 * 3600.0


def check_events(found: Inspection) -> str:
    """Return that events arrive.

    Raises:
        CheckWarning: they may not, or a message that cannot be dealt with would come again for ever.
    """
    doubts = [_doubt_of_bucket(found)]
    if not found.dead_letters:
        doubts.append(
            "the queue has no dead-letter queue, so messages that cannot be dealt with come again until they expire; "
            "add a redrive policy (`s3mover events print --stack cloudformation` has one)"
        )
    if warning := "; ".join(filter(None, doubts)):
        raise CheckWarning(f"the queue can be received from, but {warning}")
    return (
        f"the queue can be received from, the bucket notifies it{_way(found)}, and it has a dead-letter queue"
    )


def _doubt_of_bucket(found: Inspection) -> str:
    """Return why the bucket may not notify the queue; empty if it does, as far as can be seen."""
    if found.refused:
        return f"whether the bucket notifies it could not be read ({found.refused}); grant s3:GetBucketNotification"
    events = found.queues.get(found.arn)
    if events is None and not found.topics and not found.bridge:
        return (
            f"the bucket notifies neither it ({found.arn}) nor an SNS topic nor EventBridge; `s3mover events print "
            "--stack cloudformation` says how it is set up"
        )
    if events is not None and CREATED not in events:
        return f"the bucket notifies it of {', '.join(events)} only; expected {CREATED}"
    return ""


def _way(found: Inspection) -> str:
    if found.arn in found.queues:
        return ""
    return " through EventBridge or SNS, whose rules are not seen here"


def interval_costs(listed: int, copies: int, interval: float, price: Decimal | None) -> str:
    """Return what sweeps cost a day in list requests; `price` is per 1,000 requests, in USD.

    `listed` and `copies` are the objects that one sweep lists at the source and at the destination.
    """
    pages = -(-max(1, listed) // PAGE) + -(-max(1, copies) // PAGE)
    now = _per_day(pages, interval)
    text = f"a sweep takes about {pages:,} list requests: {now:,} a day{_dollars(now, price)}"
    if interval >= RECOMMENDED_SECONDS:
        return text
    then = _per_day(pages, RECOMMENDED_SECONDS)
    hours = RECOMMENDED_SECONDS / 3600
    return (
        f"{text}; beside events sweep.interval: {hours:g}h is enough: {then:,} a day{_dollars(then, price)}"
    )


def _per_day(pages: int, interval: float) -> int:
    return round(pages * _DAY_SECONDS / max(interval, 1.0))


def _dollars(requests: int, price: Decimal | None) -> str:
    return "" if price is None else f", {Decimal(requests) / 1000 * price:,.2f} USD"
