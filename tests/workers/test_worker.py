"""A worker process, apart from what it moves."""

import os
import subprocess
import sys
from contextlib import closing

from s3mover.errors import ExitCode
from s3mover.model import Side
from s3mover.workers.messages import REQUESTS, Brief, FromWorker, Learn, Rates, Read, Report
from s3mover.workers.pool.forkserver import Nursery
from s3mover.workers.shared_state import Slate, slate_memory
from simulator import Simulator
from testkit.pooling import brief_of

DEFECTIVE = """
import threading
from s3mover.workers.process.worker import end_with_any_thread
end_with_any_thread()
threading.Thread(target=lambda: 1 / 0).start()
threading.Event().wait()
"""


def test_a_worker_ends_with_any_of_its_threads() -> None:
    """By a trace and the exit code of a defect: a thread that is missed in silence would be waited for."""
    ended = subprocess.run(
        [sys.executable, "-c", DEFECTIVE], capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == ExitCode.DEFECT
    assert "ZeroDivisionError" in ended.stderr


def test_a_page_that_waits_at_a_valve_is_told_of_again_and_again() -> None:
    """Three times here, though no order is in hand: who is silent for long gets next to nothing of a limit."""
    memory = slate_memory()
    with Simulator() as simulator, closing(Nursery()) as nursery:
        Slate(1, ["only"], memory)
        worker = nursery.start(memory)
        for message in (
            Brief(1, 1.0, ("only",)),
            Learn("only", brief_of(simulator)),
            Rates("only", REQUESTS, 0.001),
            Read("only", 1, Side.SOURCE, "", "", ""),
            Read("only", 2, Side.SOURCE, "", "", ""),
        ):
            worker.pipe.send(message)
        waiting = 0
        while waiting < 3:
            told: FromWorker = worker.pipe.recv()
            waiting += isinstance(told, Report) and any(usage.waiting for usage in told.usage)
        worker.end()
        worker.pipe.close()
    os.close(memory)
