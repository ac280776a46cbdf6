"""Requests of operators at one instance of a pair, with a trail that only records."""

from s3mover.events import Event
from s3mover.lifecycle.operator_requests import OperatorRequests, Reloaded
from s3mover.lifecycle.pair_requests import PairRequests
from s3mover.model import Pair, PairRequest, Pause, RequestAnswer, RequestKind

PAIR = Pair("a", "", "b", "")
SWEEP, RELOAD = RequestKind.SWEEP, RequestKind.RELOAD
HERE = "pod-0"


class Instance:
    """An instance, and a trail that holds what others asked; `available` while its database answers."""

    def __init__(self, *, leads: bool) -> None:
        self.requests, self.events = OperatorRequests(), list[Event]()
        self.standing_pause: Pause | None = None
        self.latest_requests: tuple[PairRequest, ...] = ()
        self.asked: list[tuple[RequestKind, str]] = []
        self.answers: list[tuple[RequestKind, int, RequestAnswer]] = []
        self.available, self.takes, self.blocked = True, True, ""
        self.polled = PairRequests(
            self.requests,
            HERE,
            "hr",
            PAIR,
            self,
            self.events.append,
            lambda: self.blocked,
            takes=lambda: self.takes,
        )
        self.polled.is_leader = leads

    def try_request(self, _pair: Pair, kind: RequestKind, by: str) -> int | None:
        if self.available:
            self.asked.append((kind, by))
        return len(self.asked) if self.available else None

    def try_answer(self, _pair: Pair, kind: RequestKind, number: int, answer: RequestAnswer) -> bool:
        if self.available:
            self.answers.append((kind, number, answer))
        return self.available

    def receives(
        self, kind: RequestKind, number: int, *, expired: bool = False, answered: bool = False
    ) -> None:
        self.latest_requests = (PairRequest(kind, number, "ops", expired, answered),)
        self.polled.poll()
        self.polled.poll()


def accepted(text: str) -> RequestAnswer:
    return RequestAnswer(HERE, is_accepted=True, text=text)


def test_the_leader_starts_a_requested_sweep_once_and_says_so() -> None:
    """Again only for a new request; while a sweep runs, the answer says so."""
    leader = Instance(leads=True)
    leader.receives(SWEEP, 7)
    assert leader.requests.sweeps_of("hr") == 1
    with leader.polled.sweeping():
        leader.receives(SWEEP, 8)
    assert leader.requests.sweeps_of("hr") == 2
    assert leader.requests.sweeps_of("sales") == 0
    assert leader.answers == [
        (SWEEP, 7, accepted("a sweep starts now")),
        (SWEEP, 8, accepted("a sweep is running; another one starts when it ends")),
    ]


def test_the_leader_refuses_a_sweep_that_is_blocked() -> None:
    """With the reason."""
    leader = Instance(leads=True)
    leader.blocked = "paused"
    leader.receives(SWEEP, 7)
    assert leader.requests.sweeps_of("hr") == 0
    assert leader.answers == [
        (SWEEP, 7, RequestAnswer(HERE, is_accepted=False, text="no sweep starts: paused"))
    ]


def test_the_leader_answers_a_reload_once_it_is_done() -> None:
    """With its result; an answer waits while the database is unavailable."""
    leader = Instance(leads=True)
    leader.receives(RELOAD, 3)
    assert (leader.requests.all_reloads, leader.answers) == (1, [])
    leader.requests.reloaded = Reloaded(1, is_applied=True, text="nothing changed")
    leader.available = False
    leader.polled.poll()
    leader.available = True
    leader.polled.poll()
    assert leader.answers == [(RELOAD, 3, accepted("nothing changed"))]


def test_nothing_is_done_for_a_request_that_expired_or_has_an_answer() -> None:
    """Nor by a process that stops, or sweeps once: others may take it."""
    leader = Instance(leads=True)
    leader.receives(SWEEP, 1, expired=True)
    leader.receives(SWEEP, 1, answered=True)
    leader.takes = False
    leader.receives(SWEEP, 2)
    assert (leader.requests.sweeps_of("hr"), leader.answers) == (0, [])


def test_a_standby_leaves_a_sweep_to_the_leader_until_it_leads() -> None:
    """A request that a dead leader left is the next one's."""
    standby = Instance(leads=False)
    standby.receives(SWEEP, 7)
    assert standby.requests.sweeps_of("hr") == 0
    standby.polled.is_leader = True
    standby.polled.poll()
    assert [number for _, number, _ in standby.answers] == [7]


def test_a_standby_reloads_with_the_leader() -> None:
    """Whether the leader has answered or not, and once."""
    for answered in (False, True):
        standby = Instance(leads=False)
        standby.receives(RELOAD, 3, answered=answered)
        assert (standby.requests.all_reloads, standby.answers, standby.asked) == (1, [], [])


def test_a_standby_forwards_what_it_is_asked_by_a_signal() -> None:
    """Once, as soon as the database answers; it does not take its own reload for another one."""
    standby = Instance(leads=False)
    standby.available = False
    standby.requests.sweep()
    standby.requests.reload()
    standby.polled.poll()
    assert standby.asked == []
    standby.available = True
    standby.polled.poll()
    assert standby.asked == [(SWEEP, f"{HERE} (signal)"), (RELOAD, f"{HERE} (signal)")]
    standby.receives(RELOAD, 2)
    assert standby.requests.all_reloads == 1
    assert len(standby.asked) == 2


def test_a_pause_in_the_trail_is_noted_for_its_route() -> None:
    """Even by a process that takes no requests."""
    once = Instance(leads=True)
    once.takes, once.standing_pause = False, Pause(1.0, "ops", "")
    once.polled.poll()
    assert once.requests.pause_of("hr") == once.standing_pause
    assert once.requests.pause_of("sales") is None
