"""A worker process, apart from its transfers."""

import os
import subprocess
import sys
from contextlib import closing
from typing import Any, cast

import pytest

from s3mover.errors import ExitCode
from s3mover.model import Action, Order, Outcome, Side, Status
from s3mover.workers.messages import (
    REQUESTS,
    ConfigureRoute,
    FromWorker,
    ReadPage,
    Report,
    SetRate,
    WorkerConfig,
)
from s3mover.workers.pool.forkserver import ForkServer
from s3mover.workers.process.route import Route
from s3mover.workers.shared_state import WorkerState, shared_memory_file
from simulator import Simulator
from testkit.pooling import route_config

FAILING_THREAD = """
import threading
from s3mover.workers.process.worker import end_with_any_thread
end_with_any_thread()
threading.Thread(target=lambda: 1 / 0).start()
threading.Event().wait()
"""


@pytest.mark.process
def test_a_worker_ends_with_any_of_its_threads() -> None:
    """With a trace and the exit code of an internal error: otherwise the thread's order would be waited for."""
    ended = subprocess.run(
        [sys.executable, "-c", FAILING_THREAD], capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == ExitCode.INTERNAL_ERROR
    assert "ZeroDivisionError" in ended.stderr


@pytest.mark.process
def test_a_page_that_waits_for_a_limit_is_reported_periodically() -> None:
    """Three times here, though no order is in flight: a silent worker would get nearly no share of a limit."""
    memory = shared_memory_file()
    with Simulator() as simulator, closing(ForkServer()) as fork_server:
        WorkerState(1, ["only"], memory)
        worker = fork_server.fork(memory)
        for sent in (
            WorkerConfig(1, 1.0, ("only",)),
            ConfigureRoute("only", route_config(simulator)),
            SetRate("only", REQUESTS, 0.001),
            ReadPage("only", 1, Side.SOURCE, "", "", ""),
            ReadPage("only", 2, Side.SOURCE, "", "", ""),
        ):
            worker.pipe.send(sent)
        waiting = 0
        while waiting < 3:
            message: FromWorker = worker.pipe.recv()
            waiting += isinstance(message, Report) and any(usage.waiting for usage in message.usage)
        worker.reap()
        worker.pipe.close()
    os.close(memory)


def test_a_worker_copies_only() -> None:
    """An order to delete, which only the supervisor may carry out, is an internal error, and not a copy."""
    route = Route("only", 1.0, cast("Any", None), cast("Any", None), cast("Any", None), lambda _: None)
    route._mover = cast("Any", NoMover())
    order = Order(1, 2, "k", "k", 3, "e", "", "", action=Action.DELETE)
    outcome = route.move(order)
    assert (outcome.status, outcome.code, outcome.action) == (Status.ERROR, "Defect", Action.DELETE)
    assert "action delete, expected copy" in outcome.message


class NoMover:
    """A mover that must not be asked."""

    def move(self, _order: Order) -> Outcome:
        pytest.fail("it was moved")
