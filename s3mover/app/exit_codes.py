"""The exit code for the result of a sweep."""

from s3mover.errors import ExitCode
from s3mover.model import WAITING, SweepStatus
from s3mover.sweep.result import SweepResult


def exit_code_of(result: SweepResult) -> ExitCode:
    """Return the exit code for the result of a sweep.

    Raises:
        MoverError: the error that cut the sweep short.
    """
    if result.error is not None:
        raise result.error
    if result.record.status is SweepStatus.INTERRUPTED:
        return ExitCode.INTERRUPTED
    # Objects that wait after a failure have not arrived either.
    missing = result.record.tally.failed + result.skipped.get(WAITING, 0)
    return ExitCode.SOME_FAILED if missing else ExitCode.OK
