"""The work on a range as a machine sees it: a task comes as bytes, is checked, is run, and is answered in any case."""

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from s3mover import __version__
from s3mover.errors import LeaseHeldError, MoverError, S3Error
from s3mover.observe.logs import log_internal_error
from s3mover.scale.tasks import (
    AnswerStatus,
    OtherVersionError,
    RangeAnswer,
    RangeTask,
    TaskFormatError,
    dump_answer,
    load_task,
)
from s3mover.settings.digest import differing_settings

INTERNAL_ERROR = "InternalError"


class RangeRunner(Protocol):
    """Lists, compares, transfers and settles one range; called by one thread, one range at a time."""

    def run(self, task: RangeTask, stop: Callable[[], bool]) -> RangeAnswer:
        """Work on a range until it is completed, or `stop` returns True; then return what became of it.

        Raises:
            LeaseHeldError: another run of the range has taken its place.
            MoverError: the range cannot be completed, for a reason of the store, of a permission or of the database.
        """


class TaskAnswerer:
    """Answers tasks on a machine by a runner.

    `digest_of` returns the digest of a route's settings here, None if there is none. `route` is the route whose range
    is being worked on, None while there is none; `answered` counts the tasks.
    """

    def __init__(self, machine: str, runner: RangeRunner, digest_of: Callable[[str], str | None]) -> None:
        self._machine = machine
        self._runner = runner
        self._digest_of = digest_of
        self.route: str | None = None
        self.answered = 0

    def answer(self, payload: bytes, stop: Callable[[], bool]) -> bytes:
        """Return the answer to a task, whatever happens: an exception would travel pickled."""
        try:
            return dump_answer(replace(self._answer(payload, stop), machine=self._machine))
        except TaskFormatError as error:
            return dump_answer(RangeAnswer(AnswerStatus.FAILED, str(error), INTERNAL_ERROR))
        finally:
            self.answered += 1

    def _answer(self, payload: bytes, stop: Callable[[], bool]) -> RangeAnswer:
        try:
            task = load_task(payload, __version__)
        except OtherVersionError as error:
            return _refused("OtherVersion", str(error))
        except TaskFormatError as error:
            return _refused("InvalidTask", str(error))
        problem = self._difference(task)
        return _refused("OtherSettings", problem) if problem else self._run(task, stop)

    def _run(self, task: RangeTask, stop: Callable[[], bool]) -> RangeAnswer:
        self.route = task.route
        try:
            return self._runner.run(task, stop)
        except LeaseHeldError as error:
            return RangeAnswer(AnswerStatus.LOST, str(error), type(error).__name__)
        except MoverError as error:
            code = error.code if isinstance(error, S3Error) else type(error).__name__
            return RangeAnswer(AnswerStatus.FAILED, str(error), code)
        except Exception as error:  # noqa: BLE001 - the supervisor must learn that its range was not completed
            log_internal_error(error)
            return RangeAnswer(AnswerStatus.FAILED, f"{type(error).__name__}: {error}", INTERNAL_ERROR)
        finally:
            self.route = None

    def _difference(self, task: RangeTask) -> str:
        """Return in which settings this machine and the supervisor differ, an empty string if in none."""
        ours = self._digest_of(task.route)
        if ours is None:
            return f"this machine's settings have no route {task.route!r}; give it the supervisor's settings"
        names = differing_settings(ours, task.settings_digest)
        if not names:
            return ""
        return (
            f"this machine's settings differ from the supervisor's in {', '.join(names)}; give both the same, and "
            "restart the machine or send it SIGHUP"
        )


def _refused(code: str, message: str) -> RangeAnswer:
    return RangeAnswer(AnswerStatus.REFUSED, message, code)
