"""What the result of a sweep means to a shell."""

from s3mover.errors import ExitCode
from s3mover.model import WAITING, SweepStatus
from s3mover.sweep.loop import SweepResult


def exit_code_of(result: SweepResult) -> ExitCode:
    """Return what a sweep's result means to a shell.

    Raises:
        MoverError: what cut the sweep short.
    """
    if result.error is not None:
        raise result.error
    if result.record.status is SweepStatus.INTERRUPTED:
        return ExitCode.INTERRUPTED
    # What waits after a failure has not arrived, either.
    behind = result.record.tally.failed + result.skipped.get(WAITING, 0)
    return ExitCode.SOME_FAILED if behind else ExitCode.OK
