"""The `worker` command with a runner that does nothing: `python -m tests.scale.worker_process NAME`."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from s3mover.app.config_process import SettingsRequest
from s3mover.app.machine_process import run_machine
from s3mover.app.preload import start_config_process, start_fork_server
from s3mover.app.shared_runtime import SharedRuntime
from s3mover.model import Tally
from s3mover.scale.tasks import AnswerStatus, RangeAnswer, RangeTask


class Runner:
    """Completes every range but those that begin after `wait`, which it hands back when it is to stop."""

    def run(self, task: RangeTask, stop: Callable[[], bool]) -> RangeAnswer:
        """Run one task."""
        if task.after != "wait":
            return RangeAnswer(AnswerStatus.COMPLETED, tally=Tally(listed=task.number))
        while not stop():
            continue
        return RangeAnswer(AnswerStatus.INTERRUPTED, rest_after="here")


@contextmanager
def open_runner(_runtime: SharedRuntime) -> Iterator[Runner]:
    """Open the runner."""
    yield Runner()


if __name__ == "__main__":
    request = SettingsRequest(None, {})
    with start_config_process(request) as config_process, start_fork_server(config_process) as preloaded:
        sys.exit(run_machine(request, preloaded, sys.argv[1], open_runner))
