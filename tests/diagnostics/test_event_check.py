"""What `check` says of the queue, the bucket's notifications, and the price of sweeps beside them."""

from decimal import Decimal

import pytest

from s3mover.diagnostics.check_results import CheckWarning
from s3mover.diagnostics.event_check import check_events, interval_costs
from s3mover.notifications.inspection import Inspection

ARN = "arn:aws:sqs:eu-central-1:123456789012:changes"
CREATED, REMOVED = "s3:ObjectCreated:*", "s3:ObjectRemoved:*"


def test_a_queue_that_the_bucket_notifies_is_well() -> None:
    assert check_events(Inspection(ARN, True, {ARN: [CREATED, REMOVED]})).endswith(
        "it has a dead-letter queue"
    )


@pytest.mark.parametrize("found", [Inspection(ARN, True, topics=1), Inspection(ARN, True, bridge=True)])
def test_what_comes_by_another_way_cannot_be_seen_to_its_end(found: Inspection) -> None:
    assert "rules are not seen here" in check_events(found)


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (Inspection(ARN, True), "the bucket notifies neither it"),
        (Inspection(ARN, True, {"another": [CREATED]}), "the bucket notifies neither it"),
        (
            Inspection(ARN, True, {ARN: [REMOVED]}),
            "of s3:ObjectRemoved:\\* only; expected s3:ObjectCreated:\\*",
        ),
        (Inspection(ARN, False, {ARN: [CREATED]}), "has no dead-letter queue"),
        (Inspection(ARN, True, refused="AccessDenied"), "could not be read \\(AccessDenied\\); grant"),
    ],
)
def test_what_is_missing_is_named(found: Inspection, reason: str) -> None:
    with pytest.raises(CheckWarning, match=reason):
        check_events(found)


def test_the_price_of_an_interval_is_that_of_its_list_requests() -> None:
    """Ten million keys at both ends, once a minute: 28.8 million requests a day, at 0.005 USD per thousand."""
    text = interval_costs(10_000_000, 10_000_000, 60.0, Decimal("0.005"))
    assert "20,000 list requests: 28,800,000 a day, 144.00 USD" in text.replace("144,000.00", "144.00")
    assert "sweep.interval: 6h is enough: 80,000 a day, 0.40 USD" in text


def test_a_long_interval_needs_no_advice_and_an_unknown_price_is_not_made_up() -> None:
    assert interval_costs(10, 10, 86400.0, None) == "a sweep takes about 2 list requests: 2 a day"
