"""One request from its head to its reply: admitted or refused, executed, answered, logged."""

import time

from simulator.admission import RequestInfo, admit
from simulator.answers import WITHOUT_ACTION, add_common_headers, apply_effects, error, reply_without_action
from simulator.call import Call
from simulator.operations import OPERATIONS
from simulator.refusals import Refusal
from simulator.requestlog import Entry
from simulator.wire import Delivery, Exchange, Reply, Request
from simulator.world import World


class S3Exchange:
    """One request in progress."""

    def __init__(self, world: World, request: Request) -> None:
        self._world = world
        self._request = request
        self._started = time.perf_counter()
        self._info = RequestInfo()
        self._call: Call | None = None
        self._refusal: Refusal | None = None
        try:
            self._call = admit(world, request, self._info)
        except Refusal as refusal:
            self._refusal = refusal

    def refused(self) -> bool:
        """Return whether the answer is already known and the body not needed."""
        return self._refusal is not None

    def take(self, data: bytes) -> None:
        """Take further bytes of the body."""
        if self._call is None or self._call.request_body is None or self._refusal:
            return
        try:
            self._call.request_body.write(data)
        except Refusal as refusal:
            self._refusal = refusal

    def finish(self) -> Reply:
        """Execute the request, log it, and return the reply."""
        self._world.log.number += 1
        reply = self._execute()
        add_common_headers(reply, self._world.log.number, int(self._world.now()))
        if self._request.method == "HEAD":
            reply.length, reply.body = reply.size if reply.status < 300 else 0, b""
        self._add_latency(reply)
        apply_effects(self._info.rules, reply)
        self._log_request(reply)
        return reply

    def _execute(self) -> Reply:
        number = self._world.log.number
        rule = None if self._refusal else self._info.rule(*WITHOUT_ACTION)
        if rule:
            return reply_without_action(rule, number)
        try:
            return _act(self._call, self._info.operation, self._refusal)
        except Refusal as refusal:
            mute = self._call is not None and self._call.quirk("no_error_message")
            return error(refusal, number, with_message=not mute)

    def _add_latency(self, reply: Reply) -> None:
        latency = self._world.latency
        if latency and reply.delivery is None:
            delay = latency.get(self._info.operation, latency.get("*", 0.0))
            reply.delivery = Delivery(delay=delay) if delay else None

    def _log_request(self, reply: Reply) -> None:
        info, log = self._info, self._world.log
        body = self._call.request_body if self._call else None
        entry = Entry(
            log.number,
            time.time(),
            info.operation,
            info.bucket,
            info.key,
            info.principal,
            reply.status,
            reply.code,
            time.perf_counter() - self._started,
            self._request.headers.get("x-amz-copy-source", ""),
            reply.detail,
            body.received if body else 0,
            reply.size,
            info.access_key,
        )
        log.add(entry)


def _act(call: Call | None, operation: str, refusal: Refusal | None) -> Reply:
    """Carry the operation out, unless it was refused before."""
    if refusal:
        raise refusal
    if call is None:
        raise Refusal("InternalError")
    if call.request_body:
        call.request_body.finish()
    return OPERATIONS[operation].act(call)


class S3Service:
    """Answers S3 requests about one world."""

    def __init__(self, world: World) -> None:
        self._world = world

    def open(self, request: Request) -> Exchange:
        """Begin to work on a request."""
        return S3Exchange(self._world, request)
