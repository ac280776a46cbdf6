"""What supervisor and machines send each other survives the way, and what is neither is refused."""

import dataclasses

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3mover.model import Action, Method, Outcome, Status, Tally
from s3mover.scale.tasks import (
    FAILURES_SENT,
    AnswerStatus,
    OtherVersionError,
    RangeAnswer,
    RangeTask,
    TaskFormatError,
    dump_answer,
    dump_task,
    load_answer,
    load_task,
    range_of,
)

VERSION = "1.2.3"
TASK = RangeTask(VERSION, "docs", 7, 3, 2, "a", "b", "holder", 5, "digest", 10.0, 1e6, 9)
FAILURE = Outcome(
    7, 1, "k", 5, Status.ERROR, Method.STREAMING, 1.5, 20, 3, "e", code="AccessDenied", message="no"
)
ANSWER = RangeAnswer(
    AnswerStatus.INTERRUPTED,
    message="asked to stop",
    code="Stopped",
    rest_after="k",
    tally=Tally(10, 5, 5, 3, 1, 99, 2, 1),
    skipped={"in_place": 5},
    fallbacks={"AccessDenied": 1},
    unkept={"tags": 1},
    failures=(FAILURE,),
    listed=4,
    machine="one",
)
# Everything that UTF-8 can encode: S3 permits any such text as a key.
keys = st.text(st.characters(exclude_categories=["Cs"]))


@given(keys, st.none() | keys)
def test_a_task_arrives_as_it_was_sent(after: str, until: str | None) -> None:
    task = dataclasses.replace(TASK, after=after, until=until)
    assert load_task(dump_task(task), VERSION) == task


@given(st.none() | keys, keys)
def test_an_answer_arrives_as_it_was_sent(rest_after: str | None, key: str) -> None:
    answer = dataclasses.replace(ANSWER, rest_after=rest_after, failures=(FAILURE._replace(key=key),))
    assert load_answer(dump_answer(answer)) == answer


@pytest.mark.parametrize("route", ["", "docs", "a-b-1"])
def test_the_key_of_a_task_names_its_range(route: str) -> None:
    assert range_of(dataclasses.replace(TASK, route=route).key) == (route, 7, 3)
    assert range_of(f"execute_task-{TASK.key}") is None
    assert range_of(f"range-{route}-7-x-2") is None


def test_every_field_of_an_outcome_arrives_as_it_was_sent() -> None:
    outcome = Outcome(
        1, 2, "k", 3, Status.SUCCESS, None, 4.5, 6, 7, "a", "b", "c", "d", "e", True, ("tags", "acl"), Action.DELETE
    )  # fmt: skip
    arrived = load_answer(dump_answer(RangeAnswer(AnswerStatus.FAILED, failures=(outcome,)))).failures[0]
    assert arrived == outcome
    assert [type(value) for value in arrived] == [type(value) for value in outcome]


def test_an_answer_carries_the_latest_failures_only() -> None:
    failures = tuple(FAILURE._replace(number=number) for number in range(FAILURES_SENT + 5))
    arrived = load_answer(dump_answer(RangeAnswer(AnswerStatus.COMPLETED, failures=failures)))
    assert arrived.failures == failures[5:]


def test_a_key_that_is_not_utf8_cannot_be_sent() -> None:
    with pytest.raises(TaskFormatError, match="cannot be sent"):
        dump_task(dataclasses.replace(TASK, after="\udc80"))


def test_a_task_of_another_version_is_refused_with_both_versions() -> None:
    sent = orjson.dumps({"version": "9.0.0", "something": "else"})
    with pytest.raises(OtherVersionError, match=r"runs s3mover 1\.2\.3, the supervisor 9\.0\.0"):
        load_task(sent, VERSION)


def test_each_attempt_at_a_range_has_a_key_of_its_own() -> None:
    others = (
        dataclasses.replace(TASK, route="other"),
        dataclasses.replace(TASK, sweep=99),
        dataclasses.replace(TASK, number=99),
        dataclasses.replace(TASK, token=99),
    )
    assert len({task.key for task in (TASK, *others)}) == 5


@given(st.binary())
def test_garbled_bytes_are_neither_a_task_nor_an_answer(payload: bytes) -> None:
    for load in (lambda payload: load_task(payload, VERSION), load_answer):
        with pytest.raises(TaskFormatError):
            load(payload)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("sweep", "7"), ("sweep", True), ("number", -1), ("token", 1.5), ("after", None), ("until", 3),
        ("route", {"x": 1}), ("lease_token", []), ("bandwidth", "fast"), ("requests_per_second", None),
    ],
)  # fmt: skip
def test_a_task_with_a_value_of_another_type_is_refused_by_its_name(name: str, value: object) -> None:
    sent = orjson.dumps(dataclasses.asdict(TASK) | {name: value})
    with pytest.raises(TaskFormatError, match=f"{name}: expected"):
        load_task(sent, VERSION)


@pytest.mark.parametrize("name", ["token", "until", "lease_holder"])
def test_a_task_without_a_field_is_refused_by_its_name(name: str) -> None:
    sent = dataclasses.asdict(TASK)
    del sent[name]
    with pytest.raises(TaskFormatError, match=f"{name}: is missing"):
        load_task(orjson.dumps(sent), VERSION)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("status", "fine"), ("tally", {"listed": 1}), ("tally", [1]), ("skipped", {"in_place": -1}),
        ("failures", [[1, 2]]), ("failures", [[*FAILURE[:4], "odd", *FAILURE[5:]]]), ("rest_after", 1),
    ],
)  # fmt: skip
def test_an_answer_with_a_value_of_another_type_is_refused(name: str, value: object) -> None:
    sent = orjson.loads(dump_answer(ANSWER)) | {name: value}
    with pytest.raises(TaskFormatError, match=name):
        load_answer(orjson.dumps(sent))
