"""The result of one test of `check`."""

from collections.abc import Collection
from enum import StrEnum
from typing import Any, NamedTuple

from s3mover.errors import MoverError


class Level(StrEnum):
    """How a test ended."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


class CheckResult(NamedTuple):
    """One test: its name, how it ended, and a message that says what to do if it did not pass.

    `policy` holds the documents that grant a missing permission, as in `Remedy`.
    """

    name: str
    level: Level
    message: str
    policy: Collection[dict[str, Any]] = ()


class CheckWarning(MoverError):  # noqa: N818 - a warning, raised like an error
    """A problem that does not prevent the work; `policy` as in `CheckResult`."""

    def __init__(self, message: str, policy: Collection[dict[str, Any]] = ()) -> None:
        super().__init__(message)
        self.policy = list(policy)
