"""Replies that no operation writes: errors, common headers, and the effects of faults on replies."""

from collections.abc import Callable

from simulator.content import Content
from simulator.faults import FaultKind, FaultRule
from simulator.headers import http_date
from simulator.refusals import Refusal
from simulator.wire import Delivery, Reply
from simulator.xml import PROLOGUE, element

_HOST_ID = "c2ltdWxhdG9y/dGhpcyBpcyBub3QgYSByZWFsIGhvc3QgaWQ="
_XML = ("Content-Type", "application/xml")
_MANY = 16 * 1024 * 1024 // len("<a></a>")
_KEEPING_ALIVE = " " * 32 + "\n" * 8
WITHOUT_ACTION = (FaultKind.HANG, FaultKind.RESET_BEFORE, FaultKind.ERROR_IN_200, FaultKind.HUGE_ERROR)
"""The faults that keep the operation from running."""


def request_id(number: int) -> str:
    """Return the id of a request by its number in the log."""
    return f"{number:016X}"


def add_common_headers(reply: Reply, number: int, now: int) -> None:
    """Add the headers that every reply of S3 has."""
    common = [
        ("x-amz-id-2", _HOST_ID),
        ("x-amz-request-id", request_id(number)),
        ("Date", http_date(now)),
        ("Server", "AmazonS3"),
    ]
    if reply.body and isinstance(reply.body, bytes) and _XML not in reply.headers:
        common.append(_XML)
    reply.headers = common + reply.headers


def error(refusal: Refusal, number: int, *, with_message: bool = True) -> Reply:
    """Return the reply of a refusal."""
    reply = Reply(refusal.status, [*refusal.headers], _error_body(refusal, number, with_message=with_message))
    reply.code, reply.detail = refusal.code, refusal.detail
    reply.close = refusal.code == "RequestTimeout"
    if refusal.code == "Reset":
        reply.delivery = Delivery(reset=True)
    return reply


def _error_body(refusal: Refusal, number: int, *, with_message: bool, before: str = "") -> bytes:
    shown = element("Code", refusal.code)
    shown += element("Message", refusal.message if with_message else None)
    shown += "".join(element(name, value) for name, value in refusal.elements)
    shown += element("RequestId", request_id(number)) + element("HostId", _HOST_ID)
    return f"{PROLOGUE}{before}<Error>{shown}</Error>".encode()


def reply_without_action(rule: FaultRule, number: int) -> Reply:
    """Return the reply of a fault that keeps the operation from running."""
    if rule.kind is FaultKind.ERROR_IN_200:
        refusal = Refusal(rule.code or "InternalError", rule.message)
        reply = Reply(200, [], _error_body(refusal, number, with_message=True, before=_KEEPING_ALIVE))
        reply.code = refusal.code
        return reply
    if rule.kind is FaultKind.HUGE_ERROR:
        reply = Reply(500, [_XML], b"<Error>" + b"<a>" * _MANY + b"</a>" * _MANY + b"</Error>")
        reply.code = "InternalError"
        return reply
    reply = Reply(0)
    reply.code = "Hang" if rule.kind is FaultKind.HANG else "Reset"
    reply.delivery = Delivery(hang=rule.kind is FaultKind.HANG, reset=rule.kind is FaultKind.RESET_BEFORE)
    return reply


def _reset(rule: FaultRule, reply: Reply, delivery: Delivery) -> None:  # noqa: ARG001 - one signature for all
    delivery.reset = True


def _hang(rule: FaultRule, reply: Reply, delivery: Delivery) -> None:  # noqa: ARG001
    delivery.hang = True


def _hold(rule: FaultRule, reply: Reply, delivery: Delivery) -> None:  # noqa: ARG001
    delivery.latch = rule.latch


def _delay(rule: FaultRule, reply: Reply, delivery: Delivery) -> None:  # noqa: ARG001
    delivery.delay += rule.seconds


def _slow(rule: FaultRule, reply: Reply, delivery: Delivery) -> None:  # noqa: ARG001
    delivery.rate = rule.rate or 1024


def _truncate(rule: FaultRule, reply: Reply, delivery: Delivery) -> None:
    delivery.cut = reply.size // 2 if rule.offset is None else rule.offset


def _corrupt(rule: FaultRule, reply: Reply, delivery: Delivery) -> None:
    if isinstance(reply.body, Content) and reply.size:
        delivery.flip = reply.size // 2 if rule.offset is None else rule.offset


def _break_xml(rule: FaultRule, reply: Reply, delivery: Delivery) -> None:  # noqa: ARG001
    if isinstance(reply.body, bytes):
        reply.body = reply.body[: reply.size * 2 // 3]


_EFFECTS: dict[FaultKind, Callable[[FaultRule, Reply, Delivery], None]] = {
    FaultKind.RESET_AFTER: _reset,
    FaultKind.HANG_AFTER: _hang,
    FaultKind.HOLD: _hold,
    FaultKind.DELAY: _delay,
    FaultKind.SLOW_BODY: _slow,
    FaultKind.TRUNCATED_BODY: _truncate,
    FaultKind.CORRUPTED_BODY: _corrupt,
    FaultKind.BAD_XML: _break_xml,
}


def apply_effects(rules: list[FaultRule], reply: Reply) -> None:
    """Change the delivery of a reply as the rules say."""
    for rule in rules:
        effect = _EFFECTS.get(rule.kind)
        if effect:
            reply.delivery = reply.delivery or Delivery()
            effect(rule, reply, reply.delivery)
