"""Requests of operators to the leader of a pair, on every database."""

import contextlib

from s3mover.audit.opening import open_reader
from s3mover.audit.trail import Trail
from s3mover.model import Pair, PairRequest, RequestAnswer, RequestKind
from tests.audit.conftest import Backend
from tests.audit.samples import PAIR

OTHER = Pair("other", "", "pair", "")
SWEEP, RELOAD = RequestKind.SWEEP, RequestKind.RELOAD


def test_a_leader_sees_a_request_with_its_heartbeat_and_answers_it(trail: Trail, backend: Backend) -> None:
    """The answer holds for that request and earlier ones, not for a later one."""
    with contextlib.closing(open_reader(backend.url)) as command:
        command.request(OTHER, SWEEP, "ops@bastion")
        command.request(PAIR, SWEEP, "before")
        number = command.request(PAIR, SWEEP, "ops@bastion")
        trail.heartbeat()
        assert trail.latest_requests == (
            PairRequest(SWEEP, number, "ops@bastion", has_expired=False, is_answered=False),
        )
        assert command.answer_to(PAIR, SWEEP, number) is None
        answer = RequestAnswer("pod-1", is_accepted=True, text="a sweep starts now")
        trail.answer(PAIR, SWEEP, number, answer)
        trail.answer(PAIR, SWEEP, number, answer._replace(text="late"))
        assert command.answer_to(PAIR, SWEEP, number) == command.answer_to(PAIR, SWEEP, 1) == answer
        assert command.answer_to(PAIR, SWEEP, command.request(PAIR, SWEEP, "again")) is None


def test_a_standby_sees_requests_when_it_asks_for_the_lease(trail: Trail, backend: Backend) -> None:
    """So that it reloads with the leader, and knows at once what a dead leader left unanswered."""
    number = trail.request(PAIR, RELOAD, "ops")
    with contextlib.closing(open_reader(backend.url)) as standby:
        assert not standby.acquire_lease(PAIR)
        [request] = standby.latest_requests
        assert (request.kind, request.number, request.is_answered) == (RELOAD, number, False)


def test_an_old_request_has_expired(trail: Trail, backend: Backend) -> None:
    """By the database's clock: nobody waits for its answer any more."""
    trail.request(PAIR, SWEEP, "ops")
    backend.query("UPDATE operator_requests SET requested_at = '2025-01-04 03:17:09.000'")
    assert [request.has_expired for request in trail.requests_of(PAIR)] == [True]


def test_long_texts_of_requests_are_cut(trail: Trail) -> None:
    """Rather than refused by the database."""
    number = trail.request(PAIR, SWEEP, "b" * 300)
    trail.answer(PAIR, SWEEP, number, RequestAnswer("n" * 300, is_accepted=False, text="t" * 2000))
    assert [request.by for request in trail.requests_of(PAIR)] == ["b" * 255]
    assert trail.answer_to(PAIR, SWEEP, number) == RequestAnswer(
        "n" * 255, is_accepted=False, text="t" * 1000
    )
