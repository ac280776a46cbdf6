"""A worker process, apart from what it moves."""

import subprocess
import sys

from s3mover.errors import ExitCode

DEFECTIVE = """
import threading
from s3mover.workers.worker import end_with_any_thread
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
