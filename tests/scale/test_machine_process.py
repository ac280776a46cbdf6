"""The process of the `worker` command: it answers tasks, refuses those of others, shows its status, stops in order."""

import dataclasses
from pathlib import Path

import pytest

from s3mover import __version__
from s3mover.events import MachineLeft
from s3mover.scale.messages import RangeAnswered
from s3mover.scale.tasks import AnswerStatus, RangeAnswer, RangeTask, dump_task, load_answer
from s3mover.settings import with_values
from s3mover.settings.digest import settings_digest
from s3mover.settings.model import Settings
from testkit.ports import reserved_port
from tests.scale.members import UNCLOSED, Members, Supervisor

pytestmark = [pytest.mark.process, UNCLOSED]

BUCKETS = {"source.bucket": "ours", "destination.bucket": "theirs"}
DIGEST = settings_digest(with_values(Settings(), BUCKETS))
TASK = RangeTask(__version__, "", 7, 3, 1, "", None, "holder", 1, DIGEST)


def answer(supervisor: Supervisor, task: RangeTask) -> RangeAnswer:
    """Return the answer to a task."""
    supervisor.cluster.submit(task.key, dump_task(task))
    message = supervisor.next()
    assert isinstance(message, RangeAnswered)
    return load_answer(message.payload)


def test_a_worker_answers_refuses_shows_its_status_and_leaves_in_order(members: Members) -> None:
    members.scheduler()
    with reserved_port() as http:
        environment = {"SRC_BUCKET": "ours", "DST_BUCKET": "theirs", "S3MOVER_HTTP__PORT": str(http)}
        worker = members.worker("one", environment)
        supervisor = members.supervisor()
        supervisor.await_machines("one")
        worker.await_event("machine.registered")
        assert worker.get(http, "/readyz") == (200, "standby\n")
        assert worker.get(http, "/healthz")[0] == 200
        assert "s3mover_build_info" in worker.get(http, "/metrics")[1]

        done = answer(supervisor, TASK)
        assert (done.status, done.tally.listed) == (AnswerStatus.COMPLETED, 3)
        other = settings_digest(with_values(Settings(), BUCKETS | {"source.prefix": "p/"}))
        refused = answer(supervisor, dataclasses.replace(TASK, number=4, settings_digest=other))
        assert refused.status is AnswerStatus.REFUSED
        assert "source.prefix" in refused.message
        assert answer(supervisor, dataclasses.replace(TASK, route="x")).status is AnswerStatus.REFUSED

        waiting = dataclasses.replace(TASK, number=5, after="wait")
        supervisor.cluster.submit(waiting.key, dump_task(waiting))
        worker.process.terminate()
        message = supervisor.next()
    assert isinstance(message, RangeAnswered)
    rest = load_answer(message.payload)
    assert (rest.status, rest.rest_after) == (AnswerStatus.INTERRUPTED, "here")
    assert worker.end() == 0
    assert worker.events[-1]["event"] == "daemon.stopped"
    supervisor.await_event(MachineLeft)


def test_a_worker_without_a_scheduler_in_its_settings_says_so(members: Members, tmp_path: Path) -> None:
    environment = {"SRC_BUCKET": "ours", "DST_BUCKET": "theirs", "S3MOVER_SCALE__SCHEDULER": ""}
    worker = members.worker("one", environment | {"S3MOVER_HTTP__PORT": "0"})
    assert worker.process.wait() == 1
    assert "scale.scheduler: is not set" in worker.tail()
    assert not list(tmp_path.glob("*.sock"))
