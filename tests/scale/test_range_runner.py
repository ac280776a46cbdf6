"""A machine answers every task, whatever its runner does, and refuses those that it would not do as meant."""

import dataclasses
from collections.abc import Callable

import orjson
import pytest

from s3mover import __version__
from s3mover.errors import LeaseHeldError, S3Error, UnreachableError
from s3mover.scale.range_runner import TaskAnswerer
from s3mover.scale.tasks import AnswerStatus, RangeAnswer, RangeTask, dump_task, load_answer

TASK = RangeTask(__version__, "docs", 7, 3, 2, "a", None, "holder", 5, "a=1 b=2")
DONE = RangeAnswer(AnswerStatus.COMPLETED)


class Runner:
    """Returns or raises what it was given, and remembers its tasks."""

    def __init__(self, result: RangeAnswer | Exception = DONE) -> None:
        self._result = result
        self.tasks: list[RangeTask] = []

    def run(self, task: RangeTask, stop: Callable[[], bool]) -> RangeAnswer:
        assert not stop()
        self.tasks.append(task)
        if isinstance(self._result, Exception):
            raise self._result
        return self._result


def answer(runner: Runner, payload: bytes, digest: str | None = "a=1 b=2") -> RangeAnswer:
    return load_answer(TaskAnswerer("one", runner, lambda _: digest).answer(payload, lambda: False))


def test_a_task_is_run_and_answered() -> None:
    runner = Runner()
    assert answer(runner, dump_task(TASK)) == dataclasses.replace(DONE, machine="one")
    assert runner.tasks == [TASK]


@pytest.mark.parametrize(
    ("payload", "digest", "code", "said"),
    [
        (
            dump_task(dataclasses.replace(TASK, version="9.0")),
            "a=1 b=2",
            "OtherVersion",
            "the supervisor 9.0",
        ),
        (b"\xff", "a=1 b=2", "InvalidTask", "expected a task"),
        (orjson.dumps({"version": __version__}), "a=1 b=2", "InvalidTask", "route: is missing"),
        (dump_task(TASK), "a=1 b=3", "OtherSettings", "differ from the supervisor's in b;"),
        (dump_task(TASK), None, "OtherSettings", "no route 'docs'"),
    ],
)
def test_a_task_that_is_meant_otherwise_is_refused_and_not_begun(
    payload: bytes, digest: str | None, code: str, said: str
) -> None:
    runner = Runner()
    refused = answer(runner, payload, digest)
    assert (refused.status, refused.code) == (AnswerStatus.REFUSED, code)
    assert said in refused.message
    assert runner.tasks == []


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (LeaseHeldError("replaced"), AnswerStatus.LOST, "LeaseHeldError"),
        (S3Error("AccessDenied", "no"), AnswerStatus.FAILED, "AccessDenied"),
        (UnreachableError("gone"), AnswerStatus.FAILED, "UnreachableError"),
        (ZeroDivisionError("odd"), AnswerStatus.FAILED, "InternalError"),
    ],
)
def test_an_error_of_the_runner_is_an_answer(error: Exception, status: AnswerStatus, code: str) -> None:
    failed = answer(Runner(error), dump_task(TASK))
    assert (failed.status, failed.code) == (status, code)
    assert failed.message


def test_an_answer_that_cannot_be_sent_is_a_failure() -> None:
    failed = answer(Runner(RangeAnswer(AnswerStatus.COMPLETED, message="\udc80")), dump_task(TASK))
    assert (failed.status, failed.code) == (AnswerStatus.FAILED, "InternalError")
