"""Which keys events and sweep have in hand, and which messages are done."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from s3mover.sweep.events.keys import KeysInHand
from s3mover.sweep.events.open_messages import OpenMessages


def test_a_key_in_hand_is_looked_at_again_afterwards_with_all_that_came_meanwhile() -> None:
    keys = KeysInHand()
    keys.add("a", 1.0, 1)
    assert keys.take(9) == ["a"]
    keys.add("a", 3.0, 2)
    keys.add("a", 2.0, 3)
    assert keys.take(9) == []
    assert keys.release("a").messages == [1]
    assert keys.take(9) == ["a"]
    assert (keys.work("a").messages, keys.work("a").changed_at) == ([2, 3], 3.0)


def test_a_key_in_the_hand_of_the_sweep_waits_until_the_sweep_has_ended_it() -> None:
    keys = KeysInHand()
    keys.begin_sweeping(["a"])
    keys.add("a")
    assert keys.take(9) == []
    assert keys.holds("a")
    keys.end_sweeping(["a"])
    assert keys.take(9) == ["a"]


def test_no_more_keys_are_taken_than_asked_for() -> None:
    keys = KeysInHand()
    for key in "abc":
        keys.add(key)
    assert (keys.take(2), keys.take(2), len(keys)) == (["a", "b"], ["c"], 3)


def test_waiting_keys_are_dropped_and_those_in_hand_are_kept() -> None:
    keys = KeysInHand()
    keys.add("a", message=1)
    keys.take(1)
    keys.add("b", message=2)
    assert [work.messages for work in keys.drop_waiting()] == [[2]]
    assert (keys.holds("a"), keys.holds("b"), keys.take(9)) == (True, False, [])


def test_a_message_is_done_with_its_last_key_and_failed_if_any_did() -> None:
    messages = OpenMessages()
    messages.add(1, 2)
    messages.add(2, 1)
    messages.key_done([1, 2], succeeded=True)
    assert messages.take_done().succeeded == [2]
    messages.key_done([1], succeeded=False)
    done = messages.take_done()
    assert (done.succeeded, done.failed, len(messages)) == ([], [1], 0)


class Hands(RuleBasedStateMachine):
    """Whatever happens in whatever order: no key is in two hands, and none that waits is forgotten."""

    def __init__(self) -> None:
        super().__init__()
        self.keys = KeysInHand()
        self.events: set[str] = set()
        self.swept: set[str] = set()
        self.waiting: dict[str, list[int]] = {}
        self.number = 0

    @rule(key=st.sampled_from("abc"))
    def arrives(self, key: str) -> None:
        self.number += 1
        self.keys.add(key, message=self.number)
        self.waiting.setdefault(key, []).append(self.number)

    @rule()
    def looks(self) -> None:
        free = {key for key in self.waiting if key not in self.events and key not in self.swept}
        taken = self.keys.take(99)
        assert set(taken) == free
        assert len(taken) == len(free)
        for key in taken:
            assert self.keys.work(key).messages == self.waiting.pop(key)
        self.events |= free

    @precondition(lambda self: self.events)
    @rule(data=st.data())
    def ends(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.events)))
        self.keys.release(key)
        self.events.discard(key)

    @rule(key=st.sampled_from("abc"))
    def sweeps(self, key: str) -> None:
        if not self.keys.holds(key) and key not in self.swept:
            self.keys.begin_sweeping([key])
            self.swept.add(key)

    @precondition(lambda self: self.swept)
    @rule(data=st.data())
    def sweep_ends(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.swept)))
        self.keys.end_sweeping([key])
        self.swept.discard(key)

    @invariant()
    def nothing_is_in_two_hands(self) -> None:
        assert not self.events & self.swept


TestHands = Hands.TestCase
TestHands.settings = settings(max_examples=40, stateful_step_count=25)
